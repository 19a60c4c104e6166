//! Clicks: single steps of the wave that stand alone.

use std::collections::VecDeque;

/// Frames on either side that a step is compared with, and those nearest that are left out: the
/// ringing of the click itself.
const AROUND: usize = 2_048;
const OWN: usize = 24;
/// A step this many times larger than anything around it is a click.
const ALONE: f32 = 4.0;
/// Smaller steps are not heard.
const LEAST: f32 = 0.02;

impl Default for ClickFinder {
    fn default() -> Self {
        Self::new()
    }
}

/// Finds clicks in a stream of samples of one channel.
///
/// The second difference of the wave is small in music, even at attacks, for the sound around an
/// attack is rough as well; where two stretches of sound were cut together badly it is large at
/// one sample only.
pub struct ClickFinder {
    /// See [`ALONE`] and [`LEAST`].
    alone: f32,
    least: f32,
    last: [f32; 2],
    /// Sizes of the latest second differences.
    window: VecDeque<f32>,
    /// Samples taken.
    taken: u64,
    found: Vec<u64>,
}

impl ClickFinder {
    /// A finder that has heard nothing yet.
    pub fn new() -> Self {
        ClickFinder {
            alone: ALONE,
            least: LEAST,
            last: [0.0; 2],
            window: VecDeque::with_capacity(2 * AROUND + 2),
            taken: 0,
            found: Vec::new(),
        }
    }

    /// One that also finds what could become a click at another level or beside another sound.
    pub fn suspicious() -> Self {
        ClickFinder { alone: ALONE / 2.0, least: LEAST / 4.0, ..ClickFinder::new() }
    }

    /// Takes the next samples, in blocks of any size.
    pub fn push(&mut self, samples: &[f32]) {
        for &x in samples {
            let bend = (x - 2.0 * self.last[1] + self.last[0]).abs();
            self.last = [self.last[1], x];
            self.window.push_back(if bend.is_finite() { bend } else { 0.0 });
            self.taken += 1;
            if self.window.len() > 2 * AROUND + 1 {
                self.window.pop_front();
            }
            if self.window.len() == 2 * AROUND + 1 && self.window[AROUND] > self.least {
                self.judge();
            }
        }
    }

    fn judge(&mut self) {
        let own = AROUND - OWN..=AROUND + OWN;
        let limit = self.window[AROUND] / self.alone;
        // Most steps have an equal nearby: looking outwards from the middle ends the search soon.
        let alone = (OWN + 1..=AROUND)
            .all(|d| self.window[AROUND - d] < limit && self.window[AROUND + d] < limit);
        let loudest = own.into_iter().all(|i| self.window[i] <= self.window[AROUND]);
        let place = self.taken - 1 - AROUND as u64;
        let new = self.found.last().is_none_or(|&last| place > last + OWN as u64);
        if alone && loudest && new {
            self.found.push(place);
        }
    }

    /// The samples at which clicks were found.
    pub fn finish(self) -> Vec<u64> {
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clicks(sound: &[f32]) -> Vec<u64> {
        let mut finder = ClickFinder::new();
        sound.chunks(777).for_each(|part| finder.push(part));
        finder.finish()
    }

    #[test]
    fn a_cut_in_a_tone_is_a_click_and_a_drum_is_none() {
        let tone = |t: f32| 0.4 * (t * 0.03).sin();
        let whole: Vec<f32> = (0..30_000).map(|i| tone(i as f32)).collect();
        assert!(clicks(&whole).is_empty());
        let cut: Vec<f32> =
            (0..30_000).map(|i| tone(i as f32 + if i < 15_000 { 0.0 } else { 90.0 })).collect();
        let found = clicks(&cut);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].abs_diff(15_000) <= 1);
        let mut state = 1u32;
        let drum: Vec<f32> = (0..30_000)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / (1u32 << 23) as f32 - 1.0;
                let since = i as f32 - 15_000.0;
                let hit = if since < 0.0 { 0.0 } else { noise * (-since / 1_500.0).exp() };
                tone(i as f32) + 0.5 * hit
            })
            .collect();
        assert!(clicks(&drum).is_empty());
    }
}
