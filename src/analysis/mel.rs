//! Mel filter bank after Slaney's Auditory Toolbox (1998), as librosa builds it: triangles evenly
//! spaced on a scale that is linear below 1 kHz and logarithmic above, each of unit area in Hz.

use std::ops::Range;

/// Bands of the mel spectrum the MFCC are made from.
pub const N_MELS: usize = 128;

const HZ_PER_MEL: f64 = 200.0 / 3.0;
const BREAK_HZ: f64 = 1000.0;
const BREAK_MEL: f64 = BREAK_HZ / HZ_PER_MEL;
/// 27 mels to a factor of 6.4 above the break.
const MELS_PER_LOG: f64 = 27.0;
const LOG_SPAN: f64 = 6.4;

/// Slaney's mel of a frequency in Hz.
pub fn hz_to_mel(hz: f64) -> f64 {
    if hz < BREAK_HZ {
        hz / HZ_PER_MEL
    } else {
        BREAK_MEL + (hz / BREAK_HZ).ln() * MELS_PER_LOG / LOG_SPAN.ln()
    }
}

/// The frequency in Hz of one of Slaney's mels.
pub fn mel_to_hz(mel: f64) -> f64 {
    if mel < BREAK_MEL {
        mel * HZ_PER_MEL
    } else {
        BREAK_HZ * ((mel - BREAK_MEL) * LOG_SPAN.ln() / MELS_PER_LOG).exp()
    }
}

/// `N_MELS` triangular filters from 0 Hz to half the sample rate, stored without their zeros.
pub struct MelBank {
    bands: Vec<(Range<usize>, Range<usize>)>,
    weights: Vec<f32>,
}

impl MelBank {
    /// The bank for power spectra of `n_fft / 2 + 1` bins at `sample_rate` Hz.
    pub fn new(sample_rate: f64, n_fft: usize) -> Self {
        let top = hz_to_mel(sample_rate / 2.0);
        let edge = |i: usize| mel_to_hz(top * i as f64 / (N_MELS + 1) as f64);
        let mut bank =
            MelBank { bands: Vec::with_capacity(N_MELS), weights: Vec::with_capacity(2 * n_fft) };
        for band in 0..N_MELS {
            let triangle = [edge(band), edge(band + 1), edge(band + 2)];
            bank.add(triangle, sample_rate / n_fft as f64, n_fft / 2 + 1);
        }
        bank
    }

    fn add(&mut self, [low, mid, high]: [f64; 3], bin_hz: f64, bins: usize) {
        let first = ((low / bin_hz).floor() as usize + 1).min(bins);
        let from = self.weights.len();
        for bin in first..bins {
            let hz = bin as f64 * bin_hz;
            let height = ((hz - low) / (mid - low)).min((high - hz) / (high - mid));
            if height <= 0.0 {
                break;
            }
            self.weights.push((height * 2.0 / (high - low)) as f32);
        }
        let taken = from..self.weights.len();
        self.bands.push((first..first + taken.len(), taken));
    }

    /// Mel power of one power spectrum; a spectrum of another length than the bank's reads 0.
    pub fn apply(&self, power: &[f32], mel: &mut [f32; N_MELS]) {
        for (out, (bins, weights)) in mel.iter_mut().zip(&self.bands) {
            let weights = &self.weights[weights.clone()];
            let power = power.get(bins.clone()).unwrap_or(&[]);
            *out = power.iter().zip(weights).map(|(p, w)| p * w).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mel_scale_is_its_own_inverse_and_meets_at_one_kilohertz() {
        for hz in [0.0, 150.0, 999.9, 1000.0, 1000.1, 6400.0, 11025.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-8);
        }
        assert!((hz_to_mel(1000.0) - 15.0).abs() < 1e-12);
        assert!((hz_to_mel(6400.0) - 42.0).abs() < 1e-12);
    }

    #[test]
    fn every_band_has_unit_area_on_a_fine_grid() {
        let bank = MelBank::new(22_050.0, 1 << 16);
        let bin_hz = 22_050.0 / 65_536.0;
        for (_, weights) in &bank.bands {
            let area: f32 = bank.weights[weights.clone()].iter().sum::<f32>() * bin_hz;
            assert!((area - 1.0).abs() < 1e-3, "area {area}");
        }
    }

    #[test]
    fn a_bin_feeds_at_most_two_neighbouring_bands() {
        let bank = MelBank::new(22_050.0, 1024);
        let mut power = vec![0.0; 513];
        let mut mel = [0.0; N_MELS];
        for bin in 1..512 {
            power[bin] = 1.0;
            bank.apply(&power, &mut mel);
            power[bin] = 0.0;
            let fed: Vec<usize> = (0..N_MELS).filter(|&b| mel[b] > 0.0).collect();
            assert!((1..=2).contains(&fed.len()), "bin {bin} feeds {fed:?}");
            assert!(fed.windows(2).all(|w| w[1] == w[0] + 1));
        }
    }

    #[test]
    fn a_spectrum_of_the_wrong_length_does_not_panic() {
        let mut mel = [1.0; N_MELS];
        MelBank::new(22_050.0, 1024).apply(&[1.0; 5], &mut mel);
        assert_eq!(mel[N_MELS - 1], 0.0);
    }
}
