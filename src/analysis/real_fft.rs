//! Spectra of windowed blocks of real samples.
//!
//! Two neighbouring samples are taken for one complex number, which halves the transform; the
//! spectra of the even and the odd samples are then told apart by their symmetry (Sorensen, Jones,
//! Heideman, Burrus: "Real-valued fast Fourier transform algorithms", IEEE Transactions on
//! Acoustics, Speech and Signal Processing 1987). Real and imaginary parts are kept apart, so that
//! this and all that follows works on whole vectors: `realfft`, which serves where hearing does not
//! wait for it, tells them apart one bin at a time, a tenth of the time of hearing.

use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use crate::base::wide;

/// Bins worked on together.
const LANES: usize = 8;

/// One number of each of some bins.
type Lanes = [f32; LANES];

/// Transforms windowed blocks, with all working memory kept between calls.
pub struct RealFft {
    fft: Arc<dyn Fft<f32>>,
    window: Vec<f32>,
    packed: Vec<Complex32>,
    scratch: Vec<Complex32>,
    /// The packed spectrum, whose first bin comes again at its end.
    folded: Planes,
    /// Cosine and sine of each bin's share of the circle, for the lower half of the bins.
    turn: Planes,
    bins: Planes,
}

/// Real and imaginary parts.
struct Planes {
    re: Vec<f32>,
    im: Vec<f32>,
}

impl Planes {
    fn new(length: usize) -> Planes {
        Planes { re: vec![0.0; length], im: vec![0.0; length] }
    }
}

impl RealFft {
    /// Transforms of blocks as long as the window, which must be a power of two and at least 32.
    pub fn new(window: Vec<f32>) -> Self {
        let half = window.len() / 2;
        assert!(
            window.len().is_power_of_two() && half >= 2 * LANES,
            "a window of some other length"
        );
        let fft = FftPlanner::new().plan_fft_forward(half);
        let angle = |bin: usize| std::f64::consts::PI * bin as f64 / half as f64;
        RealFft {
            packed: vec![Complex32::default(); half],
            scratch: vec![Complex32::default(); fft.get_inplace_scratch_len()],
            folded: Planes::new(half + 1),
            turn: Planes {
                re: (0..half / 2).map(|bin| angle(bin).cos() as f32).collect(),
                im: (0..half / 2).map(|bin| angle(bin).sin() as f32).collect(),
            },
            bins: Planes::new(half + 1),
            fft,
            window,
        }
    }

    /// Real and imaginary parts of the spectrum, from 0 Hz up to and including half the rate,
    /// unscaled. A block shorter than the window is taken as followed by silence.
    pub fn of(&mut self, block: &[f32]) -> (&[f32], &[f32]) {
        let block = &block[..block.len().min(self.window.len())];
        let (pairs, last) = block.as_chunks::<2>();
        let (weights, _) = self.window.as_chunks::<2>();
        let packed = &mut self.packed;
        wide!({
            for ((z, x), w) in packed.iter_mut().zip(pairs).zip(weights) {
                *z = Complex32::new(x[0] * w[0], x[1] * w[1]);
            }
        });
        self.packed[pairs.len()..].fill(Complex32::default());
        if let [x] = last {
            self.packed[pairs.len()].re = x * self.window[block.len() - 1];
        }
        self.fft.process_with_scratch(&mut self.packed, &mut self.scratch);
        wide!(self.unfold());
        (&self.bins.re, &self.bins.im)
    }

    #[inline(always)]
    fn unfold(&mut self) {
        let RealFft { packed, folded, turn, bins, .. } = self;
        let half = packed.len();
        for ((re, im), z) in folded.re.iter_mut().zip(&mut folded.im).zip(&*packed) {
            (*re, *im) = (z.re, z.im);
        }
        (folded.re[half], folded.im[half]) = (packed[0].re, packed[0].im);
        // A bin of the lower half goes with the one as far from the other end.
        let middle = half / 2;
        let [low_re, low_im] = [&folded.re, &folded.im].map(|x| x[..middle].as_chunks::<LANES>().0);
        let [high_re, high_im] =
            [&folded.re, &folded.im].map(|x| x[middle + 1..].as_chunks::<LANES>().0);
        let [turn_re, turn_im] = [&turn.re, &turn.im].map(|x| x.as_chunks::<LANES>().0);
        let (out_low_re, out_high_re) = split(&mut bins.re);
        let (out_low_im, out_high_im) = split(&mut bins.im);
        let last = low_re.len() - 1;
        for i in 0..=last {
            let low = (&low_re[i], &low_im[i]);
            let high = (&high_re[last - i], &high_im[last - i]);
            let (below, above) = pair(low, high, (&turn_re[i], &turn_im[i]));
            (out_low_re[i], out_low_im[i]) = below;
            (out_high_re[last - i], out_high_im[last - i]) = above;
        }
        (bins.re[middle], bins.im[middle]) = (folded.re[middle], -folded.im[middle]);
    }
}

/// The bins below the middle one and those above it.
#[inline(always)]
fn split(bins: &mut [f32]) -> (&mut [Lanes], &mut [Lanes]) {
    let (low, high) = bins.split_at_mut(bins.len() / 2);
    (low.as_chunks_mut().0, high[1..].as_chunks_mut().0)
}

type Parts<'a> = (&'a Lanes, &'a Lanes);

/// Bins of the spectrum from folded ones and those, in falling order, that they are folded with.
#[inline(always)]
fn pair(low: Parts<'_>, high: Parts<'_>, turn: Parts<'_>) -> ((Lanes, Lanes), (Lanes, Lanes)) {
    let [mut below_re, mut below_im, mut above_re, mut above_im] = [[0.0; LANES]; 4];
    for lane in 0..LANES {
        let back = LANES - 1 - lane;
        let (even_re, even_im) = (low.0[lane] + high.0[back], low.1[lane] - high.1[back]);
        let (odd_re, odd_im) = (low.1[lane] + high.1[back], high.0[back] - low.0[lane]);
        let turned_re = turn.0[lane] * odd_re + turn.1[lane] * odd_im;
        let turned_im = turn.0[lane] * odd_im - turn.1[lane] * odd_re;
        below_re[lane] = 0.5 * (even_re + turned_re);
        below_im[lane] = 0.5 * (even_im + turned_im);
        above_re[back] = 0.5 * (even_re - turned_re);
        above_im[back] = 0.5 * (turned_im - even_im);
    }
    ((below_re, below_im), (above_re, above_im))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bin_is_the_sum_that_defines_it() {
        for length in [32, 64, 1_024, 4_096] {
            let noise = |i: usize| ((i * 7_919 % 1_013) as f32 / 506.5 - 1.0) * 0.7;
            let block: Vec<f32> = (0..length).map(noise).collect();
            let window: Vec<f32> = (0..length).map(|i| 0.5 + 0.3 * (i as f32).cos()).collect();
            let mut fft = RealFft::new(window.clone());
            fft.of(&vec![9.0; length]);
            let (re, im) = fft.of(&block);
            assert_eq!((re.len(), im.len()), (length / 2 + 1, length / 2 + 1));
            for bin in (0..=length / 2).step_by(1 + length / 97) {
                let step = std::f64::consts::TAU * bin as f64 / length as f64;
                let term = |i: usize| f64::from(block[i] * window[i]);
                let sum = |f: fn(f64) -> f64| -> f64 {
                    (0..length).map(|i| term(i) * f(step * i as f64)).sum()
                };
                let off = (f64::from(re[bin]) - sum(f64::cos))
                    .abs()
                    .max((f64::from(im[bin]) + sum(f64::sin)).abs());
                assert!(off < 1e-6 * length as f64, "bin {bin} of {length}: {off}");
            }
        }
    }

    #[test]
    fn a_short_block_is_followed_by_silence() {
        let mut fft = RealFft::new(vec![1.0; 64]);
        for length in [0, 1, 2, 7, 63] {
            fft.of(&[0.3; 64]);
            let mut block = vec![0.25; length];
            let short = fft.of(&block);
            let short = (short.0.to_vec(), short.1.to_vec());
            block.resize(64, 0.0);
            assert_eq!(fft.of(&block), (&short.0[..], &short.1[..]));
        }
    }
}
