//! Outline of a document, symbols of the workspace, diagnostics.

use std::collections::HashMap;

use anatomy_engine::EngineError;
use anatomy_facts::facts::ParseError;
use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use super::Answers;
use super::places::range;
use crate::files::FileView;

struct Outlined {
    name: &'static str,
    kind: &'static str,
    body_scope: Id,
    start: u32,
    value: Value,
}

impl Answers {
    /// `DocumentSymbol[]` of a file as a tree.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn document_symbols(&self, path: &str, encoding: PositionEncoding) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let mut kinds: HashMap<Id, &'static str> = HashMap::new();
        let mut module = 0;
        for row in self.rows("scopes", "file", u64::from(file.0), &["scope", "kind"]) {
            let kind = Symbol(row[1] as u32).text();
            if kind == "module" {
                module = row[0];
            }
            kinds.insert(row[0], kind);
        }
        let columns = ["binding", "scope", "name", "kind", "body_scope", "occurrence"];
        let mut by_scope: HashMap<Id, Vec<Outlined>> = HashMap::new();
        for row in self.rows("bindings", "file", u64::from(file.0), &columns) {
            let (name, kind) = (Symbol(row[2] as u32).text(), Symbol(row[3] as u32).text());
            let shown = matches!(kind, "class" | "function" | "type_alias")
                || (matches!(kind, "assign" | "annotated" | "self_attr") && row[5] == 0);
            let inside = kinds.get(&row[1]).copied().unwrap_or("");
            if !shown || !matches!(inside, "module" | "class" | "function") || (inside == "function" && row[4] == 0) {
                continue;
            }
            let Some(anchor) = view.anchor(row[0]) else { continue };
            let symbol = symbol_kind(kind, inside, name);
            let extent =
                range(view, anchor.extent_start.min(anchor.start), anchor.extent_end.max(anchor.end), encoding);
            let value = json!({
                "name": name,
                "kind": symbol,
                "range": extent,
                "selectionRange": range(view, anchor.start, anchor.end, encoding),
            });
            by_scope.entry(row[1]).or_default().push(Outlined {
                name,
                kind,
                body_scope: row[4],
                start: anchor.start,
                value,
            });
        }
        let tree = children(module, &mut by_scope);
        Ok(Value::Array(tree).to_string().into_bytes())
    }

    /// `WorkspaceSymbol[]` of at most `limit` definitions whose name holds the letters of the query in order; exact
    /// names first, then prefixes, then shorter names.
    ///
    /// # Errors
    /// None today; the result is fallible like every answer.
    pub fn workspace_symbols(
        &self,
        query: &str,
        limit: usize,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let wanted: Vec<char> = query.to_lowercase().chars().collect();
        let mut ranked: Vec<(u8, usize, Symbol)> = Vec::new();
        let Some(number) = self.engine.relation_number("bindings") else { return Ok(b"[]".to_vec()) };
        let relation = self.snapshot.relation(number);
        let (function, class) = (Symbol::of("function").0, Symbol::of("class").0);
        let schema = relation.schema().clone();
        let column = |name: &str| schema.index_of(name);
        let (Ok(names), Ok(kinds)) = (column("name"), column("kind")) else { return Ok(b"[]".to_vec()) };
        let mut seen = std::collections::HashSet::new();
        for batch in relation.batches() {
            use arrow::array::AsArray;
            let numbers = batch.column(names).as_primitive::<arrow::datatypes::UInt32Type>();
            let kinds = batch.column(kinds).as_primitive::<arrow::datatypes::UInt32Type>();
            for (number, kind) in numbers.values().iter().zip(kinds.values()) {
                if (*kind == function || *kind == class) && seen.insert(*number) {
                    let text = Symbol(*number).text();
                    if let Some(rank) = rank_of(text, query, &wanted) {
                        ranked.push((rank, text.len(), Symbol(*number)));
                    }
                }
            }
        }
        ranked.sort_by(|left, right| (left.0, left.1, left.2.text()).cmp(&(right.0, right.1, right.2.text())));
        let mut found = Vec::new();
        'names: for (_, _, name) in ranked {
            let mut same: Vec<(String, u32, Value)> = Vec::new();
            for row in self.rows("bindings", "name", u64::from(name.0), &["binding", "kind", "scope", "file"]) {
                let kind = Symbol(row[1] as u32).text();
                if !matches!(kind, "class" | "function") {
                    continue;
                }
                let file = Symbol(row[3] as u32);
                let Some(view) = self.files.get(&file).filter(|_| super::is_inside(file)) else { continue };
                let Some(anchor) = view.anchor(row[0]) else { continue };
                let scope = self.rows("scopes", "scope", row[2], &["kind", "name"]);
                let (inside, container) = scope
                    .first()
                    .map_or(("module", ""), |row| (Symbol(row[0] as u32).text(), Symbol(row[1] as u32).text()));
                let mut item = json!({
                    "name": name.text(),
                    "kind": symbol_kind(kind, inside, name.text()),
                    "location": {"uri": self.uri_of(file), "range": range(view, anchor.start, anchor.end, encoding)},
                });
                if !container.is_empty() {
                    item["containerName"] = json!(container);
                }
                same.push((file.text().to_owned(), anchor.start, item));
            }
            same.sort_by(|left, right| (&left.0, left.1).cmp(&(&right.0, right.1)));
            for (_, _, item) in same {
                found.push(item);
                if found.len() >= limit {
                    break 'names;
                }
            }
        }
        Ok(Value::Array(found).to_string().into_bytes())
    }

    /// What is wrong with the syntax of a file, by whoever knows it best.
    pub(crate) fn syntax_errors(&self, file: Symbol, view: &FileView) -> Vec<ParseError> {
        self.witnesses.errors(file, view.stamp, &view.errors, &|offset| view.index().line_of(offset))
    }

    /// What is wrong with the syntax of a file alone, as LSP `Diagnostic[]`.
    ///
    /// # Errors
    /// `unknown-file` if the graph does not hold it.
    pub fn syntax(&self, path: &str, encoding: PositionEncoding) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let uri = self.uri_of(file);
        Ok(anatomy_syntax::lsp::diagnostics_json(&self.syntax_errors(file, view), view.index(), encoding, &uri))
    }

    /// `Diagnostic[]` of a file: syntax, and the rows of diagnostic views.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn diagnostics(&self, path: &str, encoding: PositionEncoding) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let uri = self.uri_of(file);
        let mut out =
            anatomy_syntax::lsp::diagnostics_json(&self.syntax_errors(file, view), view.index(), encoding, &uri);
        let mut more = Vec::new();
        for rule in self.engine.diagnostic_rules() {
            for row in self.engine.rows_as_text(&self.snapshot, &rule.name, "file", file) {
                let id = ["expr", "binding"]
                    .iter()
                    .filter_map(|column| row.get(*column)?.parse::<u64>().ok())
                    .find_map(|id| view.anchor(id));
                let Some(anchor) = id else { continue };
                more.push(json!({
                    "range": range(view, anchor.start, anchor.end, encoding),
                    "severity": severity(&rule.severity),
                    "code": rule.code,
                    "source": "codeanatomy",
                    "message": super::explain::fill(&rule.message, &row),
                }));
            }
        }
        if !more.is_empty() {
            more.sort_by_key(|item| item["range"]["start"]["line"].as_u64());
            let body: Vec<String> = more.iter().map(Value::to_string).collect();
            out.pop();
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(body.join(",").as_bytes());
            out.push(b']');
        }
        Ok(out)
    }
}

fn severity(word: &str) -> u8 {
    match word {
        "error" => 1,
        "warning" => 2,
        "information" => 3,
        _ => 4,
    }
}

fn children(scope: Id, by_scope: &mut HashMap<Id, Vec<Outlined>>) -> Vec<Value> {
    let mut found = by_scope.remove(&scope).unwrap_or_default();
    found.sort_by_key(|item| item.start);
    found
        .into_iter()
        .map(|item| {
            let mut value = item.value;
            if item.body_scope != 0 {
                let below = children(item.body_scope, by_scope);
                if !below.is_empty() {
                    value["children"] = Value::Array(below);
                }
            }
            debug_assert!(!item.name.is_empty() || item.kind.is_empty());
            value
        })
        .collect()
}

/// The `SymbolKind` number of LSP.
pub(super) fn symbol_kind(kind: &str, inside: &str, name: &str) -> u8 {
    match (kind, inside) {
        ("class", _) => 5,
        ("function", "class") if name == "__init__" => 9,
        ("function", "class") => 6,
        ("function", _) => 12,
        ("self_attr", _) => 8,
        (_, "class") => 8,
        _ if name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit()) => 14,
        _ => 13,
    }
}

/// 0 exact, 1 prefix, 2 holds the text, 3 holds the letters in order.
fn rank_of(text: &str, query: &str, wanted: &[char]) -> Option<u8> {
    if text == query {
        return Some(0);
    }
    let lower = text.to_lowercase();
    let query: String = wanted.iter().collect();
    if lower.starts_with(&query) {
        return Some(1);
    }
    if lower.contains(&query) {
        return Some(2);
    }
    let mut letters = lower.chars();
    wanted.iter().all(|letter| letters.any(|other| other == *letter)).then_some(3)
}
