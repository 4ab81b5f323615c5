//! The engine: one compiled program, one current snapshot, one writer.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};
use std::time::Instant;

use anatomy_facts::{ErrorCode, Stage, Symbol};
use anatomy_program::Program;
use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use rayon::prelude::*;

use super::aside::{Aside, Turn};
use super::ledger::{CommitEntry, Fallback, Ledger, ViewEntry};
use super::report::{Mode, Report, Stages, ViewRun};
use crate::error::{EngineError, Result};
use crate::fault::fail_at;
use crate::lower::Session;
use crate::operators::{Bounds, Run};
use crate::plan::{Compiled, Manifest, View, compile};
use crate::policy::{Policy, Validation, Whole, Workload, calibrated, runs_side_by_side, runs_whole};
use crate::store::image::{Image, ImageWriter};
use crate::store::{Delta, Relation, RowSet, Snapshot, difference, missed_index_rows};

/// New evidence of one file; `None` where the file is gone.
#[derive(Clone, Debug)]
pub struct Change {
    /// Interned path.
    pub file: Symbol,
    /// A batch for each evidence contract, in order; an inner `None` says that the rows of that table are as they were.
    pub tables: Option<Vec<Option<Rows>>>,
}

/// Rows of one table: a batch of their own, or a part of one that holds the rows of many files. A batch for each table of
/// each file weighs more than its rows.
#[derive(Clone, Debug)]
pub struct Rows {
    of: Arc<RecordBatch>,
    start: usize,
    count: usize,
}

impl Rows {
    /// The rows by themselves.
    #[must_use]
    pub fn batch(&self) -> RecordBatch {
        self.of.slice(self.start, self.count)
    }
}

impl From<RecordBatch> for Rows {
    fn from(of: RecordBatch) -> Rows {
        Rows { start: 0, count: of.num_rows(), of: Arc::new(of) }
    }
}

/// A program kept true over changing evidence.
pub struct Engine {
    pub(crate) compiled: Arc<Compiled>,
    pub(crate) session: Arc<Session>,
    pub(crate) program: Arc<Program>,
    manifest: Arc<Manifest>,
    /// Relations by name: answers ask by name, dozens of times each.
    numbers: Arc<HashMap<String, usize>>,
    pub(super) current: RwLock<Arc<Snapshot>>,
    writer: Mutex<()>,
    policy: RwLock<Policy>,
    ledger: Arc<Ledger>,
    aside: Aside,
}

impl Engine {
    /// Compiles a program document (JSON) over empty evidence.
    ///
    /// # Errors
    /// Every refusal of the decoder and the compiler.
    pub fn new(document: &[u8]) -> Result<Engine> {
        let program = Program::decode(document)?;
        let manifest = Manifest::of(document)?;
        let session = Session::new();
        let compiled = compile(&program, &manifest, &session)?;
        let relations =
            compiled.relations.iter().map(|(_, schema)| Arc::new(Relation::empty(schema.clone()))).collect();
        let current = RwLock::new(Arc::new(Snapshot { generation: 0, relations }));
        let numbers = compiled.relations.iter().enumerate().map(|(number, (name, _))| (name.clone(), number)).collect();
        Ok(Engine {
            compiled: Arc::new(compiled),
            session: Arc::new(session),
            program: Arc::new(program),
            manifest: Arc::new(manifest),
            numbers: Arc::new(numbers),
            current,
            writer: Mutex::new(()),
            policy: RwLock::default(),
            ledger: Arc::default(),
            aside: Aside::default(),
        })
    }

    /// What the program is. Whatever is derived is kept under its fingerprint.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The same engine over evidence of this extractor, by its hash.
    #[must_use]
    pub fn extracted_by(self, extractor: &str) -> Engine {
        Engine { manifest: Arc::new(self.manifest.as_ref().clone().extracted_by(extractor)), ..self }
    }

    /// A second engine over the same program that begins with the newest snapshot of this one and goes its own way from
    /// there. What neither of them changes is shared.
    #[must_use]
    pub fn fork(&self) -> Engine {
        Engine {
            compiled: self.compiled.clone(),
            session: self.session.clone(),
            program: self.program.clone(),
            manifest: self.manifest.clone(),
            numbers: self.numbers.clone(),
            current: RwLock::new(self.snapshot()),
            writer: Mutex::new(()),
            policy: RwLock::new(self.policy()),
            ledger: self.ledger.clone(),
            aside: self.aside.fork(),
        }
    }

    /// Runs under this policy from now on. In mode `error` a program with findings is refused.
    ///
    /// # Errors
    /// The first finding of validation, with its code, place and remedy.
    pub fn set_policy(&self, policy: Policy) -> Result<()> {
        self.refuse_findings(&policy)?;
        *self.policy.write().unwrap_or_else(|poison| poison.into_inner()) = policy;
        self.ledger.switch(policy.artifacts);
        Ok(())
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Policy {
        *self.policy.read().unwrap_or_else(|poison| poison.into_inner())
    }

    /// What ran lately, of this engine and its forks.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Names of the views that have no rows because they fail again and again.
    #[must_use]
    pub fn aside(&self) -> Vec<&str> {
        self.aside.views().into_iter().map(|view| self.compiled.relations[view].0.as_str()).collect()
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
        let policy = self.policy();
        let chosen = runs_whole(changes.len(), files, &policy);
        let advice = self.ledger.rings().costs.advice(chosen, changes.len(), files);
        let whole = calibrated(chosen, advice, &policy);
        // More files than there were before: the rest of a first build, whose nearest files were asked for before all others.
        let is_growing = changes.len() > files;
        let workload = match (whole, changes.len()) {
            (Some(_), _) if is_growing => Workload::ColdIndex,
            (None, 0..=8) => Workload::Edit,
            _ => Workload::Burst,
        };
        let commit = CommitEntry {
            commit: self.ledger.next_commit(),
            changed: changes.len(),
            files,
            whole,
            workload,
            advice,
            policy,
        };
        let mut record =
            Record { ledger: &self.ledger, commit, start: self.ledger.now(), runs: vec![], fallbacks: vec![] };
        let built = missed_index_rows();
        let mut deltas = self.evidence_deltas(&old, changes, &mut relations)?;
        let mut report = Report { generation: old.generation, commit: record.commit.commit, ..Report::default() };
        report.diff_micros = micros(began);
        for number in 0..self.compiled.evidence {
            if let Some(delta) = deltas.get(&number) {
                let name = self.compiled.relations[number].0.clone();
                report.evidence.push((name, delta.inserted.num_rows(), delta.deleted.num_rows()));
            }
        }
        if deltas.is_empty() && !self.aside.is_due() {
            report.micros = micros(began);
            return Ok((old, report));
        }
        if whole.is_some() {
            crate::memory::give_back();
        }
        let mut missed = missed_index_rows() - built;
        let mut lines: Vec<(usize, ViewRun)> = Vec::new();
        let mut emptied: Vec<usize> = Vec::new();
        for stage in &self.compiled.stages {
            let reads_a_change = |view: &&View| view.occurrences.iter().any(|of| deltas.contains_key(&of.relation));
            let runs = |view: &&View| match self.aside.turn(view.number) {
                Turn::Usual => whole.is_some() || reads_a_change(view),
                Turn::Again => true,
                Turn::Aside => false,
            };
            let views: Vec<&View> = stage.iter().map(|&at| &self.compiled.views[at]).filter(runs).collect();
            if views.is_empty() {
                continue;
            }
            let new = Arc::new(Snapshot { generation: old.generation + 1, relations: relations.clone() });
            let run = |view: &&View| -> Outcome {
                let (at, built) = (Instant::now(), missed_index_rows());
                let run = || self.run_view(view, &old, &new, whole, &deltas, &policy, cancel);
                let ran = catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
                Outcome { at, micros: micros(at), missed: missed_index_rows() - built, ran }
            };
            let read: usize = views
                .iter()
                .flat_map(|view| &view.occurrences)
                .filter_map(|of| deltas.get(&of.relation))
                .map(Delta::len)
                .sum();
            let outcomes: Vec<Outcome> = match runs_side_by_side(whole, read) {
                true => views.par_iter().map(run).collect(),
                false => views.iter().map(run).collect(),
            };
            for (view, outcome) in views.into_iter().zip(outcomes) {
                let ran = match outcome.ran {
                    Err(error) if is_of_the_rule(&error) && self.is_aside(view, &error) => {
                        emptied.push(view.number);
                        Some(without_rows(view, &old))
                    }
                    ran => ran.inspect_err(|error| record.failed(view, began, error))?,
                };
                let Some((relation, delta, mut line)) = ran else { continue };
                missed += outcome.missed;
                line.micros = outcome.micros;
                line.stages.start = (outcome.at - began).as_micros() as u32;
                if line.mode == Mode::Full && whole.is_none() {
                    record.fallback(Some(view.number), "full_view", true, line.stages.rows_in.into(), line.reason);
                }
                if let Some(level) = view.level {
                    let deepest = deepest_rows(&relation, level, view.rounds);
                    if deepest > 0 {
                        report.depth_limit.push((view.name.clone(), deepest));
                    }
                }
                lines.push((view.number, line));
                if let Some(relation) = relation.into_changed() {
                    relations[view.number] = relation;
                }
                if !delta.is_empty() {
                    deltas.insert(view.number, delta);
                }
            }
        }
        lines.sort_by_key(|(number, _)| *number);
        let ran: Vec<usize> = lines.iter().map(|(number, _)| *number).collect();
        report.views = lines.into_iter().map(|(_, line)| line).collect();
        report.mode = if whole.is_some() { Mode::Full } else { Mode::Keyed };
        if let Some(whole) = whole.filter(|_| !is_growing) {
            record.fallback(None, "full_commit", true, files as u64, whole.as_str());
        }
        if whole.is_none() && missed > 0 {
            record.fallback(None, "missed_index", false, missed, "a plan asked for an index that nobody had foreseen");
        }
        let snapshot = Arc::new(Snapshot { generation: old.generation + 1, relations });
        *self.current.write().unwrap_or_else(|poison| poison.into_inner()) = snapshot.clone();
        for view in self.aside.published(&emptied, ran.into_iter().filter(|view| !emptied.contains(view))) {
            self.ledger.works_again("", &self.rule_file(view));
        }
        report.generation = snapshot.generation;
        report.micros = micros(began);
        record.done(&report, &self.compiled, changes.len(), files);
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
            let parts = changes.iter().filter_map(|change| change.tables.as_ref()?[number].as_ref());
            let parts: Vec<RecordBatch> = parts.filter(|rows| rows.count > 0).map(Rows::batch).collect();
            let new_rows = concat_batches(schema, &parts)?;
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

    /// Notes that a view failed; whether everything else goes on without it.
    fn is_aside(&self, view: &View, error: &EngineError) -> bool {
        let cause = format!("the rule `{}` failed: {}", view.name, error.message);
        let stage = format!("{:?}", error.stage).to_lowercase();
        self.ledger.fault(error.code.as_str(), &stage, &cause, &self.rule_file(view.number));
        self.aside.failed(view.number)
    }

    fn rule_file(&self, view: usize) -> String {
        let name = self.compiled.relations[view].0.as_str();
        let spec = self.program.views.iter().find(|spec| spec.name == name);
        spec.map_or_else(|| name.to_owned(), |spec| format!("{}/{}", spec.pack, spec.file))
    }

    #[expect(clippy::too_many_arguments, reason = "one commit: what was, what is, what changed, and how it runs")]
    fn run_view(
        &self,
        view: &View,
        old: &Arc<Snapshot>,
        new: &Arc<Snapshot>,
        whole: Option<Whole>,
        deltas: &HashMap<usize, Delta>,
        policy: &Policy,
        cancel: &AtomicBool,
    ) -> Result<Option<Ran>> {
        let bounds = Bounds::new(cancel, policy);
        bounds.check()?;
        fail_at("engine.view").map_err(|error| EngineError::internal(Stage::Run, error.to_string()))?;
        let ran = match whole {
            Some(whole) => self.run_whole(view, old, new.clone(), whole.as_str(), policy, bounds)?,
            None if self.aside.turn(view.number) == Turn::Again => {
                self.run_again(view, old, new.clone(), policy, bounds)?
            }
            None => self.run_keyed(view, old, new.clone(), deltas)?,
        };
        if let (Some((relation, delta, line)), Validation::Error) = (&ran, policy.validation()) {
            let kept = match (relation, line.mode) {
                (Next::Changed(relation), Mode::Full) => relation.batches(),
                _ => vec![delta.inserted.clone()],
            };
            kept.iter().try_for_each(|rows| view.check_contract(rows))?;
        }
        Ok(ran)
    }

    /// One view run whole over what lies below it, outside a commit.
    pub(super) fn run_alone(
        &self,
        view: &View,
        old: &Arc<Snapshot>,
        new: &Arc<Snapshot>,
        whole: Whole,
        policy: &Policy,
        cancel: &AtomicBool,
    ) -> Result<(Option<Arc<Relation>>, ViewRun)> {
        let at = Instant::now();
        let none = HashMap::new();
        let Some((next, _, mut line)) = self.run_view(view, old, new, Some(whole), &none, policy, cancel)? else {
            return Err(EngineError::internal(Stage::Run, format!("`{}` did not run", view.name)));
        };
        line.micros = micros(at);
        Ok((next.into_changed(), line))
    }

    /// Tells the ledger what ran because the program is another one.
    pub(super) fn followed(&self, report: &Report, files: usize, policy: Policy) {
        let commit = CommitEntry {
            commit: self.ledger.next_commit(),
            changed: 0,
            files,
            whole: Some(Whole::OtherProgram),
            workload: Workload::Burst,
            advice: None,
            policy,
        };
        let report = Report { commit: commit.commit, ..report.clone() };
        let record = Record { ledger: &self.ledger, commit, start: self.ledger.now(), runs: vec![], fallbacks: vec![] };
        record.done(&report, &self.compiled, 0, files);
    }

    fn run_whole(
        &self,
        view: &View,
        old: &Arc<Snapshot>,
        new: Arc<Snapshot>,
        reason: &'static str,
        policy: &Policy,
        bounds: Bounds<'_>,
    ) -> Result<Option<Ran>> {
        let at = Instant::now();
        let rows_in = view.occurrences.iter().map(|of| new.relation(of.relation).len() as u32).sum();
        let mut rows_out = 0;
        let relation = if view.level.is_some() {
            super::recursion::whole(view, &new, bounds, |run| view.run_whole(&self.session, run, policy))?
        } else {
            let run = Arc::new(Run { old: new.clone(), new, input: vec![], below: 0 });
            let rows = view.run_whole(&self.session, &run, policy)?;
            rows_out = rows.num_rows();
            Relation::of(view.schema.clone(), vec![rows])
        };
        let rows_out = rows_out.max(relation.len()) as u32;
        let stages = Stages { rows_in, rows_out, run: micros(at) as u32, ..Stages::default() };
        let line = ViewRun {
            view: view.name.clone(),
            mode: Mode::Full,
            reason,
            keys: 0,
            inserted: relation.len(),
            deleted: old.relations[view.number].len(),
            micros: 0,
            stages,
        };
        let none = RecordBatch::new_empty(view.schema.clone());
        Ok(Some((Next::Changed(Arc::new(relation)), Delta { deleted: none.clone(), inserted: none }, line)))
    }

    /// Runs a view whole that was aside: it has no rows, and all that it finds now is new.
    fn run_again(
        &self,
        view: &View,
        old: &Arc<Snapshot>,
        new: Arc<Snapshot>,
        policy: &Policy,
        bounds: Bounds<'_>,
    ) -> Result<Option<Ran>> {
        let Some((Next::Changed(relation), _, line)) =
            self.run_whole(view, old, new, "it failed before", policy, bounds)?
        else {
            return Ok(None);
        };
        let before = &old.relations[view.number];
        let locations = before.all_locations();
        let rows = concat_batches(&view.schema, &relation.batches())?;
        Ok(Some(finished(before, &locations, &before.rows_at(&locations), &rows, line)?))
    }

    fn run_keyed(
        &self,
        view: &View,
        old: &Arc<Snapshot>,
        new: Arc<Snapshot>,
        deltas: &HashMap<usize, Delta>,
    ) -> Result<Option<Ran>> {
        let before = &old.relations[view.number];
        let mut line = ViewRun {
            view: view.name.clone(),
            mode: Mode::Keyed,
            reason: "",
            keys: 0,
            inserted: 0,
            deleted: 0,
            micros: 0,
            stages: Stages::default(),
        };
        let at = Instant::now();
        if !view.keyed {
            line.stages.rows_in = view.occurrences.iter().map(|of| new.relation(of.relation).len() as u32).sum();
            let run = Arc::new(Run { old: old.clone(), new, input: vec![], below: 0 });
            let rows = view.run_full(&self.session, &run)?;
            line.stages.run = micros(at) as u32;
            line.stages.rows_out = rows.num_rows() as u32;
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
                line.stages.rows_in += input.first().map_or(0, |column| column.len() as u32);
                let run = Arc::new(Run { old: old.clone(), new: new.clone(), input, below: u32::MAX });
                view.run_impact(number, &run, &mut keys)?;
            }
        }
        line.stages.impact = micros(at) as u32;
        if keys.is_empty() {
            return Ok(Some((Next::Same, empty_delta(view), line)));
        }
        line.keys = keys.len();
        if view.level.is_some() {
            let (relation, delta) = super::recursion::refresh(view, old, &new, keys)?;
            line.stages.run = micros(at) as u32 - line.stages.impact;
            line.stages.rows_out = (delta.inserted.num_rows() + delta.deleted.num_rows()) as u32;
            line.inserted = delta.inserted.num_rows();
            line.deleted = delta.deleted.num_rows();
            let next = if delta.is_empty() { Next::Same } else { Next::Changed(Arc::new(relation)) };
            return Ok(Some((next, delta, line)));
        }
        let keys = keys.columns();
        let run = Arc::new(Run { old: old.clone(), new, input: keys.clone(), below: 0 });
        let rows = view.run_keyed(&run)?;
        line.stages.run = micros(at) as u32 - line.stages.impact;
        line.stages.rows_out = rows.num_rows() as u32;
        let (_, locations) = before.look_up(&view.grain, &keys);
        let old_rows = before.rows_at(&locations);
        Ok(Some(finished(before, &locations, &old_rows, &rows, line)?))
    }
}

type Ran = (Next, Delta, ViewRun);

/// How the run of one view went.
struct Outcome {
    at: Instant,
    micros: u64,
    /// Rows of indexes that nobody had foreseen.
    missed: u64,
    ran: Result<Option<Ran>>,
}

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
    let (of, mut start) = (Arc::new(together.clone()), 0);
    for rows in changes.iter_mut().filter_map(|change| change.tables.as_mut()?[number].as_mut()) {
        *rows = Rows { of: of.clone(), start, count: rows.count };
        start += rows.count;
    }
}

/// Whether a view failed by itself: not because somebody stopped it, or because there is no room for the whole graph.
fn is_of_the_rule(error: &EngineError) -> bool {
    !matches!(error.code, ErrorCode::Cancelled | ErrorCode::MemoryBudget)
}

fn deepest_rows(next: &Next, level: usize, rounds: u32) -> usize {
    match next {
        Next::Same => 0,
        Next::Changed(relation) => relation.count(level, rounds),
    }
}

/// A view whose rows leave because it cannot be run.
fn without_rows(view: &View, old: &Snapshot) -> Ran {
    let before = &old.relations[view.number];
    let rows = before.rows_at(&before.all_locations());
    let line = ViewRun {
        view: view.name.clone(),
        mode: Mode::Full,
        reason: "it fails and is put aside",
        keys: 0,
        inserted: 0,
        deleted: rows.num_rows(),
        micros: 0,
        stages: Stages::default(),
    };
    let delta = Delta { deleted: rows, inserted: RecordBatch::new_empty(view.schema.clone()) };
    (Next::Changed(Arc::new(Relation::empty(view.schema.clone()))), delta, line)
}

fn panicked(panic: &(dyn Any + Send)) -> EngineError {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    EngineError::internal(Stage::Run, said.unwrap_or("it panicked"))
}

fn empty_delta(view: &View) -> Delta {
    let none = RecordBatch::new_empty(view.schema.clone());
    Delta { deleted: none.clone(), inserted: none }
}

/// What one commit leaves in the ledger.
struct Record<'a> {
    ledger: &'a Ledger,
    commit: CommitEntry,
    start: u64,
    runs: Vec<ViewEntry>,
    fallbacks: Vec<Fallback>,
}

impl Record<'_> {
    fn fallback(&mut self, view: Option<usize>, kind: &'static str, declared: bool, rows: u64, reason: &'static str) {
        let (commit, start) = (self.commit.commit, self.start);
        let view = view.map(|view| view as u32);
        self.fallbacks.push(Fallback { commit, start, view, kind, declared, rows, reason });
    }

    /// The commit ends because a view fails, or because nobody wants it any more.
    fn failed(&mut self, view: &View, began: Instant, error: &EngineError) {
        let code = error.code.as_str();
        if error.code != ErrorCode::Cancelled {
            self.fallback(Some(view.number), "failed_commit", false, 0, code);
        }
        self.runs.push(ViewEntry {
            commit: self.commit.commit,
            generation: 0,
            view: view.number as u32,
            start: self.start + began.elapsed().as_micros() as u64,
            is_full: self.commit.whole.is_some(),
            reason: "",
            keys: 0,
            inserted: 0,
            deleted: 0,
            micros: 0,
            stages: Stages::default(),
            error: code,
        });
        self.write();
    }

    fn done(mut self, report: &Report, compiled: &Compiled, changed: usize, files: usize) {
        if !self.ledger.is_on() {
            return;
        }
        let number = |name: &str| compiled.views.iter().find(|view| view.name == name).map(|view| view.number as u32);
        // Reports come in the order of the program: each view is looked for behind the last one.
        let mut views = compiled.views.iter();
        for line in &report.views {
            let Some(view) =
                views.find(|view| view.name == line.view).map(|view| view.number as u32).or(number(&line.view))
            else {
                continue;
            };
            self.runs.push(ViewEntry {
                commit: report.commit,
                generation: report.generation,
                view,
                start: self.start + u64::from(line.stages.start),
                is_full: line.mode == Mode::Full,
                reason: line.reason,
                keys: line.keys as u32,
                inserted: line.inserted as u32,
                deleted: line.deleted as u32,
                micros: line.micros as u32,
                stages: Stages {
                    store: (line.micros as u32).saturating_sub(line.stages.impact + line.stages.run),
                    ..line.stages
                },
                error: "",
            });
        }
        let files = files.max(changed);
        // Another program over the same files says nothing of what changed files cost.
        if changed > 0 {
            self.ledger.rings().costs.add(self.commit.whole.is_some(), changed, files, report.micros);
        }
        self.write();
    }

    fn write(&mut self) {
        if self.ledger.is_on() {
            let (runs, fallbacks) = (std::mem::take(&mut self.runs), std::mem::take(&mut self.fallbacks));
            self.ledger.rings().commit(self.commit.clone(), runs, fallbacks);
        }
    }
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
        self.aside.forget();
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
        let never = AtomicBool::new(false);
        let bounds = Bounds::new(&never, &Policy::default());
        for view in self.compiled.views.iter().filter(|view| view.stored) {
            let fresh = if view.level.is_some() {
                super::recursion::whole(view, snapshot, bounds, |run| view.run_full(&self.session, run))?
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
                plan.look_ups(&mut needed);
            }
            for occurrence in 0..view.occurrences.len() {
                view.impact_plan(occurrence)?.look_ups(&mut needed);
            }
            needed.push((view.number, view.grain.clone()));
        }
        for (number, (_, schema)) in self.compiled.relations[..self.compiled.evidence].iter().enumerate() {
            needed.push((number, vec![schema.index_of("file")?]));
        }
        needed.sort_unstable();
        needed.dedup();
        needed.par_iter().for_each(|(relation, columns)| snapshot.relation(*relation).prepare(columns));
        for relation in &snapshot.relations {
            relation.warmed();
        }
        Ok(())
    }

    /// The compiled view with this name, if any.
    pub(crate) fn view(&self, name: &str) -> Option<&View> {
        self.compiled.views.iter().find(|view| view.name == name)
    }
}
