//! A secondary index of one segment: row numbers in buckets by the hash of some columns.
//!
//! Rows that follow each other and have one key (those of one file, or of one scope) are one entry, a run. Six and a half bytes
//! a row where there are no runs. A hash only proposes; the caller compares the values.

use std::borrow::Borrow;
use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DataType, Float32Type, UInt32Type, UInt64Type};
use xxhash_rust::xxh3::xxh3_64;

use crate::policy::is_narrow;

/// Rows of a segment by the hash of the indexed columns.
#[derive(Debug)]
pub struct Index {
    /// First row of each run, bucket after bucket, in each by tag and row.
    pub(super) starts: ScalarBuffer<u32>,
    /// Rows of each run; empty if each is one row.
    pub(super) lengths: ScalarBuffer<u32>,
    /// For each run the part of its hash that tells it from others of its bucket.
    pub(super) tags: ScalarBuffer<u16>,
    /// Where each bucket starts, and the end of the last one.
    pub(super) directory: ScalarBuffer<u32>,
    pub(super) shift: u32,
    /// How many rows have the key of a row, on average over the rows.
    pub(super) spread: f64,
    /// Whether all of it lies in an image that is mapped into memory.
    pub(super) mapped: bool,
}

/// Runs of a bucket up to which it is scanned; a larger one, where many runs have one key, is searched.
const SCANNED: usize = 32;
/// Runs that a bucket holds on average if no key is held twice.
const BUCKET_RUNS: usize = 8;

impl Index {
    /// Indexes the given columns of a batch.
    #[must_use]
    pub fn build(batch: &RecordBatch, columns: &[usize]) -> Self {
        let arrays: Vec<&ArrayRef> = columns.iter().map(|&column| batch.column(column)).collect();
        let hashes = hash_rows(&arrays, batch.num_rows());
        let runs = hashes.chunk_by(|left, right| left == right).count();
        // A length costs two thirds of what a row costs.
        let by_run = runs * 5 < hashes.len() * 3;
        let of_run = |left: &u64, right: &u64| by_run && left == right;
        let entries = if by_run { runs } else { hashes.len() };
        let bits = (usize::BITS - (entries / BUCKET_RUNS).leading_zeros()).clamp(1, 24);
        let shift = u64::BITS - bits;
        let mut directory = vec![0_u32; (1 << bits) + 1];
        for run in hashes.chunk_by(of_run) {
            directory[(run[0] >> shift) as usize + 1] += 1;
        }
        for bucket in 1..directory.len() {
            directory[bucket] += directory[bucket - 1];
        }
        let mut next = directory.clone();
        let mut sorted = vec![(0_u64, 0_u32); entries];
        let mut row = 0;
        for run in hashes.chunk_by(of_run) {
            let at = &mut next[(run[0] >> shift) as usize];
            sorted[*at as usize] = ((u64::from(tag(run[0])) << 32) | row as u64, run.len() as u32);
            *at += 1;
            row += run.len();
        }
        let mut together = 0_u64;
        for bounds in directory.windows(2) {
            let bucket = &mut sorted[bounds[0] as usize..bounds[1] as usize];
            bucket.sort_unstable();
            for of_key in bucket.chunk_by(|left, right| left.0 >> 32 == right.0 >> 32) {
                together += of_key.iter().map(|run| u64::from(run.1)).sum::<u64>().pow(2);
            }
        }
        Index {
            starts: sorted.iter().map(|&(entry, _)| entry as u32).collect(),
            lengths: if by_run { sorted.iter().map(|&(_, length)| length).collect() } else { ScalarBuffer::default() },
            tags: sorted.iter().map(|&(entry, _)| (entry >> 32) as u16).collect(),
            directory: directory.into(),
            shift,
            spread: together as f64 / hashes.len().max(1) as f64,
            mapped: false,
        }
    }

    /// Rows whose hash may equal the given one, in row order.
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        self.runs(self.bucket(hash), hash).flat_map(|run| self.rows(run))
    }

    /// The runs among which rows of this hash are.
    pub(super) fn bucket(&self, hash: u64) -> (u32, u32) {
        let bucket = (hash >> self.shift) as usize;
        (self.directory[bucket], self.directory[bucket + 1])
    }

    /// Of a bucket the runs whose rows may have this hash.
    pub(super) fn runs(&self, (start, end): (u32, u32), hash: u64) -> impl Iterator<Item = usize> + '_ {
        let (mut start, mut end) = (start as usize, end as usize);
        let tag = tag(hash);
        if end - start > SCANNED {
            let tags = &self.tags[start..end];
            end = start + tags.partition_point(|&of| of <= tag);
            start += tags.partition_point(|&of| of < tag);
        }
        (start..end).filter(move |&at| self.tags[at] == tag)
    }

    /// The rows of a run.
    pub(super) fn rows(&self, run: usize) -> Range<u32> {
        let first = self.starts[run];
        first..first + self.lengths.get(run).copied().unwrap_or(1)
    }

    /// True if a look-up over more columns than these may as well use this index: their keys are held by few rows each.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        is_narrow(self.spread)
    }

    /// Bytes held, in memory of our own or in an image.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.starts.len() + self.lengths.len() + self.directory.len()) * 4 + self.tags.len() * 2
    }
}

/// Bits that choose no bucket.
fn tag(hash: u64) -> u16 {
    hash as u16
}

fn mix(state: u64, value: u64) -> u64 {
    let product = u128::from(state ^ value ^ 0x9E37_79B9_7F4A_7C15) * 0xD6E8_FEB8_6659_FD93_u128;
    (product as u64) ^ ((product >> 64) as u64)
}

/// The hash of a row of one number: of an id, a symbol or the bits of a fraction.
pub(crate) fn hash_number(number: u64) -> u64 {
    mix(0, number)
}

/// The number in a cell: an id, a symbol, a truth value or the bits of a fraction; 0 in a column of text.
pub(crate) fn number_at(column: &ArrayRef, row: usize) -> u64 {
    match column.data_type() {
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row),
        DataType::UInt32 => u64::from(column.as_primitive::<UInt32Type>().value(row)),
        DataType::Float32 => u64::from(column.as_primitive::<Float32Type>().value(row).to_bits()),
        DataType::Boolean => u64::from(column.as_boolean().value(row)),
        _ => 0,
    }
}

/// A 64-bit hash of each row over the given columns; equal values of equal types hash alike in every batch.
///
/// # Panics
/// If a column has a type that no contract uses.
#[must_use]
pub(crate) fn hash_rows(columns: &[&ArrayRef], rows: usize) -> Vec<u64> {
    let mut hashes = vec![0_u64; rows];
    for column in columns {
        match column.data_type() {
            DataType::UInt64 => {
                for (hash, value) in hashes.iter_mut().zip(column.as_primitive::<UInt64Type>().values()) {
                    *hash = mix(*hash, *value);
                }
            }
            DataType::UInt32 => {
                for (hash, value) in hashes.iter_mut().zip(column.as_primitive::<UInt32Type>().values()) {
                    *hash = mix(*hash, u64::from(*value));
                }
            }
            DataType::Float32 => {
                for (hash, value) in hashes.iter_mut().zip(column.as_primitive::<Float32Type>().values()) {
                    *hash = mix(*hash, u64::from(value.to_bits()));
                }
            }
            DataType::Boolean => {
                for (hash, value) in hashes.iter_mut().zip(column.as_boolean().values()) {
                    *hash = mix(*hash, u64::from(value));
                }
            }
            DataType::Utf8 => {
                for (hash, value) in hashes.iter_mut().zip(column.as_string::<i32>()) {
                    *hash = mix(*hash, xxh3_64(value.unwrap_or_default().as_bytes()));
                }
            }
            other => unreachable!("no contract has a column of type {other}"),
        }
    }
    hashes
}

/// True if two rows hold the same values in the given columns.
#[must_use]
pub(crate) fn same_row(
    left: &[impl Borrow<ArrayRef>],
    left_row: usize,
    right: &[impl Borrow<ArrayRef>],
    right_row: usize,
) -> bool {
    let mut pairs = left.iter().map(Borrow::borrow).zip(right.iter().map(Borrow::borrow));
    pairs.all(|(left, right)| Pair::of(left, right).is_same(left_row, right_row))
}

/// Two columns that are compared row by row, by their type.
pub(super) enum Pair<'a> {
    Long(&'a [u64], &'a [u64]),
    Short(&'a [u32], &'a [u32]),
    Fraction(&'a [f32], &'a [f32]),
    Truth(&'a BooleanArray, &'a BooleanArray),
    Text(&'a StringArray, &'a StringArray),
}

impl<'a> Pair<'a> {
    /// # Panics
    /// If the columns have a type that no contract uses, or two types.
    #[inline]
    pub(super) fn of(left: &'a ArrayRef, right: &'a ArrayRef) -> Pair<'a> {
        match left.data_type() {
            DataType::UInt64 => {
                Pair::Long(left.as_primitive::<UInt64Type>().values(), right.as_primitive::<UInt64Type>().values())
            }
            DataType::UInt32 => {
                Pair::Short(left.as_primitive::<UInt32Type>().values(), right.as_primitive::<UInt32Type>().values())
            }
            DataType::Float32 => {
                let of = |array: &'a ArrayRef| array.as_primitive::<Float32Type>().values();
                Pair::Fraction(of(left), of(right))
            }
            DataType::Boolean => Pair::Truth(left.as_boolean(), right.as_boolean()),
            DataType::Utf8 => Pair::Text(left.as_string(), right.as_string()),
            other => unreachable!("no contract has a column of type {other}"),
        }
    }

    #[inline]
    pub(super) fn is_same(&self, left: usize, right: usize) -> bool {
        match self {
            Pair::Long(of, other) => of[left] == other[right],
            Pair::Short(of, other) => of[left] == other[right],
            Pair::Fraction(of, other) => of[left].to_bits() == other[right].to_bits(),
            Pair::Truth(of, other) => of.value(left) == other.value(right),
            Pair::Text(of, other) => of.value(left) == other.value(right),
        }
    }
}
