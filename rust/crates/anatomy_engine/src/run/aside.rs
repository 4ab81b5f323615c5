//! Rules that fail again and again are put aside, so that everything else goes on.
//!
//! The first failures of a view cost their commits: what failed once is run again. A view that fails so often in a row is empty from
//! then on, and what reads it sees its rows leave like any others. It is tried again after a while, then after twice that time, and
//! run whole when it comes back: the graph is then what a fresh one is. Each failure is a row of `faults`.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::policy::{ASIDE_AFTER, LONGEST_ASIDE, SHORTEST_ASIDE};

/// How a view is to run in a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// For its keys, or whole if the commit is.
    Usual,
    /// Whole: it is aside, and it is time to try it again.
    Again,
    /// Not at all: it is aside.
    Aside,
}

#[derive(Clone, Debug)]
struct Failing {
    times: u32,
    /// When it is tried again, and how long after that; `None` as long as its failures cost commits.
    again: Option<(Instant, Duration)>,
}

/// The views of one engine that fail.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    views: Mutex<BTreeMap<usize, Failing>>,
}

impl Aside {
    /// How a view is to run now.
    pub(crate) fn turn(&self, view: usize) -> Turn {
        match self.held().get(&view).and_then(|failing| failing.again) {
            None => Turn::Usual,
            Some((when, _)) if Instant::now() >= when => Turn::Again,
            Some(_) => Turn::Aside,
        }
    }

    /// Whether a view that is aside wants to be tried again.
    pub(crate) fn is_due(&self) -> bool {
        let now = Instant::now();
        self.held().values().any(|failing| failing.again.is_some_and(|(when, _)| now >= when))
    }

    /// Views that are aside.
    pub(crate) fn views(&self) -> Vec<usize> {
        self.held().iter().filter(|(_, failing)| failing.again.is_some()).map(|(view, _)| *view).collect()
    }

    /// Counts a failure; whether the view has to do without rows from now on.
    pub(crate) fn failed(&self, view: usize) -> bool {
        let mut held = self.held();
        let failing = held.entry(view).or_insert(Failing { times: 0, again: None });
        failing.times += 1;
        if let Some((when, wait)) = &mut failing.again {
            *wait = (*wait * 2).min(LONGEST_ASIDE);
            *when = Instant::now() + *wait;
        }
        failing.times >= ASIDE_AFTER
    }

    /// A commit is published in which these views have no rows because they fail, and these ran.
    pub(crate) fn published(&self, emptied: &[usize], ran: impl IntoIterator<Item = usize>) -> Vec<usize> {
        let mut held = self.held();
        for view in emptied {
            if let Some(failing) = held.get_mut(view) {
                failing.again.get_or_insert((Instant::now() + SHORTEST_ASIDE, SHORTEST_ASIDE));
            }
        }
        if held.is_empty() {
            return Vec::new();
        }
        ran.into_iter().filter(|view| held.remove(view).is_some()).collect()
    }

    /// Everything begins anew.
    pub(crate) fn forget(&self) {
        self.held().clear();
    }

    /// The same for another engine over the same snapshot.
    pub(crate) fn fork(&self) -> Aside {
        Aside { views: Mutex::new(self.held().clone()) }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<usize, Failing>> {
        self.views.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_is_put_aside_after_some_failures_and_comes_back_when_it_runs() {
        let aside = Aside::default();
        for _ in 1..ASIDE_AFTER {
            assert!(!aside.failed(7));
            assert_eq!(aside.turn(7), Turn::Usual);
        }
        assert!(aside.failed(7));
        // The commit was not published: nothing is aside yet.
        assert_eq!((aside.turn(7), aside.views()), (Turn::Usual, vec![]));
        aside.published(&[7], []);
        assert_eq!((aside.turn(7), aside.views()), (Turn::Aside, vec![7]));
        assert!(!aside.is_due());
        assert_eq!(aside.fork().views(), [7]);
        assert_eq!(aside.published(&[], [3, 7]), [7]);
        assert_eq!(aside.turn(7), Turn::Usual);
    }
}
