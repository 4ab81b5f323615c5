//! A secondary index of one segment: row numbers in buckets by the hash of some columns.
//!
//! Eight bytes a row plus a small directory. A hash only proposes; the caller compares the values.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, UInt32Type, UInt64Type};
use xxhash_rust::xxh3::xxh3_64;

/// Rows of a segment by the hash of the indexed columns.
#[derive(Debug)]
pub struct Index {
    /// Hash in the upper half, row in the lower half; buckets one after the other.
    entries: Vec<u64>,
    /// Where each bucket starts, and the end of the last one.
    directory: Vec<u32>,
    shift: u32,
}

/// Entries of a bucket up to which it is scanned; a larger one, where many rows have one key, is sorted and searched.
const SCANNED: usize = 16;

impl Index {
    /// Indexes the given columns of a batch.
    #[must_use]
    pub fn build(batch: &RecordBatch, columns: &[usize]) -> Self {
        let arrays: Vec<&ArrayRef> = columns.iter().map(|&column| batch.column(column)).collect();
        let hashes: Vec<u32> = hash_rows(&arrays, batch.num_rows()).into_iter().map(fold).collect();
        // About one bucket for four rows: a bucket stays within a cache line or two.
        let bits = (usize::BITS - (hashes.len() / 4).leading_zeros()).clamp(1, 24);
        let shift = 32 - bits;
        let mut directory = vec![0_u32; (1 << bits) + 1];
        for hash in &hashes {
            directory[(hash >> shift) as usize + 1] += 1;
        }
        for bucket in 1..directory.len() {
            directory[bucket] += directory[bucket - 1];
        }
        let mut next = directory.clone();
        let mut entries = vec![0_u64; hashes.len()];
        for (row, &hash) in hashes.iter().enumerate() {
            let at = &mut next[(hash >> shift) as usize];
            entries[*at as usize] = (u64::from(hash) << 32) | row as u64;
            *at += 1;
        }
        for bounds in directory.windows(2) {
            let (start, end) = (bounds[0] as usize, bounds[1] as usize);
            if end - start > SCANNED {
                entries[start..end].sort_unstable();
            }
        }
        Index { entries, directory, shift }
    }

    /// Rows whose hash equals the given one, in row order.
    pub fn candidates(&self, hash: u64) -> impl Iterator<Item = u32> + '_ {
        let hash = fold(hash);
        let bucket = (hash >> self.shift) as usize;
        let mut slice = &self.entries[self.directory[bucket] as usize..self.directory[bucket + 1] as usize];
        if slice.len() > SCANNED {
            let first = slice.partition_point(|&entry| ((entry >> 32) as u32) < hash);
            slice = &slice[first..];
            slice = &slice[..slice.partition_point(|&entry| (entry >> 32) as u32 == hash)];
        }
        slice.iter().filter(move |&&entry| (entry >> 32) as u32 == hash).map(|&entry| entry as u32)
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.entries.capacity() * 8 + self.directory.capacity() * 4
    }
}

fn fold(hash: u64) -> u32 {
    (hash >> 32) as u32
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
pub(crate) fn same_row(left: &[&ArrayRef], left_row: usize, right: &[&ArrayRef], right_row: usize) -> bool {
    left.iter().zip(right).all(|(left, right)| match left.data_type() {
        DataType::UInt64 => {
            left.as_primitive::<UInt64Type>().value(left_row) == right.as_primitive::<UInt64Type>().value(right_row)
        }
        DataType::UInt32 => {
            left.as_primitive::<UInt32Type>().value(left_row) == right.as_primitive::<UInt32Type>().value(right_row)
        }
        DataType::Float32 => {
            left.as_primitive::<Float32Type>().value(left_row).to_bits()
                == right.as_primitive::<Float32Type>().value(right_row).to_bits()
        }
        DataType::Boolean => left.as_boolean().value(left_row) == right.as_boolean().value(right_row),
        DataType::Utf8 => left.as_string::<i32>().value(left_row) == right.as_string::<i32>().value(right_row),
        other => unreachable!("no contract has a column of type {other}"),
    })
}
