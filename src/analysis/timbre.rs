//! How a song is coloured over time: one column of MFCC every 46 ms.

use super::mel::{MelBank, N_MELS};
use super::mfcc::{Dct, N_MFCC, power_to_db_fast};
use super::stft::{BINS, N_FFT};
use crate::base::SampleRate;

/// Floor of a mel band, as in [`super::beat_features`]: 80 dB below a sine of full scale.
const MEL_FLOOR: f32 = 1e-5;
/// Power of a bin as librosa scales it, for a magnitude that reads 1 at full scale.
const FULL_SCALE: f32 = ((N_FFT / 4) * (N_FFT / 4)) as f32;

/// Describes timbre from the spectra of the onset curves, which have librosa's window.
pub struct TimbreAnalyzer {
    mel: MelBank,
    dct: Dct,
    power: [f32; BINS],
    mel_db: [f32; N_MELS],
}

impl TimbreAnalyzer {
    pub fn new() -> Self {
        TimbreAnalyzer {
            mel: MelBank::new(SampleRate::ANALYSIS.as_f64(), N_FFT),
            dct: Dct::new(),
            power: [0.0; BINS],
            mel_db: [0.0; N_MELS],
        }
    }

    /// MFCC of the sound whose bins have these magnitudes, 1 for a sine of full scale.
    pub fn column(&mut self, magnitudes: &[f32]) -> [f32; N_MFCC] {
        for (power, m) in self.power.iter_mut().zip(magnitudes) {
            *power = FULL_SCALE * m * m;
        }
        self.mel.apply(&self.power, &mut self.mel_db);
        power_to_db_fast(&mut self.mel_db, MEL_FLOOR);
        self.dct.apply(&self.mel_db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::OnsetAnalyzer;
    use crate::analysis::onset::{CHROMA_HOPS, HOP};

    fn columns(samples: &[f32], block: usize) -> Vec<[f32; N_MFCC]> {
        let mut analyzer = OnsetAnalyzer::new();
        samples.chunks(block).for_each(|part| analyzer.push(part));
        analyzer.finish().timbre
    }

    #[test]
    fn bright_sound_tilts_the_first_coefficient_down_and_loudness_moves_only_the_zeroth() {
        let wave = |hz: f64, gain: f64| -> Vec<f32> {
            let angle = |i: u32| std::f64::consts::TAU * hz * f64::from(i) / 22_050.0;
            (0..22_050).map(|i| (gain * angle(i).sin()) as f32).collect()
        };
        let (dark, bright) = (columns(&wave(200.0, 0.5), 999), columns(&wave(6_000.0, 0.5), 999));
        assert_eq!(dark.len(), 22_050usize.div_ceil(HOP * CHROMA_HOPS));
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
