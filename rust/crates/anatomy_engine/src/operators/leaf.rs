//! Leaves that are bound late: a relation of the run's snapshot, or the run's own input rows.

use std::fmt;
use std::sync::Arc;

use arrow::array::UInt32Array;
use arrow::array::{AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::filter_record_batch;
use arrow::compute::kernels::cmp::lt;
use arrow::datatypes::SchemaRef;
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::stream;

use super::{Run, Version, properties};

/// All rows of a relation, some of its columns. The column `level` bounds [`Version::Below`].
#[derive(Debug)]
pub(crate) struct LeafExec {
    name: String,
    relation: usize,
    version: Version,
    level: Option<usize>,
    columns: Vec<usize>,
    rows: usize,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl LeafExec {
    pub(crate) fn new(
        name: &str,
        relation: usize,
        version: Version,
        level: Option<usize>,
        columns: Vec<usize>,
        rows: usize,
        schema: SchemaRef,
    ) -> Self {
        let properties = properties(&schema);
        LeafExec { name: name.to_owned(), relation, version, level, columns, rows, schema, properties }
    }
}

impl DisplayAs for LeafExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "Leaf: {} ({:?}), columns=[{}]", self.name, self.version, columns.join(", "))
    }
}

impl ExecutionPlan for LeafExec {
    fn name(&self) -> &str {
        "LeafExec"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }
    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }
    fn partition_statistics(&self, _: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Inexact(self.rows);
        Ok(Arc::new(statistics))
    }
    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let run = Run::of(&context)?;
        let mut batches = Vec::new();
        for mut batch in run.relation(self.relation, self.version).batches() {
            if let (Version::Below, Some(level)) = (self.version, self.level) {
                let mask = lt(
                    batch.column(level).as_primitive::<arrow::datatypes::UInt32Type>(),
                    &UInt32Array::new_scalar(run.below),
                )?;
                batch = filter_record_batch(&batch, &mask)?;
            }
            let columns = self.columns.iter().map(|&column| batch.column(column).clone()).collect();
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
            for start in (0..batch.num_rows()).step_by(crate::policy::BATCH_ROWS) {
                batches.push(Ok(batch.slice(start, crate::policy::BATCH_ROWS.min(batch.num_rows() - start))));
            }
        }
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream::iter(batches))))
    }
}

/// The rows that the run brings: keys to restrict to, or the rows of a delta.
#[derive(Debug)]
pub(crate) struct InputExec {
    what: String,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl InputExec {
    pub(crate) fn new(what: String, schema: SchemaRef) -> Self {
        let properties = properties(&schema);
        InputExec { what, schema, properties }
    }

    /// What the run brings, for people.
    pub(super) fn what(&self) -> &str {
        &self.what
    }
}

impl DisplayAs for InputExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Input: {}", self.what)
    }
}

impl ExecutionPlan for InputExec {
    fn name(&self) -> &str {
        "InputExec"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![]
    }
    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }
    fn execute(&self, _: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let run = Run::of(&context)?;
        let batch = run.input_batch(&self.schema);
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream::iter([batch]))))
    }
}
