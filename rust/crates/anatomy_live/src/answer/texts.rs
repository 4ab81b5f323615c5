//! Texts that refer to something: which word of a literal is under the cursor, and where one is spelled in it.
//!
//! Goes by the rows of `refers_to` alone. A text with escapes, or one that is written in parts, is taken as a whole.

use anatomy_facts::{Anchor, AnchorKind, Id, Symbol};

use super::places::Target;
use super::{Answers, Words};
use crate::files::FileView;

/// The words of a text with their offsets.
fn words_of(text: &'static str) -> impl DoubleEndedIterator<Item = (u32, &'static str)> {
    let start = text.as_ptr() as usize;
    text.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .filter(|word| !word.is_empty())
        .map(move |word| ((word.as_ptr() as usize - start) as u32, word))
}

/// The word of a text that is under the cursor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    /// Empty between words, and in a text that is not written as it reads.
    pub(super) word: &'static str,
    /// True if it spells a target of the text.
    pub(super) is_target: bool,
    /// If it spells what a target stands in, as `tools` of `"shop.tools.Till"`: that class or module.
    pub(super) around: Option<Id>,
}

impl Answers {
    /// The literal at an offset that refers to something: narrowed to the word under the cursor if that leads somewhere of its
    /// own, else to what stands between the quotes.
    pub(super) fn text_at(&self, view: &FileView, offset: u32) -> Option<(Anchor, Text)> {
        let anchor = view.literals_at(offset).find(|anchor| !self.targets(anchor.id).is_empty())?;
        let whole = Anchor { kind: AnchorKind::Reference, ..*anchor };
        let nothing = Text { word: "", is_target: false, around: None };
        let Some((start, value)) = self.content_of(anchor) else { return Some((whole, nothing)) };
        let content = Anchor { start, end: start + value.len() as u32, ..whole };
        let words: Vec<(u32, &'static str)> = words_of(value).collect();
        let holds = |(at, word): &(u32, &str)| start + at <= offset && offset <= start + at + word.len() as u32;
        let Some(number) = words.iter().position(holds) else { return Some((content, nothing)) };
        let (at, word) = words[number];
        let targets = self.targets(anchor.id);
        let is_last = words[number + 1..].iter().all(|(_, other)| *other != word);
        let is_target = is_last && targets.iter().any(|target| self.is_called(target.id, word));
        let above: Vec<&str> = words[number..].iter().rev().map(|(_, word)| *word).collect();
        let around = if is_target { None } else { targets.iter().find_map(|target| self.around(target.id, &above)) };
        let own = Anchor { start: start + at, end: start + at + word.len() as u32, ..whole };
        let leads = is_target || around.is_some();
        Some((if leads { own } else { content }, Text { word, is_target, around }))
    }

    /// The class or module that stands around a definition or module, if it and those on the way up have these names, the
    /// innermost first.
    fn around(&self, id: Id, names: &[&str]) -> Option<Id> {
        let mut at = id;
        for (step, name) in names.iter().enumerate() {
            if step > 0 {
                at = self.holder_of(at)?;
            }
            if !self.is_called(at, name) {
                return None;
            }
        }
        Some(at)
    }

    /// The class or module of a binding, the package of a module.
    fn holder_of(&self, id: Id) -> Option<Id> {
        if let Some(row) = self.rows("bindings", "binding", id, &["scope"]).first() {
            let scope = self.rows("scopes", "scope", row[0], &["kind", "definition"]).into_iter().next()?;
            return match Symbol(scope[0] as u32).text() {
                "class" => Some(scope[1]),
                "module" => Some(row[0]),
                _ => None,
            };
        }
        let module = self.rows("files", "scope", id, &["module"]).first().map(|row| Symbol(row[0] as u32).text())?;
        let (package, _) = module.rsplit_once('.')?;
        self.rows("files", "module", u64::from(Symbol::of(package).0), &["scope"]).first().map(|row| row[0])
    }

    /// What the reference under the cursor leads to, best first: of a text only what the word under the cursor names.
    pub(super) fn targets_at(&self, words: &Words<'_>) -> Vec<Target> {
        let Some(reference) = words.reference else { return vec![] };
        let mut targets = self.targets(reference.id);
        if let Some(text) = words.text.filter(|text| text.is_target) {
            targets.retain(|target| self.is_called(target.id, text.word));
        }
        targets
    }

    /// Where the content of a literal starts and what it is, if it is written as it reads.
    pub(super) fn content_of(&self, literal: &Anchor) -> Option<(u32, &'static str)> {
        let value =
            self.rows("strings", "expr", literal.id, &["value"]).first().map(|row| Symbol(row[0] as u32).text())?;
        if value.contains(['\\', '"', '\'']) || value.contains(char::is_control) {
            return None;
        }
        // Quotes, a prefix and quotes, or three quotes: anything else is written with escapes or in parts.
        let before = match ((literal.end - literal.start) as usize).checked_sub(value.len()) {
            Some(2) => 1,
            Some(3) => 2,
            Some(6) => 3,
            _ => return None,
        };
        Some((literal.start + before, value))
    }

    /// Where a literal spells a word; the last place, as in `"tools.tools"`.
    pub(super) fn spelled_in(&self, literal: &Anchor, word: &str) -> Option<u32> {
        let (start, value) = self.content_of(literal)?;
        words_of(value).rfind(|(_, each)| *each == word).map(|(at, _)| start + at)
    }

    /// The part of a reference that is shown for it: of a text the word that spells the target, else the content.
    pub(super) fn shown_part(&self, anchor: &Anchor, target: &str) -> (u32, u32) {
        if anchor.kind != AnchorKind::Expression {
            return (anchor.start, anchor.end);
        }
        match (self.spelled_in(anchor, target), self.content_of(anchor)) {
            (Some(start), _) => (start, start + target.len() as u32),
            (None, Some((start, value))) => (start, start + value.len() as u32),
            (None, None) => (anchor.start, anchor.end),
        }
    }

    fn is_called(&self, id: Id, word: &str) -> bool {
        self.name_of(id).rsplit('.').next() == Some(word)
    }
}
