//! The judgement of a bin: its cues, weighed as the context says, become its share of drums
//! in each channel.

use std::iter::repeat;

use super::bands::Bands;
use super::cues::{CUES, ROWS};
use super::curves::exp;
use super::weights::{self, STEERS, UNITS};
use super::{BINS, ROW};

/// Bins judged together: four SSE registers.
const LANES: usize = 16;

type Lanes = [f32; LANES];

/// Judges all bins of a window.
pub struct Head {
    weights: &'static weights::Head,
    bands: Bands,
    /// What the context says about each bin, `STEERS` rows.
    steers: Vec<f32>,
}

impl Head {
    /// A judge with these weights.
    pub fn new(weights: &'static weights::Head) -> Self {
        Head { weights, bands: Bands::new(), steers: vec![0.0; STEERS * ROW] }
    }

    /// Writes the masks of a window, one a channel, from its description, `ROWS` rows of `ROW`
    /// values, and from what the context says about its bands.
    pub fn mask(&mut self, described: &[f32], context: &[f32], masks: &mut [Vec<f32>]) {
        for (steer, row) in self.steers.chunks_exact_mut(ROW).enumerate() {
            self.bands.spread(|band| context[band * 2 * STEERS + steer], row);
        }
        debug_assert_eq!(described.len(), ROWS * ROW);
        for block in 0..ROW / LANES {
            let at = |rows: &[f32], row: usize| -> Lanes {
                let start = row * ROW + block * LANES;
                let mut lanes = [0.0; LANES];
                lanes.copy_from_slice(&rows[start..start + LANES]);
                lanes
            };
            let cues: [Lanes; CUES] = std::array::from_fn(|cue| at(described, cue));
            let score = self.judge(&cues, |steer| at(&self.steers, steer));
            let (tilt, balance) = (at(&self.steers, STEERS - 1), at(described, CUES));
            let tilt: Lanes = std::array::from_fn(|lane| tilt[lane] * balance[lane]);
            let bins = block * LANES..BINS.min((block + 1) * LANES);
            // Towards the left, the right and, where there are more channels, neither.
            for (mask, way) in masks.iter_mut().zip([1.0, -1.0].into_iter().chain(repeat(0.0))) {
                let share: Lanes =
                    std::array::from_fn(|lane| sigmoid(score[lane] + way * tilt[lane]));
                mask[bins.clone()].copy_from_slice(&share[..bins.len()]);
            }
        }
    }

    #[inline(always)]
    fn judge(&self, cues: &[Lanes; CUES], steer: impl Fn(usize) -> Lanes) -> Lanes {
        let weights = self.weights;
        let offset = steer(STEERS - 2);
        let mut score = offset.map(|x| x + weights.out_bias);
        for (cue, values) in cues.iter().enumerate() {
            let weight = steer(2 * UNITS + cue);
            for lane in 0..LANES {
                score[lane] += (weights.direct[cue] + weight[lane]) * values[lane];
            }
        }
        for unit in 0..UNITS {
            let mut sum = [weights.units_bias[unit]; LANES];
            for (weight, values) in weights.units[unit].iter().zip(cues) {
                for lane in 0..LANES {
                    sum[lane] += weight * values[lane];
                }
            }
            let (gain, bias) = (steer(unit), steer(UNITS + unit));
            for lane in 0..LANES {
                let x = sum[lane] + sum[lane] * gain[lane] + bias[lane];
                score[lane] += weights.out[unit] * if x > 0.0 { x } else { 0.0 };
            }
        }
        score
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}
