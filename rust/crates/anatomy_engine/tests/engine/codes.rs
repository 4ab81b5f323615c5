//! Every code that can be given out has a case in some test.

use std::fs;
use std::path::Path;

use anatomy_facts::ErrorCode;

#[expect(clippy::disallowed_methods, reason = "reads the tests of this repository, no workspace")]
fn texts_below(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let kind = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if path.is_dir() {
            texts_below(&path, into);
        } else if matches!(kind, "rs" | "py" | "md" | "txt") {
            into.push_str(&fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

/// True if a text names the code, by its variant or by its stable text, as a word of its own.
fn named(tests: &str, code: ErrorCode) -> bool {
    let of_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    [format!("{code:?}"), code.as_str().to_owned()].iter().any(|word| {
        tests
            .match_indices(word.as_str())
            .any(|(at, _)| !tests[..at].ends_with(of_word) && !tests[at + word.len()..].starts_with(of_word))
    })
}

#[test]
fn every_code_has_a_case_in_some_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let mut tests = String::new();
    for krate in fs::read_dir(root.join("rust/crates")).unwrap().flatten() {
        texts_below(&krate.path().join("tests"), &mut tests);
    }
    texts_below(&root.join("tests"), &mut tests);
    let without: Vec<&str> =
        ErrorCode::ALL.iter().filter(|code| !named(&tests, **code)).map(|code| code.as_str()).collect();
    assert_eq!(without, [""; 0], "write a case that gets this code, and name it there");
}

#[test]
fn a_word_inside_another_word_is_no_case() {
    assert!(named("assert!(code == ErrorCode::Cancelled)", ErrorCode::Cancelled));
    assert!(named("\"cancelled\"", ErrorCode::Cancelled));
    assert!(!named("fn cancelled_once() {}", ErrorCode::Cancelled));
}
