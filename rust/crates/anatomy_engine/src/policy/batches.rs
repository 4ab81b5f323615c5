//! How many rows a run handles together.

/// Rows in one batch of a run: what fits into the cache of a core for the few columns that a plan reads.
pub(crate) const BATCH_ROWS: usize = 8192;
