//! Tree to evidence: one walk over the tree of one file fills every table and places every id.
//!
//! The walk goes in the order of evaluation (a value before the names that take it) and never leaves the file. What a
//! name means is settled after the walk, because Python decides it by the whole scope. An expression's id hashes its
//! owner scope, its shape and its ordinal among equal shapes there, so a new line shifts no id but those of its twins.
//! Literals, lambdas and comprehensions have no words of their own: what takes them is part of their shape.
//!
//! One file per family: `scopes` and `rows` are the bookkeeping, the others are named as what they read.

mod annotations;
mod bindings;
mod calls;
mod classes;
pub(crate) mod docstrings;
mod exports;
mod exprs;
mod flow;
mod functions;
mod guards;
mod imports;
mod items;
pub(crate) mod kinds;
mod made_classes;
mod mentions;
mod operators;
mod outline;
mod patterns;
mod rows;
mod scopes;
mod statements;
mod stores;
mod strings;
mod vocabulary;
mod words;

use std::sync::Arc;

use anatomy_facts::{
    Anchor, AnchorKind, ErrorCode, FileFacts, Id, Severity, Symbol, TableBuilder,
    facts::{Cell, ParseError},
    id_of, tables,
};
use tree_sitter::{Node, Tree};

pub use self::guards::Target;
use self::{
    bindings::{BindingRow, PathStep},
    flow::Flow,
    scopes::{Declared, Scope, ScopeKind},
    vocabulary::{VOCABULARY, Vocabulary},
    words::{QuickMap, Word, Words, mix, shaped_id},
};
use crate::{
    errors::Run,
    errors::without_inner_breaks,
    parse::{parse, parse_file_of},
    position::TextIndex,
};

/// How deep syntax may nest before the rest below is left out.
pub const NESTING_LIMIT: u32 = 600;

/// What the path of a file says about it; the caller knows roots and search paths, this room does not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ModuleContext {
    /// Dotted name that imports use.
    pub module: String,
    /// Package against which relative imports resolve.
    pub package: String,
    /// An `__init__` file.
    pub is_package: bool,
    /// A `.pyi` file.
    pub is_stub: bool,
    /// `user`, `library` or `stdlib`.
    pub partition: String,
    /// Order of its root on the search path.
    pub search_rank: u32,
    /// For what branches are decided; of the workspace, not of the path.
    pub target: Arc<Target>,
    /// What ids hash in place of the path; empty for the path itself.
    pub identity: String,
    /// Leave out what of a library's source nobody outside can ask about.
    pub outline: bool,
}

/// The facts of a parsed text. `errors` are its syntax errors, to which only the limits of extraction are added.
#[must_use]
pub fn extract(path: &str, context: &ModuleContext, text: &str, tree: &Tree, errors: Vec<ParseError>) -> FileFacts {
    // The tree has errors where Python has none: a gap of the grammar.
    let is_gap = tree.root_node().has_error() && !errors.iter().any(|error| error.severity == Severity::Error);
    let mended = if is_gap { without_inner_breaks(text).map(|text| parse(&text, None)) } else { None };
    let tree = mended.as_ref().unwrap_or(tree);
    let mut extractor = Extractor::new(path, context, text, errors);
    extractor.module(tree.root_node());
    extractor.finish(context)
}

/// The facts and the line index of a closed file, from its bytes.
#[must_use]
pub fn extract_file(path: &str, context: &ModuleContext, bytes: &[u8], limit: usize) -> (FileFacts, TextIndex) {
    let parsed = parse_file_of(bytes, limit, Run::of_path(path));
    let index = TextIndex::new(&parsed.text);
    (extract(path, context, &parsed.text, &parsed.tree, parsed.errors), index)
}

/// An expression that was read: its id (0 if no rule can follow it) and the hash of its shape.
#[derive(Clone, Copy, Default, Debug)]
struct Value {
    id: Id,
    shape: u64,
}

/// Whether a rule can follow the expression from where it stands; literals and operators are rows only then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    Followed,
    Read,
}

/// A use of a plain name, before it is known what it means.
struct NameRow {
    expr: Id,
    scope: u32,
    name: Symbol,
    context: Symbol,
    branch: Symbol,
    /// How many bindings the walk had seen.
    time: u32,
}

/// Half-open bytes of the file.
type Span = (u32, u32);

/// Rows whose identity waits for the binding of a definition, which is made after its parts were read.
struct Extractor<'t> {
    text: &'t str,
    /// Added to the offsets of nodes: not 0 only while the content of a string is read as code.
    base: u32,
    file: Symbol,
    file_name: &'t str,
    package: &'t str,
    target: &'t Target,
    outline: bool,
    words: Words<'t>,
    vocabulary: &'static Vocabulary,
    scopes: Vec<Scope>,
    declared: QuickMap<(u32, u32), Declared>,
    scope: u32,
    branch: Symbol,
    /// Dots after which no name was typed.
    open_dots: Vec<u32>,
    depth: u32,
    /// Error nodes that the walk stands in.
    errors_around: u32,
    too_deep: bool,
    in_annotation: bool,
    /// Hash of what takes the value that is being read: it tells literals and lambdas apart, which have no words.
    taker: u64,
    /// Rows of `items` that the display around what is read may still have; none outside of displays.
    items_left: Option<u32>,
    /// How a `with` around what is read enters.
    enter: PathStep,
    /// The call and argument that the string about to be read is.
    string_argument: Option<(Id, Symbol)>,
    /// The call and argument that the display about to be read is, whose items are words.
    listed_argument: Option<(Id, Symbol)>,
    occurrences: QuickMap<u64, u32>,
    bindings: Vec<BindingRow>,
    names: Vec<NameRow>,
    path: Vec<PathStep>,
    flow: Flow,
    tables: Tables,
    /// Rows of params, imports, class_bases, decorators, returns and docstrings that name a binding by ordinal.
    pending: rows::Pending,
    anchors: Vec<Anchor>,
    errors: Vec<ParseError>,
}

/// Tables whose rows are complete when they are met.
struct Tables {
    exprs: TableBuilder,
    args: TableBuilder,
    module_refs: TableBuilder,
    exports: TableBuilder,
    fields: TableBuilder,
    strings: TableBuilder,
    items: TableBuilder,
    stores: TableBuilder,
    broken: TableBuilder,
}

impl<'t> Extractor<'t> {
    fn new(path: &'t str, context: &'t ModuleContext, text: &'t str, errors: Vec<ParseError>) -> Self {
        Extractor {
            text,
            base: 0,
            file: Symbol::of(path),
            file_name: if context.identity.is_empty() { path } else { &context.identity },
            package: &context.package,
            target: &context.target,
            outline: context.outline,
            words: Words::default(),
            vocabulary: &VOCABULARY,
            scopes: Vec::new(),
            declared: QuickMap::default(),
            scope: 0,
            branch: Symbol::NONE,
            open_dots: errors
                .iter()
                .filter(|error| error.code == ErrorCode::SyntaxMissing)
                .filter(|error| text.get(error.start as usize..error.end as usize) == Some("."))
                .map(|error| error.start)
                .collect(),
            depth: 0,
            errors_around: 0,
            too_deep: false,
            in_annotation: false,
            taker: 0,
            items_left: None,
            enter: PathStep::Enter,
            string_argument: None,
            listed_argument: None,
            occurrences: QuickMap::default(),
            bindings: Vec::new(),
            names: Vec::new(),
            path: Vec::new(),
            flow: Flow::new(),
            tables: Tables {
                exprs: TableBuilder::new(&tables::EXPRS),
                args: TableBuilder::new(&tables::ARGS),
                module_refs: TableBuilder::new(&tables::MODULE_REFS),
                exports: TableBuilder::new(&tables::EXPORTS),
                fields: TableBuilder::new(&tables::FIELDS),
                strings: TableBuilder::new(&tables::STRINGS),
                items: TableBuilder::new(&tables::ITEMS),
                stores: TableBuilder::new(&tables::STORES),
                broken: TableBuilder::new(&tables::BROKEN),
            },
            pending: rows::Pending::default(),
            anchors: Vec::new(),
            errors,
        }
    }

    fn module(&mut self, root: Node<'_>) {
        let id = id_of(&[self.file_name.as_bytes(), b"module"]);
        let span = (0, self.text.len() as u32);
        self.scopes.push(Scope::new(id, 0, ScopeKind::Module, Symbol::NONE, 0));
        self.anchor(id, span, span, AnchorKind::Scope);
        self.docstring(rows::Owner::Module, root);
        self.statements(root);
    }

    fn span(&self, node: Node<'_>) -> Span {
        (node.start_byte() as u32 + self.base, node.end_byte() as u32 + self.base)
    }

    /// The text of a node. Empty if error recovery cut a character in two.
    fn text_of(&self, node: Node<'_>) -> &'t str {
        let (start, end) = self.span(node);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    fn word(&mut self, node: Node<'_>) -> Word {
        let text = self.text_of(node);
        self.words.of(text)
    }

    fn scope_id(&self) -> Id {
        self.scopes[self.scope as usize].id
    }

    /// A new id for an expression of that shape in the current scope.
    fn fresh(&mut self, shape: u64) -> Id {
        let owner = self.scope_id();
        let count = self.occurrences.entry(mix(owner, shape)).or_insert(0);
        let id = shaped_id(owner, shape, *count);
        *count += 1;
        id
    }

    /// Reads what is taken by something of that hash.
    fn taken_by<T>(&mut self, taker: u64, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.taker, taker);
        let value = read(self);
        self.taker = outer;
        value
    }

    fn anchor(&mut self, id: Id, word: Span, extent: Span, kind: AnchorKind) {
        self.anchors.push(Anchor {
            id,
            start: word.0,
            end: word.1,
            extent_start: extent.0,
            extent_end: extent.1,
            kind,
        });
    }

    /// Runs `read` one level deeper, unless that is too deep: then one error says so and what lies below is left out.
    fn deeper<T: Default>(&mut self, node: Node<'_>, read: impl FnOnce(&mut Self) -> T) -> T {
        if self.depth >= NESTING_LIMIT {
            if !self.too_deep {
                self.too_deep = true;
                let (start, end) = self.span(node);
                self.errors.push(ParseError {
                    start,
                    end: end.min(start + 1),
                    code: ErrorCode::SourceTooDeep,
                    severity: Severity::Warning,
                    node_kind: "",
                    message: format!(
                        "code is nested deeper than {NESTING_LIMIT} levels; what lies below is not analysed"
                    ),
                    related: None,
                });
            }
            return T::default();
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn push_expr(&mut self, row: ExprRow) {
        let scope = self.scope_id();
        if self.errors_around > 0 && (row.kind == self.vocabulary.name || row.kind == self.vocabulary.attribute) {
            self.tables.broken.push(&[Cell::Id(row.id), Cell::Symbol(self.file)]);
        }
        self.tables.exprs.push(&[
            Cell::Id(row.id),
            Cell::Symbol(row.kind),
            Cell::Id(row.base),
            Cell::Symbol(row.name),
            Cell::Symbol(row.context),
            Cell::Id(scope),
            Cell::Id(row.second),
            Cell::Symbol(self.file),
        ]);
    }
}

/// A row of `exprs` but for the columns that every row takes from where the walk stands.
#[derive(Clone, Copy)]
struct ExprRow {
    id: Id,
    kind: Symbol,
    base: Id,
    name: Symbol,
    context: Symbol,
    second: Id,
}
