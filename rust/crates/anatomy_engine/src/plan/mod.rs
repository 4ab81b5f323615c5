//! The physical forms of a view, all derived from its logical plan: full, keyed, impact, and the one that explains.
//!
//! Says what must run and how; never reads a row by itself.

mod compile;
mod outward;
mod view;

pub(crate) use compile::compile;
pub(crate) use outward::schema_of_leaves;
pub(crate) use view::{Compiled, View};
