//! SQL over a snapshot, read-only: symbols come as text, every relation is a table, and nothing else is reachable.

use std::sync::Arc;

use anatomy_facts::{ErrorCode, Stage};
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::engine::Engine;
use crate::error::{EngineError, Result};
use crate::functions::{decode_symbols, decoded_schema};
use crate::store::{Relation, Snapshot};

/// A relation of one snapshot with its symbols shown as text.
#[derive(Debug)]
struct SnapshotTable {
    relation: Arc<Relation>,
    schema: SchemaRef,
}

#[async_trait::async_trait]
impl TableProvider for SnapshotTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
    fn table_type(&self) -> TableType {
        TableType::Base
    }
    async fn scan(
        &self,
        _: &dyn CatalogSession,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let columns = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let mut batches = Vec::new();
        let mut rows = 0;
        for batch in self.relation.batches() {
            if limit.is_some_and(|limit| rows >= limit) {
                break;
            }
            let batch = match limit {
                Some(limit) if rows + batch.num_rows() > limit => batch.slice(0, limit - rows),
                _ => batch,
            };
            rows += batch.num_rows();
            batches.push(decode_symbols(&batch.project(&columns)?)?);
        }
        let schema = Arc::new(self.schema.project(&columns)?);
        Ok(MemorySourceConfig::try_new_exec(&[batches], schema, None)?)
    }
}

impl Engine {
    /// The rows of a query over one snapshot, at most `most` of them. Extra tables (places, errors) are given by name.
    ///
    /// # Errors
    /// `query-refused` for anything but a query, `query-failed` for one that does not plan or run.
    pub fn query(
        &self,
        snapshot: &Snapshot,
        extra: Vec<(String, RecordBatch)>,
        sql: &str,
        most: usize,
    ) -> Result<RecordBatch> {
        let failed = |error: datafusion::error::DataFusionError| {
            EngineError::new(
                ErrorCode::QueryFailed,
                Stage::Answer,
                error.strip_backtrace(),
                "`codeanatomy query \"SELECT table_name, column_name, data_type FROM information_schema.columns\"` lists all columns",
            )
        };
        let config = SessionConfig::new().with_information_schema(true).with_target_partitions(1);
        let context = SessionContext::new_with_config(config);
        for function in crate::functions::all() {
            context.register_udf(function.as_ref().clone());
        }
        for ((name, _), relation) in self.compiled.relations.iter().zip(&snapshot.relations) {
            let table = SnapshotTable { relation: relation.clone(), schema: decoded_schema(relation.schema()) };
            context.register_table(name.as_str(), Arc::new(table)).map_err(failed)?;
        }
        for (name, batch) in extra {
            let relation = Arc::new(Relation::of(batch.schema(), vec![batch]));
            let table = SnapshotTable { schema: decoded_schema(relation.schema()), relation };
            context.register_table(name.as_str(), Arc::new(table)).map_err(failed)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| EngineError::internal(Stage::Answer, error.to_string()))?;
        runtime.block_on(async {
            let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            let frame = match context.sql_with_options(sql, options).await {
                Ok(frame) => frame,
                Err(error) => {
                    let text = error.strip_backtrace();
                    let refused = ["DDL", "DML", "Statement"].iter().any(|word| text.contains(&format!("{word} not supported")));
                    return Err(match refused {
                        true => EngineError::new(
                            ErrorCode::QueryRefused,
                            Stage::Answer,
                            "only SELECT is allowed: the graph is read-only",
                            "write a SELECT",
                        ),
                        false => failed(error),
                    });
                }
            };
            let frame = frame.limit(0, Some(most)).map_err(failed)?;
            let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
            let batches = frame.collect().await.map_err(failed)?;
            let schema = batches.first().map_or(schema, RecordBatch::schema);
            Ok(concat_batches(&schema, &batches)?)
        })
    }
}
