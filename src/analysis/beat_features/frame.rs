//! What one analysis frame sounds like.

use super::super::chroma::{ChromaBank, N_CHROMA, normalise_by_max};
use super::super::mel::{MelBank, N_MELS};
use super::super::mfcc::{Dct, N_MFCC, power_to_db_fast};
use super::super::stft::{BINS, N_FFT, PowerSpectrum};
use crate::base::{SampleRate, sum_of, wide};

/// Floor of a mel band: -50 dB. A sine of full scale reads about +30 dB there, so the floor lies
/// 80 dB below full scale, under the music and above the noise of 16-bit recordings.
const MEL_FLOOR: f32 = 1e-5;
/// Least chroma energy that counts as sound: 80 dB below a sine of full scale, whose highest bin
/// holds `(N_FFT / 4)^2`.
const CHROMA_FLOOR: f32 = ((N_FFT / 4) * (N_FFT / 4)) as f32 * 1e-8;
/// Independent sums of a reduction, so that it vectorises.
const LANES: usize = 8;

/// The values of one analysis frame.
#[derive(Clone, Copy, Default)]
pub struct FrameFeatures {
    /// Position of the middle of the frame.
    pub centre: u64,
    /// Pitch classes, the largest being 1.
    pub chroma: [f32; N_CHROMA],
    /// Amplitude of the strongest pitch class, 0 for silence.
    pub weight: f32,
    /// MFCC above the floor.
    pub mfcc: [f32; N_MFCC],
    /// Sum of the magnitudes of all bins but the first.
    pub magnitude: f32,
    /// The same with each bin multiplied by its frequency in Hz.
    pub magnitude_hz: f32,
    /// Mean rise of the mel bands since the frame before, in dB.
    pub rise: f32,
}

/// Turns blocks of samples into frame features, with all working memory kept between calls.
pub struct FrameAnalyser {
    spectrum: PowerSpectrum,
    chroma: ChromaBank,
    mel: MelBank,
    dct: Dct,
    mel_db: [f32; N_MELS],
    previous_db: Option<[f32; N_MELS]>,
    magnitude: [f32; BINS],
    bin_hz: [f32; BINS],
}

impl FrameAnalyser {
    pub fn new(tuning: f32) -> Self {
        let rate = SampleRate::ANALYSIS.as_f64();
        FrameAnalyser {
            spectrum: PowerSpectrum::new(N_FFT),
            chroma: ChromaBank::new(rate, N_FFT, tuning),
            mel: MelBank::new(rate, N_FFT),
            dct: Dct::new(),
            mel_db: [0.0; N_MELS],
            previous_db: None,
            magnitude: [0.0; BINS],
            bin_hz: std::array::from_fn(|bin| (bin as f64 * rate / N_FFT as f64) as f32),
        }
    }

    /// Features of one block of `N_FFT` samples around `centre`.
    pub fn analyse(&mut self, centre: u64, block: &[f32]) -> FrameFeatures {
        let power = self.spectrum.of(block);
        let mut chroma = self.chroma.apply(power);
        let strongest = normalise_by_max(&mut chroma);
        self.mel.apply(power, &mut self.mel_db);
        power_to_db_fast(&mut self.mel_db, MEL_FLOOR);
        let magnitude = &mut self.magnitude;
        wide!(magnitude.iter_mut().zip(power).for_each(|(m, p)| *m = p.sqrt()));
        // A steady offset is no sound, so bin 0 has no say in brightness.
        self.magnitude[0] = 0.0;
        let before = self.previous_db.replace(self.mel_db);
        FrameFeatures {
            centre,
            chroma,
            weight: if strongest > CHROMA_FLOOR { strongest.sqrt() } else { 0.0 },
            mfcc: self.dct.apply(&self.mel_db),
            magnitude: sum_of(&self.magnitude, |m| m),
            magnitude_hz: sum_of_products(&self.magnitude, &self.bin_hz),
            rise: before.map_or(0.0, |before| mean_rise(&before, &self.mel_db)),
        }
    }
}

fn sum_of_products(a: &[f32; BINS], b: &[f32; BINS]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (a, b) in a.chunks(LANES).zip(b.chunks(LANES)) {
        for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
            *lane += x * y;
        }
    }
    lanes.iter().sum()
}

fn mean_rise(before: &[f32; N_MELS], now: &[f32; N_MELS]) -> f32 {
    let mut lanes = [0.0; LANES];
    for (before, now) in before.chunks_exact(LANES).zip(now.chunks_exact(LANES)) {
        for ((lane, b), n) in lanes.iter_mut().zip(before).zip(now) {
            let rise = n - b;
            *lane += if rise > 0.0 { rise } else { 0.0 };
        }
    }
    lanes.iter().sum::<f32>() / N_MELS as f32
}
