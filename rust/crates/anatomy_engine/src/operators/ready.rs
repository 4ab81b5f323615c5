//! Plans as they are run: a chain of look-ups without a stream, or a plan of DataFusion's.
//!
//! Keyed, impact and delta plans are chains: an input, then look-ups, filters and projections. Each step maps one batch to
//! one batch, so a chain needs no task, no stream and no reset, and it ends at the first step that leaves no row. That is what
//! a refresh does most: it asks every rule about a few keys, and nearly all of them have nothing to say.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr, displayable};

use super::look_up::{LookUpExec, LookUpStep};
use super::{InputExec, Run};

/// A prepared plan. Of a chain only its steps are kept: the operators that it was read from weigh several times as much.
#[derive(Debug)]
pub(crate) enum Ready {
    /// A chain of look-ups.
    Chain(Chain),
    /// Any other plan.
    Plan(Arc<dyn ExecutionPlan>),
}

/// The steps of a plan that is a chain.
#[derive(Debug)]
pub(crate) struct Chain {
    input: SchemaRef,
    what: String,
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    LookUp(LookUpStep),
    Filter(Arc<dyn PhysicalExpr>),
    Project(Vec<Arc<dyn PhysicalExpr>>, SchemaRef),
}

impl Ready {
    pub(crate) fn new(plan: Arc<dyn ExecutionPlan>) -> Ready {
        Chain::of(&plan).map_or(Ready::Plan(plan), Ready::Chain)
    }

    /// The look-ups of the plan: (relation, columns), which are the indexes that it needs.
    pub(crate) fn look_ups(&self, into: &mut Vec<(usize, Vec<usize>)>) {
        match self {
            Ready::Plan(_) => {}
            Ready::Chain(chain) => into.extend(chain.steps.iter().filter_map(|step| match step {
                Step::LookUp(look_up) => Some(look_up.index()),
                Step::Filter(_) | Step::Project(..) => None,
            })),
        }
    }

    /// The operators, the last one first, as DataFusion shows them.
    pub(crate) fn text(&self) -> String {
        match self {
            Ready::Plan(plan) => displayable(plan.as_ref()).indent(false).to_string(),
            Ready::Chain(chain) => chain.text(),
        }
    }
}

impl Chain {
    /// The chain that a plan is; `None` if it is none.
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Chain> {
        if let Some(input) = plan.downcast_ref::<InputExec>() {
            return Some(Chain { input: plan.schema(), what: input.what().to_owned(), steps: Vec::new() });
        }
        let step = if let Some(look_up) = plan.downcast_ref::<LookUpExec>() {
            Step::LookUp(look_up.step())
        } else if let Some(filter) = plan.downcast_ref::<FilterExec>().filter(|filter| filter.projection().is_none()) {
            Step::Filter(filter.predicate().clone())
        } else {
            let projection = plan.downcast_ref::<ProjectionExec>()?;
            Step::Project(projection.expr().iter().map(|of| of.expr.clone()).collect(), plan.schema())
        };
        let [child] = plan.children()[..] else { return None };
        let mut chain = Chain::of(child)?;
        chain.steps.push(step);
        Some(chain)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (depth, step) in self.steps.iter().rev().enumerate() {
            let line = match step {
                Step::LookUp(look_up) => look_up.to_string(),
                Step::Filter(predicate) => format!("FilterExec: {predicate}"),
                Step::Project(exprs, schema) => {
                    let named = exprs.iter().zip(schema.fields()).map(|(expr, of)| format!("{expr} as {}", of.name()));
                    format!("ProjectionExec: expr=[{}]", named.collect::<Vec<_>>().join(", "))
                }
            };
            writeln!(text, "{:1$}{line}", "", depth * 2).expect("a text takes all that is written");
        }
        writeln!(text, "{:1$}Input: {2}", "", self.steps.len() * 2, self.what)
            .expect("a text takes all that is written");
        text
    }

    /// Its rows; `None` where there are none.
    pub(super) fn run(&self, run: &Run) -> Result<Option<RecordBatch>> {
        let mut batch = run.input_batch(&self.input)?;
        for step in &self.steps {
            if batch.num_rows() == 0 {
                return Ok(None);
            }
            batch = match step {
                Step::LookUp(look_up) => match look_up.probe(&batch, run)? {
                    Some(batch) => batch,
                    None => return Ok(None),
                },
                Step::Filter(predicate) => {
                    let kept = predicate.evaluate(&batch)?.into_array(batch.num_rows())?;
                    let kept = kept.as_boolean();
                    if kept.true_count() == 0 {
                        return Ok(None);
                    }
                    filter_record_batch(&batch, kept)?
                }
                Step::Project(exprs, schema) => {
                    let columns = exprs
                        .iter()
                        .map(|expr| expr.evaluate(&batch)?.into_array(batch.num_rows()))
                        .collect::<Result<Vec<_>>>()?;
                    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                    RecordBatch::try_new_with_options(schema.clone(), columns, &options)?
                }
            };
        }
        Ok((batch.num_rows() > 0).then_some(batch))
    }
}
