//! Names and keywords at the beginning of an expression or statement.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use anatomy_facts::{Id, Symbol};
use anatomy_syntax::cursor::{Call, Tail, Wanted};

use super::items::{Item, What};
use super::members::privacy;
use super::values::{Kind, Value};
use super::{Answers, Asked};

/// Ranks of the groups, nearest first. What is wanted most at the place comes before its group, behind the arguments.
mod group {
    pub(super) const WANTED: u32 = 100;
    pub(super) const LOCAL: u32 = 1_000;
    pub(super) const MODULE: u32 = 100_000;
    pub(super) const KEYWORD: u32 = 200_000;
    pub(super) const BUILTIN: u32 = 300_000;
    pub(super) const IMPORT: u32 = 400_000;
}

/// Words that go on after a whole expression.
pub(super) fn operators(tail: Tail) -> Vec<Item> {
    let words: &[&'static str] = match tail {
        Tail::Expression => &["and", "else", "for", "if", "in", "is", "not", "or"],
        Tail::Named => &["and", "as", "else", "for", "if", "in", "is", "not", "or"],
        Tail::Imported => &["as"],
        Tail::Raised => &["from", "and", "else", "if", "or"],
        Tail::Target => &["in"],
    };
    words.iter().enumerate().map(|(at, word)| Item::new(*word, at as u32, What::Keyword)).collect()
}

impl Asked<'_> {
    /// Everything that can be named here, and whether more would come for a longer word.
    pub(super) fn names(&self, wanted: Wanted) -> (Vec<Item>, bool) {
        if wanted == Wanted::Async {
            return (["def", "for", "with"].map(|word| Item::new(word, 0, What::Keyword)).into(), false);
        }
        let mut items = Vec::new();
        if let Some(call) = &self.cursor.call {
            self.keyword_arguments(call, wanted, &mut items);
        }
        let mut seen: HashSet<&'static str> = HashSet::new();
        for (depth, scope) in self.scopes.iter().enumerate() {
            let from = if scope.kind == "module" { group::MODULE } else { group::LOCAL * (depth as u32 + 1) };
            self.bound(scope.scope, from, scope.kind == "module", &mut seen, &mut items);
        }
        for (name, member) in self.answers.module_names(self.module) {
            if member.kind != "module" && seen.insert(name) {
                items.push(Item::new(name, group::MODULE + 2 + privacy(name), What::Name(member.target)));
            }
        }
        self.keywords(wanted, &mut items);
        for (name, member) in self.answers.module_names(Symbol::of("builtins")) {
            let offered = !member.is_hidden() && !matches!(name, "function" | "ellipsis" | "module");
            let private = name.starts_with('_') && !name.starts_with("__");
            if offered && !private && seen.insert(name) {
                items.push(Item::new(name, group::BUILTIN + privacy(name), What::Name(member.target)));
            }
        }
        for name in ["__file__", "__name__", "__doc__"] {
            if seen.insert(name) {
                items.push(Item::new(name, group::BUILTIN + privacy(name), What::Guess));
            }
        }
        if !matches!(wanted, Wanted::Statement | Wanted::Value) {
            let mut judge = Judge { answers: self.answers, exception: self.answers.builtin("BaseException"), wanted };
            for item in &mut items {
                if judge.wants(item) {
                    item.rank = group::WANTED + item.rank / 1_000;
                }
            }
        }
        let (imports, partial) = self.auto_imports(&seen);
        items
            .extend(imports.into_iter().enumerate().map(|(at, item)| Item { rank: group::IMPORT + at as u32, ..item }));
        (items, partial)
    }

    /// Names that a scope binds. In functions the ones bound last before the cursor come first.
    fn bound(&self, scope: Id, from: u32, is_module: bool, seen: &mut HashSet<&'static str>, items: &mut Vec<Item>) {
        let word = self.cursor.word.0;
        let rows = self.answers.rows("bindings", "scope", scope, &["name", "binding", "kind"]);
        let texts = Symbol::texts(rows.iter().flat_map(|row| [row[0] as u32, row[2] as u32]));
        let mut bound: HashMap<&'static str, (bool, u32, Id)> = HashMap::new();
        for (pair, row) in texts.chunks_exact(2).zip(&rows) {
            if matches!(pair[1], "star" | "delete" | "self_attr") {
                continue;
            }
            let start = self.view.anchor(row[1]).map_or(0, |anchor| anchor.start);
            if start == word {
                continue;
            }
            let place = (start < word, start, row[1]);
            let known = bound.entry(pair[0]).or_insert(place);
            *known = (*known).max(place);
        }
        let mut found: Vec<(&'static str, (bool, u32, Id))> =
            bound.into_iter().filter(|(name, _)| seen.insert(*name)).collect();
        found.sort_unstable_by_key(|(_, place)| Reverse(*place));
        for (at, (name, (_, _, binding))) in found.into_iter().enumerate() {
            let order = if is_module { 0 } else { (at as u32).min(group::LOCAL - 1) };
            let later = if is_module { privacy(name) } else { 0 };
            items.push(Item::new(name, from + order + later, What::Name(binding)));
        }
    }

    fn keywords(&self, wanted: Wanted, items: &mut Vec<Item>) {
        let blocks = self.cursor.blocks;
        let function = self.cursor.definitions.last().is_some_and(|definition| !definition.is_class);
        let in_async = function
            && self.scopes.iter().any(|scope| {
                scope.kind == "function"
                    && self.view.head(scope.definition).is_some_and(|head| head.starts_with("async "))
            });
        let begins = wanted == Wanted::Statement;
        let value = matches!(wanted, Wanted::Statement | Wanted::Value);
        let words: &[(&'static str, bool)] = &[
            ("None", true),
            ("True", value || wanted == Wanted::Pattern),
            ("False", value || wanted == Wanted::Pattern),
            ("not", value),
            ("lambda", value),
            ("await", value && in_async),
            ("yield", value && function),
            ("if", begins),
            ("for", begins),
            ("while", begins),
            ("with", begins),
            ("try", begins),
            ("def", begins),
            ("class", begins),
            ("import", begins),
            ("from", begins),
            ("pass", begins),
            ("raise", begins),
            ("assert", begins),
            ("del", begins),
            ("async", begins),
            ("match", begins),
            ("type", begins),
            ("global", begins && function),
            ("nonlocal", begins && function && self.cursor.definitions.len() > 1),
            ("return", begins && function),
            ("break", begins && blocks.in_loop),
            ("continue", begins && blocks.in_loop),
            ("elif", begins && blocks.after_if),
            ("else", begins && (blocks.after_if || blocks.after_loop || blocks.after_try)),
            ("except", begins && blocks.after_try),
            ("finally", begins && blocks.after_try),
            ("case", begins && blocks.in_match),
        ];
        for (word, valid) in words {
            if *valid {
                items.push(Item::new(*word, group::KEYWORD, What::Keyword));
            }
        }
    }

    /// `name=` for each parameter that the call does not give yet.
    fn keyword_arguments(&self, call: &Call, wanted: Wanted, items: &mut Vec<Item>) {
        if wanted == Wanted::Base {
            items.push(Item::new("metaclass=", 1, What::Keyword));
            return;
        }
        let mut seen = HashSet::new();
        for callee in self.values(&call.callee) {
            let parameters = match (wanted, callee.kind) {
                (Wanted::Pattern, Kind::Class) => self.answers.class_fields(callee.target, false),
                (Wanted::Pattern, _) => vec![],
                _ => self.answers.parameters_of_callee(callee, call.callee.steps.is_empty()),
            };
            for (at, (name, id)) in parameters.into_iter().enumerate().skip(call.positional as usize) {
                if !call.keywords.iter().any(|given| given == name) && seen.insert(name) {
                    items.push(Item::new(format!("{name}="), (at as u32).min(90), What::Argument(id)));
                }
            }
        }
    }
}

/// Says what is wanted most at a place.
struct Judge<'a> {
    answers: &'a Answers,
    exception: Option<Id>,
    wanted: Wanted,
}

impl Judge<'_> {
    fn wants(&mut self, item: &Item) -> bool {
        let What::Name(binding) = item.what else { return false };
        if self.wanted == Wanted::Decorator
            && matches!(item.label.as_ref(), "property" | "staticmethod" | "classmethod")
        {
            return true;
        }
        let values = self.answers.values_of_binding(binding);
        let class = |value: &Value| value.kind == Kind::Class;
        match self.wanted {
            Wanted::Exception => values.iter().any(|value| {
                value.kind == Kind::Class
                    && self
                        .exception
                        .is_some_and(|wanted| self.answers.resolution_order(value.target).contains(&wanted))
            }),
            Wanted::Decorator => values.iter().any(|value| value.kind == Kind::Function),
            _ => values.iter().any(class),
        }
    }
}

impl Answers {
    /// Parameters that a call may give by keyword, in order.
    fn parameters_of_callee(&self, callee: Value, is_plain: bool) -> Vec<(&'static str, Id)> {
        match callee.kind {
            Kind::Function => {
                let in_class = !self.rows("method", "function", callee.target, &["class"]).is_empty();
                let is_static = self.is_decorated(callee.target, &["staticmethod"]);
                self.named_parameters(callee.target, in_class && !is_static && !is_plain)
            }
            Kind::Class => {
                for name in ["__init__", "__new__"] {
                    for class in self.resolution_order(callee.target) {
                        if name == "__new__" || !self.is_data(class) {
                            let keys = [("class", class), ("name", u64::from(Symbol::of(name).0))];
                            let found = self.rows_where("class_member", &keys, &["target"]);
                            let parameters: Vec<(&'static str, Id)> =
                                found.iter().flat_map(|row| self.named_parameters(row[0], true)).collect();
                            if !found.is_empty() && Some(class) != self.builtin("object") {
                                return parameters;
                            }
                        } else {
                            return self.class_fields(callee.target, true);
                        }
                    }
                }
                vec![]
            }
            Kind::Instance => {
                let call = u64::from(Symbol::of("__call__").0);
                let order = self.resolution_order(callee.target).into_iter();
                let mut found = order
                    .map(|class| self.rows_where("class_member", &[("class", class), ("name", call)], &["target"]));
                let found = found.find(|rows| !rows.is_empty()).unwrap_or_default();
                found.iter().flat_map(|row| self.named_parameters(row[0], true)).collect()
            }
            Kind::Module | Kind::Super => vec![],
        }
    }

    fn named_parameters(&self, function: Id, is_bound: bool) -> Vec<(&'static str, Id)> {
        let mut rows = self.rows("params", "function", function, &["position", "name", "binding", "kind"]);
        rows.sort_unstable();
        rows.into_iter()
            .skip(usize::from(is_bound))
            .filter(|row| matches!(Symbol(row[3] as u32).text(), "positional" | "keyword_only"))
            .map(|row| (Symbol(row[1] as u32).text(), row[2]))
            .filter(|(name, _)| !name.starts_with("__"))
            .collect()
    }

    /// True for a class whose `__init__` is made from its annotated fields.
    fn is_data(&self, class: Id) -> bool {
        self.is_decorated(class, &["dataclass", "define", "frozen", "attrs", "s"])
            || self.base_words(class).iter().any(|word| matches!(*word, "NamedTuple" | "TypedDict"))
    }

    /// Fields of a class: annotated ones, or whatever its instances hold; those of the first ancestor first.
    fn class_fields(&self, class: Id, annotated_only: bool) -> Vec<(&'static str, Id)> {
        let mut found: Vec<(&'static str, Id)> = Vec::new();
        for ancestor in self.resolution_order(class).into_iter().rev() {
            let rows = self.rows("class_member", "class", ancestor, &["name", "target", "kind", "occurrence"]);
            let mut own: Vec<(u32, &'static str, Id)> = Vec::new();
            for row in rows.iter().filter(|row| row[3] == 0) {
                let (name, kind) = (Symbol(row[0] as u32).text(), Symbol(row[2] as u32).text());
                let is_field = kind == "annotated" || (!annotated_only && matches!(kind, "assign" | "self_attr"));
                if is_field && !name.starts_with("__") && (annotated_only || !name.starts_with('_')) {
                    let start = self.place(row[1]).map_or(0, |(_, _, anchor)| anchor.start);
                    own.push((start, name, row[1]));
                }
            }
            own.sort_unstable();
            for (_, name, id) in own {
                if !found.iter().any(|(other, _)| *other == name) {
                    found.push((name, id));
                }
            }
        }
        found
    }
}
