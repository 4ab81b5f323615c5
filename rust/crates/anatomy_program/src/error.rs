//! Why a program is refused.

use anatomy_facts::{ErrorCode, Stage};
use thiserror::Error;

/// A refusal: code, stage, place, sentence and remedy.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{place}: {message}")]
pub struct ProgramError {
    /// Stable code.
    pub code: ErrorCode,
    /// Decode or compile.
    pub stage: Stage,
    /// `packs/python/x.toml: key`.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

impl ProgramError {
    /// A refusal while compiling.
    #[must_use]
    pub fn compile(
        code: ErrorCode,
        place: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        ProgramError { code, stage: Stage::Compile, place: place.into(), message: message.into(), hint: hint.into() }
    }
}

/// The known name nearest to a wrong one, if any is near.
#[must_use]
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let bound = 1 + wrong.len() / 3;
    known
        .into_iter()
        .map(|name| (distance(wrong, name), name))
        .filter(|(apart, _)| *apart <= bound)
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein distance, one row at a time.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        assert_eq!(nearest("bindngs", ["names", "bindings", "scopes"]), Some("bindings"));
        assert_eq!(nearest("zzz", ["names", "bindings"]), None);
    }
}
