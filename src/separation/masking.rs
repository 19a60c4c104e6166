//! Streaming time-frequency masking: windows in, masked windows out, overlap-added in place.

use std::collections::VecDeque;

use realfft::num_complex::Complex32;

use super::stft::OVERLAP;
use super::windows::{Framing, Windows};

/// Decides which share of each bin is kept.
pub trait MaskRule: Send {
    /// True where every channel has a mask of its own; else one serves all, so that nothing
    /// moves in the stereo image.
    const EACH_CHANNEL: bool = false;

    /// Sees the spectra of the next window, one a channel.
    fn see(&mut self, spectra: &[Vec<Complex32>]);

    /// Learns that no window follows.
    fn end(&mut self);

    /// Writes the masks, 0..=1 a bin, of the first window that has none yet; false while that
    /// takes more windows.
    fn mask(&mut self, masks: &mut [Vec<f32>]) -> bool;

    /// Forgets the song.
    fn reset(&mut self);
}

/// Multiplies the short-time spectrum of a signal by the masks of a rule.
///
/// Memory is fixed by the window and by how many windows the rule wants to see before it masks
/// one.
pub struct Masking<R> {
    rule: R,
    windows: Windows,
    /// Spectra that wait for their mask, one a channel for each window.
    waiting: VecDeque<Vec<Vec<Complex32>>>,
    /// Room for spectra to come.
    spare: Vec<Vec<Vec<Complex32>>>,
    /// Of each channel, the sum of the masked windows from the first frame still unfinished.
    sums: Vec<Vec<f32>>,
    /// One for each channel or one for all.
    masks: Vec<Vec<f32>>,
    /// Hops finished; window `w` begins with hop `w`.
    hops: usize,
    given: usize,
}

impl<R: MaskRule> Masking<R> {
    /// Masking of `channels` channels in windows of `n_fft` frames, a multiple of four.
    pub fn new(n_fft: usize, channels: usize, framing: Framing, rule: R) -> Self {
        let mut windows = Windows::new(n_fft, channels, framing);
        let bins = windows.stft().bins();
        Masking {
            rule,
            windows,
            waiting: VecDeque::new(),
            spare: Vec::new(),
            sums: vec![vec![0.0; n_fft]; channels],
            masks: vec![vec![0.0; bins]; if R::EACH_CHANNEL { channels } else { 1 }],
            hops: 0,
            given: 0,
        }
    }

    /// The rule.
    pub fn rule(&mut self) -> &mut R {
        &mut self.rule
    }

    /// Feeds frames, one slice a channel, and appends the masked frames that are ready.
    ///
    /// A missing channel counts as silent, the shortest channel sets the length.
    pub fn process(&mut self, signal: &[&[f32]], out: &mut [Vec<f32>]) {
        // A hop at a time: a whole song in one block takes no more memory than a short one.
        for piece in self.windows.pieces(signal) {
            if self.windows.take(signal, piece) {
                self.show();
                self.emit(usize::MAX, out);
            }
        }
    }

    /// Appends all frames still owed and forgets the song.
    pub fn finish(&mut self, out: &mut [Vec<f32>]) {
        while self.windows.take_silence() {
            self.show();
            self.emit(usize::MAX, out);
        }
        self.rule.end();
        let windows = self.hops + self.waiting.len();
        self.emit(windows, out);
        while self.given < self.windows.fed() {
            self.hand_out(windows, out);
        }
        self.reset();
    }

    fn reset(&mut self) {
        self.windows.reset();
        self.sums.iter_mut().for_each(|sum| sum.fill(0.0));
        (self.hops, self.given) = (0, 0);
        self.rule.reset();
    }

    /// Shows the rule the window just completed and keeps its spectra.
    fn show(&mut self) {
        let bins = self.windows.stft().bins();
        let room = self
            .spare
            .pop()
            .unwrap_or_else(|| vec![vec![Complex32::default(); bins]; self.windows.channels()]);
        let spectra = std::mem::replace(self.windows.spectra(), room);
        self.rule.see(&spectra);
        self.waiting.push_back(spectra);
    }

    /// Masks every window that the rule has a mask for.
    fn emit(&mut self, windows: usize, out: &mut [Vec<f32>]) {
        while !self.waiting.is_empty() && self.rule.mask(&mut self.masks) {
            let Some(mut spectra) = self.waiting.pop_front() else { return };
            let masks = self.masks.iter().cycle();
            for ((spectrum, sum), mask) in spectra.iter_mut().zip(&mut self.sums).zip(masks) {
                for (bin, mask) in spectrum.iter_mut().zip(mask) {
                    *bin *= *mask;
                }
                self.windows.stft().inverse_add(spectrum, sum);
            }
            self.spare.push(spectra);
            self.hand_out(windows, out);
        }
    }

    /// Appends the next hop, which no window to come reaches; there are `windows` in all.
    fn hand_out(&mut self, windows: usize, out: &mut [Vec<f32>]) {
        let (framing, fed) = (self.windows.framing(), self.windows.fed());
        let stft = self.windows.stft();
        let hop = stft.hop();
        let in_lead = self.hops < framing.lead(stft) / hop;
        let ready = if in_lead { 0 } else { hop.min(fed - self.given) };
        let parts = (self.hops + 1).saturating_sub(windows)..OVERLAP.min(self.hops + 1);
        for (index, sum) in self.sums.iter_mut().enumerate() {
            if parts.len() < OVERLAP && !in_lead {
                stft.fill_up(parts.clone(), &mut sum[..ready]);
            }
            if let Some(out) = out.get_mut(index) {
                out.extend_from_slice(&sum[..ready]);
            }
            sum.copy_within(hop.., 0);
            let kept = sum.len() - hop;
            sum[kept..].fill(0.0);
        }
        self.hops += 1;
        self.given += ready;
    }
}

#[cfg(test)]
mod tests;
