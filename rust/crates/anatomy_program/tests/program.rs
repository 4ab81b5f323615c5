//! The program from outside: join keys and orders as text, and documents that are refused.

use std::collections::BTreeMap;

use anatomy_facts::ErrorCode;
use anatomy_program::{Program, RelationColumns, infer_keys, topological};

/// Columns from `alias.column:role alias.column`.
fn columns(text: &str) -> RelationColumns {
    text.split_whitespace()
        .map(|item| {
            let (name, role) = item.split_once(':').unwrap_or((item, ""));
            let (alias, column) = name.split_once('.').expect("a column is alias.column");
            (alias.to_owned(), column.to_owned(), role.to_owned())
        })
        .collect()
}

/// The inferred keys as `left = right (reason)`, or the code and hint of the refusal.
fn keys(left: &str, right: &str) -> Vec<String> {
    match infer_keys("a.toml: to", &columns(left), &columns(right)) {
        Ok(keys) => keys.iter().map(|key| format!("{} = {} ({})", key.left, key.right, key.reason)).collect(),
        Err(refused) => vec![format!("{}: {}", refused.code.as_str(), refused.hint)],
    }
}

#[test]
fn one_column_of_a_role_on_each_side_joins_them() {
    assert_eq!(keys("n.expr:expr n.name:symbol", "e.expr:expr e.kind"), ["n.expr = e.expr (role expr)"]);
}

#[test]
fn every_role_in_common_joins() {
    assert_eq!(
        keys("n.target_scope:scope n.name:symbol", "b.scope:scope b.name:symbol b.binding:binding"),
        ["n.target_scope = b.scope (role scope)", "n.name = b.name (role symbol)"]
    );
}

#[test]
fn the_file_joins_only_where_nothing_else_does() {
    assert_eq!(keys("n.expr:expr n.file:file", "e.expr:expr e.file:file"), ["n.expr = e.expr (role expr)"]);
    assert_eq!(keys("n.expr:expr n.file:file", "f.file:file"), ["n.file = f.file (role file)"]);
}

#[test]
fn among_several_columns_of_a_role_the_equal_name_is_meant() {
    assert_eq!(keys("a.value:expr a.expr:expr", "e.expr:expr"), ["a.expr = e.expr (role expr, same name)"]);
}

#[test]
fn a_choice_is_asked_for_with_all_its_ways() {
    assert_eq!(
        keys("a.value:expr a.annotation:expr", "e.expr:expr"),
        ["rule-ambiguous-join: give one of these pairs one variable: a.value = e.expr, or a.annotation = e.expr"]
    );
}

#[test]
fn nothing_in_common_names_a_column_that_looks_near() {
    assert_eq!(
        keys("a.bindng", "b.binding:binding"),
        ["rule-no-join-key: give two columns one variable; a column `bindng` looks near"]
    );
    assert_eq!(keys("a.x", "b.binding:binding"), ["rule-no-join-key: give two columns one variable"]);
}

/// An order from `view: input input` lines.
fn order(text: &str) -> Vec<String> {
    let reads: BTreeMap<String, Vec<String>> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(view, inputs)| (view.trim().to_owned(), inputs.split_whitespace().map(str::to_owned).collect()))
        .collect();
    topological(&reads).unwrap_or_else(|refused| vec![refused.code.as_str().to_owned(), refused.place])
}

#[test]
fn an_order_is_the_same_whatever_the_order_of_the_files() {
    assert_eq!(order("c: a b\nb: a\na: names"), ["a", "b", "c"]);
    assert_eq!(order("a: names\nb: a\nc: a b"), ["a", "b", "c"]);
    assert_eq!(order("z: names\ny: names"), ["y", "z"], "ties by name");
}

#[test]
fn a_view_that_reads_itself_is_no_circle_and_two_are() {
    assert_eq!(order("a: a names"), ["a"]);
    assert_eq!(order("a: b\nb: c\nc: a\nd: names"), ["rule-cycle", "a, b, c"]);
}

#[test]
fn a_key_that_no_rule_has_is_refused_by_name() {
    let document =
        r#"{"views":[{"name":"a","pack":"p","doc":"d","kind":"derive","match":"names(expr)","unles":["x"]}]}"#;
    let refused = Program::decode(document.as_bytes()).unwrap_err();
    assert_eq!(refused.code, ErrorCode::ProgramDecode);
    assert!(refused.message.contains("unles"), "{}", refused.message);
}

#[test]
fn a_rule_is_keyed_and_stored_unless_it_says_otherwise() {
    let document = r#"{"views":[{"name":"a","pack":"p","doc":"d","kind":"derive","match":"names(expr)"}]}"#;
    let program = Program::decode(document.as_bytes()).unwrap();
    assert!(program.views[0].stored);
    assert_eq!(format!("{:?}", program.views[0].refresh), "Keyed");
    assert_eq!(program.views[0].place("where"), "a: where", "without a file the name is the place");
}
