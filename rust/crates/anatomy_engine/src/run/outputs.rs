//! What a snapshot holds, as hashes that another process can compare: the same rows have the same hash, in whatever order they came.
//!
//! Inside, a text is a number that depends on which text was met first. Here a text counts by what it says.

use std::sync::Arc;

use anatomy_facts::Symbol;
use anatomy_facts::contract::is_symbol;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt64Array};
use arrow::datatypes::UInt32Type;
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::engine::Engine;
use crate::error::Result;
use crate::store::{Relation, Snapshot, hash_rows};

/// One relation of a snapshot, by content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Name.
    pub name: String,
    /// `evidence`, or the kind of the view.
    pub kind: &'static str,
    /// Number of rows.
    pub rows: usize,
    /// Hash of the rows, whatever their order.
    pub hash: String,
}

impl Engine {
    /// Every relation by content, evidence first. Views that keep no rows are run.
    ///
    /// # Errors
    /// What such a view met while running.
    pub fn outputs(&self, snapshot: &Snapshot) -> Result<Vec<Output>> {
        let evidence = self.compiled.relations[..self.compiled.evidence].iter().enumerate();
        let mut outputs: Vec<Output> =
            evidence.map(|(number, (name, _))| output(name, "evidence", snapshot.relation(number))).collect();
        for view in &self.compiled.views {
            let relation =
                if view.stored { snapshot.relation(view.number).clone() } else { self.run_unstored(view, snapshot)? };
            outputs.push(output(&view.name, view.kind.as_str(), &relation));
        }
        Ok(outputs)
    }
}

fn output(name: &str, kind: &'static str, relation: &Relation) -> Output {
    let (mut sum, mut mixed, mut rows) = (0_u64, 0_u64, 0);
    for batch in relation.batches() {
        let columns: Vec<ArrayRef> = (0..batch.num_columns()).map(|column| told(&batch, column)).collect();
        let hashes = hash_rows(&columns.iter().collect::<Vec<_>>(), batch.num_rows());
        rows += hashes.len();
        for hash in hashes {
            sum = sum.wrapping_add(hash);
            mixed = mixed.wrapping_add(hash.rotate_left(32).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
    }
    Output { name: name.to_owned(), kind, rows, hash: format!("{sum:016x}{mixed:016x}") }
}

/// A column by what it says: a symbol as the hash of its text.
fn told(batch: &RecordBatch, column: usize) -> ArrayRef {
    let values = batch.column(column);
    if !is_symbol(batch.schema().field(column)) {
        return values.clone();
    }
    let numbers = values.as_primitive::<UInt32Type>();
    let mut last = (u32::MAX, 0);
    let hashes = numbers.values().iter().map(|&number| {
        if number != last.0 {
            last = (number, xxh3_64(Symbol(number).text().as_bytes()));
        }
        last.1
    });
    Arc::new(UInt64Array::from_iter_values(hashes)) as Arc<dyn Array>
}
