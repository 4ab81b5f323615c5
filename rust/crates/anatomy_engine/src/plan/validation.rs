//! What is odd about a compiled program: findings with a code, a place and a remedy.
//!
//! A finding is no refusal: the views are right, and something about them costs time, memory or trust. Under validation `error`, or the
//! profile `strict`, a warning is a refusal.

use std::collections::HashMap;

use anatomy_facts::ErrorCode;
use anatomy_program::{Program, ViewKind, ViewSpec};
use serde::Serialize;

use super::{Compiled, View};
use crate::error::Result;
use crate::policy::{FEWEST_GROWN, MOST_GRAIN, MOST_GROWTH, MOST_INDEXED, MOST_JOINED, MOST_READERS, MOST_ROUNDS};
use crate::store::Snapshot;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Weight {
    /// Worth knowing.
    Note,
    /// Worth changing.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Finding {
    #[serde(serialize_with = "as_text")]
    pub(crate) code: ErrorCode,
    pub(crate) weight: Weight,
    pub(crate) view: String,
    pub(crate) place: String,
    pub(crate) message: String,
    pub(crate) remedy: &'static str,
}

fn as_text<S: serde::Serializer>(code: &ErrorCode, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

struct Search<'a> {
    program: &'a Program,
    compiled: &'a Compiled,
    found: Vec<Finding>,
}

/// Findings about a program, in the order of its views; about sizes only with a snapshot that has rows.
pub(crate) fn findings(program: &Program, compiled: &Compiled, snapshot: Option<&Snapshot>) -> Result<Vec<Finding>> {
    let mut search = Search { program, compiled, found: Vec::new() };
    let mut readers: HashMap<usize, usize> = HashMap::new();
    for view in &compiled.views {
        let mut inputs: Vec<usize> = view.occurrences.iter().map(|of| of.relation).collect();
        inputs.sort_unstable();
        inputs.dedup();
        for input in inputs.into_iter().filter(|&input| input != view.number) {
            *readers.entry(input).or_default() += 1;
        }
    }
    for view in &compiled.views {
        search.shape(view);
        search.plans(view)?;
        search.readers(view, readers.get(&view.number).copied().unwrap_or(0));
        if let Some(snapshot) = snapshot {
            search.sizes(view, snapshot);
        }
        for branch in &view.branches {
            search.rule(view, &branch.rule);
        }
    }
    search.twins();
    Ok(search.found)
}

impl Search<'_> {
    fn spec(&self, name: &str) -> Option<&ViewSpec> {
        self.program.views.iter().find(|spec| spec.name == name)
    }

    fn add(&mut self, code: ErrorCode, weight: Weight, rule: &str, key: &str, message: String, remedy: &'static str) {
        let of = |spec: &ViewSpec| spec.place(if key == "match" { spec.source_key() } else { key });
        let place = self.spec(rule).map_or_else(|| rule.to_owned(), of);
        self.found.push(Finding { code, weight, view: rule.to_owned(), place, message, remedy });
    }

    fn shape(&mut self, view: &View) {
        let name = view.name.as_str();
        if !view.keyed {
            let remedy = "make what cannot be keyed a view of its own, so that less runs whole";
            let message = format!("`{name}` runs whole at every change of an input");
            self.add(ErrorCode::PlanFullRefresh, Weight::Warning, name, "refresh", message, remedy);
        }
        if view.grain.len() > MOST_GRAIN {
            let remedy = "refresh by fewer columns: those that changes come by";
            let message = format!("the unit of refresh of `{name}` has {} columns", view.grain.len());
            self.add(ErrorCode::PlanWideGrain, Weight::Warning, name, "grain", message, remedy);
        }
        if view.rounds > MOST_ROUNDS {
            let remedy = "what is found that deep is found by mistake more often than not: bound it lower";
            let message = format!("`{name}` may go {} levels deep", view.rounds);
            self.add(ErrorCode::PlanDeepRecursion, Weight::Warning, name, "rounds", message, remedy);
        }
        if view.level.is_some() && view.limit.is_none() && view.winner.is_none() {
            let remedy = "give it a `limit`: what may be hundreds of things is known no better than what is unknown";
            let message = format!("nothing bounds how many rows a key of the recursive `{name}` may have");
            self.add(ErrorCode::PlanNoLimit, Weight::Note, name, "limit", message, remedy);
        }
        if is_copy(view) {
            let remedy = "read its input instead";
            let message = format!("`{name}` holds what its input holds, column by column");
            self.add(ErrorCode::PlanCopy, Weight::Warning, name, "match", message, remedy);
        }
        let joined = view.blocks().map(|block| block.leaves.len()).max().unwrap_or(0);
        if joined > MOST_JOINED {
            let remedy = "make the part that few rows pass a view of its own";
            let message = format!("a block of `{name}` joins {joined} relations");
            self.add(ErrorCode::PlanWideJoin, Weight::Warning, name, "match", message, remedy);
        }
    }

    fn plans(&mut self, view: &View) -> Result<()> {
        if !view.keyed || !view.stored {
            return Ok(());
        }
        let mut needed = Vec::new();
        for plan in view.keyed_plans()? {
            plan.look_ups(&mut needed);
        }
        for occurrence in 0..view.occurrences.len() {
            view.impact_plan(occurrence)?.look_ups(&mut needed);
        }
        let name = view.name.as_str();
        if let Some(most) = needed.iter().map(|(_, columns)| columns.len()).max().filter(|&most| most > MOST_INDEXED) {
            let remedy = "join on the columns that tell rows apart and compare the others in `where`";
            let message = format!("a look-up of `{name}` is over {most} columns");
            self.add(ErrorCode::PlanWideIndex, Weight::Note, name, "match", message, remedy);
        }
        Ok(())
    }

    fn readers(&mut self, view: &View, readers: usize) {
        let name = view.name.as_str();
        let is_for_views = matches!(view.kind, ViewKind::Normalize);
        if readers == 0 && is_for_views && view.stored {
            let remedy = "say `stored = false`, or delete it";
            let message = format!("`{name}` keeps rows that no rule reads");
            self.add(ErrorCode::PlanUnread, Weight::Warning, name, "stored", message, remedy);
        }
        if readers > MOST_READERS {
            let remedy = "let rules read a narrower view of it";
            let message = format!("{readers} views read `{name}`");
            self.add(ErrorCode::PlanFanOut, Weight::Note, name, "name", message, remedy);
        }
    }

    fn rule(&mut self, view: &View, rule: &str) {
        let Some(spec) = self.spec(rule) else { return };
        if spec.kind != ViewKind::Relate {
            return;
        }
        let (sure, says) = (spec.confidence.is_some(), !spec.why.is_empty());
        let computed = view.schema.index_of("confidence").is_ok();
        if !sure && !computed {
            let remedy = "say how sure a row is: `confidence = 0.9`";
            let message = format!("the relationship `{rule}` does not say how sure it is");
            self.add(ErrorCode::PlanNoConfidence, Weight::Warning, rule, "confidence", message, remedy);
        }
        if !says {
            let remedy = "say what joins the two in a sentence: `why = \"...\"`";
            let message = format!("the relationship `{rule}` has no sentence that explains a row");
            self.add(ErrorCode::PlanNoReason, Weight::Warning, rule, "why", message, remedy);
        }
    }

    fn sizes(&mut self, view: &View, snapshot: &Snapshot) {
        let rows = snapshot.relation(view.number).len();
        let read: usize = view
            .occurrences
            .iter()
            .filter(|of| of.relation != view.number)
            .map(|of| snapshot.relation(of.relation).len())
            .sum();
        let name = view.name.as_str();
        if rows > FEWEST_GROWN && rows > MOST_GROWTH * read {
            let remedy = "look at its join keys: a key that many rows share multiplies them";
            let message = format!("`{name}` has {rows} rows and reads {read}");
            self.add(ErrorCode::PlanGrowth, Weight::Warning, name, "match", message, remedy);
        }
        let deepest = view.level.map_or(0, |level| snapshot.relation(view.number).count(level, view.rounds));
        if deepest > 0 {
            let remedy = "raise `rounds` if what lies deeper is worth its price";
            let message = format!("{deepest} rows of `{name}` stand at its last level and may go deeper");
            self.add(ErrorCode::PlanDepthLimit, Weight::Note, name, "rounds", message, remedy);
        }
    }

    fn twins(&mut self) {
        let said = |view: &View| -> Vec<String> { view.branches.iter().map(|branch| branch.sql.clone()).collect() };
        let views: Vec<&View> = self.compiled.views.iter().filter(|view| view.rounds == 0 && view.stored).collect();
        let mut first: HashMap<Vec<String>, &str> = HashMap::new();
        for view in views {
            let same = first.get(&said(view)).copied();
            match same.filter(|_| view.winner.is_none() && view.linear.is_none() && view.kind != ViewKind::Union) {
                Some(twin) => {
                    let remedy = "keep one of the two";
                    let message = format!("`{}` says what `{twin}` says", view.name);
                    self.add(ErrorCode::PlanTwin, Weight::Warning, &view.name, "match", message, remedy);
                }
                None => {
                    first.insert(said(view), &view.name);
                }
            }
        }
    }
}

/// True if a view selects every row and column of one relation as it is.
fn is_copy(view: &View) -> bool {
    let [branch] = view.branches.as_slice() else { return false };
    let [block] = branch.blocks.as_slice() else { return false };
    let [leaf] = block.leaves.as_slice() else { return false };
    let is_plain = view.winner.is_none() && view.linear.is_none() && view.level.is_none() && view.stored;
    let is_whole = block.filters.is_empty() && !block.distinct && leaf.schema.fields().len() == block.outputs.len();
    let is_named = |(name, expr): &(String, datafusion::logical_expr::Expr)| match expr {
        datafusion::logical_expr::Expr::Column(column) => column.name == *name,
        _ => false,
    };
    is_plain && is_whole && block.outputs.iter().all(is_named)
}
