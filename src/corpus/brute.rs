//! Rows stored sixteen abreast, and the exact search that visits all of them.
//!
//! Every engine of ours works in two steps. A *screen* in 32-bit floats, laid out so that the
//! compiler keeps sixteen rows in vector registers, drops the rows that cannot be among the `k`
//! nearest; its bound is widened by the largest rounding error it can make, so it never drops a
//! true neighbour. What passes is measured with [`squared_distance`], the direct formula in 64-bit
//! floats, which alone decides the order. So the answer does not depend on the engine.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2};

use super::knn::Neighbour;

/// Rows in a block: four SSE registers of sums, enough to hide the latency of an addition.
pub(super) const LANES: usize = 16;

/// Columns summed between two looks at the bound.
const STRIDE: usize = 8;

/// Queries multiplied at once by [`nearest_all`], and the blocks of rows they meet.
const QUERIES: usize = 64;
const PANEL: usize = 16;

/// The squared Euclidean distance: differences and sum in `f64`, in column order.
pub(super) fn squared_distance<'a>(
    a: impl IntoIterator<Item = &'a f32>,
    b: impl IntoIterator<Item = &'a f32>,
) -> f64 {
    a.into_iter().zip(b).fold(0.0, |sum, (&x, &y)| {
        let difference = f64::from(x) - f64::from(y);
        sum + difference * difference
    })
}

/// A matrix in blocks of [`LANES`] rows; within a block, column after column. The last block is
/// filled up with zeros.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blocks {
    dims: usize,
    len: usize,
    values: Vec<f32>,
}

impl Blocks {
    /// Takes the rows of a row-major matrix in the given order.
    pub(super) fn gather(rows: &[f32], dims: usize, order: &[u32]) -> Blocks {
        let mut values = vec![0.0; Self::values_needed(order.len(), dims).unwrap_or(0)];
        let blocks = values.chunks_exact_mut(dims * LANES);
        for (block, ids) in blocks.zip(order.chunks(LANES)) {
            for (lane, &id) in ids.iter().enumerate() {
                let row = &rows[id as usize * dims..][..dims];
                for (column, &value) in row.iter().enumerate() {
                    block[column * LANES + lane] = value;
                }
            }
        }
        Blocks { dims, len: order.len(), values }
    }

    /// Takes values already in blocks, if there are as many as `len` rows need.
    pub(super) fn from_values(values: Vec<f32>, dims: usize, len: usize) -> Option<Blocks> {
        let fits = dims > 0 && Self::values_needed(len, dims) == Some(values.len());
        let blocks = Blocks { dims, len, values };
        (fits && blocks.padding_is_zero()).then_some(blocks)
    }

    /// How many values `len` rows take in blocks; `None` when that cannot be counted.
    pub(super) fn values_needed(len: usize, dims: usize) -> Option<usize> {
        len.div_ceil(LANES).checked_mul(LANES)?.checked_mul(dims)
    }

    fn padding_is_zero(&self) -> bool {
        let used = self.len % LANES;
        let last = self.values.len().saturating_sub(self.dims * LANES);
        used == 0
            || self.values[last..].chunks_exact(LANES).all(|c| c[used..].iter().all(|&v| v == 0.0))
    }

    pub(super) fn dims(&self) -> usize {
        self.dims
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn count(&self) -> usize {
        self.len.div_ceil(LANES)
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    fn block(&self, index: usize) -> &[[f32; LANES]] {
        let size = self.dims * LANES;
        self.values[index * size..][..size].as_chunks().0
    }

    /// The values of one row, in column order.
    pub(super) fn row(&self, position: usize) -> impl Iterator<Item = &f32> {
        self.block(position / LANES).iter().map(move |column| &column[position % LANES])
    }

    /// Offers the rows of the blocks `from..to` to the shortlist; `ids` names the rows.
    pub(super) fn scan(
        &self,
        (from, to): (usize, usize),
        ids: &[u32],
        query: &[f32],
        shortlist: &mut Shortlist,
    ) {
        for index in from..to {
            let start = index * LANES;
            let ids = &ids[start..self.len.min(start + LANES)];
            let Some(sums) = screen(self.block(index), query, shortlist.bound) else {
                continue;
            };
            for (lane, (&id, &sum)) in ids.iter().zip(&sums).enumerate() {
                if sum <= shortlist.bound {
                    shortlist.offer(squared_distance(self.row(start + lane), query), id);
                }
            }
        }
    }
}

/// Squared distances of sixteen rows in `f32`, or `None` as soon as all are beyond the bound.
fn screen(block: &[[f32; LANES]], query: &[f32], bound: f32) -> Option<[f32; LANES]> {
    let mut sums = [0.0_f32; LANES];
    for (columns, parts) in block.chunks(STRIDE).zip(query.chunks(STRIDE)) {
        for (column, &part) in columns.iter().zip(parts) {
            for (sum, &value) in sums.iter_mut().zip(column) {
                let difference = value - part;
                *sum += difference * difference;
            }
        }
        if sums.iter().fold(true, |all, &sum| all & (sum > bound)) {
            return None;
        }
    }
    Some(sums)
}

/// A row that may be among the nearest. The greatest is the one to give up first.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Candidate {
    squared: f64,
    row: u32,
}

impl Eq for Candidate {}

impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.squared.total_cmp(&other.squared).then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The best `k` rows so far, by exact squared distance and then by row.
pub(super) struct Shortlist {
    room: usize,
    dims: usize,
    heap: BinaryHeap<Candidate>,
    /// What an `f32` sum over `dims` columns must not exceed to be worth an exact look.
    bound: f32,
}

impl Shortlist {
    pub(super) fn new(room: usize, dims: usize) -> Shortlist {
        let heap = BinaryHeap::with_capacity(room + 1);
        Shortlist { room, dims, heap, bound: if room == 0 { -1.0 } else { f32::INFINITY } }
    }

    /// The squared distance a row may have at most; infinite until the list is full.
    pub(super) fn worst(&self) -> f64 {
        match self.heap.peek() {
            _ if self.room == 0 => -1.0,
            Some(worst) if self.heap.len() == self.room => worst.squared,
            _ => f64::INFINITY,
        }
    }

    pub(super) fn offer(&mut self, squared: f64, row: u32) {
        let candidate = Candidate { squared, row };
        if self.heap.len() < self.room {
            self.heap.push(candidate);
        } else if let Some(mut worst) = self.heap.peek_mut()
            && candidate < *worst
        {
            *worst = candidate;
        }
        if self.heap.len() == self.room {
            self.bound = widened(self.worst(), self.dims);
        }
    }

    pub(super) fn into_neighbours(self) -> Vec<Neighbour> {
        self.heap
            .into_sorted_vec()
            .into_iter()
            .map(|c| Neighbour { row: c.row, distance: c.squared.sqrt() as f32 })
            .collect()
    }
}

/// A bound no `f32` sum of `dims` squared differences can exceed when the exact sum does not
/// exceed `squared`. Each term is rounded thrice and each addition once, by `2^-24` relative
/// (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), doubled here for good measure;
/// the last summand covers squares too small for a normal float.
fn widened(squared: f64, dims: usize) -> f32 {
    let dims = dims as f64;
    let relative = (dims + 8.0) * f64::from(f32::EPSILON);
    (squared * (1.0 + relative) + (dims + 1.0) * f64::from(f32::MIN_POSITIVE)) as f32
}

/// The `k` nearest of all rows to one query, visiting every block.
pub(super) fn nearest(blocks: &Blocks, ids: &[u32], query: &[f32], k: usize) -> Vec<Neighbour> {
    let mut shortlist = Shortlist::new(k.min(blocks.len()), blocks.dims());
    blocks.scan((0, blocks.count()), ids, query, &mut shortlist);
    shortlist.into_neighbours()
}

/// The `k` nearest of all rows to each of many queries (row-major), by matrix products:
/// `|x - q|^2 = |x|^2 + |q|^2 - 2 x.q` screens, the direct formula decides.
pub(super) fn nearest_all(
    blocks: &Blocks,
    ids: &[u32],
    queries: &[f32],
    k: usize,
) -> Vec<Vec<Neighbour>> {
    let norms = squared_norms(blocks);
    let longest = norms.iter().fold(0.0_f32, |a, &b| if a > b { a } else { b }).sqrt();
    queries
        .chunks(QUERIES * blocks.dims())
        .flat_map(|some| {
            let mut products = Products::new(blocks, ids, &norms, longest, some, k);
            (0..blocks.count()).step_by(PANEL).for_each(|panel| products.meet(panel));
            products.shortlists.into_iter().map(Shortlist::into_neighbours)
        })
        .collect()
}

fn squared_norms(blocks: &Blocks) -> Vec<f32> {
    let norms = |index| {
        let mut sums = [0.0_f64; LANES];
        for column in blocks.block(index) {
            for (sum, &value) in sums.iter_mut().zip(column) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        sums.map(|sum| sum as f32)
    };
    (0..blocks.count()).flat_map(norms).collect()
}

/// Up to 64 queries on their way through the rows.
struct Products<'a> {
    blocks: &'a Blocks,
    ids: &'a [u32],
    norms: &'a [f32],
    queries: ArrayView2<'a, f32>,
    /// Of each query: its squared length, and how far the screen may be off.
    lengths: Vec<(f32, f32)>,
    shortlists: Vec<Shortlist>,
    panel: Array2<f32>,
    dots: Array2<f32>,
}

impl<'a> Products<'a> {
    fn new(
        blocks: &'a Blocks,
        ids: &'a [u32],
        norms: &'a [f32],
        longest: f32,
        queries: &'a [f32],
        k: usize,
    ) -> Self {
        let dims = blocks.dims();
        let count = queries.len() / dims;
        let queries = ArrayView2::from_shape((count, dims), &queries[..count * dims])
            .expect("the slice is cut to count * dims values");
        let lengths = queries.rows().into_iter().map(|q| length_and_slack(q.iter(), longest));
        let room = k.min(blocks.len());
        Products {
            blocks,
            ids,
            norms,
            queries,
            lengths: lengths.collect(),
            shortlists: (0..count).map(|_| Shortlist::new(room, dims)).collect(),
            panel: Array2::zeros((dims, PANEL * LANES)),
            dots: Array2::zeros((count, PANEL * LANES)),
        }
    }

    /// Multiplies all queries with the rows of up to [`PANEL`] blocks and keeps the near ones.
    fn meet(&mut self, first: usize) {
        let last = self.blocks.count().min(first + PANEL);
        for index in first..last {
            let at = (index - first) * LANES;
            let columns = self.blocks.block(index);
            for (row, column) in self.panel.rows_mut().into_iter().zip(columns) {
                let row = row.into_slice().expect("standard-layout rows are contiguous");
                row[at..at + LANES].copy_from_slice(column);
            }
        }
        general_mat_mul(1.0, &self.queries, &self.panel, 0.0, &mut self.dots);
        let rows = first * LANES..self.blocks.len().min(last * LANES);
        for index in 0..self.shortlists.len() {
            self.keep(index, rows.clone());
        }
    }

    fn keep(&mut self, index: usize, rows: std::ops::Range<usize>) {
        let (length, slack) = self.lengths[index];
        let shortlist = &mut self.shortlists[index];
        let dots = self.dots.row(index);
        let dots = dots.as_slice().expect("a row of a standard-layout matrix is contiguous");
        let query = self.queries.row(index);
        let norms = &self.norms[rows.start..];
        for (at, (norms, dots)) in norms.chunks(LANES).zip(dots.chunks(LANES)).enumerate() {
            let limit = shortlist.bound - length + slack;
            let near =
                norms.iter().zip(dots).fold(false, |any, (&n, &d)| any | (n - 2.0 * d <= limit));
            if !near {
                continue;
            }
            for (lane, (&norm, &dot)) in norms.iter().zip(dots).enumerate() {
                let position = rows.start + at * LANES + lane;
                if position < rows.end && norm - 2.0 * dot <= shortlist.bound - length + slack {
                    let exact = squared_distance(self.blocks.row(position), query.iter());
                    shortlist.offer(exact, self.ids[position]);
                }
            }
        }
    }
}

/// The squared length of a query, and the most by which `|x|^2 - 2 x.q` in `f32` can be off for
/// rows no longer than `longest`: `(d + 8) 2^-23 (|x| + |q|)^2`, twice the classical bound for
/// dot products summed in any order (Higham, 3.1).
fn length_and_slack<'a>(query: impl Iterator<Item = &'a f32> + Clone, longest: f32) -> (f32, f32) {
    let dims = query.clone().count() as f32;
    let squared = query.map(|&v| f64::from(v) * f64::from(v)).sum::<f64>() as f32;
    let reach = longest + squared.sqrt();
    (squared, (dims + 8.0) * f32::EPSILON * reach * reach + f32::MIN_POSITIVE * dims)
}
