//! What a half-typed call calls, where the broken line keeps the extractor from seeing the expression before its bracket.

use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use anatomy_syntax::cursor::{Place, StepKind, cursor};

use super::super::callable::Reached;
use super::values::{Kind, Value};
use super::{Answers, Asked, CompletionWishes};
use crate::files::FileView;

impl Answers {
    /// (kind, target) of what the expression that ends at a byte may be, read from the text before it, and how a function among
    /// them is reached.
    pub(in crate::answer) fn callees_before(
        &self,
        (file, view, text): (Symbol, &FileView, &str),
        end: u32,
        encoding: PositionEncoding,
    ) -> (Vec<(&'static str, Id)>, Reached) {
        // What stands before a dot is what the reader of half-typed lines tells best.
        let mut head = text.get(..end as usize).unwrap_or_default().to_owned();
        head.push('.');
        let (cursor, wishes) = (cursor(&head, head.len() as u32), CompletionWishes::default());
        let Place::Member(primary) = &cursor.place else { return (vec![], Reached::Plain) };
        let asked = Asked::of(self, (file, view, head.as_str()), &cursor, &wishes, encoding);
        let found = asked.values(primary).into_iter().map(|value| (value.kind.as_str(), value.target)).collect();
        let is_object = |value: Value| matches!(value.kind, Kind::Instance | Kind::Super);
        let reached = match primary.steps.split_last() {
            Some((last, before)) if last.kind == StepKind::Attribute => {
                let owners = asked.values_up_to(primary, before.len());
                if owners.into_iter().any(is_object) { Reached::Bound } else { Reached::Plain }
            }
            _ => Reached::Plain,
        };
        (found, reached)
    }
}
