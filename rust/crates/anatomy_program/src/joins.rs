//! Which columns two relations could be joined on, read off the roles of their columns: the remedy where a pattern shares no variable.
//!
//! Rules, in order: (1) a role that one column on each side has joins them; (2) where a side has several columns of a
//! role, the pair of equal name is meant; (3) `file` alone joins only if nothing else does, because ids imply it.

use anatomy_facts::ErrorCode;

use crate::{ProgramError, error::nearest};

/// The columns of one joined relation: (alias, column, role).
pub type RelationColumns = Vec<(String, String, String)>;

/// One inferred equality and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinKey {
    /// Left side as `alias.column`.
    pub left: String,
    /// Right side as `alias.column`.
    pub right: String,
    /// Why: `role expr` or `role scope, same name`.
    pub reason: String,
}

/// A column of the left and one of the right, each as (alias, column).
type Pair<'a> = (&'a (String, String), &'a (String, String));

/// The equalities between what is joined so far and one more relation.
///
/// # Errors
/// `rule-no-join-key` and `rule-ambiguous-join`, with the candidates in the hint.
pub fn infer_keys(place: &str, left: &RelationColumns, right: &RelationColumns) -> Result<Vec<JoinKey>, ProgramError> {
    let mut keys: Vec<JoinKey> = Vec::new();
    let mut file_key = None;
    let mut roles: Vec<&str> = right.iter().map(|column| column.2.as_str()).filter(|role| !role.is_empty()).collect();
    roles.dedup();
    let mut seen: Vec<&str> = Vec::new();
    for role in roles {
        if seen.contains(&role) {
            continue;
        }
        seen.push(role);
        let of = |side: &'_ RelationColumns| -> Vec<(String, String)> {
            side.iter().filter(|column| column.2 == role).map(|column| (column.0.clone(), column.1.clone())).collect()
        };
        let (lefts, rights) = (of(left), of(right));
        let pairs: Vec<Pair<'_>> = lefts.iter().flat_map(|l| rights.iter().map(move |r| (l, r))).collect();
        let same_name: Vec<_> = pairs.iter().filter(|(l, r)| l.1 == r.1).copied().collect();
        let (pair, reason) = match (pairs.as_slice(), same_name.as_slice()) {
            ([], _) => continue,
            ([only], _) => (*only, format!("role {role}")),
            (_, [only]) => (*only, format!("role {role}, same name")),
            (_, several) if several.len() > 1 && role == "file" => (several[0], "role file".to_owned()),
            _ => {
                let choices: Vec<String> =
                    pairs.iter().map(|(l, r)| format!("{}.{} = {}.{}", l.0, l.1, r.0, r.1)).collect();
                return Err(ProgramError::compile(
                    ErrorCode::RuleAmbiguousJoin,
                    place,
                    format!("more than one pair of columns has the role `{role}`"),
                    format!("give one of these pairs one variable: {}", choices.join(", or ")),
                ));
            }
        };
        let key =
            JoinKey { left: format!("{}.{}", pair.0.0, pair.0.1), right: format!("{}.{}", pair.1.0, pair.1.1), reason };
        if role == "file" {
            file_key = Some(key);
        } else {
            keys.push(key);
        }
    }
    if keys.is_empty() {
        keys.extend(file_key);
    }
    if keys.is_empty() {
        let names: Vec<&str> = left.iter().map(|column| column.1.as_str()).collect();
        let near = right.iter().find_map(|column| nearest(&column.1, names.iter().copied()));
        return Err(ProgramError::compile(
            ErrorCode::RuleNoJoinKey,
            place,
            "no column on one side has the role of a column on the other",
            match near {
                Some(name) => format!("give two columns one variable; a column `{name}` looks near"),
                None => "give two columns one variable".to_owned(),
            },
        ));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(alias: &str, of: &[(&str, &str)]) -> RelationColumns {
        of.iter().map(|(name, role)| (alias.to_owned(), (*name).to_owned(), (*role).to_owned())).collect()
    }

    #[test]
    fn roles_join_where_names_differ() {
        let left =
            columns("names", &[("expr", "expr"), ("target_scope", "scope"), ("name", "symbol"), ("file", "file")]);
        let right =
            columns("bindings", &[("binding", "binding"), ("scope", "scope"), ("name", "symbol"), ("file", "file")]);
        let keys = infer_keys("r", &left, &right).unwrap();
        let sides: Vec<(&str, &str)> = keys.iter().map(|key| (key.left.as_str(), key.right.as_str())).collect();
        assert_eq!(sides, [("names.target_scope", "bindings.scope"), ("names.name", "bindings.name")]);
    }

    #[test]
    fn two_columns_of_one_role_are_ambiguous() {
        let left = columns("a", &[("value_expr", "expr"), ("annotation_expr", "expr")]);
        let refused = infer_keys("r", &left, &columns("exprs", &[("expr", "expr")])).unwrap_err();
        assert_eq!(refused.code, ErrorCode::RuleAmbiguousJoin);
        assert!(refused.hint.contains("a.annotation_expr = exprs.expr"));
    }

    #[test]
    fn nothing_in_common_is_refused() {
        let refused = infer_keys("r", &columns("a", &[("x", "")]), &columns("b", &[("expr", "expr")])).unwrap_err();
        assert_eq!(refused.code, ErrorCode::RuleNoJoinKey);
    }
}
