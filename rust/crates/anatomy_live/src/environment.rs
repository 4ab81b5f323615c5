//! The search path and what was looked up on it, and decisions about the workspace, as tables for queries. Whoever knows them describes
//! them.

use std::sync::Arc;

use anatomy_engine::EngineError;
use anatomy_facts::contract::field;
use anatomy_facts::{ColumnType, ErrorCode, Stage};
use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::datatypes::Schema;
use serde::Deserialize;

/// What can be queried of an environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    named: Vec<(&'static str, RecordBatch)>,
}

#[derive(Deserialize, Default)]
struct Described {
    #[serde(default)]
    search_path: Vec<Place>,
    #[serde(default)]
    library_modules: Vec<Module>,
}

#[derive(Deserialize)]
struct Place {
    kind: String,
    path: String,
    module: String,
    used: bool,
    reason: String,
    origin: String,
}

#[derive(Deserialize)]
struct Module {
    module: String,
    path: String,
    reason: String,
}

#[derive(Deserialize)]
struct Signal {
    status: String,
    scope: String,
    reason: String,
    recorded_by: String,
    expires_at: String,
    in_force: bool,
    line: u32,
}

/// The table of decisions.
const SIGNALS: &str = "governance_signals";

impl Tables {
    /// These tables with other decisions about the workspace (JSON).
    ///
    /// # Errors
    /// `query-refused` for what are no decisions.
    pub(crate) fn with_signals(&self, text: &[u8]) -> Result<Tables, EngineError> {
        let said: Vec<Signal> = serde_json::from_slice(text).map_err(|error| {
            let hint = "give a list of signals";
            EngineError::new(ErrorCode::QueryRefused, Stage::Answer, format!("no signals: {error}"), hint)
        })?;
        let texts = |of: fn(&Signal) -> &str| Arc::new(StringArray::from_iter_values(said.iter().map(of))) as ArrayRef;
        let rows = table(vec![
            ("status", ColumnType::Text, texts(|each| &each.status)),
            ("scope", ColumnType::Text, texts(|each| &each.scope)),
            ("reason", ColumnType::Text, texts(|each| &each.reason)),
            ("recorded_by", ColumnType::Text, texts(|each| &each.recorded_by)),
            ("expires_at", ColumnType::Text, texts(|each| &each.expires_at)),
            (
                "in_force",
                ColumnType::Bool,
                Arc::new(BooleanArray::from_iter(said.iter().map(|each| Some(each.in_force)))),
            ),
            ("line", ColumnType::Int, Arc::new(UInt32Array::from_iter_values(said.iter().map(|each| each.line)))),
        ])?;
        let mut named = self.named.clone();
        named.retain(|(name, _)| *name != SIGNALS);
        named.push((SIGNALS, rows));
        Ok(Tables { named })
    }

    /// These tables with the decisions of others.
    pub(crate) fn with_signals_of(mut self, other: &Tables) -> Tables {
        self.named.extend(other.named.iter().filter(|(name, _)| *name == SIGNALS).cloned());
        self
    }

    /// The tables that JSON describes.
    ///
    /// # Errors
    /// `query-refused` for what is no such description.
    pub(crate) fn from_json(text: &[u8]) -> Result<Tables, EngineError> {
        let said: Described = serde_json::from_slice(text).map_err(|error| {
            let hint = "describe the tables search_path and library_modules";
            EngineError::new(ErrorCode::QueryRefused, Stage::Answer, format!("no environment: {error}"), hint)
        })?;
        let texts = |values: Vec<&str>| Arc::new(StringArray::from(values)) as ArrayRef;
        let places = &said.search_path;
        let modules = &said.library_modules;
        Ok(Tables {
            named: vec![
                (
                    "search_path",
                    table(vec![
                        ("position", ColumnType::Int, Arc::new(UInt32Array::from_iter_values(0..places.len() as u32))),
                        ("kind", ColumnType::Text, texts(places.iter().map(|each| each.kind.as_str()).collect())),
                        ("path", ColumnType::Text, texts(places.iter().map(|each| each.path.as_str()).collect())),
                        ("module", ColumnType::Text, texts(places.iter().map(|each| each.module.as_str()).collect())),
                        (
                            "used",
                            ColumnType::Bool,
                            Arc::new(BooleanArray::from_iter(places.iter().map(|each| Some(each.used)))),
                        ),
                        ("reason", ColumnType::Text, texts(places.iter().map(|each| each.reason.as_str()).collect())),
                        ("origin", ColumnType::Text, texts(places.iter().map(|each| each.origin.as_str()).collect())),
                    ])?,
                ),
                (
                    "library_modules",
                    table(vec![
                        ("module", ColumnType::Text, texts(modules.iter().map(|each| each.module.as_str()).collect())),
                        ("path", ColumnType::Text, texts(modules.iter().map(|each| each.path.as_str()).collect())),
                        ("reason", ColumnType::Text, texts(modules.iter().map(|each| each.reason.as_str()).collect())),
                    ])?,
                ),
            ],
        })
    }

    /// Each table with its name.
    pub(crate) fn named(&self) -> &[(&'static str, RecordBatch)] {
        &self.named
    }
}

fn table(columns: Vec<(&str, ColumnType, ArrayRef)>) -> Result<RecordBatch, EngineError> {
    let fields: Vec<_> = columns.iter().map(|(name, kind, _)| field(name, *kind, "")).collect();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
