//! Docstrings, cleaned of the indentation of their code.

use tree_sitter::Node;

use super::{
    Extractor,
    kinds::{Kind, kind_of, named_children},
    rows::Owner,
};

impl<'t> Extractor<'t> {
    /// Keeps the docstring of a body, if its first statement is one.
    pub(crate) fn docstring(&mut self, owner: Owner, body: Node<'_>) {
        let mut cursor = body.walk();
        let mut children = body.named_children(&mut cursor).filter(|child| kind_of(*child) != Kind::Comment);
        if let Some(first) = children.next() {
            self.docstring_in(owner, first);
        }
    }

    /// Keeps a statement as docstring, if it is a text and nothing else.
    pub(crate) fn docstring_in(&mut self, owner: Owner, statement: Node<'_>) {
        if kind_of(statement) != Kind::ExpressionStatement {
            return;
        }
        let parts = named_children(statement);
        let [string] = parts.as_slice() else { return };
        if !matches!(kind_of(*string), Kind::Str | Kind::ConcatenatedString) {
            return;
        }
        let Some(plain) = self.plain(*string).filter(|plain| !plain.is_bytes) else { return };
        if let Some(content) = plain.verbatim {
            self.mentioned(content);
        }
        let text = cleaned(&plain.value);
        if !text.is_empty() {
            self.pending.docstrings.push((owner, text));
        }
    }
}

/// A docstring without the margin that its lines but the first share, and without blank lines at its ends.
pub(crate) fn cleaned(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| line.replace('\t', "        ")).collect();
    let margin = lines
        .iter()
        .skip(1)
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    let cut: Vec<&str> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| if at == 0 { line.trim() } else { line.get(margin..).unwrap_or_default().trim_end() })
        .collect();
    let first = cut.iter().position(|line| !line.is_empty()).unwrap_or(cut.len());
    let last = cut.iter().rposition(|line| !line.is_empty()).map_or(first, |at| at + 1);
    cut[first..last].join("\n")
}
