//! The grammar of expressions.
//!
//! Only the verdict matters, so operators of arithmetic need no precedence among themselves; what kind of expression was
//! read is kept as far as assignments ask for it.

use anatomy_facts::ErrorCode;

use super::{
    Fail,
    lexer::T,
    statements::{Parser, R},
};

/// Nesting at which reading stops without a verdict.
const DEPTH_LIMIT: u32 = 400;

/// What an expression is to an assignment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Name,
    Attribute,
    Subscript,
    Starred,
    Tuple,
    List,
    Other(&'static str),
}

/// An expression that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ex {
    pub(crate) shape: Shape,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Part of a tuple, list or starred expression that cannot be assigned to.
    pub(crate) bad: Option<(Shape, u32, u32)>,
    pub(crate) in_parentheses: bool,
}

impl Ex {
    /// The part that cannot be assigned to, if any.
    pub(crate) fn unassignable(&self) -> Option<(Shape, u32, u32)> {
        match self.shape {
            Shape::Name | Shape::Attribute | Shape::Subscript => None,
            Shape::Tuple | Shape::List | Shape::Starred => self.bad,
            Shape::Other(_) => Some((self.shape, self.start, self.end)),
        }
    }
}

/// The words for what cannot be assigned to.
pub(crate) fn what(shape: Shape) -> &'static str {
    match shape {
        Shape::Name => "name",
        Shape::Attribute => "attribute",
        Shape::Subscript => "subscript",
        Shape::Starred => "starred expression",
        Shape::Tuple => "tuple",
        Shape::List => "list",
        Shape::Other(what) => what,
    }
}

const LITERAL: Shape = Shape::Other("literal");
const OPERATION: Shape = Shape::Other("expression");

impl Parser<'_> {
    fn ex(&self, shape: Shape, start: u32) -> Ex {
        Ex { shape, start, end: self.previous_end(), bad: None, in_parentheses: false }
    }

    /// `a, *b`: expressions and starred ones; a tuple if there is a comma.
    pub(crate) fn star_expressions(&mut self) -> R<Ex> {
        let start = self.here().start;
        let first = self.star_expression()?;
        if self.kind() != T::Comma {
            return Ok(first);
        }
        let mut bad = first.unassignable();
        while self.eat(T::Comma) {
            if !self.starts_expression() {
                break;
            }
            let next = self.star_expression()?;
            bad = bad.or(next.unassignable());
        }
        Ok(Ex { bad, ..self.ex(Shape::Tuple, start) })
    }

    fn star_expression(&mut self) -> R<Ex> {
        if self.kind() == T::Star { self.starred() } else { self.expression() }
    }

    fn starred(&mut self) -> R<Ex> {
        let start = self.here().start;
        self.next();
        let inner = self.arithmetic()?;
        Ok(Ex { bad: inner.unassignable(), ..self.ex(Shape::Starred, start) })
    }

    /// An item of a display or group: starred, walrus or expression.
    pub(crate) fn star_named(&mut self) -> R<Ex> {
        if self.kind() == T::Star { self.starred() } else { self.named_expression() }
    }

    /// `name := value` or an expression.
    pub(crate) fn named_expression(&mut self) -> R<Ex> {
        let start = self.here().start;
        if self.kind() == T::Name && self.kind_at(1) == T::ColonEqual {
            self.next();
            self.next();
            self.expression()?;
            return Ok(self.ex(Shape::Other("named expression"), start));
        }
        let value = self.expression()?;
        if self.kind() == T::ColonEqual {
            let message = format!("only a name can be assigned to with ':=', not {}", article(what(value.shape)));
            return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (value.start, value.end), message));
        }
        Ok(value)
    }

    /// True if the current token can start an expression.
    pub(crate) fn starts_expression(&self) -> bool {
        matches!(
            self.kind(),
            T::Name
                | T::Number
                | T::Str
                | T::Bytes
                | T::FStart
                | T::LPar
                | T::LBracket
                | T::LBrace
                | T::Ellipsis
                | T::Star
                | T::Plus
                | T::Minus
                | T::Tilde
                | T::False
                | T::None
                | T::True
                | T::Await
                | T::Lambda
                | T::Not
        )
    }

    /// An expression: lambda, conditional or below.
    pub(crate) fn expression(&mut self) -> R<Ex> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            self.gave_up = true;
            let here = self.here();
            return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), "too deeply nested"));
        }
        let value = self.expression_inside();
        self.depth -= 1;
        value
    }

    fn expression_inside(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut conditional = false;
        loop {
            if self.kind() == T::Lambda {
                self.lambda()?;
                return Ok(self.ex(Shape::Other(if conditional { "conditional expression" } else { "lambda" }), start));
            }
            let value = self.disjunction()?;
            if self.kind() != T::If {
                return Ok(if conditional { self.ex(Shape::Other("conditional expression"), start) } else { value });
            }
            self.next();
            self.disjunction()?;
            if !self.eat(T::Else) {
                return Err(self.expected("'else' and a value: a conditional expression needs both"));
            }
            conditional = true;
        }
    }

    fn lambda(&mut self) -> R<()> {
        self.next();
        self.parameters(T::Colon, false)?;
        if !self.eat(T::Colon) {
            return Err(self.expected("':' after the parameters of `lambda`"));
        }
        let outer = self.context;
        self.context.function = true;
        self.context.asynchronous = false;
        let body = self.expression();
        self.context = outer;
        body.map(|_| ())
    }

    pub(crate) fn disjunction(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut value = self.inversion()?;
        while matches!(self.kind(), T::And | T::Or) {
            self.next();
            self.inversion()?;
            value = self.ex(OPERATION, start);
        }
        Ok(value)
    }

    fn inversion(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut inverted = false;
        while self.eat(T::Not) {
            inverted = true;
        }
        let value = self.comparison()?;
        Ok(if inverted { self.ex(OPERATION, start) } else { value })
    }

    fn comparison(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut value = self.arithmetic()?;
        loop {
            match self.kind() {
                T::Compare => self.next(),
                T::In => self.next(),
                T::Not if self.kind_at(1) == T::In => {
                    self.next();
                    self.next();
                }
                T::Is => {
                    self.next();
                    self.eat(T::Not);
                }
                T::OldUnequal => {
                    let here = self.here();
                    let message = "'<>' is not Python 3; use '!='";
                    self.report(Fail::new(ErrorCode::SyntaxStatement, here.start, here.end, message));
                    self.next();
                }
                _ => return Ok(value),
            }
            self.arithmetic()?;
            value = self.ex(Shape::Other("comparison"), start);
        }
    }

    /// Operands with operators of arithmetic between them.
    pub(crate) fn arithmetic(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut value = self.unary()?;
        while matches!(self.kind(), T::Plus | T::Minus | T::Star | T::Slash | T::Binary | T::At | T::DoubleStar) {
            self.next();
            self.unary()?;
            value = self.ex(OPERATION, start);
        }
        Ok(value)
    }

    fn unary(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut signed = false;
        while matches!(self.kind(), T::Plus | T::Minus | T::Tilde) {
            self.next();
            signed = true;
        }
        if self.kind() == T::Await {
            let here = self.here();
            self.next();
            if !self.context.asynchronous {
                let message = if self.context.function {
                    "`await` is only allowed in an `async def` function"
                } else {
                    "`await` is only allowed in a function"
                };
                self.report(Fail::new(ErrorCode::SyntaxStatement, here.start, here.end, message));
            }
            self.primary()?;
            return Ok(self.ex(Shape::Other("await expression"), start));
        }
        let value = self.primary()?;
        Ok(if signed { self.ex(OPERATION, start) } else { value })
    }

    pub(crate) fn primary(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut value = self.atom()?;
        loop {
            match self.kind() {
                T::Dot => {
                    self.next();
                    self.name("after '.'")?;
                    value = self.ex(Shape::Attribute, start);
                }
                T::LPar => {
                    self.arguments()?;
                    value = self.ex(Shape::Other("function call"), start);
                }
                T::LBracket => {
                    self.subscripts()?;
                    value = self.ex(Shape::Subscript, start);
                }
                _ => return Ok(value),
            }
        }
    }

    fn atom(&mut self) -> R<Ex> {
        let start = self.here().start;
        let shape = match self.kind() {
            T::Name => Shape::Name,
            T::Number => LITERAL,
            T::Ellipsis => Shape::Other("ellipsis"),
            T::True => Shape::Other("True"),
            T::False => Shape::Other("False"),
            T::None => Shape::Other("None"),
            T::Str | T::Bytes | T::FStart => return self.strings(),
            T::LPar => return self.group(),
            T::LBracket => return self.list(),
            T::LBrace => return self.braces(),
            _ => return Err(self.no_expression()),
        };
        self.next();
        Ok(self.ex(shape, start))
    }

    fn strings(&mut self) -> R<Ex> {
        let start = self.here().start;
        let (mut texts, mut bytes, mut formatted) = (false, false, false);
        loop {
            match self.kind() {
                T::Str => (texts, _) = (true, self.next()),
                T::Bytes => (bytes, _) = (true, self.next()),
                T::FStart => {
                    texts = true;
                    formatted = true;
                    self.formatted()?;
                }
                _ => break,
            }
        }
        if texts && bytes {
            let end = self.previous_end();
            let message = "bytes and text literals cannot be joined";
            return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (start, end), message));
        }
        Ok(self.ex(if formatted { Shape::Other("f-string expression") } else { LITERAL }, start))
    }

    fn formatted(&mut self) -> R<()> {
        self.next();
        while self.kind() != T::FEnd {
            if self.kind() != T::FOpen {
                return Err(self.unexpected());
            }
            self.field()?;
        }
        self.next();
        Ok(())
    }

    fn field(&mut self) -> R<()> {
        let opening = self.here();
        self.next();
        if matches!(self.kind(), T::FClose | T::FConversion | T::FSpec) {
            let message = "an f-string needs an expression between '{' and '}'";
            return Err(self.fail_at(ErrorCode::SyntaxMissing, (opening.start, self.here().end), message));
        }
        if self.kind() == T::Yield {
            self.yielded()?
        } else {
            self.field_value()?
        };
        self.eat(T::Equal);
        if self.kind() == T::FConversion {
            let token = self.here();
            if !matches!(self.text_of(token), "!r" | "!s" | "!a") {
                let message = "a conversion in an f-string is '!r', '!s' or '!a'";
                return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (token.start, token.end), message));
            }
            self.next();
        }
        if self.eat(T::FSpec) {
            while self.kind() == T::FOpen {
                self.field()?;
            }
        }
        if !self.eat(T::FClose) {
            return Err(self.unexpected());
        }
        Ok(())
    }

    fn field_value(&mut self) -> R<Ex> {
        let start = self.here().start;
        let mut value = self.star_named()?;
        while self.eat(T::Comma) {
            if self.starts_expression() {
                self.star_named()?;
            }
            value = self.ex(Shape::Tuple, start);
        }
        Ok(value)
    }

    /// Runs a reader inside brackets.
    pub(crate) fn inside<V>(&mut self, read: impl FnOnce(&mut Self) -> R<V>) -> R<V> {
        self.brackets += 1;
        let value = read(self);
        self.brackets -= 1;
        value
    }

    fn closes(&mut self, closer: T, text: &str) -> R<()> {
        if self.eat(closer) {
            return Ok(());
        }
        Err(self.unexpected_before(text))
    }

    fn group(&mut self) -> R<Ex> {
        let start = self.here().start;
        self.next();
        let inner = self.inside(|this| {
            if this.kind() == T::RPar {
                return Ok(Ex { bad: None, ..this.ex(Shape::Tuple, start) });
            }
            if this.kind() == T::Yield {
                return this.yielded();
            }
            let known = this.refusals();
            let first = this.star_named()?;
            if this.starts_clause() {
                this.no_star_in_comprehension(first)?;
                this.generator_clauses(known)?;
                return Ok(this.ex(Shape::Other("generator expression"), start));
            }
            if this.kind() != T::Comma {
                if first.shape == Shape::Starred {
                    let message = "a starred expression needs a comma after it to be a tuple";
                    return Err(this.fail_at(ErrorCode::SyntaxMissing, (first.start, first.end), message));
                }
                return Ok(first);
            }
            let mut bad = first.unassignable();
            while this.eat(T::Comma) && this.kind() != T::RPar {
                let next = this.star_named()?;
                bad = bad.or(next.unassignable());
            }
            Ok(Ex { bad, ..this.ex(Shape::Tuple, start) })
        })?;
        self.closes(T::RPar, ")")?;
        Ok(Ex { start, end: self.previous_end(), in_parentheses: true, ..inner })
    }

    fn list(&mut self) -> R<Ex> {
        let start = self.here().start;
        self.next();
        let (shape, bad) = self.inside(|this| {
            let mut bad = None;
            if this.kind() == T::RBracket {
                return Ok((Shape::List, bad));
            }
            let first = this.star_named()?;
            if this.starts_clause() {
                this.no_star_in_comprehension(first)?;
                this.clauses()?;
                return Ok((Shape::Other("list comprehension"), None));
            }
            bad = bad.or(first.unassignable());
            while this.eat(T::Comma) && this.kind() != T::RBracket {
                let next = this.star_named()?;
                bad = bad.or(next.unassignable());
            }
            Ok((Shape::List, bad))
        })?;
        self.closes(T::RBracket, "]")?;
        Ok(Ex { bad, ..self.ex(shape, start) })
    }

    fn braces(&mut self) -> R<Ex> {
        let start = self.here().start;
        self.next();
        let shape = self.inside(|this| {
            let mut is_dict = None;
            let mut first = true;
            while this.kind() != T::RBrace {
                let is_pair = if this.eat(T::DoubleStar) {
                    this.arithmetic()?;
                    if first && this.starts_clause() {
                        return Err(this.unpacking_in_comprehension());
                    }
                    true
                } else if this.kind() == T::Star {
                    let item = this.starred()?;
                    if first && this.starts_clause() {
                        this.no_star_in_comprehension(item)?;
                    }
                    false
                } else {
                    let key = this.named_expression()?;
                    let pair = this.kind() == T::Colon;
                    if pair {
                        this.next();
                        if !this.starts_expression() {
                            return Err(this.expected("a value after ':' in the dictionary"));
                        }
                        this.expression()?;
                    } else if is_dict == Some(true) {
                        return Err(this.fail_at(
                            ErrorCode::SyntaxMissing,
                            (key.start, key.end),
                            "this dictionary key has no ':' and value",
                        ));
                    }
                    if first && this.starts_clause() {
                        this.clauses()?;
                        let what = if pair { "dict comprehension" } else { "set comprehension" };
                        return Ok(Shape::Other(what));
                    }
                    pair
                };
                if is_dict.is_some_and(|dict| dict != is_pair) {
                    return Err(this.unexpected());
                }
                is_dict = Some(is_pair);
                first = false;
                if !this.eat(T::Comma) {
                    break;
                }
            }
            Ok(Shape::Other(if is_dict.unwrap_or(true) { "dict literal" } else { "set display" }))
        })?;
        self.closes(T::RBrace, "}")?;
        Ok(self.ex(shape, start))
    }

    fn unpacking_in_comprehension(&self) -> Box<Fail> {
        let here = self.here();
        let message = "unpacking is not allowed in a comprehension";
        self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message)
    }

    fn no_star_in_comprehension(&self, first: Ex) -> R<()> {
        if first.shape == Shape::Starred { Err(self.unpacking_in_comprehension()) } else { Ok(()) }
    }

    fn starts_clause(&self) -> bool {
        self.kind() == T::For || (self.kind() == T::Async && self.kind_at(1) == T::For)
    }

    /// The clauses of a generator expression: it may await anywhere, also in the element, which was read already.
    fn generator_clauses(&mut self, known: usize) -> R<()> {
        self.forget_refusals(known);
        let outer = std::mem::replace(&mut self.context.asynchronous, true);
        let read = self.clauses();
        self.context.asynchronous = outer;
        read
    }

    /// `for x in y if z ...`.
    fn clauses(&mut self) -> R<()> {
        while self.starts_clause() {
            self.eat(T::Async);
            self.next();
            self.for_targets()?;
            if !self.eat(T::In) {
                return Err(self.expected("'in' after the target of `for`"));
            }
            self.disjunction()?;
            while self.eat(T::If) {
                self.disjunction()?;
            }
        }
        Ok(())
    }

    /// The targets of `for`, up to `in`.
    pub(crate) fn for_targets(&mut self) -> R<()> {
        let mut bad = None;
        let mut count = 0;
        loop {
            let item = if self.kind() == T::Star { self.starred()? } else { self.arithmetic()? };
            if count == 0 && item.shape == Shape::Starred && self.kind() != T::Comma {
                bad = Some((Shape::Starred, item.start, item.end));
            }
            bad = bad.or(item.unassignable());
            count += 1;
            if !self.eat(T::Comma) || self.kind() == T::In {
                break;
            }
        }
        match bad {
            None => Ok(()),
            Some((shape, from, to)) => {
                Err(self.fail_at(ErrorCode::SyntaxUnexpected, (from, to), format!("cannot assign to {}", what(shape))))
            }
        }
    }

    /// Arguments of a call or the bases of a class, parentheses included.
    pub(crate) fn arguments(&mut self) -> R<()> {
        self.next();
        self.inside(|this| {
            let mut keyword_seen = false;
            let mut unpacked_seen = false;
            let mut keywords: Vec<&str> = Vec::new();
            let mut count = 0;
            while this.kind() != T::RPar {
                count += 1;
                let start = this.here().start;
                match this.kind() {
                    T::Star => {
                        this.next();
                        if unpacked_seen {
                            let message = "iterable argument unpacking follows keyword argument unpacking";
                            return Err(this.fail_at(ErrorCode::SyntaxUnexpected, (start, this.here().end), message));
                        }
                        this.expression()?;
                    }
                    T::DoubleStar => {
                        this.next();
                        unpacked_seen = true;
                        this.expression()?;
                    }
                    T::Name if this.kind_at(1) == T::Equal => {
                        let name = this.here();
                        let text = this.text_of(name);
                        if keywords.contains(&text) {
                            let message = format!("keyword argument '{text}' is repeated");
                            this.report(Fail::new(ErrorCode::SyntaxUnexpected, name.start, name.end, message));
                        }
                        keywords.push(text);
                        this.next();
                        this.next();
                        keyword_seen = true;
                        this.expression()?;
                    }
                    kind if kind.is_keyword() && this.kind_at(1) == T::Equal => {
                        let name = this.here();
                        let message = format!("'{}' is a keyword and cannot name an argument", this.text_of(name));
                        return Err(this.fail_at(ErrorCode::SyntaxUnexpected, (name.start, name.end), message));
                    }
                    _ => {
                        let known = this.refusals();
                        let value = this.named_expression()?;
                        if this.starts_clause() {
                            this.generator_clauses(known)?;
                            if count > 1 || (this.kind() == T::Comma && this.kind_at(1) != T::RPar) {
                                let end = this.previous_end();
                                let message = "a generator expression among other arguments needs parentheses";
                                return Err(this.fail_at(ErrorCode::SyntaxUnexpected, (start, end), message));
                            }
                        } else if this.kind() == T::Equal {
                            let message = format!(
                                "{} cannot name an argument; maybe you meant '==' instead of '='",
                                article(what(value.shape))
                            );
                            return Err(this.fail_at(ErrorCode::SyntaxUnexpected, (value.start, value.end), message));
                        } else if keyword_seen || unpacked_seen {
                            let message = "a positional argument cannot follow a keyword argument";
                            return Err(this.fail_at(ErrorCode::SyntaxUnexpected, (value.start, value.end), message));
                        }
                    }
                }
                if !this.eat(T::Comma) {
                    break;
                }
            }
            Ok(())
        })?;
        self.closes(T::RPar, ")")
    }

    fn subscripts(&mut self) -> R<()> {
        self.next();
        self.inside(|this| {
            if this.kind() == T::RBracket {
                return Err(this.expected("an index between '[' and ']'"));
            }
            loop {
                if this.kind() != T::Colon {
                    this.star_named()?;
                }
                for _ in 0..2 {
                    if this.eat(T::Colon) && !matches!(this.kind(), T::Colon | T::Comma | T::RBracket) {
                        this.expression()?;
                    }
                }
                if !this.eat(T::Comma) || this.kind() == T::RBracket {
                    return Ok(());
                }
            }
        })?;
        self.closes(T::RBracket, "]")
    }

    /// `yield`, `yield x`, `yield from x`.
    pub(crate) fn yielded(&mut self) -> R<Ex> {
        let here = self.here();
        self.next();
        if !self.context.function {
            let message = "`yield` is only allowed in a function";
            self.report(Fail::new(ErrorCode::SyntaxStatement, here.start, here.end, message));
        }
        if self.eat(T::From) {
            self.expression()?;
        } else if self.starts_expression() {
            self.star_expressions()?;
        }
        Ok(self.ex(Shape::Other("yield expression"), here.start))
    }

    /// Parameters up to a closing token, which stays.
    pub(crate) fn parameters(&mut self, closer: T, annotated: bool) -> R<()> {
        let mut names: Vec<&str> = Vec::new();
        let (mut default_seen, mut star_seen, mut slash_seen) = (false, false, false);
        while self.kind() != closer {
            let token = self.here();
            match self.kind() {
                T::Slash => {
                    self.next();
                    if slash_seen || star_seen || names.is_empty() {
                        let message = if names.is_empty() {
                            "at least one parameter must stand before '/'"
                        } else {
                            "'/' must stand once and before '*'"
                        };
                        return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (token.start, token.end), message));
                    }
                    slash_seen = true;
                }
                T::Star => {
                    self.next();
                    if star_seen {
                        let message = "'*' can stand only once among parameters";
                        return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (token.start, token.end), message));
                    }
                    star_seen = true;
                    if self.kind() == T::Comma {
                        if matches!(self.kind_at(1), T::DoubleStar) || self.kind_at(1) == closer {
                            let message = "named parameters must follow a bare '*'";
                            return Err(self.fail_at(ErrorCode::SyntaxMissing, (token.start, token.end), message));
                        }
                    } else if self.kind() == closer {
                        let message = "named parameters must follow a bare '*'";
                        return Err(self.fail_at(ErrorCode::SyntaxMissing, (token.start, token.end), message));
                    } else {
                        self.parameter_name(&mut names)?;
                        if annotated && self.eat(T::Colon) {
                            self.star_expression()?;
                        }
                        if self.kind() == T::Equal {
                            return Err(self.no_default());
                        }
                    }
                }
                T::DoubleStar => {
                    self.next();
                    self.parameter_name(&mut names)?;
                    if annotated && self.eat(T::Colon) {
                        self.expression()?;
                    }
                    if self.kind() == T::Equal {
                        return Err(self.no_default());
                    }
                    self.eat(T::Comma);
                    if self.kind() != closer {
                        if self.starts_expression() || matches!(self.kind(), T::DoubleStar | T::Slash) {
                            let here = self.here();
                            let message = "nothing can follow the '**' parameter";
                            return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message));
                        }
                        return Err(self.unexpected());
                    }
                    return Ok(());
                }
                T::LPar => {
                    let message = "a parameter cannot be a tuple in Python 3";
                    return Err(self.fail_at(ErrorCode::SyntaxStatement, (token.start, token.end), message));
                }
                _ => {
                    self.parameter_name(&mut names)?;
                    if annotated && self.eat(T::Colon) {
                        self.expression()?;
                    }
                    if self.eat(T::Equal) {
                        if !self.starts_expression() {
                            return Err(self.expected("a default value after '='"));
                        }
                        self.expression()?;
                        default_seen = default_seen || !star_seen;
                    } else if default_seen && !star_seen {
                        let message = "a parameter without a default cannot follow one with a default";
                        return Err(self.fail_at(ErrorCode::SyntaxUnexpected, (token.start, token.end), message));
                    }
                }
            }
            if !self.eat(T::Comma) {
                break;
            }
        }
        Ok(())
    }

    fn no_default(&self) -> Box<Fail> {
        let here = self.here();
        let message = "a '*' or '**' parameter cannot have a default";
        self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message)
    }
}

impl<'t> Parser<'t> {
    fn parameter_name(&mut self, names: &mut Vec<&'t str>) -> R<()> {
        let token = self.here();
        self.name("of a parameter")?;
        let text = self.text_of(token);
        if names.contains(&text) {
            let message = format!("parameter '{text}' is repeated");
            self.report(Fail::new(ErrorCode::SyntaxUnexpected, token.start, token.end, message));
        }
        names.push(text);
        Ok(())
    }
}

/// A noun with its article.
fn article(noun: &str) -> String {
    match noun {
        "True" | "False" | "None" => noun.to_owned(),
        _ if noun.starts_with(['a', 'e', 'i', 'o', 'u', 'f']) && noun != "function call" => format!("an {noun}"),
        _ => format!("a {noun}"),
    }
}
