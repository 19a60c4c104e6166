//! Every task as the search for a circle over whole-number costs.

use super::{Shape, turn_to};
use crate::order::costs::CostMatrix;

/// The largest cost as a whole number. Sums of thousands of them are exact in 64 bits, so a gain is
/// a gain on every machine and no move can be made twice.
const SCALE: f64 = (1u32 << 30) as f64;

/// Costs of going round. An open tour with a given first song is a circle in which every arc into
/// that song is free; without one it gets an extra stop that is free to enter and to leave.
pub(super) struct Wheel {
    n: usize,
    songs: usize,
    shape: Shape,
    values: Vec<i32>,
}

impl Wheel {
    pub(super) fn new(costs: &CostMatrix, shape: Shape) -> Wheel {
        let songs = costs.len();
        let n = if shape == (Shape::Open { first: None }) { songs + 1 } else { songs };
        let largest = (0..songs).flat_map(|a| costs.row(a)).fold(0.0f32, |m, v| m.max(v.abs()));
        let scale = if largest > 0.0 { SCALE / f64::from(largest) } else { 0.0 };
        let free = if let Shape::Open { first } = shape { first } else { None };
        let mut values = vec![0; n * n];
        for a in 0..songs {
            for (b, cost) in costs.row(a).iter().enumerate() {
                let whole = (f64::from(*cost) * scale).round() as i32;
                values[a * n + b] = if free == Some(b) { 0 } else { whole };
            }
        }
        Wheel { n, songs, shape, values }
    }

    /// How many stops the circle has.
    pub(super) fn len(&self) -> usize {
        self.n
    }

    pub(super) fn cost(&self, a: u32, b: u32) -> i64 {
        i64::from(self.values[a as usize * self.n + b as usize])
    }

    /// A tour as a circle.
    pub(super) fn close(&self, order: &[usize]) -> Vec<u32> {
        let mut circle: Vec<u32> = order.iter().map(|&song| song as u32).collect();
        circle.extend((self.songs..self.n).map(|extra| extra as u32));
        circle
    }

    /// A circle as a tour, cut where it is free; closed ones begin with the first song.
    pub(super) fn open(&self, circle: &[u32]) -> Vec<usize> {
        let mut order: Vec<usize> = circle.iter().map(|&stop| stop as usize).collect();
        match self.shape {
            Shape::Closed => turn_to(&mut order, 0),
            Shape::Open { first: Some(first) } => turn_to(&mut order, first),
            Shape::Open { first: None } => {
                turn_to(&mut order, self.songs);
                order.remove(0);
            }
        }
        order
    }
}
