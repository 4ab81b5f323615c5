//! The grammar of statements and blocks, and how reading goes on behind an error: at the next logical line.

use anatomy_facts::{ErrorCode, Severity};

use super::{
    Fail,
    expressions::{Ex, Shape, what},
    lexer::{ERROR_LIMIT, Lexed, T, Token},
};

/// The result of reading something: a refusal is boxed because it is rare.
pub(crate) type R<V> = Result<V, Box<Fail>>;

/// Blocks that CPython lets nest.
const BLOCK_LIMIT: u32 = 100;

/// What the code being read stands in.
#[derive(Clone, Copy, Default)]
pub(crate) struct Context {
    pub(crate) function: bool,
    pub(crate) asynchronous: bool,
    pub(crate) in_loop: bool,
    pub(crate) in_class: bool,
}

/// A recogniser of Python over the tokens of a text.
pub(crate) struct Parser<'t> {
    text: &'t str,
    lexed: &'t Lexed,
    at: usize,
    /// First token of the logical line that is being read.
    line: usize,
    fails: Vec<Fail>,
    pub(crate) context: Context,
    pub(crate) depth: u32,
    pub(crate) brackets: u32,
    pub(crate) gave_up: bool,
    blocks: u32,
    /// First token behind the place of `from __future__` imports.
    future_end: usize,
}

impl<'t> Parser<'t> {
    pub(crate) fn new(text: &'t str, lexed: &'t Lexed, context: Context) -> Self {
        Parser {
            text,
            lexed,
            at: 0,
            line: 0,
            fails: Vec::new(),
            context,
            depth: 0,
            brackets: 0,
            gave_up: lexed.gave_up,
            blocks: 0,
            future_end: 0,
        }
    }

    /// The refusals of the whole text.
    pub(crate) fn run(mut self) -> Vec<Fail> {
        // Where reading of tokens stopped early, what follows is unknown.
        if self.lexed.gave_up {
            return Vec::new();
        }
        self.future_end = self.future_place();
        while self.kind() != T::End && !self.gave_up {
            self.statement();
        }
        self.fails
    }

    pub(crate) fn here(&self) -> Token {
        self.token_at(self.at)
    }

    fn token_at(&self, at: usize) -> Token {
        let tokens = &self.lexed.tokens;
        tokens.get(at).or(tokens.last()).copied().unwrap_or(Token { kind: T::End, start: 0, end: 0 })
    }

    pub(crate) fn kind(&self) -> T {
        self.here().kind
    }

    pub(crate) fn kind_at(&self, ahead: usize) -> T {
        self.token_at(self.at + ahead).kind
    }

    pub(crate) fn next(&mut self) {
        self.at += 1;
    }

    pub(crate) fn eat(&mut self, kind: T) -> bool {
        let is_it = self.kind() == kind;
        if is_it {
            self.next();
        }
        is_it
    }

    pub(crate) fn text_of(&self, token: Token) -> &'t str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    pub(crate) fn previous_end(&self) -> u32 {
        if self.at == 0 { 0 } else { self.token_at(self.at - 1).end }
    }

    pub(crate) fn fail_at(&self, code: ErrorCode, (start, end): (u32, u32), message: impl Into<String>) -> Box<Fail> {
        Box::new(Fail::new(code, start, end.max(start), message))
    }

    /// Where something is missing: the current token, or the last character before it if that is on an earlier line.
    fn missing_place(&self) -> (u32, u32) {
        let here = self.here();
        let end = self.previous_end();
        let ends_line = matches!(here.kind, T::Newline | T::End | T::Indent | T::Dedent);
        if !ends_line {
            return (here.start, here.end);
        }
        let start = self.text[..end as usize].char_indices().next_back().map_or(0, |(at, _)| at as u32);
        (start, end)
    }

    /// "expected ..." at the current place.
    pub(crate) fn expected(&self, what: &str) -> Box<Fail> {
        self.fail_at(ErrorCode::SyntaxMissing, self.missing_place(), format!("expected {what}"))
    }

    /// No expression starts here.
    pub(crate) fn no_expression(&self) -> Box<Fail> {
        let here = self.here();
        let before = if self.at > 0 { self.token_at(self.at - 1) } else { here };
        match here.kind {
            T::Newline
            | T::End
            | T::Semi
            | T::RPar
            | T::RBracket
            | T::RBrace
            | T::Comma
            | T::Colon
            | T::Equal
            | T::FClose
            | T::Dedent
            | T::Indent => {
                let after = self.text_of(before);
                let what = if after.trim().is_empty() || self.at <= self.line {
                    "an expression".to_owned()
                } else {
                    format!("an expression after '{}'", shortened(after))
                };
                self.expected(&what)
            }
            kind if kind.is_keyword() => {
                let text = self.text_of(here);
                let message = format!("the keyword '{text}' cannot stand here; expected an expression");
                self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message)
            }
            _ => self.unexpected(),
        }
    }

    /// The current token fits nowhere.
    pub(crate) fn unexpected(&self) -> Box<Fail> {
        self.unexpected_without(if self.brackets > 0 { "','" } else { "a line break" })
    }

    /// The current token fits nowhere; `separator` is what may be missing before it.
    fn unexpected_without(&self, separator: &str) -> Box<Fail> {
        let here = self.here();
        let place = (here.start, here.end);
        let before = if self.at > self.line { self.token_at(self.at - 1) } else { here };
        let operand = |kind: T| {
            matches!(kind, T::Name | T::Number | T::Str | T::Bytes | T::FStart | T::True | T::False | T::None)
        };
        let ends = operand(before.kind) || matches!(before.kind, T::RPar | T::RBracket | T::RBrace | T::FEnd);
        let starts = operand(here.kind) || here.kind == T::Lambda || (here.kind == T::LBrace);
        let text = shortened(self.text_of(here));
        match here.kind {
            T::Newline | T::End => {
                self.fail_at(ErrorCode::SyntaxUnexpected, self.missing_place(), "this line ends too early")
            }
            T::Indent | T::Dedent => self.fail_at(ErrorCode::SyntaxIndent, place, "unexpected indentation"),
            _ if self.at > self.line && ends && starts => {
                let message = format!("expected {separator} or an operator before '{text}'");
                self.fail_at(ErrorCode::SyntaxUnexpected, place, message)
            }
            T::Equal => {
                let message = "'=' cannot stand here; maybe '==' is meant";
                self.fail_at(ErrorCode::SyntaxUnexpected, place, message)
            }
            T::ColonEqual => {
                let message = "':=' needs parentheses around it here";
                self.fail_at(ErrorCode::SyntaxUnexpected, place, message)
            }
            kind if kind.is_keyword() => {
                self.fail_at(ErrorCode::SyntaxUnexpected, place, format!("the keyword '{text}' cannot stand here"))
            }
            _ => self.fail_at(ErrorCode::SyntaxUnexpected, place, format!("unexpected '{text}'")),
        }
    }

    /// A bracket should close here, or a comma follow.
    pub(crate) fn unexpected_before(&self, closer: &str) -> Box<Fail> {
        match self.kind() {
            T::Newline | T::End => self.expected(&format!("'{closer}'")),
            T::Equal | T::ColonEqual => self.unexpected(),
            _ => {
                let fail = self.unexpected_without("','");
                if fail.message.starts_with("unexpected ") {
                    let text = shortened(self.text_of(self.here()));
                    let message = format!("expected ',' or '{closer}' before '{text}'");
                    return Box::new(Fail { message, ..*fail });
                }
                fail
            }
        }
    }

    /// Reads a name. `what` completes the sentence "expected a name ...".
    pub(crate) fn name(&mut self, what: &str) -> R<()> {
        let here = self.here();
        if here.kind == T::Name {
            self.next();
            return Ok(());
        }
        if here.kind.is_keyword() {
            let message = format!("'{}' is a keyword and cannot be a name", self.text_of(here));
            return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message));
        }
        Err(self.expected(&format!("a name {what}")))
    }

    /// Keeps a refusal unless the logical line has one already, its brackets and strings counted.
    pub(crate) fn report(&mut self, fail: Fail) {
        let (from, to) = self.line_span();
        let in_line = |at: u32| at >= from && at < to.max(from + 1);
        let mended = self.lexed.fails.iter().any(|lexical| in_line(lexical.start));
        let known = self.fails.iter().rev().take(2).any(|known| in_line(known.start));
        if !mended && !known && !self.gave_up {
            self.fails.push(fail);
            self.gave_up |= self.fails.len() >= ERROR_LIMIT;
        }
    }

    /// How many refusals there are.
    pub(crate) fn refusals(&self) -> usize {
        self.fails.len()
    }

    /// Takes back refusals that later tokens have shown to be none.
    pub(crate) fn forget_refusals(&mut self, known: usize) {
        self.fails.truncate(known);
    }

    /// Bytes of the logical line, with the indentation before it.
    fn line_span(&self) -> (u32, u32) {
        let first = self.token_at(self.line);
        let from = self.text[..first.start as usize].rfind('\n').map_or(0, |at| at as u32 + 1);
        let rest = self.lexed.tokens.get(self.line..).unwrap_or_default();
        let last = rest.iter().find(|token| matches!(token.kind, T::Newline | T::End));
        (from, last.map_or(first.end, |last| last.end))
    }

    /// Skips the rest of the logical line.
    fn skip_line(&mut self) {
        while !matches!(self.kind(), T::Newline | T::End) {
            self.next();
        }
        self.eat(T::Newline);
    }

    /// Reads a statement. Errors are reported, none comes out.
    fn statement(&mut self) {
        self.line = self.at;
        self.depth = 0;
        self.brackets = 0;
        match self.kind() {
            T::Indent => {
                let here = self.here();
                let start = self.text[..here.start as usize].rfind('\n').map_or(0, |at| at as u32 + 1);
                let message = "unexpected indentation: nothing before this line opens a block";
                self.report(Fail::new(ErrorCode::SyntaxIndent, start, here.start.max(start + 1), message));
                self.block();
            }
            T::Newline | T::Dedent => self.next(),
            T::If => self.if_statement(),
            T::While => {
                let looped = Context { in_loop: true, ..self.context };
                self.clause("the `while` condition", "`while` statement", looped, Self::condition);
                self.else_clause();
            }
            T::For => self.for_statement(),
            T::Try => self.try_statement(),
            T::With => self.with_statement(),
            T::Def => self.function(),
            T::Class => self.class(),
            T::Async => self.asynchronous(),
            T::At => self.decorator(),
            T::Elif | T::Else | T::Except | T::Finally => self.stray_clause(),
            T::Name if self.starts_match() => self.match_statement(),
            _ => self.simple_line(),
        }
    }

    /// Statements of a block that is indented; the current token is its `Indent`.
    fn block(&mut self) {
        self.blocks += 1;
        if self.blocks > BLOCK_LIMIT {
            let here = self.here();
            self.report(Fail::new(ErrorCode::SyntaxIndent, here.start, here.end, "too many nested blocks"));
            self.gave_up = true;
        }
        self.next();
        while !matches!(self.kind(), T::Dedent | T::End) && !self.gave_up {
            self.statement();
        }
        self.eat(T::Dedent);
        self.blocks -= 1;
    }

    /// A header by `read`, its colon and its block. `after` completes "expected ':' after ...", `owner` "expected an
    /// indented block after the ...".
    fn clause(&mut self, after: &str, owner: &str, context: Context, read: impl FnOnce(&mut Self) -> R<()>) {
        self.line = self.at;
        self.next();
        let header = read(self).and_then(|()| self.colon(after));
        self.body(header, owner, context);
    }

    fn colon(&mut self, after: &str) -> R<()> {
        match self.kind() {
            T::Colon => {
                self.next();
                Ok(())
            }
            T::Equal => {
                let here = self.here();
                let message = "'=' cannot stand here; maybe '==' or ':=' is meant";
                Err(self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message))
            }
            T::Newline | T::End => Err(self.expected(&format!("':' after {after}"))),
            _ => {
                let fail = self.unexpected();
                if fail.message.starts_with("unexpected ") {
                    return Err(self.expected(&format!("':' after {after}")));
                }
                Err(fail)
            }
        }
    }

    /// What follows a header: a block, statements on the same line, or nothing, which is an error.
    fn body(&mut self, header: R<()>, owner: &str, context: Context) {
        let outer = std::mem::replace(&mut self.context, context);
        match header {
            Err(fail) => {
                self.report(*fail);
                self.skip_line();
                if self.kind() == T::Indent {
                    self.block();
                }
            }
            Ok(()) if self.kind() == T::Newline => {
                let colon = self.at - 1;
                self.next();
                if self.kind() == T::Indent {
                    self.block();
                } else {
                    let token = self.token_at(colon);
                    let message = format!("expected an indented block after the {owner}");
                    let mut fail = Fail::new(ErrorCode::SyntaxIndent, token.start, token.end, message);
                    let next = self.here();
                    if !matches!(next.kind, T::End) && next.end > next.start {
                        fail.related = Some((next.start, next.end, "this line is not indented".to_owned()));
                    }
                    self.report(fail);
                }
            }
            Ok(()) => self.simple_line(),
        }
        self.context = outer;
    }

    fn condition(&mut self) -> R<()> {
        self.named_expression().map(|_| ())
    }

    fn if_statement(&mut self) {
        let context = self.context;
        self.clause("the `if` condition", "`if` statement", context, Self::condition);
        while self.kind() == T::Elif {
            self.clause("the `elif` condition", "`elif` clause", context, Self::condition);
        }
        self.else_clause();
    }

    fn else_clause(&mut self) {
        if self.kind() == T::Else {
            let context = self.context;
            self.clause("`else`", "`else` clause", context, |_| Ok(()));
        }
    }

    fn stray_clause(&mut self) {
        let here = self.here();
        let word = self.text_of(here);
        let owner = match here.kind {
            T::Elif => "`if`",
            T::Else => "`if`, `for`, `while` or `try`",
            _ => "`try`",
        };
        let message = format!("this `{word}` belongs to no {owner}");
        self.report(Fail::new(ErrorCode::SyntaxUnexpected, here.start, here.end, message));
        self.skip_line();
        if self.kind() == T::Indent {
            self.block();
        }
    }

    fn for_statement(&mut self) {
        let context = Context { in_loop: true, ..self.context };
        self.clause("the iterable of `for`", "`for` statement", context, |this| {
            this.for_targets()?;
            if !this.eat(T::In) {
                return Err(this.expected("'in' after the target of `for`"));
            }
            this.star_expressions().map(|_| ())
        });
        self.else_clause();
    }

    fn try_statement(&mut self) {
        let context = self.context;
        let start = self.here();
        self.clause("`try`", "`try` statement", context, |_| Ok(()));
        let mut handled = false;
        let mut bare = false;
        let mut starred = None;
        while self.kind() == T::Except {
            handled = true;
            let token = self.here();
            if bare {
                self.line = self.at;
                let message = "a bare `except:` must be the last";
                self.report(Fail::new(ErrorCode::SyntaxUnexpected, token.start, token.end, message));
            }
            let is_star = self.kind_at(1) == T::Star;
            if starred.is_some_and(|starred| starred != is_star) {
                self.line = self.at;
                let message = "`except` and `except*` cannot be mixed";
                self.report(Fail::new(ErrorCode::SyntaxUnexpected, token.start, token.end, message));
            }
            starred = Some(is_star);
            bare = self.kind_at(1) == T::Colon;
            self.clause("the `except` clause", "`except` clause", context, Self::handler);
        }
        if handled {
            self.else_clause();
        }
        if self.kind() == T::Finally {
            self.clause("`finally`", "`finally` clause", context, |_| Ok(()));
        } else if !handled {
            let message = "this `try` has no `except` and no `finally`";
            let mut fail = Fail::new(ErrorCode::SyntaxMissing, start.start, start.end, message);
            let here = self.here();
            if here.kind != T::End && here.end > here.start {
                fail.related = Some((here.start, here.end, "expected `except` or `finally` here".to_owned()));
            }
            self.report_apart(fail);
        }
    }

    /// Keeps a refusal whose place is not the current line.
    fn report_apart(&mut self, fail: Fail) {
        let at = self.lexed.tokens.partition_point(|token| token.start < fail.start);
        let line = std::mem::replace(&mut self.line, at);
        self.report(fail);
        self.line = line;
    }

    fn handler(&mut self) -> R<()> {
        let is_star = self.eat(T::Star);
        if self.kind() == T::Colon {
            if is_star {
                return Err(self.expected("an exception type after `except*`"));
            }
            return Ok(());
        }
        let first = self.expression()?;
        if self.kind() == T::Comma {
            let mut count = 1;
            while self.eat(T::Comma) && self.starts_expression() {
                self.expression()?;
                count += 1;
            }
            let end = self.previous_end();
            if self.kind() == T::As || first.in_parentheses && count == 2 {
                let message = "several exception types need parentheses";
                return Err(self.fail_at(ErrorCode::SyntaxStatement, (first.start, end), message));
            }
            let message = "several exception types without parentheses need Python 3.14";
            let fail = Fail::new(ErrorCode::SyntaxStatement, first.start, end, message);
            self.report(Fail { severity: Severity::Warning, ..fail });
            return Ok(());
        }
        if self.eat(T::As) { self.name("after 'as'") } else { Ok(()) }
    }

    fn with_statement(&mut self) {
        let context = self.context;
        self.clause("the `with` items", "`with` statement", context, |this| {
            if this.kind() == T::LPar {
                let mark = this.at;
                let fails = this.fails.len();
                if this.parenthesised_items().is_ok() && this.kind() == T::Colon {
                    return Ok(());
                }
                this.at = mark;
                this.fails.truncate(fails);
            }
            loop {
                this.with_item()?;
                if !this.eat(T::Comma) {
                    return Ok(());
                }
            }
        });
    }

    fn parenthesised_items(&mut self) -> R<()> {
        self.next();
        self.inside(|this| {
            loop {
                this.with_item()?;
                if !this.eat(T::Comma) || this.kind() == T::RPar {
                    return Ok(());
                }
            }
        })?;
        if self.eat(T::RPar) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn with_item(&mut self) -> R<()> {
        self.expression()?;
        if !self.eat(T::As) {
            return Ok(());
        }
        let target = if self.kind() == T::Star {
            return Err(self.unexpected());
        } else {
            self.arithmetic()?
        };
        self.assignable(target, "")
    }

    fn function(&mut self) {
        self.function_after(self.context, false);
    }

    /// A function; `around` is what it stands in.
    fn function_after(&mut self, around: Context, asynchronous: bool) {
        debug_assert_eq!(self.kind(), T::Def);
        let context = Context { function: true, asynchronous, in_loop: false, in_class: false };
        let outer = std::mem::replace(&mut self.context, around);
        self.clause("the function's signature", "function definition", context, |this| {
            this.name("of the function after `def`")?;
            this.type_parameters()?;
            if !this.eat(T::LPar) {
                return Err(this.expected("'(' after the function's name"));
            }
            this.inside(|this| this.parameters(T::RPar, true))?;
            if !this.eat(T::RPar) {
                return Err(this.unexpected_before(")"));
            }
            if this.eat(T::Arrow) {
                this.expression()?;
            }
            Ok(())
        });
        self.context = outer;
    }

    fn class(&mut self) {
        let context = Context { function: false, asynchronous: false, in_loop: false, in_class: true };
        self.clause("the class header", "class definition", context, |this| {
            this.name("of the class after `class`")?;
            this.type_parameters()?;
            if this.kind() == T::LPar { this.arguments() } else { Ok(()) }
        });
    }

    /// `[T: bound = default, *Ts, **P]`.
    fn type_parameters(&mut self) -> R<()> {
        if !self.eat(T::LBracket) {
            return Ok(());
        }
        self.inside(|this| {
            loop {
                if matches!(this.kind(), T::Star | T::DoubleStar) {
                    this.next();
                }
                this.name("of a type parameter")?;
                if this.eat(T::Colon) {
                    this.expression()?;
                }
                if this.eat(T::Equal) {
                    if this.kind() == T::Star {
                        this.next();
                    }
                    this.expression()?;
                }
                if !this.eat(T::Comma) || this.kind() == T::RBracket {
                    return Ok(());
                }
            }
        })?;
        if self.eat(T::RBracket) { Ok(()) } else { Err(self.unexpected_before("]")) }
    }

    fn asynchronous(&mut self) {
        let word = self.here();
        self.next();
        match self.kind() {
            T::Def => {
                let context = self.context;
                self.function_after(context, true);
            }
            kind @ (T::For | T::With) => {
                if !self.context.asynchronous {
                    let name = if kind == T::For { "for" } else { "with" };
                    let message = format!("`async {name}` is only allowed in an `async def` function");
                    self.report(Fail::new(ErrorCode::SyntaxStatement, word.start, word.end, message));
                }
                if kind == T::For { self.for_statement() } else { self.with_statement() }
            }
            _ => {
                let fail = self.expected("`def`, `for` or `with` after `async`");
                self.report(*fail);
                self.skip_line();
                if self.kind() == T::Indent {
                    self.block();
                }
            }
        }
    }

    fn decorator(&mut self) {
        self.next();
        let read = self
            .named_expression()
            .and_then(|_| if self.kind() == T::Newline { Ok(()) } else { Err(self.unexpected()) });
        if let Err(fail) = read {
            self.report(*fail);
        }
        self.skip_line();
        let follows =
            matches!(self.kind(), T::At | T::Def | T::Class) || (self.kind() == T::Async && self.kind_at(1) == T::Def);
        if !follows {
            let token = self.token_at(self.line);
            let message = "expected a function or class after this decorator";
            self.report(Fail::new(ErrorCode::SyntaxMissing, token.start, token.end, message));
        }
    }

    /// True if the name here is `match` and starts a statement of that name: a subject, a colon and a line break follow.
    fn starts_match(&mut self) -> bool {
        if self.text_of(self.here()) != "match" {
            return false;
        }
        if matches!(
            self.kind_at(1),
            T::Equal
                | T::Dot
                | T::Newline
                | T::Colon
                | T::Comma
                | T::RPar
                | T::Semi
                | T::AugAssign
                | T::Compare
                | T::End
        ) {
            return false;
        }
        let (mark, fails) = (self.at, self.fails.len());
        self.next();
        let read = self.subject();
        let is_match = read.is_ok() && self.kind() == T::Colon && self.kind_at(1) == T::Newline;
        self.at = mark;
        self.fails.truncate(fails);
        self.gave_up = false;
        is_match
    }

    /// What a `match` matches: expressions, walruses and starred ones.
    fn subject(&mut self) -> R<()> {
        loop {
            self.star_named()?;
            if !self.eat(T::Comma) || self.kind() == T::Colon {
                return Ok(());
            }
        }
    }

    fn match_statement(&mut self) {
        self.next();
        // `starts_match` has read it to its colon and the line break.
        let _ = self.subject();
        self.next();
        self.next();
        if self.kind() != T::Indent {
            let token = self.token_at(self.at - 2);
            let message = "expected an indented block of `case` after the `match` statement";
            self.report(Fail::new(ErrorCode::SyntaxIndent, token.start, token.end, message));
            return;
        }
        self.next();
        let context = self.context;
        while !matches!(self.kind(), T::Dedent | T::End) && !self.gave_up {
            self.line = self.at;
            if self.kind() == T::Name && self.text_of(self.here()) == "case" {
                self.clause("the pattern of `case`", "`case` clause", context, |this| {
                    this.case_patterns()?;
                    if this.eat(T::If) {
                        this.named_expression()?;
                    }
                    Ok(())
                });
            } else {
                let here = self.here();
                let message = "only `case` clauses can stand in a `match` block";
                self.report(Fail::new(ErrorCode::SyntaxUnexpected, here.start, here.end, message));
                self.statement();
            }
        }
        self.eat(T::Dedent);
    }

    /// Simple statements up to the end of the logical line.
    fn simple_line(&mut self) {
        let first = self.at;
        if let Err(fail) = self.simple_statements() {
            let fail = self.python_two(first).unwrap_or(fail);
            self.report(*fail);
            self.skip_line();
            // A line that should have been a header: its block is read, not refused.
            if self.kind() == T::Indent {
                self.block();
            }
        }
    }

    fn simple_statements(&mut self) -> R<()> {
        loop {
            self.simple()?;
            if !self.eat(T::Semi) || self.kind() == T::Newline {
                break;
            }
        }
        match self.kind() {
            T::Newline => {
                self.next();
                Ok(())
            }
            T::End => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    /// A better word for statements of Python 2 that start at a token.
    fn python_two(&self, first: usize) -> Option<Box<Fail>> {
        let token = self.token_at(first);
        let word = self.text_of(token);
        let follows = self.token_at(first + 1);
        let operand = matches!(
            follows.kind,
            T::Name
                | T::Number
                | T::Str
                | T::Bytes
                | T::FStart
                | T::Binary
                | T::None
                | T::True
                | T::False
                | T::Not
                | T::Lambda
        ) || (follows.kind.is_keyword() && follows.kind == T::Yield);
        if token.kind != T::Name || !operand || self.here().kind == T::End {
            return None;
        }
        if follows.kind == T::Binary && self.text_of(follows) != ">>" {
            return None;
        }
        let message = match word {
            "print" => "`print` is a function in Python 3: parentheses are missing",
            "exec" => "`exec` is a function in Python 3: parentheses are missing",
            _ => return None,
        };
        Some(self.fail_at(ErrorCode::SyntaxStatement, (token.start, token.end), message))
    }

    fn simple(&mut self) -> R<()> {
        let here = self.here();
        match here.kind {
            T::Pass => self.next(),
            T::Break | T::Continue => {
                self.next();
                if !self.context.in_loop {
                    let message = format!("`{}` is only allowed in a loop", self.text_of(here));
                    self.report(Fail::new(ErrorCode::SyntaxStatement, here.start, here.end, message));
                }
            }
            T::Return => {
                self.next();
                if !self.context.function {
                    let message = "`return` is only allowed in a function";
                    self.report(Fail::new(ErrorCode::SyntaxStatement, here.start, here.end, message));
                }
                if !matches!(self.kind(), T::Newline | T::Semi | T::End) {
                    self.star_expressions()?;
                }
            }
            T::Raise => {
                self.next();
                if !matches!(self.kind(), T::Newline | T::Semi | T::End) {
                    self.expression()?;
                    if self.eat(T::From) {
                        self.expression()?;
                    } else if self.kind() == T::Comma {
                        let comma = self.here();
                        let message = "`raise E, value` is not Python 3; write `raise E(value)`";
                        return Err(self.fail_at(ErrorCode::SyntaxStatement, (comma.start, comma.end), message));
                    }
                }
            }
            T::Global | T::Nonlocal => {
                self.next();
                if here.kind == T::Nonlocal && !self.context.function && !self.context.in_class {
                    let message = "`nonlocal` is not allowed at module level";
                    self.report(Fail::new(ErrorCode::SyntaxStatement, here.start, here.end, message));
                }
                loop {
                    self.name(if here.kind == T::Global { "after `global`" } else { "after `nonlocal`" })?;
                    if !self.eat(T::Comma) {
                        break;
                    }
                }
            }
            T::Del => {
                self.next();
                let targets = self.star_expressions()?;
                let bad = if targets.shape == Shape::Starred {
                    Some((targets.shape, targets.start, targets.end))
                } else {
                    targets.unassignable()
                };
                if let Some((shape, start, end)) = bad {
                    let message = format!("cannot delete {}", what(shape));
                    return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (start, end), message));
                }
            }
            T::Assert => {
                self.next();
                self.expression()?;
                if self.eat(T::Comma) {
                    self.expression()?;
                }
            }
            T::Import => self.import()?,
            T::From => self.import_from()?,
            T::Name if self.kind_at(1) == T::Name && self.text_of(here) == "type" => self.type_alias()?,
            _ => self.expression_statement()?,
        }
        Ok(())
    }

    fn type_alias(&mut self) -> R<()> {
        self.next();
        self.next();
        self.type_parameters()?;
        if !self.eat(T::Equal) {
            return Err(self.expected("'=' after the name of a type alias"));
        }
        self.expression().map(|_| ())
    }

    fn right_side(&mut self) -> R<Ex> {
        match self.kind() {
            T::Yield => self.yielded(),
            _ if !self.starts_expression() => Err(self.no_expression()),
            _ => self.star_expressions(),
        }
    }

    fn expression_statement(&mut self) -> R<()> {
        let mut value = self.right_side()?;
        match self.kind() {
            T::Equal => {
                while self.kind() == T::Equal {
                    if value.shape == Shape::Starred {
                        let message = "a starred target must be in a list or tuple";
                        return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (value.start, value.end), message));
                    }
                    self.assignable(value, "; maybe '==' is meant")?;
                    self.next();
                    value = self.right_side()?;
                }
                Ok(())
            }
            T::Colon => {
                match value.shape {
                    Shape::Name | Shape::Attribute | Shape::Subscript => {}
                    Shape::Tuple | Shape::List => {
                        let message = format!("only a single target can be annotated, not a {}", what(value.shape));
                        return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (value.start, value.end), message));
                    }
                    _ => {
                        let here = self.here();
                        let message = "':' cannot stand here: nothing on this line opens a block or can be annotated";
                        return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message));
                    }
                }
                self.next();
                if !self.starts_expression() {
                    return Err(self.expected("an annotation after ':'"));
                }
                self.expression()?;
                if self.eat(T::Equal) {
                    self.right_side()?;
                }
                Ok(())
            }
            T::AugAssign => {
                if !matches!(value.shape, Shape::Name | Shape::Attribute | Shape::Subscript) {
                    let operator = self.text_of(self.here());
                    let message = format!("{} cannot be the target of '{operator}'", what(value.shape));
                    return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (value.start, value.end), message));
                }
                self.next();
                self.right_side()?;
                Ok(())
            }
            T::ColonEqual => {
                let here = self.here();
                let message = "':=' is not allowed as a statement; write '='";
                Err(self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message))
            }
            _ => Ok(()),
        }
    }

    /// Refuses what cannot be assigned to.
    fn assignable(&self, target: Ex, hint: &str) -> R<()> {
        match target.unassignable() {
            None => Ok(()),
            Some((shape, start, end)) => {
                let hint =
                    if matches!(shape, Shape::Other("True" | "False" | "None" | "ellipsis")) { "" } else { hint };
                let message = format!("cannot assign to {}{hint}", what(shape));
                Err(self.fail_at(ErrorCode::SyntaxUnexpected, (start, end), message))
            }
        }
    }

    fn dotted(&mut self, what: &str) -> R<()> {
        self.name(what)?;
        while self.eat(T::Dot) {
            self.name("after '.'")?;
        }
        Ok(())
    }

    fn import(&mut self) -> R<()> {
        self.next();
        loop {
            self.dotted("of a module after `import`")?;
            if self.eat(T::As) {
                self.name("after 'as'")?;
            }
            if !self.eat(T::Comma) {
                return Ok(());
            }
        }
    }

    fn import_from(&mut self) -> R<()> {
        self.next();
        let mut relative = false;
        while matches!(self.kind(), T::Dot | T::Ellipsis) {
            relative = true;
            self.next();
        }
        let module = self.here();
        if !(relative && self.kind() == T::Import) {
            self.dotted("of a module after `from`")?;
        }
        if !relative && self.kind() == T::Import && self.text_of(module) == "__future__" {
            self.future_import(module);
        }
        if !self.eat(T::Import) {
            return Err(self.expected("`import` and names after the module"));
        }
        if self.kind() == T::Star {
            let star = self.here();
            self.next();
            if self.context.function || self.context.in_class {
                let message = "`import *` is only allowed at module level";
                self.report(Fail::new(ErrorCode::SyntaxStatement, star.start, star.end, message));
            }
            return Ok(());
        }
        let in_parentheses = self.eat(T::LPar);
        loop {
            self.name("after `import`")?;
            if self.eat(T::As) {
                self.name("after 'as'")?;
            }
            if !self.eat(T::Comma) {
                break;
            }
            if in_parentheses && self.kind() == T::RPar {
                break;
            }
            if self.kind() == T::Newline {
                let comma = self.token_at(self.at - 1);
                let message = "a trailing comma needs parentheses around the imported names";
                return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (comma.start, comma.end), message));
            }
        }
        if in_parentheses && !self.eat(T::RPar) {
            return Err(self.unexpected_before(")"));
        }
        Ok(())
    }

    /// Where the place for `from __future__` imports ends: behind the docstring and the last of them.
    fn future_place(&self) -> usize {
        let tokens = &self.lexed.tokens;
        let mut seen_docstring = false;
        let mut at = 0;
        while at < tokens.len() {
            let length = tokens[at..].iter().position(|token| token.kind == T::Newline).unwrap_or(tokens.len() - at);
            let line = &tokens[at..at + length];
            let word = |index: usize| line.get(index).map_or("", |token| self.text_of(*token));
            let is_future = word(0) == "from" && word(1) == "__future__";
            let is_text = line.iter().all(|token| matches!(token.kind, T::Str | T::Semi));
            if !is_future && !(is_text && (line.is_empty() || !std::mem::replace(&mut seen_docstring, true))) {
                break;
            }
            at += length + 1;
        }
        at
    }

    /// `from __future__` must come first and name what exists; the tokens are those of the module's name and on.
    fn future_import(&mut self, name: Token) {
        const FEATURES: [&str; 10] = [
            "nested_scopes",
            "generators",
            "division",
            "absolute_import",
            "with_statement",
            "print_function",
            "unicode_literals",
            "barry_as_FLUFL",
            "generator_stop",
            "annotations",
        ];
        if self.line >= self.future_end {
            let message = "`from __future__` imports must stand at the beginning of the file";
            self.report(Fail::new(ErrorCode::SyntaxStatement, name.start, name.end, message));
        }
        let rest = self.lexed.tokens.get(self.at + 1..).unwrap_or_default();
        let line = rest.iter().take_while(|token| !matches!(token.kind, T::Newline | T::Semi | T::End));
        let mut before = T::Import;
        let mut unknown = None;
        for token in line {
            let names_feature = matches!(token.kind, T::Name | T::Star) && before != T::As;
            if names_feature && !FEATURES.contains(&self.text_of(*token)) && unknown.is_none() {
                unknown = Some(*token);
            }
            before = token.kind;
        }
        if let Some(token) = unknown {
            let message = format!("`__future__` has no feature '{}'", self.text_of(token));
            self.report(Fail::new(ErrorCode::SyntaxStatement, token.start, token.end, message));
        }
    }
}

/// A token's text, short enough for a message.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(24) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}
