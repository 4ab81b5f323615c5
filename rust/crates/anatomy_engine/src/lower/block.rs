//! A typed logical plan read as join blocks: leaves, equalities between them, filters, and outputs over leaf columns.
//!
//! Derived tables are inlined by substitution, so a block speaks of relation columns only. What cannot be read this way
//! (aggregates, windows, limits, nested unions below a join) is not keyable, and the compiler says so.

use std::collections::HashMap;

use anatomy_facts::contract::{is_symbol, role_of};
use anatomy_facts::{ColumnType, ErrorCode};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{BinaryExpr, Distinct, Expr, ExprSchemable, LogicalPlan, Operator};

use crate::error::{EngineError, Result};
use crate::lower::CatalogEntry;

/// How a leaf takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeafJoin {
    Inner,
    Left,
    Semi,
    Anti,
}

/// One occurrence of a relation.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    /// Unique in its block: `t0`, `t1`, ...
    pub(crate) alias: String,
    pub(crate) relation: usize,
    pub(crate) name: String,
    pub(crate) schema: SchemaRef,
    pub(crate) level: Option<usize>,
    pub(crate) join: LeafJoin,
    /// For leaves that are not inner: everything that a match must fulfil.
    pub(crate) conditions: Vec<Expr>,
}

/// A select-project-join block.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) equalities: Vec<(Expr, Expr)>,
    pub(crate) filters: Vec<Expr>,
    pub(crate) outputs: Vec<(String, Expr)>,
    pub(crate) distinct: bool,
}

/// Name, type and role of an output.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) role: String,
}

/// Reads a plan as a union of blocks.
pub(crate) fn blocks(place: &str, plan: &LogicalPlan, catalog: &HashMap<String, CatalogEntry>) -> Result<Vec<Block>> {
    let mut reader = Reader { place, catalog, next: 0 };
    let parts = reader.read(plan)?;
    Ok(parts
        .into_iter()
        .map(|part| {
            let names = plan.schema().fields().iter().map(|field| field.name().clone());
            Block { outputs: names.zip(part.outputs).collect(), ..part.block }
        })
        .collect())
}

struct Part {
    block: Block,
    /// Aligned with the schema of the plan that was read.
    outputs: Vec<Expr>,
}

struct Reader<'a> {
    place: &'a str,
    catalog: &'a HashMap<String, CatalogEntry>,
    next: usize,
}

impl Reader<'_> {
    fn refuse(&self, what: &str) -> EngineError {
        EngineError::compile(
            ErrorCode::RuleNotKeyable,
            self.place,
            format!("{what} cannot be run for a few keys"),
            "make the inner part a view of its own, or accept `refresh = \"full\"`",
        )
    }

    fn read(&mut self, plan: &LogicalPlan) -> Result<Vec<Part>> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let name = scan.table_name.table();
                let entry =
                    self.catalog.get(name).ok_or_else(|| self.refuse(&format!("the unknown relation `{name}`")))?;
                let alias = format!("t{}", self.next);
                self.next += 1;
                let outputs = scan
                    .projected_schema
                    .fields()
                    .iter()
                    .map(|field| Expr::Column(Column::new(Some(alias.clone()), field.name().clone())))
                    .collect();
                let leaf = Leaf {
                    alias,
                    relation: entry.number,
                    name: entry.name.clone(),
                    schema: entry.schema.clone(),
                    level: entry.level,
                    join: LeafJoin::Inner,
                    conditions: vec![],
                };
                Ok(vec![Part { block: Block { leaves: vec![leaf], ..Block::default() }, outputs }])
            }
            LogicalPlan::SubqueryAlias(alias) => self.read(&alias.input),
            LogicalPlan::Projection(projection) => {
                if projection.expr.iter().any(asks_a_query) {
                    return Err(self.refuse("a query inside an expression"));
                }
                let parts = self.read(&projection.input)?;
                parts
                    .into_iter()
                    .map(|part| {
                        let outputs = substitute_all(&projection.expr, &projection.input, &part.outputs)?;
                        Ok(Part { outputs, ..part })
                    })
                    .collect()
            }
            LogicalPlan::Filter(filter) => {
                if asks_a_query(&filter.predicate) {
                    return Err(self.refuse("a query inside a condition"));
                }
                let parts = self.read(&filter.input)?;
                parts
                    .into_iter()
                    .map(|mut part| {
                        let predicate = substitute(&filter.predicate, &filter.input, &part.outputs)?;
                        add_conjuncts(&mut part.block, predicate);
                        Ok(part)
                    })
                    .collect()
            }
            LogicalPlan::Join(join) => self.read_join(join),
            LogicalPlan::Union(union) => {
                let mut parts = Vec::new();
                for input in &union.inputs {
                    parts.extend(self.read(input)?);
                }
                Ok(parts)
            }
            LogicalPlan::Distinct(Distinct::All(input)) => {
                let mut parts = self.read(input)?;
                for part in &mut parts {
                    part.block.distinct = true;
                }
                Ok(parts)
            }
            LogicalPlan::Aggregate(_) => Err(self.refuse("an aggregate")),
            LogicalPlan::Window(_) => Err(self.refuse("a window")),
            LogicalPlan::Limit(_) | LogicalPlan::Sort(_) => Err(self.refuse("a sort or limit")),
            other => Err(self.refuse(&format!("`{}`", other.display()))),
        }
    }

    fn read_join(&mut self, join: &datafusion::logical_expr::Join) -> Result<Vec<Part>> {
        let mut left = self.read(&join.left)?;
        let mut right = self.read(&join.right)?;
        if left.len() != 1 || right.len() != 1 {
            return Err(self.refuse("a join over a union"));
        }
        let (Some(mut left), Some(right)) = (left.pop(), right.pop()) else {
            unreachable!("both lengths were checked to be one");
        };
        let mut conditions: Vec<Expr> = Vec::new();
        for (l, r) in &join.on {
            let l = substitute(l, &join.left, &left.outputs)?;
            let r = substitute(r, &join.right, &right.outputs)?;
            conditions.push(Expr::BinaryExpr(BinaryExpr::new(Box::new(l), Operator::Eq, Box::new(r))));
        }
        if let Some(filter) = &join.filter {
            let columns = join.left.schema().columns().into_iter().chain(join.right.schema().columns());
            let exprs = left.outputs.iter().chain(&right.outputs).cloned();
            let map: HashMap<Column, Expr> = columns.zip(exprs).collect();
            split(replace(filter.clone(), &map)?, &mut conditions);
        }
        let kind = match join.join_type {
            JoinType::Inner => {
                left.block.leaves.extend(right.block.leaves);
                left.block.equalities.extend(right.block.equalities);
                left.block.filters.extend(right.block.filters);
                for condition in conditions {
                    add_conjuncts(&mut left.block, condition);
                }
                left.outputs.extend(right.outputs);
                return Ok(vec![left]);
            }
            JoinType::Left => LeafJoin::Left,
            JoinType::LeftSemi => LeafJoin::Semi,
            JoinType::LeftAnti => LeafJoin::Anti,
            other => return Err(self.refuse(&format!("a {other} join"))),
        };
        let [leaf] = right.block.leaves.as_slice() else {
            return Err(self.refuse("an outer, semi or anti join with more than one relation on its right side"));
        };
        let mut leaf = leaf.clone();
        leaf.join = kind;
        leaf.conditions = conditions;
        leaf.conditions.extend(right.block.filters);
        left.block.leaves.push(leaf);
        if kind == LeafJoin::Left {
            left.outputs.extend(right.outputs);
        }
        Ok(vec![left])
    }
}

/// True for `IN (SELECT ...)`, `EXISTS` and a query in place of a value.
fn asks_a_query(expr: &Expr) -> bool {
    let query = |expr: &Expr| {
        Ok(matches!(expr, Expr::InSubquery(_) | Expr::Exists(_) | Expr::ScalarSubquery(_) | Expr::SetComparison(_)))
    };
    expr.exists(query).unwrap_or(true)
}

fn substitute(expr: &Expr, input: &LogicalPlan, outputs: &[Expr]) -> Result<Expr> {
    let map: HashMap<Column, Expr> = input.schema().columns().into_iter().zip(outputs.iter().cloned()).collect();
    replace(expr.clone(), &map)
}

fn substitute_all(exprs: &[Expr], input: &LogicalPlan, outputs: &[Expr]) -> Result<Vec<Expr>> {
    let map: HashMap<Column, Expr> = input.schema().columns().into_iter().zip(outputs.iter().cloned()).collect();
    exprs.iter().map(|expr| replace(expr.clone(), &map)).collect()
}

fn replace(expr: Expr, map: &HashMap<Column, Expr>) -> Result<Expr> {
    let replaced = expr.transform_up(|expr| {
        Ok(match &expr {
            Expr::Column(column) => match map.get(column) {
                Some(inner) => Transformed::yes(inner.clone()),
                None => Transformed::no(expr),
            },
            Expr::Alias(alias) => Transformed::yes(alias.expr.as_ref().clone()),
            _ => Transformed::no(expr),
        })
    })?;
    Ok(replaced.data)
}

fn split(expr: Expr, into: &mut Vec<Expr>) {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            split(*left, into);
            split(*right, into);
        }
        other => into.push(other),
    }
}

fn add_conjuncts(block: &mut Block, predicate: Expr) {
    let mut conjuncts = Vec::new();
    split(predicate, &mut conjuncts);
    for conjunct in conjuncts {
        match conjunct {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
                if !aliases(&left).is_empty() && !aliases(&right).is_empty() && aliases(&left) != aliases(&right) =>
            {
                block.equalities.push((*left, *right));
            }
            other => block.filters.push(other),
        }
    }
}

/// Aliases of the leaves that an expression reads, sorted.
pub(crate) fn aliases(expr: &Expr) -> Vec<String> {
    if let Expr::Column(Column { relation, .. }) = expr {
        return relation.iter().map(|relation| relation.table().to_owned()).collect();
    }
    let mut found: Vec<String> = expr
        .column_refs()
        .into_iter()
        .filter_map(|column| column.relation.as_ref().map(|relation| relation.table().to_owned()))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// Names, types and roles of the outputs of a block, read off its leaves.
pub(crate) fn describe(place: &str, block: &Block) -> Result<Vec<Output>> {
    let schema = crate::plan::schema_of_leaves(&block.leaves)?;
    let certain: Vec<Leaf> = block.leaves.iter().map(|leaf| Leaf { join: LeafJoin::Inner, ..leaf.clone() }).collect();
    let certain = crate::plan::schema_of_leaves(&certain)?;
    block
        .outputs
        .iter()
        .map(|(name, expr)| {
            let (symbol, role) = meaning(expr, &block.leaves);
            // Many functions say that they may yield null and never do; what an outer join leaves open is sure to.
            if expr.nullable(&schema)? && !expr.nullable(&certain)? {
                return Err(EngineError::compile(
                    ErrorCode::RuleSql,
                    place,
                    format!("column `{name}` is null where its outer join finds nothing, and no column may be null"),
                    "say what stands there instead: `coalesce(..., CAST(0 AS BIGINT UNSIGNED))`",
                ));
            }
            let kind = match (expr.get_type(&schema)?, symbol) {
                (DataType::UInt32, true) => ColumnType::Symbol,
                (DataType::UInt64, _) => ColumnType::Id,
                (DataType::Boolean, _) => ColumnType::Bool,
                (DataType::Float32 | DataType::Float64, _) => ColumnType::Float,
                (kind, _) if kind.is_integer() => ColumnType::Int,
                (DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8, _) => ColumnType::Text,
                (other, _) => {
                    return Err(EngineError::compile(
                        ErrorCode::RuleSql,
                        place,
                        format!("column `{name}` has the type {other}, which no relation can hold"),
                        "use ids, symbols, small numbers, truth values or text",
                    ));
                }
            };
            Ok(Output { name: name.clone(), kind, role })
        })
        .collect()
}

/// Whether an expression is a symbol, and its role.
fn meaning(expr: &Expr, leaves: &[Leaf]) -> (bool, String) {
    match expr {
        Expr::Column(column) => {
            let leaf = column.relation.as_ref().and_then(|of| leaves.iter().find(|leaf| leaf.alias == of.table()));
            leaf.and_then(|leaf| leaf.schema.field_with_name(&column.name).ok())
                .map_or((false, String::new()), |field| (is_symbol(field), role_of(field).to_owned()))
        }
        Expr::Alias(alias) => meaning(&alias.expr, leaves),
        Expr::Cast(cast) => meaning(&cast.expr, leaves),
        Expr::ScalarFunction(call) => match call.func.name() {
            "symbol" | "dotted" | "dotted_parent" | "dotted_first" | "dotted_last" => (true, String::new()),
            "coalesce" => common(call.args.iter().map(|arg| meaning(arg, leaves)).collect()),
            _ => (false, String::new()),
        },
        Expr::Case(case) => {
            let branches = case.when_then_expr.iter().map(|(_, then)| then.as_ref()).chain(case.else_expr.as_deref());
            common(branches.map(|branch| meaning(branch, leaves)).collect())
        }
        _ => (false, String::new()),
    }
}

fn common(of: Vec<(bool, String)>) -> (bool, String) {
    let symbol = !of.is_empty() && of.iter().all(|(symbol, _)| *symbol);
    let role = match of.first() {
        Some((_, role)) if of.iter().all(|(_, other)| other == role) => role.clone(),
        _ => String::new(),
    };
    (symbol, role)
}
