//! What people ask of the program and of single rows: plans as text, sentences, rows with their symbols shown.

use std::collections::BTreeMap;

use anatomy_facts::tables::EVIDENCE;
use anatomy_facts::{ErrorCode, Id, Stage, Symbol};
use anatomy_program::{ViewKind, ViewSpec};
use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::util::display::array_value_to_string;
use serde_json::{Value, json};
use std::sync::Arc;

use super::engine::Engine;
use crate::error::{EngineError, Result};
use crate::functions::decode_symbols;
use crate::operators::Ready;
use crate::plan::View;
use crate::store::Snapshot;

impl Engine {
    /// Rules of kind diagnostic.
    pub fn diagnostic_rules(&self) -> impl Iterator<Item = &ViewSpec> {
        self.program.views.iter().filter(|spec| spec.kind == ViewKind::Diagnostic)
    }

    /// The sentence of a rule with its holes; empty if it has none.
    #[must_use]
    pub fn why(&self, rule: &str) -> String {
        self.program.views.iter().find(|spec| spec.name == rule).map_or_else(String::new, |spec| spec.why.clone())
    }

    /// The first row of a batch as text by column.
    #[must_use]
    pub fn row_as_text(&self, row: &RecordBatch) -> BTreeMap<String, String> {
        let Ok(decoded) = decode_symbols(row) else { return BTreeMap::new() };
        decoded
            .schema()
            .fields()
            .iter()
            .zip(decoded.columns())
            .filter_map(|(field, column)| Some((field.name().clone(), array_value_to_string(column, 0).ok()?)))
            .collect()
    }

    /// Rows of a relation whose symbol column equals a symbol, as text by column.
    #[must_use]
    pub fn rows_as_text(
        &self,
        snapshot: &Snapshot,
        relation: &str,
        by: &str,
        key: Symbol,
    ) -> Vec<BTreeMap<String, String>> {
        let Some(number) = self.relation_number(relation) else { return vec![] };
        let relation = snapshot.relation(number);
        let Ok(column) = relation.schema().index_of(by) else { return vec![] };
        let key: ArrayRef = Arc::new(UInt32Array::from(vec![key.0]));
        let (_, found) = relation.look_up(&[column], &[key]);
        let rows = relation.rows_at(&found);
        (0..rows.num_rows()).map(|row| self.row_as_text(&rows.slice(row, 1))).collect()
    }

    /// The docstring of a definition, empty without one.
    #[must_use]
    pub fn docstring(&self, snapshot: &Snapshot, owner: Id) -> String {
        let Some(number) = self.relation_number("docstrings") else { return String::new() };
        let relation = snapshot.relation(number);
        let key: ArrayRef = Arc::new(UInt64Array::from(vec![owner]));
        let (Ok(by), Ok(text)) = (relation.schema().index_of("owner"), relation.schema().index_of("text")) else {
            return String::new();
        };
        let (_, found) = relation.look_up(&[by], &[key]);
        let texts = relation.gather(text, &found);
        texts.as_string::<i32>().iter().flatten().next().unwrap_or_default().to_owned()
    }

    /// All views in order, or one view with its plans: logical, optimized, physical, keyed, and impact by input.
    ///
    /// # Errors
    /// If there is no such view, or a plan cannot be made.
    pub fn describe(&self, view: Option<&str>) -> Result<Value> {
        let name_of = |number: usize| self.compiled.relations[number].0.as_str();
        let Some(name) = view else {
            let views: Vec<Value> = self.compiled.views.iter().map(|view| self.described(view)).collect();
            let order: Vec<&str> = self.compiled.views.iter().map(|view| view.name.as_str()).collect();
            let evidence: Vec<Value> = self.compiled.relations[..self.compiled.evidence]
                .iter()
                .zip(EVIDENCE)
                .map(|((name, schema), contract)| {
                    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                    let docs: Vec<&str> = contract.columns.iter().map(|column| column.doc).collect();
                    json!({"name": name, "columns": columns, "doc": contract.doc, "column_docs": docs})
                })
                .collect();
            let manifest = self.manifest();
            return Ok(json!({"manifest": manifest, "evidence": evidence, "views": views, "order": order}));
        };
        let view = self.view(name).ok_or_else(|| {
            EngineError::new(
                ErrorCode::RuleUnknownRelation,
                Stage::Answer,
                format!("no view is called `{name}`"),
                "`codeanatomy plan` without a name lists them",
            )
        })?;
        let mut described = self.described(view);
        let mut logical = Vec::new();
        let mut optimized = Vec::new();
        for branch in &view.branches {
            logical.push(format!("-- {}\n{}", branch.rule, branch.logical.display_indent()));
            optimized.push(format!("-- {}\n{}", branch.rule, self.session.full(&branch.logical)?.0.display_indent()));
        }
        described["sql"] = json!(view.branches.iter().map(|branch| branch.sql.clone()).collect::<Vec<_>>());
        described["logical"] = json!(logical.join("\n"));
        described["optimized"] = json!(optimized.join("\n"));
        described["physical"] =
            json!(view.full_plans(&self.session)?.iter().map(Ready::text).collect::<Vec<_>>().join("\n"));
        if view.keyed {
            described["keyed"] = json!(view.keyed_plans()?.iter().map(Ready::text).collect::<Vec<_>>().join("\n"));
            let mut impact = serde_json::Map::new();
            for (number, of) in view.occurrences.iter().enumerate() {
                let shown = format!("{} (block {}, leaf {})", name_of(of.relation), of.block, of.leaf);
                impact.insert(shown, json!(view.impact_plan(number)?.text()));
            }
            described["impact"] = Value::Object(impact);
        }
        Ok(described)
    }

    /// A view in short.
    pub(crate) fn described(&self, view: &View) -> Value {
        let name_of = |number: usize| self.compiled.relations[number].0.as_str();
        let spec_of = |name: &str| self.program.views.iter().find(|spec| spec.name == name);
        let mut inputs: Vec<&str> = view.occurrences.iter().map(|of| name_of(of.relation)).collect();
        inputs.sort_unstable();
        inputs.dedup();
        let grain: Vec<&str> = view.grain.iter().map(|&at| view.schema.field(at).name().as_str()).collect();
        let joins: Vec<String> = view
            .branches
            .iter()
            .flat_map(|branch| branch.joins.iter().map(|key| format!("{} = {} ({})", key.left, key.right, key.reason)))
            .collect();
        json!({
            "name": view.name,
            "kind": view.kind.as_str(),
            "doc": spec_of(&view.name).map_or("", |spec| spec.doc.as_str()),
            "pack": spec_of(&view.name).map_or("", |spec| spec.pack.as_str()),
            "columns": view.schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>(),
            "grain": grain,
            "grain_reason": view.grain_reason,
            "inputs": inputs,
            "joins": joins,
            "rules": view.branches.iter().map(|branch| branch.rule.clone()).collect::<Vec<_>>(),
            "rounds": view.rounds,
            "stored": view.stored,
            "refresh": if view.keyed { "keyed" } else { "full" },
            "fingerprint": view.fingerprint,
        })
    }
}
