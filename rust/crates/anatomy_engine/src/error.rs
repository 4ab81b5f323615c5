//! What can fail in the engine: a code, the stage, a sentence, and what to do next.

use anatomy_facts::{ErrorCode, Stage};
use anatomy_program::ProgramError;
use datafusion::error::DataFusionError;
use thiserror::Error;

/// A failure with a stable code.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct EngineError {
    /// Stable code.
    pub code: ErrorCode,
    /// Where it happened.
    pub stage: Stage,
    /// Rule file and key, or empty.
    pub place: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// Result of engine work.
pub type Result<T> = std::result::Result<T, EngineError>;

impl EngineError {
    /// A failure without a place.
    #[must_use]
    pub fn new(code: ErrorCode, stage: Stage, message: impl Into<String>, hint: impl Into<String>) -> Self {
        EngineError { code, stage, place: String::new(), message: message.into(), hint: hint.into() }
    }

    /// A refusal of the compiler.
    #[must_use]
    pub fn compile(
        code: ErrorCode,
        place: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        EngineError { place: place.into(), ..EngineError::new(code, Stage::Compile, message, hint) }
    }

    /// A state that should not be.
    #[must_use]
    pub fn internal(stage: Stage, message: impl Into<String>) -> Self {
        EngineError::new(ErrorCode::EngineInternal, stage, message, "please report it with the log")
    }

    /// Work that nobody wants any more.
    #[must_use]
    pub fn cancelled(stage: Stage) -> Self {
        EngineError::new(ErrorCode::Cancelled, stage, "the work was cancelled", "ask again")
    }
}

impl From<ProgramError> for EngineError {
    fn from(error: ProgramError) -> Self {
        EngineError {
            code: error.code,
            stage: error.stage,
            place: error.place,
            message: error.message,
            hint: error.hint,
        }
    }
}

impl From<DataFusionError> for EngineError {
    fn from(error: DataFusionError) -> Self {
        EngineError::internal(Stage::Run, error.strip_backtrace())
    }
}

impl From<arrow::error::ArrowError> for EngineError {
    fn from(error: arrow::error::ArrowError) -> Self {
        EngineError::internal(Stage::Run, error.to_string())
    }
}
