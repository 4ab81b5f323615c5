//! Operators: each followed one is a call of the method that its sign stands for.

use anatomy_facts::Symbol;
use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    exprs::tag,
    flow::Outcome,
    items::Item,
    kinds::{Kind, fields, kind_of, named_children},
    words::mix,
};

/// Operators in one chain beyond which none of them is followed: a text put together of many.
const LONGEST_CHAIN: usize = 64;

impl<'t> Extractor<'t> {
    /// An operator chain that leans left, however long: a loop, not a recursion.
    pub(crate) fn operators(&mut self, node: Node<'_>, used: Use) -> Value {
        let chain_kind = kind_of(node);
        let mut rights = Vec::new();
        let mut left = node;
        while kind_of(left) == chain_kind {
            let children = named_children(left);
            match children.as_slice() {
                [first, second] => {
                    rights.push((left, *second));
                    left = *first;
                }
                _ => {
                    // Recovered from broken code: read what is there.
                    for child in children {
                        self.part(child);
                    }
                    return Value::default();
                }
            }
        }
        let is_arithmetic = chain_kind == Kind::BinaryOperator && !self.in_annotation;
        if is_arithmetic && used == Use::Followed && self.makes_text(left, &rights) {
            self.expr(left, Use::Read);
            for (_, right) in rights.into_iter().rev() {
                self.expr(right, Use::Read);
            }
            return self.literal(node, self.vocabulary.literal, self.vocabulary.str_type, 0, used);
        }
        let used = if is_arithmetic && rights.len() > LONGEST_CHAIN { Use::Read } else { used };
        let mut value = self.expr(left, used);
        let is_condition = chain_kind == Kind::BooleanOperator;
        let mut outcome = if is_condition { self.outcome_of(left) } else { Outcome::default() };
        for (whole, right) in rights.into_iter().rev() {
            if is_condition {
                self.flow.enter(if operator_of(whole) == "and" { &outcome.yes } else { &outcome.no });
            }
            // What a number or text on the right is does not decide which method answers.
            let right_used = if is_arithmetic && is_plain(right) { Use::Read } else { used };
            let right_node = right;
            let right = self.expr(right_node, right_used);
            if is_condition {
                let further = self.outcome_of(right_node);
                if operator_of(whole) == "and" {
                    outcome.yes = further.yes;
                    outcome.no.extend(further.no);
                } else {
                    outcome.yes.extend(further.yes);
                    outcome.no = further.no;
                }
            }
            value = if used == Use::Followed && (value.id != 0 || right.id != 0) {
                self.operation(whole, value, right)
            } else {
                Value::default()
            };
        }
        if is_condition {
            self.flow.settle(node, outcome);
        }
        value
    }

    fn operation(&mut self, whole: Node<'_>, left: Value, right: Value) -> Value {
        let words = self.vocabulary;
        let (kind, name, tag) = match kind_of(whole) {
            Kind::BooleanOperator => (words.bool_op, Symbol::NONE, tag::BOOL_OP),
            Kind::BinaryOperator if !self.in_annotation => {
                (words.binary, self.binary_method(operator_of(whole)), tag::BINARY)
            }
            _ => (words.union, Symbol::NONE, tag::UNION),
        };
        let shape = mix(mix(tag, left.shape), right.shape);
        let shape = if name == Symbol::NONE { shape } else { mix(shape, self.words.of(name.text()).hash) };
        let row = self.row(kind, left.id, name, right.id);
        self.followed(whole, shape, row)
    }

    /// True for `"..." % x`, `"..." + x` and the like: text, whatever follows.
    fn makes_text(&self, left: Node<'_>, rights: &[(Node<'_>, Node<'_>)]) -> bool {
        let is_text = match kind_of(left) {
            Kind::Str => {
                let prefix = self.text_of(left).bytes().take_while(u8::is_ascii_alphabetic);
                !prefix.into_iter().any(|byte| matches!(byte, b'b' | b'B'))
            }
            _ => false,
        };
        is_text && rights.iter().all(|(whole, _)| matches!(operator_of(*whole), "+" | "%" | "*"))
    }

    /// `-x`, `+x`, `~x`.
    pub(crate) fn unary(&mut self, node: Node<'_>, used: Use) -> Value {
        let Some(operand) = node.child_by_field_id(fields().argument) else {
            self.each_child(node);
            return Value::default();
        };
        if matches!(kind_of(operand), Kind::Integer | Kind::Float) {
            return self.number(operand, node, used);
        }
        let base = self.expr(operand, used);
        if used == Use::Read || base.id == 0 {
            return Value::default();
        }
        let words = self.vocabulary;
        let name = match operator_of(node) {
            "-" => words.neg,
            "+" => words.pos,
            _ => words.invert,
        };
        let row = self.row(words.unary, base.id, name, 0);
        let shape = mix(mix(tag::UNARY, base.shape), self.words.of(name.text()).hash);
        self.followed(node, shape, row)
    }

    /// `a < b`, `a in b`, `not a`: the operands are read, the whole is a truth.
    pub(crate) fn truth(&mut self, node: Node<'_>, used: Use) -> Value {
        match (kind_of(node), named_children(node).as_slice()) {
            (Kind::Comparison, [left, right]) if !self.outline && !self.in_annotation => self.comparison(*left, *right),
            _ => self.each_child(node),
        }
        self.literal(node, self.vocabulary.literal, self.vocabulary.bool_type, 0, used)
    }

    /// Notes which method the sign between two operands asks for, and of which of them.
    fn comparison(&mut self, left: Node<'_>, right: Node<'_>) {
        let operands = [self.expr(left, Use::Read).id, self.expr(right, Use::Read).id];
        let words = self.vocabulary;
        let sign = self.text[left.end_byte()..right.start_byte()].trim();
        let (asked, method) = match sign {
            "<" => (0, words.lt),
            "<=" => (0, words.le),
            ">" => (0, words.gt),
            ">=" => (0, words.ge),
            "==" => (0, words.eq),
            "!=" => (0, words.ne),
            "in" => (1, words.contains),
            _ if sign.split_whitespace().eq(["not", "in"]) => (1, words.contains),
            _ => return,
        };
        let expr = operands[asked];
        if expr != 0 {
            let item = Item { position: 0, role: words.compared, key: method, expr, star: Symbol::NONE };
            self.items(expr, vec![item]);
        }
    }

    /// The method that `+=` and the like ask for first.
    pub(crate) fn in_place_method(&self, sign: &str) -> Symbol {
        let words = self.vocabulary;
        match sign {
            "+=" => words.iadd,
            "-=" => words.isub,
            "*=" => words.imul,
            "@=" => words.imatmul,
            "/=" => words.itruediv,
            "//=" => words.ifloordiv,
            "%=" => words.imod,
            "**=" => words.ipow,
            "|=" => words.ior,
            "&=" => words.iand,
            "^=" => words.ixor,
            "<<=" => words.ilshift,
            ">>=" => words.irshift,
            _ => Symbol::NONE,
        }
    }

    fn binary_method(&self, sign: &str) -> Symbol {
        let words = self.vocabulary;
        match sign {
            "+" => words.add_method,
            "-" => words.sub,
            "*" => words.mul,
            "@" => words.matmul,
            "/" => words.truediv,
            "//" => words.floordiv,
            "%" => words.modulo,
            "**" => words.pow,
            "|" => words.or_method,
            "&" => words.and_method,
            "^" => words.xor,
            "<<" => words.lshift,
            ">>" => words.rshift,
            _ => Symbol::NONE,
        }
    }
}

/// The sign of an operator node.
pub(crate) fn operator_of(node: Node<'_>) -> &'static str {
    node.child_by_field_id(fields().operator).map_or("", |sign| sign.kind())
}

/// True for a number, a text or a truth, of which one tells as much as another.
pub(crate) fn is_plain(node: Node<'_>) -> bool {
    match kind_of(node) {
        Kind::Str
        | Kind::ConcatenatedString
        | Kind::Integer
        | Kind::Float
        | Kind::True
        | Kind::False
        | Kind::Comparison => true,
        Kind::UnaryOperator => {
            let operand = node.child_by_field_id(fields().argument);
            operand.is_some_and(|operand| matches!(kind_of(operand), Kind::Integer | Kind::Float))
        }
        _ => false,
    }
}
