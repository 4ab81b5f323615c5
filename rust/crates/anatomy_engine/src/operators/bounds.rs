//! When a run has to stop before it is done.

use std::sync::atomic::{AtomicBool, Ordering};

use anatomy_facts::{ErrorCode, Stage};

use crate::error::{EngineError, Result};
use crate::memory::held_bytes;
use crate::policy::Policy;

/// What a commit may not exceed. It is looked at between views, and between pieces of a level.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds<'a> {
    cancel: &'a AtomicBool,
    megabytes: usize,
}

impl<'a> Bounds<'a> {
    pub(crate) fn new(cancel: &'a AtomicBool, policy: &Policy) -> Bounds<'a> {
        Bounds { cancel, megabytes: policy.memory_mb }
    }

    /// # Errors
    /// `cancelled`, or `memory-budget`.
    pub(crate) fn check(&self) -> Result<()> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(EngineError::cancelled(Stage::Run));
        }
        let held = held_bytes() >> 20;
        if self.megabytes > 0 && held > self.megabytes as u64 {
            return Err(EngineError::new(
                ErrorCode::MemoryBudget,
                Stage::Run,
                format!(
                    "the graph would need more than the {} MB that it may have ({held} MB are held)",
                    self.megabytes
                ),
                "raise `run.memory_mb`, or leave folders out with `workspace.exclude`",
            ));
        }
        Ok(())
    }
}
