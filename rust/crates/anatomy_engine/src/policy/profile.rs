//! Under which policy a program runs: what trades time against time. No choice here changes a row.

use serde::{Deserialize, Serialize};

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Edits and first builds alike.
    #[default]
    Default,
    /// Edits: keyed runs longer, so that no burst of changes waits for a whole run.
    LowLatency,
    /// Comparing runs: no size decides how a view runs.
    Replay,
    /// What validation finds is refused.
    Strict,
}

/// What becomes of what validation finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validation {
    /// Nobody looks.
    Off,
    /// It is told.
    #[default]
    Warn,
    /// A program with findings is refused, and rows that break their contract are not stored.
    Error,
}

/// What becomes of measured times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibration {
    /// Thresholds stay as they are.
    Off,
    /// What they say is told as a decision, and not done.
    #[default]
    Warn,
    /// What they say is done where it pays.
    Enforce,
}

/// The kinds of work; each runs under the profile that suits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Workload {
    /// A first build.
    ColdIndex,
    /// A few changed files.
    Edit,
    /// Many changed files: a checkout.
    Burst,
}

impl Workload {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Workload::ColdIndex => "cold_index",
            Workload::Edit => "edit",
            Workload::Burst => "burst",
        }
    }
}

/// A policy. Under any two of them a program has the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// What runs are for.
    pub profile: Profile,
    /// What becomes of findings.
    pub validation: Validation,
    /// What becomes of measured times.
    pub calibration: Calibration,
    /// Whether runs are recorded.
    pub artifacts: bool,
    /// Fewer changed files than this never run whole; empty for that of the profile.
    pub many_files: Option<usize>,
    /// One file in this many changed: whole; empty for that of the profile.
    pub share: Option<usize>,
    /// Megabytes of memory beyond which a commit is given up; 0 for no bound.
    pub memory_mb: usize,
    /// Rows of a block of joins up to which it starts from a leaf in a whole run; empty for that of the profile.
    pub chain_rows: Option<usize>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            profile: Profile::Default,
            validation: Validation::Warn,
            calibration: Calibration::Warn,
            artifacts: true,
            many_files: None,
            share: None,
            memory_mb: 0,
            chain_rows: None,
        }
    }
}

impl Policy {
    /// What becomes of findings, under the profile.
    #[must_use]
    pub fn validation(&self) -> Validation {
        if self.profile == Profile::Strict { Validation::Error } else { self.validation }
    }

    /// What becomes of measured times, under the profile: a replay is not to depend on them.
    #[must_use]
    pub fn calibration(&self) -> Calibration {
        if self.profile == Profile::Replay { Calibration::Off } else { self.calibration }
    }
}
