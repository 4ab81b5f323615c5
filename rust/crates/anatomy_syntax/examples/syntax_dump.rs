//! Prints what the syntax crate reads from files, one JSON object a line: scopes, bindings, names, what reaches them and errors with their
//! places. The oracle tests compare it with CPython's own tables.
//!
//! Paths come as arguments, or one a line on standard input.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]
#![expect(clippy::disallowed_methods, reason = "it stands outside of the engine and reads what it is given")]

use std::{collections::HashMap, io::BufRead};

use anatomy_facts::{AnchorKind, FileFacts, Id, Symbol, tables::EVIDENCE};
use anatomy_syntax::{ModuleContext, PositionEncoding, TextIndex, extract, parse_file, source::SIZE_LIMIT};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{UInt32Type, UInt64Type};
use serde_json::{Value, json};
use tree_sitter::{Node, Tree};

fn main() {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        paths = std::io::stdin().lock().lines().map_while(Result::ok).filter(|line| !line.is_empty()).collect();
    }
    for path in paths {
        let line = match std::fs::read(&path) {
            Ok(bytes) => {
                let context = ModuleContext { module: "m".to_owned(), ..ModuleContext::default() };
                let parsed = parse_file(&bytes, SIZE_LIMIT);
                let index = TextIndex::new(&parsed.text);
                let facts = extract(&path, &context, &parsed.text, &parsed.tree, parsed.errors);
                let mut line = dump(&path, &facts, &index);
                line["tree_errors"] = tree_errors(&parsed.tree, &index);
                line
            }
            Err(error) => json!({"path": path, "unreadable": error.to_string()}),
        };
        println!("{line}");
    }
}

/// Where the tree of the grammar has errors: what the grammar does not know of Python, if Python accepts the file.
fn tree_errors(tree: &Tree, index: &TextIndex) -> Value {
    let mut found = Vec::new();
    let mut todo: Vec<Node<'_>> = vec![tree.root_node()];
    while let Some(node) = todo.pop().filter(|_| found.len() < 20) {
        if node.is_error() || node.is_missing() {
            found.push(json!(index.position(node.start_byte() as u32, PositionEncoding::Utf8)));
        } else if node.has_error() {
            let mut cursor = node.walk();
            todo.extend(node.children(&mut cursor));
        }
    }
    Value::Array(found)
}

fn table<'a>(facts: &'a FileFacts, name: &str) -> &'a RecordBatch {
    let at = EVIDENCE.iter().position(|contract| contract.name == name).expect("every table has a contract");
    &facts.tables[at]
}

fn ids<'a>(batch: &'a RecordBatch, column: &str) -> &'a [u64] {
    batch.column_by_name(column).expect("the contract has the column").as_primitive::<UInt64Type>().values()
}

fn counts<'a>(batch: &'a RecordBatch, column: &str) -> &'a [u32] {
    batch.column_by_name(column).expect("the contract has the column").as_primitive::<UInt32Type>().values()
}

fn words(batch: &RecordBatch, column: &str) -> Vec<&'static str> {
    let values = batch.column_by_name(column).expect("the contract has the column").as_primitive::<UInt32Type>();
    Symbol::texts(values.values().iter().copied())
}

fn dump(path: &str, facts: &FileFacts, index: &TextIndex) -> Value {
    let at = |offset: u32| index.position(offset, PositionEncoding::Utf8);
    let places = |kind: AnchorKind| -> HashMap<Id, (u32, u32)> {
        facts.anchors.iter().filter(|anchor| anchor.kind == kind).map(|anchor| (anchor.id, at(anchor.start))).collect()
    };
    let scope_places = places(AnchorKind::Scope);
    let name_places = places(AnchorKind::Reference);
    let binding_places = places(AnchorKind::Binding);
    let scopes = table(facts, "scopes");
    let numbers: HashMap<Id, usize> = ids(scopes, "scope").iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let number = |id: &Id| numbers.get(id).map_or(-1, |at| *at as i64);
    let scope_rows: Vec<Value> = ids(scopes, "scope")
        .iter()
        .zip(ids(scopes, "parent"))
        .zip(words(scopes, "kind").iter().zip(words(scopes, "name")))
        .map(|((id, parent), (kind, name))| json!([number(parent), kind, name, scope_places.get(id)]))
        .collect();
    let names = table(facts, "names");
    let name_rows: Vec<Value> = ids(names, "expr")
        .iter()
        .zip(ids(names, "scope").iter().zip(ids(names, "target_scope")))
        .zip(words(names, "name").iter().zip(words(names, "context")))
        .zip(counts(names, "reaching"))
        .map(|(((id, (scope, target)), (name, context)), reaching)| {
            json!([name, context, number(scope), number(target), name_places.get(id), reaching])
        })
        .collect();
    let bindings = table(facts, "bindings");
    let binding_rows: Vec<Value> = ids(bindings, "binding")
        .iter()
        .zip(ids(bindings, "scope"))
        .zip(words(bindings, "kind").iter().zip(words(bindings, "name")))
        .zip(counts(bindings, "occurrence"))
        .map(|(((id, scope), (kind, name)), occurrence)| {
            json!([name, kind, number(scope), binding_places.get(id), occurrence])
        })
        .collect();
    let binding_numbers: HashMap<Id, usize> =
        ids(bindings, "binding").iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let name_numbers: HashMap<Id, usize> = ids(names, "expr").iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let reaching = table(facts, "reaching");
    let reaching_rows: Vec<Value> = ids(reaching, "expr")
        .iter()
        .zip(ids(reaching, "binding"))
        .map(|(expr, binding)| json!([name_numbers[expr], binding_numbers[binding]]))
        .collect();
    let errors: Vec<Value> = facts
        .errors
        .iter()
        .map(|error| json!([error.code.as_str(), error.message, at(error.start), error.severity]))
        .collect();
    json!({"path": path, "scopes": scope_rows, "names": name_rows, "bindings": binding_rows, "reaching": reaching_rows, "errors": errors})
}
