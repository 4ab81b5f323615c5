//! Syntax errors, as CPython would refuse the text, with words for people.
//!
//! The tree of the editor's grammar tolerates what Python does not (and now and then the reverse, see [`GRAMMAR_GAPS`]), and
//! its error nodes say where recovery began, not what is wrong. So the verdict comes from a recogniser of Python's own
//! grammar over its own tokens: no memory is kept, a megabyte takes some ten milliseconds. It accepts the newest syntax
//! (3.14) and holds for no version in particular.
//!
//! At most one error is reported for a logical line, the most basic one: brackets and strings before indentation before
//! grammar. The tree only names the kind of node that stands at an error.

mod expressions;
pub(crate) mod lexer;
mod patterns;
mod statements;

use anatomy_facts::{ErrorCode, Severity, facts::ParseError};
use tree_sitter::Tree;

use self::{
    lexer::lex,
    statements::{Context, Parser},
};

/// Where the grammar of the tree refuses or misreads what Python accepts: name, example, what is done about it. Errors do not
/// come from the tree, so none of these is ever reported; evidence inside the misread stretch may be thinner.
pub const GRAMMAR_GAPS: &[(&str, &str, &str)] = &[
    (
        "a line in brackets that is indented less than its block, where no bracket could close",
        "def f():\n    (bar.\nbaz)\n",
        "evidence is read from a second parse, in which the line breaks in brackets are blanks",
    ),
    (
        "an assignment to an attribute of a call of `type`, taken for a type alias",
        "type(mock).side_effect = None\n",
        "evidence reads it as the call and the attribute that it is",
    ),
    ("lines that end in a lone carriage return", "a = 1\rb = 2\r", "the text is parsed with line feeds in their place"),
];

/// How a text is run, which decides what is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Run {
    /// As a module.
    #[default]
    Whole,
    /// Cell by cell, by a loop that awaits at the top level. A cell ends at [`CELL_END`], and knows nothing of brackets, blocks or
    /// `__future__` imports of others. What follows in that line closes for the tree what the cell leaves open, and is no code.
    Cells,
}

/// Ends each cell of a notebook: a blank to every grammar, and nowhere else in such a text.
pub const CELL_END: char = '\u{c}';

impl Run {
    /// How the file at a path is run.
    #[must_use]
    pub fn of_path(path: &str) -> Run {
        if path.ends_with(".ipynb") { Run::Cells } else { Run::Whole }
    }
}

/// One refusal, before it is given out.
#[derive(Clone, Debug)]
pub(crate) struct Fail {
    pub(crate) code: ErrorCode,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) message: String,
    pub(crate) related: Option<(u32, u32, String)>,
    pub(crate) severity: Severity,
}

impl Fail {
    pub(crate) fn new(code: ErrorCode, start: u32, end: u32, message: impl Into<String>) -> Fail {
        Fail { code, start, end, message: message.into(), related: None, severity: Severity::Error }
    }

    /// The same refusal in a text with so many bytes before.
    fn moved_by(self, bytes: u32) -> Fail {
        let related = self.related.map(|(start, end, message)| (start + bytes, end + bytes, message));
        Fail { start: self.start + bytes, end: self.end + bytes, related, ..self }
    }
}

/// The syntax errors of a text, sorted by place. `tree` is its tree.
#[must_use]
pub fn syntax_errors(text: &str, tree: &Tree) -> Vec<ParseError> {
    syntax_errors_of(text, tree, Run::Whole)
}

/// The syntax errors of a text that is run in some way, sorted by place.
#[must_use]
pub fn syntax_errors_of(text: &str, tree: &Tree, run: Run) -> Vec<ParseError> {
    let mut errors = errors_of(text, run);
    name_nodes(&mut errors, tree);
    errors
}

/// Says for each error which kind of node of the tree stands there.
pub(crate) fn name_nodes(errors: &mut [ParseError], tree: &Tree) {
    let root = tree.root_node();
    for error in errors {
        let node = root.descendant_for_byte_range(error.start as usize, error.end as usize);
        error.node_kind = node.map_or("", |node| node.kind());
    }
}

/// The syntax errors of a text, sorted by place, their nodes not named yet. Needs no tree, so an editor need not wait for one.
pub(crate) fn errors_of(text: &str, run: Run) -> Vec<ParseError> {
    let mut fails = match run {
        Run::Whole => fails_of(text, Context::default()),
        Run::Cells => fails_of_cells(text),
    };
    fails.sort_by_key(|fail| (fail.start, fail.end));
    fails.dedup_by_key(|fail| fail.start);
    fails.truncate(lexer::ERROR_LIMIT);
    fails
        .into_iter()
        .map(|fail| ParseError {
            start: fail.start,
            end: fail.end,
            code: fail.code,
            severity: fail.severity,
            node_kind: "",
            message: fail.message,
            related: fail.related,
        })
        .collect()
}

fn fails_of(text: &str, context: Context) -> Vec<Fail> {
    let lexed = lex(text);
    let mut fails = Parser::new(text, &lexed, context).run();
    fails.extend(lexed.fails);
    fails
}

fn fails_of_cells(text: &str) -> Vec<Fail> {
    let context = Context { asynchronous: true, ..Context::default() };
    let mut fails = Vec::new();
    let mut start = 0;
    while start < text.len() {
        let end = text[start..].find(CELL_END).map_or(text.len(), |at| start + at);
        let found = fails_of(&text[start..end], context);
        fails.extend(found.into_iter().map(|fail| fail.moved_by(start as u32)));
        start = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    }
    fails
}

/// A text of the same bytes, but for the line breaks and comments inside brackets, which are blanks. None if the text has
/// lexical errors, so that nobody knows where its brackets end.
pub(crate) fn without_inner_breaks(text: &str) -> Option<String> {
    let lexed = lex(text);
    if !lexed.fails.is_empty() {
        return None;
    }
    let mut bytes = text.as_bytes().to_vec();
    for &(start, end) in &lexed.blanks {
        bytes[start as usize..end as usize].fill(b' ');
    }
    String::from_utf8(bytes).ok()
}
