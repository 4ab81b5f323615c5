//! In how large pieces the rows of a level are followed, and when what they yield is settled.
//!
//! Many ways lead to the same row of a recursive view. In a workspace of 2,000 files one level was 5.3 million rows before it
//! was settled and 83,000 after. Settling costs a hash of each row, so it waits until it can halve what is held.

/// Rows of a level that are followed at once.
pub(crate) const PIECE_ROWS: usize = 8192;
/// Pieces that are followed side by side, whatever the number of threads, so that their number changes no row's place.
pub(crate) const PIECES_AT_ONCE: usize = 64;
/// Unsettled rows that are always kept.
pub(crate) const MANY_ROWS: usize = 500_000;

/// True if so many rows are settled now, of which so many were left the last time.
pub(crate) fn settles(rows: usize, settled: usize) -> bool {
    rows > MANY_ROWS && rows > 2 * settled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_shrink_is_not_settled_again_and_again() {
        assert!(!settles(400_000, 0) && settles(600_000, 0));
        assert!(!settles(1_100_000, 600_000) && settles(1_300_000, 600_000));
    }
}
