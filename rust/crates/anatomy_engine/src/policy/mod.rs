//! Decisions that are made from sizes, each with its reason; one file for each decision. All thresholds live here.

mod aside;
mod batches;
mod calibration;
mod chain;
mod narrow;
mod pieces;
mod profile;
mod rings;
mod segments;
mod shapes;
mod side;
mod whole;

pub(crate) use aside::{ASIDE_AFTER, LONGEST_ASIDE, SHORTEST_ASIDE};
pub(crate) use batches::BATCH_ROWS;
pub(crate) use calibration::{Advice, Costs, calibrated};
pub(crate) use chain::{chain_rows, starts_from_a_leaf};
pub(crate) use narrow::{FEW_ROWS, is_narrow};
pub(crate) use pieces::{MANY_ROWS, PIECE_ROWS, PIECES_AT_ONCE, settles};
pub(crate) use profile::Workload;
pub use profile::{Calibration, Policy, Profile, Validation};
pub(crate) use rings::{MOST_COMMITS, MOST_EDITS, MOST_FALLBACKS, MOST_FAULTS, MOST_REQUESTS, MOST_RUNS};
pub(crate) use segments::{MOST_SMALL_SEGMENTS, SMALL_ROWS};
pub(crate) use shapes::{FEWEST_GROWN, MOST_GRAIN, MOST_GROWTH, MOST_INDEXED, MOST_JOINED, MOST_READERS, MOST_ROUNDS};
pub(crate) use side::runs_side_by_side;
pub use whole::would_run_whole;
pub(crate) use whole::{Whole, runs_whole, whole_from};
