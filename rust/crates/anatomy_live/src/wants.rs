//! Which modules a file wants: what has to be in the graph for its imports to lead somewhere.
//!
//! A file of the workspace and a stub want all that they import. Library source wants only what its module and class
//! bodies import: what a function of a library imports for itself, nobody outside can name.

use std::collections::HashSet;

use anatomy_facts::tables::{EVIDENCE, IMPORTS, MODULE_REFS, SCOPES};
use anatomy_facts::{AnchorKind, Contract, FileFacts, Id, Symbol};
use anatomy_syntax::ModuleContext;
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{UInt32Type, UInt64Type};

/// A module that a file wants.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Want {
    /// Dotted name.
    pub(crate) module: Symbol,
    /// An import names it as a module; else it is the `m.n` of `from m import n`, which may be a module or not.
    pub(crate) certain: bool,
}

/// The wants of a file, each once.
pub(crate) fn wants(facts: &FileFacts, context: &ModuleContext) -> Box<[Want]> {
    let is_source = context.partition == "library" && !context.is_stub;
    let functions = if is_source { functions(facts) } else { Functions::default() };
    let mut found: HashSet<Want> = HashSet::new();
    let refs = table(facts, &MODULE_REFS);
    let (exprs, modules) = (ids(refs, &MODULE_REFS, "expr"), symbols(refs, &MODULE_REFS, "module"));
    let places = if functions.spans.is_empty() {
        None
    } else {
        Some(facts.anchors.iter().map(|anchor| (anchor.id, anchor.start)).collect::<std::collections::HashMap<_, _>>())
    };
    for (expr, module) in exprs.iter().zip(modules) {
        if places.as_ref().and_then(|places| places.get(expr)).is_some_and(|start| functions.hold(*start)) {
            continue;
        }
        found.insert(Want { module: Symbol(*module), certain: true });
    }
    let imports = table(facts, &IMPORTS);
    let columns = [symbols(imports, &IMPORTS, "module"), symbols(imports, &IMPORTS, "name")];
    let star = Symbol::of("*").0;
    for (row, scope) in ids(imports, &IMPORTS, "scope").iter().enumerate() {
        let (module, name) = (columns[0][row], columns[1][row]);
        if name == 0 || name == star || module == 0 || functions.scopes.contains(scope) {
            continue;
        }
        let whole = format!("{}.{}", Symbol(module).text(), Symbol(name).text());
        found.insert(Want { module: Symbol::of(&whole), certain: false });
    }
    let mut sorted: Vec<Want> = found.into_iter().filter(|want| !want.module.text().starts_with('.')).collect();
    // What is certain comes first, so that of one module asked for in both ways the certain one is seen.
    sorted.sort_by_key(|want| (!want.certain, want.module.text()));
    sorted.dedup_by_key(|want| want.module);
    sorted.into_boxed_slice()
}

/// The functions of a file: their scopes, and the bytes that they take.
#[derive(Default)]
struct Functions {
    scopes: HashSet<Id>,
    spans: Vec<(u32, u32)>,
}

impl Functions {
    /// Whether a byte lies in a function. Spans nest, so the last one that starts before the byte may have ended.
    fn hold(&self, at: u32) -> bool {
        let after = self.spans.partition_point(|span| span.0 <= at);
        self.spans[..after].iter().any(|span| at < span.1)
    }
}

fn functions(facts: &FileFacts) -> Functions {
    let scopes = table(facts, &SCOPES);
    let function = Symbol::of("function").0;
    let kinds = symbols(scopes, &SCOPES, "kind");
    let all: HashSet<Id> = ids(scopes, &SCOPES, "scope")
        .iter()
        .zip(kinds)
        .filter(|(_, kind)| **kind == function)
        .map(|(id, _)| *id)
        .collect();
    let mut spans: Vec<(u32, u32)> = facts
        .anchors
        .iter()
        .filter(|anchor| anchor.kind == AnchorKind::Scope && all.contains(&anchor.id))
        .map(|anchor| (anchor.start.min(anchor.extent_start), anchor.end.max(anchor.extent_end)))
        .collect();
    spans.sort_unstable();
    // A function inside a function adds nothing.
    let mut outer: Vec<(u32, u32)> = Vec::new();
    for span in spans {
        if outer.last().is_none_or(|last| last.1 <= span.0) {
            outer.push(span);
        }
    }
    Functions { scopes: all, spans: outer }
}

fn table<'a>(facts: &'a FileFacts, contract: &Contract) -> &'a RecordBatch {
    let at = EVIDENCE.iter().position(|each| each.name == contract.name);
    &facts.tables[at.expect("every contract that is asked for here is evidence")]
}

fn ids<'a>(table: &'a RecordBatch, contract: &Contract, column: &str) -> &'a [u64] {
    let at = contract.position(column).expect("the contract has its own columns");
    table.column(at).as_primitive::<UInt64Type>().values()
}

fn symbols<'a>(table: &'a RecordBatch, contract: &Contract, column: &str) -> &'a [u32] {
    let at = contract.position(column).expect("the contract has its own columns");
    table.column(at).as_primitive::<UInt32Type>().values()
}
