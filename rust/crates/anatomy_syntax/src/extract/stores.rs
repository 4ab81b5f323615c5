//! Stores: what is assigned to an attribute or an item of something.
//!
//! An attribute of `self` is a binding of its class instead.

use anatomy_facts::{Symbol, facts::Cell};
use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    bindings::Taken,
    kinds::{Kind, fields, kind_of},
};

impl<'t> Extractor<'t> {
    /// `object[...] = value`.
    pub(crate) fn subscript_target(&mut self, node: Node<'_>, taken: Taken) {
        let target = self.subscript(node, Use::Followed, self.vocabulary.store);
        self.store(target, taken);
    }

    /// `del object.word`, `del object[...]`.
    pub(crate) fn deleted_part(&mut self, node: Node<'_>) {
        let kind = self.vocabulary.delete;
        let target = match kind_of(node) {
            Kind::Subscript => self.subscript(node, Use::Followed, kind),
            _ => self.attribute(node, kind),
        };
        let word = node.child_by_field_id(fields().attribute);
        if word.is_some_and(|word| word.is_missing() || self.is_half_typed(node)) {
            return;
        }
        self.store(target, Taken { kind, value: 0, annotation: 0, extent: self.span(node) });
    }

    /// The row of a store to a place that was read.
    pub(crate) fn store(&mut self, target: Value, taken: Taken) {
        let unpack = if taken.kind == self.vocabulary.delete { Symbol::NONE } else { self.path_symbol() };
        self.tables.stores.push(&[
            Cell::Id(target.id),
            Cell::Id(taken.value),
            Cell::Symbol(unpack),
            Cell::Symbol(taken.kind),
            Cell::Symbol(self.file),
        ]);
    }
}
