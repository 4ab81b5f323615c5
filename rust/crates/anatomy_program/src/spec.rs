//! What a rule file says, decoded. The loader has checked types; here it is checked against itself.

use std::collections::BTreeMap;

use anatomy_facts::{ErrorCode, Stage};
use serde::Deserialize;

use crate::{Match, ProgramError};

/// Characters of a line that is read as one.
const LINE: usize = 132;

/// A whole program: packs in load order and all their views.
#[derive(Clone, Debug, Deserialize)]
pub struct Program {
    /// Packs, in load order.
    #[serde(default)]
    pub packs: Vec<Pack>,
    /// Tables that are filled later than evidence, if at all.
    #[serde(default)]
    pub tables: Vec<TableSpec>,
    /// Views in no particular order.
    pub views: Vec<ViewSpec>,
}

/// Name and version of a pack.
#[derive(Clone, Debug, Deserialize)]
pub struct Pack {
    /// Folder name.
    pub name: String,
    /// Version text of `pack.toml`.
    #[serde(default)]
    pub version: String,
}

/// A table beside the evidence: nothing that keeps rows may read it, so that no edit waits for it. Its first column is `file`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// Name in SQL and in rules.
    pub name: String,
    /// The column whose value names a row; empty where rows have no identity of their own.
    #[serde(default)]
    pub key: String,
    /// Columns behind `file`, in order.
    pub columns: Vec<ColumnSpec>,
}

/// A column of a table beside the evidence.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ColumnSpec {
    /// Name in SQL and in rules.
    pub name: String,
    /// `id`, `symbol`, `int`, `bool`, `text` or `float`.
    pub kind: String,
    /// What joins go by; empty for a plain value.
    #[serde(default)]
    pub role: String,
    /// Of an id: what it is an id of. Whoever fills the table reads it.
    #[serde(default)]
    pub of: String,
}

/// The six kinds of view.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    /// One relation in another shape.
    Normalize,
    /// New facts from joined facts.
    Derive,
    /// A relationship between two entities, with score and confidence.
    Relate,
    /// Several views as one, each row naming the rule that made it.
    Union,
    /// A selection of columns for an output table.
    Project,
    /// Rows that a person is told about.
    Diagnostic,
}

impl ViewKind {
    /// The word used in packs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ViewKind::Normalize => "normalize",
            ViewKind::Derive => "derive",
            ViewKind::Relate => "relate",
            ViewKind::Union => "union",
            ViewKind::Project => "project",
            ViewKind::Diagnostic => "diagnostic",
        }
    }
}

/// How a view follows its inputs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Refresh {
    /// For the keys that a change touches. A view that cannot be keyed is refused.
    #[default]
    Keyed,
    /// Whole, at each change of an input: a counted fallback that the pack asks for.
    Full,
}

/// A number, or an SQL expression over the inputs.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub enum Confidence {
    /// The same for every row.
    Constant(f64),
    /// Computed for each row.
    Expression(String),
}

/// Which of several candidate rows stands.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Winner {
    /// Output columns that name the contest.
    pub group: Vec<String>,
    /// Output columns by which the first is chosen, each optionally followed by `desc`. Equal rows all stand.
    pub order: Vec<String>,
}

/// How many rows a group of a recursive view may hold: past that, more of them say less (k-limiting of abstract interpretation).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Output columns that name the group; the grain is among them.
    pub group: Vec<String>,
    /// Most rows of a group. A level that would bring more brings one row in their place.
    pub rows: usize,
    /// Output columns of which, in a group that would hold too many, each value has one row: the least by its ids. Only if these
    /// are still too many are they left out.
    #[serde(default)]
    pub merge: Vec<String>,
    /// Symbols of the row that stands for those left out; its other columns are the group's, or 0.
    #[serde(default)]
    pub mark: BTreeMap<String, String>,
}

/// The linear order (C3) of what each group derives from.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Linear {
    /// Output columns that name what derives.
    pub group: Vec<String>,
    /// Output column of what it derives from.
    pub item: String,
    /// Output column that holds the path (as `path_step` makes it), and afterwards the place in the order, from 1.
    pub path: String,
    /// Output column that tells whether there is an order that keeps every list of parents.
    pub consistent: String,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewSpec {
    /// File stem: the name of the relation.
    pub name: String,
    /// Pack folder.
    pub pack: String,
    /// Rule file, for messages.
    #[serde(default)]
    pub file: String,
    /// "Holds if ...".
    pub doc: String,
    /// Kind of view.
    pub kind: ViewKind,
    /// Patterns over relations whose shared variables are the joins: see `Match`.
    #[serde(default, rename = "match")]
    pub clauses: String,
    /// The whole view as SQL, where a match cannot say it.
    #[serde(default)]
    pub sql: String,
    /// Inputs of a union.
    #[serde(default)]
    pub inputs: Vec<String>,
    /// Bound of recursion; 0 where the rule does not read itself.
    #[serde(default)]
    pub rounds: u32,
    /// Contest between candidate rows.
    #[serde(default)]
    pub winner: Option<Winner>,
    /// Bound of a group of a recursive view.
    #[serde(default)]
    pub limit: Option<Limit>,
    /// Rows put in linear order, one for each item.
    #[serde(default)]
    pub linearize: Option<Linear>,
    /// Output columns that name the unit of refresh, where they cannot be inferred.
    #[serde(default)]
    pub grain: Vec<String>,
    /// How it is refreshed.
    #[serde(default)]
    pub refresh: Refresh,
    /// Confidence of each row.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// Rank against other rules of the same union: higher wins.
    #[serde(default)]
    pub score: Option<f64>,
    /// Sentence with `{column}` holes that explains a row.
    #[serde(default)]
    pub why: String,
    /// Diagnostics: error, warning, information or hint.
    #[serde(default)]
    pub severity: String,
    /// Diagnostics: stable code.
    #[serde(default)]
    pub code: String,
    /// Diagnostics: sentence with `{column}` holes.
    #[serde(default)]
    pub message: String,
    /// Roles of output columns where they cannot be inherited.
    #[serde(default)]
    pub roles: BTreeMap<String, String>,
    /// Whether its rows are kept; a view that is not is run when asked.
    #[serde(default = "yes")]
    pub stored: bool,
    /// Example for the reference page.
    #[serde(default)]
    pub example: String,
}

fn yes() -> bool {
    true
}

impl Program {
    /// Decodes the program document (JSON).
    ///
    /// # Errors
    /// `program-decode` if the document does not fit.
    pub fn decode(document: &[u8]) -> Result<Program, ProgramError> {
        let mut program: Program = serde_json::from_slice(document).map_err(|error| ProgramError {
            code: ErrorCode::ProgramDecode,
            stage: Stage::Decode,
            place: "program".to_owned(),
            message: error.to_string(),
            hint: "the pack loader and the engine disagree: install both in the same version".to_owned(),
        })?;
        for view in &mut program.views {
            view.check()?;
            view.state_grain()?;
        }
        Ok(program)
    }
}

impl ViewSpec {
    /// Where a key of this rule stands, for messages.
    #[must_use]
    pub fn place(&self, key: &str) -> String {
        format!("{}: {key}", if self.file.is_empty() { &self.name } else { &self.file })
    }

    /// The key that says where its rows come from.
    #[must_use]
    pub fn source_key(&self) -> &'static str {
        if self.clauses.is_empty() { "sql" } else { "match" }
    }

    /// How many joins say their keys themselves: those of SQL text.
    #[must_use]
    pub fn keys_written(&self) -> usize {
        self.sql.split_whitespace().filter(|word| word.eq_ignore_ascii_case("on")).count()
    }

    /// A rule with a `match` is about what its first variable names, where neither a grain nor a contest says otherwise.
    fn state_grain(&mut self) -> Result<(), ProgramError> {
        if self.clauses.is_empty() {
            return Ok(());
        }
        let read = Match::parse(self)?;
        if self.grain.is_empty() && self.winner.is_none() && self.linearize.is_none() {
            self.grain.extend(read.first().map(str::to_owned));
        }
        Ok(())
    }

    /// How many lines of its file say what holds: documentation, example and sentences not counted, a line too long to be read as many.
    #[must_use]
    pub fn lines(&self) -> u32 {
        let of_text =
            |text: &str| text.lines().map(|line| 1 + line.len().saturating_sub(1) / LINE).sum::<usize>() as u32;
        let written = [
            !self.inputs.is_empty(),
            self.rounds > 0,
            self.winner.is_some(),
            self.limit.is_some(),
            self.linearize.is_some(),
            !self.grain.is_empty() && self.clauses.is_empty(),
            self.refresh == Refresh::Full,
            self.confidence.is_some(),
            self.score.is_some(),
            !self.roles.is_empty(),
            !self.stored,
        ];
        written.into_iter().map(u32::from).sum::<u32>() + of_text(&self.clauses) + of_text(&self.sql)
    }

    fn check(&self) -> Result<(), ProgramError> {
        let sources = [!self.clauses.is_empty(), !self.sql.is_empty(), !self.inputs.is_empty()];
        if sources.iter().filter(|given| **given).count() != 1 {
            return Err(ProgramError::compile(
                ErrorCode::ProgramDecode,
                self.place("match"),
                format!("rule `{}` needs exactly one of `match`, `inputs` and `sql`", self.name),
                "say where its rows come from",
            ));
        }
        if let Some(winner) = &self.winner
            && (winner.group.is_empty() || winner.order.is_empty())
        {
            return Err(ProgramError::compile(
                ErrorCode::RuleWinnerIncomplete,
                self.place("winner"),
                format!(
                    "rule `{}` has a winner without {}",
                    self.name,
                    if winner.group.is_empty() { "group keys" } else { "order keys" }
                ),
                "write winner = { group = [\"expr\"], order = [\"level\", \"rank desc\"] }",
            ));
        }
        if let Some(linear) = &self.linearize
            && (self.winner.is_some() || self.rounds > 0 || linear.group.is_empty())
        {
            return Err(ProgramError::compile(
                ErrorCode::RuleWinnerIncomplete,
                self.place("linearize"),
                format!(
                    "rule `{}` puts rows in linear order beside a winner, beside rounds, or without group keys",
                    self.name
                ),
                "write linearize = { group = [\"class\"], item = \"ancestor\", path = \"path\", consistent = \"consistent\" } in a rule of its own",
            ));
        }
        if let Some(limit) = &self.limit
            && (self.rounds == 0 || limit.rows == 0 || limit.group.is_empty())
        {
            return Err(ProgramError::compile(
                ErrorCode::RuleWinnerIncomplete,
                self.place("limit"),
                format!("rule `{}` limits its groups without rounds, without rows, or without group keys", self.name),
                "write limit = { group = [\"node\"], rows = 32, mark = { kind = \"many\" } } in a rule with rounds",
            ));
        }
        if self.kind == ViewKind::Diagnostic
            && (self.message.is_empty() || self.code.is_empty() || self.severity.is_empty())
        {
            return Err(ProgramError::compile(
                ErrorCode::ProgramDecode,
                self.place("message"),
                format!("diagnostic `{}` needs `code`, `severity` and `message`", self.name),
                "write all three: nobody parses a message, and nobody can filter without a code",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(view: &str) -> Result<Program, ProgramError> {
        Program::decode(format!(r#"{{"views":[{view}]}}"#).as_bytes())
    }

    #[test]
    fn a_limit_without_rounds_is_refused() {
        let refused = decode(
            r#"{"name":"a","pack":"p","doc":"d","kind":"union","inputs":["names"],"limit":{"group":["expr"],"rows":8}}"#,
        )
        .expect_err("a limit counts what levels bring");
        assert_eq!((refused.code, refused.place.as_str()), (ErrorCode::RuleWinnerIncomplete, "a: limit"));
    }

    #[test]
    fn a_winner_without_order_keys_is_refused() {
        let refused = decode(
            r#"{"name":"a","pack":"p","doc":"d","kind":"relate","match":"names(expr)","winner":{"group":["expr"],"order":[]}}"#,
        )
        .unwrap_err();
        assert_eq!(refused.code, ErrorCode::RuleWinnerIncomplete);
        assert!(refused.message.contains("order keys"));
    }

    #[test]
    fn a_rule_without_a_source_is_refused() {
        let refused = decode(r#"{"name":"a","pack":"p","doc":"d","kind":"relate"}"#).unwrap_err();
        assert_eq!(refused.place, "a: match");
    }
}
