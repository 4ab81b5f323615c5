//! The call whose arguments are being typed, read from the tokens before the cursor.
//!
//! While a call is typed its bracket is open and the tree is a guess; what stands before the cursor is not. So neither the
//! tree nor the text behind the cursor is asked.

use crate::errors::lexer::{T, Token, lex};

/// How an argument is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Given {
    /// By its place.
    Place,
    /// By that keyword.
    Keyword(String),
    /// `*items`.
    Star,
    /// `**items`.
    DoubleStar,
}

/// A call up to the cursor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallSite {
    /// Past the last byte of the called expression.
    pub callee_end: u32,
    /// Arguments before the one at the cursor.
    pub given: Vec<Given>,
    /// The argument at the cursor.
    pub current: Given,
}

/// The innermost call that is open at an offset, if any. A definition's own brackets are none.
#[must_use]
pub fn call_at(text: &str, offset: u32) -> Option<CallSite> {
    let before = text.get(..offset as usize)?;
    let lexed = lex(before);
    if lexed.gave_up {
        return None;
    }
    let is_layout = |kind| matches!(kind, T::Newline | T::Indent | T::Dedent | T::End);
    // The lexer ends an open line at the end of the text; for us it goes on there.
    let past = lexed.tokens.iter().rposition(|token| !is_layout(token.kind)).map_or(0, |last| last + 1);
    let tokens = &lexed.tokens[..past];
    let mut open: Vec<usize> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            T::LPar | T::LBracket | T::LBrace | T::FOpen => open.push(at),
            T::RPar | T::RBracket | T::RBrace | T::FClose => {
                open.pop();
            }
            T::Newline => open.clear(),
            _ => {}
        }
    }
    for bracket in open.into_iter().rev() {
        let callee = bracket.checked_sub(1).map(|at| tokens[at])?;
        if tokens[bracket].kind != T::LPar || !matches!(callee.kind, T::Name | T::RPar | T::RBracket) {
            continue;
        }
        let keyword = bracket.checked_sub(2).map(|at| tokens[at].kind);
        if callee.kind == T::Name && matches!(keyword, Some(T::Def | T::Class)) {
            return None;
        }
        if callee.kind == T::RBracket && is_generic_head(&tokens[..bracket]) {
            return None;
        }
        let mut given = arguments(before, &tokens[bracket + 1..]);
        let current = given.pop().unwrap_or(Given::Place);
        return Some(CallSite { callee_end: callee.end, given, current });
    }
    None
}

/// True behind `def f[T]` and `class C[T]`.
fn is_generic_head(tokens: &[Token]) -> bool {
    let mut depth = 0;
    let opening = tokens.iter().rposition(|token| {
        match token.kind {
            T::RBracket => depth += 1,
            T::LBracket => depth -= 1,
            _ => {}
        }
        depth == 0
    });
    let keyword = opening.and_then(|at| at.checked_sub(2)).map(|at| tokens[at].kind);
    matches!(keyword, Some(T::Def | T::Class))
}

/// The arguments that tokens begin, the last one being unfinished. Commas of inner brackets and of `lambda` are none.
fn arguments(text: &str, tokens: &[Token]) -> Vec<Given> {
    let mut found = Vec::new();
    let (mut depth, mut lambdas, mut first) = (0_u32, 0_u32, 0);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            T::LPar | T::LBracket | T::LBrace | T::FOpen => depth += 1,
            T::RPar | T::RBracket | T::RBrace | T::FClose => depth = depth.saturating_sub(1),
            T::Lambda if depth == 0 => lambdas += 1,
            T::Colon if depth == 0 => lambdas = lambdas.saturating_sub(1),
            T::Comma if depth == 0 && lambdas == 0 => {
                found.push(given(text, &tokens[first..at]));
                first = at + 1;
            }
            _ => {}
        }
    }
    found.push(given(text, &tokens[first..]));
    found
}

fn given(text: &str, tokens: &[Token]) -> Given {
    match tokens {
        [star, ..] if star.kind == T::Star => Given::Star,
        [stars, ..] if stars.kind == T::DoubleStar => Given::DoubleStar,
        [name, equal, ..] if name.kind == T::Name && equal.kind == T::Equal => {
            Given::Keyword(text.get(name.start as usize..name.end as usize).unwrap_or_default().to_owned())
        }
        _ => Given::Place,
    }
}
