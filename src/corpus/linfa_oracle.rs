//! The named algorithms, through linfa-nn: an independent implementation to compare with.
//!
//! linfa-nn gives rows without distances, leaves the order of equally distant rows open and
//! computes in `f32`. So its answer is taken as a list of candidates: one row more than wanted is
//! asked for, all are measured with the direct formula, and where the last row kept and the first
//! left out are too close for `f32` to tell apart, every row within reach is fetched and measured.

use linfa_nn::distance::L2Dist;
use linfa_nn::{CommonNearestNeighbour, NearestNeighbour, NearestNeighbourIndex};
use ndarray::{Array2, ArrayView1};

use super::brute::{Shortlist, squared_distance};
use super::knn::{Engine, Neighbour, Search, Space};
use crate::base::{Error, ErrorKind, Result};

/// Size of the nudge each value gets, relative to the largest.
const NUDGE: f32 = 1e-6;

/// A row-major copy of a space's rows, for linfa-nn to borrow, each value nudged by a fixed
/// pseudo-random amount: its ball tree splits at medians and, on many equal rows (silent beats),
/// would otherwise peel off one row per level until the stack is gone.
pub(super) fn nudged_rows(space: &Space) -> Array2<f32> {
    let size = NUDGE * largest(space);
    let mut rows = Array2::zeros((space.len(), space.dims()));
    for (index, mut to) in rows.rows_mut().into_iter().enumerate() {
        let from = space.tree.row(index).into_iter().flatten();
        for (column, (to, &value)) in to.iter_mut().zip(from).enumerate() {
            *to = value + size * signed_unit((index * space.dims() + column) as u64);
        }
    }
    rows
}

/// The largest magnitude in a space, or 1 if all is zero.
fn largest(space: &Space) -> f32 {
    let values = space.tree.blocks().values().iter();
    let largest = values.map(|v| v.abs()).fold(0.0, |a: f32, b| if a > b { a } else { b });
    if largest > 0.0 { largest } else { 1.0 }
}

/// A number in -1..1 made of a counter: SplitMix64 (Steele, Lea & Flood 2014).
fn signed_unit(counter: u64) -> f32 {
    let mut bits = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
}

/// Builds one of linfa-nn's indexes over the (nudged) rows of a space.
pub(super) fn searcher<'a>(
    space: &'a Space,
    rows: &'a Array2<f32>,
    algorithm: &CommonNearestNeighbour,
) -> Result<Box<dyn Search + 'a>> {
    let index = algorithm.from_batch(rows, L2Dist).map_err(|source| {
        Error::new(ErrorKind::Internal, format!("cannot search the layer '{}'", space.name))
            .because(source.to_string())
            .caused_by(source)
    })?;
    let dims = space.dims() as f32;
    let diameter = dims.sqrt() * largest(space);
    let nudge = NUDGE * diameter;
    Ok(Box::new(Linfa { space, index, nudge, diameter }))
}

/// Which of linfa-nn's algorithms an engine stands for, if any.
pub(super) fn named(engine: Engine) -> Option<CommonNearestNeighbour> {
    match engine {
        Engine::LinfaKdTree => Some(CommonNearestNeighbour::KdTree),
        Engine::LinfaBallTree => Some(CommonNearestNeighbour::BallTree),
        Engine::LinfaLinear => Some(CommonNearestNeighbour::LinearSearch),
        Engine::FlatTree | Engine::Scan | Engine::Products => None,
    }
}

struct Linfa<'a> {
    space: &'a Space,
    index: Box<dyn NearestNeighbourIndex<f32> + Send + Sync + 'a>,
    /// How far a nudge may move a row.
    nudge: f32,
    /// No row is farther than this from the origin.
    diameter: f32,
}

impl Linfa<'_> {
    /// By how much linfa-nn's distances may be off: the nudge, and rounding relative to the
    /// largest numbers met (a ball tree subtracts radii from distances to centres).
    fn margin(&self, query: &[f32]) -> f64 {
        let length = query.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        let rounding = 4.0 * (query.len() + 8) as f64 * f64::from(f32::EPSILON);
        f64::from(self.nudge) + rounding * (f64::from(self.diameter) + length)
    }

    /// Measures rows with the direct formula and orders them.
    fn measured(&self, found: &[(ArrayView1<f32>, usize)], query: &[f32]) -> Vec<Neighbour> {
        let mut shortlist = Shortlist::new(found.len(), self.space.dims());
        for &(_, row) in found {
            if let Some(values) = self.space.tree.row(row) {
                shortlist.offer(squared_distance(values, query), row as u32);
            }
        }
        shortlist.into_neighbours()
    }

    fn try_nearest(&self, query: &[f32], k: usize) -> Result<Vec<Neighbour>, linfa_nn::NnError> {
        let k = k.min(self.space.len());
        if k == 0 || !self.space.accepts(query) {
            return Ok(Vec::new());
        }
        let point = ArrayView1::from(query);
        let found = self.index.k_nearest(point, k + 1)?;
        let mut neighbours = self.measured(&found, query);
        let margin = 2.0 * self.margin(query);
        if let Some(next) = neighbours.get(k) {
            let kept = f64::from(neighbours[k - 1].distance);
            if f64::from(next.distance) - kept <= margin {
                let reach = ((kept + margin) * (1.0 + 1e-6)) as f32;
                let near = self.index.within_range(point, reach)?;
                neighbours = self.measured(&near, query);
            }
        }
        neighbours.truncate(k);
        Ok(neighbours)
    }
}

impl Search for Linfa<'_> {
    fn nearest(&self, query: &[f32], k: usize) -> Vec<Neighbour> {
        self.try_nearest(query, k).expect("accepted queries have the dimension of the rows")
    }

    fn nearest_all(&self, queries: &[f32], k: usize) -> Vec<Vec<Neighbour>> {
        queries.chunks(self.space.dims()).map(|query| self.nearest(query, k)).collect()
    }
}
