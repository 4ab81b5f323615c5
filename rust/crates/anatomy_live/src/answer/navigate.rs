//! Definition, references, highlights.

use std::collections::HashMap;

use anatomy_engine::EngineError;
use anatomy_facts::{Id, Symbol};
use anatomy_syntax::PositionEncoding;

use super::places::write_range;
use super::{Answers, Words};

/// A place that refers to a variable or binds it: (file, start, end, binds, id).
pub(super) type Place = (Symbol, u32, u32, bool, Id);

impl Answers {
    /// `LocationLink[]`, best target first. On a definition: itself, unless it is an import, which is followed. Of what a
    /// stub describes the source comes first, then the stub. A keyword that a `**` parameter collects leads to its function
    /// as well.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn definition(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        let mut found = self.meant(&words);
        if found.is_empty()
            && let Some(word) = words.reference
        {
            found = self.put_there(word.id);
        }
        if words.reference.is_some_and(|word| !self.rows("args", "arg", word.id, &["name"]).is_empty()) {
            let collecting: Vec<Id> = found.iter().filter_map(|id| self.function_collecting(*id)).collect();
            found.extend(collecting);
        }
        Ok(self.links(found, &words, encoding))
    }

    /// The functions and classes that an attribute is known to have, where nothing of its name is bound: they were put there from
    /// outside, under a name that is not theirs, so that no reference leads to them; or the function that answers for what an object
    /// or module does not have. Of other values, the places that put them there.
    fn put_there(&self, expr: Id) -> Vec<Id> {
        let held = self.rows("value", "node", expr, &["slot", "kind", "target"]);
        let is_definition = |row: &&Vec<u64>| {
            let (slot, kind) = (Symbol(row[0] as u32).text(), Symbol(row[1] as u32).text());
            slot == "value" && matches!(kind, "function" | "class") || slot == "reference" && kind == "fallback"
        };
        let definitions: Vec<Id> = held.iter().filter(is_definition).map(|row| row[2]).collect();
        if !definitions.is_empty() {
            return definitions;
        }
        if !self.rows("patch", "target", expr, &["target"]).is_empty() {
            return vec![expr];
        }
        let named = self.rows("exprs", "expr", expr, &["name"]);
        let patches = named
            .iter()
            .filter(|_| !held.is_empty())
            .flat_map(|row| self.rows("patch", "name", row[0], &["value", "target"]));
        let puts_this = |value: Id| {
            self.rows("value", "node", value, &["slot", "kind", "target"]).iter().any(|given| held.contains(given))
        };
        patches.filter(|patch| puts_this(patch[0])).map(|patch| patch[1]).collect()
    }

    /// The function whose `**` parameter this is.
    fn function_collecting(&self, parameter: Id) -> Option<Id> {
        let rows = self.rows("params", "binding", parameter, &["kind", "function"]);
        rows.iter().find(|row| Symbol(row[0] as u32).text() == "var_keyword").map(|row| row[1]).filter(|id| *id != 0)
    }

    /// Whether an import is all that is known of what the word at a position means: the module behind it is not in the graph.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn ends_at_import(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<bool, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        Ok(self.meant(&words).iter().any(|id| matches!(self.kind_of(*id), "import" | "import_from")))
    }

    /// `LocationLink[]` of where the word at a position is declared: in a stub if one speaks of it, else where the name is
    /// annotated, else by the import that brings it into the file, else where it is defined.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn declaration(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        let meant = self.meant(&words);
        let in_stub = |id: &Id| self.place(*id).is_some_and(|(file, _, _)| file.text().ends_with(".pyi"));
        let stubs: Vec<Id> = meant.iter().copied().filter(in_stub).collect();
        if !stubs.is_empty() {
            return Ok(self.plain_links(stubs, &words, encoding));
        }
        let mut annotated = Vec::new();
        for variable in meant.iter().filter_map(|id| self.variable_of(*id)) {
            let rows = self.rows("bindings", "variable", variable, &["binding", "annotation_expr"]);
            annotated.extend(rows.into_iter().filter(|row| row[1] != 0).map(|row| row[0]));
        }
        if !annotated.is_empty() {
            return Ok(self.links(self.in_order(annotated), &words, encoding));
        }
        let by_name = words.reference.map(|reference| self.rows("name_target", "expr", reference.id, &["binding"]));
        let mut imports: Vec<Id> = by_name.unwrap_or_default().into_iter().map(|row| row[0]).collect();
        imports.retain(|id| matches!(self.kind_of(*id), "import" | "import_from"));
        let found = if imports.is_empty() { meant } else { self.in_order(imports) };
        Ok(self.links(found, &words, encoding))
    }

    /// The definitions that a word means, best first. On a definition: itself, unless it is an import, which is followed.
    pub(super) fn meant(&self, words: &Words<'_>) -> Vec<Id> {
        self.means(words).into_iter().map(|(id, _)| id).collect()
    }

    /// The same with the variable of each; 0 for what has none.
    fn means(&self, words: &Words<'_>) -> Vec<(Id, Id)> {
        if let Some(around) = words.text.and_then(|text| text.around) {
            return vec![(around, self.variable_of(around).unwrap_or(around))];
        }
        let mut targets = self.targets_at(words);
        if targets.is_empty()
            && let Some(binding) = words.binding
        {
            // A parameter may ask for something by its name.
            targets = self.targets(binding.id);
        }
        if !targets.is_empty() {
            return targets.into_iter().map(|target| (target.id, target.variable)).collect();
        }
        let Some(binding) = words.binding else { return vec![] };
        let imported = self.rows("import_target", "binding", binding.id, &["target", "variable"]);
        if imported.is_empty() {
            return vec![(binding.id, self.variable_of(binding.id).unwrap_or(0))];
        }
        imported.into_iter().map(|row| (row[0], row[1])).collect()
    }

    /// `LocationLink[]` from a word to definitions and modules. Of what a stub describes the source comes first, then the stub.
    pub(super) fn links(&self, ids: Vec<Id>, words: &Words<'_>, encoding: PositionEncoding) -> Vec<u8> {
        let mut sources: Vec<(String, u32)> = Vec::new();
        let mut found = Vec::with_capacity(ids.len());
        for &id in &ids {
            // Overloads of a stub describe one function of the source.
            if let Some(source) = self.source_of(id)
                && !sources.contains(&(source.uri(), source.place.start))
            {
                sources.push((source.uri(), source.place.start));
                found.push(source.target(encoding));
            }
            found.extend(self.link_target(id, encoding));
            let stubs = self.stubs_of(id).into_iter().filter(|stub| !ids.contains(stub));
            found.extend(stubs.filter_map(|stub| self.link_target(stub, encoding)));
        }
        linked(&found, words, encoding)
    }

    /// `LocationLink[]` from a word to definitions and modules as they are, stubs among them.
    pub(super) fn plain_links(&self, ids: Vec<Id>, words: &Words<'_>, encoding: PositionEncoding) -> Vec<u8> {
        let found: Vec<String> = ids.into_iter().filter_map(|id| self.link_target(id, encoding)).collect();
        linked(&found, words, encoding)
    }

    /// The target of a link: what stands in a `LocationLink` behind where it starts from.
    fn link_target(&self, id: Id, encoding: PositionEncoding) -> Option<String> {
        let (file, view, anchor) = self.place(id)?;
        let mut out = String::from(",\"targetUri\":");
        out.push_str(&json_text(&self.uri_of(file)));
        out.push_str(",\"targetRange\":");
        write_range(&mut out, view, anchor.extent_start, anchor.extent_end.max(anchor.end), encoding);
        out.push_str(",\"targetSelectionRange\":");
        write_range(&mut out, view, anchor.start, anchor.end, encoding);
        Some(out)
    }

    /// `Location[]` of everything that refers to what stands at the position, sorted by path and place.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn references(
        &self,
        path: &str,
        line: u32,
        character: u32,
        with_declaration: bool,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let mut places = self.reference_places(path, line, character, with_declaration, encoding)?;
        Ok(self.locations(&mut places, encoding))
    }

    /// `Location[]` of places, sorted by path and place, each once.
    pub(super) fn locations(&self, places: &mut Vec<Place>, encoding: PositionEncoding) -> Vec<u8> {
        places.sort_by(|left, right| left.0.text().cmp(right.0.text()).then(left.1.cmp(&right.1)));
        places.dedup_by_key(|place| (place.0, place.1));
        let mut out = String::with_capacity(places.len() * 160);
        out.push('[');
        let mut uris: HashMap<Symbol, String> = HashMap::new();
        for &mut (file, start, end, ..) in places {
            let Some(view) = self.files.get(&file) else { continue };
            if out.len() > 1 {
                out.push(',');
            }
            let uri = uris.entry(file).or_insert_with(|| json_text(&self.uri_of(file)));
            out.push_str("{\"uri\":");
            out.push_str(uri);
            out.push_str(",\"range\":");
            write_range(&mut out, view, start, end, encoding);
            out.push('}');
        }
        out.push(']');
        out.into_bytes()
    }

    /// `DocumentHighlight[]`: the references of the same file; bindings, stores to attributes and deletions are writes.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn document_highlight(
        &self,
        path: &str,
        line: u32,
        character: u32,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let mut places = self.reference_places(path, line, character, true, encoding)?;
        let (file, view) = self.file(path)?;
        places.retain(|place| place.0 == file);
        places.sort_by_key(|place| (place.1, !place.3));
        places.dedup_by_key(|place| place.1);
        let mut out = String::from("[");
        for (_, start, end, binds, id) in places {
            let binds = binds || self.writes(id);
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str("{\"range\":");
            write_range(&mut out, view, start, end, encoding);
            out.push_str(if binds { ",\"kind\":3}" } else { ",\"kind\":2}" });
        }
        out.push(']');
        Ok(out.into_bytes())
    }

    /// True for a reference that changes what it names.
    fn writes(&self, reference: Id) -> bool {
        let rows =
            [self.rows("exprs", "expr", reference, &["context"]), self.rows("names", "expr", reference, &["context"])];
        rows.iter().flatten().any(|row| matches!(Symbol(row[0] as u32).text(), "store" | "delete" | "augmented"))
    }

    /// Every place of the variables at a position, unsorted.
    fn reference_places(
        &self,
        path: &str,
        line: u32,
        character: u32,
        with_declaration: bool,
        encoding: PositionEncoding,
    ) -> Result<Vec<Place>, EngineError> {
        let words = self.words(path, line, character, encoding)?;
        let mut variables: Vec<Id> = self.means(&words).into_iter().map(|(_, variable)| variable).collect();
        variables.retain(|variable| *variable != 0);
        let mut places = self.places_of(words.file, &self.with_asking(variables), with_declaration);
        if places.is_empty()
            && let (true, Some(word)) = (with_declaration, words.binding)
        {
            places.push((words.file, word.start, word.end, true, word.id));
        }
        Ok(places)
    }

    /// The variables, what their bindings ask for by name, and all that ask for one of these: one thing under one name.
    fn with_asking(&self, variables: Vec<Id>) -> Vec<Id> {
        let bindings: Vec<Id> =
            self.rows_of("bindings", "variable", &variables, &["binding"]).into_iter().map(|(_, row)| row[0]).collect();
        let asked = self.rows_of("refers_to", "expr", &bindings, &["variable"]);
        let mut found = variables;
        found.extend(asked.into_iter().map(|(_, row)| row[0]));
        let asking: Vec<Id> =
            self.rows_of("refers_to", "variable", &found, &["expr"]).into_iter().map(|(_, row)| row[0]).collect();
        found.extend(self.rows_of("bindings", "binding", &asking, &["variable"]).into_iter().map(|(_, row)| row[0]));
        found.retain(|variable| *variable != 0);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Every place of these variables, unsorted.
    pub(super) fn places_of(&self, asked_in: Symbol, variables: &[Id], with_declaration: bool) -> Vec<Place> {
        let mut places = Vec::new();
        // Whoever asks in the workspace means the workspace; a library lists its own uses.
        let asked_inside = super::is_inside(asked_in);
        // A segment of a dotted name leads to its package and is no use of it: the way to something else. Nor is a mention in
        // prose, from which definition leads on: what nobody runs is no use, and no type checker lists it.
        let [segment, mention] = ["segment", "mention"].map(|kind| u64::from(Symbol::of(kind).0));
        for &variable in variables {
            let named = self.rows("bindings", "variable", variable, &["name"]);
            let name = named.first().map_or("", |row| Symbol(row[0] as u32).text());
            for row in self.rows("refers_to", "variable", variable, &["expr", "file", "kind"]) {
                let file = Symbol(row[1] as u32);
                if row[2] == segment || row[2] == mention || (asked_inside && !super::is_inside(file)) {
                    continue;
                }
                if let Some(anchor) = self.files.get(&file).and_then(|view| view.anchor(row[0])) {
                    let (start, end) = self.shown_part(anchor, name);
                    places.push((file, start, end, false, row[0]));
                }
            }
            if with_declaration {
                for row in self.rows("bindings", "variable", variable, &["binding", "file"]) {
                    let file = Symbol(row[1] as u32);
                    if let Some(anchor) = self.files.get(&file).and_then(|view| view.anchor(row[0])) {
                        places.push((file, anchor.start, anchor.end, true, row[0]));
                    }
                }
            }
        }
        places
    }
}

/// `LocationLink[]` from a word to targets.
fn linked(targets: &[String], words: &Words<'_>, encoding: PositionEncoding) -> Vec<u8> {
    let Some(origin) = words.reference.or(words.binding) else { return b"[]".to_vec() };
    let mut out = String::from("[");
    for target in targets {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str("{\"originSelectionRange\":");
        write_range(&mut out, words.view, origin.start, origin.end, encoding);
        out.push_str(target);
        out.push('}');
    }
    out.push(']');
    out.into_bytes()
}

pub(super) fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text is always valid JSON")
}
