//! Whether an index over some columns also serves look-ups over these and more.
//!
//! Each index costs seven bytes a row, and half of all that a graph held was indexes, many of them over the columns of
//! another one and one more. Where few rows share a key, comparing them all costs less than an index of its own.

/// Rows that may be compared in vain for each that is found.
pub(crate) const FEW_ROWS: f64 = 8.0;

/// Decides for an index of which a row shares its key with so many rows (itself counted), on average over the rows.
pub(crate) fn is_narrow(spread: f64) -> bool {
    spread <= FEW_ROWS
}
