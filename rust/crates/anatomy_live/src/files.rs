//! What is known about each file beside its evidence: places of ids, lines, syntax errors.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use anatomy_facts::facts::ParseError;
use anatomy_facts::{Anchor, AnchorKind, Id, Symbol};
use anatomy_syntax::{ChangedRange, Document, TextIndex};

use crate::image::PlacesInImage;
use crate::wants::Want;

/// A word is never longer than this, so that searches start close by.
const LONGEST_WORD: u32 = 4096;

/// Where the ids of one text stand.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Sorted by start.
    anchors: Vec<Anchor>,
    /// Positions in `anchors`, sorted by id.
    by_id: Vec<u32>,
    /// Heads of classes and functions.
    heads: HashMap<Id, Box<str>>,
    /// Lines and wide characters.
    index: TextIndex,
}

impl Default for Held {
    fn default() -> Self {
        Held::Here(Places::default())
    }
}

impl Places {
    pub(crate) fn new(anchors: Vec<Anchor>, heads: HashMap<Id, Box<str>>, index: TextIndex) -> Self {
        let mut by_id: Vec<u32> = (0..anchors.len() as u32).collect();
        by_id.sort_by_key(|&at| (anchors[at as usize].id, at));
        Places { anchors, by_id, heads, index }
    }
}

/// Places that are here, or in an image until somebody asks.
#[derive(Debug)]
enum Held {
    Here(Places),
    InImage(PlacesInImage, OnceLock<Box<Places>>),
}

/// One file at one text.
#[derive(Debug, Default)]
pub struct FileView {
    places: Held,
    /// Syntax errors.
    pub errors: Vec<ParseError>,
    /// Ranges of the last edit, for open documents.
    pub changed_ranges: Vec<ChangedRange>,
    /// What the text is recognised by; 0 for a library file.
    pub stamp: u64,
    /// Version of the open document; `None` for a closed file.
    pub version: Option<i64>,
    /// Text and tree, where an editor has the file open.
    pub document: Option<Document>,
    /// The module that it is.
    pub module: Symbol,
    /// Modules that it wants.
    pub(crate) wants: Box<[Want]>,
    /// Where a library file comes from; `None` for a file of the workspace.
    pub origin: Option<Box<Origin>>,
}

/// Where a library file comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// Distribution that brought it; empty if none says so.
    pub distribution: String,
    /// Version of the distribution.
    pub version: String,
    /// Path of the source that a stub describes; empty if there is none.
    pub source: String,
}

impl FileView {
    /// A file of the given places.
    #[must_use]
    pub fn new(
        anchors: Vec<Anchor>,
        heads: HashMap<Id, Box<str>>,
        index: TextIndex,
        errors: Vec<ParseError>,
        changed_ranges: Vec<ChangedRange>,
        version: Option<i64>,
    ) -> Self {
        let places = Held::Here(Places::new(anchors, heads, index));
        FileView { places, errors, changed_ranges, version, ..FileView::default() }
    }

    /// A file whose places lie in an image.
    pub(crate) fn in_image(places: PlacesInImage, errors: Vec<ParseError>) -> Self {
        FileView { places: Held::InImage(places, OnceLock::new()), errors, ..FileView::default() }
    }

    /// The same file as another view of it says, with places that lie in an image.
    pub(crate) fn settled(&self, other: FileView) -> FileView {
        FileView {
            places: other.places,
            errors: self.errors.clone(),
            changed_ranges: self.changed_ranges.clone(),
            version: self.version,
            document: self.document.clone(),
            module: self.module,
            stamp: self.stamp,
            wants: self.wants.clone(),
            origin: self.origin.clone(),
        }
    }

    fn places(&self) -> &Places {
        match &self.places {
            Held::Here(places) => places,
            Held::InImage(places, read) => read.get_or_init(|| Box::new(places.read())),
        }
    }

    /// All places, sorted by start.
    #[must_use]
    pub fn anchors(&self) -> &[Anchor] {
        &self.places().anchors
    }

    /// Lines and wide characters.
    #[must_use]
    pub fn index(&self) -> &TextIndex {
        &self.places().index
    }

    /// Heads of classes and functions, sorted by their ids.
    pub(crate) fn heads(&self) -> Vec<(Id, &str)> {
        let mut heads: Vec<(Id, &str)> = self.places().heads.iter().map(|(id, head)| (*id, head.as_ref())).collect();
        heads.sort_unstable();
        heads
    }

    /// The head of a class or function of this file: `def discount(order)`.
    #[must_use]
    pub fn head(&self, id: Id) -> Option<&str> {
        self.places().heads.get(&id).map(AsRef::as_ref)
    }

    /// The place of an id, if this file has it.
    #[must_use]
    pub fn anchor(&self, id: Id) -> Option<&Anchor> {
        let Places { anchors, by_id, .. } = self.places();
        let first = by_id.partition_point(|&at| anchors[at as usize].id < id);
        let anchor = &anchors[*by_id.get(first)? as usize];
        (anchor.id == id).then_some(anchor)
    }

    /// Words (references and bindings) that hold the offset, references first. A cursor behind the last letter counts.
    #[must_use]
    pub fn words_at(&self, offset: u32) -> Vec<&Anchor> {
        let anchors = self.anchors();
        let first = anchors.partition_point(|anchor| anchor.start + LONGEST_WORD < offset);
        let mut found: Vec<&Anchor> = anchors[first..]
            .iter()
            .take_while(|anchor| anchor.start <= offset)
            .filter(|anchor| {
                matches!(anchor.kind, AnchorKind::Binding | AnchorKind::Reference)
                    && offset <= anchor.end
                    && anchor.start < anchor.end
            })
            .collect();
        // Between two words the one that starts here is meant.
        found.sort_by_key(|anchor| {
            (anchor.end == offset, anchor.kind != AnchorKind::Reference, anchor.end - anchor.start)
        });
        let inside = found.first().is_some_and(|anchor| anchor.end != offset);
        if inside {
            found.retain(|anchor| anchor.end != offset);
        }
        found
    }

    /// Expressions no longer than a word can be that hold the offset, the shortest last.
    pub fn literals_at(&self, offset: u32) -> impl Iterator<Item = &Anchor> {
        let anchors = self.anchors();
        let first = anchors.partition_point(|anchor| anchor.start + LONGEST_WORD < offset);
        anchors[first..].iter().take_while(move |anchor| anchor.start < offset).filter(move |anchor| {
            anchor.kind == AnchorKind::Expression && offset < anchor.end && anchor.end - anchor.start < LONGEST_WORD
        })
    }

    /// The expression that ends at an offset, as the callee before an opening bracket does: the word of a name or attribute,
    /// or the shortest other expression.
    #[must_use]
    pub fn expression_ending_at(&self, offset: u32) -> Option<&Anchor> {
        let ending = self.anchors().iter().take_while(|anchor| anchor.start < offset).filter(|anchor| {
            let end = if anchor.kind == AnchorKind::Reference { anchor.end } else { anchor.extent_end };
            end == offset && matches!(anchor.kind, AnchorKind::Reference | AnchorKind::Expression)
        });
        ending.min_by_key(|anchor| (anchor.kind != AnchorKind::Reference, anchor.extent_end - anchor.extent_start))
    }

    /// Bytes held in memory of our own.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let bytes = |places: &Places| {
            places.anchors.capacity() * size_of::<Anchor>() + places.by_id.capacity() * 4 + places.index.heap_bytes()
        };
        match &self.places {
            Held::Here(places) => bytes(places),
            Held::InImage(_, read) => read.get().map_or(0, |places| bytes(places)),
        }
    }
}

/// All files of one snapshot, by interned path.
pub type Files = HashMap<Symbol, Arc<FileView>>;
