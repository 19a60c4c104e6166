//! A flat KD-tree: arrays in leaf order, no pointers, so it goes to disk and back as it is.
//!
//! The shape follows from the number of rows alone: a subtree of `m` leaves gives `m.div_ceil(2)`
//! of them to its left child, and its splits lie in preorder, the left child at the next index and
//! the right one `m.div_ceil(2)` further. Bentley 1975 for the tree, Arya & Mount 1993 for the
//! incremental distance to a cell.

use super::brute::{Blocks, LANES, Shortlist};
use super::knn::{Neighbour, in_range};

/// Blocks in a leaf.
const LEAF_BLOCKS: usize = 2;

/// Most rows looked at to choose the column a node is split on.
const SAMPLE: usize = 1024;

/// Slack for the rounding of `f64` sums over at most 4,096 columns.
const ROUNDING: f64 = 1.0 - 2e-12;

/// One inner node: rows with at most `left_max` in `column` lie left, those from `right_min` right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Split {
    pub(super) column: u32,
    pub(super) left_max: f32,
    pub(super) right_min: f32,
}

/// The tree with its rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct FlatTree {
    splits: Vec<Split>,
    /// The row stored at each position, ascending within a leaf.
    ids: Vec<u32>,
    /// The position of each row.
    positions: Vec<u32>,
    blocks: Blocks,
}

impl FlatTree {
    /// Builds the tree over a row-major matrix of finite values.
    pub(super) fn build(rows: &[f32], dims: usize) -> FlatTree {
        let len = (rows.len() / dims) as u32;
        let mut ids: Vec<u32> = (0..len).collect();
        let leaves = leaf_count(ids.len());
        let mut splits = Vec::with_capacity(leaves.saturating_sub(1));
        Builder { rows, dims, splits: &mut splits }.divide(&mut ids, leaves);
        let blocks = Blocks::gather(rows, dims, &ids);
        let positions = invert(&ids).expect("a reordering of 0..len names every row once");
        FlatTree { splits, ids, positions, blocks }
    }

    /// Puts a stored tree together; says what is wrong if the parts do not fit.
    pub(super) fn from_parts(
        splits: Vec<Split>,
        ids: Vec<u32>,
        blocks: Blocks,
    ) -> Result<FlatTree, &'static str> {
        let dims = blocks.dims() as u32;
        if splits.len() != split_count(blocks.len()) {
            return Err("the tree does not have the shape its size demands");
        }
        let sane = |s: &Split| {
            let values = in_range(&s.left_max) && in_range(&s.right_min);
            s.column < dims && values && s.left_max <= s.right_min
        };
        if !splits.iter().all(sane) {
            return Err("a split of the tree is impossible");
        }
        let positions = invert(&ids).ok_or("a row number is out of range or comes twice")?;
        Ok(FlatTree { splits, ids, positions, blocks })
    }

    pub(super) fn splits(&self) -> &[Split] {
        &self.splits
    }

    pub(super) fn ids(&self) -> &[u32] {
        &self.ids
    }

    pub(super) fn blocks(&self) -> &Blocks {
        &self.blocks
    }

    /// The values of a row, or `None` if there is no such row.
    pub(super) fn row(&self, row: usize) -> Option<impl Iterator<Item = &f32>> {
        let position = *self.positions.get(row)?;
        Some(self.blocks.row(position as usize))
    }

    /// The `k` nearest rows to a finite query of the right length.
    pub(super) fn nearest(&self, query: &[f32], k: usize) -> Vec<Neighbour> {
        let dims = self.blocks.dims();
        let mut descent = Descent {
            tree: self,
            query,
            gaps: vec![0.0; dims],
            shortlist: Shortlist::new(k.min(self.ids.len()), dims),
        };
        descent.visit(0, 0, leaf_count(self.ids.len()), 0.0);
        descent.shortlist.into_neighbours()
    }
}

/// How many inner nodes a tree over `len` rows has.
pub(super) fn split_count(len: usize) -> usize {
    leaf_count(len).saturating_sub(1)
}

fn leaf_count(len: usize) -> usize {
    len.div_ceil(LANES * LEAF_BLOCKS)
}

/// The position of each row, or `None` if `ids` is not a permutation.
fn invert(ids: &[u32]) -> Option<Vec<u32>> {
    let mut positions = vec![u32::MAX; ids.len()];
    for (position, &id) in ids.iter().enumerate() {
        let slot = positions.get_mut(id as usize).filter(|slot| **slot == u32::MAX)?;
        *slot = position as u32;
    }
    Some(positions)
}

struct Builder<'a> {
    rows: &'a [f32],
    dims: usize,
    splits: &'a mut Vec<Split>,
}

impl Builder<'_> {
    /// Orders `ids` so that each leaf's rows are together. Sorting first and comparing rows too
    /// makes the result independent of how the standard library's selection shuffles.
    fn divide(&mut self, ids: &mut [u32], leaves: usize) {
        ids.sort_unstable();
        if leaves < 2 {
            return;
        }
        let left_leaves = leaves.div_ceil(2);
        let middle = left_leaves * LANES * LEAF_BLOCKS;
        let column = self.widest(ids);
        let (rows, dims) = (self.rows, self.dims);
        let value = |id: u32| rows[id as usize * dims + column];
        let order = |a: &u32, b: &u32| value(*a).total_cmp(&value(*b)).then(a.cmp(b));
        let (left, &mut pivot, _) = ids.select_nth_unstable_by(middle, order);
        let left_max = left.iter().map(|&id| value(id)).fold(f32::NEG_INFINITY, f32::max);
        let right_min = value(pivot);
        self.splits.push(Split { column: column as u32, left_max, right_min });
        let (left, right) = ids.split_at_mut(middle);
        self.divide(left, left_leaves);
        self.divide(right, leaves - left_leaves);
    }

    /// The column that varies most among (a sample of) these rows.
    fn widest(&self, ids: &[u32]) -> usize {
        let mut sums = vec![(0.0_f64, 0.0_f64); self.dims];
        let step = ids.len().div_ceil(SAMPLE);
        let sampled = ids.len().div_ceil(step) as f64;
        for &id in ids.iter().step_by(step) {
            let row = &self.rows[id as usize * self.dims..][..self.dims];
            for ((sum, squares), &value) in sums.iter_mut().zip(row) {
                let value = f64::from(value);
                *sum += value;
                *squares += value * value;
            }
        }
        let variance = |(sum, squares): &(f64, f64)| squares - sum * sum / sampled;
        let best = |best: usize, column: usize| {
            if variance(&sums[column]) > variance(&sums[best]) { column } else { best }
        };
        (1..self.dims).fold(0, best)
    }
}

/// One query on its way down the tree.
struct Descent<'a> {
    tree: &'a FlatTree,
    query: &'a [f32],
    /// How far the query is outside the current cell, in each column.
    gaps: Vec<f64>,
    shortlist: Shortlist,
}

impl Descent<'_> {
    /// Visits a subtree of `leaves` leaves whose cell is `squared` away from the query.
    fn visit(&mut self, split: usize, first_leaf: usize, leaves: usize, squared: f64) {
        if leaves < 2 {
            let first = first_leaf * LEAF_BLOCKS;
            let last = self.tree.blocks.count().min(first + LEAF_BLOCKS);
            self.tree.blocks.scan((first, last), &self.tree.ids, self.query, &mut self.shortlist);
            return;
        }
        let left_leaves = leaves.div_ceil(2);
        let Split { column, left_max, right_min } = self.tree.splits[split];
        let query = f64::from(self.query[column as usize]);
        let left = (split + 1, first_leaf, left_leaves, query - f64::from(left_max));
        let right = (
            split + left_leaves,
            first_leaf + left_leaves,
            leaves - left_leaves,
            f64::from(right_min) - query,
        );
        let (near, far) = if left.3 <= right.3 { (left, right) } else { (right, left) };
        self.enter(near, column as usize, squared);
        self.enter(far, column as usize, squared);
    }

    /// Visits a child unless its cell is farther away than the worst row kept. A cell that is
    /// exactly as far may hold a row of equal distance and smaller number, so it is visited.
    fn enter(
        &mut self,
        (split, first_leaf, leaves, gap): (usize, usize, usize, f64),
        column: usize,
        squared: f64,
    ) {
        let before = self.gaps[column];
        let gap = gap.max(before);
        let squared = squared - before * before + gap * gap;
        if squared * ROUNDING <= self.shortlist.worst() {
            self.gaps[column] = gap;
            self.visit(split, first_leaf, leaves, squared);
            self.gaps[column] = before;
        }
    }
}
