//! The engine for Python: converts, releases the interpreter lock, and maps the one error. Decides nothing.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anatomy_engine::{EngineError, Limits};
use anatomy_live::{Answers, Compiled, CompletionWishes, EditorRange, Hints, LensOptions, ParameterLabels, Workspace};
use anatomy_syntax::{ModuleContext, PositionEncoding, Target};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

mod failure {
    #![allow(missing_docs, reason = "the exception is documented where its users read it, in the stubs")]
    pyo3::create_exception!(codeanatomy_engine, EngineError, pyo3::exceptions::PyException);
}

fn raise(error: EngineError) -> PyErr {
    Python::attach(|py| {
        let raised = failure::EngineError::new_err(error.to_string());
        let value = raised.value(py);
        let stage = format!("{:?}", error.stage).to_lowercase();
        let named = value
            .setattr("code", error.code.as_str())
            .and_then(|()| value.setattr("stage", stage))
            .and_then(|()| value.setattr("hint", error.hint))
            .and_then(|()| value.setattr("where", error.place));
        match named {
            Ok(()) => raised,
            Err(broken) => broken,
        }
    })
}

fn bytes<'py>(py: Python<'py>, result: Result<Vec<u8>, EngineError>) -> PyResult<Bound<'py, PyBytes>> {
    result.map(|bytes| PyBytes::new(py, &bytes)).map_err(raise)
}

fn json(value: Result<serde_json::Value, EngineError>) -> Result<Vec<u8>, EngineError> {
    value.map(|value| value.to_string().into_bytes())
}

fn report_json(report: &anatomy_live::CommitReport) -> Vec<u8> {
    serde_json::to_vec(report).unwrap_or_else(|error| error.to_string().into_bytes())
}

fn named(encoding: &str) -> PyResult<PositionEncoding> {
    PositionEncoding::named(encoding)
        .ok_or_else(|| pyo3::exceptions::PyValueError::new_err(format!("`{encoding}` is not utf-8, utf-16 or utf-32")))
}

/// One file of the workspace as the graph shall see it.
#[pyclass(frozen, skip_from_py_object)]
#[derive(Clone)]
struct SourceFile(anatomy_live::SourceFile);

#[pymethods]
impl SourceFile {
    #[new]
    #[pyo3(signature = (path, module, package, is_package, is_stub, partition, search_rank, content, error = String::new()))]
    #[expect(clippy::too_many_arguments, reason = "the columns of one row, given by name")]
    fn new(
        path: String,
        module: String,
        package: String,
        is_package: bool,
        is_stub: bool,
        partition: String,
        search_rank: u32,
        content: Option<Vec<u8>>,
        error: String,
    ) -> Self {
        let context =
            ModuleContext { module, package, is_package, is_stub, partition, search_rank, ..ModuleContext::default() };
        SourceFile(anatomy_live::SourceFile { path, context, content, error })
    }
}

/// Asks work that runs in the engine to stop at its next seam.
#[pyclass(frozen)]
struct CancelToken(Arc<AtomicBool>);

#[pymethods]
impl CancelToken {
    #[new]
    fn new() -> Self {
        CancelToken(Arc::default())
    }

    fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    #[getter]
    fn cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A program that is compiled before there is a workspace for it. Serves one engine.
#[pyclass(frozen)]
struct Compiling {
    program: Vec<u8>,
    compiled: Mutex<Option<Compiled>>,
}

impl Compiling {
    fn take(&self, program: &[u8]) -> Option<Compiled> {
        let is_same = self.program == program;
        is_same.then(|| self.compiled.lock().unwrap_or_else(|poison| poison.into_inner()).take()).flatten()
    }
}

#[pymethods]
impl Compiling {
    #[new]
    fn new(program: &[u8]) -> Self {
        let compiled = Mutex::new(Some(Compiled::begin(program.to_vec())));
        Compiling { program: program.to_vec(), compiled }
    }
}

/// The graph of one workspace.
#[pyclass(frozen)]
struct Engine(Workspace);

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (program, root_uri = "", max_file_bytes = 0, python_version = "3.11", platform = "linux"))]
    fn new(
        py: Python<'_>,
        program: &[u8],
        root_uri: &str,
        max_file_bytes: usize,
        python_version: &str,
        platform: &str,
    ) -> PyResult<Self> {
        let engine = Engine::begin(program, root_uri, max_file_bytes, python_version, platform, None)?;
        engine.ready(py)?;
        Ok(engine)
    }

    #[staticmethod]
    #[pyo3(signature = (program, root_uri = "", max_file_bytes = 0, python_version = "3.11", platform = "linux", ahead = None))]
    fn begin(
        program: &[u8],
        root_uri: &str,
        max_file_bytes: usize,
        python_version: &str,
        platform: &str,
        ahead: Option<&Compiling>,
    ) -> PyResult<Self> {
        let target = Target::named(python_version, platform).ok_or_else(|| {
            pyo3::exceptions::PyValueError::new_err(format!("`{python_version}` is no version such as 3.11"))
        })?;
        let compiled = ahead.and_then(|ahead| ahead.take(program));
        let compiled = compiled.unwrap_or_else(|| Compiled::begin(program.to_vec()));
        Ok(Engine(Workspace::begin(compiled, root_uri, max_file_bytes).for_target(target)))
    }

    fn ready(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.ready()).map_err(raise)
    }

    fn set_policy(&self, py: Python<'_>, policy: &[u8]) -> PyResult<()> {
        py.detach(|| self.0.set_policy(policy)).map_err(raise)
    }

    fn set_encoding(&self, encoding: &str) -> PyResult<()> {
        self.0.set_encoding(named(encoding)?);
        Ok(())
    }

    fn open_document<'py>(&self, py: Python<'py>, file: &SourceFile, version: i64) -> Bound<'py, PyBytes> {
        let found = py.detach(|| self.0.open(&file.0, version));
        PyBytes::new(py, &found)
    }

    fn open_library_document<'py>(
        &self,
        py: Python<'py>,
        file: &[u8],
        text: &str,
        version: i64,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.0.open_library(file, text, version)))
    }

    fn edit_document<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        version: i64,
        changes: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.0.edit(path, version, changes)))
    }

    fn close_document(&self, path: &str) {
        self.0.close(path);
    }

    fn document_text(&self, path: &str) -> Option<String> {
        self.0.text(path)
    }

    fn restore<'py>(&self, py: Python<'py>, image: &Image) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.0.restore(&image.0)))
    }

    fn capture(&self) -> PyResult<Capture> {
        Ok(Capture(Mutex::new(Some(self.0.answers().map_err(raise)?))))
    }

    fn write_image(
        &self,
        py: Python<'_>,
        capture: &Capture,
        place: PathBuf,
        conditions: &str,
        workspace: &[u8],
    ) -> PyResult<u64> {
        let taken = capture.0.lock().unwrap_or_else(|poison| poison.into_inner()).take();
        let taken = taken.ok_or_else(|| pyo3::exceptions::PyValueError::new_err("a capture is written once"))?;
        py.detach(|| self.0.write_image(taken, &place, conditions, workspace)).map_err(raise)
    }

    fn folding_ranges<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        lines_only: bool,
        most: usize,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let limits = anatomy_live::FoldingLimits { lines_only, most };
        bytes(py, py.detach(|| self.0.folding_ranges(path, limits)))
    }

    fn selection_ranges<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        positions: Vec<(u32, u32)>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.0.selection_ranges(path, &positions)))
    }

    fn update(&self, py: Python<'_>, files: Vec<PyRef<'_, SourceFile>>, removed: Vec<String>) {
        let files: Vec<anatomy_live::SourceFile> = files.iter().map(|file| file.0.clone()).collect();
        py.detach(|| self.0.update(&files, &removed));
    }

    fn update_library(&self, py: Python<'_>, files: &[u8], removed: Vec<String>) -> PyResult<()> {
        py.detach(|| self.0.update_library(files, &removed)).map_err(raise)
    }

    fn keep_library_in(&self, folder: &str) {
        self.0.keep_library_in(folder);
    }

    fn write_library<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let done = py.detach(|| serde_json::to_value(self.0.write_library()));
        let done = done.map_err(|error| pyo3::exceptions::PyValueError::new_err(error.to_string()))?;
        Ok(PyBytes::new(py, done.to_string().as_bytes()))
    }

    fn missing_modules<'py>(&self, py: Python<'py>, needed: Vec<String>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.missing_modules(&needed)))
    }

    fn near<'py>(&self, py: Python<'py>, paths: Vec<String>, needed: Vec<String>, limit: usize) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.near(&paths, &needed, limit)))
    }

    fn forget_missing_modules(&self) {
        self.0.forget_missing_modules();
    }

    fn unneeded_library_files(&self, py: Python<'_>, needed: Vec<String>) -> Vec<String> {
        py.detach(|| self.0.unneeded_library_files(&needed))
    }

    fn describe_environment(&self, py: Python<'_>, tables: &[u8]) -> PyResult<()> {
        py.detach(|| self.0.describe_environment(tables)).map_err(raise)
    }

    fn describe_signals(&self, py: Python<'_>, signals: &[u8]) -> PyResult<()> {
        py.detach(|| self.0.describe_signals(signals)).map_err(raise)
    }

    #[pyo3(signature = (cancel = None))]
    fn commit<'py>(&self, py: Python<'py>, cancel: Option<&CancelToken>) -> PyResult<Bound<'py, PyBytes>> {
        let flag = cancel.map_or_else(Arc::default, |token| token.0.clone());
        bytes(py, py.detach(|| self.0.commit(&flag).map(|report| report_json(&report))))
    }

    #[pyo3(signature = (paths, cancel = None))]
    fn commit_some<'py>(
        &self,
        py: Python<'py>,
        paths: Vec<String>,
        cancel: Option<&CancelToken>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let flag = cancel.map_or_else(Arc::default, |token| token.0.clone());
        bytes(py, py.detach(|| self.0.commit_some(&paths, &flag).map(|report| report_json(&report))))
    }

    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        let answers = py.detach(|| self.0.answers()).map_err(raise)?;
        Ok(Snapshot { answers, encoding: self.0.encoding() })
    }

    fn fork(&self, py: Python<'_>) -> PyResult<Engine> {
        py.detach(|| self.0.fork()).map(Engine).map_err(raise)
    }

    fn with_program<'py>(
        &self,
        py: Python<'py>,
        program: &[u8],
        cancel: Option<&CancelToken>,
    ) -> PyResult<(Engine, Bound<'py, PyBytes>)> {
        let flag = cancel.map_or_else(Arc::default, |token| token.0.clone());
        let (engine, report) = py.detach(|| self.0.with_program(program, &flag)).map_err(raise)?;
        let told = serde_json::to_vec(&report).unwrap_or_else(|error| error.to_string().into_bytes());
        Ok((Engine(engine), PyBytes::new(py, &told)))
    }

    fn hear(&self, py: Python<'_>, sayings: &[u8]) -> PyResult<usize> {
        py.detach(|| self.0.hear(sayings)).map_err(raise)
    }

    fn stamped(&self, py: Python<'_>, path: &str) -> Option<(String, u64)> {
        py.detach(|| self.0.stamped(path))
    }

    fn stamp_of_bytes(&self, py: Python<'_>, content: &[u8]) -> u64 {
        py.detach(|| self.0.stamp_of_bytes(content))
    }

    fn documents_behind(&self) -> Vec<String> {
        self.0.documents_behind()
    }

    fn pending(&self) -> usize {
        self.0.pending()
    }

    fn note_fault(&self, code: &str, stage: &str, cause: &str, path: &str) {
        self.0.fault(code, stage, cause, path);
    }

    fn works_again(&self, code: &str, path: &str) {
        self.0.works_again(code, path);
    }

    fn faults<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, json(Ok(self.0.faults())))
    }

    fn aside(&self) -> Vec<String> {
        self.0.aside()
    }
}

/// One immutable state of the graph.
#[pyclass(frozen)]
struct Snapshot {
    answers: Answers,
    encoding: PositionEncoding,
}

#[pymethods]
impl Snapshot {
    #[getter]
    fn generation(&self) -> u64 {
        self.answers.generation()
    }

    fn counting(&self, encoding: &str) -> PyResult<Snapshot> {
        Ok(Snapshot { answers: self.answers.clone(), encoding: named(encoding)? })
    }

    fn version_of(&self, path: &str) -> Option<i64> {
        self.answers.version_of(path)
    }

    fn definition<'py>(&self, py: Python<'py>, path: &str, line: u32, character: u32) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.definition(path, line, character, self.encoding)))
    }

    fn ends_at_import(&self, py: Python<'_>, path: &str, line: u32, character: u32) -> PyResult<bool> {
        py.detach(|| self.answers.ends_at_import(path, line, character, self.encoding)).map_err(raise)
    }

    fn declaration<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.declaration(path, line, character, self.encoding)))
    }

    fn type_definition<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.type_definition(path, line, character, self.encoding)))
    }

    fn implementation<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.implementation(path, line, character, self.encoding)))
    }

    fn references<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
        include_declaration: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.references(path, line, character, include_declaration, self.encoding)))
    }

    fn prepare_call_hierarchy<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.prepare_call_hierarchy(path, line, character, self.encoding)))
    }

    fn incoming_calls<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.incoming_calls(id, path, line, character, self.encoding)))
    }

    fn outgoing_calls<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.outgoing_calls(id, path, line, character, self.encoding)))
    }

    fn prepare_type_hierarchy<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.prepare_type_hierarchy(path, line, character, self.encoding)))
    }

    fn supertypes<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.supertypes(id, path, line, character, self.encoding)))
    }

    fn subtypes<'py>(
        &self,
        py: Python<'py>,
        id: u64,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.subtypes(id, path, line, character, self.encoding)))
    }

    fn code_lenses<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        references: bool,
        overrides: bool,
        overridden: bool,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let options = LensOptions { references, overrides, overridden };
        bytes(py, py.detach(|| self.answers.code_lenses(path, options, self.encoding)))
    }

    fn lens_places<'py>(&self, py: Python<'py>, path: &str, id: u64, kind: &str) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.lens_places(path, id, kind, self.encoding)))
    }

    fn document_highlight<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.document_highlight(path, line, character, self.encoding)))
    }

    fn document_symbols<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.document_symbols(path, self.encoding)))
    }

    fn workspace_symbols<'py>(&self, py: Python<'py>, query: &str, limit: usize) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.workspace_symbols(query, limit, self.encoding)))
    }

    #[pyo3(signature = (path, line, character, by_offsets, chosen = None))]
    fn signature_help<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
        by_offsets: bool,
        chosen: Option<u32>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let labels = if by_offsets { ParameterLabels::Offsets } else { ParameterLabels::Text };
        let answer = || self.answers.signature_help(path, (line, character), labels, chosen, self.encoding);
        bytes(py, py.detach(answer))
    }

    #[pyo3(signature = (path, within = None))]
    fn semantic_tokens<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        within: Option<EditorRange>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.semantic_tokens(path, within, self.encoding)))
    }

    fn inlay_hints<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        within: EditorRange,
        kinds: Vec<String>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let wants = |kind: &str| kinds.iter().any(|wanted| wanted == kind);
        let hints = Hints {
            parameter_names: wants("parameter_names"),
            variable_types: wants("variable_types"),
            return_types: wants("return_types"),
        };
        bytes(py, py.detach(|| self.answers.inlay_hints(path, within, hints, self.encoding)))
    }

    fn completion<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
        wishes: &[u8],
    ) -> PyResult<Bound<'py, PyBytes>> {
        let wishes: CompletionWishes = serde_json::from_slice(wishes)
            .map_err(|error| pyo3::exceptions::PyValueError::new_err(format!("these are no wishes: {error}")))?;
        bytes(py, py.detach(|| self.answers.completion(path, line, character, &wishes, self.encoding)))
    }

    fn completion_resolve<'py>(&self, py: Python<'py>, data: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.completion_resolve(data, self.encoding)))
    }

    fn missing_imports<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        start: (u32, u32),
        end: (u32, u32),
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.missing_imports(path, (start, end), self.encoding)))
    }

    fn explain<'py>(&self, py: Python<'py>, path: &str, line: u32, character: u32) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.explain(path, line, character, self.encoding))))
    }

    fn hover<'py>(&self, py: Python<'py>, path: &str, line: u32, character: u32) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.hover(path, line, character, self.encoding))))
    }

    fn rename<'py>(
        &self,
        py: Python<'py>,
        path: &str,
        line: u32,
        character: u32,
        new_name: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.rename(path, line, character, new_name, self.encoding))))
    }

    fn rename_module<'py>(&self, py: Python<'py>, module: &str, new_name: &str) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(Ok(self.answers.rename_module(module, new_name, self.encoding)))))
    }

    fn imports_of<'py>(
        &self,
        py: Python<'py>,
        modules: Vec<String>,
        paths: Vec<String>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(Ok(self.answers.imports_of(&modules, &paths, self.encoding)))))
    }

    fn diagnostics<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.diagnostics(path, self.encoding)))
    }

    fn syntax<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| self.answers.syntax(path, self.encoding)))
    }

    fn stamp_of(&self, path: &str) -> Option<u64> {
        self.answers.stamp_of(path)
    }

    /// An Arrow IPC stream.
    #[pyo3(signature = (sql, max_rows, max_seconds = None, max_bytes = None))]
    fn query<'py>(
        &self,
        py: Python<'py>,
        sql: &str,
        max_rows: usize,
        max_seconds: Option<f64>,
        max_bytes: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let usual = Limits::of_rows(max_rows);
        let time = max_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let limits = Limits { time: time.unwrap_or(usual.time), bytes: max_bytes.unwrap_or(usual.bytes), ..usual };
        bytes(py, py.detach(|| self.answers.query_stream(sql, limits)))
    }

    fn plan<'py>(&self, py: Python<'py>, view: Option<&str>) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.plan(view))))
    }

    #[pyo3(signature = (view, tier))]
    fn bundle<'py>(&self, py: Python<'py>, view: Option<&str>, tier: u8) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.bundle(view, tier))))
    }

    fn outputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.outputs())))
    }

    fn note_request(
        &self,
        py: Python<'_>,
        method: &str,
        latency_micros: u32,
        queue_micros: u32,
        answer: &[u8],
        status: &str,
    ) {
        py.detach(|| self.answers.note_request(method, latency_micros, queue_micros, answer, status));
    }

    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.stats())))
    }

    fn verify<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        bytes(py, py.detach(|| json(self.answers.verify())))
    }

    fn paths(&self) -> Vec<String> {
        self.answers.paths()
    }
}

/// The edits that make the `data` of one answer about semantic tokens that of another.
#[pyfunction]
fn semantic_tokens_edits<'py>(py: Python<'py>, before: &[u8], after: &[u8]) -> Bound<'py, PyBytes> {
    PyBytes::new(py, &py.detach(|| anatomy_live::semantic_tokens_edits(before, after)))
}

/// A snapshot that is to be written.
#[pyclass(frozen)]
struct Capture(Mutex<Option<Answers>>);

/// What a workspace was when it was written, in a file that is mapped.
#[pyclass(frozen)]
struct Image(anatomy_live::WorkspaceImage);

#[pymethods]
impl Image {
    #[staticmethod]
    fn open(py: Python<'_>, place: PathBuf, program: &[u8], conditions: &str) -> PyResult<Option<Image>> {
        let opened = py.detach(|| anatomy_live::WorkspaceImage::open(&place, program, conditions));
        opened.map(|image| image.map(Image)).map_err(raise)
    }

    #[staticmethod]
    fn adopt_symbols(py: Python<'_>, place: PathBuf) {
        py.detach(|| anatomy_live::WorkspaceImage::adopt_symbols(&place));
    }

    #[getter]
    fn is_moved(&self) -> bool {
        self.0.is_moved()
    }

    fn verify(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.verify()).map_err(raise)
    }
}

/// Fails here if the environment asks for it.
#[pyfunction]
fn fail_at(py: Python<'_>, point: &str) -> PyResult<()> {
    py.detach(|| anatomy_engine::fault::fail_at(point)).map_err(PyErr::from)
}

/// What a program is (JSON); nothing is compiled.
#[pyfunction]
fn manifest<'py>(py: Python<'py>, program: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let told = anatomy_live::manifest(program).map(|manifest| serde_json::json!(manifest));
    bytes(py, json(told))
}

/// How a commit of so many changed files would run under a policy (JSON): `keyed` or `full`.
#[pyfunction]
fn would_run(policy: &[u8], changed: usize, files: usize) -> PyResult<&'static str> {
    let policy = anatomy_live::policy(policy).map_err(raise)?;
    Ok(if anatomy_engine::would_run_whole(changed, files, &policy) { "full" } else { "keyed" })
}

/// Bytes of the engine's own memory that are in use.
#[pyfunction]
fn held_bytes() -> u64 {
    anatomy_engine::memory::held_bytes()
}

/// Lets what is free go back to the system: what threads that are gone have left is free and not returned.
#[pyfunction]
fn give_back(py: Python<'_>) {
    py.detach(anatomy_engine::memory::give_back);
}

/// How many programs were compiled in this process.
#[pyfunction]
fn compiles() -> u64 {
    anatomy_engine::compiles()
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("EngineError", module.py().get_type::<failure::EngineError>())?;
    module.add("TOKEN_TYPES", anatomy_live::TYPES.to_vec())?;
    module.add("TOKEN_MODIFIERS", anatomy_live::MODIFIERS.to_vec())?;
    module.add_function(wrap_pyfunction!(semantic_tokens_edits, module)?)?;
    module.add_function(wrap_pyfunction!(fail_at, module)?)?;
    module.add_function(wrap_pyfunction!(manifest, module)?)?;
    module.add_function(wrap_pyfunction!(compiles, module)?)?;
    module.add_function(wrap_pyfunction!(held_bytes, module)?)?;
    module.add_function(wrap_pyfunction!(give_back, module)?)?;
    module.add_function(wrap_pyfunction!(would_run, module)?)?;
    module.add_class::<SourceFile>()?;
    module.add_class::<CancelToken>()?;
    module.add_class::<Compiling>()?;
    module.add_class::<Engine>()?;
    module.add_class::<Capture>()?;
    module.add_class::<Image>()?;
    module.add_class::<Snapshot>()?;
    Ok(())
}
