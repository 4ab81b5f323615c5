//! What ran, and what did not: the promise of an incremental engine, by counts.

use std::sync::atomic::AtomicBool;

use anatomy_engine::{Mode, Report};
use anatomy_facts::ErrorCode;

use super::support::{apply, change, every_form, give, holding, now, ran, rows};

const TEXT: &str = "
    names: expr=1 target_scope=10 name=x
    names: expr=2 target_scope=10 name=y
    bindings: binding=100 scope=10 name=x
    exprs: expr=5 kind=attribute base=1
    exprs: expr=1 kind=name";

#[test]
fn a_change_that_alters_no_row_runs_nothing() {
    let engine = holding(&every_form(), TEXT);
    let before = engine.snapshot().generation;
    let report = give(&engine, "a.py", TEXT);
    assert_eq!((report.evidence, ran(&Report { views: report.views, ..Report::default() })), (vec![], vec![]));
    assert_eq!(report.mode, Mode::None);
    assert_eq!(engine.snapshot().generation, before, "no new snapshot");
}

#[test]
fn no_change_at_all_runs_nothing() {
    let engine = holding(&every_form(), TEXT);
    let report = apply(&engine, &[]);
    assert_eq!(ran(&report), [""; 0]);
    assert_eq!(report.generation, engine.snapshot().generation);
}

#[test]
fn rows_in_another_order_are_the_same_rows() {
    let engine = holding(&every_form(), TEXT);
    let mut turned: Vec<&str> = TEXT.lines().collect();
    turned.reverse();
    assert_eq!(ran(&give(&engine, "a.py", &turned.join("\n"))), [""; 0]);
}

#[test]
fn one_row_runs_its_readers_for_one_key() {
    let engine = holding(&every_form(), TEXT);
    let report = give(&engine, "a.py", &format!("{TEXT}\n names: expr=3 target_scope=10 name=x"));
    assert_eq!(
        ran(&report),
        [
            "anti: keys 1, +0 -0",
            "counted: keys 0, +1 -1",
            "distinct: keys 1, +0 -0",
            "either: keys 1, +0 -0",
            "inner: keys 1, +1 -0",
            "outer: keys 1, +1 -0",
            "outer_condition: keys 1, +1 -0",
            "semi: keys 1, +1 -0",
            "targets: keys 1, +1 -0",
            "best: keys 1, +1 -0",
        ],
        "neither self_join nor up reads names"
    );
    assert_eq!(report.mode, Mode::Keyed);
}

#[test]
fn a_reader_of_rows_that_came_out_the_same_does_not_run() {
    let engine = holding(&every_form(), TEXT);
    let report = give(&engine, "a.py", &TEXT.replace("binding=100 scope=10", "binding=100 scope=10 kind=assign"));
    let names: Vec<&str> = report.views.iter().map(|run| run.view.as_str()).collect();
    assert!(names.contains(&"inner"), "it reads bindings");
    assert!(!names.contains(&"targets") && !names.contains(&"best"), "its rows are what they were: {names:?}");
    assert!(report.views.iter().all(|run| run.inserted + run.deleted == 0));
}

#[test]
fn a_full_view_says_why_it_runs_whole() {
    let engine = holding(&every_form(), TEXT);
    let report = give(&engine, "a.py", &format!("{TEXT}\n names: expr=3 name=q"));
    let run = report.views.iter().find(|run| run.view == "counted").unwrap();
    assert_eq!((run.mode, run.reason), (Mode::Full, "the rule asks for refresh = full"));
}

#[test]
fn the_work_follows_the_change_and_not_the_workspace() {
    let cost = |strangers: u32| {
        let engine = holding(&every_form(), TEXT);
        let many: String = (0..strangers)
            .map(|at| {
                format!("names: expr={} target_scope={at} name=s{at}\nexprs: expr={} base=0\n", at + 1000, at + 1000)
            })
            .collect();
        give(&engine, "strangers.py", &many);
        ran(&give(&engine, "a.py", &TEXT.replace("name=y", "name=x")))
            .into_iter()
            .filter(|line| !line.starts_with("counted"))
            .collect::<Vec<String>>()
    };
    assert_eq!(cost(10), cost(3000));
}

#[test]
fn the_work_grows_with_the_keys_that_are_touched() {
    let engine = holding(&every_form(), TEXT);
    for touched in [1, 7, 40] {
        let more: String =
            (0..touched).map(|at| format!("names: expr={} target_scope=10 name=x\n", at + 500)).collect();
        let report = give(&engine, "more.py", &more);
        let inner = report.views.iter().find(|run| run.view == "inner").unwrap();
        assert_eq!((inner.keys, inner.inserted), (touched, touched));
        apply(&engine, &[change("more.py", None)]);
    }
}

#[test]
fn a_cancelled_change_leaves_the_snapshot_and_can_be_made_again() {
    let engine = holding(&every_form(), TEXT);
    let before = now(&engine, "inner");
    let next = change("a.py", Some(&rows(&TEXT.replace("name=y", "name=x"))));
    let refused = engine.apply(&mut [next.clone()], &AtomicBool::new(true)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Cancelled);
    assert_eq!(now(&engine, "inner"), before);
    apply(&engine, &[next]);
    assert_eq!(now(&engine, "inner").len(), before.len() + 1);
}

#[test]
fn a_reader_keeps_the_snapshot_that_it_took() {
    let engine = holding(&every_form(), TEXT);
    let taken = engine.snapshot();
    let before = super::support::lines(&engine, &taken, "inner");
    give(&engine, "a.py", "");
    assert_eq!(super::support::lines(&engine, &taken, "inner"), before);
    assert_eq!(now(&engine, "inner"), [""; 0]);
}
