//! What is wrong with the cells of a notebook: each is judged alone, as the loop that runs it does.

use anatomy_syntax::{Change, Document, PositionEncoding, Run};

fn messages(text: &str) -> Vec<(u32, String)> {
    let document = Document::of(text.to_owned(), 1, Run::Cells);
    document.errors().iter().map(|error| (error.start, error.message.clone())).collect()
}

#[test]
fn a_cell_may_await_at_the_top_level_and_a_module_may_not() {
    let text = "await f()\nasync with g() as h: pass\nasync for i in h: pass\n[x async for x in h]\u{c}\n";
    assert_eq!(messages(text), []);
    assert_eq!(Document::new(text.to_owned(), 1).errors().len(), 3);
    assert_eq!(messages("def f():\n    await g()\u{c}\n").len(), 1);
    assert_eq!(messages("return 1\u{c}\n").len(), 1);
}

#[test]
fn what_one_cell_leaves_open_is_nothing_to_the_next() {
    let found = messages("a = (1,\u{c})\nb = 2\u{c}\nif b:\u{c}\nc = 3\u{c}\n");
    let starts: Vec<u32> = found.iter().map(|(start, _)| *start).collect();
    assert_eq!(starts.len(), 2);
    assert!(starts[0] < 9 && (16..25).contains(&starts[1]), "{found:?}");
}

#[test]
fn a_later_cell_may_begin_with_an_import_from_the_future() {
    assert_eq!(messages("a = 1\u{c}\nfrom __future__ import annotations\u{c}\n"), []);
}

#[test]
fn an_edit_is_judged_in_the_same_way() {
    let mut document = Document::of("f()\u{c}\n".to_owned(), 1, Run::Cells);
    let whole = Change { range: None, text: "await f()\u{c}\n(\u{c}\n".to_owned() };
    document.apply(&[whole], 2, PositionEncoding::Utf16).expect("a whole text is no bad position");
    assert_eq!(document.errors().len(), 1);
}
