//! A compiled view: its shape, its grain, and its plans, each prepared at first use and kept.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use anatomy_facts::Stage;
use anatomy_program::{JoinKey, ViewKind};
use arrow::array::UInt32Array;
use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{cast, concat_batches, take_record_batch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::Column;
use datafusion::logical_expr::{Expr, LogicalPlan, lit, when};
use rayon::prelude::*;

use super::outward::{Reach, Start, outward};
use crate::error::{EngineError, Result};
use crate::lower::{Block, LeafJoin};
use crate::operators::{Bounds, Limit, Linear, OrderKey, Ready, Run, Version, choose, linearize, placed, ranks};
use crate::policy::{PIECE_ROWS, PIECES_AT_ONCE, Policy, settles, starts_from_a_leaf};
use crate::store::{RowSet, firsts};

/// One SELECT of a view: the whole of it, or one input of a union.
#[derive(Debug)]
pub(crate) struct Branch {
    /// The rule that it comes from.
    pub(crate) rule: String,
    pub(crate) sql: String,
    pub(crate) joins: Vec<JoinKey>,
    pub(crate) logical: LogicalPlan,
    pub(crate) blocks: Vec<Block>,
}

/// A relation that a view reads, once for each place where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence {
    /// Position in the flat list of blocks.
    pub(crate) block: usize,
    pub(crate) leaf: usize,
    pub(crate) relation: usize,
}

/// Rows that compete, for an explanation.
#[derive(Debug)]
pub(crate) struct Candidates {
    /// Rows of the view before its winner, conformed.
    pub(crate) rows: RecordBatch,
    /// Rank of each row in its contest; 0 stands.
    pub(crate) ranks: Vec<u32>,
    /// For each row the block that made it.
    pub(crate) blocks: Vec<usize>,
    /// For each row the rows it was joined from: (relation, one-row batch of all its columns).
    pub(crate) evidence: Vec<Vec<(usize, RecordBatch)>>,
}

/// A prepared plan and the columns that it starts from.
type Bound<'a> = (&'a Ready, Vec<ArrayRef>);

#[derive(Debug, Default)]
pub(crate) struct Prepared {
    full: OnceLock<Vec<Ready>>,
    keyed: OnceLock<Vec<Ready>>,
    explain: OnceLock<Vec<Ready>>,
}

/// A view of the program.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) kind: ViewKind,
    pub(crate) place: String,
    pub(crate) schema: SchemaRef,
    pub(crate) grain: Vec<usize>,
    pub(crate) grain_reason: String,
    /// Position of `level`, and how many levels, for a recursive view.
    pub(crate) level: Option<usize>,
    pub(crate) rounds: u32,
    pub(crate) keyed: bool,
    /// Rows are kept; otherwise the view is run when asked.
    pub(crate) stored: bool,
    pub(crate) branches: Vec<Branch>,
    pub(crate) winner: Option<(Vec<usize>, Vec<OrderKey>)>,
    pub(crate) limit: Option<Limit>,
    pub(crate) linear: Option<Linear>,
    pub(crate) occurrences: Vec<Occurrence>,
    pub(crate) impacts: Vec<OnceLock<Ready>>,
    pub(crate) deltas: Vec<OnceLock<Ready>>,
    pub(crate) prepared: Prepared,
    /// Names what its rows are: two views of one fingerprint have the same rows over the same evidence.
    pub(crate) fingerprint: String,
    pub(crate) compile_micros: u32,
}

/// The program after compilation.
#[derive(Debug)]
pub(crate) struct Compiled {
    /// Names and schemas by relation number: evidence first, then tables that are filled later, then views in topological order.
    pub(crate) relations: Vec<(String, SchemaRef)>,
    pub(crate) evidence: usize,
    pub(crate) views: Vec<View>,
    /// Positions of the stored views, in order; those of a stage need nothing of each other.
    pub(crate) stages: Vec<Vec<usize>>,
}

impl Compiled {
    /// The stage of each stored view by its number: above those of all views that it reads.
    pub(crate) fn stage_numbers(views: &[View]) -> HashMap<usize, usize> {
        let mut stages: HashMap<usize, usize> = HashMap::new();
        for view in views.iter().filter(|view| view.stored) {
            let below = view.occurrences.iter().filter(|of| of.relation != view.number);
            let below = below.filter_map(|of| stages.get(&of.relation)).max();
            stages.insert(view.number, below.map_or(0, |below| below + 1));
        }
        stages
    }
}

impl View {
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.branches.iter().flat_map(|branch| &branch.blocks)
    }

    /// Columns without `level`: what a rule computes.
    pub(crate) fn width(&self) -> usize {
        self.schema.fields().len() - usize::from(self.level.is_some())
    }

    /// The keyed plans, one a block.
    pub(crate) fn keyed_plans(&self) -> Result<&Vec<Ready>> {
        prepared(&self.prepared.keyed, || {
            self.blocks()
                .map(|block| {
                    let keys = self.grain.iter().map(|&column| self.key(block, column)).collect::<Result<Vec<_>>>()?;
                    let version = |leaf: usize| self.read_version(block, leaf);
                    let mut wanted = self.ordered(block);
                    wanted.extend(self.level_of(block)?);
                    outward(&self.place, block, &Start::Keys(keys), Reach::Whole, &wanted, &version)
                })
                .collect()
        })
    }

    /// For a recursive view the level of a row of this block: one above the highest of the own rows that it follows from.
    fn level_of(&self, block: &Block) -> Result<Option<(String, Expr)>> {
        let Some(level) = self.level else { return Ok(None) };
        let name = self.schema.field(level).name();
        let own = block.leaves.iter().filter(|leaf| leaf.relation == self.number);
        let mut levels = own.map(|leaf| Expr::Column(Column::new(Some(leaf.alias.clone()), name.clone())));
        let one = lit(1_u32);
        let Some(first) = levels.next() else { return Ok(Some((name.clone(), one))) };
        let highest = levels
            .try_fold(first, |highest, other| when(highest.clone().gt_eq(other.clone()), highest).otherwise(other))?;
        Ok(Some((name.clone(), highest + one)))
    }

    fn read_version(&self, block: &Block, leaf: usize) -> Version {
        if self.level.is_some() && block.leaves[leaf].relation == self.number { Version::Below } else { Version::New }
    }

    fn key(&self, block: &Block, column: usize) -> Result<(Expr, DataType)> {
        let field = self.schema.field(column);
        let (_, expr) = block
            .outputs
            .iter()
            .find(|(name, _)| name == field.name())
            .ok_or_else(|| EngineError::internal(Stage::Plan, format!("`{}` lost its grain", self.name)))?;
        Ok((expr.clone(), field.data_type().clone()))
    }

    /// Outputs of a block in the order of the view's schema.
    fn ordered(&self, block: &Block) -> Vec<(String, Expr)> {
        self.schema
            .fields()
            .iter()
            .take(self.width())
            .filter_map(|field| block.outputs.iter().find(|(name, _)| name == field.name()).cloned())
            .collect()
    }

    /// The plan that yields the keys which a change of one occurrence touches.
    pub(crate) fn impact_plan(&self, occurrence: usize) -> Result<&Ready> {
        prepared(&self.impacts[occurrence], || {
            let of = &self.occurrences[occurrence];
            let block = self
                .blocks()
                .nth(of.block)
                .ok_or_else(|| EngineError::internal(Stage::Plan, format!("`{}` lost a block", self.name)))?;
            let wanted = self
                .grain
                .iter()
                .map(|&column| {
                    let (expr, _) = self.key(block, column)?;
                    Ok((self.schema.field(column).name().clone(), expr))
                })
                .collect::<Result<Vec<_>>>()?;
            // Inputs in order: new of those before this one, old of those after it; the view itself counts as last.
            let place_of = |leaf: usize| {
                let own = block.leaves[leaf].relation == self.number;
                (own, leaf)
            };
            let version = |leaf: usize| if place_of(leaf) < place_of(of.leaf) { Version::New } else { Version::Old };
            // A key costs as many chains as the view has blocks, so it pays to look on until only true ones are left.
            let start = Start::Delta(of.leaf);
            outward(&self.place, block, &start, Reach::Inner, &wanted, &version)
                .or_else(|_| outward(&self.place, block, &start, Reach::Wanted, &wanted, &version))
        })
    }

    /// The plan that yields the rows which follow from rows of one occurrence, with all that the other leaves hold.
    fn delta_plan(&self, occurrence: usize) -> Result<&Ready> {
        prepared(&self.deltas[occurrence], || {
            let of = &self.occurrences[occurrence];
            let block = self
                .blocks()
                .nth(of.block)
                .ok_or_else(|| EngineError::internal(Stage::Plan, format!("`{}` lost a block", self.name)))?;
            let version = |leaf: usize| self.read_version(block, leaf);
            outward(&self.place, block, &Start::Delta(of.leaf), Reach::Whole, &self.ordered(block), &version)
        })
    }

    /// Rows that follow from these rows of the view itself, before the level is known. What they yield is settled before there is
    /// too much of it, so that a level needs memory by its rows and not by all the ways that lead to them.
    ///
    /// # Errors
    /// `cancelled`, `memory-budget`, or what a plan met.
    pub(crate) fn run_from_own(&self, run: &Arc<Run>, bounds: Bounds<'_>) -> Result<RecordBatch> {
        let rows = run.input.first().map_or(0, |column| column.len());
        let mut pieces: Vec<(&Ready, usize)> = Vec::new();
        for (number, of) in self.occurrences.iter().enumerate() {
            if of.relation == self.number {
                let plan = self.delta_plan(number)?;
                pieces.extend((0..rows).step_by(PIECE_ROWS).map(|start| (plan, start)));
            }
        }
        let (mut parts, mut settled) = (Vec::new(), 0);
        for together in pieces.chunks(PIECES_AT_ONCE) {
            bounds.check()?;
            let of_piece = |&(plan, start): &(&Ready, usize)| {
                let count = PIECE_ROWS.min(rows - start);
                let input = run.input.iter().map(|column| column.slice(start, count)).collect();
                self.conformed(plan, &Arc::new(run.with_input(input)))
            };
            parts.extend(in_order(together, of_piece)?);
            if settles(parts.iter().map(RecordBatch::num_rows).sum(), settled) {
                parts = vec![self.settle(&parts)?];
                settled = parts[0].num_rows();
            }
        }
        self.settle(&parts)
    }

    /// DataFusion's own plans, one a branch, kept for the next time.
    pub(crate) fn full_plans(&self, session: &crate::lower::Session) -> Result<&Vec<Ready>> {
        self.planned(session, &self.prepared.full)
    }

    /// The same; if they are not kept, `own` holds them: a whole run is rare, and its plans are large.
    fn planned<'a>(&'a self, session: &crate::lower::Session, own: &'a OnceLock<Vec<Ready>>) -> Result<&'a Vec<Ready>> {
        let kept = if self.prepared.full.get().is_some() { &self.prepared.full } else { own };
        prepared(kept, || self.branches.iter().map(|branch| Ok(Ready::new(session.full(&branch.logical)?.1))).collect())
    }

    /// Rows of a recursive view for these keys, each with the level on which it follows, before distinct and winner.
    pub(crate) fn run_leveled(&self, run: &Arc<Run>) -> Result<RecordBatch> {
        let mut parts = Vec::new();
        for plan in self.keyed_plans()? {
            for batch in run.execute(plan)? {
                parts.push(self.conform_to(&self.schema, &batch)?);
            }
        }
        Ok(concat_batches(&self.schema, &parts)?)
    }

    /// Rows for these keys.
    pub(crate) fn run_keyed(&self, run: &Arc<Run>) -> Result<RecordBatch> {
        let mut parts = Vec::new();
        for plan in self.keyed_plans()? {
            parts.extend(self.conformed(plan, run)?);
        }
        self.settle(&parts)
    }

    /// All rows: by chains where the blocks are small, which need next to no planning, by DataFusion's plans where they are large.
    pub(crate) fn run_whole(
        &self,
        session: &crate::lower::Session,
        run: &Arc<Run>,
        policy: &Policy,
    ) -> Result<RecordBatch> {
        let planned = OnceLock::new();
        let (mut plans, mut next): (Vec<Bound<'_>>, usize) = (Vec::new(), 0);
        for (number, branch) in self.branches.iter().enumerate() {
            let blocks = next..next + branch.blocks.len();
            next = blocks.end;
            match self.chains(blocks, run, policy) {
                Some(chains) => plans.extend(chains),
                None => plans.push((&self.planned(session, &planned)?[number], run.input.clone())),
            }
        }
        let of_plan = |(plan, input): &Bound<'_>| self.conformed(plan, &Arc::new(run.with_input(input.clone())));
        self.settle(&in_order(&plans, of_plan)?)
    }

    /// For these blocks the chains that yield all their rows, with what each starts from; `None` where a plan does better, or
    /// where no chain leads from one leaf to all others. A block that joins an empty relation has nothing to yield.
    fn chains(&self, blocks: Range<usize>, run: &Run, policy: &Policy) -> Option<Vec<Bound<'_>>> {
        if !self.keyed {
            return None;
        }
        let mut chains = Vec::new();
        for block in blocks {
            let is_inner = |of: &Occurrence| {
                of.block == block
                    && self.blocks().nth(block).is_some_and(|it| it.leaves[of.leaf].join == LeafJoin::Inner)
            };
            let leaves: Vec<(usize, &Occurrence)> =
                self.occurrences.iter().enumerate().filter(|(_, of)| is_inner(of)).collect();
            let rows = |of: &Occurrence| run.relation(of.relation, Version::New).len();
            if leaves.iter().any(|(_, of)| rows(of) == 0) {
                continue;
            }
            if !starts_from_a_leaf(leaves.iter().map(|(_, of)| rows(of)).sum(), policy) {
                return None;
            }
            let (plan, of) = leaves.iter().find_map(|(number, of)| Some((self.delta_plan(*number).ok()?, of)))?;
            for batch in run.relation(of.relation, Version::New).batches() {
                chains.push((plan, batch.columns().to_vec()));
            }
        }
        Some(chains)
    }

    /// All rows, by DataFusion's plans.
    pub(crate) fn run_full(&self, session: &crate::lower::Session, run: &Arc<Run>) -> Result<RecordBatch> {
        self.settle(&in_order(self.full_plans(session)?, |plan| self.conformed(plan, run))?)
    }

    /// Distinct, winner and linear order over computed rows (without `level`).
    pub(crate) fn settle(&self, parts: &[RecordBatch]) -> Result<RecordBatch> {
        let schema = self.computed_schema();
        let mut rows = concat_batches(&schema, parts)?;
        if self.blocks().any(|block| block.distinct) || self.level.is_some() {
            rows = distinct(&rows)?;
        }
        if let Some((group, order)) = &self.winner {
            rows = choose(&rows, group, order)?;
        }
        if let Some(linear) = &self.linear {
            rows = linearize(&rows, linear)?;
        }
        Ok(rows)
    }

    /// The schema without `level`.
    pub(crate) fn computed_schema(&self) -> SchemaRef {
        let columns: Vec<usize> = (0..self.width()).collect();
        Arc::new(self.schema.project(&columns).expect("the width is that of the schema"))
    }

    /// The keys among computed rows that a change of an occurrence touches.
    pub(crate) fn run_impact(&self, occurrence: usize, run: &Arc<Run>, keys: &mut RowSet) -> Result<()> {
        for batch in run.execute(self.impact_plan(occurrence)?)? {
            let columns = self
                .grain
                .iter()
                .enumerate()
                .map(|(at, &column)| Ok(cast(batch.column(at), self.schema.field(column).data_type())?))
                .collect::<Result<Vec<ArrayRef>>>()?;
            keys.extend(&columns);
        }
        Ok(())
    }

    /// What a plan yields, conformed.
    fn conformed(&self, plan: &Ready, run: &Arc<Run>) -> Result<Vec<RecordBatch>> {
        run.execute(plan)?.iter().map(|batch| self.conform(batch)).collect()
    }

    /// A batch with the columns and types of the view, without `level`.
    fn conform(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        self.conform_to(&self.computed_schema(), batch)
    }

    fn conform_to(&self, schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch> {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                let column = batch.column_by_name(field.name()).ok_or_else(|| {
                    EngineError::internal(Stage::Run, format!("`{}` lost its column `{}`", self.name, field.name()))
                })?;
                Ok(cast(column, field.data_type())?)
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }

    /// All candidates for these keys with their ranks and the rows they were joined from. With `wanted` only those up to the
    /// block that makes that row, whose ranks then mean nothing.
    pub(crate) fn run_candidates(&self, run: &Arc<Run>, wanted: Option<&RecordBatch>) -> Result<Candidates> {
        let plans = prepared(&self.prepared.explain, || {
            self.blocks()
                .map(|block| {
                    let keys = self.grain.iter().map(|&column| self.key(block, column)).collect::<Result<Vec<_>>>()?;
                    let version = |leaf: usize| self.read_version(block, leaf);
                    let mut wanted = self.ordered(block);
                    for leaf in block.leaves.iter().filter(|leaf| leaf.join == LeafJoin::Inner) {
                        for field in leaf.schema.fields() {
                            let column = Column::new(Some(leaf.alias.clone()), field.name().clone());
                            wanted.push((format!("{}.{}", leaf.alias, field.name()), Expr::Column(column)));
                        }
                    }
                    outward(&self.place, block, &Start::Keys(keys), Reach::Whole, &wanted, &version)
                })
                .collect()
        })?;
        let (mut parts, mut blocks, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
        // Where a row stands in a linear order, only all rows together can tell.
        let wanted = wanted.filter(|_| self.linear.is_none());
        for (number, (block, plan)) in self.blocks().zip(plans).enumerate() {
            let mut is_found = false;
            for batch in run.execute(plan)? {
                let rows = self.conform(&batch)?;
                for row in 0..batch.num_rows() {
                    blocks.push(number);
                    evidence.push(joined_rows(block, &batch, row, self.width())?);
                    is_found |= wanted.is_some_and(|wanted| self.is_row(&rows.slice(row, 1), wanted));
                }
                parts.push(rows);
            }
            if is_found {
                break;
            }
        }
        let mut rows = concat_batches(&self.computed_schema(), &parts)?;
        let mut stands = Vec::new();
        if let Some(linear) = &self.linear {
            (rows, stands) = placed(&rows, linear)?;
        }
        let ranks = match &self.winner {
            Some((group, order)) if rows.num_rows() > 0 => ranks(&rows, group, order)?,
            None if self.linear.is_some() => stands.into_iter().map(|stands| u32::from(!stands)).collect(),
            _ => vec![0; rows.num_rows()],
        };
        Ok(Candidates { rows, ranks, blocks, evidence })
    }

    /// True if a computed row is the same as a stored one, whatever its level.
    pub(crate) fn is_row(&self, computed: &RecordBatch, stored: &RecordBatch) -> bool {
        (0..self.width()).all(|column| computed.column(column) == stored.column(column))
    }
}

fn joined_rows(block: &Block, batch: &RecordBatch, row: usize, width: usize) -> Result<Vec<(usize, RecordBatch)>> {
    let mut at = width;
    let mut joined = Vec::new();
    for leaf in block.leaves.iter().filter(|leaf| leaf.join == LeafJoin::Inner) {
        let columns = (0..leaf.schema.fields().len()).map(|n| batch.column(at + n).slice(row, 1)).collect();
        at += leaf.schema.fields().len();
        joined.push((leaf.relation, RecordBatch::try_new(leaf.schema.clone(), columns)?));
    }
    Ok(joined)
}

/// What all of these yield, worked on side by side and put together in their order.
fn in_order<T: Sync>(of: &[T], run: impl Fn(&T) -> Result<Vec<RecordBatch>> + Sync + Send) -> Result<Vec<RecordBatch>> {
    let found: Vec<Result<Vec<RecordBatch>>> = of.par_iter().map(run).collect();
    let mut parts = Vec::new();
    for batches in found {
        parts.extend(batches?);
    }
    Ok(parts)
}

/// The first of each set of equal rows.
pub(crate) fn distinct(rows: &RecordBatch) -> Result<RecordBatch> {
    let picks = firsts(rows);
    if picks.len() == rows.num_rows() {
        return Ok(rows.clone());
    }
    Ok(take_record_batch(rows, &UInt32Array::from(picks))?)
}

/// The value of a cell, built by the first who needs it.
fn prepared<T>(cell: &OnceLock<T>, build: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let value = build()?;
    Ok(cell.get_or_init(|| value))
}
