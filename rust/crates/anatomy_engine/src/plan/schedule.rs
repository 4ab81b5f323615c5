//! In which order views run, what could run side by side, and which chain of views a build waits for.
//!
//! Costs come from the sizes of what the plans read, and from what was measured where anything was.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::Compiled;

/// Microseconds that reading a row through a chain of look-ups costs, before anything was measured.
const MICROS_A_ROW: f64 = 0.2;
/// Microseconds that a view costs at least.
const MICROS_A_VIEW: f64 = 20.0;

/// One view in the schedule.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Task {
    pub(crate) view: String,
    pub(crate) kind: &'static str,
    /// Views of a stage need nothing of each other.
    pub(crate) stage: usize,
    pub(crate) cost_micros: u64,
    /// `measured`, or `rows` where it was estimated.
    pub(crate) cost_from: &'static str,
    /// From the start of the view to the end of the longest chain above it.
    pub(crate) bottom_level_micros: u64,
    /// By how much it may be late without anybody waiting longer.
    pub(crate) slack_micros: u64,
    pub(crate) is_critical: bool,
}

/// All views.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Schedule {
    pub(crate) tasks: Vec<Task>,
    pub(crate) critical_path: Vec<String>,
    pub(crate) critical_micros: u64,
    pub(crate) total_micros: u64,
    pub(crate) stages: usize,
}

/// The schedule of the stored views; `rows` are those of each relation, `measured` what whole runs took, by relation.
pub(crate) fn schedule(compiled: &Compiled, rows: &[usize], measured: &HashMap<u32, u64>) -> Schedule {
    let views: Vec<_> = compiled.views.iter().filter(|view| view.stored).collect();
    let stage = Compiled::stage_numbers(&compiled.views);
    let mut cost: HashMap<usize, (u64, &'static str)> = HashMap::new();
    let mut before: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for view in &views {
        let mut inputs: Vec<usize> = view.occurrences.iter().map(|of| of.relation).collect();
        let read: usize = inputs.iter().map(|&input| rows.get(input).copied().unwrap_or(0)).sum();
        inputs.sort_unstable();
        inputs.dedup();
        inputs.retain(|&input| input >= compiled.evidence && input != view.number);
        let estimated = (MICROS_A_VIEW + MICROS_A_ROW * read as f64) as u64;
        let of = measured.get(&(view.number as u32)).map_or((estimated, "rows"), |&micros| (micros, "measured"));
        cost.insert(view.number, of);
        before.insert(view.number, inputs);
    }
    let mut bottom: HashMap<usize, u64> = HashMap::new();
    for view in views.iter().rev() {
        let above = views.iter().filter(|reader| before[&reader.number].contains(&view.number));
        let longest = above.filter_map(|reader| bottom.get(&reader.number)).max().copied().unwrap_or(0);
        bottom.insert(view.number, cost[&view.number].0 + longest);
    }
    let mut top: HashMap<usize, u64> = HashMap::new();
    for view in &views {
        let ends = before[&view.number].iter().map(|input| top.get(input).map_or(0, |start| start + cost[input].0));
        top.insert(view.number, ends.max().unwrap_or(0));
    }
    let critical_micros = bottom.values().max().copied().unwrap_or(0);
    let mut critical: Vec<usize> = Vec::new();
    let mut left = critical_micros;
    for view in &views {
        let follows = critical.last().is_none_or(|last| before[&view.number].contains(last));
        if follows && left > 0 && bottom[&view.number] == left {
            critical.push(view.number);
            left -= cost[&view.number].0;
        }
    }
    let tasks = views.iter().map(|view| {
        let (cost_micros, cost_from) = cost[&view.number];
        Task {
            view: view.name.clone(),
            kind: view.kind.as_str(),
            stage: stage[&view.number],
            cost_micros,
            cost_from,
            bottom_level_micros: bottom[&view.number],
            slack_micros: critical_micros.saturating_sub(top[&view.number] + bottom[&view.number]),
            is_critical: critical.contains(&view.number),
        }
    });
    Schedule {
        tasks: tasks.collect(),
        critical_path: critical.iter().map(|&number| compiled.relations[number].0.clone()).collect(),
        critical_micros,
        total_micros: cost.values().map(|(micros, _)| micros).sum(),
        stages: stage.values().max().map_or(0, |last| last + 1),
    }
}
