//! When a rule that fails is done without, and when it is tried again.

use std::time::Duration;

/// So many failures in a row put a view aside: a writer tries again after half a second, and after one.
pub(crate) const ASIDE_AFTER: u32 = 3;
/// How long a view is aside before it is tried again; each time it fails again, twice as long.
pub(crate) const SHORTEST_ASIDE: Duration = Duration::from_secs(1);
/// And at most so long.
pub(crate) const LONGEST_ASIDE: Duration = Duration::from_secs(60);
