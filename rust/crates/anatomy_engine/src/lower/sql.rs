//! SQL text of a rule, and the one liberty that rules take with SQL: a string literal is a symbol.
//!
//! Names, paths and kinds are interned numbers in every table, so `kind = 'class'` compares numbers. The literal stays
//! text where text is meant: as an argument of a function, a pattern of LIKE, and an operand of `||`.

use std::ops::ControlFlow;

use anatomy_facts::ErrorCode;
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, Value, visit_expressions_mut,
};

use crate::error::{EngineError, Result};

/// Parses SQL text of a rule and makes symbols of its string literals.
pub(crate) fn parse_rule(place: &str, sql: &str) -> Result<Statement> {
    let refused =
        |message: String| EngineError::compile(ErrorCode::RuleSql, place, message, format!("the SQL text is: {sql}"));
    let mut statements = DFParser::parse_sql(sql).map_err(|error| refused(error.strip_backtrace()))?;
    let (Some(mut statement), None) = (statements.pop_front(), statements.pop_front()) else {
        return Err(refused("expected exactly one SELECT".to_owned()));
    };
    let Statement::Statement(inner) = &mut statement else {
        return Err(refused("expected a SELECT".to_owned()));
    };
    let _: ControlFlow<()> = visit_expressions_mut(inner, |expr| {
        symbols_of_literals(expr);
        ControlFlow::Continue(())
    });
    Ok(statement)
}

fn symbols_of_literals(expr: &mut Expr) {
    match expr {
        Expr::Value(value) => {
            if let Value::SingleQuotedString(_) = value.value {
                *expr = symbol_call(expr.clone());
            }
        }
        Expr::Function(function) => {
            if let FunctionArguments::List(list) = &mut function.args {
                for argument in &mut list.args {
                    if let FunctionArg::Unnamed(FunctionArgExpr::Expr(inner)) = argument {
                        unwrap_symbol(inner);
                    }
                }
            }
        }
        Expr::Like { pattern, .. } | Expr::ILike { pattern, .. } => unwrap_symbol(pattern),
        Expr::BinaryOp { left, op: BinaryOperator::StringConcat, right } => {
            unwrap_symbol(left);
            unwrap_symbol(right);
        }
        _ => {}
    }
}

fn symbol_call(literal: Expr) -> Expr {
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new("symbol")]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(literal))],
            clauses: vec![],
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    })
}

fn unwrap_symbol(expr: &mut Expr) {
    let Expr::Function(function) = expr else { return };
    if function.name.to_string() != "symbol" {
        return;
    }
    let FunctionArguments::List(list) = &function.args else { return };
    if let [FunctionArg::Unnamed(FunctionArgExpr::Expr(inner @ Expr::Value(_)))] = list.args.as_slice() {
        *expr = inner.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(sql: &str) -> String {
        parse_rule("test", sql).unwrap().to_string()
    }

    #[test]
    fn a_literal_is_a_symbol_where_a_value_is_compared() {
        assert_eq!(rewritten("SELECT 1 FROM t WHERE kind = 'class'"), "SELECT 1 FROM t WHERE kind = symbol('class')");
        assert_eq!(
            rewritten("SELECT 1 FROM t WHERE kind IN ('a', 'b')"),
            "SELECT 1 FROM t WHERE kind IN (symbol('a'), symbol('b'))"
        );
    }

    #[test]
    fn a_literal_stays_text_where_text_is_meant() {
        assert_eq!(rewritten("SELECT text(name) LIKE 'a%' FROM t"), "SELECT text(name) LIKE 'a%' FROM t");
        assert_eq!(
            rewritten("SELECT starts_with(text(name), '_') FROM t"),
            "SELECT starts_with(text(name), '_') FROM t"
        );
        assert_eq!(rewritten("SELECT symbol(text(a) || '.b') FROM t"), "SELECT symbol(text(a) || '.b') FROM t");
    }
}
