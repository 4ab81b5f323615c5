//! The limit: of a group that a level would fill beyond it, one row of each kind stands; if these are too many, one row for all.
//!
//! A value that may be any of hundreds of things is known no better than one that is unknown, but each of the hundreds would be
//! joined with everything that follows: what two such groups make together grows with the product of both.

use std::cmp::Ordering;
use std::sync::Arc;

use anatomy_facts::Symbol;
use anatomy_facts::contract::is_symbol;
use arrow::array::{ArrayRef, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::{concat, take_record_batch};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::winner::group_numbers;
use crate::store::number_at;

/// The bound of a group of rows.
#[derive(Clone, Debug)]
pub(crate) struct Limit {
    /// Columns that name the group.
    pub(crate) group: Vec<usize>,
    /// Most rows that it holds, the one that stands for others not counted.
    pub(crate) rows: usize,
    /// Columns that tell kinds of rows apart, of each of which one row may stand for the others; empty if none may.
    pub(crate) merge: Vec<usize>,
    /// Symbols of the row that stands for those left out.
    pub(crate) mark: Vec<(usize, Symbol)>,
}

/// The rows of a level that stand beside those held below it, and a row for each group that would hold too many.
pub(crate) fn within(limit: &Limit, held: &[ArrayRef], rows: &RecordBatch) -> Result<(RecordBatch, RecordBatch)> {
    let none = RecordBatch::new_empty(rows.schema());
    let before = held.first().map_or(0, |column| column.len());
    if before + rows.num_rows() <= limit.rows {
        return Ok((rows.clone(), none));
    }
    let columns = limit
        .group
        .iter()
        .zip(held)
        .map(|(&column, held)| Ok(concat(&[held.as_ref(), rows.column(column).as_ref()])?))
        .collect::<Result<Vec<ArrayRef>>>()?;
    let all = RecordBatch::try_new(Arc::new(rows.schema().project(&limit.group)?), columns)?;
    let groups = group_numbers(&all, &(0..limit.group.len()).collect::<Vec<_>>())?;
    let mut counts = vec![0_usize; groups.iter().max().map_or(0, |most| *most as usize + 1)];
    for &group in &groups {
        counts[group as usize] += 1;
    }
    let is_over = |row: &u32| counts[groups[before + *row as usize] as usize] > limit.rows;
    let (over, kept): (Vec<u32>, Vec<u32>) = (0..rows.num_rows() as u32).partition(is_over);
    if over.is_empty() {
        return Ok((rows.clone(), none));
    }
    let group_of = |row: u32| groups[before + row as usize] as usize;
    let merged = firsts(limit, rows, &over)?;
    let mut left = vec![0_usize; counts.len()];
    for &group in &groups[..before] {
        left[group as usize] += 1;
    }
    for &row in &merged {
        left[group_of(row)] += 1;
    }
    let mut kept = kept;
    let mut is_marked = vec![false; counts.len()];
    let mut marked = Vec::new();
    for row in merged {
        if !limit.merge.is_empty() && left[group_of(row)] <= limit.rows {
            kept.push(row);
        } else if !std::mem::replace(&mut is_marked[group_of(row)], true) {
            marked.push(row);
        }
    }
    let kept = take_record_batch(rows, &UInt32Array::from(kept))?;
    Ok((kept, marks(limit, &take_record_batch(rows, &UInt32Array::from(marked))?)?))
}

/// Of these rows one of each group and kind, the least by its ids and then its texts, whatever the order of rows and symbols.
fn firsts(limit: &Limit, rows: &RecordBatch, of: &[u32]) -> Result<Vec<u32>> {
    let columns: Vec<usize> = limit.group.iter().chain(&limit.merge).copied().collect();
    let kinds = group_numbers(&take_record_batch(rows, &UInt32Array::from(of.to_vec()))?, &columns)?;
    let schema = rows.schema();
    let (symbols, numbers): (Vec<usize>, Vec<usize>) =
        (0..rows.num_columns()).partition(|&column| is_symbol(schema.field(column)));
    let number = |column: usize, row: u32| number_at(rows.column(column), row as usize);
    let text = |column: usize, row: u32| Symbol(number(column, row) as u32).text();
    let is_less = |row: u32, held: u32| {
        let by_number = numbers.iter().map(|&column| number(column, row).cmp(&number(column, held)));
        let by_text = symbols.iter().map(|&column| text(column, row).cmp(text(column, held)));
        by_number.chain(by_text).find(|order| order.is_ne()).is_some_and(Ordering::is_lt)
    };
    let mut least: Vec<Option<u32>> = vec![None; kinds.iter().max().map_or(0, |most| *most as usize + 1)];
    for (&row, &kind) in of.iter().zip(&kinds) {
        let held = &mut least[kind as usize];
        if held.is_none_or(|held| is_less(row, held)) {
            *held = Some(row);
        }
    }
    Ok(least.into_iter().flatten().collect())
}

/// The group columns of these rows, with the mark; everything else is 0.
fn marks(limit: &Limit, rows: &RecordBatch) -> Result<RecordBatch> {
    let count = rows.num_rows();
    let column = |at: usize| -> ArrayRef {
        let array = rows.column(at);
        if limit.group.contains(&at) {
            return array.clone();
        }
        let mark = limit.mark.iter().find(|(column, _)| *column == at).map_or(0, |(_, symbol)| symbol.0);
        match array.data_type() {
            DataType::UInt32 => Arc::new(UInt32Array::from_value(mark, count)),
            DataType::UInt64 => Arc::new(UInt64Array::from_value(0, count)),
            other => unreachable!("no recursive view has a column of type {other}"),
        }
    };
    Ok(RecordBatch::try_new(rows.schema(), (0..rows.num_columns()).map(column).collect())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::{Field, Schema, UInt32Type, UInt64Type};

    fn rows(of: &[(u64, u64)]) -> RecordBatch {
        let field = |name: &str| Field::new(name, DataType::UInt64, false);
        let schema = Schema::new(vec![field("key"), field("target"), Field::new("kind", DataType::UInt32, false)]);
        let kind = UInt32Array::from(vec![Symbol::of("one").0; of.len()]);
        let column = |pick: fn(&(u64, u64)) -> u64| Arc::new(of.iter().map(pick).collect::<UInt64Array>()) as ArrayRef;
        RecordBatch::try_new(Arc::new(schema), vec![column(|row| row.0), column(|row| row.1), Arc::new(kind)]).unwrap()
    }

    fn limit() -> Limit {
        Limit { group: vec![0], rows: 2, merge: vec![], mark: vec![(2, Symbol::of("many"))] }
    }

    fn numbers(batch: &RecordBatch) -> Vec<(u64, u64)> {
        let column = |at: usize| batch.column(at).as_primitive::<UInt64Type>().values().to_vec();
        column(0).into_iter().zip(column(1)).collect()
    }

    #[test]
    fn a_group_that_a_level_would_overfill_gets_one_row_instead() {
        let held: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(vec![1, 3, 3]))];
        let (kept, marks) = within(&limit(), &held, &rows(&[(1, 7), (2, 7), (2, 8), (2, 9), (3, 7)])).unwrap();
        assert_eq!(numbers(&kept), [(1, 7)]);
        assert_eq!(numbers(&marks), [(2, 0), (3, 0)]);
        let kinds = marks.column(2).as_primitive::<UInt32Type>().values().to_vec();
        assert_eq!(kinds, [Symbol::of("many").0; 2]);
    }

    #[test]
    fn groups_within_the_limit_are_left_alone() {
        let (kept, marks) =
            within(&limit(), &[Arc::new(UInt64Array::from(vec![1]))], &rows(&[(1, 7), (2, 7), (2, 8)])).unwrap();
        assert_eq!((kept.num_rows(), marks.num_rows()), (3, 0));
    }

    #[test]
    fn rows_of_one_kind_become_one_before_they_are_left_out() {
        let merging = Limit { merge: vec![2], ..limit() };
        let (kept, marks) =
            within(&merging, &[Arc::new(UInt64Array::from(vec![1]))], &rows(&[(1, 9), (1, 7), (2, 5)])).unwrap();
        assert_eq!((numbers(&kept), marks.num_rows()), (vec![(2, 5), (1, 7)], 0));
        let (kept, marks) =
            within(&merging, &[Arc::new(UInt64Array::from(vec![1, 1]))], &rows(&[(1, 9), (1, 7)])).unwrap();
        assert_eq!((kept.num_rows(), numbers(&marks)), (0, vec![(1, 0)]));
    }
}
