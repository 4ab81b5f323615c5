//! What of a library's source nobody outside can ask about: bodies that neither say what a function returns nor give an
//! object its attributes, and statements that bind nothing.
//!
//! In an outline these are left out. What remains is extracted as always, with one exception: ordinals of equal shapes
//! count only what remains, so a file has other ids for the insides of its functions in an outline than in full.

use tree_sitter::{Node, TreeCursor};

use super::{
    Extractor, NESTING_LIMIT,
    kinds::{Kind, fields, kind_of, named_children},
    scopes::ScopeKind,
};

impl Extractor<'_> {
    /// Whether the body of the function that was just opened can be left out. `annotated` says what it returns.
    pub(crate) fn is_of_no_consequence(&self, body: Node<'_>, annotated: bool) -> bool {
        self.outline && !self.matters(&mut body.walk(), annotated, 0)
    }

    /// Whether a statement of a function can be left out: an expression whose value nobody takes and that binds nothing.
    pub(crate) fn binds_nothing(&self, statement: Node<'_>) -> bool {
        if !self.outline || self.scopes[self.scope as usize].kind != ScopeKind::Function {
            return false;
        }
        let binds = named_children(statement)
            .first()
            .is_none_or(|child| matches!(kind_of(*child), Kind::Assignment | Kind::AugmentedAssignment | Kind::Yield));
        let text = self.text_of(statement);
        !binds && !text.contains(":=") && !text.contains("yield")
    }

    /// Whether a part of a body returns or yields a value, gives an object an attribute, or binds a name of the module.
    fn matters(&self, cursor: &mut TreeCursor<'_>, annotated: bool, depth: u32) -> bool {
        let node = cursor.node();
        if depth >= NESTING_LIMIT {
            // The walk reports it.
            return true;
        }
        match kind_of(node) {
            Kind::Return if !annotated && node.named_child_count() > 0 => return true,
            // How a call wraps what is annotated depends on it.
            Kind::Yield => return true,
            Kind::Global => return true,
            Kind::Assignment => {
                let target = node.child_by_field_id(fields().left);
                if target.is_some_and(|target| self.text_of(target).contains('.')) {
                    return true;
                }
            }
            _ => {}
        }
        if !cursor.goto_first_child() {
            return false;
        }
        let found = loop {
            if cursor.node().is_named() && self.matters(cursor, annotated, depth + 1) {
                break true;
            }
            if !cursor.goto_next_sibling() {
                break false;
            }
        };
        cursor.goto_parent();
        found
    }
}
