//! Chains of look-ups, run without a stream.
//!
//! Keyed, impact and delta plans are chains: an input, then look-ups, filters and projections. Each step maps one batch to
//! one batch, so a chain needs no task, no stream and no reset, and it ends at the first step that leaves no row. That is what
//! a refresh does most: it asks every rule about a few keys, and nearly all of them have nothing to say.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use datafusion::error::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

use super::look_up::LookUpExec;
use super::{InputExec, Run};

/// True for a plan that [`run_chain`] can run.
pub(super) fn is_chain(plan: &Arc<dyn ExecutionPlan>) -> bool {
    if plan.downcast_ref::<InputExec>().is_some() {
        return true;
    }
    let known = plan.downcast_ref::<LookUpExec>().is_some()
        || plan.downcast_ref::<ProjectionExec>().is_some()
        || plan.downcast_ref::<FilterExec>().is_some_and(|filter| filter.projection().is_none());
    known && matches!(plan.children().as_slice(), [child] if is_chain(child))
}

/// The rows of a chain; `None` where there are none.
pub(super) fn run_chain(plan: &Arc<dyn ExecutionPlan>, run: &Run) -> Result<Option<RecordBatch>> {
    if let Some(input) = plan.downcast_ref::<InputExec>() {
        return Ok(some(input.batch(run)?));
    }
    let [child] = plan.children()[..] else { return Ok(None) };
    let Some(batch) = run_chain(child, run)? else { return Ok(None) };
    if let Some(look_up) = plan.downcast_ref::<LookUpExec>() {
        return Ok(some(look_up.probe(&batch, run)?));
    }
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let kept = filter.predicate().evaluate(&batch)?.into_array(batch.num_rows())?;
        return Ok(some(filter_record_batch(&batch, kept.as_boolean())?));
    }
    let Some(projection) = plan.downcast_ref::<ProjectionExec>() else { return Ok(Some(batch)) };
    let columns = projection
        .expr()
        .iter()
        .map(|of| of.expr.evaluate(&batch)?.into_array(batch.num_rows()))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(some(RecordBatch::try_new_with_options(projection.schema(), columns, &options)?))
}

fn some(batch: RecordBatch) -> Option<RecordBatch> {
    (batch.num_rows() > 0).then_some(batch)
}
