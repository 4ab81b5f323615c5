//! Where an answer points: odd paths in URIs, wide characters in columns.

use anatomy_syntax::PositionEncoding;

use super::support::{UTF16, cursor, definition, holding, places, workspace};

#[test]
fn a_path_is_percent_encoded_byte_by_byte() {
    for (path, shown) in [
        ("with space/a b.py", "with%20space/a%20b.py"),
        ("größe/日本.py", "gr%C3%B6%C3%9Fe/%E6%97%A5%E6%9C%AC.py"),
        ("odd#?%[1].py", "odd%23%3F%25%5B1%5D.py"),
        ("plain-_.~/a.py", "plain-_.~/a.py"),
        ("untitled:Untitled-1", "untitled:Untitled-1"),
        ("vscode-notebook-cell://x/a.py", "vscode-notebook-cell://x/a.py"),
    ] {
        let answers = holding(&[(path, "x = 1\nx\n")]).answers().unwrap();
        assert_eq!(definition(&answers, path, 1, 0), [format!("{shown} 0:0-0:1")]);
    }
}

#[test]
fn columns_count_the_units_of_the_editor() {
    let (text, line, column) = cursor("s = '𝄞é'; naïve = 1\nt = '🦀'; na‸ïve\n");
    let workspace = holding(&[("a.py", &text)]);
    let answers = workspace.answers().unwrap();
    assert_eq!((line, column), (1, 12));
    assert_eq!(places(answers.definition("a.py", line, column, UTF16)), ["a.py 0:11-0:16"]);
    assert_eq!(places(answers.definition("a.py", 1, 11, PositionEncoding::Utf32)), ["a.py 0:10-0:15"]);
    assert_eq!(places(answers.definition("a.py", 1, 14, PositionEncoding::Utf8)), ["a.py 0:14-0:20"]);
    assert_eq!(places(answers.references("a.py", line, column, true, UTF16)), ["a.py 0:11-0:16", "a.py 1:10-1:15"]);
}

#[test]
fn a_name_beyond_the_first_plane_is_two_units_wide() {
    let (text, line, column) = cursor("𝒳𝒴 = 1\nprint(𝒳‸𝒴)\n");
    let answers = holding(&[("a.py", &text)]).answers().unwrap();
    assert_eq!(definition(&answers, "a.py", line, column), ["a.py 0:0-0:4"]);
}

#[test]
fn an_edit_behind_a_wide_character_lands_where_the_editor_means() {
    let workspace = workspace();
    workspace.open(&super::support::file("a.py", "s = '🦀'; old = 1\nold\n"), 1);
    let change = br#"[{"range":{"start":{"line":0,"character":10},"end":{"line":0,"character":13}},"text":"new"}]"#;
    workspace.edit("a.py", 2, change).unwrap();
    assert_eq!(workspace.text("a.py").as_deref(), Some("s = '🦀'; new = 1\nold\n"));
    workspace.set_encoding(PositionEncoding::Utf32);
    let change = br#"[{"range":{"start":{"line":0,"character":9},"end":{"line":0,"character":12}},"text":"old"}]"#;
    workspace.edit("a.py", 3, change).unwrap();
    assert_eq!(workspace.text("a.py").as_deref(), Some("s = '🦀'; old = 1\nold\n"));
}

#[test]
fn a_position_past_the_end_is_no_word() {
    let answers = holding(&[("a.py", "x = 1\n")]).answers().unwrap();
    assert_eq!(definition(&answers, "a.py", 70, 3), [""; 0]);
    assert_eq!(definition(&answers, "a.py", 0, 700), [""; 0]);
}
