//! The plan bundle: what the program was compiled to, in three tiers, each with all of the one before.
//!
//! 1 says what the program is; 2 what depends on what, and in which order and time it runs; 3 what was found odd, what was decided, and
//! the plans themselves.

use std::collections::{BTreeMap, HashMap};

use anatomy_facts::{ErrorCode, Stage};
use anatomy_program::{Refresh, ViewKind, ViewSpec};
use serde_json::{Map, Value, json};

use super::engine::Engine;
use crate::error::{EngineError, Result};
use crate::plan::{Finding, View, compiles, findings, hash_of, schedule, shown};
use crate::policy::{Policy, Validation};
use crate::store::Snapshot;

impl Engine {
    /// What the program, or one view of it, was compiled to, up to a tier.
    ///
    /// # Errors
    /// If there is no such view, or a plan cannot be made.
    pub fn bundle(&self, view: Option<&str>, tier: u8, snapshot: &Snapshot) -> Result<Value> {
        let one = view.map(|name| self.known(name)).transpose()?;
        let mut told = json!({
            "tier": tier,
            "manifest": self.manifest(),
            "compiles": compiles(),
            "policy": self.policy(),
            "outputs": self.output_views(snapshot),
            "summary": self.summary(snapshot),
        });
        if let Some(view) = one {
            told["view"] = self.described(view);
        }
        if tier >= 2 {
            self.add_schedule(one, snapshot, &mut told);
        }
        if tier >= 3 {
            let found = findings(&self.program, &self.compiled, Some(snapshot))?;
            let of_view = |finding: &&Finding| {
                one.is_none_or(|view| {
                    finding.view == view.name || view.branches.iter().any(|branch| branch.rule == finding.view)
                })
            };
            told["validation"] = json!({
                "mode": self.policy().validation(),
                "findings": found.iter().filter(of_view).collect::<Vec<_>>(),
            });
            told["envelope"] = self.envelope();
            told["decisions"] = json!(self.decisions(view, snapshot)?);
            let mut views = Vec::new();
            for of in self.compiled.views.iter().filter(|of| one.is_none_or(|view| view.number == of.number)) {
                views.push(self.signals(of, snapshot)?);
            }
            told["views"] = Value::Array(views);
            if let Some(view) = one {
                self.add_plans(view, &mut told)?;
            }
        }
        Ok(told)
    }

    /// What decides a run beside the program: the policy and what the engine can do.
    #[must_use]
    pub fn envelope(&self) -> Value {
        let policy = json!(self.policy());
        let capability = json!({"datafusion": datafusion::DATAFUSION_VERSION, "arrow": arrow::ARROW_VERSION, "engine": self.manifest().engine});
        let parts = [self.manifest().fingerprint.clone(), policy.to_string(), capability.to_string()];
        json!({"policy": policy, "capability": capability, "hash": shown(hash_of(parts.iter().map(|part| part.as_bytes())))})
    }

    /// In mode `error` the first warning of validation is a refusal.
    pub(crate) fn refuse_findings(&self, policy: &Policy) -> Result<()> {
        if policy.validation() != Validation::Error {
            return Ok(());
        }
        let found = findings(&self.program, &self.compiled, None)?;
        match found.into_iter().find(|finding| finding.weight == crate::plan::Weight::Warning) {
            Some(finding) => Err(EngineError::compile(finding.code, finding.place, finding.message, finding.remedy)),
            None => Ok(()),
        }
    }

    fn known(&self, name: &str) -> Result<&View> {
        self.view(name).ok_or_else(|| {
            EngineError::new(
                ErrorCode::RuleUnknownRelation,
                Stage::Answer,
                format!("no view is called `{name}`"),
                "`codeanatomy plan` without a name lists them",
            )
        })
    }

    /// Views that nothing of the program reads: what it is for.
    fn output_views(&self, snapshot: &Snapshot) -> Vec<Value> {
        let outputs = self.compiled.views.iter().filter(|view| self.readers(view.number).is_empty());
        let of = |view: &View| {
            let rows = view.stored.then(|| snapshot.relation(view.number).len());
            json!({"name": view.name, "kind": view.kind.as_str(), "stored": view.stored, "rows": rows, "fingerprint": view.fingerprint})
        };
        outputs.map(of).collect()
    }

    fn summary(&self, snapshot: &Snapshot) -> Value {
        let count = |of: &dyn Fn(&&View) -> bool| self.compiled.views.iter().filter(of).count();
        let specs = &self.program.views;
        let relations: Vec<_> = specs.iter().filter(|spec| spec.kind == ViewKind::Relate).collect();
        let mut lines: Vec<u32> = relations.iter().map(|spec| spec.lines()).collect();
        let mut shapes: Vec<u32> =
            specs.iter().filter(|spec| spec.kind == ViewKind::Normalize).map(|spec| spec.lines()).collect();
        let joins =
            self.compiled.views.iter().flat_map(|view| &view.branches).map(|branch| branch.joins.len()).sum::<usize>();
        json!({
            "evidence_tables": self.compiled.evidence,
            "rules": specs.len(),
            "views": self.compiled.views.len(),
            "materialised": count(&|view| view.stored),
            "virtual": count(&|view| !view.stored),
            "keyed": count(&|view| view.keyed),
            "full": count(&|view| !view.keyed),
            "recursive": count(&|view| view.level.is_some()),
            "refresh_full_asked_for": specs.iter().filter(|spec| spec.refresh == Refresh::Full).count(),
            "join_keys_inferred": joins,
            "join_keys_written": specs.iter().map(ViewSpec::keys_written).sum::<usize>(),
            "median_lines_of_a_relationship": median(&mut lines),
            "median_lines_of_a_normalisation": median(&mut shapes),
            "compile_micros": self.compiled.views.iter().map(|view| u64::from(view.compile_micros)).sum::<u64>(),
            "rows": snapshot.relations.iter().map(|relation| relation.len()).sum::<usize>(),
        })
    }

    fn add_schedule(&self, view: Option<&View>, snapshot: &Snapshot, told: &mut Value) {
        let rows: Vec<usize> = snapshot.relations.iter().map(|relation| relation.len()).collect();
        // The newest whole run of each view; the cost of a build is that of whole runs.
        let measured: HashMap<u32, u64> = self
            .ledger()
            .rings()
            .runs
            .iter()
            .filter(|run| run.is_full && run.error.is_empty())
            .map(|run| (run.view, u64::from(run.micros)))
            .collect();
        let mut edges = Vec::new();
        for of in &self.compiled.views {
            let mut inputs: Vec<usize> = of.occurrences.iter().map(|of| of.relation).collect();
            inputs.sort_unstable();
            inputs.dedup();
            for input in inputs {
                if view.is_none_or(|view| of.number == view.number || input == view.number) {
                    let occurrences = of.occurrences.iter().filter(|of| of.relation == input).count();
                    let (from, rows) = (&self.compiled.relations[input].0, rows[input]);
                    edges.push(json!({"from": from, "to": of.name, "occurrences": occurrences, "rows": rows, "evidence": input < self.compiled.evidence}));
                }
            }
        }
        told["edges"] = Value::Array(edges);
        told["schedule"] = json!(schedule(&self.compiled, &rows, &measured));
    }

    /// What can be said of a view from its plan and the sizes of what it reads.
    fn signals(&self, view: &View, snapshot: &Snapshot) -> Result<Value> {
        let mut told = self.described(view);
        let required = view.required();
        let rows = snapshot.relation(view.number).len();
        let mut statistics = BTreeMap::new();
        let (mut read, mut all, mut largest) = (0, 0, 0);
        for (name, columns) in &required {
            let Some(number) = self.relation_number(name) else { continue };
            let relation = snapshot.relation(number);
            let width = relation.schema().fields().len();
            (read, all) = (read + columns.len(), all + width);
            largest = largest.max(relation.len());
            statistics.insert(
                name,
                json!({"rows": relation.len(), "bytes": relation.column_bytes(), "columns": width, "columns_read": columns.len()}),
            );
        }
        let field = |&at: &usize| view.schema.field(at).name().clone();
        let sort_keys: Vec<String> = view
            .winner
            .iter()
            .flat_map(|(_, order)| order)
            .map(|key| format!("{}{}", field(&key.column), if key.descending { " desc" } else { "" }))
            .collect();
        let ratio =
            |part: usize, whole: usize| if whole == 0 { Value::Null } else { json!(part as f64 / whole as f64) };
        let readers = self.readers(view.number);
        told["required_columns"] = json!(required);
        told["lineage"] = json!(view.lineage());
        told["functions"] = json!(view.functions());
        told["indexes"] = json!(
            self.indexes_of(view)?
                .into_iter()
                .map(|(of, columns)| json!({"relation": of, "columns": columns}))
                .collect::<Vec<_>>()
        );
        told["contract"] = json!(view.schema.metadata().iter().collect::<BTreeMap<_, _>>());
        told["signals"] = json!({
            "statistics": statistics,
            "rows": view.stored.then_some(rows),
            "selectivity": if view.stored { ratio(rows, largest) } else { Value::Null },
            "projection_ratio": ratio(read, all),
            "sort_keys": sort_keys,
            "winner_group": view.winner.as_ref().map(|(group, _)| group.iter().map(field).collect::<Vec<_>>()),
            "fan_out": readers.len(),
            "readers": readers,
        });
        Ok(told)
    }

    fn add_plans(&self, view: &View, told: &mut Value) -> Result<()> {
        let described = self.describe(Some(&view.name))?;
        let mut plans = Map::new();
        for form in ["sql", "logical", "optimized", "physical", "keyed", "impact"] {
            if let Some(plan) = described.get(form) {
                plans.insert(form.to_owned(), plan.clone());
            }
        }
        told["plans"] = Value::Object(plans);
        Ok(())
    }
}

fn median(of: &mut [u32]) -> Value {
    of.sort_unstable();
    of.get(of.len() / 2).map_or(Value::Null, |middle| json!(middle))
}
