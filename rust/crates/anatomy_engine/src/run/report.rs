//! What ran, and what did not: one line for each view that was touched.

use serde::Serialize;

/// How a view or a commit was brought up to date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing had to run.
    #[default]
    None,
    /// For the touched keys.
    Keyed,
    /// Whole.
    Full,
}

/// One view of one commit.
#[derive(Clone, Debug, Serialize)]
pub struct ViewRun {
    /// Name of the view.
    pub view: String,
    /// How it ran.
    pub mode: Mode,
    /// Why it ran this way, where that was a choice.
    pub reason: &'static str,
    /// Keys that were recomputed (0 for a full run).
    pub keys: usize,
    /// Rows that came.
    pub inserted: usize,
    /// Rows that left.
    pub deleted: usize,
    /// Microseconds.
    pub micros: u64,
    /// Where they went.
    #[serde(skip)]
    pub(crate) stages: Stages,
}

/// The stages of one run of a view: rows that went in and out, and microseconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stages {
    /// Since the commit began.
    pub(crate) start: u32,
    pub(crate) rows_in: u32,
    pub(crate) rows_out: u32,
    pub(crate) impact: u32,
    pub(crate) run: u32,
    pub(crate) store: u32,
}

/// One commit.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Generation of the snapshot that it made.
    pub generation: u64,
    /// How.
    pub mode: Mode,
    /// Evidence tables whose rows changed, with inserted and deleted rows.
    pub evidence: Vec<(String, usize, usize)>,
    /// Views that ran, in order. A view that is not here did not run.
    pub views: Vec<ViewRun>,
    /// Microseconds for the whole refresh.
    pub micros: u64,
    /// Of these, for finding which rows of evidence changed.
    pub diff_micros: u64,
    /// Names the commit in the tables that tell what ran.
    pub commit: u64,
    /// Rows that stand at the last level of a recursive view: it may go deeper.
    pub depth_limit: Vec<(String, usize)>,
}
