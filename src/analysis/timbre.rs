//! How a song is coloured over time: one column of MFCC every 46 ms.

use super::mel::{MelBank, N_MELS};
use super::mfcc::{Dct, N_MFCC, power_to_db_fast};
use super::stft::{Framer, N_FFT, PowerSpectrum};
use crate::base::SampleRate;

/// Samples between two columns: as many as between two chroma columns of the onset curves.
pub const COLUMN: usize = super::onset::HOP * super::onset::CHROMA_HOPS;
/// Floor of a mel band, as in [`super::beat_features`]: 80 dB below a sine of full scale.
const MEL_FLOOR: f32 = 1e-5;

/// Describes timbre from a stream of 22 050 Hz mono; 52 bytes are kept for each column.
pub struct TimbreAnalyzer {
    framer: Framer,
    lens: Lens,
    columns: Vec<[f32; N_MFCC]>,
}

/// Working memory of one column.
struct Lens {
    spectrum: PowerSpectrum,
    mel: MelBank,
    dct: Dct,
    mel_db: [f32; N_MELS],
}

impl Default for TimbreAnalyzer {
    fn default() -> Self {
        Self::new()
    }
}

impl TimbreAnalyzer {
    /// An analyzer that has heard nothing yet.
    pub fn new() -> Self {
        let lens = Lens {
            spectrum: PowerSpectrum::new(N_FFT),
            mel: MelBank::new(SampleRate::ANALYSIS.as_f64(), N_FFT),
            dct: Dct::new(),
            mel_db: [0.0; N_MELS],
        };
        TimbreAnalyzer { framer: Framer::new(N_FFT, COLUMN), lens, columns: Vec::new() }
    }

    /// Takes more of the song, in blocks of any size.
    pub fn push(&mut self, mono: &[f32]) {
        let TimbreAnalyzer { framer, lens, columns } = self;
        framer.push(mono, |_, block| columns.push(lens.mfcc(block)));
    }

    /// MFCC around every [`COLUMN`]th sample.
    pub fn finish(self) -> Vec<[f32; N_MFCC]> {
        let TimbreAnalyzer { framer, mut lens, mut columns } = self;
        framer.finish(|_, block| columns.push(lens.mfcc(block)));
        columns
    }
}

impl Lens {
    fn mfcc(&mut self, block: &[f32]) -> [f32; N_MFCC] {
        self.mel.apply(self.spectrum.of(block), &mut self.mel_db);
        power_to_db_fast(&mut self.mel_db, MEL_FLOOR);
        self.dct.apply(&self.mel_db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(samples: &[f32], block: usize) -> Vec<[f32; N_MFCC]> {
        let mut analyzer = TimbreAnalyzer::new();
        samples.chunks(block).for_each(|part| analyzer.push(part));
        analyzer.finish()
    }

    #[test]
    fn bright_sound_tilts_the_first_coefficient_down_and_loudness_moves_only_the_zeroth() {
        let wave = |hz: f64, gain: f64| -> Vec<f32> {
            let angle = |i: u32| std::f64::consts::TAU * hz * f64::from(i) / 22_050.0;
            (0..22_050).map(|i| (gain * angle(i).sin()) as f32).collect()
        };
        let (dark, bright) = (columns(&wave(200.0, 0.5), 999), columns(&wave(6_000.0, 0.5), 999));
        assert_eq!(dark.len(), 1 + 22_050 / COLUMN);
        assert!(dark[10][1] > bright[10][1] + 20.0, "{:?}, {:?}", dark[10], bright[10]);
        assert_eq!(columns(&wave(200.0, 0.5), 64), dark);
        assert!(columns(&wave(200.0, 0.05), 64)[10][0] < dark[10][0] - 10.0);
    }

    #[test]
    fn silence_is_the_floor_everywhere() {
        let silent = columns(&[0.0; 9_000], 500);
        assert!((silent[3][0] + 50.0 * (N_MELS as f32).sqrt()).abs() < 0.1);
        assert!(silent.iter().all(|column| column[1..].iter().all(|c| c.abs() < 1e-2)));
    }
}
