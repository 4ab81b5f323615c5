//! From ids to places: which file owns an id, and where it stands there.

use std::fmt::Write as _;
use std::sync::Arc;

use anatomy_engine::store::Relation;
use anatomy_facts::{Anchor, Id, Symbol};
use anatomy_syntax::{PositionEncoding, TextIndex};
use arrow::array::{ArrayRef, UInt64Array};

use super::{Answers, uri};
use crate::files::FileView;

/// Tables that own ids, with the column of the id, in the order in which they are asked.
const OWNERS: &[(&str, &str)] = &[
    ("bindings", "binding"),
    ("exprs", "expr"),
    ("names", "expr"),
    ("scopes", "scope"),
    ("imports", "expr"),
    ("imports", "alias_expr"),
    ("module_refs", "expr"),
    ("args", "arg"),
    ("exports", "expr"),
];

/// A target of a reference.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    pub(super) id: Id,
    pub(super) variable: Id,
    pub(super) kind: Symbol,
    pub(super) confidence: f32,
    pub(super) score: f32,
    pub(super) rule: Symbol,
}

impl Answers {
    /// Values of columns of the rows of a relation whose `by` column equals `key`: ids and symbols alike as u64.
    pub(super) fn rows(&self, relation: &str, by: &str, key: u64, columns: &[&str]) -> Vec<Vec<u64>> {
        let Some((relation, by, columns)) = self.table(relation, by, columns) else { return vec![] };
        let found = relation.find(by, key).into_iter();
        found.map(|row| columns.iter().map(|column| relation.number(*column, row)).collect()).collect()
    }

    /// A relation with the numbers of columns, if it has them.
    fn table(&self, relation: &str, by: &str, columns: &[&str]) -> Option<(&Arc<Relation>, usize, Vec<usize>)> {
        let relation = self.snapshot.relation(self.engine.relation_number(relation)?);
        let schema = relation.schema();
        let columns = columns.iter().map(|name| schema.index_of(name).ok()).collect::<Option<Vec<usize>>>()?;
        Some((relation, schema.index_of(by).ok()?, columns))
    }

    /// The same for many keys in one look-up: (number of the key, values), in the order of the keys.
    pub(super) fn rows_of(&self, relation: &str, by: &str, keys: &[u64], columns: &[&str]) -> Vec<(usize, Vec<u64>)> {
        let (of, found) = self.columns_of(relation, by, keys, columns);
        let values = |row: usize| found.iter().map(|column| column[row]).collect();
        of.iter().enumerate().map(|(row, key)| (*key as usize, values(row))).collect()
    }

    /// The same for many keys in one look-up: for each row the number of its key, and the columns, each over all rows.
    pub(super) fn columns_of(
        &self,
        relation: &str,
        by: &str,
        keys: &[u64],
        columns: &[&str],
    ) -> (Vec<u32>, Vec<Vec<u64>>) {
        let Some((relation, column, chosen)) = self.table(relation, by, columns) else {
            return (Vec::new(), vec![Vec::new(); columns.len()]);
        };
        let keys: ArrayRef = match relation.schema().field(column).data_type() {
            arrow::datatypes::DataType::UInt32 => {
                Arc::new(arrow::array::UInt32Array::from_iter_values(keys.iter().map(|key| *key as u32)))
            }
            _ => Arc::new(UInt64Array::from_iter_values(keys.iter().copied())),
        };
        let (of, found) = relation.look_up(&[column], &[keys]);
        let numbers = |column: usize| found.iter().map(|row| relation.number(column, *row)).collect();
        (of, chosen.into_iter().map(numbers).collect())
    }

    /// The file that owns an id, and its place there.
    pub(super) fn place(&self, id: Id) -> Option<(Symbol, &Arc<FileView>, Anchor)> {
        for (table, column) in OWNERS {
            for row in self.rows(table, column, id, &["file"]) {
                let file = Symbol(row[0] as u32);
                if let Some(view) = self.files.get(&file)
                    && let Some(anchor) = view.anchor(id)
                {
                    return Some((file, view, *anchor));
                }
                if *table == "scopes"
                    && let Some(view) = self.files.get(&file)
                {
                    return Some((file, view, whole_file(id, view)));
                }
            }
        }
        None
    }

    /// Targets of a reference, best first.
    pub(super) fn targets(&self, reference: Id) -> Vec<Target> {
        let columns = ["target", "variable", "kind", "confidence", "score", "rule_name"];
        let mut found: Vec<Target> = self
            .rows("refers_to", "expr", reference, &columns)
            .into_iter()
            .map(|row| Target {
                id: row[0],
                variable: row[1],
                kind: Symbol(row[2] as u32),
                confidence: f32::from_bits(row[3] as u32),
                score: f32::from_bits(row[4] as u32),
                rule: Symbol(row[5] as u32),
            })
            .collect();
        found.sort_by(|left, right| {
            right
                .score
                .total_cmp(&left.score)
                .then(right.confidence.total_cmp(&left.confidence))
                .then_with(|| self.order_of(left.id).cmp(&self.order_of(right.id)))
        });
        found.dedup_by_key(|target| target.id);
        found
    }

    fn order_of(&self, id: Id) -> (String, u32) {
        match self.place(id) {
            Some((file, _, anchor)) => (file.text().to_owned(), anchor.start),
            None => (String::new(), 0),
        }
    }

    /// The variable that a binding is of.
    pub(super) fn variable_of(&self, binding: Id) -> Option<Id> {
        self.rows("bindings", "binding", binding, &["variable"]).first().map(|row| row[0])
    }

    pub(super) fn uri_of(&self, file: Symbol) -> String {
        uri(&self.root_uri, file.text())
    }
}

/// The start of a file, for modules.
pub(super) fn whole_file(id: Id, view: &FileView) -> Anchor {
    Anchor {
        id,
        start: 0,
        end: 0,
        extent_start: 0,
        extent_end: view.index().len(),
        kind: anatomy_facts::AnchorKind::Scope,
    }
}

/// Writes an LSP range.
pub(super) fn write_range(out: &mut String, view: &FileView, start: u32, end: u32, encoding: PositionEncoding) {
    write_range_of(out, view.index(), start, end, encoding);
}

/// Writes an LSP range of a text of which only the lines are known.
pub(super) fn write_range_of(out: &mut String, index: &TextIndex, start: u32, end: u32, encoding: PositionEncoding) {
    let ((line, character), (end_line, end_character)) =
        (index.position(start, encoding), index.position(end, encoding));
    write!(
        out,
        r#"{{"start":{{"line":{line},"character":{character}}},"end":{{"line":{end_line},"character":{end_character}}}}}"#
    )
    .expect("writing to a string cannot fail");
}

/// An LSP range as a value.
pub(super) fn range(view: &FileView, start: u32, end: u32, encoding: PositionEncoding) -> serde_json::Value {
    let ((line, character), (end_line, end_character)) =
        (view.index().position(start, encoding), view.index().position(end, encoding));
    serde_json::json!({
        "start": {"line": line, "character": character},
        "end": {"line": end_line, "character": end_character},
    })
}
