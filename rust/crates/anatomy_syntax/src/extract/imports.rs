//! Imports: what each binding imports, and every segment as a reference to its module.

use anatomy_facts::{AnchorKind, Id, Symbol, facts::Cell};
use tree_sitter::Node;

use super::{
    Extractor, Span,
    bindings::Taken,
    kinds::{Kind, children_in_field, fields, kind_of, named_children},
    rows::ImportRow,
    words::{Word, mix, text_hash},
};

/// Which segment of a dotted name the statement binds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Binds {
    First,
    Nothing,
}

impl<'t> Extractor<'t> {
    /// `import a.b, c as d`.
    pub(crate) fn import(&mut self, node: Node<'_>) {
        for item in named_children(node) {
            match kind_of(item) {
                Kind::DottedName => {
                    let segments = self.segments(item, "", Binds::First);
                    let (Some(first_node), Some(first)) = (named_children(item).first().copied(), segments.first())
                    else {
                        continue;
                    };
                    let word = self.word(first_node);
                    let binding = self.import_binding(word, self.span(first_node), self.span(item));
                    self.import_row(binding, word.symbol, Symbol::NONE, 0, *first, 0);
                }
                Kind::AliasedImport => {
                    let Some(name) = item.child_by_field_id(fields().name) else { continue };
                    let last = self.segments(name, "", Binds::Nothing).last().copied().unwrap_or(0);
                    let module = Symbol::of(&self.dotted_text(name));
                    if let Some(alias) = item.child_by_field_id(fields().alias) {
                        let word = self.word(alias);
                        let binding = self.import_binding(word, self.span(alias), self.span(item));
                        let alias_expr = self.repeated(named_children(name).last().copied(), alias);
                        self.import_row(binding, module, Symbol::NONE, 0, last, alias_expr);
                    }
                }
                _ => self.part(item),
            }
        }
    }

    fn import_binding(&mut self, word: Word, span: Span, extent: Span) -> u32 {
        let kind = self.vocabulary.import;
        self.bind(self.scope, word, span, Taken { kind, value: 0, annotation: 0, extent })
    }

    /// `from a.b import c as d`, `from . import *`.
    pub(crate) fn import_from(&mut self, node: Node<'_>) {
        let words = self.vocabulary;
        let module_node = node.child_by_field_id(fields().module_name);
        let (module, level) = match module_node {
            Some(module) => self.source_module(module),
            None => (self.future_module(node), 0),
        };
        let module_symbol = Symbol::of(&module);
        let statement = self.span(node);
        let item_shape = mix(text_hash("import_from"), text_hash(&module));
        for item in children_in_field(node, fields().name) {
            let (name, alias) = match kind_of(item) {
                Kind::AliasedImport => (item.child_by_field_id(fields().name), item.child_by_field_id(fields().alias)),
                _ => (Some(item), None),
            };
            let Some(name) = name.filter(|name| !name.is_missing()) else { continue };
            let word = self.word(name);
            let id = self.fresh(mix(item_shape, word.hash));
            let (span, extent) = (self.span(name), self.span(item));
            self.anchor(id, span, extent, AnchorKind::Reference);
            let bound = alias.unwrap_or(name);
            let (bound_word, bound_span) = (self.word(bound), self.span(bound));
            let taken = Taken { kind: words.import_from, value: 0, annotation: 0, extent };
            let binding = self.bind(self.scope, bound_word, bound_span, taken);
            let alias_expr = alias.map_or(0, |alias| self.repeated(Some(name), alias));
            self.import_row(binding, module_symbol, word.symbol, level, id, alias_expr);
        }
        for child in named_children(node) {
            match kind_of(child) {
                Kind::WildcardImport => {
                    let word = self.words.of("*");
                    let span = self.span(child);
                    let id = self.fresh(mix(item_shape, word.hash));
                    self.anchor(id, span, span, AnchorKind::Reference);
                    let taken = Taken { kind: words.star, value: 0, annotation: 0, extent: statement };
                    let binding = self.bind(self.scope, word, span, taken);
                    self.import_row(binding, module_symbol, word.symbol, level, id, 0);
                }
                Kind::Error => self.broken(child),
                _ => {}
            }
        }
    }

    /// The absolute module that a `from` names, and its leading dots. Its segments become references.
    fn source_module(&mut self, node: Node<'_>) -> (String, u32) {
        if kind_of(node) != Kind::RelativeImport {
            self.segments(node, "", Binds::Nothing);
            return (self.dotted_text(node), 0);
        }
        let parts = named_children(node);
        let prefix = parts.iter().copied().find(|part| kind_of(*part) == Kind::ImportPrefix);
        let name = parts.iter().copied().find(|part| kind_of(*part) == Kind::DottedName);
        let level = prefix.map_or(0, |prefix| self.text_of(prefix).bytes().filter(|byte| *byte == b'.').count()) as u32;
        let base = ancestor(self.package, level).map(str::to_owned).unwrap_or_else(|| ".".repeat(level as usize));
        let Some(name) = name else {
            // Dots alone name the package; before a name they are only part of that name.
            if let Some(prefix) = prefix {
                self.segment(&base, self.span(prefix), true, false);
            }
            return (base, level);
        };
        self.segments(name, &base, Binds::Nothing);
        let separator = if base.is_empty() || base.ends_with('.') { "" } else { "." };
        (format!("{base}{separator}{}", self.dotted_text(name)), level)
    }

    fn future_module(&mut self, node: Node<'_>) -> String {
        let mut cursor = node.walk();
        let token = node.children(&mut cursor).find(|child| child.kind() == "__future__");
        if let Some(token) = token {
            self.segment("__future__", self.span(token), true, false);
        }
        "__future__".to_owned()
    }

    /// The text of a dotted name without blanks or line continuations.
    fn dotted_text(&self, node: Node<'_>) -> String {
        let words: Vec<&str> = named_children(node).into_iter().map(|word| self.text_of(word)).collect();
        words.join(".")
    }

    /// A reference for each segment of a dotted name below `base`.
    fn segments(&mut self, node: Node<'_>, base: &str, binds: Binds) -> Vec<Id> {
        let mut module = base.to_owned();
        let mut ids = Vec::new();
        let words: Vec<Node<'_>> = named_children(node)
            .into_iter()
            .filter(|word| kind_of(*word) == Kind::Identifier && !word.is_missing())
            .collect();
        for (at, word) in words.iter().enumerate() {
            if !module.is_empty() && !module.ends_with('.') {
                module.push('.');
            }
            module.push_str(self.text_of(*word));
            let is_bound = binds == Binds::First && at == 0;
            ids.push(self.segment(&module, self.span(*word), at + 1 == words.len(), is_bound));
        }
        ids
    }

    fn segment(&mut self, module: &str, span: Span, is_last: bool, is_bound: bool) -> Id {
        let id = self.fresh(mix(text_hash("module_ref"), text_hash(module)));
        self.anchor(id, span, span, AnchorKind::Reference);
        self.tables.module_refs.push(&[
            Cell::Id(id),
            Cell::Symbol(Symbol::of(module)),
            Cell::Bool(is_last),
            Cell::Bool(is_bound),
            Cell::Symbol(self.branch),
            Cell::Symbol(self.file),
        ]);
        id
    }

    /// The reference of an alias that repeats the imported name: `import a.b as b`, `from a import b as b`.
    fn repeated(&mut self, name: Option<Node<'_>>, alias: Node<'_>) -> Id {
        let text = self.text_of(alias);
        if alias.is_missing() || name.map(|name| self.text_of(name)) != Some(text) {
            return 0;
        }
        let id = self.fresh(mix(text_hash("alias"), text_hash(text)));
        let span = self.span(alias);
        self.anchor(id, span, span, AnchorKind::Reference);
        id
    }

    fn import_row(&mut self, binding: u32, module: Symbol, name: Symbol, level: u32, expr: Id, alias: Id) {
        self.pending.imports.push(ImportRow { binding, module, name, level, scope: self.scope, expr, alias });
    }
}

/// The package that `level` leading dots mean inside `package`: one dot is the package itself. None above its root.
fn ancestor(package: &str, level: u32) -> Option<&str> {
    let mut at = package;
    for step in 1..level {
        at = match at.rsplit_once('.') {
            Some((parent, _)) => parent,
            None if step < level || at.is_empty() => return None,
            None => "",
        };
    }
    (!at.is_empty() || level == 0).then_some(at)
}
