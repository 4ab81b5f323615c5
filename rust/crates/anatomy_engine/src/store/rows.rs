//! Multisets of rows: what an edit really changed.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::index::{Pair, hash_rows, same_row};

/// A 64-bit hash of every row over all columns.
#[must_use]
pub fn row_hashes(batch: &RecordBatch) -> Vec<u64> {
    let columns: Vec<&ArrayRef> = batch.columns().iter().collect();
    hash_rows(&columns, batch.num_rows())
}

/// Rows of `old` without a partner in `new`, and rows of `new` without a partner in `old` (multiset difference).
#[must_use]
pub fn difference(old: &RecordBatch, new: &RecordBatch) -> (Vec<u32>, Vec<u32>) {
    let (old_columns, new_columns): (Vec<&ArrayRef>, Vec<&ArrayRef>) =
        (old.columns().iter().collect(), new.columns().iter().collect());
    let old_hashes = hash_rows(&old_columns, old.num_rows());
    let new_hashes = hash_rows(&new_columns, new.num_rows());
    let mut unmatched: HashTable<u32> = HashTable::with_capacity(old.num_rows());
    for (row, &hash) in old_hashes.iter().enumerate() {
        unmatched.insert_unique(hash, row as u32, |&row| old_hashes[row as usize]);
    }
    let mut inserted = Vec::new();
    for (row, &hash) in new_hashes.iter().enumerate() {
        let found = unmatched.find_entry(hash, |&at| {
            old_hashes[at as usize] == hash && same_row(&old_columns, at as usize, &new_columns, row)
        });
        match found {
            Ok(entry) => {
                entry.remove();
            }
            Err(_) => inserted.push(row as u32),
        }
    }
    let mut deleted: Vec<u32> = unmatched.into_iter().collect();
    deleted.sort_unstable();
    (deleted, inserted)
}

/// Numbers of the first of each set of equal rows, in order.
#[must_use]
pub(crate) fn firsts(batch: &RecordBatch) -> Vec<u32> {
    let hashes = row_hashes(batch);
    let pairs: Vec<Pair<'_>> = batch.columns().iter().map(|column| Pair::of(column, column)).collect();
    let mut known: HashTable<u32> = HashTable::with_capacity(hashes.len());
    let mut picks = Vec::with_capacity(hashes.len());
    for (row, &hash) in hashes.iter().enumerate() {
        let is_same = |&held: &u32| {
            let held = held as usize;
            hashes[held] == hash && pairs.iter().all(|pair| pair.is_same(held, row))
        };
        if let Entry::Vacant(place) = known.entry(hash, is_same, |&held| hashes[held as usize]) {
            place.insert(row as u32);
            picks.push(row as u32);
        }
    }
    picks
}

/// A set of rows over some columns, kept in arrival order.
#[derive(Debug, Default)]
pub struct RowSet {
    table: HashTable<(u64, u32, u32)>,
    batches: Vec<Vec<ArrayRef>>,
    picks: Vec<Vec<u32>>,
    len: usize,
}

impl RowSet {
    /// Number of distinct rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds the rows of these columns that are not in the set yet.
    pub fn extend(&mut self, columns: &[ArrayRef]) {
        let rows = columns.first().map_or(0, |column| column.len());
        if rows == 0 {
            return;
        }
        let hashes = hash_rows(&columns.iter().collect::<Vec<_>>(), rows);
        let number = self.batches.len() as u32;
        self.batches.push(columns.to_vec());
        self.picks.push(Vec::new());
        for (row, &hash) in hashes.iter().enumerate() {
            let batches = &self.batches;
            let known = self.table.find(hash, |&(at, batch, other)| {
                at == hash && same_row(&batches[batch as usize], other as usize, columns, row)
            });
            if known.is_none() {
                self.table.insert_unique(hash, (hash, number, row as u32), |entry| entry.0);
                self.picks[number as usize].push(row as u32);
                self.len += 1;
            }
        }
    }

    /// True if the set holds this row of the columns.
    #[must_use]
    pub fn contains(&self, columns: &[&ArrayRef], row: usize, hash: u64) -> bool {
        self.table
            .find(hash, |&(at, batch, other)| {
                at == hash && same_row(&self.batches[batch as usize], other as usize, columns, row)
            })
            .is_some()
    }

    /// The distinct rows as columns.
    ///
    /// # Panics
    /// Never: the columns have equal types by construction.
    #[must_use]
    pub fn columns(&self) -> Vec<ArrayRef> {
        let width = self.batches.first().map_or(0, Vec::len);
        (0..width)
            .map(|column| {
                let parts: Vec<ArrayRef> = self
                    .batches
                    .iter()
                    .zip(&self.picks)
                    .map(|(batch, picks)| {
                        arrow::compute::take(&batch[column], &UInt32Array::from(picks.clone()), None)
                            .expect("picked rows lie inside their own batch")
                    })
                    .collect();
                let borrowed: Vec<&dyn arrow::array::Array> = parts.iter().map(AsRef::as_ref).collect();
                arrow::compute::concat(&borrowed).expect("columns of one set have one type")
            })
            .collect()
    }
}
