//! What a rename would touch: the definitions that share their name of necessity, every word that spells it, and what
//! stands in the way.
//!
//! A name is spelled, not meant: after `from m import f as g` the uses of `g` mean `f` and keep their word. So the answer
//! starts from *variables* (a name in a scope), ties those that can only be renamed together (`family`), and collects the
//! words that name one of them by the scopes of Python, by an import, or by the member of an object (`words`). What the
//! new name would hide or be hidden by is `clashes`. It says all of this and decides nothing: what is refused, what has to
//! be confirmed and what is written is for the caller.

mod clashes;
mod family;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use anatomy_engine::EngineError;
use anatomy_facts::{Anchor, Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use self::family::{Scope, Variable};
use self::words::Word;
use super::places::range;
use super::{Answers, Words, is_inside};
use crate::files::FileView;

/// What the word at a place names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Start {
    Variable(Id),
    Module(Symbol),
}

/// Why a word names nothing that could be renamed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Nothing {
    /// No word stands there.
    NoWord,
    /// An import leads out of the graph.
    External,
    /// Nothing is known of what the word means.
    Open,
    /// The keyword goes to a `**` parameter.
    Collected,
}

impl Nothing {
    fn as_str(self) -> &'static str {
        match self {
            Nothing::NoWord => "no_word",
            Nothing::External => "external",
            Nothing::Open => "open",
            Nothing::Collected => "collected",
        }
    }
}

/// One rename while it is being worked out.
struct Rename<'a> {
    answers: &'a Answers,
    encoding: PositionEncoding,
    old: Symbol,
    new: Symbol,
    scopes: HashMap<Id, Option<Scope>>,
    variables: BTreeMap<Id, Variable>,
    /// Modules whose last word changes.
    modules: BTreeSet<&'static str>,
    /// Definitions outside the workspace that need the old name.
    fixed: Vec<Id>,
    /// Imports out of the graph that need the old name: (module, name).
    outside: BTreeSet<(&'static str, &'static str)>,
    /// Classes of which a base is not in the graph.
    open_classes: BTreeSet<Id>,
    /// Definitions that a parameter asks for by its name and that have another name themselves.
    asked_otherwise: BTreeSet<Id>,
    /// Classes whose members share the name, and all classes between them.
    classes: BTreeSet<Id>,
    /// By file and start.
    words: BTreeMap<(&'static str, u32), Word>,
    /// Words that are spelled the same, of which nothing is known.
    unknown: BTreeMap<(&'static str, u32), Word>,
}

impl Answers {
    /// What renaming the word at a position would touch. `new` may be empty, then nothing can stand in the way.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn rename(
        &self,
        path: &str,
        line: u32,
        character: u32,
        new: &str,
        encoding: PositionEncoding,
    ) -> Result<Value, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        let Some(anchor) = words.reference.or(words.binding) else {
            return Ok(json!({"word": "", "nothing": Nothing::NoWord.as_str()}));
        };
        let old = words.text.map_or_else(|| self.word_of(anchor.id), |text| text.word);
        if words.text.is_some_and(|text| !text.is_target) {
            return Ok(json!({"word": "", "nothing": Nothing::NoWord.as_str()}));
        }
        let mut rename = Rename::new(self, encoding, Symbol::of(old), Symbol::of(new));
        let shown = json!({"word": old, "range": range(words.view, anchor.start, anchor.end, encoding)});
        let starts = match rename.starts(&words).and_then(|starts| rename.spelled(starts)) {
            Ok(starts) => starts,
            Err(nothing) => return Ok(merged(shown, json!({"nothing": nothing.as_str()}))),
        };
        rename.close(&starts);
        rename.collect();
        let clashes = if new.is_empty() { vec![] } else { rename.clashes() };
        Ok(merged(shown, rename.answer(&starts, clashes)))
    }

    /// What giving a module another last word would touch.
    #[must_use]
    pub fn rename_module(&self, module: &str, new: &str, encoding: PositionEncoding) -> Value {
        let old = module.rsplit('.').next().unwrap_or(module);
        let mut rename = Rename::new(self, encoding, Symbol::of(old), Symbol::of(new));
        let starts = [Start::Module(Symbol::of(module))];
        rename.close(&starts);
        rename.collect();
        let clashes = rename.clashes();
        merged(json!({"word": old}), rename.answer(&starts, clashes))
    }
}

fn merged(mut left: Value, right: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut left, right) {
        into.extend(from);
    }
    left
}

impl<'a> Rename<'a> {
    fn new(answers: &'a Answers, encoding: PositionEncoding, old: Symbol, new: Symbol) -> Self {
        Rename {
            answers,
            encoding,
            old,
            new,
            scopes: HashMap::new(),
            variables: BTreeMap::new(),
            modules: BTreeSet::new(),
            fixed: Vec::new(),
            outside: BTreeSet::new(),
            open_classes: BTreeSet::new(),
            asked_otherwise: BTreeSet::new(),
            classes: BTreeSet::new(),
            words: BTreeMap::new(),
            unknown: BTreeMap::new(),
        }
    }

    fn rows(&self, relation: &str, by: &str, key: u64, columns: &[&str]) -> Vec<Vec<u64>> {
        self.answers.rows(relation, by, key, columns)
    }

    /// What the word at a place names, every candidate of it.
    fn starts(&mut self, words: &Words<'_>) -> Result<Vec<Start>, Nothing> {
        let Some(reference) = words.reference else {
            let binding = words.binding.ok_or(Nothing::NoWord)?;
            return self.answers.variable_of(binding.id).map(|id| vec![Start::Variable(id)]).ok_or(Nothing::Open);
        };
        let id = reference.id;
        if let Some(row) = self.rows("names", "expr", id, &["target_scope"]).first() {
            return match self.variable_in(row[0], self.old) {
                Some(variable) => Ok(vec![Start::Variable(variable)]),
                None => self.members(&self.rows("name_target", "expr", id, &["binding", "variable", "kind"])),
            };
        }
        if let Some(row) = self.rows("imports", "expr", id, &["binding", "module", "name"]).first()
            && row[2] != 0
            && Symbol(row[2] as u32) == self.old
        {
            let same = self.rows("bindings", "binding", row[0], &["variable", "name"]);
            if let Some(bound) = same.first().filter(|bound| bound[1] == u64::from(self.old.0)) {
                return Ok(vec![Start::Variable(bound[0])]);
            }
            return self.member_of(Symbol(row[1] as u32)).map_err(|_| Nothing::External);
        }
        if let Some(row) = self.rows("imports", "alias_expr", id, &["binding"]).first() {
            return self.answers.variable_of(row[0]).map(|id| vec![Start::Variable(id)]).ok_or(Nothing::Open);
        }
        if let Some(row) = self.rows("module_refs", "expr", id, &["module"]).first() {
            return Ok(vec![Start::Module(Symbol(row[0] as u32))]);
        }
        if let Some(row) = self.rows("exports", "expr", id, &["scope", "file"]).first() {
            return match self.variable_in(row[0], self.old) {
                Some(variable) => Ok(vec![Start::Variable(variable)]),
                None if self.scope(row[0]).is_some_and(|scope| scope.kind == "class") => Err(Nothing::Open),
                None => self.member_of(self.module_of(Symbol(row[1] as u32))),
            };
        }
        if !self.rows("args", "arg", id, &["position"]).is_empty() {
            let targets = self.answers.targets(id);
            let found: Vec<Start> = targets
                .iter()
                .filter(|target| !self.collects(target.id))
                .map(|target| Start::Variable(target.variable))
                .collect();
            return match (found.is_empty(), targets.is_empty()) {
                (true, true) => Err(Nothing::Open),
                (true, false) => Err(Nothing::Collected),
                (false, _) => Ok(found),
            };
        }
        let base = self.rows("exprs", "expr", id, &["base"]).first().map_or(0, |row| row[0]);
        let modules = self.module_values(base);
        if let Some(module) = modules.first() {
            return self.member_of(*module);
        }
        let targets = self.answers.targets_at(words);
        let rows: Vec<Vec<u64>> =
            targets.iter().map(|target| vec![target.id, target.variable, u64::from(target.kind.0)]).collect();
        self.members(&rows)
    }

    /// Those that have the name that is written: a word may mean what is called otherwise, as `item_set` means a field.
    fn spelled(&self, starts: Vec<Start>) -> Result<Vec<Start>, Nothing> {
        let has_name = |start: &Start| match start {
            Start::Variable(variable) => {
                let named = self.rows("bindings", "variable", *variable, &["name"]);
                named.first().is_none_or(|row| row[0] == u64::from(self.old.0))
            }
            Start::Module(_) => true,
        };
        let found: Vec<Start> = starts.into_iter().filter(has_name).collect();
        if found.is_empty() { Err(Nothing::Open) } else { Ok(found) }
    }

    /// The member of that name of a module.
    fn member_of(&self, module: Symbol) -> Result<Vec<Start>, Nothing> {
        let rows = self.choices(module, self.old);
        if rows.is_empty() && self.rows("files", "module", u64::from(module.0), &["file"]).is_empty() {
            return Err(Nothing::External);
        }
        self.members(&rows)
    }

    /// (target, variable, kind) rows as what they name.
    fn members(&self, rows: &[Vec<u64>]) -> Result<Vec<Start>, Nothing> {
        let mut found = Vec::new();
        let mut leads_out = false;
        for row in rows {
            match Symbol(row[2] as u32).text() {
                "module" => found.extend(self.module_of_scope(row[0]).map(Start::Module)),
                "external" => leads_out = true,
                _ => found.push(Start::Variable(row[1])),
            }
        }
        found.dedup();
        match (found.is_empty(), leads_out) {
            (false, _) => Ok(found),
            (true, true) => Err(Nothing::External),
            (true, false) => Err(Nothing::Open),
        }
    }

    /// (target, variable, kind) of what a name of a module is when the module has run.
    fn choices(&self, module: Symbol, name: Symbol) -> Vec<Vec<u64>> {
        self.rows("module_choice", "module", u64::from(module.0), &["target", "variable", "kind", "name"])
            .into_iter()
            .filter(|row| row[3] == u64::from(name.0))
            .collect()
    }

    /// The modules that an expression may be.
    fn module_values(&self, expr: Id) -> Vec<Symbol> {
        let (slot, module) = (u64::from(Symbol::of("value").0), u64::from(Symbol::of("module").0));
        if expr == 0 {
            return vec![];
        }
        let mut found: Vec<Symbol> = self
            .rows("value", "node", expr, &["slot", "kind", "target"])
            .iter()
            .filter(|row| row[0] == slot && row[1] == module)
            .filter_map(|row| self.module_of_scope(row[2]))
            .collect();
        found.dedup();
        found
    }

    /// The variable of that name that a scope binds, if it does.
    fn variable_in(&self, scope: Id, name: Symbol) -> Option<Id> {
        if scope == 0 {
            return None;
        }
        let rows = self.rows("bindings", "scope", scope, &["variable", "name"]);
        rows.iter().find(|row| row[1] == u64::from(name.0)).map(|row| row[0])
    }

    fn module_of(&self, file: Symbol) -> Symbol {
        let rows = self.rows("files", "file", u64::from(file.0), &["module"]);
        rows.first().map_or(Symbol::NONE, |row| Symbol(row[0] as u32))
    }

    fn module_of_scope(&self, scope: Id) -> Option<Symbol> {
        self.rows("files", "scope", scope, &["module"]).first().map(|row| Symbol(row[0] as u32))
    }

    /// True for `*args` and `**kwargs`, which a keyword never names.
    fn collects(&self, binding: Id) -> bool {
        let rows = self.rows("params", "binding", binding, &["kind"]);
        rows.first().is_some_and(|row| Symbol(row[0] as u32).text().starts_with("var_"))
    }

    fn answer(&self, starts: &[Start], clashes: Vec<Value>) -> Value {
        let words = |words: &BTreeMap<(&'static str, u32), Word>| -> Vec<Value> {
            words.iter().filter_map(|(place, word)| self.word_shown(place.0, word)).collect()
        };
        let variables: Vec<Value> =
            self.variables.values().filter_map(|variable| self.definition_shown(variable.first)).collect();
        let fixed: Vec<Value> = self.fixed.iter().filter_map(|id| self.definition_shown(*id)).collect();
        let open: Vec<Value> = self.open_classes.iter().filter_map(|id| self.definition_shown(*id)).collect();
        let asked: Vec<Value> = self.asked_otherwise.iter().filter_map(|id| self.definition_shown(*id)).collect();
        let outside: Vec<Value> =
            self.outside.iter().map(|(module, name)| json!({"module": module, "name": name})).collect();
        json!({
            "kind": self.kind(starts),
            "definitions": variables,
            "modules": self.modules.iter().map(|module| self.module_shown(module)).collect::<Vec<Value>>(),
            "fixed": fixed,
            "outside": outside,
            "open_classes": open,
            "asked_otherwise": asked,
            "words": words(&self.words),
            "unknown": words(&self.unknown),
            "clashes": clashes,
        })
    }

    /// What a person calls the thing: class, function, method, parameter, attribute, variable or module.
    fn kind(&self, starts: &[Start]) -> &'static str {
        match starts.first() {
            Some(Start::Module(_)) => "module",
            Some(Start::Variable(id)) => self.variables.get(id).map_or("name", |variable| variable.called),
            None => "name",
        }
    }

    fn word_shown(&self, path: &str, word: &Word) -> Option<Value> {
        let view = self.answers.files.get(&Symbol::of(path))?;
        Some(json!({
            "path": path,
            "range": range(view, word.start, word.end, self.encoding),
            "kind": word.kind.as_str(),
            "confidence": (f64::from(word.confidence) * 100.0).round() / 100.0,
            "others": word.others,
        }))
    }

    /// Name, path and place of a binding.
    fn definition_shown(&self, binding: Id) -> Option<Value> {
        let row = self.rows("bindings", "binding", binding, &["name", "kind", "scope"]).into_iter().next()?;
        let (file, view, anchor) = self.answers.place(binding)?;
        let owner = self.rows("scopes", "scope", row[2], &["name"]);
        Some(json!({
            "name": Symbol(row[0] as u32).text(),
            "kind": Symbol(row[1] as u32).text(),
            "owner": owner.first().map_or("", |row| Symbol(row[0] as u32).text()),
            "module": self.module_of(file).text(),
            "path": file.text(),
            "inside": is_inside(file),
            "range": range(view, anchor.start, anchor.end, self.encoding),
        }))
    }

    /// The files of a module: the one that is found first, and its stub; of a package without a file, its directory.
    fn module_shown(&self, module: &str) -> Value {
        let columns = ["search_rank", "file", "is_package"];
        let mut rows = self.rows("files", "module", u64::from(Symbol::of(module).0), &columns);
        rows.sort_unstable_by_key(|row| row[0]);
        let stem = |row: &Vec<u64>| Symbol(row[1] as u32).text().rsplit_once('.').map(|(stem, _)| stem);
        let first = rows.first().and_then(stem);
        let mut files: Vec<(&str, bool)> = rows
            .iter()
            .filter(|row| stem(row) == first)
            .map(|row| (Symbol(row[1] as u32).text(), row[2] == 1))
            .collect();
        files.sort_unstable();
        let files: Vec<Value> =
            files.iter().map(|(path, is_package)| json!({"path": path, "is_package": is_package})).collect();
        let folder = if files.is_empty() { self.folder_of(module) } else { None };
        json!({"module": module, "files": files, "folder": folder.unwrap_or_default()})
    }

    /// The directory of a package that has no file of its own, read off a file below it.
    fn folder_of(&self, module: &str) -> Option<String> {
        let path = *self.held_files(module).first()?;
        let below = self.module_of(Symbol::of(path)).text().strip_prefix(module)?.matches('.').count();
        let is_package = path.rsplit('/').next().is_some_and(|name| name.starts_with("__init__."));
        let mut folder = path;
        for _ in 0..below + usize::from(is_package) {
            folder = folder.rsplit_once('/')?.0;
        }
        Some(folder.to_owned())
    }

    /// The view and place of an id in a file of the workspace.
    fn spot(&self, file: Symbol, id: Id) -> Option<(&'a Arc<FileView>, Anchor)> {
        let answers: &'a Answers = self.answers;
        let view = answers.files.get(&file)?;
        Some((view, *view.anchor(id)?))
    }
}
