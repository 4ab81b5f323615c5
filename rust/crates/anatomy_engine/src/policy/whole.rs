//! Whether a commit runs views whole or for the touched keys.
//!
//! A keyed run costs by the keys, a whole run by the workspace. With a third of the files changed, looking up a third of
//! all keys costs about as much as hashing everything once, so from there on the whole run is taken.

/// Why a commit runs whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whole {
    /// There was nothing before.
    FirstBuild,
    /// The change is a large share of the workspace.
    ManyFiles,
}

/// Fewer changed files than this never run whole.
const MANY_FILES: usize = 64;
/// One file in this many changed: whole.
const SHARE: usize = 3;

/// Decides for `changed` of `files` files; `None` is the keyed run.
pub(crate) fn runs_whole(changed: usize, files: usize) -> Option<Whole> {
    if files == 0 {
        return Some(Whole::FirstBuild);
    }
    (changed >= MANY_FILES && changed >= files / SHARE).then_some(Whole::ManyFiles)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_change_is_keyed_and_a_checkout_is_whole() {
        assert_eq!(runs_whole(10, 0), Some(Whole::FirstBuild));
        assert_eq!(runs_whole(10, 12), None);
        assert_eq!(runs_whole(100, 3000), None);
        assert_eq!(runs_whole(2000, 3000), Some(Whole::ManyFiles));
    }
}
