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
pub use plan::{Manifest, PackManifest, compiles};
pub use policy::{Calibration, Policy, Profile, Validation, would_run_whole};
pub use run::{
    Change, Edit, Engine, Explained, Fault, Ledger, Limits, Mode, Output, Report, Request, ViewRun, Witness, run_tables,
};
