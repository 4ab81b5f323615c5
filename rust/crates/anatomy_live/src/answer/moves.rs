//! Imports that name modules which are about to move: the statements with the places of their parts, and the dotted uses.
//!
//! Says where things stand; what is written there instead is for the caller, who knows the new names.

use std::collections::{BTreeMap, BTreeSet};

use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use super::places::range;
use super::{Answers, is_inside};
use crate::files::FileView;

/// One word of an import statement.
struct Part {
    start: u32,
    end: u32,
    what: What,
}

enum What {
    /// A segment that names a module.
    Segment(Symbol),
    /// A name that is imported from the module before it.
    Item { name: Symbol, level: u64, extent: (u32, u32), alias: &'static str },
}

impl Answers {
    /// Import statements and dotted uses of some modules, in all files of the workspace, and all import statements of
    /// some files.
    #[must_use]
    pub fn imports_of(&self, modules: &[String], paths: &[String], encoding: PositionEncoding) -> Value {
        let wanted: BTreeSet<&str> = modules.iter().map(String::as_str).collect();
        let mut files: BTreeSet<&'static str> = paths.iter().map(|path| Symbol::of(path).text()).collect();
        let mut chains: BTreeMap<&'static str, Vec<(u32, u32, &str)>> = BTreeMap::new();
        for module in &wanted {
            let symbol = u64::from(Symbol::of(module).0);
            files.extend(self.rows("module_refs", "module", symbol, &["file"]).iter().map(|row| text_of(row[0])));
            if let Some((package, name)) = module.rsplit_once('.') {
                let rows = self.rows("imports", "module", u64::from(Symbol::of(package).0), &["file", "name"]);
                let name = u64::from(Symbol::of(name).0);
                files.extend(rows.iter().filter(|row| row[1] == name).map(|row| text_of(row[0])));
            }
            for scope in self.rows("files", "module", symbol, &["scope"]) {
                self.chains(scope[0], module, &mut chains);
            }
        }
        let mut found = Vec::new();
        for path in files {
            let file = Symbol::of(path);
            let Some(view) = self.files.get(&file).filter(|_| is_inside(file)) else { continue };
            let statements = self.statements(file, view, encoding);
            let uses: Vec<Value> = chains
                .get(path)
                .into_iter()
                .flatten()
                .map(|(start, end, module)| json!({"range": range(view, *start, *end, encoding), "module": module}))
                .collect();
            let package = self.rows("files", "file", u64::from(file.0), &["package"]);
            let package = package.first().map_or("", |row| text_of(row[0]));
            found.push(json!({"path": path, "package": package, "statements": statements, "uses": uses}));
        }
        Value::Array(found)
    }

    /// Expressions that spell a module by its whole dotted name.
    fn chains<'m>(&self, scope: Id, module: &'m str, into: &mut BTreeMap<&'static str, Vec<(u32, u32, &'m str)>>) {
        for row in self.rows("refers_to", "variable", scope, &["expr", "file"]) {
            let file = Symbol(row[1] as u32);
            let is_expression = !self.rows("exprs", "expr", row[0], &["kind"]).is_empty();
            let Some(anchor) = self.files.get(&file).and_then(|view| view.anchor(row[0])) else { continue };
            if is_expression && is_inside(file) && (anchor.extent_end - anchor.extent_start) as usize == module.len() {
                into.entry(file.text()).or_default().push((anchor.extent_start, anchor.extent_end, module));
            }
        }
    }

    /// The import statements of a file.
    fn statements(&self, file: Symbol, view: &FileView, encoding: PositionEncoding) -> Vec<Value> {
        let mut parts: Vec<Part> = Vec::new();
        for row in self.rows("module_refs", "file", u64::from(file.0), &["expr", "module"]) {
            if let Some(anchor) = view.anchor(row[0]) {
                let what = What::Segment(Symbol(row[1] as u32));
                parts.push(Part { start: anchor.start, end: anchor.end, what });
            }
        }
        let mut plain: BTreeSet<u32> = BTreeSet::new();
        for row in self.rows("imports", "file", u64::from(file.0), &["binding", "name", "level", "expr"]) {
            let (Some(bound), Some(anchor)) = (view.anchor(row[0]), view.anchor(row[3])) else { continue };
            let has_alias = bound.start != anchor.start;
            if row[1] == u64::from(Symbol::NONE.0) {
                if !has_alias {
                    plain.insert(anchor.start);
                }
                continue;
            }
            let extent = (anchor.extent_start, anchor.extent_end);
            let name = self.rows("bindings", "binding", row[0], &["name"]);
            let alias = name.first().filter(|_| has_alias).map_or("", |row| text_of(row[0]));
            let what = What::Item { name: Symbol(row[1] as u32), level: row[2], extent, alias };
            parts.push(Part { start: anchor.start, end: anchor.end, what });
        }
        parts.sort_by_key(|part| part.start);
        let shown = |start: u32, end: u32| range(view, start, end, encoding);
        let mut found: Vec<Value> = Vec::new();
        let mut last_end = u32::MAX;
        for part in parts {
            match part.what {
                What::Segment(module) => {
                    if part.start != last_end.wrapping_add(1) || found.is_empty() {
                        let is_plain = plain.contains(&part.start);
                        found.push(json!({
                            "module": module.text(), "range": shown(part.start, part.end), "items": [],
                            "level": 0, "plain": is_plain,
                        }));
                    } else if let Some(statement) = found.last_mut() {
                        statement["module"] = json!(module.text());
                        statement["range"]["end"] = shown(part.start, part.end)["end"].clone();
                    }
                    last_end = part.end;
                }
                What::Item { name, level, extent, alias } => {
                    last_end = u32::MAX;
                    let Some(statement) = found.last_mut() else { continue };
                    statement["level"] = json!(level);
                    if let Some(items) = statement["items"].as_array_mut() {
                        items.push(json!({
                            "name": name.text(),
                            "range": shown(part.start, part.end),
                            "extent": shown(extent.0, extent.1),
                            "alias": alias,
                        }));
                    }
                }
            }
        }
        found
    }
}

fn text_of(symbol: u64) -> &'static str {
    Symbol(symbol as u32).text()
}
