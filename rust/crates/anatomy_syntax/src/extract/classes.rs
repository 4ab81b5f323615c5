//! Classes: bases, keywords and bodies.

use anatomy_facts::{Symbol, facts::Cell};
use tree_sitter::Node;

use super::{
    Extractor, Use,
    bindings::Taken,
    exprs::last_word,
    functions::Decoration,
    kinds::{Kind, fields, kind_of, named_children, type_field},
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
        let mut made = Vec::new();
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
                let class = self.made_by(node);
                let value = self.expr(node, Use::Followed).id;
                // Of a class that a call makes what it calls is the base.
                let value = class.as_ref().map_or(value, |class| self.made_base(class));
                made.extend(class);
                if value != 0 {
                    bases.push((at as u32, value, keyword));
                }
            }
            self.in_annotation = annotated;
        }
        let around = self.open_scope(ScopeKind::Class, word, 0, self.span(node));
        self.branch = Symbol::NONE;
        let scope = self.scope;
        for class in &made {
            self.made_members(class, self.vocabulary.self_attr);
        }
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
        if let Some(body) = node.child_by_field_id(fields().body) {
            self.fields_of(body, !decorations.is_empty() || self.is_named_tuple(node));
        }
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

    fn is_named_tuple(&self, class: Node<'_>) -> bool {
        let bases = class.child_by_field_id(fields().superclasses).map(named_children).unwrap_or_default();
        bases.into_iter().any(|base| last_word(self.text_of(base)) == "NamedTuple")
    }

    /// Notes what objects of the class that is open take or give by position; `annotated` where annotated names in the body are that.
    fn fields_of(&mut self, body: Node<'_>, annotated: bool) {
        let mut declared = Vec::new();
        let mut listed = None;
        for statement in named_children(body) {
            let Some(assignment) = statement.named_child(0).filter(|inner| kind_of(*inner) == Kind::Assignment) else {
                continue;
            };
            let Some(target) = assignment.child_by_field_id(fields().left) else { continue };
            if kind_of(target) != Kind::Identifier {
                continue;
            }
            if self.text_of(target) == "__match_args__" {
                listed = assignment.child_by_field_id(fields().right);
            } else if let Some(said) = assignment.child_by_field_id(type_field())
                && !matches!(
                    last_word(self.text_of(said).split('[').next().unwrap_or_default()),
                    "ClassVar" | "KW_ONLY"
                )
            {
                declared.push(self.word(target).symbol);
            }
        }
        let names = match listed {
            Some(listed) => {
                let texts = named_children(listed).into_iter().filter_map(|child| self.plain(child));
                texts.map(|text| Symbol::of(&text.value)).collect()
            }
            None if annotated => declared,
            None => return,
        };
        let scope = self.scopes[self.scope as usize].id;
        for (position, name) in (0u32..).zip(names) {
            let row = [Cell::Id(scope), Cell::Int(position), Cell::Symbol(name), Cell::Symbol(self.file)];
            self.tables.fields.push(&row);
        }
    }
}
