//! Bindings: every place that gives a name a value, and the path by which the value comes to it.

use anatomy_facts::{AnchorKind, Id, Symbol};
use tree_sitter::Node;

use super::{
    Extractor, Span, Use, Value,
    kinds::{Kind, fields, has_token, kind_of, named_children},
    scopes::{Declared, NOTHING, ScopeKind},
    words::Word,
};

/// A binding, before its scope is known for certain.
pub(crate) struct BindingRow {
    /// Scope whose statement binds.
    pub(crate) scope: u32,
    /// What that scope declares about the name.
    pub(crate) declared: Option<Declared>,
    pub(crate) word: Word,
    pub(crate) kind: Symbol,
    pub(crate) branch: Symbol,
    pub(crate) value: Id,
    pub(crate) unpack: Symbol,
    pub(crate) annotation: Id,
    pub(crate) body: u32,
    pub(crate) span: Span,
    pub(crate) extent: Span,
}

/// One step from a value to the part of it that a name takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PathStep {
    /// What a mapping has under a key; of one that is no word the key is left out.
    Key(Symbol),
    /// An item by position.
    Item(u32),
    /// What a starred target takes: the items from that position on.
    Rest(u32),
    /// Any element, as of a loop.
    Element,
    /// Any element of an asynchronous iterable.
    AsyncElement,
    /// What `__enter__` gives.
    Enter,
    /// What awaiting `__aenter__` gives.
    AsyncEnter,
}

/// What a target takes.
#[derive(Clone, Copy)]
pub(crate) struct Taken {
    pub(crate) kind: Symbol,
    pub(crate) value: Id,
    pub(crate) annotation: Id,
    pub(crate) extent: Span,
}

impl<'t> Extractor<'t> {
    /// Binds a name in a scope; the ordinal of the binding.
    pub(crate) fn bind(&mut self, scope: u32, word: Word, span: Span, taken: Taken) -> u32 {
        let declared = self.declaration(scope, word.symbol);
        let unpack = self.path_symbol();
        let ordinal = self.bindings.len() as u32;
        self.flow.bound(ordinal);
        self.bindings.push(BindingRow {
            scope,
            declared,
            word,
            kind: taken.kind,
            branch: self.branch,
            value: taken.value,
            unpack,
            annotation: taken.annotation,
            body: NOTHING,
            span,
            extent: taken.extent,
        });
        ordinal
    }

    /// The path from the value that is taken apart to the part that is taken now.
    pub(crate) fn path_symbol(&self) -> Symbol {
        if self.path.is_empty() {
            return Symbol::NONE;
        }
        let mut text = String::new();
        for step in &self.path {
            if !text.is_empty() {
                text.push('.');
            }
            match step {
                PathStep::Key(key) => text.push_str(&format!("={}", key.text())),
                PathStep::Item(at) => text.push_str(&at.to_string()),
                PathStep::Rest(at) => text.push_str(&format!("{at}:")),
                PathStep::Element => text.push('*'),
                PathStep::AsyncElement => text.push_str("a*"),
                PathStep::Enter => text.push_str("enter"),
                PathStep::AsyncEnter => text.push_str("aenter"),
            }
        }
        Symbol::of(&text)
    }

    /// Binds every name of a target.
    pub(crate) fn target(&mut self, node: Node<'_>, taken: Taken) {
        self.deeper(node, |this| this.target_inside(node, taken));
    }

    fn target_inside(&mut self, node: Node<'_>, taken: Taken) {
        match kind_of(node) {
            Kind::Identifier => {
                let word = self.word(node);
                let span = self.span(node);
                self.bind(self.scope, word, span, taken);
            }
            Kind::Attribute => self.attribute_target(node, taken),
            Kind::Subscript => self.subscript_target(node, taken),
            Kind::TuplePattern | Kind::Tuple if !has_token(node, ",") => {
                for child in named_children(node) {
                    self.target(child, taken);
                }
            }
            Kind::PatternList
            | Kind::ExpressionList
            | Kind::TuplePattern
            | Kind::Tuple
            | Kind::ListPattern
            | Kind::List => {
                let mut starred = false;
                for (at, child) in named_children(node).into_iter().enumerate() {
                    let is_star = matches!(kind_of(child), Kind::ListSplatPattern | Kind::ListSplat);
                    self.path.push(match (is_star, starred) {
                        (true, _) => PathStep::Rest(at as u32),
                        // After a star an item's position depends on the length of the value.
                        (_, true) => PathStep::Element,
                        _ => PathStep::Item(at as u32),
                    });
                    starred |= is_star;
                    self.target(child, taken);
                    self.path.pop();
                }
            }
            Kind::Parenthesized
            | Kind::AsPatternTarget
            | Kind::ListSplatPattern
            | Kind::ListSplat
            | Kind::DictionarySplatPattern
            | Kind::Error => {
                for child in named_children(node) {
                    self.target(child, taken);
                }
            }
            _ => {
                self.expr(node, Use::Read);
            }
        }
    }

    /// Binds a target to the value of an expression node, item by item where both are written out.
    pub(crate) fn pair_target(&mut self, target: Node<'_>, right: Node<'_>, items: &[Value], taken: Taken) {
        let is_sequence = is_sequence(target);
        let targets = if is_sequence { named_children(target) } else { Vec::new() };
        let has_star = targets.iter().any(|child| matches!(kind_of(*child), Kind::ListSplatPattern | Kind::ListSplat));
        if !is_sequence || has_star || targets.len() != items.len() || kind_of(right) == Kind::Set {
            self.target(target, taken);
            return;
        }
        for (child, item) in targets.into_iter().zip(items) {
            self.target(child, Taken { value: item.id, ..taken });
        }
    }

    fn attribute_target(&mut self, node: Node<'_>, taken: Taken) {
        let Some(word_node) = node.child_by_field_id(fields().attribute) else {
            self.expr(node, Use::Read);
            return;
        };
        if self.is_half_typed(node) {
            if let Some(object) = node.child_by_field_id(fields().object) {
                self.expr(object, Use::Read);
            }
            return self.target(word_node, taken);
        }
        let receiver = node.child_by_field_id(fields().object).filter(|object| kind_of(*object) == Kind::Identifier);
        let target = self.attribute(node, self.vocabulary.store);
        if word_node.is_missing() {
            return;
        }
        let receiver = receiver.map(|receiver| self.word(receiver).symbol);
        let Some(class) = receiver.and_then(|receiver| self.receiver_class(receiver)) else {
            return self.store(target, taken);
        };
        let word = self.word(word_node);
        let span = self.span(word_node);
        let kind = self.vocabulary.self_attr;
        let value = if taken.kind == self.vocabulary.augmented { 0 } else { taken.value };
        self.bind(class, word, span, Taken { kind, value, ..taken });
    }

    /// The class scope whose instance (or itself) a name is, as the first parameter of a method around here.
    fn receiver_class(&self, name: Symbol) -> Option<u32> {
        let mut at = self.scope;
        loop {
            let scope = &self.scopes[at as usize];
            match scope.kind {
                ScopeKind::Module | ScopeKind::Class => return None,
                ScopeKind::Function if scope.receiver != Symbol::NONE => {
                    if scope.receiver != name {
                        return None;
                    }
                    let mut around = scope.parent;
                    while self.scopes[around as usize].kind == ScopeKind::TypeParams {
                        around = self.scopes[around as usize].parent;
                    }
                    return Some(around);
                }
                _ => at = scope.parent,
            }
        }
    }

    /// `del target`.
    pub(crate) fn delete_target(&mut self, node: Node<'_>) {
        self.deeper(node, |this| match kind_of(node) {
            Kind::Identifier => {
                let word = this.word(node);
                let span = this.span(node);
                this.name_use(node, this.vocabulary.delete);
                let kind = this.vocabulary.delete;
                this.bind(this.scope, word, span, Taken { kind, value: 0, annotation: 0, extent: span });
            }
            Kind::Attribute | Kind::Subscript => this.deleted_part(node),
            Kind::ExpressionList | Kind::Tuple | Kind::List | Kind::Parenthesized => {
                for child in named_children(node) {
                    this.delete_target(child);
                }
            }
            _ => {
                this.expr(node, Use::Read);
            }
        });
    }

    /// A use of a plain name: a row of `names` and one of `exprs` under one id.
    pub(crate) fn name_use(&mut self, node: Node<'_>, context: Symbol) -> Value {
        let word = self.word(node);
        let span = self.span(node);
        let value = self.name_row(word, context);
        self.anchor(value.id, span, span, AnchorKind::Reference);
        value
    }
}

/// True for a target that takes a value apart.
pub(crate) fn is_sequence(target: Node<'_>) -> bool {
    matches!(
        kind_of(target),
        Kind::PatternList | Kind::TuplePattern | Kind::Tuple | Kind::ListPattern | Kind::List | Kind::ExpressionList
    )
}
