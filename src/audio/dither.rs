//! From real numbers to whole steps.

use crate::base::{Seed, SeededDraws};

/// Noise of triangular density between -1 and 1, which makes the error of rounding independent of
/// the music (Lipshitz, Wannamaker, Vanderkooy 1992).
pub(super) struct Dither {
    draws: SeededDraws,
    /// Bits drawn and not used yet; each value takes 32.
    bits: u64,
    left: bool,
}

impl Dither {
    /// A stream of noise, one for each purpose.
    pub fn new(purpose: &str) -> Self {
        Dither { draws: Seed(0).stream(purpose), bits: 0, left: false }
    }

    /// The next value, in steps.
    pub fn next(&mut self) -> f64 {
        triangular(self.draw())
    }

    /// The bits of the next values, each for [`triangular`].
    pub fn fill(&mut self, bits: &mut [u32]) {
        let (first, rest) = bits.split_at_mut(usize::from(self.left).min(bits.len()));
        first.iter_mut().for_each(|bits| *bits = self.draw());
        let (pairs, last) = rest.as_chunks_mut::<2>();
        for [a, b] in pairs {
            let both = self.draws.bits();
            [*a, *b] = [both as u32, (both >> 32) as u32];
        }
        last.iter_mut().for_each(|bits| *bits = self.draw());
    }

    fn draw(&mut self) -> u32 {
        self.bits = if self.left { self.bits >> 32 } else { self.draws.bits() };
        self.left = !self.left;
        self.bits as u32
    }
}

/// The value made of 32 random bits: the difference of two even draws. 2^16 levels a step are far
/// finer than what is rounded away.
#[inline(always)]
pub(super) fn triangular(bits: u32) -> f64 {
    f64::from((bits & 0xffff) as i32 - (bits >> 16) as i32) / 65_536.0
}

/// The nearest whole step, at most `top`. Adding and taking away 1.5·2^52 rounds to nearest even
/// without a call into the C library.
#[inline(always)]
pub(super) fn nearest(scaled: f64, top: f64) -> i32 {
    const MAGIC: f64 = 6_755_399_441_055_744.0;
    ((scaled + MAGIC) - MAGIC).clamp(-top - 1.0, top) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_triangular_and_centred() {
        let mut dither = Dither::new("test");
        let values: Vec<f64> = (0..100_000).map(|_| dither.next()).collect();
        let mean = values.iter().sum::<f64>() / 1e5;
        let power = values.iter().map(|x| x * x).sum::<f64>() / 1e5;
        let outer = values.iter().filter(|x| x.abs() > 0.5).count();
        // Two even draws of a step each: variance 2/12, and a quarter beyond half a step.
        assert!(mean.abs() < 0.005, "{mean}");
        assert!((power - 1.0 / 6.0).abs() < 0.003, "{power}");
        assert!((24_300..25_700).contains(&outer), "{outer}");
        assert!(values.iter().all(|x| x.abs() < 1.0));
    }

    #[test]
    fn many_at_once_are_the_same_as_one_by_one() {
        let (mut single, mut many) = (Dither::new("test"), Dither::new("test"));
        for count in [1, 2, 0, 3, 1, 64, 5, 0, 4] {
            let mut bits = vec![0; count];
            many.fill(&mut bits);
            bits.iter().for_each(|&bits| assert_eq!(triangular(bits), single.next()));
        }
    }

    #[test]
    fn rounding_stays_in_range() {
        assert_eq!([0.4, 0.6, -0.6, 2.5].map(|x| nearest(x, 127.0)), [0, 1, -1, 2]);
        assert_eq!([1e9, -1e9, f64::INFINITY].map(|x| nearest(x, 127.0)), [127, -128, 127]);
    }
}
