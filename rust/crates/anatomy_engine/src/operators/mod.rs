//! The physical operators that DataFusion does not have: late-bound leaves, index look-up joins, the winner, and linear order.
//!
//! A prepared plan holds no data. What it reads is bound for each run through the [`Run`] that the task context carries,
//! so that one plan serves every edit, every level of a recursion and any number of readers at once.

mod bounds;
mod leaf;
mod limit;
mod linear;
mod look_up;
mod ready;
mod winner;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning};
use datafusion::physical_plan::PlanProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, reset_plan_states};
use datafusion::prelude::SessionConfig;
use futures::TryStreamExt;
use tokio::runtime::{Builder, Runtime};

use crate::policy::BATCH_ROWS;
use crate::store::{Relation, Snapshot};

pub(crate) use bounds::Bounds;
pub(crate) use leaf::{InputExec, LeafExec};
pub(crate) use limit::{Limit, within};
pub(crate) use linear::{Linear, linearize, placed};
pub(crate) use look_up::{LookUpExec, LookUpKind, LookUpSpec};
pub(crate) use ready::Ready;
pub(crate) use winner::{OrderKey, choose, ranks};

/// Which version of a relation a leaf reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// The snapshot before the change.
    Old,
    /// The snapshot after the change.
    New,
    /// The snapshot after the change, only rows whose `level` lies below [`Run::below`].
    Below,
}

/// What one run of a prepared plan reads.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Snapshot before the change.
    pub(crate) old: Arc<Snapshot>,
    /// Snapshot after the change.
    pub(crate) new: Arc<Snapshot>,
    /// Keys or delta rows, for [`InputExec`].
    pub(crate) input: Vec<ArrayRef>,
    /// Bound of levels for [`Version::Below`].
    pub(crate) below: u32,
}

impl Run {
    pub(crate) fn relation(&self, number: usize, version: Version) -> &Arc<Relation> {
        match version {
            Version::Old => self.old.relation(number),
            Version::New | Version::Below => self.new.relation(number),
        }
    }

    /// The same with another input.
    pub(crate) fn with_input(&self, input: Vec<ArrayRef>) -> Run {
        Run { old: self.old.clone(), new: self.new.clone(), input, below: self.below }
    }

    /// What the run brings.
    fn input_batch(&self, schema: &SchemaRef) -> Result<RecordBatch> {
        Ok(RecordBatch::try_new(schema.clone(), self.input.clone())?)
    }

    /// The run that a task context carries.
    pub(crate) fn of(context: &TaskContext) -> Result<Arc<Run>> {
        context
            .session_config()
            .get_extension::<Run>()
            .ok_or_else(|| DataFusionError::Internal("a prepared plan was executed without its run".to_owned()))
    }

    /// Executes a prepared plan on the calling thread and returns its batches in partition order.
    pub(crate) fn execute(self: &Arc<Run>, plan: &Ready) -> Result<Vec<RecordBatch>> {
        let plan = match plan {
            Ready::Chain(chain) => return Ok(chain.run(self)?.into_iter().collect()),
            Ready::Plan(plan) => plan,
        };
        // Some of DataFusion's operators (unions) start tasks, which need a runtime even on one thread.
        thread_local! {
            static RUNTIME: std::io::Result<Runtime> = Builder::new_current_thread().build();
        }
        let context = task_context(self.clone());
        let plan = reset_plan_states(Arc::clone(plan))?;
        let mut batches = Vec::new();
        RUNTIME.with(|runtime| {
            let runtime = runtime.as_ref().map_err(|error| DataFusionError::Execution(error.to_string()))?;
            runtime.block_on(async {
                for partition in 0..plan.properties().output_partitioning().partition_count() {
                    let found: Vec<RecordBatch> = plan.execute(partition, context.clone())?.try_collect().await?;
                    batches.extend(found.into_iter().filter(|batch| batch.num_rows() > 0));
                }
                Ok::<(), DataFusionError>(())
            })
        })?;
        Ok(batches)
    }
}

/// A task context that carries a run. The runtime and the base configuration are made once: building them anew costs
/// more than a small plan.
fn task_context(run: Arc<Run>) -> Arc<TaskContext> {
    static BASE: LazyLock<(SessionConfig, Arc<RuntimeEnv>)> =
        LazyLock::new(|| (SessionConfig::new().with_batch_size(BATCH_ROWS), Arc::default()));
    Arc::new(TaskContext::new(
        None,
        String::new(),
        BASE.0.clone().with_extension(run),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        BASE.1.clone(),
    ))
}

pub(crate) fn properties(schema: &SchemaRef) -> Arc<PlanProperties> {
    Arc::new(PlanProperties::new(
        EquivalenceProperties::new(schema.clone()),
        Partitioning::UnknownPartitioning(1),
        EmissionType::Incremental,
        Boundedness::Bounded,
    ))
}
