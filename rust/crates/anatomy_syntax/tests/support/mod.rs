//! Facts as text, so that tests can show what they expect.
#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::HashMap;

use anatomy_facts::{AnchorKind, FileFacts, Id, Symbol, contract::is_symbol, tables::EVIDENCE};
use anatomy_syntax::{ModuleContext, TextIndex, extract, parse, syntax_errors};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, UInt32Type, UInt64Type};

/// The facts of a text as the module `pkg.mod` of package `pkg`.
pub(crate) fn facts_of(text: &str) -> FileFacts {
    let context = ModuleContext {
        module: "pkg.mod".to_owned(),
        package: "pkg".to_owned(),
        partition: "user".to_owned(),
        ..ModuleContext::default()
    };
    let tree = parse(text, None);
    let errors = syntax_errors(text, &tree);
    extract("pkg/mod.py", &context, text, &tree, errors)
}

/// The batch of a table.
pub(crate) fn table<'a>(facts: &'a FileFacts, name: &str) -> &'a RecordBatch {
    let at = EVIDENCE.iter().position(|contract| contract.name == name).expect("the table has a contract");
    &facts.tables[at]
}

/// Names for ids: what stands at their anchor.
fn labels(facts: &FileFacts, text: &str) -> HashMap<Id, String> {
    let index = TextIndex::new(text);
    let mut labels = HashMap::from([(0, "-".to_owned())]);
    for anchor in &facts.anchors {
        let word = &text[anchor.start as usize..anchor.end as usize];
        let extent = &text[anchor.extent_start as usize..anchor.extent_end as usize];
        let label = match anchor.kind {
            AnchorKind::Binding => format!("{word}:{}", index.line_of(anchor.start) + 1),
            AnchorKind::Reference | AnchorKind::Expression => format!("`{}`", extent.replace('\n', "⏎")),
            AnchorKind::Scope => continue,
        };
        labels.insert(anchor.id, label);
    }
    let scopes = table(facts, "scopes");
    let ids = scopes.column(0).as_primitive::<UInt64Type>();
    for row in 0..scopes.num_rows() {
        let text = |column: usize| Symbol(scopes.column(column).as_primitive::<UInt32Type>().value(row)).text();
        let name = if text(3).is_empty() { text(2).to_owned() } else { format!("{} {}", text(2), text(3)) };
        labels.insert(ids.value(row), format!("<{name}>"));
    }
    labels
}

/// Rows of a table as text, one a line: the chosen columns in their order, ids as what stands at their place.
pub(crate) fn rows(text: &str, name: &str, columns: &[&str]) -> Vec<String> {
    let facts = facts_of(text);
    let labels = labels(&facts, text);
    let batch = table(&facts, name);
    let schema = batch.schema();
    (0..batch.num_rows())
        .map(|row| {
            let cells: Vec<String> = columns
                .iter()
                .map(|column| {
                    let at = schema.index_of(column).expect("the contract has the column");
                    let array = batch.column(at);
                    match schema.field(at).data_type() {
                        DataType::UInt64 => {
                            let id = array.as_primitive::<UInt64Type>().value(row);
                            labels.get(&id).cloned().unwrap_or_else(|| "?".to_owned())
                        }
                        DataType::UInt32 if is_symbol(schema.field(at)) => {
                            let text = Symbol(array.as_primitive::<UInt32Type>().value(row)).text();
                            if text.is_empty() { "''".to_owned() } else { text.to_owned() }
                        }
                        DataType::UInt32 => array.as_primitive::<UInt32Type>().value(row).to_string(),
                        DataType::Boolean => array.as_boolean().value(row).to_string(),
                        DataType::Utf8 => array.as_string::<i32>().value(row).replace('\n', "⏎"),
                        other => panic!("no test shows a column of type {other}"),
                    }
                })
                .collect();
            cells.join(" ")
        })
        .collect()
}

/// Fails with both lists in full if they differ.
#[track_caller]
pub(crate) fn assert_rows(text: &str, name: &str, columns: &[&str], expected: &[&str]) {
    let found = rows(text, name, columns);
    assert_eq!(found, expected, "rows of {name} for:\n{text}\nfound:\n{}", found.join("\n"));
}

/// A generator of pseudo-random numbers (xorshift), so that a failure can be repeated.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

/// Code with most of the language in it.
pub(crate) const SAMPLE: &str = r##""""Docstring."""
from __future__ import annotations
import os.path as p, sys
from . import sibling as sibling
from .pkg.mod import a as b, c

__all__ = ["Order", "discount"]

TOTAL: int = 0
PRICES: Dict[str, Callable[["Order"], int]] = {"half": halved, "none": lambda order: 0, **more}
PRICES["full"] = Order.price = priced
SUM = -TOTAL + Rate(1) * 2


@decorate(level=2)
class Order(Base, metaclass=Meta):
    """An order."""

    rows: "List[Row]" = []

    def __init__(self, rows, *args, flag: bool = True, **kwargs) -> None:
        self.rows = [row for row in rows if (last := row)]
        super().__init__(*args, **kwargs)

    async def send(self, client: Client):
        async with client.open("shop.mail.send") as (conn, _):
            await conn.put(f"{self.rows!r:>{self.width}} {TOTAL}")


def pair[T: Order, *Ts](left, right: T):  # type: (Order, T) -> "Pair[T]"
    return cast("Order", left), NamedTuple("Pair", [("left", "Order")])


def discount(order, /, rate=0.5):
    global TOTAL
    try:
        TOTAL += order.total() * rate
    except (KeyError, ValueError) as error:
        raise RuntimeError("bad") from error
    match order:
        case Order(rows=[first, *rest]) if rest:
            return first
        case {"k": value, **others} | value:
            return lambda x=value: x + TOTAL
    for key, (left, right) in pairs():
        yield key, left
    del key
"##;
