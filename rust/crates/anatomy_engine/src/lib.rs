//! The engine: a program compiled to DataFusion plans, relations, and the runs that keep every view true.
//!
//! Knows relations, plans and keys. Knows no syntax tree, no file system, no editor, and no word of Python: what a
//! relation means is said by the program alone.
#![warn(missing_docs)]

mod error;
pub mod fault;
mod functions;
mod lower;
pub mod memory;
mod operators;
mod plan;
mod policy;
mod run;
pub mod store;

pub use anatomy_program::TableSpec;
pub use error::{EngineError, Result};
pub use run::{Change, Engine, Explained, Limits, Mode, Report, ViewRun, Witness, fingerprint_of};
