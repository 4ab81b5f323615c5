//! From a definition in a stub to the source that it describes.

use std::path::Path;

use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use super::Answers;
use super::navigate::json_text;
use super::places::write_range_of;
use crate::sources::Found;

impl Answers {
    /// The definition in the source that an id in a stub of a library describes, if the source has it.
    pub(super) fn source_of(&self, id: Id) -> Option<Found> {
        let (file, view, _) = self.place(id)?;
        let source = &view.origin.as_ref().filter(|origin| !origin.source.is_empty())?.source;
        let module = self.rows("files", "file", u64::from(file.0), &["module"]);
        let module = Symbol(module.first()?[0] as u32).text();
        self.sources.find(Path::new(source), module, &self.qualified(id)?)
    }

    /// What a stub of the workspace says about an id in the source beside it: each form of an overloaded function.
    pub(super) fn stubs_of(&self, id: Id) -> Vec<Id> {
        self.stubs_beside(id).unwrap_or_default()
    }

    fn stubs_beside(&self, id: Id) -> Option<Vec<Id>> {
        let (file, _, _) = self.place(id)?;
        if file.text().ends_with(".pyi") {
            return None;
        }
        let module = self.rows("files", "file", u64::from(file.0), &["module"]).first()?[0];
        let files = self.rows("files", "module", module, &["scope", "file"]);
        let stub = files.iter().find(|row| Symbol(row[1] as u32).text().ends_with(".pyi"))?;
        let name = self.qualified(id).filter(|name| !name.is_empty())?;
        let mut scopes = vec![stub[0]];
        let mut found = Vec::new();
        for word in name.split(['.', '(']) {
            let named = |row: &Vec<u64>| Symbol(row[0] as u32).text() == word;
            let rows = self.rows_of("bindings", "scope", &scopes, &["name", "binding", "body_scope"]);
            let rows: Vec<Vec<u64>> = rows.into_iter().map(|(_, row)| row).filter(named).collect();
            scopes = rows.iter().map(|row| row[2]).filter(|scope| *scope != 0).collect();
            found = rows.iter().map(|row| row[1]).collect();
        }
        Some(found)
    }

    /// `Class.method`, `function(parameter)`; empty for a module, none for what stands inside a function.
    fn qualified(&self, id: Id) -> Option<String> {
        let Some(binding) = self.rows("bindings", "binding", id, &["name", "scope", "kind"]).into_iter().next() else {
            return self.rows("scopes", "scope", id, &["kind"]).first().map(|_| String::new());
        };
        let mut name = Symbol(binding[0] as u32).text().to_owned();
        let mut scope = binding[1];
        let mut divider = if Symbol(binding[2] as u32).text() == "param" { '(' } else { '.' };
        // No one nests classes deeper than this.
        for _ in 0..64 {
            let row = self.rows("scopes", "scope", scope, &["kind", "name", "parent"]).into_iter().next()?;
            match (Symbol(row[0] as u32).text(), divider) {
                ("module", _) => return Some(name),
                ("class", '.') | ("function", '(') => name = format!("{}{divider}{name}", Symbol(row[1] as u32).text()),
                ("type_params", _) => {}
                _ => return None,
            }
            divider = '.';
            scope = row[2];
        }
        None
    }
}

impl Found {
    /// The URI of the source.
    pub(super) fn uri(&self) -> String {
        let path = self.path.to_string_lossy().replace('\\', "/");
        super::uri("file://", path.trim_start_matches('/'))
    }

    /// The place as a value: `{"uri", "range"}`.
    pub(super) fn shown(&self, encoding: PositionEncoding) -> Value {
        let (start, end) = (
            self.definitions.index.position(self.place.start, encoding),
            self.definitions.index.position(self.place.end, encoding),
        );
        json!({
            "uri": self.uri(),
            "range": {
                "start": {"line": start.0, "character": start.1},
                "end": {"line": end.0, "character": end.1},
            },
        })
    }

    /// What stands in a `LocationLink` behind where it starts from.
    pub(super) fn target(&self, encoding: PositionEncoding) -> String {
        let (index, place) = (&self.definitions.index, self.place);
        let mut out = String::from(",\"targetUri\":");
        out.push_str(&json_text(&self.uri()));
        out.push_str(",\"targetRange\":");
        write_range_of(&mut out, index, place.extent_start, place.extent_end, encoding);
        out.push_str(",\"targetSelectionRange\":");
        write_range_of(&mut out, index, place.start, place.end, encoding);
        out
    }
}
