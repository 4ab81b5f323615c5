//! The index look-up join: for each row of the input, the rows of an indexed relation that equal it in some columns.
//!
//! Cost follows the input and the answers, never the relation.

use std::fmt::{self, Display};
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::{SchemaRef, UInt32Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use super::{Run, Version, properties};

/// What becomes of an input row and its matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LookUpKind {
    /// One output row for each match.
    Inner,
    /// As inner; an input row without a match stays, with nulls.
    Left,
    /// Input rows with a match.
    Semi,
    /// Input rows without a match.
    Anti,
}

/// What is looked up.
#[derive(Clone, Debug)]
pub(crate) struct LookUpSpec {
    /// Name, for people.
    pub(crate) name: String,
    /// Number in the snapshot.
    pub(crate) relation: usize,
    /// Version to read.
    pub(crate) version: Version,
    /// Position of the column `level`, for [`Version::Below`].
    pub(crate) level: Option<usize>,
    /// Expressions over the input and the columns of the relation that they must equal.
    pub(crate) on: Vec<(Arc<dyn PhysicalExpr>, usize)>,
    /// Columns of the relation that the output (and the residual) needs.
    pub(crate) columns: Vec<usize>,
    /// Predicate over input and fetched columns that a match must fulfil.
    pub(crate) residual: Option<Arc<dyn PhysicalExpr>>,
    /// Kind.
    pub(crate) kind: LookUpKind,
    /// Input columns and fetched columns (the schema of the residual).
    pub(crate) joined: SchemaRef,
    /// The columns of `on`, and those of the index that serves them, once a run has asked.
    pub(crate) indexed: OnceLock<(Vec<usize>, Vec<usize>)>,
}

#[derive(Debug)]
pub(crate) struct LookUpExec {
    input: Arc<dyn ExecutionPlan>,
    spec: Arc<LookUpSpec>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
}

impl LookUpExec {
    pub(crate) fn new(input: Arc<dyn ExecutionPlan>, spec: LookUpSpec) -> Self {
        let schema = match spec.kind {
            LookUpKind::Inner | LookUpKind::Left => spec.joined.clone(),
            LookUpKind::Semi | LookUpKind::Anti => input.schema(),
        };
        let properties = properties(&schema);
        LookUpExec { input, spec: Arc::new(spec), schema, properties }
    }

    /// What it does to a batch, without its input.
    pub(super) fn step(&self) -> LookUpStep {
        LookUpStep { spec: self.spec.clone(), schema: self.schema.clone() }
    }
}

/// A look-up as a step of a chain.
#[derive(Debug)]
pub(super) struct LookUpStep {
    spec: Arc<LookUpSpec>,
    schema: SchemaRef,
}

impl LookUpStep {
    /// The relation and the columns that are looked up: the index that it needs.
    pub(super) fn index(&self) -> (usize, Vec<usize>) {
        (self.spec.relation, self.spec.on.iter().map(|(_, column)| *column).collect())
    }

    /// The output for one batch of the input; `None` where there is none.
    pub(super) fn probe(&self, input: &RecordBatch, run: &Run) -> Result<Option<RecordBatch>> {
        let spec = self.spec.as_ref();
        let relation = run.relation(spec.relation, spec.version);
        let rows = input.num_rows();
        let keys = spec
            .on
            .iter()
            .map(|(expr, _)| expr.evaluate(input)?.into_array(rows))
            .collect::<Result<Vec<ArrayRef>>>()?;
        let (columns, by) = spec.indexed.get_or_init(|| {
            let columns: Vec<usize> = spec.on.iter().map(|(_, column)| *column).collect();
            let by = relation.indexed_by(&columns);
            (columns, by)
        });
        let (mut probes, mut found) = relation.look_up_by(by, columns, &keys);
        if let (Version::Below, Some(level)) = (spec.version, spec.level) {
            let levels = relation.gather(level, &found);
            let levels = levels.as_primitive::<UInt32Type>().values();
            let kept: Vec<usize> = (0..found.len()).filter(|&at| levels[at] < run.below).collect();
            probes = kept.iter().map(|&at| probes[at]).collect();
            found = kept.iter().map(|&at| found[at]).collect();
        }
        if probes.is_empty() {
            // Most keys of an edit end here: nothing is fetched for them.
            match spec.kind {
                LookUpKind::Inner | LookUpKind::Semi => return Ok(None),
                LookUpKind::Anti => return Ok(Some(input.clone())),
                LookUpKind::Left => {}
            }
        }
        let needs_columns = spec.residual.is_some() || matches!(spec.kind, LookUpKind::Inner | LookUpKind::Left);
        let mut probes = UInt32Array::from(probes);
        let mut joined = None;
        if needs_columns {
            let mut arrays =
                input.columns().iter().map(|column| Ok(take(column, &probes, None)?)).collect::<Result<Vec<_>>>()?;
            arrays.extend(spec.columns.iter().map(|&column| relation.gather(column, &found)));
            let options = RecordBatchOptions::new().with_row_count(Some(probes.len()));
            let mut batch = RecordBatch::try_new_with_options(spec.joined.clone(), arrays, &options)?;
            if let Some(residual) = &spec.residual {
                let kept = residual.evaluate(&batch)?.into_array(batch.num_rows())?;
                let kept = kept.as_boolean();
                probes = arrow::compute::filter(&probes, kept)?.as_primitive::<UInt32Type>().clone();
                batch = filter_record_batch(&batch, kept)?;
            }
            joined = Some(batch);
        }
        match spec.kind {
            LookUpKind::Inner => {
                joined.map(Some).ok_or_else(|| unreachable!("an inner look-up always fetches its columns"))
            }
            LookUpKind::Semi | LookUpKind::Anti => {
                let mut matched = vec![false; rows];
                for &probe in probes.values() {
                    matched[probe as usize] = true;
                }
                let wanted = spec.kind == LookUpKind::Semi;
                let mask: BooleanArray = matched.into_iter().map(|is| Some(is == wanted)).collect();
                Ok(Some(filter_record_batch(input, &mask)?))
            }
            LookUpKind::Left => {
                let joined = joined.expect("an outer look-up always fetches its columns");
                let mut matched = vec![false; rows];
                for &probe in probes.values() {
                    matched[probe as usize] = true;
                }
                let lonely: UInt32Array = (0..rows as u32).filter(|&row| !matched[row as usize]).collect();
                let width = input.num_columns();
                let arrays = (0..joined.num_columns())
                    .map(|column| {
                        let present = joined.column(column);
                        let absent = if column < width {
                            take(input.column(column), &lonely, None)?
                        } else {
                            arrow::array::new_null_array(present.data_type(), lonely.len())
                        };
                        Ok(arrow::compute::concat(&[present.as_ref(), absent.as_ref()])?)
                    })
                    .collect::<Result<Vec<ArrayRef>>>()?;
                Ok(Some(RecordBatch::try_new(self.schema.clone(), arrays)?))
            }
        }
    }
}

impl fmt::Display for LookUpStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

impl fmt::Display for LookUpSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on: Vec<String> = self.on.iter().map(|(expr, column)| format!("{expr} = #{column}")).collect();
        write!(f, "LookUp {:?}: {} ({:?}), on=[{}]", self.kind, self.name, self.version, on.join(", "))?;
        match &self.residual {
            Some(residual) => write!(f, ", where {residual}"),
            None => Ok(()),
        }
    }
}

impl DisplayAs for LookUpExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.spec.fmt(f)
    }
}

impl ExecutionPlan for LookUpExec {
    fn name(&self) -> &str {
        "LookUpExec"
    }
    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }
    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for (expr, _) in &self.spec.on {
            if f(expr)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        match &self.spec.residual {
            Some(residual) => f(residual),
            None => Ok(TreeNodeRecursion::Continue),
        }
    }
    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(LookUpExec {
            input: children.remove(0),
            spec: self.spec.clone(),
            schema: self.schema.clone(),
            properties: self.properties.clone(),
        }))
    }
    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let run = Run::of(&context)?;
        let (step, schema) = (self.step(), self.schema.clone());
        let probed = move |batch: Result<RecordBatch>| {
            Ok(step.probe(&batch?, &run)?.unwrap_or_else(|| RecordBatch::new_empty(step.schema.clone())))
        };
        let stream = self.input.execute(partition, context)?.map(probed);
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, stream)))
    }
}
