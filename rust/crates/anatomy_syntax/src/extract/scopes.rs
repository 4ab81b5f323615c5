//! Scopes and what a name means in them: the rules of CPython's symbol table.
//!
//! A name that is bound anywhere in a scope belongs to it, unless `global` or `nonlocal` says otherwise. Class scopes are
//! invisible to the functions and comprehensions inside them, but not to the type parameters of their own methods.

use anatomy_facts::{AnchorKind, Id, Symbol, id_of};

use super::{
    Extractor, Span,
    words::{Word, mix},
};

/// What opens a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ScopeKind {
    Module,
    Class,
    Function,
    Lambda,
    Comprehension,
    TypeParams,
}

/// No binding opens this scope, or no scope is opened by this binding.
pub(crate) const NOTHING: u32 = u32::MAX;

/// One scope.
pub(crate) struct Scope {
    pub(crate) id: Id,
    /// Ordinal of the enclosing scope; of itself for the module.
    pub(crate) parent: u32,
    pub(crate) kind: ScopeKind,
    pub(crate) name: Symbol,
    /// Ordinal of the binding of its definition.
    pub(crate) definition: u32,
    /// First parameter of a method, by which it stores attributes of its instance or class.
    pub(crate) receiver: Symbol,
    pub(crate) is_async: bool,
    pub(crate) is_generator: bool,
    /// The flow graph that its code is part of.
    pub(crate) region: u32,
    /// Some name is declared `global` or `nonlocal` here.
    pub(crate) has_declarations: bool,
}

impl Scope {
    pub(crate) fn new(id: Id, parent: u32, kind: ScopeKind, name: Symbol, definition: u32) -> Self {
        Scope {
            id,
            parent,
            kind,
            name,
            definition: if kind == ScopeKind::Module { NOTHING } else { definition },
            receiver: Symbol::NONE,
            is_async: false,
            is_generator: false,
            region: 0,
            has_declarations: false,
        }
    }
}

/// Whose a name is, where a statement says so.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Declared {
    Global,
    Nonlocal,
}

/// Which scopes bind which names, after the walk: sorted by scope, name and ordinal of the binding.
pub(crate) struct Bound(pub(crate) Vec<(u32, u32, u32)>);

impl Bound {
    /// The bindings of a name in a scope.
    pub(crate) fn of(&self, scope: u32, name: Symbol) -> &[(u32, u32, u32)] {
        let from = self.0.partition_point(|&(at, text, _)| (at, text) < (scope, name.0));
        let length = self.0[from..].partition_point(|&(at, text, _)| (at, text) == (scope, name.0));
        &self.0[from..from + length]
    }

    fn holds(&self, scope: u32, name: Symbol) -> bool {
        let from = self.0.partition_point(|&(at, text, _)| (at, text) < (scope, name.0));
        self.0.get(from).is_some_and(|&(at, text, _)| (at, text) == (scope, name.0))
    }
}

impl Extractor<'_> {
    /// Opens a scope below the current one and makes it current. The caller gives the old one back to `close_scope`.
    /// `shape` tells scopes without a name apart.
    pub(crate) fn open_scope(&mut self, kind: ScopeKind, name: Word, shape: u64, span: Span) -> u32 {
        let parent = self.scope;
        let parent_id = self.scope_id();
        let tag: &[u8] = match kind {
            ScopeKind::Module => b"scope:module",
            ScopeKind::Class => b"scope:class",
            ScopeKind::Function => b"scope:function",
            ScopeKind::Lambda => b"scope:lambda",
            ScopeKind::Comprehension => b"scope:comprehension",
            ScopeKind::TypeParams => b"scope:type_params",
        };
        let shape = mix(name.hash, shape);
        let count = self.occurrences.entry(mix(parent_id, mix(id_of(&[tag]), shape))).or_insert(0);
        let id = id_of(&[&parent_id.to_le_bytes(), tag, &shape.to_le_bytes(), &count.to_le_bytes()]);
        *count += 1;
        self.scope = self.scopes.len() as u32;
        let mut scope = Scope::new(id, parent, kind, name.symbol, NOTHING);
        scope.region = match kind {
            ScopeKind::Function => self.flow.open_region(self.bindings.len() as u32),
            _ => self.scopes[parent as usize].region,
        };
        self.scopes.push(scope);
        self.anchor(id, span, span, AnchorKind::Scope);
        parent
    }

    /// Goes back to the scope that `open_scope` gave.
    pub(crate) fn close_scope(&mut self, parent: u32) {
        if self.scopes[self.scope as usize].kind == ScopeKind::Function {
            self.flow.close_region();
        }
        self.scope = parent;
    }

    /// The scope in which a walrus binds: the nearest that is no comprehension.
    pub(crate) fn walrus_scope(&self) -> u32 {
        let mut scope = self.scope;
        while self.scopes[scope as usize].kind == ScopeKind::Comprehension {
            scope = self.scopes[scope as usize].parent;
        }
        scope
    }

    pub(crate) fn declare(&mut self, name: Symbol, declared: Declared) {
        self.scopes[self.scope as usize].has_declarations = true;
        self.declared.insert((self.scope, name.0), declared);
    }

    pub(crate) fn declaration(&self, scope: u32, name: Symbol) -> Option<Declared> {
        if !self.scopes[scope as usize].has_declarations {
            return None;
        }
        self.declared.get(&(scope, name.0)).copied()
    }

    /// The function scope around `scope` that binds a name, or around it declares it to be the module's.
    pub(crate) fn enclosing_binder(&self, bound: &Bound, scope: u32, name: Symbol) -> Option<u32> {
        let mut inner = scope;
        while self.scopes[inner as usize].kind != ScopeKind::Module {
            let outer = self.scopes[inner as usize].parent;
            let Scope { kind, .. } = self.scopes[outer as usize];
            let sees_class = self.scopes[inner as usize].kind == ScopeKind::TypeParams;
            inner = outer;
            if kind == ScopeKind::Class && !sees_class {
                continue;
            }
            match self.declaration(outer, name) {
                Some(Declared::Global) => return bound.holds(0, name).then_some(0),
                Some(Declared::Nonlocal) => continue,
                None => {}
            }
            if bound.holds(outer, name) {
                return Some(outer);
            }
        }
        None
    }

    /// The scope whose binding a name means that is used in `scope`, if any in this file.
    pub(crate) fn meaning(&self, bound: &Bound, scope: u32, name: Symbol) -> Option<u32> {
        match self.declaration(scope, name) {
            Some(Declared::Global) => return bound.holds(0, name).then_some(0),
            Some(Declared::Nonlocal) => {}
            None if bound.holds(scope, name) => return Some(scope),
            None => {}
        }
        self.enclosing_binder(bound, scope, name)
    }

    /// True if code of `scope` runs when the code of `target` around it does: only classes and comprehensions between.
    pub(crate) fn runs_within(&self, scope: u32, target: u32) -> bool {
        let mut at = scope;
        while at != target {
            let Scope { kind, parent, .. } = self.scopes[at as usize];
            if !matches!(kind, ScopeKind::Class | ScopeKind::Comprehension) {
                return false;
            }
            at = parent;
        }
        true
    }
}
