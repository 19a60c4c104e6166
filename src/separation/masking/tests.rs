use super::super::windows::CEILING;
use super::*;
use crate::base::{Draws, Seed};

/// Keeps everything once it has seen so many more windows; a mask late is a mask right.
struct KeepAll {
    wants: usize,
    seen: usize,
    masked: usize,
    ended: bool,
}

fn keep_all(wants: usize) -> KeepAll {
    KeepAll { wants, seen: 0, masked: 0, ended: false }
}

impl MaskRule for KeepAll {
    fn see(&mut self, spectra: &[Vec<Complex32>]) {
        assert!(spectra.iter().all(|s| s.len() == spectra[0].len()));
        self.seen += 1;
    }
    fn end(&mut self) {
        self.ended = true;
    }
    fn mask(&mut self, masks: &mut [Vec<f32>]) -> bool {
        let can = self.ended || self.seen > self.masked + self.wants;
        self.masked += usize::from(can);
        assert_eq!(masks.len(), 1, "one for all channels");
        masks[0].fill(1.0);
        can
    }
    fn reset(&mut self) {
        assert_eq!(self.seen, self.masked, "every window gets its mask");
        *self = keep_all(self.wants);
    }
}

fn noise(len: usize, purpose: &str) -> Vec<f32> {
    let mut draws = Seed(3).stream(purpose);
    (0..len).map(|_| 2.0 * draws.uniform() as f32 - 1.0).collect()
}

#[test]
fn a_mask_of_ones_returns_the_signal_whatever_the_blocks() {
    let n_fft = 1024;
    for framing in [Framing::Even, Framing::Centred] {
        let mut masking = Masking::new(n_fft, 2, framing, keep_all(4));
        for len in [0, 1, 100, 255, 256, 257, n_fft - 1, 100_000] {
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
}

#[test]
fn the_lag_is_the_window_and_the_reach() {
    let (n_fft, reach) = (64, 3);
    let mut masking = Masking::new(n_fft, 1, Framing::Even, keep_all(reach));
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
    let mut masking = Masking::new(64, 1, Framing::Even, keep_all(1));
    let mut out = [Vec::new()];
    masking.process(&[&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.5, f32::MAX]], &mut out);
    masking.finish(&mut out);
    let expected = [0.0, 0.0, 0.0, 0.5, CEILING];
    for (x, y) in out[0].iter().zip(expected) {
        assert!((x - y).abs() < 1e-6 * CEILING, "{x} for {y}");
    }
}

/// Keeps a fourth of the first channel, half of the second and so on.
struct KeepQuarters(usize);

impl MaskRule for KeepQuarters {
    const EACH_CHANNEL: bool = true;

    fn see(&mut self, _: &[Vec<Complex32>]) {
        self.0 += 1;
    }
    fn end(&mut self) {}
    fn mask(&mut self, masks: &mut [Vec<f32>]) -> bool {
        masks.iter_mut().zip(1u8..).for_each(|(mask, i)| mask.fill(f32::from(i) / 4.0));
        std::mem::take(&mut self.0) > 0
    }
    fn reset(&mut self) {}
}

#[test]
fn a_rule_may_mask_every_channel_in_its_own_way() {
    let signal = [noise(1_000, "left"), noise(1_000, "right"), noise(1_000, "centre")];
    let mut masking = Masking::new(64, 3, Framing::Even, KeepQuarters(0));
    let mut out = [Vec::new(), Vec::new(), Vec::new()];
    masking.process(&signal.each_ref().map(Vec::as_slice), &mut out);
    masking.finish(&mut out);
    for (channel, share) in [0.25, 0.5, 0.75].into_iter().enumerate() {
        for (x, y) in signal[channel].iter().zip(&out[channel]) {
            assert!((x * share - y).abs() < 1e-6, "channel {channel}: {y} of {x}");
        }
    }
}
