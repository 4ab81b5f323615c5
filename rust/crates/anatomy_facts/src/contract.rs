//! Table contracts: the Arrow schema of a relation together with the role of each column.
//!
//! A role says what a column *is* (an expression, a scope, a symbol), which is all that join inference needs to know.

use std::sync::{Arc, LazyLock};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::run_tables::RUN_TABLES;
use crate::tables::EVIDENCE;

/// The physical type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnType {
    /// 64-bit identity (`UInt64`).
    Id,
    /// Interned text (`UInt32`, metadata `symbol`); shown as text at every border.
    Symbol,
    /// Count, ordinal or offset (`UInt32`).
    Int,
    /// Truth (`Boolean`).
    Bool,
    /// Text that is not worth interning (`Utf8`).
    Text,
    /// Score or confidence (`Float32`).
    Float,
}

impl ColumnType {
    /// The Arrow type that stores it.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            ColumnType::Id => DataType::UInt64,
            ColumnType::Symbol | ColumnType::Int => DataType::UInt32,
            ColumnType::Bool => DataType::Boolean,
            ColumnType::Text => DataType::Utf8,
            ColumnType::Float => DataType::Float32,
        }
    }
}

/// What a column is: the unit of join inference. Empty: a plain value that never joins.
pub type Role = &'static str;

/// One column of a contract.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name in SQL and in rules.
    pub name: &'static str,
    /// Physical type.
    pub kind: ColumnType,
    /// Role, empty for plain values.
    pub role: Role,
    /// One line for the reference page.
    pub doc: &'static str,
}

/// A table: its name, columns and ordering key.
#[derive(Clone, Copy, Debug)]
pub struct Contract {
    /// Table name.
    pub name: &'static str,
    /// One sentence for the reference page.
    pub doc: &'static str,
    /// The column whose value names a row; empty where rows have no identity of their own.
    pub key: &'static str,
    /// Columns, in order.
    pub columns: &'static [Column],
}

/// Field metadata key that marks an interned text.
pub const SYMBOL_KEY: &str = "codeanatomy.symbol";
/// Schema metadata: the column that tells rows of a relation apart, or nearly so; empty if there is none.
pub const IDENTITY_KEY: &str = "codeanatomy.key";
/// Schema metadata: the columns by which rows are put in order where order is wanted, with commas.
pub const ORDER_KEY: &str = "codeanatomy.order";
/// Schema metadata: `exact` where the same input gives the same rows, `measured` where rows tell of clocks.
pub const DETERMINISM_KEY: &str = "codeanatomy.determinism";
/// Field metadata key of the role.
pub const ROLE_KEY: &str = "codeanatomy.role";

impl Contract {
    /// The Arrow schema, with roles as field metadata and name, version and key as schema metadata. Evidence contracts
    /// share one schema each, so asking is cheap.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        static SCHEMAS: LazyLock<Vec<(&'static str, SchemaRef)>> =
            LazyLock::new(|| EVIDENCE.iter().map(|contract| (contract.name, contract.build_schema())).collect());
        SCHEMAS
            .iter()
            .find(|(name, _)| *name == self.name)
            .map_or_else(|| self.build_schema(), |(_, schema)| Arc::clone(schema))
    }

    /// A batch without rows. Those of evidence contracts are shared: most tables of most files are empty.
    #[must_use]
    pub fn empty(&self) -> RecordBatch {
        static EMPTY: LazyLock<Vec<(&'static str, RecordBatch)>> = LazyLock::new(|| {
            EVIDENCE.iter().map(|contract| (contract.name, RecordBatch::new_empty(contract.schema()))).collect()
        });
        EMPTY
            .iter()
            .find(|(name, _)| *name == self.name)
            .map_or_else(|| RecordBatch::new_empty(self.schema()), |(_, empty)| empty.clone())
    }

    fn build_schema(&self) -> SchemaRef {
        let is_measured = RUN_TABLES.iter().any(|of| of.name == self.name);
        let fields: Vec<Field> =
            self.columns.iter().map(|column| field(column.name, column.kind, column.role)).collect();
        Arc::new(Schema::new_with_metadata(
            fields,
            [
                ("codeanatomy.contract".to_owned(), self.name.to_owned()),
                ("codeanatomy.version".to_owned(), "1".to_owned()),
                (IDENTITY_KEY.to_owned(), self.key.to_owned()),
                (
                    ORDER_KEY.to_owned(),
                    match (is_measured, self.key) {
                        (true, _) => "start",
                        (false, "") => "file",
                        (false, key) => key,
                    }
                    .to_owned(),
                ),
                (DETERMINISM_KEY.to_owned(), if is_measured { "measured" } else { "exact" }.to_owned()),
            ]
            .into(),
        ))
    }

    /// Position of a column by name, if any.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// A field of the given type and role, never null.
#[must_use]
pub fn field(name: &str, kind: ColumnType, role: &str) -> Field {
    let mut metadata = std::collections::HashMap::new();
    if kind == ColumnType::Symbol {
        metadata.insert(SYMBOL_KEY.to_owned(), "1".to_owned());
    }
    if !role.is_empty() {
        metadata.insert(ROLE_KEY.to_owned(), role.to_owned());
    }
    Field::new(name, kind.arrow(), false).with_metadata(metadata)
}

/// True for a field that stores an interned text.
#[must_use]
pub fn is_symbol(field: &Field) -> bool {
    field.metadata().contains_key(SYMBOL_KEY)
}

/// The role of a field, empty for plain values.
#[must_use]
pub fn role_of(field: &Field) -> &str {
    field.metadata().get(ROLE_KEY).map_or("", String::as_str)
}
