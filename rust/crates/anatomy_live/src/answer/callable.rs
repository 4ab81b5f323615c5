//! What may be called at a place: functions with the parameters that a caller sees.
//!
//! `value` says what an expression is; here that becomes the function that runs: `__init__` or `__new__` of a class, the
//! fields of a data class, `__call__` of an instance, every overload of a function. The receiver that Python passes by itself
//! is taken off.

use std::collections::HashSet;

use anatomy_facts::{Id, Symbol};

use super::Answers;
use crate::signature::{Head, Part, Taken};

/// Decorators that make `__init__` from the annotated names of a class.
const DATA_CLASS: &[&str] = &["dataclass", "dataclass_transform", "define", "frozen", "attrs", "mutable"];
/// A call of more things than this is a guess that helps nobody.
const MOST: usize = 24;

/// One way to call something.
#[derive(Clone, Debug)]
pub(super) struct Callable {
    /// What is shown before the parameters.
    pub(super) name: String,
    /// Binding of the function; of the class where nothing but its fields is known.
    pub(super) function: Id,
    /// Binding of the class that is made, 0 if none is.
    pub(super) class: Id,
    /// Parameters and separators, without the receiver.
    pub(super) parts: Vec<Part>,
    /// What stands behind `->`.
    pub(super) returns: Option<String>,
}

/// How a function is reached, which decides whether its first parameter is passed by Python.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    /// By a name, or through a class.
    Plain,
    /// Through an instance, `super()` or the making of one.
    Bound,
}

impl Answers {
    /// Everything that a call of this expression may run, best first.
    pub(super) fn callables(&self, callee: Id) -> Vec<Callable> {
        let mut values: Vec<Vec<u64>> = self.rows("value", "node", callee, &["kind", "target", "path", "slot"]);
        values.retain(|row| Symbol(row[3] as u32).text() == "value");
        values.sort_by_key(|row| (row[2], row[1]));
        let mut found: Vec<(Symbol, Id)> = values.into_iter().map(|row| (Symbol(row[0] as u32), row[1])).collect();
        if found.is_empty() {
            found = self.targets(callee).into_iter().map(|target| (target.kind, target.id)).collect();
        }
        let found = found.into_iter().map(|(kind, target)| (kind.text(), target)).collect();
        self.callables_of(found, |function| self.way_to(function, callee))
    }

    /// Everything that a call of these (kind, target) may run; `reached` says how each function is.
    pub(super) fn callables_of(
        &self,
        found: Vec<(&'static str, Id)>,
        reached: impl Fn(Id) -> Reached,
    ) -> Vec<Callable> {
        let mut seen = HashSet::new();
        let mut callables = Vec::new();
        for (kind, target) in found {
            match kind {
                "function" => self.overloads(target, reached(target), 0, &mut seen, &mut callables),
                "class" => self.constructor(target, &mut seen, &mut callables),
                "instance" => {
                    if let Some(member) = self.member(target, "__call__") {
                        self.overloads(member, Reached::Bound, 0, &mut seen, &mut callables);
                    }
                }
                _ => {}
            }
            if callables.len() >= MOST {
                break;
            }
        }
        callables
    }

    fn way_to(&self, function: Id, callee: Id) -> Reached {
        let expr = self.rows("exprs", "expr", callee, &["kind", "base", "scope"]);
        match expr.first() {
            Some(row) if Symbol(row[0] as u32).text() == "attribute" => {
                let bases = self.rows("value", "node", row[1], &["kind", "slot"]);
                let is = |row: &Vec<u64>, kind: &str| {
                    Symbol(row[1] as u32).text() == "value" && Symbol(row[0] as u32).text() == kind
                };
                if bases.iter().any(|row| is(row, "class")) && !bases.iter().any(|row| is(row, "instance")) {
                    Reached::Plain
                } else {
                    Reached::Bound
                }
            }
            // A method under a plain name outside its class was taken off an instance before.
            Some(row) if self.scope_of(function) != Some(row[2]) => Reached::Bound,
            _ => Reached::Plain,
        }
    }

    fn constructor(&self, class: Id, seen: &mut HashSet<Id>, into: &mut Vec<Callable>) {
        let before = into.len();
        let init = self.member_at(class, "__init__");
        let new = self.member_at(class, "__new__");
        // The nearer one says more; both on `object` say nothing.
        let chosen = match (init, new) {
            (Some(init), Some(new)) if new.0 < init.0 => Some(new),
            (Some(init), _) => Some(init),
            (None, new) => new,
        };
        let is_object = |member: Id| self.class_of(member).is_some_and(|class| self.name_of_binding(class) == "object");
        if let Some((_, member)) = chosen.filter(|(_, member)| !is_object(*member)) {
            self.overloads(member, Reached::Bound, class, seen, into);
        }
        if into.len() == before && seen.insert(class) {
            let fields = self.fields(class);
            if !fields.is_empty() || chosen.is_some() || self.has_no_unknown_base(class) {
                into.push(Callable {
                    name: self.name_of_binding(class).to_owned(),
                    function: class,
                    class,
                    parts: fields,
                    returns: None,
                });
            }
        }
    }

    /// The parameters that a data class or named tuple makes of its annotated names.
    fn fields(&self, class: Id) -> Vec<Part> {
        let mut ancestors = self.rows("mro", "class", class, &["ancestor", "path"]);
        ancestors.sort_by_key(|row| std::cmp::Reverse(row[1]));
        let makes_fields = |class: Id| {
            let decorators = self.rows("decorators", "definition", class, &["name"]);
            decorators.iter().any(|row| DATA_CLASS.contains(&Symbol(row[0] as u32).text()))
                || self.base_words(class).contains(&"NamedTuple")
        };
        let mut parts: Vec<Part> = Vec::new();
        for ancestor in ancestors.into_iter().map(|row| row[0]).filter(|class| makes_fields(*class)) {
            let Some((_, view, _)) = self.place(ancestor) else { continue };
            let columns = ["target", "name", "kind"];
            let mut members = self.rows("class_member", "class", ancestor, &columns);
            members.retain(|row| Symbol(row[2] as u32).text() == "annotated");
            members.sort_by_key(|row| view.anchor(row[0]).map_or(0, |anchor| anchor.start));
            for row in members {
                let name = Symbol(row[1] as u32).text();
                let value = self.rows("bindings", "binding", row[0], &["value_expr"]);
                let has_default = value.first().is_some_and(|row| row[0] != 0);
                let text = if has_default { format!("{name}=...") } else { name.to_owned() };
                let field = Part { text, name: name.to_owned(), taken: Taken::Either, has_default };
                match parts.iter_mut().find(|part| part.name == name) {
                    Some(known) => *known = field,
                    None => parts.push(field),
                }
            }
        }
        parts
    }

    /// A function with all its overloads; the body behind the overloads is none of them.
    fn overloads(&self, function: Id, reached: Reached, class: Id, seen: &mut HashSet<Id>, into: &mut Vec<Callable>) {
        let Some(variable) = self.variable_of(function) else { return };
        let mut twins = self.rows("bindings", "variable", variable, &["binding", "occurrence", "kind"]);
        twins.retain(|row| Symbol(row[2] as u32).text() == "function" && self.is_decorated(row[0], &["overload"]));
        twins.sort_by_key(|row| row[1]);
        let chosen = if twins.is_empty() { vec![function] } else { twins.into_iter().map(|row| row[0]).collect() };
        for each in chosen {
            if seen.insert(each)
                && let Some(callable) = self.callable(each, reached, class)
            {
                into.push(callable);
            }
        }
    }

    fn callable(&self, function: Id, reached: Reached, class: Id) -> Option<Callable> {
        let (_, view, _) = self.place(function)?;
        let head = Head::of(view.head(function)?)?;
        let mut parts = head.parts;
        let is_method = self.class_of(function).is_some();
        let takes_receiver = is_method
            && !self.is_decorated(function, &["staticmethod"])
            && (reached == Reached::Bound || self.is_decorated(function, &["classmethod"]));
        if takes_receiver
            && let Some(first) = parts.first()
            && matches!(first.taken, Taken::Place | Taken::Either)
        {
            parts.remove(0);
            if parts.first().is_some_and(|part| part.text == "/") {
                parts.remove(0);
            }
        }
        let named = if class == 0 { function } else { class };
        Some(Callable {
            name: self.name_of_binding(named).to_owned(),
            function,
            class,
            parts,
            returns: if class == 0 { head.returns } else { None },
        })
    }

    /// The member of that name that an instance of a class has, with its place in the order of ancestors.
    fn member_at(&self, class: Id, name: &str) -> Option<(u64, Id)> {
        let mut ancestors = self.rows("mro", "class", class, &["path", "ancestor"]);
        ancestors.sort_unstable();
        ancestors.into_iter().find_map(|row| {
            let mut members = self.rows("class_member", "class", row[1], &["occurrence", "target", "name", "kind"]);
            members.retain(|member| {
                Symbol(member[2] as u32).text() == name && Symbol(member[3] as u32).text() == "function"
            });
            members.sort_unstable();
            members.last().map(|member| (row[0], member[1]))
        })
    }

    fn member(&self, class: Id, name: &str) -> Option<Id> {
        self.member_at(class, name).map(|(_, member)| member)
    }

    /// The last words of the bases of a class as written: `Enum`, `Protocol`.
    pub(super) fn base_words(&self, class: Id) -> Vec<&'static str> {
        let bases = self.rows("class_bases", "class", class, &["expr", "keyword"]);
        bases.iter().filter(|row| row[1] == 0).filter_map(|row| self.last_word(row[0])).collect()
    }

    /// The last word of a name, an attribute, or the object of a subscript or call.
    pub(super) fn last_word(&self, expr: Id) -> Option<&'static str> {
        let row = self.rows("exprs", "expr", expr, &["kind", "base", "name"]).into_iter().next()?;
        match Symbol(row[0] as u32).text() {
            "name" | "attribute" => Some(Symbol(row[2] as u32).text()),
            "subscript" | "call" => {
                let base = self.rows("exprs", "expr", row[1], &["name"]).into_iter().next()?;
                Some(Symbol(base[0] as u32).text())
            }
            _ => None,
        }
    }

    fn has_no_unknown_base(&self, class: Id) -> bool {
        let written = self.rows("class_bases", "class", class, &["keyword"]);
        let known = self.rows("class_base", "class", class, &["base"]);
        written.iter().filter(|row| row[0] == 0).count() <= known.len()
    }

    pub(super) fn is_decorated(&self, definition: Id, words: &[&str]) -> bool {
        let decorators = self.rows("decorators", "definition", definition, &["name"]);
        decorators.iter().any(|row| words.contains(&Symbol(row[0] as u32).text()))
    }

    fn scope_of(&self, binding: Id) -> Option<Id> {
        self.rows("bindings", "binding", binding, &["scope"]).first().map(|row| row[0])
    }

    /// The class in whose body a binding stands, if it does.
    pub(super) fn class_of(&self, binding: Id) -> Option<Id> {
        let scope = self.scope_of(binding)?;
        let row = self.rows("scopes", "scope", scope, &["kind", "definition"]).into_iter().next()?;
        (Symbol(row[0] as u32).text() == "class").then_some(row[1])
    }

    /// The name of a binding.
    pub(super) fn name_of_binding(&self, binding: Id) -> &'static str {
        self.rows("bindings", "binding", binding, &["name"]).first().map_or("", |row| Symbol(row[0] as u32).text())
    }
}
