//! Texts of one file as symbols and hashes, each looked up once.

use std::{
    collections::HashMap,
    hash::{BuildHasherDefault, Hasher},
};

use anatomy_facts::{Id, Symbol, id_of};
use icu_normalizer::ComposingNormalizerBorrowed;

/// A text: its symbol for tables and its hash for identities (a symbol is an accident of arrival order).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Word {
    pub(crate) symbol: Symbol,
    pub(crate) hash: u64,
}

/// A hasher for texts and numbers of one file: short, fast, not safe against an adversary, who gains a slow file.
#[derive(Default, Clone)]
pub(crate) struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.write_u64(u64::from_le_bytes(chunk.try_into().expect("chunks have eight bytes")));
        }
        let mut last = [0u8; 8];
        last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
        self.write_u64(u64::from_le_bytes(last) ^ ((bytes.len() as u64) << 56));
    }
    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }
    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = mix(self.0, value);
    }
}

/// A map with the quick hasher.
pub(crate) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

/// Two hashes as one; the order matters.
pub(crate) fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(u128::from(right ^ 0xD6E8_FEB8_6659_FD93) | 1);
    (product as u64) ^ ((product >> 64) as u64).rotate_left(23)
}

/// The words of one file.
#[derive(Default)]
pub(crate) struct Words<'t> {
    known: QuickMap<&'t str, Word>,
}

impl<'t> Words<'t> {
    /// The word of an identifier of the file: Python takes those that look alike (NFKC) for one.
    pub(crate) fn of(&mut self, text: &'t str) -> Word {
        *self.known.entry(text).or_insert_with(|| match text.is_ascii() {
            true => word_of(text),
            false => word_of(&ComposingNormalizerBorrowed::new_nfkc().normalize(text)),
        })
    }
}

/// The word of any text.
pub(crate) fn word_of(text: &str) -> Word {
    Word { symbol: Symbol::of(text), hash: text_hash(text) }
}

/// The hash of a text, the same in every process.
pub(crate) fn text_hash(text: &str) -> u64 {
    id_of(&[text.as_bytes()])
}

/// The id of what has that shape below an owner.
pub(crate) fn shaped_id(owner: Id, shape: u64, occurrence: u32) -> Id {
    id_of(&[&owner.to_le_bytes(), &shape.to_le_bytes(), &occurrence.to_le_bytes()])
}
