//! What a compiled program is: hashes of everything that decides its rows, and the one fingerprint made of them.
//!
//! Whatever is derived (plans, images, history, run packages) is kept under the fingerprint and under nothing else. It can be told
//! before anything is compiled, so that what is on disk can be looked for meanwhile. What only people read of a rule (doc, example,
//! the place of its file) decides no row and is no part of it.

use std::collections::BTreeMap;

use anatomy_facts::tables::EVIDENCE;
use anatomy_facts::{ErrorCode, Stage};
use serde::Serialize;
use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use crate::error::{EngineError, Result};

/// Keys of a rule that no row depends on.
const FOR_PEOPLE: [&str; 3] = ["doc", "example", "file"];

/// A pack of the program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackManifest {
    /// Folder name.
    pub name: String,
    /// Version text of `pack.toml`.
    pub version: String,
    /// How many rules it has.
    pub rules: usize,
    /// Hash of its rules.
    pub hash: String,
}

/// What a program is, by content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Manifest {
    /// The key of everything that is derived: all of the below.
    pub fingerprint: String,
    /// Hash of what the rules say.
    pub spec_hash: String,
    /// Hash of the contracts of all evidence tables.
    pub contracts: String,
    /// Version of the engine, and a hash of its source.
    pub engine: String,
    /// Hash of what extracts evidence; empty where evidence comes from elsewhere.
    pub extractor: String,
    /// Packs in load order.
    pub packs: Vec<PackManifest>,
    /// Hash of each rule by name, what it reads not counted.
    #[serde(skip)]
    pub(crate) rules: BTreeMap<String, u128>,
}

impl Manifest {
    /// The manifest of a program document (JSON). Nothing is compiled.
    ///
    /// # Errors
    /// `program-decode` if the document is not JSON.
    pub fn of(document: &[u8]) -> Result<Manifest> {
        let program: Value = serde_json::from_slice(document).map_err(|error| {
            let hint = "the pack loader and the engine disagree: install both in the same version";
            EngineError::new(ErrorCode::ProgramDecode, Stage::Decode, error.to_string(), hint)
        })?;
        let list = |key: &str| program[key].as_array().map_or(&[][..], Vec::as_slice);
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let mut rules = BTreeMap::new();
        let mut by_pack: BTreeMap<String, Vec<(String, u128)>> = BTreeMap::new();
        for view in list("views") {
            let mut said = String::new();
            canonical(view, &mut said);
            let (name, hash) = (text(view, "name"), hash_of([said.as_bytes()]));
            by_pack.entry(text(view, "pack")).or_default().push((name.clone(), hash));
            rules.insert(name, hash);
        }
        let packs = list("packs").iter().map(|pack| {
            let mut own = by_pack.get(pack["name"].as_str().unwrap_or_default()).cloned().unwrap_or_default();
            own.sort();
            let parts: Vec<Vec<u8>> = own.iter().map(|(name, hash)| named(name, *hash)).collect();
            PackManifest {
                name: text(pack, "name"),
                version: text(pack, "version"),
                rules: own.len(),
                hash: shown(hash_of(parts.iter().map(Vec::as_slice))),
            }
        });
        let mut parts: Vec<Vec<u8>> = rules.iter().map(|(name, hash)| named(name, *hash)).collect();
        // Tables that are filled later than evidence are declared by the program.
        for table in list("tables") {
            let mut said = String::new();
            canonical(table, &mut said);
            parts.push(said.into_bytes());
        }
        let manifest = Manifest {
            fingerprint: String::new(),
            spec_hash: shown(hash_of(parts.iter().map(Vec::as_slice))),
            contracts: shown(contracts()),
            engine: format!("{}+{}", env!("CARGO_PKG_VERSION"), env!("ENGINE_FINGERPRINT")),
            extractor: String::new(),
            packs: packs.collect(),
            rules,
        };
        Ok(manifest.extracted_by(""))
    }

    /// The same over evidence of this extractor, by its hash.
    #[must_use]
    pub fn extracted_by(mut self, extractor: &str) -> Manifest {
        extractor.clone_into(&mut self.extractor);
        let parts = [&self.spec_hash, &self.contracts, &self.engine, &self.extractor];
        self.fingerprint = shown(hash_of(parts.map(|part| part.as_bytes())));
        self
    }
}

fn named(name: &str, hash: u128) -> Vec<u8> {
    [name.as_bytes(), &hash.to_le_bytes()].concat()
}

/// Hash of parts, each with its length.
pub(crate) fn hash_of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u128 {
    let mut hasher = Xxh3::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.digest128()
}

/// A hash as people and files see it.
pub(crate) fn shown(hash: u128) -> String {
    format!("{hash:032x}")
}

/// Hash of the shape of all evidence.
fn contracts() -> u128 {
    let of = |contract: &anatomy_facts::contract::Contract| {
        let columns =
            contract.columns.iter().map(|column| format!("{}:{:?}:{}", column.name, column.kind, column.role));
        format!("{}/{}({})", contract.name, contract.key, columns.collect::<Vec<_>>().join(","))
    };
    let parts: Vec<String> = EVIDENCE.iter().map(of).collect();
    hash_of(parts.iter().map(String::as_bytes))
}

/// A rule as text: keys in order, what is for people left out.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(of) => {
            let sorted: BTreeMap<&String, &Value> =
                of.iter().filter(|(key, _)| !FOR_PEOPLE.contains(&key.as_str())).collect();
            out.push('{');
            for (key, value) in sorted {
                out.push_str(&format!("{key:?}:"));
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(of) => {
            out.push('[');
            for value in of {
                canonical(value, out);
                out.push(',');
            }
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(views: &str) -> Manifest {
        Manifest::of(format!(r#"{{"packs":[{{"name":"p","version":"1"}}],"views":[{views}]}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn what_decides_rows_decides_the_fingerprint_and_nothing_else_does() {
        let one = r#"{"name":"a","pack":"p","doc":"d","kind":"derive","match":"names(expr)"}"#;
        let told =
            r#"{"kind":"derive","match":"names(expr)","doc":"other","example":"x","file":"y","pack":"p","name":"a"}"#;
        let other = r#"{"name":"a","pack":"p","doc":"d","kind":"derive","match":"exprs(expr)"}"#;
        let second = r#"{"name":"b","pack":"p","doc":"d","kind":"derive","match":"names(expr)"}"#;
        assert_eq!(of(one), of(told));
        assert_ne!(of(one).fingerprint, of(other).fingerprint);
        assert_eq!(of(&format!("{one},{second}")).fingerprint, of(&format!("{second},{one}")).fingerprint);
        assert_ne!(of(one).packs[0].hash, of(other).packs[0].hash);
        assert_eq!(of(one).fingerprint.len(), 32);
    }

    #[test]
    fn evidence_of_another_extractor_is_another_program() {
        let of = of("");
        assert_ne!(of.fingerprint, of.clone().extracted_by("x").fingerprint);
        assert_eq!(of.spec_hash, of.clone().extracted_by("x").spec_hash);
    }

    #[test]
    fn a_document_that_is_no_program_has_no_manifest() {
        assert_eq!(Manifest::of(b"{").unwrap_err().code, ErrorCode::ProgramDecode);
    }
}
