//! Relations: immutable segments, small deltas, derived indexes, and snapshots of all of them.
//!
//! A relation is a list of Arrow segments with a bitmap of dead rows each. An edit adds a small segment and copies the
//! bitmaps that it touches; nothing is rewritten on the hot path. Small segments are merged when they grow many.

pub mod image;
mod index;
mod relation;
mod rows;
mod snapshot;

pub use index::Index;
pub(crate) use index::{hash_rows, number_at, same_row};
pub(crate) use relation::missed_index_rows;
pub use relation::{Delta, Location, Relation};
pub(crate) use rows::firsts;
pub use rows::{RowSet, difference, row_hashes};
pub use snapshot::Snapshot;
