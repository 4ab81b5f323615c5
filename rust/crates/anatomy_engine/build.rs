//! Names the engine by a hash of its source, so that what another engine derived is never taken for its own.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// Everything that decides what rules make of evidence.
const SOURCES: &[&str] = &[
    "../anatomy_facts/src",
    "../anatomy_program/src",
    "src",
    // The version of DataFusion.
    "../../../Cargo.lock",
];

fn main() {
    let mut files = Vec::new();
    for source in SOURCES {
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
    println!("cargo::rustc-env=ENGINE_FINGERPRINT={:016x}", hasher.finish());
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
