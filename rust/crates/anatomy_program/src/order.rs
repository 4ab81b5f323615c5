//! The order in which views must run, from what they read alone.

use std::collections::BTreeMap;

use anatomy_facts::ErrorCode;

use crate::ProgramError;

/// Names sorted so that each comes after what it reads; ties by name. A view that reads itself (rounds) is no circle.
///
/// # Errors
/// `rule-cycle` with the names that read each other.
pub fn topological(reads: &BTreeMap<String, Vec<String>>) -> Result<Vec<String>, ProgramError> {
    let mut order: Vec<String> = Vec::with_capacity(reads.len());
    let mut open: BTreeMap<&str, usize> = reads
        .iter()
        .map(|(name, inputs)| {
            (name.as_str(), inputs.iter().filter(|input| *input != name && reads.contains_key(*input)).count())
        })
        .collect();
    while let Some(name) = open.iter().find(|(_, waiting)| **waiting == 0).map(|(name, _)| (*name).to_owned()) {
        open.remove(name.as_str());
        for (reader, waiting) in &mut open {
            *waiting -= reads[*reader].iter().filter(|input| **input == name).count();
        }
        order.push(name);
    }
    if open.is_empty() {
        return Ok(order);
    }
    let names: Vec<&str> = open.into_keys().collect();
    Err(ProgramError::compile(
        ErrorCode::RuleCycle,
        names.join(", "),
        format!("these rules read each other in a circle: {}", names.join(", ")),
        "recursion is bounded: let one rule read itself and say `rounds = 8`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(of: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        of.iter()
            .map(|(name, inputs)| ((*name).to_owned(), inputs.iter().map(|input| (*input).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn readers_come_after_what_they_read() {
        let order = topological(&reads(&[("a", &["b", "b"]), ("b", &["names", "b"]), ("c", &["a"])])).unwrap();
        assert_eq!(order, ["b", "a", "c"]);
    }

    #[test]
    fn a_circle_is_refused_by_name() {
        let refused = topological(&reads(&[("a", &["b"]), ("b", &["a"])])).unwrap_err();
        assert!(refused.message.contains("a, b"));
    }
}
