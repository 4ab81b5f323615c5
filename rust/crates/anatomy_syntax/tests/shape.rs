//! Folding, growing selections, and the call at a cursor, whole and broken.

use anatomy_syntax::{FoldKind, Given, TextIndex, call_at, folds, parse, selection};

/// Folds as `first-last kind`, lines counted from 1.
fn folded(text: &str) -> Vec<String> {
    let index = TextIndex::new(text);
    let line = |at| index.line_of(at) + 1;
    folds(text, &parse(text, None))
        .into_iter()
        .map(|fold| {
            let kind = match fold.kind {
                FoldKind::Code => "code",
                FoldKind::Comment => "comment",
                FoldKind::Imports => "imports",
                FoldKind::Region => "region",
            };
            format!("{}-{} {kind}", line(fold.start), line(fold.end))
        })
        .collect()
}

/// What is selected step by step from the cursor `‸`.
fn selected(marked: &str) -> Vec<String> {
    let at = marked.find('‸').expect("the text has a cursor");
    let text = marked.replace('‸', "");
    let steps = selection::steps(&text, &parse(&text, None), at as u32);
    steps.into_iter().map(|(start, end)| text[start as usize..end as usize].to_owned()).collect()
}

/// The call at the cursor `‸` as `callee(given; current)`.
fn call(marked: &str) -> String {
    let at = marked.find('‸').expect("the text has a cursor");
    let text = marked.replace('‸', "");
    let Some(site) = call_at(&text, at as u32) else { return "none".to_owned() };
    let shown = |given: &Given| match given {
        Given::Place => "_".to_owned(),
        Given::Keyword(name) => format!("{name}="),
        Given::Star => "*".to_owned(),
        Given::DoubleStar => "**".to_owned(),
    };
    let callee = text[..site.callee_end as usize].rsplit([' ', '\n', '=']).next().unwrap_or_default();
    let given: Vec<String> = site.given.iter().map(shown).collect();
    format!("{callee}({}; {})", given.join(", "), shown(&site.current))
}

#[test]
fn blocks_brackets_strings_imports_and_comments_fold() {
    let text = r#""""A shop.

Long.
"""
import os
# between
from shop import (
    a,
)

# one
# two
@wrapped
class Order:
    """Doc."""

    def pay(
        self,
        *items,
    ):
        """Pay.

        Now.
        """
        if items:  # some
            return [
                1,
            ]
        else:
            text = """
            x
            """
        match items:
            case []:
                pass
"#;
    assert_eq!(
        folded(text),
        [
            "1-4 comment",
            "5-9 imports",
            "11-12 comment",
            "14-34 code",
            "17-20 code",
            "20-34 code",
            "21-24 comment",
            "25-28 code",
            "26-28 code",
            "29-32 code",
            "30-32 code",
            "33-35 code",
            "34-35 code"
        ]
        .map(|fold| fold.replace("14-34", "14-35").replace("20-34", "20-35"))
    );
}

#[test]
fn regions_nest_and_one_that_is_open_folds_nothing() {
    let text = "# region a\nx = 1\n#region b\ny = 2\n# endregion\n# endregion a\n# region open\nz = 3\n# endregion\n# endregion\n# regional\n";
    assert_eq!(folded(text), ["1-6 region", "3-5 region", "7-9 region"]);
}

#[test]
fn what_recovery_left_whole_folds_in_broken_code() {
    let text = "def f(:\n    x = (1,\n    return x\n\nclass C:\n    def g(self):\n        return 1\n";
    let found = folded(text);
    assert!(found.contains(&"6-7 code".to_owned()), "{found:?}");
    assert_eq!(folded(""), [""; 0]);
    assert_eq!(
        folded("\"\"\"never\nclosed\n# x\u{e9}\u{20000}\n"),
        folded("\"\"\"never\nclosed\n# x\u{e9}\u{20000}\n")
    );
}

#[test]
fn a_selection_grows_from_the_word_to_the_file() {
    let text = "import os\n\nclass C:\n    def pay(self, a):\n        x = a.total(b, os.pa‸th)\n        return x\n";
    let steps = selected(text);
    let expected = ["path", "os.path", "b, os.path", "(b, os.path)", "a.total(b, os.path)", "x = a.total(b, os.path)"];
    assert_eq!(steps[..6], expected);
    assert_eq!(steps[6], "x = a.total(b, os.path)\n        return x", "the block");
    assert!(steps[7].starts_with("def pay") && steps[8].starts_with("class C"), "{steps:?}");
    assert_eq!(steps.last(), Some(&text.replace('‸', "")));
}

#[test]
fn a_selection_begins_in_strings_comments_blanks_and_behind_words() {
    assert_eq!(selected("x = 'one t‸wo'\n")[..3], ["two", "one two", "'one two'"]);
    assert_eq!(selected("x = 1  # a n‸ote\n")[..2], ["note", "# a note"]);
    assert_eq!(selected("f‸(x)\n")[..2], ["f", "f(x)"]);
    assert_eq!(selected("x = 1\n\n  ‸ \ny = 2\n"), ["x = 1\n\n   \ny = 2\n"]);
    assert_eq!(selected("‸"), [""]);
    let deep = format!("x = {}‸1{}\n", "(".repeat(3000), ")".repeat(3000));
    assert_eq!(selected(&deep).len(), 128);
}

#[test]
fn every_step_of_a_selection_holds_the_one_before() {
    let text = "class C(:\n  def f(self, a=[1, {2: 'é𠀀'}]):\n   return f\"{a!r:>{a}}\" if x else (yield\n@\n";
    let tree = parse(text, None);
    for at in 0..=text.len() as u32 + 5 {
        let steps = selection::steps(text, &tree, at);
        for pair in steps.windows(2) {
            assert!(pair[1].0 <= pair[0].0 && pair[0].1 <= pair[1].1 && pair[0] != pair[1], "{at}: {steps:?}");
        }
    }
}

#[test]
fn the_call_at_the_cursor_is_found_in_whole_and_in_broken_code() {
    assert_eq!(call("f(‸)"), "f(; _)");
    assert_eq!(call("f(1, ‸x)"), "f(_; _)");
    assert_eq!(call("f(1, name=‸"), "f(_; name=)");
    assert_eq!(call("f(*a, **b, c‸\ndef g(): pass\n"), "f(*, **; _)");
    assert_eq!(call("x = order.pay(1,\n    2, ‸\nreturn x"), "order.pay(_, _; _)");
    assert_eq!(call("f(g(1, 2), [3, ‸4])"), "f(_; _)");
    assert_eq!(call("f(g(1, ‸"), "f(g(_; _)");
    assert_eq!(call("f(lambda a, b: ‸a, 2)"), "f(; _)");
    assert_eq!(call("f({'a': 1, ‸"), "f(; _)");
    assert_eq!(call("f('a, b‸"), "f(; _)");
    assert_eq!(call("x = (1,\ny = f(2, ‸"), "f(_; _)");
    assert_eq!(call("f(a)(b, ‸"), "f(a)(_; _)");
}

#[test]
fn no_call_is_seen_where_there_is_none() {
    let texts = [
        "‸f(1)",
        "f‸(1)",
        "f(1)‸",
        "def f(a, ‸",
        "class C(‸",
        "if (a, ‸",
        "return (‸",
        "# f(‸",
        "[1, ‸",
        "‸",
        "def f[T](‸",
    ];
    for text in texts {
        assert_eq!(call(text), "none", "{text}");
    }
    assert_eq!(call_at("é(", 1), None, "an offset inside a character");
    assert_eq!(call_at("f(", 99), None, "an offset behind the text");
}
