//! Definitions as the items of a hierarchy: name, kind, container and place, with the id that later requests come back with.

use anatomy_engine::EngineError;
use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use super::places::range;
use super::symbols::symbol_kind;
use super::{Answers, Words};

/// The `SymbolKind` of a module.
const MODULE: u8 = 2;

impl Answers {
    /// What an item of an earlier answer stands for now: the id that it carries, or what is found at its place.
    pub(super) fn of_item(
        &self,
        id: Id,
        words: Result<Words<'_>, EngineError>,
        found_at: impl Fn(&Words<'_>) -> Vec<Id>,
    ) -> Result<Vec<Id>, EngineError> {
        if id != 0 && self.place(id).is_some() {
            return Ok(vec![id]);
        }
        Ok(found_at(&words?))
    }

    /// Definitions as a list of items.
    pub(super) fn items(&self, ids: Vec<Id>, encoding: PositionEncoding) -> Vec<u8> {
        let items: Vec<Value> = ids.into_iter().filter_map(|id| self.item(id, "", encoding)).collect();
        Value::Array(items).to_string().into_bytes()
    }

    /// A `CallHierarchyItem` or `TypeHierarchyItem` of a definition or module; `note` is put behind its container.
    pub(super) fn item(&self, id: Id, note: &str, encoding: PositionEncoding) -> Option<Value> {
        let (file, view, anchor) = self.place(id)?;
        let row = self.rows("bindings", "binding", id, &["name", "kind", "scope"]);
        let (name, kind, container) = match row.first() {
            Some(row) => {
                let scope = self.rows("scopes", "scope", row[2], &["kind"]);
                let inside = scope.first().map_or("", |row| Symbol(row[0] as u32).text());
                let name = Symbol(row[0] as u32).text();
                (name, symbol_kind(Symbol(row[1] as u32).text(), inside, name), self.path_of_scope(row[2]))
            }
            None => (self.module_of(file), MODULE, String::new()),
        };
        let parts: Vec<&str> = [container.as_str(), note].into_iter().filter(|part| !part.is_empty()).collect();
        let mut item = json!({
            "name": name,
            "kind": kind,
            "uri": self.uri_of(file),
            "range": range(view, anchor.extent_start.min(anchor.start), anchor.extent_end.max(anchor.end), encoding),
            "selectionRange": range(view, anchor.start, anchor.end, encoding),
            "data": {"id": id.to_string()},
        });
        if !parts.is_empty() {
            item["detail"] = json!(parts.join(" · "));
        }
        Some(item)
    }

    /// The name of a member with that of its class: `Order.pay`.
    pub(super) fn name_in_class(&self, class: Id, name: Symbol) -> String {
        let owner = self.rows("bindings", "binding", class, &["name"]);
        let owner = owner.first().map_or("", |row| Symbol(row[0] as u32).text());
        if owner.is_empty() { name.text().to_owned() } else { format!("{owner}.{}", name.text()) }
    }

    /// Definitions, those of the workspace first, then by path and place.
    pub(super) fn in_order(&self, ids: impl IntoIterator<Item = Id>) -> Vec<Id> {
        let mut placed: Vec<(bool, &'static str, u32, Id)> = ids
            .into_iter()
            .filter_map(|id| {
                let (file, _, anchor) = self.place(id)?;
                Some((!super::is_inside(file), file.text(), anchor.start, id))
            })
            .collect();
        placed.sort_unstable();
        placed.dedup();
        placed.into_iter().map(|(_, _, _, id)| id).collect()
    }

    fn module_of(&self, file: Symbol) -> &'static str {
        let module = self.rows("files", "file", u64::from(file.0), &["module"]);
        module.first().map_or("", |row| Symbol(row[0] as u32).text())
    }

    /// `shop.tools.Till` for the body of that class.
    fn path_of_scope(&self, scope: Id) -> String {
        let mut names: Vec<&str> = Vec::new();
        let mut at = scope;
        while let Some(row) = self.rows("scopes", "scope", at, &["parent", "name", "file"]).first() {
            if row[0] == 0 {
                names.push(self.module_of(Symbol(row[2] as u32)));
            } else {
                names.push(Symbol(row[1] as u32).text());
            }
            at = row[0];
        }
        names.retain(|name| !name.is_empty());
        names.reverse();
        names.join(".")
    }
}
