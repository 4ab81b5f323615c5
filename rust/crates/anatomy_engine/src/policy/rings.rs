//! How much of what ran is remembered. Rings of these sizes hold two megabytes together when they are full.

/// Runs of views: some hundreds of edits, or a dozen first builds.
pub(crate) const MOST_RUNS: usize = 16_384;
/// Changes of open documents.
pub(crate) const MOST_EDITS: usize = 4_096;
/// Requests of editors.
pub(crate) const MOST_REQUESTS: usize = 4_096;
/// Commits with their decisions.
pub(crate) const MOST_COMMITS: usize = 1_024;
/// Fallbacks.
pub(crate) const MOST_FALLBACKS: usize = 1_024;
/// Faults.
pub(crate) const MOST_FAULTS: usize = 1_024;
