//! The exact moment a sound begins, near a moment where one is expected.

use crate::base::{SampleRate, Seconds};

/// Energies a second: one every millisecond.
const RATE: f64 = 1_000.0;
/// Milliseconds averaged after a moment and, a little earlier, before it.
const AFTER: usize = 6;
const BEFORE: usize = 20;
/// An attack is a rise by at least this factor in amplitude (8 dB).
const LEAST_RISE: f32 = 2.5;
/// Root mean square below which nothing counts as sound.
const SILENT: f32 = 1e-4;

/// Finds attacks in a stretch of mono sound.
pub struct AttackFinder {
    /// Mean power of the brightened sound, one value a millisecond.
    power: Vec<f32>,
}

impl AttackFinder {
    /// Looks at `mono`. The difference of neighbouring samples is what is judged: it holds back
    /// the bass, whose swing would hide a cymbal.
    pub fn new(mono: &[f32], rate: SampleRate) -> AttackFinder {
        let step = rate.as_f64() / RATE;
        let count = (mono.len() as f64 / step) as usize;
        let power = (0..count).map(|i| {
            let from = (i as f64 * step) as usize;
            let to = (((i + 1) as f64 * step) as usize).min(mono.len());
            let part = &mono[from.saturating_sub(1)..to];
            let sum: f32 = part.windows(2).map(|w| (w[1] - w[0]).powi(2)).sum();
            sum / (to - from).max(1) as f32
        });
        AttackFinder { power: power.collect() }
    }

    /// The strongest attack within `reach` of `expected`, both counted from the start of the
    /// sound; `None` where nothing rises clearly.
    pub fn near(&self, expected: Seconds, reach: Seconds) -> Option<Seconds> {
        let place = (expected.0 * RATE).round();
        let from = (place - reach.0 * RATE).max(BEFORE as f64) as usize;
        let to = ((place + reach.0 * RATE).max(0.0) as usize).min(self.power.len());
        let (best, at) = (from..to.saturating_sub(AFTER))
            .map(|i| (self.rise(i), i))
            .max_by(|x, y| x.0.total_cmp(&y.0))?;
        (best >= LEAST_RISE).then_some(Seconds(at as f64 / RATE))
    }

    /// By which factor the amplitude rises at a moment.
    pub fn rise_at(&self, time: Seconds) -> f32 {
        let place = ((time.0 * RATE).round().max(0.0) as usize).max(BEFORE);
        if place < self.power.len() { self.rise(place) } else { 0.0 }
    }

    /// By which factor the amplitude rises at a millisecond.
    fn rise(&self, i: usize) -> f32 {
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len().max(1) as f32;
        let after = mean(&self.power[i..(i + AFTER).min(self.power.len())]).sqrt();
        let before = mean(&self.power[i - BEFORE..i]).sqrt();
        if after < SILENT { 0.0 } else { after / (before + SILENT) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attack_is_found_to_the_millisecond_and_steady_sound_has_none() {
        let rate = SampleRate::CD;
        let tone = |i: usize| 0.1 * (i as f32 * 0.05).sin();
        let hit = |i: usize, at: usize| {
            if i < at { 0.0 } else { 0.5 * (-((i - at) as f32) / 2_000.0).exp() * (i as f32).sin() }
        };
        let at = 30_000;
        let sound: Vec<f32> = (0..60_000).map(|i| tone(i) + hit(i, at)).collect();
        let finder = AttackFinder::new(&sound, rate);
        let truth = at as f64 / 44_100.0;
        for off in [-0.04, 0.0, 0.03] {
            let found = finder.near(Seconds(truth + off), Seconds(0.05)).unwrap();
            assert!((found.0 - truth).abs() < 0.0015, "{found:?}, not {truth}");
        }
        assert_eq!(finder.near(Seconds(0.3), Seconds(0.05)), None);
        assert_eq!(finder.near(Seconds(9.0), Seconds(0.05)), None);
        assert_eq!(AttackFinder::new(&[], rate).near(Seconds(0.0), Seconds(0.05)), None);
    }
}
