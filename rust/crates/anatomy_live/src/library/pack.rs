//! The facts of one file as bytes that mean the same in every process.
//!
//! Symbols are numbers of one process only, so the bytes carry their texts, each once; number 1 stands for the file
//! itself, wherever it is installed. Nothing read back is trusted: what does not fit is no facts.

use std::collections::HashMap;

use anatomy_facts::facts::ParseError;
use anatomy_facts::tables::EVIDENCE;
use anatomy_facts::{Anchor, AnchorKind, ColumnType, ErrorCode, FileFacts, Id, Severity, Symbol};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Float32Type, UInt32Type, UInt64Type};
use std::sync::Arc;

use crate::wants::Want;

/// What is kept of a library file.
pub(crate) struct Kept {
    pub(crate) facts: FileFacts,
    pub(crate) heads: HashMap<Id, Box<str>>,
    pub(crate) wants: Box<[Want]>,
}

/// The bytes of what is kept of a file.
pub(crate) fn encode(kept: &Kept, file: Symbol) -> Vec<u8> {
    let mut out = Writer { symbols: Symbols::new(file), body: Vec::with_capacity(1 << 16) };
    for (contract, table) in EVIDENCE.iter().zip(&kept.facts.tables) {
        out.int(table.num_rows() as u32);
        for (column, array) in contract.columns.iter().zip(table.columns()) {
            out.column(column.kind, array);
        }
    }
    out.int(kept.facts.anchors.len() as u32);
    for anchor in &kept.facts.anchors {
        out.body.extend_from_slice(&anchor.id.to_le_bytes());
        for number in [anchor.start, anchor.end, anchor.extent_start, anchor.extent_end] {
            out.int(number);
        }
        out.body.push(anchor_number(anchor.kind));
    }
    out.int(kept.facts.errors.len() as u32);
    for error in &kept.facts.errors {
        out.int(error.start);
        out.int(error.end);
        out.text(error.code.as_str());
        out.body.push(u8::from(error.severity == Severity::Error));
        out.text(error.node_kind);
        out.text(&error.message);
        out.body.push(u8::from(error.related.is_some()));
        if let Some((start, end, said)) = &error.related {
            out.int(*start);
            out.int(*end);
            out.text(said);
        }
    }
    let mut heads: Vec<(&Id, &Box<str>)> = kept.heads.iter().collect();
    heads.sort();
    out.int(heads.len() as u32);
    for (id, head) in heads {
        out.body.extend_from_slice(&id.to_le_bytes());
        out.text(head);
    }
    out.int(kept.wants.len() as u32);
    for want in &kept.wants {
        out.symbol(want.module.0);
        out.body.push(u8::from(want.certain));
    }
    out.finish()
}

/// What the bytes keep, for the file as it is called here; `None` if they are not such bytes.
pub(crate) fn decode(bytes: &[u8], file: Symbol) -> Option<Kept> {
    let mut input = Reader { bytes };
    let count = input.int()? as usize;
    let mut texts = Vec::with_capacity(count.min(bytes.len()));
    for _ in 0..count {
        texts.push(input.text()?);
    }
    let mut symbols = vec![Symbol::NONE, file];
    symbols.extend(Symbol::all_of(&texts));
    let mut tables = Vec::with_capacity(EVIDENCE.len());
    for contract in EVIDENCE {
        let rows = input.int()? as usize;
        if rows == 0 {
            tables.push(contract.empty());
            continue;
        }
        let schema = contract.schema();
        let columns: Option<Vec<ArrayRef>> =
            contract.columns.iter().map(|column| input.column(column.kind, rows, &symbols)).collect();
        tables.push(RecordBatch::try_new(schema, columns?).ok()?);
    }
    let mut anchors = Vec::new();
    for _ in 0..input.int()? {
        anchors.push(Anchor {
            id: input.id()?,
            start: input.int()?,
            end: input.int()?,
            extent_start: input.int()?,
            extent_end: input.int()?,
            kind: ANCHOR_KINDS.get(usize::from(input.byte()?)).copied()?,
        });
    }
    let mut errors = Vec::new();
    for _ in 0..input.int()? {
        errors.push(ParseError {
            start: input.int()?,
            end: input.int()?,
            code: {
                let code = input.text()?;
                ErrorCode::ALL.iter().find(|each| each.as_str() == code).copied()?
            },
            severity: if input.byte()? == 1 { Severity::Error } else { Severity::Warning },
            node_kind: Symbol::of(input.text()?).text(),
            message: input.text()?.to_owned(),
            related: match input.byte()? {
                0 => None,
                _ => Some((input.int()?, input.int()?, input.text()?.to_owned())),
            },
        });
    }
    let mut heads = HashMap::new();
    for _ in 0..input.int()? {
        heads.insert(input.id()?, input.text()?.into());
    }
    let mut wants = Vec::new();
    for _ in 0..input.int()? {
        wants.push(Want { module: input.symbol(&symbols)?, certain: input.byte()? == 1 });
    }
    let facts = FileFacts { tables, anchors, errors };
    input.bytes.is_empty().then_some(Kept { facts, heads, wants: wants.into_boxed_slice() })
}

const ANCHOR_KINDS: [AnchorKind; 4] =
    [AnchorKind::Binding, AnchorKind::Reference, AnchorKind::Expression, AnchorKind::Scope];

fn anchor_number(kind: AnchorKind) -> u8 {
    match kind {
        AnchorKind::Binding => 0,
        AnchorKind::Reference => 1,
        AnchorKind::Expression => 2,
        AnchorKind::Scope => 3,
    }
}

/// The texts of a file, numbered as they are met; 0 is none and 1 the file.
struct Symbols {
    numbers: HashMap<u32, u32>,
    met: Vec<u32>,
}

impl Symbols {
    fn new(file: Symbol) -> Self {
        Symbols { numbers: HashMap::from([(0, 0), (file.0, 1)]), met: Vec::new() }
    }

    fn number(&mut self, symbol: u32) -> u32 {
        *self.numbers.entry(symbol).or_insert_with(|| {
            self.met.push(symbol);
            self.met.len() as u32 + 1
        })
    }
}

struct Writer {
    symbols: Symbols,
    body: Vec<u8>,
}

impl Writer {
    fn int(&mut self, number: u32) {
        self.body.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.int(text.len() as u32);
        self.body.extend_from_slice(text.as_bytes());
    }

    fn symbol(&mut self, symbol: u32) {
        let number = self.symbols.number(symbol);
        self.int(number);
    }

    fn column(&mut self, kind: ColumnType, array: &ArrayRef) {
        match kind {
            ColumnType::Id => {
                for id in array.as_primitive::<UInt64Type>().values() {
                    self.body.extend_from_slice(&id.to_le_bytes());
                }
            }
            ColumnType::Symbol => {
                for symbol in array.as_primitive::<UInt32Type>().values() {
                    self.symbol(*symbol);
                }
            }
            ColumnType::Int => {
                for number in array.as_primitive::<UInt32Type>().values() {
                    self.int(*number);
                }
            }
            ColumnType::Bool => self.body.extend(array.as_boolean().iter().map(|truth| u8::from(truth == Some(true)))),
            ColumnType::Float => {
                for number in array.as_primitive::<Float32Type>().values() {
                    self.body.extend_from_slice(&number.to_le_bytes());
                }
            }
            ColumnType::Text => {
                let texts = array.as_string::<i32>();
                for row in 0..texts.len() {
                    self.text(texts.value(row));
                }
            }
        }
    }

    /// The texts of all symbols, then everything else.
    fn finish(self) -> Vec<u8> {
        let texts = Symbol::texts(self.symbols.met.iter().copied());
        let mut head = Writer { symbols: Symbols::new(Symbol::NONE), body: Vec::with_capacity(self.body.len() + 4096) };
        head.int(texts.len() as u32);
        for text in texts {
            head.text(text);
        }
        head.body.extend_from_slice(&self.body);
        head.body
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn int(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes)
    }

    fn id(&mut self) -> Option<Id> {
        self.take(8).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.int()? as usize;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn symbol(&mut self, symbols: &[Symbol]) -> Option<Symbol> {
        symbols.get(self.int()? as usize).copied()
    }

    fn column(&mut self, kind: ColumnType, rows: usize, symbols: &[Symbol]) -> Option<ArrayRef> {
        let words = |bytes: &[u8]| -> Vec<u32> {
            bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect()
        };
        Some(match kind {
            ColumnType::Id => {
                let bytes = self.take(rows.checked_mul(8)?)?;
                let ids = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default()));
                Arc::new(UInt64Array::from(ids.collect::<Vec<u64>>()))
            }
            ColumnType::Int => Arc::new(UInt32Array::from(words(self.take(rows.checked_mul(4)?)?))),
            ColumnType::Symbol => {
                let mut numbers = words(self.take(rows.checked_mul(4)?)?);
                for number in &mut numbers {
                    *number = symbols.get(*number as usize)?.0;
                }
                Arc::new(UInt32Array::from(numbers))
            }
            ColumnType::Bool => Arc::new(BooleanArray::from_iter(self.take(rows)?.iter().map(|byte| Some(*byte == 1)))),
            ColumnType::Float => {
                let numbers = words(self.take(rows.checked_mul(4)?)?);
                Arc::new(Float32Array::from(numbers.into_iter().map(f32::from_bits).collect::<Vec<f32>>()))
            }
            ColumnType::Text => {
                let mut texts = Vec::with_capacity(rows.min(self.bytes.len()));
                for _ in 0..rows {
                    texts.push(self.text()?);
                }
                Arc::new(StringArray::from(texts))
            }
        })
    }
}
