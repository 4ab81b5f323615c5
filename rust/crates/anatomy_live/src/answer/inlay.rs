//! Inlay hints: names of parameters at calls, classes of variables, and what functions return.
//!
//! A hint is a claim, so there is one only where all that the graph knows agrees, and none where the text says it already.

use anatomy_engine::EngineError;
use anatomy_facts::{AnchorKind, Id, Symbol};
use anatomy_syntax::hint_sites::{Argument, CallShape, FunctionShape, hint_sites};
use anatomy_syntax::{Document, Given, PositionEncoding};
use serde_json::{Value, json};

use super::places::range;
use super::tokens::EditorRange;
use super::{Answers, callable::Callable};
use crate::files::FileView;
use crate::signature::{Head, Taken};

/// Which hints are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hints {
    /// `name=` before arguments.
    pub parameter_names: bool,
    /// `: Class` behind variables.
    pub variable_types: bool,
    /// `-> Class` behind parameter lists.
    pub return_types: bool,
}

/// Names of parameters that say nothing of what they take.
const UNTELLING: &[&str] = &[
    "arg", "args", "cls", "data", "first", "func", "function", "instance", "item", "items", "iterable", "key",
    "member", "msg", "name", "obj", "object", "other", "second", "self", "seq", "seq1", "seq2", "string", "text",
    "val", "value", "values",
];
/// Classes that stand for not knowing.
const UNKNOWN: &[&str] = &["Any", "object", "Never", "NoReturn"];

/// How far the parts of an expression are looked through.
const DEPTH: u32 = 6;
/// A longer annotation is not repeated at the variable.
const LONGEST_ANNOTATION: usize = 40;

/// The classes that a value may be of, and whether it may be None.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Known {
    class: Option<Id>,
    /// How its annotation is written, where that says more than the class.
    text: Option<String>,
    may_be_none: bool,
}

impl Answers {
    /// `InlayHint[]` of a range of an open document, in the order of the text.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn inlay_hints(
        &self,
        path: &str,
        within: EditorRange,
        hints: Hints,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let Some((document, tree)) = view.document.as_ref().and_then(|document| Some((document, document.tree()?)))
        else {
            return Ok(b"[]".to_vec());
        };
        let ((line, character), (end_line, end_character)) = within;
        let low = view.index().offset(line, character, encoding);
        let high = view.index().offset(end_line, end_character, encoding);
        let (calls, functions) = hint_sites(tree, document.text(), (low, high));
        let mut found: Vec<(u32, Value)> = Vec::new();
        if hints.parameter_names {
            for call in &calls {
                self.argument_names(view, document, call, &mut found);
            }
        }
        if hints.return_types {
            for function in &functions {
                found.extend(self.return_type(view, function, encoding));
            }
        }
        if hints.variable_types {
            self.variable_types(file, view, (low, high), encoding, &mut found);
        }
        found.retain(|(at, _)| low <= *at && *at <= high);
        found.sort_by_key(|(at, _)| *at);
        let placed = found.into_iter().map(|(at, mut hint)| {
            let (line, character) = view.index().position(at, encoding);
            hint["position"] = json!({"line": line, "character": character});
            hint
        });
        Ok(Value::Array(placed.collect()).to_string().into_bytes())
    }

    fn argument_names(&self, view: &FileView, document: &Document, call: &CallShape, into: &mut Vec<(u32, Value)>) {
        if !call.arguments.iter().any(|argument| argument.given == Given::Place) {
            return;
        }
        let Some(callee) = view.expression_ending_at(call.callee_end) else { return };
        let callables = self.callables(callee.id);
        let places = call.arguments.iter().take_while(|argument| argument.given == Given::Place);
        for (place, argument) in places.enumerate() {
            let mut names = callables.iter().filter_map(|of| name_at(of, place, call));
            let Some((name, is_only)) = names.next() else { return };
            if names.any(|other| other.0 != name) {
                continue;
            }
            let word = argument.word.and_then(|(start, end)| document.text().get(start as usize..end as usize));
            if is_informative(name, is_only, argument, word.unwrap_or_default()) {
                into.push((argument.start, json!({"label": format!("{name}="), "kind": 2})));
            }
        }
    }

    fn variable_types(
        &self,
        file: Symbol,
        view: &FileView,
        (low, high): (u32, u32),
        encoding: PositionEncoding,
        into: &mut Vec<(u32, Value)>,
    ) {
        let anchors = view.anchors();
        let first = anchors.partition_point(|anchor| anchor.start < low);
        let asked = anchors[first..].iter().take_while(|anchor| anchor.start < high);
        for anchor in asked.filter(|anchor| anchor.kind == AnchorKind::Binding) {
            let columns = ["kind", "annotation_expr", "value_expr", "unpack", "variable", "name", "file"];
            let Some(row) = self.rows("bindings", "binding", anchor.id, &columns).into_iter().next() else { continue };
            let text = |column: usize| Symbol(row[column] as u32).text();
            if !matches!(text(0), "assign" | "for" | "walrus") || row[1] != 0 || row[6] != u64::from(file.0) {
                continue;
            }
            if text(5).starts_with("__") || self.is_annotated(row[4]) {
                continue;
            }
            let whole = text(3).is_empty();
            if whole && self.is_obvious(row[2]) {
                continue;
            }
            let known = if whole { self.known_value(row[2], DEPTH) } else { self.one_class(anchor.id) };
            let Some(label) = known.and_then(|known| self.label(&known, ": ", encoding)) else { continue };
            into.push((anchor.end, json!({"label": label, "kind": 1})));
        }
    }

    fn return_type(
        &self,
        view: &FileView,
        function: &FunctionShape,
        encoding: PositionEncoding,
    ) -> Option<(u32, Value)> {
        let anchor =
            view.words_at(function.name_start).into_iter().find(|anchor| anchor.kind == AnchorKind::Binding)?;
        if function.yields || function.is_stub || self.name_of_binding(anchor.id) == "__init__" {
            return None;
        }
        let mut known = Known { may_be_none: function.returns_nothing, ..Known::default() };
        let mut rows = self.rows("returns", "function", anchor.id, &["expr", "kind"]);
        rows.retain(|row| Symbol(row[1] as u32).text() == "return");
        if rows.len() != function.returns || (rows.is_empty() && !function.returns_nothing) {
            return None;
        }
        for row in rows {
            known = joined(known, self.known_value(row[0], DEPTH)?)?;
        }
        let label = self.label(&known, "-> ", encoding)?;
        Some((function.parameters_end, json!({"label": label, "kind": 1, "paddingLeft": true})))
    }

    /// True if some binding of the variable is annotated.
    fn is_annotated(&self, variable: Id) -> bool {
        self.rows("bindings", "variable", variable, &["annotation_expr"]).iter().any(|row| row[0] != 0)
    }

    /// True if an expression says itself what it is: a literal, or the making of an instance.
    fn is_obvious(&self, expr: Id) -> bool {
        let Some(row) = self.rows("exprs", "expr", expr, &["kind", "base"]).into_iter().next() else { return true };
        match Symbol(row[0] as u32).text() {
            "literal" | "list" | "dict" | "tuple" | "lambda" => true,
            "call" => {
                let callee = self.rows("value", "node", row[1], &["kind", "slot"]);
                callee
                    .iter()
                    .any(|row| Symbol(row[1] as u32).text() == "value" && Symbol(row[0] as u32).text() == "class")
            }
            _ => false,
        }
    }

    /// What is known of an expression, if all of it is known.
    fn known_value(&self, expr: Id, depth: u32) -> Option<Known> {
        let row = self.rows("exprs", "expr", expr, &["kind", "base", "second", "name"]).into_iter().next()?;
        let below = depth.checked_sub(1)?;
        match Symbol(row[0] as u32).text() {
            "literal" if Symbol(row[3] as u32).text() == "NoneType" => {
                Some(Known { may_be_none: true, ..Known::default() })
            }
            "conditional" => joined(self.known_value(row[1], below)?, self.known_value(row[2], below)?),
            "bool_op" => {
                // What is false goes to the right side of `or`; which operator it is, nobody says.
                joined(self.known_value(row[1], below)?, self.known_value(row[2], below)?)
            }
            "call" => {
                let mut known = self.one_class(expr)?;
                for callee in self.rows("value", "node", row[1], &["kind", "slot", "target"]) {
                    let text = |column: usize| Symbol(callee[column] as u32).text();
                    if (text(0), text(1)) == ("function", "value") {
                        self.refine(&mut known, callee[2])?;
                    }
                }
                Some(known)
            }
            _ => self.one_class(expr),
        }
    }

    /// Makes of a class what the return annotation of a function says more; none if its returns are not all known.
    fn refine(&self, known: &mut Known, function: Id) -> Option<()> {
        let (_, view, _) = self.place(function)?;
        let head = Head::of(view.head(function)?)?;
        if let Some(text) = head.returns {
            known.may_be_none |= text.contains("None") || text.contains("Optional");
            if text.contains('[') || text.contains('|') {
                known.text = is_plain(&text).then_some(text);
            }
            return Some(());
        }
        for row in self.rows("returns", "function", function, &["expr", "kind"]) {
            let name = self.rows("exprs", "expr", row[0], &["name", "kind"]);
            let is_none = name.first().is_some_and(|of| Symbol(of[0] as u32).text() == "NoneType");
            known.may_be_none |= is_none;
            if Symbol(row[1] as u32).text() == "return" && !is_none && self.one_class(row[0]).is_none() {
                return None;
            }
        }
        Some(())
    }

    /// The one class that a node is an instance of.
    fn one_class(&self, node: Id) -> Option<Known> {
        let mut values = self.rows("value", "node", node, &["slot", "kind", "target"]);
        values.retain(|row| Symbol(row[0] as u32).text() == "value");
        let (first, rest) = values.split_first()?;
        let is_one = rest.iter().all(|row| row[1..] == first[1..]) && Symbol(first[1] as u32).text() == "instance";
        let is_known = is_one && !UNKNOWN.contains(&self.name_of_binding(first[2]));
        is_known.then(|| Known { class: Some(first[2]), ..Known::default() })
    }

    /// The parts of a label, the class with its place; none if nothing is known.
    fn label(&self, known: &Known, before: &str, encoding: PositionEncoding) -> Option<Value> {
        let Some(class) = known.class else {
            return (known.may_be_none && before == "-> ").then(|| json!([{"value": "-> None"}]));
        };
        if let Some(text) = &known.text {
            return Some(json!([{"value": before}, {"value": text}]));
        }
        let name = self.name_of_binding(class);
        if name.is_empty() {
            return None;
        }
        if name == "NoneType" {
            return Some(json!([{"value": before}, {"value": "None"}]));
        }
        let mut part = json!({"value": name});
        if let Some((file, view, anchor)) = self.place(class) {
            part["location"] =
                json!({"uri": self.uri_of(file), "range": range(view, anchor.start, anchor.end, encoding)});
        }
        let mut parts = vec![json!({"value": before}), part];
        if known.may_be_none {
            parts.push(json!({"value": " | None"}));
        }
        Some(Value::Array(parts))
    }
}

/// Two values that may both be; none if they are of two classes.
fn joined(left: Known, right: Known) -> Option<Known> {
    let class = match (left.class, right.class) {
        (Some(left), Some(right)) if left != right => return None,
        (left, right) => left.or(right),
    };
    let text = match (left.text, right.text) {
        (Some(left), Some(right)) if left != right => return None,
        (left, right) => left.or(right),
    };
    Some(Known { class, text, may_be_none: left.may_be_none || right.may_be_none })
}

/// True for an annotation that means the same at every place: short, without quotes and names of type variables.
fn is_plain(text: &str) -> bool {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_').filter(|word| !word.is_empty());
    let is_variable = |word: &str| {
        word.starts_with('_') || word.len() <= 2 || word.ends_with("_co") || word.ends_with('T') || word == "Self"
    };
    text.len() <= LONGEST_ANNOTATION && !text.contains(['"', '\'']) && !words.into_iter().any(is_variable)
}

/// The parameter that takes the argument of a place, if it has a name worth showing, and whether it is the only one.
fn name_at<'a>(callable: &'a Callable, place: usize, call: &CallShape) -> Option<(&'a str, bool)> {
    let mut by_place =
        callable.parts.iter().filter(|part| matches!(part.taken, Taken::Place | Taken::Either | Taken::Places));
    let only = by_place.clone().count() == 1 && call.arguments.len() == 1;
    let rest = callable.parts.iter().position(|part| part.taken == Taken::Places);
    // What cannot be given by name has a name for nobody but the callee.
    let part = by_place.nth(place).filter(|part| part.taken == Taken::Either);
    part.filter(|part| rest.is_none_or(|rest| callable.parts[rest..].iter().all(|behind| behind != *part)))
        .map(|part| (part.name.as_str(), only))
}

/// True if a name says more than the argument itself.
fn is_informative(name: &str, is_only: bool, argument: &Argument, word: &str) -> bool {
    let bare = |text: &str| text.trim_matches('_').to_lowercase();
    let (name_word, word) = (bare(name), bare(word));
    let says_it = !word.is_empty()
        && (word == name_word || word.ends_with(&format!("_{name_word}")) || name_word.ends_with(&format!("_{word}")));
    name_word.len() > 1
        && !name.starts_with('_')
        && !UNTELLING.contains(&name)
        && !says_it
        && (!is_only || argument.is_literal)
}
