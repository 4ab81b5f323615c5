//! Items: what displays hold, what subscripts ask for, what comprehensions give.
//!
//! A table of ten thousand literals must cost what a table of ten costs: a display gives rows to the items that tell
//! something new, each display has its bound, and so has a display with all displays inside it.

use anatomy_facts::{Id, Symbol, facts::Cell};
use tree_sitter::Node;

use super::{
    Extractor, Use, Value,
    exprs::{last_word, tag},
    kinds::{Kind, children_in_field, fields, kind_of, named_children},
    operators::{is_plain, operator_of},
    strings::LONGEST,
    words::{mix, text_hash},
};

/// Items of a tuple, or of a list inside a type, that become rows.
const PLACES: usize = 16;
/// Items of a list or set, and entries of a dict without a literal key, that become rows: each of another kind or word.
const SAMPLES: usize = 4;
/// Entries of a dict with a literal key that become rows.
const ENTRIES: usize = 64;
/// Rows of a display with all displays inside it.
const BUDGET: u32 = 256;

/// A row of `items` but for its container.
pub(crate) struct Item {
    pub(crate) position: u32,
    pub(crate) role: Symbol,
    pub(crate) key: Symbol,
    pub(crate) expr: Id,
    pub(crate) star: Symbol,
}

impl<'t> Extractor<'t> {
    /// A list, tuple or set written out; `second` of its row is its first element.
    pub(crate) fn display(&mut self, node: Node<'_>, kind: Symbol, name: Symbol, used: Use) -> Value {
        if used == Use::Read {
            for child in named_children(node) {
                self.expr(child, Use::Read);
            }
            return Value::default();
        }
        let listed = self.listed_argument.take();
        let has_places = self.in_annotation || kind == self.vocabulary.tuple;
        let mut items =
            self.inside_display(|this| if has_places { this.places(node, listed) } else { this.samples(node, listed) });
        if !self.in_annotation && kind != self.vocabulary.literal {
            self.give_ordinals(&mut items, named_children(node).len());
        }
        let first = items.first().filter(|item| item.position == 0 && item.star == Symbol::NONE);
        let value = self.literal(node, kind, name, first.map_or(0, |item| item.expr), used);
        self.items(value.id, items);
        value
    }

    /// The items of a tuple whose targets take them one by one, all of them, and the tuple.
    pub(crate) fn tuple_of_all(&mut self, node: Node<'_>) -> (Value, Vec<Value>) {
        let taker = self.taker;
        let role = self.vocabulary.item;
        let mut items = Vec::new();
        let mut values = Vec::new();
        for (position, child) in (0u32..).zip(named_children(node)) {
            let (value, star) =
                self.taken_by(mix(taker, u64::from(position)), |this| this.item_value(child, Use::Followed));
            values.push(value);
            if value.id != 0 && items.len() < PLACES {
                items.push(Item { position, role, key: Symbol::NONE, expr: value.id, star });
            }
        }
        self.give_ordinals(&mut items, values.len());
        let name = self.vocabulary.tuple;
        let whole = self.literal(node, name, name, values.first().map_or(0, |value| value.id), Use::Followed);
        self.items(whole.id, items);
        (whole, values)
    }

    /// Gives each item its ordinal as key, where all items are listed and none is unpacked: an index finds them then.
    fn give_ordinals(&self, items: &mut [Item], count: usize) {
        if items.len() == count && items.iter().all(|item| item.star == Symbol::NONE) {
            for item in items {
                item.key = self.vocabulary.ordinal(item.position);
            }
        }
    }

    /// Items whose position says what they are.
    fn places(&mut self, node: Node<'_>, listed: Option<(Id, Symbol)>) -> Vec<Item> {
        let (taker, role) = (self.taker, self.vocabulary.item);
        let mut items = Vec::new();
        for (position, child) in (0u32..).zip(named_children(node)) {
            let used = if items.len() < PLACES { self.affordable() } else { Use::Read };
            self.item_of(listed, position);
            let (value, star) = self.taken_by(mix(taker, u64::from(position)), |this| this.item_value(child, used));
            if used == Use::Followed && value.id != 0 {
                items.push(Item { position, role, key: Symbol::NONE, expr: value.id, star });
                self.spend();
            }
        }
        items
    }

    /// Items of which a few say what all are.
    fn samples(&mut self, node: Node<'_>, listed: Option<(Id, Symbol)>) -> Vec<Item> {
        let (taker, role) = (mix(self.taker, text_hash("item")), self.vocabulary.item);
        let mut items: Vec<Item> = Vec::new();
        let mut shapes: Vec<u64> = Vec::new();
        let mut literals: Vec<Kind> = Vec::new();
        for (position, child) in (0u32..).zip(named_children(node)) {
            let kind = kind_of(child);
            let is_literal = kind == Kind::None || is_plain(child);
            let repeats = is_literal && literals.contains(&kind);
            let used = if items.len() < SAMPLES && !repeats { self.affordable() } else { Use::Read };
            self.item_of(listed, position);
            let (value, star) = self.taken_by(taker, |this| this.item_value(child, used));
            if used == Use::Read || value.id == 0 {
                continue;
            }
            if is_literal {
                literals.push(kind);
            } else if has_words(kind) {
                if shapes.contains(&value.shape) {
                    continue;
                }
                shapes.push(value.shape);
            }
            items.push(Item { position, role, key: Symbol::NONE, expr: value.id, star });
            self.spend();
        }
        items
    }

    /// An item and its star: `*operand` is read as its operand.
    fn item_value(&mut self, node: Node<'_>, used: Use) -> (Value, Symbol) {
        match kind_of(node) {
            Kind::ListSplat | Kind::ListSplatPattern if !self.in_annotation => {
                let mut value = Value::default();
                for child in named_children(node) {
                    value = self.expr(child, used);
                }
                (value, self.vocabulary.one_star)
            }
            // The grammar takes `*a.b()` for `(*a).b()` there.
            Kind::Attribute | Kind::Call | Kind::Subscript if self.text_of(node).starts_with('*') => {
                (self.expr(node, used), self.vocabulary.one_star)
            }
            _ => (self.expr(node, used), Symbol::NONE),
        }
    }

    /// A dict written out.
    pub(crate) fn dictionary(&mut self, node: Node<'_>, used: Use) -> Value {
        if used == Use::Read {
            self.each_child(node);
            return Value::default();
        }
        let items = self.inside_display(|this| this.entries(node));
        let name = self.vocabulary.dict;
        let value = self.literal(node, name, name, 0, used);
        self.items(value.id, items);
        value
    }

    fn entries(&mut self, node: Node<'_>) -> Vec<Item> {
        let words = self.vocabulary;
        let taker = self.taker;
        let mut items = Vec::new();
        let (mut with_key, mut without_key) = (0, 0);
        for (position, child) in (0u32..).zip(named_children(node)) {
            let pair = match kind_of(child) {
                Kind::Pair => child.child_by_field_id(fields().key).zip(child.child_by_field_id(fields().value)),
                Kind::DictionarySplat => {
                    let used = if without_key < SAMPLES { self.affordable() } else { Use::Read };
                    without_key += 1;
                    for operand in named_children(child) {
                        let value = self.expr(operand, used);
                        if used == Use::Followed && value.id != 0 {
                            let (role, star) = (words.value, words.two_stars);
                            items.push(Item { position, role, key: Symbol::NONE, expr: value.id, star });
                            self.spend();
                        }
                    }
                    continue;
                }
                _ => None,
            };
            let Some((key_node, value_node)) = pair else {
                self.part(child);
                continue;
            };
            let key = self.key_text(key_node);
            let (count, limit) = if key.is_some() { (&mut with_key, ENTRIES) } else { (&mut without_key, SAMPLES) };
            let is_few = *count < limit;
            *count += 1;
            let used = if is_few { self.affordable() } else { Use::Read };
            let key_used = if (position as usize) < SAMPLES { used } else { Use::Read };
            let key = key.unwrap_or(Symbol::NONE);
            let key_value = self.taken_by(mix(taker, text_hash("key")), |this| this.expr(key_node, key_used));
            let value_taker = mix(mix(taker, text_hash("value")), text_hash(key.text()));
            let value = self.taken_by(value_taker, |this| this.expr(value_node, used));
            if key_used == Use::Followed && key_value.id != 0 {
                items.push(Item { position, role: words.key, key, expr: key_value.id, star: Symbol::NONE });
                self.spend();
            }
            if used == Use::Followed && value.id != 0 {
                items.push(Item { position, role: words.value, key, expr: value.id, star: Symbol::NONE });
                self.spend();
            }
        }
        items
    }

    /// Names with their types: `{"name": str}`, `[("name", str)]`. Each is an entry, whatever display holds it.
    pub(crate) fn typed_fields(&mut self, node: Node<'_>) -> Value {
        let words = self.vocabulary;
        let name = match kind_of(node) {
            Kind::Dictionary => words.dict,
            Kind::List => words.list,
            Kind::Tuple => words.tuple,
            _ => return self.expr(node, Use::Followed),
        };
        let mut items = Vec::new();
        for (position, child) in (0u32..).zip(named_children(node)) {
            let parts = match kind_of(child) {
                Kind::Pair | Kind::Tuple => named_children(child),
                _ => Vec::new(),
            };
            let [field, kind] = parts.as_slice() else {
                self.expr(child, Use::Read);
                continue;
            };
            self.expr(*field, Use::Read);
            let key = self.key_text(*field).unwrap_or(Symbol::NONE);
            let value = self.annotation(*kind);
            if value.id != 0 && items.len() < ENTRIES {
                items.push(Item { position, role: words.value, key, expr: value.id, star: Symbol::NONE });
            }
        }
        let value = self.literal(node, name, name, 0, Use::Followed);
        self.items(value.id, items);
        value
    }

    /// What a comprehension gives, read in its scope: its first part and its rows.
    pub(crate) fn yielded_items(&mut self, body: Node<'_>, used: Use) -> (Id, Vec<Item>) {
        let words = self.vocabulary;
        let mut items = Vec::new();
        let mut add = |role, value: Value| {
            if value.id != 0 && used == Use::Followed {
                items.push(Item { position: 0, role, key: Symbol::NONE, expr: value.id, star: Symbol::NONE });
            }
        };
        let first = match kind_of(body) {
            Kind::Error => 0,
            Kind::Pair => {
                for (field, role) in [(fields().key, words.key), (fields().value, words.value)] {
                    if let Some(part) = body.child_by_field_id(field) {
                        add(role, self.expr(part, used));
                    }
                }
                0
            }
            _ => {
                let value = self.expr(body, used);
                add(words.item, value);
                value.id
            }
        };
        (first, items)
    }

    /// Rows of one container.
    pub(crate) fn items(&mut self, container: Id, items: Vec<Item>) {
        for item in items {
            self.tables.items.push(&[
                Cell::Id(container),
                Cell::Int(item.position),
                Cell::Symbol(item.role),
                Cell::Symbol(item.key),
                Cell::Id(item.expr),
                Cell::Symbol(item.star),
                Cell::Symbol(self.file),
            ]);
        }
    }

    fn inside_display<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.items_left;
        self.items_left = outer.or(Some(BUDGET));
        let value = read(self);
        if outer.is_none() {
            self.items_left = None;
        }
        value
    }

    fn affordable(&self) -> Use {
        if self.items_left == Some(0) { Use::Read } else { Use::Followed }
    }

    fn spend(&mut self) {
        self.items_left = self.items_left.map(|left| left.saturating_sub(1));
    }

    /// `object[...]`.
    pub(crate) fn subscript(&mut self, node: Node<'_>, used: Use, context: Symbol) -> Value {
        let object = node.child_by_field_id(fields().value);
        let base = object.map_or_else(Value::default, |object| self.expr(object, Use::Followed));
        let indexes = children_in_field(node, fields().subscript);
        self.subscript_of(base, object, &indexes, node, used, context)
    }

    /// `name[...]` as the grammar sees it in a type.
    pub(crate) fn generic_type(&mut self, node: Node<'_>, used: Use) -> Value {
        let children = named_children(node);
        let Some((&object, rest)) = children.split_first() else {
            return Value::default();
        };
        let base = self.expr(object, Use::Followed);
        let indexes: Vec<Node<'_>> = rest
            .iter()
            .flat_map(
                |child| if kind_of(*child) == Kind::TypeParameter { named_children(*child) } else { vec![*child] },
            )
            .collect();
        self.subscript_of(base, Some(object), &indexes, node, used, self.vocabulary.load)
    }

    fn subscript_of(
        &mut self,
        base: Value,
        object: Option<Node<'_>>,
        indexes: &[Node<'_>],
        node: Node<'_>,
        used: Use,
        context: Symbol,
    ) -> Value {
        // `x[(a, b)]` is `x[a, b]`.
        let inner = match indexes {
            [only] if kind_of(*only) == Kind::Tuple => named_children(*only),
            _ => Vec::new(),
        };
        let indexes = if inner.is_empty() { indexes } else { &inner };
        let special = object.map(|object| last_word(self.text_of(object))).unwrap_or_default();
        let around = self.in_annotation;
        let outer = around || (is_type_form(special) && used == Use::Followed);
        let words = self.vocabulary;
        let mut shape = mix(tag::SUBSCRIPT, base.shape);
        let taker = mix(shape, text_hash("index"));
        let mut items = Vec::new();
        for (position, index) in (0u32..).zip(indexes) {
            // Text inside `Literal[...]` is text, and so is what follows the type in `Annotated[type, ...]`.
            self.in_annotation = outer && special != "Literal" && !(special == "Annotated" && position > 0);
            if kind_of(*index) == Kind::Slice {
                self.each_child(*index);
                items.push(Item { position, role: words.slice, key: Symbol::NONE, expr: 0, star: Symbol::NONE });
                shape = mix(shape, tag::SLICE);
                continue;
            }
            // A quoted type is no key.
            let key = if self.in_annotation { None } else { self.key_text(*index) }.unwrap_or(Symbol::NONE);
            let index_used = if outer || names_type(*index) { used } else { Use::Read };
            let value = self.taken_by(mix(taker, u64::from(position)), |this| this.expr(*index, index_used));
            shape = mix(shape, if key == Symbol::NONE { value.shape } else { text_hash(key.text()) });
            if value.id != 0 || key != Symbol::NONE {
                items.push(Item { position, role: words.index, key, expr: value.id, star: Symbol::NONE });
            }
        }
        self.in_annotation = around;
        if used == Use::Read {
            return Value { id: 0, shape };
        }
        let second = items.first().filter(|item| item.position == 0).map_or(0, |item| item.expr);
        let row = self.row(words.subscript, base.id, Symbol::NONE, second);
        let value = self.followed(node, shape, super::ExprRow { context, ..row });
        self.items(value.id, items);
        value
    }

    /// The text of a literal key: a string as it reads, a number in decimal digits.
    fn key_text(&self, node: Node<'_>) -> Option<Symbol> {
        match kind_of(node) {
            Kind::Str => {
                let plain = self.plain(node).filter(|plain| !plain.is_bytes && plain.value.len() <= LONGEST)?;
                Some(Symbol::of(&plain.value))
            }
            Kind::Integer => Some(Symbol::of(&decimal(self.text_of(node))?)),
            Kind::UnaryOperator => {
                let operand = node.child_by_field_id(fields().argument)?;
                if kind_of(operand) != Kind::Integer || !self.text_of(node).starts_with('-') {
                    return None;
                }
                Some(Symbol::of(&format!("-{}", decimal(self.text_of(operand))?)))
            }
            Kind::Type => node.named_child(0).and_then(|inner| self.key_text(inner)),
            _ => None,
        }
    }
}

/// An integer as decimal digits, if it is written in them.
fn decimal(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|character| *character != '_').collect();
    digits.parse::<u64>().ok().map(|number| number.to_string())
}

/// True for expressions that are the same where their words are.
fn has_words(kind: Kind) -> bool {
    matches!(kind, Kind::Identifier | Kind::Attribute | Kind::Call | Kind::Subscript)
}

/// True for the last word of what makes a type from types, also outside of annotations: `Alias = Optional["Order"]`.
fn is_type_form(word: &str) -> bool {
    const FORMS: [&str; 63] = [
        "AbstractSet",
        "Annotated",
        "AsyncContextManager",
        "AsyncGenerator",
        "AsyncIterable",
        "AsyncIterator",
        "Awaitable",
        "Callable",
        "ChainMap",
        "ClassVar",
        "Collection",
        "Concatenate",
        "Container",
        "ContextManager",
        "Coroutine",
        "Counter",
        "DefaultDict",
        "Deque",
        "Dict",
        "Final",
        "FrozenSet",
        "Generator",
        "Generic",
        "ItemsView",
        "Iterable",
        "Iterator",
        "KeysView",
        "List",
        "Mapping",
        "MappingView",
        "MutableMapping",
        "MutableSequence",
        "MutableSet",
        "NotRequired",
        "Optional",
        "OrderedDict",
        "Protocol",
        "ReadOnly",
        "Required",
        "Reversible",
        "Sequence",
        "Set",
        "SupportsAbs",
        "SupportsFloat",
        "SupportsIndex",
        "SupportsInt",
        "SupportsRound",
        "Tuple",
        "Type",
        "TypeGuard",
        "TypeIs",
        "Union",
        "Unpack",
        "ValuesView",
        "defaultdict",
        "deque",
        "dict",
        "frozenset",
        "list",
        "set",
        "tuple",
        "type",
        "Queue",
    ];
    FORMS.contains(&word)
}

/// True for an index that may be a type outside annotations: `Alias = Dict[str, Optional[Order]]`.
fn names_type(index: Node<'_>) -> bool {
    match kind_of(index) {
        Kind::Subscript | Kind::Attribute | Kind::Identifier | Kind::List | Kind::None => true,
        Kind::BinaryOperator => operator_of(index) == "|",
        _ => false,
    }
}
