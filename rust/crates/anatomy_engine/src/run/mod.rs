//! Runs: a change of evidence becomes the next snapshot, and the report of what ran for it.

mod aside;
mod bundle;
mod decisions;
mod describe;
mod engine;
mod explain;
mod follow;
mod ledger;
mod outputs;
mod query;
mod recursion;
mod report;
mod tables;

pub use engine::{Change, Engine, Rows};
pub use explain::{Explained, Witness};
pub use ledger::{Edit, Fault, Ledger, Request};
pub use outputs::Output;
pub use query::Limits;
pub use report::{Mode, Report, ViewRun};
pub use tables::run_tables;
