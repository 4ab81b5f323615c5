//! Names of other modules that the file does not see yet, with the import that brings them.
//!
//! Candidates are definitions and modules with a public way to them, and whatever some file of the workspace imports
//! already. That some file does so counts most, then nearness: the same package, the workspace, libraries.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use anatomy_engine::store::Location;
use anatomy_facts::{Id, Symbol};
use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::{UInt32Type, UInt64Type};

use super::items::{Item, What};
use super::statements::is_importable;
use super::typed::fit;
use super::{Answers, Asked};

/// Names beyond this many are not looked at: the word is too short to mean one of them.
const MOST_NAMES: usize = 1_500;

/// The most imports of one name.
const MOST_OF_ONE: usize = 8;

fn fit_within(name: &str, typed: &str, weakest: Option<u8>) -> Option<u8> {
    match weakest {
        Some(weakest) => fit(name, typed).filter(|fit| *fit <= weakest),
        None => (name == typed).then_some(0),
    }
}

/// A name of a module that fits the typed word.
struct Candidate {
    fit: u8,
    name: &'static str,
    symbol: u32,
    module: Symbol,
    target: Id,
    kind: u32,
    scope: Id,
}

/// What the path of a module says.
#[derive(Clone, Copy)]
struct Home {
    partition: &'static str,
    is_package: bool,
}

/// Smaller is better; the module's name settles equal ones.
type Preference = (Reverse<bool>, Reverse<u32>, u8, bool, usize, &'static str);

/// Fit, preference and label, by which candidates are compared.
type Ranked = (u8, Preference, &'static str, Source);

impl Asked<'_> {
    /// The best candidates that are not visible yet, best first, and whether there are more.
    pub(super) fn auto_imports(&self, visible: &HashSet<&'static str>) -> (Vec<Item>, bool) {
        let typed = self.typed();
        let most = self.wishes.auto_imports;
        if most == 0 {
            return (vec![], false);
        }
        if typed.is_empty() {
            return (vec![], true);
        }
        let weakest = if typed.len() < 3 { 2 } else { 4 };
        self.importable(typed, Some(weakest), most, visible)
    }

    /// What brings a name of exactly these letters, best first.
    pub(super) fn imports_of(&self, name: &str) -> Vec<Item> {
        self.importable(name, None, MOST_OF_ONE, &HashSet::new()).0
    }

    /// Candidates that fit no worse than `weakest`, or else exactly.
    fn importable(
        &self,
        typed: &str,
        weakest: Option<u8>,
        most: usize,
        visible: &HashSet<&'static str>,
    ) -> (Vec<Item>, bool) {
        let mut roots: Vec<(u8, &'static str, &'static str)> = Vec::new();
        self.answers.each_module(|module, partition| {
            if !module.contains('.')
                && !visible.contains(module)
                && let Some(fit) = fit_within(module, typed, weakest)
            {
                roots.push((fit, module, partition));
            }
        });
        let (candidates, cut) = self.answers.fitting_names(typed, weakest, visible);
        let homes = self.answers.homes(candidates.iter().map(|candidate| candidate.module));
        let (own, package) = (self.module.text(), self.package.text());
        let uses = self.answers.imported_from(candidates.iter().map(|candidate| candidate.symbol), self.package);
        let mut ranked: Vec<Ranked> = Vec::with_capacity(candidates.len());
        for candidate in candidates {
            let module = candidate.module.text();
            let home = homes.get(&candidate.module.0).copied();
            let Some(home) = home.filter(|_| candidate.module != self.module) else { continue };
            let used = uses.get(&(candidate.symbol, candidate.module.0));
            let local = match home.partition {
                "user" if module.starts_with(package) && !package.is_empty() => 0,
                "user" => 1,
                "stdlib" => 2,
                _ => 3,
            };
            let is_test = module.split('.').any(|part| part == "tests" || part == "test" || part.starts_with("test_"));
            let preference = (
                Reverse(used.is_some_and(|used| used.is_near)),
                Reverse(used.map_or(0, |used| used.count)),
                local,
                is_test && !own.contains("test"),
                module.split('.').count(),
                module,
            );
            let source = Source::Name(candidate, home, used.is_some());
            ranked.push((source.fit(), preference, source.label(), source));
        }
        for (fit, module, partition) in roots {
            let hidden = module.starts_with('_') || matches!(module, "builtins" | "this" | "antigravity");
            if hidden || own == module {
                continue;
            }
            let uses = self.answers.rows("imports", "module", u64::from(Symbol::of(module).0), &["name", "file"]);
            let inside = |row: &&Vec<u64>| row[0] == 0 && super::super::is_inside(Symbol(row[1] as u32));
            let count = uses.iter().filter(inside).count() as u32;
            let local = if partition == "user" { 1 } else { 2 };
            ranked.push((
                fit,
                (Reverse(false), Reverse(count), local, false, 1, module),
                module,
                Source::Root(fit, module),
            ));
        }
        // Few of thousands are taken, so the rest need not be in order unless most of the first ones are refused.
        let order = |left: &Ranked, right: &Ranked| (left.0, left.1, left.2).cmp(&(right.0, right.1, right.2));
        let first = ranked.len().min(8 * most + 8);
        if first < ranked.len() {
            ranked.select_nth_unstable_by(first, order);
        }
        let mut rest = ranked.split_off(first);
        ranked.sort_unstable_by(order);
        // What a name is in the end, and whether it may be taken from there, is asked of the best alone.
        let mut items: Vec<Item> = Vec::new();
        let mut taken: HashSet<(&'static str, Id)> = HashSet::new();
        let sorted_rest = move || {
            rest.sort_unstable_by(order);
            rest
        };
        let mut left = ranked.into_iter().chain(std::iter::once_with(sorted_rest).flatten());
        for (_, _, label, source) in left.by_ref() {
            if items.len() >= most {
                break;
            }
            let what = match source {
                Source::Root(_, module) => {
                    let symbol = Symbol::of(module);
                    let scope = self.answers.rows("files", "module", u64::from(symbol.0), &["scope"]);
                    What::Import(scope.first().map_or(0, |row| row[0]), symbol, Symbol::NONE)
                }
                Source::Name(candidate, home, used) => {
                    if !used && !self.answers.is_offered(&candidate, home) {
                        continue;
                    }
                    let target = self.answers.final_target(candidate.target);
                    if !taken.insert((label, target)) {
                        continue;
                    }
                    What::Import(target, candidate.module, Symbol(candidate.symbol))
                }
            };
            items.push(Item::new(label, 0, what));
        }
        let partial = cut || typed.len() < 3 || left.next().is_some();
        (items, partial)
    }
}

/// Where an import may come from.
enum Source {
    /// A name of a module, what is known of the module, and whether some file imports it from there.
    Name(Candidate, Home, bool),
    /// A module itself, with its fit.
    Root(u8, &'static str),
}

impl Source {
    fn fit(&self) -> u8 {
        match self {
            Source::Name(candidate, _, _) => candidate.fit,
            Source::Root(fit, _) => *fit,
        }
    }

    fn label(&self) -> &'static str {
        match self {
            Source::Name(candidate, _, _) => candidate.name,
            Source::Root(_, module) => module,
        }
    }
}

/// Which files of the workspace import a name from a module.
#[derive(Default)]
struct Uses {
    count: u32,
    /// One of them lies in the package that asks.
    is_near: bool,
}

impl Answers {
    /// Names of modules that fit, best first, and whether some were left out.
    fn fitting_names(
        &self,
        typed: &str,
        weakest: Option<u8>,
        visible: &HashSet<&'static str>,
    ) -> (Vec<Candidate>, bool) {
        let Some(number) = self.engine.relation_number("module_member") else { return (vec![], false) };
        let relation = self.snapshot.relation(number);
        let schema = relation.schema().clone();
        let column = |name: &str| schema.index_of(name).ok();
        let columns = ["name", "module", "target", "kind", "scope", "public"].map(column);
        let [Some(name), Some(module), Some(target), Some(kind), Some(scope), Some(public)] = columns else {
            return (vec![], false);
        };
        let numbers = |column: usize, rows: &[Location]| {
            relation.gather(column, rows).as_primitive::<UInt32Type>().values().to_vec()
        };
        let ids = |column: usize, rows: &[Location]| {
            relation.gather(column, rows).as_primitive::<UInt64Type>().values().to_vec()
        };
        let mut fitting: Vec<(u8, usize, &'static str, u32)> = Vec::new();
        let all = match weakest {
            Some(_) => self.catalogue.names(relation, name),
            None => {
                let symbol = Symbol::of(typed);
                [(symbol.text(), symbol.0)].into()
            }
        };
        for &(text, number) in all.iter() {
            if let Some(fit) = fit_within(text, typed, weakest)
                && !text.starts_with('_')
                && !visible.contains(text)
            {
                fitting.push((fit, text.len(), text, number));
            }
        }
        let cut = fitting.len() > MOST_NAMES;
        if cut {
            // The order comes later, when modules are known: here it is enough which are the best.
            fitting.select_nth_unstable(MOST_NAMES);
            fitting.truncate(MOST_NAMES);
        }
        let keys: ArrayRef =
            std::sync::Arc::new(fitting.iter().map(|(_, _, _, number)| *number).collect::<UInt32Array>());
        let (probes, rows) = relation.look_up(&[name], &[keys]);
        let (modules, kinds, targets, scopes) =
            (numbers(module, &rows), numbers(kind, &rows), ids(target, &rows), ids(scope, &rows));
        let publics = relation.gather(public, &rows);
        let publics = publics.as_boolean();
        let module_kind = Symbol::of("module").0;
        let mut found = Vec::new();
        for (row, probe) in probes.into_iter().enumerate() {
            let (fit, _, text, symbol) = fitting[probe as usize];
            if publics.value(row) || kinds[row] == module_kind {
                found.push(Candidate {
                    fit,
                    name: text,
                    symbol,
                    module: Symbol(modules[row]),
                    target: targets[row],
                    kind: kinds[row],
                    scope: scopes[row],
                });
            }
        }
        (found, cut)
    }

    /// What the files of these modules say of them, by the number of the name.
    fn homes(&self, modules: impl Iterator<Item = Symbol>) -> HashMap<u32, Home> {
        let mut numbers: Vec<u64> = modules.map(|module| u64::from(module.0)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut homes: HashMap<u32, Home> = HashMap::new();
        for (at, row) in self.rows_of("files", "module", &numbers, &["partition", "is_package"]) {
            let partition = Symbol(row[0] as u32).text();
            let home = homes.entry(numbers[at] as u32).or_insert(Home { partition, is_package: false });
            home.is_package |= row[1] != 0;
        }
        homes
    }

    /// By name and module: who in the workspace imports the one from the other.
    fn imported_from(&self, names: impl Iterator<Item = u32>, package: Symbol) -> HashMap<(u32, u32), Uses> {
        let mut found: HashMap<(u32, u32), Uses> = HashMap::new();
        let Some(number) = self.engine.relation_number("imports") else { return found };
        let relation = self.snapshot.relation(number);
        let schema = relation.schema();
        let column = |name: &str| schema.index_of(name).ok();
        let [Some(name), Some(module), Some(file)] = ["name", "module", "file"].map(column) else { return found };
        let mut keys: Vec<u32> = names.collect();
        keys.sort_unstable();
        keys.dedup();
        let keys: ArrayRef = std::sync::Arc::new(UInt32Array::from(keys));
        let (_, rows) = relation.look_up(&[name], &[keys]);
        let numbers = |column: usize| relation.gather(column, &rows).as_primitive::<UInt32Type>().values().to_vec();
        let (names, modules, files) = (numbers(name), numbers(module), numbers(file));
        let mut near: HashMap<u32, Option<bool>> = HashMap::new();
        for ((name, module), file) in names.into_iter().zip(modules).zip(files) {
            let is_near = *near.entry(file).or_insert_with(|| {
                let inside = super::super::is_inside(Symbol(file));
                let row = if inside { self.rows("files", "file", u64::from(file), &["package"]) } else { vec![] };
                row.first().map(|row| row[0] == u64::from(package.0))
            });
            if let Some(is_near) = is_near {
                let uses = found.entry((name, module)).or_default();
                uses.count += 1;
                uses.is_near |= is_near;
            }
        }
        found
    }

    /// True if a name may be imported from there though nobody does so yet.
    fn is_offered(&self, candidate: &Candidate, home: Home) -> bool {
        let module = candidate.module.text();
        if !is_importable(module) {
            return false;
        }
        if module.split('.').any(|part| part.starts_with('_')) || module == "builtins" {
            return false;
        }
        match Symbol(candidate.kind).text() {
            "class" | "function" | "type_alias" | "module" => {
                // What a star brought is taken from where it is defined, unless a package hands it on.
                home.is_package || Symbol(candidate.kind).text() == "module" || {
                    let row = self.rows("bindings", "binding", candidate.target, &["scope"]);
                    row.first().is_none_or(|row| row[0] == candidate.scope)
                }
            }
            "import_from" if home.is_package => {
                let row = self.rows("imports", "binding", candidate.target, &["module"]);
                let from = row.first().map_or("", |row| Symbol(row[0] as u32).text());
                from.strip_prefix(module).is_some_and(|rest| rest.starts_with('.'))
            }
            "assign" | "annotated" => {
                home.partition == "user"
                    && candidate.name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit())
            }
            _ => false,
        }
    }

    /// What a re-exported name is in the end.
    fn final_target(&self, target: Id) -> Id {
        let rows = self.rows("import_target", "binding", target, &["target"]);
        rows.first().map_or(target, |row| row[0])
    }
}
