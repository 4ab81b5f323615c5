//! Patterns of `match`: which words capture and which are values.

use anatomy_facts::Id;
use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    bindings::Taken,
    flow::Subject,
    kinds::{Kind, kind_of, named_children},
};

impl<'t> Extractor<'t> {
    /// Reads a case and goes on where it does not match; the block in which it ends.
    pub(crate) fn case(&mut self, node: Node<'_>, subject: Value, tested: Option<Subject>) -> u32 {
        let (patterns, others): (Vec<Node<'_>>, Vec<Node<'_>>) =
            named_children(node).into_iter().partition(|child| kind_of(*child) == Kind::CasePattern);
        let begun = self.flow.here();
        self.flow.enter(&[begun]);
        for pattern in &patterns {
            self.pattern(*pattern, subject);
        }
        // Captures are made only where the pattern matches: the failure leads on from before them.
        let captured = self.flow.here();
        let (matched, mut failed) = match patterns[..] {
            [pattern] if self.is_irrefutable(pattern) => (captured, Vec::new()),
            [pattern] => self.matched(tested, pattern, begun, captured),
            _ => (captured, vec![begun]),
        };
        self.flow.enter(&[matched]);
        for child in others {
            match kind_of(child) {
                Kind::Block => self.statements(child),
                _ => self.part(child),
            }
            if let (Kind::IfClause, Some(condition)) = (kind_of(child), child.named_child(0)) {
                let outcome = self.outcome_of(condition);
                failed.extend(outcome.no);
                self.flow.enter(&outcome.yes);
            }
        }
        let end = self.flow.here();
        self.flow.enter(&failed);
        end
    }

    /// True for `_` and for a name, which takes everything.
    fn is_irrefutable(&self, pattern: Node<'_>) -> bool {
        let mut inner = pattern;
        while kind_of(inner) == Kind::CasePattern && inner.named_child_count() == 1 {
            match inner.named_child(0) {
                Some(child) => inner = child,
                None => break,
            }
        }
        match kind_of(inner) {
            Kind::Identifier => true,
            Kind::DottedName => named_children(inner).len() == 1,
            _ => self.text_of(inner) == "_",
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
            Kind::Identifier => self.capture(node, subject, 0),
            Kind::DottedName => match named_children(node).as_slice() {
                [name] => self.capture(*name, subject, 0),
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
                    let class = patterns.first().map_or(0, |pattern| self.pattern_class(*pattern));
                    self.capture(*name, subject, class);
                }
            }
            Kind::ClassPattern => {
                let parts = named_children(node);
                if let Some((class, patterns)) = parts.split_first() {
                    self.dotted_value(*class);
                    for pattern in patterns {
                        self.pattern(*pattern, unknown);
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

    /// Binds a captured name; `class` names the class that the pattern asks for, if it is one.
    fn capture(&mut self, name: Node<'_>, subject: Value, class: Id) {
        let word = self.word(name);
        if name.is_missing() || self.text_of(name) == "_" {
            return;
        }
        let span = self.span(name);
        let kind = self.vocabulary.match_capture;
        self.bind(self.scope, word, span, Taken { kind, value: subject.id, annotation: class, extent: span });
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
