//! The image of a workspace: its graph and the places of its files, as they were, for the next start.
//!
//! Sections beside those of the relations: `about` (JSON: of which form, program and conditions it is), `symbols` (Utf8, by number),
//! `files` (see [`files`]) and `workspace` (bytes of whoever keeps the workspace, which mean nothing here). An image of another engine,
//! another program or other conditions is none.

mod files;

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anatomy_engine::store::Snapshot;
use anatomy_engine::store::image::{Image, ImageWriter, damaged, decoded};
use anatomy_engine::{Engine, EngineError};
use anatomy_facts::{ErrorCode, Stage, Symbol};
use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde::{Deserialize, Serialize};

use crate::answer::Answers;
use crate::files::Files;
use crate::workspace::manifest;

pub(crate) use self::files::PlacesInImage;

/// Hash of the source of everything that decides how an image is written.
const FORM: &str = env!("IMAGE_FINGERPRINT");
/// Texts that are written at once.
const STEP: u32 = 1 << 16;

#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
struct About {
    form: String,
    program: String,
    conditions: String,
}

impl About {
    fn new(program: &str, conditions: &str) -> About {
        About { form: FORM.to_owned(), program: program.to_owned(), conditions: conditions.to_owned() }
    }
}

/// An image that fits and whose symbols are ours.
pub struct WorkspaceImage {
    image: Image,
    place: PathBuf,
    /// For each symbol of the image which one it is here; `None` if all are the same.
    moved: Option<Vec<u32>>,
}

/// What an image holds, once it is in use.
pub(crate) struct Restored {
    pub(crate) snapshot: Snapshot,
    pub(crate) files: Files,
    pub(crate) workspace: Vec<u8>,
}

impl WorkspaceImage {
    /// Opens the image at a place if there is one of this engine, this program and these conditions. Best done before anything
    /// else names things: what has its number already need not be copied.
    ///
    /// # Errors
    /// `image-refused` with what is wrong with it; `Ok(None)` if there is none, or one of something else.
    pub fn open(place: &Path, program: &[u8], conditions: &str) -> Result<Option<WorkspaceImage>, EngineError> {
        match WorkspaceImage::opened(place, program, conditions) {
            Ok(image) => Ok(image),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused(place, &error)),
        }
    }

    /// Gives names here the numbers that they have in the image at a place, if there is one that is whole so far.
    pub fn adopt_symbols(place: &Path) {
        // Whoever opens the image hears what is wrong with it.
        drop(Image::open(place).and_then(|image| symbols_of(&image)));
    }

    fn opened(place: &Path, program: &[u8], conditions: &str) -> std::io::Result<Option<WorkspaceImage>> {
        let image = Image::open(place)?;
        let about: About = serde_json::from_slice(&image.checked("about")?)?;
        let program = manifest(program).map_err(|error| Error::new(ErrorKind::InvalidInput, error.message))?;
        if about != About::new(&program.fingerprint, conditions) {
            return Ok(None);
        }
        let moved = symbols_of(&image)?;
        Ok(Some(WorkspaceImage { image, place: place.to_owned(), moved }))
    }

    /// Whether what it holds has to be copied, because other things were named before it was opened.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        self.moved.is_some()
    }

    /// Compares everything with its checksums.
    ///
    /// # Errors
    /// `image-refused`.
    pub fn verify(&self) -> Result<(), EngineError> {
        self.image.verify(&self.place).map_err(|error| refused(&self.place, &error))
    }

    /// What it holds. `verify` comes first.
    pub(crate) fn read(&self, engine: &Engine) -> Result<Restored, EngineError> {
        let restored = || -> std::io::Result<Restored> {
            let moved = self.moved.as_deref();
            Ok(Restored {
                snapshot: engine.read_image(&self.image, moved)?,
                files: files::read(&self.image, moved)?,
                workspace: self.image.section("workspace").map(|bytes| bytes.to_vec()).unwrap_or_default(),
            })
        };
        restored().map_err(|error| refused(&self.place, &error))
    }
}

impl Answers {
    /// Writes an image of this snapshot, with bytes about the workspace; the bytes of the image.
    ///
    /// # Errors
    /// `image-not-written`; what was in the place then still is.
    pub(crate) fn write_image(&self, place: &Path, conditions: &str, workspace: &[u8]) -> Result<u64, EngineError> {
        let write = || -> std::io::Result<u64> {
            let mut writer = ImageWriter::create(place)?;
            let about = serde_json::to_vec(&About::new(&self.engine().manifest().fingerprint, conditions))?;
            writer.section::<Error>("about", |out| out.write_all(&about))?;
            symbols(&mut writer)?;
            writer.section::<Error>("workspace", |out| out.write_all(workspace))?;
            files::write(&mut writer, self.files())?;
            self.engine().write_image(self.snapshot(), &mut writer)?;
            writer.finish()
        };
        write().map_err(|error| {
            let hint = "free some space or name another folder in CODEANATOMY_CACHE_DIR";
            let message = format!("{}: {error}", place.display());
            EngineError::new(ErrorCode::ImageNotWritten, Stage::Persist, message, hint)
        })
    }

    /// What was just written of this snapshot, as it lies in the image: to be put in the place of what is in memory.
    pub(crate) fn reread(&self, place: &Path, conditions: &str) -> Result<(Snapshot, Files), EngineError> {
        let read = || -> std::io::Result<(Snapshot, Files)> {
            let image = Image::open(place)?;
            let about: About = serde_json::from_slice(&image.checked("about")?)?;
            if about != About::new(&self.engine().manifest().fingerprint, conditions) {
                return Err(damaged("another one took its place"));
            }
            Ok((self.engine().read_image(&image, None)?, files::read(&image, None)?))
        };
        read().map_err(|error| refused(place, &error))
    }
}

/// Interns the texts of an image; for each the number that it has here, or `None` if all are the same.
fn symbols_of(image: &Image) -> std::io::Result<Option<Vec<u32>>> {
    // What is interned is so for ever, and the map with it.
    let batches: &'static [RecordBatch] = Box::leak(decoded(image.checked("symbols")?)?.into_boxed_slice());
    let mut texts = Vec::new();
    for batch in batches {
        let column = batch.columns().first().and_then(|column| column.as_string_opt::<i32>());
        texts.extend(column.ok_or_else(|| damaged("its symbols are no texts"))?.iter().map(Option::unwrap_or_default));
    }
    Ok(Symbol::adopt(&texts))
}

fn symbols(writer: &mut ImageWriter) -> std::io::Result<()> {
    let count = Symbol::census().0 as u32;
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
    let batches = (0..count).step_by(STEP as usize).map(|start| {
        let texts: StringArray = Symbol::texts(start..count.min(start + STEP)).into_iter().map(Some).collect();
        let column: ArrayRef = Arc::new(texts);
        RecordBatch::try_new(schema.clone(), vec![column]).expect("the column has the schema's type")
    });
    writer.batches("symbols", &schema, batches)
}

fn refused(place: &Path, error: &Error) -> EngineError {
    let message = format!("{}: {error}", place.display());
    EngineError::new(ErrorCode::ImageRefused, Stage::Persist, message, "nothing has to be done: the sources are read")
}
