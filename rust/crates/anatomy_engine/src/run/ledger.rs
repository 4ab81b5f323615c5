//! What ran lately: views, commits, edits, requests and fallbacks, in rings of bounded size.
//!
//! Always on, because what went wrong yesterday was not measured otherwise: an edit adds some hundred numbers and no text. Switched
//! off, nothing of that is kept and nothing is asked of a clock; faults are kept always. All forks of an engine write into one ledger.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anatomy_facts::Symbol;

use super::report::Stages;
use crate::policy::{
    Advice, Costs, MOST_COMMITS, MOST_EDITS, MOST_FALLBACKS, MOST_FAULTS, MOST_REQUESTS, MOST_RUNS, Policy, Whole,
    Workload,
};

/// The newest entries, so many at most.
#[derive(Debug)]
pub(crate) struct Ring<T> {
    entries: VecDeque<T>,
    most: usize,
    /// Older entries that are gone.
    pub(crate) lost: u64,
}

impl<T> Ring<T> {
    fn new(most: usize) -> Ring<T> {
        Ring { entries: VecDeque::new(), most, lost: 0 }
    }

    fn push(&mut self, entry: T) {
        if self.entries.len() == self.most {
            self.entries.pop_front();
            self.lost += 1;
        }
        self.entries.push_back(entry);
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.entries.iter()
    }
}

/// One run of a view.
#[derive(Clone, Debug)]
pub(crate) struct ViewEntry {
    pub(crate) commit: u64,
    pub(crate) generation: u64,
    pub(crate) view: u32,
    pub(crate) start: u64,
    pub(crate) is_full: bool,
    pub(crate) reason: &'static str,
    pub(crate) keys: u32,
    pub(crate) inserted: u32,
    pub(crate) deleted: u32,
    pub(crate) micros: u32,
    pub(crate) stages: Stages,
    /// Code of the failure, or empty.
    pub(crate) error: &'static str,
}

/// One commit, with what it was decided from.
#[derive(Clone, Debug)]
pub(crate) struct CommitEntry {
    pub(crate) commit: u64,
    pub(crate) changed: usize,
    pub(crate) files: usize,
    pub(crate) whole: Option<Whole>,
    pub(crate) workload: Workload,
    pub(crate) advice: Option<Advice>,
    pub(crate) policy: Policy,
}

/// One change of an open document.
#[derive(Clone, Debug)]
pub struct Edit {
    /// Path.
    pub file: Symbol,
    /// Version of the document.
    pub version: i64,
    /// Microseconds since 1970.
    pub start: u64,
    /// Position to bytes, the text, its syntax errors.
    pub apply_micros: u32,
    /// Until the writer took it.
    pub queue_micros: u32,
    /// Tree and evidence.
    pub extract_micros: u32,
    /// What is left of the commit when the engine has published.
    pub publish_micros: u32,
    /// From the message to the snapshot.
    pub total_micros: u32,
    /// A later change of the file came before the writer took this one.
    pub superseded: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct EditEntry {
    pub(crate) commit: u64,
    pub(crate) edit: Edit,
    pub(crate) diff_micros: u32,
    pub(crate) views_micros: u32,
    pub(crate) views: u32,
    pub(crate) views_changed: u32,
}

/// One request of an editor.
#[derive(Clone, Debug)]
pub struct Request {
    /// LSP method.
    pub method: Symbol,
    /// From the message to the answer.
    pub latency_micros: u32,
    /// Of these, before a thread took it.
    pub queue_micros: u32,
    /// Items of the answer.
    pub rows: u32,
    /// Length of the answer.
    pub bytes: u32,
    /// `ok`, or the code of the failure.
    pub status: Symbol,
}

#[derive(Clone, Debug)]
pub(crate) struct RequestEntry {
    pub(crate) request: Request,
    pub(crate) start: u64,
    pub(crate) generation: u64,
}

/// Something that cost more than the change asked for.
#[derive(Clone, Debug)]
pub(crate) struct Fallback {
    pub(crate) commit: u64,
    pub(crate) start: u64,
    pub(crate) view: Option<u32>,
    pub(crate) kind: &'static str,
    pub(crate) declared: bool,
    pub(crate) rows: u64,
    pub(crate) reason: &'static str,
}

/// Something that failed, once or again and again for the same reason.
#[derive(Clone, Debug)]
pub struct Fault {
    /// Code of the failure.
    pub code: String,
    /// Where on the way it failed.
    pub stage: String,
    /// What was met, in words.
    pub cause: String,
    /// The file that it is about; empty if it is about none.
    pub path: String,
    /// The first time, in microseconds since 1970.
    pub since: u64,
    /// When it was over; 0 as long as it is not.
    pub until: u64,
    /// How often.
    pub count: u32,
}

#[derive(Debug)]
pub(crate) struct Rings {
    pub(crate) runs: Ring<ViewEntry>,
    pub(crate) commits: Ring<CommitEntry>,
    pub(crate) edits: Ring<EditEntry>,
    pub(crate) requests: Ring<RequestEntry>,
    pub(crate) fallbacks: Ring<Fallback>,
    pub(crate) faults: Ring<Fault>,
    pub(crate) costs: Costs,
}

/// The rings of one program and its forks.
#[derive(Debug)]
pub struct Ledger {
    is_on: AtomicBool,
    commits: AtomicU64,
    rings: Mutex<Rings>,
    began: Instant,
    began_at: u64,
}

impl Default for Ledger {
    fn default() -> Ledger {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ledger {
            is_on: AtomicBool::new(true),
            commits: AtomicU64::new(0),
            rings: Mutex::new(Rings {
                runs: Ring::new(MOST_RUNS),
                commits: Ring::new(MOST_COMMITS),
                edits: Ring::new(MOST_EDITS),
                requests: Ring::new(MOST_REQUESTS),
                fallbacks: Ring::new(MOST_FALLBACKS),
                faults: Ring::new(MOST_FAULTS),
                costs: Costs::default(),
            }),
            began: Instant::now(),
            began_at: since.as_micros() as u64,
        }
    }
}

impl Ledger {
    /// Whether anything is recorded.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    pub(crate) fn switch(&self, is_on: bool) {
        self.is_on.store(is_on, Ordering::Relaxed);
    }

    /// Microseconds since 1970, by a clock that never goes back.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.began_at + self.began.elapsed().as_micros() as u64
    }

    /// Records a request that is answered now.
    pub fn request(&self, request: Request, generation: u64) {
        if self.is_on() {
            let start = self.now().saturating_sub(u64::from(request.latency_micros));
            self.rings().requests.push(RequestEntry { request, start, generation });
        }
    }

    /// Records changes of documents that a commit brought into the graph.
    pub fn edits(&self, edits: Vec<Edit>, report: &super::Report) {
        if !self.is_on() || edits.is_empty() {
            return;
        }
        let changed = report.views.iter().filter(|run| run.inserted + run.deleted > 0).count() as u32;
        let (views, diff_micros) = (report.views.len() as u32, report.diff_micros as u32);
        let views_micros = (report.micros - report.diff_micros.min(report.micros)) as u32;
        let mut rings = self.rings();
        for edit in edits {
            let commit = report.commit;
            rings.edits.push(EditEntry { commit, edit, diff_micros, views_micros, views, views_changed: changed });
        }
    }

    /// Notes that something failed: a row of its own, or one more of a row that is not over.
    pub fn fault(&self, code: &str, stage: &str, cause: &str, path: &str) {
        let since = self.now();
        let mut rings = self.rings();
        let mut same = rings.faults.entries.iter_mut().rev();
        let same = same.find(|of| of.until == 0 && (&*of.code, &*of.path, &*of.cause) == (code, path, cause));
        if let Some(fault) = same {
            fault.count += 1;
            return;
        }
        let [code, stage, cause, path] = [code, stage, cause, path].map(str::to_owned);
        rings.faults.push(Fault { code, stage, cause, path, since, until: 0, count: 1 });
    }

    /// Notes that what failed with this code, or with any if it is empty, about this file, works again.
    pub fn works_again(&self, code: &str, path: &str) {
        let now = self.now();
        for fault in self.rings().faults.entries.iter_mut() {
            if fault.until == 0 && (code.is_empty() || fault.code == code) && fault.path == path {
                fault.until = now;
            }
        }
    }

    /// What failed, the oldest first.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        self.rings().faults.iter().cloned().collect()
    }

    pub(crate) fn next_commit(&self) -> u64 {
        self.commits.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(|poison| poison.into_inner())
    }
}

impl Rings {
    pub(crate) fn commit(&mut self, commit: CommitEntry, runs: Vec<ViewEntry>, fallbacks: Vec<Fallback>) {
        self.commits.push(commit);
        for run in runs {
            self.runs.push(run);
        }
        for fallback in fallbacks {
            self.fallbacks.push(fallback);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_forgets_the_oldest_and_counts_them() {
        let mut ring = Ring::new(3);
        (0..5).for_each(|entry| ring.push(entry));
        assert_eq!((ring.iter().copied().collect::<Vec<_>>(), ring.lost), (vec![2, 3, 4], 2));
    }

    #[test]
    fn a_fault_is_one_row_until_it_is_over() {
        let ledger = Ledger::default();
        ledger.switch(false);
        for cause in ["full", "full", "denied"] {
            ledger.fault("image-not-written", "persist", cause, "");
        }
        ledger.works_again("image-not-written", "elsewhere");
        ledger.works_again("another", "");
        let told = |ledger: &Ledger| {
            ledger.faults().iter().map(|of| (of.cause.clone(), of.count, of.until > 0)).collect::<Vec<_>>()
        };
        assert_eq!(told(&ledger), [("full".into(), 2, false), ("denied".into(), 1, false)]);
        ledger.works_again("image-not-written", "");
        ledger.fault("image-not-written", "persist", "full", "");
        assert_eq!(told(&ledger), [("full".into(), 2, true), ("denied".into(), 1, true), ("full".into(), 1, false)]);
    }

    #[test]
    fn what_is_switched_off_keeps_nothing() {
        let ledger = Ledger::default();
        let method = Symbol::of("textDocument/hover");
        let request =
            Request { method, latency_micros: 5, queue_micros: 1, rows: 1, bytes: 9, status: Symbol::of("ok") };
        ledger.request(request.clone(), 1);
        ledger.switch(false);
        ledger.request(request, 2);
        assert_eq!(ledger.rings().requests.iter().count(), 1);
    }
}
