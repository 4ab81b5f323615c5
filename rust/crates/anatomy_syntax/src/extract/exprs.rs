//! Expressions: names, and the chains that hang on them.

use anatomy_facts::{AnchorKind, Id, Symbol};
use tree_sitter::Node;

use super::{
    ExprRow, Extractor, NameRow, Span, Use, Value,
    bindings::{PathStep, Taken},
    kinds::{Kind, children_in_field, fields, has_token, kind_of, named_children},
    scopes::ScopeKind,
    words::{Word, mix},
};

/// Tags that keep shapes of different kinds apart.
pub(crate) mod tag {
    pub(crate) const NAME: u64 = 1;
    pub(crate) const ATTRIBUTE: u64 = 2;
    pub(crate) const CALL: u64 = 3;
    pub(crate) const SUBSCRIPT: u64 = 4;
    pub(crate) const AWAIT: u64 = 5;
    pub(crate) const LITERAL: u64 = 6;
    pub(crate) const CONDITIONAL: u64 = 7;
    pub(crate) const BOOL_OP: u64 = 8;
    pub(crate) const UNION: u64 = 9;
    pub(crate) const LAMBDA: u64 = 10;
    pub(crate) const STARRED: u64 = 11;
    pub(crate) const BINARY: u64 = 12;
    pub(crate) const UNARY: u64 = 13;
    pub(crate) const SLICE: u64 = 14;
    pub(crate) const DELEGATED: u64 = 15;
    pub(crate) const AUGMENTED: u64 = 16;
}

impl<'t> Extractor<'t> {
    /// Reads an expression.
    pub(crate) fn expr(&mut self, node: Node<'_>, used: Use) -> Value {
        self.deeper(node, |this| this.expr_inside(node, used))
    }

    fn expr_inside(&mut self, node: Node<'_>, used: Use) -> Value {
        let words = self.vocabulary;
        match kind_of(node) {
            Kind::Identifier => self.name_use(node, words.load),
            Kind::Attribute => self.attribute(node, words.load),
            Kind::Call => self.call(node),
            Kind::Subscript => self.subscript(node, used, words.load),
            Kind::GenericType => self.generic_type(node, used),
            Kind::Await => self.awaited(node, used),
            Kind::Parenthesized | Kind::Type => self.only_child(node, used),
            Kind::Str | Kind::ConcatenatedString => self.string(node, used),
            Kind::Integer | Kind::Float => self.number(node, node, used),
            Kind::True | Kind::False => self.literal(node, words.literal, words.bool_type, 0, used),
            Kind::None => self.literal(node, words.literal, words.none_type, 0, used),
            Kind::List => self.display(node, words.list, words.list, used),
            Kind::Tuple | Kind::ExpressionList => self.display(node, words.tuple, words.tuple, used),
            Kind::Set => self.display(node, words.literal, words.set_type, used),
            Kind::Dictionary => self.dictionary(node, used),
            Kind::ListComprehension => self.comprehension(node, words.list, used),
            Kind::SetComprehension => self.comprehension(node, words.set_type, used),
            Kind::DictionaryComprehension => self.comprehension(node, words.dict, used),
            Kind::Generator => self.comprehension(node, words.generator_type, used),
            Kind::Conditional => self.conditional(node, used),
            Kind::BooleanOperator | Kind::UnionType | Kind::BinaryOperator => self.operators(node, used),
            Kind::UnaryOperator => self.unary(node, used),
            Kind::NotOperator | Kind::Comparison => self.truth(node, used),
            Kind::NamedExpression => self.walrus(node, used),
            Kind::AsPattern => {
                self.as_pattern(node);
                Value::default()
            }
            Kind::Lambda => self.lambda(node, used),
            Kind::ListSplat | Kind::ListSplatPattern | Kind::DictionarySplat | Kind::SplatType => {
                self.starred(node, used)
            }
            Kind::Yield => self.yielded(node, used),
            Kind::Comment | Kind::StringContent | Kind::EscapeSequence => Value::default(),
            Kind::Error => {
                self.broken(node);
                Value::default()
            }
            _ => {
                self.each_child(node);
                Value::default()
            }
        }
    }

    /// Reads the parts of something that is no value to any rule.
    pub(crate) fn each_child(&mut self, node: Node<'_>) {
        for child in named_children(node) {
            self.part(child);
        }
    }

    fn only_child(&mut self, node: Node<'_>, used: Use) -> Value {
        if node.named_child_count() == 1 {
            return node.named_child(0).map_or_else(Value::default, |child| self.expr(child, used));
        }
        let mut value = Value::default();
        for child in named_children(node) {
            value = self.expr(child, used);
        }
        value
    }

    /// The row of a use of a plain name.
    pub(crate) fn name_row(&mut self, word: Word, context: Symbol) -> Value {
        let shape = name_shape(word);
        let id = self.fresh(shape);
        self.flow.name_used(self.names.len() as u32, self.in_annotation);
        self.names.push(NameRow {
            expr: id,
            scope: self.scope,
            name: word.symbol,
            context,
            branch: self.branch,
            time: self.bindings.len() as u32,
        });
        let kind = self.vocabulary.name;
        let context = if context == self.vocabulary.augmented { self.vocabulary.store } else { context };
        self.push_expr(ExprRow { id, kind, base: 0, name: word.symbol, context, second: 0 });
        Value { id, shape }
    }

    /// `object.word`.
    pub(crate) fn attribute(&mut self, node: Node<'_>, context: Symbol) -> Value {
        let object = node.child_by_field_id(fields().object);
        let base = object.map_or_else(Value::default, |object| self.expr(object, Use::Followed));
        self.attribute_of(base, node, context)
    }

    /// The attribute node whose object was read already.
    pub(crate) fn attribute_of(&mut self, base: Value, node: Node<'_>, context: Symbol) -> Value {
        let Some(word_node) = node.child_by_field_id(fields().attribute) else {
            return Value::default();
        };
        if word_node.is_missing() {
            return base;
        }
        if self.is_half_typed(node) {
            self.name_use(word_node, self.vocabulary.load);
            return base;
        }
        self.attribute_row(base, word_node, self.span(node), context)
    }

    /// True if nothing was typed yet after the dot: the word that recovery took is the next line's.
    pub(crate) fn is_half_typed(&self, node: Node<'_>) -> bool {
        if self.open_dots.is_empty() {
            return false;
        }
        let mut cursor = node.walk();
        let dot = node.children(&mut cursor).find(|child| child.kind() == ".");
        dot.is_some_and(|dot| self.open_dots.contains(&self.span(dot).0))
    }

    /// An attribute outside an expression: `b` of `a.b` in a pattern.
    pub(crate) fn dotted_attribute(&mut self, base: Value, word: Node<'_>, extent: Span) -> Value {
        self.attribute_row(base, word, extent, self.vocabulary.load)
    }

    fn attribute_row(&mut self, base: Value, word_node: Node<'_>, extent: Span, context: Symbol) -> Value {
        let word = self.word(word_node);
        let shape = attribute_shape(base.shape, word);
        let id = self.fresh(shape);
        self.flow.attribute_used(id, shape, context == self.vocabulary.load);
        let kind = self.vocabulary.attribute;
        self.push_expr(ExprRow { id, kind, base: base.id, name: word.symbol, context, second: 0 });
        self.anchor(id, self.span(word_node), extent, AnchorKind::Reference);
        Value { id, shape }
    }

    /// The id of a call whose callee was read.
    pub(crate) fn call_shape(&mut self, callee: Value) -> Value {
        let shape = mix(tag::CALL, callee.shape);
        Value { id: self.fresh(shape), shape }
    }

    /// A call of `callee` whose arguments are no argument list.
    pub(crate) fn called(&mut self, node: Node<'_>, callee: Value) -> Value {
        let row = self.row(self.vocabulary.call, callee.id, Symbol::NONE, 0);
        self.followed(node, mix(tag::CALL, callee.shape), row)
    }

    fn awaited(&mut self, node: Node<'_>, used: Use) -> Value {
        let base = self.only_child(node, used);
        if used == Use::Read || base.id == 0 {
            return Value::default();
        }
        let row = self.row(self.vocabulary.awaited, base.id, Symbol::NONE, 0);
        self.followed(node, mix(tag::AWAIT, base.shape), row)
    }

    /// A number: its type is in its last letter or its kind. The sign before it belongs to `whole`.
    pub(crate) fn number(&mut self, node: Node<'_>, whole: Node<'_>, used: Use) -> Value {
        let words = self.vocabulary;
        let last = self.text_of(node).as_bytes().last().copied();
        let name = match kind_of(node) {
            _ if matches!(last, Some(b'j' | b'J')) => words.complex_type,
            Kind::Integer => words.int_type,
            _ => words.float_type,
        };
        self.literal(whole, words.literal, name, 0, used)
    }

    /// A literal: a row only where a rule can follow it.
    pub(crate) fn literal(&mut self, node: Node<'_>, kind: Symbol, name: Symbol, second: Id, used: Use) -> Value {
        if used == Use::Read {
            return Value::default();
        }
        let shape = mix(mix(tag::LITERAL, self.words.of(name.text()).hash), self.taker);
        let row = self.row(kind, 0, name, second);
        self.followed(node, shape, row)
    }

    fn conditional(&mut self, node: Node<'_>, used: Use) -> Value {
        let [body, condition, orelse] = named_children(node)[..] else {
            self.each_child(node);
            return Value::default();
        };
        self.expr(condition, Use::Read);
        let outcome = self.outcome_of(condition);
        self.flow.enter(&outcome.yes);
        let body = self.expr(body, used);
        let end = self.flow.here();
        self.flow.enter(&outcome.no);
        let orelse = self.expr(orelse, used);
        self.flow.enter(&[end, self.flow.here()]);
        if used == Use::Read {
            return Value::default();
        }
        let row = self.row(self.vocabulary.conditional_expr, body.id, Symbol::NONE, orelse.id);
        self.followed(node, mix(mix(tag::CONDITIONAL, body.shape), orelse.shape), row)
    }

    fn walrus(&mut self, node: Node<'_>, used: Use) -> Value {
        let value = node.child_by_field_id(fields().value).map(|value| self.expr(value, Use::Followed));
        let value = value.unwrap_or_default();
        if let Some(name) = node.child_by_field_id(fields().name) {
            let word = self.word(name);
            let (span, extent) = (self.span(name), self.span(node));
            let scope = self.walrus_scope();
            let kind = self.vocabulary.walrus;
            let path = std::mem::take(&mut self.path);
            self.bind(scope, word, span, Taken { kind, value: value.id, annotation: 0, extent });
            self.path = path;
        }
        if used == Use::Followed { value } else { Value::default() }
    }

    /// `value as target` where the grammar sees an expression: an item of a parenthesised `with`.
    pub(crate) fn as_pattern(&mut self, node: Node<'_>) {
        let children = named_children(node);
        let Some((value, targets)) = children.split_first() else { return };
        let value = self.expr(*value, Use::Followed);
        let extent = self.span(node);
        self.path.push(self.enter);
        for target in targets {
            let kind = self.vocabulary.with;
            self.target(*target, Taken { kind, value: value.id, annotation: 0, extent });
        }
        self.path.pop();
    }

    fn starred(&mut self, node: Node<'_>, used: Use) -> Value {
        let base = self.only_child(node, used);
        // The grammar takes `[*a.b()]` for `[(*a).b()]`.
        let is_inside = |around: Node<'_>| matches!(kind_of(around), Kind::Attribute | Kind::Call | Kind::Subscript);
        if node.parent().is_some_and(is_inside) {
            return base;
        }
        if used == Use::Read || base.id == 0 {
            return Value::default();
        }
        let row = self.row(self.vocabulary.starred, base.id, Symbol::NONE, 0);
        self.followed(node, mix(tag::STARRED, base.shape), row)
    }

    fn comprehension(&mut self, node: Node<'_>, name: Symbol, used: Use) -> Value {
        let span = self.span(node);
        let mut body = None;
        let mut clauses = Vec::new();
        for child in named_children(node) {
            match kind_of(child) {
                Kind::ForInClause | Kind::IfClause => clauses.push(child),
                _ if body.is_none() => body = Some(child),
                _ => clauses.push(child),
            }
        }
        // The first iterable is evaluated outside.
        let first = clauses.first().copied().filter(|clause| kind_of(*clause) == Kind::ForInClause);
        let first_value = first.map(|clause| self.iterable(clause));
        let path = std::mem::take(&mut self.path);
        let anonymous = self.words.of("");
        let shape = mix(self.taker, first_value.unwrap_or_default().shape);
        let outer = self.open_scope(ScopeKind::Comprehension, anonymous, shape, span);
        let mut runs_async = false;
        let before = self.flow.here();
        let first = self.flow.enter(&[before]);
        let mut ends = vec![before];
        let bindings = self.bindings.len();
        let mut targets = 0;
        for (at, clause) in clauses.into_iter().enumerate() {
            if kind_of(clause) != Kind::ForInClause {
                self.part(clause);
                if let (Kind::IfClause, Some(condition)) = (kind_of(clause), clause.named_child(0)) {
                    let outcome = self.outcome_of(condition);
                    self.flow.enter(&outcome.yes);
                    ends.extend(outcome.no);
                }
                continue;
            }
            let bound = self.bindings.len();
            let value = match (at, first_value) {
                (0, Some(value)) => value,
                _ => self.iterable(clause),
            };
            if let Some(left) = clause.child_by_field_id(fields().left) {
                let extent = self.span(clause);
                let is_async = has_token(clause, "async");
                runs_async |= is_async;
                self.path.push(if is_async { PathStep::AsyncElement } else { PathStep::Element });
                let kind = self.vocabulary.for_target;
                self.target(left, Taken { kind, value: value.id, annotation: 0, extent });
                self.path.pop();
            }
            targets += self.bindings.len() - bound;
        }
        let (element, items) = body.map_or_else(Default::default, |body| self.yielded_items(body, used));
        ends.push(self.flow.here());
        // A walrus binds around the comprehension: only then does it matter that the next element comes after this one.
        if self.bindings.len() - bindings > targets {
            self.flow.lead(first, &ends[1..]);
        }
        self.close_scope(outer);
        self.flow.enter(&ends);
        self.path = path;
        let words = self.vocabulary;
        let name = if runs_async && name == words.generator_type { words.async_generator_type } else { name };
        let value = self.literal(node, words.literal, name, element, used);
        self.items(value.id, items);
        value
    }

    fn iterable(&mut self, clause: Node<'_>) -> Value {
        let rights = children_in_field(clause, fields().right);
        let values: Vec<Value> = rights.iter().map(|right| self.expr(*right, Use::Followed)).collect();
        match values.as_slice() {
            [value] => *value,
            _ => Value::default(),
        }
    }

    /// A row of `exprs` that loads.
    pub(crate) fn row(&self, kind: Symbol, base: Id, name: Symbol, second: Id) -> ExprRow {
        ExprRow { id: 0, kind, base, name, context: self.vocabulary.load, second }
    }

    /// Gives a row its id and its place.
    pub(crate) fn followed(&mut self, node: Node<'_>, shape: u64, row: ExprRow) -> Value {
        let id = self.fresh(shape);
        self.push_expr(ExprRow { id, ..row });
        let span = self.span(node);
        self.anchor(id, span, span, AnchorKind::Expression);
        Value { id, shape }
    }

    /// The row of a lambda whose body was read.
    pub(crate) fn lambda_row(&mut self, node: Node<'_>, body: Value, used: Use) -> Value {
        if used == Use::Read {
            return Value::default();
        }
        let row = self.row(self.vocabulary.lambda, 0, Symbol::NONE, body.id);
        self.followed(node, mix(tag::LAMBDA, self.taker), row)
    }
}

/// The shape of a plain name.
pub(crate) fn name_shape(word: Word) -> u64 {
    mix(tag::NAME, word.hash)
}

/// The shape of an attribute on something of a shape.
pub(crate) fn attribute_shape(base: u64, word: Word) -> u64 {
    mix(mix(tag::ATTRIBUTE, base), word.hash)
}

/// The last word of a dotted text.
pub(crate) fn last_word(text: &str) -> &str {
    text.rsplit('.').next().unwrap_or(text).trim()
}
