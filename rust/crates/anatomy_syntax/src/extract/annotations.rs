//! Types: annotations as expressions, also where they are quoted or stand in a comment.

use tree_sitter::Node;

use super::{
    Extractor, Span, Use, Value,
    kinds::{Kind, kind_of, named_children},
};
use crate::parse::parse;

impl<'t> Extractor<'t> {
    /// Reads a type.
    pub(crate) fn annotation(&mut self, node: Node<'_>) -> Value {
        let outer = std::mem::replace(&mut self.in_annotation, true);
        let value = self.expr(node, Use::Followed);
        self.in_annotation = outer;
        value
    }

    /// Reads the content of a string as the type that it quotes.
    pub(crate) fn quoted(&mut self, content: Span, used: Use) -> Value {
        let Some(text) = self.text.get(content.0 as usize..content.1 as usize) else {
            return Value::default();
        };
        let blank = text.len() - text.trim_start().len();
        let text = text.trim();
        if text.is_empty() || text.contains(['\n', '\r']) {
            return Value::default();
        }
        let tree = parse(text, None);
        let root = tree.root_node();
        let statements = named_children(root);
        let [statement] = statements.as_slice() else { return Value::default() };
        if root.has_error() || kind_of(*statement) != Kind::ExpressionStatement {
            return Value::default();
        }
        let outer = std::mem::replace(&mut self.base, content.0 + blank as u32);
        let value = self.deeper(*statement, |this| {
            let mut value = Value::default();
            for expression in named_children(*statement) {
                value = this.expr(expression, used);
            }
            value
        });
        self.base = outer;
        value
    }

    /// The type in a comment `# type: ...` that follows an assignment on its line.
    pub(crate) fn type_comment(&mut self, statement: Span) -> Value {
        let after = self.text.get(statement.1 as usize..).unwrap_or_default();
        let trimmed = after.trim_start_matches([' ', '\t']);
        let Some(comment) = trimmed.strip_prefix('#') else { return Value::default() };
        let Some(written) = comment.trim_start_matches([' ', '\t']).strip_prefix("type:") else {
            return Value::default();
        };
        let line = written.split(['\n', '\r']).next().unwrap_or_default();
        let line = line.split('#').next().unwrap_or_default();
        let is_ignore = line.trim_start().starts_with("ignore");
        if is_ignore {
            return Value::default();
        }
        let start = self.text.len() - written.len();
        self.commented((start as u32, (start + line.len()) as u32))
    }

    /// The type in a comment that follows a parameter and its comma.
    pub(crate) fn parameter_comment(&mut self, (from, to): Span) -> Value {
        let after = self.text.get(to as usize..).unwrap_or_default().trim_start_matches([' ', '\t']);
        match after.as_bytes() {
            [b',', ..] => self.type_comment((from, (self.text.len() - after.len() + 1) as u32)),
            [b'#', ..] => self.type_comment((from, to)),
            _ => Value::default(),
        }
    }

    /// Reads a part of a comment as a type.
    pub(crate) fn commented(&mut self, span: Span) -> Value {
        let outer = std::mem::replace(&mut self.in_annotation, true);
        let value = self.quoted(span, Use::Followed);
        self.in_annotation = outer;
        value
    }
}

/// Where the types stand in `(int, *str)`, which begins at `start`, their stars left out. None if it is no such list.
pub(crate) fn types_in_comment(list: &str, start: u32) -> Vec<Span> {
    let trimmed = list.trim();
    let Some(inner) = trimmed.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) else { return Vec::new() };
    let begin = list.len() - list.trim_start().len() + 1;
    let mut spans = Vec::new();
    let (mut depth, mut from) = (0u32, 0);
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match character {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let piece = &inner[from..at];
                let bare = piece.trim_start().trim_start_matches('*').trim();
                if !bare.is_empty() {
                    let offset =
                        begin + from + (piece.len() - piece.trim_start().trim_start_matches('*').trim_start().len());
                    spans.push((start + offset as u32, start + (offset + bare.len()) as u32));
                }
                from = at + 1;
            }
            _ => {}
        }
    }
    spans
}
