//! Documents and files on their way into the graph.
//!
//! Two doors: `edit` parses and answers syntax at once and never waits for the graph; `commit` brings everything that
//! is pending into the next snapshot. The newest text of a file wins, whatever was staged before.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use anatomy_engine::store::Snapshot;
use anatomy_engine::{Change, Edit, Engine, EngineError, Manifest, Mode, Policy, Report, Rows};
use anatomy_facts::{ErrorCode, FileFacts, Stage, Symbol};
use anatomy_syntax::{ChangedRange, Document, ModuleContext, PositionEncoding, Run, Target, TextIndex};
use arrow::array::RecordBatch;
use rayon::prelude::*;
use serde::Serialize;

use crate::answer::{Answers, is_inside};
use crate::environment::Tables;
use crate::files::{FileView, Files, Origin};
use crate::image::{Restored, WorkspaceImage};
use crate::library::cache::{Cache, Done};
use crate::library::pack::{Kept, decode, encode};
use crate::library::{LibraryFile, not_read, read};
use crate::signature::signatures;
use crate::sources::Sources;
use crate::wanted::{Closure, Known, Near, closure, near};
use crate::wants::wants;
use crate::witness::{Witnesses, stamp_of};

/// A file as the workspace gives it.
#[derive(Clone, Debug, Default)]
pub struct SourceFile {
    /// Path relative to the root, with `/`.
    pub path: String,
    /// What the path says about the module.
    pub context: ModuleContext,
    /// Bytes of the file; `None` if it could not be read.
    pub content: Option<Vec<u8>>,
    /// Code of the reason if it could not be read.
    pub error: String,
}

/// Names what is extracted from files; see `build.rs`.
pub(crate) const EXTRACTOR: &str = env!("EXTRACTOR_FINGERPRINT");

/// What a program over the evidence of this extractor is. Its fingerprint is the key of everything that is derived; nothing is
/// compiled for it.
///
/// # Errors
/// `program-decode` if the document is no program.
pub fn manifest(program: &[u8]) -> Result<Manifest, EngineError> {
    Ok(Manifest::of(program)?.extracted_by(EXTRACTOR))
}

/// The policy that a document (JSON) says.
///
/// # Errors
/// `program-decode` if it is none.
pub fn policy(document: &[u8]) -> Result<Policy, EngineError> {
    serde_json::from_slice(document).map_err(|error| {
        let hint = "profiles are default, low_latency, replay and strict";
        EngineError::new(ErrorCode::ProgramDecode, Stage::Decode, format!("this is no policy: {error}"), hint)
    })
}

struct Open {
    document: Document,
    context: ModuleContext,
    /// Of a library file.
    origin: Option<Box<Origin>>,
    dirty: bool,
    /// Changes that are not in the graph yet.
    edits: Vec<Pending>,
}

/// A change of a document that waits for the writer.
#[derive(Clone, Copy)]
struct Pending {
    began: Instant,
    at: u64,
    apply_micros: u32,
    version: i64,
}

/// More changes of one document than these wait for one commit only when something is wrong; older ones are not told then.
const MOST_PENDING: usize = 256;

/// A document on its way into the graph: path, text, what the path says, and where a library file comes from.
type Dirty = (String, Document, ModuleContext, Option<Box<Origin>>);

struct Staged {
    /// `None` while a commit holds them.
    tables: Vec<Option<Rows>>,
    view: FileView,
}

/// What a commit did.
#[derive(Debug, Serialize)]
pub struct CommitReport {
    /// Files whose text was extracted, sorted.
    pub files: Vec<String>,
    /// Versions of open documents that the snapshot now holds.
    pub documents: HashMap<String, i64>,
    /// Microseconds of extraction.
    pub extract_micros: u64,
    /// Microseconds of the whole commit.
    pub total_micros: u64,
    /// What ran in the engine.
    #[serde(flatten)]
    pub refresh: Report,
}

/// A program while it is compiled, and what came of it.
pub struct Compiled {
    thread: Mutex<Option<JoinHandle<Result<Engine, EngineError>>>>,
    engine: OnceLock<Result<Arc<Engine>, EngineError>>,
    /// What the engine shall run under once it is there.
    policy: Mutex<Policy>,
}

impl Compiled {
    /// Begins to compile a program.
    #[must_use]
    pub fn begin(program: Vec<u8>) -> Compiled {
        name_literals(&program);
        let thread = std::thread::spawn(move || Ok(Engine::new(&program)?.extracted_by(EXTRACTOR)));
        Compiled { thread: Mutex::new(Some(thread)), engine: OnceLock::new(), policy: Mutex::default() }
    }

    /// An engine that is there.
    fn done(engine: Engine) -> Compiled {
        Compiled {
            thread: Mutex::default(),
            policy: Mutex::new(engine.policy()),
            engine: OnceLock::from(Ok(Arc::new(engine))),
        }
    }

    /// The engine, if it is there already.
    fn there(&self) -> Option<&Arc<Engine>> {
        self.engine.get().and_then(|engine| engine.as_ref().ok())
    }

    /// The engine, once it is there.
    fn wait(&self) -> Result<&Arc<Engine>, EngineError> {
        let engine = self.engine.get_or_init(|| {
            let Some(thread) = held(&self.thread).take() else {
                return Err(EngineError::internal(Stage::Compile, "the compiler gave up"));
            };
            match thread.join() {
                Ok(done) => done.and_then(|engine| {
                    engine.set_policy(*held(&self.policy))?;
                    Ok(Arc::new(engine))
                }),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        engine.as_ref().map_err(|error| EngineError {
            code: error.code,
            stage: error.stage,
            place: error.place.clone(),
            message: error.message.clone(),
            hint: error.hint.clone(),
        })
    }
}

/// The live workspace.
pub struct Workspace {
    compiled: Compiled,
    documents: Mutex<HashMap<String, Open>>,
    staged: Mutex<HashMap<String, Option<Staged>>>,
    /// `None` until somebody asks for it: files can be read while the program is being compiled.
    published: RwLock<Option<Answers>>,
    environment: RwLock<Arc<Tables>>,
    witnesses: Mutex<Arc<Witnesses>>,
    encoding: RwLock<PositionEncoding>,
    root_uri: String,
    size_limit: usize,
    target: Arc<Target>,
    cache: Cache,
    sources: Arc<Sources>,
    /// Missing modules that were told.
    told: Mutex<HashSet<Symbol>>,
    /// What was known when they were told last; most edits of an import want nothing beyond it.
    known: Mutex<Known>,
    /// Whether some file may want other modules than when missing modules were told.
    wants_moved: AtomicBool,
    writer: Mutex<HashMap<Symbol, Vec<RecordBatch>>>,
}

fn held<'a, T>(mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

impl Workspace {
    /// An empty workspace under a program.
    ///
    /// # Errors
    /// Every refusal of the compiler.
    pub fn new(program: &[u8], root_uri: &str, size_limit: usize) -> Result<Workspace, EngineError> {
        let workspace = Workspace::begin(Compiled::begin(program.to_vec()), root_uri, size_limit);
        workspace.ready()?;
        Ok(workspace)
    }

    /// An empty workspace whose program is compiled while documents are opened and files are read.
    #[must_use]
    pub fn begin(compiled: Compiled, root_uri: &str, size_limit: usize) -> Workspace {
        Workspace {
            compiled,
            documents: Mutex::default(),
            staged: Mutex::default(),
            published: RwLock::default(),
            environment: RwLock::default(),
            witnesses: Mutex::default(),
            encoding: RwLock::new(PositionEncoding::Utf16),
            root_uri: root_uri.trim_end_matches('/').to_owned(),
            size_limit: if size_limit == 0 { anatomy_syntax::source::SIZE_LIMIT } else { size_limit },
            target: Arc::default(),
            cache: Cache::default(),
            sources: Arc::default(),
            told: Mutex::default(),
            known: Mutex::default(),
            wants_moved: AtomicBool::new(true),
            writer: Mutex::default(),
        }
    }

    /// Waits until the program is compiled.
    ///
    /// # Errors
    /// Every refusal of the compiler.
    pub fn ready(&self) -> Result<(), EngineError> {
        self.compiled.wait().map(|_| ())
    }

    /// Runs under this policy (JSON) from now on, or once the program is compiled: what validation then finds is a refusal of the
    /// compiler where the policy says so.
    ///
    /// # Errors
    /// `program-decode` for what is no policy, and what validation finds.
    pub fn set_policy(&self, told: &[u8]) -> Result<(), EngineError> {
        let policy = policy(told)?;
        *held(&self.compiled.policy) = policy;
        self.compiled.there().map_or(Ok(()), |engine| engine.set_policy(policy))
    }

    /// A second workspace that begins with the newest snapshot of this one and goes its own way from there: its graph still holds
    /// the texts that are open here, but no document of it is open, and nothing is pending. What neither of them changes is shared.
    ///
    /// # Errors
    /// Every refusal of the compiler.
    pub fn fork(&self) -> Result<Workspace, EngineError> {
        let last_tables = held(&self.writer);
        let last = self.answers()?;
        let engine = self.compiled.wait()?.fork();
        let compiled = Compiled::done(engine);
        let environment = self.environment.read().unwrap_or_else(|poison| poison.into_inner()).clone();
        let answers =
            Answers::new(compiled.wait()?.clone(), compiled.wait()?.snapshot(), last.files().clone(), &self.root_uri)
                .beside(environment.clone(), self.sources.clone())
                .with_witnesses(last.witnesses().clone());
        let witnesses = Mutex::new(last.witnesses().clone());
        Ok(Workspace {
            witnesses,
            compiled,
            documents: Mutex::default(),
            staged: Mutex::default(),
            published: RwLock::new(Some(answers)),
            environment: RwLock::new(environment),
            encoding: RwLock::new(self.encoding()),
            root_uri: self.root_uri.clone(),
            size_limit: self.size_limit,
            target: self.target.clone(),
            cache: self.cache.fork(),
            sources: self.sources.clone(),
            told: Mutex::new(held(&self.told).clone()),
            known: Mutex::default(),
            wants_moved: AtomicBool::new(true),
            writer: Mutex::new(last_tables.clone()),
        })
    }

    /// A second workspace as `fork` makes it, under another program: it shares what both programs say alike, and only views that
    /// differ have run. The report names these.
    ///
    /// # Errors
    /// Every refusal of the compiler, `cancelled`, and what a view met while running.
    pub fn with_program(&self, program: &[u8], cancel: &AtomicBool) -> Result<(Workspace, Report), EngineError> {
        name_literals(program);
        let twin = self.fork()?;
        let (engine, report) = twin.compiled.wait()?.with_program(program, cancel)?;
        let (last, environment) =
            (twin.answers()?, twin.environment.read().unwrap_or_else(|poison| poison.into_inner()).clone());
        let compiled = Compiled::done(engine);
        let engine = compiled.wait()?.clone();
        let answers = Answers::new(engine.clone(), engine.snapshot(), last.files().clone(), &twin.root_uri)
            .beside(environment, twin.sources.clone())
            .with_witnesses(last.witnesses().clone());
        Ok((Workspace { compiled, published: RwLock::new(Some(answers)), ..twin }, report))
    }

    /// The same workspace, whose branches are decided for another Python or system than those of `Target::default`.
    #[must_use]
    pub fn for_target(self, target: Target) -> Workspace {
        Workspace { target: Arc::new(target), ..self }
    }

    fn context_of(&self, file: &SourceFile) -> ModuleContext {
        ModuleContext { target: self.target.clone(), ..file.context.clone() }
    }

    /// The column unit of all positions that go in and out.
    pub fn set_encoding(&self, encoding: PositionEncoding) {
        *self.encoding.write().unwrap_or_else(|poison| poison.into_inner()) = encoding;
    }

    /// The column unit in force.
    #[must_use]
    pub fn encoding(&self) -> PositionEncoding {
        *self.encoding.read().unwrap_or_else(|poison| poison.into_inner())
    }

    /// Opens a document: the editor's text replaces that of the disk. Returns its syntax diagnostics (JSON).
    pub fn open(&self, file: &SourceFile, version: i64) -> Vec<u8> {
        let bytes = file.content.as_deref().unwrap_or_default();
        self.open_as(&file.path, bytes, version, self.context_of(file), None)
    }

    /// Opens a library file (JSON) with the text of an editor. It is extracted whole, so that questions inside of its functions
    /// have answers too; closing it and updating the library brings its outline back.
    ///
    /// # Errors
    /// `unknown-file` for what is no library file.
    pub fn open_library(&self, file: &[u8], text: &str, version: i64) -> Result<Vec<u8>, EngineError> {
        let file: LibraryFile = serde_json::from_slice(file).map_err(|error| no_library_files(&error))?;
        let context = ModuleContext { target: self.target.clone(), outline: false, ..file.context() };
        Ok(self.open_as(&file.uri, text.as_bytes(), version, context, Some(Box::new(file.origin()))))
    }

    fn open_as(
        &self,
        path: &str,
        bytes: &[u8],
        version: i64,
        context: ModuleContext,
        origin: Option<Box<Origin>>,
    ) -> Vec<u8> {
        let source = anatomy_syntax::source::decode(bytes, usize::MAX);
        let document = Document::of(source.text, version, Run::of_path(path));
        let diagnostics = self.diagnostics_of(&document, path);
        held(&self.documents).insert(path.to_owned(), Open { document, context, origin, dirty: true, edits: vec![] });
        diagnostics
    }

    /// Applies the `contentChanges` of a change notification (JSON) and returns the syntax diagnostics (JSON).
    ///
    /// # Errors
    /// `unknown-document`, or `bad-position` with nothing applied.
    pub fn edit(&self, path: &str, version: i64, changes: &[u8]) -> Result<Vec<u8>, EngineError> {
        let bad = |error: anatomy_syntax::ChangeError| {
            EngineError::new(error.code, Stage::Parse, error.message, "send the whole text again")
        };
        let began = Instant::now();
        let changes = anatomy_syntax::changes_from_json(changes).map_err(bad)?;
        let mut documents = held(&self.documents);
        let open = documents.get_mut(path).ok_or_else(|| unknown_document(path))?;
        open.document.apply(&changes, version, self.encoding()).map_err(bad)?;
        open.dirty = true;
        let diagnostics = self.diagnostics_of(&open.document, path);
        if let Some(ledger) = self.compiled.there().map(|engine| engine.ledger()).filter(|ledger| ledger.is_on()) {
            let apply_micros = began.elapsed().as_micros() as u32;
            let at = ledger.now().saturating_sub(u64::from(apply_micros));
            if open.edits.len() == MOST_PENDING {
                open.edits.remove(0);
            }
            open.edits.push(Pending { began, at, apply_micros, version });
        }
        Ok(diagnostics)
    }

    /// Closes a document. The graph keeps its text until `update` brings that of the disk.
    pub fn close(&self, path: &str) {
        held(&self.documents).remove(path);
    }

    /// The editor's text, if the document is open.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<String> {
        held(&self.documents).get(path).map(|open| open.document.text().to_owned())
    }

    /// The newest text of an open document with its tree. The tree is made without holding anybody up, and kept.
    pub(crate) fn settled(&self, path: &str) -> Result<Document, EngineError> {
        let open = held(&self.documents).get(path).map(|open| open.document.clone());
        let mut document = open.ok_or_else(|| unknown_document(path))?;
        if document.tree().is_none() {
            document.settle();
            self.give_tree_back(path, &document);
        }
        Ok(document)
    }

    /// A settled copy takes the place of the open document, unless that was edited or opened anew meanwhile.
    fn give_tree_back(&self, path: &str, document: &Document) {
        if let Some(open) = held(&self.documents).get_mut(path)
            && open.document.revision() == document.revision()
            && open.document.text() == document.text()
        {
            open.document = document.clone();
        }
    }

    fn diagnostics_of(&self, document: &Document, path: &str) -> Vec<u8> {
        let uri = crate::answer::uri(&self.root_uri, path);
        anatomy_syntax::lsp::diagnostics_json(document.errors(), document.index(), self.encoding(), &uri)
    }

    /// Takes in what slow witnesses say of texts (JSON, a list): how many of the sayings are about texts of the newest snapshot. The
    /// others are dropped.
    ///
    /// # Errors
    /// `witness-malformed` for what fits no table; nothing is taken then.
    pub fn hear(&self, sayings: &[u8]) -> Result<usize, EngineError> {
        let engine = self.compiled.wait()?;
        let mut witnesses = held(&self.witnesses);
        let now = self.answers()?;
        let mut next = witnesses.as_ref().clone();
        let (count, compared) = next.hear(engine, now.snapshot(), now.files(), sayings)?;
        next.keep_only(now.files());
        next.compare(engine, now.snapshot(), now.files(), &compared)?;
        *witnesses = Arc::new(next);
        let mut published = self.published.write().unwrap_or_else(|poison| poison.into_inner());
        *published = Some(published.take().unwrap_or(now).with_witnesses(witnesses.clone()));
        Ok(count)
    }

    /// The newest text of an open document with its stamp.
    #[must_use]
    pub fn stamped(&self, path: &str) -> Option<(String, u64)> {
        let text = self.text(path)?;
        let stamp = stamp_of(&text);
        Some((text, stamp))
    }

    /// The stamp of the bytes of a file.
    #[must_use]
    pub fn stamp_of_bytes(&self, bytes: &[u8]) -> u64 {
        stamp_of(&anatomy_syntax::source::decode(bytes, self.size_limit).text)
    }

    /// Stages files of the disk: parsed and extracted here, on all threads, and pending until `commit`.
    pub fn update(&self, files: &[SourceFile], removed: &[String]) {
        let extracted: Vec<(String, Staged)> =
            files.par_iter().map(|file| (file.path.clone(), self.extract_closed(file))).collect();
        self.stage(extracted, removed);
    }

    fn stage(&self, extracted: Vec<(String, Staged)>, removed: &[String]) {
        self.wants_moved.store(true, Ordering::Relaxed);
        let mut staged = held(&self.staged);
        for (path, facts) in extracted {
            staged.insert(path, Some(facts));
        }
        for path in removed {
            staged.insert(path.clone(), None);
        }
    }

    /// Stages library files (JSON) by their paths on disk, and the going of others by their URIs.
    ///
    /// # Errors
    /// `unknown-file` for what is no list of library files.
    pub fn update_library(&self, files: &[u8], removed: &[String]) -> Result<(), EngineError> {
        let files: Vec<LibraryFile> = serde_json::from_slice(files).map_err(|error| no_library_files(&error))?;
        let extracted = files.par_iter().map(|file| (file.uri.clone(), self.extract_library(file))).collect();
        self.stage(extracted, removed);
        Ok(())
    }

    fn extract_library(&self, file: &LibraryFile) -> Staged {
        let content = read(Path::new(&file.path), self.size_limit);
        let bytes = content.as_deref().unwrap_or_default();
        let text = anatomy_syntax::source::decode(bytes, self.size_limit).text;
        let found = if content.is_ok() { self.kept(file, bytes) } else { None };
        let kept = found.unwrap_or_else(|| {
            let context = ModuleContext { target: self.target.clone(), ..file.context() };
            let (mut facts, _) = anatomy_syntax::extract_file(&file.uri, &context, bytes, self.size_limit);
            facts.errors.extend(content.as_ref().err().map(|code| not_read(*code)));
            let (heads, wants) = (signatures(&text, &facts), wants(&facts, &context));
            let kept = Kept { facts, heads, wants };
            if content.is_ok() {
                self.cache.add(file, bytes, &self.target, || encode(&kept, Symbol::of(&file.uri)));
            }
            kept
        });
        let (facts, index) = (kept.facts, TextIndex::new(&text));
        let mut view = FileView::new(facts.anchors, kept.heads, index, facts.errors, vec![], None);
        view.module = Symbol::of(&file.module);
        view.wants = kept.wants;
        view.origin = Some(Box::new(file.origin()));
        Staged { tables: held_rows(facts.tables), view }
    }

    /// What the cache keeps of a library file of that content.
    fn kept(&self, file: &LibraryFile, content: &[u8]) -> Option<Kept> {
        let facts = self.cache.find(file, content, &self.target)?;
        let kept = decode(&facts, Symbol::of(&file.uri));
        match kept {
            Some(_) => self.cache.count_found(),
            None => self.cache.refuse(&file.uri, "what is kept of it cannot be read"),
        }
        kept
    }

    /// Keeps facts of library files below a folder; an empty path keeps nothing.
    pub fn keep_library_in(&self, folder: &str) {
        self.cache.keep_in(folder);
    }

    /// Writes the facts of library files that are new, and says what the cache did so far.
    pub fn write_library(&self) -> Done {
        self.cache.write();
        self.cache.done()
    }

    /// Modules that imports want and no file is, nearest to the workspace first, as JSON `[[module, certain]]`. Each is told
    /// once. What is staged counts; `needed` are wanted in any case.
    #[must_use]
    pub fn missing_modules(&self, needed: &[String]) -> Vec<u8> {
        if !self.wants_moved.swap(false, Ordering::Relaxed) {
            return b"[]".to_vec();
        }
        let mut told = held(&self.told);
        let Closure { missing, known, .. } = self.closure(needed);
        *held(&self.known) = known;
        let news: Vec<(&str, bool)> = missing
            .iter()
            .filter(|want| told.insert(want.module))
            .map(|want| (want.module.text(), want.certain))
            .collect();
        serde_json::to_vec(&news).expect("names are always valid JSON")
    }

    /// Forgets which modules were told to be missing.
    pub fn forget_missing_modules(&self) {
        held(&self.told).clear();
        self.wants_moved.store(true, Ordering::Relaxed);
    }

    /// Paths of library files that no import leads to, sorted.
    #[must_use]
    pub fn unneeded_library_files(&self, needed: &[String]) -> Vec<String> {
        let reached = self.closure(needed).reached;
        let published = self.files();
        let outside = published.keys().filter(|path| !is_inside(**path) && !reached.contains(path));
        let mut paths: Vec<String> = outside.map(|path| path.text().to_owned()).collect();
        paths.sort();
        paths
    }

    /// What some files lead to through their imports, staged or not: the nearest files of the workspace and of libraries that
    /// are staged and not in the graph yet, modules without a file, and how many files were met, at most `limit` (JSON).
    ///
    /// `needed` are as near as what the files import themselves.
    #[must_use]
    pub fn near(&self, paths: &[String], needed: &[String], limit: usize) -> Vec<u8> {
        let roots: Vec<Symbol> = paths.iter().map(|path| Symbol::of(path)).collect();
        let needed: Vec<Symbol> = needed.iter().map(|module| Symbol::of(module)).collect();
        let found = self.over_all_files(|files, staged| {
            let Near { reached, missing } = near(files, &roots, &needed, limit);
            let fresh = reached.iter().map(|path| path.text()).filter(|path| staged.contains_key(*path));
            let missing: Vec<&str> = missing.iter().map(|module| module.text()).collect();
            serde_json::json!({"files": reached.len(), "staged": fresh.collect::<Vec<_>>(), "missing": missing})
        });
        found.to_string().into_bytes()
    }

    fn closure(&self, needed: &[String]) -> Closure {
        let needed: Vec<Symbol> = needed.iter().map(|module| Symbol::of(module)).collect();
        self.over_all_files(|files, _| closure(files, &needed))
    }

    /// Calls with all files as they will be after the next commit, and with what is staged.
    fn over_all_files<T>(
        &self,
        call: impl FnOnce(&mut dyn Iterator<Item = (Symbol, &FileView)>, &HashMap<String, Option<Staged>>) -> T,
    ) -> T {
        let published = self.files();
        let staged = held(&self.staged);
        let pending: HashMap<Symbol, Option<&FileView>> =
            staged.iter().map(|(path, facts)| (Symbol::of(path), facts.as_ref().map(|facts| &facts.view))).collect();
        let standing = published.iter().map(|(path, view)| (*path, view.as_ref()));
        let standing = standing.filter(|(path, _)| !pending.contains_key(path));
        let coming = pending.iter().filter_map(|(path, view)| Some((*path, (*view)?)));
        call(&mut standing.chain(coming), &staged)
    }

    /// The files of the newest snapshot; none before the first.
    fn files(&self) -> Arc<Files> {
        let published = self.published.read().unwrap_or_else(|poison| poison.into_inner());
        published.as_ref().map(|published| published.files().clone()).unwrap_or_default()
    }

    /// Describes the environment for queries (JSON).
    ///
    /// # Errors
    /// `query-refused` for what is no such description.
    pub fn describe_environment(&self, tables: &[u8]) -> Result<(), EngineError> {
        let before = self.environment.read().unwrap_or_else(|poison| poison.into_inner()).clone();
        self.put_beside(Arc::new(Tables::from_json(tables)?.with_signals_of(&before)));
        Ok(())
    }

    /// Describes decisions about the workspace for queries (JSON).
    ///
    /// # Errors
    /// `query-refused` for what are no decisions.
    pub fn describe_signals(&self, signals: &[u8]) -> Result<(), EngineError> {
        let before = self.environment.read().unwrap_or_else(|poison| poison.into_inner()).clone();
        self.put_beside(Arc::new(before.with_signals(signals)?));
        Ok(())
    }

    /// Lets queries see tables that describe what is around the graph.
    fn put_beside(&self, tables: Arc<Tables>) {
        *self.environment.write().unwrap_or_else(|poison| poison.into_inner()) = tables.clone();
        let mut published = self.published.write().unwrap_or_else(|poison| poison.into_inner());
        *published = published.take().map(|published| published.beside(tables, self.sources.clone()));
    }

    fn extract_closed(&self, file: &SourceFile) -> Staged {
        let context = self.context_of(file);
        match &file.content {
            Some(bytes) => {
                let (facts, index) = anatomy_syntax::extract_file(&file.path, &context, bytes, self.size_limit);
                let text = anatomy_syntax::source::decode(bytes, self.size_limit).text;
                staged(&text, &file.context, facts, index, vec![], None)
            }
            None => {
                let (mut facts, index) = anatomy_syntax::extract_file(&file.path, &context, b"", self.size_limit);
                let named = ErrorCode::ALL.iter().find(|code| code.as_str() == file.error);
                let code = named.copied().unwrap_or(ErrorCode::SourceUnreadable);
                facts.errors.push(not_read(code));
                staged("", &file.context, facts, index, vec![], None)
            }
        }
    }

    /// Open documents whose newest text the newest snapshot does not hold, sorted.
    #[must_use]
    pub fn documents_behind(&self) -> Vec<String> {
        let files = self.files();
        let documents = held(&self.documents);
        let is_behind = |path: &str, open: &Document| {
            let view = files.get(&Symbol::of(path)).and_then(|view| view.document.as_ref());
            view.is_none_or(|held| held.revision() != open.revision() || held.text() != open.text())
        };
        let mut behind: Vec<String> = documents
            .iter()
            .filter(|(path, open)| is_behind(path, &open.document))
            .map(|(path, _)| path.clone())
            .collect();
        behind.sort();
        behind
    }

    /// Notes that something failed around the graph, or one more time for the same reason.
    pub fn fault(&self, code: &str, stage: &str, cause: &str, path: &str) {
        if let Some(engine) = self.compiled.there() {
            engine.ledger().fault(code, stage, cause, path);
        }
    }

    /// Notes that what failed with a code, about a file, works again.
    pub fn works_again(&self, code: &str, path: &str) {
        if let Some(engine) = self.compiled.there() {
            engine.ledger().works_again(code, path);
        }
    }

    /// What failed, of this workspace and its forks, the oldest first.
    #[must_use]
    pub fn faults(&self) -> serde_json::Value {
        let faults = self.compiled.there().map(|engine| engine.ledger().faults()).unwrap_or_default();
        let told = faults.into_iter().map(|of| {
            serde_json::json!({"code": of.code, "stage": of.stage, "cause": of.cause, "path": of.path, "since": of.since, "until": of.until, "count": of.count})
        });
        told.collect()
    }

    /// Views that have no rows because their rules fail again and again.
    #[must_use]
    pub fn aside(&self) -> Vec<String> {
        let engine = self.compiled.there();
        engine.map(|engine| engine.aside().into_iter().map(str::to_owned).collect()).unwrap_or_default()
    }

    /// Files and documents whose newest text is not in the graph yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        held(&self.documents).values().filter(|open| open.dirty).count() + held(&self.staged).len()
    }

    /// Brings everything that is pending into the next snapshot.
    ///
    /// # Errors
    /// `cancelled` (everything stays pending), or what the engine met.
    pub fn commit(&self, cancel: &AtomicBool) -> Result<CommitReport, EngineError> {
        self.cache.forget_read();
        let began = Instant::now();
        let mut report = self.commit_taken(std::mem::take, cancel)?;
        if report.refresh.mode == Mode::Full {
            // Readers have their answers already; the next edit shall not wait for indexes.
            let engine = self.compiled.wait()?;
            engine.warm(&engine.snapshot())?;
            anatomy_engine::memory::give_back();
            report.total_micros = began.elapsed().as_micros() as u64;
        }
        Ok(report)
    }

    /// Brings every edited document and some of the staged files into the next snapshot; all else stays staged.
    ///
    /// # Errors
    /// `cancelled` (everything stays pending), or what the engine met.
    pub fn commit_some(&self, paths: &[String], cancel: &AtomicBool) -> Result<CommitReport, EngineError> {
        let take = |staged: &mut HashMap<String, Option<Staged>>| {
            paths.iter().filter_map(|path| staged.remove_entry(path)).collect()
        };
        self.commit_taken(take, cancel)
    }

    fn commit_taken(
        &self,
        take: impl FnOnce(&mut HashMap<String, Option<Staged>>) -> HashMap<String, Option<Staged>>,
        cancel: &AtomicBool,
    ) -> Result<CommitReport, EngineError> {
        let mut last_tables = held(&self.writer);
        let began = Instant::now();
        let engine = self.compiled.wait()?;
        let mut taken = take(&mut held(&self.staged));
        let mut edits: Vec<(Symbol, Vec<Pending>)> = Vec::new();
        let mut dirty: Vec<Dirty> = {
            let mut documents = held(&self.documents);
            taken.retain(|path, _| !documents.contains_key(path));
            documents
                .iter_mut()
                .filter(|(_, open)| open.dirty)
                .map(|(path, open)| {
                    open.dirty = false;
                    if !open.edits.is_empty() {
                        edits.push((Symbol::of(path), std::mem::take(&mut open.edits)));
                    }
                    (path.clone(), open.document.clone(), open.context.clone(), open.origin.clone())
                })
                .collect()
        };
        let mut versions = HashMap::new();
        for (path, document, context, origin) in &mut dirty {
            let tree = document.settle().clone();
            self.give_tree_back(path, document);
            let facts = anatomy_syntax::extract(path, context, document.text(), &tree, document.errors().to_vec());
            let index = document.index().clone();
            let mut facts = staged(
                document.text(),
                context,
                facts,
                index,
                document.changed_ranges().to_vec(),
                Some(document.version()),
            );
            facts.view.document = Some(document.clone());
            facts.view.origin = origin.take();
            taken.insert(path.clone(), Some(facts));
            versions.insert(path.clone(), document.version());
        }
        let extract_micros = began.elapsed().as_micros() as u64;
        let mut paths: Vec<&String> = taken.keys().collect();
        paths.sort();
        let paths: Vec<String> = paths.into_iter().cloned().collect();
        let mut changes = Vec::with_capacity(taken.len());
        for path in &paths {
            let file = Symbol::of(path);
            let last = last_tables.get(&file);
            // What an open document said last is at hand: a table that says the same again need not be asked.
            let same = |number: usize, rows: &Rows| last.is_some_and(|last| last[number] == rows.batch());
            let tables = taken.get_mut(path).and_then(Option::as_mut).map(|staged| {
                let tables = staged.tables.iter_mut().enumerate();
                tables.map(|(number, rows)| rows.take_if(|rows| !same(number, rows))).collect::<Vec<_>>()
            });
            if tables.as_ref().is_some_and(|tables| tables.iter().all(Option::is_none)) {
                continue;
            }
            changes.push(Change { file, tables });
        }
        // A rule that panics takes nothing with it: everything stays pending.
        let applied = catch_unwind(AssertUnwindSafe(|| engine.apply(&mut changes, cancel)));
        let applied = applied.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        for change in &mut changes {
            let Some(Some(staged)) = taken.get_mut(change.file.text()) else { continue };
            for (held, rows) in staged.tables.iter_mut().zip(change.tables.take().into_iter().flatten()) {
                if rows.is_some() {
                    *held = rows;
                }
            }
        }
        let (snapshot, refresh) = match applied {
            Ok(done) => done,
            Err(error) => {
                self.give_back(taken, &dirty);
                return Err(error);
            }
        };
        for change in &changes {
            last_tables.remove(&change.file);
        }
        for (path, ..) in &dirty {
            if let Some(Some(staged)) = taken.get(path) {
                let tables = staged.tables.iter().flatten().map(Rows::batch);
                last_tables.insert(Symbol::of(path), tables.collect());
            }
        }
        let last = self.answers()?;
        let mut files: Files = last.files().as_ref().clone();
        for path in &paths {
            let before = match taken.remove(path).flatten() {
                Some(staged) => {
                    let (module, wants) = (staged.view.module, staged.view.wants.clone());
                    let before = files.insert(Symbol::of(path), Arc::new(staged.view));
                    let is_known = |before: &Arc<FileView>| before.wants == wants || held(&self.known).holds(&wants);
                    before.filter(|before| before.module == module && is_known(before))
                }
                None => files.remove(&Symbol::of(path)).and(None),
            };
            if before.is_none() {
                self.wants_moved.store(true, Ordering::Relaxed);
            }
        }
        self.publish(&last, snapshot, files);
        if !edits.is_empty() {
            let rest = began.elapsed().as_micros() as u64 - extract_micros;
            let publish_micros = rest.saturating_sub(refresh.micros) as u32;
            let told = edits
                .iter()
                .flat_map(|(file, of)| of.iter().rev().enumerate().map(move |(later, of)| (file, later, of)));
            let told = told.map(|(file, later, of)| Edit {
                file: *file,
                version: of.version,
                start: of.at,
                apply_micros: of.apply_micros,
                queue_micros: ((began - of.began).as_micros() as u32).saturating_sub(of.apply_micros),
                extract_micros: extract_micros as u32,
                publish_micros,
                total_micros: of.began.elapsed().as_micros() as u32,
                superseded: later > 0,
            });
            engine.ledger().edits(told.collect(), &refresh);
        }
        Ok(CommitReport {
            files: paths,
            documents: versions,
            extract_micros,
            total_micros: began.elapsed().as_micros() as u64,
            refresh,
        })
    }

    /// A commit that did not happen leaves everything pending, except what was staged anew meanwhile.
    fn give_back(&self, taken: HashMap<String, Option<Staged>>, dirty: &[Dirty]) {
        let mut documents = held(&self.documents);
        for (path, ..) in dirty {
            if let Some(open) = documents.get_mut(path) {
                open.dirty = true;
            }
        }
        let mut staged = held(&self.staged);
        #[expect(clippy::iter_over_hash_type, reason = "each entry goes to its own place")]
        for (path, facts) in taken {
            if !documents.contains_key(&path) {
                staged.entry(path).or_insert(facts);
            }
        }
    }

    /// Begins with what an image holds, in the place of what is in the graph; what is pending stays so. The bytes about the
    /// workspace that came with it.
    ///
    /// # Errors
    /// `image-refused`, with everything as it was, and every refusal of the compiler.
    pub fn restore(&self, image: &WorkspaceImage) -> Result<Vec<u8>, EngineError> {
        let mut last_tables = held(&self.writer);
        let last = self.answers()?;
        let engine = self.compiled.wait()?;
        let Restored { snapshot, files, workspace } = image.read(engine)?;
        last_tables.clear();
        let snapshot = engine.restore(snapshot);
        self.publish(&last, snapshot, files);
        self.forget_missing_modules();
        Ok(workspace)
    }

    /// Writes an image of some answers with bytes about the workspace, lets what the newest snapshot has in common with them lie
    /// there, and gives the memory for it back; the bytes of the file.
    ///
    /// # Errors
    /// `image-not-written`, with everything as it was; `image-refused` if what was written cannot be read back.
    pub fn write_image(
        &self,
        written: Answers,
        place: &Path,
        conditions: &str,
        workspace: &[u8],
    ) -> Result<u64, EngineError> {
        let size = written.write_image(place, conditions, workspace)?;
        self.settle(&written, written.reread(place, conditions)?)?;
        drop(written);
        anatomy_engine::memory::give_back();
        Ok(size)
    }

    fn settle(&self, written: &Answers, (mapped, mut in_image): (Snapshot, Files)) -> Result<(), EngineError> {
        let _writer = held(&self.writer);
        let last = self.answers()?;
        let mut files: Files = last.files().as_ref().clone();
        #[expect(clippy::iter_over_hash_type, reason = "each file goes to its own place")]
        for (file, view) in &mut files {
            let is_written = written.files().get(file).is_some_and(|written| Arc::ptr_eq(written, view));
            if let Some(other) = in_image.remove(file).filter(|_| is_written).and_then(Arc::into_inner) {
                *view = Arc::new(view.settled(other));
            }
        }
        let snapshot = self.compiled.wait()?.settle(written.snapshot(), &mapped);
        self.publish(&last, snapshot, files);
        Ok(())
    }

    fn publish(&self, last: &Answers, snapshot: Arc<Snapshot>, files: Files) {
        let mut published = self.published.write().unwrap_or_else(|poison| poison.into_inner());
        *published = Some(published.as_ref().unwrap_or(last).next(snapshot, Arc::new(files)));
    }

    /// Answers from the newest snapshot, once the program is compiled.
    ///
    /// # Errors
    /// Every refusal of the compiler.
    pub fn answers(&self) -> Result<Answers, EngineError> {
        if let Some(answers) = self.published.read().unwrap_or_else(|poison| poison.into_inner()).as_ref() {
            return Ok(answers.clone());
        }
        let engine = self.compiled.wait()?;
        let mut published = self.published.write().unwrap_or_else(|poison| poison.into_inner());
        let first = || {
            let environment = self.environment.read().unwrap_or_else(|poison| poison.into_inner()).clone();
            Answers::new(engine.clone(), engine.snapshot(), Arc::default(), &self.root_uri)
                .beside(environment, self.sources.clone())
        };
        Ok(published.get_or_insert_with(first).clone())
    }
}

fn staged(
    text: &str,
    context: &ModuleContext,
    facts: FileFacts,
    index: TextIndex,
    changed: Vec<ChangedRange>,
    version: Option<i64>,
) -> Staged {
    let heads = signatures(text, &facts);
    let wants = wants(&facts, context);
    let mut view = FileView::new(facts.anchors, heads, index, facts.errors, changed, version);
    view.module = Symbol::of(&context.module);
    view.wants = wants;
    view.stamp = stamp_of(text);
    Staged { tables: held_rows(facts.tables), view }
}

fn held_rows(tables: Vec<RecordBatch>) -> Vec<Option<Rows>> {
    tables.into_iter().map(|table| Some(Rows::from(table))).collect()
}

/// Names what rules name before anything else does, in the order of the program: processes with the same program then begin with
/// the same numbers, and one takes the image of another as it is. What looks like a literal and is none costs a few bytes.
fn name_literals(program: &[u8]) {
    const LONGEST: usize = 32;
    let Ok(text) = std::str::from_utf8(program) else { return };
    let is_short = |part: &&str| part.len() <= LONGEST && !part.contains(char::is_whitespace);
    let parts: Vec<&str> = text.split(['\'', '"']).filter(is_short).collect();
    drop(Symbol::all_of(&parts));
}

fn panicked(panic: &(dyn Any + Send)) -> EngineError {
    let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    EngineError::internal(Stage::Run, said.unwrap_or("a rule panicked"))
}

fn no_library_files(error: &serde_json::Error) -> EngineError {
    let hint = "give a list of library files";
    EngineError::new(ErrorCode::UnknownFile, Stage::Extract, format!("no library files: {error}"), hint)
}

fn unknown_document(path: &str) -> EngineError {
    EngineError::new(
        ErrorCode::UnknownDocument,
        Stage::Parse,
        format!("`{path}` is not open"),
        "open the document before editing it",
    )
}
