//! Python text to syntax errors and evidence rows.
//!
//! Three doors. [`Document`] keeps an open editor's text in step with its tree and errors, edit by edit. [`parse_file`]
//! does the same once for the bytes of a closed file. [`extract::extract`] turns a tree into the rows of every evidence
//! table and the places of their ids. Beside them, what editors ask of the shape of a text alone: [`folding`], [`selection`]
//! and the call at the cursor ([`call_site`]). Broken source is normal input: nothing here fails or panics for it.
//!
//! This room knows trees and positions. It knows no DataFusion, no disk, no other file than the one it is given, and
//! decides nothing about what a name means outside of that file.
#![warn(missing_docs)]

pub mod call_site;
pub mod cursor;
pub mod definitions;
pub mod document;
pub mod errors;
pub mod extract;
pub mod folding;
pub mod hint_sites;
pub mod import_block;
pub mod lsp;
pub mod parse;
pub mod position;
pub mod selection;
pub mod source;

pub use call_site::{CallSite, Given, call_at};
pub use document::{Change, ChangeError, ChangedRange, Document, changes_from_json};
pub use errors::{CELL_END, Run, syntax_errors, syntax_errors_of};
pub use extract::{ModuleContext, Target, extract, extract_file};
pub use folding::{Fold, FoldKind, folds};
pub use parse::{Parsed, parse, parse_file, parse_file_of};
pub use position::{PositionEncoding, TextIndex};
