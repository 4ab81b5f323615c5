//! Bytes of a file as text, by the rules of Python: byte-order mark, PEP 263 coding cookie, UTF-8 otherwise.
//!
//! Nothing is refused: bytes that are not text in their encoding become replacement characters and one error, so that
//! the rest of the file is still analysed. Line ends stay as they are.

use anatomy_facts::{ErrorCode, Severity, facts::ParseError};

/// Largest file that is analysed unless the caller says otherwise.
pub const SIZE_LIMIT: usize = 2 * 1024 * 1024;

/// Text of a file and what was wrong with its bytes.
#[derive(Clone, Debug)]
pub struct Source {
    /// The text; empty if the file is not analysed.
    pub text: String,
    /// Errors of the bytes.
    pub errors: Vec<ParseError>,
}

/// The text of the bytes of a file. A file beyond `limit` bytes yields an error and no text.
#[must_use]
pub fn decode(bytes: &[u8], limit: usize) -> Source {
    if bytes.len() > limit {
        let message = format!("the file has {} bytes; files beyond {limit} bytes are not analysed", bytes.len());
        return Source { text: String::new(), errors: vec![source_error(ErrorCode::SourceTooLarge, (0, 0), message)] };
    }
    let (body, has_mark) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(body) => (body, true),
        None => (bytes, false),
    };
    let cookie = coding_cookie(body);
    let mut errors = Vec::new();
    let charset = match cookie {
        None => Charset::Utf8,
        Some((name, span)) => match Charset::named(name) {
            Some(charset) if !has_mark || charset == Charset::Utf8 => charset,
            Some(_) => {
                let message =
                    format!("the file starts with a UTF-8 byte-order mark but declares the encoding '{name}'");
                errors.push(source_error(ErrorCode::SourceEncoding, span, message));
                Charset::Utf8
            }
            None => {
                let lower = name.to_ascii_lowercase().replace('_', "-");
                let known = OTHER_ENCODINGS.iter().any(|start| lower.starts_with(start));
                let what = if known { "is not supported here" } else { "is unknown" };
                let message = format!("the encoding '{name}' {what}; the file is read as UTF-8");
                let error = source_error(ErrorCode::SourceEncoding, span, message);
                errors.push(if known { ParseError { severity: Severity::Warning, ..error } } else { error });
                Charset::Utf8
            }
        },
    };
    let (text, bad) = charset.decode(body);
    // Where the encoding itself was reported, its bytes are no news.
    if let Some((at, byte)) = bad.filter(|_| errors.is_empty()) {
        let message = format!("byte 0x{byte:02x} is not {}; the rest of the file is still analysed", charset.name());
        errors.push(source_error(ErrorCode::SourceEncoding, (at, at + 1), message));
    }
    if let Some(at) = text.bytes().position(|byte| byte == 0) {
        let at = at as u32;
        errors.push(source_error(
            ErrorCode::SourceNul,
            (at, at + 1),
            "source code cannot contain NUL bytes".to_owned(),
        ));
    }
    Source { text, errors }
}

fn source_error(code: ErrorCode, (start, end): (u32, u32), message: String) -> ParseError {
    let severity = if code == ErrorCode::SourceTooLarge { Severity::Warning } else { Severity::Error };
    ParseError { start, end, code, severity, node_kind: "", message, related: None }
}

/// The declared encoding and its place: a comment in the first two lines, the first of which may only be a comment or
/// blank if the cookie is in the second.
fn coding_cookie(bytes: &[u8]) -> Option<(&str, (u32, u32))> {
    let mut start = 0;
    for _ in 0..2 {
        let rest = &bytes[start..];
        let length = rest.iter().position(|&byte| byte == b'\n' || byte == b'\r').unwrap_or(rest.len());
        let line = &rest[..length];
        let indent = line.iter().position(|byte| !matches!(byte, b' ' | b'\t' | 0x0C)).unwrap_or(length);
        if line.get(indent) == Some(&b'#') {
            if let Some((from, to)) = cookie_in(&line[indent..]) {
                let name = std::str::from_utf8(&line[indent + from..indent + to]).ok()?;
                return Some((name, ((start + indent + from) as u32, (start + indent + to) as u32)));
            }
        } else if indent < length {
            return None;
        }
        start += length;
        start += match bytes.get(start..start + 2) {
            Some(b"\r\n") => 2,
            _ => usize::from(start < bytes.len()),
        };
    }
    None
}

/// `coding[:=]\s*([-\w.]+)` in a comment.
fn cookie_in(comment: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    while let Some(found) = comment[at..].windows(6).position(|window| window == b"coding") {
        let mut from = at + found + 6;
        at = from;
        if !matches!(comment.get(from), Some(b':' | b'=')) {
            continue;
        }
        from += 1;
        while matches!(comment.get(from), Some(b' ' | b'\t')) {
            from += 1;
        }
        let length = comment[from..]
            .iter()
            .position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')))
            .unwrap_or(comment.len() - from);
        if length > 0 {
            return Some((from, from + length));
        }
    }
    None
}

/// Encodings that Python knows and this room does not: the start of their names. Such files are read as UTF-8, with a
/// warning, for the bytes beyond ASCII stand in comments and strings.
const OTHER_ENCODINGS: &[&str] = &[
    "big5",
    "cp",
    "euc",
    "gb",
    "hp-roman8",
    "hz",
    "iso",
    "johab",
    "koi8",
    "kz1048",
    "latin",
    "mac",
    "ptcp154",
    "shift",
    "sjis",
    "tis-620",
    "utf-16",
    "utf-32",
    "windows",
];

/// The encodings that are decoded here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Ascii,
    Latin1,
    Latin2,
    Latin9,
    Windows1251,
    Windows1252,
    Koi8R,
}

impl Charset {
    fn named(name: &str) -> Option<Charset> {
        let plain: String =
            name.chars().map(|c| if matches!(c, '_' | '.') { '-' } else { c.to_ascii_lowercase() }).collect();
        match plain.as_str() {
            "utf-8" | "utf8" | "u8" | "utf" | "utf-8-sig" | "cp65001" => Some(Charset::Utf8),
            "ascii" | "us-ascii" | "646" | "ansi-x3-4-1968" => Some(Charset::Ascii),
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
                Some(Charset::Latin1)
            }
            "iso-8859-15" | "iso8859-15" | "latin-9" | "latin9" | "l9" => Some(Charset::Latin9),
            "iso-8859-2" | "iso8859-2" | "latin-2" | "latin2" | "l2" => Some(Charset::Latin2),
            "cp1251" | "windows-1251" | "1251" => Some(Charset::Windows1251),
            "cp1252" | "windows-1252" | "1252" => Some(Charset::Windows1252),
            "koi8-r" => Some(Charset::Koi8R),
            // `utf-8-unix` and `iso-8859-1-dos` are how Emacs names them with line ends.
            other if other.starts_with("utf-8-") => Some(Charset::Utf8),
            other if other.starts_with("iso-8859-1-") || other.starts_with("latin-1-") => Some(Charset::Latin1),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Charset::Utf8 => "UTF-8",
            Charset::Ascii => "ASCII",
            Charset::Latin1 => "Latin-1",
            Charset::Latin2 => "ISO-8859-2",
            Charset::Latin9 => "ISO-8859-15",
            Charset::Windows1251 => "Windows-1251",
            Charset::Windows1252 => "Windows-1252",
            Charset::Koi8R => "KOI8-R",
        }
    }

    /// The text and the first byte that is none: its offset in the *text* and its value.
    fn decode(self, bytes: &[u8]) -> (String, Option<(u32, u8)>) {
        if self == Charset::Utf8 {
            return match std::str::from_utf8(bytes) {
                Ok(text) => (text.to_owned(), None),
                Err(error) => {
                    let at = error.valid_up_to();
                    (String::from_utf8_lossy(bytes).into_owned(), Some((at as u32, bytes[at])))
                }
            };
        }
        let mut text = String::with_capacity(bytes.len());
        let mut bad = None;
        for &byte in bytes {
            match self.character(byte) {
                Some(character) => text.push(character),
                None => {
                    bad = bad.or(Some((text.len() as u32, byte)));
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
        (text, bad)
    }

    fn character(self, byte: u8) -> Option<char> {
        let table = match self {
            _ if byte < 0x80 => return Some(char::from(byte)),
            Charset::Ascii | Charset::Utf8 => return None,
            Charset::Latin1 => return Some(char::from(byte)),
            Charset::Latin2 => &LATIN_2,
            Charset::Latin9 => &LATIN_9,
            Charset::Windows1251 => &WINDOWS_1251,
            Charset::Windows1252 => &WINDOWS_1252,
            Charset::Koi8R => &KOI8_R,
        };
        match table[usize::from(byte - 0x80)] {
            0 => None,
            code => char::from_u32(u32::from(code)),
        }
    }
}

// What the bytes from 0x80 mean, as the Unicode consortium maps them; zero where they mean nothing.
const LATIN_2: [u16; 128] = [
    0x0080, 0x0081, 0x0082, 0x0083, 0x0084, 0x0085, 0x0086, 0x0087, 0x0088, 0x0089, 0x008A, 0x008B, 0x008C, 0x008D,
    0x008E, 0x008F, 0x0090, 0x0091, 0x0092, 0x0093, 0x0094, 0x0095, 0x0096, 0x0097, 0x0098, 0x0099, 0x009A, 0x009B,
    0x009C, 0x009D, 0x009E, 0x009F, 0x00A0, 0x0104, 0x02D8, 0x0141, 0x00A4, 0x013D, 0x015A, 0x00A7, 0x00A8, 0x0160,
    0x015E, 0x0164, 0x0179, 0x00AD, 0x017D, 0x017B, 0x00B0, 0x0105, 0x02DB, 0x0142, 0x00B4, 0x013E, 0x015B, 0x02C7,
    0x00B8, 0x0161, 0x015F, 0x0165, 0x017A, 0x02DD, 0x017E, 0x017C, 0x0154, 0x00C1, 0x00C2, 0x0102, 0x00C4, 0x0139,
    0x0106, 0x00C7, 0x010C, 0x00C9, 0x0118, 0x00CB, 0x011A, 0x00CD, 0x00CE, 0x010E, 0x0110, 0x0143, 0x0147, 0x00D3,
    0x00D4, 0x0150, 0x00D6, 0x00D7, 0x0158, 0x016E, 0x00DA, 0x0170, 0x00DC, 0x00DD, 0x0162, 0x00DF, 0x0155, 0x00E1,
    0x00E2, 0x0103, 0x00E4, 0x013A, 0x0107, 0x00E7, 0x010D, 0x00E9, 0x0119, 0x00EB, 0x011B, 0x00ED, 0x00EE, 0x010F,
    0x0111, 0x0144, 0x0148, 0x00F3, 0x00F4, 0x0151, 0x00F6, 0x00F7, 0x0159, 0x016F, 0x00FA, 0x0171, 0x00FC, 0x00FD,
    0x0163, 0x02D9,
];
const LATIN_9: [u16; 128] = [
    0x0080, 0x0081, 0x0082, 0x0083, 0x0084, 0x0085, 0x0086, 0x0087, 0x0088, 0x0089, 0x008A, 0x008B, 0x008C, 0x008D,
    0x008E, 0x008F, 0x0090, 0x0091, 0x0092, 0x0093, 0x0094, 0x0095, 0x0096, 0x0097, 0x0098, 0x0099, 0x009A, 0x009B,
    0x009C, 0x009D, 0x009E, 0x009F, 0x00A0, 0x00A1, 0x00A2, 0x00A3, 0x20AC, 0x00A5, 0x0160, 0x00A7, 0x0161, 0x00A9,
    0x00AA, 0x00AB, 0x00AC, 0x00AD, 0x00AE, 0x00AF, 0x00B0, 0x00B1, 0x00B2, 0x00B3, 0x017D, 0x00B5, 0x00B6, 0x00B7,
    0x017E, 0x00B9, 0x00BA, 0x00BB, 0x0152, 0x0153, 0x0178, 0x00BF, 0x00C0, 0x00C1, 0x00C2, 0x00C3, 0x00C4, 0x00C5,
    0x00C6, 0x00C7, 0x00C8, 0x00C9, 0x00CA, 0x00CB, 0x00CC, 0x00CD, 0x00CE, 0x00CF, 0x00D0, 0x00D1, 0x00D2, 0x00D3,
    0x00D4, 0x00D5, 0x00D6, 0x00D7, 0x00D8, 0x00D9, 0x00DA, 0x00DB, 0x00DC, 0x00DD, 0x00DE, 0x00DF, 0x00E0, 0x00E1,
    0x00E2, 0x00E3, 0x00E4, 0x00E5, 0x00E6, 0x00E7, 0x00E8, 0x00E9, 0x00EA, 0x00EB, 0x00EC, 0x00ED, 0x00EE, 0x00EF,
    0x00F0, 0x00F1, 0x00F2, 0x00F3, 0x00F4, 0x00F5, 0x00F6, 0x00F7, 0x00F8, 0x00F9, 0x00FA, 0x00FB, 0x00FC, 0x00FD,
    0x00FE, 0x00FF,
];
const WINDOWS_1251: [u16; 128] = [
    0x0402, 0x0403, 0x201A, 0x0453, 0x201E, 0x2026, 0x2020, 0x2021, 0x20AC, 0x2030, 0x0409, 0x2039, 0x040A, 0x040C,
    0x040B, 0x040F, 0x0452, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0, 0x2122, 0x0459, 0x203A, 0x045A,
    0x045C, 0x045B, 0x045F, 0x00A0, 0x040E, 0x045E, 0x0408, 0x00A4, 0x0490, 0x00A6, 0x00A7, 0x0401, 0x00A9, 0x0404,
    0x00AB, 0x00AC, 0x00AD, 0x00AE, 0x0407, 0x00B0, 0x00B1, 0x0406, 0x0456, 0x0491, 0x00B5, 0x00B6, 0x00B7, 0x0451,
    0x2116, 0x0454, 0x00BB, 0x0458, 0x0405, 0x0455, 0x0457, 0x0410, 0x0411, 0x0412, 0x0413, 0x0414, 0x0415, 0x0416,
    0x0417, 0x0418, 0x0419, 0x041A, 0x041B, 0x041C, 0x041D, 0x041E, 0x041F, 0x0420, 0x0421, 0x0422, 0x0423, 0x0424,
    0x0425, 0x0426, 0x0427, 0x0428, 0x0429, 0x042A, 0x042B, 0x042C, 0x042D, 0x042E, 0x042F, 0x0430, 0x0431, 0x0432,
    0x0433, 0x0434, 0x0435, 0x0436, 0x0437, 0x0438, 0x0439, 0x043A, 0x043B, 0x043C, 0x043D, 0x043E, 0x043F, 0x0440,
    0x0441, 0x0442, 0x0443, 0x0444, 0x0445, 0x0446, 0x0447, 0x0448, 0x0449, 0x044A, 0x044B, 0x044C, 0x044D, 0x044E,
    0x044F,
];
const WINDOWS_1252: [u16; 128] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0, 0,
    0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
    0x00A0, 0x00A1, 0x00A2, 0x00A3, 0x00A4, 0x00A5, 0x00A6, 0x00A7, 0x00A8, 0x00A9, 0x00AA, 0x00AB, 0x00AC, 0x00AD,
    0x00AE, 0x00AF, 0x00B0, 0x00B1, 0x00B2, 0x00B3, 0x00B4, 0x00B5, 0x00B6, 0x00B7, 0x00B8, 0x00B9, 0x00BA, 0x00BB,
    0x00BC, 0x00BD, 0x00BE, 0x00BF, 0x00C0, 0x00C1, 0x00C2, 0x00C3, 0x00C4, 0x00C5, 0x00C6, 0x00C7, 0x00C8, 0x00C9,
    0x00CA, 0x00CB, 0x00CC, 0x00CD, 0x00CE, 0x00CF, 0x00D0, 0x00D1, 0x00D2, 0x00D3, 0x00D4, 0x00D5, 0x00D6, 0x00D7,
    0x00D8, 0x00D9, 0x00DA, 0x00DB, 0x00DC, 0x00DD, 0x00DE, 0x00DF, 0x00E0, 0x00E1, 0x00E2, 0x00E3, 0x00E4, 0x00E5,
    0x00E6, 0x00E7, 0x00E8, 0x00E9, 0x00EA, 0x00EB, 0x00EC, 0x00ED, 0x00EE, 0x00EF, 0x00F0, 0x00F1, 0x00F2, 0x00F3,
    0x00F4, 0x00F5, 0x00F6, 0x00F7, 0x00F8, 0x00F9, 0x00FA, 0x00FB, 0x00FC, 0x00FD, 0x00FE, 0x00FF,
];
const KOI8_R: [u16; 128] = [
    0x2500, 0x2502, 0x250C, 0x2510, 0x2514, 0x2518, 0x251C, 0x2524, 0x252C, 0x2534, 0x253C, 0x2580, 0x2584, 0x2588,
    0x258C, 0x2590, 0x2591, 0x2592, 0x2593, 0x2320, 0x25A0, 0x2219, 0x221A, 0x2248, 0x2264, 0x2265, 0x00A0, 0x2321,
    0x00B0, 0x00B2, 0x00B7, 0x00F7, 0x2550, 0x2551, 0x2552, 0x0451, 0x2553, 0x2554, 0x2555, 0x2556, 0x2557, 0x2558,
    0x2559, 0x255A, 0x255B, 0x255C, 0x255D, 0x255E, 0x255F, 0x2560, 0x2561, 0x0401, 0x2562, 0x2563, 0x2564, 0x2565,
    0x2566, 0x2567, 0x2568, 0x2569, 0x256A, 0x256B, 0x256C, 0x00A9, 0x044E, 0x0430, 0x0431, 0x0446, 0x0434, 0x0435,
    0x0444, 0x0433, 0x0445, 0x0438, 0x0439, 0x043A, 0x043B, 0x043C, 0x043D, 0x043E, 0x043F, 0x044F, 0x0440, 0x0441,
    0x0442, 0x0443, 0x0436, 0x0432, 0x044C, 0x044B, 0x0437, 0x0448, 0x044D, 0x0449, 0x0447, 0x044A, 0x042E, 0x0410,
    0x0411, 0x0426, 0x0414, 0x0415, 0x0424, 0x0413, 0x0425, 0x0418, 0x0419, 0x041A, 0x041B, 0x041C, 0x041D, 0x041E,
    0x041F, 0x042F, 0x0420, 0x0421, 0x0422, 0x0423, 0x0416, 0x0412, 0x042C, 0x042B, 0x0417, 0x0428, 0x042D, 0x0429,
    0x0427, 0x042A,
];
