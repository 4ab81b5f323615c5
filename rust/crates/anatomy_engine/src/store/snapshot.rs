//! All relations at one generation. Immutable: readers keep theirs as long as they like, the writer makes the next.

use std::sync::Arc;

use super::Relation;

/// Relations by number, at one generation.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Counts commits; equal generations of one engine are equal snapshots.
    pub generation: u64,
    /// Relations by the number that the compiled program gave them.
    pub relations: Vec<Arc<Relation>>,
}

impl Snapshot {
    /// The relation with this number.
    #[must_use]
    pub fn relation(&self, number: usize) -> &Arc<Relation> {
        &self.relations[number]
    }
}
