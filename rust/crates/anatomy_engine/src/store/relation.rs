//! One relation: segments, dead rows, look-ups.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use anatomy_facts::contract::{IDENTITY_KEY, role_of};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, new_empty_array};
use arrow::compute::{concat_batches, filter_record_batch, interleave, take};
use arrow::datatypes::{SchemaRef, UInt32Type};

use crate::policy::{MOST_SMALL_SEGMENTS, SMALL_ROWS};

use super::index::{Index, Pair, hash_number, hash_rows, number_at};

thread_local! {
    static MISSED_INDEX_ROWS: Cell<u64> = const { Cell::new(0) };
}

/// Rows of warm segments that had to be indexed in this thread: an index that nobody had foreseen.
pub(crate) fn missed_index_rows() -> u64 {
    MISSED_INDEX_ROWS.get()
}

/// Keys whose buckets are looked at together.
const PROBED: usize = 32;

/// Where a row lives inside a relation version.
pub type Location = (u32, u32);

/// Rows that left and rows that came, both with the schema of the relation.
#[derive(Clone, Debug)]
pub struct Delta {
    /// Rows of the old version that are gone.
    pub deleted: RecordBatch,
    /// Rows of the new version that are new.
    pub inserted: RecordBatch,
}

impl Delta {
    /// True if nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows on both sides.
    #[must_use]
    pub fn len(&self) -> usize {
        self.deleted.num_rows() + self.inserted.num_rows()
    }

    /// Both sides as one batch.
    ///
    /// # Panics
    /// Never: both sides have one schema.
    #[must_use]
    pub fn all(&self) -> RecordBatch {
        concat_batches(&self.inserted.schema(), [&self.deleted, &self.inserted])
            .expect("both sides of a delta have one schema")
    }
}

/// An index and the columns that it is over.
pub(super) type Held = (Arc<[usize]>, Arc<Index>);

#[derive(Debug)]
pub(super) struct SegmentData {
    pub(super) batch: RecordBatch,
    pub(super) indexes: RwLock<Vec<Held>>,
    /// Held by who builds an index, so that no two threads build the same one.
    building: Mutex<()>,
    /// Whether the columns are those of an image that is mapped into memory.
    pub(super) mapped: bool,
    /// Every index that a prepared plan asks for has been built.
    pub(super) is_warm: AtomicBool,
}

impl SegmentData {
    pub(super) fn new(batch: RecordBatch, mapped: bool) -> Self {
        SegmentData {
            batch,
            indexes: RwLock::default(),
            building: Mutex::default(),
            mapped,
            is_warm: AtomicBool::new(false),
        }
    }

    /// An index by which rows are found whose `columns` have given values, and the columns that it is over: these, or some of
    /// them that few rows share.
    fn index(&self, columns: &[usize]) -> Held {
        if let Some(known) = self.held(columns) {
            return known;
        }
        let _building = self.building.lock().unwrap_or_else(|poison| poison.into_inner());
        if let Some(known) = self.held(columns) {
            return known;
        }
        if self.is_warm.load(Ordering::Relaxed) {
            MISSED_INDEX_ROWS.set(MISSED_INDEX_ROWS.get() + self.batch.num_rows() as u64);
        }
        let built: Held = (columns.into(), Arc::new(Index::build(&self.batch, columns)));
        let mut held = self.indexes.write().unwrap_or_else(|poison| poison.into_inner());
        if built.1.is_narrow() {
            held.retain(|(of, _)| !columns.iter().all(|column| of.contains(column)));
        }
        held.push(built.clone());
        built
    }

    fn held(&self, columns: &[usize]) -> Option<Held> {
        let serves = |(of, index): &&Held| {
            of.as_ref() == columns || index.is_narrow() && of.iter().all(|column| columns.contains(column))
        };
        self.indexes.read().unwrap_or_else(|poison| poison.into_inner()).iter().find(serves).cloned()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) data: Arc<SegmentData>,
    pub(super) dead: Option<Arc<Vec<u64>>>,
    pub(super) live: usize,
}

impl Segment {
    fn new(batch: RecordBatch) -> Self {
        let live = batch.num_rows();
        Segment { data: Arc::new(SegmentData::new(batch, false)), dead: None, live }
    }

    fn is_dead(&self, row: u32) -> bool {
        self.dead.as_ref().is_some_and(|dead| dead[row as usize / 64] >> (row % 64) & 1 == 1)
    }

    fn batch(&self) -> RecordBatch {
        match &self.dead {
            None => self.data.batch.clone(),
            Some(_) => {
                let mask: BooleanArray =
                    (0..self.data.batch.num_rows() as u32).map(|row| Some(!self.is_dead(row))).collect();
                filter_record_batch(&self.data.batch, &mask).expect("the mask has one bit for each row")
            }
        }
    }
}

/// An immutable version of a relation. Cloning shares everything.
#[derive(Clone, Debug)]
pub struct Relation {
    pub(super) schema: SchemaRef,
    pub(super) segments: Vec<Segment>,
}

impl Relation {
    /// A relation without rows.
    #[must_use]
    pub fn empty(schema: SchemaRef) -> Self {
        Relation { schema, segments: Vec::new() }
    }

    /// A relation of the given rows.
    #[must_use]
    pub fn of(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        let mut relation = Relation::empty(schema);
        let batch = concat_batches(&relation.schema, &batches).expect("batches have the schema of their relation");
        if batch.num_rows() > 0 {
            relation.segments.push(Segment::new(batch));
        }
        relation
    }

    /// The schema of every row.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Number of live rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.iter().map(|segment| segment.live).sum()
    }

    /// True without rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if this is the same version of the relation, so that it holds the same rows.
    #[must_use]
    pub fn is_same(&self, other: &Relation) -> bool {
        let same = |left: &Segment, right: &Segment| {
            let dead = match (&left.dead, &right.dead) {
                (None, None) => true,
                (Some(left), Some(right)) => Arc::ptr_eq(left, right),
                _ => false,
            };
            Arc::ptr_eq(&left.data, &right.data) && dead
        };
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|(left, right)| same(left, right))
    }

    /// Number of segments.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.segments.len()
    }

    /// Bytes of the columns in memory of our own.
    #[must_use]
    pub fn column_bytes(&self) -> usize {
        let in_heap = self.segments.iter().filter(|segment| !segment.data.mapped);
        in_heap.map(|segment| segment.data.batch.get_array_memory_size()).sum()
    }

    /// Bytes of the columns and indexes that lie in an image: the system takes them from memory when it needs the room.
    #[must_use]
    pub fn mapped_bytes(&self) -> usize {
        let of = |segment: &Segment| -> usize {
            let indexes = segment.data.indexes.read().unwrap_or_else(|poison| poison.into_inner());
            let indexes = indexes.iter().filter(|(_, index)| index.mapped).map(|(_, index)| index.bytes());
            let columns = segment.data.batch.columns().iter();
            let columns = columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or_default());
            indexes.sum::<usize>() + if segment.data.mapped { columns.sum() } else { 0 }
        };
        self.segments.iter().map(of).sum()
    }

    /// Bytes of each index in memory of our own, by the names of its columns.
    #[must_use]
    pub fn index_bytes(&self) -> BTreeMap<String, usize> {
        let mut bytes = BTreeMap::new();
        for segment in &self.segments {
            let held = segment.data.indexes.read().unwrap_or_else(|poison| poison.into_inner());
            for (columns, index) in held.iter().filter(|(_, index)| !index.mapped) {
                let names: Vec<&str> =
                    columns.iter().map(|&column| self.schema.field(column).name().as_str()).collect();
                *bytes.entry(names.join(", ")).or_default() += index.bytes();
            }
        }
        bytes
    }

    /// This version with the segments of `written` replaced by those of `mapped`, which was made of `written` and read back.
    #[must_use]
    pub fn settled(&self, written: &Relation, mapped: &Relation) -> Relation {
        let mut next = self.clone();
        for segment in &mut next.segments {
            let same = |(old, _): &(&Segment, &Segment)| Arc::ptr_eq(&old.data, &segment.data);
            if let Some((_, new)) = written.segments.iter().zip(&mapped.segments).find(same) {
                segment.data = new.data.clone();
            }
        }
        next
    }

    /// All live rows, one batch for each segment.
    #[must_use]
    pub fn batches(&self) -> Vec<RecordBatch> {
        self.segments.iter().map(Segment::batch).collect()
    }

    /// Rows whose `columns` equal a row of `keys`: pairs of (key row, location), in key order.
    #[must_use]
    pub fn look_up(&self, columns: &[usize], keys: &[ArrayRef]) -> (Vec<u32>, Vec<Location>) {
        self.look_up_by(&self.indexed_by(columns), columns, keys)
    }

    /// As `look_up`, with what `indexed_by` says of the columns.
    pub(crate) fn look_up_by(&self, by: &[usize], columns: &[usize], keys: &[ArrayRef]) -> (Vec<u32>, Vec<Location>) {
        let (mut probes, mut found) = (Vec::new(), Vec::new());
        let rows = keys.first().map_or(0, |key| key.len());
        if rows == 0 || self.segments.is_empty() {
            return (probes, found);
        }
        let mut hashed: Vec<(Arc<[usize]>, Vec<u64>)> = Vec::new();
        let mut opened: Vec<(Arc<Index>, usize, Vec<Pair<'_>>)> = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let (of, index) = segment.data.index(by);
            let at = hashed.iter().position(|(known, _)| *known == of).unwrap_or_else(|| {
                let key_of = |column: &usize| &keys[columns.iter().position(|of| of == column).unwrap_or_default()];
                let hashes = hash_rows(&of.iter().map(key_of).collect::<Vec<_>>(), rows);
                hashed.push((of, hashes));
                hashed.len() - 1
            });
            let pairs = keys.iter().zip(columns).map(|(key, &column)| Pair::of(key, segment.data.batch.column(column)));
            opened.push((index, at, pairs.collect()));
        }
        // Some probes at a time, step by step: what one of them loads does not wait for what another one loads.
        let mut buckets = [(0, 0); PROBED];
        let (mut runs, mut rows_of, mut hits) = (Vec::new(), Vec::new(), Vec::new());
        for first in (0..rows).step_by(PROBED) {
            let count = PROBED.min(rows - first);
            for (number, (index, at, pairs)) in opened.iter().enumerate() {
                let hashes = &hashed[*at].1[first..first + count];
                for (bucket, hash) in buckets.iter_mut().zip(hashes) {
                    *bucket = index.bucket(*hash);
                }
                for (probe, (bucket, hash)) in buckets.iter().zip(hashes).enumerate() {
                    runs.extend(index.runs(*bucket, *hash).map(|run| (first + probe, run)));
                }
                for (probe, run) in runs.drain(..) {
                    rows_of.extend(index.rows(run).map(|row| (probe, row)));
                }
                let segment = &self.segments[number];
                let is_hit = |&(probe, row): &(usize, u32)| {
                    pairs.iter().all(|pair| pair.is_same(probe, row as usize)) && !segment.is_dead(row)
                };
                hits.extend(rows_of.drain(..).filter(is_hit).map(|(probe, row)| (probe as u32, (number as u32, row))));
            }
            if opened.len() > 1 {
                hits.sort_by_key(|(probe, _)| *probe);
            }
            for (probe, location) in hits.drain(..) {
                probes.push(probe);
                found.push(location);
            }
        }
        (probes, found)
    }

    /// Rows whose number (an id, a symbol) in one column equals `key`: `look_up` of a single key, without an array around it.
    #[must_use]
    pub fn find(&self, column: usize, key: u64) -> Vec<Location> {
        let mut found = Vec::new();
        for (number, segment) in self.segments.iter().enumerate() {
            let (_, index) = segment.data.index(&[column]);
            let array = segment.data.batch.column(column);
            for row in index.candidates(hash_number(key)) {
                if !segment.is_dead(row) && number_at(array, row as usize) == key {
                    found.push((number as u32, row));
                }
            }
        }
        found
    }

    /// How many rows hold this number in one column of numbers: a scan, for what is asked too seldom for an index.
    #[must_use]
    pub fn count(&self, column: usize, key: u32) -> usize {
        let in_segment = |segment: &Segment| {
            let values = segment.data.batch.column(column).as_primitive::<UInt32Type>().values();
            // Compared with nothing else in the loop: an edit looks through all levels of the largest view.
            match values.iter().filter(|value| **value == key).count() {
                0 => 0,
                some if segment.dead.is_none() => some,
                _ => (0..values.len()).filter(|&row| values[row] == key && !segment.is_dead(row as u32)).count(),
            }
        };
        self.segments.iter().map(in_segment).sum()
    }

    /// The number in a cell: an id, a symbol, a truth value or the bits of a fraction; 0 in a column of text.
    #[must_use]
    pub fn number(&self, column: usize, (segment, row): Location) -> u64 {
        number_at(self.segments[segment as usize].data.batch.column(column), row as usize)
    }

    /// The columns of the index that serves a look-up over these columns. Beside the identity a tag (kind, slot, context)
    /// narrows next to nothing, so all such look-ups share one index; a name beside a class narrows a lot.
    pub(crate) fn indexed_by(&self, columns: &[usize]) -> Vec<usize> {
        let name = self.schema.metadata().get(IDENTITY_KEY).map_or("", String::as_str);
        let is_tag = |column: usize| matches!(role_of(self.schema.field(column)), "" | "file");
        match self.schema.index_of(name) {
            Ok(identity) if columns.contains(&identity) && columns.iter().all(|&of| of == identity || is_tag(of)) => {
                vec![identity]
            }
            _ => {
                let mut by = columns.to_vec();
                by.sort_unstable();
                by.dedup();
                by
            }
        }
    }

    /// Builds the index that look-ups over these columns use, where a segment does not have it yet.
    pub fn prepare(&self, columns: &[usize]) {
        let by = self.indexed_by(columns);
        for segment in &self.segments {
            segment.data.index(&by);
        }
    }

    /// Notes that every index which a prepared plan asks for has been built.
    pub(crate) fn warmed(&self) {
        for segment in &self.segments {
            segment.data.is_warm.store(true, Ordering::Relaxed);
        }
    }

    /// One column of the rows at these locations.
    #[must_use]
    pub fn gather(&self, column: usize, locations: &[Location]) -> ArrayRef {
        match self.segments.as_slice() {
            [] => new_empty_array(self.schema.field(column).data_type()),
            [only] => {
                let rows: UInt32Array = locations.iter().map(|&(_, row)| row).collect();
                take(only.data.batch.column(column), &rows, None).expect("locations lie inside the relation")
            }
            many => {
                let arrays: Vec<&dyn Array> =
                    many.iter().map(|segment| segment.data.batch.column(column).as_ref()).collect();
                let places: Vec<(usize, usize)> =
                    locations.iter().map(|&(segment, row)| (segment as usize, row as usize)).collect();
                interleave(&arrays, &places).expect("locations lie inside the relation")
            }
        }
    }

    /// Locations of all live rows.
    #[must_use]
    pub fn all_locations(&self) -> Vec<Location> {
        let rows = |(number, segment): (usize, &Segment)| -> Vec<Location> {
            (0..segment.data.batch.num_rows() as u32)
                .filter(|&row| !segment.is_dead(row))
                .map(|row| (number as u32, row))
                .collect()
        };
        self.segments.iter().enumerate().flat_map(rows).collect()
    }

    /// All columns of the rows at these locations.
    #[must_use]
    pub fn rows_at(&self, locations: &[Location]) -> RecordBatch {
        let columns = (0..self.schema.fields().len()).map(|column| self.gather(column, locations)).collect();
        RecordBatch::try_new(self.schema.clone(), columns).expect("gathered columns have the schema of the relation")
    }

    /// The version without the rows at `dead` and with the rows of `inserted`.
    #[must_use]
    pub fn changed(&self, dead: &[Location], inserted: &RecordBatch) -> Relation {
        let mut next = self.clone();
        for &(number, row) in dead {
            let segment = &mut next.segments[number as usize];
            let words = segment.data.batch.num_rows().div_ceil(64);
            let bitmap = Arc::make_mut(segment.dead.get_or_insert_with(|| Arc::new(vec![0; words])));
            let (word, bit) = (row as usize / 64, 1_u64 << (row % 64));
            if bitmap[word] & bit == 0 {
                bitmap[word] |= bit;
                segment.live -= 1;
            }
        }
        next.segments.retain(|segment| segment.live > 0);
        if inserted.num_rows() > 0 {
            let columns = inserted.columns().to_vec();
            let batch = RecordBatch::try_new(self.schema.clone(), columns).expect("a delta has the relation's columns");
            next.segments.push(Segment::new(batch));
        }
        next.merge_small();
        next
    }

    fn merge_small(&mut self) {
        let small = |segment: &Segment| segment.data.batch.num_rows() <= SMALL_ROWS;
        if self.segments.iter().filter(|segment| small(segment)).count() <= MOST_SMALL_SEGMENTS {
            return;
        }
        let (merged, kept): (Vec<Segment>, Vec<Segment>) = self.segments.drain(..).partition(small);
        self.segments = kept;
        let batches: Vec<RecordBatch> = merged.iter().map(Segment::batch).collect();
        let batch = concat_batches(&self.schema, &batches).expect("segments have the schema of their relation");
        self.segments.push(Segment::new(batch));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::UInt64Array;
    use arrow::datatypes::{DataType, Field, Schema, UInt64Type};

    fn batch(rows: &[(u64, u64)]) -> RecordBatch {
        let schema = Arc::new(Schema::new(vec![
            Field::new("key", DataType::UInt64, false),
            Field::new("value", DataType::UInt64, false),
        ]));
        let keys: UInt64Array = rows.iter().map(|row| row.0).collect();
        let values: UInt64Array = rows.iter().map(|row| row.1).collect();
        RecordBatch::try_new(schema, vec![Arc::new(keys), Arc::new(values)]).unwrap()
    }

    fn found(relation: &Relation, key: u64) -> Vec<u64> {
        let keys: ArrayRef = Arc::new(UInt64Array::from(vec![key]));
        let (_, locations) = relation.look_up(&[0], &[keys]);
        let mut values = relation.gather(1, &locations).as_primitive::<UInt64Type>().values().to_vec();
        values.sort_unstable();
        values
    }

    #[test]
    fn a_changed_relation_leaves_the_old_version_alone() {
        let old = Relation::of(batch(&[]).schema(), vec![batch(&[(1, 10), (2, 20), (1, 11)])]);
        let (_, dead) = old.look_up(&[1], &[Arc::new(UInt64Array::from(vec![10])) as ArrayRef]);
        let new = old.changed(&dead, &batch(&[(1, 12), (3, 30)]));
        assert_eq!(found(&old, 1), [10, 11]);
        assert_eq!(found(&new, 1), [11, 12]);
        assert_eq!(found(&new, 3), [30]);
        assert_eq!((old.len(), new.len()), (3, 4));
        for (relation, key) in [(&old, 1), (&new, 1), (&new, 3), (&new, 4)] {
            let mut one_by_one: Vec<u64> =
                relation.find(0, key).into_iter().map(|row| relation.number(1, row)).collect();
            one_by_one.sort_unstable();
            assert_eq!(one_by_one, found(relation, key), "{key}");
        }
        assert!(old.is_same(&old.clone()) && !old.is_same(&new));
        assert!(!new.is_same(&new.changed(&dead[..1], &batch(&[]))));
    }

    #[test]
    fn rows_are_counted_that_are_not_dead() {
        let field = Field::new("level", DataType::UInt32, false);
        let schema = Arc::new(Schema::new(vec![field]));
        let batch = |levels: &[u32]| {
            RecordBatch::try_new(schema.clone(), vec![Arc::new(UInt32Array::from(levels.to_vec()))]).unwrap()
        };
        let old = Relation::of(schema.clone(), vec![batch(&[1, 2, 2, 3])]);
        let new = old.changed(&[(0, 1)], &batch(&[2, 2, 3]));
        for (relation, key) in [(&old, 2), (&old, 4), (&new, 1), (&new, 2), (&new, 3)] {
            assert_eq!(relation.count(0, key), relation.find(0, u64::from(key)).len(), "{key}");
        }
        assert_eq!((old.count(0, 2), new.count(0, 2)), (2, 3));
    }

    #[test]
    fn many_small_changes_keep_the_number_of_segments_bounded() {
        let mut relation = Relation::empty(batch(&[]).schema());
        for number in 0..1000 {
            relation = relation.changed(&[], &batch(&[(number % 7, number)]));
        }
        assert!(relation.segments() <= MOST_SMALL_SEGMENTS + 1, "{} segments", relation.segments());
        assert_eq!(found(&relation, 3).len(), 143);
    }

    #[test]
    fn a_difference_is_one_of_multisets() {
        let (deleted, inserted) =
            super::super::difference(&batch(&[(1, 1), (1, 1), (2, 2)]), &batch(&[(2, 2), (1, 1), (3, 3), (3, 3)]));
        assert_eq!((deleted.len(), inserted.len()), (1, 2));
    }
}
