//! The rectified complex-domain onset function.
//!
//! A steady partial keeps its magnitude and turns by the same angle from hop to hop. The distance
//! between that prediction and what comes shows soft onsets too, where only the pitch changes (Bello,
//! Duxbury, Davies, Sandler: "On the use of phase and energy for musical onset detection in the
//! complex domain", IEEE Signal Processing Letters 2004). Only bins that grow count, so that ends of
//! notes do not (Dixon: "Onset detection revisited", DAFx 2006). Magnitudes are taken to the power
//! one half, or the loudest partial would be all that counts.

use realfft::num_complex::Complex32;

use super::HIGHEST;

/// Brings the curve to the size of a flux in nepers.
const SCALE: f32 = 10.0;
/// Keeps nothing divided by nothing finite; far below any sound.
const TINY: f32 = 1e-6;

/// What the next spectrum is if nothing new begins.
pub struct ComplexDomain {
    before: Vec<Complex32>,
    /// By how much each bin turned from the last hop but one to the last; of length one.
    turn: Vec<Complex32>,
}

impl ComplexDomain {
    /// Silence before the start.
    pub fn new() -> Self {
        let silence = vec![Complex32::default(); HIGHEST];
        ComplexDomain { before: silence.clone(), turn: silence }
    }

    /// Takes the next spectrum, of which the first bin is left out; returns the mean distance from
    /// what was predicted.
    pub fn advance(&mut self, spectrum: &[Complex32]) -> f32 {
        let mut sum = 0.0;
        let memories = self.before.iter_mut().zip(&mut self.turn);
        for ((before, turn), bin) in memories.zip(&spectrum[1..]) {
            let now = bin / (bin.norm_sqr().sqrt().sqrt() + TINY);
            let distance = (now - *before * *turn).norm_sqr().sqrt();
            sum += if now.norm_sqr() >= before.norm_sqr() { distance } else { 0.0 };
            let step = now * before.conj();
            *turn = step / (step.norm_sqr().sqrt() + TINY * TINY);
            *before = now;
        }
        SCALE * sum / HIGHEST as f32
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
