//! Types and what inherits from them: the classes of a value, implementations, the type hierarchy.

use std::collections::HashSet;

use anatomy_engine::EngineError;
use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use super::members::Member;
use super::places::range;
use super::{Answers, Words};

/// What an expression or binding may be.
pub(super) struct Held {
    /// instance, class, function, module or super
    pub(super) kind: &'static str,
    pub(super) target: Id,
}

impl Answers {
    /// `LocationLink[]` of the classes of which the word at a position is an instance; for a class, function or module itself.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn type_definition(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        let mut seen = HashSet::new();
        let mut found: Vec<Id> = self.values_of(&words).into_iter().map(|value| value.target).collect();
        if found.is_empty() {
            found = self.meant(&words);
            found.retain(|id| matches!(self.kind_of(*id), "class" | "function" | "module"));
        }
        found.retain(|id| seen.insert(*id));
        Ok(self.links(found, &words, encoding))
    }

    /// `LocationLink[]` of what implements the word at a position: of a method those that override it, of a class those that
    /// derive from it, of a protocol the classes that have its members; else the definition.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn implementation(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        let meant = self.meant(&words);
        let mut below: Vec<Id> = meant.iter().flat_map(|id| self.implementers(*id)).collect();
        let mut seen = HashSet::new();
        below.retain(|id| seen.insert(*id));
        let found = if below.is_empty() { self.with_bodies(meant) } else { self.in_order(below) };
        Ok(self.links(found, &words, encoding))
    }

    /// `TypeHierarchyItem[]` of the classes that the word at a position means, or of which it is an instance.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn prepare_type_hierarchy(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        Ok(self.items(self.classes_at(&self.words(path, line, character, encoding)?), encoding))
    }

    /// `TypeHierarchyItem[]` of the bases that the class of an item names, in their order. A base that is not in the graph stands
    /// where it is named.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn supertypes(
        &self,
        id: Id,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let mut items = Vec::new();
        let words = self.words(path, line, character, encoding);
        for class in self.of_item(id, words, |words| self.classes_at(words))? {
            let known = self.rows("class_base", "class", class, &["position", "base"]);
            let mut named = self.rows("class_bases", "class", class, &["position", "expr", "keyword"]);
            named.retain(|row| row[2] == 0);
            named.sort_unstable();
            for row in named {
                let bases: Vec<Id> = known.iter().filter(|base| base[0] == row[0]).map(|base| base[1]).collect();
                if bases.is_empty() {
                    items.extend(self.item_of_missing(row[1], encoding));
                }
                items.extend(bases.into_iter().filter_map(|base| self.item(base, "", encoding)));
            }
        }
        Ok(Value::Array(items).to_string().into_bytes())
    }

    /// `TypeHierarchyItem[]` of the classes that name the class of an item as a base, those of the workspace first.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn subtypes(
        &self,
        id: Id,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let mut below = Vec::new();
        let words = self.words(path, line, character, encoding);
        for class in self.of_item(id, words, |words| self.classes_at(words))? {
            below.extend(self.rows("class_base", "base", class, &["class"]).into_iter().map(|row| row[0]));
        }
        Ok(self.items(self.in_order(below), encoding))
    }

    /// What a word may hold: the values of the reference, else of the bindings that it names or is.
    pub(super) fn values_of(&self, words: &Words<'_>) -> Vec<Held> {
        let mut nodes: Vec<Vec<Id>> = Vec::new();
        if let Some(reference) = words.reference {
            nodes.push(vec![reference.id]);
            nodes.push(self.targets(reference.id).into_iter().map(|target| target.id).collect());
        }
        if let Some(binding) = words.binding {
            nodes.push(vec![binding.id]);
            if let Some(variable) = self.variable_of(binding.id) {
                let all = self.rows("bindings", "variable", variable, &["binding"]);
                nodes.push(all.into_iter().map(|row| row[0]).collect());
            }
        }
        for nodes in nodes {
            let mut rows = self.rows_of("value", "node", &nodes, &["level", "slot", "kind", "target"]);
            rows.retain(|(_, row)| Symbol(row[1] as u32).text() == "value");
            if !rows.is_empty() {
                rows.sort_by_key(|(at, row)| (*at, row[0]));
                let held = |row: &[u64]| Held { kind: Symbol(row[2] as u32).text(), target: row[3] };
                return rows.iter().map(|(_, row)| held(row)).collect();
            }
        }
        vec![]
    }

    /// class, function, module and so on.
    pub(super) fn kind_of(&self, id: Id) -> &'static str {
        match self.rows("bindings", "binding", id, &["kind"]).first() {
            Some(row) => Symbol(row[0] as u32).text(),
            None if self.rows("files", "scope", id, &["file"]).is_empty() => "",
            None => "module",
        }
    }

    /// What stands in for a definition further down, in no order.
    pub(super) fn implementers(&self, id: Id) -> Vec<Id> {
        if self.kind_of(id) == "class" {
            let mut classes = self.descendants(id);
            if self.is_protocol(id) {
                classes.extend(self.structural(id));
            }
            return classes;
        }
        let Some(member) = self.member_of(id) else { return vec![] };
        let mut members: Vec<Member> = self.overriders(member.class, member.name);
        if self.is_protocol(member.class) {
            members.extend(self.found_in(&self.structural(member.class), member.name));
        }
        members.into_iter().map(|member| member.id).collect()
    }

    /// Definitions, with the body in place of the `@overload`s that describe it.
    fn with_bodies(&self, ids: Vec<Id>) -> Vec<Id> {
        let mut found = Vec::new();
        for id in ids {
            let mut same = match self.variable_of(id).filter(|_| self.is_overload(id)) {
                Some(variable) => self.rows("bindings", "variable", variable, &["binding"]),
                None => vec![],
            };
            same.retain(|row| !self.is_overload(row[0]));
            let body = same.first().map_or(id, |row| row[0]);
            if !found.contains(&body) {
                found.push(body);
            }
        }
        found
    }

    fn classes_at(&self, words: &Words<'_>) -> Vec<Id> {
        let mut found = self.meant(words);
        found.retain(|id| self.kind_of(*id) == "class");
        if found.is_empty() {
            let values = self.values_of(words).into_iter();
            found = values.filter(|held| matches!(held.kind, "instance" | "class")).map(|held| held.target).collect();
        }
        let mut seen = HashSet::new();
        found.retain(|id| seen.insert(*id));
        found
    }

    /// A base class that no file of the graph defines, at the place that names it.
    fn item_of_missing(&self, expr: Id, encoding: PositionEncoding) -> Option<Value> {
        let (file, view, anchor) = self.place(expr)?;
        let row = self.rows("exprs", "expr", expr, &["name", "kind", "base"]).into_iter().next()?;
        let name = match Symbol(row[1] as u32).text() {
            "subscript" => self.rows("exprs", "expr", row[2], &["name"]).first().map_or(0, |base| base[0]),
            _ => row[0],
        };
        let name = Symbol(name as u32).text();
        let at = range(view, anchor.start, anchor.end, encoding);
        (!name.is_empty()).then(|| {
            json!({
                "name": name,
                "kind": 5,
                "detail": "outside the graph",
                "uri": self.uri_of(file),
                "range": at,
                "selectionRange": at,
            })
        })
    }
}
