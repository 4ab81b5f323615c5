//! What a view reads, column by column: read off its blocks, so that nobody can state it otherwise.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::common::tree_node::TreeNode;
use datafusion::logical_expr::Expr;

use super::View;
use crate::lower::Block;

impl View {
    /// For each input the columns that something of the view reads.
    pub(crate) fn required(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut required: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for block in self.blocks() {
            for leaf in &block.leaves {
                required.entry(leaf.name.clone()).or_default();
            }
            for expr in expressions(block) {
                for (relation, column) in sources(block, expr) {
                    required.entry(relation).or_default().insert(column);
                }
            }
        }
        required
    }

    /// For each output column the columns of inputs that its values are made of.
    pub(crate) fn lineage(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut lineage: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for block in self.blocks() {
            for (name, expr) in &block.outputs {
                let of = sources(block, expr).into_iter().map(|(relation, column)| format!("{relation}.{column}"));
                lineage.entry(name.clone()).or_default().extend(of);
            }
        }
        lineage
    }

    /// Names of the functions that the rules of the view use.
    pub(crate) fn functions(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for block in self.blocks() {
            for expr in expressions(block) {
                let seen = expr.apply(|expr| {
                    if let Expr::ScalarFunction(call) = expr {
                        used.insert(call.func.name().to_owned());
                    }
                    Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
                });
                debug_assert!(seen.is_ok(), "looking at an expression cannot fail");
            }
        }
        used
    }
}

/// Every expression of a block: outputs, equalities, filters, and what leaves that are not inner must fulfil.
fn expressions(block: &Block) -> impl Iterator<Item = &Expr> {
    let sides = block.equalities.iter().flat_map(|(left, right)| [left, right]);
    let conditions = block.leaves.iter().flat_map(|leaf| &leaf.conditions);
    block.outputs.iter().map(|(_, expr)| expr).chain(sides).chain(&block.filters).chain(conditions)
}

fn sources(block: &Block, expr: &Expr) -> BTreeSet<(String, String)> {
    let of = |alias: &str| block.leaves.iter().find(|leaf| leaf.alias == alias).map(|leaf| leaf.name.clone());
    expr.column_refs()
        .into_iter()
        .filter_map(|column| Some((of(column.relation.as_ref()?.table())?, column.name.clone())))
        .collect()
}
