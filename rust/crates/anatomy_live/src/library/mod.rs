//! Library files: read here, by the paths that the search path led to, and extracted like any other file.
//!
//! The ids of a library file hash its distribution, version and path inside it, not the folder that it happens to be
//! installed in: two environments with the same release have the same rows but for the column `file`.

pub(crate) mod cache;
pub(crate) mod pack;

use std::io::Read;
use std::path::Path;

use anatomy_facts::ErrorCode;
use anatomy_facts::codes::Severity;
use anatomy_facts::facts::ParseError;
use anatomy_syntax::ModuleContext;
use serde::Deserialize;

use crate::files::Origin;

/// A file of a library, as the search path found it.
#[derive(Clone, Debug, Deserialize)]
pub struct LibraryFile {
    /// Its URI, by which the graph and editors know it.
    pub uri: String,
    /// Its path on disk.
    pub path: String,
    /// What its ids hash in place of its path.
    pub identity: String,
    /// Dotted name that imports use.
    pub module: String,
    /// Package against which relative imports resolve.
    pub package: String,
    /// An `__init__` file.
    pub is_package: bool,
    /// A `.pyi` file.
    pub is_stub: bool,
    /// `library` or `stdlib`.
    pub partition: String,
    /// Place in the order of search, behind all of the workspace.
    pub search_rank: u32,
    /// Path of the source that a stub describes; empty if there is none.
    #[serde(default)]
    pub source: String,
    /// Distribution that brought it; empty if none says so.
    #[serde(default)]
    pub distribution: String,
    /// Version of the distribution.
    #[serde(default)]
    pub version: String,
}

impl LibraryFile {
    pub(crate) fn context(&self) -> ModuleContext {
        ModuleContext {
            module: self.module.clone(),
            package: self.package.clone(),
            is_package: self.is_package,
            is_stub: self.is_stub,
            partition: self.partition.clone(),
            search_rank: self.search_rank,
            identity: self.identity.clone(),
            outline: self.outline(),
            ..ModuleContext::default()
        }
    }

    /// Where it comes from.
    pub(crate) fn origin(&self) -> Origin {
        Origin { distribution: self.distribution.clone(), version: self.version.clone(), source: self.source.clone() }
    }

    /// Whether only what others can ask about is extracted: in source that no stub speaks for.
    pub(crate) fn outline(&self) -> bool {
        self.partition == "library" && !self.is_stub
    }
}

/// The bytes of a regular file of at most `limit` bytes. Opening does not wait, should it be a pipe.
///
/// # Errors
/// The code of what forbids reading it.
pub(crate) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, ErrorCode> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        const O_NONBLOCK: i32 = if cfg!(target_os = "macos") { 0x0004 } else { 0x0800 };
        options.custom_flags(O_NONBLOCK);
    }
    let file = options.open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ErrorCode::SourceVanished,
        _ => ErrorCode::SourceUnreadable,
    })?;
    let status = file.metadata().map_err(|_| ErrorCode::SourceUnreadable)?;
    if !status.is_file() {
        return Err(ErrorCode::SourceUnreadable);
    }
    if status.len() > limit as u64 {
        return Err(ErrorCode::SourceTooLarge);
    }
    let mut content = Vec::with_capacity(status.len() as usize + 1);
    file.take(limit as u64 + 1).read_to_end(&mut content).map_err(|_| ErrorCode::SourceUnreadable)?;
    if content.len() > limit { Err(ErrorCode::SourceTooLarge) } else { Ok(content) }
}

/// What is said of a file that could not be read.
pub(crate) fn not_read(code: ErrorCode) -> ParseError {
    ParseError {
        start: 0,
        end: 0,
        code,
        severity: Severity::Warning,
        node_kind: "file",
        message: code.doc().to_owned(),
        related: None,
    }
}
