//! What measured times say of the choice between a keyed and a whole run.
//!
//! Both costs are averages that follow what is measured, each step bounded, so that one slow run (a machine that was busy)
//! decides nothing. The other way is taken only where it would have paid well.

use super::profile::{Calibration, Policy};
use super::whole::Whole;

/// Share of a new measurement in an average.
const WEIGHT: f64 = 0.25;
/// No measurement counts for more than this many times the average, or less than its inverse.
const BOUND: f64 = 4.0;
/// The other way must be expected to be this many times faster.
const PAYOFF: f64 = 1.5;
/// Measurements before an average says anything.
const FEWEST: u32 = 3;

/// A bounded moving average.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Average {
    pub(crate) value: f64,
    pub(crate) count: u32,
}

impl Average {
    pub(crate) fn add(&mut self, measured: f64) {
        if self.count == 0 {
            self.value = measured;
        } else {
            let bounded = measured.clamp(self.value / BOUND, self.value * BOUND);
            self.value += WEIGHT * (bounded - self.value);
        }
        self.count = self.count.saturating_add(1);
    }
}

/// What commits were measured to cost.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Costs {
    /// Microseconds of a whole run for each file of the workspace.
    pub(crate) whole: Average,
    /// Microseconds of a keyed run for each changed file.
    pub(crate) keyed: Average,
}

/// What the measured times say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Advice {
    pub(crate) expected_keyed: f64,
    pub(crate) expected_whole: f64,
    /// The run that they speak for, if it is not the one chosen and pays.
    pub(crate) other: Option<Option<Whole>>,
}

impl Costs {
    pub(crate) fn add(&mut self, whole: bool, changed: usize, files: usize, micros: u64) {
        match whole {
            true if files > 0 => self.whole.add(micros as f64 / files as f64),
            false if changed > 0 => self.keyed.add(micros as f64 / changed as f64),
            _ => {}
        }
    }

    /// For a commit of `changed` of `files` files that is to run in some way; `None` before enough is known.
    pub(crate) fn advice(&self, chosen: Option<Whole>, changed: usize, files: usize) -> Option<Advice> {
        if files == 0 || self.keyed.count < FEWEST || self.whole.count == 0 {
            return None;
        }
        let (keyed, whole) = (self.keyed.value * changed as f64, self.whole.value * files as f64);
        let other = match chosen {
            None if keyed > whole * PAYOFF => Some(Some(Whole::Measured)),
            Some(Whole::ManyFiles) if whole > keyed * PAYOFF => Some(None),
            _ => None,
        };
        Some(Advice { expected_keyed: keyed, expected_whole: whole, other })
    }
}

/// The run that is taken, after what was measured.
pub(crate) fn calibrated(chosen: Option<Whole>, advice: Option<Advice>, policy: &Policy) -> Option<Whole> {
    match (policy.calibration(), advice.and_then(|advice| advice.other)) {
        (Calibration::Enforce, Some(other)) => other,
        _ => chosen,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Costs {
        let mut costs = Costs::default();
        costs.add(true, 100, 100, 100_000);
        for _ in 0..4 {
            costs.add(false, 1, 100, 5_000);
        }
        costs
    }

    #[test]
    fn one_slow_run_moves_an_average_by_a_bounded_step() {
        let mut average = Average::default();
        average.add(100.0);
        average.add(1_000_000.0);
        assert!((average.value - 175.0).abs() < 1e-9, "{average:?}");
    }

    #[test]
    fn the_other_way_is_taken_where_it_pays_and_only_if_enforced() {
        let advice = measured().advice(None, 60, 100);
        assert_eq!(calibrated(None, advice, &Policy::default()), None);
        let enforced = Policy { calibration: Calibration::Enforce, ..Policy::default() };
        assert_eq!(calibrated(None, advice, &enforced), Some(Whole::Measured));
        let small = measured().advice(None, 2, 100);
        assert_eq!(calibrated(None, small, &enforced), None, "ten milliseconds against a hundred");
    }

    #[test]
    fn nothing_is_said_before_enough_was_measured() {
        assert!(Costs::default().advice(None, 60, 100).is_none());
    }
}
