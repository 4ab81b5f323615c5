//! One case for each form of a view: the rows before and after a change, written down.

use serde_json::json;

use super::support::{apply, assert_law, change, engine, every_form, give, holding, now, rows, view};

const BEFORE: &str = "
    names: expr=1 target_scope=10 name=x
    names: expr=2 target_scope=10 name=y
    bindings: binding=100 scope=10 name=x occurrence=1
    bindings: binding=101 scope=10 name=x occurrence=5
    exprs: expr=1 kind=name
    exprs: expr=5 kind=attribute base=1
    exprs: expr=6 kind=call base=5
    exprs: expr=7 kind=attribute base=6";

#[test]
fn an_inner_join_has_a_row_for_each_pair() {
    let engine = holding(&every_form(), BEFORE);
    assert_eq!(now(&engine, "inner"), ["binding=100 expr=1 name=x", "binding=101 expr=1 name=x"]);
    give(&engine, "a.py", &BEFORE.replace("binding=101 scope=10 name=x", "binding=101 scope=10 name=y"));
    assert_eq!(now(&engine, "inner"), ["binding=100 expr=1 name=x", "binding=101 expr=2 name=y"]);
}

#[test]
fn an_outer_join_keeps_the_row_whose_partner_goes_or_fails_its_condition() {
    let engine = holding(&every_form(), BEFORE);
    let [bound, unbound] = ["bound=true expr=1 occurrence=1", "bound=false expr=2 occurrence=0"];
    assert_eq!(now(&engine, "outer"), [unbound, bound]);
    give(&engine, "a.py", &BEFORE.replace("occurrence=1\n", "occurrence=2\n"));
    assert_eq!(now(&engine, "outer"), ["bound=false expr=1 occurrence=0", unbound]);
    give(&engine, "a.py", BEFORE);
    assert_eq!(now(&engine, "outer"), [unbound, bound]);
}

#[test]
fn a_condition_on_what_an_outer_join_may_lack_is_asked_again_when_that_comes_and_goes() {
    let engine = holding(&every_form(), BEFORE);
    assert_eq!(now(&engine, "outer_condition"), ["expr=1", "expr=2"]);
    // The only row of its key: nothing else leads to it.
    give(&engine, "a.py", &BEFORE.replace("name=x occurrence=1", "name=y occurrence=7"));
    assert_eq!(now(&engine, "outer_condition"), [""; 0]);
    give(&engine, "a.py", BEFORE);
    assert_eq!(now(&engine, "outer_condition"), ["expr=1", "expr=2"]);
}

#[test]
fn a_semi_join_counts_a_partner_once_and_an_anti_join_is_its_contrary() {
    let engine = holding(&every_form(), BEFORE);
    assert_eq!(now(&engine, "semi"), ["expr=1 name=x"]);
    assert_eq!(now(&engine, "anti"), ["expr=2 name=y"]);
    let one = BEFORE.replace("bindings: binding=101 scope=10 name=x occurrence=5", "");
    give(&engine, "a.py", &one);
    assert_eq!(now(&engine, "semi"), ["expr=1 name=x"], "one partner is left");
    give(&engine, "a.py", &one.replace("bindings: binding=100 scope=10 name=x occurrence=1", ""));
    assert_eq!(now(&engine, "semi"), [""; 0]);
    assert_eq!(now(&engine, "anti"), ["expr=1 name=x", "expr=2 name=y"]);
}

#[test]
fn a_self_join_follows_a_change_of_either_side() {
    let engine = holding(&every_form(), BEFORE);
    assert_eq!(now(&engine, "self_join"), ["base=1 expr=5 kind=name", "base=5 expr=6 kind=attribute"]);
    give(&engine, "a.py", &BEFORE.replace("exprs: expr=6 kind=call", "exprs: expr=6 kind=await"));
    assert_eq!(
        now(&engine, "self_join"),
        ["base=1 expr=5 kind=name", "base=5 expr=6 kind=attribute", "base=6 expr=7 kind=await"]
    );
}

#[test]
fn both_sides_of_a_pair_may_go_in_one_step() {
    let engine = holding(&every_form(), BEFORE);
    give(&engine, "a.py", "names: expr=2 target_scope=10 name=y");
    for relation in ["inner", "self_join", "semi", "up", "by_name"] {
        if engine.relation_number(relation).is_some() {
            assert_eq!(now(&engine, relation), [""; 0], "{relation}");
        }
    }
    assert_law(&engine, "both sides went");
}

#[test]
fn both_sides_of_a_pair_may_go_with_two_files() {
    let engine = engine(&every_form());
    let name = rows("names: expr=1 target_scope=10 name=x");
    let binding = rows("bindings: binding=100 scope=10 name=x");
    let still = rows("");
    apply(&engine, &[change("a.py", Some(&name)), change("b.py", Some(&binding)), change("c.py", Some(&still))]);
    assert_eq!(now(&engine, "inner"), ["binding=100 expr=1 name=x"]);
    let report = apply(&engine, &[change("a.py", None), change("b.py", None)]);
    assert_eq!(now(&engine, "inner"), [""; 0]);
    assert_eq!(
        report.evidence,
        [("files".to_owned(), 0, 2), ("bindings".to_owned(), 0, 1), ("names".to_owned(), 0, 1)]
    );
    assert_law(&engine, "two files went");
}

#[test]
fn equal_rows_of_a_union_stand_once_if_it_says_so() {
    let engine = holding(&every_form(), BEFORE);
    assert_eq!(now(&engine, "either"), ["name=x", "name=y"]);
    assert_eq!(now(&engine, "distinct"), ["name=x", "name=y"]);
    give(&engine, "a.py", "bindings: binding=100 scope=10 name=x");
    assert_eq!(now(&engine, "either"), ["name=x"], "still named by a binding");
    assert_eq!(now(&engine, "distinct"), [""; 0]);
}

#[test]
fn a_union_names_the_rule_of_each_row() {
    let engine = holding(&every_form(), BEFORE);
    assert_eq!(
        now(&engine, "targets"),
        [
            "confidence=0.5 expr=5 rule_name=by_base score=1.0 target=1",
            "confidence=0.5 expr=6 rule_name=by_base score=1.0 target=5",
            "confidence=0.9 expr=1 rule_name=by_name score=2.0 target=100",
            "confidence=0.9 expr=1 rule_name=by_name score=2.0 target=101",
        ]
    );
}

#[test]
fn equal_ranks_all_win_and_a_loser_returns_when_its_better_goes() {
    let both = format!("{BEFORE}\n exprs: expr=8 kind=name\n exprs: expr=1 kind=attribute base=8");
    let engine = holding(&every_form(), &both);
    let of_one =
        |engine| -> Vec<String> { now(engine, "best").into_iter().filter(|row| row.contains("expr=1 ")).collect() };
    assert_eq!(of_one(&engine), ["expr=1 score=2.0 target=100", "expr=1 score=2.0 target=101"], "a tie stands");
    give(&engine, "a.py", &both.replace("names: expr=1 target_scope=10", "names: expr=1 target_scope=11"));
    assert_eq!(of_one(&engine), ["expr=1 score=1.0 target=8"], "what was beaten");
    give(&engine, "a.py", &both);
    assert_eq!(of_one(&engine), ["expr=1 score=2.0 target=100", "expr=1 score=2.0 target=101"]);
}

#[test]
fn rounds_go_one_level_at_a_time_and_a_cut_chain_falls_apart() {
    let engine = holding(&every_form(), BEFORE);
    assert_eq!(
        now(&engine, "up"),
        [
            "expr=5 rule_name=start top=1 level=1",
            "expr=6 rule_name=further top=1 level=2",
            "expr=6 rule_name=start top=5 level=1",
            "expr=7 rule_name=further top=1 level=3",
            "expr=7 rule_name=further top=5 level=2",
            "expr=7 rule_name=start top=6 level=1",
        ]
    );
    give(&engine, "a.py", &BEFORE.replace("exprs: expr=6 kind=call base=5", "exprs: expr=6 kind=call"));
    assert_eq!(now(&engine, "up"), ["expr=5 rule_name=start top=1 level=1", "expr=7 rule_name=start top=6 level=1"]);
}

#[test]
fn a_ring_does_not_keep_itself_alive() {
    let ring = "
        exprs: expr=1 base=2
        exprs: expr=2 base=3
        exprs: expr=3 base=1";
    let engine = holding(&every_form(), ring);
    assert_eq!(
        now(&engine, "up").len(),
        9 + 3,
        "each reaches all three by rows of `further`, and its base by one of `start`"
    );
    give(&engine, "a.py", &ring.replace("expr=3 base=1", "expr=3"));
    assert_eq!(
        now(&engine, "up"),
        [
            "expr=1 rule_name=further top=3 level=2",
            "expr=1 rule_name=start top=2 level=1",
            "expr=2 rule_name=start top=3 level=1",
        ]
    );
    assert_law(&engine, "the ring was cut");
}

#[test]
fn rows_at_the_last_level_are_counted() {
    let chain: String = (1..10).map(|at| format!("exprs: expr={at} base={}\n", at + 1)).collect();
    let engine = holding(&every_form(), "");
    let report = give(&engine, "a.py", &chain);
    let deepest = now(&engine, "up").iter().filter(|row| row.ends_with("level=6")).count();
    assert_eq!(report.depth_limit, [("up".to_owned(), deepest)]);
    assert_eq!(deepest, 4, "six steps end inside a chain of nine for four of its members");
}

#[test]
fn a_contest_in_rounds_is_won_by_the_lower_level() {
    let views = [
        view(
            "near",
            "derive",
            json!({"sql": "SELECT e.expr AS expr, e.second AS found FROM exprs AS e WHERE e.second <> 0",
                                      "grain": ["expr"]}),
        ),
        view(
            "far",
            "derive",
            json!({"sql": "SELECT e.expr AS expr, f.found AS found FROM exprs AS e JOIN first AS f ON e.base = f.expr",
                   "grain": ["expr"]}),
        ),
        view(
            "first",
            "union",
            json!({"inputs": ["near", "far"], "rounds": 5, "winner": {"group": ["expr"], "order": ["found"]},
                   "roles": {"expr": "id:expr", "found": "id:"}}),
        ),
    ];
    let text = "
        exprs: expr=1 second=70
        exprs: expr=2 base=1 second=80
        exprs: expr=3 base=2";
    let engine = holding(&views, text);
    let found = ["expr=1 found=70 rule_name=near level=1", "expr=2 found=80 rule_name=near level=1"];
    assert_eq!(now(&engine, "first"), [&found[..], &["expr=3 found=80 rule_name=far level=2"]].concat());
    give(&engine, "a.py", &text.replace(" second=80", ""));
    assert_eq!(
        now(&engine, "first"),
        [found[0], "expr=2 found=70 rule_name=far level=2", "expr=3 found=70 rule_name=far level=3"]
    );
    assert_law(&engine, "the nearer answer went");
}

#[test]
fn what_followed_from_two_rows_goes_when_both_go_at_once() {
    let views = [
        view(
            "held",
            "derive",
            json!({"sql": "SELECT e.expr AS expr FROM exprs AS e WHERE e.kind = 'literal'", "grain": ["expr"]}),
        ),
        view(
            "both",
            "derive",
            json!({"sql": "SELECT e.expr AS expr FROM exprs AS e JOIN known AS a ON a.expr = e.base
                           JOIN known AS b ON b.expr = e.second", "grain": ["expr"]}),
        ),
        view(
            "known",
            "union",
            json!({"inputs": ["held", "both"], "rounds": 5, "grain": ["expr"], "roles": {"expr": "id:expr"}}),
        ),
    ];
    let text = "
        exprs: expr=1 kind=literal
        exprs: expr=2 kind=literal
        exprs: expr=3 kind=binary base=1 second=2";
    let engine = holding(&views, text);
    let found = ["expr=1 rule_name=held level=1", "expr=2 rule_name=held level=1", "expr=3 rule_name=both level=2"];
    assert_eq!(now(&engine, "known"), found);
    give(&engine, "a.py", &text.replace("literal", "name"));
    assert_eq!(now(&engine, "known"), [""; 0]);
    give(&engine, "a.py", text);
    assert_eq!(now(&engine, "known"), found);
    assert_law(&engine, "both came back");
}

#[test]
fn a_view_that_is_not_stored_is_run_when_asked() {
    let views = [view("asked", "derive", json!({"match": "names(expr, name)", "stored": false}))];
    let engine = holding(&views, BEFORE);
    assert_eq!(now(&engine, "asked"), [""; 0], "nothing is kept");
    let found = engine
        .query(&engine.snapshot(), vec![], "SELECT name FROM asked ORDER BY name", anatomy_engine::Limits::of_rows(10))
        .unwrap();
    assert_eq!(found.num_rows(), 2);
}

#[test]
fn a_prepared_plan_gives_the_same_rows_again() {
    let engine = holding(&every_form(), BEFORE);
    let views = super::support::relations_of(&engine);
    let before: Vec<Vec<String>> = views.iter().map(|view| now(&engine, view)).collect();
    let other = "names: expr=2 target_scope=10 name=z\n bindings: binding=9 scope=10 name=z";
    for round in 0..3 {
        give(&engine, "a.py", other);
        assert_law(&engine, "the other text");
        give(&engine, "a.py", BEFORE);
        let after: Vec<Vec<String>> = views.iter().map(|view| now(&engine, view)).collect();
        assert_eq!(after, before, "round {round}");
    }
}
