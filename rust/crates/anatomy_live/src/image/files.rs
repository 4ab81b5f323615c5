//! The places of files in an image, read one file at a time when somebody asks for one.
//!
//! Section `files`, Arrow IPC, a row for each file: `path`, `module` (UInt32, symbols), `wants` (List<UInt32>, symbols), `certain`
//! (List<UInt8>), `origin` (List<Utf8>: distribution, version, source; empty for a file of the workspace), `errors` (Utf8, JSON), and the
//! places: `id` (List<UInt64>), `start`, `end`, `extent_start`, `extent_end` (List<UInt32>), `kind` (List<UInt8>), `head_of` (List<UInt64>),
//! `head` (List<Utf8>), `lines`, `wide` (List<UInt32>), `widths` (List<UInt8>), `length` (UInt32).

use std::collections::HashMap;
use std::io::Result;
use std::sync::Arc;

use anatomy_engine::store::image::{Image, ImageWriter, damaged, list};
use anatomy_facts::facts::ParseError;
use anatomy_facts::{Anchor, AnchorKind, ErrorCode, Severity, Symbol};
use anatomy_syntax::TextIndex;
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, ListArray, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt8Type, UInt32Type, UInt64Type};

use crate::files::{FileView, Files, Origin, Places};
use crate::wants::Want;

/// Files that are written at once.
const STEP: usize = 256;
/// Columns by position; those of numbers in lists, with their types.
const NAMES: [&str; 19] = [
    "path",
    "module",
    "wants",
    "certain",
    "origin",
    "errors",
    "id",
    "start",
    "end",
    "extent_start",
    "extent_end",
    "kind",
    "head_of",
    "head",
    "lines",
    "wide",
    "widths",
    "length",
    "stamp",
];

fn types() -> [DataType; 19] {
    let list = |of: DataType| DataType::List(Arc::new(Field::new_list_field(of, false)));
    let (int, ints, bytes, ids) =
        (DataType::UInt32, list(DataType::UInt32), list(DataType::UInt8), list(DataType::UInt64));
    let texts = list(DataType::Utf8);
    [
        int.clone(),
        int.clone(),
        ints.clone(),
        bytes.clone(),
        texts.clone(),
        DataType::Utf8,
        ids.clone(),
        ints.clone(),
        ints.clone(),
        ints.clone(),
        ints.clone(),
        bytes.clone(),
        ids,
        texts,
        ints.clone(),
        ints,
        bytes,
        int,
        DataType::UInt64,
    ]
}

fn schema() -> SchemaRef {
    let fields: Vec<Field> = NAMES.iter().zip(types()).map(|(name, of)| Field::new(*name, of, false)).collect();
    Arc::new(Schema::new(fields))
}

/// A syntax error as it is written: start, end, code, whether it is an error, kind of node, message, a second place.
type Said = (u32, u32, String, bool, String, String, Option<(u32, u32, String)>);

/// Adds the files of a snapshot to an image.
pub(super) fn write(writer: &mut ImageWriter, files: &Files) -> Result<()> {
    let mut sorted: Vec<(&Symbol, &Arc<FileView>)> = files.iter().collect();
    sorted.sort_by_key(|(path, _)| path.text());
    let schema = schema();
    writer.batches("files", &schema, sorted.chunks(STEP).map(|files| batch(&schema, files)))
}

fn batch(schema: &SchemaRef, files: &[(&Symbol, &Arc<FileView>)]) -> RecordBatch {
    let views: Vec<&FileView> = files.iter().map(|(_, view)| view.as_ref()).collect();
    let ints = |of: fn(&Anchor) -> u32| -> ArrayRef {
        let rows: Vec<Vec<u32>> = views.iter().map(|view| view.anchors().iter().map(of).collect()).collect();
        list::<UInt32Type>(rows.iter().map(Vec::as_slice))
    };
    let ids: Vec<Vec<u64>> = views.iter().map(|view| view.anchors().iter().map(|anchor| anchor.id).collect()).collect();
    let kinds: Vec<Vec<u8>> =
        views.iter().map(|view| view.anchors().iter().map(|anchor| anchor.kind as u8).collect()).collect();
    let wants: Vec<Vec<u32>> = views.iter().map(|view| view.wants.iter().map(|want| want.module.0).collect()).collect();
    let certain: Vec<Vec<u8>> =
        views.iter().map(|view| view.wants.iter().map(|want| u8::from(want.certain)).collect()).collect();
    let origins: Vec<Vec<&str>> = views
        .iter()
        .map(|view| {
            view.origin.as_deref().map_or(Vec::new(), |origin| {
                vec![origin.distribution.as_str(), origin.version.as_str(), origin.source.as_str()]
            })
        })
        .collect();
    let heads: Vec<Vec<(u64, &str)>> = views.iter().map(|view| view.heads()).collect();
    let head_of: Vec<Vec<u64>> = heads.iter().map(|heads| heads.iter().map(|(id, _)| *id).collect()).collect();
    let head: Vec<Vec<&str>> = heads.iter().map(|heads| heads.iter().map(|(_, head)| *head).collect()).collect();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(files.iter().map(|(path, _)| path.0).collect::<UInt32Array>()),
        Arc::new(views.iter().map(|view| view.module.0).collect::<UInt32Array>()),
        list::<UInt32Type>(wants.iter().map(Vec::as_slice)),
        list::<UInt8Type>(certain.iter().map(Vec::as_slice)),
        texts(&origins),
        Arc::new(views.iter().map(|view| Some(said(&view.errors))).collect::<StringArray>()),
        list::<UInt64Type>(ids.iter().map(Vec::as_slice)),
        ints(|anchor| anchor.start),
        ints(|anchor| anchor.end),
        ints(|anchor| anchor.extent_start),
        ints(|anchor| anchor.extent_end),
        list::<UInt8Type>(kinds.iter().map(Vec::as_slice)),
        list::<UInt64Type>(head_of.iter().map(Vec::as_slice)),
        texts(&head),
        list::<UInt32Type>(views.iter().map(|view| view.index().parts().0)),
        list::<UInt32Type>(views.iter().map(|view| view.index().parts().1)),
        list::<UInt8Type>(views.iter().map(|view| view.index().parts().2)),
        Arc::new(views.iter().map(|view| view.index().len()).collect::<UInt32Array>()),
        Arc::new(views.iter().map(|view| view.stamp).collect::<UInt64Array>()),
    ];
    RecordBatch::try_new(schema.clone(), columns).expect("columns have the types of the schema")
}

fn texts(rows: &[Vec<&str>]) -> ArrayRef {
    let values: StringArray = rows.iter().flatten().map(Some).collect();
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    Arc::new(ListArray::new(Arc::new(Field::new_list_field(DataType::Utf8, false)), offsets, Arc::new(values), None))
}

/// The errors of a file as text; empty without any.
fn said(errors: &[ParseError]) -> String {
    if errors.is_empty() {
        return String::new();
    }
    let said: Vec<Said> = errors
        .iter()
        .map(|error| {
            let (code, is_error) = (error.code.as_str().to_owned(), error.severity == Severity::Error);
            let kind = error.node_kind.to_owned();
            (error.start, error.end, code, is_error, kind, error.message.clone(), error.related.clone())
        })
        .collect();
    serde_json::to_string(&said).expect("texts and numbers are always valid JSON")
}

fn errors(said: &str) -> Result<Vec<ParseError>> {
    if said.is_empty() {
        return Ok(Vec::new());
    }
    let said: Vec<Said> = serde_json::from_str(said)?;
    let of = |(start, end, code, is_error, kind, message, related): Said| {
        let code = ErrorCode::ALL.iter().find(|each| each.as_str() == code).copied();
        Ok(ParseError {
            start,
            end,
            code: code.ok_or_else(|| damaged("an error has an unknown code"))?,
            severity: if is_error { Severity::Error } else { Severity::Warning },
            node_kind: Symbol::of(&kind).text(),
            message,
            related,
        })
    };
    said.into_iter().map(of).collect()
}

/// The files of an image; `moved` as `Image::relation` takes it.
pub(super) fn read(image: &Image, moved: Option<&[u32]>) -> Result<Files> {
    let here = |symbol: u32| match moved {
        None => Ok(Symbol(symbol)),
        Some(moved) => moved.get(symbol as usize).copied().map(Symbol).ok_or_else(|| damaged("a symbol has no text")),
    };
    let mut files = Files::new();
    for batch in image.batches("files")? {
        if !batch.columns().iter().map(|column| column.data_type()).eq(types().iter()) {
            return Err(damaged("its files have other columns"));
        }
        let rows = Arc::new(Rows { batch });
        for row in 0..rows.batch.num_rows() {
            let places = PlacesInImage { rows: rows.clone(), row };
            let mut view = FileView::in_image(places, errors(rows.batch.column(5).as_string::<i32>().value(row))?);
            view.module = here(rows.number(1, row))?;
            view.stamp = rows.batch.column(18).as_primitive::<UInt64Type>().value(row);
            let (wants, certain) = (rows.list::<UInt32Type>(2, row), rows.list::<UInt8Type>(3, row));
            let wants: Result<Vec<Want>> = wants
                .iter()
                .zip(certain)
                .map(|(module, certain)| Ok(Want { module: here(*module)?, certain: *certain == 1 }))
                .collect();
            view.wants = wants?.into_boxed_slice();
            if let [distribution, version, source] = rows.texts(4, row).as_slice() {
                let [distribution, version, source] = [distribution, version, source].map(|text| (*text).to_owned());
                view.origin = Some(Box::new(Origin { distribution, version, source }));
            }
            files.insert(here(rows.number(0, row))?, Arc::new(view));
        }
    }
    Ok(files)
}

/// Files of an image, a row for each. The columns have the types of `schema`.
#[derive(Debug)]
struct Rows {
    batch: RecordBatch,
}

impl Rows {
    fn number(&self, column: usize, row: usize) -> u32 {
        self.batch.column(column).as_primitive::<UInt32Type>().value(row)
    }

    fn list<T: ArrowPrimitiveType>(&self, column: usize, row: usize) -> &[T::Native] {
        let lists = self.batch.column(column).as_list::<i32>();
        let (start, end) = (lists.value_offsets()[row] as usize, lists.value_offsets()[row + 1] as usize);
        &lists.values().as_primitive::<T>().values()[start..end]
    }

    fn texts(&self, column: usize, row: usize) -> Vec<&str> {
        let lists = self.batch.column(column).as_list::<i32>();
        let texts = lists.values().as_string::<i32>();
        (lists.value_offsets()[row]..lists.value_offsets()[row + 1]).map(|at| texts.value(at as usize)).collect()
    }
}

/// Where the places of a file lie in an image.
#[derive(Clone, Debug)]
pub(crate) struct PlacesInImage {
    rows: Arc<Rows>,
    row: usize,
}

impl PlacesInImage {
    /// The places.
    pub(crate) fn read(&self) -> Places {
        let (rows, row) = (&self.rows, self.row);
        let [start, end, extent_start, extent_end] = [7, 8, 9, 10].map(|column| rows.list::<UInt32Type>(column, row));
        let kinds = rows.list::<UInt8Type>(11, row);
        let anchors = rows.list::<UInt64Type>(6, row).iter().enumerate().map(|(at, id)| Anchor {
            id: *id,
            start: start[at],
            end: end[at],
            extent_start: extent_start[at],
            extent_end: extent_end[at],
            kind: kind_of(kinds[at]),
        });
        let ids = rows.list::<UInt64Type>(12, row).iter().copied();
        let heads: HashMap<u64, Box<str>> = ids.zip(rows.texts(13, row).into_iter().map(Box::from)).collect();
        let lines = rows.list::<UInt32Type>(14, row);
        let (wide, widths) = (rows.list::<UInt32Type>(15, row), rows.list::<UInt8Type>(16, row));
        Places::new(anchors.collect(), heads, TextIndex::from_parts(lines, wide, widths, rows.number(17, row)))
    }
}

fn kind_of(number: u8) -> AnchorKind {
    const KINDS: [AnchorKind; 4] =
        [AnchorKind::Binding, AnchorKind::Reference, AnchorKind::Expression, AnchorKind::Scope];
    let kind = KINDS.iter().find(|kind| **kind as u8 == number);
    kind.copied().expect("a section whose checksum is right has no other kinds")
}
