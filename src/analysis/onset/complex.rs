//! The rectified complex-domain onset function.
//!
//! A steady partial keeps its magnitude and turns by the same angle from hop to hop. The distance
//! between that prediction and what comes shows soft onsets too, where only the pitch changes (Bello,
//! Duxbury, Davies, Sandler: "On the use of phase and energy for musical onset detection in the
//! complex domain", IEEE Signal Processing Letters 2004). Only bins that grow count, so that ends of
//! notes do not (Dixon: "Onset detection revisited", DAFx 2006). Magnitudes are taken to the power
//! one half, or the loudest partial would be all that counts.

use super::HIGHEST;
use crate::base::wide;

/// Brings the curve to the size of a flux in nepers.
const SCALE: f32 = 10.0;
/// Keeps nothing divided by nothing finite; far below any sound.
const TINY: f32 = 1e-6;
/// Bins worked on together.
const LANES: usize = 8;

/// One number of each of some bins.
type Lanes = [f32; LANES];

/// What is remembered of some bins: the last spectrum, its magnitudes, and by how much it turned
/// since the spectrum before, as a number of length one.
#[derive(Clone, Copy, Default)]
struct Bins {
    re: Lanes,
    im: Lanes,
    magnitude: Lanes,
    turn_re: Lanes,
    turn_im: Lanes,
}

/// What the next spectrum is if nothing new begins.
pub struct ComplexDomain {
    bins: Vec<Bins>,
}

impl ComplexDomain {
    /// Silence before the start.
    pub fn new() -> Self {
        ComplexDomain { bins: vec![Bins::default(); HIGHEST / LANES] }
    }

    /// Takes the next spectrum, of which the first bin is left out; returns the mean distance from
    /// what was predicted.
    pub fn advance(&mut self, re: &[f32], im: &[f32]) -> f32 {
        let [(re, _), (im, _)] = [re, im].map(|part| part[1..].as_chunks::<LANES>());
        let bins = &mut self.bins;
        let sums = wide!({
            let mut sums = [0.0; LANES];
            for ((bins, re), im) in bins.iter_mut().zip(re).zip(im) {
                let growth = bins.advance(re, im);
                for lane in 0..LANES {
                    sums[lane] += growth[lane];
                }
            }
            sums
        });
        SCALE * sums.iter().sum::<f32>() / HIGHEST as f32
    }
}

impl Bins {
    /// How far each bin that grew is from what was predicted.
    #[inline(always)]
    fn advance(&mut self, re: &Lanes, im: &Lanes) -> Lanes {
        let mut growth = [0.0; LANES];
        for lane in 0..LANES {
            let (re, im) = (re[lane], im[lane]);
            let magnitude = (re * re + im * im).sqrt().sqrt();
            let (re, im) = (re / (magnitude + TINY), im / (magnitude + TINY));
            let (before_re, before_im) = (self.re[lane], self.im[lane]);
            let (turn_re, turn_im) = (self.turn_re[lane], self.turn_im[lane]);
            let off_re = re - (before_re * turn_re - before_im * turn_im);
            let off_im = im - (before_re * turn_im + before_im * turn_re);
            let distance = (off_re * off_re + off_im * off_im).sqrt();
            growth[lane] = if magnitude >= self.magnitude[lane] { distance } else { 0.0 };
            let length = magnitude * self.magnitude[lane] + TINY * TINY;
            self.turn_re[lane] = (re * before_re + im * before_im) / length;
            self.turn_im[lane] = (im * before_re - re * before_im) / length;
            (self.re[lane], self.im[lane], self.magnitude[lane]) = (re, im, magnitude);
        }
        growth
    }
}

#[cfg(test)]
mod tests {
    use crate::analysis::OnsetAnalyzer;

    /// The curve of a second and a half of a tone that changes from one pitch to another after a
    /// second, its level and the course of its phase unbroken.
    fn curve(first: f64, second: f64) -> Vec<f32> {
        let mut phase = 0.0f64;
        let tone = (0..33_075).map(|i| {
            phase += if i < 22_050 { first } else { second } * std::f64::consts::TAU / 22_050.0;
            (0.3 * phase.sin()) as f32
        });
        let mut analyzer = OnsetAnalyzer::new();
        analyzer.push(&tone.collect::<Vec<_>>());
        analyzer.finish().complex
    }

    #[test]
    fn a_change_of_pitch_shows_without_any_change_of_level() {
        let curve = curve(440.0, 494.0);
        let loudest =
            |hops: std::ops::Range<usize>| curve[hops].iter().copied().fold(0.0, f32::max);
        // The change is at hop 86; windows reach two hops to either side, predictions two back.
        let (steady, change) = (loudest(20..80), loudest(82..92));
        assert!(change > 10.0 * steady, "{change} against {steady}");
        assert!(loudest(96..125) < change / 10.0, "and is over at once");
    }

    #[test]
    fn a_tone_that_goes_on_is_no_news_but_its_beginning_is() {
        let curve = curve(440.0, 440.0);
        let beginning = curve[..5].iter().copied().fold(0.0, f32::max);
        assert!(curve[20..120].iter().all(|x| *x < 0.05 * beginning), "{beginning}");
    }
}
