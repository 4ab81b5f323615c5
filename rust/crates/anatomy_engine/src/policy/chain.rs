//! Whether a whole run of a block of joins starts from one of its leaves, by look-ups, or is a plan of DataFusion's.
//!
//! A chain of look-ups costs a tenth of what planning the same joins costs, and it uses indexes that edits need anyway. But it
//! starts from the leaf that is written first, whatever the sizes: over a large workspace (Django: 500,000 expressions) all
//! chains together took twice as long to run as hash joins in a planned order, which by then are worth their planning.

use super::profile::{Policy, Profile};

/// Rows of all inner leaves of a block together, up to which the chain is taken.
const MOST_ROWS: usize = 100_000;

/// The most rows of a block that starts from a leaf.
pub(crate) fn chain_rows(policy: &Policy) -> usize {
    let usual = if policy.profile == Profile::Replay { 0 } else { MOST_ROWS };
    policy.chain_rows.unwrap_or(usual)
}

/// Decides for a block whose inner leaves hold so many rows.
pub(crate) fn starts_from_a_leaf(rows: usize, policy: &Policy) -> bool {
    rows <= chain_rows(policy)
}
