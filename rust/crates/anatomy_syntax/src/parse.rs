//! Text to tree, by a parser that each thread keeps.
//!
//! The grammar knows no line that ends in a lone `\r`, Python does: such a text is parsed with `\n` in its place, which
//! moves no byte.

use std::{borrow::Cow, cell::RefCell};

use anatomy_facts::facts::ParseError;
use tree_sitter::{Parser, Tree};

use crate::{
    errors::{Run, syntax_errors_of},
    source::decode,
};

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(python_parser());
}

fn python_parser() -> Parser {
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_python::LANGUAGE.into())
        .expect("grammar and library are built for the same ABI: both versions are pinned");
    parser
}

/// The tree of a text; `old` is the tree of the text before, already told of the edits.
#[must_use]
pub fn parse(text: &str, old: Option<&Tree>) -> Tree {
    let text = with_line_feeds(text);
    PARSER.with_borrow_mut(|parser| {
        parser
            .parse(text.as_bytes(), old)
            .expect("a parser that has a language and is never cancelled yields a tree for every text")
    })
}

fn with_line_feeds(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let lone = |at: usize| bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n');
    if !bytes.contains(&b'\r') || !(0..bytes.len()).any(lone) {
        return Cow::Borrowed(text);
    }
    let replaced = (0..bytes.len()).map(|at| if lone(at) { b'\n' } else { bytes[at] }).collect();
    Cow::Owned(String::from_utf8(replaced).expect("one ASCII byte took the place of another"))
}

/// A closed file, read and parsed.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Its text; empty if the file is not analysed.
    pub text: String,
    /// The tree of the text.
    pub tree: Tree,
    /// What is wrong with its bytes and its syntax, sorted by place.
    pub errors: Vec<ParseError>,
}

/// Reads and parses the bytes of a file; beyond `limit` bytes it is not analysed.
#[must_use]
pub fn parse_file(bytes: &[u8], limit: usize) -> Parsed {
    parse_file_of(bytes, limit, Run::Whole)
}

/// Reads and parses the bytes of a file that is run in some way; beyond `limit` bytes it is not analysed.
#[must_use]
pub fn parse_file_of(bytes: &[u8], limit: usize, run: Run) -> Parsed {
    let source = decode(bytes, limit);
    let tree = parse(&source.text, None);
    let mut errors = source.errors;
    errors.extend(syntax_errors_of(&source.text, &tree, run));
    errors.sort_by_key(|error| (error.start, error.end));
    Parsed { text: source.text, tree, errors }
}
