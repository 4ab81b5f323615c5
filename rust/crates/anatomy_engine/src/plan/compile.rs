//! From a program to compiled views: one pass in topological order, each view lowered against the schemas before it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use anatomy_facts::contract::{DETERMINISM_KEY, IDENTITY_KEY, ORDER_KEY, field, is_symbol, role_of};
use anatomy_facts::tables::EVIDENCE;
use anatomy_facts::{ColumnType, ErrorCode, Symbol};
use anatomy_program::{Confidence, Match, Program, Refresh, TableSpec, ViewKind, ViewSpec, topological};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::logical_expr::LogicalPlan;
use rayon::prelude::*;

use super::manifest::{Manifest, hash_of, shown};
use super::view::{Branch, Compiled, Occurrence, Prepared, View};
use crate::error::{EngineError, Result};
use crate::lower::block::{Output, blocks, describe};
use crate::lower::sql::parse_rule;
use crate::lower::{CatalogEntry, LeafJoin, Session};
use crate::operators::{Limit, Linear, OrderKey, Version};

struct Compiler<'a> {
    session: &'a Session,
    specs: BTreeMap<&'a str, &'a ViewSpec>,
    /// The relations that each rule names.
    named: BTreeMap<&'a str, Vec<String>>,
    catalog: HashMap<String, CatalogEntry>,
    /// Tables that are filled later than evidence.
    late: Vec<&'a str>,
}

/// Programs that were compiled in this process.
static COMPILES: AtomicU64 = AtomicU64::new(0);

/// How many programs were compiled in this process: one for each program that somebody began to use, whatever was asked of it.
#[must_use]
pub fn compiles() -> u64 {
    COMPILES.load(Ordering::Relaxed)
}

/// Compiles a program.
///
/// # Errors
/// Every refusal of the compiler, with its code, place and remedy.
pub(crate) fn compile(program: &Program, manifest: &Manifest, session: &Session) -> Result<Compiled> {
    COMPILES.fetch_add(1, Ordering::Relaxed);
    let mut compiler =
        Compiler { session, specs: BTreeMap::new(), named: BTreeMap::new(), catalog: HashMap::new(), late: Vec::new() };
    let mut relations = Vec::new();
    for (number, contract) in EVIDENCE.iter().enumerate() {
        compiler.add(contract.name, number, contract.schema(), None, Version::New)?;
        relations.push((contract.name.to_owned(), contract.schema()));
    }
    for table in &program.tables {
        if compiler.catalog.contains_key(&table.name) {
            return Err(EngineError::compile(
                ErrorCode::RuleDuplicate,
                table.name.clone(),
                format!("the table `{}` is defined twice", table.name),
                "rename one of the two",
            ));
        }
        let schema = late_schema(table)?;
        compiler.add(&table.name, relations.len(), schema.clone(), None, Version::New)?;
        relations.push((table.name.clone(), schema));
    }
    compiler.late = program.tables.iter().map(|table| table.name.as_str()).collect();
    for spec in &program.views {
        if compiler.catalog.contains_key(&spec.name) || compiler.specs.insert(&spec.name, spec).is_some() {
            return Err(EngineError::compile(
                ErrorCode::RuleDuplicate,
                spec.place("name"),
                format!("`{}` is defined twice", spec.name),
                "rename one of the two files",
            ));
        }
    }
    for spec in &program.views {
        let named = compiler.relations_in(spec)?;
        compiler.named.insert(&spec.name, named);
    }
    let inlined = compiler.inlined()?;
    let reads = compiler.reads(&inlined)?;
    let mut views = Vec::new();
    for name in topological(&reads)? {
        let number = relations.len();
        let began = Instant::now();
        let mut view = compiler.view(compiler.specs[name.as_str()], number, &inlined)?;
        view.compile_micros = began.elapsed().as_micros() as u32;
        view.fingerprint = fingerprint(&view, manifest, &views);
        compiler.add(&name, number, view.schema.clone(), view.level, Version::New)?;
        relations.push((name, view.schema.clone()));
        views.push(view);
    }
    // Deriving needs no planning, and a rule that cannot be kept up to date is refused now, not at an edit.
    let derived: Vec<Result<()>> = views.par_iter_mut().map(derive).collect();
    derived.into_iter().collect::<Result<()>>()?;
    let numbers = Compiled::stage_numbers(&views);
    let mut stages = vec![Vec::new(); numbers.values().max().map_or(0, |last| last + 1)];
    for (at, view) in views.iter().enumerate() {
        if let Some(&stage) = numbers.get(&view.number) {
            stages[stage].push(at);
        }
    }
    Ok(Compiled { relations, evidence: EVIDENCE.len(), views, stages })
}

/// The plans by which a view is kept up to date.
fn derive(view: &mut View) -> Result<()> {
    let began = Instant::now();
    if view.keyed && view.stored {
        view.keyed_plans()?;
        for occurrence in 0..view.occurrences.len() {
            view.impact_plan(occurrence)?;
        }
    }
    view.compile_micros += began.elapsed().as_micros() as u32;
    Ok(())
}

impl<'a> Compiler<'a> {
    fn add(
        &mut self,
        name: &str,
        number: usize,
        schema: SchemaRef,
        level: Option<usize>,
        version: Version,
    ) -> Result<()> {
        let entry = CatalogEntry { name: name.to_owned(), number, schema, level, rows: 0 };
        self.catalog.insert(name.to_owned(), entry.clone());
        self.session.register(entry, version)
    }

    /// Inputs of unions that need no relation of their own: without a winner, and read by nothing else.
    fn inlined(&self) -> Result<Vec<&'a str>> {
        let mut readers: HashMap<&str, usize> = HashMap::new();
        for read in self.named.values().flatten() {
            *readers.entry(read).or_default() += 1;
        }
        let mut inlined = Vec::new();
        for union in self.specs.values().filter(|spec| spec.kind == ViewKind::Union) {
            for input in &union.inputs {
                let Some((name, spec)) = self.specs.get_key_value(input.as_str()) else {
                    if self.catalog.contains_key(input) {
                        continue;
                    }
                    return Err(unknown(union, "inputs", input));
                };
                let simple = spec.winner.is_none()
                    && spec.linearize.is_none()
                    && spec.kind != ViewKind::Union
                    && spec.rounds == 0;
                if simple && readers.get(input.as_str()) == Some(&1) {
                    inlined.push(*name);
                } else if union.rounds > 0 && self.named[name].contains(&union.name) {
                    return Err(EngineError::compile(
                        ErrorCode::RuleCycle,
                        spec.place("winner"),
                        format!(
                            "`{input}` takes part in the recursion of `{}`, so it can have no winner and no other reader",
                            union.name
                        ),
                        "put the winner on the recursive rule",
                    ));
                }
            }
        }
        Ok(inlined)
    }

    /// Whether a relation has rows only when a query asks for them.
    fn keeps_no_rows(&self, relation: &str) -> bool {
        self.late.contains(&relation) || self.specs.get(relation).is_some_and(|spec| !spec.stored)
    }

    fn relations_in(&self, spec: &ViewSpec) -> Result<Vec<String>> {
        let mut reads: Vec<String> = spec.inputs.clone();
        if !spec.clauses.is_empty() {
            let known = |name: &str| self.catalog.contains_key(name) || self.specs.contains_key(name);
            reads.extend(Match::parse(spec)?.relations(&|name| !known(name) && self.session.has_function(name)));
        }
        if !spec.sql.is_empty() {
            reads.extend(self.session.tables(&parse_rule(&spec.place("sql"), &spec.sql)?)?);
        }
        Ok(reads)
    }

    fn reads(&self, inlined: &[&str]) -> Result<BTreeMap<String, Vec<String>>> {
        let mut reads = BTreeMap::new();
        for (name, spec) in &self.specs {
            if inlined.contains(name) {
                continue;
            }
            let mut all = Vec::new();
            for read in &self.named[name] {
                match self.specs.get(read.as_str()) {
                    Some(inner) if inlined.contains(&read.as_str()) => {
                        all.extend(self.named[inner.name.as_str()].iter().cloned());
                    }
                    Some(_) => all.push(read.clone()),
                    None if self.catalog.contains_key(read) => {
                        if self.late.contains(&read.as_str()) {
                            all.push(read.clone());
                        }
                    }
                    None => {
                        return Err(unknown(
                            spec,
                            if spec.inputs.is_empty() { spec.source_key() } else { "inputs" },
                            read,
                        ));
                    }
                }
            }
            if let Some(late) = all.iter().find(|read| spec.stored && self.keeps_no_rows(read)) {
                return Err(EngineError::compile(
                    ErrorCode::RuleReadsLate,
                    spec.place(if spec.inputs.is_empty() { spec.source_key() } else { "inputs" }),
                    format!("rule `{}` reads `{late}`, which has no rows while edits are followed", spec.name),
                    "write `stored = false`: the rule is then run when a query names it",
                ));
            }
            all.retain(|read| !self.late.contains(&read.as_str()));
            if spec.rounds == 0 && all.contains(&spec.name) {
                return Err(EngineError::compile(
                    ErrorCode::RuleCycle,
                    spec.place("rounds"),
                    format!("`{name}` reads itself without a bound"),
                    "say how deep it may go: `rounds = 8`",
                ));
            }
            reads.insert((*name).to_owned(), all);
        }
        Ok(reads)
    }

    fn view(&mut self, spec: &'a ViewSpec, number: usize, inlined: &[&str]) -> Result<View> {
        let declared = if spec.rounds > 0 { Some(declared_schema(spec)?) } else { None };
        if let Some(schema) = &declared {
            let level = schema.fields().len() - 1;
            self.add(&spec.name, number, schema.clone(), Some(level), Version::Below)?;
        }
        let mut branches = Vec::new();
        let mut outputs: Option<Vec<Output>> = None;
        let rules: Vec<(&str, Option<&ViewSpec>)> = if spec.inputs.is_empty() {
            vec![(spec.name.as_str(), Some(spec))]
        } else {
            spec.inputs
                .iter()
                .map(|input| {
                    let inner = self.specs.get(input.as_str()).copied();
                    (input.as_str(), inner.filter(|_| inlined.contains(&input.as_str())))
                })
                .collect()
        };
        for (rule, inner) in rules {
            let of = inner.unwrap_or(spec);
            let (sql, joins) = match inner {
                Some(inner) => self.branch_sql(inner, spec)?,
                None => (self.passed_sql(rule), vec![]),
            };
            let source = of.place(of.source_key());
            let logical = self.session.plan(&source, parse_rule(&source, &sql)?)?;
            let read = blocks(&source, &logical, &self.catalog);
            let (read, described) = match (read, spec.refresh) {
                (Ok(read), _) => {
                    let described = match read.first() {
                        Some(block) => describe(&source, block)?,
                        None => vec![],
                    };
                    let simplified = self.session.simplified(logical.clone())?;
                    (blocks(&source, &simplified, &self.catalog).unwrap_or(read), described)
                }
                (Err(_), Refresh::Full) => (vec![], described_by_plan(&logical)),
                (Err(refused), Refresh::Keyed) => return Err(refused),
            };
            let described = sorted(described);
            match &outputs {
                None => outputs = Some(described),
                Some(first) => check_shape(spec, rule, first, &described)?,
            }
            branches.push(Branch { rule: rule.to_owned(), sql, joins, logical, blocks: read });
        }
        let outputs = outputs.unwrap_or_default();
        let (schema, level) = match declared {
            Some(schema) => {
                check_declared(spec, &schema, &outputs)?;
                let level = schema.fields().len() - 1;
                (schema, Some(level))
            }
            None => (schema_of(spec, &outputs)?, None),
        };
        let column = |name: &str, key: &str| {
            schema.index_of(name).map_err(|_| {
                let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                EngineError::compile(
                    ErrorCode::RuleUnknownColumn,
                    spec.place(key),
                    format!("`{}` has no column `{name}`", spec.name),
                    format!("its columns are {}", known.join(", ")),
                )
            })
        };
        let winner = match &spec.winner {
            None => None,
            Some(winner) => {
                let group = winner.group.iter().map(|name| column(name, "winner")).collect::<Result<Vec<_>>>()?;
                let order = winner
                    .order
                    .iter()
                    .map(|item| {
                        let (name, descending) = match item.rsplit_once(' ') {
                            Some((name, "desc")) => (name, true),
                            Some((name, "asc")) => (name, false),
                            _ => (item.as_str(), false),
                        };
                        let at = column(name.trim(), "winner")?;
                        if is_symbol(schema.field(at)) {
                            return Err(EngineError::compile(
                                ErrorCode::RuleWinnerIncomplete,
                                spec.place("winner"),
                                format!("`{name}` is a symbol, and symbols have no order"),
                                "order by a number, for example a CASE over the symbol",
                            ));
                        }
                        Ok(OrderKey { column: at, descending })
                    })
                    .collect::<Result<Vec<_>>>()?;
                Some((group, order))
            }
        };
        let linear = match &spec.linearize {
            None => None,
            Some(linear) => Some(self.linear(spec, linear, &schema, &column)?),
        };
        let (grain, grain_reason) = self.grain(
            spec,
            &schema,
            winner.as_ref().map(|(group, _)| group).or(linear.as_ref().map(|of| &of.group)).cloned(),
            &column,
        )?;
        let limit = match &spec.limit {
            None => None,
            Some(limit) => Some(limit_of(spec, limit, &schema, &grain, &column)?),
        };
        let negated = |block: &crate::lower::Block| {
            block.leaves.iter().any(|leaf| leaf.relation == number && leaf.join != LeafJoin::Inner)
        };
        if branches.iter().flat_map(|branch| &branch.blocks).any(negated) {
            return Err(EngineError::compile(
                ErrorCode::RuleCycle,
                spec.place(spec.source_key()),
                format!("`{}` reads itself in an outer, semi or anti join", spec.name),
                "recursion must not depend on what is not there: deny over a relation that is complete before it",
            ));
        }
        let keyed = spec.refresh == Refresh::Keyed;
        let mut occurrences = Vec::new();
        if keyed {
            for (block, of) in branches.iter().flat_map(|branch| &branch.blocks).enumerate() {
                for (leaf, at) in of.leaves.iter().enumerate() {
                    occurrences.push(Occurrence { block, leaf, relation: at.relation });
                }
            }
        } else {
            for branch in &branches {
                for table in self.session.tables(&parse_rule(&spec.place("sql"), &branch.sql)?)? {
                    if let Some(entry) = self.catalog.get(&table) {
                        occurrences.push(Occurrence { block: 0, leaf: 0, relation: entry.number });
                    }
                }
            }
        }
        let view = View {
            name: spec.name.clone(),
            number,
            kind: spec.kind,
            place: spec.place(spec.source_key()),
            schema,
            grain,
            grain_reason,
            level,
            rounds: spec.rounds,
            keyed,
            stored: spec.stored,
            impacts: occurrences.iter().map(|_| OnceLock::new()).collect(),
            deltas: occurrences.iter().map(|_| OnceLock::new()).collect(),
            occurrences,
            branches,
            winner,
            limit,
            linear,
            prepared: Prepared::default(),
            fingerprint: String::new(),
            compile_micros: 0,
        };
        Ok(view)
    }

    /// SQL of a rule as a branch of `union` (or as the view itself), with the columns that every relationship carries.
    fn branch_sql(&self, spec: &ViewSpec, union: &ViewSpec) -> Result<(String, Vec<anatomy_program::JoinKey>)> {
        let in_union = union.kind == ViewKind::Union;
        if !spec.clauses.is_empty() {
            return self.match_sql(spec, in_union);
        }
        let sql = match in_union {
            true => format!("SELECT q.*, '{}' AS rule_name FROM ({}) AS q", spec.name, spec.sql),
            false => spec.sql.clone(),
        };
        Ok((sql, vec![]))
    }

    fn columns_of(&self, relation: &str) -> Option<Vec<(String, String)>> {
        let entry = self.catalog.get(relation)?;
        Some(entry.schema.fields().iter().map(|field| (field.name().clone(), role_of(field).to_owned())).collect())
    }

    /// SQL of a rule that is written as a match.
    fn match_sql(&self, spec: &ViewSpec, in_union: bool) -> Result<(String, Vec<anatomy_program::JoinKey>)> {
        let mut beside = Vec::new();
        if spec.kind == ViewKind::Relate {
            match &spec.confidence {
                Some(Confidence::Expression(expr)) => beside.push(("confidence", format!("CAST({expr} AS REAL)"))),
                Some(Confidence::Constant(value)) if in_union => {
                    beside.push(("confidence", format!("CAST({value:?} AS REAL)")));
                }
                _ => {}
            }
            if in_union {
                beside.push(("score", format!("CAST({:?} AS REAL)", spec.score.unwrap_or(0.0))));
            }
        }
        if in_union {
            beside.push(("rule_name", format!("'{}'", spec.name)));
        }
        let beside: Vec<(String, String)> = beside.into_iter().map(|(name, expr)| (name.to_owned(), expr)).collect();
        let is_function = |name: &str| self.session.has_function(name);
        let lowered = Match::parse(spec)?.lower(spec, &beside, &|name: &str| self.columns_of(name), &is_function)?;
        Ok((lowered.sql, lowered.keys))
    }

    /// SQL of a union input that is a relation of its own.
    fn passed_sql(&self, relation: &str) -> String {
        let entry = &self.catalog[relation];
        let skipped = |name: &str| entry.level.is_some_and(|level| entry.schema.field(level).name() == name);
        let fields: Vec<&str> =
            entry.schema.fields().iter().map(|field| field.name().as_str()).filter(|name| !skipped(name)).collect();
        let mut columns: Vec<String> = fields.iter().map(|name| format!("q.\"{name}\" AS \"{name}\"")).collect();
        let spec = self.specs.get(relation);
        if !fields.contains(&"rule_name") {
            columns.push(format!("'{relation}' AS rule_name"));
        }
        if let Some(spec) = spec.filter(|spec| spec.kind == ViewKind::Relate) {
            if let (Some(Confidence::Constant(value)), false) = (&spec.confidence, fields.contains(&"confidence")) {
                columns.push(format!("CAST({value:?} AS REAL) AS confidence"));
            }
            if !fields.contains(&"score") {
                columns.push(format!("CAST({:?} AS REAL) AS score", spec.score.unwrap_or(0.0)));
            }
        }
        format!("SELECT {} FROM {relation} AS q", columns.join(", "))
    }

    fn linear(
        &self,
        spec: &ViewSpec,
        linear: &anatomy_program::Linear,
        schema: &SchemaRef,
        column: &dyn Fn(&str, &str) -> Result<usize>,
    ) -> Result<Linear> {
        let of_type = |name: &str, wanted: &DataType| {
            let at = column(name, "linearize")?;
            if schema.field(at).data_type() == wanted {
                return Ok(at);
            }
            Err(EngineError::compile(
                ErrorCode::RuleWinnerIncomplete,
                spec.place("linearize"),
                format!(
                    "`{name}` of `{}` is {}, and linear order needs {wanted}",
                    spec.name,
                    schema.field(at).data_type()
                ),
                "the item and the path are ids, `consistent` is true or false",
            ))
        };
        Ok(Linear {
            group: linear.group.iter().map(|name| column(name, "linearize")).collect::<Result<Vec<_>>>()?,
            item: of_type(&linear.item, &DataType::UInt64)?,
            path: of_type(&linear.path, &DataType::UInt64)?,
            consistent: of_type(&linear.consistent, &DataType::Boolean)?,
        })
    }

    fn grain(
        &self,
        spec: &ViewSpec,
        schema: &SchemaRef,
        group: Option<Vec<usize>>,
        column: &dyn Fn(&str, &str) -> Result<usize>,
    ) -> Result<(Vec<usize>, String)> {
        if !spec.grain.is_empty() {
            let columns = spec.grain.iter().map(|name| column(name, "grain")).collect::<Result<Vec<_>>>()?;
            if let Some(group) = &group
                && !columns.iter().all(|column| group.contains(column))
            {
                return Err(EngineError::compile(
                    ErrorCode::RuleNotKeyable,
                    spec.place("grain"),
                    format!("the grain of `{}` goes beyond the group of its winner", spec.name),
                    "a contest must lie inside one unit of refresh: take grain columns from the group",
                ));
            }
            return Ok((columns, "stated".to_owned()));
        }
        if let Some(group) = group {
            return Ok((group, "group of the winner".to_owned()));
        }
        let sources = spec.inputs.iter().map(String::as_str);
        for source in sources {
            let Some(entry) = self.catalog.get(source) else { continue };
            let Some(key) = entry.schema.metadata().get(IDENTITY_KEY).filter(|key| !key.is_empty()) else { continue };
            if let Ok(at) = schema.index_of(key) {
                return Ok((vec![at], format!("identity of `{source}`")));
            }
        }
        Err(EngineError::compile(
            ErrorCode::RuleNotKeyable,
            spec.place("grain"),
            format!("the unit of refresh of `{}` cannot be inferred", spec.name),
            "say which output columns name it: `grain = [\"expr\"]`",
        ))
    }
}

/// Hash of all that decides the rows of a view: its rules and, through the views below it, theirs, down to evidence.
fn fingerprint(view: &View, manifest: &Manifest, below: &[View]) -> String {
    let rules = view.branches.iter().map(|branch| branch.rule.as_str()).chain([view.name.as_str()]);
    let mut parts: Vec<Vec<u8>> =
        rules.filter_map(|rule| Some([rule.as_bytes(), &manifest.rules.get(rule)?.to_le_bytes()].concat())).collect();
    let mut inputs: Vec<&str> = view
        .occurrences
        .iter()
        .filter_map(|of| below.iter().find(|view| view.number == of.relation))
        .map(|view| view.fingerprint.as_str())
        .collect();
    inputs.sort_unstable();
    inputs.dedup();
    parts.extend(inputs.iter().map(|input| input.as_bytes().to_vec()));
    parts.push(manifest.contracts.as_bytes().to_vec());
    parts.push(manifest.engine.as_bytes().to_vec());
    shown(hash_of(parts.iter().map(Vec::as_slice)))
}

/// Tables that queries may read and rules may not: they hold places, or what happens to be measured.
const NOT_FOR_RULES: [&str; 4] = ["anchors", "ts_parse_errors", "ts_changed_ranges", "extract_errors"];

fn unknown(spec: &ViewSpec, key: &str, relation: &str) -> EngineError {
    if NOT_FOR_RULES.contains(&relation) {
        return EngineError::compile(
            ErrorCode::RuleReadsPlace,
            spec.place(key),
            format!("rule `{}` reads `{relation}`, which holds places", spec.name),
            "join on ids: a place changes with every line above it, and queries look places up by id",
        );
    }
    EngineError::compile(
        ErrorCode::RuleUnknownRelation,
        spec.place(key),
        format!("rule `{}` reads `{relation}`, which nothing defines", spec.name),
        "`codeanatomy plan` lists all relations",
    )
}

fn sorted(mut outputs: Vec<Output>) -> Vec<Output> {
    outputs.sort_by(|left, right| left.name.cmp(&right.name));
    outputs
}

fn described_by_plan(plan: &LogicalPlan) -> Vec<Output> {
    plan.schema()
        .fields()
        .iter()
        .map(|of| Output {
            name: of.name().clone(),
            kind: match (of.data_type(), is_symbol(of)) {
                (DataType::UInt32, true) => ColumnType::Symbol,
                (DataType::UInt64, _) => ColumnType::Id,
                (DataType::Boolean, _) => ColumnType::Bool,
                (DataType::Float32 | DataType::Float64, _) => ColumnType::Float,
                (kind, _) if kind.is_integer() => ColumnType::Int,
                _ => ColumnType::Text,
            },
            role: role_of(of).to_owned(),
        })
        .collect()
}

fn check_shape(union: &ViewSpec, rule: &str, first: &[Output], other: &[Output]) -> Result<()> {
    let shape = |of: &[Output]| -> Vec<String> { of.iter().map(|o| format!("{} {:?}", o.name, o.kind)).collect() };
    let (left, right) = (shape(first), shape(other));
    if left == right {
        return Ok(());
    }
    let missing: Vec<&str> = left.iter().filter(|of| !right.contains(of)).map(String::as_str).collect();
    let extra: Vec<&str> = right.iter().filter(|of| !left.contains(of)).map(String::as_str).collect();
    Err(EngineError::compile(
        ErrorCode::RuleUnionShape,
        union.place("inputs"),
        format!("`{rule}` does not have the columns of the other inputs of `{}`", union.name),
        format!("missing: [{}]; beyond: [{}]", missing.join(", "), extra.join(", ")),
    ))
}

/// `role`, or `type:role`.
fn parse_role(text: &str) -> (Option<ColumnType>, &str) {
    match text.split_once(':') {
        None => (None, text),
        Some((kind, role)) => {
            let kind = match kind {
                "id" => Some(ColumnType::Id),
                "symbol" => Some(ColumnType::Symbol),
                "int" => Some(ColumnType::Int),
                "bool" => Some(ColumnType::Bool),
                "float" => Some(ColumnType::Float),
                "text" => Some(ColumnType::Text),
                _ => None,
            };
            (kind, role)
        }
    }
}

/// The schema of a table that is filled later: `file` and the columns that are declared.
fn late_schema(table: &TableSpec) -> Result<SchemaRef> {
    let mut fields = vec![field("file", ColumnType::Symbol, "file")];
    for column in &table.columns {
        let written = format!("{}:{}", column.kind, column.role);
        let (Some(kind), role) = parse_role(&written) else {
            return Err(EngineError::compile(
                ErrorCode::ProgramDecode,
                table.name.clone(),
                format!("`{}` of the table `{}` has no type `{}`", column.name, table.name, column.kind),
                "types are id symbol int bool float text",
            ));
        };
        fields.push(field(&column.name, kind, role));
    }
    let metadata = HashMap::from([
        ("codeanatomy.contract".to_owned(), table.name.clone()),
        ("codeanatomy.version".to_owned(), "1".to_owned()),
        (IDENTITY_KEY.to_owned(), table.key.clone()),
    ]);
    Ok(Arc::new(Schema::new_with_metadata(fields, metadata)))
}

/// The schema of a recursive view must be known before its SQL is: `roles` lists every column as `type:role`.
fn declared_schema(spec: &ViewSpec) -> Result<SchemaRef> {
    let mut fields = Vec::new();
    let mut columns: BTreeMap<String, (ColumnType, String)> = BTreeMap::new();
    if spec.kind == ViewKind::Union {
        columns.insert("rule_name".to_owned(), (ColumnType::Symbol, String::new()));
    }
    for (name, text) in &spec.roles {
        let (Some(kind), role) = parse_role(text) else {
            return Err(EngineError::compile(
                ErrorCode::ProgramDecode,
                spec.place("roles"),
                format!("`{}` reads itself, so the type of `{name}` must be said", spec.name),
                "write for example expr = \"id:expr\" (types: id symbol int bool float text)",
            ));
        };
        columns.insert(name.clone(), (kind, role.to_owned()));
    }
    for (name, (kind, role)) in &columns {
        fields.push(field(name, *kind, role));
    }
    fields.push(field("level", ColumnType::Int, ""));
    Ok(Arc::new(Schema::new_with_metadata(fields, key_metadata(&spec.grain, spec))))
}

/// The role that a column of this name has, if it is named like a role of the evidence or of what rules say of it.
fn role_by_name(name: &str) -> Option<&str> {
    match name {
        "name" => Some("symbol"),
        "target" => Some("target"),
        _ => EVIDENCE.iter().flat_map(|contract| contract.columns).any(|column| column.role == name).then_some(name),
    }
}

fn check_declared(spec: &ViewSpec, schema: &SchemaRef, outputs: &[Output]) -> Result<()> {
    let declared: Vec<String> =
        schema.fields().iter().filter(|of| of.name() != "level").map(|of| of.name().clone()).collect();
    let computed: Vec<String> = outputs.iter().map(|output| output.name.clone()).collect();
    if declared == computed {
        return Ok(());
    }
    Err(EngineError::compile(
        ErrorCode::RuleUnionShape,
        spec.place("roles"),
        format!("`{}` declares [{}] and computes [{}]", spec.name, declared.join(", "), computed.join(", ")),
        "list exactly the computed columns",
    ))
}

fn schema_of(spec: &ViewSpec, outputs: &[Output]) -> Result<SchemaRef> {
    for name in spec.roles.keys() {
        if !outputs.iter().any(|output| output.name == *name) {
            return Err(EngineError::compile(
                ErrorCode::RuleUnknownColumn,
                spec.place("roles"),
                format!("`{}` has no column `{name}`", spec.name),
                "roles name output columns",
            ));
        }
    }
    let fields: Vec<Field> = outputs
        .iter()
        .map(|output| {
            let named = role_by_name(&output.name).filter(|_| !spec.clauses.is_empty()).unwrap_or(&output.role);
            let role = spec.roles.get(&output.name).map_or(named, |text| parse_role(text).1);
            field(&output.name, output.kind, role)
        })
        .collect();
    Ok(Arc::new(Schema::new_with_metadata(fields, key_metadata(&spec.grain, spec))))
}

fn key_metadata(grain: &[String], spec: &ViewSpec) -> HashMap<String, String> {
    let group = spec.winner.as_ref().map(|winner| winner.group.clone()).unwrap_or_default();
    let key = match (grain, group.as_slice()) {
        ([only], _) | ([], [only]) => only.clone(),
        _ => String::new(),
    };
    HashMap::from([
        ("codeanatomy.contract".to_owned(), spec.name.clone()),
        ("codeanatomy.version".to_owned(), "1".to_owned()),
        (ORDER_KEY.to_owned(), order_of(grain, spec)),
        (DETERMINISM_KEY.to_owned(), "exact".to_owned()),
        (IDENTITY_KEY.to_owned(), key),
    ])
}

/// The columns by which rows are put in order where order is wanted: those of the contest, then those of the unit of refresh.
fn order_of(grain: &[String], spec: &ViewSpec) -> String {
    let contest = spec.winner.iter().flat_map(|winner| winner.group.iter().chain(&winner.order));
    let mut columns: Vec<&str> = Vec::new();
    for column in contest.chain(grain) {
        if !columns.contains(&column.as_str()) {
            columns.push(column);
        }
    }
    columns.join(",")
}

/// The limit of a view with its columns found.
fn limit_of(
    spec: &ViewSpec,
    limit: &anatomy_program::Limit,
    schema: &SchemaRef,
    grain: &[usize],
    column: &dyn Fn(&str, &str) -> Result<usize>,
) -> Result<Limit> {
    let group = limit.group.iter().map(|name| column(name, "limit")).collect::<Result<Vec<_>>>()?;
    let outside = |message: String, remedy: &str| {
        EngineError::compile(ErrorCode::RuleWinnerIncomplete, spec.place("limit"), message, remedy)
    };
    if !grain.iter().all(|column| group.contains(column)) {
        let message = format!("the group of the limit of `{}` goes beyond one unit of refresh", spec.name);
        return Err(outside(message, "name all grain columns in the group"));
    }
    let mut mark = Vec::new();
    let by_rule = ("rule_name".to_owned(), spec.name.clone());
    let is_there = schema.index_of("rule_name").is_ok();
    for (name, text) in limit.mark.iter().chain(is_there.then_some((&by_rule.0, &by_rule.1))) {
        let at = column(name, "limit")?;
        if !is_symbol(schema.field(at)) || group.contains(&at) {
            let message = format!("`{name}` is no symbol outside the group, so a mark cannot set it");
            return Err(outside(message, "mark a column that tells the kind of a row"));
        }
        mark.push((at, Symbol::of(text)));
    }
    let merge = limit.merge.iter().map(|name| column(name, "limit")).collect::<Result<Vec<_>>>()?;
    Ok(Limit { group, rows: limit.rows, merge, mark })
}
