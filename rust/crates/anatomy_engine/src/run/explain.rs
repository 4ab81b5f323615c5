//! Why a row stands: the keyed plan of its view for its key, without the winner, down to evidence.

use std::sync::Arc;

use anatomy_facts::Stage;
use arrow::array::{ArrayRef, RecordBatch};

use super::engine::{Engine, key_columns};
use crate::error::{EngineError, Result};
use crate::operators::Run;
use crate::store::Snapshot;

/// A row that took part in a derivation: of evidence, or of a view with its own derivation below.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Relation of the row.
    pub relation: String,
    /// The row, one-row batch.
    pub row: RecordBatch,
    /// For a view: how its row was derived.
    pub derived: Option<Box<Explained>>,
}

/// One candidate of a contest with its derivation.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The rule that made it.
    pub rule: String,
    /// The row, one-row batch.
    pub row: RecordBatch,
    /// 0 stands; others are beaten by that many better ranks.
    pub rank: u32,
    /// The rows that it was joined from.
    pub witnesses: Vec<Witness>,
}

/// Derivations are followed this deep; deeper ones are shown without their own witnesses.
const DEEPEST: usize = 24;

impl Engine {
    /// All candidates of a view for one key, best first, each with its derivation.
    ///
    /// # Errors
    /// If there is no such view, or it cannot be keyed.
    pub fn explain(&self, snapshot: &Arc<Snapshot>, view: &str, key: &[ArrayRef]) -> Result<Vec<Explained>> {
        self.explain_below(snapshot, view, key, u32::MAX, 0)
    }

    fn explain_below(
        &self,
        snapshot: &Arc<Snapshot>,
        name: &str,
        key: &[ArrayRef],
        below: u32,
        depth: usize,
    ) -> Result<Vec<Explained>> {
        let view = self
            .view(name)
            .ok_or_else(|| EngineError::internal(Stage::Answer, format!("there is no view `{name}` to explain")))?;
        let run = Run { old: snapshot.clone(), new: snapshot.clone(), input: key.to_vec(), below };
        let candidates = view.run_candidates(&Arc::new(run))?;
        let rules: Vec<&str> =
            view.branches.iter().flat_map(|branch| branch.blocks.iter().map(|_| branch.rule.as_str())).collect();
        let mut explained = Vec::new();
        for row in 0..candidates.rows.num_rows() {
            let mut witnesses = Vec::new();
            for (relation, row) in &candidates.evidence[row] {
                witnesses.push(self.witness(snapshot, *relation, row, view.number, below, depth)?);
            }
            explained.push(Explained {
                rule: rules[candidates.blocks[row]].to_owned(),
                row: candidates.rows.slice(row, 1),
                rank: candidates.ranks[row],
                witnesses,
            });
        }
        explained.sort_by_key(|candidate| candidate.rank);
        Ok(explained)
    }

    fn witness(
        &self,
        snapshot: &Arc<Snapshot>,
        relation: usize,
        row: &RecordBatch,
        reader: usize,
        below: u32,
        depth: usize,
    ) -> Result<Witness> {
        let name = self.compiled.relations[relation].0.clone();
        let derived = match self.view(&name) {
            Some(view) if view.keyed && depth < DEEPEST => {
                let key = key_columns(row, &view.grain);
                // A row of a recursive view follows from rows below its own level.
                let bound = match view.level {
                    Some(level) => level_of(row, level),
                    None => u32::MAX,
                };
                let bound = if relation == reader { bound.min(below) } else { bound };
                let width = view.width();
                let found = self.explain_below(snapshot, &name, &key, bound, depth + 1)?;
                found
                    .into_iter()
                    .find(|candidate| (0..width).all(|column| candidate.row.column(column) == row.column(column)))
                    .map(Box::new)
            }
            _ => None,
        };
        Ok(Witness { relation: name, row: row.clone(), derived })
    }
}

fn level_of(row: &RecordBatch, level: usize) -> u32 {
    use arrow::array::AsArray;
    row.column(level).as_primitive::<arrow::datatypes::UInt32Type>().value(0)
}
