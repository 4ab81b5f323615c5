//! The image: named sections of bytes in one file, which is mapped into memory and not read.
//!
//! It is disposable: whatever is wrong with it, the sources are the truth. It is written under another name, brought to disk and
//! renamed, so that a kill leaves the old one or the new one, and never changed after that. Nothing of a section is used before
//! its checksum was compared.
//!
//! Layout: the magic, then each section at a multiple of 64 bytes, then the directory (JSON: name, start, length and xxh3-64 of each),
//! then where the directory starts, its length, its xxh3-64 and the magic again, all numbers 64 bits little-endian.

mod relation;

pub use self::relation::{decoded, list};

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use memmap2::Mmap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::fault::{Fallible, fail_at};

const MAGIC: &[u8; 8] = b"CAimage1";
const ALIGNMENT: u64 = 64;
/// Bytes behind the directory.
const TRAILER: u64 = 32;
/// Bytes that are compared with a checksum at once.
const STEP: usize = 1 << 20;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Section {
    name: String,
    start: u64,
    length: u64,
    checksum: u64,
}

/// An image on its way to disk.
pub struct ImageWriter {
    place: PathBuf,
    beside: PathBuf,
    file: BufWriter<Fallible<File>>,
    at: u64,
    sections: Vec<Section>,
}

impl ImageWriter {
    /// Begins an image that will have this place; the folder is made, for the user alone.
    ///
    /// # Errors
    /// Whatever forbids it.
    pub fn create(place: &Path) -> Result<ImageWriter> {
        static TURN: AtomicU64 = AtomicU64::new(0);
        fail_at("image.create")?;
        let folder = place.parent().ok_or_else(|| Error::other("an image needs a folder"))?;
        let mut builder = fs::DirBuilder::new();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
            builder.mode(0o700);
            options.mode(0o600);
        }
        builder.recursive(true).create(folder)?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let turn = TURN.fetch_add(1, Ordering::Relaxed);
        let beside = folder.join(format!(".{name}.{}.{turn}", std::process::id()));
        let file = BufWriter::with_capacity(1 << 18, Fallible::new(options.open(&beside)?, "image.write"));
        let mut writer = ImageWriter { place: place.to_owned(), beside, file, at: 0, sections: Vec::new() };
        writer.raw(MAGIC)?;
        Ok(writer)
    }

    /// Adds a section, whose bytes a function writes.
    ///
    /// # Errors
    /// Those of the disk and of the function.
    pub fn section<E: From<Error>>(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let padding = self.at.next_multiple_of(ALIGNMENT) - self.at;
        self.raw(&[0; ALIGNMENT as usize][..padding as usize])?;
        let mut counted = Counted { file: &mut self.file, length: 0, hash: Xxh3::new() };
        write(&mut counted)?;
        let (length, checksum) = (counted.length, counted.hash.digest());
        self.sections.push(Section { name: name.to_owned(), start: self.at, length, checksum });
        self.at += length;
        Ok(())
    }

    /// Brings everything to disk and lets it take its place; the bytes of the image.
    ///
    /// # Errors
    /// Those of the disk; what stood in the place then still does.
    pub fn finish(mut self) -> Result<u64> {
        let directory = serde_json::to_vec(&self.sections)?;
        let start = self.at;
        self.raw(&directory)?;
        for number in [start, directory.len() as u64, xxh3_64(&directory)] {
            self.raw(&number.to_le_bytes())?;
        }
        self.raw(MAGIC)?;
        self.file.flush()?;
        fail_at("image.sync")?;
        // Closed first: some systems rename nothing that is open.
        self.file.get_ref().get_ref().sync_all()?;
        fail_at("image.rename")?;
        fs::rename(&self.beside, &self.place)?;
        fail_at("image.settle")?;
        #[cfg(unix)]
        if let Some(folder) = self.place.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(self.at)
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len() as u64;
        self.file.write_all(bytes)
    }
}

impl Drop for ImageWriter {
    fn drop(&mut self) {
        // After `finish` there is no such file any more; what cannot be removed is swept by whoever tidies the folder.
        drop(fs::remove_file(&self.beside));
    }
}

struct Counted<'a> {
    file: &'a mut BufWriter<Fallible<File>>,
    length: u64,
    hash: Xxh3,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush()
    }
}

/// An image that is mapped into memory.
#[derive(Clone, Debug)]
pub struct Image {
    bytes: Bytes,
    sections: Vec<Section>,
}

impl Image {
    /// Maps an image. `verify` has to be called before anything of it is used, except what `checked` gives.
    ///
    /// # Errors
    /// `NotFound` if there is none; what is wrong with it.
    pub fn open(place: &Path) -> Result<Image> {
        let file = File::open(place)?;
        if !file.metadata()?.is_file() {
            return Err(damaged("it is no regular file"));
        }
        #[expect(unsafe_code, reason = "memory that is a file cannot be had otherwise")]
        // SAFETY: nobody writes to an image that has its name: another one takes its place by `rename`, and this one lives until it is
        // unmapped. The folder belongs to the user alone.
        let map = unsafe { Mmap::map(&file)? };
        let bytes = Bytes::from_owner(map);
        let length = bytes.len() as u64;
        let trailer = length.checked_sub(TRAILER).filter(|at| *at >= 8).ok_or_else(|| damaged("it is too short"))?;
        let number = |at: u64| {
            let word = bytes.get(at as usize..at as usize + 8).and_then(|word| word.try_into().ok());
            word.map(u64::from_le_bytes).unwrap_or_default()
        };
        if &bytes[..8] != MAGIC || &bytes[(length - 8) as usize..] != MAGIC {
            return Err(damaged("it does not begin and end like one"));
        }
        let (start, size) = (number(trailer), number(trailer + 8));
        let directory = start
            .checked_add(size)
            .filter(|end| *end == trailer)
            .map(|end| &bytes[start as usize..end as usize])
            .filter(|directory| xxh3_64(directory) == number(trailer + 16))
            .ok_or_else(|| damaged("its directory is damaged"))?;
        let sections: Vec<Section> = serde_json::from_slice(directory)?;
        let fits = |section: &Section| {
            section.start.checked_add(section.length).is_some_and(|end| end <= start)
                && section.start.is_multiple_of(ALIGNMENT)
        };
        if !sections.iter().all(fits) {
            return Err(damaged("a section lies outside"));
        }
        Ok(Image { bytes, sections })
    }

    /// Compares every section with its checksum, on all threads. The file is read for that and not touched through the map, so
    /// that it takes no memory of this process.
    ///
    /// # Errors
    /// The first section that is damaged; those of the disk.
    pub fn verify(&self, place: &Path) -> Result<()> {
        let file = File::open(place)?;
        if file.metadata()?.len() != self.bytes.len() as u64 {
            return Err(damaged("another one took its place"));
        }
        let mut sections: Vec<&Section> = self.sections.iter().collect();
        sections.sort_by_key(|section| std::cmp::Reverse(section.length));
        sections.par_iter().try_for_each(|section| {
            let mut hash = Xxh3::new();
            let mut step = vec![0; STEP.min(section.length as usize)];
            let (mut at, end) = (section.start, section.start + section.length);
            while at < end {
                let part = &mut step[..STEP.min((end - at) as usize)];
                read_at(&file, part, at)?;
                hash.update(part);
                at += part.len() as u64;
            }
            fail_at("image.verify")?;
            let is_whole = hash.digest() == section.checksum;
            if is_whole { Ok(()) } else { Err(damaged(&format!("its section `{}` is damaged", section.name))) }
        })
    }

    /// The bytes of a section, if there is one of that name. Only after `verify`.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<Bytes> {
        let section = self.sections.iter().find(|section| section.name == name)?;
        Some(self.bytes.slice(section.start as usize..(section.start + section.length) as usize))
    }

    /// The bytes of a small section that is needed before all of them are verified.
    ///
    /// # Errors
    /// If there is none of that name, or it is damaged.
    pub fn checked(&self, name: &str) -> Result<Bytes> {
        let section = self.sections.iter().find(|section| section.name == name);
        let section = section.ok_or_else(|| damaged(&format!("it has no section `{name}`")))?;
        let bytes = self.bytes.slice(section.start as usize..(section.start + section.length) as usize);
        if xxh3_64(&bytes) == section.checksum {
            Ok(bytes)
        } else {
            Err(damaged(&format!("its section `{name}` is damaged")))
        }
    }

    /// Bytes of the file.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no image is empty")]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// What an image is refused for.
#[must_use]
pub fn damaged(reason: &str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut at: u64) -> Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, at)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            read => (bytes, at) = (&mut bytes[read..], at + read as u64),
        }
    }
    Ok(())
}
