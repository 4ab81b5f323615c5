//! The winner: of the rows of each group, those that come first by the order keys. Equal rows all stand.

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{SortOptions, take_record_batch};
use arrow::row::{RowConverter, SortField};
use datafusion::error::Result;
use hashbrown::HashTable;

use crate::store::row_hashes;

/// A column to order by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderKey {
    /// Position in the batch.
    pub(crate) column: usize,
    /// Larger first.
    pub(crate) descending: bool,
}

/// For each row its rank in its group, counted from 0; equal rows share a rank.
pub(crate) fn ranks(batch: &RecordBatch, group: &[usize], order: &[OrderKey]) -> Result<Vec<u32>> {
    let groups = group_numbers(batch, group)?;
    let fields = order
        .iter()
        .map(|key| {
            let options = SortOptions { descending: key.descending, nulls_first: false };
            SortField::new_with_options(batch.schema().field(key.column).data_type().clone(), options)
        })
        .collect();
    let columns: Vec<ArrayRef> = order.iter().map(|key| batch.column(key.column).clone()).collect();
    let keys = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut sorted: Vec<u32> = (0..batch.num_rows() as u32).collect();
    sorted.sort_by(|&left, &right| {
        groups[left as usize]
            .cmp(&groups[right as usize])
            .then_with(|| keys.row(left as usize).cmp(&keys.row(right as usize)))
            .then(left.cmp(&right))
    });
    let mut ranks = vec![0; batch.num_rows()];
    for pair in sorted.windows(2) {
        let (before, here) = (pair[0] as usize, pair[1] as usize);
        if groups[before] == groups[here] {
            ranks[here] = ranks[before] + u32::from(keys.row(before) != keys.row(here));
        }
    }
    Ok(ranks)
}

/// The rows that stand: one pass that keeps the best key of each group, and one that keeps the rows equal to it.
pub(crate) fn choose(batch: &RecordBatch, group: &[usize], order: &[OrderKey]) -> Result<RecordBatch> {
    if batch.num_rows() < 2 {
        return Ok(batch.clone());
    }
    let groups = group_numbers(batch, group)?;
    let fields = order
        .iter()
        .map(|key| {
            let options = SortOptions { descending: key.descending, nulls_first: false };
            SortField::new_with_options(batch.schema().field(key.column).data_type().clone(), options)
        })
        .collect();
    let columns: Vec<ArrayRef> = order.iter().map(|key| batch.column(key.column).clone()).collect();
    let keys = RowConverter::new(fields)?.convert_columns(&columns)?;
    let mut best: Vec<Option<u32>> = vec![None; groups.iter().max().map_or(0, |most| *most as usize + 1)];
    for (row, &number) in groups.iter().enumerate() {
        let slot = &mut best[number as usize];
        if slot.is_none_or(|held| keys.row(row) < keys.row(held as usize)) {
            *slot = Some(row as u32);
        }
    }
    let kept: UInt32Array = (0..batch.num_rows())
        .filter(|&row| best[groups[row] as usize].is_some_and(|held| keys.row(row) == keys.row(held as usize)))
        .map(|row| row as u32)
        .collect();
    if kept.len() == batch.num_rows() {
        return Ok(batch.clone());
    }
    Ok(take_record_batch(batch, &kept)?)
}

/// Numbers the groups in order of appearance.
pub(super) fn group_numbers(batch: &RecordBatch, group: &[usize]) -> Result<Vec<u32>> {
    let narrow = batch.project(group)?;
    let hashes = row_hashes(&narrow);
    let columns: Vec<&ArrayRef> = narrow.columns().iter().collect();
    let mut table: HashTable<(u32, u32)> = HashTable::new();
    let mut numbers = Vec::with_capacity(batch.num_rows());
    for (row, &hash) in hashes.iter().enumerate() {
        let next = table.len() as u32;
        let number = table
            .entry(
                hash,
                |&(other, _)| crate::store::same_row(&columns, other as usize, &columns, row),
                |&(other, _)| hashes[other as usize],
            )
            .or_insert((row as u32, next))
            .get()
            .1;
        numbers.push(number);
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, UInt64Array};
    use arrow::datatypes::{DataType, Field, Schema, UInt32Type};
    use std::sync::Arc;

    fn rows(of: &[(u64, u32)]) -> RecordBatch {
        let schema =
            Schema::new(vec![Field::new("key", DataType::UInt64, false), Field::new("rank", DataType::UInt32, false)]);
        let keys: UInt64Array = of.iter().map(|row| row.0).collect();
        let values: UInt32Array = of.iter().map(|row| row.1).collect();
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(keys), Arc::new(values)]).unwrap()
    }

    const BY_RANK: [OrderKey; 1] = [OrderKey { column: 1, descending: false }];

    #[test]
    fn the_first_of_each_group_stands_and_equals_stand_together() {
        let kept = choose(&rows(&[(1, 5), (2, 7), (1, 3), (1, 3), (2, 9)]), &[0], &BY_RANK).unwrap();
        assert_eq!(kept.column(1).as_primitive::<UInt32Type>().values(), &[7, 3, 3]);
    }

    #[test]
    fn ranks_count_what_was_beaten() {
        assert_eq!(ranks(&rows(&[(1, 5), (2, 7), (1, 3), (1, 3), (1, 9)]), &[0], &BY_RANK).unwrap(), [1, 0, 0, 0, 2]);
    }
}
