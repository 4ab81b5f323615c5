//! The linear order of what a thing derives from: C3, as Dylan defined it and Python uses it for its method resolution.
//!
//! Input are the paths by which each ancestor is reached: four bits for each step, the place among the parents plus one,
//! the first step in the highest bits. All paths of a group together are the graph below it, so an order needs nothing else.
//! Source: Barrett, Cassels et al., "A monotonic superclass linearization for Dylan", OOPSLA 1996.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::UInt64Type;
use datafusion::error::Result;

use super::winner::group_numbers;

/// Columns of a view whose rows are put in linear order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Linear {
    /// What derives.
    pub(crate) group: Vec<usize>,
    /// What it derives from.
    pub(crate) item: usize,
    /// In: the path. Out: the place in the order, from 1.
    pub(crate) path: usize,
    /// Out: whether an order exists that keeps every list of parents. Where none does, the items stand where they come last
    /// in depth-first order.
    pub(crate) consistent: usize,
}

const STEP: u32 = 4;

/// One row for each item of each group, in linear order.
pub(crate) fn linearize(batch: &RecordBatch, linear: &Linear) -> Result<RecordBatch> {
    let (placed, stands) = placed(batch, linear)?;
    let mut picks: Vec<u32> = (0..batch.num_rows() as u32).filter(|&row| stands[row as usize]).collect();
    let places = placed.column(linear.path).as_primitive::<UInt64Type>().values();
    picks.sort_by_key(|&row| (places[row as usize], row));
    Ok(take_record_batch(&placed, &UInt32Array::from(picks))?)
}

/// All rows with the places of their items, and which row stands for its item: the one on the last path.
pub(crate) fn placed(batch: &RecordBatch, linear: &Linear) -> Result<(RecordBatch, Vec<bool>)> {
    let groups = group_numbers(batch, &linear.group)?;
    let items = batch.column(linear.item).as_primitive::<UInt64Type>().values();
    let paths = batch.column(linear.path).as_primitive::<UInt64Type>().values();
    let mut by_group: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (row, group) in groups.iter().enumerate() {
        by_group.entry(*group).or_default().push(row);
    }
    let mut places = vec![0; batch.num_rows()];
    let (mut flags, mut stands) = (vec![true; batch.num_rows()], vec![false; batch.num_rows()]);
    for rows in by_group.values() {
        let tree = tree_of(rows.iter().map(|&row| (paths[row], items[row])));
        let mut last: HashMap<u64, (u64, usize)> = HashMap::new();
        for &row in rows {
            let held = last.entry(items[row]).or_insert((paths[row], row));
            if paths[row] > held.0 {
                *held = (paths[row], row);
            }
        }
        let order = order_of(&tree);
        let found: HashMap<u64, u64> = match &order {
            Some(order) => order.iter().zip(1..).map(|(item, place)| (*item, place)).collect(),
            None => {
                let mut by_path: Vec<(u64, u64)> = last.iter().map(|(item, (path, _))| (*path, *item)).collect();
                by_path.sort_unstable();
                by_path.into_iter().zip(1..).map(|((_, item), place)| (item, place)).collect()
            }
        };
        for &row in rows {
            // A tree deeper than a path can say is cut, so an item may be without a place: it comes last.
            places[row] = found.get(&items[row]).copied().unwrap_or(u64::from(u32::MAX));
            flags[row] = order.is_some();
            stands[row] = last.get(&items[row]).is_some_and(|(_, of)| *of == row);
        }
    }
    let mut columns: Vec<ArrayRef> = batch.columns().to_vec();
    columns[linear.path] = Arc::new(UInt64Array::from(places));
    columns[linear.consistent] = Arc::new(BooleanArray::from(flags));
    Ok((RecordBatch::try_new(batch.schema(), columns)?, stands))
}

/// Which item stands at the end of each path. Of several candidates for one place among the parents the least counts,
/// whatever the order of the rows.
fn tree_of(rows: impl Iterator<Item = (u64, u64)>) -> BTreeMap<u64, u64> {
    let mut tree = BTreeMap::new();
    for (path, item) in rows {
        tree.entry(path).and_modify(|held: &mut u64| *held = item.min(*held)).or_insert(item);
    }
    tree
}

/// The items of a tree of paths in C3 order, the root left out; `None` where there is no such order.
fn order_of(tree: &BTreeMap<u64, u64>) -> Option<Vec<u64>> {
    let mut orders: HashMap<u64, Vec<u64>> = HashMap::new();
    merged(tree, 0, 0, &mut orders)
}

/// The order of all that lies below a path of so many steps.
fn merged(tree: &BTreeMap<u64, u64>, path: u64, depth: u32, orders: &mut HashMap<u64, Vec<u64>>) -> Option<Vec<u64>> {
    if depth >= u64::BITS / STEP {
        return Some(Vec::new());
    }
    let shift = u64::BITS - STEP * (depth + 1);
    let (mut lists, mut parents) = (Vec::new(), Vec::new());
    for step in 1..(1u64 << STEP) {
        let child = path | step << shift;
        let Some(&item) = tree.get(&child) else { continue };
        let below = match orders.get(&item) {
            Some(known) => known.clone(),
            None => {
                let found = merged(tree, child, depth + 1, orders)?;
                orders.insert(item, found.clone());
                found
            }
        };
        let mut list = vec![item];
        list.extend(below);
        list.reverse();
        lists.push(list);
        parents.push(item);
    }
    parents.reverse();
    lists.push(parents);
    let mut order = Vec::new();
    // The lists are stacks: their heads are at the end.
    while lists.iter().any(|list| !list.is_empty()) {
        let next = lists
            .iter()
            .filter_map(|list| list.last().copied())
            .find(|head| lists.iter().all(|list| !list[..list.len().saturating_sub(1)].contains(head)))?;
        order.push(next);
        for list in &mut lists {
            if list.last() == Some(&next) {
                list.pop();
            }
        }
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(steps: &[u64]) -> u64 {
        steps.iter().zip(0u32..).fold(0, |path, (step, depth)| path | step << (60 - STEP * depth))
    }

    #[test]
    fn two_candidates_for_one_parent_stand_in_one_order_whichever_comes_first() {
        let rows = [(path(&[1]), 7), (path(&[1]), 5), (path(&[1, 1]), 5), (path(&[1, 1]), 7)];
        assert_eq!(tree_of(rows.into_iter()), tree_of(rows.into_iter().rev()));
    }

    #[test]
    fn the_top_of_a_diamond_comes_last() {
        let tree = BTreeMap::from([(path(&[1]), 2), (path(&[2]), 3), (path(&[1, 1]), 4), (path(&[2, 1]), 4)]);
        assert_eq!(order_of(&tree), Some(vec![2, 3, 4]));
    }

    #[test]
    fn the_example_where_depth_first_goes_wrong() {
        // Z(K1, K2, K3), K1(A, B, C), K2(D, B, E), K3(D, A): Z K1 K2 K3 D A B C E.
        let (a, b, c, d, e, k1, k2, k3) = (1, 2, 3, 4, 5, 11, 12, 13);
        let tree = BTreeMap::from([
            (path(&[1]), k1),
            (path(&[1, 1]), a),
            (path(&[1, 2]), b),
            (path(&[1, 3]), c),
            (path(&[2]), k2),
            (path(&[2, 1]), d),
            (path(&[2, 2]), b),
            (path(&[2, 3]), e),
            (path(&[3]), k3),
            (path(&[3, 1]), d),
            (path(&[3, 2]), a),
        ]);
        assert_eq!(order_of(&tree), Some(vec![k1, k2, k3, d, a, b, c, e]));
    }

    #[test]
    fn parents_that_contradict_each_other_have_no_order() {
        // X(A, B), Y(B, A), Z(X, Y)
        let tree = BTreeMap::from([
            (path(&[1]), 11),
            (path(&[1, 1]), 1),
            (path(&[1, 2]), 2),
            (path(&[2]), 12),
            (path(&[2, 1]), 2),
            (path(&[2, 2]), 1),
        ]);
        assert_eq!(order_of(&tree), None);
    }
}
