//! Names the extractor and the engine by hashes of their source, so that what others wrote is never taken for their own.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// Everything that decides what is extracted and how it is written.
const SOURCES: &[&str] = &[
    "../anatomy_facts/src",
    "../anatomy_syntax/src",
    "src/library",
    "src/signature.rs",
    "src/wants.rs",
    // The version of the grammar.
    "../../../Cargo.lock",
];

/// Everything that decides what an image means: what is extracted, and what the rules make of it.
const ENGINE_SOURCES: &[&str] = &[
    "../anatomy_facts/src",
    "../anatomy_syntax/src",
    "../anatomy_program/src",
    "../anatomy_engine/src",
    "src",
    "../../../Cargo.lock",
];

fn main() {
    for (name, sources) in [("EXTRACTOR_FINGERPRINT", SOURCES), ("ENGINE_FINGERPRINT", ENGINE_SOURCES)] {
        println!("cargo::rustc-env={name}={:016x}", fingerprint(sources));
    }
}

fn fingerprint(sources: &[&str]) -> u64 {
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
