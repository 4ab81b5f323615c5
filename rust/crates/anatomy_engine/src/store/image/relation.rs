//! A relation in an image: its segments as an Arrow IPC stream, its indexes as another, and which rows are dead.
//!
//! Sections of relation `r`: `r/rows` has one record batch for each segment, in order. `r/dead` has one row for each segment that has
//! dead rows: `segment` (UInt32), `words` (List<UInt64>, one bit for each row). `r/indexes` has one row for each index: `segment`
//! (UInt32), `columns` (List<UInt32>), `starts`, `lengths`, `directory` (List<UInt32>), `tags` (List<UInt16>), `shift` (UInt32), `spread`
//! (Float64). What is read back lies in the map, not in memory of our own.

use std::io::Result;
use std::sync::Arc;

use anatomy_facts::contract::is_symbol;
use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, Float64Array, ListArray, PrimitiveArray, RecordBatch, UInt32Array,
};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{Field, Float64Type, Schema, SchemaRef, UInt16Type, UInt32Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::ipc::MetadataVersion;
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use bytes::Bytes;

use super::{Image, ImageWriter, damaged};
use crate::store::index::Index;
use crate::store::relation::{Held, Relation, Segment, SegmentData};

impl ImageWriter {
    /// Adds a relation under a name.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn relation(&mut self, name: &str, relation: &Relation) -> Result<()> {
        if relation.segments.is_empty() {
            return Ok(());
        }
        let rows: Vec<RecordBatch> = relation.segments.iter().map(|segment| segment.data.batch.clone()).collect();
        self.batches(&format!("{name}/rows"), &relation.schema, rows.into_iter())?;
        let dead: Vec<(u32, &Arc<Vec<u64>>)> =
            (0..).zip(&relation.segments).filter_map(|(at, segment)| Some((at, segment.dead.as_ref()?))).collect();
        if !dead.is_empty() {
            let words = list::<UInt64Type>(dead.iter().map(|(_, words)| words.as_slice()));
            let segments: UInt32Array = dead.iter().map(|(at, _)| *at).collect();
            let batch = batch(vec![("segment", Arc::new(segments)), ("words", words)])?;
            self.batches(&format!("{name}/dead"), &batch.schema(), std::iter::once(batch))?;
        }
        let held: Vec<(u32, Vec<Held>)> = (0..)
            .zip(&relation.segments)
            .map(|(at, segment)| (at, segment.data.indexes.read().unwrap_or_else(|poison| poison.into_inner()).clone()))
            .collect();
        let indexes: Vec<(u32, &Held)> =
            held.iter().flat_map(|(at, indexes)| indexes.iter().map(|index| (*at, index))).collect();
        if indexes.is_empty() {
            return Ok(());
        }
        let columns: Vec<Vec<u32>> =
            indexes.iter().map(|(_, (columns, _))| columns.iter().map(|at| *at as u32).collect()).collect();
        let of = |part: fn(&Index) -> &ScalarBuffer<u32>| {
            list::<UInt32Type>(indexes.iter().map(|(_, (_, index))| part(index).as_ref()))
        };
        let batch = batch(vec![
            ("segment", Arc::new(indexes.iter().map(|(at, _)| *at).collect::<UInt32Array>())),
            ("columns", list::<UInt32Type>(columns.iter().map(Vec::as_slice))),
            ("starts", of(|index| &index.starts)),
            ("lengths", of(|index| &index.lengths)),
            ("directory", of(|index| &index.directory)),
            ("tags", list::<UInt16Type>(indexes.iter().map(|(_, (_, index))| index.tags.as_ref()))),
            ("shift", Arc::new(indexes.iter().map(|(_, (_, index))| index.shift).collect::<UInt32Array>())),
            ("spread", Arc::new(Float64Array::from_iter_values(indexes.iter().map(|(_, (_, index))| index.spread)))),
        ])?;
        self.batches(&format!("{name}/indexes"), &batch.schema(), std::iter::once(batch))
    }

    /// Adds record batches as a section.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn batches(&mut self, name: &str, schema: &Schema, batches: impl Iterator<Item = RecordBatch>) -> Result<()> {
        self.section(name, |out| {
            let options = IpcWriteOptions::try_new(64, false, MetadataVersion::V5).map_err(io)?;
            let mut writer = StreamWriter::try_new_with_options(out, schema, options).map_err(io)?;
            for batch in batches {
                writer.write(&batch).map_err(io)?;
            }
            writer.finish().map_err(io)
        })
    }
}

impl Image {
    /// The relation under a name, with this schema. `moved` says for each symbol of the image which one it is here; with it the
    /// columns of symbols are copied, without it nothing is.
    ///
    /// # Errors
    /// If what is there is no such relation.
    pub fn relation(&self, name: &str, schema: &SchemaRef, moved: Option<&[u32]>) -> Result<Relation> {
        let mut relation = Relation::empty(schema.clone());
        let symbols: Vec<bool> = schema.fields().iter().map(|field| is_symbol(field)).collect();
        for batch in self.batches(&format!("{name}/rows"))? {
            let columns: Result<Vec<ArrayRef>> = batch
                .columns()
                .iter()
                .zip(&symbols)
                .map(|(column, is_symbol)| match moved {
                    Some(moved) if *is_symbol => move_symbols(column, moved),
                    _ => Ok(column.clone()),
                })
                .collect();
            let batch = RecordBatch::try_new(schema.clone(), columns?).map_err(io)?;
            let live = batch.num_rows();
            relation.segments.push(Segment { data: Arc::new(SegmentData::new(batch, true)), dead: None, live });
        }
        for batch in self.batches(&format!("{name}/dead"))? {
            let (segments, words) = (numbers(&batch, 0)?, lists(&batch, 1)?);
            for (row, at) in segments.values().iter().enumerate() {
                let words = values::<UInt64Type>(words, row)?.to_vec();
                let segment = relation.segments.get_mut(*at as usize).ok_or_else(|| damaged("a segment is missing"))?;
                if words.len() != segment.data.batch.num_rows().div_ceil(64) {
                    return Err(damaged("a segment has other rows"));
                }
                segment.live -= words.iter().map(|word| word.count_ones() as usize).sum::<usize>();
                segment.dead = Some(Arc::new(words));
            }
        }
        for batch in self.batches(&format!("{name}/indexes"))? {
            let (segments, columns) = (numbers(&batch, 0)?, lists(&batch, 1)?);
            let shifts = numbers(&batch, 6)?;
            let spreads = batch.column(7).as_primitive_opt::<Float64Type>().ok_or_else(unexpected)?;
            for row in 0..batch.num_rows() {
                let columns: Vec<usize> = values::<UInt32Type>(columns, row)?.iter().map(|at| *at as usize).collect();
                // Their hashes are those of other numbers.
                if moved.is_some() && columns.iter().any(|at| symbols.get(*at).copied().unwrap_or(true)) {
                    continue;
                }
                let index = Index {
                    starts: values::<UInt32Type>(lists(&batch, 2)?, row)?,
                    lengths: values::<UInt32Type>(lists(&batch, 3)?, row)?,
                    directory: values::<UInt32Type>(lists(&batch, 4)?, row)?,
                    tags: values::<UInt16Type>(lists(&batch, 5)?, row)?,
                    shift: shifts.value(row),
                    spread: spreads.value(row),
                    mapped: true,
                };
                let segment = relation.segments.get(segments.value(row) as usize);
                let data = &segment.ok_or_else(|| damaged("a segment is missing"))?.data;
                let mut held = data.indexes.write().unwrap_or_else(|poison| poison.into_inner());
                held.push((columns.into(), Arc::new(index)));
            }
        }
        Ok(relation)
    }

    /// The record batches of a section; none if there is no such section.
    ///
    /// # Errors
    /// If it holds something else.
    pub fn batches(&self, name: &str) -> Result<Vec<RecordBatch>> {
        self.section(name).map_or(Ok(Vec::new()), decoded)
    }
}

/// The record batches of a section, which lie where the section does.
///
/// # Errors
/// If it holds something else.
pub fn decoded(section: Bytes) -> Result<Vec<RecordBatch>> {
    let mut buffer = Buffer::from(section);
    let mut decoder = StreamDecoder::new();
    let mut batches = Vec::new();
    while !buffer.is_empty() {
        batches.extend(decoder.decode(&mut buffer).map_err(io)?);
    }
    Ok(batches)
}

fn move_symbols(column: &ArrayRef, moved: &[u32]) -> Result<ArrayRef> {
    let numbers = column.as_primitive_opt::<UInt32Type>().ok_or_else(unexpected)?;
    let of = |number: &u32| moved.get(*number as usize).copied().ok_or_else(|| damaged("a symbol has no text"));
    Ok(Arc::new(UInt32Array::from(numbers.values().iter().map(of).collect::<Result<Vec<u32>>>()?)))
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), false)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect())
        .map_err(io)
}

/// A column of lists of numbers.
#[must_use]
pub fn list<'a, T: ArrowPrimitiveType>(rows: impl Iterator<Item = &'a [T::Native]> + Clone) -> ArrayRef {
    let offsets = OffsetBuffer::from_lengths(rows.clone().map(<[T::Native]>::len));
    let mut values: Vec<T::Native> = Vec::with_capacity(offsets.last().map_or(0, |last| *last as usize));
    for row in rows {
        values.extend_from_slice(row);
    }
    let field = Arc::new(Field::new_list_field(T::DATA_TYPE, false));
    Arc::new(ListArray::new(field, offsets, Arc::new(PrimitiveArray::<T>::new(values.into(), None)), None))
}

fn numbers(batch: &RecordBatch, column: usize) -> Result<&UInt32Array> {
    batch.columns().get(column).and_then(|array| array.as_primitive_opt::<UInt32Type>()).ok_or_else(unexpected)
}

fn lists(batch: &RecordBatch, column: usize) -> Result<&ListArray> {
    batch.columns().get(column).and_then(|array| array.as_list_opt::<i32>()).ok_or_else(unexpected)
}

fn values<T: ArrowPrimitiveType>(lists: &ListArray, row: usize) -> Result<ScalarBuffer<T::Native>> {
    let (start, length) = (lists.value_offsets()[row] as usize, lists.value_length(row) as usize);
    let all = lists.values().as_primitive_opt::<T>().ok_or_else(unexpected)?;
    Ok(all.values().slice(start, length))
}

fn unexpected() -> std::io::Error {
    damaged("a column has another type")
}

fn io(error: ArrowError) -> std::io::Error {
    match error {
        ArrowError::IoError(_, error) => error,
        other => damaged(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{StringArray, UInt64Array};
    use arrow::datatypes::DataType;

    fn relation() -> Relation {
        let symbol = Field::new("name", DataType::UInt32, false)
            .with_metadata([(anatomy_facts::contract::SYMBOL_KEY.to_owned(), "1".to_owned())].into());
        let fields = vec![Field::new("id", DataType::UInt64, false), symbol, Field::new("text", DataType::Utf8, false)];
        let schema = Arc::new(Schema::new(fields));
        let rows = |from: u64, to: u64| {
            let columns: Vec<ArrayRef> = vec![
                Arc::new(UInt64Array::from_iter_values(from..to)),
                Arc::new(UInt32Array::from_iter_values((from..to).map(|id| (id % 5) as u32))),
                Arc::new(StringArray::from_iter_values((from..to).map(|id| format!("row {id}")))),
            ];
            RecordBatch::try_new(schema.clone(), columns).unwrap()
        };
        let first = Relation::of(schema.clone(), vec![rows(0, 1000)]);
        first.prepare(&[0]);
        first.prepare(&[1]);
        first.changed(&[(0, 3), (0, 500)], &rows(2000, 2010))
    }

    fn found(relation: &Relation, column: usize, key: u64) -> Vec<u64> {
        let rows = relation.find(column, key);
        rows.into_iter().map(|row| relation.number(0, row)).collect()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the file is no file of a workspace")]
    fn what_is_written_is_read_back() {
        let folder = std::env::temp_dir().join(format!("anatomy-image-{}", std::process::id()));
        let place = folder.join("image");
        let written = relation();
        let mut writer = ImageWriter::create(&place).unwrap();
        writer.relation("r", &written).unwrap();
        writer.relation("none", &Relation::empty(written.schema().clone())).unwrap();
        assert!(!place.exists(), "it has no name before it is whole");
        writer.finish().unwrap();
        let image = Image::open(&place).unwrap();
        image.verify(&place).unwrap();
        let read = image.relation("r", written.schema(), None).unwrap();
        assert_eq!(read.batches(), written.batches());
        assert_eq!((read.len(), read.segments()), (written.len(), 2));
        assert!(read.index_bytes().is_empty() && !written.index_bytes().is_empty());
        assert_eq!(read.column_bytes(), 0, "nothing was copied");
        assert!(read.mapped_bytes() > written.index_bytes().values().sum());
        for key in [3, 4, 500, 2003, 9999] {
            assert_eq!(found(&read, 0, key), found(&written, 0, key));
        }
        assert_eq!(found(&read, 1, 2), found(&written, 1, 2));
        assert!(image.relation("none", written.schema(), None).unwrap().is_empty());
        // Symbols that have other numbers here.
        let moved = image.relation("r", written.schema(), Some(&[10, 11, 12, 13, 14])).unwrap();
        assert_eq!(found(&moved, 1, 12), found(&written, 1, 2));
        assert!(found(&moved, 1, 2).is_empty());
        assert!(image.relation("r", written.schema(), Some(&[0])).is_err());
        // A byte of a section is another one.
        let mut bytes = std::fs::read(&place).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(folder.join("other"), &bytes).unwrap();
        assert!(Image::open(&folder.join("other")).unwrap().verify(&folder.join("other")).is_err());
        for length in [0, 7, 40, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(folder.join("short"), &bytes[..length]).unwrap();
            assert!(Image::open(&folder.join("short")).is_err(), "{length}");
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}
