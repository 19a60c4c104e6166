//! The spectrogram of a segment as the network wants it, and back.

use realfft::num_complex::Complex32;

use super::config::{BINS, HOP, N_FFT};
use crate::separation::stft::Stft;

/// Frames before the segment that the first window covers.
const LEAD: usize = N_FFT / 2 - HOP / 2;

/// The transform of segments of one length.
///
/// Windows lie around the middles of the hops. What they cover beyond the segment's ends is its
/// reflection there. Spectra are divided by the root of the window's length.
pub struct Spectrum {
    stft: Stft,
    segment: usize,
    windows: usize,
    /// A channel of the segment with what lies beyond its ends.
    padded: Vec<f32>,
    spectrum: Vec<Complex32>,
}

impl Spectrum {
    /// For segments of so many frames.
    pub fn new(segment: usize) -> Self {
        let (stft, windows) = (Stft::new(N_FFT), segment.div_ceil(HOP));
        let spectrum = vec![Complex32::default(); stft.bins()];
        Spectrum { stft, segment, windows, padded: vec![0.0; (windows + 3) * HOP], spectrum }
    }

    /// Numbers of the real or imaginary part of a channel's spectrogram.
    pub fn len(&self) -> usize {
        BINS * self.windows
    }

    /// Writes real and imaginary parts, one row a bin, one after the other.
    pub fn forward(&mut self, channel: &[f32], out: &mut [f32]) {
        let last = self.segment - 1;
        for (i, x) in self.padded.iter_mut().enumerate() {
            let at = i.abs_diff(LEAD);
            *x = channel[if at > last { 2 * last - at } else { at }];
        }
        let scale = 1.0 / (N_FFT as f32).sqrt();
        let (re, im) = out.split_at_mut(BINS * self.windows);
        for window in 0..self.windows {
            self.stft.forward(&self.padded[window * HOP..][..N_FFT], &mut self.spectrum);
            for (bin, x) in self.spectrum[..BINS].iter().enumerate() {
                re[bin * self.windows + window] = x.re * scale;
                im[bin * self.windows + window] = x.im * scale;
            }
        }
    }

    /// Adds the sound of real and imaginary parts, scaled and shifted, to a channel.
    pub fn inverse_add(&mut self, parts: &[f32], scale: f32, shift: f32, channel: &mut [f32]) {
        self.padded.fill(0.0);
        let root = (N_FFT as f32).sqrt();
        let (re, im) = parts.split_at(BINS * self.windows);
        for window in 0..self.windows {
            for (bin, x) in self.spectrum[..BINS].iter_mut().enumerate() {
                let at = bin * self.windows + window;
                *x = Complex32::new(re[at] * scale + shift, im[at] * scale + shift) * root;
            }
            self.spectrum[BINS] = Complex32::default();
            self.stft.inverse_add(&mut self.spectrum, &mut self.padded[window * HOP..][..N_FFT]);
        }
        for (out, x) in channel.iter_mut().zip(&self.padded[LEAD..]) {
            *out += x;
        }
    }
}
