//! A `match` from outside: what it means in SQL, and what is refused with which remedy.

use anatomy_facts::ErrorCode;
use anatomy_program::{Match, Program, ProgramError, ViewSpec};

/// The rule with this match.
fn rule(text: &str) -> Result<ViewSpec, ProgramError> {
    let view =
        serde_json::json!({"name": "r", "pack": "p", "doc": "d", "kind": "derive", "file": "p/r.toml", "match": text});
    let document = serde_json::json!({"views": [view]}).to_string();
    Ok(Program::decode(document.as_bytes())?.views.remove(0))
}

fn columns_of(relation: &str) -> Option<Vec<(String, String)>> {
    let columns = match relation {
        "names" => "expr:expr name:symbol target_scope:scope kind: file:file",
        "bindings" => "binding:binding name:symbol scope:scope kind: value_expr:expr file:file",
        "moves" => "source:expr goal:expr",
        "flags" => "sort: is_set:",
        _ => return None,
    };
    let column = |item: &str| item.split_once(':').map(|(name, role)| (name.to_owned(), role.to_owned()));
    Some(columns.split_whitespace().filter_map(column).collect())
}

/// The SQL text of a match, or `code at place: message (hint)`.
fn sql(text: &str) -> String {
    let lowered = rule(text).and_then(|spec| {
        Match::parse(&spec)?.lower(&spec, &[], &columns_of, &|name| matches!(name, "starts_with" | "text" | "coalesce"))
    });
    match lowered {
        Ok(lowered) => lowered.sql,
        Err(of) => format!("{} at {}: {} ({})", of.code.as_str(), of.place, of.message, of.hint),
    }
}

#[test]
fn a_variable_that_is_bound_again_joins() {
    let text = "names(expr, name, target_scope=_scope), bindings(binding, scope=_scope, name)";
    assert_eq!(
        sql(text),
        "SELECT bindings.\"binding\" AS \"binding\", names.\"expr\" AS \"expr\", names.\"name\" AS \"name\" \
         FROM names AS names JOIN bindings AS bindings \
         ON bindings.\"scope\" = names.\"target_scope\" AND bindings.\"name\" = names.\"name\""
    );
    let spec = rule(text).unwrap();
    let keys = Match::parse(&spec).unwrap().lower(&spec, &[], &columns_of, &|_| false).unwrap().keys;
    let told: Vec<String> = keys.iter().map(|key| format!("{} = {} ({})", key.left, key.right, key.reason)).collect();
    assert_eq!(
        told,
        ["names.target_scope = bindings.scope (variable _scope)", "names.name = bindings.name (variable name)"]
    );
    assert_eq!(spec.grain, ["expr"]);
}

#[test]
fn what_stands_behind_a_column_is_a_test_of_it() {
    assert_eq!(
        sql("names(expr, kind='call', name <> '', file IN ('a', 'b'))"),
        "SELECT names.\"expr\" AS \"expr\" FROM names AS names \
         WHERE (names.\"kind\" = 'call') AND (names.\"name\" <> '') AND (names.\"file\" IN ('a', 'b'))"
    );
}

#[test]
fn rows_that_must_be_there_may_be_there_and_must_not_be_there() {
    assert_eq!(
        sql("names(expr, name)\nany bindings(name, kind='class')\nnot bindings(value_expr=expr)\n\
             maybe bindings(binding=_made, value_expr=expr), made := coalesce(_made, 0)"),
        "SELECT names.\"expr\" AS \"expr\", coalesce(bindings_3.\"binding\", 0) AS \"made\", names.\"name\" AS \"name\" \
         FROM names AS names \
         LEFT SEMI JOIN bindings AS bindings ON bindings.\"name\" = names.\"name\" AND (bindings.\"kind\" = 'class') \
         LEFT ANTI JOIN bindings AS bindings_2 ON bindings_2.\"value_expr\" = names.\"expr\" \
         LEFT JOIN bindings AS bindings_3 ON bindings_3.\"value_expr\" = names.\"expr\""
    );
}

#[test]
fn conditions_and_computed_columns_read_variables() {
    assert_eq!(
        sql("names(expr, name), not starts_with(text(name), '_'), (expr > 3 OR\n name = 'expr'), sort := 'name'"),
        "SELECT names.\"expr\" AS \"expr\", names.\"name\" AS \"name\", 'name' AS \"sort\" FROM names AS names \
         WHERE (not starts_with(text(names.\"name\"), '_')) AND ((names.\"expr\" > 3 OR\n names.\"name\" = 'expr'))"
    );
}

#[test]
fn alternatives_have_the_same_columns() {
    let both = sql("names(expr, name)\nor\nbindings(value_expr=expr, name)");
    assert!(both.contains(" UNION ALL SELECT bindings.\"value_expr\" AS \"expr\""), "{both}");
    assert_eq!(
        sql("names(expr, name)\nor\nbindings(value_expr=expr, kind)"),
        "rule-union-shape at p/r.toml: match line 3: this alternative does not have the columns of the first (missing: [name]; beyond: [kind])"
    );
}

#[test]
fn each_slip_is_refused_with_line_and_remedy() {
    let cases = [
        ("nams(expr)", ErrorCode::RuleUnknownRelation, 1, "codeanatomy plan"),
        ("names(expr)\nbindings(valu_expr=expr)", ErrorCode::RuleUnknownColumn, 2, "did you mean `value_expr`?"),
        ("names(expr, name=_name)", ErrorCode::RuleUnusedVariable, 1, "leave it out"),
        ("names(expr)\nnot bindings(value_expr=expr, name)", ErrorCode::RuleUnusedVariable, 2, "bind it above"),
        ("names(expr, name)\nnmae <> ''", ErrorCode::RuleUnboundVariable, 2, "did you mean `name`?"),
        ("names(expr, name)\nlong := text(other)", ErrorCode::RuleUnboundVariable, 2, "bind it in a pattern above"),
        ("names(expr)\nflags(sort)", ErrorCode::RuleNoJoinKey, 2, "give two columns one variable"),
        ("names(expr)\nbindings(binding)", ErrorCode::RuleNoJoinKey, 2, "names.target_scope = bindings.scope"),
        (
            "names(expr)\nmoves(goal)",
            ErrorCode::RuleAmbiguousJoin,
            2,
            "names.expr = moves.source, or names.expr = moves.goal",
        ),
        ("names(expr, name)\nname := 'x'", ErrorCode::RuleMatch, 2, "take another name"),
    ];
    for (text, code, line, remedy) in cases {
        let told = sql(text);
        let begin = format!("{} at p/r.toml: match line {line}: ", code.as_str());
        assert!(told.starts_with(&begin) && told.contains(remedy), "{text}: {told}");
    }
}

#[test]
fn a_text_that_is_no_match_is_refused_when_it_is_read() {
    for text in ["names(expr", "names(expr))", "names(name='x)", "name <> ''", "not names(expr)", "names(expr)\nor\n"] {
        let refused = rule(text).expect_err(text);
        assert_eq!(refused.code, ErrorCode::RuleMatch, "{text}");
        assert!(refused.place.starts_with("p/r.toml: match") && !refused.hint.is_empty(), "{text}");
    }
}
