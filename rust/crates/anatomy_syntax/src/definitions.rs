//! Where the definitions of a text stand, by their qualified names: enough to find in a source what a stub describes.
//!
//! `Class.method`, `function`, `NAME`, and `function(parameter)`. Of several definitions of a name the first stands, but an
//! overload gives way to what it announces, and an attribute that methods set gives way to one that the class body binds.
//! Names that the text imports are kept apart: where a name is not defined, its import says where to look next.

use std::collections::HashMap;

use tree_sitter::Node;

use crate::extract::docstrings::cleaned;
use crate::parse::parse;
use crate::position::TextIndex;
use crate::source::decode;

/// A place in a text, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DefinitionPlace {
    /// Start of the name.
    pub start: u32,
    /// End of the name.
    pub end: u32,
    /// Start of the whole definition.
    pub extent_start: u32,
    /// End of the whole definition.
    pub extent_end: u32,
}

/// A module-level import of a name: `from module import name as bound`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passed {
    /// The name that it binds; `*` for a star.
    pub bound: String,
    /// The module, as written and without its dots.
    pub module: String,
    /// Leading dots.
    pub level: u32,
    /// The name in that module; `*` for a star.
    pub name: String,
}

/// What a text defines, and what it passes on.
#[derive(Debug, Default)]
pub struct Definitions {
    strong: HashMap<String, DefinitionPlace>,
    weak: HashMap<String, DefinitionPlace>,
    docs: HashMap<String, String>,
    /// Imports of the module, in order.
    pub passed: Vec<Passed>,
    /// Lines of the text.
    pub index: TextIndex,
}

/// How deep blocks may nest.
const DEEPEST: u32 = 100;

impl Definitions {
    /// The definitions of the bytes of a file of at most `limit` bytes.
    #[must_use]
    pub fn of(bytes: &[u8], limit: usize) -> Definitions {
        let text = decode(bytes, limit).text;
        let tree = parse(&text, None);
        let mut reader = Reader { text: &text, found: Definitions::default() };
        reader.block(tree.root_node(), "", 0);
        reader.found.index = TextIndex::new(&text);
        reader.found
    }

    /// What the docstring of a class or function says, as written; empty if it has none.
    #[must_use]
    pub fn doc(&self, name: &str) -> &str {
        self.docs.get(name).map_or("", String::as_str)
    }

    /// The place of a qualified name, if the text defines it.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<DefinitionPlace> {
        self.strong.get(name).or_else(|| self.weak.get(name)).copied()
    }
}

struct Reader<'t> {
    text: &'t str,
    found: Definitions,
}

impl<'t> Reader<'t> {
    fn text_of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn note(&mut self, prefix: &str, name: Node<'_>, whole: Node<'_>, is_strong: bool) {
        let qualified = format!("{prefix}{}", self.text_of(name));
        let place = DefinitionPlace {
            start: name.start_byte() as u32,
            end: name.end_byte() as u32,
            extent_start: whole.start_byte() as u32,
            extent_end: whole.end_byte() as u32,
        };
        if is_strong && let Some(doc) = self.doc(whole) {
            self.found.docs.entry(qualified.clone()).or_insert(doc);
        }
        let into = if is_strong { &mut self.found.strong } else { &mut self.found.weak };
        into.entry(qualified).or_insert(place);
    }

    /// The docstring of a class or function, decorated or not.
    fn doc(&self, whole: Node<'_>) -> Option<String> {
        let definition = whole.child_by_field_name("definition").unwrap_or(whole);
        if !matches!(definition.kind(), "class_definition" | "function_definition") {
            return None;
        }
        let body = definition.child_by_field_name("body")?;
        let mut cursor = body.walk();
        let first = body.named_children(&mut cursor).find(|child| child.kind() != "comment")?;
        let string = first.named_child(0).filter(|child| child.kind() == "string")?;
        let mut cursor = string.walk();
        let content = string.named_children(&mut cursor).find(|child| child.kind() == "string_content")?;
        Some(cleaned(self.text_of(content)))
    }

    fn block(&mut self, node: Node<'_>, prefix: &str, depth: u32) {
        if depth >= DEEPEST {
            return;
        }
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            self.part(child, child, prefix, depth + 1);
        }
    }

    fn part(&mut self, node: Node<'_>, whole: Node<'_>, prefix: &str, depth: u32) {
        match node.kind() {
            "class_definition" => {
                let Some(name) = node.child_by_field_name("name") else { return };
                self.note(prefix, name, whole, true);
                if let Some(body) = node.child_by_field_name("body") {
                    self.block(body, &format!("{prefix}{}.", self.text_of(name)), depth);
                }
            }
            "function_definition" => self.function(node, whole, prefix, depth),
            "decorated_definition" => {
                if let Some(definition) = node.child_by_field_name("definition") {
                    self.part(definition, node, prefix, depth);
                }
            }
            "assignment" => {
                if let Some(left) = node.child_by_field_name("left") {
                    self.targets(left, whole, prefix);
                }
                // `a = b = value` nests on the right.
                if let Some(right) = node.child_by_field_name("right").filter(|right| right.kind() == "assignment") {
                    self.part(right, whole, prefix, depth);
                }
            }
            "type_alias_statement" => {
                if let Some(name) = node.child_by_field_name("left") {
                    self.targets(name.named_child(0).unwrap_or(name), whole, prefix);
                }
            }
            "import_from_statement" if prefix.is_empty() => self.import(node),
            "expression_statement"
            | "block"
            | "if_statement"
            | "elif_clause"
            | "else_clause"
            | "try_statement"
            | "except_clause"
            | "except_group_clause"
            | "finally_clause"
            | "with_statement"
            | "for_statement"
            | "while_statement" => self.block(node, prefix, depth),
            _ => {}
        }
    }

    fn function(&mut self, node: Node<'_>, whole: Node<'_>, prefix: &str, depth: u32) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let mut cursor = whole.walk();
        let is_overload = whole
            .named_children(&mut cursor)
            .any(|child| child.kind() == "decorator" && self.text_of(child).trim_end().ends_with("overload"));
        self.note(prefix, name, whole, !is_overload);
        let mut first = None;
        if let Some(parameters) = node.child_by_field_name("parameters") {
            let owner = format!("{prefix}{}(", self.text_of(name));
            let mut cursor = parameters.walk();
            for parameter in parameters.named_children(&mut cursor) {
                if let Some(word) = first_identifier(parameter) {
                    first = first.or(Some(word));
                    self.note(&owner, word, parameter, !is_overload);
                }
            }
        }
        if let (Some(first), Some(body), false) = (first, node.child_by_field_name("body"), prefix.is_empty()) {
            let receiver = self.text_of(first);
            self.attributes(body, receiver, prefix, depth);
        }
    }

    /// Attributes that a method gives its receiver.
    fn attributes(&mut self, node: Node<'_>, receiver: &str, prefix: &str, depth: u32) {
        if depth >= DEEPEST {
            return;
        }
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            match child.kind() {
                "assignment" => {
                    let Some(left) = child.child_by_field_name("left").filter(|left| left.kind() == "attribute") else {
                        continue;
                    };
                    let object = left.child_by_field_name("object");
                    if let (Some(object), Some(name)) = (object, left.child_by_field_name("attribute"))
                        && self.text_of(object) == receiver
                    {
                        self.note(prefix, name, child, false);
                    }
                }
                "function_definition" | "class_definition" | "decorated_definition" | "lambda" => {}
                _ => self.attributes(child, receiver, prefix, depth + 1),
            }
        }
    }

    fn targets(&mut self, left: Node<'_>, whole: Node<'_>, prefix: &str) {
        match left.kind() {
            "identifier" => self.note(prefix, left, whole, true),
            "pattern_list" | "tuple_pattern" | "list_pattern" => {
                let mut cursor = left.walk();
                for child in left.named_children(&mut cursor) {
                    self.targets(child, whole, prefix);
                }
            }
            _ => {}
        }
    }

    fn import(&mut self, node: Node<'_>) {
        let Some(source) = node.child_by_field_name("module_name") else { return };
        let written = self.text_of(source);
        let module = written.trim_start_matches(['.', ' ']).to_owned();
        let level = written.bytes().take_while(|byte| *byte == b'.').count() as u32;
        let mut cursor = node.walk();
        let passed = |bound: &str, name: &str| Passed {
            bound: bound.to_owned(),
            module: module.clone(),
            level,
            name: name.to_owned(),
        };
        let mut news = Vec::new();
        for name in node.children_by_field_name("name", &mut cursor) {
            let of = |field: &str| name.child_by_field_name(field).map(|node| self.text_of(node));
            let whole = self.text_of(name);
            let imported = of("name").unwrap_or(whole);
            news.push(passed(of("alias").unwrap_or(imported), imported));
        }
        let mut cursor = node.walk();
        if node.named_children(&mut cursor).any(|child| child.kind() == "wildcard_import") {
            news.push(passed("*", "*"));
        }
        self.found.passed.extend(news);
    }
}

fn first_identifier(node: Node<'_>) -> Option<Node<'_>> {
    if node.kind() == "identifier" {
        return Some(node);
    }
    let name = node.child_by_field_name("name").or_else(|| node.named_child(0))?;
    (name.id() != node.id()).then(|| first_identifier(name)).flatten()
}

#[cfg(test)]
mod tests {
    use super::Definitions;

    fn line_of(text: &str, name: &str) -> Option<u32> {
        let found = Definitions::of(text.as_bytes(), usize::MAX);
        found.place(name).map(|place| found.index.line_of(place.start))
    }

    #[test]
    fn definitions_are_found_by_their_qualified_names() {
        let text = "class A:\n    x = 1\n    def f(self, a=1, *rest):\n        self.y = 2\n        self.x = 3\n    class B:\n        z: int\n";
        for (name, line) in [("A", 0), ("A.x", 1), ("A.f", 2), ("A.f(rest", 2), ("A.y", 3), ("A.B", 5), ("A.B.z", 6)] {
            assert_eq!(line_of(text, name), Some(line), "{name}");
        }
        assert_eq!(line_of(text, "f"), None);
        let doc = Definitions::of(
            b"class A:\n    @x\n    def f(self):\n        '''One.\n\n        Two.\n        '''\n",
            usize::MAX,
        );
        assert_eq!(doc.doc("A.f"), "One.\n\nTwo.");
    }

    #[test]
    fn an_overload_gives_way_and_the_first_of_twins_stands() {
        let text = "@overload\ndef f(a): ...\n@typing.overload\ndef f(b): ...\ndef f(c): ...\nif x:\n    def g(): ...\nelse:\n    def g(): ...\n";
        assert_eq!(line_of(text, "f"), Some(4));
        assert_eq!(line_of(text, "f(c"), Some(4));
        assert_eq!(line_of(text, "g"), Some(6));
    }

    #[test]
    fn broken_text_keeps_what_stands_before_and_after() {
        let text = "def f(): ...\nclass (:\n  )\ndef g(): ...\n";
        assert_eq!(line_of(text, "f"), Some(0));
    }

    #[test]
    fn imports_say_where_to_look_next() {
        let found = Definitions::of(b"from ._x import a as b, c\nfrom y import *\n", usize::MAX);
        let said: Vec<_> =
            found.passed.iter().map(|each| (&*each.bound, &*each.module, each.level, &*each.name)).collect();
        assert_eq!(said, [("b", "_x", 1, "a"), ("c", "_x", 1, "c"), ("*", "y", 0, "*")]);
    }
}
