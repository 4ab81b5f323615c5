//! What may be typed at a place, the likeliest first, and what is asked of one item later.
//!
//! The text before the cursor says what kind of thing may come (`anatomy_syntax::cursor`), the views say which ones there
//! are. A name that the half-typed line keeps from having a value is followed here by the same tables: scope, class
//! member, module member. Nothing is offered inside comments and text. Order is final here: `sortText` counts upwards.

mod auto_import;
mod callee;
mod catalogue;
mod import_edit;
mod items;
mod members;
mod missing;
mod names;
mod overriding;
mod statements;
mod typed;
mod values;

use anatomy_engine::EngineError;
use anatomy_facts::{AnchorKind, Id, Symbol};
use anatomy_syntax::cursor::{Cursor, Place, cursor};
use anatomy_syntax::{Document, PositionEncoding};
use serde::Deserialize;
use serde_json::json;

pub(crate) use self::catalogue::Catalogue;
use self::items::{Item, What};
use super::Answers;
use crate::files::FileView;

/// What an editor can take, and how much it wants.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct CompletionWishes {
    /// The most items of an answer.
    pub limit: usize,
    /// The most items among them that would be imported; 0 turns them off.
    pub auto_imports: usize,
    /// The editor can fill in snippets.
    pub snippets: bool,
    /// The editor moves the lines of an inserted text below its first one.
    pub adjusts_indentation: bool,
    /// The editor takes an item when certain characters are typed.
    pub commit_characters: bool,
    /// The editor shows details of labels.
    pub label_details: bool,
    /// The editor asks for the edit of an import when the item is taken.
    pub lazy_edits: bool,
}

/// A question about one cursor.
struct Asked<'a> {
    answers: &'a Answers,
    file: Symbol,
    view: &'a FileView,
    text: &'a str,
    cursor: &'a Cursor,
    wishes: &'a CompletionWishes,
    encoding: PositionEncoding,
    /// Scopes whose names can be seen, innermost first.
    scopes: Vec<Seen>,
    /// Dotted name of the module of the file, and the package against which relative imports resolve.
    module: Symbol,
    package: Symbol,
}

/// A scope around the cursor.
#[derive(Clone, Copy)]
struct Seen {
    scope: Id,
    kind: &'static str,
    /// The definition that opens it.
    definition: Id,
}

impl Answers {
    /// LSP `CompletionList` of what may be typed at a position; empty for a file that is not open.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn completion(
        &self,
        path: &str,
        line: u32,
        character: u32,
        wishes: &CompletionWishes,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let Some(text) = view.document.as_ref().map(Document::text) else { return Ok(items::nothing()) };
        let cursor = cursor(text, view.index().offset(line, character, encoding));
        if cursor.place == Place::Nothing {
            return Ok(items::nothing());
        }
        let asked = Asked::of(self, (file, &**view, text), &cursor, wishes, encoding);
        let (found, partial) = asked.found();
        Ok(asked.list(found, partial))
    }

    /// What an item leaves out until it is looked at: `{"documentation", "detail", "edits"}`, each perhaps missing.
    ///
    /// # Errors
    /// `unknown-file`, if the file of the item is gone.
    pub fn completion_resolve(&self, data: &[u8], encoding: PositionEncoding) -> Result<Vec<u8>, EngineError> {
        let Ok(data) = serde_json::from_slice::<items::Later>(data) else { return Ok(b"{}".to_vec()) };
        let id = data.id.parse::<Id>().unwrap_or(0);
        let mut out = json!({});
        if let Some((detail, documentation)) = self.described(id) {
            out["detail"] = json!(detail);
            if !documentation.is_empty() {
                out["documentation"] = json!(documentation);
            }
        }
        if let Some((module, name)) = &data.import {
            let (_, view) = self.file(&data.path)?;
            if let Some(text) = view.document.as_ref().map(Document::text) {
                out["edits"] = self.import_edits(Symbol::of(&data.path), text, module, name, encoding);
            }
        }
        Ok(out.to_string().into_bytes())
    }

    /// Head and documentation of a definition or module.
    fn described(&self, id: Id) -> Option<(String, String)> {
        let row = self.rows("bindings", "binding", id, &["file", "name", "kind"]);
        let documentation = self.engine.docstring(&self.snapshot, id);
        if let Some(row) = row.first() {
            let head = self.files.get(&Symbol(row[0] as u32)).and_then(|view| view.head(id));
            let value = || self.value_name(id).unwrap_or_default().to_owned();
            return Some((head.map_or_else(value, str::to_owned), documentation));
        }
        let module = self.rows("files", "scope", id, &["module"]);
        module.first().map(|row| (format!("module {}", Symbol(row[0] as u32).text()), documentation))
    }
}

impl<'a> Asked<'a> {
    fn of(
        answers: &'a Answers,
        (file, view, text): (Symbol, &'a FileView, &'a str),
        cursor: &'a Cursor,
        wishes: &'a CompletionWishes,
        encoding: PositionEncoding,
    ) -> Self {
        let row = answers.rows("files", "file", u64::from(file.0), &["module", "package", "scope"]);
        let (module, package, scope) = row
            .first()
            .map_or((Symbol::NONE, Symbol::NONE, 0), |row| (Symbol(row[0] as u32), Symbol(row[1] as u32), row[2]));
        let scopes = Vec::new();
        let mut asked = Asked { answers, file, view, text, cursor, wishes, encoding, scopes, module, package };
        asked.scopes = asked.scopes_around(scope);
        asked
    }
}

impl Asked<'_> {
    /// Everything that may come here, unsorted, and whether more would come for a longer word.
    fn found(&self) -> (Vec<Item>, bool) {
        match &self.cursor.place {
            Place::Nothing => (Vec::new(), false),
            Place::Listed(_, listed) => (self.listed(listed), false),
            Place::Member(base) => (self.members(base), false),
            Place::Module { level, parent, is_from } => (self.modules(*level, parent, *is_from), false),
            Place::ImportWord => (vec![Item::new("import", 0, What::Keyword)], false),
            Place::Imported { level, module, listed } => (self.imported(*level, module, listed), false),
            Place::Method(start, is_async) => (self.overridable(*start, *is_async), false),
            Place::Outer => (self.outer_names(), false),
            Place::Operator(tail) => (names::operators(*tail), false),
            Place::Name(wanted) => self.names(*wanted),
        }
    }

    /// The letters of the word that are typed already.
    fn typed(&self) -> &str {
        let start = match self.cursor.place {
            Place::Listed(start, _) => start,
            _ => self.cursor.word.0,
        };
        self.text.get(start as usize..self.cursor.word.1 as usize).unwrap_or_default()
    }

    /// Scopes whose names can be seen from the cursor: those of the definitions that the text shows, of comprehensions
    /// and lambdas that the last reading of the file has there, and the module. A class hides from what it holds.
    fn scopes_around(&self, module: Id) -> Vec<Seen> {
        let mut scope = module;
        let mut start = 0;
        for definition in &self.cursor.definitions {
            if let Some(binding) = self.anchored(definition.name, AnchorKind::Binding)
                && let Some(row) = self.answers.rows("bindings", "binding", binding, &["body_scope"]).first()
                && row[0] != 0
            {
                (scope, start) = (row[0], definition.name.0);
            }
        }
        let at = self.cursor.word.0;
        for anchor in self.view.anchors().iter().take_while(|anchor| anchor.start < at) {
            if anchor.kind == AnchorKind::Scope && anchor.start > start && anchor.end >= at {
                let row = self.answers.rows("scopes", "scope", anchor.id, &["kind"]);
                let kind = row.first().map_or("", |row| Symbol(row[0] as u32).text());
                if matches!(kind, "comprehension" | "lambda") {
                    scope = anchor.id;
                }
            }
        }
        let mut seen = Vec::new();
        while scope != 0 && seen.len() < 100 {
            let row = self.answers.rows("scopes", "scope", scope, &["kind", "parent", "definition"]);
            let Some(row) = row.first() else { break };
            let kind = Symbol(row[0] as u32).text();
            if kind != "class" || seen.is_empty() {
                seen.push(Seen { scope, kind, definition: row[2] });
            }
            scope = row[1];
        }
        seen
    }

    /// The thing whose word is exactly there.
    fn anchored(&self, word: (u32, u32), kind: AnchorKind) -> Option<Id> {
        let anchors = self.view.anchors();
        let from = anchors.partition_point(|anchor| anchor.start < word.0);
        let same = anchors[from..].iter().take_while(|anchor| anchor.start == word.0);
        same.into_iter().find(|anchor| anchor.end == word.1 && anchor.kind == kind).map(|anchor| anchor.id)
    }

    /// The class in whose body, or in whose method, the cursor stands.
    fn class_around(&self) -> Option<Id> {
        let class = self.cursor.definitions.iter().rfind(|definition| definition.is_class)?;
        self.anchored(class.name, AnchorKind::Binding)
    }
}
