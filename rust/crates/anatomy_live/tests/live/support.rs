//! Workspaces under a small program of our own: names, imports, and what they refer to.

use std::sync::atomic::AtomicBool;

use anatomy_engine::EngineError;
use anatomy_live::{Answers, CommitReport, SourceFile, Workspace};
use anatomy_syntax::{ModuleContext, PositionEncoding};
use serde_json::{Value, json};

pub(crate) const ROOT: &str = "file:///project";
pub(crate) const UTF16: PositionEncoding = PositionEncoding::Utf16;

pub(crate) fn program() -> Value {
    let view = |name: &str, kind: &str, mut keys: Value| {
        keys["name"] = json!(name);
        keys["pack"] = json!("small");
        keys["doc"] = json!("Holds if the test says so.");
        keys["kind"] = json!(kind);
        keys
    };
    json!({"views": [
        view("import_target", "derive", json!({
            "match": "imports(binding, expr, module=_module, name=_name, file), files(module=_module, scope=_scope)
                      bindings(binding=target, scope=_scope, name=_name, variable, kind)",
            "why": "the import names it",
        })),
        view("name_target", "derive", json!({
            "match": "names(expr, name=_name, target_scope=_scope), bindings(binding, scope=_scope, name=_name, occurrence)",
            "winner": {"group": ["expr"], "order": ["occurrence desc"]},
            "why": "the name is bound in that scope",
        })),
        view("name_local", "relate", json!({
            "match": "names(expr, file), name_target(expr, binding=target)
                      bindings(binding=target, variable, kind, kind <> 'import_from')",
            "confidence": 0.98, "score": 1.0, "why": "the name leads to `{target}`",
        })),
        view("name_imported", "relate", json!({
            "match": "names(expr, file), name_target(expr, binding=_bound), import_target(binding=_bound, target)
                      bindings(binding=target, variable, kind)",
            "confidence": 0.9, "score": 1.0, "why": "the name was imported",
        })),
        view("reference_import", "relate", json!({
            "match": "import_target(expr, target, file), bindings(binding=target, variable, kind)",
            "confidence": 0.95, "score": 2.0, "why": "the import leads to `{target}`",
        })),
        view("refers_to", "union", json!({
            "inputs": ["name_local", "name_imported", "reference_import"], "grain": ["expr"],
        })),
        view("unresolved", "derive", json!({
            "sql": "SELECT names.expr AS expr, 'unbound' AS reason, names.name AS name, names.file AS file FROM names \
                    LEFT ANTI JOIN refers_to ON refers_to.expr = names.expr",
            "roles": {"expr": "expr"}, "grain": ["expr"], "stored": false, "why": "nothing binds `{name}`",
        })),
        view("lonely_import", "diagnostic", json!({
            "match": "imports(binding, expr, module, file, level=0), not files(module)",
            "severity": "warning", "code": "lonely-import", "message": "no `{module}` here",
        })),
    ]})
}

/// A file of the disk; its module is its path without the ending.
pub(crate) fn file(path: &str, text: &str) -> SourceFile {
    let module = path.trim_end_matches(".py").replace('/', ".");
    let context = ModuleContext { module, partition: "user".to_owned(), ..ModuleContext::default() };
    SourceFile { path: path.to_owned(), context, content: Some(text.as_bytes().to_vec()), error: String::new() }
}

/// A file that the disk did not give.
pub(crate) fn unread(path: &str, error: &str) -> SourceFile {
    SourceFile { content: None, error: error.to_owned(), ..file(path, "") }
}

pub(crate) fn workspace() -> Workspace {
    match Workspace::new(program().to_string().as_bytes(), ROOT, 0) {
        Ok(workspace) => workspace,
        Err(refused) => panic!("{}: {} ({})", refused.place, refused.message, refused.hint),
    }
}

pub(crate) fn commit(workspace: &Workspace) -> CommitReport {
    workspace.commit(&AtomicBool::new(false)).expect("nothing cancels this commit")
}

/// A workspace that holds these files.
pub(crate) fn holding(files: &[(&str, &str)]) -> Workspace {
    let workspace = workspace();
    let files: Vec<SourceFile> = files.iter().map(|(path, text)| file(path, text)).collect();
    workspace.update(&files, &[]);
    commit(&workspace);
    workspace
}

/// Line and UTF-16 column of the marker `‸` in a text, and the text without it; counted the slow way.
pub(crate) fn cursor(marked: &str) -> (String, u32, u32) {
    let at = marked.find('‸').expect("the text has a cursor");
    let before = &marked[..at];
    let line = before.matches('\n').count() as u32;
    let column = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count() as u32;
    (marked.replace('‸', ""), line, column)
}

fn shown(value: &Value, uri: &str, range: &str) -> String {
    let at = |end: &str| format!("{}:{}", value[range][end]["line"], value[range][end]["character"]);
    let uri = value[uri].as_str().expect("a place has a URI");
    format!("{} {}-{}", uri.strip_prefix("file:///project/").unwrap_or(uri), at("start"), at("end"))
}

/// Locations or location links as `path line:column-line:column`.
pub(crate) fn places(answer: Result<Vec<u8>, EngineError>) -> Vec<String> {
    let answer: Value = serde_json::from_slice(&answer.expect("the file is known")).expect("an answer is JSON");
    let all = answer.as_array().expect("places are a list");
    all.iter()
        .map(|place| match place.get("targetUri") {
            Some(_) => shown(place, "targetUri", "targetSelectionRange"),
            None => shown(place, "uri", "range"),
        })
        .collect()
}

/// Diagnostics as `code line:column-line:column`.
pub(crate) fn diagnostics(json: &[u8]) -> Vec<String> {
    let all: Vec<Value> = serde_json::from_slice(json).expect("diagnostics are a list");
    let at = |of: &Value, end: &str| format!("{}:{}", of["range"][end]["line"], of["range"][end]["character"]);
    all.iter()
        .map(|of| format!("{} {}-{}", of["code"].as_str().unwrap_or_default(), at(of, "start"), at(of, "end")))
        .collect()
}

/// Where the definition of the word at a position is.
pub(crate) fn definition(answers: &Answers, path: &str, line: u32, column: u32) -> Vec<String> {
    places(answers.definition(path, line, column, UTF16))
}
