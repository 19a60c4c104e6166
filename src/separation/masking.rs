//! Streaming time-frequency masking: windows in, masked windows out, overlap-added in place.

use realfft::num_complex::Complex32;

use super::median::mirror;
use super::stft::{OVERLAP, Stft};

/// Samples beyond this are cut off, so that no power of a spectrum overflows.
const CEILING: f32 = 1e6;

/// Decides which share of each bin is kept.
pub trait MaskRule: Send {
    /// Windows that must be known before and after the one being masked.
    fn reach(&self) -> usize;

    /// Writes the mask, 0..=1 a bin, of the window `spectrogram.at(0)`.
    ///
    /// Called once for each window, in order of time.
    fn mask(&mut self, spectrogram: &Spectrogram<'_>, mask: &mut [f32]);

    /// Forgets the song.
    fn reset(&mut self);
}

/// The magnitudes around one window.
pub struct Spectrogram<'a> {
    ring: &'a [Vec<f32>],
    now: usize,
    known: usize,
}

impl<'a> Spectrogram<'a> {
    /// The magnitudes `offset` windows from the one being masked, at most the rule's reach away.
    ///
    /// Beyond both ends of the song its mirror image is seen.
    pub fn at(&self, offset: isize) -> &'a [f32] {
        let window = mirror(self.now as isize + offset, self.known);
        &self.ring[window % self.ring.len()]
    }
}

/// What is kept of one channel.
struct Channel {
    /// Frames not yet behind the next window.
    pending: Vec<f32>,
    /// Spectra that wait for their mask, window `w` at `w % len`.
    spectra: Vec<Vec<Complex32>>,
    /// The sum of the masked windows so far, from the first frame still unfinished.
    sum: Vec<f32>,
}

/// Multiplies the short-time spectrum of a signal by the masks of a rule.
///
/// One mask serves all channels, so that nothing moves in the stereo image; the rule sees the
/// root mean square of the channels' magnitudes. Memory is fixed by the window and the rule's
/// reach.
pub struct Masking<R> {
    rule: R,
    stft: Stft,
    channels: Vec<Channel>,
    /// Magnitudes of the last windows, window `w` at `w % len`.
    magnitudes: Vec<Vec<f32>>,
    mask: Vec<f32>,
    analysed: usize,
    masked: usize,
    fed: usize,
    given: usize,
}

impl<R: MaskRule> Masking<R> {
    /// Masking of `channels` channels in windows of `n_fft` frames, a multiple of four.
    pub fn new(n_fft: usize, channels: usize, rule: R) -> Self {
        let (stft, reach) = (Stft::new(n_fft), rule.reach());
        let bins = stft.bins();
        let channel = || Channel {
            pending: Vec::with_capacity(n_fft + stft.hop()),
            spectra: vec![vec![Complex32::default(); bins]; reach + 1],
            sum: vec![0.0; n_fft],
        };
        let mut masking = Masking {
            channels: (0..channels).map(|_| channel()).collect(),
            magnitudes: vec![vec![0.0; bins]; 2 * reach + 1],
            mask: vec![0.0; bins],
            rule,
            stft,
            analysed: 0,
            masked: 0,
            fed: 0,
            given: 0,
        };
        masking.reset();
        masking
    }

    /// Feeds frames, one slice a channel, and appends the masked frames that are ready.
    ///
    /// A missing channel counts as silent, the shortest channel sets the length.
    pub fn process(&mut self, signal: &[&[f32]], out: &mut [Vec<f32>]) {
        let frames = signal.iter().map(|channel| channel.len()).min().unwrap_or(0);
        // A hop at a time: a whole song in one block takes no more memory than a short one.
        for start in (0..frames).step_by(self.stft.hop()) {
            let end = frames.min(start + self.stft.hop());
            for (index, channel) in self.channels.iter_mut().enumerate() {
                match signal.get(index) {
                    Some(x) => channel.pending.extend(x[start..end].iter().map(|x| tame(*x))),
                    None => channel.pending.extend((start..end).map(|_| 0.0)),
                }
            }
            self.fed += end - start;
            if self.fed + self.lead() >= self.analysed * self.stft.hop() + self.stft.n_fft() {
                self.advance(out);
            }
        }
    }

    /// Appends all frames still owed and forgets the song.
    pub fn finish(&mut self, out: &mut [Vec<f32>]) {
        let (n_fft, hop) = (self.stft.n_fft(), self.stft.hop());
        let windows = if self.fed == 0 { 0 } else { (self.fed + self.lead()).div_ceil(hop) };
        while self.analysed < windows {
            for channel in &mut self.channels {
                channel.pending.resize(n_fft.max(channel.pending.len()), 0.0);
            }
            self.advance(out);
        }
        while self.masked < windows {
            self.emit(out);
        }
        self.reset();
    }

    /// Silence put before the signal, so that its first frame lies under as many windows as any.
    fn lead(&self) -> usize {
        self.stft.n_fft() - self.stft.hop()
    }

    fn reset(&mut self) {
        let lead = self.lead();
        for channel in &mut self.channels {
            channel.pending.clear();
            channel.pending.resize(lead, 0.0);
            channel.sum.fill(0.0);
        }
        (self.analysed, self.masked, self.fed, self.given) = (0, 0, 0, 0);
        self.rule.reset();
    }

    /// Analyses the next window and masks the one that now has its whole context.
    fn advance(&mut self, out: &mut [Vec<f32>]) {
        self.analyse();
        if self.analysed > self.masked + self.rule.reach() {
            self.emit(out);
        }
    }

    fn analyse(&mut self) {
        let (n_fft, hop) = (self.stft.n_fft(), self.stft.hop());
        let slot = self.analysed % self.magnitudes.len();
        let magnitude = &mut self.magnitudes[slot];
        magnitude.fill(0.0);
        for channel in &mut self.channels {
            let slot = self.analysed % channel.spectra.len();
            let spectrum = &mut channel.spectra[slot];
            self.stft.forward(&channel.pending[..n_fft], spectrum);
            for (power, bin) in magnitude.iter_mut().zip(spectrum.iter()) {
                *power += bin.norm_sqr();
            }
            channel.pending.drain(..hop);
        }
        let share = 1.0 / self.channels.len().max(1) as f32;
        for power in magnitude.iter_mut() {
            *power = (*power * share).sqrt();
        }
        self.analysed += 1;
    }

    /// Masks the next window and appends the hop it completes.
    fn emit(&mut self, out: &mut [Vec<f32>]) {
        let (ring, now, known) = (&self.magnitudes, self.masked, self.analysed);
        self.rule.mask(&Spectrogram { ring, now, known }, &mut self.mask);
        for channel in &mut self.channels {
            let slot = self.masked % channel.spectra.len();
            let spectrum = &mut channel.spectra[slot];
            for (bin, mask) in spectrum.iter_mut().zip(&self.mask) {
                *bin *= *mask;
            }
            self.stft.inverse_add(spectrum, &mut channel.sum);
        }
        self.masked += 1;
        self.hand_out(out);
    }

    fn hand_out(&mut self, out: &mut [Vec<f32>]) {
        let hop = self.stft.hop();
        let in_lead = self.masked < OVERLAP;
        let ready = if in_lead { 0 } else { hop.min(self.fed - self.given) };
        for (index, channel) in self.channels.iter_mut().enumerate() {
            if let Some(out) = out.get_mut(index) {
                out.extend_from_slice(&channel.sum[..ready]);
            }
            channel.sum.copy_within(hop.., 0);
            let kept = channel.sum.len() - hop;
            channel.sum[kept..].fill(0.0);
        }
        self.given += ready;
    }
}

/// Makes any number a sample: what is not finite becomes silence.
fn tame(x: f32) -> f32 {
    if x.is_finite() { x.clamp(-CEILING, CEILING) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Draws, Seed};

    /// Keeps everything, after looking as far around as it may.
    struct KeepAll(usize);

    impl MaskRule for KeepAll {
        fn reach(&self) -> usize {
            self.0
        }
        fn mask(&mut self, spectrogram: &Spectrogram<'_>, mask: &mut [f32]) {
            let reach = self.0 as isize;
            assert!((-reach..=reach).all(|k| spectrogram.at(k).len() == mask.len()));
            mask.fill(1.0);
        }
        fn reset(&mut self) {}
    }

    fn noise(len: usize, purpose: &str) -> Vec<f32> {
        let mut draws = Seed(3).stream(purpose);
        (0..len).map(|_| 2.0 * draws.uniform() as f32 - 1.0).collect()
    }

    #[test]
    fn a_mask_of_ones_returns_the_signal_whatever_the_blocks() {
        let n_fft = 1024;
        let mut masking = Masking::new(n_fft, 2, KeepAll(4));
        for len in [0, 1, 100, n_fft - 1, 100_000] {
            let signal = [noise(len, "left"), noise(len, "right")];
            for block in [1, 77, 256, 1000, 40_000] {
                let mut out = [Vec::new(), Vec::new()];
                for start in (0..len).step_by(block) {
                    let end = len.min(start + block);
                    masking.process(&signal.each_ref().map(|x| &x[start..end]), &mut out);
                }
                masking.finish(&mut out);
                for (x, y) in signal.iter().zip(&out) {
                    assert_eq!(x.len(), y.len(), "length {len}, blocks of {block}");
                    let error = x.iter().zip(y).map(|(x, y)| (x - y).abs()).fold(0.0, f32::max);
                    assert!(error < 1e-6, "length {len}, blocks of {block}: {error}");
                }
            }
        }
    }

    #[test]
    fn the_lag_is_the_window_and_the_reach() {
        let (n_fft, reach) = (64, 3);
        let mut masking = Masking::new(n_fft, 1, KeepAll(reach));
        let signal = noise(10_000, "lag");
        let (mut out, mut most) = ([Vec::new()], 0);
        for (fed, x) in signal.chunks(1).enumerate() {
            masking.process(&[x], &mut out);
            most = most.max(fed + 1 - out[0].len());
        }
        assert_eq!(most, n_fft + reach * n_fft / OVERLAP - 1);
    }

    #[test]
    fn what_is_no_number_becomes_silence_and_huge_samples_are_cut() {
        let mut masking = Masking::new(64, 1, KeepAll(1));
        let mut out = [Vec::new()];
        masking.process(&[&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5, f32::MAX]], &mut out);
        masking.finish(&mut out);
        let expected = [0.0, 0.0, 0.0, 0.5, CEILING];
        for (x, y) in out[0].iter().zip(expected) {
            assert!((x - y).abs() < 1e-6 * CEILING, "{x} for {y}");
        }
    }
}
