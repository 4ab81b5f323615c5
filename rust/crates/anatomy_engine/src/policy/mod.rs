//! Decisions that are made from sizes, each with its reason; one file for each decision. All thresholds live here.

mod whole;

pub(crate) use whole::{Whole, runs_whole};
