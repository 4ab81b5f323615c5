//! What the extraction of one file yields: a batch for each evidence table, the places of its ids, and its errors.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float32Array, RecordBatch, StringBuilder, UInt32Array, UInt64Array};

use crate::{
    codes::{ErrorCode, Severity},
    contract::{ColumnType, Contract},
    id::Id,
    symbol::Symbol,
};

/// What an anchored id is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum AnchorKind {
    /// A binding: the span is its name, the extent the whole definition or statement.
    Binding,
    /// A reference by name, attribute, import segment, keyword or `__all__` item: the span is the word.
    Reference,
    /// Another expression: the span is the whole expression.
    Expression,
    /// A scope: the span is the whole body.
    Scope,
}

/// Where an id stands in the current text of its file. Offsets are bytes, half open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// The anchored id.
    pub id: Id,
    /// Start of the word (or of the whole thing where there is no word).
    pub start: u32,
    /// End of the word.
    pub end: u32,
    /// Start of the whole definition, expression or statement.
    pub extent_start: u32,
    /// End of the whole.
    pub extent_end: u32,
    /// What the id is.
    pub kind: AnchorKind,
}

/// One syntax error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// First byte.
    pub start: u32,
    /// Past the last byte.
    pub end: u32,
    /// Stable code.
    pub code: ErrorCode,
    /// Severity.
    pub severity: Severity,
    /// Kind of the syntax node, for the table `ts_parse_errors`.
    pub node_kind: &'static str,
    /// What a person reads.
    pub message: String,
    /// A second place that explains the first (where an unclosed bracket was opened), with its sentence.
    pub related: Option<(u32, u32, String)>,
}

/// Everything that one file says.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// One batch for each contract of `crate::tables::EVIDENCE`, in that order.
    pub tables: Vec<RecordBatch>,
    /// Places, sorted by (start, end, id).
    pub anchors: Vec<Anchor>,
    /// Syntax errors, sorted by start.
    pub errors: Vec<ParseError>,
}

enum Cells {
    Id(Vec<u64>),
    Int(Vec<u32>),
    Bool(Vec<bool>),
    Text(StringBuilder),
    Float(Vec<f32>),
}

/// A value of one cell.
#[derive(Clone, Copy, Debug)]
pub enum Cell<'a> {
    /// Identity.
    Id(Id),
    /// Interned text.
    Symbol(Symbol),
    /// Number.
    Int(u32),
    /// Truth.
    Bool(bool),
    /// Text.
    Text(&'a str),
    /// Score.
    Float(f32),
}

/// Builds the batch of one contract row by row.
pub struct TableBuilder {
    contract: &'static Contract,
    cells: Vec<Cells>,
    rows: usize,
}

impl TableBuilder {
    /// An empty table of the contract.
    #[must_use]
    pub fn new(contract: &'static Contract) -> Self {
        let cells = contract
            .columns
            .iter()
            .map(|column| match column.kind {
                ColumnType::Id => Cells::Id(Vec::new()),
                ColumnType::Symbol | ColumnType::Int => Cells::Int(Vec::new()),
                ColumnType::Bool => Cells::Bool(Vec::new()),
                ColumnType::Text => Cells::Text(StringBuilder::with_capacity(0, 0)),
                ColumnType::Float => Cells::Float(Vec::new()),
            })
            .collect();
        TableBuilder { contract, cells, rows: 0 }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If the row does not fit the contract: a bug of the caller, caught by every test that extracts anything.
    pub fn push(&mut self, row: &[Cell<'_>]) {
        assert_eq!(row.len(), self.cells.len(), "row of {} has the wrong width", self.contract.name);
        for (cells, cell) in self.cells.iter_mut().zip(row) {
            match (cells, *cell) {
                (Cells::Id(values), Cell::Id(value)) => values.push(value),
                (Cells::Int(values), Cell::Symbol(value)) => values.push(value.0),
                (Cells::Int(values), Cell::Int(value)) => values.push(value),
                (Cells::Bool(values), Cell::Bool(value)) => values.push(value),
                (Cells::Text(builder), Cell::Text(value)) => builder.append_value(value),
                (Cells::Float(values), Cell::Float(value)) => values.push(value),
                (_, cell) => panic!("{cell:?} does not fit a column of {}", self.contract.name),
            }
        }
        self.rows += 1;
    }

    /// The batch. Its buffers hold exactly its rows: a file keeps what it says and no spare room.
    #[must_use]
    pub fn finish(self) -> RecordBatch {
        if self.rows == 0 {
            return self.contract.empty();
        }
        let schema = self.contract.schema();
        let columns: Vec<ArrayRef> = self
            .cells
            .into_iter()
            .map(|cells| match cells {
                Cells::Id(mut values) => {
                    values.shrink_to_fit();
                    Arc::new(UInt64Array::from(values)) as ArrayRef
                }
                Cells::Int(mut values) => {
                    values.shrink_to_fit();
                    Arc::new(UInt32Array::from(values))
                }
                Cells::Bool(values) => Arc::new(BooleanArray::from(values)),
                Cells::Text(mut builder) => {
                    let mut texts = builder.finish();
                    texts.shrink_to_fit();
                    Arc::new(texts)
                }
                Cells::Float(mut values) => {
                    values.shrink_to_fit();
                    Arc::new(Float32Array::from(values))
                }
            })
            .collect();
        RecordBatch::try_new(schema, columns).expect("columns are built from the contract itself")
    }
}
