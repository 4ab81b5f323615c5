//! Syntax diagnostics as they leave for the editor: one small text for each code, and files that cannot be read.

use super::support::{UTF16, commit, definition, diagnostics, file, holding, unread, workspace};

#[test]
fn every_syntax_code_has_a_text() {
    let cases = [
        ("1 = x\n", "syntax-unexpected 0:0-0:1"),
        ("def f()\n    pass\n", "syntax-missing 0:6-0:7"),
        ("f(1\n", "syntax-unclosed 0:1-0:2"),
        ("x = 1)\n", "syntax-unmatched 0:5-0:6"),
        ("if x:\npass\n", "syntax-indent 0:4-0:5"),
        ("print 'x'\n", "syntax-statement 0:0-0:5"),
    ];
    let shown: Vec<(&str, Vec<String>)> =
        cases.iter().map(|(text, _)| (*text, diagnostics(&workspace().open(&file("a.py", text), 1)))).collect();
    assert_eq!(shown, cases.map(|(text, code)| (text, vec![code.to_owned()])));
}

#[test]
fn a_diagnostic_behind_wide_characters_stands_where_the_editor_counts() {
    assert_eq!(diagnostics(&workspace().open(&file("a.py", "s = '🦀𝄞'; x = = 1\n"), 1)), ["syntax-missing 0:16-0:17"]);
}

#[test]
fn diagnostics_come_with_the_edit_and_go_with_it() {
    let workspace = workspace();
    assert_eq!(diagnostics(&workspace.open(&file("a.py", "x = 1\n"), 1)), [""; 0]);
    assert_eq!(
        diagnostics(&workspace.edit("a.py", 2, br#"[{"text":"x = (1\n"}]"#).unwrap()),
        ["syntax-unclosed 0:4-0:5"]
    );
    assert_eq!(diagnostics(&workspace.edit("a.py", 3, br#"[{"text":"x = (1)\n"}]"#).unwrap()), [""; 0]);
}

#[test]
fn a_broken_file_still_answers() {
    let answers = holding(&[("a.py", "def f(): ...\n\nf(\n")]).answers().unwrap();
    assert_eq!(definition(&answers, "a.py", 2, 0), ["a.py 0:4-0:5"]);
}

#[test]
fn a_file_that_could_not_be_read_is_a_row_with_a_reason() {
    let workspace = workspace();
    workspace
        .update(&[unread("a.py", "source-vanished"), unread("b.py", "source-unreadable"), unread("c.py", "")], &[]);
    commit(&workspace);
    let of = |path: &str| diagnostics(&workspace.answers().unwrap().diagnostics(path, UTF16).unwrap());
    assert_eq!(of("a.py"), ["source-vanished 0:0-0:0"]);
    assert_eq!(of("b.py"), ["source-unreadable 0:0-0:0"]);
    assert_eq!(of("c.py"), ["source-unreadable 0:0-0:0"]);
    workspace.update(&[file("a.py", "x = 1\n")], &[]);
    commit(&workspace);
    assert_eq!(of("a.py"), [""; 0], "it can be read again");
}

#[test]
fn a_module_that_could_not_be_read_is_still_a_module() {
    let workspace = holding(&[("a.py", "from b import f\n")]);
    let of = || diagnostics(&workspace.answers().unwrap().diagnostics("a.py", UTF16).unwrap());
    assert_eq!(of(), ["lonely-import 0:14-0:15"]);
    workspace.update(&[unread("b.py", "source-unreadable")], &[]);
    commit(&workspace);
    assert_eq!(of(), [""; 0]);
}

#[test]
fn bytes_that_are_no_text_are_reported_and_analysed_as_far_as_they_go() {
    let workspace = workspace();
    let mut broken = file("a.py", "");
    broken.content = Some(b"x = 1\ny = '\xff'\nx\n".to_vec());
    workspace.update(&[broken], &[]);
    commit(&workspace);
    let found = diagnostics(&workspace.answers().unwrap().diagnostics("a.py", UTF16).unwrap());
    assert!(found.iter().any(|line| line.starts_with("source-encoding")), "{found:?}");
}
