//! The `match` of a rule: patterns over relations, whose shared variables are the joins.
//!
//! ```text
//! class_member(class, name, target=definition), mro(class, ancestor=_base, path <> 0)
//! class_member(class=_base, name, target), not open_binding(binding=target)
//! ```
//!
//! A pattern names columns: alone (`class`) a column binds the variable of its name, `column=variable` another one, and what else stands
//! behind a column is a test of it. A variable that is bound again joins. `not` asks that there is no such row, `any` that there is one,
//! `maybe` leaves the variables of a row that is not there null. `name := expression` computes, any other item is a condition. Items stand
//! apart by commas or lines, alternatives by `or` on a line of its own. Variables are the columns of the rule, but for those with `_`.

use std::collections::BTreeMap;

use anatomy_facts::ErrorCode;

use crate::error::nearest;
use crate::{JoinKey, ProgramError, RelationColumns, ViewSpec, infer_keys};

/// Gives (column, role) of the columns of a relation by name, `None` for an unknown one.
pub type ColumnsOf<'a> = &'a dyn Fn(&str) -> Option<Vec<(String, String)>>;

/// Whether SQL has a function of that name.
pub type IsFunction<'a> = &'a dyn Fn(&str) -> bool;

/// How the rows of a pattern take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Each,
    Maybe,
    Any,
    Not,
}

/// `relation(argument, ...)`, or a function that is a condition.
#[derive(Clone, Debug)]
struct Call {
    mode: Mode,
    name: String,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
enum Argument {
    /// `column`, or `column=variable`.
    Bind { column: String, variable: String },
    /// `column = expression`.
    Equal { column: String, expression: String },
    /// `column <> 0`: the column, and what stands behind it.
    Test { column: String, rest: String },
    /// A condition over variables.
    Condition(String),
}

#[derive(Clone, Debug)]
enum Item {
    Call(Call, String),
    Assign { variable: String, expression: String },
    Condition(String),
}

#[derive(Clone, Debug)]
struct Placed {
    line: usize,
    item: Item,
}

/// A `match`, read: its alternatives, each a list of items.
#[derive(Clone, Debug)]
pub struct Match {
    ways: Vec<Vec<Placed>>,
}

/// What a `match` means.
#[derive(Clone, Debug)]
pub struct Lowered {
    /// The SQL text.
    pub sql: String,
    /// The equalities that shared variables mean.
    pub keys: Vec<JoinKey>,
}

/// Words of SQL that are no variables.
const WORDS: [&str; 22] = [
    "and", "or", "not", "in", "is", "null", "true", "false", "case", "when", "then", "else", "end", "between", "like",
    "ilike", "as", "unsigned", "distinct", "from", "escape", "similar",
];

fn refused(spec: &ViewSpec, line: usize, code: ErrorCode, message: String, hint: impl Into<String>) -> ProgramError {
    let place = if line == 0 { spec.place("match") } else { format!("{} line {line}", spec.place("match")) };
    ProgramError::compile(code, place, message, hint)
}

/// The parts of a text between separators outside brackets and quotes, each with its line from 1; `None` if a bracket or quote is open.
fn parts(text: &str, is_separator: impl Fn(char) -> bool) -> Option<Vec<(usize, String)>> {
    let (mut found, mut part, mut line, mut began) = (Vec::new(), String::new(), 1, 1);
    let (mut depth, mut quote) = (0_usize, None);
    for c in text.chars() {
        if depth == 0 && quote.is_none() && is_separator(c) {
            found.push((began, std::mem::take(&mut part)));
            line += usize::from(c == '\n');
            began = line;
            continue;
        }
        line += usize::from(c == '\n');
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.checked_sub(1)?,
            (None, _) => {}
        }
        if part.trim().is_empty() {
            began = line;
        }
        part.push(c);
    }
    found.push((began, part));
    let whole = found.into_iter().map(|(line, part)| (line, part.trim().to_owned()));
    (depth == 0 && quote.is_none()).then(|| whole.filter(|(_, part)| !part.is_empty()).collect())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The identifier that a text begins with, and what follows it; empty if it begins with none.
fn leading(text: &str) -> (&str, &str) {
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { ("", text) } else { text.split_at(end) }
}

fn is_variable(text: &str) -> bool {
    let (word, rest) = leading(text);
    !word.is_empty() && rest.is_empty() && !WORDS.contains(&word.to_ascii_lowercase().as_str())
}

fn argument(text: &str) -> Argument {
    let (column, rest) = leading(text);
    let rest = rest.trim_start();
    if rest.is_empty() && is_variable(column) {
        return Argument::Bind { column: column.to_owned(), variable: column.to_owned() };
    }
    if !is_variable(column) || rest.starts_with('(') {
        return Argument::Condition(text.to_owned());
    }
    match rest.strip_prefix('=').map(str::trim) {
        Some(variable) if is_variable(variable) => {
            Argument::Bind { column: column.to_owned(), variable: variable.to_owned() }
        }
        Some(expression) => Argument::Equal { column: column.to_owned(), expression: expression.to_owned() },
        None => Argument::Test { column: column.to_owned(), rest: rest.to_owned() },
    }
}

/// A pattern, if the text has the shape of one.
fn call(text: &str) -> Option<Call> {
    let (word, rest) = leading(text);
    let (mode, name, rest) = match (word, leading(rest.trim_start())) {
        ("maybe", (name, rest)) if !name.is_empty() => (Mode::Maybe, name, rest),
        ("any", (name, rest)) if !name.is_empty() => (Mode::Any, name, rest),
        ("not" | "NOT", (name, rest)) if !name.is_empty() => (Mode::Not, name, rest),
        _ => (Mode::Each, word, rest),
    };
    let inner = rest.strip_prefix('(')?.strip_suffix(')')?;
    if name.is_empty() || WORDS.contains(&name) {
        return None;
    }
    let arguments = parts(inner, |c| c == ',')?;
    Some(Call { mode, name: name.to_owned(), arguments: arguments.iter().map(|(_, text)| argument(text)).collect() })
}

impl Match {
    /// Reads the `match` of a rule.
    ///
    /// # Errors
    /// `rule-match` if a bracket or a quote is left open, or an alternative says nothing.
    pub fn parse(spec: &ViewSpec) -> Result<Match, ProgramError> {
        let Some(items) = parts(&spec.clauses, |c| c == ',' || c == '\n') else {
            let hint = "an item may go over several lines only inside brackets";
            return Err(refused(
                spec,
                0,
                ErrorCode::RuleMatch,
                "a bracket or a quote has no other end".to_owned(),
                hint,
            ));
        };
        let mut ways = vec![Vec::new()];
        let mut last = 1;
        for (line, text) in items {
            last = line;
            let item = match (text.as_str(), text.split_once(":=")) {
                ("or", _) => {
                    ways.push(Vec::new());
                    continue;
                }
                (_, Some((variable, expression))) if is_variable(variable.trim()) => {
                    Item::Assign { variable: variable.trim().to_owned(), expression: expression.trim().to_owned() }
                }
                _ => match call(&text) {
                    Some(call) => Item::Call(call, text),
                    None => Item::Condition(text),
                },
            };
            if let Some(way) = ways.last_mut() {
                way.push(Placed { line, item });
            }
        }
        let begins = |way: &Vec<Placed>| matches!(way.first(), Some(Placed { item: Item::Call(call, _), .. }) if call.mode == Mode::Each);
        if !ways.iter().all(begins) {
            let message = "an alternative does not begin with a pattern".to_owned();
            return Err(refused(
                spec,
                last,
                ErrorCode::RuleMatch,
                message,
                "begin with `relation(column, ...)`: what there is a row for each of",
            ));
        }
        Ok(Match { ways })
    }

    /// The relations that it names.
    #[must_use]
    pub fn relations(&self, is_function: IsFunction<'_>) -> Vec<String> {
        let calls = self.ways.iter().flatten().filter_map(|placed| match &placed.item {
            Item::Call(call, _) if !is_function(&call.name) => Some(call.name.clone()),
            _ => None,
        });
        calls.collect()
    }

    /// The first variable that is a column of the rule: what a row is about, where nothing else is said.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.ways.first()?.iter().find_map(|placed| match &placed.item {
            Item::Call(call, _) if matches!(call.mode, Mode::Each) => {
                call.arguments.iter().find_map(|argument| match argument {
                    Argument::Bind { variable, .. } if !variable.starts_with('_') => Some(variable.as_str()),
                    _ => None,
                })
            }
            Item::Assign { variable, .. } if !variable.starts_with('_') => Some(variable.as_str()),
            _ => None,
        })
    }

    /// The SQL text of the rule. `beside` are columns that are added where the rule has none of that name.
    ///
    /// # Errors
    /// `rule-unknown-relation`, `rule-unknown-column`, `rule-no-join-key`, `rule-ambiguous-join`, `rule-unbound-variable`,
    /// `rule-unused-variable`, `rule-union-shape`.
    pub fn lower(
        &self,
        spec: &ViewSpec,
        beside: &[(String, String)],
        columns_of: ColumnsOf<'_>,
        is_function: IsFunction<'_>,
    ) -> Result<Lowered, ProgramError> {
        let (mut texts, mut keys) = (Vec::new(), Vec::new());
        let mut first: Option<Vec<String>> = None;
        for way in &self.ways {
            let mut builder = Builder {
                spec,
                columns_of,
                is_function,
                variables: BTreeMap::new(),
                from: String::new(),
                filters: vec![],
                keys: vec![],
                joined: vec![],
                aliases: vec![],
            };
            builder.items(way)?;
            let mut outputs = builder.outputs();
            for (name, expression) in beside {
                let own = builder.resolved(0, expression)?;
                outputs.entry(name.clone()).or_insert(own);
            }
            builder.check_used(|name, _| name.starts_with('_'))?;
            let names: Vec<String> = outputs.keys().cloned().collect();
            match &first {
                None => first = Some(names),
                Some(first) if *first == names => {}
                Some(first) => {
                    let line = way.first().map_or(0, |placed| placed.line);
                    let apart = |of: &[String], other: &[String]| {
                        of.iter().filter(|name| !other.contains(name)).cloned().collect::<Vec<_>>().join(", ")
                    };
                    return Err(refused(
                        spec,
                        line,
                        ErrorCode::RuleUnionShape,
                        "this alternative does not have the columns of the first".to_owned(),
                        format!("missing: [{}]; beyond: [{}]", apart(first, &names), apart(&names, first)),
                    ));
                }
            }
            let selected: Vec<String> =
                outputs.iter().map(|(name, expression)| format!("{expression} AS \"{name}\"")).collect();
            let mut sql = format!("SELECT {} FROM {}", selected.join(", "), builder.from);
            if !builder.filters.is_empty() {
                sql.push_str(&format!(" WHERE {}", builder.filters.join(" AND ")));
            }
            texts.push(sql);
            keys.extend(builder.keys);
        }
        Ok(Lowered { sql: texts.join(" UNION ALL "), keys })
    }
}

struct Variable {
    sql: String,
    line: usize,
    uses: usize,
    /// Bound by a row that is not kept.
    is_local: bool,
}

struct Builder<'a> {
    spec: &'a ViewSpec,
    columns_of: ColumnsOf<'a>,
    is_function: IsFunction<'a>,
    variables: BTreeMap<String, Variable>,
    from: String,
    filters: Vec<String>,
    keys: Vec<JoinKey>,
    /// All columns joined so far, for the remedy where a pattern is connected with nothing.
    joined: RelationColumns,
    aliases: Vec<String>,
}

impl Builder<'_> {
    fn refused(&self, line: usize, code: ErrorCode, message: String, hint: impl Into<String>) -> ProgramError {
        refused(self.spec, line, code, message, hint)
    }

    fn items(&mut self, way: &[Placed]) -> Result<(), ProgramError> {
        let mut conditions = Vec::new();
        for placed in way {
            match &placed.item {
                Item::Call(call, text) => match (self.columns_of)(&call.name) {
                    Some(columns) => self.pattern(placed.line, call, &columns)?,
                    None if (self.is_function)(&call.name) => conditions.push((placed.line, text.clone())),
                    None => {
                        let message = format!("rule `{}` reads `{}`, which nothing defines", self.spec.name, call.name);
                        return Err(self.refused(
                            placed.line,
                            ErrorCode::RuleUnknownRelation,
                            message,
                            "`codeanatomy plan` lists all relations",
                        ));
                    }
                },
                Item::Assign { variable, expression } => {
                    let sql = self.resolved(placed.line, expression)?;
                    if self.variables.contains_key(variable) {
                        let message = format!("`{variable}` is bound already");
                        let hint = format!("compare with `{variable} = ...`, or take another name");
                        return Err(self.refused(placed.line, ErrorCode::RuleMatch, message, hint));
                    }
                    let bound = Variable { sql, line: placed.line, uses: 0, is_local: false };
                    self.variables.insert(variable.clone(), bound);
                }
                Item::Condition(text) => conditions.push((placed.line, text.clone())),
            }
        }
        for (line, text) in conditions {
            let sql = self.resolved(line, &text)?;
            self.filters.push(format!("({sql})"));
        }
        Ok(())
    }

    /// A name for an occurrence of a relation: its own, or with a number.
    fn alias(&mut self, relation: &str) -> String {
        let numbered = (2..).map(|number| format!("{relation}_{number}"));
        let free = std::iter::once(relation.to_owned()).chain(numbered).find(|alias| !self.aliases.contains(alias));
        let alias = free.unwrap_or_default();
        self.aliases.push(alias.clone());
        alias
    }

    fn pattern(&mut self, line: usize, call: &Call, columns: &[(String, String)]) -> Result<(), ProgramError> {
        let alias = self.alias(&call.name);
        let (mut on, mut tests) = (Vec::new(), Vec::new());
        let (mut own, mut is_joined) = (Vec::new(), self.from.is_empty());
        for argument in &call.arguments {
            let column_of = |column: &str| {
                if columns.iter().any(|(name, _)| name == column) {
                    return Ok(format!("{alias}.\"{column}\""));
                }
                let names = columns.iter().map(|(name, _)| name.as_str());
                let hint = match nearest(column, names.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its columns are {}", names.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("`{}` has no column `{column}`", call.name);
                Err(refused(self.spec, line, ErrorCode::RuleUnknownColumn, message, hint))
            };
            match argument {
                Argument::Bind { column, variable } => {
                    let sql = column_of(column)?;
                    match self.variables.get_mut(variable) {
                        Some(bound) => {
                            bound.uses += 1;
                            on.push(format!("{sql} = {}", bound.sql));
                            if !own.contains(variable) {
                                is_joined = true;
                                self.keys.push(JoinKey {
                                    left: bound.sql.replace('"', ""),
                                    right: sql.replace('"', ""),
                                    reason: format!("variable {variable}"),
                                });
                            }
                        }
                        None => {
                            own.push(variable.clone());
                            let is_local = matches!(call.mode, Mode::Any | Mode::Not);
                            self.variables.insert(variable.clone(), Variable { sql, line, uses: 0, is_local });
                        }
                    }
                }
                Argument::Equal { column, expression } => {
                    let sql = column_of(column)?;
                    tests.push((format!("{sql} = "), expression.clone(), true));
                }
                Argument::Test { column, rest } => {
                    let sql = column_of(column)?;
                    tests.push((format!("{sql} "), rest.clone(), false));
                }
                Argument::Condition(text) => tests.push((String::new(), text.clone(), false)),
            }
        }
        let mut filters = Vec::new();
        for (before, text, is_equal) in tests {
            let read: Vec<String> = words(&text).into_iter().filter(|word| self.variables.contains_key(word)).collect();
            let sql = format!("({before}{})", self.resolved(line, &text)?);
            if is_equal && read.iter().any(|variable| !own.contains(variable)) {
                is_joined = true;
                on.push(sql);
            } else {
                filters.push(sql);
            }
        }
        let right: RelationColumns =
            columns.iter().map(|(column, role)| (alias.clone(), column.clone(), role.clone())).collect();
        if !is_joined {
            return Err(self.apart(line, &call.name, &right));
        }
        let word = match call.mode {
            Mode::Each => "JOIN",
            Mode::Maybe => "LEFT JOIN",
            Mode::Any => "LEFT SEMI JOIN",
            Mode::Not => "LEFT ANTI JOIN",
        };
        if call.mode == Mode::Each {
            self.filters.append(&mut filters);
        }
        on.append(&mut filters);
        if self.from.is_empty() {
            self.from = format!("{} AS {alias}", call.name);
            self.filters.append(&mut on);
        } else {
            self.from.push_str(&format!(" {word} {} AS {alias} ON {}", call.name, on.join(" AND ")));
        }
        if matches!(call.mode, Mode::Any | Mode::Not) {
            self.check_used(|_, variable| variable.is_local)?;
            self.variables.retain(|_, variable| !variable.is_local);
        } else {
            self.joined.extend(right);
        }
        Ok(())
    }

    /// Why a pattern that shares no variable is refused, with what its roles say could be meant.
    fn apart(&self, line: usize, relation: &str, right: &RelationColumns) -> ProgramError {
        let message = format!("`{relation}` shares no variable with the patterns above it");
        match infer_keys(&self.spec.place("match"), &self.joined, right) {
            Ok(keys) => {
                let said: Vec<String> =
                    keys.iter().map(|key| format!("{} = {} ({})", key.left, key.right, key.reason)).collect();
                let hint = format!("give both columns one variable; by their roles {}", said.join(" and "));
                self.refused(line, ErrorCode::RuleNoJoinKey, message, hint)
            }
            Err(error) => self.refused(line, error.code, message, error.hint),
        }
    }

    /// An expression over variables as SQL over columns.
    fn resolved(&mut self, line: usize, expression: &str) -> Result<String, ProgramError> {
        let mut sql = String::new();
        let (mut rest, mut before) = (expression, String::new());
        while let Some(c) = rest.chars().next() {
            if c == '\'' || c == '"' {
                let end = rest[1..].find(c).map_or(rest.len(), |at| at + 2);
                sql.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            if c.is_ascii_digit() {
                let end = rest.find(|c| !is_word(c) && c != '.').unwrap_or(rest.len());
                sql.push_str(&rest[..end]);
                rest = &rest[end..];
                continue;
            }
            let (word, after) = leading(rest);
            if word.is_empty() {
                sql.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            }
            rest = after;
            let is_called = after.trim_start().starts_with('(');
            if let Some(variable) = self.variables.get_mut(word).filter(|_| !is_called) {
                variable.uses += 1;
                let is_column = variable.sql.chars().all(|c| is_word(c) || c == '.' || c == '"');
                sql.push_str(&if is_column { variable.sql.clone() } else { format!("({})", variable.sql) });
            } else if is_called
                || before.eq_ignore_ascii_case("as")
                || WORDS.contains(&word.to_ascii_lowercase().as_str())
            {
                sql.push_str(word);
            } else {
                let known = self.variables.keys().map(String::as_str);
                let hint = match nearest(word, known) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "bind it in a pattern above: `relation(column, other=variable)`".to_owned(),
                };
                let message = format!("no pattern binds `{word}`");
                return Err(self.refused(line, ErrorCode::RuleUnboundVariable, message, hint));
            }
            word.clone_into(&mut before);
        }
        Ok(sql)
    }

    fn outputs(&self) -> BTreeMap<String, String> {
        let shown = self.variables.iter().filter(|(name, _)| !name.starts_with('_'));
        shown.map(|(name, variable)| (name.clone(), variable.sql.clone())).collect()
    }

    /// A variable that must be read and that nothing reads is a slip.
    fn check_used(&self, must: impl Fn(&str, &Variable) -> bool) -> Result<(), ProgramError> {
        match self.variables.iter().find(|(name, variable)| variable.uses == 0 && must(name, variable)) {
            None => Ok(()),
            Some((name, variable)) => Err(self.refused(
                variable.line,
                ErrorCode::RuleUnusedVariable,
                format!("`{name}` is bound once, and nothing reads it"),
                "leave it out, or bind it above where it is meant to join",
            )),
        }
    }
}

/// The identifiers of an expression, what stands in quotes left out.
fn words(expression: &str) -> Vec<String> {
    let unquoted = expression.split('\'').step_by(2);
    unquoted.flat_map(|piece| piece.split(|c| !is_word(c))).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
