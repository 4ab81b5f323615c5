//! Bytes become text by the rules of Python, and whatever they are, the file is still analysed.

use anatomy_facts::ErrorCode;
use anatomy_syntax::{
    parse_file,
    source::{SIZE_LIMIT, decode},
};

fn read(bytes: &[u8]) -> (String, Vec<ErrorCode>) {
    let source = decode(bytes, SIZE_LIMIT);
    (source.text, source.errors.iter().map(|error| error.code).collect())
}

#[test]
fn utf_8_is_the_default_and_a_byte_order_mark_is_dropped() {
    assert_eq!(read("é = 1\n".as_bytes()), ("é = 1\n".to_owned(), vec![]));
    assert_eq!(read(b"\xEF\xBB\xBFa = 1\r\n"), ("a = 1\r\n".to_owned(), vec![]));
    assert_eq!(read(b""), (String::new(), vec![]));
}

#[test]
fn cookies_are_obeyed_in_the_first_two_lines_only() {
    assert_eq!(read(b"# -*- coding: latin-1 -*-\nx = '\xE9'\n").0, "# -*- coding: latin-1 -*-\nx = 'é'\n");
    assert!(read(b"#!/usr/bin/python\n# vim: fileencoding=cp1252 :\n'\x80'\n").0.ends_with("'€'\n"));
    assert_eq!(read(b"# coding=koi8-r\n'\xC1'").0, "# coding=koi8-r\n'а'");
    assert_eq!(read(b"\n\n# coding: latin-1\n'\xE9'\n").1, [ErrorCode::SourceEncoding]);
    assert_eq!(read(b"x = 1\n# coding: latin-1\n'\xE9'\n").1, [ErrorCode::SourceEncoding]);
}

#[test]
fn bad_bytes_are_one_error_and_the_rest_is_analysed() {
    let parsed = parse_file(b"a = '\xFF\xFE'\nb = (\n", SIZE_LIMIT);
    let codes: Vec<ErrorCode> = parsed.errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [ErrorCode::SourceEncoding, ErrorCode::SyntaxUnclosed]);
    assert_eq!(parsed.text, "a = '\u{FFFD}\u{FFFD}'\nb = (\n");
    assert_eq!(read(b"# coding: ascii\n'\xE9'").1, [ErrorCode::SourceEncoding]);
    assert_eq!(read(b"# coding: no-such\nx = 1\n").1, [ErrorCode::SourceEncoding]);
}

#[test]
fn nul_bytes_and_binary_files_are_errors_not_crashes() {
    let parsed = parse_file(b"a = 1\0\nb = 2\n", SIZE_LIMIT);
    let codes: Vec<ErrorCode> = parsed.errors.iter().map(|error| error.code).collect();
    assert_eq!(codes, [ErrorCode::SourceNul]);
    let binary: Vec<u8> = (0..=255u8).cycle().take(60_000).collect();
    assert!(!parse_file(&binary, SIZE_LIMIT).errors.is_empty());
}

#[test]
fn a_file_beyond_the_limit_is_one_warning_and_no_text() {
    let parsed = parse_file(&b"x = 1\n".repeat(100), 599);
    let codes: Vec<ErrorCode> = parsed.errors.iter().map(|error| error.code).collect();
    assert_eq!((parsed.text.as_str(), codes.as_slice()), ("", &[ErrorCode::SourceTooLarge][..]));
}
