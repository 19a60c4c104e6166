//! Half the rate, by a half-band filter.
//!
//! Every other tap of a half-band filter but the middle one is zero, so the even samples pass with
//! one weight and only the odd ones are summed up; of those, pairs at the same distance share a
//! weight. A windowed sinc with Kaiser's window (Kaiser 1974; Oppenheim and Schafer, "Discrete-Time
//! Signal Processing", section 7.5).

use std::f64::consts::PI;

use crate::base::wide;

/// Weights on either side of the middle: the filter reaches 57 samples to each side.
const WEIGHTS: usize = 29;
/// Shape of the window: aliases are 90 dB down where they fall below 0.45 of the new rate.
const BETA: f64 = 8.96;
/// Output samples worked on together.
const LANES: usize = 16;

/// Halves the rate of one channel. Sample `k` of the output lies at sample `2 k` of the input.
pub struct Half {
    weights: [f32; WEIGHTS],
    /// Samples of even and of odd numbers; of the odd ones some that are needed still come first.
    even: Vec<f32>,
    odd: Vec<f32>,
    /// Whether the next sample is an odd one.
    is_odd: bool,
}

impl Half {
    /// Silence before the start.
    pub fn new() -> Half {
        Half { weights: weights(), even: Vec::new(), odd: vec![0.0; WEIGHTS], is_odd: false }
    }

    /// Takes samples and appends to `out` what no later sample has a say in.
    pub fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) {
        let (ahead, samples) = samples.split_at(samples.len().min(usize::from(self.is_odd)));
        self.odd.extend_from_slice(ahead);
        self.is_odd &= ahead.is_empty();
        let (pairs, last) = samples.as_chunks::<2>();
        self.even.extend(pairs.iter().map(|pair| pair[0]).chain(last.iter().copied()));
        self.odd.extend(pairs.iter().map(|pair| pair[1]));
        self.is_odd |= !last.is_empty();
        self.run(out);
    }

    /// Appends the rest, one output for every even sample, as if silence followed.
    pub fn finish(&mut self, out: &mut Vec<f32>) {
        self.odd.extend([0.0; WEIGHTS + 1]);
        self.run(out);
    }

    fn run(&mut self, out: &mut Vec<f32>) {
        let Half { weights, even, odd, .. } = self;
        let count = (odd.len() + 1).saturating_sub(2 * WEIGHTS).min(even.len());
        let begin = out.len();
        out.resize(begin + count, 0.0);
        let (blocks, rest) = out[begin..].as_chunks_mut::<LANES>();
        let from = LANES * blocks.len();
        wide!({
            for (block, at) in blocks.iter_mut().zip((0..).step_by(LANES)) {
                *block = filtered(weights, &even[at..], &odd[at..]);
            }
        });
        for (out, at) in rest.iter_mut().zip(from..) {
            [*out] = filtered(weights, &even[at..], &odd[at..]);
        }
        even.drain(..count);
        odd.drain(..count);
    }
}

/// The next outputs. `odd` begins `WEIGHTS` samples before the first of them.
#[inline(always)]
fn filtered<const N: usize>(weights: &[f32; WEIGHTS], even: &[f32], odd: &[f32]) -> [f32; N] {
    let (even, odd) = (&even[..N], &odd[..2 * WEIGHTS - 1 + N]);
    let mut sums = [0.0; N];
    for lane in 0..N {
        sums[lane] = 0.5 * even[lane];
    }
    for (i, weight) in weights.iter().enumerate() {
        let before = &odd[WEIGHTS - 1 - i..][..N];
        let after = &odd[WEIGHTS + i..][..N];
        for lane in 0..N {
            sums[lane] += weight * (before[lane] + after[lane]);
        }
    }
    sums
}

/// The weights of the odd samples at distances 1, 3, 5 ... of the middle. Together with the middle
/// one they pass a constant as it is.
fn weights() -> [f32; WEIGHTS] {
    let reach = (2 * WEIGHTS) as f64;
    let ideal: [f64; WEIGHTS] = std::array::from_fn(|i| {
        let x = (2 * i + 1) as f64;
        let window = bessel(BETA * (1.0 - (x / reach).powi(2)).sqrt()) / bessel(BETA);
        window * (PI * x / 2.0).sin() / (PI * x)
    });
    let scale = 0.25 / ideal.iter().sum::<f64>();
    ideal.map(|weight| (scale * weight) as f32)
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel(x: f64) -> f64 {
    let terms = (1..60).scan(1.0, |term, k| {
        *term *= (x / 2.0 / f64::from(k)).powi(2);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out for a tone, and how loud: as so many cycles a sample of the input.
    fn tone(cycles: f64) -> (Vec<f32>, f64) {
        let wave = |i: i32| (std::f64::consts::TAU * cycles * f64::from(i)).sin() as f32;
        let samples: Vec<f32> = (0..8_000).map(wave).collect();
        let (mut half, mut out) = (Half::new(), Vec::new());
        half.push(&samples, &mut out);
        let middle = &out[500..3_500];
        let power = middle.iter().map(|x| f64::from(x * x)).sum::<f64>() / middle.len() as f64;
        (out, 10.0 * (2.0 * power).log10())
    }

    #[test]
    fn what_the_new_rate_can_hold_passes_in_place_and_the_rest_does_not() {
        for cycles in [0.001, 0.01, 0.1, 0.2, 0.225] {
            let (out, level) = tone(cycles);
            assert!(level.abs() < 0.01, "{cycles}: {level}");
            let due = |k: usize| (std::f64::consts::TAU * cycles * 2.0 * k as f64).sin() as f32;
            let off = (500..3_500).map(|k| (out[k] - due(k)).abs()).fold(0.0, f32::max);
            assert!(off < 1e-3, "{cycles}: {off}");
        }
        for cycles in [0.275, 0.3, 0.4, 0.49] {
            let (_, level) = tone(cycles);
            assert!(level < -88.0, "{cycles}: {level}");
        }
    }

    #[test]
    fn the_sound_is_the_same_however_it_is_cut() {
        let samples: Vec<f32> = (0..1_001).map(|i| ((i * 7_919) % 613) as f32 / 613.0).collect();
        let cut = |length: usize| {
            let (mut half, mut out) = (Half::new(), Vec::new());
            for part in samples.chunks(length) {
                half.push(part, &mut out);
                // Nothing at all must not shift what comes after it.
                half.push(&[], &mut out);
            }
            half.finish(&mut out);
            out
        };
        assert_eq!(cut(1_001).len(), 501);
        for length in [1, 2, 3, 57, 58, 59, 64, 500] {
            assert!(cut(length) == cut(1_001), "{length}");
        }
    }
}
