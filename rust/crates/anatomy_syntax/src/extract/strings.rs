//! String literals: the plain ones that a pack may read, interpolations, and literals that are types.

use anatomy_facts::{AnchorKind, Id, Symbol, facts::Cell};
use tree_sitter::Node;

use super::{
    Extractor, Span, Use, Value,
    items::Item,
    kinds::{Kind, kind_of, named_children},
    mentions::mentions,
    words::{mix, text_hash},
};

/// Longest literal, in bytes, whose text becomes a row.
pub(crate) const LONGEST: usize = 256;

/// Texts of a list in an argument that become rows; longer lists are data.
const LISTED: usize = 16;

/// Interpolations of one string that become rows.
const SHOWN: usize = 16;

/// A string literal without interpolation.
pub(crate) struct Plain {
    pub(crate) value: String,
    pub(crate) is_bytes: bool,
    /// Where the content stands, if its text is the value byte for byte.
    pub(crate) verbatim: Option<Span>,
}

impl<'t> Extractor<'t> {
    /// Reads a string literal, concatenated ones included.
    pub(crate) fn string(&mut self, node: Node<'_>, used: Use) -> Value {
        let argument = self.string_argument.take();
        let prefix = || self.text_of(node).bytes().take_while(u8::is_ascii_alphabetic);
        if kind_of(node) == Kind::ConcatenatedString || prefix().any(|byte| matches!(byte | 0x20, b'f' | b't')) {
            let mut shown = Vec::new();
            self.interpolations(node, &mut shown);
            if !self.in_annotation && !shown.is_empty() && used != Use::Read {
                let text = self.literal(node, self.vocabulary.literal, self.vocabulary.str_type, 0, used);
                self.items(text.id, shown);
                return text;
            }
        }
        if self.in_annotation
            && let Some(content) = self.plain(node).and_then(|plain| plain.verbatim)
        {
            return self.quoted(content, used);
        }
        let words = self.vocabulary;
        let first = self.text_of(node).as_bytes().iter().take_while(|byte| byte.is_ascii_alphabetic());
        let is_bytes = first.clone().any(|byte| matches!(byte, b'b' | b'B'));
        let type_name = if is_bytes { words.bytes_type } else { words.str_type };
        let fits = (node.end_byte() - node.start_byte()) <= LONGEST + 8 && !is_bytes;
        let listed = fits && (argument.is_some() || self.looks_dotted(node));
        let plain = if listed { self.plain(node) } else { None };
        let Some(plain) = plain.filter(|plain| plain.value.len() <= LONGEST && !plain.is_bytes) else {
            return self.literal(node, words.literal, type_name, 0, used);
        };
        let shape = mix(mix(text_hash("literal:str"), text_hash(&plain.value)), self.taker);
        let id = self.fresh(shape);
        let span = self.span(node);
        self.anchor(id, span, span, AnchorKind::Expression);
        let row = self.row(words.literal, 0, type_name, 0);
        self.push_expr(super::ExprRow { id, ..row });
        let (call, name) = argument.unwrap_or((0, Symbol::NONE));
        self.string_row(id, &plain.value, call, name);
        Value { id, shape }
    }

    /// True for a list or tuple of a few texts that each read like a name or a dotted path.
    pub(crate) fn lists_words(&self, node: Node<'_>) -> bool {
        if self.outline || !matches!(kind_of(node), Kind::List | Kind::Tuple) {
            return false;
        }
        let items = named_children(node);
        let is_word = |item: &Node<'_>| {
            let text = self.text_of(*item).as_bytes();
            kind_of(*item) == Kind::Str
                && text.len() > 2
                && text[1..text.len() - 1]
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
        };
        !items.is_empty() && items.len() <= LISTED && items.iter().all(is_word)
    }

    /// Says of the text about to be read that it is an item of an argument: `0.1` is the second one of the first argument.
    pub(crate) fn item_of(&mut self, listed: Option<(Id, Symbol)>, position: u32) {
        if let Some((call, argument)) = listed {
            self.string_argument = Some((call, Symbol::of(&format!("{}.{position}", argument.text()))));
        }
    }

    /// Rows for the names that a docstring mentions.
    pub(crate) fn mentioned(&mut self, content: Span) {
        if self.outline {
            return;
        }
        let text = self.text.get(content.0 as usize..content.1 as usize).unwrap_or_default();
        for mention in mentions(text) {
            let id = self.fresh(mix(text_hash("mention"), text_hash(mention.value)));
            let start = content.0 + mention.start as u32;
            let span = (start - 1, start + mention.value.len() as u32 + 1);
            self.anchor(id, span, span, AnchorKind::Expression);
            let row = self.row(self.vocabulary.literal, 0, self.vocabulary.str_type, 0);
            self.push_expr(super::ExprRow { id, ..row });
            self.string_row(id, mention.value, 0, Symbol::of(mention.how));
        }
    }

    fn string_row(&mut self, id: Id, value: &str, call: Id, argument: Symbol) {
        self.tables.strings.push(&[
            Cell::Id(id),
            Cell::Symbol(Symbol::of(value)),
            Cell::Id(call),
            Cell::Symbol(argument),
            Cell::Symbol(self.file),
        ]);
    }

    /// Expressions inside `{...}` of a formatted string; those that a rule can follow become items.
    fn interpolations(&mut self, node: Node<'_>, shown: &mut Vec<Item>) {
        for child in named_children(node) {
            match kind_of(child) {
                Kind::Str => self.deeper(child, |this| this.interpolations(child, shown)),
                Kind::Interpolation => {
                    let quoted = std::mem::replace(&mut self.in_annotation, false);
                    self.interpolation(child, shown);
                    self.in_annotation = quoted;
                }
                Kind::FormatSpecifier | Kind::Error => {
                    let quoted = std::mem::replace(&mut self.in_annotation, false);
                    self.part(child);
                    self.in_annotation = quoted;
                }
                _ => {}
            }
        }
    }

    /// What stands between two braces.
    fn interpolation(&mut self, node: Node<'_>, shown: &mut Vec<Item>) {
        let conversion = node.child_by_field_name("type_conversion");
        let key = match conversion.map(|conversion| self.text_of(conversion).trim_start_matches('!')) {
            Some("r") => self.vocabulary.r_conversion,
            Some("s") => self.vocabulary.s_conversion,
            Some(_) => self.vocabulary.a_conversion,
            None => Symbol::NONE,
        };
        for (at, part) in named_children(node).into_iter().enumerate() {
            if at > 0 || matches!(kind_of(part), Kind::FormatSpecifier | Kind::Error) {
                self.part(part);
                continue;
            }
            let expr = self.expr(part, Use::Read).id;
            if expr != 0 && shown.len() < SHOWN {
                let position = shown.len() as u32;
                shown.push(Item { position, role: self.vocabulary.shown, key, expr, star: Symbol::NONE });
            }
        }
    }

    /// True for a short literal such as `"a.b.c"`: words of an identifier's letters, joined by dots or one colon.
    fn looks_dotted(&self, node: Node<'_>) -> bool {
        if kind_of(node) != Kind::Str {
            return false;
        }
        let text = self.text_of(node).as_bytes();
        let Some((quote @ (b'"' | b'\''), rest)) = text.split_first() else { return false };
        let Some((last, content)) = rest.split_last() else { return false };
        if last != quote || !content.contains(&b'.') {
            return false;
        }
        content.split(|byte| matches!(byte, b'.' | b':')).all(|word| {
            word.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
                && word.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        })
    }

    /// The value of a literal without interpolation, if it can be read without more than simple escapes.
    pub(crate) fn plain(&self, node: Node<'_>) -> Option<Plain> {
        if kind_of(node) == Kind::ConcatenatedString {
            let mut whole = Plain { value: String::new(), is_bytes: false, verbatim: None };
            for part in named_children(node) {
                let part = self.plain(part)?;
                whole.value.push_str(&part.value);
                whole.is_bytes |= part.is_bytes;
            }
            return Some(whole);
        }
        let (start, _) = self.span(node);
        let text = self.text_of(node);
        let prefix = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let flags = text.get(..prefix)?.to_ascii_lowercase();
        if flags.contains(['f', 't']) {
            return None;
        }
        let body = text.get(prefix..)?;
        let quotes = if body.starts_with("\"\"\"") || body.starts_with("'''") { 3 } else { 1 };
        let content = body.get(quotes..body.len().checked_sub(quotes)?)?;
        let is_bytes = flags.contains('b');
        if !content.contains('\\') || flags.contains('r') {
            let from = start + (prefix + quotes) as u32;
            let verbatim = Some((from, from + content.len() as u32));
            return Some(Plain { value: content.to_owned(), is_bytes, verbatim });
        }
        Some(Plain { value: unescaped(content)?, is_bytes, verbatim: None })
    }
}

/// A text with its simple escapes resolved; none if it has others.
fn unescaped(content: &str) -> Option<String> {
    let mut value = String::with_capacity(content.len());
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            value.push(character);
            continue;
        }
        match characters.next()? {
            'n' => value.push('\n'),
            't' => value.push('\t'),
            'r' => value.push('\r'),
            '\n' => {}
            same @ ('\\' | '\'' | '"') => value.push(same),
            _ => return None,
        }
    }
    Some(value)
}
