//! A workspace kept alive: open documents and closed files feed one engine; questions are answered from its snapshots.
//!
//! Brings syntax and engine together and adds places (anchors), which no view may read. Reads no file of the workspace:
//! their text is given. Library files it reads itself, by the paths that it is given.
#![warn(missing_docs)]

mod answer;
mod docstring;
mod environment;
mod files;
mod image;
mod library;
mod signature;
mod sources;
mod wanted;
mod wants;
mod witness;
mod workspace;

pub use answer::folding::FoldingLimits;
pub use answer::inlay::Hints;
pub use answer::lenses::LensOptions;
pub use answer::signature::ParameterLabels;
pub use answer::tokens::{EditorRange, MODIFIERS, TYPES, semantic_tokens_edits};
pub use answer::{Answers, CompletionWishes};
pub use files::{FileView, Files, Origin};
pub use image::WorkspaceImage;
pub use library::LibraryFile;
pub use library::cache::Done;
pub use witness::stamp_of;
pub use workspace::{CommitReport, Compiled, SourceFile, Workspace, manifest, policy};
