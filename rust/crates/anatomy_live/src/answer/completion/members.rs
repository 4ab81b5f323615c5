//! Members of what stands before a dot.

use std::collections::{BTreeMap, HashSet};

use anatomy_facts::{Id, Symbol};
use anatomy_syntax::cursor::{Primary, Root, Step, StepKind};

use super::items::{Item, What};
use super::statements::is_importable;
use super::values::{Kind, Value};
use super::{Answers, Asked};

/// Names that begin a group of ranks: public, then private, then those with two underscores on both sides.
pub(super) fn privacy(name: &str) -> u32 {
    match name {
        _ if name.starts_with("__") && name.ends_with("__") => 20_000,
        _ if name.starts_with('_') => 10_000,
        _ => 0,
    }
}

/// Behind everything that is a member for sure.
const GUESSED: u32 = 8_000;
/// More places of a word than these in other files are not counted.
const MOST_PLACES: usize = 3_000;
/// Behind the members of what something is: the members of `type`, of functions and of modules as such.
const BY_NATURE: u32 = 5_000;

impl Asked<'_> {
    /// Members of a primary. If nothing is known about it, attributes that are used behind the same word elsewhere.
    pub(super) fn members(&self, base: &Primary) -> Vec<Item> {
        let values = self.values(base);
        let mut members = Members { answers: self.answers, items: Vec::new(), seen: HashSet::new() };
        for value in &values {
            members.of(*value, self.module);
        }
        let open = values.is_empty() || values.iter().any(|value| self.answers.is_open(*value));
        let uses = self.used_elsewhere(base);
        for item in &mut members.items {
            item.uses = uses.get(item.label.as_ref()).map_or(0, |uses| uses.here + uses.elsewhere);
        }
        for (name, uses) in &uses {
            // A class that is known whole is believed, but for what this very file uses.
            if (open || uses.here > 0) && *name != self.typed() && members.seen.insert(name) {
                let mut item = Item::new(*name, GUESSED + privacy(name), What::Guess);
                item.uses = 1_000 * uses.here + uses.elsewhere;
                members.items.push(item);
            }
        }
        members.items
    }

    /// Attributes that are used in the workspace behind the same last word, called or subscripted alike.
    fn used_elsewhere(&self, base: &Primary) -> BTreeMap<&'static str, Uses> {
        let mut steps = base.steps.as_slice();
        let mut kinds = Vec::new();
        while let [before @ .., Step { kind: kind @ (StepKind::Call | StepKind::Subscript), .. }] = steps {
            kinds.push(if *kind == StepKind::Call { "call" } else { "subscript" });
            steps = before;
        }
        kinds.reverse();
        let word = match steps.last() {
            None if base.root == Root::Name => (base.start, base.root_end),
            Some(step) => step.word,
            None => return BTreeMap::new(),
        };
        let word = Symbol::of(self.slice(word));
        let mut found: BTreeMap<&'static str, Uses> = BTreeMap::new();
        for name in Symbol::texts(self.answers.used_in_file(self.file, word, &kinds)) {
            found.entry(name).or_default().here += 1;
        }
        // Every class has its own `self`: those of other files say nothing.
        if matches!(word.text(), "self" | "cls") {
            return found;
        }
        let literal = Symbol::of("literal").0;
        let named = self.answers.rows("exprs", "name", u64::from(word.0), &["expr", "kind", "file"]);
        let elsewhere = named.iter().filter(|row| {
            let file = Symbol(row[2] as u32);
            row[1] as u32 != literal && file != self.file && super::super::is_inside(file)
        });
        let mut bases: Vec<Id> = elsewhere.take(MOST_PLACES).map(|row| row[0]).collect();
        for kind in &kinds {
            bases = self.answers.hanging(&bases, kind).into_iter().map(|(expr, _)| expr).collect();
        }
        for name in Symbol::texts(self.answers.hanging(&bases, "attribute").into_iter().map(|(_, name)| name)) {
            found.entry(name).or_default().elsewhere += 1;
        }
        found
    }
}

/// How often an attribute is used behind a word, in the file of the cursor and in others.
#[derive(Clone, Copy, Default)]
struct Uses {
    here: u32,
    elsewhere: u32,
}

/// Members that were collected, each name once.
struct Members<'a> {
    answers: &'a Answers,
    items: Vec<Item>,
    seen: HashSet<&'static str>,
}

impl Members<'_> {
    fn of(&mut self, value: Value, asking: Symbol) {
        match value.kind {
            Kind::Instance => self.of_classes(&self.answers.resolution_order(value.target), false, 0),
            Kind::Class => {
                self.of_classes(&self.answers.resolution_order(value.target), true, 0);
                let metaclass = self.answers.metaclass(value.target);
                for class in metaclass.into_iter().chain(self.answers.builtin("type")) {
                    self.of_classes(&self.answers.resolution_order(class), false, BY_NATURE);
                }
            }
            Kind::Super => {
                let order = self.answers.resolution_order(value.target);
                self.of_classes(order.get(1..).unwrap_or_default(), false, 0);
            }
            Kind::Function => self.by_nature("FunctionType"),
            Kind::Module => {
                if let Some(module) = self.answers.module_at(value.target) {
                    self.of_module(module, asking);
                }
                self.by_nature("ModuleType");
            }
        }
    }

    fn by_nature(&mut self, name: &str) {
        if let Some((class, _)) = self.answers.module_name(Symbol::of("types"), Symbol::of(name)) {
            self.of_classes(&self.answers.resolution_order(class), false, BY_NATURE);
        }
    }

    /// Members of classes, the nearest first. What only instances have is no member of the class.
    fn of_classes(&mut self, order: &[Id], of_class: bool, from: u32) {
        for (distance, class) in order.iter().enumerate() {
            let rows = self.answers.rows("class_member", "class", *class, &["name", "target", "kind"]);
            let names = Symbol::texts(rows.iter().map(|row| row[0] as u32));
            for (name, row) in names.into_iter().zip(&rows) {
                let kind = Symbol(row[2] as u32).text();
                let hidden = kind == "delete" || (of_class && kind == "self_attr") || is_mangled(name, distance);
                if hidden || !self.seen.insert(name) {
                    continue;
                }
                let rank = from + (distance as u32).min(1_000) + privacy(name);
                self.items.push(Item::new(name, rank, What::Member(row[1])));
            }
        }
    }

    /// Names of a module: its own, then modules below it, then what it imports itself.
    fn of_module(&mut self, module: Symbol, asking: Symbol) {
        for (name, member) in self.answers.module_names(module) {
            if self.seen.insert(name) && (asking == module || !member.is_hidden()) {
                self.items.push(Item::new(name, member.rank() + privacy(name), What::Member(member.target)));
            }
        }
    }
}

/// A name of a module.
#[derive(Clone, Copy)]
pub(super) struct ModuleName {
    pub(super) target: Id,
    pub(super) kind: &'static str,
    order: u64,
    is_stub: bool,
    /// `import a as a`, or an import of a package from below itself.
    is_passed_on: bool,
}

impl ModuleName {
    /// A stub lets out what it imports only if it says so.
    pub(super) fn is_hidden(&self) -> bool {
        self.is_stub && matches!(self.kind, "import" | "import_from") && !self.is_passed_on
    }

    /// Own definitions first, then modules below, then names that were only imported for use.
    pub(super) fn rank(&self) -> u32 {
        match self.kind {
            "module" => 1,
            "import" | "import_from" if !self.is_passed_on => 2,
            _ => 0,
        }
    }
}

impl Answers {
    /// Names of a module, each once, sorted.
    pub(super) fn module_names(&self, module: Symbol) -> Vec<(&'static str, ModuleName)> {
        let columns = ["name", "target", "kind", "rank"];
        let rows = self.rows("module_member", "module", u64::from(module.0), &columns);
        let files = self.rows("files", "module", u64::from(module.0), &["is_stub", "is_package"]);
        let is_stub = files.iter().all(|row| row[0] == 1);
        let is_package = files.iter().any(|row| row[1] == 1);
        let texts = Symbol::texts(rows.iter().map(|row| row[0] as u32));
        let mut names: Vec<(&'static str, ModuleName)> = Vec::new();
        for (name, row) in texts.into_iter().zip(&rows) {
            let kind = Symbol(row[2] as u32).text();
            if !matches!(kind, "delete" | "star") && is_importable(name) {
                let member = ModuleName { target: row[1], kind, order: row[3], is_stub, is_passed_on: false };
                names.push((name, member));
            }
        }
        names.sort_by(|left, right| left.0.cmp(right.0).then(left.1.order.cmp(&right.1.order)));
        names.dedup_by_key(|(name, _)| *name);
        for (name, member) in &mut names {
            if matches!(member.kind, "import" | "import_from") {
                let row = self.rows("imports", "binding", member.target, &["module", "name", "level"]);
                member.is_passed_on = row.first().is_some_and(|row| {
                    let (from, original) = (Symbol(row[0] as u32).text(), Symbol(row[1] as u32).text());
                    let below = from.strip_prefix(module.text()).is_some_and(|rest| rest.starts_with('.'));
                    (is_package && (below || row[2] > 0))
                        || (is_stub && original == *name && self.is_aliased(member.target))
                });
            }
        }
        names
    }

    /// True for `import x as x`, by which a stub lets a name out: the name stands apart from what is imported.
    fn is_aliased(&self, binding: Id) -> bool {
        self.place(binding).is_some_and(|(_, _, anchor)| anchor.extent_start < anchor.start)
    }

    /// True if the members of a class are not known whole: a base leads nowhere, or the class answers for any name.
    fn is_open(&self, value: Value) -> bool {
        if matches!(value.kind, Kind::Module | Kind::Function) {
            return false;
        }
        let object = self.builtin("object");
        self.resolution_order(value.target).into_iter().any(|class| {
            let decides = ["__getattr__", "__getattribute__"].iter().any(|name| {
                let keys = [("class", class), ("name", u64::from(Symbol::of(name).0))];
                !self.rows_where("class_member", &keys, &["target"]).is_empty() && Some(class) != object
            });
            if decides {
                return true;
            }
            let bases = self.rows("class_bases", "class", class, &["keyword"]);
            let known = self.rows("class_base", "class", class, &["base"]);
            bases.iter().filter(|row| row[0] == 0).count() > known.len()
        })
    }

    /// The class that a class or one of its ancestors names as its metaclass.
    fn metaclass(&self, class: Id) -> Option<Id> {
        let keyword = Symbol::of("metaclass").0;
        self.resolution_order(class).into_iter().find_map(|class| {
            let rows = self.rows("class_bases", "class", class, &["keyword", "expr"]);
            let expr = rows.iter().find(|row| row[0] as u32 == keyword)?[1];
            let values = self.rows("static_value", "node", expr, &["target"]);
            values.first().map(|row| row[0])
        })
    }

    /// Names of the attributes that a file uses behind a word, with expressions of these kinds between them.
    fn used_in_file(&self, file: Symbol, word: Symbol, kinds: &[&str]) -> Vec<u32> {
        use arrow::array::{ArrayRef, AsArray, UInt32Array};
        use arrow::datatypes::{UInt32Type, UInt64Type};
        let Some(number) = self.engine.relation_number("exprs") else { return vec![] };
        let relation = self.snapshot.relation(number);
        let schema = relation.schema();
        let columns = ["file", "base", "kind", "name", "expr"].map(|name| schema.index_of(name).ok());
        let [Some(owner), Some(base), Some(kind), Some(name), Some(expr)] = columns else { return vec![] };
        let key: ArrayRef = std::sync::Arc::new(UInt32Array::from(vec![file.0]));
        let (_, found) = relation.look_up(&[owner], &[key]);
        let numbers = |column: usize| relation.gather(column, &found).as_primitive::<UInt32Type>().values().to_vec();
        let ids = |column: usize| relation.gather(column, &found).as_primitive::<UInt64Type>().values().to_vec();
        let (bases, exprs, row_kinds, names) = (ids(base), ids(expr), numbers(kind), numbers(name));
        let literal = Symbol::of("literal").0;
        let all = 0..exprs.len();
        let mut behind: HashSet<Id> = all
            .clone()
            .filter(|&row| names[row] == word.0 && row_kinds[row] != literal)
            .map(|row| exprs[row])
            .collect();
        let of_kind = |wanted: &str, behind: &HashSet<Id>| -> Vec<usize> {
            let wanted = Symbol::of(wanted).0;
            all.clone().filter(|&row| row_kinds[row] == wanted && behind.contains(&bases[row])).collect()
        };
        for kind in kinds {
            behind = of_kind(kind, &behind).into_iter().map(|row| exprs[row]).collect();
        }
        of_kind("attribute", &behind).into_iter().map(|row| names[row]).collect()
    }

    /// Expressions of a kind that hang on these, each with its name.
    fn hanging(&self, bases: &[Id], wanted: &str) -> Vec<(Id, u32)> {
        use arrow::array::{ArrayRef, AsArray, UInt64Array};
        use arrow::datatypes::{UInt32Type, UInt64Type};
        let Some(number) = self.engine.relation_number("exprs") else { return vec![] };
        let relation = self.snapshot.relation(number);
        let schema = relation.schema();
        let columns = ["base", "kind", "name", "expr"].map(|name| schema.index_of(name).ok());
        let [Some(base), Some(kind), Some(name), Some(expr)] = columns else { return vec![] };
        let keys: ArrayRef = std::sync::Arc::new(UInt64Array::from(bases.to_vec()));
        let (_, found) = relation.look_up(&[base], &[keys]);
        let numbers = |column: usize| relation.gather(column, &found).as_primitive::<UInt32Type>().values().to_vec();
        let (kinds, names) = (numbers(kind), numbers(name));
        let exprs = relation.gather(expr, &found).as_primitive::<UInt64Type>().values().to_vec();
        let wanted = Symbol::of(wanted).0;
        let all = kinds.into_iter().zip(exprs.into_iter().zip(names));
        all.filter(|(kind, _)| *kind == wanted).map(|(_, found)| found).collect()
    }
}

/// True for a name that only its own class can spell.
fn is_mangled(name: &str, distance: usize) -> bool {
    distance > 0 && name.starts_with("__") && !name.ends_with("__")
}
