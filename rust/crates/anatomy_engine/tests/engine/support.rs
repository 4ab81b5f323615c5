//! Worlds of a few rows, and engines that follow them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anatomy_engine::store::Snapshot;
use anatomy_engine::{Change, Engine, EngineError, Report};
use anatomy_facts::facts::Cell;
use anatomy_facts::tables::EVIDENCE;
use anatomy_facts::{ColumnType, Symbol, TableBuilder};
use arrow::array::RecordBatch;
use serde_json::{Value, json};

/// Rows of one file by table, each as `column=value column=value`; what is left out is zero, false or empty.
pub(crate) type FileRows = BTreeMap<&'static str, Vec<String>>;

/// The files that there are.
pub(crate) type World = BTreeMap<String, FileRows>;

/// A view as its pack would give it.
pub(crate) fn view(name: &str, kind: &str, mut keys: Value) -> Value {
    keys["name"] = json!(name);
    keys["pack"] = json!("test");
    keys["doc"] = json!("Holds if the test says so.");
    keys["kind"] = json!(kind);
    keys
}

/// The engine of some views, or its refusal.
pub(crate) fn try_engine(views: &[Value]) -> Result<Engine, EngineError> {
    Engine::new(json!({ "views": views }).to_string().as_bytes())
}

/// The engine of views that compile.
pub(crate) fn engine(views: &[Value]) -> Engine {
    match try_engine(views) {
        Ok(engine) => engine,
        Err(refused) => {
            panic!("{} at {}: {} ({})", refused.code.as_str(), refused.place, refused.message, refused.hint)
        }
    }
}

/// Rows of one file: `table: column=value column=value`, one a line. Every file has its row in `files`.
pub(crate) fn rows(text: &str) -> FileRows {
    let mut rows = FileRows::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (table, row) = line.split_once(':').expect("a line is `table: column=value`");
        let contract = EVIDENCE.iter().find(|contract| contract.name == table).expect("a table of the evidence");
        rows.entry(contract.name).or_default().push(row.trim().to_owned());
    }
    rows
}

fn batch(number: usize, file: &str, rows: &FileRows) -> RecordBatch {
    let contract = &EVIDENCE[number];
    let own = [format!("module={}", file.trim_end_matches(".py"))];
    let given = rows.get(contract.name).map_or(&[][..], Vec::as_slice);
    let given = if contract.name == "files" && given.is_empty() { &own[..] } else { given };
    let mut table = TableBuilder::new(contract);
    for row in given {
        let cells: BTreeMap<&str, &str> = row.split_whitespace().filter_map(|cell| cell.split_once('=')).collect();
        for name in cells.keys() {
            assert!(contract.position(name).is_some(), "{} has no column {name}", contract.name);
        }
        let cells: Vec<Cell<'_>> = contract
            .columns
            .iter()
            .map(|column| {
                let text = if column.name == "file" { file } else { cells.get(column.name).copied().unwrap_or("") };
                match column.kind {
                    ColumnType::Id => Cell::Id(text.parse().unwrap_or(0)),
                    ColumnType::Int => Cell::Int(text.parse().unwrap_or(0)),
                    ColumnType::Symbol => Cell::Symbol(Symbol::of(text)),
                    ColumnType::Bool => Cell::Bool(text == "true"),
                    ColumnType::Text => Cell::Text(text),
                    ColumnType::Float => Cell::Float(text.parse().unwrap_or(0.0)),
                }
            })
            .collect();
        table.push(&cells);
    }
    table.finish()
}

/// The change that gives a file these rows, or takes it away.
pub(crate) fn change(file: &str, rows: Option<&FileRows>) -> Change {
    let tables = rows.map(|rows| (0..EVIDENCE.len()).map(|number| Some(batch(number, file, rows).into())).collect());
    Change { file: Symbol::of(file), tables }
}

/// Applies changes that must succeed.
pub(crate) fn apply(engine: &Engine, changes: &[Change]) -> Report {
    let (_, report) =
        engine.apply(&mut changes.to_vec(), &AtomicBool::new(false)).expect("a change of evidence cannot fail");
    report
}

/// Gives one file these rows.
pub(crate) fn give(engine: &Engine, file: &str, text: &str) -> Report {
    apply(engine, &[change(file, Some(&rows(text)))])
}

/// An engine that holds a file of these rows beside one that nobody edits.
pub(crate) fn holding(views: &[Value], text: &str) -> Engine {
    let engine = engine(views);
    apply(&engine, &[change("still.py", Some(&FileRows::new())), change("a.py", Some(&rows(text)))]);
    engine
}

/// All rows of a relation as sorted lines, `column=value` in the order of the schema.
pub(crate) fn lines(engine: &Engine, snapshot: &Arc<Snapshot>, relation: &str) -> Vec<String> {
    let number = engine.relation_number(relation).expect("the relation exists");
    let mut lines = Vec::new();
    for batch in snapshot.relation(number).batches() {
        for row in 0..batch.num_rows() {
            let shown = engine.row_as_text(&batch.slice(row, 1));
            let cells: Vec<String> = batch
                .schema()
                .fields()
                .iter()
                .map(|field| format!("{}={}", field.name(), shown[field.name()]))
                .collect();
            lines.push(cells.join(" "));
        }
    }
    lines.sort();
    lines
}

/// The rows of a relation in the newest snapshot.
pub(crate) fn now(engine: &Engine, relation: &str) -> Vec<String> {
    lines(engine, &engine.snapshot(), relation)
}

/// The law: every view is what a run over everything makes of the same evidence.
pub(crate) fn assert_law(engine: &Engine, after: &str) {
    let broken = engine.verify(&engine.snapshot()).expect("whole runs of stored views succeed");
    assert_eq!(broken, [], "(view, missing rows, rows too many) after {after}");
}

/// The views that ran, each with its keys, inserted and deleted rows.
pub(crate) fn ran(report: &Report) -> Vec<String> {
    report
        .views
        .iter()
        .map(|run| format!("{}: keys {}, +{} -{}", run.view, run.keys, run.inserted, run.deleted))
        .collect()
}

/// One of each form that a view may take.
pub(crate) fn every_form() -> Vec<Value> {
    vec![
        view(
            "inner",
            "derive",
            json!({"match": "names(expr, name, target_scope=_scope), bindings(binding, name, scope=_scope)"}),
        ),
        view(
            "outer",
            "derive",
            json!({"sql": "SELECT n.expr AS expr, b.binding IS NOT NULL AS bound, \
                           coalesce(b.occurrence, CAST(0 AS INT UNSIGNED)) AS occurrence \
                           FROM names AS n LEFT JOIN bindings AS b ON n.target_scope = b.scope AND n.name = b.name \
                           AND b.occurrence < 2",
                   "grain": ["expr"]}),
        ),
        view(
            "outer_condition",
            "derive",
            json!({"sql": "SELECT n.expr AS expr FROM names AS n \
                           LEFT JOIN bindings AS b ON n.target_scope = b.scope AND n.name = b.name \
                           WHERE coalesce(b.occurrence, CAST(0 AS INT UNSIGNED)) < 3",
                   "grain": ["expr"]}),
        ),
        view(
            "semi",
            "derive",
            json!({"sql": "SELECT n.expr AS expr, n.name AS name FROM names AS n \
                           LEFT SEMI JOIN bindings AS b ON n.target_scope = b.scope AND n.name = b.name",
                   "grain": ["expr"]}),
        ),
        view(
            "anti",
            "derive",
            json!({"match": "names(expr, name, target_scope=_scope), not bindings(scope=_scope, name)"}),
        ),
        view("self_join", "derive", json!({"match": "exprs(expr, base), exprs(expr=base, kind, kind <> 'call')"})),
        view("distinct", "derive", json!({"sql": "SELECT DISTINCT n.name AS name FROM names AS n", "grain": ["name"]})),
        view(
            "either",
            "derive",
            json!({"sql": "SELECT n.name AS name FROM names AS n UNION SELECT b.name AS name FROM bindings AS b",
                   "grain": ["name"]}),
        ),
        view("by_name", "relate", json!({"match": "inner(expr, binding=target)", "score": 2.0, "confidence": 0.9})),
        view("by_base", "relate", json!({"match": "self_join(expr, base=target)", "score": 1.0, "confidence": 0.5})),
        view("targets", "union", json!({"inputs": ["by_name", "by_base"], "grain": ["expr"]})),
        view(
            "best",
            "derive",
            json!({"match": "targets(expr, target, score)", "winner": {"group": ["expr"], "order": ["score desc"]}}),
        ),
        view(
            "start",
            "derive",
            json!({"sql": "SELECT e.expr AS expr, e.base AS top FROM exprs AS e WHERE e.base <> 0",
                                       "grain": ["expr"]}),
        ),
        view(
            "further",
            "derive",
            json!({"sql": "SELECT u.expr AS expr, e.base AS top FROM up AS u JOIN exprs AS e ON u.top = e.expr \
                           WHERE e.base <> 0",
                   "grain": ["expr"]}),
        ),
        view(
            "up",
            "union",
            json!({"inputs": ["start", "further"], "rounds": 6, "grain": ["expr"],
                   "roles": {"expr": "id:expr", "top": "id:"}}),
        ),
        view(
            "near",
            "derive",
            json!({"sql": "SELECT e.expr AS expr, e.base AS top, e.kind AS kind, \
                           CASE WHEN e.kind = 'call' THEN CAST(1 AS INT UNSIGNED) ELSE CAST(2 AS INT UNSIGNED) END AS weight \
                           FROM exprs AS e WHERE e.base <> 0",
                   "grain": ["expr"]}),
        ),
        view(
            "far",
            "derive",
            json!({"sql": "SELECT f.expr AS expr, e.base AS top, e.kind AS kind, f.weight AS weight \
                           FROM few AS f JOIN exprs AS e ON f.top = e.expr WHERE e.base <> 0",
                   "grain": ["expr"]}),
        ),
        view(
            "few",
            "union",
            json!({"inputs": ["near", "far"], "rounds": 6, "grain": ["expr"],
                   "winner": {"group": ["expr", "top"], "order": ["weight"]},
                   "limit": {"group": ["expr"], "rows": 3, "merge": ["kind"], "mark": {"kind": "many"}},
                   "roles": {"expr": "id:expr", "top": "id:", "kind": "symbol:", "weight": "int:"}}),
        ),
        view(
            "counted",
            "derive",
            json!({"sql": "SELECT n.name AS name, count(*) AS n FROM names AS n GROUP BY n.name",
                   "grain": ["name"], "refresh": "full"}),
        ),
    ]
}

/// The names of all views of [`every_form`] that are relations of their own.
pub(crate) fn relations_of(engine: &Engine) -> BTreeSet<String> {
    engine.relation_names().into_iter().skip(EVIDENCE.len()).collect()
}
