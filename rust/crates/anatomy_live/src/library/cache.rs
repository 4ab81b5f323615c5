//! Facts of library files on disk: for each release one file, shared by all workspaces of a user.
//!
//! A file's facts are found by what it is: its name in its release, what its path says of it, and a hash of its bytes. So
//! what is found is true whatever happened to the disk, and a release that is installed twice is extracted once. The folder
//! is named by the fingerprint of the extractor: another extractor finds nothing. Files are written beside their place and
//! renamed, and every part is checked when it is read: a crash or a broken disk costs the facts, never the truth.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anatomy_facts::id_of;
use anatomy_syntax::Target;
use serde::Serialize;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::LibraryFile;

/// Hash of the source of everything that decides what is extracted and how it is written.
const FINGERPRINT: &str = crate::workspace::EXTRACTOR;
/// What the names of our folders start with; a fingerprint follows. Nothing else is ever removed.
const FOLDER: &str = "library-facts-";
const SUFFIX: &str = ".facts";
const MAGIC: &[u8; 8] = b"CAfacts1";
/// Head of a file: magic, number of entries, checksum of the list of entries.
const HEAD: usize = 8 + 4 + 8;
/// An entry of the list: name, key, place, length, checksum.
const ENTRY: usize = 8 + 16 + 8 + 4 + 8;
/// The files of a folder together are kept below this many bytes; those not used for longest go first.
const MOST_BYTES: u64 = 1 << 30;
/// Folders of other extractors go when nothing in them was used for so long.
const OTHERS_LIVE: Duration = Duration::from_secs(14 * 24 * 3600);

/// What the cache did since it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Done {
    /// Library files whose facts were extracted.
    pub extracted: usize,
    /// Library files whose facts were found.
    pub found: usize,
    /// Files of the cache that were no good, or could not be written, with the reason.
    pub refused: Vec<(String, String)>,
}

/// The cache; without a folder it keeps nothing.
#[derive(Default)]
pub(crate) struct Cache {
    folder: Mutex<Option<PathBuf>>,
    packs: Mutex<HashMap<String, Arc<Pack>>>,
    news: Mutex<BTreeMap<String, Vec<Entry>>>,
    done: Mutex<Done>,
}

/// One file of the cache in memory.
#[derive(Default)]
struct Pack {
    bytes: Vec<u8>,
    /// Place and checksum of each entry, by name.
    entries: HashMap<u64, (u128, std::ops::Range<usize>, u64)>,
}

/// Facts that are not on disk yet.
struct Entry {
    name: u64,
    key: u128,
    facts: Vec<u8>,
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

impl Cache {
    /// A cache over the same folder.
    pub(crate) fn fork(&self) -> Cache {
        Cache { folder: Mutex::new(held(&self.folder).clone()), ..Cache::default() }
    }

    /// Keeps facts below a folder from now on; an empty path keeps nothing.
    pub(crate) fn keep_in(&self, folder: &str) {
        let place = (!folder.is_empty()).then(|| Path::new(folder).join(format!("{FOLDER}{FINGERPRINT}")));
        *held(&self.folder) = place;
        held(&self.packs).clear();
    }

    /// The facts of a file of that content, if they are kept.
    pub(crate) fn find(&self, file: &LibraryFile, content: &[u8], target: &Target) -> Option<Vec<u8>> {
        let pack = self.pack(file)?;
        let (key, place, checksum) = pack.entries.get(&name_of(file))?;
        if *key != key_of(file, content, target) {
            return None;
        }
        let facts = &pack.bytes[place.clone()];
        if xxh3_64(facts) != *checksum {
            self.refuse(&pack_name(file), "the facts of a file are damaged");
            return None;
        }
        Some(facts.to_vec())
    }

    /// Notes that facts which were found are in use.
    pub(crate) fn count_found(&self) {
        held(&self.done).found += 1;
    }

    /// Facts that were found and are no facts.
    pub(crate) fn refuse(&self, name: &str, reason: &str) {
        let entry = (name.to_owned(), reason.to_owned());
        let mut done = held(&self.done);
        if !done.refused.contains(&entry) {
            done.refused.push(entry);
        }
    }

    /// Notes facts that were extracted; `write` brings them to disk.
    pub(crate) fn add(&self, file: &LibraryFile, content: &[u8], target: &Target, facts: impl FnOnce() -> Vec<u8>) {
        held(&self.done).extracted += 1;
        if held(&self.folder).is_none() {
            return;
        }
        let entry = Entry { name: name_of(file), key: key_of(file, content, target), facts: facts() };
        held(&self.news).entry(pack_name(file)).or_default().push(entry);
    }

    /// What was done so far.
    pub(crate) fn done(&self) -> Done {
        held(&self.done).clone()
    }

    /// Lets go of what was read: it is in the graph, or nobody asks for it.
    pub(crate) fn forget_read(&self) {
        held(&self.packs).clear();
    }

    /// Writes what is new. Failures are noted and cost only the facts.
    pub(crate) fn write(&self) {
        let news = std::mem::take(&mut *held(&self.news));
        let Some(folder) = held(&self.folder).clone() else { return };
        if news.is_empty() {
            return;
        }
        if let Err(error) = fs::create_dir_all(&folder) {
            self.refuse(&folder.to_string_lossy(), &error.to_string());
            return;
        }
        for (name, entries) in news {
            if let Err(error) = self.merge(&folder, &name, entries) {
                self.refuse(&name, &error.to_string());
            }
        }
        tidy(&folder);
    }

    /// Rewrites one file with what it holds and what is new. Of two facts for one name the new ones stay.
    fn merge(&self, folder: &Path, name: &str, news: Vec<Entry>) -> std::io::Result<()> {
        let place = folder.join(name);
        let old = read_pack(&place).unwrap_or_default();
        let mut entries: BTreeMap<u64, (u128, &[u8])> = BTreeMap::new();
        for (name, (key, range, checksum)) in sorted(&old) {
            let facts = &old.bytes[range.clone()];
            if xxh3_64(facts) == *checksum {
                entries.insert(name, (*key, facts));
            }
        }
        for entry in &news {
            entries.insert(entry.name, (entry.key, &entry.facts));
        }
        let mut list = Vec::with_capacity(entries.len() * ENTRY);
        let mut at = (HEAD + entries.len() * ENTRY) as u64;
        for (name, (key, facts)) in &entries {
            list.extend_from_slice(&name.to_le_bytes());
            list.extend_from_slice(&key.to_le_bytes());
            list.extend_from_slice(&at.to_le_bytes());
            list.extend_from_slice(&(facts.len() as u32).to_le_bytes());
            list.extend_from_slice(&xxh3_64(facts).to_le_bytes());
            at += facts.len() as u64;
        }
        // Two processes may write at once: each beside the place under a name of its own, and the last rename stays.
        static TURN: AtomicU64 = AtomicU64::new(0);
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let beside = folder.join(format!(".{name}.{}.{turn}", std::process::id()));
        let written = (|| {
            let mut file = std::io::BufWriter::new(fs::File::create(&beside)?);
            file.write_all(MAGIC)?;
            file.write_all(&(entries.len() as u32).to_le_bytes())?;
            file.write_all(&xxh3_64(&list).to_le_bytes())?;
            file.write_all(&list)?;
            for (_, facts) in entries.values() {
                file.write_all(facts)?;
            }
            file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_data()?;
            fs::rename(&beside, &place)
        })();
        if written.is_err() {
            // What is left beside is swept later, should this fail too.
            drop(fs::remove_file(&beside));
        }
        written
    }

    fn pack(&self, file: &LibraryFile) -> Option<Arc<Pack>> {
        let folder = held(&self.folder).clone()?;
        let name = pack_name(file);
        if let Some(known) = held(&self.packs).get(&name) {
            return Some(known.clone());
        }
        let place = folder.join(&name);
        let pack = match read_pack(&place) {
            Ok(pack) => {
                touch(&place);
                pack
            }
            Err(reason) => {
                if !reason.is_empty() {
                    self.refuse(&name, &reason);
                }
                Pack::default()
            }
        };
        Some(held(&self.packs).entry(name).or_insert_with(|| Arc::new(pack)).clone())
    }
}

fn sorted(pack: &Pack) -> BTreeMap<u64, &(u128, std::ops::Range<usize>, u64)> {
    pack.entries.iter().map(|(name, entry)| (*name, entry)).collect()
}

/// The file of the cache that holds the facts of a library file: that of its release, else of its folder.
fn pack_name(file: &LibraryFile) -> String {
    let plain = |text: &str| -> String {
        text.chars().filter(|letter| letter.is_ascii_alphanumeric() || "._+-".contains(*letter)).take(80).collect()
    };
    if file.identity.is_empty() {
        let folder = Path::new(&file.path).parent().map(Path::to_string_lossy).unwrap_or_default();
        return format!("loose-{:016x}{SUFFIX}", xxh3_64(folder.as_bytes()));
    }
    let exact = id_of(&[file.distribution.as_bytes(), file.version.as_bytes()]);
    format!("{}-{}-{:08x}{SUFFIX}", plain(&file.distribution), plain(&file.version), exact as u32)
}

/// What names the facts of a file in its release.
fn name_of(file: &LibraryFile) -> u64 {
    let name = if file.identity.is_empty() { &file.uri } else { &file.identity };
    id_of(&[name.as_bytes(), &[u8::from(file.outline())]])
}

/// All that facts depend on, beside the extractor.
fn key_of(file: &LibraryFile, content: &[u8], target: &Target) -> u128 {
    let flags = [u8::from(file.is_package), u8::from(file.is_stub), u8::from(file.outline())];
    let rank = file.search_rank.to_le_bytes();
    let mut said: Vec<u8> = Vec::with_capacity(256);
    let name = if file.identity.is_empty() { &file.uri } else { &file.identity };
    // Branches are decided for a target, so its facts are its own.
    let version = [target.version.0.to_le_bytes(), target.version.1.to_le_bytes()].concat();
    let texts = [name, &file.module, &file.package, &file.partition, &target.platform];
    for part in texts.map(|text| text.as_bytes()).into_iter().chain([&flags[..], &rank, &version]) {
        said.extend_from_slice(&(part.len() as u32).to_le_bytes());
        said.extend_from_slice(part);
    }
    said.extend_from_slice(&xxh3_128(content).to_le_bytes());
    xxh3_128(&said)
}

/// A file of the cache, or why it is none; no reason if it is not there.
fn read_pack(place: &Path) -> Result<Pack, String> {
    if !place.exists() {
        return Err(String::new());
    }
    let limit = usize::try_from(MOST_BYTES).unwrap_or(usize::MAX);
    let bytes = super::read(place, limit).map_err(|code| code.as_str().to_owned())?;
    let damaged = || "it is damaged".to_owned();
    let word = |at: usize| bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map(u64::from_le_bytes);
    let half = |at: usize| bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map(u32::from_le_bytes);
    if bytes.get(..8) != Some(MAGIC) {
        return Err("it is no file of facts".to_owned());
    }
    let count = half(8).ok_or_else(damaged)? as usize;
    let end = count.checked_mul(ENTRY).and_then(|size| size.checked_add(HEAD)).ok_or_else(damaged)?;
    let list = bytes.get(HEAD..end).ok_or_else(damaged)?;
    if Some(xxh3_64(list)) != word(12) {
        return Err(damaged());
    }
    let mut entries = HashMap::with_capacity(count);
    for at in (HEAD..end).step_by(ENTRY) {
        let key = bytes.get(at + 8..at + 24).and_then(|key| key.try_into().ok()).map(u128::from_le_bytes);
        let (Some(name), Some(key), Some(start), Some(length), Some(checksum)) =
            (word(at), key, word(at + 24), half(at + 32), word(at + 36))
        else {
            return Err(damaged());
        };
        let start = usize::try_from(start).map_err(|_| damaged())?;
        let range = start..start.checked_add(length as usize).ok_or_else(damaged)?;
        if range.end > bytes.len() {
            return Err(damaged());
        }
        entries.insert(name, (key, range, checksum));
    }
    Ok(Pack { bytes, entries })
}

/// Notes that a file was used; one that cannot be touched is merely thought to be older.
fn touch(place: &Path) {
    if let Ok(file) = fs::OpenOptions::new().append(true).open(place) {
        drop(file.set_modified(SystemTime::now()));
    }
}

/// Keeps the cache within its bounds: old files go, leftovers of a crash, and folders of extractors that nobody uses.
/// What cannot be removed is left for the next time.
fn tidy(folder: &Path) {
    let now = SystemTime::now();
    let mut files: Vec<(SystemTime, u64, PathBuf)> = listed(folder);
    files.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.2.cmp(&right.2)));
    let mut sum = 0;
    for (used, size, place) in files {
        sum += size;
        let leftover = place.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_old = now.duration_since(used).is_ok_and(|age| age > Duration::from_secs(3600));
        if sum > MOST_BYTES || (leftover && is_old) {
            drop(fs::remove_file(place));
        }
    }
    let Some(parent) = folder.parent() else { return };
    for other in fs::read_dir(parent).into_iter().flatten().flatten() {
        let place = other.path();
        let is_ours = other.file_name().to_string_lossy().strip_prefix(FOLDER).is_some_and(|rest| rest.len() == 16);
        if place == folder || !is_ours || !place.is_dir() {
            continue;
        }
        let is_used =
            listed(&place).iter().any(|(used, _, _)| now.duration_since(*used).unwrap_or_default() < OTHERS_LIVE);
        if !is_used {
            drop(fs::remove_dir_all(place));
        }
    }
}

/// Time, size and path of the files of a folder.
fn listed(folder: &Path) -> Vec<(SystemTime, u64, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().contains(SUFFIX))
        .filter_map(|entry| {
            let status = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((status.modified().ok()?, status.len(), entry.path()))
        })
        .collect()
}
