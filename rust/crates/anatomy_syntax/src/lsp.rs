//! Syntax errors as the protocol's diagnostics, ready to send.

use anatomy_facts::{Severity, facts::ParseError};
use serde::Serialize;

use crate::position::{PositionEncoding, TextIndex};

/// Whose diagnostics these are, as editors show it.
pub const DIAGNOSTIC_SOURCE: &str = "codeanatomy";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Diagnostic<'a> {
    range: Range,
    severity: u8,
    code: &'static str,
    source: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    related_information: Option<[Related<'a>; 1]>,
}

#[derive(Serialize)]
struct Related<'a> {
    location: Location<'a>,
    message: &'a str,
}

#[derive(Serialize)]
struct Location<'a> {
    uri: &'a str,
    range: Range,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: u32,
    character: u32,
}

/// A JSON array of LSP `Diagnostic`. `uri` names the document in related places.
#[must_use]
pub fn diagnostics_json(errors: &[ParseError], index: &TextIndex, encoding: PositionEncoding, uri: &str) -> Vec<u8> {
    let position = |offset| {
        let (line, character) = index.position(offset, encoding);
        Position { line, character }
    };
    let range = |start, end| Range { start: position(start), end: position(end) };
    let diagnostics: Vec<Diagnostic<'_>> = errors
        .iter()
        .map(|error| Diagnostic {
            range: range(error.start, error.end),
            severity: match error.severity {
                Severity::Error => 1,
                Severity::Warning => 2,
            },
            code: error.code.as_str(),
            source: DIAGNOSTIC_SOURCE,
            message: &error.message,
            related_information: error.related.as_ref().map(|(start, end, message)| {
                [Related { location: Location { uri, range: range(*start, *end) }, message }]
            }),
        })
        .collect();
    serde_json::to_vec(&diagnostics).expect("strings and numbers always serialise")
}
