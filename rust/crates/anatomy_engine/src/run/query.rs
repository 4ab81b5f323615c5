//! SQL over a snapshot, read-only: symbols come as text, every relation is a table, and nothing else is reachable.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use anatomy_facts::ColumnType;
use anatomy_facts::contract::field;
use anatomy_facts::{ErrorCode, Stage};
use anatomy_program::{Confidence, TableSpec, ViewKind};
use arrow::array::{ArrayRef, Float32Array, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::catalog::{Session as CatalogSession, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::collect;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::engine::Engine;
use crate::error::{EngineError, Result};
use crate::functions::{decode_symbols, decoded_schema, group_ids};
use crate::operators::Run;
use crate::plan::View;
use crate::store::{Relation, Snapshot};

/// What a query may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// More rows are cut off.
    pub rows: usize,
    /// What it may hold in memory at a time.
    pub bytes: usize,
    /// How long it may run.
    pub time: Duration,
}

impl Limits {
    /// The usual limits, with so many rows.
    #[must_use]
    pub fn of_rows(rows: usize) -> Limits {
        Limits { rows, bytes: 1 << 30, time: Duration::from_secs(30) }
    }
}

/// A relation of one snapshot with its symbols shown as text.
#[derive(Debug)]
struct SnapshotTable {
    relation: Arc<Relation>,
    provenance: Option<Provenance>,
    schema: SchemaRef,
}

/// What every row of a relationship says of its origin. What is the same for all rows is not stored but shown here.
#[derive(Clone, Debug)]
struct Provenance {
    rule_name: String,
    origin: String,
    score: f32,
    confidence: f32,
    /// Columns that name the contest of a row.
    group: Vec<usize>,
}

impl SnapshotTable {
    fn new(relation: Arc<Relation>, provenance: Option<Provenance>) -> Result<Self> {
        let stored = decoded_schema(relation.schema());
        let mut fields: Vec<FieldRef> = stored.fields().iter().cloned().collect();
        if provenance.is_some() {
            for (name, kind) in [
                ("rule_name", ColumnType::Text),
                ("score", ColumnType::Float),
                ("confidence", ColumnType::Float),
                ("origin", ColumnType::Text),
                ("ambiguity_group_id", ColumnType::Id),
            ] {
                if stored.index_of(name).is_err() {
                    fields.push(Arc::new(field(name, kind, "")));
                }
            }
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, stored.metadata().clone()));
        Ok(SnapshotTable { relation, provenance, schema })
    }

    /// One column of a stored batch, or of its provenance.
    fn column(&self, batch: &RecordBatch, column: usize) -> DataFusionResult<ArrayRef> {
        if column < batch.num_columns() {
            return Ok(decode_symbols(&batch.project(&[column])?)?.column(0).clone());
        }
        let Some(provenance) = &self.provenance else {
            return Err(DataFusionError::Internal("a column beyond the stored ones without provenance".to_owned()));
        };
        let rows = batch.num_rows();
        Ok(match self.schema.field(column).name().as_str() {
            "rule_name" => Arc::new(StringArray::from(vec![provenance.rule_name.as_str(); rows])),
            "origin" => Arc::new(StringArray::from(vec![provenance.origin.as_str(); rows])),
            "score" => Arc::new(Float32Array::from(vec![provenance.score; rows])),
            "confidence" => Arc::new(Float32Array::from(vec![provenance.confidence; rows])),
            _ => group_ids(&batch.project(&provenance.group)?)?,
        })
    }
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
        let schema = Arc::new(self.schema.project(&columns)?);
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
            let shown =
                columns.iter().map(|&column| self.column(&batch, column)).collect::<DataFusionResult<Vec<_>>>()?;
            let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            batches.push(RecordBatch::try_new_with_options(schema.clone(), shown, &options)?);
        }
        Ok(MemorySourceConfig::try_new_exec(&[batches], schema, None)?)
    }
}

impl Engine {
    /// All rows of a view that is not stored.
    pub(super) fn run_unstored(&self, view: &View, snapshot: &Snapshot) -> Result<Arc<Relation>> {
        let snapshot = Arc::new(snapshot.clone());
        let run = Arc::new(Run { old: snapshot.clone(), new: snapshot, input: vec![], below: 0 });
        Ok(Arc::new(Relation::of(view.schema.clone(), vec![view.run_full(&self.session, &run)?])))
    }

    /// The tables of the program that are filled later than evidence, each with the number of its relation.
    pub fn late_tables(&self) -> impl Iterator<Item = (usize, &TableSpec)> {
        (self.compiled.evidence..).zip(&self.program.tables)
    }

    /// A snapshot in which some views that keep no rows have theirs, and what these read. They may read tables that were filled
    /// after evidence; what keeps its rows stays as it is.
    ///
    /// # Errors
    /// What a view met while running.
    pub fn filled(&self, snapshot: &Snapshot, wanted: &dyn Fn(&str) -> bool) -> Result<Snapshot> {
        let mut needed: Vec<usize> = Vec::new();
        for view in self.compiled.views.iter().rev().filter(|view| !view.stored) {
            if wanted(&view.name) || needed.contains(&view.number) {
                needed.push(view.number);
                needed.extend(view.occurrences.iter().map(|of| of.relation));
            }
        }
        let mut filled = snapshot.clone();
        for view in self.compiled.views.iter().filter(|view| !view.stored && needed.contains(&view.number)) {
            filled.relations[view.number] = self.run_unstored(view, &filled)?;
        }
        Ok(filled)
    }

    fn provenance(&self, view: &View) -> Option<Provenance> {
        let spec = self.program.views.iter().find(|spec| spec.name == view.name)?;
        let relates = spec.kind == ViewKind::Relate
            || (spec.kind == ViewKind::Union && view.schema.index_of("confidence").is_ok());
        relates.then(|| Provenance {
            rule_name: spec.name.clone(),
            origin: spec.pack.clone(),
            score: spec.score.unwrap_or(0.0) as f32,
            confidence: match spec.confidence {
                Some(Confidence::Constant(value)) => value as f32,
                _ => 1.0,
            },
            group: view.winner.as_ref().map_or_else(|| view.grain.clone(), |(group, _)| group.clone()),
        })
    }

    /// The rows of a query over one snapshot, within limits. Extra tables (places, errors) are given by name.
    ///
    /// # Errors
    /// `query-refused` for anything but a query, `query-too-large` for one that meets a limit of time or memory, `query-failed`
    /// for one that does not plan or run.
    pub fn query(
        &self,
        snapshot: &Snapshot,
        extra: Vec<(String, RecordBatch)>,
        sql: &str,
        limits: Limits,
    ) -> Result<RecordBatch> {
        let too_large = |what: &str| {
            let hint = "ask for less: a condition, a smaller join, or a higher limit";
            EngineError::new(ErrorCode::QueryTooLarge, Stage::Answer, format!("the query {what}"), hint)
        };
        let failed = |error: datafusion::error::DataFusionError| {
            if matches!(error.find_root(), DataFusionError::ResourcesExhausted(_)) {
                return too_large(&format!("needs more than {} MB of memory", limits.bytes >> 20));
            }
            EngineError::new(
                ErrorCode::QueryFailed,
                Stage::Answer,
                error.strip_backtrace(),
                "`codeanatomy query \"SELECT table_name, column_name, data_type FROM information_schema.columns\"` lists all columns",
            )
        };
        let config = SessionConfig::new().with_information_schema(true).with_target_partitions(1);
        let memory = RuntimeEnvBuilder::new().with_memory_limit(limits.bytes, 1.0).build_arc().map_err(failed)?;
        let context = SessionContext::new_with_config_rt(config, memory);
        for function in crate::functions::all() {
            context.register_udf(function.as_ref().clone());
        }
        let snapshot = self.filled(snapshot, &|name| sql.contains(name))?;
        for (number, (name, _)) in self.compiled.relations.iter().enumerate() {
            let relation = snapshot.relation(number).clone();
            let provenance = self.view(name).and_then(|view| self.provenance(view));
            let table = SnapshotTable::new(relation, provenance)?;
            context.register_table(name.as_str(), Arc::new(table)).map_err(failed)?;
        }
        for (name, batch) in extra {
            let relation = Arc::new(Relation::of(batch.schema(), vec![batch]));
            let table = SnapshotTable::new(relation, None)?;
            context.register_table(name.as_str(), Arc::new(table)).map_err(failed)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| EngineError::internal(Stage::Answer, error.to_string()))?;
        runtime.block_on(async {
            let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
            let frame = match context.sql_with_options(&columns_quoted(sql), options).await {
                Ok(frame) => frame,
                Err(error) => {
                    let text = error.strip_backtrace();
                    let refused =
                        ["DDL", "DML", "Statement"].iter().any(|word| text.contains(&format!("{word} not supported")));
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
            let frame = frame.limit(0, Some(limits.rows)).map_err(failed)?;
            let schema: SchemaRef = Arc::new(frame.schema().as_arrow().clone());
            // Every operator gives way after some batches, joins that read nothing any more as well: that is when the clock is read.
            let task = Arc::new(frame.task_ctx());
            let plan = frame.create_physical_plan().await.map_err(failed)?;
            let polite = |node| Ok(Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>));
            let plan = plan.transform_up(polite).map_err(failed)?.data;
            let began = Instant::now();
            let mut running = pin!(collect(plan, task));
            let batches = std::future::poll_fn(|context| match began.elapsed() < limits.time {
                true => running.as_mut().poll(context).map_err(failed),
                false => Poll::Ready(Err(too_large(&format!("ran for {:.1} s", began.elapsed().as_secs_f64())))),
            })
            .await?;
            let schema = batches.first().map_or(schema, RecordBatch::schema);
            Ok(concat_batches(&schema, &batches)?)
        })
    }
}

/// Words that name columns of ours and mean something else to SQL.
const ALSO_COLUMNS: [&str; 3] = ["view", "end", "commit"];

/// A query in which such a word counts as a column where one may stand: in a list, after `BY` or `WHERE`, and behind a table and a dot.
fn columns_quoted(sql: &str) -> String {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return sql.to_owned() };
    let is_question = tokens.iter().find_map(|token| match token {
        Token::Word(word) => Some(matches!(word.keyword, Keyword::SELECT | Keyword::WITH)),
        _ => None,
    });
    if is_question != Some(true) {
        return sql.to_owned();
    }
    let mut quoted = String::with_capacity(sql.len());
    let mut may_be_column = false;
    for token in tokens {
        match &token {
            Token::Whitespace(_) => quoted.push_str(&token.to_string()),
            Token::Word(word) => {
                let is_ours = may_be_column && word.quote_style.is_none();
                match ALSO_COLUMNS.iter().find(|name| is_ours && word.value.eq_ignore_ascii_case(name)) {
                    Some(name) => quoted.push_str(&format!("\"{name}\"")),
                    None => quoted.push_str(&token.to_string()),
                }
                may_be_column = matches!(
                    word.keyword,
                    Keyword::SELECT
                        | Keyword::DISTINCT
                        | Keyword::BY
                        | Keyword::WHERE
                        | Keyword::ON
                        | Keyword::AND
                        | Keyword::OR
                );
            }
            _ => {
                may_be_column =
                    matches!(token, Token::Comma | Token::Period | Token::LParen | Token::Minus | Token::Plus);
                quoted.push_str(&token.to_string());
            }
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::columns_quoted;

    #[test]
    fn a_word_of_sql_may_name_a_column_and_keeps_its_own_meaning() {
        for (sql, seen) in [
            ("SELECT kind, view FROM t", "SELECT kind, \"view\" FROM t"),
            (
                "SELECT start, end, t.commit FROM t GROUP BY view",
                "SELECT start, \"end\", t.\"commit\" FROM t GROUP BY \"view\"",
            ),
            (
                "SELECT CASE WHEN a = 'view, end' THEN 1 ELSE 0 END FROM t",
                "SELECT CASE WHEN a = 'view, end' THEN 1 ELSE 0 END FROM t",
            ),
            ("CREATE VIEW v AS SELECT 1", "CREATE VIEW v AS SELECT 1"),
            ("COMMIT", "COMMIT"),
            ("SELECT 'open", "SELECT 'open"),
        ] {
            assert_eq!(columns_quoted(sql), seen);
        }
    }
}
