//! What every other crate agrees on: identities, symbols, byte spans, table contracts and error codes.
//!
//! This room knows Arrow schemas and nothing that happens to them: no DataFusion, no syntax trees, no files.
#![warn(missing_docs)]

pub mod codes;
pub mod contract;
pub mod facts;
pub mod id;
pub mod run_tables;
pub mod symbol;
pub mod tables;

pub use codes::{ErrorCode, Severity, Stage};
pub use contract::{Column, ColumnType, Contract, Role};
pub use facts::{Anchor, AnchorKind, FileFacts, TableBuilder};
pub use id::{Id, id_of};
pub use symbol::Symbol;
