//! What slow witnesses said of the texts of files: tables that no edit waits for.
//!
//! Each saying is stamped with the text that it is about. It is taken only while the newest snapshot holds that text, and shown only
//! as long as a snapshot does: who asks never reads what was said of another text, and nothing has to be taken back at an edit. Places
//! become ids of the graph when they arrive, because the places of that very text are at hand then.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anatomy_engine::store::{Relation, Snapshot};
use anatomy_engine::{Engine, EngineError, Limits, TableSpec};
use anatomy_facts::contract::is_symbol;
use anatomy_facts::facts::ParseError;
use anatomy_facts::{AnchorKind, ErrorCode, Id, Severity, Stage, Symbol, id_of};
use arrow::array::AsArray;
use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, RecordBatch, StringBuilder, UInt32Builder, UInt64Builder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, SchemaRef, UInt64Type};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::files::{FileView, Files};

/// The table of what was known at once to be wrong with the syntax of files: no witness fills it.
const OWN: &str = "syntax_errors";
/// The view of where witnesses agree.
const AGREEING: &str = "evidence_agreement";
/// The views that compare witnesses with the graph, with their columns.
const COMPARING: &[(&str, &str)] = &[
    ("evidence_conflicts", "ours, theirs, reason, 0.0 AS confidence"),
    (AGREEING, "'' AS ours, '' AS theirs, '' AS reason, confidence"),
];
const MOST_OPINIONS: usize = 1_000_000;
/// Of more files at once nothing is kept for hovers: who asks about a whole workspace asks by queries.
const MOST_COMPARED: usize = 16;

/// The stamp of a text: equal texts, equal stamps.
#[must_use]
pub fn stamp_of(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// What one witness says of one text, as it arrives.
#[derive(Deserialize)]
struct Saying {
    path: String,
    witness: String,
    stamp: u64,
    #[serde(default)]
    micros: u64,
    #[serde(default)]
    error: Option<Failure>,
    #[serde(default)]
    verdict: Option<Verdict>,
    #[serde(default)]
    tables: BTreeMap<String, Vec<Vec<Value>>>,
}

/// Why a witness has nothing to say.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Failure {
    /// A code of `anatomy_facts`.
    pub(crate) code: String,
    /// What a person reads.
    pub(crate) message: String,
}

/// Whether Python takes a text.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Verdict {
    /// It does.
    pub(crate) accepts: bool,
    /// Where it gave up, in bytes.
    #[serde(default)]
    pub(crate) start: u32,
    #[serde(default)]
    pub(crate) end: u32,
    #[serde(default)]
    pub(crate) message: String,
}

/// What one witness said of one text.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) stamp: u64,
    pub(crate) micros: u64,
    pub(crate) failure: Option<Failure>,
    pub(crate) verdict: Option<Verdict>,
    tables: HashMap<usize, RecordBatch>,
}

/// What a witness thinks of something that the graph says.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Opinion {
    witness: String,
    /// What is compared: scope, binding, syntax, name.
    fact: String,
    agrees: bool,
    ours: String,
    theirs: String,
    reason: String,
    /// How sure both together are; 0 if they disagree.
    confidence: f32,
}

/// The stamp of a text, and what witnesses think of what the graph says of it, by id.
type Opinions = (u64, Arc<HashMap<Id, Vec<Opinion>>>);

/// What all witnesses said of all files. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Witnesses {
    told: HashMap<Symbol, Arc<BTreeMap<String, Arc<Told>>>>,
    opinions: HashMap<Symbol, Opinions>,
}

impl Witnesses {
    /// Takes in what arrived (JSON, a list): how many of the sayings are about the texts of a snapshot; the others are dropped.
    ///
    /// # Errors
    /// `witness-malformed` for what fits no table; nothing is taken then.
    pub(crate) fn hear(
        &mut self,
        engine: &Engine,
        snapshot: &Snapshot,
        files: &Files,
        sayings: &[u8],
    ) -> Result<(usize, Vec<Symbol>), EngineError> {
        let sayings: Vec<Saying> = serde_json::from_slice(sayings).map_err(|error| malformed(&error.to_string()))?;
        let mut news = Vec::new();
        for saying in sayings {
            let file = Symbol::of(&saying.path);
            let Some(view) = files.get(&file).filter(|view| view.stamp == saying.stamp) else { continue };
            let row = engine.rows_as_text(snapshot, "files", "file", file);
            let module = row.first().and_then(|row| row.get("scope")?.parse().ok()).unwrap_or_default();
            let places = Places::of(view, module);
            let mut tables = HashMap::new();
            for (name, rows) in &saying.tables {
                let found = engine.late_tables().find(|(_, table)| table.name == *name);
                let Some((number, table)) = found else {
                    return Err(malformed(&format!("there is no table `{name}`")));
                };
                tables.insert(number, batch(table, engine.schema(number), file, rows, &places)?);
            }
            let Saying { stamp, micros, error: failure, verdict, .. } = saying;
            news.push((file, saying.witness, Told { stamp, micros, failure, verdict, tables }));
        }
        let count = news.len();
        let mut compared = Vec::new();
        for (file, witness, told) in news {
            if told.tables.values().any(|table| table.num_rows() > 1) {
                compared.push(file);
            }
            Arc::make_mut(self.told.entry(file).or_default()).insert(witness, Arc::new(told));
        }
        compared.sort_by_key(|file| file.text());
        compared.dedup();
        Ok((count, compared))
    }

    /// Keeps where witnesses agree with the graph and where they do not, for some files: hovers read it.
    ///
    /// # Errors
    /// What the rules that compare met.
    pub(crate) fn compare(
        &mut self,
        engine: &Engine,
        snapshot: &Snapshot,
        files: &Files,
        compared: &[Symbol],
    ) -> Result<(), EngineError> {
        if compared.is_empty()
            || compared.len() > MOST_COMPARED
            || COMPARING.iter().any(|(view, _)| engine.relation_number(view).is_none())
        {
            return Ok(());
        }
        let beside = self.beside(engine, snapshot, files);
        let named: Vec<String> = compared.iter().map(|file| format!("'{}'", file.text().replace('\'', "''"))).collect();
        let mut found: HashMap<Symbol, HashMap<Id, Vec<Opinion>>> = HashMap::new();
        for (view, columns) in COMPARING {
            let sql =
                format!("SELECT node, file, fact, witness, {columns} FROM {view} WHERE file IN ({})", named.join(", "));
            let rows = engine.query(&beside, vec![], &sql, Limits::of_rows(MOST_OPINIONS))?;
            let text = |column: usize| cast(rows.column(column), &DataType::Utf8);
            let (nodes, file) = (cast(rows.column(0), &DataType::UInt64)?, text(1)?);
            let (fact, witness, ours, theirs, reason) = (text(2)?, text(3)?, text(4)?, text(5)?, text(6)?);
            let confidence = cast(rows.column(7), &DataType::Float32)?;
            let said = |column: &ArrayRef, row: usize| column.as_string::<i32>().value(row).to_owned();
            for row in 0..rows.num_rows() {
                let opinion = Opinion {
                    witness: said(&witness, row),
                    fact: said(&fact, row),
                    agrees: *view == AGREEING,
                    ours: said(&ours, row),
                    theirs: said(&theirs, row),
                    reason: said(&reason, row),
                    confidence: confidence.as_primitive::<Float32Type>().value(row),
                };
                let of_file = found.entry(Symbol::of(file.as_string::<i32>().value(row))).or_default();
                of_file.entry(nodes.as_primitive::<UInt64Type>().value(row)).or_default().push(opinion);
            }
        }
        for file in compared {
            let Some(view) = files.get(file) else { continue };
            self.opinions.insert(*file, (view.stamp, Arc::new(found.remove(file).unwrap_or_default())));
        }
        Ok(())
    }

    /// What witnesses think of a thing of a file, disagreement first.
    pub(crate) fn opinions(&self, file: Symbol, stamp: u64, id: Id) -> Vec<Opinion> {
        let current = self.opinions.get(&file).filter(|(of, _)| *of == stamp);
        let mut found = current.and_then(|(_, by_id)| by_id.get(&id)).cloned().unwrap_or_default();
        found.sort_by(|left, right| (left.agrees, &left.witness).cmp(&(right.agrees, &right.witness)));
        found.dedup_by(|left, right| (left.agrees, &left.witness) == (right.agrees, &right.witness));
        found
    }

    /// Forgets what was said of files that are no longer there.
    pub(crate) fn keep_only(&mut self, files: &Files) {
        self.told.retain(|file, _| files.contains_key(file));
        self.opinions.retain(|file, _| files.contains_key(file));
    }

    /// What was said of the texts of some files, in the order of paths and names of witnesses.
    pub(crate) fn of<'a>(&'a self, files: &'a Files) -> Vec<(Symbol, &'a str, &'a Told)> {
        let mut found: Vec<_> = self
            .told
            .iter()
            .filter_map(|(file, told)| Some((*file, files.get(file)?, told)))
            .flat_map(|(file, view, told)| {
                let current = told.iter().filter(|(_, told)| told.stamp == view.stamp);
                current.map(move |(name, told)| (file, name.as_str(), told.as_ref()))
            })
            .collect();
        found.sort_by_key(|(file, name, _)| (file.text(), *name));
        found
    }

    /// A snapshot with the rows that witnesses gave of its texts.
    pub(crate) fn beside(&self, engine: &Engine, snapshot: &Snapshot, files: &Files) -> Snapshot {
        let mut filled = snapshot.clone();
        let said = self.of(files);
        for (number, _) in engine.late_tables() {
            let batches: Vec<RecordBatch> =
                said.iter().filter_map(|(_, _, told)| told.tables.get(&number).cloned()).collect();
            if !batches.is_empty() {
                filled.relations[number] = Arc::new(Relation::of(engine.schema(number), batches));
            }
        }
        if let Some((number, table)) = engine.late_tables().find(|(_, table)| table.name == OWN) {
            let rows = known_errors(table, engine.schema(number), files);
            filled.relations[number] = Arc::new(Relation::of(engine.schema(number), rows));
        }
        filled
    }

    /// What is wrong with the syntax of a file: what Python itself says, if it was asked about this text, and what was known at once.
    pub(crate) fn errors(
        &self,
        file: Symbol,
        stamp: u64,
        known: &[ParseError],
        lines: &dyn Fn(u32) -> u32,
    ) -> Vec<ParseError> {
        let told = self.told.get(&file).into_iter().flat_map(|told| told.values());
        let verdict = told.filter(|told| told.stamp == stamp).find_map(|told| told.verdict.as_ref());
        judged(known, verdict, lines)
    }
}

/// Syntax errors after a verdict. None stands if Python takes the text. Else its own message stands first, in the place of ours on its
/// line, and ours on later lines stay, because Python stops at its first.
fn judged(known: &[ParseError], verdict: Option<&Verdict>, line_of: &dyn Fn(u32) -> u32) -> Vec<ParseError> {
    let Some(verdict) = verdict else { return known.to_vec() };
    let is_judged = |error: &ParseError| error.severity == Severity::Error;
    let mut standing: Vec<ParseError> = known.iter().filter(|error| !is_judged(error)).cloned().collect();
    if !verdict.accepts {
        let line = line_of(verdict.start);
        let ours = known.iter().filter(|error| is_judged(error));
        let (here, later): (Vec<&ParseError>, Vec<&ParseError>) =
            ours.filter(|error| line_of(error.start) >= line).partition(|error| line_of(error.start) == line);
        let confirmed = here.first();
        standing.push(ParseError {
            start: verdict.start,
            end: verdict.end,
            code: confirmed.map_or(ErrorCode::SyntaxRefused, |error| error.code),
            severity: Severity::Error,
            node_kind: confirmed.map_or("", |error| error.node_kind),
            message: verdict.message.clone(),
            related: confirmed.and_then(|error| error.related.clone()),
        });
        standing.extend(later.into_iter().cloned());
        standing.sort_by_key(|error| error.start);
    }
    standing
}

/// The rows of `syntax_errors`, one batch for each file that has any.
fn known_errors(table: &TableSpec, schema: SchemaRef, files: &Files) -> Vec<RecordBatch> {
    let mut broken: Vec<(Symbol, &FileView)> =
        files.iter().filter(|(_, view)| !view.errors.is_empty()).map(|(file, view)| (*file, view.as_ref())).collect();
    broken.sort_by_key(|(file, _)| file.text());
    let of_file = |(file, view): (Symbol, &FileView)| {
        let rows: Vec<Vec<Value>> = view
            .errors
            .iter()
            .map(|error| {
                let severity = if error.severity == Severity::Error { "error" } else { "warning" };
                let line = view.index().line_of(error.start) + 1;
                vec![
                    error.code.as_str().into(),
                    severity.into(),
                    error.message.as_str().into(),
                    error.start.into(),
                    error.end.into(),
                    line.into(),
                ]
            })
            .collect();
        batch(table, schema.clone(), file, &rows, &Places::default()).ok()
    };
    broken.into_iter().filter_map(of_file).collect()
}

/// Ids of the graph by their places.
#[derive(Default)]
struct Places {
    words: HashMap<(u32, u32), Id>,
    names: HashMap<(u32, u32), Id>,
    expressions: HashMap<(u32, u32), Id>,
    /// By their first byte; the end of each, because what follows a scope in its indentation counts to it here.
    scopes: HashMap<u32, Vec<(u32, Id)>>,
    /// The scope of the file.
    module: Id,
}

impl Places {
    fn of(view: &FileView, module: Id) -> Places {
        let (mut words, mut names) = (HashMap::new(), HashMap::new());
        let mut expressions = HashMap::new();
        let mut scopes: HashMap<u32, Vec<(u32, Id)>> = HashMap::new();
        for anchor in view.anchors() {
            let (word, extent) = ((anchor.start, anchor.end), (anchor.extent_start, anchor.extent_end));
            match anchor.kind {
                AnchorKind::Binding => {
                    words.entry(word).or_insert(anchor.id);
                }
                AnchorKind::Reference => {
                    names.entry(word).or_insert(anchor.id);
                    expressions.entry(extent).or_insert(anchor.id);
                }
                AnchorKind::Expression => {
                    expressions.insert(extent, anchor.id);
                }
                AnchorKind::Scope if anchor.id == module => {}
                AnchorKind::Scope => scopes.entry(extent.0).or_default().push((extent.1, anchor.id)),
            }
        }
        Places { words, names, expressions, scopes, module }
    }

    fn find(&self, kind: &str, place: (u32, u32)) -> Option<Id> {
        let by_place = match kind {
            "binding" => &self.words,
            "name" => &self.names,
            "expr" => &self.expressions,
            "scope" if place == (0, u32::MAX) => return Some(self.module),
            "scope" => {
                let here = self.scopes.get(&place.0).map(Vec::as_slice).unwrap_or_default();
                let found = here.iter().filter(|(end, _)| *end >= place.1).min();
                return Some(found.map_or(0, |(_, id)| *id));
            }
            _ => return None,
        };
        Some(by_place.get(&place).copied().unwrap_or_default())
    }
}

/// The rows of one table, `file` first.
fn batch(
    table: &TableSpec,
    schema: SchemaRef,
    file: Symbol,
    rows: &[Vec<Value>],
    places: &Places,
) -> Result<RecordBatch, EngineError> {
    if let Some(row) = rows.iter().find(|row| row.len() != table.columns.len()) {
        return Err(malformed(&format!("a row of `{}` has {} cells", table.name, row.len())));
    }
    let mut columns: Vec<ArrayRef> = vec![Arc::new(arrow::array::UInt32Array::from(vec![file.0; rows.len()]))];
    for (at, column) in table.columns.iter().enumerate() {
        let cells = rows.iter().map(|row| &row[at]);
        let wrong = |cell: &Value| malformed(&format!("`{}.{}` cannot hold {cell}", table.name, column.name));
        let field = schema.field(at + 1);
        columns.push(match field.data_type() {
            DataType::UInt64 => {
                let mut built = UInt64Builder::with_capacity(rows.len());
                for cell in cells {
                    built.append_value(id_in(cell, &column.of, file, places).ok_or_else(|| wrong(cell))?);
                }
                Arc::new(built.finish())
            }
            DataType::UInt32 if is_symbol(field) => {
                let mut texts = Vec::with_capacity(rows.len());
                for cell in cells {
                    texts.push(cell.as_str().ok_or_else(|| wrong(cell))?);
                }
                let mut built = UInt32Builder::with_capacity(rows.len());
                for symbol in Symbol::all_of(&texts) {
                    built.append_value(symbol.0);
                }
                Arc::new(built.finish())
            }
            DataType::UInt32 => {
                let mut built = UInt32Builder::with_capacity(rows.len());
                for cell in cells {
                    let number = cell.as_u64().and_then(|number| u32::try_from(number).ok());
                    built.append_value(number.ok_or_else(|| wrong(cell))?);
                }
                Arc::new(built.finish())
            }
            DataType::Boolean => {
                let mut built = BooleanBuilder::with_capacity(rows.len());
                for cell in cells {
                    built.append_value(cell.as_bool().ok_or_else(|| wrong(cell))?);
                }
                Arc::new(built.finish())
            }
            DataType::Float32 => {
                let mut built = Float32Builder::with_capacity(rows.len());
                for cell in cells {
                    built.append_value(cell.as_f64().ok_or_else(|| wrong(cell))? as f32);
                }
                Arc::new(built.finish())
            }
            _ => {
                let mut built = StringBuilder::new();
                for cell in cells {
                    built.append_value(cell.as_str().ok_or_else(|| wrong(cell))?);
                }
                Arc::new(built.finish())
            }
        });
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The id that a cell means: of the thing of the graph at a place (`[start, end]`), or of a thing of the witness itself, by a text that
/// tells it from the others of its file. `null` is none.
fn id_in(cell: &Value, of: &str, file: Symbol, places: &Places) -> Option<Id> {
    match cell {
        Value::Null => Some(0),
        Value::String(name) if name.is_empty() => Some(0),
        Value::String(name) => Some(id_of(&[file.text().as_bytes(), of.as_bytes(), name.as_bytes()])),
        Value::Array(place) => {
            let [start, end] = place.as_slice() else { return None };
            let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
            places.find(of, (number(start)?, number(end)?))
        }
        _ => None,
    }
}

fn malformed(what: &str) -> EngineError {
    let hint = "the extractor and its table contracts disagree: install both in the same version";
    EngineError::new(ErrorCode::WitnessMalformed, Stage::Extract, what.to_owned(), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(start: u32) -> ParseError {
        ParseError {
            start,
            end: start + 1,
            code: ErrorCode::SyntaxUnexpected,
            severity: Severity::Error,
            node_kind: "ERROR",
            message: "ours".to_owned(),
            related: None,
        }
    }

    fn verdict(accepts: bool, start: u32) -> Verdict {
        Verdict { accepts, start, end: start + 2, message: "theirs".to_owned() }
    }

    /// Lines of ten bytes.
    fn line_of(offset: u32) -> u32 {
        offset / 10
    }

    #[test]
    fn nothing_stands_against_a_text_that_python_takes() {
        assert_eq!(judged(&[error(3)], Some(&verdict(true, 0)), &line_of), vec![]);
    }

    #[test]
    fn the_message_of_python_takes_the_place_of_ours_on_its_line() {
        let found = judged(&[error(3), error(25), error(41)], Some(&verdict(false, 22)), &line_of);
        let shown: Vec<(u32, ErrorCode, &str)> =
            found.iter().map(|error| (error.start, error.code, error.message.as_str())).collect();
        assert_eq!(shown, [(22, ErrorCode::SyntaxUnexpected, "theirs"), (41, ErrorCode::SyntaxUnexpected, "ours")]);
    }

    #[test]
    fn what_only_python_refuses_has_a_code_of_its_own() {
        let found = judged(&[], Some(&verdict(false, 22)), &line_of);
        assert_eq!(found[0].code, ErrorCode::SyntaxRefused);
    }

    #[test]
    fn without_a_verdict_everything_stands() {
        assert_eq!(judged(&[error(3)], None, &line_of).len(), 1);
    }
}
