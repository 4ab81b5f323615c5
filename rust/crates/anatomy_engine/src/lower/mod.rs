//! From a rule to DataFusion logical plans, and from those to join blocks.
//!
//! Every kind of view takes the same way: the rule becomes SQL text over its inputs (`sql`), DataFusion parses and types
//! it (`session`), and the typed plan is read as blocks of leaves, equalities and filters (`block`), from which
//! `crate::plan` derives the keyed and the impact form. Nothing is declared beside the plan.

pub(crate) mod block;
pub(crate) mod session;
pub(crate) mod sql;

pub(crate) use block::{Block, Leaf, LeafJoin};
pub(crate) use session::{CatalogEntry, Session};
