//! Ids say what a thing is, never where it stands: what an edit may and may not change.

mod support;

use std::collections::HashSet;

use anatomy_facts::{Id, tables::EVIDENCE};
use anatomy_syntax::{
    Change, Document, ModuleContext, PositionEncoding,
    document::{EditorPosition, EditorRange},
    extract,
};
use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use support::{Dice, SAMPLE, facts_of, table};

fn ids(text: &str, name: &str, column: &str) -> HashSet<Id> {
    let facts = facts_of(text);
    let batch = table(&facts, name).clone();
    batch
        .column_by_name(column)
        .expect("the contract has it")
        .as_primitive::<UInt64Type>()
        .values()
        .iter()
        .copied()
        .collect()
}

#[test]
fn ids_are_unique_in_their_table() {
    let facts = facts_of(SAMPLE);
    for (contract, batch) in EVIDENCE.iter().zip(&facts.tables) {
        if contract.key.is_empty() || contract.key == "file" {
            continue;
        }
        let keys = batch.column_by_name(contract.key).expect("the key is a column").as_primitive::<UInt64Type>();
        let distinct: HashSet<u64> = keys.values().iter().copied().collect();
        assert_eq!(distinct.len(), batch.num_rows(), "{} of {}", contract.key, contract.name);
        assert!(!distinct.contains(&0), "{} has no id", contract.name);
    }
}

#[test]
fn blank_lines_and_comments_move_anchors_and_nothing_else() {
    let spaced: String = SAMPLE.split('\n').flat_map(|line| [line, "\n"]).collect();
    let moved = format!("# -*- comment -*-\n\n{spaced}").replace("def discount", "# why\ndef  discount");
    let (before, after) = (facts_of(SAMPLE), facts_of(&moved));
    for (contract, (old, new)) in EVIDENCE.iter().zip(before.tables.iter().zip(&after.tables)) {
        assert_eq!(old, new, "{}", contract.name);
    }
    assert_ne!(before.anchors, after.anchors);
    assert_eq!(before.anchors.len(), after.anchors.len());
}

#[test]
fn a_new_line_changes_no_id_of_other_names() {
    let grown = SAMPLE
        .replace(
            "    match order:",
            "    fresh = other(thing.part, True, f=lambda u: 0)\n    extra = None\n    match order:",
        )
        .replace("TOTAL: int = 0", "SIZES = [1 for _ in sizes]\nNAME, COUNT = 'n', 0\nTOTAL: int = 0")
        .replace("        self.rows =", "        self.sizes = [size for size in sizes]\n        self.rows =")
        .replace("PRICES[", "OTHERS[\"other\"] = -rate + Other()\nPRICES[")
        .replace("\"half\": halved", "\"third\": [lambda: 3], \"half\": halved");
    for (name, column) in [
        ("exprs", "expr"),
        ("names", "expr"),
        ("bindings", "binding"),
        ("scopes", "scope"),
        ("args", "arg"),
        ("items", "expr"),
        ("stores", "target"),
    ] {
        let (before, after) = (ids(SAMPLE, name, column), ids(&grown, name, column));
        assert_eq!(before.difference(&after).count(), 0, "{name} lost ids");
    }
}

#[test]
fn a_name_and_its_expression_are_one_id() {
    let names = ids(SAMPLE, "names", "expr");
    let exprs = ids(SAMPLE, "exprs", "expr");
    assert!(names.is_subset(&exprs));
}

#[test]
fn every_id_of_a_row_has_a_place() {
    let facts = facts_of(SAMPLE);
    let placed: HashSet<Id> = facts.anchors.iter().map(|anchor| anchor.id).collect();
    for (name, column) in [
        ("exprs", "expr"),
        ("names", "expr"),
        ("bindings", "binding"),
        ("scopes", "scope"),
        ("imports", "expr"),
        ("module_refs", "expr"),
        ("exports", "expr"),
        ("strings", "expr"),
        ("args", "value_expr"),
        ("bindings", "value_expr"),
        ("bindings", "annotation_expr"),
        ("bindings", "body_scope"),
        ("params", "default_expr"),
        ("class_bases", "expr"),
        ("decorators", "expr"),
        ("returns", "expr"),
        ("returns", "function"),
        ("docstrings", "owner"),
        ("names", "target_scope"),
        ("exprs", "base"),
        ("exprs", "second"),
        ("imports", "alias_expr"),
        ("captures", "binding"),
        ("captures", "class_expr"),
        ("type_params", "binding"),
        ("type_params", "bound_expr"),
        ("type_params", "definition"),
        ("items", "container"),
        ("items", "expr"),
        ("stores", "target"),
        ("stores", "value_expr"),
    ] {
        let lost = ids(SAMPLE, name, column).into_iter().filter(|id| *id != 0 && !placed.contains(id)).count();
        assert_eq!(lost, 0, "ids of {name}.{column} have no anchor");
    }
    assert!(facts.anchors.is_sorted_by_key(|anchor| (anchor.start, anchor.end, anchor.id)));
    assert!(facts.anchors.iter().all(|anchor| {
        anchor.extent_start <= anchor.start && anchor.start <= anchor.end && anchor.end <= anchor.extent_end
    }));
}

#[test]
fn undo_gives_the_first_facts_again() {
    let context = ModuleContext { module: "m".to_owned(), ..ModuleContext::default() };
    let facts = |document: &mut Document| {
        let tree = document.settle().clone();
        extract("m.py", &context, document.text(), &tree, document.errors().to_vec())
    };
    let mut document = Document::new(SAMPLE.to_owned(), 1);
    let first = facts(&mut document);
    let at = |line, character| EditorPosition { line, character };
    for (line, typed) in [(12u32, "("), (20, "\"\"\""), (30, "def f(:\n  pass\n"), (5, "é")] {
        let there = EditorRange { start: at(line, 0), end: at(line, 0) };
        let insert = Change { range: Some(there), text: typed.to_owned() };
        document.apply(&[insert], 2, PositionEncoding::Utf16).expect("the line exists");
        let lines = typed.matches('\n').count() as u32;
        let column = typed.rsplit('\n').next().map_or(0, |last| last.encode_utf16().count()) as u32;
        let back = EditorRange { start: at(line, 0), end: at(line + lines, column) };
        document
            .apply(&[Change { range: Some(back), text: String::new() }], 3, PositionEncoding::Utf16)
            .expect("it is there");
        let again = facts(&mut document);
        assert_eq!(first.tables, again.tables, "after {typed:?}");
        assert_eq!(first.anchors, again.anchors);
        assert_eq!(first.errors, again.errors);
    }
}

#[test]
fn broken_texts_yield_facts_with_places_inside_the_text() {
    const PIECES: [&str; 12] = ["(", ")", "\"", "'''", "\n", ":", "def ", "class ", ".", "é", "f'{", "\r"];
    let mut dice = Dice::new(7);
    for _ in 0..300 {
        let mut text = SAMPLE.to_owned();
        for _ in 0..=dice.roll(4) {
            let mut at = dice.roll(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            let end = (at + dice.roll(30)).min(text.len());
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
            match dice.roll(3) {
                0 => text.truncate(at),
                1 => text.replace_range(at..end, ""),
                _ => text.insert_str(at, PIECES[dice.roll(PIECES.len())]),
            }
        }
        let facts = facts_of(&text);
        for anchor in &facts.anchors {
            assert!(
                text.get(anchor.start as usize..anchor.end as usize).is_some(),
                "{anchor:?} is no place of:\n{text}"
            );
            assert!(anchor.extent_end as usize <= text.len());
        }
        let bindings = ids(&text, "bindings", "binding");
        assert_eq!(bindings.len(), table(&facts, "bindings").num_rows(), "ids are not unique in:\n{text}");
    }
}
