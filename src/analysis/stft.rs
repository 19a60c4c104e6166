//! Short-time Fourier transform as librosa defines it: centred analysis windows, zero padding at
//! both ends, periodic Hann window, power spectrum.

use super::real_fft::RealFft;
use crate::base::wide;

/// Window length of the spectral features, in frames at 22 050 Hz (46 ms).
pub const N_FFT: usize = 1024;
/// Distance between neighbouring windows, in frames at 22 050 Hz (23 ms).
pub const HOP: usize = 512;
/// Bins of a spectrum of `N_FFT` frames: 0 Hz up to and including half the rate.
pub const BINS: usize = N_FFT / 2 + 1;

/// Largest magnitude taken for audio, in full scales. Far above any real recording, and small
/// enough that no power, sum or filter output of this room can overflow an `f32`.
const LOUDEST: f32 = 1e6;

/// Counts a sample that cannot be audio (NaN, infinite or absurdly large) as silence.
pub(crate) fn audible(sample: f32) -> f32 {
    if sample.abs() <= LOUDEST { sample } else { 0.0 }
}

/// The periodic Hann window of `length` points: `0.5 - 0.5 cos(2 pi n / length)`.
///
/// Periodic, not symmetric, as the windows of a spectrogram follow one another.
pub fn hann(length: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU / length.max(1) as f64;
    (0..length).map(|n| (0.5 - 0.5 * (step * n as f64).cos()) as f32).collect()
}

/// Power spectra of windowed blocks, with all working memory kept between calls.
pub struct PowerSpectrum {
    fft: RealFft,
    power: Vec<f32>,
}

impl PowerSpectrum {
    /// Prepares transforms of `n_fft` frames, a power of two, with a Hann window.
    pub fn new(n_fft: usize) -> Self {
        PowerSpectrum { fft: RealFft::new(hann(n_fft)), power: vec![0.0; n_fft / 2 + 1] }
    }

    /// `|X|^2` of the windowed block, `n_fft / 2 + 1` bins, unscaled as in librosa.
    ///
    /// A block shorter than the window is taken as followed by silence.
    pub fn of(&mut self, block: &[f32]) -> &[f32] {
        let (re, im) = self.fft.of(block);
        let power = &mut self.power;
        wide!({
            for ((power, re), im) in power.iter_mut().zip(re).zip(im) {
                *power = re * re + im * im;
            }
        });
        &self.power
    }
}

/// Cuts a stream into overlapping centred blocks: block `k` covers the `n_fft` frames around
/// position `k * hop`, and there are `1 + floor(length / hop)` of them, as in librosa.
///
/// Holds one block, however the stream is cut into pushes. Samples that are no audio (NaN,
/// infinite, above a million full scales) are heard as silence.
pub struct Framer {
    block: Vec<f32>,
    filled: usize,
    hop: usize,
    emitted: u64,
    length: u64,
}

impl Framer {
    /// Blocks of `n_fft` frames every `hop` frames; a hop outside `1..=n_fft` is brought inside.
    pub fn new(n_fft: usize, hop: usize) -> Self {
        Framer {
            block: vec![0.0; n_fft],
            filled: n_fft / 2,
            hop: hop.clamp(1, n_fft.max(1)),
            emitted: 0,
            length: 0,
        }
    }

    /// Frames pushed so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes more audio and hands each completed block to `each` with its number.
    pub fn push(&mut self, mono: &[f32], mut each: impl FnMut(u64, &[f32])) {
        self.length += mono.len() as u64;
        let mut rest = mono;
        while !rest.is_empty() {
            let room = &mut self.block[self.filled..];
            let (now, later) = rest.split_at(rest.len().min(room.len()));
            for (out, &x) in room.iter_mut().zip(now) {
                *out = audible(x);
            }
            self.filled += now.len();
            rest = later;
            if self.filled == self.block.len() {
                self.emit(&mut each);
            }
        }
    }

    /// Ends the stream: the blocks that reach past the end are filled up with silence.
    pub fn finish(mut self, mut each: impl FnMut(u64, &[f32])) {
        let wanted = 1 + self.length / self.hop as u64;
        while self.emitted < wanted {
            self.block[self.filled..].fill(0.0);
            self.emit(&mut each);
        }
    }

    fn emit(&mut self, each: &mut impl FnMut(u64, &[f32])) {
        each(self.emitted, &self.block);
        self.emitted += 1;
        self.block.copy_within(self.hop.., 0);
        self.filled = self.block.len() - self.hop;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(signal: &[f32], cut: usize) -> Vec<Vec<f32>> {
        let mut out = Vec::new();
        let mut framer = Framer::new(8, 4);
        for part in signal.chunks(cut) {
            framer.push(part, |k, block| {
                assert_eq!(k, out.len() as u64);
                out.push(block.to_vec());
            });
        }
        framer.finish(|_, block| out.push(block.to_vec()));
        out
    }

    #[test]
    fn blocks_are_centred_and_zero_padded() {
        let ramp: Vec<f32> = (1..=9).map(|n| n as f32).collect();
        assert_eq!(
            blocks(&ramp, 9),
            [
                [0., 0., 0., 0., 1., 2., 3., 4.],
                [1., 2., 3., 4., 5., 6., 7., 8.],
                [5., 6., 7., 8., 9., 0., 0., 0.],
            ]
        );
        for cut in 1..9 {
            assert_eq!(blocks(&ramp, cut), blocks(&ramp, 9), "cut {cut}");
        }
    }

    #[test]
    fn block_count_is_one_plus_whole_hops() {
        for length in 0..40 {
            assert_eq!(blocks(&vec![1.0; length], 7).len(), 1 + length / 4);
        }
    }

    #[test]
    fn a_sine_on_a_bin_has_a_quarter_of_the_squared_window_sum() {
        let tone: Vec<f32> = (0..N_FFT)
            .map(|n| (std::f64::consts::TAU * 32.0 * n as f64 / N_FFT as f64).sin() as f32)
            .collect();
        let mut spectrum = PowerSpectrum::new(N_FFT);
        let power = spectrum.of(&tone);
        assert_eq!(power.len(), BINS);
        assert!((power[32] / 65536.0 - 1.0).abs() < 1e-5);
        assert!((power[33] / 16384.0 - 1.0).abs() < 1e-4);
        assert!(power[40] < 1e-3);
    }

    #[test]
    fn a_short_block_leaves_nothing_of_the_one_before() {
        let mut spectrum = PowerSpectrum::new(64);
        spectrum.of(&[1.0; 64]);
        assert!(spectrum.of(&[]).iter().all(|&p| p == 0.0));
    }

    #[test]
    fn what_is_no_audio_is_silence() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            assert_eq!(audible(bad), 0.0);
        }
        assert_eq!(audible(-0.5), -0.5);
    }
}
