//! Calls and their arguments.

use anatomy_facts::{AnchorKind, Id, Symbol, facts::Cell, id_of};
use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    kinds::{Kind, fields, kind_of, named_children},
    words::{mix, text_hash},
};

impl<'t> Extractor<'t> {
    pub(crate) fn call(&mut self, node: Node<'_>) -> Value {
        let callee_node = node.child_by_field_id(fields().function);
        let callee = callee_node.map_or_else(Value::default, |callee| self.expr(callee, Use::Followed));
        let call = self.call_shape(callee);
        let span = self.span(node);
        self.anchor(call.id, span, span, AnchorKind::Expression);
        let arguments = node.child_by_field_id(fields().arguments);
        let first = match arguments.map(|list| (kind_of(list), list)) {
            Some((Kind::ArgumentList, list)) => self.arguments(call, list),
            Some((_, generator)) => {
                let value = self.expr(generator, Use::Followed);
                self.argument(call.id, 0, Symbol::NONE, value.id, Symbol::NONE);
                value.id
            }
            None => 0,
        };
        let is_super = callee_node.is_some_and(|callee| self.text_of(callee) == "super");
        let row = self.row(self.vocabulary.call, callee.id, Symbol::NONE, if is_super { first } else { 0 });
        self.push_expr(super::ExprRow { id: call.id, ..row });
        if self.scope == 0
            && let Some(callee) = callee_node
            && let Some(list) = arguments
        {
            self.exports_method(callee, list);
        }
        call
    }

    /// Reads the arguments of a call; the first positional one.
    fn arguments(&mut self, whole: Value, list: Node<'_>) -> Id {
        let call = whole.id;
        let mut first = 0;
        let around = self.items_left.take();
        let words = self.vocabulary;
        for (at, argument) in named_children(list).into_iter().enumerate() {
            let position = at as u32;
            match kind_of(argument) {
                Kind::KeywordArgument => {
                    let Some(name) = argument.child_by_field_id(fields().name) else { continue };
                    let word = self.word(name);
                    let value_node = argument.child_by_field_id(fields().value);
                    let value =
                        value_node.map_or_else(Value::default, |value| self.argument_value(value, whole, word.symbol));
                    let id = self.argument(call, position, word.symbol, value.id, Symbol::NONE);
                    let (span, extent) = (self.span(name), self.span(argument));
                    self.anchor(id, span, extent, AnchorKind::Reference);
                }
                Kind::ListSplat | Kind::ListSplatPattern => {
                    let value = self.splatted(argument);
                    self.argument(call, position, Symbol::NONE, value.id, words.one_star);
                }
                Kind::DictionarySplat => {
                    let value = self.splatted(argument);
                    self.argument(call, position, Symbol::NONE, value.id, words.two_stars);
                }
                Kind::Error => self.broken(argument),
                _ => {
                    let value = self.argument_value(argument, whole, self.vocabulary.ordinal(position));
                    self.argument(call, position, Symbol::NONE, value.id, Symbol::NONE);
                    if position == 0 {
                        first = value.id;
                    }
                }
            }
        }
        self.items_left = around;
        first
    }

    fn splatted(&mut self, node: Node<'_>) -> Value {
        let mut value = Value::default();
        for child in named_children(node) {
            value = self.expr(child, Use::Followed);
        }
        value
    }

    fn argument_value(&mut self, node: Node<'_>, Value { id: call, shape }: Value, argument: Symbol) -> Value {
        if matches!(kind_of(node), Kind::Str | Kind::ConcatenatedString) {
            self.string_argument = Some((call, argument));
        }
        // The callee is part of the call's shape; its ordinal would shift with every call of the same name.
        let taker = mix(shape, text_hash(argument.text()));
        self.taken_by(taker, |this| this.expr(node, Use::Followed))
    }

    fn argument(&mut self, call: Id, position: u32, name: Symbol, value: Id, star: Symbol) -> Id {
        let id = if name == Symbol::NONE {
            id_of(&[b"arg", &call.to_le_bytes(), &position.to_le_bytes()])
        } else {
            id_of(&[b"arg", &call.to_le_bytes(), name.text().as_bytes()])
        };
        self.tables.args.push(&[
            Cell::Id(id),
            Cell::Id(call),
            Cell::Int(position),
            Cell::Symbol(name),
            Cell::Id(value),
            Cell::Symbol(star),
            Cell::Symbol(self.file),
        ]);
        id
    }
}
