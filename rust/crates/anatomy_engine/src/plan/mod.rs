//! The physical forms of a view, all derived from its logical plan: full, keyed, impact, and the one that explains.
//!
//! Says what must run and how; never reads a row by itself.

mod compile;
mod contract;
mod lineage;
mod manifest;
mod outward;
mod schedule;
mod validation;
mod view;

pub(crate) use compile::compile;
pub use compile::compiles;
pub use manifest::{Manifest, PackManifest};
pub(crate) use manifest::{hash_of, shown};
pub(crate) use outward::schema_of_leaves;
pub(crate) use schedule::schedule;
pub(crate) use validation::{Finding, Weight, findings};
pub(crate) use view::{Compiled, View};
