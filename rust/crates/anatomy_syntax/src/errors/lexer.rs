//! Text to tokens as Python reads them: lines, indentation, brackets and strings, formatted ones included.
//!
//! Errors of this level (unclosed and unmatched brackets, unfinished strings, bad indentation, characters that are no
//! Python) are found here, and reading goes on behind each as if it were mended. An unclosed bracket ends at the first
//! line that can only be a statement, so it costs one error and not the rest of the file.

use anatomy_facts::ErrorCode;

use super::Fail;

/// Brackets that CPython lets nest.
pub(crate) const BRACKET_LIMIT: usize = 200;
/// Errors after which reading stops: nobody reads more, and each may cost a look ahead.
pub(crate) const ERROR_LIMIT: usize = 40;
/// Formatted strings inside formatted strings.
const FIELD_LIMIT: usize = 40;

macro_rules! keywords {
    ($($variant:ident = $text:literal,)*) => {
        /// What a token is.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum T {
            Name, Number, Str, Bytes,
            FStart, FOpen, FClose, FConversion, FSpec, FEnd,
            Newline, Indent, Dedent, End,
            LPar, RPar, LBracket, RBracket, LBrace, RBrace,
            Comma, Colon, Semi, Dot, Ellipsis, Arrow, ColonEqual, Equal, AugAssign, At,
            Star, DoubleStar, Plus, Minus, Tilde, Slash, Binary, Compare, OldUnequal,
            $($variant,)*
        }

        fn word_kind(text: &[u8]) -> T {
            match text { $($text => T::$variant,)* _ => T::Name }
        }
    };
}

keywords! {
    False = b"False", None = b"None", True = b"True", And = b"and", As = b"as", Assert = b"assert", Async = b"async",
    Await = b"await", Break = b"break", Class = b"class", Continue = b"continue", Def = b"def", Del = b"del",
    Elif = b"elif", Else = b"else", Except = b"except", Finally = b"finally", For = b"for", From = b"from",
    Global = b"global", If = b"if", Import = b"import", In = b"in", Is = b"is", Lambda = b"lambda",
    Nonlocal = b"nonlocal", Not = b"not", Or = b"or", Pass = b"pass", Raise = b"raise", Return = b"return",
    Try = b"try", While = b"while", With = b"with", Yield = b"yield",
}

impl T {
    /// True for a word that can only start a statement or clause: inside brackets it proves that one was not closed.
    fn is_statement_word(self) -> bool {
        matches!(
            self,
            T::Assert
                | T::Break
                | T::Class
                | T::Continue
                | T::Def
                | T::Del
                | T::Elif
                | T::Except
                | T::Finally
                | T::Global
                | T::Import
                | T::Nonlocal
                | T::Pass
                | T::Raise
                | T::Return
                | T::Try
                | T::While
                | T::With
        )
    }

    /// True for words that cannot be names.
    pub(crate) fn is_keyword(self) -> bool {
        (self as u8) >= (T::False as u8)
    }
}

/// One token: its kind and its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: T,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// The tokens of a text and its lexical errors.
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) fails: Vec<Fail>,
    /// Line breaks and comments inside brackets: what stands there means nothing.
    pub(crate) blanks: Vec<(u32, u32)>,
    /// True if reading stopped before the end.
    pub(crate) gave_up: bool,
}

/// The tokens of a text, up to where it has more errors than anybody reads.
pub(crate) fn lex(text: &str) -> Lexed {
    lex_up_to(text, ERROR_LIMIT)
}

/// The tokens of a text, up to where it is hardly Python any more.
pub(crate) fn lex_whole(text: &str) -> Lexed {
    lex_up_to(text, 50 * ERROR_LIMIT)
}

fn lex_up_to(text: &str, error_limit: usize) -> Lexed {
    let mut lexer = Lexer {
        text: text.as_bytes(),
        source: text,
        at: 0,
        tokens: Vec::with_capacity(text.len() / 4 + 8),
        fails: Vec::new(),
        blanks: Vec::new(),
        brackets: Vec::new(),
        indents: vec![(0, 0)],
        line_indent: 0,
        fields: 0,
        error_limit,
        gave_up: false,
    };
    lexer.run();
    Lexed { tokens: lexer.tokens, fails: lexer.fails, blanks: lexer.blanks, gave_up: lexer.gave_up }
}

struct Lexer<'t> {
    text: &'t [u8],
    source: &'t str,
    at: usize,
    tokens: Vec<Token>,
    fails: Vec<Fail>,
    blanks: Vec<(u32, u32)>,
    /// Open brackets: character and place.
    brackets: Vec<(u8, usize)>,
    /// Columns of open blocks, with tabs as eight and as one.
    indents: Vec<(u32, u32)>,
    /// Column of the logical line that is being read.
    line_indent: u32,
    fields: usize,
    error_limit: usize,
    gave_up: bool,
}

impl Lexer<'_> {
    fn run(&mut self) {
        if self.text.starts_with(b"\xEF\xBB\xBF") {
            self.at = 3;
        }
        while !self.gave_up {
            if !self.line_start() {
                break;
            }
            self.logical_line();
        }
        let end = self.text.len() as u32;
        for _ in 1..self.indents.len() {
            self.push(T::Dedent, end as usize, end as usize);
        }
        self.push(T::End, end as usize, end as usize);
    }

    fn push(&mut self, kind: T, start: usize, end: usize) {
        self.tokens.push(Token { kind, start: start as u32, end: end as u32 });
    }

    fn fail(&mut self, code: ErrorCode, start: usize, end: usize, message: impl Into<String>) {
        self.fails.push(Fail::new(code, start as u32, end as u32, message));
        self.gave_up |= self.fails.len() >= self.error_limit;
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// Moves to the first token of the next line that has one, and opens or closes blocks. False at the end.
    fn line_start(&mut self) -> bool {
        loop {
            let (mut column, mut narrow) = (0u32, 0u32);
            loop {
                match self.peek(0) {
                    b' ' => (column, narrow) = (column + 1, narrow + 1),
                    b'\t' => (column, narrow) = ((column / 8 + 1) * 8, narrow + 1),
                    0x0C => (column, narrow) = (0, 0),
                    b'\\' if self.line_break_at(self.at + 1) > 0 => {
                        self.at += 1 + self.line_break_at(self.at + 1);
                        continue;
                    }
                    _ => break,
                }
                self.at += 1;
            }
            if self.at >= self.text.len() {
                return false;
            }
            match self.peek(0) {
                b'#' => self.skip_comment(),
                b'\n' | b'\r' => {}
                _ => {
                    self.line_indent = column;
                    self.indent(column, narrow);
                    return true;
                }
            }
            self.at += self.line_break_at(self.at);
            if self.at >= self.text.len() {
                return false;
            }
        }
    }

    /// Bytes of the line break at a place, 0 if there is none.
    fn line_break_at(&self, at: usize) -> usize {
        match self.text.get(at) {
            Some(b'\n') => 1,
            Some(b'\r') => 1 + usize::from(self.text.get(at + 1) == Some(&b'\n')),
            _ => 0,
        }
    }

    fn indent(&mut self, column: u32, narrow: u32) {
        let (top, top_narrow) = self.indents.last().copied().unwrap_or((0, 0));
        let at = self.at;
        if column > top {
            if narrow <= top_narrow {
                self.mixed_tabs();
            }
            self.indents.push((column, narrow));
            self.push(T::Indent, at, at);
        } else if column < top {
            while self.indents.last().is_some_and(|&(top, _)| top > column) && self.indents.len() > 1 {
                self.indents.pop();
                self.push(T::Dedent, at, at);
            }
            let (top, top_narrow) = self.indents.last().copied().unwrap_or((0, 0));
            if top != column {
                let line = self.source[..at].rfind(['\n', '\r']).map_or(0, |found| found + 1);
                self.fail(
                    ErrorCode::SyntaxIndent,
                    line,
                    at,
                    "this line is indented less than its block and matches no outer one",
                );
            } else if top_narrow != narrow {
                self.mixed_tabs();
            }
        } else if narrow != top_narrow {
            self.mixed_tabs();
        }
    }

    fn mixed_tabs(&mut self) {
        let at = self.at;
        let line = self.source[..at].rfind(['\n', '\r']).map_or(0, |found| found + 1);
        self.fail(ErrorCode::SyntaxIndent, line, at, "inconsistent use of tabs and spaces in indentation");
    }

    fn skip_comment(&mut self) {
        while self.at < self.text.len() && !matches!(self.text[self.at], b'\n' | b'\r') {
            self.at += 1;
        }
    }

    /// Reads tokens to the end of the logical line, its `Newline` included.
    fn logical_line(&mut self) {
        loop {
            if self.gave_up {
                return;
            }
            match self.peek(0) {
                b' ' | b'\t' | 0x0C => self.at += 1,
                b'#' => {
                    let start = self.at;
                    self.skip_comment();
                    if !self.brackets.is_empty() {
                        self.blanks.push((start as u32, self.at as u32));
                    }
                }
                b'\n' | b'\r' => {
                    let length = self.line_break_at(self.at);
                    if self.brackets.is_empty() {
                        self.push(T::Newline, self.at, self.at + length);
                        self.at += length;
                        return;
                    }
                    self.blanks.push((self.at as u32, (self.at + length) as u32));
                    self.at += length;
                    if self.proves_unclosed() {
                        self.unclosed();
                        return;
                    }
                }
                0 if self.at >= self.text.len() => {
                    if !self.brackets.is_empty() {
                        self.unclosed();
                        return;
                    }
                    self.push(T::Newline, self.at, self.at);
                    return;
                }
                _ => self.token(),
            }
        }
    }

    /// True if the line here, inside brackets, starts with a word that can only start a statement.
    fn proves_unclosed(&self) -> bool {
        let rest = &self.text[self.at..];
        let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let word = &rest[blank..];
        let length = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let ends = !matches!(word.get(length), Some(b'_' | b'0'..=b'9' | 0x80..));
        length >= 3 && ends && word_kind(&word[..length]).is_statement_word()
    }

    /// Ends the logical line at an open bracket that nothing closes, and goes on at the next line that looks like a
    /// statement.
    fn unclosed(&mut self) {
        let Some(&(opener, place)) = self.brackets.last() else { return };
        let noticed = self.at.min(self.text.len());
        let mut resume = noticed;
        let mut line = place;
        while let Some(found) = self.text[line..noticed].iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            line += found;
            line += self.line_break_at(line);
            let rest = &self.text[line.min(noticed)..noticed];
            let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let column = rest[..blank].iter().map(|byte| if *byte == b'\t' { 8 } else { 1 }).sum::<u32>();
            let starts = rest.get(blank).is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'@'));
            if starts && column <= self.line_indent {
                resume = line;
                break;
            }
        }
        let mut fail = Fail::new(
            ErrorCode::SyntaxUnclosed,
            place as u32,
            place as u32 + 1,
            format!("'{}' was never closed", char::from(opener)),
        );
        if resume < self.text.len() {
            let blank = self.text[resume..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            let from = resume + blank;
            let length = self.text[from..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count().max(1);
            let to = (from + length).min(self.text.len());
            fail.related = Some((from as u32, to as u32, "the next statement starts here".to_owned()));
        }
        self.fails.push(fail);
        self.gave_up |= self.fails.len() >= self.error_limit;
        self.brackets.clear();
        while self.tokens.last().is_some_and(|token| token.start as usize >= resume && token.end > token.start) {
            self.tokens.pop();
        }
        let end = self.tokens.last().map_or(resume, |token| token.end as usize);
        self.push(T::Newline, end, end);
        self.at = resume;
    }

    fn one(&mut self, kind: T, length: usize) {
        self.push(kind, self.at, self.at + length);
        self.at += length;
    }

    fn open(&mut self, kind: T) {
        if self.brackets.len() >= BRACKET_LIMIT {
            self.fail(ErrorCode::SyntaxUnexpected, self.at, self.at + 1, "too many nested brackets");
            self.gave_up = true;
            return;
        }
        self.brackets.push((self.text[self.at], self.at));
        self.one(kind, 1);
    }

    fn close(&mut self, kind: T, opener: u8) {
        let closer = char::from(self.text[self.at]);
        match self.brackets.last().copied() {
            Some((open, _)) if open == opener => {
                self.brackets.pop();
                self.one(kind, 1);
            }
            Some((open, place)) => {
                let mut fail = Fail::new(
                    ErrorCode::SyntaxUnmatched,
                    self.at as u32,
                    self.at as u32 + 1,
                    format!("'{closer}' does not match '{}'", char::from(open)),
                );
                fail.related =
                    Some((place as u32, place as u32 + 1, format!("'{}' was opened here", char::from(open))));
                self.fails.push(fail);
                self.gave_up |= self.fails.len() >= self.error_limit;
                if let Some(depth) = self.brackets.iter().rposition(|&(open, _)| open == opener) {
                    self.brackets.truncate(depth);
                }
                self.at += 1;
            }
            None => {
                self.fail(ErrorCode::SyntaxUnmatched, self.at, self.at + 1, format!("unmatched '{closer}'"));
                self.at += 1;
            }
        }
    }

    /// Reads one token; the current byte is no blank and no line break.
    fn token(&mut self) {
        let (first, second, third) = (self.peek(0), self.peek(1), self.peek(2));
        match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' | b'\'' => self.string(self.at, 0),
            b'(' => self.open(T::LPar),
            b'[' => self.open(T::LBracket),
            b'{' => self.open(T::LBrace),
            b')' => self.close(T::RPar, b'('),
            b']' => self.close(T::RBracket, b'['),
            b'}' => self.close(T::RBrace, b'{'),
            b',' => self.one(T::Comma, 1),
            b';' => self.one(T::Semi, 1),
            b'.' if second.is_ascii_digit() => self.number(),
            b'.' if second == b'.' && third == b'.' => self.one(T::Ellipsis, 3),
            b'.' => self.one(T::Dot, 1),
            b':' if second == b'=' => self.one(T::ColonEqual, 2),
            b':' => self.one(T::Colon, 1),
            b'=' if second == b'=' => self.one(T::Compare, 2),
            b'=' => self.one(T::Equal, 1),
            b'-' if second == b'>' => self.one(T::Arrow, 2),
            b'!' if second == b'=' => self.one(T::Compare, 2),
            b'<' if second == b'>' => self.one(T::OldUnequal, 2),
            b'<' | b'>' if second == first && third == b'=' => self.one(T::AugAssign, 3),
            b'<' | b'>' if second == first => self.one(T::Binary, 2),
            b'<' | b'>' if second == b'=' => self.one(T::Compare, 2),
            b'<' | b'>' => self.one(T::Compare, 1),
            b'*' | b'/' if second == first && third == b'=' => self.one(T::AugAssign, 3),
            b'*' if second == b'*' => self.one(T::DoubleStar, 2),
            b'/' if second == b'/' => self.one(T::Binary, 2),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'&' | b'|' | b'^' | b'@' if second == b'=' => self.one(T::AugAssign, 2),
            b'+' => self.one(T::Plus, 1),
            b'-' => self.one(T::Minus, 1),
            b'*' => self.one(T::Star, 1),
            b'/' => self.one(T::Slash, 1),
            b'~' => self.one(T::Tilde, 1),
            b'@' => self.one(T::At, 1),
            b'%' | b'&' | b'|' | b'^' => self.one(T::Binary, 1),
            b'\\' => self.backslash(),
            b'`' => self.backquotes(),
            0x80.. => self.word(),
            _ => {
                let message = match first {
                    0 => "source code cannot contain NUL bytes".to_owned(),
                    b'!' => "'!' is no operator; use `not`".to_owned(),
                    b'$' | b'?' => format!("'{}' is no part of Python", char::from(first)),
                    _ => format!("invalid non-printable character U+{first:04X}"),
                };
                // A NUL is reported by the reader of the file.
                if first != 0 {
                    self.fail(ErrorCode::SyntaxUnexpected, self.at, self.at + 1, message);
                }
                self.at += 1;
            }
        }
    }

    fn backslash(&mut self) {
        let length = self.line_break_at(self.at + 1);
        if length > 0 {
            self.at += 1 + length;
            if self.at >= self.text.len() {
                self.fail(
                    ErrorCode::SyntaxUnexpected,
                    self.at - 1 - length,
                    self.at - length,
                    "the file ends after a line continuation",
                );
            }
            return;
        }
        let message = "only a line break may follow the line continuation '\\'";
        self.fail(ErrorCode::SyntaxUnexpected, self.at, self.at + 1, message);
        self.at += 1;
    }

    fn backquotes(&mut self) {
        let line = self.text[self.at + 1..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\r'));
        let length = line.clone().position(|byte| *byte == b'`').map_or(1, |found| found + 2);
        let message = "backquotes are not Python 3; use repr()";
        self.fail(ErrorCode::SyntaxStatement, self.at, self.at + length, message);
        self.push(T::Str, self.at, self.at + length);
        self.at += length;
    }

    /// A name, a keyword or the prefix of a string.
    fn word(&mut self) {
        let start = self.at;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9' => self.at += 1,
                0x80.. => {
                    let character = self.source[self.at..].chars().next().unwrap_or(' ');
                    if is_foreign(character) {
                        if self.at > start {
                            break;
                        }
                        let to = self.at + character.len_utf8();
                        let message = format!("invalid character '{character}' (U+{:04X})", character as u32);
                        self.fail(ErrorCode::SyntaxUnexpected, self.at, to, message);
                        self.at = to;
                        return;
                    }
                    self.at += character.len_utf8();
                }
                _ => break,
            }
        }
        let word = &self.text[start..self.at];
        if word.len() <= 2 && matches!(self.peek(0), b'"' | b'\'') && is_string_prefix(word) {
            return self.string(start, word.len());
        }
        let kind = word_kind(word);
        self.push(kind, start, self.at);
    }

    fn number(&mut self) {
        let start = self.at;
        let digits = |lexer: &mut Self, accepts: fn(u8) -> bool| {
            let from = lexer.at;
            while accepts(lexer.peek(0)) || (lexer.peek(0) == b'_' && accepts(lexer.peek(1))) {
                lexer.at += 1;
            }
            lexer.at > from
        };
        let decimal = |byte: u8| byte.is_ascii_digit();
        let base = match (self.peek(0), self.peek(1) | 0x20) {
            (b'0', b'x') => Some(("hexadecimal", (|byte: u8| byte.is_ascii_hexdigit()) as fn(u8) -> bool)),
            (b'0', b'o') => Some(("octal", (|byte: u8| matches!(byte, b'0'..=b'7')) as fn(u8) -> bool)),
            (b'0', b'b') => Some(("binary", (|byte: u8| matches!(byte, b'0' | b'1')) as fn(u8) -> bool)),
            _ => None,
        };
        let mut name = "decimal";
        if let Some((kind, accepts)) = base {
            name = kind;
            self.at += 2;
            if !digits(self, accepts) || self.peek(0).is_ascii_digit() {
                self.bad_number(start, format!("invalid {kind} literal"));
                return;
            }
        } else {
            digits(self, decimal);
            let mut is_integer = true;
            if self.peek(0) == b'.' {
                is_integer = false;
                self.at += 1;
                digits(self, decimal);
            }
            if matches!(self.peek(0), b'e' | b'E') {
                let sign = usize::from(matches!(self.peek(1), b'+' | b'-'));
                if self.peek(1 + sign).is_ascii_digit() {
                    is_integer = false;
                    self.at += 1 + sign;
                    digits(self, decimal);
                }
            }
            if matches!(self.peek(0), b'j' | b'J') {
                is_integer = false;
                self.at += 1;
            }
            let text = &self.text[start..self.at];
            if is_integer && text[0] == b'0' && text.iter().any(|byte| !matches!(byte, b'0' | b'_')) {
                let message = "leading zeros are not permitted in decimal literals; use 0o for octal";
                self.bad_number(start, message.to_owned());
                return;
            }
        }
        if matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'_' | 0x80..) {
            let rest = &self.text[self.at..];
            let length = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let word = &rest[..length];
            let keyword = [&b"and"[..], b"else", b"for", b"if", b"in", b"is", b"or", b"not"]
                .iter()
                .any(|keyword| word.starts_with(keyword));
            if !keyword {
                self.bad_number(start, format!("invalid {name} literal"));
                return;
            }
        }
        self.push(T::Number, start, self.at);
    }

    fn bad_number(&mut self, start: usize, message: String) {
        while matches!(self.peek(0), b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'0'..=b'9') {
            self.at += 1;
        }
        self.fail(ErrorCode::SyntaxUnexpected, start, self.at, message);
        self.push(T::Number, start, self.at);
    }

    /// A string whose prefix of that length starts at `start`.
    fn string(&mut self, start: usize, prefix: usize) {
        let flags = &self.text[start..start + prefix];
        let has = |flag: u8| flags.iter().any(|byte| byte.to_ascii_lowercase() == flag);
        let (raw, bytes, formatted) = (has(b'r'), has(b'b'), has(b'f') || has(b't'));
        let quote = self.text[start + prefix];
        let triple = self.text.get(start + prefix..start + prefix + 3) == Some(&[quote; 3]);
        let quotes = if triple { 3 } else { 1 };
        self.at = start + prefix + quotes;
        if formatted {
            return self.formatted(start, quote, triple, raw);
        }
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\\' => self.escape(raw, bytes),
                b'\n' | b'\r' if !triple => break,
                _ if byte == quote && (!triple || self.text.get(self.at..self.at + 3) == Some(&[quote; 3])) => {
                    self.at += quotes;
                    self.push(if bytes { T::Bytes } else { T::Str }, start, self.at);
                    return;
                }
                0x80.. if bytes => {
                    let character = self.source[self.at..].chars().next().unwrap_or(' ');
                    let to = self.at + character.len_utf8();
                    let message = "a bytes literal can only hold ASCII characters";
                    self.fail(ErrorCode::SyntaxUnexpected, self.at, to, message);
                    self.at = to;
                }
                _ => self.at += 1,
            }
        }
        self.unfinished(start, prefix, quotes, "string");
        self.push(if bytes { T::Bytes } else { T::Str }, start, self.at);
    }

    fn unfinished(&mut self, start: usize, prefix: usize, quotes: usize, what: &str) {
        let (end, message) = if quotes == 3 {
            (start + prefix + 3, format!("this triple-quoted {what} was never closed"))
        } else {
            (self.at, format!("this {what} was never closed"))
        };
        self.fail(ErrorCode::SyntaxUnclosed, start, end.min(self.text.len()), message);
    }

    /// A backslash inside a string.
    fn escape(&mut self, raw: bool, bytes: bool) {
        let start = self.at;
        self.at += 1;
        let line_break = self.line_break_at(self.at);
        if line_break > 0 {
            self.at += line_break;
            return;
        }
        let Some(&byte) = self.text.get(self.at) else { return };
        self.at += self.source[self.at..].chars().next().map_or(1, char::len_utf8);
        if raw {
            return;
        }
        let digits = match byte {
            b'x' => 2,
            b'u' if !bytes => 4,
            b'U' if !bytes => 8,
            _ => return,
        };
        let found = self.text[self.at..].iter().take(digits).take_while(|byte| byte.is_ascii_hexdigit()).count();
        self.at += found;
        if found < digits {
            let message = format!("'\\{}' needs {digits} hexadecimal digits", char::from(byte));
            self.fail(ErrorCode::SyntaxUnexpected, start, self.at, message);
        }
    }

    /// A formatted string, whose quotes are behind.
    fn formatted(&mut self, start: usize, quote: u8, triple: bool, raw: bool) {
        self.push(T::FStart, start, self.at);
        let outer = std::mem::take(&mut self.brackets);
        self.fields += 1;
        let closed = self.literal_part(quote, triple, raw, false);
        self.fields -= 1;
        if closed {
            let quotes = if triple { 3 } else { 1 };
            self.at += quotes;
        } else if !self.gave_up {
            let prefix = self.text[start..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            self.unfinished(start, prefix, if triple { 3 } else { 1 }, "f-string");
        }
        self.brackets = outer;
        self.push(T::FEnd, self.at, self.at);
    }

    /// Text and fields up to the closing quote (or, in a format specification, the closing brace). False if neither comes.
    fn literal_part(&mut self, quote: u8, triple: bool, raw: bool, in_spec: bool) -> bool {
        loop {
            let Some(&byte) = self.text.get(self.at) else { return false };
            if self.gave_up {
                return false;
            }
            match byte {
                b'\n' | b'\r' if !triple => return false,
                _ if byte == quote && (!triple || self.text.get(self.at..self.at + 3) == Some(&[quote; 3])) => {
                    return !in_spec;
                }
                b'\\' if matches!(self.peek(1), b'{' | b'}') => self.at += 1,
                b'\\' if !raw && self.peek(1) == b'N' && self.peek(2) == b'{' => {
                    let rest = &self.text[self.at..];
                    let name = rest.iter().position(|byte| matches!(byte, b'}' | b'\n' | b'"' | b'\''));
                    self.at += name.filter(|at| rest[*at] == b'}').map_or(3, |at| at + 1);
                }
                b'\\' => self.escape(raw, false),
                b'{' if self.peek(1) == b'{' && !in_spec => self.at += 2,
                b'{' => {
                    if !self.field(quote, triple, raw) {
                        return false;
                    }
                }
                b'}' if in_spec => return true,
                b'}' if self.peek(1) == b'}' => self.at += 2,
                b'}' => {
                    let message = "a single '}' is not allowed in an f-string; write '}}'";
                    self.fail(ErrorCode::SyntaxUnmatched, self.at, self.at + 1, message);
                    self.at += 1;
                }
                _ => self.at += 1,
            }
        }
    }

    /// A field `{...}` of a formatted string. False if it is not closed.
    fn field(&mut self, quote: u8, triple: bool, raw: bool) -> bool {
        let opening = self.at;
        if self.fields > FIELD_LIMIT {
            self.gave_up = true;
            return false;
        }
        self.one(T::FOpen, 1);
        let depth = self.brackets.len();
        let line_end =
            self.text[self.at..].iter().position(|byte| *byte == b'\n').map_or(self.text.len(), |at| self.at + at);
        let errors = self.fails.len();
        let tokens = self.tokens.len();
        loop {
            if self.gave_up {
                return false;
            }
            let here = self.brackets.len() == depth;
            match self.peek(0) {
                0 if self.at >= self.text.len() => break,
                b' ' | b'\t' | 0x0C => self.at += 1,
                b'\n' | b'\r' => self.at += self.line_break_at(self.at),
                b'#' => self.skip_comment(),
                b'}' if here => {
                    self.one(T::FClose, 1);
                    return true;
                }
                b'!' if here && self.peek(1) != b'=' => {
                    let start = self.at;
                    self.at += 1;
                    while self.peek(0).is_ascii_alphanumeric() {
                        self.at += 1;
                    }
                    self.push(T::FConversion, start, self.at);
                }
                b':' if here => {
                    self.one(T::FSpec, 1);
                    self.fields += 1;
                    let closed = self.literal_part(quote, triple, raw, true);
                    self.fields -= 1;
                    if !closed {
                        break;
                    }
                    self.one(T::FClose, 1);
                    return true;
                }
                _ => {
                    self.fields += 1;
                    self.token();
                    self.fields -= 1;
                }
            }
            // The end of the string was read as the start of another one: the field is what is unfinished.
            if !triple && self.at > line_end && self.fails.len() > errors {
                break;
            }
        }
        self.fails.truncate(errors);
        self.tokens.truncate(tokens);
        self.at = if triple { self.at } else { line_end };
        if self.at > opening {
            let mut at = opening + 1;
            while at < line_end && self.text[at] != quote {
                at += 1;
            }
            if !triple || self.text.get(at..at + 3) == Some(&[quote; 3]) {
                self.at = at;
            }
        }
        self.fail(ErrorCode::SyntaxUnclosed, opening, opening + 1, "'{' of this f-string was never closed");
        self.push(T::Name, opening, opening + 1);
        self.push(T::FClose, opening + 1, opening + 1);
        self.brackets.truncate(depth);
        true
    }
}

fn is_string_prefix(word: &[u8]) -> bool {
    let mut lower = [0u8; 2];
    for (to, from) in lower.iter_mut().zip(word) {
        *to = from.to_ascii_lowercase();
    }
    matches!(&lower[..word.len()], b"r" | b"u" | b"b" | b"f" | b"t" | b"br" | b"rb" | b"fr" | b"rf" | b"tr" | b"rt")
}

/// True for characters beyond ASCII that no identifier can hold and that people paste by accident: blanks, quotes,
/// dashes, arrows, signs. Others are taken for letters.
fn is_foreign(character: char) -> bool {
    matches!(character as u32,
        0x80..=0xA9 | 0xAB..=0xB4 | 0xB6 | 0xB8 | 0xB9 | 0xBB..=0xBF | 0xD7 | 0xF7
        | 0x2000..=0x200B | 0x200E..=0x203E | 0x2041..=0x2053 | 0x2055..=0x206F
        | 0x20A0..=0x20CF | 0x2190..=0x2BFF | 0x3000..=0x3004 | 0x3008..=0x3020 | 0x3030
        | 0xFE10..=0xFE1F | 0xFE30..=0xFE32 | 0xFEFF | 0xFF01..=0xFF0F | 0xFF1A..=0xFF20 | 0xFF3B..=0xFF3E | 0xFF40
        | 0xFF5B..=0xFF65 | 0xFFFD | 0x1F000..=0x1FAFF)
}
