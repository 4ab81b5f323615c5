//! Plans as they are run: a chain of look-ups without a stream, or a plan of DataFusion's.
//!
//! Keyed, impact and delta plans are chains: an input, then look-ups, filters and projections. Each step maps one batch to
//! one batch, so a chain needs no task, no stream and no reset, and it ends at the first step that leaves no row. That is what
//! a refresh does most: it asks every rule about a few keys, and nearly all of them have nothing to say.

use std::ops::Deref;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::look_up::{LookUpExec, LookUpStep};
use super::{InputExec, Run};

/// A prepared plan.
#[derive(Debug)]
pub(crate) struct Ready {
    plan: Arc<dyn ExecutionPlan>,
    chain: Option<Chain>,
}

/// The steps of a plan that is a chain.
#[derive(Debug)]
pub(super) struct Chain {
    input: SchemaRef,
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
        Ready { chain: Chain::of(&plan), plan }
    }

    pub(super) fn chain(&self) -> Option<&Chain> {
        self.chain.as_ref()
    }
}

impl Deref for Ready {
    type Target = Arc<dyn ExecutionPlan>;

    fn deref(&self) -> &Arc<dyn ExecutionPlan> {
        &self.plan
    }
}

impl Chain {
    /// The chain that a plan is; `None` if it is none.
    fn of(plan: &Arc<dyn ExecutionPlan>) -> Option<Chain> {
        if plan.downcast_ref::<InputExec>().is_some() {
            return Some(Chain { input: plan.schema(), steps: Vec::new() });
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

    /// Its rows; `None` where there are none.
    pub(super) fn run(&self, run: &Run) -> Result<Option<RecordBatch>> {
        let mut batch = RecordBatch::try_new(self.input.clone(), run.input.clone())?;
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
