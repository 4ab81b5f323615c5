//! `__all__` of a module, `__slots__` and `__match_args__` of a class: what they list where that can be read without running code.

use anatomy_facts::{AnchorKind, Id, Symbol, facts::Cell};
use tree_sitter::Node;

use super::{
    Extractor, Span, Use,
    kinds::{Kind, fields, kind_of, named_children},
    scopes::ScopeKind,
    words::{mix, text_hash},
};

impl<'t> Extractor<'t> {
    /// Reads what `__all__` is set to or grows by.
    pub(crate) fn exported(&mut self, node: Node<'_>, operation: Symbol) {
        self.deeper(node, |this| this.exported_inside(node, operation));
    }

    fn exported_inside(&mut self, node: Node<'_>, operation: Symbol) {
        match kind_of(node) {
            Kind::List | Kind::Tuple | Kind::Set | Kind::ExpressionList => {
                let items = named_children(node);
                if items.is_empty() {
                    // A list of nothing is read well: it lets nothing out.
                    self.export_row(0, Symbol::NONE, operation);
                }
                for item in items {
                    match kind_of(item) {
                        Kind::Str => self.exported_name(item, operation),
                        Kind::ListSplat | Kind::ListSplatPattern => {
                            for child in named_children(item) {
                                self.exported(child, operation);
                            }
                        }
                        _ => {
                            self.expr(item, Use::Read);
                            self.export_row(0, Symbol::NONE, self.vocabulary.unknown);
                        }
                    }
                }
            }
            Kind::Parenthesized => {
                for child in named_children(node) {
                    self.exported(child, operation);
                }
            }
            Kind::BinaryOperator if named_children(node).len() == 2 => {
                let added = self.vocabulary.add;
                for (at, child) in named_children(node).into_iter().enumerate() {
                    self.exported(child, if at == 0 { operation } else { added });
                }
            }
            Kind::Attribute if self.attribute_word(node) == "__all__" => {
                let object = node.child_by_field_id(fields().object);
                let base = object.map(|object| self.expr(object, Use::Followed)).unwrap_or_default();
                self.attribute_of(base, node, self.vocabulary.load);
                let name = object.map_or(Symbol::NONE, |object| Symbol::of(self.text_of(object)));
                self.export_row(base.id, name, self.vocabulary.module);
            }
            // `__all__ = __all__ + [...]` keeps what it has.
            Kind::Identifier if self.text_of(node) == "__all__" => {
                self.expr(node, Use::Read);
            }
            Kind::Call if self.exported_words(node, operation) => {}
            Kind::Call if self.is_copy(node) => {
                let arguments = node.child_by_field_id(fields().arguments);
                if let Some(callee) = node.child_by_field_id(fields().function) {
                    self.expr(callee, Use::Read);
                }
                for argument in arguments.map(named_children).unwrap_or_default() {
                    self.exported(argument, operation);
                }
            }
            _ => {
                self.expr(node, Use::Read);
                self.export_row(0, Symbol::NONE, self.vocabulary.unknown);
            }
        }
    }

    fn attribute_word(&self, node: Node<'_>) -> &'t str {
        node.child_by_field_id(fields().attribute).map_or("", |word| self.text_of(word))
    }

    /// `list(x)`, `tuple(x)` and `sorted(x)` list what `x` does.
    fn is_copy(&self, node: Node<'_>) -> bool {
        let callee = node.child_by_field_id(fields().function).map_or("", |callee| self.text_of(callee));
        let count = node.child_by_field_id(fields().arguments).map_or(0, |list| list.named_child_count());
        matches!(callee, "list" | "tuple" | "sorted") && count == 1
    }

    /// Where the text of `"a b c".split()` stands.
    fn split_text(&self, node: Node<'_>) -> Option<Span> {
        let callee = node.child_by_field_id(fields().function).filter(|callee| kind_of(*callee) == Kind::Attribute)?;
        let text = callee.child_by_field_id(fields().object).filter(|object| kind_of(*object) == Kind::Str)?;
        let arguments = node.child_by_field_id(fields().arguments)?;
        let is_split = self.attribute_word(callee) == "split" && arguments.named_child_count() == 0;
        if is_split { self.plain(text)?.verbatim } else { None }
    }

    /// Reads the words of `"a b c".split()`; false if it is something else.
    fn exported_words(&mut self, node: Node<'_>, operation: Symbol) -> bool {
        let Some((start, end)) = self.split_text(node) else { return false };
        let text = &self.text[start as usize..end as usize];
        for word in text.split_whitespace() {
            let from = start + (word.as_ptr() as usize - text.as_ptr() as usize) as u32;
            let span = (from, from + word.len() as u32);
            let id = self.fresh(mix(text_hash("export"), text_hash(word)));
            self.anchor(id, span, span, AnchorKind::Reference);
            self.export_row(id, Symbol::of(word), operation);
        }
        true
    }

    fn exported_name(&mut self, node: Node<'_>, operation: Symbol) {
        let Some(plain) = self.plain(node) else {
            self.expr(node, Use::Read);
            return self.export_row(0, Symbol::NONE, self.vocabulary.unknown);
        };
        let id = self.fresh(mix(text_hash("export"), text_hash(&plain.value)));
        let extent = self.span(node);
        self.anchor(id, plain.verbatim.unwrap_or(extent), extent, AnchorKind::Reference);
        self.export_row(id, Symbol::of(&plain.value), operation);
    }

    /// True for a name by which a class lists attributes of its objects.
    pub(crate) fn lists_attributes(&self, target: Node<'_>) -> bool {
        self.scopes[self.scope as usize].kind == ScopeKind::Class
            && kind_of(target) == Kind::Identifier
            && matches!(self.text_of(target), "__slots__" | "__match_args__")
    }

    /// Reads the attributes that a class lists. The value was read as that of any assignment.
    pub(crate) fn listed_attributes(&mut self, node: Node<'_>) {
        match kind_of(node) {
            Kind::Str => self.exported_name(node, self.vocabulary.attribute),
            // Of a dictionary the keys are names, the values say what they are for.
            Kind::Pair => {
                if let Some(key) = node.child_by_field_name("key") {
                    self.listed_attributes(key);
                }
            }
            Kind::List
            | Kind::Tuple
            | Kind::Set
            | Kind::ExpressionList
            | Kind::PatternList
            | Kind::Parenthesized
            | Kind::Dictionary
            | Kind::BinaryOperator => {
                for child in named_children(node) {
                    self.deeper(child, |this| this.listed_attributes(child));
                }
            }
            _ => {}
        }
    }

    fn export_row(&mut self, expr: Id, name: Symbol, operation: Symbol) {
        let owner = if operation == self.vocabulary.attribute { self.scope } else { 0 };
        if expr == 0 && owner != 0 {
            return;
        }
        let scope = self.scopes[owner as usize].id;
        self.tables.exports.push(&[
            Cell::Id(expr),
            Cell::Id(scope),
            Cell::Symbol(name),
            Cell::Symbol(operation),
            Cell::Symbol(self.file),
        ]);
    }

    /// `__all__.extend([...])`, `.append("x")`, `.remove("x")`. The arguments were read as those of any call.
    pub(crate) fn exports_method(&mut self, callee: Node<'_>, arguments: Node<'_>) {
        let words = self.vocabulary;
        if kind_of(callee) != Kind::Attribute {
            return;
        }
        if callee.child_by_field_id(fields().object).map(|object| self.text_of(object)) != Some("__all__") {
            return;
        }
        let operation = match self.attribute_word(callee) {
            "extend" | "append" | "insert" => words.add,
            "remove" => words.remove,
            _ => return,
        };
        for argument in named_children(arguments) {
            match kind_of(argument) {
                Kind::Str => self.exported_name(argument, operation),
                Kind::List | Kind::Tuple => {
                    for item in named_children(argument) {
                        if kind_of(item) == Kind::Str {
                            self.exported_name(item, operation);
                        }
                    }
                }
                Kind::Integer => {}
                Kind::Attribute if self.attribute_word(argument) == "__all__" => {
                    let object = argument.child_by_field_id(fields().object);
                    let name = object.map_or(Symbol::NONE, |object| Symbol::of(self.text_of(object)));
                    let id = self.last_name_id(object);
                    self.export_row(id, name, words.module);
                }
                _ => self.export_row(0, Symbol::NONE, words.unknown),
            }
        }
    }

    /// The id that the plain name at that place was given when it was read.
    fn last_name_id(&self, node: Option<Node<'_>>) -> Id {
        let Some(node) = node else { return 0 };
        let (start, end) = self.span(node);
        self.anchors
            .iter()
            .rev()
            .find(|anchor| anchor.start == start && anchor.end == end)
            .map_or(0, |anchor| anchor.id)
    }
}
