//! Patterns of `match`: which words capture and which are values.

use anatomy_facts::{Id, Symbol};
use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    bindings::{PathStep, Taken},
    flow::Subject,
    kinds::{Kind, has_token, kind_of, named_children},
    rows::CaptureRow,
};

/// What a pattern is matched with, so far as that has a name here.
#[derive(Clone, Copy, Default)]
struct Matched {
    /// The subject; 0 inside a class pattern.
    subject: Id,
    /// The class of the class pattern around, whose attribute it is, by name or by position.
    class: Id,
    attribute: Symbol,
    position: u32,
}

impl<'t> Extractor<'t> {
    /// Reads a case and goes on where it does not match; the block in which it ends.
    pub(crate) fn case(&mut self, node: Node<'_>, subject: Value, tested: Option<Subject>) -> u32 {
        let (patterns, others): (Vec<Node<'_>>, Vec<Node<'_>>) =
            named_children(node).into_iter().partition(|child| kind_of(*child) == Kind::CasePattern);
        let begun = self.flow.here();
        self.flow.enter(&[begun]);
        for pattern in &patterns {
            self.pattern(*pattern, Matched { subject: subject.id, ..Matched::default() });
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

    /// Reads a pattern.
    fn pattern(&mut self, node: Node<'_>, matched: Matched) {
        self.deeper(node, |this| this.pattern_inside(node, matched));
    }

    fn pattern_inside(&mut self, node: Node<'_>, matched: Matched) {
        match kind_of(node) {
            Kind::CasePattern | Kind::UnionPattern => {
                for child in named_children(node) {
                    self.pattern(child, matched);
                }
            }
            Kind::TuplePattern if !has_token(node, ",") => {
                for child in named_children(node) {
                    self.pattern(child, matched);
                }
            }
            Kind::TuplePattern | Kind::ListPattern => self.sequence(node, matched),
            Kind::DictPattern => self.mapping(node, matched),
            Kind::Identifier => self.capture(node, matched, 0),
            Kind::DottedName => match named_children(node).as_slice() {
                [name] => self.capture(*name, matched, 0),
                _ => {
                    self.dotted_value(node);
                }
            },
            Kind::AsPattern => {
                let parts = named_children(node);
                if let Some((name, patterns)) = parts.split_last() {
                    for pattern in patterns {
                        self.pattern(*pattern, matched);
                    }
                    let class = patterns.first().map_or(0, |pattern| self.pattern_class(*pattern));
                    // The grammar takes `y=p as name` for `(y=p) as name`.
                    let keyword = patterns.first().and_then(|pattern| self.keyword_of(*pattern));
                    let matched = keyword.map_or(matched, |attribute| Matched { attribute, position: 0, ..matched });
                    self.capture(*name, matched, class);
                }
            }
            Kind::ClassPattern => {
                let parts = named_children(node);
                if let Some((class, patterns)) = parts.split_first() {
                    let named = self.dotted_value(*class);
                    let class = named.id;
                    let path = std::mem::take(&mut self.path);
                    for (position, pattern) in (0u32..).zip(patterns) {
                        self.asked_attribute(*pattern, named);
                        self.pattern(*pattern, Matched { class, position, ..Matched::default() });
                    }
                    self.path = path;
                }
            }
            Kind::KeywordPattern => {
                let parts = named_children(node);
                let attribute = self.keyword_of(node).unwrap_or(Symbol::NONE);
                for pattern in parts.iter().skip(1) {
                    self.pattern(*pattern, Matched { attribute, position: 0, ..matched });
                }
            }
            Kind::Str | Kind::ConcatenatedString | Kind::Attribute => {
                self.expr(node, Use::Read);
            }
            Kind::Error => self.broken(node),
            _ => {
                for child in named_children(node) {
                    self.pattern(child, Matched::default());
                }
            }
        }
    }

    /// A pattern of a class: `x=1` asks for its attribute `x`.
    fn asked_attribute(&mut self, node: Node<'_>, class: Value) {
        let parts = named_children(node);
        match (kind_of(node), parts.as_slice()) {
            (Kind::CasePattern, [inner]) => self.asked_attribute(*inner, class),
            (Kind::KeywordPattern, [word, ..]) if !word.is_missing() => {
                self.dotted_attribute(class, *word, self.span(*word));
            }
            _ => {}
        }
    }

    fn keyword_of(&mut self, pattern: Node<'_>) -> Option<Symbol> {
        let inner = if kind_of(pattern) == Kind::CasePattern { pattern.named_child(0)? } else { pattern };
        let name = inner.named_child(0).filter(|_| kind_of(inner) == Kind::KeywordPattern)?;
        Some(self.word(name).symbol)
    }

    /// `[a, *b, c]`: what stands before a star is an item by its position.
    fn sequence(&mut self, node: Node<'_>, matched: Matched) {
        let mut item = matched;
        for (at, child) in (0u32..).zip(named_children(node)) {
            if self.text_of(child).starts_with('*') {
                item = Matched::default();
            }
            self.path.push(PathStep::Item(at));
            self.pattern(child, item);
            self.path.pop();
        }
    }

    /// `{"key": pattern, **rest}`.
    fn mapping(&mut self, node: Node<'_>, matched: Matched) {
        let mut key = Symbol::NONE;
        let mut cursor = node.walk();
        let children: Vec<(bool, Node<'_>)> = node
            .children(&mut cursor)
            .enumerate()
            .filter(|(_, child)| child.is_named())
            .map(|(at, child)| (node.field_name_for_child(at as u32) == Some("key"), child))
            .collect();
        for (is_key, child) in children {
            if is_key {
                key = self.key_of(child);
                self.pattern(child, Matched::default());
            } else if kind_of(child) == Kind::CasePattern {
                self.path.push(PathStep::Key(key));
                self.pattern(child, matched);
                self.path.pop();
            } else {
                self.pattern(child, Matched::default());
            }
        }
    }

    /// The text of a key that reads like a name; of any other none.
    fn key_of(&self, node: Node<'_>) -> Symbol {
        let plain = self.plain(node).filter(|_| kind_of(node) == Kind::Str);
        let is_word = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        plain
            .filter(|plain| !plain.is_bytes && is_word(&plain.value))
            .map_or(Symbol::NONE, |plain| Symbol::of(&plain.value))
    }

    /// Binds a captured name; `class` names the class that the pattern asks for, if it is one.
    fn capture(&mut self, name: Node<'_>, matched: Matched, class: Id) {
        let word = self.word(name);
        if name.is_missing() || self.text_of(name) == "_" {
            return;
        }
        let span = self.span(name);
        let kind = self.vocabulary.match_capture;
        let taken = Taken { kind, value: matched.subject, annotation: class, extent: span };
        let binding = self.bind(self.scope, word, span, taken);
        if matched.class != 0 {
            let Matched { class, attribute, position, .. } = matched;
            let unpack = self.path_symbol();
            self.pending.captures.push(CaptureRow { binding, class, attribute, position, unpack });
        }
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
