//! Bass and middle of a sound on their own, so that two songs never share the low end, nor two
//! melodies the middle.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::base::SampleRate;

/// Crossovers in Hz: kick drum and bass line below the first, voices and chords between, cymbals
/// and breath above the second.
pub const CROSSOVERS: [f64; 2] = [180.0, 2_500.0];
/// Half the filters' length in seconds: their slopes are about 110 Hz wide.
const HALF: f64 = 0.0235;

/// Two linear-phase low-passes, one for each crossover. What they leave is the rest exactly: all
/// bands add up to the sound.
pub struct Bands {
    half: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// Of the bass, and of what lies between the crossovers.
    responses: [Vec<Complex32>; 2],
    time: Vec<f32>,
    spectrum: Vec<Complex32>,
    product: Vec<Complex32>,
}

impl Bands {
    /// Filters for blocks of at most `block` frames.
    pub fn new(rate: SampleRate, block: usize) -> Bands {
        let half = (HALF * rate.as_f64()) as usize;
        let size = smooth_size(block + 2 * half);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let mut time = vec![0.0; size];
        let mut response = |cutoff: f64| {
            time.fill(0.0);
            for (i, tap) in taps(half, cutoff / rate.as_f64()).into_iter().enumerate() {
                time[i] = tap / size as f32;
            }
            let mut response = forward.make_output_vec();
            // The lengths are the plan's own, so neither transform can refuse them.
            let _ = forward.process(&mut time, &mut response);
            response
        };
        let (bass, mut middle) = (response(CROSSOVERS[0]), response(CROSSOVERS[1]));
        middle.iter_mut().zip(&bass).for_each(|(m, b)| *m -= b);
        let (spectrum, product) = (forward.make_output_vec(), forward.make_output_vec());
        Bands { half, forward, inverse, responses: [bass, middle], time, spectrum, product }
    }

    /// Frames they must know before and after what they filter.
    pub fn half(&self) -> usize {
        self.half
    }

    /// Takes a sound to be split, which has [`Bands::half`] frames more on either side.
    pub fn load(&mut self, sound: &[f32]) {
        self.time.fill(0.0);
        self.time[..sound.len()].copy_from_slice(sound);
        let _ = self.forward.process(&mut self.time, &mut self.spectrum);
    }

    /// The bass (0) or the middle (1) of the sound loaded last; `count` frames.
    pub fn band(&mut self, which: usize, count: usize) -> &[f32] {
        let pairs = self.spectrum.iter().zip(&self.responses[which]);
        self.product.iter_mut().zip(pairs).for_each(|(p, (x, h))| *p = x * h);
        let _ = self.inverse.process(&mut self.product, &mut self.time);
        &self.time[2 * self.half..2 * self.half + count]
    }
}

/// A windowed sinc (Blackman) of `2 * half + 1` taps that add up to 1.
fn taps(half: usize, cutoff: f64) -> Vec<f32> {
    use std::f64::consts::{PI, TAU};
    let tap = |i: usize| {
        let x = i as f64 - half as f64;
        let sinc = if x == 0.0 { 2.0 * cutoff } else { (TAU * cutoff * x).sin() / (PI * x) };
        let phase = TAU * (i as f64 + 0.5) / (2 * half + 1) as f64;
        sinc * (0.42 - 0.5 * phase.cos() + 0.08 * (2.0 * phase).cos())
    };
    let taps: Vec<f64> = (0..=2 * half).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(|t| (t / sum) as f32).collect()
}

/// The next length made of small primes, for which transforms are fast.
fn smooth_size(least: usize) -> usize {
    let smooth = |mut n: usize| {
        for prime in [2, 3, 5] {
            while n.is_multiple_of(prime) {
                n /= prime;
            }
        }
        n == 1
    };
    let even = |n: &usize| n.is_multiple_of(2) && smooth(*n);
    (least..).find(even).unwrap_or(least.next_power_of_two())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(x: &[f32]) -> f32 {
        (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).sqrt()
    }

    #[test]
    fn kicks_voices_and_cymbals_are_told_apart_and_add_up() {
        let mut bands = Bands::new(SampleRate::CD, 16_384);
        let half = bands.half();
        let tone = |hz: f32| -> Vec<f32> {
            let step = std::f32::consts::TAU * hz / 44_100.0;
            (0..16_384 + 2 * half).map(|i| (step * i as f32).sin()).collect()
        };
        let cases =
            [(50.0, [1.0, 0.0]), (100.0, [1.0, 0.0]), (440.0, [0.0, 1.0]), (6_000.0, [0.0, 0.0])];
        for (hz, shares) in cases {
            bands.load(&tone(hz));
            for (which, share) in shares.into_iter().enumerate() {
                let found = level(bands.band(which, 16_384)) / 0.5f32.sqrt();
                assert!((found - share).abs() < 0.02, "{hz} Hz, band {which}: {found}");
            }
        }
        // In phase: band and sound cancel.
        let low = tone(60.0);
        bands.load(&low);
        let bass = bands.band(0, 16_384);
        let rest: Vec<f32> = bass.iter().zip(&low[half..]).map(|(bass, x)| x - bass).collect();
        assert!(level(&rest) < 0.01);
    }
}
