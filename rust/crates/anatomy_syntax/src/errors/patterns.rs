//! The grammar of the patterns of `match`.

use anatomy_facts::ErrorCode;

use super::{
    lexer::T,
    statements::{Parser, R},
};

impl Parser<'_> {
    /// The patterns of a `case`, up to its guard or colon.
    pub(crate) fn case_patterns(&mut self) -> R<()> {
        loop {
            self.pattern_item()?;
            if !self.eat(T::Comma) || matches!(self.kind(), T::Colon | T::If) {
                return Ok(());
            }
        }
    }

    /// A pattern or a starred capture.
    fn pattern_item(&mut self) -> R<()> {
        if self.eat(T::Star) { self.name("of a capture after '*'") } else { self.pattern() }
    }

    fn pattern(&mut self) -> R<()> {
        self.closed_pattern()?;
        while self.kind() == T::Binary && self.text_of(self.here()) == "|" {
            self.next();
            self.closed_pattern()?;
        }
        if self.eat(T::As) { self.name("of a capture after 'as'") } else { Ok(()) }
    }

    fn closed_pattern(&mut self) -> R<()> {
        match self.kind() {
            T::Minus | T::Number => {
                self.eat(T::Minus);
                if !self.eat(T::Number) {
                    return Err(self.expected("a number after '-'"));
                }
                if matches!(self.kind(), T::Plus | T::Minus) {
                    self.next();
                    if !self.eat(T::Number) {
                        return Err(self.expected("an imaginary number"));
                    }
                }
                Ok(())
            }
            T::Str | T::Bytes => {
                self.primary()?;
                Ok(())
            }
            T::FStart => {
                let here = self.here();
                let message = "a pattern cannot be an f-string";
                Err(self.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message))
            }
            T::None | T::True | T::False => {
                self.next();
                Ok(())
            }
            T::Name => {
                self.next();
                while self.eat(T::Dot) {
                    self.name("after '.'")?;
                }
                if self.kind() == T::LPar { self.class_arguments() } else { Ok(()) }
            }
            T::LPar => self.sequence(T::RPar, ")"),
            T::LBracket => self.sequence(T::RBracket, "]"),
            T::LBrace => self.mapping(),
            _ => Err(self.expected("a pattern")),
        }
    }

    fn sequence(&mut self, closer: T, text: &str) -> R<()> {
        self.next();
        self.inside(|this| {
            while this.kind() != closer {
                this.pattern_item()?;
                if !this.eat(T::Comma) {
                    break;
                }
            }
            Ok(())
        })?;
        if self.eat(closer) { Ok(()) } else { Err(self.unexpected_before(text)) }
    }

    fn class_arguments(&mut self) -> R<()> {
        self.next();
        self.inside(|this| {
            let mut keyword_seen = false;
            while this.kind() != T::RPar {
                if this.kind() == T::Name && this.kind_at(1) == T::Equal {
                    keyword_seen = true;
                    this.next();
                    this.next();
                } else if keyword_seen {
                    let here = this.here();
                    let message = "a positional pattern cannot follow a keyword pattern";
                    return Err(this.fail_at(ErrorCode::SyntaxUnexpected, (here.start, here.end), message));
                }
                this.pattern()?;
                if !this.eat(T::Comma) {
                    break;
                }
            }
            Ok(())
        })?;
        if self.eat(T::RPar) { Ok(()) } else { Err(self.unexpected_before(")")) }
    }

    fn mapping(&mut self) -> R<()> {
        self.next();
        self.inside(|this| {
            while this.kind() != T::RBrace {
                if this.eat(T::DoubleStar) {
                    this.name("of a capture after '**'")?;
                } else {
                    this.closed_pattern()?;
                    if !this.eat(T::Colon) {
                        return Err(this.expected("':' after the key of a mapping pattern"));
                    }
                    this.pattern()?;
                }
                if !this.eat(T::Comma) {
                    break;
                }
            }
            Ok(())
        })?;
        if self.eat(T::RBrace) { Ok(()) } else { Err(self.unexpected_before("}")) }
    }
}
