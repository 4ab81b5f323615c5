//! A document after any edits is the document of a fresh parse, and positions survive every encoding.

mod support;

use anatomy_syntax::{
    Change, Document, PositionEncoding, TextIndex, changes_from_json,
    document::{EditorPosition, EditorRange},
    parse,
};
use support::{Dice, SAMPLE};

const ENCODINGS: [PositionEncoding; 3] = [PositionEncoding::Utf8, PositionEncoding::Utf16, PositionEncoding::Utf32];

fn range(start: (u32, u32), end: (u32, u32)) -> Option<EditorRange> {
    let at = |(line, character)| EditorPosition { line, character };
    Some(EditorRange { start: at(start), end: at(end) })
}

/// Lines and units counted the slow and obvious way.
fn naive_position(text: &str, offset: usize, encoding: PositionEncoding) -> (u32, u32) {
    let before = &text[..offset];
    let mut line = 0;
    let mut line_start = 0;
    let bytes = text.as_bytes();
    for at in 0..before.len() {
        let ends = bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if ends {
            line += 1;
            line_start = at + 1;
        }
    }
    let units = before[line_start..]
        .chars()
        .map(|c| match encoding {
            PositionEncoding::Utf8 => c.len_utf8(),
            PositionEncoding::Utf16 => c.len_utf16(),
            PositionEncoding::Utf32 => 1,
        })
        .sum::<usize>();
    (line, units as u32)
}

const WIDE: &str = "a = 'é'\r\nb = '𝄞x'\rc\u{000C}d\u{85}e\u{2028}f\n\n\r\n日本 = 1\n\tlast 🦀";

#[test]
fn every_offset_has_the_position_of_the_naive_count_and_comes_back() {
    let index = TextIndex::new(WIDE);
    for encoding in ENCODINGS {
        for offset in (0..=WIDE.len()).filter(|at| WIDE.is_char_boundary(*at)) {
            let (line, character) = index.position(offset as u32, encoding);
            assert_eq!((line, character), naive_position(WIDE, offset, encoding), "offset {offset} in {encoding:?}");
            // Between the two bytes of a line break is no place of its own.
            if !(offset > 0 && WIDE.as_bytes()[offset - 1] == b'\r' && WIDE.as_bytes().get(offset) == Some(&b'\n')) {
                assert_eq!(
                    index.offset(line, character, encoding) as usize,
                    offset,
                    "{line}:{character} in {encoding:?}"
                );
            }
        }
    }
}

#[test]
fn positions_outside_the_text_clamp() {
    let index = TextIndex::new("ab\r\nc𝄞d\n");
    assert_eq!(index.offset(0, 99, PositionEncoding::Utf16), 2);
    assert_eq!(index.offset(1, 2, PositionEncoding::Utf16), 5, "the middle of a pair is its start");
    assert_eq!(index.offset(1, 99, PositionEncoding::Utf16), 10);
    assert_eq!(index.offset(9, 0, PositionEncoding::Utf16), 11);
    assert_eq!(index.offset(u32::MAX, u32::MAX, PositionEncoding::Utf32), 11);
    assert_eq!(index.position(6, PositionEncoding::Utf32), (1, 1), "the middle of a character is its start");
    assert_eq!(TextIndex::new("").position(7, PositionEncoding::Utf16), (0, 0));
}

fn sexp(document: &Document) -> String {
    document.clone().settle().root_node().to_sexp()
}

#[test]
fn random_edits_leave_the_tree_of_a_fresh_parse() {
    const PIECES: [&str; 14] =
        ["x", "(", ")", "\"", "'''", "\n", "    ", "def f():\n", "é𝄞", ":", "#", "\r", "\r\n", "return [1, *a]\n"];
    for seed in 1..=12 {
        let mut dice = Dice::new(seed);
        let mut document = Document::new(SAMPLE.to_owned(), 0);
        let mut naive = SAMPLE.to_owned();
        for version in 1..=40 {
            let changes: Vec<Change> = (0..=dice.roll(2))
                .map(|_| {
                    let mut start = dice.roll(naive.len() + 1);
                    let mut end = (start + dice.roll(6)).min(naive.len());
                    while !naive.is_char_boundary(start) {
                        start -= 1;
                    }
                    while !naive.is_char_boundary(end) {
                        end += 1;
                    }
                    let between = |at: usize, naive: &str| {
                        at > 0 && naive.as_bytes()[at - 1] == b'\r' && naive.as_bytes().get(at) == Some(&b'\n')
                    };
                    start -= usize::from(between(start, &naive));
                    end += usize::from(between(end, &naive));
                    let piece = PIECES[dice.roll(PIECES.len())];
                    let span = range(
                        naive_position(&naive, start, PositionEncoding::Utf16),
                        naive_position(&naive, end, PositionEncoding::Utf16),
                    );
                    naive.replace_range(start..end, piece);
                    Change { range: span, text: piece.to_owned() }
                })
                .collect();
            document.apply(&changes, version, PositionEncoding::Utf16).expect("the ranges are in the text");
            assert_eq!(document.text(), naive, "seed {seed}, version {version}");
            assert_eq!(document.index(), &TextIndex::new(&naive));
            let fresh = Document::new(naive.clone(), version);
            assert_eq!(sexp(&document), sexp(&fresh), "seed {seed}, version {version}:\n{naive}");
            assert_eq!(document.errors(), fresh.errors());
        }
    }
}

#[test]
fn a_whole_text_replaces_the_document() {
    let mut document = Document::new("a = 1\n".to_owned(), 1);
    let changes = changes_from_json(
        br#"[{"text": "b = 2\n"}, {"range": {"start": {"line": 0, "character": 0},
        "end": {"line": 0, "character": 1}}, "rangeLength": 1, "text": "long"}]"#,
    )
    .expect("this is what editors send");
    document.apply(&changes, 2, PositionEncoding::Utf16).expect("the range is in the text");
    assert_eq!(document.text(), "long = 2\n");
    assert_eq!(document.version(), 2);
    document.settle();
    assert!(document.changed_ranges().iter().any(|range| range.start == 0 && range.end >= 4));
}

#[test]
fn a_renamed_word_is_a_changed_range_though_the_tree_keeps_its_shape() {
    let mut document = Document::new("def foo(): pass\n".to_owned(), 1);
    let change = Change { range: range((0, 4), (0, 7)), text: "fox".to_owned() };
    document.settle();
    document.apply(&[change], 2, PositionEncoding::Utf8).expect("the range is in the text");
    document.settle();
    let ranges: Vec<(u32, u32, bool)> =
        document.changed_ranges().iter().map(|range| (range.start, range.end, range.structural)).collect();
    assert_eq!(ranges, [(4, 7, false)]);
}

#[test]
fn a_range_that_ends_before_it_starts_changes_nothing() {
    let mut document = Document::new("a = 1\n".to_owned(), 1);
    let good = Change { range: range((0, 0), (0, 1)), text: "b".to_owned() };
    let bad = Change { range: range((1, 0), (0, 0)), text: "c".to_owned() };
    let error = document.apply(&[good, bad], 2, PositionEncoding::Utf16).expect_err("the second range is reversed");
    assert_eq!(error.code.as_str(), "bad-position");
    assert_eq!((document.text(), document.version()), ("a = 1\n", 1));
    assert!(changes_from_json(b"[{\"range\": 3}]").is_err());
    assert!(changes_from_json(b"{").is_err());
}

#[test]
fn lone_carriage_returns_end_lines_for_the_parser_too() {
    let text = "a = 1\rb = 2\rdef f():\r  pass\r";
    assert!(!parse(text, None).root_node().has_error());
    let document = Document::new(text.to_owned(), 1);
    assert!(document.errors().is_empty(), "{:?}", document.errors());
    assert_eq!(document.index().line_count(), 5);
}
