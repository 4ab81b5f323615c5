//! Recursive views, level by level.
//!
//! Level k holds what follows from rows of lower levels and is not known below k: for a view with a winner a key is known
//! once any of its rows is, otherwise each row counts by itself. Support always comes from below, so nothing can keep
//! itself alive, and a refresh is the same walk over the levels for the touched keys only.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::UInt32Type;

use super::engine::replaced;
use crate::error::Result;
use crate::operators::Run;
use crate::plan::View;
use crate::store::{Delta, Relation, RowSet, Snapshot, hash_rows};

/// From so many keys on, those that are settled are told from the others before each level: that costs as much as a level.
const MANY_KEYS: usize = 64;

/// All levels of a view over a snapshot; `first_level` runs the view whole.
pub(super) fn whole(
    view: &View,
    new: &Arc<Snapshot>,
    first_level: impl Fn(&Arc<Run>) -> Result<RecordBatch>,
) -> Result<Relation> {
    let mut relation = Relation::empty(view.schema.clone());
    let first = Arc::new(Run { old: new.clone(), new: with_own(new, view, &relation), input: vec![], below: 1 });
    let mut fresh = leveled(view, &first_level(&first)?, 1)?;
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
        let rows = view.run_from_own(&Arc::new(run))?;
        let mut keys = RowSet::default();
        keys.extend(&view.grain.iter().map(|&column| rows.column(column).clone()).collect::<Vec<_>>());
        fresh = unknown_rows(view, &relation, &keys.columns(), &rows, level)?;
    }
    // One segment instead of one for each level: look-ups ask every segment.
    Ok(Relation::of(view.schema.clone(), vec![concat_batches(&view.schema, &relation.batches())?]))
}

/// The view after a change that touches `keys` from outside.
pub(super) fn refresh(
    view: &View,
    old: &Arc<Snapshot>,
    new: &Arc<Snapshot>,
    mut keys: RowSet,
) -> Result<(Relation, Delta)> {
    let before = &old.relations[view.number];
    let mut relation = before.as_ref().clone();
    let (mut deleted, mut inserted) = (Vec::new(), Vec::new());
    let mut last: Option<RecordBatch> = None;
    for level in 1..=view.rounds {
        let changed = last.take();
        if level > 1 && (changed.is_none() || keys.len() >= MANY_KEYS) {
            keys = still_open(view, old, new, &relation, &keys, level)?;
        }
        if let Some(changed) = changed {
            touched_by_own(view, new, &relation, &changed, level, &mut keys)?;
        } else if keys.is_empty() && level > 1 {
            break;
        }
        let columns = keys.columns();
        let rows = run_level(view, old, new, &relation, &columns, level)?;
        let rows = unknown_rows(view, &relation, &columns, &rows, level)?;
        let (_, found) = relation.look_up(&view.grain, &columns);
        let at_level = at_levels(view, &relation, &found, |of| of == level);
        let old_rows = relation.rows_at(&at_level);
        if let Some((next, delta)) = replaced(&relation, &at_level, &old_rows, &rows)? {
            relation = next;
            last = Some(delta.all());
            deleted.push(delta.deleted);
            inserted.push(delta.inserted);
        }
    }
    let delta =
        Delta { deleted: concat_batches(&view.schema, &deleted)?, inserted: concat_batches(&view.schema, &inserted)? };
    Ok((relation, delta))
}

/// Those keys of which some level from this one on holds a row or may come to hold one, unless a row changes below.
///
/// A view reads itself without negation, so what follows from all present rows, stale ones included, bounds what any
/// level can still find: one run instead of one for each level that is left.
fn still_open(
    view: &View,
    old: &Arc<Snapshot>,
    new: &Arc<Snapshot>,
    relation: &Relation,
    keys: &RowSet,
    level: u32,
) -> Result<RowSet> {
    let columns = keys.columns();
    let mut open = RowSet::default();
    let (_, found) = relation.look_up(&view.grain, &columns);
    let above = at_levels(view, relation, &found, |of| of >= level);
    open.extend(&view.grain.iter().map(|&column| relation.gather(column, &above)).collect::<Vec<_>>());
    let bound = run_level(view, old, new, relation, &columns, u32::MAX)?;
    let rows = unknown_rows(view, relation, &columns, &bound, level)?;
    open.extend(&view.grain.iter().map(|&column| rows.column(column).clone()).collect::<Vec<_>>());
    Ok(open)
}

fn with_own(snapshot: &Arc<Snapshot>, view: &View, own: &Relation) -> Arc<Snapshot> {
    let mut next = snapshot.as_ref().clone();
    next.relations[view.number] = Arc::new(own.clone());
    Arc::new(next)
}

/// Keys whose rows may follow from changed rows of the view itself.
fn touched_by_own(
    view: &View,
    new: &Arc<Snapshot>,
    own: &Relation,
    changed: &RecordBatch,
    level: u32,
    keys: &mut RowSet,
) -> Result<()> {
    let new = with_own(new, view, own);
    for (number, of) in view.occurrences.iter().enumerate() {
        if of.relation == view.number {
            let run = Run { old: new.clone(), new: new.clone(), input: changed.columns().to_vec(), below: level };
            view.run_impact(number, &Arc::new(run), keys)?;
        }
    }
    Ok(())
}

fn run_level(
    view: &View,
    old: &Arc<Snapshot>,
    new: &Arc<Snapshot>,
    own: &Relation,
    keys: &[ArrayRef],
    level: u32,
) -> Result<RecordBatch> {
    if keys.is_empty() {
        return Ok(RecordBatch::new_empty(view.computed_schema()));
    }
    let run = Run { old: old.clone(), new: with_own(new, view, own), input: keys.to_vec(), below: level };
    view.run_keyed(&Arc::new(run))
}

fn leveled(view: &View, rows: &RecordBatch, level: u32) -> Result<RecordBatch> {
    let mut columns = rows.columns().to_vec();
    columns.push(Arc::new(UInt32Array::from(vec![level; rows.num_rows()])));
    Ok(RecordBatch::try_new(view.schema.clone(), columns)?)
}

fn at_levels(view: &View, relation: &Relation, found: &[(u32, u32)], wanted: impl Fn(u32) -> bool) -> Vec<(u32, u32)> {
    let Some(level) = view.level else { return found.to_vec() };
    let levels = relation.gather(level, found);
    let levels = levels.as_primitive::<UInt32Type>().values();
    found.iter().zip(levels).filter(|(_, of)| wanted(**of)).map(|(location, _)| *location).collect()
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
    let columns: Vec<&ArrayRef> = compared.iter().map(|&column| rows.column(column)).collect();
    let hashes = hash_rows(&columns, rows.num_rows());
    let fresh: UInt32Array =
        (0..rows.num_rows()).filter(|&row| !known.contains(&columns, row, hashes[row])).map(|row| row as u32).collect();
    if fresh.len() == rows.num_rows() {
        return leveled(view, rows, level);
    }
    leveled(view, &take_record_batch(rows, &fresh)?, level)
}
