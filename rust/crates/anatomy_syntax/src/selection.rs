//! What an editor selects when a selection grows: the word, then each piece of syntax around it, then the file.

use tree_sitter::{Node, Tree};

use crate::extract::kinds::{Kind, kind_of};

/// How many steps a selection takes at most; the outermost ones are left out of a deeper nest, but for the file.
const MOST_STEPS: usize = 128;

/// Half-open stretches around an offset, each inside the next, the last one being the file.
#[must_use]
pub fn steps(text: &str, tree: &Tree, offset: u32) -> Vec<(u32, u32)> {
    let offset = border(text, offset.min(text.len() as u32));
    let word = word_at(text, offset);
    let (low, high) = word.unwrap_or((offset, offset));
    let mut around: Vec<(u32, u32)> = vec![(0, text.len() as u32)];
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        let (start, end) = (node.start_byte() as u32, node.end_byte() as u32);
        if start <= low && high <= end {
            around.push((start, end));
            around.extend(content(node).filter(|(start, end)| *start <= low && high <= *end));
        }
        if !enter(&mut cursor, low, high) {
            break;
        }
    }
    around.extend(word);
    around.dedup();
    around.reverse();
    if around.len() > MOST_STEPS {
        around.truncate(MOST_STEPS - 1);
        around.push((0, text.len() as u32));
    }
    around
}

/// Moves to the child that holds a stretch, if one does. Of two that touch at an empty stretch the first one does.
fn enter(cursor: &mut tree_sitter::TreeCursor<'_>, low: u32, high: u32) -> bool {
    if !cursor.goto_first_child() {
        return false;
    }
    loop {
        let (start, end) = (cursor.node().start_byte() as u32, cursor.node().end_byte() as u32);
        if start <= low && high <= end && start < end {
            return true;
        }
        if start > low || !cursor.goto_next_sibling() {
            cursor.goto_parent();
            return false;
        }
    }
}

/// What stands between the brackets of a node.
fn content(node: Node<'_>) -> impl Iterator<Item = (u32, u32)> {
    let count = node.child_count();
    let first = node.child(0);
    let last = node.child(count.saturating_sub(1) as _);
    first
        .zip(last)
        .filter(|(first, last)| {
            count > 2
                && kind_of(node) != Kind::Interpolation
                && matches!((first.kind(), last.kind()), ("(", ")") | ("[", "]") | ("{", "}"))
        })
        .map(|(first, last)| (first.end_byte() as u32, last.start_byte() as u32))
        .into_iter()
}

/// The word that holds the offset or ends there.
fn word_at(text: &str, offset: u32) -> Option<(u32, u32)> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let (before, after) = text.split_at(offset as usize);
    let start = before.char_indices().rev().take_while(|(_, letter)| is_word(*letter)).last().map(|(at, _)| at);
    let end = after.find(|letter| !is_word(letter)).unwrap_or(after.len());
    let start = start.unwrap_or(before.len()) as u32;
    let end = offset + end as u32;
    (start < end).then_some((start, end))
}

/// The offset, or the start of the character that it cuts.
fn border(text: &str, offset: u32) -> u32 {
    (0..=offset).rev().find(|at| text.is_char_boundary(*at as usize)).unwrap_or(0)
}
