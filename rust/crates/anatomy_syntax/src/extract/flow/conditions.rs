//! What a condition says about a name: `isinstance`, comparison with `None`, mere truth, patterns of `match`.

use anatomy_facts::{Id, Symbol};
use tree_sitter::Node;

use super::{
    super::{
        Extractor,
        exprs::{attribute_shape, name_shape},
        kinds::{Kind, fields, kind_of, named_children},
    },
    Flow, Outcome, Root,
};

/// How far back the walk looks for what it just read.
const LOOK_BACK: usize = 64;

/// What a test proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Test {
    Isinstance,
    NotIsinstance,
    IsClass,
    Issubclass,
    MatchClass,
    IsNone,
    NotNone,
    Truthy,
    /// A call said yes, which may be a guard of types.
    Guard,
}

/// One thing that a test proves of a name or of a chain of attributes on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fact {
    pub(super) root: Root,
    /// Shapes of the chain, in `Flow::shapes`: the last is that of the whole; none for a plain name.
    pub(super) shapes: (u32, u32),
    pub(super) test: Test,
    /// Class expressions, in `Flow::classes`.
    pub(super) classes: (u32, u32),
}

/// A name or chain that can be told something of.
#[derive(Clone, Copy)]
pub(crate) struct Subject {
    root: Root,
    /// As in `Fact`.
    shapes: (u32, u32),
}

impl Flow {
    /// A new block after `from` in which a fact holds.
    fn knowing(&mut self, from: u32, fact: u32) -> u32 {
        let block = self.new_block(&[from]);
        self.graph().assumed.push((block, fact));
        block
    }

    fn fact(&mut self, subject: Subject, test: Test, classes: (u32, u32)) -> u32 {
        self.facts.push(Fact { root: subject.root, shapes: subject.shapes, test, classes });
        self.facts.len() as u32 - 1
    }
}

impl Extractor<'_> {
    /// Where control goes from a condition that was just read.
    pub(crate) fn outcome_of(&mut self, condition: Node<'_>) -> Outcome {
        let mut node = condition;
        let mut negated = false;
        loop {
            match kind_of(node) {
                Kind::Parenthesized if node.named_child_count() == 1 => {}
                Kind::NotOperator if node.named_child_count() == 1 => negated = !negated,
                _ => break,
            }
            match node.named_child(0) {
                Some(child) => node = child,
                None => break,
            }
        }
        let outcome = match (kind_of(node), self.flow.outcome.take()) {
            (Kind::BooleanOperator, Some((id, outcome))) if id == node.id() => outcome,
            _ => self.tested(node),
        };
        if negated { Outcome { yes: outcome.no, no: outcome.yes } } else { outcome }
    }

    /// The outcome of a condition without parts.
    fn tested(&mut self, node: Node<'_>) -> Outcome {
        let here = self.flow.here();
        let both = || Outcome { yes: vec![here], no: vec![here] };
        let (yes, no) = match kind_of(node) {
            Kind::True => return Outcome { yes: vec![here], no: Vec::new() },
            Kind::False | Kind::None => return Outcome { yes: Vec::new(), no: vec![here] },
            Kind::Integer => {
                return match self.text_of(node) {
                    "1" => Outcome { yes: vec![here], no: Vec::new() },
                    "0" => Outcome { yes: Vec::new(), no: vec![here] },
                    _ => both(),
                };
            }
            Kind::Identifier | Kind::Attribute | Kind::NamedExpression => {
                let Some(subject) = self.subject(node) else { return both() };
                (Some(self.flow.fact(subject, Test::Truthy, (0, 0))), None)
            }
            Kind::Call => self.tested_call(node),
            Kind::Comparison => self.tested_comparison(node),
            _ => return both(),
        };
        let mut side = |fact: Option<u32>| match fact {
            Some(fact) => vec![self.flow.knowing(here, fact)],
            None => vec![here],
        };
        Outcome { yes: side(yes), no: side(no) }
    }

    /// `isinstance(x, C)`, `issubclass(x, C)`.
    fn tested_call(&mut self, call: Node<'_>) -> (Option<u32>, Option<u32>) {
        let Some(callee) = call.child_by_field_id(fields().function) else { return (None, None) };
        let is_instance = match self.text_of(callee) {
            "isinstance" => true,
            "issubclass" => false,
            _ => return (self.guarded(call, callee), None),
        };
        let Some(arguments) = call.child_by_field_id(fields().arguments) else { return (None, None) };
        let [subject, class] = named_children(arguments)[..] else { return (None, None) };
        let (Some(subject), Some(classes)) = (self.subject(subject), self.classes(class)) else {
            return (None, None);
        };
        if is_instance {
            let yes = self.flow.fact(subject, Test::Isinstance, classes);
            (Some(yes), Some(self.flow.fact(subject, Test::NotIsinstance, classes)))
        } else {
            (Some(self.flow.fact(subject, Test::Issubclass, classes)), None)
        }
    }

    /// `f(x)`: whether `f` is a guard of types, its annotation says.
    fn guarded(&mut self, call: Node<'_>, callee: Node<'_>) -> Option<u32> {
        let [argument] = named_children(call.child_by_field_id(fields().arguments)?)[..] else { return None };
        let callee = self.expr_at(callee)?;
        let subject = self.subject(argument)?;
        let from = self.flow.classes.len() as u32;
        self.flow.classes.push(callee);
        Some(self.flow.fact(subject, Test::Guard, (from, from + 1)))
    }

    /// `x is None`, `x != None`, `type(x) is C`, `x.__class__ is C`.
    fn tested_comparison(&mut self, comparison: Node<'_>) -> (Option<u32>, Option<u32>) {
        let [left, right] = named_children(comparison)[..] else { return (None, None) };
        let mut cursor = comparison.walk();
        let operator =
            comparison.children(&mut cursor).find(|child| !child.is_named()).map_or("", |token| token.kind());
        let equal = match operator {
            "is" | "==" => true,
            "is not" | "!=" => false,
            _ => return (None, None),
        };
        let (same, other) = if kind_of(right) == Kind::None {
            let Some(subject) = self.subject(left) else { return (None, None) };
            let same = self.flow.fact(subject, Test::IsNone, (0, 0));
            (Some(same), Some(self.flow.fact(subject, Test::NotNone, (0, 0))))
        } else {
            let subject = match kind_of(left) {
                Kind::Call => self.argument_of_type(left),
                Kind::Attribute => self.object_of_class(left),
                _ => None,
            };
            let Some(subject) = subject.and_then(|node| self.subject(node)) else { return (None, None) };
            let Some(classes) = self.classes(right) else { return (None, None) };
            (Some(self.flow.fact(subject, Test::IsClass, classes)), None)
        };
        if equal { (same, other) } else { (other, same) }
    }

    /// `x` of `type(x)`.
    fn argument_of_type<'n>(&self, call: Node<'n>) -> Option<Node<'n>> {
        let callee = call.child_by_field_id(fields().function)?;
        let arguments = call.child_by_field_id(fields().arguments)?;
        match named_children(arguments)[..] {
            [subject] if self.text_of(callee) == "type" => Some(subject),
            _ => None,
        }
    }

    /// `x` of `x.__class__`.
    fn object_of_class<'n>(&self, attribute: Node<'n>) -> Option<Node<'n>> {
        let word = attribute.child_by_field_id(fields().attribute)?;
        if self.text_of(word) == "__class__" { attribute.child_by_field_id(fields().object) } else { None }
    }

    /// What a pattern that was just read proves of the subject of its `match`: the block after the one that matched, with
    /// its captures, and those after the failure, which leaves from before the pattern.
    pub(crate) fn matched(
        &mut self,
        subject: Option<Subject>,
        pattern: Node<'_>,
        before: u32,
        captured: u32,
    ) -> (u32, Vec<u32>) {
        let Some(subject) = subject else { return (captured, vec![before]) };
        if self.text_of(pattern) == "None" {
            let yes = self.flow.fact(subject, Test::IsNone, (0, 0));
            let no = self.flow.fact(subject, Test::NotNone, (0, 0));
            return (self.flow.knowing(captured, yes), vec![self.flow.knowing(before, no)]);
        }
        let mut classes = Vec::new();
        let mut exact = true;
        if !self.pattern_classes(pattern, &mut classes, &mut exact) {
            return (captured, vec![before]);
        }
        let from = self.flow.classes.len() as u32;
        self.flow.classes.extend(classes);
        let classes = (from, self.flow.classes.len() as u32);
        let yes = self.flow.fact(subject, Test::MatchClass, classes);
        let matched = self.flow.knowing(captured, yes);
        if !exact {
            return (matched, vec![before]);
        }
        let no = self.flow.fact(subject, Test::NotIsinstance, classes);
        (matched, vec![self.flow.knowing(before, no)])
    }

    /// The classes one of which a value has that matches the pattern; false if it may have others too. `exact` stays true
    /// if every value of these classes matches.
    fn pattern_classes(&self, pattern: Node<'_>, classes: &mut Vec<Id>, exact: &mut bool) -> bool {
        match kind_of(pattern) {
            Kind::CasePattern | Kind::UnionPattern => {
                let parts = named_children(pattern);
                !parts.is_empty() && parts.into_iter().all(|part| self.pattern_classes(part, classes, exact))
            }
            Kind::AsPattern => {
                named_children(pattern).first().is_some_and(|inner| self.pattern_classes(*inner, classes, exact))
            }
            Kind::ClassPattern => {
                let parts = named_children(pattern);
                let class = parts.first().and_then(|class| self.expr_at(*class));
                *exact &= parts.len() == 1;
                classes.extend(class);
                class.is_some()
            }
            _ => false,
        }
    }

    /// The class expression of a pattern that matches instances of one class only.
    pub(crate) fn pattern_class(&self, pattern: Node<'_>) -> Id {
        let mut classes = Vec::new();
        let known = self.pattern_classes(pattern, &mut classes, &mut true);
        match classes[..] {
            [class] if known => class,
            _ => 0,
        }
    }

    /// The name or chain of attributes that an expression is, just read.
    pub(crate) fn subject(&mut self, node: Node<'_>) -> Option<Subject> {
        let mut shapes = Vec::new();
        let root = self.chain(node, &mut shapes)?;
        let from = self.flow.shapes.len() as u32;
        self.flow.shapes.extend(shapes);
        Some(Subject { root, shapes: (from, self.flow.shapes.len() as u32) })
    }

    /// The root of a chain; the shapes of its attributes, from the root on.
    fn chain(&mut self, node: Node<'_>, shapes: &mut Vec<u64>) -> Option<Root> {
        let mut words = Vec::new();
        let mut node = node;
        let root = loop {
            match kind_of(node) {
                Kind::Parenthesized if node.named_child_count() == 1 => node = node.named_child(0)?,
                Kind::Attribute => {
                    words.push(node.child_by_field_id(fields().attribute)?);
                    node = node.child_by_field_id(fields().object)?;
                }
                Kind::NamedExpression => {
                    let symbol = self.word(node.child_by_field_id(fields().name)?).symbol;
                    let at = self.bindings.iter().rev().take(LOOK_BACK).position(|row| row.word.symbol == symbol)?;
                    let at = (self.bindings.len() - 1 - at) as u32;
                    break Root { symbol, at, is_binding: true };
                }
                Kind::Identifier => {
                    let symbol = self.word(node).symbol;
                    let at = self
                        .names
                        .iter()
                        .rev()
                        .take(LOOK_BACK)
                        .position(|row| row.name == symbol && row.scope == self.scope)?;
                    let at = (self.names.len() - 1 - at) as u32;
                    break Root { symbol, at, is_binding: false };
                }
                _ => return None,
            }
        };
        if words.is_empty() {
            return Some(root);
        }
        if kind_of(node) != Kind::Identifier {
            return None;
        }
        let mut shape = name_shape(self.word(node));
        for word in words.into_iter().rev() {
            shape = attribute_shape(shape, self.word(word));
            shapes.push(shape);
        }
        Some(root)
    }

    /// The expressions that name the classes of a test, just read: one, or those of a tuple or union; none if one of
    /// them has no name.
    fn classes(&mut self, node: Node<'_>) -> Option<(u32, u32)> {
        let mut found = Vec::new();
        self.class_names(node, &mut found)?;
        let from = self.flow.classes.len() as u32;
        self.flow.classes.extend(found);
        Some((from, self.flow.classes.len() as u32))
    }

    fn class_names(&self, node: Node<'_>, found: &mut Vec<Id>) -> Option<()> {
        match kind_of(node) {
            Kind::Identifier | Kind::Attribute => found.push(self.expr_at(node)?),
            Kind::Tuple | Kind::Parenthesized | Kind::BinaryOperator => {
                for child in named_children(node) {
                    self.class_names(child, found)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The id of a name or attribute that was read a moment ago.
    fn expr_at(&self, node: Node<'_>) -> Option<Id> {
        let extent = self.span(node);
        self.anchors
            .iter()
            .rev()
            .take(LOOK_BACK)
            .find(|anchor| (anchor.extent_start, anchor.extent_end) == extent)
            .map(|anchor| anchor.id)
    }
}

impl Test {
    /// The word of the table.
    pub(super) fn word(self) -> Symbol {
        let words = &super::super::vocabulary::VOCABULARY;
        match self {
            Test::Isinstance => words.isinstance,
            Test::NotIsinstance => words.not_isinstance,
            Test::IsClass => words.is_class,
            Test::Issubclass => words.issubclass,
            Test::MatchClass => words.match_class,
            Test::IsNone => words.is_none,
            Test::NotNone => words.not_none,
            Test::Truthy => words.truthy,
            Test::Guard => words.guard,
        }
    }
}
