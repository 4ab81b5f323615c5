//! Whether a commit runs views whole or for the touched keys.
//!
//! A keyed run costs by the keys, a whole run by the workspace. With a third of the files changed, looking up a third of
//! all keys costs about as much as hashing everything once, so from there on the whole run is taken.

use super::profile::{Policy, Profile};

/// Why a commit runs whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    /// There was nothing before.
    FirstBuild,
    /// The change is a large share of the workspace.
    ManyFiles,
    /// What was measured says that it takes less time.
    Measured,
    /// The rules are others than those that the rows were made by.
    OtherProgram,
}

impl Whole {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Whole::FirstBuild => "first build",
            Whole::ManyFiles => "a large share of the files changed",
            Whole::OtherProgram => "its rules or what they read changed",
            Whole::Measured => "measured times say that it takes less time",
        }
    }
}

/// Fewer changed files than this never run whole.
const MANY_FILES: usize = 64;
/// One file in this many changed: whole.
const SHARE: usize = 3;
/// The same where nobody shall wait for a whole run.
const PATIENT_MANY_FILES: usize = 512;

/// The number of changed files from which on a commit runs whole.
pub(crate) fn whole_from(files: usize, policy: &Policy) -> usize {
    let many = match policy.profile {
        Profile::LowLatency => PATIENT_MANY_FILES,
        Profile::Default | Profile::Replay | Profile::Strict => MANY_FILES,
    };
    policy.many_files.unwrap_or(many).max(files / policy.share.unwrap_or(SHARE).max(1))
}

/// Decides for `changed` of `files` files; `None` is the keyed run.
pub(crate) fn runs_whole(changed: usize, files: usize, policy: &Policy) -> Option<Whole> {
    if files == 0 {
        return Some(Whole::FirstBuild);
    }
    (changed >= whole_from(files, policy)).then_some(Whole::ManyFiles)
}

/// Whether a commit of `changed` of `files` files would run views whole under a policy.
#[must_use]
pub fn would_run_whole(changed: usize, files: usize, policy: &Policy) -> bool {
    runs_whole(changed, files, policy).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_change_is_keyed_and_a_checkout_is_whole() {
        let policy = Policy::default();
        assert_eq!(runs_whole(10, 0, &policy), Some(Whole::FirstBuild));
        assert_eq!(runs_whole(10, 12, &policy), None);
        assert_eq!(runs_whole(100, 3000, &policy), None);
        assert_eq!(runs_whole(2000, 3000, &policy), Some(Whole::ManyFiles));
    }

    #[test]
    fn who_waits_for_answers_waits_for_no_whole_run() {
        let policy = Policy { profile: Profile::LowLatency, ..Policy::default() };
        assert_eq!(runs_whole(300, 600, &policy), None);
        assert_eq!(runs_whole(300, 600, &Policy::default()), Some(Whole::ManyFiles));
    }
}
