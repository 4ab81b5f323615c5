//! What stands before a cursor in text that is being typed: the half-written word, what may come there, and the
//! definitions around it.
//!
//! Reads tokens and not the tree, and none behind the cursor: while somebody types, the rest of the line is often broken
//! and sometimes the next line is taken for its end. Nothing here knows what a name means.

use crate::errors::lexer::{T, Token, lex_whole};

/// Half-open bytes of the text.
pub type Span = (u32, u32);

/// What stands before a cursor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor {
    /// The part of a word that is typed already; empty if the cursor follows no letter.
    pub word: Span,
    /// What may come there.
    pub place: Place,
    /// Definitions around the cursor, outermost first.
    pub definitions: Vec<Definition>,
    /// The call whose next argument begins at the word.
    pub call: Option<Call>,
    /// What the surroundings allow a statement to begin with.
    pub blocks: Blocks,
}

/// A class or function around a cursor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Definition {
    /// Its name.
    pub name: Span,
    /// True for a class.
    pub is_class: bool,
}

/// Statements around a cursor, as far as keywords depend on them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Blocks {
    /// Inside a loop of the innermost definition.
    pub in_loop: bool,
    /// Below or behind an `if`.
    pub after_if: bool,
    /// Below or behind a `for` or `while`.
    pub after_loop: bool,
    /// Below or behind a `try`.
    pub after_try: bool,
    /// Directly inside a `match`.
    pub in_match: bool,
}

/// What may come at a cursor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Nothing that is known: a comment, text, a number, a name that is being made up.
    Nothing,
    /// An item of `__all__`: where its text begins, and what is listed already.
    Listed(u32, Vec<String>),
    /// A member of what stands before the dot.
    Member(Primary),
    /// A module, in an import statement.
    Module {
        /// Leading dots.
        level: u32,
        /// What stands before the last dot.
        parent: String,
        /// In a `from` statement.
        is_from: bool,
    },
    /// The keyword `import` of a `from` statement.
    ImportWord,
    /// A name that a `from` statement imports.
    Imported {
        /// Leading dots.
        level: u32,
        /// The module after them.
        module: String,
        /// Names that the statement lists already.
        listed: Vec<String>,
    },
    /// The name of a method: where its `def` (or `async`) begins, and whether it is `async`.
    Method(u32, bool),
    /// A name of an outer scope, after `global` or `nonlocal`.
    Outer,
    /// A name or the beginning of an expression.
    Name(Wanted),
    /// A word that goes on after a whole expression: operators and the like.
    Operator(Tail),
}

/// What kind of name is wanted most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// A statement begins here.
    Statement,
    /// Any value.
    Value,
    /// An exception class.
    Exception,
    /// A decorator.
    Decorator,
    /// A base class.
    Base,
    /// A type.
    Annotation,
    /// A class of a `case` pattern.
    Pattern,
    /// What follows `async`.
    Async,
}

/// What a whole expression belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tail {
    /// Any expression.
    Expression,
    /// A clause that takes `as`.
    Named,
    /// An import statement: nothing but `as` goes on.
    Imported,
    /// `raise`.
    Raised,
    /// The target of a `for`.
    Target,
}

/// An open call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// What is called.
    pub callee: Primary,
    /// Keywords that are given already.
    pub keywords: Vec<String>,
    /// How many arguments stand before without a keyword.
    pub positional: u32,
}

/// A name, literal or bracketed expression with attributes, calls and subscripts behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Primary {
    /// First byte of the whole.
    pub start: u32,
    /// What it begins with.
    pub root: Root,
    /// Past the last byte of the root.
    pub root_end: u32,
    /// What hangs on the root, in order.
    pub steps: Vec<Step>,
}

/// What a primary begins with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Root {
    /// A plain name.
    Name,
    /// A literal of the builtin type of that name.
    Literal(&'static str),
    /// Something in brackets.
    Brackets,
}

/// One part of a primary behind its root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// What it is.
    pub kind: StepKind,
    /// Its word, for an attribute; the whole primary up to its end otherwise.
    pub word: Span,
}

/// What hangs on an expression.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StepKind {
    /// `.word`.
    Attribute,
    /// `(...)`.
    Call,
    /// `[...]`.
    Subscript,
}

/// What stands before a byte offset of a text.
#[must_use]
pub fn cursor(text: &str, offset: u32) -> Cursor {
    let mut end = (offset as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let source = &text[..end];
    let tokens = real_tokens(lex_whole(source).tokens);
    let mut reader = Reader::new(source, tokens);
    let fields = reader.field();
    reader.read(fields)
}

/// Without what the lexer adds at the end of a text.
fn real_tokens(mut tokens: Vec<Token>) -> Vec<Token> {
    while tokens.last().is_some_and(|token| matches!(token.kind, T::End | T::Dedent)) {
        tokens.pop();
    }
    if tokens.last().is_some_and(|token| token.kind == T::Newline && token.start == token.end) {
        tokens.pop();
    }
    tokens
}

/// The beginning of a statement that may open a block.
#[derive(Clone, Copy)]
struct Head {
    first: T,
    is_match: bool,
    definition: Option<Definition>,
    opens: bool,
}

/// A block: what opened it, its column, and its last statement before the cursor.
struct Level {
    opened_by: Option<Head>,
    column: u32,
    last: Option<Head>,
}

struct Reader<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    levels: Vec<Level>,
    /// First token of the statement of the cursor.
    statement: usize,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, tokens: Vec<Token>) -> Self {
        let mut reader = Reader { text, tokens, levels: Vec::new(), statement: 0 };
        reader.blocks();
        reader
    }

    fn word_of(&self, token: Token) -> &'t str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// Finds the blocks around the cursor and the statement in which it stands.
    fn blocks(&mut self) {
        let mut levels = vec![Level { opened_by: None, column: 0, last: None }];
        let mut start = 0;
        for at in 0..self.tokens.len() {
            let token = self.tokens[at];
            match token.kind {
                T::Indent => {
                    let opened_by = levels.last().and_then(|level| level.last);
                    levels.push(Level { opened_by, column: self.column(token.start), last: None });
                    start = at + 1;
                }
                T::Dedent => {
                    if levels.len() > 1 {
                        levels.pop();
                    }
                    start = at + 1;
                }
                T::Newline => {
                    if let (Some(head), Some(level)) = (self.head(start, at), levels.last_mut()) {
                        level.last = Some(head);
                    }
                    start = at + 1;
                }
                _ => {}
            }
        }
        if start == self.tokens.len() {
            let column = self.column(self.text.len() as u32);
            while levels.len() > 1 && levels.last().is_some_and(|level| column < level.column) {
                levels.pop();
            }
            if let Some(level) = levels.last()
                && let Some(head) = level.last.filter(|head| head.opens && column > level.column)
            {
                levels.push(Level { opened_by: Some(head), column, last: None });
            }
        }
        self.levels = levels;
        self.statement = start;
    }

    /// Width of what stands before a place in its line.
    fn column(&self, offset: u32) -> u32 {
        let before = &self.text[..offset as usize];
        let line = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        before[line..].bytes().fold(0, |column, byte| if byte == b'\t' { (column / 8 + 1) * 8 } else { column + 1 })
    }

    fn head(&self, start: usize, end: usize) -> Option<Head> {
        let statement = self.tokens.get(start..end)?;
        let mut words = statement.iter().copied().skip_while(|token| token.kind == T::Async);
        let first = words.next()?;
        let is_class = first.kind == T::Class;
        let name = words.next().filter(|name| name.kind == T::Name && (is_class || first.kind == T::Def));
        Some(Head {
            first: first.kind,
            is_match: first.kind == T::Name && self.word_of(first) == "match",
            definition: name.map(|name| Definition { name: (name.start, name.end), is_class }),
            opens: statement.last().is_some_and(|token| token.kind == T::Colon),
        })
    }

    /// If the cursor stands inside an unclosed field of a formatted string, goes on with the text of that field alone.
    fn field(&mut self) -> bool {
        let mut inside = false;
        while let Some(opening) = self.open_field() {
            inside = true;
            let from = opening + 1;
            let tokens = real_tokens(lex_whole(&self.text[from as usize..]).tokens).into_iter();
            self.tokens = tokens
                .filter(|token| !matches!(token.kind, T::Indent | T::Dedent | T::Newline))
                .map(|token| Token { kind: token.kind, start: token.start + from, end: token.end + from })
                .collect();
            self.statement = 0;
        }
        inside
    }

    /// The brace of a formatted string that is open at the cursor: the lexer leaves it as a name.
    fn open_field(&self) -> Option<u32> {
        let last = self.tokens.last().filter(|last| last.kind == T::FEnd)?;
        if last.end as usize != self.text.len() {
            return None;
        }
        let mut depth = 0;
        for token in self.tokens.iter().rev() {
            match token.kind {
                T::FEnd => depth += 1,
                T::FStart => {
                    depth -= 1;
                    if depth == 0 {
                        return None;
                    }
                }
                T::Name if depth == 1 && self.word_of(*token) == "{" => return Some(token.start),
                _ => {}
            }
        }
        None
    }

    fn read(mut self, in_field: bool) -> Cursor {
        let end = self.text.len() as u32;
        let mut definitions: Vec<Definition> =
            self.levels.iter().filter_map(|level| level.opened_by.and_then(|head| head.definition)).collect();
        let blocks = self.around();
        if !in_field && let Some((body, opened)) = self.one_line_body() {
            definitions.extend(opened);
            self.statement = body;
        }
        let statement = &self.tokens[self.statement..];
        let last = statement.last().copied();
        let typed = last.filter(|token| token.end == end && (token.kind == T::Name || token.kind.is_keyword()));
        let word = typed.map_or((end, end), |token| (token.start, token.end));
        let rest = if typed.is_some() { &statement[..statement.len() - 1] } else { statement };
        let mut found = Cursor { word, place: Place::Nothing, definitions, call: None, blocks };
        if let Some(place) = self.in_text(statement, last) {
            found.place = place;
            return found;
        }
        let in_class = found.definitions.last().is_some_and(|definition| definition.is_class);
        found.place = self.place(rest, in_class, in_field);
        if matches!(found.place, Place::Name(_)) {
            found.call = self.call(rest);
        }
        found
    }

    fn around(&self) -> Blocks {
        let mut blocks = Blocks::default();
        let inner = self.levels.iter().rposition(|level| level.opened_by.is_some_and(|head| head.definition.is_some()));
        for (at, level) in self.levels.iter().enumerate().skip(inner.unwrap_or(0)) {
            let opener = level.opened_by.filter(|_| Some(at) != inner);
            blocks.in_loop |= opener.is_some_and(|head| matches!(head.first, T::For | T::While));
            for head in opener.into_iter().chain(level.last) {
                blocks.after_if |= matches!(head.first, T::If | T::Elif);
                blocks.after_loop |= matches!(head.first, T::For | T::While);
                blocks.after_try |= matches!(head.first, T::Try | T::Except);
            }
        }
        let level = self.levels.last();
        blocks.in_match = level.and_then(|level| level.opened_by).is_some_and(|head| head.is_match);
        blocks
    }

    /// Where the body of a compound statement of one line begins (`if x: y`), or the next of several (`x; y`).
    fn one_line_body(&self) -> Option<(usize, Option<Definition>)> {
        let head = self.head(self.statement, self.tokens.len())?;
        let compound = matches!(
            head.first,
            T::If
                | T::Elif
                | T::Else
                | T::For
                | T::While
                | T::Try
                | T::Except
                | T::Finally
                | T::With
                | T::Def
                | T::Class
        );
        let (mut depth, mut lambdas) = (0_i32, 0);
        let mut body = None;
        for (at, token) in self.tokens.iter().enumerate().skip(self.statement) {
            match token.kind {
                T::LPar | T::LBracket | T::LBrace => depth += 1,
                T::RPar | T::RBracket | T::RBrace => depth -= 1,
                T::Lambda => lambdas += 1,
                T::Colon if lambdas > 0 => lambdas -= 1,
                T::Colon if depth == 0 && compound && body.is_none() => body = Some((at + 1, head.definition)),
                T::Semi if depth == 0 => body = Some((at + 1, body.and_then(|(_, opened)| opened))),
                _ => {}
            }
        }
        body
    }

    /// The answer if the cursor stands in a comment, a text or a number.
    fn in_text(&self, statement: &[Token], last: Option<Token>) -> Option<Place> {
        let end = self.text.len();
        let from = self.tokens.last().map_or(0, |token| token.end as usize).min(end);
        let gap = &self.text[from..];
        let line = gap.rfind(['\n', '\r']).map_or(gap, |at| &gap[at + 1..]);
        let typed = last.filter(|last| last.end as usize == end).map_or(end, |last| last.start as usize);
        if line.contains('#') || self.text[..typed].ends_with('!') {
            return Some(Place::Nothing);
        }
        let last = last.filter(|last| last.end as usize == end)?;
        match last.kind {
            T::Number | T::FEnd => Some(Place::Nothing),
            T::Str | T::Bytes => {
                let text = self.word_of(last);
                let quote = text.find(['"', '\''])?;
                let open = text.len() - quote == 1 || !text.ends_with(&text[quote..=quote]);
                let lists = statement.first().is_some_and(|first| self.word_of(*first) == "__all__");
                if !lists || !open || statement.len() < 3 {
                    return Some(Place::Nothing);
                }
                let others = statement.iter().filter(|token| token.kind == T::Str && token.start != last.start);
                let listed = others.map(|token| self.word_of(*token).trim_matches(['"', '\'']).to_owned()).collect();
                Some(Place::Listed(last.start + quote as u32 + 1, listed))
            }
            _ => None,
        }
    }

    fn place(&self, rest: &[Token], in_class: bool, in_field: bool) -> Place {
        let Some(prev) = rest.last().copied() else {
            return Place::Name(if in_field { Wanted::Value } else { Wanted::Statement });
        };
        let first = rest[0];
        match first.kind {
            T::Import => return self.import(&rest[1..]),
            T::From => return self.imported_names(&rest[1..]),
            T::Global | T::Nonlocal if matches!(prev.kind, T::Global | T::Nonlocal | T::Comma) => return Place::Outer,
            T::Global | T::Nonlocal | T::Pass | T::Break | T::Continue => return Place::Nothing,
            _ => {}
        }
        let opened = open_brackets(rest);
        if prev.kind == T::Dot {
            return self.primary(rest, rest.len() - 1).map_or(Place::Nothing, Place::Member);
        }
        let head = first.kind;
        match prev.kind {
            T::Def if in_class => {
                let is_async = rest.len() > 1 && rest[rest.len() - 2].kind == T::Async;
                return Place::Method(first.start, is_async);
            }
            T::Def | T::Class | T::As | T::For => return Place::Nothing,
            T::Async => return Place::Name(Wanted::Async),
            T::Else | T::Try | T::Finally if opened.is_empty() && rest.len() == 1 => return Place::Nothing,
            _ => {}
        }
        if makes_up_a_name(rest, &opened) {
            return Place::Nothing;
        }
        let soft = rest.len() == 1 && prev.kind == T::Name;
        let soft = if soft { self.word_of(prev) } else { "" };
        if matches!(soft, "type") {
            return Place::Nothing;
        }
        if ends_value(prev.kind) && !matches!(soft, "match" | "case" | "print") {
            if in_field && opened.is_empty() && rest.iter().any(|token| token.kind == T::Colon) {
                return Place::Nothing;
            }
            if matches!(head, T::Def | T::Class) && opened.is_empty() {
                return Place::Nothing;
            }
            let target = rest.iter().rposition(|token| token.kind == T::For);
            let is_target = target.is_some_and(|at| rest[at..].iter().all(|token| token.kind != T::In));
            return Place::Operator(match head {
                _ if is_target => Tail::Target,
                T::With | T::Except if opened.len() <= 1 => Tail::Named,
                T::Name if self.word_of(first) == "case" => Tail::Named,
                T::Raise if opened.is_empty() => Tail::Raised,
                _ => Tail::Expression,
            });
        }
        if in_field && opened.is_empty() && rest.iter().any(|token| token.kind == T::Colon) {
            return Place::Nothing;
        }
        Place::Name(match head {
            T::At if rest.len() == 1 => Wanted::Decorator,
            T::Except if opened.len() <= 1 => Wanted::Exception,
            T::Raise if rest.len() == 1 => Wanted::Exception,
            T::Class if opened.len() == 1 && matches!(prev.kind, T::LPar | T::Comma) => Wanted::Base,
            T::Name if self.word_of(first) == "case" && rest.get(1).is_none_or(|next| next.kind != T::Equal) => {
                Wanted::Pattern
            }
            _ if is_annotation(rest, &opened) => Wanted::Annotation,
            _ => Wanted::Value,
        })
    }

    /// Behind `import`.
    fn import(&self, rest: &[Token]) -> Place {
        let item = rest.iter().rposition(|token| token.kind == T::Comma).map_or(rest, |at| &rest[at + 1..]);
        match item.last().map(|token| token.kind) {
            None | Some(T::Dot) if item.iter().all(|token| token.kind != T::As) => {
                Place::Module { level: 0, parent: self.dotted(item).1, is_from: false }
            }
            Some(kind) if kind == T::Name && item.iter().all(|token| token.kind != T::As) => {
                Place::Operator(Tail::Imported)
            }
            _ => Place::Nothing,
        }
    }

    /// Behind `from`.
    fn imported_names(&self, rest: &[Token]) -> Place {
        let Some(import) = rest.iter().position(|token| token.kind == T::Import) else {
            let (level, parent) = self.dotted(rest);
            return match rest.last().map(|token| token.kind) {
                None | Some(T::Dot | T::Ellipsis) => Place::Module { level, parent, is_from: true },
                _ => Place::ImportWord,
            };
        };
        let (level, module) = self.dotted(&rest[..import]);
        let names = &rest[import + 1..];
        match names.last().map(|token| token.kind) {
            None | Some(T::Comma | T::LPar) => {
                let mut listed = Vec::new();
                for (at, token) in names.iter().enumerate() {
                    if token.kind == T::Name && (at == 0 || names[at - 1].kind != T::As) {
                        listed.push(self.word_of(*token).to_owned());
                    }
                }
                Place::Imported { level, module, listed }
            }
            Some(T::Name) => Place::Operator(Tail::Imported),
            _ => Place::Nothing,
        }
    }

    /// Leading dots, and the names between the dots behind them, without what follows the last dot.
    fn dotted(&self, tokens: &[Token]) -> (u32, String) {
        let mut level = 0;
        let mut names: Vec<&str> = Vec::new();
        for token in tokens {
            match token.kind {
                T::Dot if names.is_empty() => level += 1,
                T::Ellipsis if names.is_empty() => level += 3,
                T::Dot | T::Ellipsis | T::LPar => {}
                _ => names.push(self.word_of(*token)),
            }
        }
        (level, names.join("."))
    }

    /// The call whose next argument begins behind `rest`.
    fn call(&self, rest: &[Token]) -> Option<Call> {
        let opened = open_brackets(rest);
        let open = *opened.last()?;
        let prev = rest.last()?;
        if rest[open].kind != T::LPar || !matches!(prev.kind, T::LPar | T::Comma) || open == 0 {
            return None;
        }
        let callee = self.primary(rest, open)?;
        let (mut keywords, mut positional, mut depth) = (Vec::new(), 0, 0);
        let mut in_argument: Option<bool> = None;
        for (at, token) in rest.iter().enumerate().skip(open + 1) {
            match token.kind {
                T::Comma if depth == 0 => {
                    positional += u32::from(in_argument == Some(false));
                    in_argument = None;
                    continue;
                }
                T::LPar | T::LBracket | T::LBrace => depth += 1,
                T::RPar | T::RBracket | T::RBrace => depth -= 1,
                _ => {}
            }
            if in_argument.is_none() {
                let named = token.kind == T::Name && rest.get(at + 1).is_some_and(|next| next.kind == T::Equal);
                if named {
                    keywords.push(self.word_of(*token).to_owned());
                }
                in_argument = Some(named || matches!(token.kind, T::Star | T::DoubleStar));
            }
        }
        Some(Call { callee, keywords, positional })
    }

    /// The primary that ends before a token.
    fn primary(&self, tokens: &[Token], end: usize) -> Option<Primary> {
        let mut at = end;
        let mut steps: Vec<(StepKind, usize, usize)> = Vec::new();
        let (root, root_end) = loop {
            let token = *tokens.get(at.checked_sub(1)?)?;
            let closing = at;
            match token.kind {
                T::RPar | T::RBracket | T::RBrace => {
                    let open = opener(tokens, at - 1)?;
                    at = open;
                    let hangs = at > 0 && ends_primary(tokens[at - 1].kind) && tokens[open].kind != T::LBrace;
                    if hangs {
                        let kind = if token.kind == T::RPar { StepKind::Call } else { StepKind::Subscript };
                        steps.push((kind, closing - 1, closing - 1));
                        continue;
                    }
                    let root = match token.kind {
                        T::RBracket => Root::Literal("list"),
                        T::RBrace => Root::Literal("dict"),
                        _ => Root::Brackets,
                    };
                    break (root, closing - 1);
                }
                T::FEnd => {
                    at = tokens[..at].iter().rposition(|token| token.kind == T::FStart)?;
                    break (Root::Literal("str"), closing - 1);
                }
                T::Str | T::Bytes => {
                    while at > 0 && tokens[at - 1].kind == token.kind {
                        at -= 1;
                    }
                    break (Root::Literal(if token.kind == T::Str { "str" } else { "bytes" }), closing - 1);
                }
                T::Number => {
                    at -= 1;
                    let float = self.word_of(token).contains(['.', 'e', 'E']);
                    break (Root::Literal(if float { "float" } else { "int" }), closing - 1);
                }
                T::True | T::False => {
                    at -= 1;
                    break (Root::Literal("bool"), closing - 1);
                }
                T::Name => {
                    at -= 1;
                    if at > 0 && tokens[at - 1].kind == T::Dot {
                        at -= 1;
                        steps.push((StepKind::Attribute, closing - 1, closing - 1));
                        continue;
                    }
                    break (Root::Name, closing - 1);
                }
                _ => return None,
            }
        };
        let start = tokens[at].start;
        steps.reverse();
        let steps = steps
            .into_iter()
            .map(|(kind, word, last)| Step {
                kind,
                word: match kind {
                    StepKind::Attribute => (tokens[word].start, tokens[word].end),
                    _ => (start, tokens[last].end),
                },
            })
            .collect();
        Some(Primary { start, root, root_end: tokens[root_end].end, steps })
    }
}

/// True if an expression may end with that token.
fn ends_value(kind: T) -> bool {
    matches!(
        kind,
        T::Name
            | T::Number
            | T::Str
            | T::Bytes
            | T::FEnd
            | T::RPar
            | T::RBracket
            | T::RBrace
            | T::True
            | T::False
            | T::None
            | T::Ellipsis
    )
}

/// True if a bracket behind that token calls or subscripts.
fn ends_primary(kind: T) -> bool {
    matches!(kind, T::Name | T::Str | T::Bytes | T::FEnd | T::RPar | T::RBracket | T::RBrace)
}

/// Where the bracket that is closed at a token was opened.
fn opener(tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0;
    for at in (0..=close).rev() {
        match tokens[at].kind {
            T::RPar | T::RBracket | T::RBrace => depth += 1,
            T::LPar | T::LBracket | T::LBrace => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// Brackets that nothing closes, outermost first.
fn open_brackets(tokens: &[Token]) -> Vec<usize> {
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            T::LPar | T::LBracket | T::LBrace => open.push(at),
            T::RPar | T::RBracket | T::RBrace => {
                open.pop();
            }
            _ => {}
        }
    }
    open
}

/// The part behind the last comma of the innermost bracket, or behind the bracket.
fn segment<'a>(tokens: &'a [Token], opened: &[usize]) -> &'a [Token] {
    let from = opened.last().map_or(0, |open| open + 1);
    let mut depth = 0;
    for at in (from..tokens.len()).rev() {
        match tokens[at].kind {
            T::RPar | T::RBracket | T::RBrace => depth += 1,
            T::LPar | T::LBracket | T::LBrace => depth -= 1,
            T::Comma if depth == 0 => return &tokens[at + 1..],
            _ => {}
        }
    }
    &tokens[from..]
}

/// True where a parameter, a target of `for` or the like is named.
fn makes_up_a_name(rest: &[Token], opened: &[usize]) -> bool {
    let head = rest.iter().find(|token| token.kind != T::Async).map(|token| token.kind);
    let heads_definition = matches!(head, Some(T::Def | T::Class));
    let is_plain = |tokens: &[Token]| tokens.iter().all(|token| !matches!(token.kind, T::Colon | T::Equal));
    if heads_definition && opened.len() == 1 {
        let in_header = rest[..opened[0]].iter().all(|token| !matches!(token.kind, T::LPar));
        let parameters = head == Some(T::Def) || rest[opened[0]].kind == T::LBracket;
        if in_header && parameters && is_plain(segment(rest, opened)) {
            return true;
        }
    }
    let from = opened.last().map_or(0, |open| open + 1);
    let inner = &rest[from..];
    let is_list =
        |kind: T| matches!(kind, T::Name | T::Comma | T::Star | T::DoubleStar | T::Lambda | T::For | T::LPar | T::RPar);
    let targets = inner.iter().rposition(|token| !is_list(token.kind)).map_or(inner, |at| &inner[at + 1..]);
    let opens = targets.iter().rposition(|token| matches!(token.kind, T::For | T::Lambda));
    opens.is_some_and(|at| targets[at + 1..].last().is_none_or(|last| last.kind != T::Name))
}

/// True behind the colon of an annotation or behind `->`.
fn is_annotation(rest: &[Token], opened: &[usize]) -> bool {
    let head = rest.iter().find(|token| token.kind != T::Async).map(|token| token.kind);
    let colon_last = |tokens: &[Token]| {
        let equal = tokens.iter().any(|token| matches!(token.kind, T::Equal | T::Lambda));
        !equal && tokens.iter().any(|token| token.kind == T::Colon)
    };
    let arrow = rest.iter().any(|token| token.kind == T::Arrow);
    let outermost: &[usize] = opened.get(..1).unwrap_or_default();
    match head {
        Some(T::Def) if arrow => true,
        Some(T::Def) => {
            let header = outermost.first().map_or(&rest[..0], |open| &rest[*open..]);
            colon_last(last_parameter(header))
        }
        Some(T::Name) => {
            let colon = rest.iter().position(|token| matches!(token.kind, T::Colon | T::Equal));
            colon.is_some_and(|at| {
                rest[at].kind == T::Colon
                    && open_brackets(&rest[..at]).is_empty()
                    && rest[at..].iter().all(|token| token.kind != T::Equal)
            })
        }
        _ => false,
    }
}

/// The last parameter of an open list, nested brackets included.
fn last_parameter(header: &[Token]) -> &[Token] {
    let (mut depth, mut from) = (0, 0);
    for (at, token) in header.iter().enumerate() {
        match token.kind {
            T::LPar | T::LBracket | T::LBrace => depth += 1,
            T::RPar | T::RBracket | T::RBrace => depth -= 1,
            T::Comma if depth == 1 => from = at + 1,
            _ => {}
        }
    }
    &header[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands before `|`.
    fn at(text: &str) -> Cursor {
        let offset = text.find('|').unwrap();
        cursor(&text.replacen('|', "", 1), offset as u32)
    }

    fn names(text: &str) -> Vec<String> {
        let source = text.replacen('|', "", 1);
        let found = at(text).definitions;
        found.iter().map(|each| source[each.name.0 as usize..each.name.1 as usize].to_owned()).collect()
    }

    fn base(text: &str) -> String {
        let Place::Member(primary) = at(text).place else { panic!("no member: {:?}", at(text).place) };
        let end = primary.steps.last().map_or(primary.root_end, |step| step.word.1);
        text[primary.start as usize..end as usize].to_owned()
    }

    #[test]
    fn the_base_of_a_member_is_the_whole_primary() {
        assert_eq!(base("x = order.|"), "order");
        assert_eq!(base("f(a, order.lines[0].pa|"), "order.lines[0]");
        assert_eq!(base("await client.get('x', y=(1, 2)).|"), "client.get('x', y=(1, 2))");
        assert_eq!(base("x = -self.a.|b"), "self.a");
        assert_eq!(base("if 'a' 'b'.|"), "'a' 'b'");
        assert_eq!(base("print(f'{order.|"), "order");
        assert_eq!(base("print(f'{a} {f(order.na|"), "order");
        assert_eq!(base("x = [\n  a.|\n]"), "a");
        assert_eq!(base("return (a or b).|"), "(a or b)");
        assert_eq!(base("def f():\n    x.|\n\ny = 1\n"), "x");
    }

    #[test]
    fn text_comments_and_numbers_offer_nothing() {
        for text in
            ["# a.|", "x = 'a.|", "x = '''\na.|", "x = 1.|", "f'a.|", "x = 1  # a.|", "f'{a}.|", "f(  # a\n  # b.|"]
        {
            assert_eq!(at(text).place, Place::Nothing, "{text}");
        }
    }

    #[test]
    fn definitions_around_a_cursor_are_told_by_indentation() {
        let text = "class A:\n    def f(self):\n        if x:\n            pass\n";
        assert_eq!(names(&format!("{text}        |")), ["A", "f"]);
        assert_eq!(names(&format!("{text}    |")), ["A"]);
        assert_eq!(names(&format!("{text}\n|")), [] as [&str; 0]);
        assert_eq!(names("class A:\n    def f(self):\n        |"), ["A", "f"]);
        assert_eq!(names("class A:\n    def f(self, x=|"), ["A"]);
        assert_eq!(names("def f(): x|"), ["f"]);
    }

    #[test]
    fn names_that_are_made_up_offer_nothing() {
        for text in [
            "def f(a, b|",
            "class A|",
            "for x|",
            "[x for x|",
            "import a as b|",
            "lambda a, b|",
            "with a as b|",
            "def f|",
        ] {
            assert_eq!(at(text).place, Place::Nothing, "{text}");
        }
        assert_eq!(at("class A:\n    async def f|").place, Place::Method(13, true));
        assert_eq!(at("for x in y|").place, Place::Name(Wanted::Value));
        assert_eq!(at("lambda a: b|").place, Place::Name(Wanted::Value));
        assert_eq!(at("f(lambda a: b, c|").place, Place::Name(Wanted::Value));
    }

    #[test]
    fn import_statements_are_read_part_by_part() {
        let module = |level, parent: &str, is_from| Place::Module { level, parent: parent.to_owned(), is_from };
        assert_eq!(at("import |").place, module(0, "", false));
        assert_eq!(at("import os, a.b.c|").place, module(0, "a.b", false));
        assert_eq!(at("from ..a.|").place, module(2, "a", true));
        assert_eq!(at("from ...|").place, module(3, "", true));
        assert_eq!(at("from a |").place, Place::ImportWord);
        let imported = |level, module: &str, listed: &[&str]| Place::Imported {
            level,
            module: module.to_owned(),
            listed: listed.iter().map(|name| (*name).to_owned()).collect(),
        };
        assert_eq!(at("from .a.b import c, d|").place, imported(1, "a.b", &["c"]));
        assert_eq!(at("from a import (\n  b as c,\n  |").place, imported(0, "a", &["b"]));
        assert_eq!(at("from . import |").place, imported(1, "", &[]));
    }

    #[test]
    fn what_is_wanted_is_told_by_the_statement() {
        let wanted = [
            ("|", Wanted::Statement),
            ("if x: y|", Wanted::Statement),
            ("x = |", Wanted::Value),
            ("except (A, |", Wanted::Exception),
            ("raise |", Wanted::Exception),
            ("@|", Wanted::Decorator),
            ("class A(|", Wanted::Base),
            ("x: |", Wanted::Annotation),
            ("def f(a: int, b: list[|", Wanted::Annotation),
            ("def f(a: int = |", Wanted::Value),
            ("def f() -> |", Wanted::Annotation),
            ("match x:\n    case |", Wanted::Pattern),
            ("x = {a: |", Wanted::Value),
        ];
        for (text, wanted) in wanted {
            assert_eq!(at(text).place, Place::Name(wanted), "{text}");
        }
        assert_eq!(at("x = a |").place, Place::Operator(Tail::Expression));
        assert_eq!(at("with a |").place, Place::Operator(Tail::Named));
        assert_eq!(at("for x |").place, Place::Operator(Tail::Target));
        assert_eq!(at("nonlocal |").place, Place::Outer);
        assert_eq!(at("__all__ = ['a', 'b|").place, Place::Listed(17, vec!["a".to_owned()]));
    }

    #[test]
    fn an_argument_knows_its_call() {
        let call = at("f(1, g(2), a=3, |").call.unwrap();
        assert_eq!((call.positional, call.keywords), (2, vec!["a".to_owned()]));
        assert_eq!(at("x.f(|").call.unwrap().callee.steps.len(), 1);
        assert_eq!(at("f(a=|").call, None);
        assert_eq!(at("(|").call, None);
        assert_eq!(at("if (|").call, None);
    }

    #[test]
    fn every_place_of_broken_text_has_an_answer() {
        let text = "class A(:\n  def f(self, x: int=1:\n\treturn f'{self.{x!r:>{w}}' + \"\n@a.\nfor in x\u{e9}\u{1F600}.y:\n [";
        for offset in 0..=text.len() as u32 {
            let _ = cursor(text, offset);
        }
    }
}
