//! Every decision about a program as a row: how, what else it could have been, from which numbers, and how sure.
//!
//! What the compiled plan leaves no choice about is sure. What is decided by a threshold is the less sure the nearer it is to it.

use serde::Serialize;

use super::engine::Engine;
use super::ledger::CommitEntry;
use crate::error::Result;
use crate::plan::View;
use crate::policy::{
    BATCH_ROWS, Calibration, FEW_ROWS, MANY_ROWS, MOST_SMALL_SEGMENTS, PIECE_ROWS, Profile, SMALL_ROWS, Validation,
    chain_rows, starts_from_a_leaf, whole_from,
};
use crate::store::Snapshot;

/// One decision.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Decision {
    pub(crate) commit: u64,
    pub(crate) view: String,
    pub(crate) decision: &'static str,
    pub(crate) value: String,
    pub(crate) alternatives: &'static str,
    pub(crate) score: f32,
    pub(crate) confidence: f32,
    pub(crate) evidence: String,
    pub(crate) fallback_reason: String,
}

impl Decision {
    /// A decision that the plan leaves no choice about.
    fn sure(
        view: &str,
        decision: &'static str,
        value: impl Into<String>,
        alternatives: &'static str,
        evidence: String,
    ) -> Decision {
        Decision {
            commit: 0,
            view: view.to_owned(),
            decision,
            value: value.into(),
            alternatives,
            score: 0.0,
            confidence: 1.0,
            evidence,
            fallback_reason: String::new(),
        }
    }

    /// The same by a threshold: the share of it that was measured.
    fn by(self, measured: f64, threshold: f64) -> Decision {
        let score = if threshold > 0.0 { measured / threshold } else { f64::from(u8::from(measured > 0.0)) };
        Decision { score: score as f32, confidence: confidence(score), ..self }
    }

    fn because(self, reason: &str) -> Decision {
        Decision { fallback_reason: reason.to_owned(), ..self }
    }
}

/// How sure a decision is whose measure is this share of its threshold: one half at the threshold, more with each doubling.
pub(crate) fn confidence(score: f64) -> f32 {
    let doublings = score.max(1e-6).log2().abs();
    (1.0 - 0.5 * (-doublings / 2.0).exp2()) as f32
}

impl Engine {
    /// The decisions about a view, or about all of them and the whole, over the sizes of a snapshot.
    pub(crate) fn decisions(&self, view: Option<&str>, snapshot: &Snapshot) -> Result<Vec<Decision>> {
        let mut decisions = Vec::new();
        for of in self.compiled.views.iter().filter(|of| view.is_none_or(|view| view == of.name)) {
            self.decide_view(of, snapshot, &mut decisions)?;
        }
        if view.is_none() {
            self.decide_whole(snapshot, &mut decisions);
            let commits: Vec<CommitEntry> = self.ledger().rings().commits.iter().cloned().collect();
            for commit in &commits {
                decide_commit(commit, &mut decisions);
            }
        }
        Ok(decisions)
    }

    /// The views that read a relation.
    pub(crate) fn readers(&self, relation: usize) -> Vec<&str> {
        let reads = |view: &&View| view.number != relation && view.occurrences.iter().any(|of| of.relation == relation);
        self.compiled.views.iter().filter(reads).map(|view| view.name.as_str()).collect()
    }

    /// The indexes that the plans of a view ask for: relation and columns.
    pub(crate) fn indexes_of(&self, view: &View) -> Result<Vec<(String, Vec<String>)>> {
        let mut needed = Vec::new();
        if view.keyed {
            for plan in view.keyed_plans()? {
                plan.look_ups(&mut needed);
            }
            for occurrence in 0..view.occurrences.len() {
                view.impact_plan(occurrence)?.look_ups(&mut needed);
            }
        }
        for (_, columns) in &mut needed {
            columns.sort_unstable();
        }
        needed.sort_unstable();
        needed.dedup();
        let named = |(relation, columns): (usize, Vec<usize>)| {
            let (name, schema) = &self.compiled.relations[relation];
            (name.clone(), columns.into_iter().map(|column| schema.field(column).name().clone()).collect())
        };
        Ok(needed.into_iter().map(named).collect())
    }

    fn decide_view(&self, view: &View, snapshot: &Snapshot, into: &mut Vec<Decision>) -> Result<()> {
        let name = view.name.as_str();
        let policy = self.policy();
        let readers = self.readers(view.number);
        let blocks = view.blocks().count();
        let fan_out = format!("fan_out={} kind={}", readers.len(), view.kind.as_str());
        let stored = if view.stored { "materialised" } else { "virtual" };
        into.push(Decision::sure(name, "storage", stored, "materialised|virtual", fan_out.clone()));
        let persisted = if view.stored { "persisted" } else { "derived" };
        into.push(Decision::sure(name, "persistence", persisted, "persisted|derived", fan_out));
        let refresh = if view.keyed { "keyed" } else { "full" };
        let evidence = format!(
            "blocks={blocks} occurrences={} grain={}",
            view.occurrences.len(),
            view.grain_reason.replace(' ', "_")
        );
        let refreshed = Decision::sure(name, "refresh", refresh, "keyed|full", evidence);
        into.push(if view.keyed { refreshed } else { refreshed.because("the rule asks for refresh = full") });
        let indexes = self.indexes_of(view)?;
        let shown: Vec<String> = indexes.iter().map(|(of, columns)| format!("{of}({})", columns.join(","))).collect();
        let evidence = format!("look_ups={} narrow_below={FEW_ROWS}", indexes.len());
        let value = if shown.is_empty() { "none".to_owned() } else { shown.join(" ") };
        into.push(Decision::sure(
            name,
            "indexes",
            value,
            "one for each look-up of the keyed and impact plans",
            evidence,
        ));
        let required = view.required();
        let read: usize = required.values().map(std::collections::BTreeSet::len).sum();
        let width = |relation: &String| {
            let of = self.compiled.relations.iter().find(|(name, _)| name == relation);
            of.map_or(0, |(_, schema)| schema.fields().len())
        };
        let all: usize = required.keys().map(width).sum();
        let evidence = format!("columns_read={read} columns={all}");
        let value = if read < all { "some columns" } else { "all columns" };
        into.push(
            Decision::sure(name, "projection", value, "some columns|all columns", evidence).by(read as f64, all as f64),
        );
        let mut number = 0;
        for branch in &view.branches {
            let mut rows = 0;
            for _ in &branch.blocks {
                let leaves = view.occurrences.iter().filter(|of| of.block == number);
                rows += leaves.map(|of| snapshot.relation(of.relation).len()).sum::<usize>();
                number += 1;
            }
            let chained = view.keyed && starts_from_a_leaf(rows, &policy);
            let most = chain_rows(&policy);
            let evidence = format!("rule={} rows={rows} most={most}", branch.rule);
            let value = if chained { "look-ups from a leaf" } else { "planned scan" };
            let decision = Decision::sure(name, "scan", value, "look-ups from a leaf|planned scan", evidence);
            into.push(decision.by(rows as f64, most as f64));
        }
        if view.level.is_some() {
            let evidence = format!("rounds={} settle_above={MANY_ROWS}", view.rounds);
            let value = format!("{PIECE_ROWS} rows of a level at once");
            into.push(Decision::sure(name, "pieces", value, "a level at once|pieces of it", evidence));
        }
        Ok(())
    }

    fn decide_whole(&self, snapshot: &Snapshot, into: &mut Vec<Decision>) {
        let policy = self.policy();
        let files = snapshot.relations.first().map_or(0, |of| of.len());
        let profile = match policy.profile {
            Profile::Default => "default",
            Profile::LowLatency => "low_latency",
            Profile::Replay => "replay",
            Profile::Strict => "strict",
        };
        let all = "default|low_latency|replay|strict";
        let said = |what: &str| format!("option={what}");
        into.push(Decision::sure("", "profile", profile, all, said("run.profile")));
        let validation = match policy.validation() {
            Validation::Off => "off",
            Validation::Warn => "warn",
            Validation::Error => "error",
        };
        into.push(Decision::sure("", "validation", validation, "off|warn|error", said("run.validation")));
        let calibration = match policy.calibration() {
            Calibration::Off => "off",
            Calibration::Warn => "warn",
            Calibration::Enforce => "enforce",
        };
        let costs = self.ledger().rings().costs;
        let evidence = format!(
            "whole_micros_a_file={:.0} measured={} keyed_micros_a_file={:.0} measured={}",
            costs.whole.value, costs.whole.count, costs.keyed.value, costs.keyed.count
        );
        into.push(Decision::sure("", "calibration", calibration, "off|warn|enforce", evidence));
        let value = format!("{} changed files", whole_from(files, &policy));
        into.push(Decision::sure("", "full_from", value, "any number of changed files", format!("files={files}")));
        let value = format!("{BATCH_ROWS} rows");
        into.push(Decision::sure("", "batch", value, "any number of rows", format!("batch_rows={BATCH_ROWS}")));
        let segments = snapshot.relations.iter().map(|of| of.segments()).max().unwrap_or(0);
        let evidence = format!("most_segments_now={segments} small_rows={SMALL_ROWS}");
        let value = format!("above {MOST_SMALL_SEGMENTS} small segments");
        let merge = Decision::sure("", "merge", value, "any number of segments", evidence);
        into.push(merge.by(segments as f64, MOST_SMALL_SEGMENTS as f64));
        let value = "memory is given back after a whole run";
        into.push(Decision::sure(
            "",
            "maintenance",
            value,
            "after a whole run|never",
            "trigger=full_commit".to_owned(),
        ));
    }
}

/// The decisions that one commit was about.
fn decide_commit(commit: &CommitEntry, into: &mut Vec<Decision>) {
    let from = whole_from(commit.files, &commit.policy);
    let value = if commit.whole.is_some() { "full" } else { "keyed" };
    let evidence = format!("changed={} files={} full_from={from}", commit.changed, commit.files);
    let mut run = Decision::sure("", "run", value, "keyed|full", evidence);
    if commit.files > 0 {
        run = run.by(commit.changed as f64, from as f64);
    }
    if let Some(whole) = commit.whole {
        run = run.because(whole.as_str());
    }
    into.push(Decision { commit: commit.commit, ..run });
    let evidence = format!("changed={} files={}", commit.changed, commit.files);
    let of = Decision::sure("", "workload", commit.workload.as_str(), "cold_index|edit|burst|query|replay", evidence);
    into.push(Decision { commit: commit.commit, ..of });
    if let Some(advice) = commit.advice {
        let evidence =
            format!("expected_keyed={:.0} expected_full={:.0}", advice.expected_keyed, advice.expected_whole);
        let value = match advice.other {
            None => "as decided",
            Some(Some(_)) => "full would pay",
            Some(None) => "keyed would pay",
        };
        let of = Decision::sure("", "advice", value, "as decided|full would pay|keyed would pay", evidence);
        into.push(Decision { commit: commit.commit, ..of.by(advice.expected_keyed, advice.expected_whole) });
    }
}

#[cfg(test)]
mod tests {
    use super::confidence;

    #[test]
    fn a_decision_is_the_surer_the_farther_it_is_from_its_threshold() {
        assert!((confidence(1.0) - 0.5).abs() < 1e-6);
        assert!(confidence(1.1) < confidence(2.0) && confidence(2.0) < confidence(8.0));
        assert!((confidence(0.5) - confidence(2.0)).abs() < 1e-6);
        assert!(confidence(1e9) <= 1.0 && confidence(0.0) <= 1.0);
    }
}
