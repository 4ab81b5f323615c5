//! Byte offsets and editor positions of one text, without the text.
//!
//! Holds for every offset on a character border: `offset(position(o)) == o`. Lines end at `\n`, `\r\n` and `\r`, as the
//! language server protocol says; form feeds and Unicode separators end none. An index is two short lists (line starts
//! and the characters beyond ASCII), so closed files keep it and drop their text.

/// In which unit the editor counts columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PositionEncoding {
    /// Bytes.
    Utf8,
    /// Sixteen-bit units: what every editor speaks.
    #[default]
    Utf16,
    /// Characters.
    Utf32,
}

impl PositionEncoding {
    /// The encoding of that protocol name (`utf-8`, `utf-16`, `utf-32`), if any.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "utf-8" => Some(PositionEncoding::Utf8),
            "utf-16" => Some(PositionEncoding::Utf16),
            "utf-32" => Some(PositionEncoding::Utf32),
            _ => None,
        }
    }

    /// The protocol name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            PositionEncoding::Utf8 => "utf-8",
            PositionEncoding::Utf16 => "utf-16",
            PositionEncoding::Utf32 => "utf-32",
        }
    }

    /// How many units a character of that many bytes takes.
    fn units(self, width: u32) -> u32 {
        match self {
            PositionEncoding::Utf8 => width,
            PositionEncoding::Utf16 => 1 + u32::from(width == 4),
            PositionEncoding::Utf32 => 1,
        }
    }
}

/// Set on a line start whose line break before it takes two bytes (`\r\n`).
const TWO_BYTE_BREAK: u32 = 1 << 31;

/// Line starts and wide characters of a text of less than 2 GiB.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TextIndex {
    lines: Vec<u32>,
    wide: Vec<u32>,
    widths: Vec<u8>,
    len: u32,
}

impl Default for TextIndex {
    fn default() -> Self {
        TextIndex::new("")
    }
}

impl TextIndex {
    /// The index of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut lines = Vec::with_capacity(bytes.len() / 32 + 1);
        lines.push(0u32);
        let mut wide = Vec::new();
        let mut widths = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            if let Some(chunk) = bytes.get(at..at + 8) {
                let word = u64::from_le_bytes(chunk.try_into().expect("the slice has eight bytes"));
                if is_plain(word) {
                    at += 8;
                    continue;
                }
            }
            let byte = bytes[at];
            match byte {
                b'\n' => lines.push(at as u32 + 1),
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => {
                    at += 1;
                    lines.push((at as u32 + 1) | TWO_BYTE_BREAK);
                }
                b'\r' => lines.push(at as u32 + 1),
                0xC0.. => {
                    let width = 2 + u8::from(byte >= 0xE0) + u8::from(byte >= 0xF0);
                    wide.push(at as u32);
                    widths.push(width);
                    at += usize::from(width) - 1;
                }
                _ => {}
            }
            at += 1;
        }
        lines.shrink_to_fit();
        wide.shrink_to_fit();
        widths.shrink_to_fit();
        TextIndex { lines, wide, widths, len: bytes.len() as u32 }
    }

    /// What the index is made of: starts of lines, starts of wide characters and their widths, and the length of the text.
    #[must_use]
    pub fn parts(&self) -> (&[u32], &[u32], &[u8], u32) {
        (&self.lines, &self.wide, &self.widths, self.len)
    }

    /// The index that has these parts.
    #[must_use]
    pub fn from_parts(lines: &[u32], wide: &[u32], widths: &[u8], len: u32) -> Self {
        TextIndex { lines: lines.into(), wide: wide.into(), widths: widths.into(), len }
    }

    /// Bytes of the text.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks whether a text is empty")]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Lines of the text: one more than its line breaks.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        self.lines.len() as u32
    }

    /// First byte of a line and the byte past its last character, without the line break. Clamps to the last line.
    #[must_use]
    pub fn line_span(&self, line: u32) -> (u32, u32) {
        let line = (line as usize).min(self.lines.len() - 1);
        let start = self.lines[line] & !TWO_BYTE_BREAK;
        let end = self
            .lines
            .get(line + 1)
            .map_or(self.len, |&next| (next & !TWO_BYTE_BREAK) - if next & TWO_BYTE_BREAK == 0 { 1 } else { 2 });
        (start, end)
    }

    /// The line that holds a byte.
    #[must_use]
    pub fn line_of(&self, offset: u32) -> u32 {
        self.lines.partition_point(|&start| start & !TWO_BYTE_BREAK <= offset) as u32 - 1
    }

    /// Line and character of a byte offset; an offset inside a character counts as its start, one past the text as its
    /// end.
    #[must_use]
    pub fn position(&self, offset: u32, encoding: PositionEncoding) -> (u32, u32) {
        let offset = offset.min(self.len);
        let line = self.line_of(offset);
        let start = self.lines[line as usize] & !TWO_BYTE_BREAK;
        let mut character = offset - start;
        for at in self.wide.partition_point(|&at| at < start)..self.wide.len() {
            let from = self.wide[at];
            let width = u32::from(self.widths[at]);
            if from >= offset {
                break;
            }
            if from + width > offset {
                character -= offset - from;
                break;
            }
            character -= width - encoding.units(width);
        }
        (line, character)
    }

    /// Byte offset of a position. Clamps: beyond the line to its end, beyond the text to its end, inside a character to
    /// its start.
    #[must_use]
    pub fn offset(&self, line: u32, character: u32, encoding: PositionEncoding) -> u32 {
        if line >= self.line_count() {
            return self.len;
        }
        let (start, end) = self.line_span(line);
        let mut offset = start;
        let mut left = character;
        for at in self.wide.partition_point(|&at| at < start)..self.wide.len() {
            let from = self.wide[at];
            if from >= end || left <= from - offset {
                break;
            }
            let width = u32::from(self.widths[at]);
            left -= from - offset;
            offset = from;
            if left < encoding.units(width) {
                return offset;
            }
            left -= encoding.units(width);
            offset = from + width;
        }
        offset.saturating_add(left).min(end)
    }

    /// Bytes that this index takes.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.lines.capacity() * 4 + self.wide.capacity() * 4 + self.widths.capacity()
    }
}

/// True if none of the eight bytes is a line break or part of a wide character.
fn is_plain(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zero_in = |w: u64| w.wrapping_sub(ONES) & !w & HIGHS;
    word & HIGHS == 0
        && zero_in(word ^ (ONES * u64::from(b'\n'))) == 0
        && zero_in(word ^ (ONES * u64::from(b'\r'))) == 0
}
