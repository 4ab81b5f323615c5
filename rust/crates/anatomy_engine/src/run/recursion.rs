//! Recursive views, level by level.
//!
//! Level k holds what follows from rows of lower levels and is not known below k: for a view with a winner a key is known
//! once any of its rows is, otherwise each row counts by itself. Support always comes from below, so nothing can keep
//! itself alive, and a refresh is the same walk over the levels for what changed.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::UInt32Type;

use super::engine::replaced;
use crate::error::Result;
use crate::operators::{Bounds, Run, within};
use crate::plan::View;
use crate::store::{Delta, Relation, RowSet, Snapshot, hash_rows};

/// All levels of a view over a snapshot; `first_level` runs the view whole.
pub(super) fn whole(
    view: &View,
    new: &Arc<Snapshot>,
    bounds: Bounds<'_>,
    first_level: impl Fn(&Arc<Run>) -> Result<RecordBatch>,
) -> Result<Relation> {
    let mut relation = Relation::empty(view.schema.clone());
    let first = Arc::new(Run { old: new.clone(), new: with_own(new, view, &relation), input: vec![], below: 1 });
    let mut fresh = unknown_rows(view, &relation, &[], &first_level(&first)?, 1)?;
    for level in 2..=view.rounds + 1 {
        if fresh.num_rows() == 0 {
            break;
        }
        relation = relation.changed(&[], &fresh);
        if level > view.rounds {
            break;
        }
        // What is new on this level needs a row that was new on the one below: whatever follows from older rows alone is
        // known already. So the level is what follows from the fresh rows, and older ones are only joined.
        let own = with_own(new, view, &relation);
        let run = Run { old: own.clone(), new: own, input: fresh.columns().to_vec(), below: level };
        let rows = view.run_from_own(&Arc::new(run), bounds)?;
        let mut keys = RowSet::default();
        keys.extend(&view.grain.iter().map(|&column| rows.column(column).clone()).collect::<Vec<_>>());
        fresh = unknown_rows(view, &relation, &keys.columns(), &rows, level)?;
    }
    // One segment instead of one for each level: look-ups ask every segment.
    Ok(Relation::of(view.schema.clone(), vec![concat_batches(&view.schema, &relation.batches())?]))
}

/// The view after a change that touches `keys` from outside.
///
/// A touched key is run once, over all rows that stand: that yields what may hold for it, each row with its level. Then
/// the levels are walked upwards. Where one comes out otherwise than before, the keys that follow from the difference are
/// touched and run again. So the work follows the differences, and not the number of levels.
pub(super) fn refresh(
    view: &View,
    old: &Arc<Snapshot>,
    new: &Arc<Snapshot>,
    keys: RowSet,
) -> Result<(Relation, Delta)> {
    let mut relation = old.relations[view.number].as_ref().clone();
    let (mut deleted, mut inserted) = (Vec::new(), Vec::new());
    let mut open = RowSet::default();
    let mut runs: Vec<(RowSet, RecordBatch)> = Vec::new();
    let mut touched = keys;
    let mut highest = 0;
    for level in 1..=view.rounds {
        if !touched.is_empty() {
            let columns = touched.columns();
            open.extend(&columns);
            let run =
                Run { old: old.clone(), new: with_own(new, view, &relation), input: columns.clone(), below: u32::MAX };
            let rows = view.run_leveled(&Arc::new(run))?;
            let (_, found) = relation.look_up(&view.grain, &columns);
            let held = levels_at(view, &relation, &found);
            highest = held.into_iter().chain(levels_in(view, &rows)).fold(highest, u32::max);
            runs.push((touched, rows));
            touched = RowSet::default();
        }
        if level > highest {
            break;
        }
        let rows = candidates(view, &runs, level)?;
        let mut of_rows = RowSet::default();
        of_rows.extend(&view.grain.iter().map(|&column| rows.column(column).clone()).collect::<Vec<_>>());
        let rows = unknown_rows(view, &relation, &of_rows.columns(), &rows, level)?;
        let (_, found) = relation.look_up(&view.grain, &open.columns());
        let at_level = at_levels(view, &relation, &found, |of| of == level);
        let old_rows = relation.rows_at(&at_level);
        if let Some((next, delta)) = replaced(&relation, &at_level, &old_rows, &rows)? {
            let before = std::mem::replace(&mut relation, next);
            touched_by_own(view, new, (&before, &relation), &delta.all(), &mut touched)?;
            deleted.push(delta.deleted);
            inserted.push(delta.inserted);
        }
    }
    let delta =
        Delta { deleted: concat_batches(&view.schema, &deleted)?, inserted: concat_batches(&view.schema, &inserted)? };
    Ok((relation, delta))
}

/// What may hold on a level: of each key the rows of its last run that follow on this level.
fn candidates(view: &View, runs: &[(RowSet, RecordBatch)], level: u32) -> Result<RecordBatch> {
    let computed: Vec<usize> = (0..view.width()).collect();
    let mut parts = Vec::new();
    for (number, (_, rows)) in runs.iter().enumerate() {
        let here = levels_in(view, rows).enumerate().filter(|&(_, of)| of == level).map(|(row, _)| row as u32);
        let rows = take_record_batch(rows, &UInt32Array::from_iter_values(here))?;
        let keys: Vec<&ArrayRef> = view.grain.iter().map(|&column| rows.column(column)).collect();
        let hashes = hash_rows(&keys, rows.num_rows());
        let is_last = |row: usize| !runs[number + 1..].iter().any(|(later, _)| later.contains(&keys, row, hashes[row]));
        let last = (0..rows.num_rows()).filter(|&row| is_last(row)).map(|row| row as u32);
        parts.push(take_record_batch(&rows, &UInt32Array::from_iter_values(last))?.project(&computed)?);
    }
    view.settle(&parts)
}

fn levels_in<'a>(view: &View, rows: &'a RecordBatch) -> impl Iterator<Item = u32> + 'a {
    let column = view.level.map(|level| rows.column(level).as_primitive::<UInt32Type>().values().iter().copied());
    column.into_iter().flatten()
}

fn levels_at(view: &View, relation: &Relation, found: &[(u32, u32)]) -> Vec<u32> {
    let Some(level) = view.level else { return Vec::new() };
    relation.gather(level, found).as_primitive::<UInt32Type>().values().to_vec()
}

fn with_own(snapshot: &Arc<Snapshot>, view: &View, own: &Relation) -> Arc<Snapshot> {
    let mut next = snapshot.as_ref().clone();
    next.relations[view.number] = Arc::new(own.clone());
    Arc::new(next)
}

/// Keys whose rows may follow, or may have followed, from changed rows of the view itself.
fn touched_by_own(
    view: &View,
    new: &Arc<Snapshot>,
    (before, after): (&Relation, &Relation),
    changed: &RecordBatch,
    keys: &mut RowSet,
) -> Result<()> {
    let (old, new) = (with_own(new, view, before), with_own(new, view, after));
    for (number, of) in view.occurrences.iter().enumerate() {
        if of.relation == view.number {
            let run = Run { old: old.clone(), new: new.clone(), input: changed.columns().to_vec(), below: u32::MAX };
            view.run_impact(number, &Arc::new(run), keys)?;
        }
    }
    Ok(())
}

fn leveled(view: &View, rows: &RecordBatch, level: u32) -> Result<RecordBatch> {
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(UInt32Array::from(vec![level; rows.num_rows()])));
    Ok(RecordBatch::try_new(view.schema.clone(), columns)?)
}

fn at_levels(view: &View, relation: &Relation, found: &[(u32, u32)], wanted: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
    if view.level.is_none() {
        return found.to_vec();
    }
    found
        .iter()
        .zip(levels_at(view, relation, found))
        .filter(|(_, of)| wanted(*of))
        .map(|(location, _)| *location)
        .collect()
}

/// Computed rows that no lower level knows, with their level.
fn unknown_rows(
    view: &View,
    relation: &Relation,
    keys: &[ArrayRef],
    rows: &RecordBatch,
    level: u32,
) -> Result<RecordBatch> {
    let (_, found) = relation.look_up(&view.grain, keys);
    let below = at_levels(view, relation, &found, |of| of < level);
    let compared: Vec<usize> = match &view.winner {
        Some((group, _)) => group.clone(),
        None => (0..view.width()).collect(),
    };
    let mut known = RowSet::default();
    if !below.is_empty() {
        let columns: Vec<ArrayRef> = compared.iter().map(|&column| relation.gather(column, &below)).collect();
        known.extend(&columns);
    }
    let unknown = |rows: &RecordBatch| -> Result<RecordBatch> {
        let columns: Vec<&ArrayRef> = compared.iter().map(|&column| rows.column(column)).collect();
        let hashes = hash_rows(&columns, rows.num_rows());
        let is_fresh = |&row: &u32| !known.contains(&columns, row as usize, hashes[row as usize]);
        let fresh: Vec<u32> = (0..rows.num_rows() as u32).filter(is_fresh).collect();
        Ok(if fresh.len() == rows.num_rows() {
            rows.clone()
        } else {
            take_record_batch(rows, &UInt32Array::from(fresh))?
        })
    };
    let fresh = unknown(rows)?;
    let Some(limit) = &view.limit else { return leveled(view, &fresh, level) };
    let held: Vec<ArrayRef> = limit.group.iter().map(|&column| relation.gather(column, &below)).collect();
    let (kept, marks) = within(limit, &held, &fresh)?;
    if marks.num_rows() == 0 {
        return leveled(view, &kept, level);
    }
    let marks = unknown(&view.settle(&[marks])?)?;
    leveled(view, &concat_batches(&kept.schema(), [&kept, &marks])?, level)
}
