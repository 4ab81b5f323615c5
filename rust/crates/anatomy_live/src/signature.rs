//! The head of a definition as one line: `def discount(order, *, rate=0.1) -> int`, `class Order(Base)`.
//!
//! Taken from the text when a file is extracted, because the text of a closed file is not kept.

use std::collections::HashMap;

use anatomy_facts::tables::{BINDINGS, EVIDENCE};
use anatomy_facts::{FileFacts, Id, Symbol};
use arrow::array::AsArray;
use arrow::datatypes::{UInt32Type, UInt64Type};

/// A head is cut behind this many characters.
const LONGEST: usize = 4000;

/// The head of a function, taken apart.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Head {
    /// True for `async def`.
    pub(crate) is_async: bool,
    /// Parameters in order, separators included.
    pub(crate) parts: Vec<Part>,
    /// What stands behind `->`.
    pub(crate) returns: Option<String>,
}

/// What stands between two commas of a parameter list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    /// As written, blanks folded.
    pub(crate) text: String,
    /// Name without stars; empty for a separator.
    pub(crate) name: String,
    /// How an argument may reach it.
    pub(crate) taken: Taken,
    /// True if it may be left out.
    pub(crate) has_default: bool,
}

/// How an argument may reach a parameter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Taken {
    /// Only by its place.
    Place,
    /// By place or name.
    Either,
    /// Only by name.
    Name,
    /// `*rest`.
    Places,
    /// `**rest`.
    Names,
    /// `*` or `/`: no parameter.
    Separator,
}

impl Head {
    /// The parts of a head as `signatures` writes it, if it is one of a function.
    pub(crate) fn of(head: &str) -> Option<Head> {
        let rest = head.strip_prefix("async ").unwrap_or(head).trim_start().strip_prefix("def ")?;
        let opening = opening(rest)?;
        let mut parts: Vec<Part> = Vec::new();
        let (mut from, mut past) = (opening + 1, rest.len());
        for (at, letter) in outer(rest, opening + 1) {
            match letter {
                ',' => {
                    parts.extend(part(&rest[from..at]));
                    from = at + 1;
                }
                ')' => {
                    past = at;
                    break;
                }
                _ => {}
            }
        }
        parts.extend(part(rest[from..past].trim_end_matches('…')));
        let mut behind_star = false;
        for at in 0..parts.len() {
            match parts[at].taken {
                Taken::Separator if parts[at].text == "/" => {
                    parts[..at].iter_mut().for_each(|part| part.taken = Taken::Place);
                }
                Taken::Separator | Taken::Places => behind_star = true,
                Taken::Either if behind_star => parts[at].taken = Taken::Name,
                _ => {}
            }
        }
        let returns = rest.get(past + 1..).and_then(|rest| rest.trim_start().strip_prefix("->"));
        Some(Head {
            is_async: head.starts_with("async "),
            parts,
            returns: returns.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
        })
    }
}

/// Where the parameter list opens: behind the name and its type parameters.
fn opening(head: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, letter) in head.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            '(' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    None
}

/// The characters from an offset on that stand in no bracket and no string opened behind it.
fn outer(text: &str, from: usize) -> impl Iterator<Item = (usize, char)> {
    let (mut depth, mut quote, mut before) = (0_i32, None, ' ');
    text[from..].char_indices().filter_map(move |(at, letter)| {
        let was = depth;
        match (quote, letter) {
            (Some(mark), _) => {
                if letter == mark && before != '\\' {
                    quote = None;
                }
                before = letter;
                return None;
            }
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(' | '[' | '{') => depth += 1,
            (None, ')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        before = letter;
        (was == 0).then_some((from + at, letter))
    })
}

/// One parameter from its text, if there is any.
fn part(text: &str) -> Option<Part> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    let (stars, rest) = match text.as_bytes() {
        [b'*', b'*', ..] => (2, &text[2..]),
        [b'*', ..] => (1, &text[1..]),
        _ => (0, text),
    };
    let name: String =
        rest.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let taken = match (stars, name.is_empty()) {
        (_, true) => Taken::Separator,
        (0, false) => Taken::Either,
        (1, false) => Taken::Places,
        _ => Taken::Names,
    };
    let has_default = outer(text, 0).any(|(_, letter)| letter == '=');
    Some(Part { text: text.to_owned(), name, taken, has_default })
}

/// The heads of all classes and functions of a file.
pub(crate) fn signatures(text: &str, facts: &FileFacts) -> HashMap<Id, Box<str>> {
    let table = EVIDENCE.iter().position(|contract| contract.name == BINDINGS.name);
    let (Some(table), Some(id), Some(kind)) = (table, BINDINGS.position("binding"), BINDINGS.position("kind")) else {
        unreachable!("the bindings contract has its own columns");
    };
    let rows = &facts.tables[table];
    let (function, class) = (Symbol::of("function").0, Symbol::of("class").0);
    let ids = rows.column(id).as_primitive::<UInt64Type>().values();
    let kinds = rows.column(kind).as_primitive::<UInt32Type>().values();
    let defines: std::collections::HashSet<Id> =
        ids.iter().zip(kinds).filter(|(_, kind)| **kind == function || **kind == class).map(|(id, _)| *id).collect();
    facts
        .anchors
        .iter()
        .filter(|anchor| defines.contains(&anchor.id))
        .filter_map(|anchor| Some((anchor.id, head(text, anchor.start as usize, anchor.end as usize)?.into())))
        .collect()
}

/// The line of a name from its first word to the colon that opens the body, blanks folded.
fn head(text: &str, name_start: usize, name_end: usize) -> Option<String> {
    let line = text.get(..name_start)?.rfind(['\n', ';']).map_or(0, |at| at + 1);
    let (mut depth, mut quote, mut comment) = (0_i32, None, false);
    let mut out = text.get(line..name_end)?.trim_start().to_owned();
    let mut before = ' ';
    for letter in text.get(name_end..)?.chars() {
        match (comment, quote, letter) {
            (true, _, '\n') => comment = false,
            (true, _, _) => continue,
            (_, Some(mark), _) if letter == mark && before != '\\' => quote = None,
            (_, Some(_), _) => {}
            (_, None, '#') => {
                comment = true;
                continue;
            }
            (_, None, '"' | '\'') => quote = Some(letter),
            (_, None, '(' | '[' | '{') => depth += 1,
            (_, None, ')' | ']' | '}') => depth -= 1,
            (_, None, ':' | '\n') if depth == 0 => break,
            _ => {}
        }
        before = letter;
        let blank = letter.is_whitespace() || (letter == '\\' && quote.is_none());
        if blank {
            if !out.ends_with([' ', '(', '[']) {
                out.push(' ');
            }
        } else {
            if matches!(letter, ')' | ']') && quote.is_none() {
                out.truncate(out.trim_end_matches(' ').len());
                if letter == ')' && out.ends_with(',') && !out.ends_with("(,") {
                    out.pop();
                }
            }
            out.push(letter);
        }
        if out.len() > LONGEST {
            out.push('…');
            break;
        }
    }
    out.truncate(out.trim_end().len());
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::{Head, Taken, head};

    /// The head of the definition whose name follows the keyword.
    fn of(text: &str, keyword: &str) -> String {
        let start = text.find(keyword).unwrap() + keyword.len() + 1;
        let length = text[start..].find(|letter: char| !letter.is_alphanumeric()).unwrap();
        head(text, start, start + length).unwrap()
    }

    #[test]
    fn a_head_is_one_line() {
        assert_eq!(of("x = 1\n    async def pay(self): ...\n", "def"), "async def pay(self)");
        assert_eq!(
            of("def f(\n    a: int = 1,  # first\n    *,\n    b=\":,)\",\n) -> dict[str, int]:\n    pass\n", "def"),
            "def f(a: int = 1, *, b=\":,)\") -> dict[str, int]"
        );
        assert_eq!(of("class Order(Base, metaclass=Meta):\n", "class"), "class Order(Base, metaclass=Meta)");
    }

    #[test]
    fn a_head_is_taken_apart() {
        let head =
            Head::of(r#"async def f[T: (int, str)](a, /, b: dict[str, int] = {1: "),"}, *, c="=", **d) -> list[T]"#)
                .unwrap();
        let parts: Vec<(&str, Taken, bool)> =
            head.parts.iter().map(|part| (part.name.as_str(), part.taken, part.has_default)).collect();
        assert_eq!(
            parts,
            [
                ("a", Taken::Place, false),
                ("", Taken::Separator, false),
                ("b", Taken::Either, true),
                ("", Taken::Separator, false),
                ("c", Taken::Name, true),
                ("d", Taken::Names, false),
            ]
        );
        assert_eq!((head.is_async, head.returns.as_deref()), (true, Some("list[T]")));
        assert_eq!(Head::of("def f(").unwrap().parts, []);
        assert_eq!(Head::of("def f(*a, b").unwrap().parts[1].taken, Taken::Name);
        assert_eq!(Head::of("class C(Base)"), None);
        assert_eq!(Head::of("def f"), None);
    }

    #[test]
    fn an_unfinished_head_ends_with_its_line() {
        assert_eq!(of("def f\nx = 1\n", "def"), "def f");
    }
}
