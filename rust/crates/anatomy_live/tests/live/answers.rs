//! Definition, references, explanation, symbols on a project of three files.

use serde_json::Value;

use super::support::{UTF16, definition, diagnostics, holding, places};

const SHOP: &[(&str, &str)] = &[
    ("shop/price.py", "\"\"\"Prices.\"\"\"\ndef discount(order):\n    \"\"\"Ten percent.\"\"\"\n    return order\n"),
    (
        "shop/till.py",
        "from shop.price import discount\nfrom shop.gone import nothing\n\nclass Till:\n    def pay(self, order):\n        return discount(order)\n",
    ),
    ("twice.py", "x = 1\nx = 2\nprint(x)\n"),
];

#[test]
fn a_definition_is_found_from_the_use_from_the_import_and_from_itself() {
    let answers = holding(SHOP).answers().unwrap();
    let found = ["shop/price.py 1:4-1:12"];
    assert_eq!(definition(&answers, "shop/till.py", 5, 18), found, "the use");
    assert_eq!(definition(&answers, "shop/till.py", 0, 25), found, "the import");
    assert_eq!(definition(&answers, "shop/price.py", 1, 6), found, "itself");
    assert_eq!(definition(&answers, "shop/price.py", 1, 12), found, "behind its last letter");
    assert_eq!(definition(&answers, "shop/price.py", 1, 2), [""; 0], "the keyword");
    assert_eq!(
        definition(&answers, "shop/till.py", 1, 25),
        ["shop/till.py 1:22-1:29"],
        "an open import is its own place"
    );
}

#[test]
fn references_are_sorted_by_file_and_place() {
    let answers = holding(SHOP).answers().unwrap();
    let uses = ["shop/till.py 0:23-0:31", "shop/till.py 5:15-5:23"];
    assert_eq!(places(answers.references("shop/price.py", 1, 6, false, UTF16)), uses);
    let all = [&["shop/price.py 1:4-1:12"], &uses[..]].concat();
    assert_eq!(places(answers.references("shop/price.py", 1, 6, true, UTF16)), all);
    assert_eq!(places(answers.references("shop/till.py", 5, 18, true, UTF16)), all, "asked from a use");
}

#[test]
fn highlights_are_the_references_of_the_same_file() {
    let answers = holding(SHOP).answers().unwrap();
    let found: Value = serde_json::from_slice(&answers.document_highlight("twice.py", 2, 6, UTF16).unwrap()).unwrap();
    let shown: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|of| format!("{}:{} {}", of["range"]["start"]["line"], of["range"]["start"]["character"], of["kind"]))
        .collect();
    assert_eq!(shown, ["0:0 3", "1:0 3", "2:6 2"], "two writes and a read");
}

#[test]
fn an_explanation_names_the_rule_the_steps_and_what_was_beaten() {
    let answers = holding(SHOP).answers().unwrap();
    let why = answers.explain("twice.py", 2, 6, UTF16).unwrap();
    let target = &why["targets"][0];
    assert_eq!(
        (&target["rule"], &target["name"], &target["range"]["start"]["line"]),
        (&"name_local".into(), &"x".into(), &1.into())
    );
    assert_eq!(target["why"], "the name leads to `x`");
    assert_eq!(target["confidence"], 0.98);
    let steps: Vec<&str> =
        target["steps"].as_array().unwrap().iter().filter_map(|step| step["text"].as_str()).collect();
    assert_eq!(steps, ["the name is bound in that scope", "the name leads to `x`"]);
    let beaten = &why["candidates"][0];
    assert_eq!((&beaten["range"]["start"]["line"], &beaten["rank"]), (&0.into(), &1.into()));
    assert_eq!(why["unresolved"], Value::Null);
}

#[test]
fn an_explanation_goes_down_to_the_import() {
    let answers = holding(SHOP).answers().unwrap();
    let why = answers.explain("shop/till.py", 5, 18, UTF16).unwrap();
    let target = &why["targets"][0];
    assert_eq!(target["doc"], "Ten percent.");
    let rules: Vec<&str> =
        target["steps"].as_array().unwrap().iter().filter_map(|step| step["rule"].as_str()).collect();
    assert_eq!(rules, ["name_target", "import_target", "name_imported"]);
}

#[test]
fn an_open_reference_says_why_it_is_open() {
    let answers = holding(SHOP).answers().unwrap();
    let why = answers.explain("twice.py", 2, 2, UTF16).unwrap();
    assert_eq!((&why["targets"], &why["unresolved"]["reason"]), (&Value::Array(vec![]), &"unbound".into()));
    assert!(why["unresolved"]["text"].as_str().unwrap().starts_with("nothing binds `"));
    assert_eq!(answers.explain("twice.py", 0, 3, UTF16).unwrap(), Value::Null, "nothing stands there");
}

#[test]
fn an_outline_is_a_tree() {
    let answers = holding(SHOP).answers().unwrap();
    let tree: Value = serde_json::from_slice(&answers.document_symbols("shop/till.py", UTF16).unwrap()).unwrap();
    assert_eq!((&tree[0]["name"], &tree[0]["kind"]), (&"Till".into(), &5.into()));
    assert_eq!((&tree[0]["children"][0]["name"], &tree[0]["children"][0]["kind"]), (&"pay".into(), &6.into()));
}

#[test]
fn a_diagnostic_rule_speaks_beside_the_syntax() {
    let answers = holding(SHOP).answers().unwrap();
    assert_eq!(diagnostics(&answers.diagnostics("shop/till.py", UTF16).unwrap()), ["lonely-import 1:22-1:29"]);
    assert_eq!(diagnostics(&answers.diagnostics("shop/price.py", UTF16).unwrap()), [""; 0]);
    let broken = holding(&[("a.py", "from gone import x\ny = (1\n")]).answers().unwrap();
    let found = diagnostics(&broken.diagnostics("a.py", UTF16).unwrap());
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn every_answer_obeys_the_law() {
    assert_eq!(holding(SHOP).answers().unwrap().verify().unwrap(), Value::Array(vec![]));
}

#[test]
fn highlights_tell_what_is_written() {
    let answers = holding(&[("a.py", "x = 1\nx += x\ndel x\n")]).answers().unwrap();
    let found: Value = serde_json::from_slice(&answers.document_highlight("a.py", 0, 0, UTF16).unwrap()).unwrap();
    let shown: Vec<String> = found
        .as_array()
        .unwrap()
        .iter()
        .map(|of| format!("{}:{} {}", of["range"]["start"]["line"], of["range"]["start"]["character"], of["kind"]))
        .collect();
    assert_eq!(shown, ["0:0 3", "1:0 3", "1:5 2", "2:4 3"]);
}

#[test]
fn a_rename_says_where_the_name_is_spelled_and_what_is_in_its_way() {
    let answers = holding(SHOP).answers().unwrap();
    let found = answers.rename("twice.py", 2, 6, "y", UTF16).unwrap();
    let words: Vec<String> = found["words"]
        .as_array()
        .unwrap()
        .iter()
        .map(|word| format!("{} {} {}", word["path"], word["range"]["start"]["line"], word["kind"]))
        .collect();
    assert_eq!(words, ["\"twice.py\" 0 \"binding\"", "\"twice.py\" 1 \"binding\"", "\"twice.py\" 2 \"name\""]);
    assert_eq!(found["clashes"], Value::Array(vec![]));
    let found = answers.rename("twice.py", 2, 6, "print", UTF16).unwrap();
    assert_eq!((&found["clashes"][0]["way"], &found["clashes"][0]["path"]), (&"captured".into(), &"twice.py".into()));
    assert_eq!(answers.rename("twice.py", 9, 9, "y", UTF16).unwrap()["nothing"], "no_word");
}
