//! The head of a definition as one line: `def discount(order, *, rate=0.1) -> int`, `class Order(Base)`.
//!
//! Taken from the text when a file is extracted, because the text of a closed file is not kept.

use std::collections::HashMap;

use anatomy_facts::tables::{BINDINGS, EVIDENCE};
use anatomy_facts::{FileFacts, Id, Symbol};
use arrow::array::AsArray;
use arrow::datatypes::{UInt32Type, UInt64Type};

/// A head is cut behind this many characters.
const LONGEST: usize = 400;

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
            if matches!(letter, ')' | ']') && out.ends_with(' ') {
                out.pop();
            }
            out.push(letter);
        }
        if out.len() > LONGEST {
            out.push('…');
            break;
        }
    }
    let folded = out.trim_end().replace(",)", ")");
    (!folded.is_empty()).then_some(folded)
}

#[cfg(test)]
mod tests {
    use super::head;

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
            of("def f(\n    a: int = 1,  # first\n    *,\n    b=\":)\",\n) -> dict[str, int]:\n    pass\n", "def"),
            "def f(a: int = 1, *, b=\":)\") -> dict[str, int]"
        );
        assert_eq!(of("class Order(Base, metaclass=Meta):\n", "class"), "class Order(Base, metaclass=Meta)");
    }

    #[test]
    fn an_unfinished_head_ends_with_its_line() {
        assert_eq!(of("def f\nx = 1\n", "def"), "def f");
    }
}
