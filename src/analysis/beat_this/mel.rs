//! The spectrogram the network was trained on, after torchaudio's definition: centred windows with
//! reflected ends, magnitudes divided by the root of the window length, triangles of height one on
//! Slaney's mel scale, and `ln(1 + 1000 x)`.

use crate::analysis::mel::{hz_to_mel, mel_to_hz};
use crate::analysis::stft::{PowerSpectrum, audible};
use crate::base::SampleRate;

/// Mel bands of a column.
pub const BANDS: usize = 128;

const WINDOW: usize = 1024;
const HOP: usize = 441;
const LOWEST: f64 = 30.0;
const HIGHEST: f64 = 11_000.0;
const GAIN: f32 = 1000.0;
/// Samples mirrored at either end.
const MARGIN: usize = WINDOW / 2;

/// Columns of a stream of mono audio at 22 050 Hz.
pub struct LogMel {
    spectrum: PowerSpectrum,
    bands: Vec<(usize, Vec<f32>)>,
    pending: Vec<f32>,
    /// Whether the mirrored start stands before the samples.
    begun: bool,
    column: [f32; BANDS],
}

impl Default for LogMel {
    fn default() -> Self {
        Self::new()
    }
}

impl LogMel {
    /// A spectrogram of nothing yet.
    pub fn new() -> Self {
        LogMel {
            spectrum: PowerSpectrum::new(WINDOW),
            bands: triangles(),
            pending: Vec::new(),
            begun: false,
            column: [0.0; BANDS],
        }
    }

    /// Takes samples, hands over the columns they complete. How the stream is cut into blocks makes
    /// no difference.
    pub fn push(&mut self, mono: &[f32], mut each: impl FnMut(&[f32; BANDS])) {
        for block in mono.chunks(16 * WINDOW) {
            self.pending.extend(block.iter().map(|&x| audible(x)));
            if !self.begun && self.pending.len() > MARGIN {
                let mirrored: Vec<f32> = self.pending[1..=MARGIN].iter().rev().copied().collect();
                self.pending.splice(..0, mirrored);
                self.begun = true;
            }
            if self.begun {
                self.drain(&mut each);
            }
        }
    }

    /// Hands over the last columns. A stream too short to be mirrored has none.
    pub fn finish(&mut self, mut each: impl FnMut(&[f32; BANDS])) {
        if self.begun {
            let last = self.pending.len() - 1;
            let mirrored = (1..=MARGIN).map(|k| self.pending[last - k]);
            let mirrored: Vec<f32> = mirrored.collect();
            self.pending.extend(mirrored);
            self.drain(&mut each);
        }
    }

    fn drain(&mut self, each: &mut impl FnMut(&[f32; BANDS])) {
        let mut start = 0;
        while start + WINDOW <= self.pending.len() {
            let power = self.spectrum.of(&self.pending[start..start + WINDOW]);
            // The root of the power of a window divided by the root of its length.
            let magnitude = |p: &f32| (p / WINDOW as f32).sqrt();
            for (value, (first, weights)) in self.column.iter_mut().zip(&self.bands) {
                let bins = power[*first..].iter().zip(weights);
                let sum: f32 = bins.map(|(p, w)| magnitude(p) * w).sum();
                *value = (GAIN * sum).ln_1p();
            }
            each(&self.column);
            start += HOP;
        }
        self.pending.drain(..start);
    }
}

/// For each band its first bin and the weights from there on.
fn triangles() -> Vec<(usize, Vec<f32>)> {
    let (from, to) = (hz_to_mel(LOWEST), hz_to_mel(HIGHEST));
    let edge = |i: usize| mel_to_hz(from + (to - from) * i as f64 / (BANDS + 1) as f64);
    let bin_hz = SampleRate::ANALYSIS.as_f64() / WINDOW as f64;
    let height = |band: usize, bin: usize| {
        let hz = bin as f64 * bin_hz;
        let [low, middle, high] = [edge(band), edge(band + 1), edge(band + 2)];
        ((hz - low) / (middle - low)).min((high - hz) / (high - middle))
    };
    (0..BANDS)
        .map(|band| {
            let bins = 0..=WINDOW / 2;
            let first = bins.clone().find(|&bin| height(band, bin) > 0.0).unwrap_or(WINDOW / 2);
            let rest = (first..=WINDOW / 2).map(|bin| height(band, bin) as f32);
            (first, rest.take_while(|&h| h > 0.0).collect())
        })
        .collect()
}
