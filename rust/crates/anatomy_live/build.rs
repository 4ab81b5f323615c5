//! Names the extractor and the form of images by hashes of their source, so that what others wrote is never taken for their own.

#[path = "../../fingerprint.rs"]
mod fingerprint;

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

/// Everything that decides how an image is written, beside the engine and the extractor, which the program names.
const IMAGE_SOURCES: &[&str] = &["src/image", "src/files.rs", "src/witness.rs"];

fn main() {
    for (name, sources) in [("EXTRACTOR_FINGERPRINT", SOURCES), ("IMAGE_FINGERPRINT", IMAGE_SOURCES)] {
        println!("cargo::rustc-env={name}={:016x}", fingerprint::of(sources));
    }
}
