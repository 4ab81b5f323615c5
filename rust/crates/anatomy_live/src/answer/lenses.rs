//! Code lenses: how often a definition is used, what it overrides, and what overrides it.
//!
//! One pass over a file with a handful of look-ups for all its definitions together. Uses are counted, not placed; the places
//! of one lens are asked for when a person follows it.

use std::collections::{BTreeSet, HashMap, HashSet};

use anatomy_engine::EngineError;
use anatomy_facts::{Anchor, Id, Symbol};
use anatomy_syntax::PositionEncoding;
use serde_json::{Value, json};

use super::Answers;
use super::members::Member;
use super::navigate::Place;
use super::places::range;

/// Which lenses are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LensOptions {
    /// Number of references of functions, classes and methods.
    pub references: bool,
    /// The method that a method overrides.
    pub overrides: bool,
    /// Number of methods that override a method, and of classes that derive from a class.
    pub overridden: bool,
}

struct Definition {
    id: Id,
    variable: Id,
    is_class: bool,
    anchor: Anchor,
}

impl Answers {
    /// `[{range, title, data: {id, kind}}]` of the definitions of a file, in the order of the source; `kind` is references,
    /// overrides or overridden, as `lens_places` takes it.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn code_lenses(
        &self,
        path: &str,
        options: LensOptions,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let definitions = self.definitions(file);
        let uses = if options.references { self.count_uses(file, &definitions) } else { vec![] };
        let overrides = if options.overrides { self.nearest_overridden(&definitions) } else { HashMap::new() };
        let overridden = if options.overridden { self.count_below(file, &definitions) } else { HashMap::new() };
        let ids: Vec<Id> = definitions.iter().map(|definition| definition.id).collect();
        let asked = self.rows_of("abstract_member", "definition", &ids, &["definition"]);
        let abstracts: HashSet<Id> = asked.into_iter().map(|(_, row)| row[0]).collect();
        let protocols = self.protocols_among(&ids);
        let mut lenses = Vec::new();
        for (at, definition) in definitions.iter().enumerate() {
            let place = range(view, definition.anchor.start, definition.anchor.end, encoding);
            let mut push = |kind: &str, title: String| {
                let data = json!({"id": definition.id.to_string(), "kind": kind});
                lenses.push(json!({"range": place, "title": title, "data": data}));
            };
            if let Some(count) = uses.get(at) {
                push("references", counted(*count, "reference", "references"));
            }
            if let Some(title) = overrides.get(&definition.id) {
                push("overrides", title.clone());
            }
            let asks = abstracts.contains(&definition.id);
            match overridden.get(&definition.id) {
                Some(count) if definition.is_class && protocols.contains(&definition.id) => {
                    push("overridden", counted(*count, "implementing class", "implementing classes"));
                }
                Some(count) if definition.is_class => push("overridden", counted(*count, "subclass", "subclasses")),
                Some(count) => push("overridden", often(*count, if asks { "implemented" } else { "overridden" })),
                None => {}
            }
        }
        Ok(Value::Array(lenses).to_string().into_bytes())
    }

    /// `Location[]` of what a lens speaks of: of the definition with that id its references, what it overrides, or what
    /// overrides it.
    ///
    /// # Errors
    /// `unknown-file`, if the file of the lens is gone.
    pub fn lens_places(
        &self,
        path: &str,
        id: Id,
        kind: &str,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let (file, _) = self.file(path)?;
        let mut places = match kind {
            "references" => self.places_of(file, &self.variable_of(id).into_iter().collect::<Vec<_>>(), false),
            "overrides" => {
                let nearest = self.rows("overrides", "definition", id, &["target"]);
                self.definition_places(nearest.into_iter().map(|row| row[0]).take(1))
            }
            "overridden" if self.kind_of(id) == "class" && !self.is_protocol(id) => {
                let below = self.rows("class_base", "base", id, &["class"]);
                self.definition_places(below.into_iter().map(|row| row[0]))
            }
            "overridden" => self.definition_places(self.implementers(id).into_iter()),
            _ => vec![],
        };
        Ok(self.locations(&mut places, encoding))
    }

    fn definition_places(&self, ids: impl Iterator<Item = Id>) -> Vec<Place> {
        ids.filter_map(|id| Some((id, self.place(id)?)))
            .map(|(id, (file, _, anchor))| (file, anchor.start, anchor.end, true, id))
            .collect()
    }

    /// Functions and classes of a file, one for each variable, in the order of the source.
    fn definitions(&self, file: Symbol) -> Vec<Definition> {
        let Some(view) = self.files.get(&file) else { return vec![] };
        let rows = self.rows("bindings", "file", u64::from(file.0), &["binding", "variable", "kind"]);
        let mut found: Vec<Definition> = rows
            .into_iter()
            .filter(|row| matches!(Symbol(row[2] as u32).text(), "function" | "class"))
            .filter_map(|row| {
                let is_class = Symbol(row[2] as u32).text() == "class";
                Some(Definition { id: row[0], variable: row[1], is_class, anchor: *view.anchor(row[0])? })
            })
            .collect();
        found.sort_by_key(|definition| definition.anchor.start);
        let mut seen = HashSet::new();
        found.retain(|definition| seen.insert(definition.variable));
        found
    }

    /// How many places refer to each definition, counted as `references` lists them.
    fn count_uses(&self, file: Symbol, definitions: &[Definition]) -> Vec<usize> {
        let variables: Vec<Id> = definitions.iter().map(|definition| definition.variable).collect();
        let asked_inside = super::is_inside(file);
        let mut inside: HashMap<u64, bool> = HashMap::new();
        let mut uses: Vec<(usize, Id)> = self
            .rows_of("refers_to", "variable", &variables, &["expr", "file"])
            .into_iter()
            .filter(|(_, row)| {
                !asked_inside || *inside.entry(row[1]).or_insert_with(|| super::is_inside(Symbol(row[1] as u32)))
            })
            .map(|(at, row)| (at, row[0]))
            .collect();
        uses.sort_unstable();
        uses.dedup();
        let mut counts = vec![0; definitions.len()];
        for (at, _) in uses {
            counts[at] += 1;
        }
        counts
    }

    /// `overrides Order.pay` for each method that does, or `implements` where the other one is abstract.
    fn nearest_overridden(&self, definitions: &[Definition]) -> HashMap<Id, String> {
        let ids: Vec<Id> =
            definitions.iter().filter(|definition| !definition.is_class).map(|definition| definition.id).collect();
        let implemented: HashSet<(usize, Id)> = self
            .rows_of("implements", "definition", &ids, &["target"])
            .into_iter()
            .map(|(at, row)| (at, row[0]))
            .collect();
        let mut titles = HashMap::new();
        for (at, row) in self.rows_of("overrides", "definition", &ids, &["target"]) {
            if let Some(target) = self.member_of(row[0]).filter(|target| !self.is_object(target.class)) {
                let verb = if implemented.contains(&(at, row[0])) { "implements" } else { "overrides" };
                let name = self.name_in_class(target.class, target.name);
                titles.entry(ids[at]).or_insert_with(|| format!("{verb} {name}"));
            }
        }
        titles
    }

    fn protocols_among(&self, ids: &[Id]) -> HashSet<Id> {
        self.rows_of("protocol_class", "class", ids, &["class"]).into_iter().map(|(_, row)| row[0]).collect()
    }

    /// How many methods override each method, and how many classes name each class as a base; of protocols in the workspace and
    /// their members, what implements them.
    fn count_below(&self, file: Symbol, definitions: &[Definition]) -> HashMap<Id, usize> {
        let classes: Vec<Id> =
            definitions.iter().filter(|definition| definition.is_class).map(|definition| definition.id).collect();
        let mut counts: HashMap<Id, usize> = HashMap::new();
        let mut direct: Vec<(usize, Id)> = self
            .rows_of("class_base", "base", &classes, &["class"])
            .into_iter()
            .map(|(at, row)| (at, row[0]))
            .collect();
        direct.sort_unstable();
        direct.dedup();
        for (at, _) in direct {
            *counts.entry(classes[at]).or_default() += 1;
        }
        let pairs = self.descendants_of(&classes);
        let mut below: Vec<Id> = pairs.iter().map(|(_, class)| *class).collect();
        below.sort_unstable();
        below.dedup();
        let mut has: HashMap<Id, BTreeSet<u32>> = HashMap::new();
        for member in self.members_of(&below) {
            has.entry(member.class).or_default().insert(member.name.0);
        }
        let mut times: HashMap<(Id, u32), usize> = HashMap::new();
        for (at, class) in pairs {
            if let Some(names) = has.get(&class) {
                for name in names {
                    *times.entry((classes[at], *name)).or_default() += 1;
                }
            }
        }
        let own: Vec<Member> = self.members_of(&classes);
        counts.extend(own.iter().filter_map(|member| {
            let count = times.get(&(member.class, member.name.0))?;
            (member.kind.text() == "function").then_some((member.id, *count))
        }));
        if super::is_inside(file) {
            let protocols = self.protocols_among(&classes);
            let members = own.iter().filter(|member| protocols.contains(&member.class)).map(|member| member.id);
            for id in classes.iter().filter(|class| protocols.contains(class)).copied().chain(members) {
                match self.implementers(id).len() {
                    0 => counts.remove(&id),
                    count => counts.insert(id, count),
                };
            }
        }
        counts
    }
}

fn often(count: usize, done: &str) -> String {
    match count {
        1 => format!("{done} once"),
        _ => format!("{done} {count} times"),
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    match count {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}
