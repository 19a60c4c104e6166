//! Columns of chroma, from a slower and finer spectrum of the decimated signal.

use super::{CHROMA_WIDTH, DECIMATION, FFT, HOP, Spectrum};
use crate::base::{SampleRate, wide};

const FIR_TAPS: usize = 48;

/// Chroma of bass and melody from the signal decimated to 5.5 kHz, where 1024 samples resolve
/// semitones down to about 90 Hz.
pub struct ChromaAnalyzer {
    spectrum: Spectrum,
    fir: [f32; FIR_TAPS],
    /// Input of the decimation filter not yet used up.
    input: Vec<f32>,
    decimated: Vec<f32>,
    /// For each bin, its place in a column and its weight.
    bins: Vec<(u16, u8)>,
}

impl ChromaAnalyzer {
    /// Silence before the start.
    pub fn new() -> Self {
        ChromaAnalyzer {
            spectrum: Spectrum::new(),
            fir: low_pass(),
            input: vec![0.0; FIR_TAPS / 2],
            decimated: vec![0.0; FFT / 2],
            bins: pitch_classes(),
        }
    }

    /// Takes the next hop, and appends the columns that are complete.
    pub fn push(&mut self, hop: &[f32], columns: &mut Vec<[f32; CHROMA_WIDTH]>) {
        self.input.extend_from_slice(hop);
        let ChromaAnalyzer { input, fir, decimated, .. } = self;
        let used = wide!({
            let mut start = 0;
            while let Some(segment) = input[start..].first_chunk() {
                decimated.push(dot(segment, fir));
                start += DECIMATION;
            }
            start
        });
        self.input.drain(..used);
        while self.decimated.len() >= FFT {
            columns.push(self.column());
            self.decimated.drain(..HOP);
        }
    }

    fn column(&mut self) -> [f32; CHROMA_WIDTH] {
        let magnitudes = self.spectrum.of(&self.decimated[..FFT]).magnitudes;
        let mut column = [0.0; CHROMA_WIDTH];
        for &(bin, class) in &self.bins {
            column[usize::from(class)] += magnitudes[usize::from(bin)];
        }
        column
    }

    /// Appends silence, or takes columns away, until there are `wanted`.
    pub fn finish(&mut self, columns: &mut Vec<[f32; CHROMA_WIDTH]>, wanted: usize) {
        while columns.len() < wanted {
            self.push(&[0.0; HOP], columns);
        }
        columns.truncate(wanted);
    }
}

/// Bins of the decimated spectrum from 60 Hz to 2 kHz with their pitch classes; below 260 Hz
/// (middle C) they count as bass.
fn pitch_classes() -> Vec<(u16, u8)> {
    let width = SampleRate::ANALYSIS.as_f64() / (DECIMATION * FFT) as f64;
    (1..FFT / 2)
        .map(|bin| (bin, bin as f64 * width))
        .filter(|&(_, hz)| (60.0..2_000.0).contains(&hz))
        .map(|(bin, hz)| {
            let class = (12.0 * (hz / 440.0).log2()).round().rem_euclid(12.0) as u8;
            (bin as u16, if hz < 260.0 { class } else { class + 12 })
        })
        .collect()
}

/// Hann-windowed sinc with its edge at 2.2 kHz.
fn low_pass() -> [f32; FIR_TAPS] {
    let edge = 2_200.0 / SampleRate::ANALYSIS.as_f64();
    let middle = (FIR_TAPS as f64 - 1.0) / 2.0;
    std::array::from_fn(|i| {
        let x = std::f64::consts::PI * (i as f64 - middle);
        let hann = 0.5 + 0.5 * (x / (middle + 1.0)).cos();
        (hann * (2.0 * edge * x).sin() / x) as f32
    })
}

#[inline(always)]
fn dot(a: &[f32; FIR_TAPS], b: &[f32; FIR_TAPS]) -> f32 {
    // Running sums side by side let the compiler use whole vectors.
    let mut sums = [0.0f32; 8];
    for (x, y) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for k in 0..8 {
            sums[k] += x[k] * y[k];
        }
    }
    sums.iter().sum()
}
