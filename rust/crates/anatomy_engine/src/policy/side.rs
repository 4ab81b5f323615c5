//! Whether the views of a stage, which need nothing of each other, run side by side.
//!
//! Waking another thread costs some ten microseconds, about as much as asking a view of an edit that says nothing to it.

use super::whole::Whole;

/// Changed rows that the views of a stage read together, from which on threads share them.
const MANY_ROWS: usize = 2_000;

/// Decides for a stage of a commit whose views read so many changed rows.
pub(crate) fn runs_side_by_side(whole: Option<Whole>, changed: usize) -> bool {
    whole.is_some() || changed >= MANY_ROWS
}
