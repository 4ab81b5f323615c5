//! The source behind a stub, read when it is asked for: the standard library is not indexed, and one file is read in a
//! moment.
//!
//! A few files are remembered. What a source only passes on (`from _pydatetime import *`) is followed for a few steps,
//! in the folder in which the source lies.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use anatomy_syntax::definitions::{DefinitionPlace, Definitions};

use crate::library::read;

/// Files that are remembered.
const REMEMBERED: usize = 48;
/// Larger sources are not read for an answer.
const LIMIT: usize = 4 * 1024 * 1024;
/// How many imports are followed.
const STEPS: u32 = 4;

/// Size and time of change of a file.
type Stamp = (u64, Option<SystemTime>);

/// Sources that were read lately.
#[derive(Default)]
pub(crate) struct Sources {
    read: Mutex<VecDeque<(PathBuf, Stamp, Arc<Definitions>)>>,
}

/// A definition in a source.
pub(crate) struct Found {
    /// The file, which need not be the one that was asked first.
    pub(crate) path: PathBuf,
    /// What it defines, with its lines.
    pub(crate) definitions: Arc<Definitions>,
    /// Where the definition stands.
    pub(crate) place: DefinitionPlace,
    /// Its docstring; empty if it has none.
    pub(crate) doc: String,
}

impl Sources {
    /// The definition of a qualified name in the source of a module; an empty name means the module.
    pub(crate) fn find(&self, path: &Path, module: &str, name: &str) -> Option<Found> {
        self.search(path, module, name, STEPS)
    }

    fn search(&self, path: &Path, module: &str, name: &str, steps: u32) -> Option<Found> {
        let definitions = self.definitions(path)?;
        if name.is_empty() {
            let end = definitions.index.len();
            let place = DefinitionPlace { start: 0, end: 0, extent_start: 0, extent_end: end };
            return Some(Found { path: path.to_owned(), definitions, place, doc: String::new() });
        }
        if let Some(place) = definitions.place(name) {
            let doc = definitions.doc(name).to_owned();
            return Some(Found { path: path.to_owned(), definitions, place, doc });
        }
        let steps = steps.checked_sub(1)?;
        let end = name.find(['.', '(']).unwrap_or(name.len());
        let (first, rest) = name.split_at(end);
        let is_package = path.file_stem().is_some_and(|stem| stem == "__init__");
        let root = root_of(path, module, is_package)?;
        for passed in &definitions.passed {
            if passed.bound != first && passed.bound != "*" {
                continue;
            }
            let wanted = if passed.bound == "*" { name.to_owned() } else { format!("{}{rest}", passed.name) };
            let Some(target) = absolute(module, is_package, passed.level, &passed.module) else { continue };
            let Some(file) = file_of(root, &target) else { continue };
            if let Some(found) = self.search(&file, &target, &wanted, steps) {
                return Some(found);
            }
        }
        None
    }

    fn definitions(&self, path: &Path) -> Option<Arc<Definitions>> {
        let status = std::fs::metadata(path).ok()?;
        let stamp: Stamp = (status.len(), status.modified().ok());
        let mut known = self.read.lock().unwrap_or_else(|poison| poison.into_inner());
        if let Some(at) = known.iter().position(|(known, then, _)| known == path && *then == stamp)
            && let Some(entry) = known.remove(at)
        {
            let definitions = entry.2.clone();
            known.push_front(entry);
            return Some(definitions);
        }
        drop(known);
        let bytes = read(path, LIMIT).ok()?;
        let definitions = Arc::new(Definitions::of(&bytes, LIMIT));
        let mut known = self.read.lock().unwrap_or_else(|poison| poison.into_inner());
        known.retain(|(known, _, _)| known != path);
        known.push_front((path.to_owned(), stamp, definitions.clone()));
        known.truncate(REMEMBERED);
        Some(definitions)
    }
}

/// The folder from which the name of a module starts.
fn root_of<'a>(path: &'a Path, module: &str, is_package: bool) -> Option<&'a Path> {
    let levels = module.split('.').count() + usize::from(is_package);
    (0..levels).try_fold(path, |folder, _| folder.parent())
}

/// The module that an import names, from where it stands.
fn absolute(module: &str, is_package: bool, level: u32, named: &str) -> Option<String> {
    if level == 0 {
        return Some(named.to_owned());
    }
    let mut parts: Vec<&str> = module.split('.').collect();
    let up = level as usize - usize::from(is_package);
    parts.truncate(parts.len().checked_sub(up)?);
    parts.extend(named.split('.').filter(|part| !part.is_empty()));
    (!parts.is_empty()).then(|| parts.join("."))
}

fn file_of(root: &Path, module: &str) -> Option<PathBuf> {
    let stem: PathBuf = module.split('.').fold(root.to_owned(), |folder, part| folder.join(part));
    [stem.join("__init__.py"), stem.with_extension("py")].into_iter().find(|file| file.is_file())
}
