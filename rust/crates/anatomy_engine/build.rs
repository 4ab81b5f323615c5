//! Names the engine by a hash of its source, so that what another engine derived is never taken for its own.

#[path = "../../fingerprint.rs"]
mod fingerprint;

/// Everything that decides what rules make of evidence.
const SOURCES: &[&str] = &[
    "../anatomy_facts/src",
    "../anatomy_program/src",
    "src",
    // The version of DataFusion.
    "../../../Cargo.lock",
];

fn main() {
    println!("cargo::rustc-env=ENGINE_FINGERPRINT={:016x}", fingerprint::of(SOURCES));
}
