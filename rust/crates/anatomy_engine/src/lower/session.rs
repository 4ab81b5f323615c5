//! The session in which rules are planned: its catalog holds relations by number, its scans are late-bound leaves.

use std::sync::Arc;

use anatomy_facts::{ErrorCode, Stage};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::error::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::optimizer::Optimizer;
use datafusion::optimizer::simplify_expressions::SimplifyExpressions;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;

use crate::error::{EngineError, Result};
use crate::operators::{LeafExec, Version};

/// One relation of the catalog.
#[derive(Clone, Debug)]
pub(crate) struct CatalogEntry {
    pub(crate) name: String,
    pub(crate) number: usize,
    pub(crate) schema: SchemaRef,
    /// Position of `level` in a recursive relation.
    pub(crate) level: Option<usize>,
    /// Rows when planned, a hint for join order.
    pub(crate) rows: usize,
}

#[derive(Debug)]
struct LateTable {
    entry: CatalogEntry,
    version: Version,
}

#[async_trait::async_trait]
impl TableProvider for LateTable {
    fn schema(&self) -> SchemaRef {
        self.entry.schema.clone()
    }
    fn table_type(&self) -> TableType {
        TableType::Base
    }
    async fn scan(
        &self,
        _: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.entry.schema.fields().len()).collect());
        let schema = Arc::new(self.entry.schema.project(&columns)?);
        Ok(Arc::new(LeafExec::new(
            &self.entry.name,
            self.entry.number,
            self.version,
            self.entry.level,
            columns,
            self.entry.rows,
            schema,
        )))
    }
}

/// Plans SQL over the relations of a program.
pub(crate) struct Session {
    context: SessionContext,
}

/// A configuration whose plans may be run again and again: one partition, no shared dynamic filters.
fn prepared_config() -> SessionConfig {
    let mut config = SessionConfig::new().with_target_partitions(1).with_batch_size(crate::policy::BATCH_ROWS);
    let optimizer = &mut config.options_mut().optimizer;
    optimizer.enable_dynamic_filter_pushdown = false;
    optimizer.enable_join_dynamic_filter_pushdown = false;
    optimizer.enable_topk_dynamic_filter_pushdown = false;
    optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    config
}

impl Session {
    pub(crate) fn new() -> Session {
        let context = SessionContext::new_with_config(prepared_config());
        for function in crate::functions::all() {
            context.register_udf(function.as_ref().clone());
        }
        Session { context }
    }

    /// Makes a relation known; `version` is what its scans in full plans read.
    pub(crate) fn register(&self, entry: CatalogEntry, version: Version) -> Result<()> {
        let name = entry.name.clone();
        self.context.deregister_table(name.as_str())?;
        self.context.register_table(name.as_str(), Arc::new(LateTable { entry, version }))?;
        Ok(())
    }

    /// The typed logical plan of a statement.
    pub(crate) fn plan(&self, place: &str, statement: Statement) -> Result<LogicalPlan> {
        let refused = |error: datafusion::error::DataFusionError| {
            EngineError::compile(
                ErrorCode::RuleSql,
                place,
                error.strip_backtrace().lines().next().unwrap_or_default().to_owned(),
                "columns are `relation.column`; `codeanatomy plan` lists relations and their columns",
            )
        };
        // Read in place: a clone of the state copies every function that it knows, for each rule.
        let state = self.context.state_ref();
        let state = state.read();
        let plan = futures::executor::block_on(state.statement_to_plan(statement)).map_err(refused)?;
        let options = state.config_options().clone();
        state.analyzer().execute_and_check(plan, &options, |_, _| {}).map_err(refused)
    }

    /// The same plan with constants folded: what blocks are read from.
    pub(crate) fn simplified(&self, plan: LogicalPlan) -> Result<LogicalPlan> {
        let optimizer = Optimizer::with_rules(vec![Arc::new(SimplifyExpressions::new())]);
        Ok(optimizer.optimize(plan, &*self.context.state_ref().read(), |_, _| {})?)
    }

    /// DataFusion's optimized logical and physical plan: the full form of a view.
    pub(crate) fn full(&self, plan: &LogicalPlan) -> Result<(LogicalPlan, Arc<dyn ExecutionPlan>)> {
        let state = self.context.state();
        let optimized = state.optimize(plan)?;
        let physical = futures::executor::block_on(state.query_planner().create_physical_plan(&optimized, &state))?;
        Ok((optimized, physical))
    }

    /// Whether SQL has a function of that name.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.context.state_ref().read().scalar_functions().contains_key(name)
    }

    /// Tables that a statement reads.
    pub(crate) fn tables(&self, statement: &Statement) -> Result<Vec<String>> {
        let references = self.context.state_ref().read().resolve_table_references(statement).map_err(|error| {
            EngineError::new(ErrorCode::RuleSql, Stage::Compile, error.strip_backtrace(), "check the SQL text")
        })?;
        Ok(references.into_iter().map(|reference| reference.table().to_owned()).collect())
    }
}
