//! The bass of a sound on its own, so that two songs never share the low end.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use crate::base::SampleRate;

/// Crossover in Hz: kick drum and bass line below, everything else above.
pub const CROSSOVER: f64 = 180.0;
/// Half the filter's length in seconds: the slope is about 110 Hz wide.
const HALF: f64 = 0.0235;

/// A linear-phase low-pass. What it leaves is the rest exactly: bass plus rest is the sound.
pub struct BassSplit {
    half: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    response: Vec<Complex32>,
    time: Vec<f32>,
    spectrum: Vec<Complex32>,
}

impl BassSplit {
    /// A filter for blocks of at most `block` frames.
    pub fn new(rate: SampleRate, block: usize) -> BassSplit {
        let half = (HALF * rate.as_f64()) as usize;
        let size = smooth_size(block + 2 * half);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(size), planner.plan_fft_inverse(size));
        let mut time = vec![0.0; size];
        for (i, tap) in taps(half, CROSSOVER / rate.as_f64()).into_iter().enumerate() {
            time[i] = tap / size as f32;
        }
        let mut response = forward.make_output_vec();
        // The lengths are the plan's own, so neither transform can refuse them.
        let _ = forward.process(&mut time, &mut response);
        let spectrum = forward.make_output_vec();
        BassSplit { half, forward, inverse, response, time, spectrum }
    }

    /// Frames it must know before and after what it filters.
    pub fn half(&self) -> usize {
        self.half
    }

    /// The bass of the middle of `sound`, which has [`BassSplit::half`] frames more on either
    /// side.
    pub fn bass(&mut self, sound: &[f32]) -> &[f32] {
        let count = sound.len().saturating_sub(2 * self.half);
        self.time.fill(0.0);
        self.time[..sound.len()].copy_from_slice(sound);
        let _ = self.forward.process(&mut self.time, &mut self.spectrum);
        for (x, h) in self.spectrum.iter_mut().zip(&self.response) {
            *x *= h;
        }
        let _ = self.inverse.process(&mut self.spectrum, &mut self.time);
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
    fn a_kick_is_bass_and_a_voice_is_not() {
        let mut split = BassSplit::new(SampleRate::CD, 16_384);
        let half = split.half();
        let tone = |hz: f32| -> Vec<f32> {
            let step = std::f32::consts::TAU * hz / 44_100.0;
            (0..16_384 + 2 * half).map(|i| (step * i as f32).sin()).collect()
        };
        for (hz, share) in [(50.0, 1.0), (100.0, 1.0), (260.0, 0.0), (1_000.0, 0.0)] {
            let found = level(split.bass(&tone(hz))) / 0.5f32.sqrt();
            assert!((found - share).abs() < 0.02, "{hz} Hz: {found}");
        }
        // In phase: bass and sound cancel.
        let low = tone(60.0);
        let rest: Vec<f32> =
            split.bass(&low).iter().zip(&low[half..]).map(|(bass, x)| x - bass).collect();
        assert!(level(&rest) < 0.01);
    }
}
