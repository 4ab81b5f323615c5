//! What stands in the way of the new name: names that it would hide, or that would hide it.
//!
//! Over-approximates where a `global` word inside a function points past the scope in question; never misses a name that
//! the file itself binds.

use std::collections::BTreeSet;

use anatomy_facts::{Id, Symbol};
use serde_json::{Value, json};

use super::Rename;
use super::family::Variable;
use super::words::{Kind, Word};
use crate::answer::places::range;

/// In which way the new name is in the way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Way {
    /// The scope binds it already.
    Bound,
    /// A class of the hierarchy has such a member.
    Member,
    /// The module has it by a star import, or as a module below it.
    Exposed,
    /// At a use, a scope in between binds it.
    Hidden,
    /// A use of another thing of that name would mean this one.
    Captured,
    /// The call gives an argument of that name already.
    Given,
    /// A word of another class, where two underscores mean another name.
    Private,
}

impl Way {
    fn as_str(self) -> &'static str {
        match self {
            Way::Bound => "bound",
            Way::Member => "member",
            Way::Exposed => "exposed",
            Way::Hidden => "hidden",
            Way::Captured => "captured",
            Way::Given => "given",
            Way::Private => "private",
        }
    }
}

impl Rename<'_> {
    /// Everything that stands in the way, the nearest reason first.
    pub(super) fn clashes(&mut self) -> Vec<Value> {
        let mut found: BTreeSet<(Way, &'static str, u32, u32)> = BTreeSet::new();
        let variables: Vec<Variable> = self.variables.values().copied().collect();
        for variable in &variables {
            self.clashes_in_scope(variable, &mut found);
        }
        for class in self.classes.clone() {
            for row in self.rows("class_member", "class", class, &["target", "name"]) {
                if row[1] == u64::from(self.new.0) {
                    self.put_binding(Way::Member, row[0], &mut found);
                }
            }
        }
        for module in self.modules.clone() {
            self.clashes_of_module(module, &mut found);
        }
        let words: Vec<(Symbol, Word)> = self.words.iter().map(|(place, word)| (Symbol::of(place.0), *word)).collect();
        for (file, word) in &words {
            if matches!(word.kind, Kind::Name | Kind::Import) && word.scope != 0 {
                self.clash_at_use(*file, word, &mut found);
            }
        }
        self.clashes_of_calls(&mut found);
        self.clashes_of_privacy(&words, &mut found);
        found
            .into_iter()
            .filter_map(|(way, path, start, end)| {
                let view = self.answers.files.get(&Symbol::of(path))?;
                Some(json!({
                    "way": way.as_str(),
                    "path": path,
                    "range": range(view, start, end, self.encoding),
                }))
            })
            .collect()
    }

    fn put_binding(&self, way: Way, binding: Id, into: &mut BTreeSet<(Way, &'static str, u32, u32)>) {
        if let Some((file, _, anchor)) = self.answers.place(binding) {
            into.insert((way, file.text(), anchor.start, anchor.end));
        }
    }

    fn clashes_in_scope(&mut self, variable: &Variable, found: &mut BTreeSet<(Way, &'static str, u32, u32)>) {
        for row in self.rows("bindings", "scope", variable.scope, &["binding", "name"]) {
            if row[1] == u64::from(self.new.0) {
                self.put_binding(Way::Bound, row[0], found);
            }
        }
        let Some(scope) = self.scope(variable.scope) else { return };
        if scope.kind == "module" {
            let module = self.module_of(scope.file);
            for row in self.choices(module, self.new) {
                self.put_binding(Way::Exposed, row[0], found);
            }
        }
        // Uses of the new name that reach past this scope would stop here.
        let columns = ["expr", "scope", "target_scope", "file"];
        for row in self.rows("names", "name", u64::from(self.new.0), &columns) {
            if Symbol(row[3] as u32) != scope.file || row[2] == variable.scope {
                continue;
            }
            if self.would_stop_at(row[1], row[2], variable.scope)
                && let Some((_, anchor)) = self.spot(scope.file, row[0])
            {
                found.insert((Way::Captured, scope.file.text(), anchor.start, anchor.end));
            }
        }
    }

    /// True if a name that stands in `from` and means one of `target` would meet a binding in `stop` before.
    fn would_stop_at(&mut self, from: Id, target: Id, stop: Id) -> bool {
        let mut at = from;
        while at != 0 && at != target {
            let Some(scope) = self.scope(at) else { return false };
            if at == stop {
                return scope.kind != "class" || at == from;
            }
            at = scope.parent;
        }
        false
    }

    /// The scopes between a use and what it means must not bind the new name.
    fn clash_at_use(&mut self, file: Symbol, word: &Word, found: &mut BTreeSet<(Way, &'static str, u32, u32)>) {
        let ours: BTreeSet<Id> = self.variables.values().map(|variable| variable.scope).collect();
        let mut at = word.scope;
        while at != 0 && !ours.contains(&at) {
            let Some(scope) = self.scope(at) else { return };
            let is_seen = scope.kind != "class" || at == word.scope;
            if is_seen && self.variable_in(at, self.new).is_some() {
                found.insert((Way::Hidden, file.text(), word.start, word.end));
                return;
            }
            at = scope.parent;
        }
    }

    fn clashes_of_module(&self, module: &str, found: &mut BTreeSet<(Way, &'static str, u32, u32)>) {
        let renamed = match module.rsplit_once('.') {
            Some((package, _)) => {
                for row in self.choices(Symbol::of(package), self.new) {
                    self.put_binding(Way::Exposed, row[0], found);
                }
                format!("{package}.{}", self.new.text())
            }
            None => self.new.text().to_owned(),
        };
        for row in self.rows("files", "module", u64::from(Symbol::of(&renamed).0), &["file"]) {
            found.insert((Way::Exposed, Symbol(row[0] as u32).text(), 0, 0));
        }
    }

    fn clashes_of_calls(&self, found: &mut BTreeSet<(Way, &'static str, u32, u32)>) {
        for row in self.rows("args", "name", u64::from(self.old.0), &["arg", "call_expr", "file"]) {
            let file = Symbol(row[2] as u32);
            let Some((_, anchor)) = self.spot(file, row[0]) else { continue };
            if !self.words.contains_key(&(file.text(), anchor.start)) {
                continue;
            }
            for other in self.rows("args", "call_expr", row[1], &["arg", "name"]) {
                if other[1] == u64::from(self.new.0)
                    && let Some((_, anchor)) = self.spot(file, other[0])
                {
                    found.insert((Way::Given, file.text(), anchor.start, anchor.end));
                }
            }
        }
    }

    /// `__name` is another name in each class.
    fn clashes_of_privacy(&mut self, words: &[(Symbol, Word)], found: &mut BTreeSet<(Way, &'static str, u32, u32)>) {
        let new = self.new.text();
        if !new.starts_with("__") || new.ends_with("__") || self.variables.is_empty() {
            return;
        }
        let homes: BTreeSet<Id> = {
            let scopes: Vec<Id> = self.variables.values().map(|variable| variable.scope).collect();
            scopes.into_iter().map(|scope| self.class_around(scope)).collect()
        };
        for (file, word) in words {
            if matches!(word.kind, Kind::Text | Kind::Module | Kind::Export | Kind::Keyword) {
                continue;
            }
            if homes.len() > 1 || !homes.contains(&self.class_around(word.scope)) {
                found.insert((Way::Private, file.text(), word.start, word.end));
            }
        }
    }

    /// The class whose body a scope stands in, 0 for none.
    fn class_around(&mut self, scope: Id) -> Id {
        let mut at = scope;
        while at != 0 {
            let Some(known) = self.scope(at) else { return 0 };
            if known.kind == "class" {
                return at;
            }
            at = known.parent;
        }
        0
    }
}
