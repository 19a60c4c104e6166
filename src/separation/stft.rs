//! Short-time Fourier transform and its inverse, one window at a time.

use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// Windows that cover each frame; the hop is a quarter of the window.
pub const OVERLAP: usize = 4;

/// A transform pair with Hann windows on both sides.
///
/// Windows a quarter of their length apart, windowed twice by Hann, sum to 3/2 everywhere; the
/// inverse divides by that, so that untouched spectra overlap-add to the signal.
pub struct Stft {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    window: Vec<f32>,
    synthesis: Vec<f32>,
    time: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl Stft {
    /// Transforms of `n_fft` frames, which must be a multiple of four.
    pub fn new(n_fft: usize) -> Self {
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(n_fft), planner.plan_fft_inverse(n_fft));
        let window = hann(n_fft);
        // The inverse FFT is not normalised: it returns n_fft times the signal.
        let scale = 1.0 / (1.5 * n_fft as f32);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Stft {
            synthesis: window.iter().map(|w| w * scale).collect(),
            window,
            time: vec![0.0; n_fft],
            scratch: vec![Complex32::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Frames in a window.
    pub fn n_fft(&self) -> usize {
        self.window.len()
    }

    /// Frames from one window to the next.
    pub fn hop(&self) -> usize {
        self.n_fft() / OVERLAP
    }

    /// Bins of a spectrum, from 0 Hz to half the sample rate.
    pub fn bins(&self) -> usize {
        self.n_fft() / 2 + 1
    }

    /// Writes the spectrum of `n_fft` frames.
    pub fn forward(&mut self, frames: &[f32], spectrum: &mut [Complex32]) {
        for ((out, x), w) in self.time.iter_mut().zip(frames).zip(&self.window) {
            *out = x * w;
        }
        self.forward
            .process_with_scratch(&mut self.time, spectrum, &mut self.scratch)
            .expect("all lengths come from the plan");
    }

    /// Adds the signal of `spectrum`, which is used up, to `n_fft` frames of `sum`.
    pub fn inverse_add(&mut self, spectrum: &mut [Complex32], sum: &mut [f32]) {
        // Rounding in a mask times a spectrum cannot make these differ from zero, but the
        // transform refuses a spectrum that no real signal has.
        for edge in [0, spectrum.len() - 1] {
            spectrum[edge].im = 0.0;
        }
        self.inverse
            .process_with_scratch(spectrum, &mut self.time, &mut self.scratch)
            .expect("all lengths come from the plan, both edges are real");
        for ((sum, x), w) in sum.iter_mut().zip(&self.time).zip(&self.synthesis) {
            *sum += x * w;
        }
    }

    /// Scales the sum of windows on one hop that only the given quarters of them reach, as if all
    /// four did.
    pub fn fill_up(&self, quarters: std::ops::Range<usize>, sum: &mut [f32]) {
        let hop = self.hop();
        for (i, x) in sum.iter_mut().enumerate() {
            let there: f32 =
                quarters.clone().map(|q| self.window[q * hop + i]).map(|w| w * w).sum();
            *x *= 1.5 / there;
        }
    }
}

/// The periodic Hann window.
fn hann(n: usize) -> Vec<f32> {
    let turn = std::f64::consts::TAU / n as f64;
    (0..n).map(|i| (0.5 - 0.5 * (turn * i as f64).cos()) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cosine_shows_in_its_bin_with_a_quarter_of_the_window() {
        for n_fft in [64, 192, 2048, 3072] {
            let mut stft = Stft::new(n_fft);
            let turn = std::f64::consts::TAU * 10.0 / n_fft as f64;
            let cosine: Vec<f32> = (0..n_fft).map(|i| (turn * i as f64).cos() as f32).collect();
            let mut spectrum = vec![Complex32::default(); stft.bins()];
            stft.forward(&cosine, &mut spectrum);
            for (bin, value) in spectrum.iter().enumerate() {
                let expected = match bin {
                    10 => n_fft as f32 / 4.0,
                    9 | 11 => n_fft as f32 / 8.0,
                    _ => 0.0,
                };
                assert!((value.norm() - expected).abs() < 1e-4 * n_fft as f32, "{n_fft} {bin}");
            }
        }
    }

    #[test]
    fn one_window_comes_back_under_the_squared_hann_window() {
        let n_fft = 192;
        let mut stft = Stft::new(n_fft);
        let mut spectrum = vec![Complex32::default(); stft.bins()];
        stft.forward(&vec![1.0; n_fft], &mut spectrum);
        let mut sum = vec![0.25; n_fft];
        stft.inverse_add(&mut spectrum, &mut sum);
        for (i, x) in sum.iter().enumerate() {
            let sine = (std::f32::consts::PI * i as f32 / n_fft as f32).sin();
            assert!((x - 0.25 - sine.powi(4) / 1.5).abs() < 1e-6, "{i}: {x}");
        }
    }
}
