//! The program as data: what a rule says, which join keys it means, and what is wrong with it.
//!
//! Knows relations only by their columns and roles: no DataFusion, no Python, no file of a workspace. Every refusal has
//! a code, the place (file and key) and a remedy.
#![warn(missing_docs)]

mod clause;
mod error;
mod joins;
mod order;
mod spec;

pub use clause::{ColumnsOf, IsFunction, Lowered, Match};
pub use error::ProgramError;
pub use joins::{JoinKey, RelationColumns, infer_keys};
pub use order::topological;
pub use spec::{ColumnSpec, Confidence, Limit, Linear, Pack, Program, Refresh, TableSpec, ViewKind, ViewSpec, Winner};
