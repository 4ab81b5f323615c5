//! Classes that a call makes: `namedtuple("Point", "x y")`, `NamedTuple`, `TypedDict` and `Enum` with their names as arguments.
//!
//! Such a call stands for a class statement: what it lists is bound in a scope of its own, or in that of a class that
//! derives from it, and what it calls is the base.

use anatomy_facts::{Id, Symbol, facts::Cell};
use tree_sitter::Node;

use super::{
    Extractor, Span,
    bindings::Taken,
    exprs::last_word,
    kinds::{Kind, fields, kind_of, named_children},
    rows::ClassBaseRow,
    scopes::ScopeKind,
};

/// What a call makes of the names that it lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    /// Fields by position.
    Tuple,
    /// Keys with types.
    Dictionary,
    /// Members.
    Enumeration,
}

/// A name in the arguments of such a call.
struct Listed<'t, 'n> {
    text: &'t str,
    span: Span,
    said: Option<Node<'n>>,
}

/// What such a call says: its callee and the names that it lists.
pub(crate) struct MadeClass<'t, 'n> {
    made: Made,
    callee: Node<'n>,
    listed: Vec<Listed<'t, 'n>>,
    /// How many anchors there were before the call was read.
    mark: usize,
}

impl<'t> Extractor<'t> {
    /// What a call that is about to be read makes, if it makes a class whose names can be read.
    pub(crate) fn made_by<'n>(&self, call: Node<'n>) -> Option<MadeClass<'t, 'n>> {
        if kind_of(call) != Kind::Call {
            return None;
        }
        let callee = call.child_by_field_id(fields().function)?;
        let made = match last_word(self.text_of(callee)) {
            "namedtuple" | "NamedTuple" => Made::Tuple,
            "TypedDict" => Made::Dictionary,
            "Enum" | "IntEnum" | "StrEnum" | "Flag" | "IntFlag" => Made::Enumeration,
            _ => return None,
        };
        let arguments = named_children(call.child_by_field_id(fields().arguments)?);
        let [name, names, ..] = arguments[..] else { return None };
        if kind_of(name) != Kind::Str {
            return None;
        }
        let mut listed = Vec::new();
        self.listed_names(names, made, &mut listed)?;
        Some(MadeClass { made, callee, listed, mark: self.anchors.len() })
    }

    /// `X = namedtuple(...)`, read: binds `X` as the class.
    pub(crate) fn made_class(&mut self, target: Node<'_>, call: Node<'_>, class: &MadeClass<'t, '_>, extent: Span) {
        let word = self.word(target);
        let span = self.span(target);
        let enclosing = self.open_scope(ScopeKind::Class, word, 0, self.span(call));
        let scope = self.scope;
        let words = self.vocabulary;
        let kind = if class.made == Made::Enumeration { words.assign } else { words.annotated };
        self.made_members(class, kind);
        self.close_scope(enclosing);
        let kind = self.vocabulary.class;
        let binding = self.bind(enclosing, word, span, Taken { kind, value: 0, annotation: 0, extent });
        self.bindings[binding as usize].body = scope;
        self.scopes[scope as usize].definition = binding;
        let expr = self.made_base(class);
        if expr != 0 {
            self.pending.class_bases.push(ClassBaseRow { class: binding, position: 0, expr, keyword: Symbol::NONE });
        }
    }

    /// The expression that such a call derives its class from: what it calls.
    pub(crate) fn made_base(&self, class: &MadeClass<'t, '_>) -> Id {
        self.read_since(class.mark, class.callee).id
    }

    /// Binds what such a call lists in the scope that is open. In the body of a class that derives from it these are
    /// attributes of its objects (`self_attr`): no name there means them.
    pub(crate) fn made_members(&mut self, class: &MadeClass<'t, '_>, kind: Symbol) {
        let path = std::mem::take(&mut self.path);
        let scope = self.scopes[self.scope as usize].id;
        for (position, listed) in (0u32..).zip(&class.listed) {
            let word = self.words.of(listed.text);
            let annotation = listed.said.map_or(0, |said| self.type_since(class.mark, said));
            let taken = Taken { kind, value: 0, annotation, extent: listed.span };
            self.bind(self.scope, word, listed.span, taken);
            if class.made == Made::Tuple {
                let row = [Cell::Id(scope), Cell::Int(position), Cell::Symbol(word.symbol), Cell::Symbol(self.file)];
                self.tables.fields.push(&row);
            }
        }
        self.path = path;
    }

    /// A type that was read: a quoted one stands inside its quotes.
    fn type_since(&self, mark: usize, node: Node<'_>) -> Id {
        let quoted = self.plain(node).filter(|_| kind_of(node) == Kind::Str).and_then(|plain| plain.verbatim);
        let extent = quoted.unwrap_or(self.span(node));
        let found = self.anchors[mark..].iter().find(|anchor| (anchor.extent_start, anchor.extent_end) == extent);
        found.map_or(0, |anchor| anchor.id)
    }

    /// The names of `"x y"`, `["x", "y"]`, `[("x", int)]` and `{"x": int}`; none if one of them cannot be read.
    fn listed_names<'n>(&self, node: Node<'n>, made: Made, listed: &mut Vec<Listed<'t, 'n>>) -> Option<()> {
        match kind_of(node) {
            Kind::Str if made != Made::Dictionary => {
                let (start, end) = self.plain(node)?.verbatim?;
                let text = self.text.get(start as usize..end as usize)?;
                let is_end = |character: char| character == ',' || character.is_whitespace();
                for text in text.split(is_end).filter(|text| !text.is_empty()) {
                    let from = text.as_ptr() as usize - self.text.as_ptr() as usize;
                    self.list(text, (from as u32, (from + text.len()) as u32), None, listed)?;
                }
            }
            Kind::List | Kind::Tuple if made != Made::Dictionary => {
                for item in named_children(node) {
                    match kind_of(item) {
                        Kind::Str => self.listed_name(item, None, listed)?,
                        Kind::Tuple => {
                            let [name, said] = named_children(item)[..] else { return None };
                            let said = Some(said).filter(|_| made == Made::Tuple);
                            self.listed_name(name, said, listed)?;
                        }
                        _ => return None,
                    }
                }
            }
            Kind::Dictionary if made != Made::Tuple => {
                for pair in named_children(node) {
                    let key = pair.child_by_field_id(fields().key)?;
                    let said = pair.child_by_field_id(fields().value).filter(|_| made == Made::Dictionary);
                    self.listed_name(key, said, listed)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn listed_name<'n>(&self, node: Node<'n>, said: Option<Node<'n>>, listed: &mut Vec<Listed<'t, 'n>>) -> Option<()> {
        let span = self.plain(node).filter(|_| kind_of(node) == Kind::Str)?.verbatim?;
        self.list(self.text.get(span.0 as usize..span.1 as usize)?, span, said, listed)
    }

    /// Lists a name; none if the text is no word.
    fn list<'n>(
        &self,
        text: &'t str,
        span: Span,
        said: Option<Node<'n>>,
        listed: &mut Vec<Listed<'t, 'n>>,
    ) -> Option<()> {
        let is_word = text.chars().all(|character| character.is_alphanumeric() || character == '_');
        if text.is_empty() || !is_word {
            return None;
        }
        listed.push(Listed { text, span, said });
        Some(())
    }
}
