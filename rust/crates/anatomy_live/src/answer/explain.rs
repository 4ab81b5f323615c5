//! Why an edge exists: targets with the steps that lead to them, what was beaten, and why an open reference is open.

use std::collections::BTreeMap;
use std::sync::Arc;

use anatomy_engine::{EngineError, Explained};
use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use arrow::array::{ArrayRef, UInt64Array};
use serde_json::{Value, json};

use super::places::range;
use super::{Answers, Words};

/// Columns that name a place worth showing, the most telling first.
const SHOWN: &[&str] =
    &["target", "ancestor", "base", "class", "binding", "node", "expr", "arg", "definition", "function"];

/// An explanation is for reading: beyond this many derivations its leaves are shown without their own reasons.
const MOST_DERIVATIONS: usize = 64;
/// What a hover shows of it: it is asked for with every rest of the pointer, and read at a glance.
const MOST_OF_HOVER: usize = 6;

/// A signature is shown up to this many characters.
const LONGEST_SIGNATURE: usize = 400;

fn shortened(signature: &str) -> String {
    let mut letters = signature.chars();
    let mut shown: String = letters.by_ref().take(LONGEST_SIGNATURE).collect();
    if letters.next().is_some() {
        shown.push('…');
    }
    shown
}

impl Answers {
    /// The explanation of what stands at a position, or null.
    ///
    /// # Errors
    /// `unknown-file`, or what a rule met while explaining.
    pub fn explain(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Value, EngineError> {
        self.explain_within(MOST_DERIVATIONS, path, line, character, encoding)
    }

    /// The explanation with the last few of its steps.
    ///
    /// # Errors
    /// As of `explain`.
    pub fn hover(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Value, EngineError> {
        self.explain_within(MOST_OF_HOVER, path, line, character, encoding)
    }

    fn explain_within(
        &self,
        most: usize,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Value, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        let Some(word) = words.reference.or(words.binding) else { return Ok(Value::Null) };
        let mut targets = Vec::new();
        let mut candidates = Vec::new();
        // A parameter that asks for something by its name is a reference too.
        let asking = words.binding.filter(|binding| !self.targets(binding.id).is_empty());
        let asked = words.reference.or(asking);
        if let Some(around) = words.text.and_then(|text| text.around) {
            let mut shown = self.target(around, encoding);
            let way = words.reference.and_then(|reference| self.targets(reference.id).into_iter().next());
            shown["rule"] = json!(way.as_ref().map_or("", |target| target.rule.text()));
            shown["why"] = json!("what the text means stands in it");
            shown["confidence"] =
                json!(way.map_or(1.0, |target| (f64::from(target.confidence) * 100.0).round() / 100.0));
            shown["rank"] = json!(0);
            shown["steps"] = json!([]);
            targets.push(shown);
        } else if let Some(reference) = asked {
            let key: ArrayRef = Arc::new(UInt64Array::from(vec![reference.id]));
            let explained = self.engine.explain(&self.snapshot, "refers_to", &[key], most)?;
            let known = if words.reference.is_some() { self.targets_at(&words) } else { self.targets(reference.id) };
            let order: Vec<Id> = known.iter().map(|target| target.id).collect();
            let mut best: Vec<Value> = vec![Value::Null; order.len()];
            for candidate in &explained {
                let row = self.engine.row_as_text(&candidate.row);
                let Some(id) = row.get("target").and_then(|id| id.parse::<Id>().ok()) else { continue };
                let mut shown = self.target(id, encoding);
                shown["rule"] = json!(candidate.rule);
                shown["why"] = json!(self.why(candidate, &row));
                shown["confidence"] = json!(rounded(&row, "confidence"));
                let mut steps = Vec::new();
                self.steps(candidate, encoding, &mut steps);
                shown["steps"] = Value::Array(steps);
                if let Some(at) = order.iter().position(|other| *other == id) {
                    shown["rank"] = json!(at);
                    if best[at].is_null() {
                        best[at] = shown;
                    }
                }
            }
            targets.extend(best.into_iter().filter(|target| !target.is_null()));
            candidates = self.beaten(reference.id, &order, encoding)?;
        }
        let mut kind = "reference";
        if targets.is_empty() && asked.is_none() {
            kind = "definition";
            let mut own = self.target(word.id, encoding);
            own["rule"] = json!("bindings");
            own["why"] = json!("this is the place that binds it");
            own["confidence"] = json!(1.0);
            own["rank"] = json!(0);
            own["steps"] = json!([]);
            targets.push(own);
        }
        let leads_out = words
            .reference
            .is_some_and(|reference| self.targets(reference.id).iter().all(|target| target.kind.text() == "external"));
        let unresolved = if targets.is_empty() || leads_out { self.unresolved(&words)? } else { Value::Null };
        Ok(json!({
            "file": words.file.text(),
            "word": words.text.map_or_else(|| self.word_of(word.id), |text| text.word),
            "kind": kind,
            "range": range(words.view, word.start, word.end, encoding),
            "targets": targets,
            "candidates": candidates,
            "unresolved": unresolved,
            "witnesses": self.witnesses().opinions(words.file, words.view.stamp, word.id),
        }))
    }

    /// The word of a reference or binding.
    pub(super) fn word_of(&self, id: Id) -> &'static str {
        let tables = [
            ("names", "expr", "name"),
            ("exprs", "expr", "name"),
            ("bindings", "binding", "name"),
            ("imports", "expr", "name"),
            ("module_refs", "expr", "module"),
            ("args", "arg", "name"),
            ("exports", "expr", "name"),
            ("imports", "alias_expr", "name"),
            ("imports", "alias_expr", "module"),
        ];
        let found = tables.iter().find_map(|(table, by, column)| {
            let rows = self.rows(table, by, id, &[*column]);
            rows.first().map(|row| Symbol(row[0] as u32).text()).filter(|word| !word.is_empty())
        });
        found.map_or("", |word| word.rsplit_once('.').map_or(word, |(_, last)| last))
    }

    /// Name, kind and place of a definition or module.
    fn target(&self, id: Id, encoding: PositionEncoding) -> Value {
        let Some((file, view, anchor)) = self.place(id) else { return json!({"name": "", "kind": "unknown"}) };
        let row = self.rows("bindings", "binding", id, &["name", "kind"]);
        let (name, kind) = match row.first() {
            Some(row) => (Symbol(row[0] as u32).text(), Symbol(row[1] as u32).text()),
            None => match self.written(id) {
                Some(word) => (word, "text"),
                None => {
                    let module = self.rows("files", "file", u64::from(file.0), &["module"]);
                    (module.first().map_or("", |row| Symbol(row[0] as u32).text()), "module")
                }
            },
        };
        let source = self.source_of(id);
        let own = self.engine.docstring(&self.snapshot, id);
        let doc = if own.is_empty() { source.as_ref().map_or(own, |source| source.doc.clone()) } else { own };
        json!({
            "name": name,
            "kind": kind,
            "signature": shortened(view.head(id).unwrap_or_default()),
            "path": file.text(),
            "uri": self.uri_of(file),
            "range": range(view, anchor.start, anchor.end, encoding),
            "extent": range(view, anchor.extent_start, anchor.extent_end.max(anchor.end), encoding),
            "doc": doc,
            "source": source.map(|source| source.shown(encoding)),
        })
    }

    fn why(&self, candidate: &Explained, row: &BTreeMap<String, String>) -> String {
        let template = self.engine.why(&candidate.rule);
        let mut named = row.clone();
        for (column, value) in &mut named {
            if let Ok(id) = value.parse::<Id>()
                && id > u64::from(u32::MAX)
                && template.contains(&format!("{{{column}}}"))
            {
                *value = self.name_of(id);
            }
        }
        fill(&template, &named)
    }

    pub(super) fn name_of(&self, id: Id) -> String {
        if let Some(row) = self.rows("bindings", "binding", id, &["name"]).first() {
            return Symbol(row[0] as u32).text().to_owned();
        }
        if let Some(word) = self.written(id) {
            return word.to_owned();
        }
        match self.place(id) {
            Some((file, _, _)) => {
                let module = self.rows("files", "file", u64::from(file.0), &["module"]);
                module.first().map_or(file.text(), |row| Symbol(row[0] as u32).text()).to_owned()
            }
            None => String::new(),
        }
    }

    /// The text or keyword that declares something where nothing is bound: an argument of a command line, a column of a table.
    fn written(&self, id: Id) -> Option<&'static str> {
        let tables = [("strings", "expr", "value"), ("args", "arg", "name")];
        tables.iter().find_map(|(table, by, column)| {
            self.rows(table, by, id, &[*column]).first().map(|row| Symbol(row[0] as u32).text())
        })
    }

    /// The derivation as numbered steps, from evidence to the edge.
    fn steps(&self, candidate: &Explained, encoding: PositionEncoding, into: &mut Vec<Value>) {
        for witness in &candidate.witnesses {
            if let Some(derived) = &witness.derived {
                self.steps(derived, encoding, into);
            }
        }
        let row = self.engine.row_as_text(&candidate.row);
        let mut text = self.why(candidate, &row);
        if text.is_empty() {
            text = candidate.rule.replace('_', " ");
        }
        let ids = SHOWN.iter().filter_map(|column| row.get(*column)?.parse::<Id>().ok()).filter(|id| *id != 0);
        let place = ids.into_iter().find_map(|id| self.place(id));
        let mut step = json!({"rule": candidate.rule, "text": text, "path": "", "line": 0});
        if let Some((file, view, anchor)) = place {
            step["path"] = json!(file.text());
            step["line"] = json!(view.index().line_of(anchor.start) + 1);
            step["range"] = range(view, anchor.start, anchor.end, encoding);
        }
        if !into.contains(&step) {
            into.push(step);
        }
    }

    /// Candidates that lost a contest on the way: bindings of the same name that do not reach this use.
    fn beaten(&self, reference: Id, won: &[Id], encoding: PositionEncoding) -> Result<Vec<Value>, EngineError> {
        let mut beaten = Vec::new();
        for (view, column, lost) in [("name_target", "binding", "another binding of the name reaches this place first")]
        {
            let key: ArrayRef = Arc::new(UInt64Array::from(vec![reference]));
            for candidate in self.engine.explain(&self.snapshot, view, &[key], 0)? {
                let row = self.engine.row_as_text(&candidate.row);
                let Some(id) = row.get(column).and_then(|id| id.parse::<Id>().ok()) else { continue };
                if candidate.rank == 0 || won.contains(&id) {
                    continue;
                }
                let mut shown = self.target(id, encoding);
                shown["rule"] = json!(candidate.rule);
                shown["rank"] = json!(candidate.rank);
                shown["lost"] = json!(lost);
                beaten.push(shown);
            }
        }
        Ok(beaten)
    }

    /// Why nothing was found, as `unresolved` has it.
    fn unresolved(&self, words: &Words<'_>) -> Result<Value, EngineError> {
        let Some(reference) = words.reference else { return Ok(Value::Null) };
        if self.engine.relation_number("unresolved").is_some() {
            let key: ArrayRef = Arc::new(UInt64Array::from(vec![reference.id]));
            if let Some(first) = self.engine.explain(&self.snapshot, "unresolved", &[key], 0)?.first() {
                let row = self.engine.row_as_text(&first.row);
                return Ok(json!({"reason": row.get("reason"), "text": self.why(first, &row)}));
            }
        }
        Ok(json!({"reason": "unknown", "text": "no rule leads anywhere from here"}))
    }
}

fn rounded(row: &BTreeMap<String, String>, column: &str) -> f64 {
    let value = row.get(column).and_then(|text| text.parse::<f64>().ok()).unwrap_or(1.0);
    (value * 100.0).round() / 100.0
}

/// A sentence with its `{column}` holes filled.
pub(super) fn fill(template: &str, row: &BTreeMap<String, String>) -> String {
    let mut text = template.to_owned();
    for (column, value) in row {
        text = text.replace(&format!("{{{column}}}"), value);
    }
    text
}
