//! Another program over the same evidence: what both say alike is shared, and only what differs runs.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use rayon::prelude::*;

use super::engine::Engine;
use super::report::{Mode, Report, ViewRun};
use crate::error::Result;
use crate::plan::View;
use crate::policy::Whole;
use crate::store::{Relation, Snapshot};

impl Engine {
    /// An engine of another program that begins with what the newest snapshot of this one holds. A view with the same fingerprint (its
    /// rules, and those of all that it reads) keeps its rows, which both engines then share; the others run whole, stage by stage.
    /// The report names those.
    ///
    /// # Errors
    /// Every refusal of the compiler, `cancelled`, or what a view met while running. This engine stays as it is.
    pub fn with_program(&self, document: &[u8], cancel: &AtomicBool) -> Result<(Engine, Report)> {
        let began = Instant::now();
        let next = Engine::new(document)?.extracted_by(&self.manifest().extractor);
        let policy = self.policy();
        next.set_policy(policy)?;
        let (old, empty) = (self.snapshot(), next.snapshot());
        let relations: Vec<(Arc<Relation>, bool)> =
            (0..empty.relations.len()).map(|number| self.shared(&next, number, &old, &empty)).collect();
        let is_shared: Vec<bool> = relations.iter().map(|(_, is_shared)| *is_shared).collect();
        let mut relations: Vec<Arc<Relation>> = relations.into_iter().map(|(relation, _)| relation).collect();
        let mut report = Report { mode: Mode::Full, generation: old.generation + 1, ..Report::default() };
        for stage in &next.compiled.stages {
            let views: Vec<&View> = stage.iter().map(|&at| &next.compiled.views[at]).collect();
            let views: Vec<&View> = views.into_iter().filter(|view| !is_shared[view.number]).collect();
            let below = Arc::new(Snapshot { generation: report.generation, relations: relations.clone() });
            let run = |view: &&View| -> Result<(Option<Arc<Relation>>, ViewRun)> {
                next.run_alone(view, &empty, &below, Whole::OtherProgram, &policy, cancel)
            };
            let outcomes: Vec<Result<(Option<Arc<Relation>>, ViewRun)>> = views.par_iter().map(run).collect();
            for (view, outcome) in views.into_iter().zip(outcomes) {
                let (relation, line) = outcome?;
                if let Some(relation) = relation {
                    relations[view.number] = relation;
                }
                report.views.push(line);
            }
        }
        let snapshot = Arc::new(Snapshot { generation: report.generation, relations });
        *next.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&snapshot);
        next.warm(&snapshot)?;
        report.micros = began.elapsed().as_micros() as u64;
        next.followed(&report, snapshot.relations[0].len(), policy);
        Ok((next, report))
    }

    /// The relation with which another program begins, and whether it is one of this engine.
    fn shared(&self, next: &Engine, number: usize, old: &Snapshot, empty: &Snapshot) -> (Arc<Relation>, bool) {
        let (name, schema) = &next.compiled.relations[number];
        let known = self.relation_number(name).filter(|&known| self.schema(known) == *schema);
        let fingerprint = |of: &Engine| of.view(name).map(|view| view.fingerprint.clone());
        // A view that is aside has no rows, and what reads it has too few.
        let is_true = self.view(name).is_none() || self.aside().is_empty();
        match known.filter(|_| is_true && fingerprint(self) == fingerprint(next)) {
            Some(known) => (Arc::clone(&old.relations[known]), true),
            None => (Arc::clone(&empty.relations[number]), false),
        }
    }
}
