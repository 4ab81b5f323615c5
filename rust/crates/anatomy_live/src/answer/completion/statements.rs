//! Import statements, `__all__`, and names after `global`.

use std::collections::BTreeMap;

use anatomy_facts::Symbol;
use arrow::array::AsArray;
use arrow::datatypes::UInt32Type;

use super::items::{Item, What};
use super::members::privacy;
use super::{Answers, Asked};

impl Asked<'_> {
    /// Modules below another one; all roots if it is none.
    pub(super) fn modules(&self, level: u32, parent: &str, is_from: bool) -> Vec<Item> {
        let Some(parent) = self.resolved(level, parent) else { return vec![] };
        let mut items: Vec<Item> = Vec::new();
        for (name, partition) in self.answers.modules_below(&parent) {
            let full = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
            let rank = if partition == "user" { 0 } else { 1 } + privacy(&name);
            let builtin = full == "__future__" && !is_from;
            if !builtin {
                items.push(Item::new(name, rank, What::Module(Symbol::of(&full))));
            }
        }
        items
    }

    /// Names of a module that an import statement does not list yet.
    pub(super) fn imported(&self, level: u32, module: &str, listed: &[String]) -> Vec<Item> {
        let Some(module) = self.resolved(level, module) else { return vec![] };
        let symbol = Symbol::of(&module);
        let mut items: Vec<Item> = Vec::new();
        for (name, member) in self.answers.module_names(symbol) {
            if !listed.iter().any(|other| other == name) && !member.is_hidden() {
                items.push(Item::new(name, member.rank() + privacy(name), What::Member(member.target)));
            }
        }
        for (name, _) in self.answers.modules_below(&module) {
            let known = items.iter().any(|item| item.label == name) || listed.contains(&name);
            if !known && !module.is_empty() {
                let full = Symbol::of(&format!("{module}.{name}"));
                let rank = 1 + privacy(&name);
                items.push(Item::new(name, rank, What::Module(full)));
            }
        }
        items
    }

    /// Names of the module that `__all__` does not list yet.
    pub(super) fn listed(&self, listed: &[String]) -> Vec<Item> {
        let names = self.answers.module_names(self.module);
        let names = names.into_iter().filter(|(name, member)| {
            !listed.iter().any(|other| other == name) && member.kind != "module" && *name != "__all__"
        });
        names.map(|(name, member)| Item::new(name, member.rank() + privacy(name), What::Name(member.target))).collect()
    }

    /// Names of the scopes around the innermost one.
    pub(super) fn outer_names(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for (depth, outer) in self.scopes.iter().enumerate().skip(1) {
            for row in self.answers.rows("bindings", "scope", outer.scope, &["name", "binding", "kind"]) {
                let (name, kind) = (Symbol(row[0] as u32).text(), Symbol(row[2] as u32).text());
                if !matches!(kind, "star" | "delete" | "class" | "function" | "import" | "import_from" | "self_attr")
                    && seen.insert(name)
                {
                    items.push(Item::new(name, depth as u32, What::Name(row[1])));
                }
            }
        }
        items
    }

    /// The absolute module that dots and names mean here.
    fn resolved(&self, level: u32, dotted: &str) -> Option<String> {
        if level == 0 {
            return Some(dotted.to_owned());
        }
        let parts: Vec<&str> = self.package.text().split('.').collect();
        let base = parts.get(..(parts.len() + 1).checked_sub(level as usize)?)?.join(".");
        if base.is_empty() {
            return None;
        }
        Some(if dotted.is_empty() { base } else { format!("{base}.{dotted}") })
    }
}

impl Answers {
    /// Names of the modules directly below another one, folders without a file of their own included, with their
    /// partition.
    fn modules_below(&self, parent: &str) -> BTreeMap<String, &'static str> {
        let mut found = BTreeMap::new();
        self.each_module(|module, partition| {
            let rest = match parent {
                "" => Some(module),
                _ => module.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.')),
            };
            let name = rest.and_then(|rest| rest.split('.').next()).filter(|name| !name.is_empty());
            if let Some(name) = name {
                let known = found.entry(name.to_owned()).or_insert(partition);
                if partition == "user" {
                    *known = partition;
                }
            }
        });
        found
    }

    /// Calls with every module that an import can name and its partition.
    pub(super) fn each_module(&self, mut with: impl FnMut(&'static str, &'static str)) {
        let Some(number) = self.engine.relation_number("files") else { return };
        let relation = self.snapshot.relation(number);
        let schema = relation.schema().clone();
        let column = |name: &str| schema.index_of(name);
        let (Ok(module), Ok(partition)) = (column("module"), column("partition")) else { return };
        for batch in relation.batches() {
            let numbers = |column: usize| batch.column(column).as_primitive::<UInt32Type>().values().to_vec();
            let modules = Symbol::texts(numbers(module));
            let partitions = Symbol::texts(numbers(partition));
            for (module, partition) in modules.into_iter().zip(partitions) {
                if is_importable(module) {
                    with(module, partition);
                }
            }
        }
    }
}

/// Whether an import can name a module: none does a notebook, or a script whose name has a dash.
pub(super) fn is_importable(module: &str) -> bool {
    module.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.' || !byte.is_ascii())
}
