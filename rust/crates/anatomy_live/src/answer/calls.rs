//! The call hierarchy: who calls a function or class, and what it calls.
//!
//! Not only calls count. A function that is handed on runs somewhere, so a place that passes it is a caller too and says
//! so in `detail`; so do decorators, properties, and calls that reach a method through one that it overrides or that
//! overrides it. A caller is the function around a place, or the module: class bodies and lambdas run as part of those.

use std::collections::{BTreeMap, HashMap, HashSet};

use anatomy_engine::EngineError;
use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use super::members::Member;
use super::places::range;
use super::{Answers, Words};

const DECORATES: &str = "as a decorator";
const PASSED: &str = "passed as a value";
const READ: &str = "read as a property";
const NAMED: &str = "asked for by name";

/// A place that uses a function or class.
struct Use {
    /// The word, or the expression that is called.
    word: Id,
    scope: Id,
    /// How, unless it is a plain call.
    note: String,
}

impl Answers {
    /// `CallHierarchyItem[]` of the functions and classes that the word at a position means.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn prepare_call_hierarchy(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        Ok(self.items(self.callables_at(&self.words(path, line, character, encoding)?), encoding))
    }

    /// `CallHierarchyIncomingCall[]` of an item: of the id that it carries, or of what stands at its place now.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn incoming_calls(
        &self,
        id: Id,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let mut scopes = Scopes::default();
        let mut groups: BTreeMap<(Id, String), HashSet<Id>> = BTreeMap::new();
        let words = self.words(path, line, character, encoding);
        for id in self.of_item(id, words, |words| self.callables_at(words))? {
            for used in self.callers(id) {
                let caller = scopes.caller(self, used.scope);
                groups.entry((caller, used.note)).or_default().insert(used.word);
            }
        }
        let order = self.in_order(groups.keys().map(|(caller, _)| *caller));
        let rank: HashMap<Id, usize> = order.into_iter().enumerate().map(|(rank, id)| (id, rank)).collect();
        let mut sorted: Vec<_> = groups.into_iter().filter(|((caller, _), _)| rank.contains_key(caller)).collect();
        sorted.sort_by_key(|((caller, _), _)| rank[caller]);
        let calls = sorted.into_iter().filter_map(|((caller, note), words)| {
            Some(json!({"from": self.item(caller, &note, encoding)?, "fromRanges": self.ranges(words, encoding)}))
        });
        Ok(Value::Array(calls.collect()).to_string().into_bytes())
    }

    /// `CallHierarchyOutgoingCall[]` of an item, in the order of the source.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn outgoing_calls(
        &self,
        id: Id,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let mut groups: Vec<((Id, String), HashSet<Id>)> = Vec::new();
        let mut number: HashMap<(Id, String), usize> = HashMap::new();
        let words = self.words(path, line, character, encoding);
        for id in self.of_item(id, words, |words| self.callables_at(words))? {
            for (target, word, note) in self.callees(id) {
                let at = *number.entry((target, note.clone())).or_insert_with(|| {
                    groups.push(((target, note), HashSet::new()));
                    groups.len() - 1
                });
                groups[at].1.insert(word);
            }
        }
        let calls = groups.into_iter().filter_map(|((target, note), words)| {
            Some(json!({"to": self.item(target, &note, encoding)?, "fromRanges": self.ranges(words, encoding)}))
        });
        Ok(Value::Array(calls.collect()).to_string().into_bytes())
    }

    /// Functions and classes that a word means, by name or else by value.
    fn callables_at(&self, words: &Words<'_>) -> Vec<Id> {
        let mut found = self.meant(words);
        found.retain(|id| matches!(self.kind_of(*id), "function" | "class"));
        if found.is_empty() {
            let values = self.values_of(words);
            found = values.into_iter().filter(|value| value.kind != "instance").map(|value| value.target).collect();
            found.retain(|id| matches!(self.kind_of(*id), "function" | "class"));
        }
        let mut seen = HashSet::new();
        found.retain(|id| seen.insert(self.variable_of(*id)));
        found
    }

    fn ranges(&self, words: HashSet<Id>, encoding: PositionEncoding) -> Vec<Value> {
        let mut words: Vec<Id> = words.into_iter().collect();
        words.sort_unstable();
        let mut placed: Vec<_> = words.into_iter().filter_map(|word| self.place(word)).collect();
        placed.sort_by_key(|(_, _, anchor)| (anchor.start, anchor.end));
        placed.into_iter().map(|(_, view, anchor)| range(view, anchor.start, anchor.end, encoding)).collect()
    }

    fn callers(&self, id: Id) -> Vec<Use> {
        let mut uses = self.uses(id);
        let Some(member) = self.member_of(id).filter(|member| member.kind.text() == "function") else { return uses };
        if matches!(member.name.text(), "__init__" | "__new__") {
            for class in self.constructed_by(&member) {
                uses.extend(self.uses(class).into_iter().filter(|used| used.note.is_empty()));
            }
        }
        let above: HashSet<Id> = self.ancestors(member.class).into_iter().collect();
        for base in self.overridden(&member) {
            let note = format!("through {}", self.name_in_class(base.class, base.name));
            let mut through = self.uses(base.id);
            through.retain(|used| used.note.is_empty() || used.note == READ);
            let receivers = self.receivers(through.iter().map(|used| used.word));
            // Where the object is known to be of a class beside this one, the call cannot come here.
            through.retain(|used| {
                receivers.get(&used.word).is_some_and(|values| values.iter().any(|class| above.contains(class)))
            });
            uses.extend(through.into_iter().map(|used| Use { note: note.clone(), ..used }));
        }
        uses
    }

    /// The class of a constructor and those below that have none of their own.
    fn constructed_by(&self, constructor: &Member) -> Vec<Id> {
        let mut found = vec![constructor.class];
        let mut level = found.clone();
        while !level.is_empty() {
            let rows = self.rows_of("class_base", "base", &level, &["class"]);
            let below: Vec<Id> = rows.into_iter().map(|(_, row)| row[0]).collect();
            let members = self.members_of(&below);
            let own: HashSet<Id> =
                members.iter().filter(|member| member.name == constructor.name).map(|member| member.class).collect();
            level = below.into_iter().filter(|class| !own.contains(class) && !found.contains(class)).collect();
            level.sort_unstable();
            level.dedup();
            found.extend(&level);
        }
        found
    }

    /// Words of attributes to the classes of the objects before the dot, `super()` left out.
    fn receivers(&self, words: impl Iterator<Item = Id>) -> HashMap<Id, Vec<Id>> {
        let words: Vec<Id> = words.collect();
        let rows = self.rows_of("exprs", "expr", &words, &["base", "kind"]);
        let objects: Vec<(Id, Id)> = rows
            .into_iter()
            .filter(|(_, row)| Symbol(row[1] as u32).text() == "attribute")
            .map(|(at, row)| (words[at], row[0]))
            .collect();
        let bases: Vec<Id> = objects.iter().map(|(_, base)| *base).collect();
        let mut found: HashMap<Id, Vec<Id>> = HashMap::new();
        for (at, row) in self.rows_of("value", "node", &bases, &["slot", "kind", "target"]) {
            let (slot, kind) = (Symbol(row[0] as u32).text(), Symbol(row[1] as u32).text());
            if slot == "value" && matches!(kind, "instance" | "class") {
                found.entry(objects[at].0).or_default().push(row[2]);
            }
        }
        found
    }

    /// Every place that calls, decorates with, reads or hands on a function or class.
    fn uses(&self, id: Id) -> Vec<Use> {
        let Some(row) = self.rows("bindings", "binding", id, &["variable", "kind"]).into_iter().next() else {
            return vec![];
        };
        let is_class = Symbol(row[1] as u32).text() == "class";
        let is_property = !is_class && self.is_property(id);
        let mut words: Vec<Id> =
            self.rows("refers_to", "variable", row[0], &["expr"]).into_iter().map(|row| row[0]).collect();
        words.sort_unstable();
        words.dedup();
        let called: HashSet<Id> = self
            .rows_of("exprs", "base", &words, &["kind"])
            .into_iter()
            .filter(|(_, row)| Symbol(row[0] as u32).text() == "call")
            .map(|(at, _)| words[at])
            .collect();
        let decorates: HashSet<Id> =
            self.rows_of("decorators", "expr", &words, &["position"]).into_iter().map(|(at, _)| words[at]).collect();
        let passed = if is_class { self.passed(&words) } else { HashSet::new() };
        let mut uses = Vec::new();
        for (at, row) in self.rows_of("exprs", "expr", &words, &["scope", "context", "kind"]) {
            let (word, loads) = (words[at], Symbol(row[1] as u32).text() == "load");
            let kind = Symbol(row[2] as u32).text();
            let is_read = kind == "attribute";
            let note = match () {
                () if kind == "literal" => NAMED,
                () if is_property && is_read => READ,
                // The bare word is the property itself, as in `@total.setter`.
                () if is_property => continue,
                () if !loads => continue,
                () if called.contains(&word) => "",
                () if decorates.contains(&word) => DECORATES,
                () if is_class && !passed.contains(&word) => continue,
                () => PASSED,
            };
            uses.push(Use { word, scope: row[0], note: note.to_owned() });
        }
        for (at, row) in self.rows_of("bindings", "binding", &words, &["scope"]) {
            uses.push(Use { word: words[at], scope: row[0], note: NAMED.to_owned() });
        }
        // What is called under another name, or as the result of an expression.
        let mut calls: Vec<Id> = self.rows("calls", "target", id, &["expr"]).into_iter().map(|row| row[0]).collect();
        calls.sort_unstable();
        calls.dedup();
        for (_, row) in self.rows_of("exprs", "expr", &calls, &["base", "scope"]) {
            if words.binary_search(&row[0]).is_err() {
                uses.push(Use { word: row[0], scope: row[1], note: String::new() });
            }
        }
        uses
    }

    /// Those words that are arguments of calls, except of `isinstance` and the like, which only ask.
    fn passed(&self, words: &[Id]) -> HashSet<Id> {
        let arguments = self.rows_of("args", "value_expr", words, &["call_expr"]);
        let calls: Vec<Id> = arguments.iter().map(|(_, row)| row[0]).collect();
        let bases = self.rows_of("exprs", "expr", &calls, &["base"]);
        let callees: Vec<Id> = bases.iter().map(|(_, row)| row[0]).collect();
        let asks: HashSet<Id> = self
            .rows_of("exprs", "expr", &callees, &["name"])
            .into_iter()
            .filter(|(_, row)| matches!(Symbol(row[0] as u32).text(), "isinstance" | "issubclass" | "cast" | "super"))
            .map(|(at, _)| calls[bases[at].0])
            .collect();
        arguments.iter().filter(|(_, row)| !asks.contains(&row[0])).map(|(at, _)| words[*at]).collect()
    }

    /// (target, word, note) of everything that runs when a function, class or module does.
    fn callees(&self, id: Id) -> Vec<(Id, Id, String)> {
        let (body, file) = match self.rows("bindings", "binding", id, &["body_scope", "kind", "file"]).first() {
            Some(row) if Symbol(row[1] as u32).text() == "class" => {
                // A class that is called runs its constructor.
                let Some(constructor) = self.constructor_of(id) else { return vec![] };
                let row = self.rows("bindings", "binding", constructor.id, &["body_scope", "file"]);
                match row.first() {
                    Some(row) => (row[0], row[1]),
                    None => return vec![],
                }
            }
            Some(row) => (row[0], row[2]),
            None => match self.rows("scopes", "scope", id, &["file"]).first() {
                Some(row) => (id, row[0]),
                None => return vec![],
            },
        };
        if body == 0 {
            return vec![];
        }
        let scopes = self.run_with(body, file);
        let columns = ["expr", "kind", "base", "scope", "context"];
        let exprs: Vec<Vec<u64>> =
            self.rows("exprs", "file", file, &columns).into_iter().filter(|row| scopes.contains(&row[3])).collect();
        let kind = |row: &[u64]| Symbol(row[1] as u32).text();
        let calls: Vec<(Id, Id)> = exprs.iter().filter(|row| kind(row) == "call").map(|row| (row[0], row[2])).collect();
        let called: HashSet<Id> = calls.iter().map(|(_, base)| *base).collect();
        let used: Vec<&Vec<u64>> = exprs.iter().filter(|row| matches!(kind(row), "name" | "attribute")).collect();
        let words: Vec<Id> = used.iter().map(|row| row[0]).collect();
        let mut found: Vec<(Id, Id, String)> = Vec::new();
        let numbers: Vec<Id> = calls.iter().map(|(call, _)| *call).collect();
        for (at, row) in self.rows_of("calls", "expr", &numbers, &["target"]) {
            found.push((row[0], calls[at].1, String::new()));
        }
        let resolved: HashSet<Id> = found.iter().map(|(_, word, _)| *word).collect();
        let decorates: HashSet<Id> =
            self.rows_of("decorators", "expr", &words, &["position"]).into_iter().map(|(at, _)| words[at]).collect();
        for (at, row) in self.rows_of("refers_to", "expr", &words, &["target", "kind"]) {
            let (word, kind) = (words[at], Symbol(row[1] as u32).text());
            let is_function = kind == "function";
            let is_property = is_function && self.is_property(row[0]);
            let is_read = Symbol(used[at][1] as u32).text() == "attribute";
            let note = match () {
                () if is_property && is_read => READ,
                () if is_property => continue,
                () if Symbol(used[at][4] as u32).text() != "load" => continue,
                () if resolved.contains(&word) => continue,
                () if called.contains(&word) && matches!(kind, "function" | "class") => "",
                () if !is_function => continue,
                () if decorates.contains(&word) => DECORATES,
                () => PASSED,
            };
            found.push((row[0], word, note.to_owned()));
        }
        let bound = self.rows("bindings", "scope", body, &["binding"]);
        let bound: Vec<Id> = bound.into_iter().map(|row| row[0]).collect();
        for (at, row) in self.rows_of("refers_to", "expr", &bound, &["target", "kind"]) {
            if Symbol(row[1] as u32).text() == "function" {
                found.push((row[0], bound[at], NAMED.to_owned()));
            }
        }
        self.add_overriders(&mut found);
        let start = |word: Id| self.place(word).map_or(0, |(_, _, anchor)| anchor.start);
        found.sort_by_cached_key(|(target, word, note)| (start(*word), !note.is_empty(), note.clone(), *target));
        found.dedup();
        found
    }

    /// Methods of classes below that of the object, which a call may reach as well.
    fn add_overriders(&self, found: &mut Vec<(Id, Id, String)>) {
        let goes_on = |note: &str| note.is_empty() || note == READ;
        let receivers = self.receivers(found.iter().filter(|(_, _, note)| goes_on(note)).map(|(_, word, _)| *word));
        let mut known: HashMap<(Id, u32), Vec<Member>> = HashMap::new();
        let mut more = Vec::new();
        for (target, word, _) in found.iter().filter(|(_, _, note)| goes_on(note)) {
            let (Some(classes), Some(member)) = (receivers.get(word), self.member_of(*target)) else { continue };
            let said = format!("overrides {}", self.name_in_class(member.class, member.name));
            for class in classes {
                let below =
                    known.entry((*class, member.name.0)).or_insert_with(|| self.overriders(*class, member.name));
                let functions = below.iter().filter(|other| other.kind.text() == "function" && other.id != *target);
                more.extend(functions.map(|other| (other.id, *word, said.clone())));
            }
        }
        let plain: HashSet<(Id, Id)> = found.iter().map(|(target, word, _)| (*target, *word)).collect();
        more.retain(|(target, word, _)| !plain.contains(&(*target, *word)));
        found.extend(more);
    }

    /// A scope and those inside that run with it: all but functions.
    fn run_with(&self, body: Id, file: u64) -> HashSet<Id> {
        let rows = self.rows("scopes", "file", file, &["scope", "parent", "kind"]);
        let mut held = HashSet::from([body]);
        let mut level = vec![body];
        while let Some(scope) = level.pop() {
            for row in rows.iter().filter(|row| row[1] == scope && Symbol(row[2] as u32).text() != "function") {
                if held.insert(row[0]) {
                    level.push(row[0]);
                }
            }
        }
        held
    }
}

/// Scopes that were asked for already, with the function or module that runs them.
#[derive(Default)]
struct Scopes(HashMap<Id, Id>);

impl Scopes {
    fn caller(&mut self, answers: &Answers, scope: Id) -> Id {
        if let Some(known) = self.0.get(&scope) {
            return *known;
        }
        let row = answers.rows("scopes", "scope", scope, &["parent", "kind", "definition"]);
        let caller = match row.first() {
            Some(row) if row[0] != 0 => match Symbol(row[1] as u32).text() {
                "function" if row[2] != 0 => row[2],
                _ => self.caller(answers, row[0]),
            },
            _ => scope,
        };
        self.0.insert(scope, caller);
        caller
    }
}
