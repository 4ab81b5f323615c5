//! The engine: one compiled program, one current snapshot, one writer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use anatomy_facts::{Stage, Symbol};
use anatomy_program::Program;
use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;

use super::report::{Mode, Report, ViewRun};
use crate::error::{EngineError, Result};
use crate::fault::fail_at;
use crate::lower::Session;
use crate::operators::{Run, look_ups};
use crate::plan::{Compiled, View, compile};
use crate::policy::{Whole, runs_whole};
use crate::store::image::{Image, ImageWriter};
use crate::store::{Delta, Relation, RowSet, Snapshot, difference};

/// New evidence of one file; `None` where the file is gone.
#[derive(Clone, Debug)]
pub struct Change {
    /// Interned path.
    pub file: Symbol,
    /// A batch for each evidence contract, in order; an inner `None` says that the rows of that table are as they were.
    pub tables: Option<Vec<Option<RecordBatch>>>,
}

/// A program kept true over changing evidence.
pub struct Engine {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) session: Arc<Session>,
    pub(crate) program: Arc<Program>,
    fingerprint: u128,
    /// Relations by name: answers ask by name, dozens of times each.
    numbers: Arc<HashMap<String, usize>>,
    current: RwLock<Arc<Snapshot>>,
    writer: Mutex<()>,
}

impl Engine {
    /// Compiles a program document (JSON) over empty evidence.
    ///
    /// # Errors
    /// Every refusal of the decoder and the compiler.
    pub fn new(document: &[u8]) -> Result<Engine> {
        let program = Program::decode(document)?;
        let session = Session::new();
        let compiled = compile(&program, &session)?;
        let relations =
            compiled.relations.iter().map(|(_, schema)| Arc::new(Relation::empty(schema.clone()))).collect();
        let current = RwLock::new(Arc::new(Snapshot { generation: 0, relations }));
        let numbers = compiled.relations.iter().enumerate().map(|(number, (name, _))| (name.clone(), number)).collect();
        Ok(Engine {
            compiled: Arc::new(compiled),
            session: Arc::new(session),
            program: Arc::new(program),
            fingerprint: fingerprint_of(document),
            numbers: Arc::new(numbers),
            current,
            writer: Mutex::new(()),
        })
    }

    /// A second engine over the same program that begins with the newest snapshot of this one and goes its own way from
    /// there. What neither of them changes is shared.
    #[must_use]
    pub fn fork(&self) -> Engine {
        Engine {
            compiled: self.compiled.clone(),
            session: self.session.clone(),
            program: self.program.clone(),
            fingerprint: self.fingerprint,
            numbers: self.numbers.clone(),
            current: RwLock::new(self.snapshot()),
            writer: Mutex::new(()),
        }
    }

    /// The fingerprint of the program, see `fingerprint_of`.
    #[must_use]
    pub fn fingerprint(&self) -> u128 {
        self.fingerprint
    }

    /// The newest snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.read().unwrap_or_else(|poison| poison.into_inner()).clone()
    }

    /// The number of a relation by name, if any.
    #[must_use]
    pub fn relation_number(&self, name: &str) -> Option<usize> {
        self.numbers.get(name).copied()
    }

    /// The schema of the relation with this number.
    #[must_use]
    pub fn schema(&self, number: usize) -> SchemaRef {
        self.compiled.relations[number].1.clone()
    }

    /// Names of all relations, evidence first, in topological order.
    #[must_use]
    pub fn relation_names(&self) -> Vec<String> {
        self.compiled.relations.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Brings the views up to date with new evidence of some files and publishes the next snapshot. The batches of many
    /// changes become parts of what the snapshot holds, so that nothing is held twice.
    ///
    /// # Errors
    /// `cancelled`, or what a view met while running; the current snapshot then stays as it is.
    pub fn apply(&self, changes: &mut [Change], cancel: &AtomicBool) -> Result<(Arc<Snapshot>, Report)> {
        let _writer = self.writer.lock().unwrap_or_else(|poison| poison.into_inner());
        let began = Instant::now();
        let old = self.snapshot();
        let mut relations = old.relations.clone();
        let files: usize = old.relations[0].len();
        let whole = runs_whole(changes.len(), files);
        let mut deltas = self.evidence_deltas(&old, changes, &mut relations)?;
        let mut report = Report { generation: old.generation, ..Report::default() };
        for number in 0..self.compiled.evidence {
            if let Some(delta) = deltas.get(&number) {
                let name = self.compiled.relations[number].0.clone();
                report.evidence.push((name, delta.inserted.num_rows(), delta.deleted.num_rows()));
            }
        }
        if deltas.is_empty() {
            report.micros = micros(began);
            return Ok((old, report));
        }
        if whole.is_some() {
            crate::memory::give_back();
        }
        for view in &self.compiled.views {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::cancelled(Stage::Run));
            }
            if !view.stored {
                continue;
            }
            fail_at("engine.view").map_err(|error| EngineError::internal(Stage::Run, error.to_string()))?;
            let began = Instant::now();
            let new = Arc::new(Snapshot { generation: old.generation + 1, relations: relations.clone() });
            let run = match whole {
                Some(whole) => self.run_whole(view, &old, new, whole.as_str())?,
                None => self.run_keyed(view, &old, new, &deltas)?,
            };
            let Some((relation, delta, mut line)) = run else { continue };
            line.micros = micros(began);
            if let Some(level) = view.level {
                let deepest = deepest_rows(&relation, level, view.rounds);
                if deepest > 0 {
                    report.depth_limit.push((view.name.clone(), deepest));
                }
            }
            report.views.push(line);
            if let Some(relation) = relation.into_changed() {
                relations[view.number] = relation;
            }
            if !delta.is_empty() {
                deltas.insert(view.number, delta);
            }
        }
        report.mode = if whole.is_some() { Mode::Full } else { Mode::Keyed };
        let snapshot = Arc::new(Snapshot { generation: old.generation + 1, relations });
        *self.current.write().unwrap_or_else(|poison| poison.into_inner()) = snapshot.clone();
        report.generation = snapshot.generation;
        report.micros = micros(began);
        Ok((snapshot, report))
    }

    /// Row differences of the evidence tables; `relations` is moved on.
    fn evidence_deltas(
        &self,
        old: &Snapshot,
        changes: &mut [Change],
        relations: &mut [Arc<Relation>],
    ) -> Result<HashMap<usize, Delta>> {
        let mut deltas = HashMap::new();
        for number in 0..self.compiled.evidence {
            let schema = &self.compiled.relations[number].1;
            let touched = |change: &&Change| change.tables.as_ref().is_none_or(|tables| tables[number].is_some());
            let files: UInt32Array = changes.iter().filter(touched).map(|change| change.file.0).collect();
            if files.is_empty() {
                continue;
            }
            let files: ArrayRef = Arc::new(files);
            let parts: Vec<&RecordBatch> =
                changes.iter().filter_map(|change| change.tables.as_ref()?[number].as_ref()).collect();
            let new_rows = concat_batches(schema, parts)?;
            share(changes, number, &new_rows);
            let relation = &old.relations[number];
            let file = schema.index_of("file")?;
            let (_, locations) = relation.look_up(&[file], std::slice::from_ref(&files));
            if locations.is_empty() {
                if new_rows.num_rows() > 0 {
                    relations[number] = Arc::new(relation.changed(&[], &new_rows));
                    deltas
                        .insert(number, Delta { deleted: RecordBatch::new_empty(schema.clone()), inserted: new_rows });
                }
                continue;
            }
            let old_rows = relation.rows_at(&locations);
            if let Some((next, delta)) = replaced(relation, &locations, &old_rows, &new_rows)? {
                relations[number] = Arc::new(next);
                deltas.insert(number, delta);
            }
        }
        Ok(deltas)
    }

    fn run_whole(
        &self,
        view: &View,
        old: &Arc<Snapshot>,
        new: Arc<Snapshot>,
        reason: &'static str,
    ) -> Result<Option<Ran>> {
        let relation = if view.level.is_some() {
            super::recursion::whole(view, &new, |run| view.run_whole(&self.session, run))?
        } else {
            let run = Arc::new(Run { old: new.clone(), new, input: vec![], below: 0 });
            Relation::of(view.schema.clone(), vec![view.run_whole(&self.session, &run)?])
        };
        let line = ViewRun {
            view: view.name.clone(),
            mode: Mode::Full,
            reason,
            keys: 0,
            inserted: relation.len(),
            deleted: old.relations[view.number].len(),
            micros: 0,
        };
        let none = RecordBatch::new_empty(view.schema.clone());
        Ok(Some((Next::Changed(Arc::new(relation)), Delta { deleted: none.clone(), inserted: none }, line)))
    }

    fn run_keyed(
        &self,
        view: &View,
        old: &Arc<Snapshot>,
        new: Arc<Snapshot>,
        deltas: &HashMap<usize, Delta>,
    ) -> Result<Option<Ran>> {
        if !view.occurrences.iter().any(|of| deltas.contains_key(&of.relation)) {
            return Ok(None);
        }
        let before = &old.relations[view.number];
        let mut line = ViewRun {
            view: view.name.clone(),
            mode: Mode::Keyed,
            reason: "",
            keys: 0,
            inserted: 0,
            deleted: 0,
            micros: 0,
        };
        if !view.keyed {
            let run = Arc::new(Run { old: old.clone(), new, input: vec![], below: 0 });
            let rows = view.run_full(&self.session, &run)?;
            let locations = before.all_locations();
            let old_rows = before.rows_at(&locations);
            line.mode = Mode::Full;
            line.reason = "the rule asks for refresh = full";
            return Ok(Some(finished(before, &locations, &old_rows, &rows, line)?));
        }
        let mut keys = RowSet::default();
        for (number, of) in view.occurrences.iter().enumerate() {
            if of.relation == view.number {
                continue;
            }
            if let Some(delta) = deltas.get(&of.relation) {
                let input = delta.all().columns().to_vec();
                let run = Arc::new(Run { old: old.clone(), new: new.clone(), input, below: u32::MAX });
                view.run_impact(number, &run, &mut keys)?;
            }
        }
        if keys.is_empty() {
            return Ok(Some((Next::Same, empty_delta(view), line)));
        }
        line.keys = keys.len();
        if view.level.is_some() {
            let (relation, delta) = super::recursion::refresh(view, old, &new, keys)?;
            line.inserted = delta.inserted.num_rows();
            line.deleted = delta.deleted.num_rows();
            let next = if delta.is_empty() { Next::Same } else { Next::Changed(Arc::new(relation)) };
            return Ok(Some((next, delta, line)));
        }
        let keys = keys.columns();
        let run = Arc::new(Run { old: old.clone(), new, input: keys.clone(), below: 0 });
        let rows = view.run_keyed(&run)?;
        let (_, locations) = before.look_up(&view.grain, &keys);
        let old_rows = before.rows_at(&locations);
        Ok(Some(finished(before, &locations, &old_rows, &rows, line)?))
    }
}

/// The fingerprint of a program document: xxh3-128 of its bytes.
#[must_use]
pub fn fingerprint_of(document: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(document)
}

type Ran = (Next, Delta, ViewRun);

/// What became of a relation.
pub(super) enum Next {
    Same,
    Changed(Arc<Relation>),
}

impl Next {
    fn into_changed(self) -> Option<Arc<Relation>> {
        match self {
            Next::Same => None,
            Next::Changed(relation) => Some(relation),
        }
    }
}

/// Makes the batches of one table slices of all of them together.
fn share(changes: &mut [Change], number: usize, together: &RecordBatch) {
    let mut start = 0;
    for table in changes.iter_mut().filter_map(|change| change.tables.as_mut()?[number].as_mut()) {
        let rows = table.num_rows();
        *table = together.slice(start, rows);
        start += rows;
    }
}

fn deepest_rows(next: &Next, level: usize, rounds: u32) -> usize {
    match next {
        Next::Same => 0,
        Next::Changed(relation) => relation.count(level, rounds),
    }
}

fn empty_delta(view: &View) -> Delta {
    let none = RecordBatch::new_empty(view.schema.clone());
    Delta { deleted: none.clone(), inserted: none }
}

fn finished(
    before: &Arc<Relation>,
    locations: &[(u32, u32)],
    old_rows: &RecordBatch,
    rows: &RecordBatch,
    mut line: ViewRun,
) -> Result<Ran> {
    match replaced(before, locations, old_rows, rows)? {
        None => {
            let none = RecordBatch::new_empty(before.schema().clone());
            Ok((Next::Same, Delta { deleted: none.clone(), inserted: none }, line))
        }
        Some((next, delta)) => {
            line.inserted = delta.inserted.num_rows();
            line.deleted = delta.deleted.num_rows();
            Ok((Next::Changed(Arc::new(next)), delta, line))
        }
    }
}

/// The relation with the rows at `locations` replaced, and the true difference; `None` if there is none.
pub(super) fn replaced(
    relation: &Relation,
    locations: &[(u32, u32)],
    old_rows: &RecordBatch,
    new_rows: &RecordBatch,
) -> Result<Option<(Relation, Delta)>> {
    let (deleted, inserted) = difference(old_rows, new_rows);
    if deleted.is_empty() && inserted.is_empty() {
        return Ok(None);
    }
    let dead: Vec<(u32, u32)> = deleted.iter().map(|&row| locations[row as usize]).collect();
    let deleted = take_record_batch(old_rows, &UInt32Array::from(deleted))?;
    let inserted = take_record_batch(new_rows, &UInt32Array::from(inserted))?;
    let inserted = RecordBatch::try_new(relation.schema().clone(), inserted.columns().to_vec())?;
    let next = relation.changed(&dead, &inserted);
    Ok(Some((next, Delta { deleted, inserted })))
}

fn micros(since: Instant) -> u64 {
    since.elapsed().as_micros() as u64
}

/// The one row of a batch as key columns.
pub(super) fn key_columns(row: &RecordBatch, columns: &[usize]) -> Vec<ArrayRef> {
    columns.iter().map(|&column| row.column(column).slice(0, row.column(column).len().min(1))).collect()
}

impl Engine {
    /// Adds every relation of a snapshot to an image.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write_image(&self, snapshot: &Snapshot, writer: &mut ImageWriter) -> std::io::Result<()> {
        for ((name, _), relation) in self.compiled.relations.iter().zip(&snapshot.relations) {
            writer.relation(name, relation)?;
        }
        Ok(())
    }

    /// A snapshot whose relations lie in an image; `moved` as `Image::relation` takes it.
    ///
    /// # Errors
    /// If the image holds no such relations.
    pub fn read_image(&self, image: &Image, moved: Option<&[u32]>) -> std::io::Result<Snapshot> {
        let relations: std::io::Result<Vec<Arc<Relation>>> = self
            .compiled
            .relations
            .iter()
            .map(|(name, schema)| image.relation(name, schema, moved).map(Arc::new))
            .collect();
        Ok(Snapshot { generation: self.snapshot().generation + 1, relations: relations? })
    }

    /// Publishes a snapshot that was read from an image.
    pub fn restore(&self, snapshot: Snapshot) -> Arc<Snapshot> {
        let _writer = self.writer.lock().unwrap_or_else(|poison| poison.into_inner());
        let snapshot = Arc::new(snapshot);
        *self.current.write().unwrap_or_else(|poison| poison.into_inner()) = snapshot.clone();
        snapshot
    }

    /// Lets what the newest snapshot has in common with one that was written to an image lie in the image, where it was read back;
    /// what else holds it lets it go. The rows stay what they are, and so does the generation.
    pub fn settle(&self, written: &Snapshot, mapped: &Snapshot) -> Arc<Snapshot> {
        let _writer = self.writer.lock().unwrap_or_else(|poison| poison.into_inner());
        let now = self.snapshot();
        let both = written.relations.iter().zip(&mapped.relations);
        let relations = now.relations.iter().zip(both);
        let relations = relations.map(|(now, (written, mapped))| Arc::new(now.settled(written, mapped))).collect();
        let snapshot = Arc::new(Snapshot { generation: now.generation, relations });
        *self.current.write().unwrap_or_else(|poison| poison.into_inner()) = snapshot.clone();
        snapshot
    }

    /// The law, checked: every stored view run whole over a snapshot by DataFusion's own plans, beside what the snapshot holds. Views that differ,
    /// with the number of rows that are missing and that are too many; none if the law holds.
    ///
    /// # Errors
    /// What a view met while running.
    pub fn verify(&self, snapshot: &Arc<Snapshot>) -> Result<Vec<(String, usize, usize)>> {
        let mut broken = Vec::new();
        for view in self.compiled.views.iter().filter(|view| view.stored) {
            let fresh = if view.level.is_some() {
                super::recursion::whole(view, snapshot, |run| view.run_full(&self.session, run))?
            } else {
                let run = Run { old: snapshot.clone(), new: snapshot.clone(), input: vec![], below: 0 };
                Relation::of(view.schema.clone(), vec![view.run_full(&self.session, &Arc::new(run))?])
            };
            let all = |relation: &Relation| concat_batches(&view.schema, &relation.batches());
            let (extra, missing) = difference(&all(snapshot.relation(view.number))?, &all(&fresh)?);
            if !extra.is_empty() || !missing.is_empty() {
                broken.push((view.name.clone(), missing.len(), extra.len()));
            }
        }
        Ok(broken)
    }

    /// Builds the indexes that the prepared plans will ask for, so that the first edit need not.
    ///
    /// # Errors
    /// If a plan cannot be derived, which `new` has already ruled out.
    pub fn warm(&self, snapshot: &Snapshot) -> Result<()> {
        let mut needed: Vec<(usize, Vec<usize>)> = Vec::new();
        for view in self.compiled.views.iter().filter(|view| view.keyed && view.stored) {
            for plan in view.keyed_plans()? {
                look_ups(plan, &mut needed);
            }
            for occurrence in 0..view.occurrences.len() {
                look_ups(view.impact_plan(occurrence)?, &mut needed);
            }
            needed.push((view.number, view.grain.clone()));
        }
        for (number, (_, schema)) in self.compiled.relations[..self.compiled.evidence].iter().enumerate() {
            needed.push((number, vec![schema.index_of("file")?]));
        }
        needed.sort_unstable();
        needed.dedup();
        for (relation, columns) in needed {
            snapshot.relation(relation).prepare(&columns);
        }
        Ok(())
    }

    /// The compiled view with this name, if any.
    pub(crate) fn view(&self, name: &str) -> Option<&View> {
        self.compiled.views.iter().find(|view| view.name == name)
    }
}

impl Whole {
    fn as_str(self) -> &'static str {
        match self {
            Whole::FirstBuild => "first build",
            Whole::ManyFiles => "a large share of the files changed",
        }
    }
}
