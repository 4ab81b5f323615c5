//! What the compiler refuses: the code, the place and the remedy, for one small program each.

use anatomy_engine::{Engine, EngineError, Limits};
use anatomy_facts::{ErrorCode, Stage};
use serde_json::{Value, json};

use super::support::{engine, every_form, holding, try_engine, view};

fn refused(views: &[Value]) -> EngineError {
    match try_engine(views) {
        Ok(_) => panic!("the program was accepted"),
        Err(refused) => refused,
    }
}

/// The program is refused with this code, at this place, and its hint says this.
fn check(views: &[Value], code: ErrorCode, place: &str, hint: &str) {
    let refused = refused(views);
    let seen = format!("{} | {} | {} | {}", refused.code.as_str(), refused.place, refused.message, refused.hint);
    assert_eq!((refused.code, refused.place.as_str()), (code, place), "{seen}");
    assert!(refused.hint.contains(hint), "{seen}");
    assert_eq!(refused.stage, Stage::Compile, "{seen}");
}

#[test]
fn a_document_that_is_no_program() {
    for document in ["", "{", "[]", r#"{"views": 1}"#, r#"{"views": [{"name": "a"}]}"#] {
        let Err(refused) = Engine::new(document.as_bytes()) else { panic!("{document} was accepted") };
        assert_eq!((refused.code, refused.stage), (ErrorCode::ProgramDecode, Stage::Decode), "{document}");
        assert!(refused.hint.contains("same version"));
    }
}

#[test]
fn a_rule_without_a_source_or_with_two() {
    check(&[view("a", "derive", json!({}))], ErrorCode::ProgramDecode, "a: match", "where its rows come from");
    let two = view("a", "derive", json!({"match": "names(expr)", "sql": "SELECT 1"}));
    check(&[two], ErrorCode::ProgramDecode, "a: match", "where its rows come from");
}

#[test]
fn a_place_names_the_file_if_there_is_one() {
    let rule = view("a", "derive", json!({"file": "packs/test/a.toml"}));
    check(&[rule], ErrorCode::ProgramDecode, "packs/test/a.toml: match", "");
}

#[test]
fn a_diagnostic_without_its_sentence() {
    let rule = view("a", "diagnostic", json!({"match": "names(expr)", "code": "odd", "severity": "warning"}));
    check(&[rule], ErrorCode::ProgramDecode, "a: message", "write all three");
}

#[test]
fn a_relation_that_nothing_defines() {
    let code = ErrorCode::RuleUnknownRelation;
    let hint = "`codeanatomy plan` lists all relations";
    check(&[view("a", "derive", json!({"match": "nmes(expr)"}))], code, "a: match", hint);
    check(&[view("a", "union", json!({"inputs": ["nmes"]}))], code, "a: inputs", hint);
    check(&[view("a", "derive", json!({"match": "names(expr), nmes(expr)"}))], code, "a: match", hint);
    check(&[view("a", "derive", json!({"sql": "SELECT expr FROM nmes"}))], code, "a: sql", hint);
}

#[test]
fn a_relation_that_keeps_no_rows() {
    let views = [
        view("shown", "derive", json!({"match": "names(expr)", "stored": false})),
        view("a", "derive", json!({"match": "shown(expr)"})),
    ];
    check(&views, ErrorCode::RuleReadsLate, "a: match", "write `stored = false`");
}

#[test]
fn a_view_that_nobody_defined_has_no_plan() {
    let refused = engine(&every_form()).describe(Some("innner")).unwrap_err();
    assert_eq!((refused.code, refused.stage), (ErrorCode::RuleUnknownRelation, Stage::Answer));
}

#[test]
fn a_column_that_is_not_there() {
    let code = ErrorCode::RuleUnknownColumn;
    let hint = "its columns are expr";
    let winner = json!({"match": "names(expr)", "winner": {"group": ["expr"], "order": ["rank desc"]}});
    check(&[view("a", "derive", winner)], code, "a: winner", hint);
    let grain = json!({"match": "names(expr)", "grain": ["exp"]});
    check(&[view("a", "derive", grain)], code, "a: grain", hint);
    let roles = json!({"match": "names(expr)", "roles": {"exp": "expr"}});
    check(&[view("a", "derive", roles)], code, "a: roles", "roles name output columns");
}

#[test]
fn two_rules_of_one_name_or_a_rule_with_the_name_of_evidence() {
    let rule = view("a", "derive", json!({"match": "names(expr)"}));
    check(&[rule.clone(), rule], ErrorCode::RuleDuplicate, "a: name", "rename");
    check(
        &[view("names", "derive", json!({"match": "exprs(expr)"}))],
        ErrorCode::RuleDuplicate,
        "names: name",
        "rename",
    );
}

#[test]
fn rules_in_a_circle() {
    let around = |name: &str, of: &str| view(name, "derive", json!({"match": format!("{of}(expr)")}));
    check(&[around("a", "b"), around("b", "a")], ErrorCode::RuleCycle, "a, b", "rounds = 8");
    check(&[around("a", "a")], ErrorCode::RuleCycle, "a: rounds", "rounds = 8");
}

#[test]
fn a_rule_that_builds_on_what_it_does_not_find() {
    let rule = json!({
        "sql": "SELECT n.expr AS expr FROM names AS n LEFT ANTI JOIN a AS other ON n.scope = other.expr",
        "rounds": 3, "grain": ["expr"], "roles": {"expr": "id:expr"},
    });
    check(&[view("a", "derive", rule)], ErrorCode::RuleCycle, "a: sql", "complete before it");
}

#[test]
fn a_winner_inside_a_recursion() {
    let views = [
        view(
            "step",
            "derive",
            json!({"sql": "SELECT e.expr AS expr FROM exprs AS e JOIN a AS other ON e.base = other.expr",
                   "winner": {"group": ["expr"], "order": ["expr"]}}),
        ),
        view("first", "derive", json!({"match": "names(expr)"})),
        view(
            "a",
            "union",
            json!({"inputs": ["first", "step"], "rounds": 3, "grain": ["expr"], "roles": {"expr": "id:expr"}}),
        ),
    ];
    check(&views, ErrorCode::RuleCycle, "step: winner", "put the winner on the recursive rule");
}

#[test]
fn a_recursion_whose_columns_have_no_type() {
    let rule = json!({"sql": "SELECT a.expr AS expr FROM a", "rounds": 3, "roles": {"expr": "expr"}});
    check(&[view("a", "derive", rule)], ErrorCode::ProgramDecode, "a: roles", "id symbol int bool float text");
}

#[test]
fn patterns_that_share_no_variable() {
    let of = |text: &str| [view("a", "derive", json!({"match": text}))];
    let code = ErrorCode::RuleNoJoinKey;
    check(&of("args(arg)\nfiles(partition)"), code, "a: match line 2", "args.file = files.file (role file)");
    check(
        &of("docstrings(text)\nnot class_bases(position=0)"),
        code,
        "a: match line 2",
        "docstrings.file = class_bases.file",
    );
    let two = view("two", "derive", json!({"match": "returns(expr=left_expr), right_expr := left_expr"}));
    let one = view("a", "derive", json!({"match": "two(left_expr)\nexprs(kind)"}));
    let pairs = "two.left_expr = exprs.expr, or two.right_expr = exprs.expr";
    check(&[two, one], ErrorCode::RuleAmbiguousJoin, "a: match line 2", pairs);
}

#[test]
fn slips_in_a_match() {
    let of = |text: &str| [view("a", "derive", json!({"match": text}))];
    let near = "did you mean `target_scope`?";
    check(
        &of("names(expr, targt_scope=_scope), scopes(scope=_scope)"),
        ErrorCode::RuleUnknownColumn,
        "a: match line 1",
        near,
    );
    check(&of("names(expr, name=_name)"), ErrorCode::RuleUnusedVariable, "a: match line 1", "leave it out");
    check(
        &of("names(expr, name)\nnmae <> ''"),
        ErrorCode::RuleUnboundVariable,
        "a: match line 2",
        "did you mean `name`?",
    );
    check(&of("names(expr, name\nor"), ErrorCode::RuleMatch, "a: match", "inside brackets");
    check(&of("names(expr)\nor\nexprs(expr, kind)"), ErrorCode::RuleUnionShape, "a: match line 3", "beyond: [kind]");
}

#[test]
fn a_contest_without_rules() {
    let code = ErrorCode::RuleWinnerIncomplete;
    let half = json!({"match": "names(expr)", "winner": {"group": ["expr"], "order": []}});
    check(&[view("a", "derive", half)], code, "a: winner", "order = [");
    let symbol = json!({"match": "names(expr, name)", "winner": {"group": ["expr"], "order": ["name desc"]}});
    check(&[view("a", "derive", symbol)], code, "a: winner", "order by a number");
}

#[test]
fn what_cannot_be_run_for_a_few_keys() {
    let code = ErrorCode::RuleNotKeyable;
    let hint = "refresh = \"full\"";
    let of = |sql: &str| [view("a", "derive", json!({"sql": sql, "grain": ["expr"]}))];
    for sql in [
        "SELECT expr, count(*) AS n FROM names GROUP BY expr",
        "SELECT expr, row_number() OVER (PARTITION BY name ORDER BY expr) AS n FROM names",
        "SELECT expr FROM names ORDER BY expr LIMIT 3",
        "SELECT n.expr FROM names AS n FULL JOIN exprs AS e ON n.expr = e.expr",
        "SELECT n.expr FROM names AS n JOIN (SELECT expr FROM exprs UNION ALL SELECT expr FROM returns) AS e \
         ON n.expr = e.expr",
        "SELECT n.expr FROM names AS n LEFT JOIN (exprs AS e JOIN returns AS r ON e.expr = r.expr) ON n.expr = e.expr",
        "SELECT expr FROM names WHERE expr IN (SELECT expr FROM exprs)",
        "SELECT expr FROM names WHERE EXISTS (SELECT 1 FROM exprs WHERE exprs.expr = names.expr)",
        "SELECT n.expr FROM names AS n CROSS JOIN files AS f",
        "SELECT n.expr FROM names AS n LEFT JOIN exprs AS e ON n.expr < e.expr",
    ] {
        check(&of(sql), code, "a: sql", hint);
    }
}

#[test]
fn what_is_refused_as_keyed_is_taken_as_full() {
    let rule = json!({"sql": "SELECT name, count(*) AS n FROM names GROUP BY name", "grain": ["name"],
                      "refresh": "full"});
    assert!(try_engine(&[view("a", "derive", rule)]).is_ok());
}

#[test]
fn a_unit_of_refresh_that_cannot_be_told() {
    let code = ErrorCode::RuleNotKeyable;
    let rule = json!({"sql": "SELECT returns.function FROM returns"});
    check(&[view("a", "derive", rule)], code, "a: grain", "grain = [\"expr\"]");
    let beyond = json!({"match": "names(expr, scope, reaching)", "grain": ["scope"],
                       "winner": {"group": ["expr"], "order": ["reaching"]}});
    check(&[view("a", "derive", beyond)], code, "a: grain", "take grain columns from the group");
}

#[test]
fn a_change_that_cannot_find_its_keys() {
    let rule =
        json!({"match": "names(expr, name=_name, branch=_branch), bindings(binding, name=dotted(_name, _branch))"});
    check(&[view("a", "derive", rule)], ErrorCode::RuleNoImpact, "a: match", "refresh = \"full\"");
}

#[test]
fn sql_that_does_not_compile() {
    let code = ErrorCode::RuleSql;
    let of = |sql: &str| [view("a", "derive", json!({"sql": sql, "grain": ["expr"]}))];
    check(&of("SELECT expr FRM names"), code, "a: sql", "SELECT expr FRM names");
    check(&of("SELECT exp FROM names"), code, "a: sql", "relation.column");
    check(&of("SELECT expr FROM names; SELECT expr FROM names"), code, "a: sql", "the SQL text is");
    check(&of("SELECT nothing(expr) AS expr FROM names"), code, "a: sql", "relation.column");
    let rule = json!({"match": "names(expr), odd := nothing(expr)"});
    check(&[view("a", "derive", rule)], code, "a: match", "relation.column");
}

#[test]
fn sql_that_changes_or_reads_something_else() {
    for sql in [
        "CREATE TABLE t AS SELECT expr FROM names",
        "DROP TABLE names",
        "INSERT INTO names SELECT * FROM names",
        "COPY (SELECT expr FROM names) TO 'out.csv'",
        "SET datafusion.execution.batch_size = 1",
        "EXPLAIN SELECT expr FROM names",
    ] {
        let refused = refused(&[view("a", "derive", json!({"sql": sql, "grain": ["expr"]}))]);
        assert_ne!(refused.code, ErrorCode::EngineInternal, "{sql}: {}", refused.message);
        assert_eq!(refused.place.split(':').next(), Some("a"), "{sql}: {}", refused.place);
    }
}

#[test]
fn a_column_that_may_hold_nothing() {
    let rule = json!({"sql": "SELECT n.expr AS expr, b.binding AS binding FROM names AS n \
                              LEFT JOIN bindings AS b ON n.name = b.name",
                      "grain": ["expr"]});
    check(&[view("a", "derive", rule)], ErrorCode::RuleSql, "a: sql", "coalesce");
}

#[test]
fn a_column_of_a_type_that_no_relation_holds() {
    let rule = json!({"sql": "SELECT expr, make_array(expr) AS list FROM names", "grain": ["expr"]});
    let refused = refused(&[view("a", "derive", rule)]);
    assert_eq!(refused.code, ErrorCode::RuleSql, "{}", refused.message);
}

#[test]
fn inputs_of_different_shape() {
    let views = [
        view("one", "relate", json!({"match": "names(expr)"})),
        view("two", "relate", json!({"match": "exprs(expr, base)"})),
        view("a", "union", json!({"inputs": ["one", "two"], "grain": ["expr"]})),
    ];
    check(&views, ErrorCode::RuleUnionShape, "a: inputs", "beyond: [base Id]");
}

#[test]
fn a_recursion_that_declares_other_columns_than_it_has() {
    let rule = json!({"sql": "SELECT n.expr AS expr FROM names AS n", "rounds": 3, "grain": ["expr"],
                      "roles": {"expr": "id:expr", "more": "id:"}});
    check(&[view("a", "derive", rule)], ErrorCode::RuleUnionShape, "a: roles", "exactly the computed columns");
}

#[test]
fn a_query_that_is_no_question() {
    let engine = holding(&every_form(), "");
    for sql in [
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "DROP TABLE names",
        "INSERT INTO names SELECT * FROM names",
        "DELETE FROM names",
        "UPDATE names SET name = 'x'",
        "COPY (SELECT 1) TO 'out.csv'",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'in.csv'",
        "SET datafusion.execution.batch_size = 1",
    ] {
        let refused = engine.query(&engine.snapshot(), vec![], sql, Limits::of_rows(10)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::QueryRefused, "{sql}: {}", refused.message);
        assert_eq!(refused.hint, "write a SELECT");
    }
}

#[test]
fn a_query_that_cannot_be_answered() {
    let engine = holding(&every_form(), "");
    for sql in ["SELEC 1", "SELECT nme FROM names", "SELECT * FROM nmes", "SELECT * FROM 'names.csv'", "", "SELECT 1/0"]
    {
        let refused = engine.query(&engine.snapshot(), vec![], sql, Limits::of_rows(10)).unwrap_err();
        assert_eq!(refused.code, ErrorCode::QueryFailed, "{sql}: {}", refused.message);
        assert!(refused.hint.contains("information_schema.columns"));
    }
}

#[test]
fn an_explanation_of_a_view_that_does_not_exist_is_our_own_mistake() {
    let engine = holding(&every_form(), "");
    let refused = engine.explain(&engine.snapshot(), "nothing", &[], 1).unwrap_err();
    assert_eq!((refused.code, refused.hint.as_str()), (ErrorCode::EngineInternal, "please report it with the log"));
}

#[test]
fn a_view_that_reads_places() {
    let code = ErrorCode::RuleReadsPlace;
    for table in ["anchors", "ts_parse_errors", "ts_changed_ranges"] {
        let rule = json!({"match": format!("names(expr, file), {table}(file)")});
        check(&[view("a", "derive", rule)], code, "a: match", "join on ids");
        let sql = format!("SELECT n.expr AS expr FROM names AS n JOIN {table} AS t ON t.file = n.file");
        check(&[view("a", "derive", json!({"sql": sql, "grain": ["expr"]}))], code, "a: sql", "join on ids");
    }
}
