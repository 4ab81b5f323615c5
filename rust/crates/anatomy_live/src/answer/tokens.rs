//! Semantic tokens: what each word of a file is, as far as colours tell apart.
//!
//! A word is what the best target of its reference is; a word that leads nowhere is taken for what it looks like. Every
//! relation is asked once for all words together, so the price is that of a few look-ups and not of a few for each word.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use anatomy_engine::EngineError;
use anatomy_facts::{Anchor, AnchorKind, Id, Symbol};
use anatomy_syntax::PositionEncoding;

use super::Answers;
use crate::files::FileView;

/// Types of tokens, by the number that stands for them.
pub const TYPES: &[&str] = &[
    "namespace",
    "class",
    "enum",
    "interface",
    "typeParameter",
    "parameter",
    "variable",
    "property",
    "enumMember",
    "function",
    "method",
    "decorator",
    "type",
];

/// Modifiers of tokens, by the number of their bit.
pub const MODIFIERS: &[&str] =
    &["declaration", "definition", "readonly", "static", "async", "deprecated", "defaultLibrary", "modification"];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
enum Colour {
    Namespace,
    Class,
    Enum,
    Interface,
    TypeParameter,
    Parameter,
    Variable,
    Property,
    EnumMember,
    Function,
    Method,
    Decorator,
    Type,
}

mod modifier {
    pub(super) const DECLARATION: u32 = 1;
    pub(super) const DEFINITION: u32 = 1 << 1;
    pub(super) const READONLY: u32 = 1 << 2;
    pub(super) const STATIC: u32 = 1 << 3;
    pub(super) const ASYNC: u32 = 1 << 4;
    pub(super) const DEPRECATED: u32 = 1 << 5;
    pub(super) const DEFAULT_LIBRARY: u32 = 1 << 6;
    pub(super) const MODIFICATION: u32 = 1 << 7;
}

/// Classes of the standard library whose subclasses list their members.
const ENUMS: &[&str] = &["Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"];
/// Callees that make a type parameter.
const TYPE_VARIABLES: &[&str] = &["TypeVar", "ParamSpec", "TypeVarTuple"];

/// What a word is.
#[derive(Clone, Copy, Debug)]
struct Meaning {
    kind: Colour,
    modifiers: u32,
}

/// The targets of a reference that no other beats.
struct Best {
    rank: (f32, f32),
    targets: Vec<(Id, Symbol)>,
}

/// A range as editors send it.
pub type EditorRange = ((u32, u32), (u32, u32));

/// A binding that words mean.
struct Bound {
    scope: Id,
    name: &'static str,
    kind: &'static str,
    occurrence: u64,
    annotation: Id,
    value: Id,
    variable: Id,
    file: Symbol,
}

impl Answers {
    /// The `data` of `SemanticTokens` of a file, or of a range of it, as a JSON array.
    ///
    /// # Errors
    /// `unknown-file`.
    pub fn semantic_tokens(
        &self,
        path: &str,
        within: Option<EditorRange>,
        encoding: PositionEncoding,
    ) -> Result<Vec<u8>, EngineError> {
        let (file, view) = self.file(path)?;
        let bounds = within.map(|((line, character), (end_line, end_character))| {
            (view.index().offset(line, character, encoding), view.index().offset(end_line, end_character, encoding))
        });
        let is_asked = |anchor: &Anchor| bounds.is_none_or(|(start, end)| anchor.start < end && start < anchor.end);
        let words: Vec<&Anchor> = view
            .anchors()
            .iter()
            .filter(|anchor| matches!(anchor.kind, AnchorKind::Binding | AnchorKind::Reference))
            .filter(|anchor| anchor.start < anchor.end && is_asked(anchor) && is_word(view, anchor))
            .collect();
        let meanings = self.meanings(file, &words);
        let mut tokens: Vec<(u32, u32, Meaning)> = Vec::with_capacity(words.len());
        for (word, meaning) in words.iter().zip(meanings) {
            let Some(meaning) = meaning else { continue };
            match tokens.last_mut() {
                // A word that is bound and used at once: what it refers to says more.
                Some((start, end, last)) if (*start, *end) == (word.start, word.end) => {
                    let kind = if word.kind == AnchorKind::Reference { meaning.kind } else { last.kind };
                    *last = Meaning { kind, modifiers: last.modifiers | meaning.modifiers };
                }
                Some((_, end, _)) if *end > word.start => {}
                _ => tokens.push((word.start, word.end, meaning)),
            }
        }
        Ok(encoded(&tokens, view, encoding))
    }

    /// What each word is; none for what is no word of code, such as a string in `__all__`.
    fn meanings(&self, file: Symbol, words: &[&Anchor]) -> Vec<Option<Meaning>> {
        let ids = |kind: AnchorKind| words.iter().filter(move |word| word.kind == kind).map(|word| word.id);
        let references: Vec<Id> = ids(AnchorKind::Reference).collect();
        let targets = self.best_targets(&references);
        let exprs = self.by_key("exprs", "expr", &references, &["kind", "name", "context"]);
        let mut bindings: Vec<Id> = ids(AnchorKind::Binding).collect();
        bindings.extend(targets.values().flatten().map(|(target, _)| *target));
        bindings.sort_unstable();
        bindings.dedup();
        let imported = self.imported(&bindings);
        bindings.extend(imported.values().map(|(target, _)| *target));
        bindings.sort_unstable();
        bindings.dedup();
        let known = self.known(&bindings);
        let open: Vec<Id> = references.iter().copied().filter(|id| !targets.contains_key(id)).collect();
        let looks = self.looks(file, &open, &exprs);
        let strings: HashSet<Id> =
            self.rows("exports", "file", u64::from(file.0), &["expr"]).into_iter().map(|row| row[0]).collect();
        let decorators = self.decorator_words(file);
        let of_binding = |id: Id, kind: &str| match imported.get(&id) {
            Some((_, kind)) if is_module(kind.text()) => Some(plain(Colour::Namespace)),
            Some((target, _)) if known.contains_key(target) => known.get(target).copied(),
            _ if is_module(kind) => Some(plain(Colour::Namespace)),
            _ => known.get(&id).copied(),
        };
        let bound: Vec<Id> = ids(AnchorKind::Binding).collect();
        let own = self.by_key("bindings", "binding", &bound, &["kind", "occurrence"]);
        words
            .iter()
            .map(|word| {
                if word.kind == AnchorKind::Binding {
                    let row = own.get(&word.id)?;
                    let kind = Symbol(row[0] as u32).text();
                    let mut meaning = of_binding(word.id, kind)?;
                    meaning.modifiers |= binding_modifiers(kind, row[1]);
                    return (kind != "star").then_some(meaning);
                }
                if strings.contains(&word.id) {
                    return None;
                }
                let candidates = targets.get(&word.id);
                let mut meaning = candidates
                    .and_then(|found| {
                        found.iter().filter_map(|(id, kind)| of_binding(*id, kind.text())).min_by_key(|of| of.kind)
                    })
                    .or_else(|| looks.get(&word.id).copied())?;
                if let Some(row) = exprs.get(&word.id)
                    && matches!(Symbol(row[2] as u32).text(), "store" | "delete")
                {
                    meaning.modifiers |= modifier::MODIFICATION;
                }
                if decorators.contains(&word.id) {
                    meaning.kind = Colour::Decorator;
                }
                Some(meaning)
            })
            .collect()
    }

    /// The best targets of each reference: several if none is better.
    fn best_targets(&self, references: &[Id]) -> HashMap<Id, Vec<(Id, Symbol)>> {
        let columns = ["target", "kind", "score", "confidence"];
        let (of, rows) = self.columns_of("refers_to", "expr", references, &columns);
        let mut best: HashMap<Id, Best> = HashMap::new();
        for (at, key) in of.into_iter().enumerate() {
            let rank = (f32::from_bits(rows[2][at] as u32), f32::from_bits(rows[3][at] as u32));
            let target = (rows[0][at], Symbol(rows[1][at] as u32));
            let known = best.entry(references[key as usize]).or_insert(Best { rank, targets: Vec::new() });
            if rank > known.rank {
                *known = Best { rank, targets: vec![target] };
            } else if rank == known.rank && !known.targets.contains(&target) {
                known.targets.push(target);
            }
        }
        best.into_iter().map(|(id, best)| (id, best.targets)).collect()
    }

    /// Where import bindings lead.
    fn imported(&self, bindings: &[Id]) -> HashMap<Id, (Id, Symbol)> {
        let (of, rows) = self.columns_of("import_target", "binding", bindings, &["target", "kind"]);
        let found = of.into_iter().enumerate();
        found.map(|(at, key)| (bindings[key as usize], (rows[0][at], Symbol(rows[1][at] as u32)))).collect()
    }

    /// What each binding is.
    fn known(&self, bindings: &[Id]) -> HashMap<Id, Meaning> {
        let columns = ["scope", "name", "kind", "occurrence", "annotation_expr", "value_expr", "variable", "file"];
        let (of, rows) = self.columns_of("bindings", "binding", bindings, &columns);
        let mut found: HashMap<Id, Bound> = HashMap::with_capacity(bindings.len());
        for (at, key) in of.into_iter().enumerate() {
            let text = |column: usize| Symbol(rows[column][at] as u32).text();
            let bound = Bound {
                scope: rows[0][at],
                name: text(1),
                kind: text(2),
                occurrence: rows[3][at],
                annotation: rows[4][at],
                value: rows[5][at],
                variable: rows[6][at],
                file: Symbol(rows[7][at] as u32),
            };
            found.insert(bindings[key as usize], bound);
        }
        let mut scope_ids: Vec<Id> = found.values().map(|bound| bound.scope).collect();
        scope_ids.sort_unstable();
        scope_ids.dedup();
        let scopes = self.by_key("scopes", "scope", &scope_ids, &["kind", "definition"]);
        let around =
            |bound: &Bound| scopes.get(&bound.scope).map_or(("", 0), |row| (Symbol(row[0] as u32).text(), row[1]));
        let mut classes: Vec<Id> = found
            .iter()
            .filter_map(|(id, bound)| match (bound.kind, around(bound)) {
                ("class", _) => Some(*id),
                (_, ("class", class)) => Some(class),
                _ => None,
            })
            .collect();
        classes.sort_unstable();
        classes.dedup();
        let (enums, protocols) = self.special_classes(&classes);
        let defined: Vec<Id> =
            found.iter().filter(|(_, bound)| matches!(bound.kind, "class" | "function")).map(|(id, _)| *id).collect();
        let decorated = self.decorations(&defined);
        let parameters = self.parameters(found.values().filter(|bound| around(bound).0 == "function"));
        let mut exprs: Vec<Id> = found.values().flat_map(|bound| [bound.annotation, bound.type_value()]).collect();
        exprs.retain(|id| *id != 0);
        let last_words = self.last_words(&exprs);
        let kinds: HashMap<Id, &'static str> = self
            .by_key("exprs", "expr", &exprs, &["kind"])
            .into_iter()
            .map(|(id, row)| (id, Symbol(row[0] as u32).text()))
            .collect();
        let is_alias = |value: Id| {
            kinds.get(&value).is_some_and(|kind| matches!(*kind, "union" | "subscript" | "name" | "attribute"))
        };
        let libraries = self.libraries(found.values().map(|bound| bound.file));
        found
            .iter()
            .map(|(id, bound)| {
                let decorators = decorated.get(id).map_or(&[][..], Vec::as_slice);
                let has = |words: &[&str]| decorators.iter().any(|word| words.contains(word));
                let word_of = |expr: Id| last_words.get(&expr).copied().unwrap_or_default();
                let (scope, class) = around(bound);
                let is_enum = scope == "class" && enums.contains(&class);
                let kind = match bound.kind {
                    "class" if enums.contains(id) => Colour::Enum,
                    "class" if protocols.contains(id) => Colour::Interface,
                    "class" => Colour::Class,
                    "function" if scope == "class" && is_property(decorators) => Colour::Property,
                    "function" if scope == "class" => Colour::Method,
                    "function" => Colour::Function,
                    "param" => Colour::Parameter,
                    "type_param" => Colour::TypeParameter,
                    "type_alias" => Colour::Type,
                    "import" => Colour::Namespace,
                    "import_from" => shape_of(bound.name).unwrap_or(Colour::Variable),
                    "assign" if is_enum && !bound.name.starts_with("__") => Colour::EnumMember,
                    "assign" if TYPE_VARIABLES.contains(&word_of(bound.value)) => Colour::TypeParameter,
                    "assign" if shape_of(bound.name).is_some() && is_alias(bound.value) => Colour::Type,
                    "self_attr" => Colour::Property,
                    _ if parameters.contains(&bound.variable) => Colour::Parameter,
                    _ if scope == "class" => Colour::Property,
                    _ => Colour::Variable,
                };
                let mut modifiers = 0;
                if matches!(kind, Colour::Variable | Colour::Property)
                    && (is_constant(bound.name) || word_of(bound.annotation) == "Final")
                    || kind == Colour::EnumMember
                    || (bound.kind == "function" && kind == Colour::Property && !has(&["setter", "deleter"]))
                {
                    modifiers |= modifier::READONLY;
                }
                if has(&["staticmethod", "classmethod"]) || word_of(bound.annotation) == "ClassVar" {
                    modifiers |= modifier::STATIC;
                }
                if has(&["deprecated"]) {
                    modifiers |= modifier::DEPRECATED;
                }
                if libraries.contains(&bound.file) {
                    modifiers |= modifier::DEFAULT_LIBRARY;
                }
                if matches!(kind, Colour::Function | Colour::Method) && self.is_async(bound.file, *id) {
                    modifiers |= modifier::ASYNC;
                }
                (*id, Meaning { kind, modifiers })
            })
            .collect()
    }

    /// The classes that are enumerations, and those that are protocols.
    fn special_classes(&self, classes: &[Id]) -> (HashSet<Id>, HashSet<Id>) {
        let (of, ancestors) = self.columns_of("mro", "class", classes, &["ancestor"]);
        let mut all: Vec<Id> = classes.to_vec();
        all.extend(ancestors.first().into_iter().flatten());
        all.sort_unstable();
        all.dedup();
        let (base_of, bases) = self.columns_of("class_bases", "class", &all, &["expr", "keyword"]);
        let words = self.last_words(bases.first().map_or(&[][..], Vec::as_slice));
        let mut written: HashMap<Id, Vec<&'static str>> = HashMap::new();
        for (at, key) in base_of.into_iter().enumerate() {
            if let (0, Some(word)) = (bases[1][at], words.get(&bases[0][at])) {
                written.entry(all[key as usize]).or_default().push(word);
            }
        }
        let says = |class: &Id, words: &[&str]| {
            written.get(class).is_some_and(|bases| bases.iter().any(|base| words.contains(base)))
        };
        let mut enums: HashSet<Id> = classes.iter().copied().filter(|class| says(class, ENUMS)).collect();
        for (at, key) in of.into_iter().enumerate() {
            if says(&ancestors[0][at], ENUMS) {
                enums.insert(classes[key as usize]);
            }
        }
        let protocols = classes.iter().copied().filter(|class| says(class, &["Protocol"])).collect();
        (enums, protocols)
    }

    /// The last word of each expression that is a name, an attribute, a subscript or a call.
    fn last_words(&self, exprs: &[Id]) -> HashMap<Id, &'static str> {
        let found = self.by_key("exprs", "expr", exprs, &["kind", "name", "base"]);
        let hangs = |row: &Vec<u64>| matches!(Symbol(row[0] as u32).text(), "subscript" | "call");
        let mut bases: Vec<Id> = found.values().filter(|row| hangs(row)).map(|row| row[2]).collect();
        bases.sort_unstable();
        let below = self.by_key("exprs", "expr", &bases, &["name"]);
        let word = |row: &Vec<u64>| {
            let name = if hangs(row) { below.get(&row[2])?[0] } else { row[1] };
            Some(Symbol(name as u32).text())
        };
        found.iter().filter_map(|(id, row)| Some((*id, word(row)?))).collect()
    }

    /// The last words of the decorators of each definition.
    fn decorations(&self, definitions: &[Id]) -> HashMap<Id, Vec<&'static str>> {
        let (of, rows) = self.columns_of("decorators", "definition", definitions, &["name"]);
        let mut found: HashMap<Id, Vec<&'static str>> = HashMap::new();
        for (at, key) in of.into_iter().enumerate() {
            found.entry(definitions[key as usize]).or_default().push(Symbol(rows[0][at] as u32).text());
        }
        found
    }

    /// The variables among those of some bindings that are parameters, wherever they are bound anew.
    fn parameters<'a>(&self, bound: impl Iterator<Item = &'a Bound>) -> HashSet<Id> {
        let mut variables: Vec<Id> = bound.filter(|bound| bound.kind != "param").map(|bound| bound.variable).collect();
        variables.sort_unstable();
        variables.dedup();
        let (of, rows) = self.columns_of("bindings", "variable", &variables, &["kind"]);
        let found = of.into_iter().enumerate();
        found
            .filter(|(at, _)| Symbol(rows[0][*at] as u32).text() == "param")
            .map(|(_, key)| variables[key as usize])
            .collect()
    }

    /// Those of the files that belong to the standard library.
    fn libraries(&self, files: impl Iterator<Item = Symbol>) -> HashSet<Symbol> {
        let mut keys: Vec<u64> = files.map(|file| u64::from(file.0)).collect();
        keys.sort_unstable();
        keys.dedup();
        let (of, rows) = self.columns_of("files", "file", &keys, &["partition"]);
        let found = of.into_iter().enumerate();
        found
            .filter(|(at, _)| Symbol(rows[0][*at] as u32).text() == "stdlib")
            .map(|(_, key)| Symbol(keys[key as usize] as u32))
            .collect()
    }

    fn is_async(&self, file: Symbol, function: Id) -> bool {
        let view = self.files.get(&file);
        view.and_then(|view| view.head(function)).is_some_and(|head| head.starts_with("async "))
    }

    /// The words after `@` in a file: the last one of each decorator.
    fn decorator_words(&self, file: Symbol) -> HashSet<Id> {
        let rows = self.rows("decorators", "file", u64::from(file.0), &["expr"]);
        let exprs: Vec<Id> = rows.into_iter().map(|row| row[0]).collect();
        let found = self.by_key("exprs", "expr", &exprs, &["kind", "base"]);
        let words = found.iter().map(|(id, row)| if Symbol(row[0] as u32).text() == "call" { row[1] } else { *id });
        words.collect()
    }

    /// What words that lead nowhere look like.
    fn looks(&self, file: Symbol, open: &[Id], exprs: &HashMap<Id, Vec<u64>>) -> HashMap<Id, Meaning> {
        let (of, rows) = self.columns_of("exprs", "base", open, &["kind"]);
        let called: HashSet<Id> = of
            .into_iter()
            .enumerate()
            .filter(|(at, _)| Symbol(rows[0][*at] as u32).text() == "call")
            .map(|(_, key)| open[key as usize])
            .collect();
        let modules: HashSet<Id> =
            self.rows("module_refs", "file", u64::from(file.0), &["expr"]).into_iter().map(|row| row[0]).collect();
        let imports: HashMap<Id, Symbol> = self
            .rows("imports", "file", u64::from(file.0), &["expr", "name"])
            .into_iter()
            .map(|row| (row[0], Symbol(row[1] as u32)))
            .collect();
        let keywords = self.by_key("args", "arg", open, &["name"]);
        open.iter()
            .filter_map(|id| {
                let kind = if let Some(row) = exprs.get(id) {
                    let name = Symbol(row[1] as u32).text();
                    let is_called = called.contains(id);
                    match (Symbol(row[0] as u32).text(), shape_of(name)) {
                        (_, Some(Colour::Class)) => Colour::Class,
                        ("attribute", _) if is_called => Colour::Method,
                        ("attribute", _) => Colour::Property,
                        _ if is_called => Colour::Function,
                        _ => Colour::Variable,
                    }
                } else if modules.contains(id) {
                    Colour::Namespace
                } else if let Some(name) = imports.get(id) {
                    shape_of(name.text()).unwrap_or(Colour::Variable)
                } else if keywords.contains_key(id) {
                    Colour::Parameter
                } else {
                    return None;
                };
                let name = exprs.get(id).map_or("", |row| Symbol(row[1] as u32).text());
                let modifiers = if is_constant(name) { modifier::READONLY } else { 0 };
                Some((*id, Meaning { kind, modifiers }))
            })
            .collect()
    }

    /// Columns of one row for each key.
    fn by_key(&self, relation: &str, by: &str, keys: &[Id], columns: &[&str]) -> HashMap<Id, Vec<u64>> {
        let (of, rows) = self.columns_of(relation, by, keys, columns);
        let found = of.into_iter().enumerate();
        found.map(|(at, key)| (keys[key as usize], rows.iter().map(|column| column[at]).collect())).collect()
    }
}

impl Bound {
    /// The value, where it may be a type variable.
    fn type_value(&self) -> Id {
        let may_be = self.kind == "assign"
            && self.occurrence == 0
            && self.name.starts_with(|c: char| c.is_uppercase() || c == '_');
        if may_be { self.value } else { 0 }
    }
}

/// True for the word that an import binds a module to, and for those on the way to it.
fn is_module(kind: &str) -> bool {
    matches!(kind, "module" | "segment")
}

fn plain(kind: Colour) -> Meaning {
    Meaning { kind, modifiers: 0 }
}

/// True for what is written as a word; dots that name a package and the star of an import are none.
fn is_word(view: &FileView, anchor: &Anchor) -> bool {
    let Some(document) = &view.document else { return true };
    let first = document.text().as_bytes().get(anchor.start as usize);
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_' || *byte >= 0x80)
}

fn is_property(decorators: &[&str]) -> bool {
    decorators.iter().any(|word| {
        matches!(*word, "property" | "cached_property" | "abstractproperty" | "setter" | "getter" | "deleter")
    })
}

/// `MAX_SIZE`.
fn is_constant(name: &str) -> bool {
    name.len() > 1
        && name.chars().any(char::is_uppercase)
        && name.chars().all(|letter| letter.is_uppercase() || letter.is_ascii_digit() || letter == '_')
}

/// What a name of unknown meaning is by convention.
fn shape_of(name: &str) -> Option<Colour> {
    let bare = name.trim_start_matches('_');
    (bare.starts_with(char::is_uppercase) && !is_constant(name)).then_some(Colour::Class)
}

/// Where a binding stands among those of its variable.
fn binding_modifiers(kind: &str, occurrence: u64) -> u32 {
    match kind {
        "class" | "function" => modifier::DECLARATION | modifier::DEFINITION,
        "delete" | "augmented" => modifier::MODIFICATION,
        _ if occurrence == 0 => modifier::DECLARATION,
        _ => modifier::MODIFICATION,
    }
}

/// Tokens as the protocol packs them: five numbers each, places relative to the token before.
fn encoded(tokens: &[(u32, u32, Meaning)], view: &FileView, encoding: PositionEncoding) -> Vec<u8> {
    let mut out = String::with_capacity(tokens.len() * 14 + 2);
    out.push('[');
    let (mut line, mut character) = (0, 0);
    for &(start, end, meaning) in tokens {
        let (at_line, at_character) = view.index().position(start, encoding);
        let (end_line, end_character) = view.index().position(end, encoding);
        if end_line != at_line {
            continue;
        }
        let delta = if at_line == line { at_character - character } else { at_character };
        if out.len() > 1 {
            out.push(',');
        }
        let (kind, modifiers) = (meaning.kind as u8, meaning.modifiers);
        write!(out, "{},{delta},{},{kind},{modifiers}", at_line - line, end_character - at_character)
            .expect("writing to a string cannot fail");
        (line, character) = (at_line, at_character);
    }
    out.push(']');
    out.into_bytes()
}

/// `SemanticTokensEdit[]` that make the `data` of one answer that of another, both as JSON arrays: one edit, or none.
#[must_use]
pub fn semantic_tokens_edits(before: &[u8], after: &[u8]) -> Vec<u8> {
    let (old, new): (Vec<u32>, Vec<u32>) =
        (serde_json::from_slice(before).unwrap_or_default(), serde_json::from_slice(after).unwrap_or_default());
    let same = old.iter().zip(&new).take_while(|(left, right)| left == right).count();
    let left = old.len().min(new.len()) - same;
    let tail = old.iter().rev().zip(new.iter().rev()).take(left).take_while(|(left, right)| left == right).count();
    let (removed, inserted) = (old.len() - same - tail, &new[same..new.len() - tail]);
    if removed == 0 && inserted.is_empty() {
        return b"[]".to_vec();
    }
    serde_json::json!([{"start": same, "deleteCount": removed, "data": inserted}]).to_string().into_bytes()
}
