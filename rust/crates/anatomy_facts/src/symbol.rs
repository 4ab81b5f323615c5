//! Interned text: names, paths and kinds are 32-bit numbers inside, text at the border.
//!
//! The interner is one per process and only grows; a number is an accident of arrival order, so it never leaves the
//! process and nothing is ever ordered by it. Zero is the empty text, which tables use for "none".

use std::sync::{OnceLock, RwLock};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// An interned text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Symbol(pub u32);

struct Interner {
    index: HashTable<u32>,
    texts: Vec<&'static str>,
    bytes: usize,
}

fn interner() -> &'static RwLock<Interner> {
    static INTERNER: OnceLock<RwLock<Interner>> = OnceLock::new();
    INTERNER.get_or_init(|| {
        let mut empty = Interner { index: HashTable::new(), texts: Vec::new(), bytes: 0 };
        empty.insert("");
        RwLock::new(empty)
    })
}

impl Interner {
    fn find(&self, text: &str, hash: u64) -> Option<u32> {
        self.index.find(hash, |&at| self.texts[at as usize] == text).copied()
    }

    fn insert(&mut self, text: &str) -> u32 {
        match self.find(text, xxh3_64(text.as_bytes())) {
            Some(found) => found,
            None => self.insert_forever(Box::leak(text.to_owned().into_boxed_str())),
        }
    }

    fn insert_forever(&mut self, text: &'static str) -> u32 {
        let hash = xxh3_64(text.as_bytes());
        if let Some(found) = self.find(text, hash) {
            return found;
        }
        let number = u32::try_from(self.texts.len()).expect("fewer than 2^32 distinct texts fit in memory");
        self.texts.push(text);
        self.bytes += text.len();
        let texts = &self.texts;
        self.index.insert_unique(hash, number, |&at| xxh3_64(texts[at as usize].as_bytes()));
        number
    }
}

impl Symbol {
    /// No text.
    pub const NONE: Symbol = Symbol(0);

    /// The symbol of a text, interned at first sight.
    #[must_use]
    pub fn of(text: &str) -> Symbol {
        if text.is_empty() {
            return Symbol::NONE;
        }
        let hash = xxh3_64(text.as_bytes());
        if let Some(found) = interner().read().unwrap_or_else(|poison| poison.into_inner()).find(text, hash) {
            return Symbol(found);
        }
        Symbol(interner().write().unwrap_or_else(|poison| poison.into_inner()).insert(text))
    }

    /// The symbols of many texts, with few locks.
    #[must_use]
    pub fn all_of(texts: &[&str]) -> Vec<Symbol> {
        let found: Vec<Option<u32>> = {
            let held = interner().read().unwrap_or_else(|poison| poison.into_inner());
            texts.iter().map(|text| held.find(text, xxh3_64(text.as_bytes()))).collect()
        };
        if found.iter().all(Option::is_some) {
            return found.into_iter().flatten().map(Symbol).collect();
        }
        let mut held = interner().write().unwrap_or_else(|poison| poison.into_inner());
        texts.iter().zip(found).map(|(text, known)| Symbol(known.unwrap_or_else(|| held.insert(text)))).collect()
    }

    /// The text of this symbol; empty for a number that was never given out.
    #[must_use]
    pub fn text(self) -> &'static str {
        interner()
            .read()
            .unwrap_or_else(|poison| poison.into_inner())
            .texts
            .get(self.0 as usize)
            .copied()
            .unwrap_or_default()
    }

    /// Interns texts that lie in memory for ever; the symbol of each, or `None` if each has its position for a number.
    #[must_use]
    pub fn adopt(texts: &[&'static str]) -> Option<Vec<u32>> {
        let mut held = interner().write().unwrap_or_else(|poison| poison.into_inner());
        let missing = texts.len().saturating_sub(held.texts.len());
        held.texts.reserve(missing);
        let Interner { index, texts: known, .. } = &mut *held;
        index.reserve(missing, |&at| xxh3_64(known[at as usize].as_bytes()));
        let numbers: Vec<u32> = texts.iter().map(|text| held.insert_forever(text)).collect();
        let moved = numbers.iter().zip(0..).any(|(number, position)| *number != position);
        moved.then_some(numbers)
    }

    /// The texts of many symbols under one lock.
    pub fn texts(symbols: impl IntoIterator<Item = u32>) -> Vec<&'static str> {
        let held = interner().read().unwrap_or_else(|poison| poison.into_inner());
        symbols.into_iter().map(|number| held.texts.get(number as usize).copied().unwrap_or_default()).collect()
    }

    /// Distinct texts and their bytes, for the memory report.
    #[must_use]
    pub fn census() -> (usize, usize) {
        let held = interner().read().unwrap_or_else(|poison| poison.into_inner());
        (held.texts.len(), held.bytes)
    }
}

impl std::fmt::Debug for Symbol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number() {
        let first = Symbol::of("discount");
        assert_eq!(first, Symbol::of("discount"));
        assert_eq!(first.text(), "discount");
        assert_eq!(Symbol::of(""), Symbol::NONE);
    }

    #[test]
    fn adopted_texts_keep_the_numbers_that_they_have() {
        let known = Symbol::of("adopted before");
        let moved = Symbol::adopt(&["", "adopted before", "adopted now"]);
        // Unless this is the first test that interns anything, the texts stand elsewhere here.
        let numbers = moved.unwrap_or_else(|| vec![0, 1, 2]);
        assert_eq!((numbers[0], numbers[1]), (0, known.0));
        assert_eq!(Symbol(numbers[2]).text(), "adopted now");
        let again: Vec<&'static str> = (0..Symbol::census().0 as u32).map(|number| Symbol(number).text()).collect();
        assert_eq!(Symbol::adopt(&again[..again.len().min(3)]), None);
    }
}
