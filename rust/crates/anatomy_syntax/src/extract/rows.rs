//! The end of the walk: names get their meaning, bindings their identity, tables their last rows.

use anatomy_facts::{
    Anchor, AnchorKind, FileFacts, Id, Symbol, TableBuilder,
    facts::Cell,
    id_of,
    tables::{self, EVIDENCE},
};

use super::{
    Extractor, ModuleContext, NameRow,
    flow::told,
    scopes::{Bound, Declared, NOTHING, ScopeKind},
};

/// Whose docstring it is.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    Module,
    Binding(u32),
}

/// A row of `params`.
pub(crate) struct ParamRow {
    pub(crate) binding: u32,
    pub(crate) function: u32,
    /// Expression of the lambda; 0 for a function.
    pub(crate) lambda: Id,
    pub(crate) name: Symbol,
    pub(crate) position: u32,
    pub(crate) kind: Symbol,
    pub(crate) default: Id,
}

/// A row of `imports`.
pub(crate) struct ImportRow {
    pub(crate) binding: u32,
    pub(crate) module: Symbol,
    pub(crate) name: Symbol,
    pub(crate) level: u32,
    pub(crate) scope: u32,
    pub(crate) expr: Id,
    pub(crate) alias: Id,
}

/// A row of `type_params`.
pub(crate) struct TypeParamRow {
    pub(crate) definition: u32,
    pub(crate) position: u32,
    pub(crate) name: Symbol,
    pub(crate) kind: Symbol,
    pub(crate) binding: u32,
    pub(crate) bound: Id,
}

/// A row of `captures`.
pub(crate) struct CaptureRow {
    pub(crate) binding: u32,
    pub(crate) class: Id,
    pub(crate) attribute: Symbol,
    pub(crate) position: u32,
    pub(crate) unpack: Symbol,
}

/// A row of `class_bases`.
pub(crate) struct ClassBaseRow {
    pub(crate) class: u32,
    pub(crate) position: u32,
    pub(crate) expr: Id,
    pub(crate) keyword: Symbol,
}

/// A row of `returns`.
pub(crate) struct ReturnRow {
    pub(crate) scope: u32,
    pub(crate) expr: Id,
    pub(crate) kind: Symbol,
}

/// Rows that name bindings by ordinal until these have their ids.
#[derive(Default)]
pub(crate) struct Pending {
    pub(crate) params: Vec<ParamRow>,
    /// Function, and how many arguments it takes at least and at most.
    pub(crate) signatures: Vec<(u32, u32, u32)>,
    pub(crate) imports: Vec<ImportRow>,
    pub(crate) type_params: Vec<TypeParamRow>,
    pub(crate) captures: Vec<CaptureRow>,
    pub(crate) class_bases: Vec<ClassBaseRow>,
    /// Binding, position, expression and last word.
    pub(crate) decorators: Vec<(u32, u32, Id, Symbol)>,
    pub(crate) returns: Vec<ReturnRow>,
    pub(crate) docstrings: Vec<(Owner, String)>,
}

/// Where a binding ended up.
#[derive(Clone, Copy)]
struct Settled {
    scope: u32,
    occurrence: u32,
    id: Id,
}

impl Extractor<'_> {
    /// Settles what waited for the whole file and gives the facts.
    pub(crate) fn finish(mut self, context: &ModuleContext) -> FileFacts {
        let (settled, bound) = self.settle_bindings();
        let id_at = |ordinal: u32| if ordinal == NOTHING { 0 } else { settled[ordinal as usize].id };
        let file = Cell::Symbol(self.file);
        let words = self.vocabulary;

        let mut files = TableBuilder::new(&tables::FILES);
        files.push(&[
            file,
            Cell::Symbol(Symbol::of(&context.module)),
            Cell::Symbol(Symbol::of(&context.package)),
            Cell::Id(self.scopes[0].id),
            Cell::Bool(context.is_package),
            Cell::Bool(context.is_stub),
            Cell::Symbol(Symbol::of(&context.partition)),
            Cell::Int(context.search_rank),
        ]);

        let mut scopes = TableBuilder::new(&tables::SCOPES);
        for (at, scope) in self.scopes.iter().enumerate() {
            let parent = if at == 0 { 0 } else { self.scopes[scope.parent as usize].id };
            let kind = match scope.kind {
                ScopeKind::Module => words.module,
                ScopeKind::Class => words.class,
                ScopeKind::Function => words.function,
                ScopeKind::Lambda => words.lambda,
                ScopeKind::Comprehension => words.comprehension,
                ScopeKind::TypeParams => words.type_params,
            };
            scopes.push(&[
                Cell::Id(scope.id),
                Cell::Id(parent),
                Cell::Symbol(kind),
                Cell::Symbol(scope.name),
                Cell::Id(id_at(scope.definition)),
                file,
            ]);
        }

        let mut bindings = TableBuilder::new(&tables::BINDINGS);
        for (row, place) in self.bindings.iter().zip(&settled) {
            let scope = self.scopes[place.scope as usize].id;
            let body = if row.body == NOTHING { 0 } else { self.scopes[row.body as usize].id };
            bindings.push(&[
                Cell::Id(place.id),
                Cell::Id(scope),
                Cell::Symbol(row.word.symbol),
                Cell::Symbol(row.kind),
                Cell::Int(place.occurrence),
                Cell::Symbol(row.branch),
                Cell::Id(row.value),
                Cell::Symbol(row.unpack),
                Cell::Id(row.annotation),
                Cell::Id(body),
                Cell::Id(id_of(&[&scope.to_le_bytes(), b"variable", &row.word.hash.to_le_bytes()])),
                file,
            ]);
            self.anchors.push(Anchor {
                id: place.id,
                start: row.span.0,
                end: row.span.1,
                extent_start: row.extent.0,
                extent_end: row.extent.1,
                kind: AnchorKind::Binding,
            });
        }

        let scope_of: Vec<u32> = settled.iter().map(|place| place.scope).collect();
        let targets: Vec<u32> =
            self.names.iter().map(|row| self.meaning(&bound, row.scope, row.name).unwrap_or(NOTHING)).collect();
        let flowed = self.flowed(&bound, &scope_of, &targets, context.is_stub);
        let mut names = TableBuilder::new(&tables::NAMES);
        let mut reaching = TableBuilder::new(&tables::REACHING);
        for (at, (row, &target)) in self.names.iter().zip(&targets).enumerate() {
            let ways = flowed.bindings(at);
            let target = match ways {
                Some([]) if self.scopes[target as usize].kind == ScopeKind::Class => {
                    self.beyond_class(&bound, row.name)
                }
                _ => (target != NOTHING).then_some(target),
            };
            let last = match ways {
                Some(ways @ [.., _]) => {
                    let ways = told(ways, row.time);
                    if ways.len() > 1 {
                        for &way in ways {
                            reaching.push(&[Cell::Id(row.expr), Cell::Id(id_at(way)), file]);
                        }
                    }
                    self.foremost(ways, row, &settled)
                }
                _ => target.map_or(0, |target| self.reaching(&bound, &settled, row, target)),
            };
            names.push(&[
                Cell::Id(row.expr),
                Cell::Id(self.scopes[row.scope as usize].id),
                Cell::Id(target.map_or(0, |target| self.scopes[target as usize].id)),
                Cell::Symbol(row.name),
                Cell::Symbol(row.context),
                Cell::Int(last),
                Cell::Symbol(row.branch),
                file,
            ]);
        }
        let mut narrowings = TableBuilder::new(&tables::NARROWINGS);
        for row in &flowed.narrowings {
            narrowings.push(&[Cell::Id(row.expr), Cell::Symbol(row.kind), Cell::Id(row.class), file]);
        }

        let mut params = TableBuilder::new(&tables::PARAMS);
        for row in &self.pending.params {
            params.push(&[
                Cell::Id(id_at(row.binding)),
                Cell::Id(if row.lambda == 0 { id_at(row.function) } else { row.lambda }),
                Cell::Symbol(row.name),
                Cell::Int(row.position),
                Cell::Symbol(row.kind),
                Cell::Id(row.default),
                file,
            ]);
        }
        let mut signatures = TableBuilder::new(&tables::SIGNATURES);
        for &(function, least, most) in &self.pending.signatures {
            signatures.push(&[Cell::Id(id_at(function)), Cell::Int(least), Cell::Int(most), file]);
        }
        let mut imports = TableBuilder::new(&tables::IMPORTS);
        for row in &self.pending.imports {
            imports.push(&[
                Cell::Id(id_at(row.binding)),
                Cell::Symbol(row.module),
                Cell::Symbol(row.name),
                Cell::Int(row.level),
                Cell::Id(self.scopes[row.scope as usize].id),
                Cell::Id(row.expr),
                Cell::Id(row.alias),
                file,
            ]);
        }
        let mut type_params = TableBuilder::new(&tables::TYPE_PARAMS);
        for row in &self.pending.type_params {
            type_params.push(&[
                Cell::Id(id_at(row.definition)),
                Cell::Int(row.position),
                Cell::Symbol(row.name),
                Cell::Symbol(row.kind),
                Cell::Id(id_at(row.binding)),
                Cell::Id(row.bound),
                file,
            ]);
        }
        let mut captures = TableBuilder::new(&tables::CAPTURES);
        for row in &self.pending.captures {
            captures.push(&[
                Cell::Id(id_at(row.binding)),
                Cell::Id(row.class),
                Cell::Symbol(row.attribute),
                Cell::Int(row.position),
                Cell::Symbol(row.unpack),
                file,
            ]);
        }
        let mut class_bases = TableBuilder::new(&tables::CLASS_BASES);
        for row in &self.pending.class_bases {
            class_bases.push(&[
                Cell::Id(id_at(row.class)),
                Cell::Int(row.position),
                Cell::Id(row.expr),
                Cell::Symbol(row.keyword),
                file,
            ]);
        }
        let mut decorators = TableBuilder::new(&tables::DECORATORS);
        for &(definition, position, expr, name) in &self.pending.decorators {
            decorators.push(&[
                Cell::Id(id_at(definition)),
                Cell::Int(position),
                Cell::Id(expr),
                Cell::Symbol(name),
                file,
            ]);
        }
        let mut returns = TableBuilder::new(&tables::RETURNS);
        for row in &self.pending.returns {
            let scope = &self.scopes[row.scope as usize];
            let flavor = match (scope.is_generator, scope.is_async) {
                (true, _) => words.generator_flavor,
                (false, true) => words.async_flavor,
                (false, false) => Symbol::NONE,
            };
            returns.push(&[
                Cell::Id(id_at(scope.definition)),
                Cell::Id(row.expr),
                Cell::Symbol(row.kind),
                Cell::Symbol(flavor),
                file,
            ]);
        }
        let mut docstrings = TableBuilder::new(&tables::DOCSTRINGS);
        for (owner, text) in &self.pending.docstrings {
            let owner = match owner {
                Owner::Module => self.scopes[0].id,
                Owner::Binding(ordinal) => id_at(*ordinal),
            };
            docstrings.push(&[Cell::Id(owner), Cell::Text(text), file]);
        }

        let mut anchors = self.anchors;
        anchors.sort_unstable_by_key(|anchor| (anchor.start, anchor.end, anchor.id));
        anchors.shrink_to_fit();
        let mut errors = self.errors;
        errors.sort_by_key(|error| (error.start, error.end));
        let built = [
            files,
            scopes,
            bindings,
            names,
            reaching,
            narrowings,
            self.tables.exprs,
            self.tables.args,
            params,
            imports,
            self.tables.module_refs,
            class_bases,
            decorators,
            returns,
            self.tables.exports,
            self.tables.strings,
            docstrings,
            self.tables.items,
            self.tables.stores,
            type_params,
            signatures,
            captures,
            self.tables.fields,
            self.tables.broken,
        ];
        debug_assert_eq!(built.len(), EVIDENCE.len());
        FileFacts { tables: built.into_iter().map(TableBuilder::finish).collect(), anchors, errors }
    }

    /// Gives every binding its scope, ordinal and id. Bindings from other scopes (`global`, `nonlocal`) and attributes
    /// of instances count after and apart from those of the scope itself, so that they shift none of these.
    fn settle_bindings(&self) -> (Vec<Settled>, Bound) {
        let self_attr = self.vocabulary.self_attr;
        let mut direct: Vec<(u32, u32, u32)> = Vec::with_capacity(self.bindings.len());
        for (at, row) in self.bindings.iter().enumerate() {
            if row.kind == self_attr {
                continue;
            }
            match row.declared {
                None => direct.push((row.scope, row.word.symbol.0, at as u32)),
                Some(Declared::Global) => direct.push((0, row.word.symbol.0, at as u32)),
                Some(Declared::Nonlocal) => {}
            }
        }
        direct.sort_unstable();
        let bound = Bound(direct);
        let mut settled = vec![Settled { scope: 0, occurrence: 0, id: 0 }; self.bindings.len()];
        // Ordinals: own bindings first, then those that other scopes make by declaration, then attributes apart.
        let mut groups: Vec<(u32, u32, u8, u32)> = Vec::with_capacity(self.bindings.len());
        for (at, row) in self.bindings.iter().enumerate() {
            let name = row.word.symbol;
            let (scope, group) = match row.declared {
                _ if row.kind == self_attr => (row.scope, 2),
                None => (row.scope, 0),
                Some(Declared::Global) => (0, 1),
                Some(Declared::Nonlocal) => (self.enclosing_binder(&bound, row.scope, name).unwrap_or(row.scope), 1),
            };
            groups.push((scope, name.0, group, at as u32));
        }
        groups.sort_unstable();
        let mut before: Option<(u32, u32, bool)> = None;
        let mut occurrence = 0u32;
        for (scope, name, group, at) in groups {
            let variable = (scope, name, group == 2);
            occurrence = if before == Some(variable) { occurrence + 1 } else { 0 };
            before = Some(variable);
            let owner = self.scopes[scope as usize].id;
            let tag: &[u8] = if group == 2 { b"self_attr" } else { b"binding" };
            let hash = self.bindings[at as usize].word.hash;
            let id = id_of(&[&owner.to_le_bytes(), tag, &hash.to_le_bytes(), &occurrence.to_le_bytes()]);
            settled[at as usize] = Settled { scope, occurrence, id };
        }
        (settled, bound)
    }

    /// Of the bindings that may reach a use the one to show first, as one more than its ordinal: the last that precedes it
    /// in its own function, else the last of all.
    fn foremost(&self, ways: &[u32], row: &NameRow, settled: &[Settled]) -> u32 {
        let region = |scope: u32| self.scopes[scope as usize].region;
        let precedes =
            |way: &&u32| **way < row.time && region(self.bindings[**way as usize].scope) == region(row.scope);
        let way = ways.iter().rev().find(precedes);
        let way = way.or_else(|| ways.iter().max_by_key(|way| settled[**way as usize].occurrence));
        way.map_or(0, |way| settled[*way as usize].occurrence + 1)
    }

    /// The scope in which Python looks up a name that the body of a class binds only later, if it is bound there.
    fn beyond_class(&self, bound: &Bound, name: Symbol) -> Option<u32> {
        (!bound.of(0, name).is_empty()).then_some(0)
    }

    /// One more than the ordinal of the binding that precedes a use in the text, 0 if none does for certain.
    fn reaching(&self, bound: &Bound, settled: &[Settled], row: &NameRow, target: u32) -> u32 {
        if !self.runs_within(row.scope, target) {
            return 0;
        }
        let bindings = bound.of(target, row.name);
        let seen = bindings.partition_point(|&(_, _, at)| at < row.time);
        // A binding that another scope makes by declaration does not run here.
        bindings[..seen]
            .iter()
            .rev()
            .find(|&&(_, _, at)| self.bindings[at as usize].declared.is_none())
            .map_or(0, |&(_, _, at)| settled[at as usize].occurrence + 1)
    }
}
