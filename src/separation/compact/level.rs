//! How loud a bin is, and how loud a song.

use realfft::num_complex::Complex32;

use super::curves::{exp, ln};
use super::{BINS, HOP, N_FFT};
use crate::base::sum_of;
use crate::separation::windows::{Framing, Windows};

/// Half of the exponent 0.3 that magnitudes are raised to, for powers.
const EXPONENT: f32 = 0.15;
/// Added to every power, far below any sound.
const FLOOR: f32 = 1e-10;
/// Spectra are divided by the hop, so that a full-scale sine reads about one; this is for powers.
pub const SCALE: f32 = 1.0 / (HOP * HOP) as f32;

/// Writes the loudness of each bin of a window: its magnitude, over all channels, to the power 0.3.
pub fn loudness(spectra: &[Vec<Complex32>], out: &mut [f32]) {
    out.fill(0.0);
    for spectrum in spectra {
        for (power, bin) in out.iter_mut().zip(spectrum) {
            *power += bin.norm_sqr();
        }
    }
    powers_to_loudness(spectra.len(), out);
}

/// Turns sums of powers over so many channels into loudness.
pub fn powers_to_loudness(channels: usize, row: &mut [f32]) {
    let share = SCALE / channels.max(1) as f32;
    for x in row {
        *x = exp(EXPONENT * ln(*x * share + FLOOR));
    }
}

/// Measures the level of a song, the mean loudness of all bins.
pub struct Meter {
    windows: Windows,
    row: Vec<f32>,
    sum: f64,
    count: usize,
}

impl Meter {
    /// A meter for songs of `channels` channels.
    pub fn new(channels: usize) -> Self {
        let windows = Windows::new(N_FFT, channels, Framing::Centred);
        Meter { windows, row: vec![0.0; BINS], sum: 0.0, count: 0 }
    }

    /// Hears a block, one slice a channel.
    pub fn hear(&mut self, mix: &[&[f32]]) {
        for piece in self.windows.pieces(mix) {
            if self.windows.take(mix, piece) {
                self.measure();
            }
        }
    }

    /// The level of what was heard, if there was anything; the meter is ready for the next song.
    pub fn finish(&mut self) -> Option<f32> {
        while self.windows.take_silence() {
            self.measure();
        }
        let level = (self.count > 0).then(|| (self.sum / self.count as f64) as f32);
        self.windows.reset();
        (self.sum, self.count) = (0.0, 0);
        level
    }

    fn measure(&mut self) {
        loudness(self.windows.spectra(), &mut self.row);
        self.sum += f64::from(sum_of(&self.row, |x| x));
        self.count += BINS;
    }
}
