//! Calls and their arguments.

use anatomy_facts::{AnchorKind, Id, Symbol, facts::Cell, id_of};
use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    exprs::last_word,
    kinds::{Kind, fields, kind_of, named_children},
    words::{mix, text_hash},
};

/// How an argument is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    Value,
    /// As a type, quoted or not.
    Type,
    /// As names with their types.
    Fields,
}

/// Callables of `typing` some of whose arguments are types.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TypeMaker {
    Cast,
    AssertType,
    TypeVar,
    NewType,
    Fields,
}

fn type_maker(callee: &str) -> Option<TypeMaker> {
    Some(match callee {
        "cast" => TypeMaker::Cast,
        "assert_type" => TypeMaker::AssertType,
        "TypeVar" | "ParamSpec" | "TypeVarTuple" => TypeMaker::TypeVar,
        "NewType" | "TypeAliasType" => TypeMaker::NewType,
        "NamedTuple" | "TypedDict" => TypeMaker::Fields,
        _ => return None,
    })
}

impl TypeMaker {
    fn position(self, position: u32) -> Reading {
        match (self, position) {
            (TypeMaker::Cast, 0) | (TypeMaker::NewType | TypeMaker::AssertType, 1) => Reading::Type,
            (TypeMaker::TypeVar, 1..) => Reading::Type,
            (TypeMaker::Fields, 1) => Reading::Fields,
            _ => Reading::Value,
        }
    }

    fn keyword(self, name: &str) -> Reading {
        match (self, name) {
            (TypeMaker::TypeVar, "bound" | "default")
            | (TypeMaker::Cast | TypeMaker::AssertType, "typ")
            | (TypeMaker::NewType, "tp" | "value") => Reading::Type,
            (TypeMaker::Fields, "fields") => Reading::Fields,
            _ => Reading::Value,
        }
    }
}

impl<'t> Extractor<'t> {
    pub(crate) fn call(&mut self, node: Node<'_>) -> Value {
        let callee_node = node.child_by_field_id(fields().function);
        let callee = callee_node.map_or_else(Value::default, |callee| self.expr(callee, Use::Followed));
        let call = self.call_shape(callee);
        let span = self.span(node);
        self.anchor(call.id, span, span, AnchorKind::Expression);
        let arguments = node.child_by_field_id(fields().arguments);
        let first = match arguments.map(|list| (kind_of(list), list)) {
            Some((Kind::ArgumentList, list)) => {
                let callee = callee_node.map_or("", |callee| last_word(self.text_of(callee)));
                self.arguments(call, callee, list)
            }
            Some((_, generator)) => {
                let value = self.expr(generator, Use::Followed);
                self.argument(call.id, 0, Symbol::NONE, value.id, Symbol::NONE);
                value.id
            }
            None => 0,
        };
        let is_super = callee_node.is_some_and(|callee| self.text_of(callee) == "super");
        let arity = arguments.map_or(Symbol::NONE, |list| self.arity(list));
        let row = self.row(self.vocabulary.call, callee.id, arity, if is_super { first } else { 0 });
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
    fn arguments(&mut self, whole: Value, callee: &str, list: Node<'_>) -> Id {
        let call = whole.id;
        let mut first = 0;
        let maker = type_maker(callee);
        let around = self.items_left.take();
        let words = self.vocabulary;
        for (at, argument) in named_children(list).into_iter().enumerate() {
            let position = at as u32;
            match kind_of(argument) {
                Kind::KeywordArgument => {
                    let Some(name) = argument.child_by_field_id(fields().name) else { continue };
                    let word = self.word(name);
                    let value_node = argument.child_by_field_id(fields().value);
                    let reading = maker.map_or(Reading::Value, |maker| maker.keyword(word.symbol.text()));
                    let value = value_node
                        .map_or_else(Value::default, |value| self.argument_value(value, whole, word.symbol, reading));
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
                    let reading = maker.map_or(Reading::Value, |maker| maker.position(position));
                    let value = self.argument_value(argument, whole, self.vocabulary.ordinal(position), reading);
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

    /// The number of arguments as a word, `*` where one of them is unpacked.
    fn arity(&self, list: Node<'_>) -> Symbol {
        if kind_of(list) != Kind::ArgumentList {
            return self.vocabulary.ordinal(1);
        }
        let arguments = named_children(list);
        let unpacks = |node: &Node<'_>| {
            matches!(kind_of(*node), Kind::ListSplat | Kind::ListSplatPattern | Kind::DictionarySplat)
        };
        if arguments.iter().any(unpacks) {
            return self.vocabulary.one_star;
        }
        self.vocabulary.ordinal(arguments.iter().filter(|node| kind_of(**node) != Kind::Comment).count() as u32)
    }

    fn splatted(&mut self, node: Node<'_>) -> Value {
        let mut value = Value::default();
        for child in named_children(node) {
            value = self.expr(child, Use::Followed);
        }
        value
    }

    fn argument_value(
        &mut self,
        node: Node<'_>,
        Value { id: call, shape }: Value,
        argument: Symbol,
        reading: Reading,
    ) -> Value {
        if reading == Reading::Value && matches!(kind_of(node), Kind::Str | Kind::ConcatenatedString) {
            self.string_argument = Some((call, argument));
        } else if reading == Reading::Value && self.lists_words(node) {
            self.listed_argument = Some((call, argument));
        }
        // The callee is part of the call's shape; its ordinal would shift with every call of the same name.
        let taker = mix(shape, text_hash(argument.text()));
        self.taken_by(taker, |this| match reading {
            Reading::Value => this.expr(node, Use::Followed),
            Reading::Type => this.annotation(node),
            Reading::Fields => this.typed_fields(node),
        })
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
