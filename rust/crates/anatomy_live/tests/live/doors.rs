//! Open, edit, close, update, commit: the newest text wins, and nothing is lost.

use std::sync::atomic::AtomicBool;

use anatomy_engine::Mode;
use anatomy_facts::ErrorCode;
use anatomy_live::{Compiled, Workspace};

use super::support::{commit, definition, file, holding, workspace};

const USES: &str = "from b import f\nf()\n";

fn change(line: u32, from: u32, to: u32, text: &str) -> Vec<u8> {
    format!(
        r#"[{{"range":{{"start":{{"line":{line},"character":{from}}},"end":{{"line":{line},"character":{to}}}}},"text":"{text}"}}]"#
    )
    .into_bytes()
}

#[test]
fn a_staged_file_is_seen_after_the_commit_and_not_before() {
    let workspace = workspace();
    workspace.update(&[file("a.py", USES), file("b.py", "def f(): ...\n")], &[]);
    assert_eq!(workspace.pending(), 2);
    assert_eq!(workspace.answers().unwrap().paths(), [""; 0]);
    let report = commit(&workspace);
    assert_eq!((report.files, workspace.pending()), (vec!["a.py".to_owned(), "b.py".to_owned()], 0));
    assert_eq!(workspace.answers().unwrap().paths(), ["a.py", "b.py"]);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 0:4-0:5"]);
}

#[test]
fn an_edit_moves_a_definition_and_its_users_follow() {
    let workspace = holding(&[("a.py", USES), ("b.py", "def f(): ...\n")]);
    workspace.open(&file("b.py", "def f(): ...\n"), 1);
    workspace.edit("b.py", 2, &change(0, 0, 0, "\\n\\n")).unwrap();
    let report = commit(&workspace);
    assert_eq!(report.files, ["b.py"], "no other file is extracted");
    assert_eq!(report.documents["b.py"], 2);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 2:4-2:5"]);
    assert_eq!(report.refresh.mode, Mode::None, "places moved, and no row says where it stands");
}

#[test]
fn the_text_of_an_open_document_beats_that_of_the_disk_whatever_comes_last() {
    let workspace = holding(&[("a.py", USES), ("b.py", "def f(): ...\n")]);
    workspace.open(&file("b.py", "\ndef f(): ...\n"), 1);
    workspace.update(&[file("b.py", "\n\n\ndef f(): ...\n")], &[]);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 1:4-1:5"]);
    workspace.update(&[], &["b.py".to_owned()]);
    commit(&workspace);
    assert_eq!(
        definition(&workspace.answers().unwrap(), "a.py", 1, 0),
        ["b.py 1:4-1:5"],
        "gone from the disk, still open"
    );
    assert_eq!(workspace.text("b.py").as_deref(), Some("\ndef f(): ...\n"));
}

#[test]
fn a_file_staged_before_it_was_opened_does_not_come_back() {
    let workspace = holding(&[("a.py", USES), ("b.py", "def f(): ...\n")]);
    workspace.update(&[file("b.py", "def old(): ...\n")], &[]);
    workspace.open(&file("b.py", "\ndef f(): ...\n"), 1);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 1:4-1:5"]);
}

#[test]
fn a_closed_document_keeps_its_text_until_the_disk_speaks() {
    let workspace = holding(&[("a.py", USES), ("b.py", "def f(): ...\n")]);
    workspace.open(&file("b.py", "\ndef f(): ...\n"), 1);
    commit(&workspace);
    assert_eq!(workspace.answers().unwrap().version_of("b.py"), Some(1));
    workspace.close("b.py");
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 1:4-1:5"]);
    assert_eq!(workspace.text("b.py"), None);
    workspace.update(&[file("b.py", "def f(): ...\n")], &[]);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 0:4-0:5"]);
    assert_eq!(workspace.answers().unwrap().version_of("b.py"), None);
}

#[test]
fn what_is_staged_twice_counts_once_and_the_last_one_stands() {
    let workspace = holding(&[("a.py", USES)]);
    workspace.update(&[file("b.py", "def f(): ...\n")], &[]);
    workspace.update(&[file("b.py", "\ndef f(): ...\n")], &[]);
    assert_eq!(workspace.pending(), 1);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 1:4-1:5"]);
    workspace.update(&[file("b.py", "def f(): ...\n")], &[]);
    workspace.update(&[], &["b.py".to_owned()]);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), [""; 0]);
    assert_eq!(workspace.answers().unwrap().paths(), ["a.py"]);
}

#[test]
fn a_removed_file_takes_its_rows_along_and_gives_them_back() {
    let workspace = holding(&[("a.py", USES), ("b.py", "def f(): ...\n")]);
    workspace.update(&[], &["b.py".to_owned()]);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), [""; 0]);
    let unknown = workspace.answers().unwrap().definition("b.py", 0, 0, super::support::UTF16).unwrap_err();
    assert_eq!(unknown.code, ErrorCode::UnknownFile);
    workspace.update(&[file("b.py", "def f(): ...\n")], &[]);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 0:4-0:5"]);
}

#[test]
fn a_cancelled_commit_leaves_everything_pending() {
    let workspace = holding(&[("a.py", USES), ("b.py", "def f(): ...\n")]);
    workspace.open(&file("a.py", USES), 1);
    workspace.edit("a.py", 2, &change(1, 0, 1, "ff")).unwrap();
    workspace.update(&[file("b.py", "\ndef f(): ...\ndef ff(): ...\n"), file("c.py", "x = 1\n")], &[]);
    let (pending, generation) = (workspace.pending(), workspace.answers().unwrap().generation());
    assert_eq!(pending, 3);
    let refused = workspace.commit(&AtomicBool::new(true)).unwrap_err();
    assert_eq!(refused.code, ErrorCode::Cancelled);
    assert_eq!((workspace.pending(), workspace.answers().unwrap().generation()), (pending, generation));
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 0:4-0:5"], "the snapshot of before");
    assert_eq!(commit(&workspace).files, ["a.py", "b.py", "c.py"]);
    assert_eq!(workspace.pending(), 0);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 0, 14), ["b.py 1:4-1:5"]);
}

#[test]
fn a_document_that_is_not_open_cannot_be_edited() {
    let workspace = holding(&[("a.py", USES)]);
    let refused = workspace.edit("a.py", 2, &change(0, 0, 0, "x")).unwrap_err();
    assert_eq!(
        (refused.code, refused.hint.as_str()),
        (ErrorCode::UnknownDocument, "open the document before editing it")
    );
    workspace.open(&file("a.py", USES), 1);
    workspace.close("a.py");
    assert_eq!(workspace.edit("a.py", 2, &change(0, 0, 0, "x")).unwrap_err().code, ErrorCode::UnknownDocument);
    workspace.close("a.py");
    assert_eq!(workspace.pending(), 0, "closing twice is nothing");
}

#[test]
fn a_bad_position_changes_nothing_of_the_whole_notification() {
    let workspace = holding(&[("a.py", USES)]);
    workspace.open(&file("a.py", USES), 1);
    commit(&workspace);
    let turned = r#"[{"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":4}},"text":"import"},
                     {"range":{"start":{"line":1,"character":1},"end":{"line":0,"character":0}},"text":"x"}]"#;
    for bad in [turned.as_bytes(), b"{}", b"[{\"range\":3,\"text\":\"\"}]"] {
        let refused = workspace.edit("a.py", 2, bad).unwrap_err();
        assert_eq!(refused.code, ErrorCode::BadPosition, "{}", String::from_utf8_lossy(bad));
        assert_eq!(refused.hint, "send the whole text again");
        assert_eq!(workspace.text("a.py").as_deref(), Some(USES));
        assert_eq!(workspace.pending(), 0, "the document is not dirty");
    }
    workspace.edit("a.py", 3, br#"[{"text":"y = 1\n"}]"#).unwrap();
    workspace.edit("a.py", 4, &change(99, 0, 0, "z")).unwrap();
    assert_eq!(workspace.text("a.py").as_deref(), Some("y = 1\nz"), "a line past the end is the end");
    workspace.edit("a.py", 5, br#"[{"text":"y = 1\n"}]"#).unwrap();
    assert_eq!(workspace.text("a.py").as_deref(), Some("y = 1\n"));
}

#[test]
fn a_commit_of_nothing_makes_no_snapshot() {
    let workspace = holding(&[("a.py", USES)]);
    let generation = workspace.answers().unwrap().generation();
    let report = commit(&workspace);
    assert_eq!((report.files.len(), report.refresh.views.len(), report.refresh.generation), (0, 0, generation));
    workspace.update(&[file("a.py", USES)], &[]);
    let report = commit(&workspace);
    assert_eq!((report.refresh.views.len(), report.refresh.generation), (0, generation), "the same text again");
}

#[test]
fn a_reader_keeps_the_answers_that_it_took() {
    let workspace = holding(&[("a.py", USES), ("b.py", "def f(): ...\n")]);
    let taken = workspace.answers().unwrap();
    workspace.update(&[], &["b.py".to_owned()]);
    commit(&workspace);
    assert_eq!(definition(&taken, "a.py", 1, 0), ["b.py 0:4-0:5"]);
    assert!(taken.generation() < workspace.answers().unwrap().generation());
}

fn near(workspace: &Workspace, paths: &[&str], limit: usize) -> serde_json::Value {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    serde_json::from_slice(&workspace.near(&paths, &["builtins".to_owned()], limit)).unwrap()
}

#[test]
fn what_is_near_is_staged_files_in_the_order_of_imports_and_what_is_not_there() {
    let workspace = workspace();
    let chain = [("a.py", "from c import x\nimport b\n"), ("b.py", "from gone import y\n"), ("c.py", "import d\n")];
    for (path, text) in chain.into_iter().chain([("d.py", "import a\n"), ("other.py", "import a\n")]) {
        workspace.update(&[file(path, text)], &[]);
    }
    let missing = serde_json::json!(["builtins", "c.x", "gone", "gone.y"]);
    let all = serde_json::json!({"files": 4, "staged": ["a.py", "b.py", "c.py", "d.py"], "missing": missing});
    assert_eq!(near(&workspace, &["a.py"], 9), all);
    assert_eq!(near(&workspace, &["a.py"], 3)["staged"], serde_json::json!(["a.py", "b.py", "c.py"]));
    workspace.commit_some(&["c.py".to_owned()], &AtomicBool::new(false)).unwrap();
    assert_eq!(near(&workspace, &["a.py"], 9)["staged"], serde_json::json!(["a.py", "b.py", "d.py"]));
}

#[test]
fn a_commit_of_some_leaves_the_others_pending() {
    let workspace = workspace();
    workspace.update(&[file("a.py", USES), file("b.py", "def f(): ...\n"), file("c.py", USES)], &[]);
    workspace.open(&file("a.py", USES), 4);
    assert_eq!(workspace.documents_behind(), ["a.py"]);
    let report = workspace.commit_some(&["b.py".to_owned(), "nowhere.py".to_owned()], &AtomicBool::new(false)).unwrap();
    assert_eq!(report.files, ["a.py", "b.py"]);
    assert_eq!((workspace.documents_behind().len(), workspace.pending()), (0, 2));
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["b.py 0:4-0:5"]);
    workspace.edit("a.py", 5, &change(1, 0, 0, "#")).unwrap();
    assert_eq!(workspace.documents_behind(), ["a.py"]);
    assert_eq!(commit(&workspace).files, ["a.py", "c.py"]);
    assert_eq!(workspace.answers().unwrap().verify().unwrap(), serde_json::Value::Array(vec![]));
}

#[test]
fn files_are_staged_while_the_program_is_compiled_and_a_refusal_is_told_when_it_is_needed() {
    let program = super::support::program().to_string().into_bytes();
    let workspace = Workspace::begin(Compiled::begin(program), "file:///project", 0);
    workspace.update(&[file("a.py", "def f(): ...\nf()\n")], &[]);
    commit(&workspace);
    assert_eq!(definition(&workspace.answers().unwrap(), "a.py", 1, 0), ["a.py 0:4-0:5"]);
    let refused = Workspace::begin(Compiled::begin(b"{}".to_vec()), "file:///project", 0);
    assert_eq!(refused.open(&file("a.py", "f(\n"), 1).first(), Some(&b'['));
    assert!(refused.ready().is_err());
    assert!(refused.commit(&AtomicBool::new(false)).is_err());
    assert!(refused.answers().is_err());
}
