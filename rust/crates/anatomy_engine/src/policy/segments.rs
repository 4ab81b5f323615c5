//! When the small segments of a relation are merged into one.
//!
//! An edit leaves a small segment, and a look-up asks every segment, so their number is bounded. Merging copies rows and builds
//! their indexes anew, so large ones stay as they are.

/// Small segments beyond this number are merged into one.
pub(crate) const MOST_SMALL_SEGMENTS: usize = 12;
/// A segment with at most this many rows counts as small.
pub(crate) const SMALL_ROWS: usize = 16_384;
