//! Which library files the graph needs: the closure of what the workspace imports, through the imports of libraries.
//!
//! Breadth first, each level in the order of names: what is nearest to the workspace comes first, whatever order the files
//! came in. A module of the workspace hides everything of that name, and below it, in libraries, as it does in Python. A library
//! file that an editor has open is needed while it is open.

use std::collections::{HashMap, HashSet};

use anatomy_facts::Symbol;

use crate::files::FileView;
use crate::wants::Want;

/// What is there and what is not.
#[derive(Debug, Default)]
pub(crate) struct Closure {
    /// Modules without a file, nearest first.
    pub(crate) missing: Vec<Want>,
    /// Paths of library files that something needs.
    pub(crate) reached: HashSet<Symbol>,
    /// What was looked at.
    pub(crate) known: Known,
}

/// Modules of which a closure has told all that there is to tell.
#[derive(Debug, Default)]
pub(crate) struct Known {
    seen: HashSet<Symbol>,
    /// Modules of the workspace.
    inside: HashSet<&'static str>,
}

impl Known {
    /// Whether a closure over files that want these modules too would find nothing new to be missing, as long as there are the same
    /// files with the same names.
    pub(crate) fn holds(&mut self, wants: &[Want]) -> bool {
        let (seen, inside) = (&mut self.seen, &self.inside);
        wants.iter().all(|want| {
            seen.contains(&want.module) || is_hidden(want.module.text(), inside) && seen.insert(want.module)
        })
    }
}

/// The closure over the given files, by path.
pub(crate) fn closure<'a>(files: impl Iterator<Item = (Symbol, &'a FileView)>, needed: &[Symbol]) -> Closure {
    let mut inside: HashSet<&'static str> = HashSet::new();
    let mut library: HashMap<Symbol, Vec<(Symbol, &'a FileView)>> = HashMap::new();
    let mut found = Closure::default();
    let mut level: Vec<Want> = needed.iter().map(|module| Want { module: *module, certain: true }).collect();
    for (path, view) in files {
        if crate::answer::is_inside(path) {
            inside.insert(view.module.text());
            level.extend_from_slice(&view.wants);
            continue;
        }
        if view.version.is_some() {
            // Somebody reads it.
            found.reached.insert(path);
            level.extend_from_slice(&view.wants);
        }
        library.entry(view.module).or_default().push((path, view));
    }
    let mut seen: HashSet<Symbol> = HashSet::new();
    while !level.is_empty() {
        level.sort_unstable_by_key(|want| (want.module.text(), !want.certain));
        level.dedup_by_key(|want| want.module);
        let mut next: Vec<Want> = Vec::new();
        for want in level {
            let pinned = needed.contains(&want.module);
            if !seen.insert(want.module) || (!pinned && is_hidden(want.module.text(), &inside)) {
                continue;
            }
            match library.get(&want.module) {
                Some(files) => {
                    for (path, view) in files {
                        found.reached.insert(*path);
                        next.extend(view.wants.iter().filter(|want| !seen.contains(&want.module)));
                    }
                }
                None => found.missing.push(want),
            }
        }
        level = next;
    }
    found.known = Known { seen, inside };
    found
}

/// What some files lead to, in the order in which a search through imports meets it.
#[derive(Debug, Default)]
pub(crate) struct Near {
    /// Paths of files, the given ones first.
    pub(crate) reached: Vec<Symbol>,
    /// Modules without a file, nearest first.
    pub(crate) missing: Vec<Symbol>,
}

/// What the roots lead to among the given files: breadth first, each level in the order of names, `limit` files at most.
/// `needed` are wanted as if a root imported them.
pub(crate) fn near<'a>(
    files: impl Iterator<Item = (Symbol, &'a FileView)>,
    roots: &[Symbol],
    needed: &[Symbol],
    limit: usize,
) -> Near {
    let mut by_module: HashMap<Symbol, Vec<(Symbol, &'a FileView)>> = HashMap::new();
    let mut found = Near::default();
    let mut level: Vec<Symbol> = needed.to_vec();
    for (path, view) in files {
        if roots.contains(&path) {
            level.extend(view.wants.iter().map(|want| want.module));
        }
        by_module.entry(view.module).or_default().push((path, view));
    }
    found.reached.extend_from_slice(roots);
    let mut seen: HashSet<Symbol> = HashSet::new();
    while !level.is_empty() {
        level.sort_unstable_by_key(|module| module.text());
        level.dedup();
        let mut next: Vec<Symbol> = Vec::new();
        for module in level {
            if !seen.insert(module) {
                continue;
            }
            let Some(files) = by_module.get_mut(&module) else {
                found.missing.push(module);
                continue;
            };
            files.sort_unstable_by_key(|(path, _)| path.text());
            for (path, view) in files {
                if roots.contains(path) {
                    continue;
                }
                if found.reached.len() == limit {
                    return found;
                }
                found.reached.push(*path);
                next.extend(view.wants.iter().map(|want| want.module).filter(|module| !seen.contains(module)));
            }
        }
        level = next;
    }
    found
}

/// Whether the workspace has the module or a package that it would lie in. Modules that rules need cannot be hidden.
fn is_hidden(module: &str, inside: &HashSet<&'static str>) -> bool {
    let prefixes = module.match_indices('.').map(|(at, _)| &module[..at]).chain(std::iter::once(module));
    prefixes.into_iter().any(|prefix| inside.contains(prefix))
}
