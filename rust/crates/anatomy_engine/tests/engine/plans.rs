//! What the derived plans are made of, before anything runs.

use serde_json::{Value, json};

use super::support::{engine, every_form, relations_of, view};

#[test]
fn no_keyed_and_no_impact_plan_scans_a_relation() {
    let engine = engine(&every_form());
    let mut keyed = 0;
    for name in relations_of(&engine) {
        let plan = engine.describe(Some(&name)).unwrap();
        assert!(plan["physical"].as_str().unwrap().contains("Leaf: "), "{name}: a full plan scans");
        if plan["refresh"] == "full" {
            continue;
        }
        keyed += 1;
        let text = plan["keyed"].as_str().unwrap();
        assert!(text.contains("Input: keys") && !text.contains("Leaf:"), "{name}:\n{text}");
        for (input, text) in plan["impact"].as_object().unwrap() {
            let text = text.as_str().unwrap();
            assert!(text.contains("Input: delta of ") && !text.contains("Leaf:"), "{name} by {input}:\n{text}");
        }
    }
    assert!(keyed > 8, "the programs of this test lost their views: {keyed}");
}

#[test]
fn a_self_join_has_an_impact_plan_for_each_place_where_the_relation_stands() {
    let plan = engine(&every_form()).describe(Some("self_join")).unwrap();
    let inputs: Vec<&String> = plan["impact"].as_object().unwrap().keys().collect();
    assert_eq!(inputs, ["exprs (block 0, leaf 0)", "exprs (block 0, leaf 1)"]);
}

#[test]
fn the_impact_of_a_pair_reads_new_rows_before_its_input_and_old_ones_after() {
    let plan = engine(&every_form()).describe(Some("self_join")).unwrap();
    let of = |input: &str| plan["impact"][input].as_str().unwrap().to_owned();
    assert!(of("exprs (block 0, leaf 0)").contains("LookUp Inner: exprs (Old)"), "{}", of("exprs (block 0, leaf 0)"));
    assert!(of("exprs (block 0, leaf 1)").contains("LookUp Inner: exprs (New)"), "{}", of("exprs (block 0, leaf 1)"));
}

#[test]
fn a_position_is_looked_up_after_an_id_though_it_is_cast_to_one() {
    let sql = "SELECT n.expr AS expr FROM args AS a JOIN exprs AS e ON e.second = arrow_cast(a.position, 'UInt64')
               JOIN names AS n ON n.expr = a.value_expr AND n.scope = e.scope";
    let engine = engine(&[view("placed", "derive", json!({"sql": sql, "grain": ["expr"]}))]);
    let plan = engine.describe(Some("placed")).unwrap();
    let impact = plan["impact"]["args (block 0, leaf 0)"].as_str().unwrap();
    let (last, first) = (impact.find("LookUp Inner: exprs"), impact.find("LookUp Inner: names"));
    assert!(last.is_some() && last < first, "what runs first is written last:\n{impact}");
}

#[test]
fn the_grain_says_where_it_comes_from() {
    let described = engine(&every_form()).describe(None).unwrap();
    let reason = |name: &str| -> Vec<&Value> {
        let views = described["views"].as_array().unwrap();
        views
            .iter()
            .filter(|view| view["name"] == name)
            .flat_map(|view| [&view["grain"][0], &view["grain_reason"]])
            .collect()
    };
    assert_eq!(reason("inner"), ["expr", "stated"]);
    assert_eq!(reason("best"), ["expr", "group of the winner"]);
    assert_eq!(reason("up"), ["expr", "stated"]);
}

#[test]
fn the_join_keys_say_why() {
    let described = engine(&every_form()).describe(Some("inner")).unwrap();
    let joins: Vec<&str> = described["joins"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        joins,
        ["names.name = bindings.name (variable name)", "names.target_scope = bindings.scope (variable _scope)"]
    );
}
