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
    /// All candidates of a view for one key, best first, each with its derivation. Beyond `most` derivations the rows below are
    /// shown without their own reasons.
    ///
    /// # Errors
    /// If there is no such view, or it cannot be keyed.
    pub fn explain(
        &self,
        snapshot: &Arc<Snapshot>,
        view: &str,
        key: &[ArrayRef],
        most: usize,
    ) -> Result<Vec<Explained>> {
        let mut search = Search { engine: self, snapshot, left: most };
        search.candidates(view, key, None, u32::MAX, 0)
    }
}

/// One explanation on its way.
struct Search<'a> {
    engine: &'a Engine,
    snapshot: &'a Arc<Snapshot>,
    /// Derivations that may still be made.
    left: usize,
}

impl Search<'_> {
    /// Candidates for a key, best first; with `wanted` only the first that equals that row. Those that stand come with
    /// their witnesses, the beaten ones without.
    fn candidates(
        &mut self,
        name: &str,
        key: &[ArrayRef],
        wanted: Option<&RecordBatch>,
        below: u32,
        depth: usize,
    ) -> Result<Vec<Explained>> {
        let missing = || EngineError::internal(Stage::Answer, format!("there is no view `{name}` to explain"));
        let view = self.engine.view(name).ok_or_else(missing)?;
        let run = Run { old: self.snapshot.clone(), new: self.snapshot.clone(), input: key.to_vec(), below };
        let found = view.run_candidates(&Arc::new(run), wanted)?;
        let rules: Vec<&str> =
            view.branches.iter().flat_map(|branch| branch.blocks.iter().map(|_| branch.rule.as_str())).collect();
        let mut order: Vec<usize> = (0..found.rows.num_rows()).collect();
        order.sort_by_key(|&row| found.ranks[row]);
        let mut explained = Vec::new();
        for at in order {
            let row = found.rows.slice(at, 1);
            if wanted.is_some_and(|wanted| !view.is_row(&row, wanted)) {
                continue;
            }
            let rank = found.ranks[at];
            let mut witnesses = Vec::new();
            if rank == 0 || wanted.is_some() {
                for (relation, row) in &found.evidence[at] {
                    witnesses.push(self.witness(*relation, row, view.number, below, depth)?);
                }
            }
            explained.push(Explained { rule: rules[found.blocks[at]].to_owned(), row, rank, witnesses });
            if wanted.is_some() {
                break;
            }
        }
        Ok(explained)
    }

    fn witness(
        &mut self,
        relation: usize,
        row: &RecordBatch,
        reader: usize,
        below: u32,
        depth: usize,
    ) -> Result<Witness> {
        let name = self.engine.compiled.relations[relation].0.clone();
        let derived = match self.engine.view(&name) {
            Some(view) if view.keyed && depth < DEEPEST && self.left > 0 => {
                self.left -= 1;
                let key = key_columns(row, &view.grain);
                // A row of a recursive view follows from rows below its own level.
                let bound = view.level.map_or(u32::MAX, |level| level_of(row, level));
                let bound = if relation == reader { bound.min(below) } else { bound };
                self.candidates(&name, &key, Some(row), bound, depth + 1)?.pop().map(Box::new)
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
