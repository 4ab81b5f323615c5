//! Tables that hold places, made when a query asks for them, and the numbers that describe a graph.

use std::sync::Arc;

use anatomy_engine::{EngineError, Limits, Request, run_tables};
use anatomy_facts::contract::field;
use anatomy_facts::{AnchorKind, ColumnType, Symbol};
use arrow::array::{ArrayRef, RecordBatch, StringArray, UInt32Array, UInt64Array};
use arrow::datatypes::{Field, Schema};
use serde_json::{Map, Value, json};

use super::Answers;

impl Answers {
    /// The rows of a query, at most `most`; symbols as text.
    ///
    /// # Errors
    /// `query-refused`, `query-too-large`, `query-failed`.
    pub fn query(&self, sql: &str, most: usize) -> Result<RecordBatch, EngineError> {
        self.query_within(sql, Limits::of_rows(most))
    }

    fn query_within(&self, sql: &str, limits: Limits) -> Result<RecordBatch, EngineError> {
        let mut extra = Vec::new();
        let asks = |name: &str| sql.contains(name) || sql.contains("information_schema");
        if asks("anchors") {
            extra.push(("anchors".to_owned(), self.anchors_table()?));
        }
        if asks("ts_parse_errors") {
            extra.push(("ts_parse_errors".to_owned(), self.errors_table()?));
        }
        if asks("extract_errors") {
            extra.push(("extract_errors".to_owned(), self.extract_errors_table()?));
        }
        if asks("witness_runs") {
            extra.push(("witness_runs".to_owned(), self.witness_runs_table()?));
        }
        if asks("ts_changed_ranges") {
            extra.push(("ts_changed_ranges".to_owned(), self.changed_ranges_table()?));
        }
        for (name, rows) in self.environment.named() {
            if asks(name) {
                extra.push(((*name).to_owned(), rows.clone()));
            }
        }
        if asks("library_files") {
            extra.push(("library_files".to_owned(), self.library_files_table()?));
        }
        for name in run_tables() {
            if asks(name)
                && let Some(rows) = self.engine.run_table(name, &self.snapshot)?
            {
                extra.push((name.to_owned(), rows));
            }
        }
        let beside = self.witnesses.beside(&self.engine, &self.snapshot, &self.files);
        self.engine.query(&beside, extra, sql, limits)
    }

    /// The rows of a query as an Arrow IPC stream.
    ///
    /// # Errors
    /// `query-refused`, `query-too-large`, `query-failed`.
    pub fn query_stream(&self, sql: &str, limits: Limits) -> Result<Vec<u8>, EngineError> {
        let rows = self.query_within(sql, limits)?;
        let mut writer = arrow::ipc::writer::StreamWriter::try_new(Vec::new(), &rows.schema())?;
        writer.write(&rows)?;
        Ok(writer.into_inner()?)
    }

    fn sorted_files(&self) -> Vec<Symbol> {
        let mut files: Vec<Symbol> = self.files.keys().copied().collect();
        files.sort_by_key(|file| file.text());
        files
    }

    fn anchors_table(&self) -> Result<RecordBatch, EngineError> {
        let (mut ids, mut files, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        let mut numbers: [Vec<u32>; 5] = Default::default();
        for file in self.sorted_files() {
            let view = &self.files[&file];
            for anchor in view.anchors() {
                ids.push(anchor.id);
                files.push(file.0);
                kinds.push(match anchor.kind {
                    AnchorKind::Binding => "binding",
                    AnchorKind::Reference => "reference",
                    AnchorKind::Expression => "expression",
                    AnchorKind::Scope => "scope",
                });
                numbers[0].push(anchor.start);
                numbers[1].push(anchor.end);
                numbers[2].push(anchor.extent_start);
                numbers[3].push(anchor.extent_end);
                numbers[4].push(view.index().line_of(anchor.start) + 1);
            }
        }
        let [start, end, extent_start, extent_end, line] = numbers;
        table(
            vec![
                field("id", ColumnType::Id, ""),
                field("file", ColumnType::Symbol, "file"),
                field("kind", ColumnType::Text, ""),
                field("start", ColumnType::Int, ""),
                field("end", ColumnType::Int, ""),
                field("extent_start", ColumnType::Int, ""),
                field("extent_end", ColumnType::Int, ""),
                field("line", ColumnType::Int, ""),
            ],
            vec![
                Arc::new(UInt64Array::from(ids)),
                Arc::new(UInt32Array::from(files)),
                Arc::new(StringArray::from(kinds)),
                Arc::new(UInt32Array::from(start)),
                Arc::new(UInt32Array::from(end)),
                Arc::new(UInt32Array::from(extent_start)),
                Arc::new(UInt32Array::from(extent_end)),
                Arc::new(UInt32Array::from(line)),
            ],
        )
    }

    fn errors_table(&self) -> Result<RecordBatch, EngineError> {
        let mut files = Vec::new();
        let (mut codes, mut severities, mut kinds, mut messages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut numbers: [Vec<u32>; 3] = Default::default();
        for file in self.sorted_files() {
            let view = &self.files[&file];
            for error in &view.errors {
                files.push(file.0);
                codes.push(error.code.as_str());
                severities.push(if error.severity == anatomy_facts::Severity::Error { "error" } else { "warning" });
                kinds.push(error.node_kind);
                messages.push(error.message.as_str());
                numbers[0].push(error.start);
                numbers[1].push(error.end);
                numbers[2].push(view.index().line_of(error.start) + 1);
            }
        }
        let [start, end, line] = numbers;
        table(
            vec![
                field("file", ColumnType::Symbol, "file"),
                field("start", ColumnType::Int, ""),
                field("end", ColumnType::Int, ""),
                field("line", ColumnType::Int, ""),
                field("node_kind", ColumnType::Text, ""),
                field("severity", ColumnType::Text, ""),
                field("code", ColumnType::Text, ""),
                field("message", ColumnType::Text, ""),
            ],
            vec![
                Arc::new(UInt32Array::from(files)),
                Arc::new(UInt32Array::from(start)),
                Arc::new(UInt32Array::from(end)),
                Arc::new(UInt32Array::from(line)),
                Arc::new(StringArray::from(kinds)),
                Arc::new(StringArray::from(severities)),
                Arc::new(StringArray::from(codes)),
                Arc::new(StringArray::from(messages)),
            ],
        )
    }

    /// What could not be extracted or only in part: broken syntax, and witnesses that failed.
    fn extract_errors_table(&self) -> Result<RecordBatch, EngineError> {
        let errors = self.errors_table()?;
        let failed: Vec<_> = self
            .witnesses
            .of(&self.files)
            .into_iter()
            .filter_map(|(file, name, told)| Some((file, name, told.failure.as_ref()?)))
            .collect();
        let texts = |of: Vec<&str>| Arc::new(StringArray::from(of)) as ArrayRef;
        let zeros = || Arc::new(UInt32Array::from(vec![0; failed.len()])) as ArrayRef;
        let rows = vec![
            Arc::new(UInt32Array::from_iter_values(failed.iter().map(|(file, ..)| file.0))) as ArrayRef,
            zeros(),
            zeros(),
            Arc::new(UInt32Array::from(vec![1; failed.len()])),
            texts(vec![""; failed.len()]),
            texts(vec!["warning"; failed.len()]),
            texts(failed.iter().map(|(_, _, failure)| failure.code.as_str()).collect()),
            texts(failed.iter().map(|(_, _, failure)| failure.message.as_str()).collect()),
        ];
        let failures = RecordBatch::try_new(errors.schema(), rows)?;
        let mut columns = arrow::compute::concat_batches(&errors.schema(), [&errors, &failures])?.columns().to_vec();
        let mut names = vec!["tree_sitter"; errors.num_rows()];
        names.extend(failed.iter().map(|(_, name, _)| *name));
        let stages: Vec<&str> =
            names.iter().map(|name| if *name == "tree_sitter" { "parse" } else { "extract" }).collect();
        columns.extend([texts(names), texts(stages)]);
        let mut fields: Vec<Field> = errors.schema().fields().iter().map(|of| of.as_ref().clone()).collect();
        fields.extend([field("witness", ColumnType::Text, ""), field("stage", ColumnType::Text, "")]);
        table(fields, columns)
    }

    /// Which witness was heard about which file, as long as the text is the one that it was asked about.
    fn witness_runs_table(&self) -> Result<RecordBatch, EngineError> {
        let said = self.witnesses.of(&self.files);
        let texts = |of: Vec<&str>| Arc::new(StringArray::from(of)) as ArrayRef;
        let status =
            said.iter().map(|(_, _, told)| told.failure.as_ref().map_or("ok", |failure| failure.code.as_str()));
        table(
            vec![
                field("file", ColumnType::Symbol, "file"),
                field("witness", ColumnType::Text, ""),
                field("status", ColumnType::Text, ""),
                field("stamp", ColumnType::Id, ""),
                field("micros", ColumnType::Id, ""),
            ],
            vec![
                Arc::new(UInt32Array::from_iter_values(said.iter().map(|(file, ..)| file.0))),
                texts(said.iter().map(|(_, name, _)| *name).collect()),
                texts(status.collect()),
                Arc::new(UInt64Array::from_iter_values(said.iter().map(|(_, _, told)| told.stamp))),
                Arc::new(UInt64Array::from_iter_values(said.iter().map(|(_, _, told)| told.micros))),
            ],
        )
    }

    fn library_files_table(&self) -> Result<RecordBatch, EngineError> {
        let mut numbers: [Vec<u32>; 2] = Default::default();
        let mut texts: [Vec<&str>; 3] = Default::default();
        for file in self.sorted_files() {
            let view = &self.files[&file];
            let Some(origin) = &view.origin else { continue };
            numbers[0].push(file.0);
            numbers[1].push(view.module.0);
            texts[0].push(&origin.distribution);
            texts[1].push(&origin.version);
            texts[2].push(&origin.source);
        }
        let [file, module] = numbers;
        let [distribution, version, source] = texts;
        table(
            vec![
                field("file", ColumnType::Symbol, "file"),
                field("module", ColumnType::Symbol, "module"),
                field("distribution", ColumnType::Text, ""),
                field("version", ColumnType::Text, ""),
                field("source", ColumnType::Text, ""),
            ],
            vec![
                Arc::new(UInt32Array::from(file)),
                Arc::new(UInt32Array::from(module)),
                Arc::new(StringArray::from(distribution)),
                Arc::new(StringArray::from(version)),
                Arc::new(StringArray::from(source)),
            ],
        )
    }

    fn changed_ranges_table(&self) -> Result<RecordBatch, EngineError> {
        let mut files = Vec::new();
        let mut numbers: [Vec<u32>; 2] = Default::default();
        let (mut structural, mut versions) = (Vec::new(), Vec::new());
        for file in self.sorted_files() {
            let view = &self.files[&file];
            for range in &view.changed_ranges {
                files.push(file.0);
                numbers[0].push(range.start);
                numbers[1].push(range.end);
                structural.push(range.structural);
                versions.push(view.version.unwrap_or_default().unsigned_abs());
            }
        }
        let [start, end] = numbers;
        table(
            vec![
                field("file", ColumnType::Symbol, "file"),
                field("start", ColumnType::Int, ""),
                field("end", ColumnType::Int, ""),
                field("structural", ColumnType::Bool, ""),
                field("version", ColumnType::Id, ""),
            ],
            vec![
                Arc::new(UInt32Array::from(files)),
                Arc::new(UInt32Array::from(start)),
                Arc::new(UInt32Array::from(end)),
                Arc::new(arrow::array::BooleanArray::from(structural)),
                Arc::new(UInt64Array::from(versions)),
            ],
        )
    }

    /// Files, nodes and edges by kind, rows and bytes by table.
    ///
    /// # Errors
    /// What the queries behind the counts met.
    pub fn stats(&self) -> Result<Value, EngineError> {
        let mut tables = Map::new();
        for (number, name) in self.engine.relation_names().into_iter().enumerate() {
            let relation = self.snapshot.relation(number);
            let indexes = relation.index_bytes();
            let index_bytes: usize = indexes.values().sum();
            let bytes = relation.column_bytes() + index_bytes;
            let mapped = relation.mapped_bytes();
            let of = json!({
                "rows": relation.len(), "bytes": bytes, "index_bytes": index_bytes, "indexes": indexes, "mapped_bytes": mapped
            });
            tables.insert(name, of);
        }
        let counts = |table: &str| -> Result<Map<String, Value>, EngineError> {
            let mut counts = Map::new();
            if self.engine.relation_number(table).is_some() {
                let sql = format!(
                    "SELECT {table}.kind AS kind, count(*) AS n FROM {table} JOIN files ON files.file = {table}.file \
                     WHERE files.\"partition\" = 'user' GROUP BY {table}.kind ORDER BY {table}.kind"
                );
                let rows = self.query(&sql, 1000)?;
                use arrow::array::AsArray;
                let kinds = arrow::compute::cast(rows.column(0), &arrow::datatypes::DataType::Utf8)?;
                let numbers = rows.column(1).as_primitive::<arrow::datatypes::Int64Type>();
                for row in 0..rows.num_rows() {
                    counts.insert(kinds.as_string::<i32>().value(row).to_owned(), json!(numbers.value(row)));
                }
            }
            Ok(counts)
        };
        let inside = self.files.iter().filter(|(file, _)| super::is_inside(**file));
        let errors: usize = inside.map(|(_, view)| view.errors.len()).sum();
        let places: usize = self.files.values().map(|view| view.heap_bytes()).sum();
        let (symbols, bytes) = Symbol::census();
        Ok(json!({
            "generation": self.generation(),
            "files": self.files.keys().filter(|file| super::is_inside(**file)).count(),
            "library_files": self.files.keys().filter(|file| !super::is_inside(**file)).count(),
            "parse_errors": errors,
            "nodes": counts("cpg_nodes")?,
            "edges": counts("cpg_edges")?,
            "tables": tables,
            "places": {"bytes": places},
            "symbols": {"count": symbols, "bytes": bytes},
        }))
    }

    /// Every stored view run whole, beside what this snapshot holds: `[{"view", "missing", "extra"}]`, empty if all agree.
    ///
    /// # Errors
    /// What a view met while running.
    pub fn verify(&self) -> Result<Value, EngineError> {
        let broken = self.engine.verify(&self.snapshot)?;
        Ok(broken
            .into_iter()
            .map(|(view, missing, extra)| json!({"view": view, "missing": missing, "extra": extra}))
            .collect())
    }

    /// What the program, or one view of it, was compiled to, up to a tier from 1 to 3.
    ///
    /// # Errors
    /// If there is no such view.
    pub fn bundle(&self, view: Option<&str>, tier: u8) -> Result<Value, EngineError> {
        self.engine.bundle(view, tier, &self.snapshot)
    }

    /// Every table and view by content: `[{"name", "kind", "rows", "hash"}]`.
    ///
    /// # Errors
    /// What a view that keeps no rows met while running.
    pub fn outputs(&self) -> Result<Value, EngineError> {
        Ok(json!(self.engine.outputs(&self.snapshot)?))
    }

    /// Notes a request that is answered now, with how long it took and how long of that it waited.
    pub fn note_request(&self, method: &str, latency_micros: u32, queue_micros: u32, answer: &[u8], status: &str) {
        if self.engine.ledger().is_on() {
            let request = Request {
                method: Symbol::of(method),
                latency_micros,
                queue_micros,
                rows: items(answer),
                bytes: answer.len() as u32,
                status: Symbol::of(status),
            };
            self.engine.ledger().request(request, self.snapshot.generation);
        }
    }

    /// What the program is: all views, or one view with its plans.
    ///
    /// # Errors
    /// If there is no such view.
    pub fn plan(&self, view: Option<&str>) -> Result<Value, EngineError> {
        self.engine.describe(view)
    }
}

/// Items of the outermost list of an answer (JSON); 1 for another answer, 0 for none.
fn items(answer: &[u8]) -> u32 {
    if matches!(answer, b"" | b"null") {
        return 0;
    }
    let Some(start) = answer.iter().position(|&byte| byte == b'[') else { return 1 };
    let (mut depth, mut commas, mut in_text, mut is_escaped, mut is_empty) = (0_u32, 0, false, false, true);
    for &byte in &answer[start..] {
        if in_text {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' => is_escaped = true,
                b'"' => in_text = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            b'"' => in_text = true,
            b',' if depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        is_empty &= byte == b'[' && depth == 1;
    }
    if is_empty { 0 } else { commas + 1 }
}

fn table(fields: Vec<Field>, columns: Vec<ArrayRef>) -> Result<RecordBatch, EngineError> {
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

#[cfg(test)]
mod tests {
    use super::items;

    #[test]
    fn items_are_those_of_the_outermost_list() {
        for (answer, count) in [
            ("", 0),
            ("null", 0),
            ("[]", 0),
            (r#"{"a":1}"#, 1),
            (r#"[{"a":[1,2]},{"b":"x,]\",y"}]"#, 2),
            (r#"{"isIncomplete":true,"items":[1,2,3]}"#, 3),
        ] {
            assert_eq!(items(answer.as_bytes()), count, "{answer}");
        }
    }
}
