//! Classes: bases, keywords and bodies.

use anatomy_facts::Symbol;
use tree_sitter::Node;

use super::{
    Extractor, Use,
    bindings::Taken,
    functions::Decoration,
    kinds::{Kind, fields, kind_of, named_children},
    rows::{ClassBaseRow, Owner},
    scopes::ScopeKind,
};

impl<'t> Extractor<'t> {
    pub(crate) fn class(&mut self, node: Node<'_>, whole: Node<'_>, decorations: &[Decoration<'t>]) {
        let Some(name) = node.child_by_field_id(fields().name) else {
            return self.broken(node);
        };
        let word = self.word(name);
        let (span, extent) = (self.span(name), self.span(whole));
        let branch = self.branch;
        let enclosing = self.scope;
        let type_params: Vec<Node<'_>> = node.child_by_field_id(fields().type_parameters).into_iter().collect();
        let type_params = self.open_type_params(&type_params, word, self.span(node));
        let mut bases = Vec::new();
        if let Some(list) = node.child_by_field_id(fields().superclasses) {
            let annotated = std::mem::replace(&mut self.in_annotation, true);
            for (at, base) in named_children(list).into_iter().enumerate() {
                let (node, keyword) = match kind_of(base) {
                    Kind::KeywordArgument => {
                        let keyword = base.child_by_field_id(fields().name).map(|name| self.word(name).symbol);
                        (base.child_by_field_id(fields().value).unwrap_or(base), keyword.unwrap_or(Symbol::NONE))
                    }
                    _ => (base, Symbol::NONE),
                };
                // A string among the bases is a value, not a quoted type; only inside `[...]` is it one.
                self.in_annotation = kind_of(node) == Kind::Subscript;
                let value = self.expr(node, Use::Followed);
                if value.id != 0 {
                    bases.push((at as u32, value.id, keyword));
                }
            }
            self.in_annotation = annotated;
        }
        let around = self.open_scope(ScopeKind::Class, word, 0, self.span(node));
        self.branch = Symbol::NONE;
        let scope = self.scope;
        let first_in_body = self.bindings.len();
        if let Some(body) = node.child_by_field_id(fields().body) {
            self.statements(body);
        }
        for child in named_children(node) {
            if kind_of(child) == Kind::Error {
                self.broken(child);
            }
        }
        debug_assert!(first_in_body <= self.bindings.len());
        self.close_scope(around);
        self.branch = branch;
        // The body runs before the name is bound.
        let kind = self.vocabulary.class;
        let binding = self.bind(enclosing, word, span, Taken { kind, value: 0, annotation: 0, extent });
        self.own_type_params(&type_params, binding);
        self.close_type_params(type_params);
        self.bindings[binding as usize].body = scope;
        self.scopes[scope as usize].definition = binding;
        if let Some(body) = node.child_by_field_id(fields().body) {
            let around = std::mem::replace(&mut self.scope, scope);
            self.docstring(Owner::Binding(binding), body);
            self.scope = around;
        }
        self.decorations(binding, decorations);
        for (position, expr, keyword) in bases {
            self.pending.class_bases.push(ClassBaseRow { class: binding, position, expr, keyword });
        }
    }
}
