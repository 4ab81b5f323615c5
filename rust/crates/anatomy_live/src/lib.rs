//! A workspace kept alive: open documents and closed files feed one engine; questions are answered from its snapshots.
//!
//! Brings syntax and engine together and adds places (anchors), which no view may read. Reads no file: text is given.
#![warn(missing_docs)]

mod answer;
mod files;
mod signature;
mod workspace;

pub use answer::folding::FoldingLimits;
pub use answer::lenses::LensOptions;
pub use answer::signature::ParameterLabels;
pub use answer::{Answers, CompletionWishes};
pub use files::{FileView, Files};
pub use workspace::{CommitReport, SourceFile, Workspace};
