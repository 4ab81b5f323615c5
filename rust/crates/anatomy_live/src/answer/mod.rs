//! Answers from one snapshot: places for ids, as JSON that is ready to send.
//!
//! An answer reads what the views hold (`refers_to` and what explains it) and turns ids into places; it decides nothing
//! about what a name means.

mod callable;
mod calls;
mod completion;
mod explain;
pub(crate) mod folding;
pub(crate) mod inlay;
mod items;
pub(crate) mod lenses;
mod members;
mod moves;
mod navigate;
mod places;
mod rename;
mod selection;
pub(crate) mod signature;
mod source;
mod symbols;
mod tables;
mod texts;
pub(crate) mod tokens;
mod types;

use std::sync::Arc;

use anatomy_engine::store::Snapshot;
use anatomy_engine::{Engine, EngineError};
use anatomy_facts::{Anchor, AnchorKind, ErrorCode, Stage, Symbol};
use anatomy_syntax::PositionEncoding;

use crate::environment::Tables;
use crate::files::{FileView, Files};
use crate::sources::Sources;
use crate::witness::Witnesses;

pub use self::completion::CompletionWishes;

/// A snapshot with the places of its files. Cheap to clone, never changes.
#[derive(Clone)]
pub struct Answers {
    engine: Arc<Engine>,
    snapshot: Arc<Snapshot>,
    files: Arc<Files>,
    root_uri: Arc<str>,
    environment: Arc<Tables>,
    witnesses: Arc<Witnesses>,
    sources: Arc<Sources>,
    /// Handed on from snapshot to snapshot.
    catalogue: Arc<completion::Catalogue>,
}

/// The URI of a workspace path. What may not stand in a URI is percent-encoded.
#[must_use]
pub(crate) fn uri(root: &str, path: &str) -> String {
    if path.contains("://") || path.starts_with("untitled:") {
        return path.to_owned();
    }
    let mut uri = String::with_capacity(root.len() + path.len() + 1);
    uri.push_str(root);
    uri.push('/');
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri
}

/// True for a file of the workspace: files of libraries have whole URIs for paths.
pub(crate) fn is_inside(file: Symbol) -> bool {
    !file.text().contains("://")
}

impl Answers {
    pub(crate) fn new(engine: Arc<Engine>, snapshot: Arc<Snapshot>, files: Arc<Files>, root_uri: &str) -> Self {
        let root_uri = root_uri.trim_end_matches('/').into();
        let (environment, witnesses, sources) = (Arc::default(), Arc::default(), Arc::default());
        Answers { engine, snapshot, files, root_uri, environment, witnesses, sources, catalogue: Arc::default() }
    }

    /// The same answers beside the tables of an environment, and with sources that were read already.
    pub(crate) fn beside(self, environment: Arc<Tables>, sources: Arc<Sources>) -> Self {
        Answers { environment, sources, ..self }
    }

    /// The same answers beside what slow witnesses said.
    pub(crate) fn with_witnesses(self, witnesses: Arc<Witnesses>) -> Self {
        Answers { witnesses, ..self }
    }

    pub(crate) fn witnesses(&self) -> &Arc<Witnesses> {
        &self.witnesses
    }

    /// The same workspace, later.
    pub(crate) fn next(&self, snapshot: Arc<Snapshot>, files: Arc<Files>) -> Self {
        Answers { snapshot, files, ..self.clone() }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    pub(crate) fn files(&self) -> &Arc<Files> {
        &self.files
    }

    /// Counts commits.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.snapshot.generation
    }

    /// The document version that this snapshot holds, if the file was open.
    #[must_use]
    pub fn version_of(&self, path: &str) -> Option<i64> {
        self.files.get(&Symbol::of(path))?.version
    }

    /// What the text of a file is recognised by, if the file is there.
    #[must_use]
    pub fn stamp_of(&self, path: &str) -> Option<u64> {
        Some(self.files.get(&Symbol::of(path))?.stamp)
    }

    /// All paths of the workspace, sorted.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let inside = self.files.keys().filter(|file| is_inside(**file));
        let mut paths: Vec<String> = inside.map(|file| file.text().to_owned()).collect();
        paths.sort();
        paths
    }

    fn file(&self, path: &str) -> Result<(Symbol, &Arc<FileView>), EngineError> {
        let file = Symbol::of(path);
        let view = self.files.get(&file).ok_or_else(|| {
            EngineError::new(
                ErrorCode::UnknownFile,
                Stage::Answer,
                format!("`{path}` is not in the graph"),
                "it may lie outside the workspace, be ignored, or not be indexed yet",
            )
        })?;
        Ok((file, view))
    }

    /// The words at a position: the reference first, if there is one.
    fn words(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Words<'_>, EngineError> {
        let (file, view) = self.file(path)?;
        let offset = view.index().offset(line, character, encoding);
        let found = view.words_at(offset);
        let of = |kind: AnchorKind| found.iter().find(|anchor| anchor.kind == kind).map(|anchor| **anchor);
        let (reference, binding) = (of(AnchorKind::Reference), of(AnchorKind::Binding));
        match self.text_at(view, offset).filter(|_| found.is_empty()) {
            Some((literal, text)) => Ok(Words { file, view, reference: Some(literal), binding, text: Some(text) }),
            None => Ok(Words { file, view, reference, binding, text: None }),
        }
    }
}

struct Words<'a> {
    file: Symbol,
    view: &'a Arc<FileView>,
    reference: Option<Anchor>,
    binding: Option<Anchor>,
    /// If the reference is a text: the word of it that is under the cursor.
    text: Option<texts::Text>,
}
