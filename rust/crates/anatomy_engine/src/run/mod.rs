//! Runs: a change of evidence becomes the next snapshot, and the report of what ran for it.

mod describe;
mod engine;
mod explain;
mod query;
mod recursion;
mod report;

pub use engine::{Change, Engine, fingerprint_of};
pub use explain::{Explained, Witness};
pub use query::Limits;
pub use report::{Mode, Report, ViewRun};
