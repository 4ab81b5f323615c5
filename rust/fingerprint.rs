//! What the build scripts share: a hash of source files.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// The hash of Rust sources and other files, of which changes run the build script again.
pub(crate) fn of(sources: &[&str]) -> u64 {
    let mut files = Vec::new();
    for source in sources {
        println!("cargo::rerun-if-changed={source}");
        collect(Path::new(source), &mut files);
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let opened = std::fs::File::open(&file).and_then(std::io::read_to_string);
        let text = opened.expect("cargo builds with its sources in place");
        (file.to_string_lossy().replace('\\', "/"), text).hash(&mut hasher);
    }
    hasher.finish()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    if folder.is_file() {
        return files.push(folder.to_owned());
    }
    for entry in std::fs::read_dir(folder).expect("cargo builds with its sources in place").flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|suffix| suffix == "rs") {
            files.push(path);
        }
    }
}
