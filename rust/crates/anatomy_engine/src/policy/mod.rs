//! Decisions that are made from sizes, each with its reason; one file for each decision. All thresholds live here.

mod chain;
mod narrow;
mod pieces;
mod whole;

pub(crate) use chain::starts_from_a_leaf;
pub(crate) use narrow::is_narrow;
pub(crate) use pieces::{PIECE_ROWS, settles};
pub(crate) use whole::{Whole, runs_whole};
