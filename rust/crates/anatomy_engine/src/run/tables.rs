//! The tables that tell what ran, as queries see them: made from the ledger and the compiled program when one asks.

use anatomy_facts::facts::Cell;
use anatomy_facts::run_tables::{
    EDITS, FALLBACKS, FAULTS, POLICY_DECISIONS, REQUESTS, RULE_COMPILE, RULE_EXEC, RUN_TABLES,
};
use anatomy_facts::{Contract, TableBuilder};
use anatomy_program::Refresh;
use arrow::array::RecordBatch;

use super::engine::Engine;
use crate::error::Result;
use crate::store::Snapshot;

/// Names of the tables that tell what ran.
pub fn run_tables() -> impl Iterator<Item = &'static str> {
    RUN_TABLES.iter().map(|contract| contract.name)
}

impl Engine {
    /// The rows of a table that tells what ran; `None` if it is no such table.
    ///
    /// # Errors
    /// If a plan cannot be derived, which `new` has already ruled out.
    pub fn run_table(&self, name: &str, snapshot: &Snapshot) -> Result<Option<RecordBatch>> {
        Ok(Some(match name {
            "rule_compile" => self.rule_compile(),
            "rule_exec" => self.rule_exec(),
            "policy_decisions" => self.policy_decisions(snapshot)?,
            "fallbacks" => self.fallbacks(),
            "faults" => self.faults(),
            "edits" => self.edits(),
            "requests" => self.requests(),
            _ => return Ok(None),
        }))
    }

    fn view_name(&self, view: u32) -> &str {
        &self.compiled.relations[view as usize].0
    }

    fn rule_compile(&self) -> RecordBatch {
        static CONTRACT: Contract = RULE_COMPILE;
        let mut table = TableBuilder::new(&CONTRACT);
        for view in &self.compiled.views {
            let grain: Vec<&str> = view.grain.iter().map(|&at| view.schema.field(at).name().as_str()).collect();
            let mut inputs: Vec<usize> = view.occurrences.iter().map(|of| of.relation).collect();
            inputs.sort_unstable();
            inputs.dedup();
            let branches = view.branches.iter().map(|branch| (branch.rule.as_str(), branch.joins.len()));
            let own = branches.clone().any(|(rule, _)| rule == view.name);
            for (rule, joins) in branches.chain((!own).then_some((view.name.as_str(), 0))) {
                let Some(spec) = self.program.views.iter().find(|spec| spec.name == rule) else { continue };
                if rule != view.name && self.compiled.views.iter().any(|other| other.name == rule) {
                    continue;
                }
                table.push(&[
                    Cell::Text(rule),
                    Cell::Text(&view.name),
                    Cell::Text(spec.kind.as_str()),
                    Cell::Text(&spec.pack),
                    Cell::Text(&spec.file),
                    Cell::Int(view.compile_micros),
                    Cell::Text(&view.fingerprint),
                    Cell::Text(&grain.join(", ")),
                    Cell::Text(&view.grain_reason),
                    Cell::Text(if spec.refresh == Refresh::Keyed { "keyed" } else { "full" }),
                    Cell::Int(inputs.len() as u32),
                    Cell::Int(view.blocks().count() as u32),
                    Cell::Int(joins as u32),
                    Cell::Int(spec.keys_written() as u32),
                    Cell::Int(spec.lines()),
                    Cell::Text("compiled"),
                ]);
            }
        }
        table.finish()
    }

    fn rule_exec(&self) -> RecordBatch {
        static CONTRACT: Contract = RULE_EXEC;
        let mut table = TableBuilder::new(&CONTRACT);
        let fingerprint = |view: u32| {
            let of = self.compiled.views.iter().find(|of| of.number == view as usize);
            of.map_or("", |of| of.fingerprint.as_str())
        };
        for run in self.ledger().rings().runs.iter() {
            table.push(&[
                Cell::Id(run.commit),
                Cell::Id(run.generation),
                Cell::Text(self.view_name(run.view)),
                Cell::Id(run.start),
                Cell::Id(run.start + u64::from(run.micros)),
                Cell::Text(if run.is_full { "full" } else { "keyed" }),
                Cell::Text(run.reason),
                Cell::Int(run.keys),
                Cell::Int(run.stages.rows_in),
                Cell::Int(run.stages.rows_out),
                Cell::Int(run.inserted),
                Cell::Int(run.deleted),
                Cell::Bool(run.inserted + run.deleted == 0),
                Cell::Int(run.stages.impact),
                Cell::Int(run.stages.run),
                Cell::Int(run.stages.store),
                Cell::Int(run.micros),
                Cell::Text(fingerprint(run.view)),
                Cell::Text(match run.error {
                    "" => "ok",
                    "cancelled" => "cancelled",
                    _ => "failed",
                }),
                Cell::Text(run.error),
            ]);
        }
        table.finish()
    }

    fn policy_decisions(&self, snapshot: &Snapshot) -> Result<RecordBatch> {
        static CONTRACT: Contract = POLICY_DECISIONS;
        let mut table = TableBuilder::new(&CONTRACT);
        for of in self.decisions(None, snapshot)? {
            table.push(&[
                Cell::Id(of.commit),
                Cell::Text(&of.view),
                Cell::Text(of.decision),
                Cell::Text(&of.value),
                Cell::Text(of.alternatives),
                Cell::Float(of.score),
                Cell::Float(of.confidence),
                Cell::Text(&of.evidence),
                Cell::Text(&of.fallback_reason),
            ]);
        }
        Ok(table.finish())
    }

    fn fallbacks(&self) -> RecordBatch {
        static CONTRACT: Contract = FALLBACKS;
        let mut table = TableBuilder::new(&CONTRACT);
        for of in self.ledger().rings().fallbacks.iter() {
            table.push(&[
                Cell::Id(of.commit),
                Cell::Id(of.start),
                Cell::Text(of.view.map_or("", |view| self.view_name(view))),
                Cell::Text(of.kind),
                Cell::Bool(of.declared),
                Cell::Id(of.rows),
                Cell::Text(of.reason),
            ]);
        }
        table.finish()
    }

    fn faults(&self) -> RecordBatch {
        static CONTRACT: Contract = FAULTS;
        let mut table = TableBuilder::new(&CONTRACT);
        for of in self.ledger().faults() {
            table.push(&[
                Cell::Text(&of.code),
                Cell::Text(&of.stage),
                Cell::Text(&of.cause),
                Cell::Text(&of.path),
                Cell::Id(of.since),
                Cell::Id(of.until),
                Cell::Int(of.count),
            ]);
        }
        table.finish()
    }

    fn edits(&self) -> RecordBatch {
        static CONTRACT: Contract = EDITS;
        let mut table = TableBuilder::new(&CONTRACT);
        for entry in self.ledger().rings().edits.iter() {
            let edit = &entry.edit;
            table.push(&[
                Cell::Id(entry.commit),
                Cell::Symbol(edit.file),
                Cell::Id(edit.version.unsigned_abs()),
                Cell::Id(edit.start),
                Cell::Int(edit.apply_micros),
                Cell::Int(edit.queue_micros),
                Cell::Int(edit.extract_micros),
                Cell::Int(entry.diff_micros),
                Cell::Int(entry.views_micros),
                Cell::Int(edit.publish_micros),
                Cell::Int(edit.total_micros),
                Cell::Int(entry.views),
                Cell::Int(entry.views_changed),
                Cell::Bool(edit.superseded),
            ]);
        }
        table.finish()
    }

    fn requests(&self) -> RecordBatch {
        static CONTRACT: Contract = REQUESTS;
        let mut table = TableBuilder::new(&CONTRACT);
        for entry in self.ledger().rings().requests.iter() {
            let request = &entry.request;
            table.push(&[
                Cell::Text(request.method.text()),
                Cell::Id(entry.start),
                Cell::Int(request.latency_micros),
                Cell::Int(request.queue_micros),
                Cell::Int(request.rows),
                Cell::Int(request.bytes),
                Cell::Id(entry.generation),
                Cell::Text(request.status.text()),
            ]);
        }
        table.finish()
    }
}
