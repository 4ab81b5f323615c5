//! Every word that spells one of the variables or modules: by scope, by import, by `__all__` and `__slots__`, as the member of an
//! object, as a keyword, inside a string.

use std::collections::BTreeSet;

use anatomy_facts::{AnchorKind, Id, Symbol};
use arrow::array::AsArray;
use arrow::datatypes::{UInt32Type, UInt64Type};

use super::family::Variable;
use super::{Rename, is_inside};

/// How a word comes to spell the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Binding,
    Name,
    Attribute,
    Import,
    Module,
    Export,
    Keyword,
    Text,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Binding => "binding",
            Kind::Name => "name",
            Kind::Attribute => "attribute",
            Kind::Import => "import",
            Kind::Module => "module",
            Kind::Export => "export",
            Kind::Keyword => "keyword",
            Kind::Text => "string",
        }
    }
}

/// A word that spells the name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) kind: Kind,
    pub(super) confidence: f32,
    /// How many other definitions, of which the name stays, it may mean as well.
    pub(super) others: u32,
    /// The scope in which it stands, where its meaning depends on that; 0 elsewhere.
    pub(super) scope: Id,
}

/// What is known of the member that an object or call has.
struct Verdict {
    ours: u32,
    others: u32,
    confidence: f32,
}

impl Rename<'_> {
    /// Collects the words of everything that was tied.
    pub(super) fn collect(&mut self) {
        let variables: Vec<Variable> = self.variables.values().copied().collect();
        for variable in &variables {
            self.words_in_scope(variable);
            if self.scope(variable.scope).is_some_and(|scope| scope.kind == "module") {
                self.words_of_member(variable);
            }
        }
        for module in self.modules.clone() {
            self.words_of_module(module);
        }
        self.listed_by_relatives();
        self.loose_names();
        self.attributes();
        self.keywords();
        self.texts();
        self.strings();
    }

    fn put(&mut self, file: Symbol, id: Id, kind: Kind, scope: Id, verdict: (f32, u32)) {
        let Some((_, anchor)) = self.spot(file, id) else { return };
        // A word that is written in another way (parts of a string, the dots of a package) keeps what it says.
        if !is_inside(file) || (anchor.end - anchor.start) as usize != self.old.text().len() {
            return;
        }
        let (confidence, others) = verdict;
        let word = Word { start: anchor.start, end: anchor.end, kind, confidence, others, scope };
        let found = self.words.entry((file.text(), anchor.start)).or_insert(word);
        // Of two readings of one word the surer stands; what binds says so.
        if (others, -confidence) < (found.others, -found.confidence) {
            (found.others, found.confidence) = (others, confidence);
        }
        if kind == Kind::Binding {
            found.kind = kind;
        }
        if found.scope == 0 {
            found.scope = scope;
        }
    }

    /// Bindings of a variable and the names that mean it by the rules of Python.
    fn words_in_scope(&mut self, variable: &Variable) {
        for row in self.rows("bindings", "variable", variable.id, &["binding", "file", "name"]) {
            if row[2] == u64::from(self.old.0) {
                self.put(Symbol(row[1] as u32), row[0], Kind::Binding, variable.scope, (1.0, 0));
            }
        }
        for row in self.rows("names", "target_scope", variable.scope, &["expr", "name", "scope", "file"]) {
            if row[1] == u64::from(self.old.0) {
                self.put(Symbol(row[3] as u32), row[0], Kind::Name, row[2], (1.0, 0));
            }
        }
        self.exports_in(variable.scope);
    }

    /// Strings by which a module or class lists the name.
    fn exports_in(&mut self, scope: Id) {
        for row in self.rows("exports", "scope", scope, &["expr", "name", "file"]) {
            if row[1] == u64::from(self.old.0) && row[0] != 0 {
                self.put(Symbol(row[2] as u32), row[0], Kind::Export, 0, (1.0, 0));
            }
        }
    }

    /// Strings by which other classes of the hierarchy list an attribute that one of them binds.
    fn listed_by_relatives(&mut self) {
        for class in self.classes.clone() {
            for row in self.rows("bindings", "binding", class, &["body_scope"]) {
                self.exports_in(row[0]);
            }
        }
    }

    /// Words in other files that name a variable of a module: imports, and names and `__all__` under star imports.
    fn words_of_member(&mut self, variable: &Variable) {
        for module in self.exposing(variable.id, variable.file) {
            for (binding, expr) in self.imports_of(module) {
                let file = self.rows("bindings", "binding", binding, &["file", "scope"]);
                for row in file {
                    self.put(Symbol(row[0] as u32), expr, Kind::Import, row[1], (1.0, 0));
                }
            }
            self.exports_unbound(module);
        }
    }

    /// Strings of `__all__` in a module that has the name without binding it.
    fn exports_unbound(&mut self, module: Symbol) {
        for file in self.rows("files", "module", u64::from(module.0), &["file", "scope"]) {
            let path = Symbol(file[0] as u32);
            if self.variable_in(file[1], self.old).is_some() {
                continue;
            }
            for row in self.rows("exports", "scope", file[1], &["expr", "name"]) {
                if row[1] == u64::from(self.old.0) && row[0] != 0 {
                    self.put(path, row[0], Kind::Export, 0, (0.97, 0));
                }
            }
        }
    }

    /// Segments of imports and names in imports that name a module.
    fn words_of_module(&mut self, module: &'static str) {
        let symbol = Symbol::of(module);
        for row in self.rows("module_refs", "module", u64::from(symbol.0), &["expr", "file"]) {
            self.put(Symbol(row[1] as u32), row[0], Kind::Module, 0, (1.0, 0));
        }
        for (_, expr, file) in self.imports_of_module(module) {
            self.put(file, expr, Kind::Import, 0, (1.0, 0));
        }
        if let Some((package, _)) = module.rsplit_once('.') {
            let package = Symbol::of(package);
            if self.is_that_module(package, module) {
                self.exports_unbound(package);
            }
        }
    }

    /// Names that no scope of their file binds: a star import brings them, they are modules beside, or builtins.
    fn loose_names(&mut self) {
        for row in self.rows("names", "name", u64::from(self.old.0), &["expr", "target_scope", "scope", "file"]) {
            if row[1] != 0 {
                continue;
            }
            let mut verdict = Verdict { ours: 0, others: 0, confidence: 0.97 };
            for target in self.rows("name_target", "expr", row[0], &["binding", "variable", "kind"]) {
                self.judge(target[0], target[1], target[2], &mut verdict);
            }
            if verdict.ours > 0 {
                self.put(Symbol(row[3] as u32), row[0], Kind::Name, row[2], (verdict.confidence, verdict.others));
            }
        }
    }

    /// Attributes of that name, by what their object is.
    fn attributes(&mut self) {
        let attribute = u64::from(Symbol::of("attribute").0);
        let columns = ["expr", "kind", "base", "scope", "file"];
        let rows = self.rows("exprs", "name", u64::from(self.old.0), &columns);
        let has_members = self.variables.values().any(|variable| matches!(variable.called, "method" | "attribute"));
        for row in rows.iter().filter(|row| row[1] == attribute) {
            let file = Symbol(row[4] as u32);
            if !is_inside(file) {
                continue;
            }
            let verdict = self.verdict_of_attribute(row[0], row[2]);
            if verdict.ours > 0 {
                self.put(file, row[0], Kind::Attribute, row[3], (verdict.confidence, verdict.others));
            } else if verdict.others == 0 && has_members {
                self.put_unknown(file, row[0]);
            }
        }
    }

    fn put_unknown(&mut self, file: Symbol, id: Id) {
        let Some((_, anchor)) = self.spot(file, id) else { return };
        let key = (file.text(), anchor.start);
        if self.words.contains_key(&key) || (anchor.end - anchor.start) as usize != self.old.text().len() {
            return;
        }
        let (start, end) = (anchor.start, anchor.end);
        let word = Word { start, end, kind: Kind::Attribute, confidence: 0.0, others: 0, scope: 0 };
        self.unknown.insert(key, word);
    }

    fn verdict_of_attribute(&self, expr: Id, base: Id) -> Verdict {
        let modules = self.module_values(base);
        let mut verdict = Verdict { ours: 0, others: 0, confidence: 0.97 };
        for module in &modules {
            for row in self.choices(*module, self.old) {
                self.judge(row[0], row[1], row[2], &mut verdict);
            }
        }
        if !modules.is_empty() {
            return verdict;
        }
        verdict.confidence = 0.0;
        for target in self.answers.targets(expr) {
            let before = verdict.ours;
            self.judge(target.id, target.variable, u64::from(target.kind.0), &mut verdict);
            if verdict.ours > before {
                verdict.confidence = verdict.confidence.max(target.confidence);
            }
        }
        verdict
    }

    fn judge(&self, target: Id, variable: Id, kind: u64, verdict: &mut Verdict) {
        let is_ours = if Symbol(kind as u32).text() == "module" {
            self.module_of_scope(target).is_some_and(|module| self.modules.contains(module.text()))
        } else {
            self.variables.contains_key(&variable)
        };
        if is_ours {
            verdict.ours += 1;
        } else if Symbol(kind as u32).text() != "external" {
            verdict.others += 1;
        }
    }

    /// Keyword arguments that name a parameter, or a field.
    fn keywords(&mut self) {
        for row in self.rows("args", "name", u64::from(self.old.0), &["arg", "file", "call_expr"]) {
            let mut verdict = Verdict { ours: 0, others: 0, confidence: 0.0 };
            for target in self.answers.targets(row[0]) {
                if self.collects(target.id) {
                    verdict.others += 1;
                    continue;
                }
                let before = verdict.ours;
                self.judge(target.id, target.variable, u64::from(target.kind.0), &mut verdict);
                if verdict.ours > before {
                    verdict.confidence = verdict.confidence.max(target.confidence);
                }
            }
            if verdict.ours == 0 && verdict.others == 0 && self.makes_one_of_ours(row[2]) {
                verdict = Verdict { ours: 1, others: 0, confidence: 0.9 };
            }
            if verdict.ours > 0 {
                let file = Symbol(row[1] as u32);
                self.put(file, row[0], Kind::Keyword, 0, (verdict.confidence, verdict.others));
            }
        }
    }

    /// True for the call of a class with such a member, of which no constructor takes the keyword: the member is a field.
    fn makes_one_of_ours(&self, call: Id) -> bool {
        let callee = self.rows("exprs", "expr", call, &["base"]).first().map_or(0, |row| row[0]);
        let (slot, class) = (u64::from(Symbol::of("value").0), u64::from(Symbol::of("class").0));
        callee != 0
            && self
                .rows("value", "node", callee, &["slot", "kind", "target"])
                .iter()
                .any(|row| row[0] == slot && row[1] == class && self.classes.contains(&row[2]))
    }

    /// Texts that a rule leads to one of the variables, where they spell the name.
    fn texts(&mut self) {
        let variables: Vec<Id> = self.variables.keys().copied().collect();
        let answers = self.answers;
        for (_, row) in answers.rows_of("refers_to", "variable", &variables, &["expr", "file"]) {
            let file = Symbol(row[1] as u32);
            let Some((_, anchor)) = self.spot(file, row[0]).filter(|_| is_inside(file)) else { continue };
            if anchor.kind != AnchorKind::Expression {
                continue;
            }
            let Some(start) = answers.spelled_in(&anchor, self.old.text()) else { continue };
            let (mut confidence, mut others) = (0.0_f32, 0);
            for target in answers.targets(row[0]) {
                if self.variables.contains_key(&target.variable) {
                    confidence = confidence.max(target.confidence);
                } else {
                    others += u32::from(answers.name_of(target.id) == self.old.text());
                }
            }
            let end = start + self.old.text().len() as u32;
            let word = Word { start, end, kind: Kind::Text, confidence, others, scope: 0 };
            self.words.insert((file.text(), start), word);
        }
    }

    /// Strings that name the thing by its dotted path, or by its word where an attribute is asked for by name.
    fn strings(&mut self) {
        let Some(number) = self.answers.engine.relation_number("strings") else { return };
        let relation = self.answers.snapshot.relation(number);
        let schema = relation.schema().clone();
        let place = |name: &str| schema.index_of(name);
        let (Ok(expr), Ok(value), Ok(call), Ok(file)) =
            (place("expr"), place("value"), place("call_expr"), place("file"))
        else {
            return;
        };
        let old = self.old.text();
        let paths = self.dotted_paths();
        let has_members = self.variables.values().any(|variable| matches!(variable.called, "method" | "attribute"));
        let mut found: Vec<(Symbol, Id, usize)> = Vec::new();
        for batch in relation.batches() {
            let exprs = batch.column(expr).as_primitive::<UInt64Type>();
            let values = batch.column(value).as_primitive::<UInt32Type>();
            let calls = batch.column(call).as_primitive::<UInt64Type>();
            let files = batch.column(file).as_primitive::<UInt32Type>();
            for row in 0..batch.num_rows() {
                let text = Symbol(values.value(row)).text();
                if text == old {
                    if has_members && self.asks_by_name(calls.value(row)) {
                        found.push((Symbol(files.value(row)), exprs.value(row), 0));
                    }
                    continue;
                }
                let named = paths.iter().find(|path| {
                    text.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', ':']))
                });
                if let Some(path) = named {
                    found.push((Symbol(files.value(row)), exprs.value(row), path.len() - old.len()));
                }
            }
        }
        for (file, id, at) in found {
            let Some((_, anchor)) = self.spot(file, id).filter(|_| is_inside(file)) else { continue };
            let Some((content, _)) = self.answers.content_of(&anchor) else { continue };
            let start = content + at as u32;
            let end = start + old.len() as u32;
            let word = Word { start, end, kind: Kind::Text, confidence: 0.5, others: 0, scope: 0 };
            self.words.entry((file.text(), start)).or_insert(word);
        }
    }

    /// Dotted paths under which strings may name what is renamed.
    fn dotted_paths(&mut self) -> BTreeSet<String> {
        let mut paths: BTreeSet<String> =
            self.modules.iter().filter(|module| module.contains('.')).map(|module| (*module).to_owned()).collect();
        let variables: Vec<Variable> = self.variables.values().copied().collect();
        for variable in variables {
            let mut way = vec![self.old.text()];
            let Some(mut at) = self.scope(variable.scope) else { continue };
            while at.kind == "class" {
                way.push(at.name.text());
                let Some(parent) = self.scope(at.parent) else { break };
                at = parent;
            }
            if at.kind != "module" {
                continue;
            }
            let module = self.module_of(at.file);
            way.push(module.text());
            way.reverse();
            paths.insert(way.join("."));
        }
        paths
    }

    /// True for a call of `getattr` and its kin.
    fn asks_by_name(&self, call: Id) -> bool {
        if call == 0 {
            return false;
        }
        let callee = self.rows("exprs", "expr", call, &["base"]).first().map_or(0, |row| row[0]);
        let name = self.rows("exprs", "expr", callee, &["name"]).first().map(|row| Symbol(row[0] as u32));
        let asked = name
            .filter(|name| *name != Symbol::NONE)
            .or_else(|| self.rows("names", "expr", callee, &["name"]).first().map(|row| Symbol(row[0] as u32)));
        let known = ["getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller", "object"];
        asked.is_some_and(|name| known.contains(&name.text()))
    }
}
