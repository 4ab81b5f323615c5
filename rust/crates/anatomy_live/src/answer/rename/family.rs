//! Which variables can only be renamed together: by an import without another name, by inheritance, by a stub beside its
//! source, by the parameters of one method in several classes.

use std::collections::BTreeSet;

use anatomy_facts::{Id, Symbol};

use super::{Rename, Start, is_inside};

/// A scope, as far as names care.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    pub(super) parent: Id,
    pub(super) kind: &'static str,
    pub(super) name: Symbol,
    pub(super) definition: Id,
    pub(super) file: Symbol,
}

/// A name in a scope.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    pub(super) id: Id,
    pub(super) scope: Id,
    /// The binding that is shown for it.
    pub(super) first: Id,
    /// What a person calls it.
    pub(super) called: &'static str,
    pub(super) file: Symbol,
}

impl Rename<'_> {
    /// Ties everything that has to change its name together with the starts.
    pub(super) fn close(&mut self, starts: &[Start]) {
        let mut open: Vec<Start> = starts.to_vec();
        while let Some(next) = open.pop() {
            match next {
                Start::Variable(id) => self.tie_variable(id, &mut open),
                Start::Module(module) => self.tie_module(module, &mut open),
            }
        }
    }

    pub(super) fn scope(&mut self, id: Id) -> Option<Scope> {
        if let Some(known) = self.scopes.get(&id) {
            return *known;
        }
        let columns = ["parent", "kind", "name", "definition", "file"];
        let found = self.rows("scopes", "scope", id, &columns).first().map(|row| Scope {
            parent: row[0],
            kind: Symbol(row[1] as u32).text(),
            name: Symbol(row[2] as u32),
            definition: row[3],
            file: Symbol(row[4] as u32),
        });
        self.scopes.insert(id, found);
        found
    }

    fn tie_variable(&mut self, id: Id, open: &mut Vec<Start>) {
        if self.variables.contains_key(&id) {
            return;
        }
        let columns = ["binding", "scope", "kind", "name", "file", "occurrence"];
        let mut bindings = self.rows("bindings", "variable", id, &columns);
        bindings.retain(|row| row[3] == u64::from(self.old.0));
        bindings.sort_by_key(|row| (Symbol(row[2] as u32).text() == "self_attr", row[5]));
        let Some(first) = bindings.first() else { return };
        let (scope_id, file) = (first[1], Symbol(first[4] as u32));
        if !is_inside(file) {
            self.fixed.push(first[0]);
            return;
        }
        let Some(scope) = self.scope(scope_id) else { return };
        let kinds: BTreeSet<&str> = bindings.iter().map(|row| Symbol(row[2] as u32).text()).collect();
        let called = match scope.kind {
            _ if kinds.contains("param") => "parameter",
            "class" if kinds.contains("function") => "method",
            _ if kinds.contains("function") => "function",
            _ if kinds.contains("class") => "class",
            "class" => "attribute",
            _ => "variable",
        };
        self.variables.insert(id, Variable { id, scope: scope_id, first: first[0], called, file });
        for row in &bindings {
            if matches!(Symbol(row[2] as u32).text(), "import" | "import_from") {
                self.tie_import(row[0], open);
            }
        }
        self.tie_asking(id, &bindings, open);
        match scope.kind {
            "module" => self.tie_importers(id, file, open),
            "class" => self.tie_members(scope.definition, open),
            _ if kinds.contains("param") => self.tie_parameters(&bindings, scope, open),
            _ => {}
        }
        for twin in self.twins(scope_id) {
            open.extend(self.variable_in(twin, self.old).map(Start::Variable));
        }
    }

    /// Parameters that ask for a definition by its name have that name.
    fn tie_asking(&mut self, variable: Id, bindings: &[Vec<u64>], open: &mut Vec<Start>) {
        for row in bindings {
            for target in self.answers.targets(row[0]) {
                if self.rows("bindings", "binding", target.id, &["name"]).iter().any(|own| own[0] == row[3]) {
                    open.push(Start::Variable(target.variable));
                } else {
                    self.asked_otherwise.insert(target.id);
                }
            }
        }
        let words: Vec<Id> =
            self.rows("refers_to", "variable", variable, &["expr"]).into_iter().map(|row| row[0]).collect();
        let asking = self.answers.rows_of("bindings", "binding", &words, &["variable"]);
        open.extend(asking.into_iter().map(|(_, row)| Start::Variable(row[0])));
    }

    /// An import that gives no other name is one word for both sides.
    fn tie_import(&mut self, binding: Id, open: &mut Vec<Start>) {
        let Some(row) = self.rows("imports", "binding", binding, &["module", "name"]).into_iter().next() else {
            return;
        };
        let (module, name) = (Symbol(row[0] as u32), Symbol(row[1] as u32));
        if name == Symbol::NONE {
            // `import a`, `import a as a` and `import a.b as b` say the word of the module.
            if module.text().rsplit('.').next() == Some(self.old.text()) {
                open.push(Start::Module(module));
            }
            return;
        }
        if name != self.old {
            return;
        }
        if let Some(below) = self.imports_below_itself(binding, module) {
            open.push(Start::Module(below));
            return;
        }
        match self.member_of(module) {
            Ok(starts) => open.extend(starts),
            Err(_) => {
                self.outside.insert((module.text(), name.text()));
            }
        }
    }

    /// The module that `from . import old` means in a package that gets the name from nowhere else.
    fn imports_below_itself(&self, binding: Id, module: Symbol) -> Option<Symbol> {
        let file = self.rows("bindings", "binding", binding, &["file"]).first().map(|row| Symbol(row[0] as u32))?;
        let below = Symbol::of(&format!("{}.{}", module.text(), self.old.text()));
        let is_there = || {
            !self.rows("files", "module", u64::from(below.0), &["file"]).is_empty()
                || !self.held_files(below.text()).is_empty()
        };
        (self.module_of(file) == module && is_there()).then_some(below)
    }

    /// The imports of a name of a module, elsewhere, that give it no other name.
    fn tie_importers(&mut self, variable: Id, file: Symbol, open: &mut Vec<Start>) {
        for module in self.exposing(variable, file) {
            for (binding, _) in self.imports_of(module) {
                let rows = self.rows("bindings", "binding", binding, &["variable", "name"]);
                let same = rows.iter().filter(|row| row[1] == u64::from(self.old.0));
                open.extend(same.map(|row| Start::Variable(row[0])));
            }
        }
    }

    /// The modules in which looking up the name yields the variable: its own, and those that star imports bring it to.
    pub(super) fn exposing(&self, variable: Id, file: Symbol) -> Vec<Symbol> {
        let own = self.module_of(file);
        let chosen = |module: &Symbol| self.choices(*module, self.old).iter().any(|row| row[1] == variable);
        let mut found: Vec<Symbol> = self
            .rows("module_choice", "variable", variable, &["module", "name"])
            .iter()
            .filter(|row| row[1] == u64::from(self.old.0))
            .map(|row| Symbol(row[0] as u32))
            .filter(chosen)
            .collect();
        // A stub is not chosen where its source binds the name, and still is that module.
        if self.twin_of(file).is_some() {
            found.push(own);
        }
        found.sort_unstable_by_key(|module| module.text());
        found.dedup();
        found
    }

    /// The stub beside a source, or the source beside a stub.
    fn twin_of(&self, file: Symbol) -> Option<Symbol> {
        let path = file.text();
        let other = match path.strip_suffix(".pyi") {
            Some(stem) => format!("{stem}.py"),
            None => format!("{path}i"),
        };
        let other = Symbol::of(&other);
        self.answers.files.contains_key(&other).then_some(other)
    }

    /// (binding, expression) of each `from module import old` of the workspace.
    pub(super) fn imports_of(&self, module: Symbol) -> Vec<(Id, Id)> {
        self.rows("imports", "module", u64::from(module.0), &["binding", "expr", "name", "file"])
            .iter()
            .filter(|row| row[2] == u64::from(self.old.0) && is_inside(Symbol(row[3] as u32)))
            .map(|row| (row[0], row[1]))
            .collect()
    }

    /// Members of the same name in every class that some class inherits together with this one.
    fn tie_members(&mut self, class: Id, open: &mut Vec<Start>) {
        if class == 0 || self.is_mangled() {
            self.classes.insert(class);
            return;
        }
        for member in self.shared_members(class, self.old) {
            open.push(Start::Variable(member));
        }
    }

    /// True for `__name`, which each class has for itself.
    pub(super) fn is_mangled(&self) -> bool {
        let text = self.old.text();
        text.starts_with("__") && !text.ends_with("__")
    }

    /// Variables of a name in the classes above and below a class and beside it under a common heir, notes what of the
    /// hierarchy is not in the graph, and remembers the classes.
    fn shared_members(&mut self, class: Id, name: Symbol) -> BTreeSet<Id> {
        let mut heirs: BTreeSet<Id> =
            self.rows("mro", "ancestor", class, &["class"]).iter().map(|row| row[0]).collect();
        heirs.insert(class);
        let mut related: BTreeSet<Id> = heirs.clone();
        let below: Vec<Id> = heirs.iter().copied().collect();
        related.extend(self.answers.rows_of("mro", "class", &below, &["ancestor"]).iter().map(|(_, row)| row[0]));
        let named = self.rows("class_member", "name", u64::from(name.0), &["class", "variable"]);
        let members = named.iter().filter(|row| related.contains(&row[0])).map(|row| row[1]).collect();
        for heir in &below {
            self.note_open_bases(*heir);
        }
        if name == self.old {
            self.classes.extend(related);
        }
        members
    }

    fn note_open_bases(&mut self, class: Id) {
        let known = self.rows("class_base", "class", class, &["base"]).len();
        let rows = self.rows("class_bases", "class", class, &["keyword", "expr"]);
        let written = rows.iter().filter(|row| row[0] == u64::from(Symbol::NONE.0)).count();
        if written > known {
            self.open_classes.insert(class);
        }
    }

    /// The parameter of the same name of the other functions that a call may mean: overloads, and the method in other
    /// classes. The first parameter of a method is never given by its name.
    fn tie_parameters(&mut self, bindings: &[Vec<u64>], scope: Scope, open: &mut Vec<Start>) {
        let function = scope.definition;
        let Some(owner) = self.rows("bindings", "binding", function, &["variable", "scope", "name"]).into_iter().next()
        else {
            return;
        };
        let by_name = bindings.iter().any(|row| {
            let params = self.rows("params", "binding", row[0], &["kind", "position"]);
            params.iter().any(|row| matches!(Symbol(row[0] as u32).text(), "positional" | "keyword_only"))
        });
        let class = self.scope(owner[1]).filter(|scope| scope.kind == "class").map(|scope| scope.definition);
        let first = bindings
            .iter()
            .any(|row| self.rows("params", "binding", row[0], &["position"]).iter().any(|params| params[0] == 0));
        if !by_name || (class.is_some() && first) {
            return;
        }
        let name = Symbol(owner[2] as u32);
        let mut functions = BTreeSet::from([owner[0]]);
        if let Some(class) = class
            && !name.text().starts_with("__")
        {
            functions.extend(self.shared_members(class, name));
        }
        for variable in functions {
            for row in self.rows("bindings", "variable", variable, &["body_scope", "file"]) {
                if is_inside(Symbol(row[1] as u32))
                    && let Some(param) = self.variable_in(row[0], self.old)
                    && self
                        .rows("bindings", "variable", param, &["kind"])
                        .iter()
                        .any(|row| Symbol(row[0] as u32).text() == "param")
                {
                    open.push(Start::Variable(param));
                }
            }
        }
    }

    fn tie_module(&mut self, module: Symbol, open: &mut Vec<Start>) {
        let text = module.text();
        let last = text.rsplit('.').next().unwrap_or(text);
        if last != self.old.text() || !self.modules.insert(text) {
            return;
        }
        let files = self.rows("files", "module", u64::from(module.0), &["file", "scope"]);
        for row in &files {
            if !is_inside(Symbol(row[0] as u32)) {
                self.modules.remove(text);
                self.outside.insert((text, ""));
                return;
            }
        }
        if files.is_empty() && self.held_files(text).is_empty() {
            self.modules.remove(text);
            self.outside.insert((text, ""));
            return;
        }
        // `import a.b` binds `a`; `from a import b`, `import a.b as b` and `import a` bind the last word.
        for row in self.rows("imports", "module", u64::from(module.0), &["binding", "name", "file"]) {
            if row[1] == u64::from(Symbol::NONE.0) {
                self.tie_bound(row[0], Symbol(row[2] as u32), open);
            }
        }
        for binding in self.imports_of_module(text) {
            self.tie_bound(binding.0, binding.2, open);
        }
    }

    fn tie_bound(&self, binding: Id, file: Symbol, open: &mut Vec<Start>) {
        let rows = self.rows("bindings", "binding", binding, &["variable", "name"]);
        let same = rows.iter().filter(|row| row[1] == u64::from(self.old.0) && is_inside(file));
        open.extend(same.map(|row| Start::Variable(row[0])));
    }

    /// (binding, expression, file) of each `from package import module`, where nothing else of the package has the name.
    pub(super) fn imports_of_module(&self, module: &str) -> Vec<(Id, Id, Symbol)> {
        let Some((package, _)) = module.rsplit_once('.') else { return vec![] };
        let package = Symbol::of(package);
        if !self.is_that_module(package, module) {
            return vec![];
        }
        self.rows("imports", "module", u64::from(package.0), &["binding", "expr", "name", "file"])
            .iter()
            .filter(|row| row[2] == u64::from(self.old.0) && is_inside(Symbol(row[3] as u32)))
            .map(|row| (row[0], row[1], Symbol(row[3] as u32)))
            .collect()
    }

    /// True if the name in the package is that module, or only imports of it.
    pub(super) fn is_that_module(&self, package: Symbol, module: &str) -> bool {
        let choices = self.choices(package, self.old);
        choices.is_empty()
            || choices.iter().any(|row| {
                let is_module = Symbol(row[2] as u32).text() == "module";
                if is_module {
                    self.module_of_scope(row[0]).is_some_and(|found| found.text() == module)
                } else {
                    let own = self.rows("imports", "binding", row[0], &["module", "name"]);
                    let is_itself =
                        own.iter().any(|own| own[0] == u64::from(package.0) && own[1] == u64::from(self.old.0));
                    is_itself
                        || self
                            .rows("import_target", "binding", row[0], &["target"])
                            .iter()
                            .any(|onward| self.module_of_scope(onward[0]).is_some_and(|found| found.text() == module))
                }
            })
    }

    /// Paths of the workspace below a package that has no file of its own.
    pub(super) fn held_files(&self, module: &str) -> Vec<&'static str> {
        let below = format!("{module}.");
        let mut found: Vec<&'static str> = self
            .answers
            .files
            .keys()
            .filter(|file| is_inside(**file) && self.module_of(**file).text().starts_with(&below))
            .map(|file| file.text())
            .collect();
        found.sort_unstable();
        found
    }

    /// The same scope in the stub beside a source, or in the source beside a stub.
    pub(super) fn twins(&mut self, scope: Id) -> Vec<Id> {
        let Some(start) = self.scope(scope) else { return vec![] };
        let Some(other) = self.twin_of(start.file) else { return vec![] };
        let mut way = Vec::new();
        let mut at = start;
        while at.parent != 0 {
            way.push((at.kind, at.name));
            let Some(parent) = self.scope(at.parent) else { return vec![] };
            at = parent;
        }
        let rows = self.rows("scopes", "file", u64::from(other.0), &["scope", "parent", "kind", "name"]);
        let mut found: Vec<Id> = rows.iter().filter(|row| row[1] == 0).map(|row| row[0]).collect();
        for (kind, name) in way.iter().rev() {
            found = rows
                .iter()
                .filter(|row| found.contains(&row[1]))
                .filter(|row| Symbol(row[2] as u32).text() == *kind && Symbol(row[3] as u32) == *name)
                .map(|row| row[0])
                .collect();
        }
        found
    }
}
