//! Whether rows keep the contract of their view. Asked for before rows are stored, under validation `error`.
//!
//! Types and absence of nulls are kept by Arrow itself. What is left: a row has an identity, a confidence lies between 0 and 1, and
//! a score is a number.

use anatomy_facts::contract::IDENTITY_KEY;
use anatomy_facts::{ErrorCode, Stage};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, UInt64Type};

use super::View;
use crate::error::{EngineError, Result};

impl View {
    /// Refuses rows that break the contract.
    ///
    /// # Errors
    /// `rule-contract`, with the column and the value.
    pub(crate) fn check_contract(&self, rows: &RecordBatch) -> Result<()> {
        let refused = |message: String, hint: &str| EngineError {
            place: self.place.clone(),
            ..EngineError::new(ErrorCode::RuleContract, Stage::Run, message, hint)
        };
        if rows.schema().fields() != self.schema.fields() {
            return Err(refused(format!("rows of `{}` do not have its columns", self.name), "please report it"));
        }
        let identity = self.schema.metadata().get(IDENTITY_KEY).map_or("", String::as_str);
        for (field, column) in self.schema.fields().iter().zip(rows.columns()) {
            if field.name() == identity && field.data_type() == &DataType::UInt64 {
                let ids = column.as_primitive::<UInt64Type>();
                if ids.values().contains(&0) {
                    let message =
                        format!("a row of `{}` has no `{identity}`, by which its rows are told apart", self.name);
                    return Err(refused(message, "leave out rows whose id is 0 in `where`"));
                }
            }
            if field.data_type() == &DataType::Float32 {
                let is_bounded = field.name() == "confidence";
                let wrong = |value: &&f32| !value.is_finite() || (is_bounded && !(0.0..=1.0).contains(*value));
                if let Some(value) = column.as_primitive::<Float32Type>().values().iter().find(wrong) {
                    let message = format!("a row of `{}` has `{}` = {value}", self.name, field.name());
                    return Err(refused(message, "a confidence lies between 0 and 1, and a score is a number"));
                }
            }
        }
        Ok(())
    }
}
