//! Which pitch classes sound in a song, and how much: the material a key is found in.
//!
//! Spectral peaks of long windows are gathered by pitch in cells of 5 cents and folded onto the
//! twelve classes at the end, when the tuning of the song is known (the idea of Gómez' harmonic
//! pitch class profile, "Tonal description of music audio signals", 2006). Loudness is compressed
//! twice over: the fourth root of a peak's power is its share in its window, and the fourth root
//! of the window's power its share in the song, so neither a loud lead nor a loud chorus decides
//! alone. The middle octaves count most, for there chords lie, while overtones lie above.

use super::chroma::N_CHROMA;
use super::stft::{Framer, PowerSpectrum};
use super::tuning::parabola;
use crate::base::ln;

/// Window of 372 ms, long enough to part semitones from the A two octaves below 440 Hz on.
const WINDOW: usize = 8192;
const HOP: usize = 4096;
/// Pitches looked at, in Hz.
const RANGE_HZ: std::ops::Range<f64> = 55.0..2_000.0;
/// Middle and spread of what counts, in semitones of MIDI (60 is middle C).
const MIDDLE: f64 = 60.0;
const SPREAD: f64 = 12.0;
/// A peak counts from this share of the strongest power of its window: -40 dB.
const PEAK_SHARE: f32 = 1e-4;
/// Least power that is sound: 80 dB below a sine of full scale, which reads `(WINDOW / 4)^2`.
const FLOOR: f32 = ((WINDOW / 4) * (WINDOW / 4)) as f32 * 1e-8;
/// Cells to a semitone.
const CELLS: usize = 20;

/// Gathers pitches from 22 050 Hz mono. Memory does not grow with the song.
pub struct PitchAnalyzer {
    spectrum: PowerSpectrum,
    framer: Framer,
    cells: PitchCells,
}

impl PitchAnalyzer {
    /// An analyzer for mono audio at `sample_rate` Hz.
    pub fn new(sample_rate: f64) -> Self {
        PitchAnalyzer {
            spectrum: PowerSpectrum::new(WINDOW),
            framer: Framer::new(WINDOW, HOP),
            cells: PitchCells::new(sample_rate / WINDOW as f64),
        }
    }

    /// Takes more of the song, in blocks of any size.
    pub fn push(&mut self, mono: &[f32]) {
        let PitchAnalyzer { spectrum, framer, cells } = self;
        framer.push(mono, |_, block| cells.add(spectrum.of(block)));
    }

    /// The share of each pitch class from C, the largest being 1; all 0 where nothing has pitch.
    /// `tuning` is in semitones above A = 440 Hz.
    pub fn finish(self, tuning: f32) -> [f32; N_CHROMA] {
        let PitchAnalyzer { mut spectrum, framer, mut cells } = self;
        framer.finish(|_, block| cells.add(spectrum.of(block)));
        cells.folded(f64::from(tuning))
    }
}

/// Strength by place on the circle of pitch classes.
struct PitchCells {
    bin_hz: f64,
    /// First bin looked at and its successors' weights by octave.
    first: usize,
    preference: Vec<f32>,
    cells: Vec<f64>,
    /// Peaks of the window in hand: cell and weight.
    peaks: Vec<(usize, f32)>,
}

impl PitchCells {
    fn new(bin_hz: f64) -> Self {
        let first = (RANGE_HZ.start / bin_hz).ceil().max(1.0) as usize;
        let last = (RANGE_HZ.end / bin_hz).floor() as usize;
        let preference = |bin: usize| {
            let z = (midi(bin as f64 * bin_hz) - MIDDLE) / SPREAD;
            (-0.5 * z * z).exp() as f32
        };
        PitchCells {
            bin_hz,
            first,
            preference: (first..last.max(first)).map(preference).collect(),
            cells: vec![0.0; N_CHROMA * CELLS],
            peaks: Vec::new(),
        }
    }

    fn add(&mut self, power: &[f32]) {
        let end = (self.first + self.preference.len()).min(power.len().saturating_sub(1));
        let Some(range) = power.get(self.first..end) else { return };
        let (mut strongest, mut sum) = (0.0f32, 0.0f32);
        for &p in range {
            strongest = if p > strongest { p } else { strongest };
            sum += p;
        }
        if strongest < FLOOR {
            return;
        }
        self.peaks.clear();
        let mut total = 0.0f32;
        for (bin, &preference) in (self.first..end).zip(&self.preference) {
            let near = [power[bin - 1], power[bin], power[bin + 1]];
            if near[1] > PEAK_SHARE * strongest && near[1] > near[0] && near[1] >= near[2] {
                let weight = near[1].sqrt().sqrt();
                total += weight;
                self.peaks.push((self.cell(bin, near), weight * preference));
            }
        }
        let share = f64::from(sum.sqrt().sqrt() / total.max(f32::MIN_POSITIVE));
        for &(cell, weight) in &self.peaks {
            self.cells[cell] += share * f64::from(weight);
        }
    }

    /// The cell a peak belongs to, placed between bins by a parabola through the logarithms.
    fn cell(&self, bin: usize, near: [f32; 3]) -> usize {
        let [below, at, above] = near.map(|p| ln(p.max(f32::MIN_POSITIVE)));
        let hz = (bin as f64 + f64::from(parabola(below, at, above))) * self.bin_hz;
        let class = midi(hz).rem_euclid(N_CHROMA as f64);
        ((class * CELLS as f64).round() as usize) % (N_CHROMA * CELLS)
    }

    /// Folds the cells onto the classes; what lies between two notes counts less for both.
    fn folded(&self, tuning: f64) -> [f32; N_CHROMA] {
        let mut classes = [0.0f64; N_CHROMA];
        for (cell, &weight) in self.cells.iter().enumerate() {
            let pitch = cell as f64 / CELLS as f64 - tuning;
            let nearest = pitch.round();
            let closeness = (std::f64::consts::PI * (pitch - nearest)).cos();
            let class = nearest.rem_euclid(N_CHROMA as f64) as usize % N_CHROMA;
            classes[class] += weight * closeness * closeness;
        }
        let largest = classes.iter().copied().fold(0.0, f64::max);
        classes.map(|c| if largest > 0.0 { (c / largest) as f32 } else { 0.0 })
    }
}

/// Pitch in semitones of MIDI, where 69 is A = 440 Hz.
fn midi(hz: f64) -> f64 {
    69.0 + 12.0 * (hz / 440.0).log2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE: f64 = 22_050.0;

    fn notes(pitches: &[f64], seconds: f64) -> Vec<f32> {
        let hz: Vec<f64> = pitches.iter().map(|p| 440.0 * 2f64.powf((p - 69.0) / 12.0)).collect();
        let sample = |i: usize| hz.iter().map(|f| 0.2 * (TAU * f * i as f64 / RATE).sin()).sum();
        (0..(seconds * RATE) as usize)
            .map(|i| {
                let x: f64 = sample(i);
                x as f32
            })
            .collect()
    }

    fn classes(signal: &[f32], cut: usize, tuning: f32) -> [f32; N_CHROMA] {
        let mut analyzer = PitchAnalyzer::new(RATE);
        signal.chunks(cut).for_each(|part| analyzer.push(part));
        analyzer.finish(tuning)
    }

    #[test]
    fn the_notes_of_a_chord_stand_out_in_every_tuning() {
        for tuning in [-0.45, 0.0, 0.3] {
            let chord = notes(&[57.0, 61.0, 64.0].map(|p| p + tuning), 4.0);
            let found = classes(&chord, 1_000, tuning as f32);
            for (class, &share) in found.iter().enumerate() {
                let sounds = [9, 1, 4].contains(&class);
                assert!(sounds == (share > 0.5), "{tuning}: {found:?}");
                assert!(sounds || share < 0.02, "{tuning}: {found:?}");
            }
        }
    }

    #[test]
    fn a_note_as_soft_as_a_tenth_still_counts_for_half() {
        let mut both = notes(&[60.0], 4.0);
        let soft = notes(&[66.0], 4.0);
        both.iter_mut().zip(soft).for_each(|(x, y)| *x += 0.1 * y);
        let found = classes(&both, 4_096, 0.0);
        assert!((0.2..0.5).contains(&found[6]), "{found:?}");
    }

    #[test]
    fn block_size_does_not_matter_and_silence_has_no_pitch() {
        let chord = notes(&[60.0, 64.5, 70.0], 2.0);
        let whole = classes(&chord, chord.len(), 0.1);
        for cut in [1, 4_095, 4_096, 8_193] {
            assert_eq!(classes(&chord, cut, 0.1), whole);
        }
        for quiet in [vec![], vec![0.0; 30_000], vec![f32::NAN; 30_000]] {
            assert_eq!(classes(&quiet, 1_000, 0.0), [0.0; N_CHROMA]);
        }
    }
}
