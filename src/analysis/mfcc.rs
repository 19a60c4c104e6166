//! Mel-frequency cepstral coefficients: the first 13 of an orthonormal DCT-II over 128 mel bands
//! in decibels (Davis and Mermelstein 1980, with librosa's scaling).

use super::mel::N_MELS;
use crate::base::{ln, wide};

/// Coefficients kept. Number 0 is loudness, the others describe the shape of the spectrum.
pub const N_MFCC: usize = 13;

/// `N_MFCC` rounded up so that a row fills whole vector registers; the excess weights are 0.
const LANES: usize = 16;

/// First rows of the orthonormal DCT-II of length `N_MELS`.
pub struct Dct {
    /// `[band][coefficient]`, so that the inner loop runs over independent sums.
    weights: Vec<[f32; LANES]>,
}

impl Dct {
    /// Row 0 is `sqrt(1/N)`, row k is `sqrt(2/N) cos(pi k (2n+1) / 2N)`.
    pub fn new() -> Self {
        let n = N_MELS as f64;
        let weight = |band: usize, k: usize| {
            let scale = if k == 0 { 1.0 / n } else { 2.0 / n }.sqrt();
            let angle = std::f64::consts::PI * k as f64 * (2 * band + 1) as f64 / (2.0 * n);
            (scale * angle.cos()) as f32
        };
        let row = |band| std::array::from_fn(|k| if k < N_MFCC { weight(band, k) } else { 0.0 });
        Dct { weights: (0..N_MELS).map(row).collect() }
    }

    /// MFCC of one mel spectrum in decibels.
    pub fn apply(&self, mel_db: &[f32; N_MELS]) -> [f32; N_MFCC] {
        let sums = wide!({
            let mut sums = [0.0; LANES];
            for (row, &db) in self.weights.iter().zip(mel_db) {
                for (sum, w) in sums.iter_mut().zip(row) {
                    *sum += w * db;
                }
            }
            sums
        });
        std::array::from_fn(|k| sums[k])
    }
}

impl Default for Dct {
    fn default() -> Self {
        Self::new()
    }
}

/// `10 log10(power)` of every value, powers below `floor` counting as `floor` (positive, normal).
///
/// Within 1e-4 dB.
pub fn power_to_db_fast(powers: &mut [f32], floor: f32) {
    const DB_PER_LN: f32 = (10.0 * std::f64::consts::LOG10_E) as f32;
    wide!({
        for x in powers {
            *x = DB_PER_LN * ln(if *x > floor { *x } else { floor });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_orthonormal() {
        let dct = Dct::new();
        for a in 0..N_MFCC {
            for b in 0..N_MFCC {
                let product: f32 = dct.weights.iter().map(|row| row[a] * row[b]).sum();
                let expected = if a == b { 1.0 } else { 0.0 };
                assert!((product - expected).abs() < 1e-6, "rows {a} and {b}");
            }
        }
    }

    #[test]
    fn a_flat_spectrum_has_only_the_first_coefficient() {
        let mfcc = Dct::new().apply(&[-100.0; N_MELS]);
        assert!((mfcc[0] + 100.0 * 128f32.sqrt()).abs() < 1e-2);
        assert!(mfcc[1..].iter().all(|c| c.abs() < 1e-3));
    }

    #[test]
    fn fast_decibels_stay_within_a_ten_thousandth() {
        let powers: Vec<f32> =
            (0..200_000).map(|i| 10f32.powf(-12.0 + 32.0 * i as f32 / 200_000.0)).collect();
        let mut fast = powers.clone();
        power_to_db_fast(&mut fast, 1e-20);
        for (p, db) in powers.iter().zip(&fast) {
            let exact = 10.0 * f64::from(*p).log10();
            assert!((f64::from(*db) - exact).abs() < 1e-4, "{p}: {db}");
        }
    }

    #[test]
    fn what_lies_below_the_floor_reads_as_the_floor() {
        let mut powers = [0.0, -1.0, f32::NAN, 1e-30];
        power_to_db_fast(&mut powers, 1e-5);
        assert!(powers.iter().all(|db| (db + 50.0).abs() < 1e-4));
    }
}
