//! Joins ordered outward from a small relation: the keys of a keyed run, or the rows of a delta.
//!
//! From the start every other relation is reached by an index look-up on equalities whose other side is already at
//! hand. Among the reachable ones the most selective goes first: identities before paths before names.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use anatomy_facts::ErrorCode;
use anatomy_facts::contract::role_of;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::execution_props::ExecutionProps;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use datafusion::physical_expr::expressions::Column as PhysicalColumn;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;

use crate::error::{EngineError, Result};
use crate::lower::block::aliases;
use crate::lower::{Block, Leaf, LeafJoin};
use crate::operators::{InputExec, LookUpExec, LookUpKind, LookUpSpec, Ready, Version};

const KEYS: &str = "keys";

/// Where the joins begin.
pub(crate) enum Start {
    /// Keys that these outputs must equal.
    Keys(Vec<(Expr, DataType)>),
    /// Rows of one leaf.
    Delta(usize),
}

/// How far they go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Every leaf: the rows of the view.
    Whole,
    /// Every inner leaf: the keys of rows that a change makes or takes away, but for what an outer or anti join says.
    Inner,
    /// Only until the wanted columns are at hand: the keys that may change.
    Wanted,
}

/// Two sides that must be equal.
type Equality = (Expr, Expr);

struct Builder<'a> {
    place: &'a str,
    block: &'a Block,
    version: &'a dyn Fn(usize) -> Version,
    plan: Arc<dyn ExecutionPlan>,
    /// Qualified fields of the plan's output.
    fields: Vec<(TableReference, FieldRef)>,
    joined: Vec<String>,
    equalities: Vec<(Expr, Expr)>,
    filters: Vec<Expr>,
    needed: HashMap<String, Vec<usize>>,
}

/// A physical plan that starts at `start`, goes outward, and yields `wanted`.
pub(crate) fn outward(
    place: &str,
    block: &Block,
    start: &Start,
    reach: Reach,
    wanted: &[(String, Expr)],
    version: &dyn Fn(usize) -> Version,
) -> Result<Ready> {
    let mut equalities = block.equalities.clone();
    let mut filters = block.filters.clone();
    let (schema, alias, what) = match start {
        Start::Keys(keys) => {
            let fields: Vec<Field> = keys
                .iter()
                .enumerate()
                .map(|(n, (_, kind))| Field::new(format!("k{n}"), kind.clone(), false))
                .collect();
            for (number, (expr, _)) in keys.iter().enumerate() {
                equalities.push((Expr::Column(Column::new(Some(KEYS), format!("k{number}"))), expr.clone()));
            }
            (Arc::new(Schema::new(fields)), KEYS.to_owned(), "keys".to_owned())
        }
        Start::Delta(leaf) => {
            let leaf = &block.leaves[*leaf];
            if leaf.join == LeafJoin::Left {
                // A row that comes takes the place of nulls, and one that goes leaves them: what holds of the row says nothing of
                // what held, or will hold, without it.
                filters.retain(|filter| !aliases(filter).contains(&leaf.alias));
                let is_plain = |expr: &Expr| matches!(expr, Expr::Column(_)) || !aliases(expr).contains(&leaf.alias);
                equalities.retain(|(left, right)| is_plain(left) && is_plain(right));
            }
            for condition in &leaf.conditions {
                match condition {
                    Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right })
                        if !aliases(left).is_empty()
                            && !aliases(right).is_empty()
                            && aliases(left) != aliases(right) =>
                    {
                        equalities.push((left.as_ref().clone(), right.as_ref().clone()));
                    }
                    other => filters.push(other.clone()),
                }
            }
            (leaf.schema.clone(), leaf.alias.clone(), format!("delta of {}", leaf.name))
        }
    };
    let fields = schema.fields().iter().map(|field| (TableReference::bare(alias.clone()), field.clone())).collect();
    let mut builder = Builder {
        place,
        block,
        version,
        plan: Arc::new(InputExec::new(what, schema)),
        fields,
        joined: vec![alias],
        needed: needed_columns(block, &equalities, &filters, wanted),
        equalities,
        filters,
    };
    builder.filter_available()?;
    builder.join_inner(reach, wanted)?;
    if reach == Reach::Whole {
        builder.join_outer()?;
    }
    builder.finish(wanted)
}

impl Builder<'_> {
    fn join_inner(&mut self, reach: Reach, wanted: &[(String, Expr)]) -> Result<()> {
        loop {
            if reach == Reach::Wanted && wanted.iter().all(|(_, expr)| self.is_available(expr)) {
                return Ok(());
            }
            let open: Vec<usize> = (0..self.block.leaves.len())
                .filter(|&leaf| {
                    let leaf = &self.block.leaves[leaf];
                    leaf.join == LeafJoin::Inner && !self.joined.contains(&leaf.alias)
                })
                .collect();
            if open.is_empty() {
                return Ok(());
            }
            let scored = open.iter().map(|&leaf| (self.selectivity(&self.block.leaves[leaf]), leaf));
            let best = scored.filter(|(score, _)| *score > 0).max_by_key(|(score, leaf)| (*score, usize::MAX - leaf));
            let Some((_, leaf)) = best else {
                let names: Vec<&str> = open.iter().map(|&leaf| self.block.leaves[leaf].name.as_str()).collect();
                return Err(EngineError::compile(
                    if reach != Reach::Whole { ErrorCode::RuleNoImpact } else { ErrorCode::RuleNotKeyable },
                    self.place,
                    format!("{} cannot be reached by equalities from {}", names.join(", "), self.joined.join(", ")),
                    "join it on a key, or accept `refresh = \"full\"`",
                ));
            };
            self.look_up(leaf, LookUpKind::Inner)?;
        }
    }

    /// Leaves that are not inner come last, when all that they are compared with is at hand.
    fn join_outer(&mut self) -> Result<()> {
        for leaf in 0..self.block.leaves.len() {
            let kind = match self.block.leaves[leaf].join {
                LeafJoin::Inner => continue,
                LeafJoin::Left => LookUpKind::Left,
                LeafJoin::Semi => LookUpKind::Semi,
                LeafJoin::Anti => LookUpKind::Anti,
            };
            self.look_up(leaf, kind)?;
            self.filter_available()?;
        }
        Ok(())
    }

    fn finish(self, wanted: &[(String, Expr)]) -> Result<Ready> {
        let exprs = wanted
            .iter()
            .map(|(name, expr)| Ok((self.physical(expr)?, name.clone())))
            .collect::<Result<Vec<(Arc<dyn PhysicalExpr>, String)>>>()?;
        Ok(Ready::new(Arc::new(ProjectionExec::try_new(exprs, self.plan)?)))
    }

    fn selectivity(&self, leaf: &Leaf) -> u32 {
        let keys = self.keys_of(leaf, &self.equalities);
        let score = |(expr, column): &(Expr, usize)| {
            let field = leaf.schema.field(*column);
            match (field.data_type(), role_of(field)) {
                // What was cast to the type of an id is a count or a position: few values, many rows each.
                (DataType::UInt64, _) if matches!(expr, Expr::Cast(_)) => 0,
                (DataType::UInt64, _) => 100,
                (_, "file" | "module") => 20,
                (_, "symbol") => 5,
                _ => 1,
            }
        };
        let sum: u32 = keys.iter().map(score).sum();
        sum.max(u32::from(!keys.is_empty()))
    }

    /// Equalities that bind a plain column of the leaf to something at hand: (expression, column).
    fn keys_of(&self, leaf: &Leaf, equalities: &[(Expr, Expr)]) -> Vec<(Expr, usize)> {
        let column_of = |expr: &Expr| match expr {
            Expr::Column(column) if column.relation.as_ref().is_some_and(|of| of.table() == leaf.alias) => {
                leaf.schema.index_of(&column.name).ok()
            }
            _ => None,
        };
        let mut keys: Vec<(Expr, usize)> = equalities
            .iter()
            .filter_map(|(left, right)| match (column_of(left), column_of(right)) {
                (Some(column), _) if self.is_available(right) => Some((right.clone(), column)),
                (_, Some(column)) if self.is_available(left) => Some((left.clone(), column)),
                _ => None,
            })
            .collect();
        // A constant narrows a look-up that happens anyway; alone it would be a scan by another name.
        if !keys.is_empty() {
            for filter in &self.filters {
                if let Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) = filter
                    && let (Some(column), Expr::Literal(value, _)) = (column_of(left), right.as_ref())
                    && value.data_type() == *leaf.schema.field(column).data_type()
                    && matches!(role_of(leaf.schema.field(column)), "module" | "symbol" | "scope")
                {
                    keys.push((right.as_ref().clone(), column));
                }
            }
        }
        keys
    }

    fn look_up(&mut self, number: usize, kind: LookUpKind) -> Result<()> {
        let leaf = &self.block.leaves[number];
        let mut equalities = self.equalities.clone();
        let mut others: Vec<Expr> = Vec::new();
        if kind != LookUpKind::Inner {
            equalities.clear();
            for condition in &leaf.conditions {
                match condition {
                    Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
                        equalities.push((left.as_ref().clone(), right.as_ref().clone()));
                    }
                    other => others.push(other.clone()),
                }
            }
        }
        let keys = self.keys_of(leaf, &equalities);
        if keys.is_empty() {
            return Err(EngineError::compile(
                ErrorCode::RuleNotKeyable,
                self.place,
                format!("`{}` is joined without an equality", leaf.name),
                "join it on a key, or accept `refresh = \"full\"`",
            ));
        }
        // An equality that is no key of this look-up is checked behind it.
        let used = |left: &Expr, right: &Expr| {
            keys.iter().any(|(expr, column)| {
                let of_leaf =
                    Expr::Column(Column::new(Some(leaf.alias.clone()), leaf.schema.field(*column).name().clone()));
                (*left == of_leaf && right == expr) || (*right == of_leaf && left == expr)
            })
        };
        if kind == LookUpKind::Inner {
            self.equalities.retain(|(left, right)| !used(left, right));
        } else {
            for (left, right) in &equalities {
                if !used(left, right) {
                    others.push(equals(left, right));
                }
            }
        }
        let on = keys.iter().map(|(expr, column)| Ok((self.physical(expr)?, *column))).collect::<Result<Vec<_>>>()?;
        let columns = self.needed.get(&leaf.alias).cloned().unwrap_or_default();
        let before = self.fields.clone();
        for &column in &columns {
            let field = leaf.schema.field(column).clone().with_nullable(kind == LookUpKind::Left);
            self.fields.push((TableReference::bare(leaf.alias.clone()), Arc::new(field)));
        }
        self.joined.push(leaf.alias.clone());
        if kind == LookUpKind::Inner {
            others.extend(self.take_available());
        }
        let residual = match others.into_iter().reduce(Expr::and) {
            Some(predicate) => Some(self.physical(&predicate)?),
            None => None,
        };
        let spec = LookUpSpec {
            name: leaf.name.clone(),
            relation: leaf.relation,
            version: (self.version)(number),
            level: leaf.level,
            on,
            columns,
            residual,
            kind,
            joined: self.arrow_schema(),
            indexed: OnceLock::new(),
        };
        self.plan = Arc::new(LookUpExec::new(self.plan.clone(), spec));
        if matches!(kind, LookUpKind::Semi | LookUpKind::Anti) {
            self.fields = before;
        }
        Ok(())
    }

    /// Filters and left-over equalities whose columns are all at hand.
    fn take_available(&mut self) -> Vec<Expr> {
        let mut ready = Vec::new();
        let (now, later): (Vec<Expr>, Vec<Expr>) =
            std::mem::take(&mut self.filters).into_iter().partition(|filter| self.is_available(filter));
        self.filters = later;
        ready.extend(now);
        let (now, later): (Vec<Equality>, Vec<Equality>) = std::mem::take(&mut self.equalities)
            .into_iter()
            .partition(|(left, right)| self.is_available(left) && self.is_available(right));
        self.equalities = later;
        ready.extend(now.iter().map(|(left, right)| equals(left, right)));
        ready
    }

    fn filter_available(&mut self) -> Result<()> {
        if let Some(predicate) = self.take_available().into_iter().reduce(Expr::and) {
            self.plan = Arc::new(FilterExec::try_new(self.physical(&predicate)?, self.plan.clone())?);
        }
        Ok(())
    }

    fn is_available(&self, expr: &Expr) -> bool {
        if let Expr::Column(Column { relation: Some(of), .. }) = expr {
            return self.joined.iter().any(|alias| alias == of.table());
        }
        aliases(expr).iter().all(|alias| self.joined.contains(alias))
    }

    fn physical(&self, expr: &Expr) -> Result<Arc<dyn PhysicalExpr>> {
        // Nearly every expression is a column: no schema has to be made for that.
        if let Expr::Column(Column { relation: Some(of), name, .. }) = expr
            && let Some(at) = self.fields.iter().position(|(table, field)| table == of && field.name() == name)
        {
            return Ok(Arc::new(PhysicalColumn::new(name, at)));
        }
        let qualified = self.fields.iter().map(|(of, field)| (Some(of.clone()), field.clone())).collect();
        let schema = DFSchema::new_with_metadata(qualified, HashMap::new())?;
        Ok(create_physical_expr(expr, &schema, &ExecutionProps::new(), &PhysicalPlanningContext::default())?)
    }

    fn arrow_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.fields.iter().map(|(_, field)| field.clone()).collect::<Vec<_>>()))
    }
}

fn equals(left: &Expr, right: &Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left.clone()), Operator::Eq, Box::new(right.clone())))
}

/// For each leaf the positions of the columns that something reads.
fn needed_columns(
    block: &Block,
    equalities: &[(Expr, Expr)],
    filters: &[Expr],
    wanted: &[(String, Expr)],
) -> HashMap<String, Vec<usize>> {
    let sides = equalities.iter().flat_map(|(left, right)| [left, right]);
    let conditions = block.leaves.iter().flat_map(|leaf| &leaf.conditions);
    let exprs = sides.chain(filters).chain(wanted.iter().map(|(_, expr)| expr)).chain(conditions);
    let mut needed: HashMap<String, Vec<usize>> = HashMap::new();
    for column in exprs.flat_map(|expr| expr.column_refs()) {
        let Some(alias) = column.relation.as_ref().map(TableReference::table) else { continue };
        let Some(leaf) = block.leaves.iter().find(|leaf| leaf.alias == alias) else { continue };
        if let Ok(position) = leaf.schema.index_of(&column.name) {
            needed.entry(alias.to_owned()).or_default().push(position);
        }
    }
    #[expect(clippy::iter_over_hash_type, reason = "each list is sorted by itself")]
    for positions in needed.values_mut() {
        positions.sort_unstable();
        positions.dedup();
    }
    needed
}

/// All columns of all leaves, qualified; those of an outer join may be null.
pub(crate) fn schema_of_leaves(leaves: &[Leaf]) -> Result<DFSchema> {
    let fields = leaves
        .iter()
        .flat_map(|leaf| {
            let alias = TableReference::bare(leaf.alias.clone());
            let nullable = leaf.join == LeafJoin::Left;
            leaf.schema.fields().iter().map(move |field| {
                let field = field.as_ref().clone().with_nullable(nullable);
                (Some(alias.clone()), Arc::new(field))
            })
        })
        .collect();
    Ok(DFSchema::new_with_metadata(fields, HashMap::new())?)
}
