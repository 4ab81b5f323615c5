//! The functions that rules and queries may use besides DataFusion's own.
//!
//! `text(symbol)` and `symbol(text)` cross between numbers and text; `id(...)` makes the identity of a thing from its
//! parts; `dotted`, `dotted_parent`, `dotted_first` and `dotted_last` handle dotted paths; `path_step(position, rest)` puts
//! a step before a path of up to sixteen steps, so that paths compare as numbers. All are pure.

use std::sync::Arc;

use anatomy_facts::contract::{field, is_symbol};
use anatomy_facts::{ColumnType, Symbol, id_of};
use arrow::array::{Array, ArrayRef, AsArray, StringArray, UInt32Array, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, UInt32Type, UInt64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// All functions, to be registered in a session.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    [
        Which::Text,
        Which::Symbol,
        Which::Id,
        Which::Dotted,
        Which::DottedParent,
        Which::DottedFirst,
        Which::DottedLast,
        Which::PathStep,
    ]
    .into_iter()
    .map(|which| Arc::new(ScalarUDF::new_from_impl(Function { which, signature: which.signature() })))
    .collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Which {
    Text,
    Symbol,
    Id,
    Dotted,
    DottedParent,
    DottedFirst,
    DottedLast,
    PathStep,
}

impl Which {
    fn signature(self) -> Signature {
        match self {
            Which::Text | Which::Symbol | Which::DottedParent | Which::DottedFirst | Which::DottedLast => {
                Signature::any(1, Volatility::Immutable)
            }
            Which::Dotted | Which::PathStep => Signature::any(2, Volatility::Immutable),
            Which::Id => Signature::variadic_any(Volatility::Immutable),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Which::Text => "text",
            Which::Symbol => "symbol",
            Which::Id => "id",
            Which::Dotted => "dotted",
            Which::DottedParent => "dotted_parent",
            Which::DottedFirst => "dotted_first",
            Which::DottedLast => "dotted_last",
            Which::PathStep => "path_step",
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    which: Which,
    signature: Signature,
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.which.name()
    }
    fn signature(&self) -> &Signature {
        &self.signature
    }
    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.which {
            Which::Text => DataType::Utf8,
            Which::Id | Which::PathStep => DataType::UInt64,
            _ => DataType::UInt32,
        })
    }
    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let kind = match self.which {
            Which::Text => ColumnType::Text,
            Which::Id | Which::PathStep => ColumnType::Id,
            _ => ColumnType::Symbol,
        };
        Ok(Arc::new(field(self.name(), kind, "").with_nullable(nullable)))
    }
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let result: ArrayRef = match self.which {
            Which::Text => match arrays[0].data_type() {
                DataType::UInt32 => text_of_symbols(&arrays[0]),
                _ => cast(&arrays[0], &DataType::Utf8)?,
            },
            Which::Symbol => match arrays[0].data_type() {
                DataType::UInt32 => arrays[0].clone(),
                _ => {
                    let texts = cast(&arrays[0], &DataType::Utf8)?;
                    Arc::new(
                        texts
                            .as_string::<i32>()
                            .iter()
                            .map(|text| text.map(|text| Symbol::of(text).0))
                            .collect::<UInt32Array>(),
                    )
                }
            },
            Which::Id => id_of_rows(&arrays, &args.arg_fields, rows)?,
            Which::Dotted => {
                let (left, right) = (symbols(&arrays[0])?, symbols(&arrays[1])?);
                let joined = |(left, right): (Option<u32>, Option<u32>)| {
                    let (left, right) = (Symbol(left?).text(), Symbol(right?).text());
                    Some(if left.is_empty() { Symbol::of(right) } else { Symbol::of(&format!("{left}.{right}")) }.0)
                };
                Arc::new(left.iter().zip(right.iter()).map(joined).collect::<UInt32Array>())
            }
            Which::DottedParent => {
                let parent = |symbol: Option<u32>| {
                    Some(Symbol::of(Symbol(symbol?).text().rsplit_once('.').map_or("", |(parent, _)| parent)).0)
                };
                Arc::new(symbols(&arrays[0])?.iter().map(parent).collect::<UInt32Array>())
            }
            Which::DottedFirst => {
                let first = |symbol: Option<u32>| {
                    let text = Symbol(symbol?).text();
                    Some(Symbol::of(text.split_once('.').map_or(text, |(first, _)| first)).0)
                };
                Arc::new(symbols(&arrays[0])?.iter().map(first).collect::<UInt32Array>())
            }
            Which::PathStep => {
                let positions = cast(&arrays[0], &DataType::UInt64)?;
                let rests = cast(&arrays[1], &DataType::UInt64)?;
                // Four bits for each step, the first step in the highest; more than 15 bases share the last number.
                let step =
                    |(position, rest): (Option<u64>, Option<u64>)| Some((position?.min(14) + 1) << 60 | rest? >> 4);
                let (positions, rests) = (positions.as_primitive::<UInt64Type>(), rests.as_primitive::<UInt64Type>());
                Arc::new(positions.iter().zip(rests.iter()).map(step).collect::<UInt64Array>())
            }
            Which::DottedLast => {
                let last = |symbol: Option<u32>| {
                    let text = Symbol(symbol?).text();
                    Some(Symbol::of(text.rsplit_once('.').map_or(text, |(_, last)| last)).0)
                };
                Arc::new(symbols(&arrays[0])?.iter().map(last).collect::<UInt32Array>())
            }
        };
        if constant && rows > 0 {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}

fn symbols(array: &ArrayRef) -> Result<&UInt32Array> {
    array
        .as_primitive_opt::<UInt32Type>()
        .ok_or_else(|| DataFusionError::Plan(format!("expected a symbol, found {}", array.data_type())))
}

fn text_of_symbols(array: &ArrayRef) -> ArrayRef {
    let numbers = array.as_primitive::<UInt32Type>();
    let texts = Symbol::texts(numbers.values().iter().copied());
    Arc::new(
        texts.into_iter().enumerate().map(|(row, text)| numbers.is_valid(row).then_some(text)).collect::<StringArray>(),
    )
}

/// Shows every symbol column of a batch as text.
///
/// # Errors
/// Never for batches of contracts.
pub(crate) fn decode_symbols(batch: &arrow::array::RecordBatch) -> Result<arrow::array::RecordBatch> {
    let schema = decoded_schema(&batch.schema());
    let columns = batch
        .columns()
        .iter()
        .zip(batch.schema().fields())
        .map(|(column, of)| if is_symbol(of) { text_of_symbols(column) } else { column.clone() })
        .collect();
    Ok(arrow::array::RecordBatch::try_new(schema, columns)?)
}

/// The schema that [`decode_symbols`] yields.
pub(crate) fn decoded_schema(schema: &arrow::datatypes::SchemaRef) -> arrow::datatypes::SchemaRef {
    let fields: Vec<arrow::datatypes::Field> = schema
        .fields()
        .iter()
        .map(|of| if is_symbol(of) { of.as_ref().clone().with_data_type(DataType::Utf8) } else { of.as_ref().clone() })
        .collect();
    Arc::new(arrow::datatypes::Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The identity of each row: `id(...)` over all columns.
pub(crate) fn group_ids(batch: &arrow::array::RecordBatch) -> Result<ArrayRef> {
    let fields: Vec<FieldRef> = batch.schema().fields().iter().cloned().collect();
    id_of_rows(batch.columns(), &fields, batch.num_rows())
}

fn id_of_rows(arrays: &[ArrayRef], fields: &[FieldRef], rows: usize) -> Result<ArrayRef> {
    enum Part<'a> {
        Texts(Vec<&'static str>),
        Ids(&'a UInt64Array),
        Numbers(&'a UInt32Array),
        Strings(StringArray),
    }
    let parts = arrays
        .iter()
        .zip(fields)
        .map(|(array, of)| {
            Ok(match array.data_type() {
                DataType::UInt64 => Part::Ids(array.as_primitive::<UInt64Type>()),
                DataType::UInt32 if is_symbol(of) => {
                    Part::Texts(Symbol::texts(array.as_primitive::<UInt32Type>().values().iter().copied()))
                }
                DataType::UInt32 => Part::Numbers(array.as_primitive::<UInt32Type>()),
                _ => Part::Strings(cast(array, &DataType::Utf8)?.as_string::<i32>().clone()),
            })
        })
        .collect::<Result<Vec<Part<'_>>>>()?;
    let identity = |row: usize| {
        let bytes: Vec<[u8; 8]> = parts
            .iter()
            .map(|part| match part {
                Part::Ids(ids) => ids.value(row).to_le_bytes(),
                Part::Numbers(numbers) => u64::from(numbers.value(row)).to_le_bytes(),
                Part::Texts(_) | Part::Strings(_) => [0; 8],
            })
            .collect();
        let slices: Vec<&[u8]> = parts
            .iter()
            .zip(&bytes)
            .map(|(part, number)| match part {
                Part::Texts(texts) => texts[row].as_bytes(),
                Part::Strings(strings) => strings.value(row).as_bytes(),
                Part::Ids(_) | Part::Numbers(_) => number.as_slice(),
            })
            .collect();
        id_of(&slices)
    };
    Ok(Arc::new((0..rows).map(identity).collect::<UInt64Array>()))
}
