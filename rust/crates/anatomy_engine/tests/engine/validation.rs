//! What validation finds: the code, the place and the remedy, for one small program each; and what becomes of it under each mode.

use anatomy_engine::{Engine, Policy, Profile, Validation};
use anatomy_facts::{ErrorCode, Stage};
use serde_json::{Value, json};

use super::support::{change, engine, every_form, holding, rows, view};

/// A match that holds what its input holds.
const COPY: &str = "docstrings(owner, text, file)";

/// Findings of a program as `code place weight`, each with a remedy.
fn found(engine: &Engine) -> Vec<String> {
    let told = engine.bundle(None, 3, &engine.snapshot()).unwrap();
    let findings = told["validation"]["findings"].as_array().cloned().unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    findings
        .iter()
        .map(|of| {
            assert!(text(of, "remedy").len() > 10 && text(of, "message").contains(&text(of, "view")), "{of}");
            format!("{} {} {}", text(of, "code"), text(of, "place"), text(of, "weight"))
        })
        .collect()
}

fn check(views: &[Value], code: ErrorCode, place: &str, weight: &str) {
    assert_eq!(found(&engine(views)), [format!("{} {place} {weight}", code.as_str())]);
}

#[test]
fn a_program_without_oddities_has_no_findings() {
    let rule = json!({"match": "names(expr, name=_name, target_scope=_scope), bindings(binding=target, name=_name, scope=_scope)",
                      "confidence": 0.9, "why": "they share a scope"});
    assert_eq!(found(&engine(&[view("a", "relate", rule)])), [""; 0]);
}

#[test]
fn a_view_that_runs_whole_at_every_change() {
    let rule =
        json!({"sql": "SELECT name, count(*) AS n FROM names GROUP BY name", "grain": ["name"], "refresh": "full"});
    check(&[view("a", "derive", rule)], ErrorCode::PlanFullRefresh, "a: refresh", "warning");
}

#[test]
fn a_unit_of_refresh_of_many_columns() {
    let rule = json!({"match": "exprs(expr, base, scope, kind)", "grain": ["expr", "base", "scope", "kind"]});
    check(&[view("a", "derive", rule)], ErrorCode::PlanWideGrain, "a: grain", "warning");
}

#[test]
fn a_join_of_very_many_relations() {
    let rule = json!({"match": format!("exprs(expr){}", ", names(expr)".repeat(13))});
    check(&[view("a", "derive", rule)], ErrorCode::PlanWideJoin, "a: match", "warning");
}

#[test]
fn a_look_up_over_many_columns() {
    let all = "expr, base=_base, scope=_scope, kind=_kind, name=_name";
    let rule = json!({"match": format!("exprs({all}), exprs({all})")});
    check(&[view("a", "derive", rule)], ErrorCode::PlanWideIndex, "a: match", "note");
}

#[test]
fn a_recursion_that_may_go_very_deep_and_one_that_nothing_bounds() {
    let of = |more: Value| {
        let mut rule = json!({"sql": "SELECT e.expr AS expr FROM exprs AS e JOIN a ON e.base = a.expr UNION ALL SELECT n.expr AS expr FROM names AS n",
               "grain": ["expr"], "roles": {"expr": "id:expr"}});
        rule.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        [view("a", "derive", rule)]
    };
    check(&of(json!({"rounds": 8})), ErrorCode::PlanNoLimit, "a: limit", "note");
    let limit = json!({"group": ["expr"], "rows": 4});
    check(&of(json!({"rounds": 99, "limit": limit})), ErrorCode::PlanDeepRecursion, "a: rounds", "warning");
}

#[test]
fn a_view_that_holds_what_its_input_holds() {
    check(&[view("a", "derive", json!({"match": COPY}))], ErrorCode::PlanCopy, "a: match", "warning");
}

#[test]
fn two_views_that_say_the_same() {
    let rule = json!({"match": "names(expr)"});
    check(&[view("a", "derive", rule.clone()), view("b", "derive", rule)], ErrorCode::PlanTwin, "b: match", "warning");
}

#[test]
fn a_view_that_keeps_rows_for_nobody() {
    let rule = json!({"match": "names(expr)"});
    check(&[view("a", "normalize", rule)], ErrorCode::PlanUnread, "a: stored", "warning");
}

#[test]
fn a_view_that_very_many_read() {
    let mut views = vec![view("a", "derive", json!({"match": "names(expr)"}))];
    for number in 0..65 {
        let rule = json!({"match": format!("a(expr, expr <> {number})")});
        views.push(view(&format!("reader_{number}"), "derive", rule));
    }
    check(&views, ErrorCode::PlanFanOut, "a: name", "note");
}

#[test]
fn a_relationship_that_does_not_say_how_sure_it_is_or_why() {
    let unsure = json!({"match": "names(expr)", "why": "it is one"});
    check(&[view("a", "relate", unsure)], ErrorCode::PlanNoConfidence, "a: confidence", "warning");
    let silent = json!({"match": "names(expr)", "confidence": 0.9});
    check(&[view("a", "relate", silent)], ErrorCode::PlanNoReason, "a: why", "warning");
}

#[test]
fn a_view_that_multiplies_rows() {
    let rule = json!({"match": "names(expr, name=_name), names(expr=other, name=_name)"});
    let text: String = (1..200).map(|number| format!("names: expr={number} name=x\n")).collect();
    let engine = holding(&[view("a", "derive", rule)], &text);
    assert_eq!(found(&engine), ["plan-growth a: match warning"]);
}

#[test]
fn rows_at_the_last_level_are_told() {
    let rule = json!({"sql": "SELECT e.expr AS expr FROM exprs AS e JOIN a ON e.base = a.expr UNION ALL SELECT n.expr AS expr FROM names AS n",
                      "grain": ["expr"], "roles": {"expr": "id:expr"}, "rounds": 2, "limit": {"group": ["expr"], "rows": 4}});
    let engine = holding(&[view("a", "derive", rule)], "names: expr=1\nexprs: expr=2 base=1\nexprs: expr=3 base=2");
    assert_eq!(found(&engine), [format!("{} a: rounds note", ErrorCode::PlanDepthLimit.as_str())]);
}

#[test]
fn a_finding_is_told_and_refused_only_where_the_policy_says_so() {
    let engine = engine(&[view("a", "derive", json!({"match": COPY}))]);
    for validation in [Validation::Off, Validation::Warn] {
        engine.set_policy(Policy { validation, ..Policy::default() }).unwrap();
    }
    for policy in [
        Policy { validation: Validation::Error, ..Policy::default() },
        Policy { profile: Profile::Strict, ..Policy::default() },
    ] {
        let refused = engine.set_policy(policy).unwrap_err();
        assert_eq!(
            (refused.code, refused.stage, refused.place.as_str()),
            (ErrorCode::PlanCopy, Stage::Compile, "a: match")
        );
        assert_eq!(refused.hint, "read its input instead");
    }
    assert_eq!(engine.policy().validation, Validation::Warn, "a refused policy changes nothing");
}

#[test]
fn rows_that_break_their_contract_are_not_stored_under_validation_error() {
    let rule = json!({"match": "names(expr, scope=target)",
                      "confidence": "expr / 10.0", "why": "it is one"});
    let of = |validation| {
        let engine = engine(&[view("a", "relate", rule.clone())]);
        engine.set_policy(Policy { validation, ..Policy::default() }).unwrap();
        let mut changes = [change("a.py", Some(&rows("names: expr=20 scope=1")))];
        engine.apply(&mut changes, &false.into()).map(|(snapshot, _)| snapshot.generation)
    };
    assert_eq!(of(Validation::Warn).unwrap(), 1);
    let refused = of(Validation::Error).unwrap_err();
    assert_eq!((refused.code, refused.stage), (ErrorCode::RuleContract, Stage::Run));
    assert!(refused.message.contains("`confidence` = 2"), "{}", refused.message);
}

#[test]
fn every_decision_says_how_sure_it_is_and_from_what() {
    let engine = holding(&every_form(), "names: expr=1 name=x scope=1");
    let told = engine.bundle(None, 3, &engine.snapshot()).unwrap();
    let decisions = told["decisions"].as_array().unwrap();
    assert!(decisions.len() > 40);
    for of in decisions {
        let sure = of["confidence"].as_f64().unwrap();
        assert!(sure > 0.0 && sure <= 1.0 && of["evidence"].as_str().unwrap().contains('='), "{of}");
        assert!(
            !of["value"].as_str().unwrap().is_empty() && of["alternatives"].as_str().unwrap().contains(' ')
                || of["alternatives"].as_str().unwrap().contains('|'),
            "{of}"
        );
    }
}
