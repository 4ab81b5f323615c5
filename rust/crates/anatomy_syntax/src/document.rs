//! The text of an open editor document and its tree, kept in step edit by edit.
//!
//! Holds after every change: the tree is the tree of a fresh parse of the text. The price of an edit is a reparse of what
//! it touched and a look through the text for errors, never an extraction.

use serde::Deserialize;
use tree_sitter::{InputEdit, Point, Tree};

use anatomy_facts::{ErrorCode, facts::ParseError};

use crate::{
    errors::{Run, errors_of, name_nodes},
    parse::parse,
    position::{PositionEncoding, TextIndex},
};

/// One entry of `contentChanges` of `textDocument/didChange`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Change {
    /// What is replaced; the whole text if absent.
    pub range: Option<EditorRange>,
    /// What takes its place.
    pub text: String,
}

/// A range as editors send it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct EditorRange {
    /// First position.
    pub start: EditorPosition,
    /// Position past the last.
    pub end: EditorPosition,
}

/// A position as editors send it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
pub struct EditorPosition {
    /// Zero-based line.
    pub line: u32,
    /// Zero-based column in units of the position encoding.
    pub character: u32,
}

/// Why changes were refused. The document is as it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangeError {
    /// Stable code.
    pub code: ErrorCode,
    /// What a person reads.
    pub message: String,
}

impl std::fmt::Display for ChangeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ChangeError {}

/// Changes as a client sent them (the JSON array `contentChanges`).
pub fn changes_from_json(json: &[u8]) -> Result<Vec<Change>, ChangeError> {
    serde_json::from_slice(json).map_err(|error| ChangeError {
        code: ErrorCode::BadPosition,
        message: format!("contentChanges is not what the protocol says: {error}"),
    })
}

/// A stretch of text in which something changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ChangedRange {
    /// First byte in the new text.
    pub start: u32,
    /// Past the last byte in the new text.
    pub end: u32,
    /// True if the shape of the tree changed there, false if only its words did.
    pub structural: bool,
}

/// An open document.
///
/// An edit answers with its errors at once and only notes what it did to the tree; the tree itself follows when somebody
/// asks for it. A bracket typed at the top of a file makes the whole tree new, and no keystroke waits for that.
#[derive(Clone, Debug)]
pub struct Document {
    text: String,
    index: TextIndex,
    /// The tree of the text before `behind`, moved along with each edit; none before the first parse.
    tree: Option<Tree>,
    /// Spans that were edited since the tree was made; none if it is the tree of the text.
    behind: Option<Vec<(u32, u32)>>,
    errors: Vec<ParseError>,
    changed: Vec<ChangedRange>,
    version: i64,
    revision: u64,
    run: Run,
}

impl Document {
    /// A document of that text.
    #[must_use]
    pub fn new(text: String, version: i64) -> Self {
        Document::of(text, version, Run::Whole)
    }

    /// A document of that text, which is run in some way.
    #[must_use]
    pub fn of(text: String, version: i64, run: Run) -> Self {
        let errors = errors_of(&text, run);
        let index = TextIndex::new(&text);
        Document {
            text,
            index,
            tree: None,
            behind: Some(Vec::new()),
            errors,
            changed: Vec::new(),
            version,
            revision: 0,
            run,
        }
    }

    /// Applies the changes of one notification, in order, each to the text that the one before left.
    ///
    /// On an error nothing is applied.
    pub fn apply(&mut self, changes: &[Change], version: i64, encoding: PositionEncoding) -> Result<(), ChangeError> {
        if let Some(bad) = changes
            .iter()
            .filter_map(|change| change.range)
            .find(|range| (range.start.line, range.start.character) > (range.end.line, range.end.character))
        {
            return Err(ChangeError {
                code: ErrorCode::BadPosition,
                message: format!(
                    "the range of a change ends ({}:{}) before it starts ({}:{})",
                    bad.end.line, bad.end.character, bad.start.line, bad.start.character
                ),
            });
        }
        let mut edits = self.behind.take().unwrap_or_default();
        for change in changes {
            let Some(range) = change.range else {
                self.text.clone_from(&change.text);
                self.index = TextIndex::new(&self.text);
                edits.clear();
                edits.push((0, self.index.len()));
                self.tree = None;
                continue;
            };
            let start = self.index.offset(range.start.line, range.start.character, encoding);
            let old_end = self.index.offset(range.end.line, range.end.character, encoding).max(start);
            let new_end = start + change.text.len() as u32;
            let start_position = point_of(&self.text, start);
            let old_end_position = point_of(&self.text, old_end);
            self.text.replace_range(start as usize..old_end as usize, &change.text);
            self.index = TextIndex::new(&self.text);
            for (from, to) in &mut edits {
                *from = moved(*from, (start, old_end, new_end));
                *to = moved(*to, (start, old_end, new_end));
            }
            edits.push((start, new_end));
            if let Some(tree) = &mut self.tree {
                tree.edit(&InputEdit {
                    start_byte: start as usize,
                    old_end_byte: old_end as usize,
                    new_end_byte: new_end as usize,
                    start_position,
                    old_end_position,
                    new_end_position: point_of(&self.text, new_end),
                });
            }
        }
        self.behind = Some(edits);
        self.errors = errors_of(&self.text, self.run);
        self.version = version;
        self.revision += 1;
        Ok(())
    }

    /// Brings the tree up to the text, and with it the changed ranges and the nodes of the errors.
    pub fn settle(&mut self) -> &Tree {
        if let Some(edits) = self.behind.take() {
            let tree = parse(&self.text, self.tree.as_ref());
            self.changed = edits
                .iter()
                .map(|&(start, end)| ChangedRange { start, end, structural: false })
                .chain(self.tree.iter().flat_map(|old| old.changed_ranges(&tree)).map(|range| ChangedRange {
                    start: range.start_byte as u32,
                    end: range.end_byte as u32,
                    structural: true,
                }))
                .collect();
            self.changed.sort_unstable_by_key(|range| (range.start, range.end, range.structural));
            self.changed.dedup();
            name_nodes(&mut self.errors, &tree);
            self.tree = Some(tree);
        }
        let text = &self.text;
        self.tree.get_or_insert_with(|| parse(text, None))
    }

    /// The tree of the text, if `settle` was called since the last edit.
    #[must_use]
    pub fn tree(&self) -> Option<&Tree> {
        self.tree.as_ref().filter(|_| self.behind.is_none())
    }

    /// Counts edits: a settled copy may take the place of the document that it was made of while both are equal.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Lines and wide characters of the text.
    #[must_use]
    pub fn index(&self) -> &TextIndex {
        &self.index
    }

    /// Syntax errors of the text, sorted by place.
    #[must_use]
    pub fn errors(&self) -> &[ParseError] {
        &self.errors
    }

    /// What the edits between the last two calls of `settle` touched: their own spans and wherever the shape of the tree differs. Shape alone misses a
    /// renamed function, so neither is enough.
    #[must_use]
    pub fn changed_ranges(&self) -> &[ChangedRange] {
        &self.changed
    }

    /// The version that the editor gave to the text.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version
    }
}

/// Where an offset goes when `start..old_end` becomes `start..new_end`.
fn moved(offset: u32, (start, old_end, new_end): (u32, u32, u32)) -> u32 {
    if offset <= start {
        offset
    } else if offset >= old_end {
        offset - old_end + new_end
    } else {
        new_end
    }
}

/// Row and column as the tree counts them: rows end at `\n` alone (a lone `\r` is parsed as one), columns are bytes.
fn point_of(text: &str, offset: u32) -> Point {
    let before = &text.as_bytes()[..offset as usize];
    let ends_row =
        |at: usize| before[at] == b'\n' || (before[at] == b'\r' && text.as_bytes().get(at + 1) != Some(&b'\n'));
    let row_start = (0..before.len()).rev().find(|&at| ends_row(at)).map_or(0, |at| at + 1);
    let breaks = before.iter().filter(|&&byte| byte == b'\n').count();
    let lone = if before.contains(&b'\r') {
        (0..before.len()).filter(|&at| before[at] == b'\r' && ends_row(at)).count()
    } else {
        0
    };
    Point { row: breaks + lone, column: before.len() - row_start }
}
