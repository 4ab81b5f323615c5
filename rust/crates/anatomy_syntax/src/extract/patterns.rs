//! Patterns of `match`: which words capture and which are values.

use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    bindings::Taken,
    kinds::{Kind, kind_of, named_children},
};

impl<'t> Extractor<'t> {
    pub(crate) fn case(&mut self, node: Node<'_>, subject: Value) {
        for child in named_children(node) {
            match kind_of(child) {
                Kind::CasePattern => self.pattern(child, subject),
                Kind::Block => self.statements(child),
                _ => self.part(child),
            }
        }
    }

    /// Reads a pattern. `subject` is what it is matched with, if that has a name here.
    fn pattern(&mut self, node: Node<'_>, subject: Value) {
        self.deeper(node, |this| this.pattern_inside(node, subject));
    }

    fn pattern_inside(&mut self, node: Node<'_>, subject: Value) {
        let unknown = Value::default();
        match kind_of(node) {
            Kind::CasePattern | Kind::UnionPattern => {
                for child in named_children(node) {
                    self.pattern(child, subject);
                }
            }
            Kind::Identifier => self.capture(node, subject),
            Kind::DottedName => match named_children(node).as_slice() {
                [name] => self.capture(*name, subject),
                _ => {
                    self.dotted_value(node);
                }
            },
            Kind::AsPattern => {
                let parts = named_children(node);
                if let Some((name, patterns)) = parts.split_last() {
                    for pattern in patterns {
                        self.pattern(*pattern, subject);
                    }
                    self.capture(*name, subject);
                }
            }
            Kind::ClassPattern => {
                let parts = named_children(node);
                if let Some((class, patterns)) = parts.split_first() {
                    let class = self.dotted_value(*class);
                    for pattern in patterns {
                        self.attribute_pattern(*pattern, class);
                    }
                }
            }
            Kind::KeywordPattern => {
                for pattern in named_children(node).iter().skip(1) {
                    self.pattern(*pattern, unknown);
                }
            }
            Kind::Str | Kind::ConcatenatedString | Kind::Attribute => {
                self.expr(node, Use::Read);
            }
            Kind::Error => self.broken(node),
            _ => {
                for child in named_children(node) {
                    self.pattern(child, unknown);
                }
            }
        }
    }

    /// A pattern of a class: `x=1` asks for its attribute `x`.
    fn attribute_pattern(&mut self, node: Node<'_>, class: Value) {
        let parts = named_children(node);
        match (kind_of(node), parts.as_slice()) {
            (Kind::CasePattern, [inner]) => self.deeper(node, |this| this.attribute_pattern(*inner, class)),
            (Kind::KeywordPattern, [word, ..]) if !word.is_missing() => {
                self.dotted_attribute(class, *word, self.span(*word));
                self.pattern(node, Value::default());
            }
            _ => self.pattern(node, Value::default()),
        }
    }

    fn capture(&mut self, name: Node<'_>, subject: Value) {
        let word = self.word(name);
        if name.is_missing() || self.text_of(name) == "_" {
            return;
        }
        let span = self.span(name);
        let kind = self.vocabulary.match_capture;
        self.bind(self.scope, word, span, Taken { kind, value: subject.id, annotation: 0, extent: span });
    }

    /// `a.b.c` as the grammar has it outside expressions: a name and the attributes on it.
    fn dotted_value(&mut self, node: Node<'_>) -> Value {
        let words = named_children(node);
        let Some((first, rest)) = words.split_first() else { return Value::default() };
        let mut value = self.name_use(*first, self.vocabulary.load);
        for word in rest {
            value = self.dotted_attribute(value, *word, (self.span(node).0, self.span(*word).1));
        }
        value
    }
}
