//! What an editor may fold: blocks, brackets, strings, runs of imports and of comments, and marked regions.
//!
//! Only nodes of several lines are entered, so the price grows with the lines of a file and not with its words. In broken
//! code the tree loses blocks by the dozen; there they are read from indentation, which a half-typed line seldom breaks.

use tree_sitter::{Node, Tree, TreeCursor};

use crate::{
    errors::lexer::{T, lex},
    extract::kinds::{Kind, kind_of},
};

/// What a fold is, as far as editors tell apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FoldKind {
    /// A block, a bracket, a string.
    Code,
    /// Comment lines, a docstring.
    Comment,
    /// Import statements.
    Imports,
    /// From `# region` to `# endregion`.
    Region,
}

/// A stretch that may be folded, in bytes. What stands before `start` on its line stays to be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fold {
    /// First byte that is hidden.
    pub start: u32,
    /// Past the last byte that is hidden.
    pub end: u32,
    /// What it is.
    pub kind: FoldKind,
    /// True if a bracket or quote that closes it stands at `end`.
    pub closes: bool,
}

/// A line that is nothing but a comment.
struct CommentLine {
    row: usize,
    start: u32,
    end: u32,
}

/// Import statements that follow each other.
struct Run {
    start: u32,
    end: u32,
}

/// What is known of a node whose children are being visited.
#[derive(Default)]
struct Frame {
    colon: Option<u32>,
    imports: Option<Run>,
    visited: usize,
}

/// Everything that may be folded, sorted by start, the longer first.
#[must_use]
pub fn folds(text: &str, tree: &Tree) -> Vec<Fold> {
    let is_broken = tree.root_node().has_error();
    let mut folding = Folding { text, is_broken, folds: Vec::new(), comments: Vec::new() };
    folding.walk(tree.walk());
    if is_broken {
        folding.indented();
    }
    folding.comment_lines();
    let mut folds = folding.folds;
    let bytes = text.as_bytes();
    folds.retain(|fold| bytes[fold.start as usize..fold.end as usize].iter().any(|byte| is_break(*byte)));
    folds.sort_by_key(|fold| (fold.start, std::cmp::Reverse(fold.end)));
    folds
}

struct Folding<'t> {
    text: &'t str,
    is_broken: bool,
    folds: Vec<Fold>,
    comments: Vec<CommentLine>,
}

impl Folding<'_> {
    fn walk(&mut self, mut cursor: TreeCursor<'_>) {
        let mut frames = vec![Frame::default()];
        let mut inside = cursor.goto_first_child();
        while let Some(frame) = frames.last_mut() {
            if !inside {
                if let Some(run) = frame.imports.take() {
                    self.push(run.start, run.end, FoldKind::Imports, false);
                }
                frames.pop();
                let around = cursor.goto_parent();
                inside = around && cursor.goto_next_sibling();
                continue;
            }
            let node = cursor.node();
            self.visit(node, frame);
            let is_long = node.start_position().row != node.end_position().row;
            if is_long && cursor.goto_first_child() {
                frames.push(Frame::default());
            } else {
                inside = cursor.goto_next_sibling();
            }
        }
    }

    fn visit(&mut self, node: Node<'_>, frame: &mut Frame) {
        let kind = kind_of(node);
        let (start, end) = span(node);
        let is_import = matches!(kind, Kind::Import | Kind::ImportFrom | Kind::FutureImport);
        if kind != Kind::Comment {
            match &mut frame.imports {
                Some(run) if is_import => run.end = end,
                None if is_import => frame.imports = Some(Run { start: self.line_end(start), end }),
                None => {}
                Some(_) => {
                    if let Some(run) = frame.imports.take() {
                        self.push(run.start, run.end, FoldKind::Imports, false);
                    }
                }
            }
        }
        match kind {
            Kind::Comment => self.comment(node),
            Kind::Block if self.is_broken => {}
            Kind::Block => {
                let from = frame.colon.take().unwrap_or_else(|| self.line_start(start).saturating_sub(1));
                self.push(from, end, FoldKind::Code, false);
            }
            Kind::Str => {
                let opens = node.child(0).map_or(start, |quote| quote.end_byte() as u32);
                let closing = node.child(node.child_count().saturating_sub(1) as _);
                let closes = closing.map_or(end, |quote| quote.start_byte() as u32).max(opens);
                let is_doc = frame.visited == 0
                    && node.parent().is_some_and(|statement| {
                        kind_of(statement) == Kind::ExpressionStatement && is_first_statement(statement)
                    });
                if is_doc {
                    // Nothing but quotes would stay to be seen.
                    self.push(opens, end, FoldKind::Comment, false);
                } else {
                    self.push(opens, closes, FoldKind::Code, true);
                }
            }
            Kind::Interpolation => {}
            _ if node.kind() == ":" => frame.colon = Some(end),
            _ => self.bracket(node),
        }
        if kind != Kind::Comment {
            frame.visited += 1;
        }
    }

    /// A node that begins with a bracket and ends with its partner.
    fn bracket(&mut self, node: Node<'_>) {
        if node.start_position().row == node.end_position().row {
            return;
        }
        let (Some(first), Some(last)) = (node.child(0), node.child(node.child_count().saturating_sub(1) as _)) else {
            return;
        };
        if matches!((first.kind(), last.kind()), ("(", ")") | ("[", "]") | ("{", "}")) {
            self.push(first.end_byte() as u32, last.start_byte() as u32, FoldKind::Code, true);
        } else if kind_of(node) == Kind::Subscript && last.kind() == "]" {
            let mut cursor = node.walk();
            let opening = node.children(&mut cursor).find(|child| child.kind() == "[");
            if let Some(opening) = opening {
                self.push(opening.end_byte() as u32, last.start_byte() as u32, FoldKind::Code, true);
            }
        }
    }

    /// Blocks by their indentation.
    fn indented(&mut self) {
        let (mut open, mut last) = (Vec::new(), 0);
        for token in lex(self.text).tokens {
            match token.kind {
                T::Indent => open.push(last),
                T::Dedent => {
                    let Some(start) = open.pop() else { continue };
                    self.push(start, last, FoldKind::Code, false);
                }
                T::Newline | T::End => {}
                _ => last = token.end,
            }
        }
    }

    fn comment(&mut self, node: Node<'_>) {
        let (start, end) = span(node);
        let before = &self.text.as_bytes()[self.line_start(start) as usize..start as usize];
        if before.iter().all(u8::is_ascii_whitespace) {
            self.comments.push(CommentLine { row: node.start_position().row, start, end });
        }
    }

    /// Runs of comment lines, and regions.
    fn comment_lines(&mut self) {
        let mut comments = std::mem::take(&mut self.comments);
        comments.sort_by_key(|comment| comment.row);
        let mut regions: Vec<u32> = Vec::new();
        let mut run: Option<(usize, u32, u32)> = None;
        for comment in comments {
            match marker(self.text.get(comment.start as usize..comment.end as usize).unwrap_or_default()) {
                Some(true) => regions.push(comment.end),
                Some(false) => {
                    if let Some(opened) = regions.pop() {
                        self.push(opened, comment.end, FoldKind::Region, false);
                    }
                }
                None => {
                    run = match run {
                        Some((row, start, _)) if row + 1 == comment.row => Some((comment.row, start, comment.end)),
                        Some((_, start, end)) => {
                            self.push(start, end, FoldKind::Comment, false);
                            Some((comment.row, comment.end, comment.end))
                        }
                        None => Some((comment.row, comment.end, comment.end)),
                    };
                    continue;
                }
            }
            if let Some((_, start, end)) = run.take() {
                self.push(start, end, FoldKind::Comment, false);
            }
        }
        if let Some((_, start, end)) = run {
            self.push(start, end, FoldKind::Comment, false);
        }
    }

    fn push(&mut self, start: u32, end: u32, kind: FoldKind, closes: bool) {
        if start < end {
            self.folds.push(Fold { start, end, kind, closes });
        }
    }

    fn line_start(&self, at: u32) -> u32 {
        let before = &self.text.as_bytes()[..at as usize];
        before.iter().rposition(|byte| is_break(*byte)).map_or(0, |found| found as u32 + 1)
    }

    fn line_end(&self, at: u32) -> u32 {
        let after = &self.text.as_bytes()[at as usize..];
        at + after.iter().position(|byte| is_break(*byte)).unwrap_or(after.len()) as u32
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn span(node: Node<'_>) -> (u32, u32) {
    (node.start_byte() as u32, node.end_byte() as u32)
}

/// True for the first statement of a module or block.
fn is_first_statement(statement: Node<'_>) -> bool {
    let Some(around) = statement.parent().filter(|around| matches!(kind_of(*around), Kind::Block | Kind::Module))
    else {
        return false;
    };
    let mut cursor = around.walk();
    let first = around.named_children(&mut cursor).find(|child| kind_of(*child) != Kind::Comment);
    first == Some(statement)
}

/// True if a comment opens a region, false if it closes one.
fn marker(comment: &str) -> Option<bool> {
    let words = comment.trim_start_matches('#').trim_start();
    let words = words.strip_prefix("pragma ").map_or(words, str::trim_start);
    let word = words.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    match word {
        "region" => Some(true),
        "endregion" => Some(false),
        _ => None,
    }
}
