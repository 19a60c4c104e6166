//! Tempo changed by splicing: attacks are copied as they are, and between them a few milliseconds
//! are left out or repeated where the sound is most like itself.
//!
//! At the few per cent that matching beats needs this keeps transients exactly as they were
//! (synchronised overlap-add, Roucos and Wilgus, ICASSP 1985; splices only where needed, as in
//! WSOLA, Verhelst and Roelands, ICASSP 1993). `benches/stretch.rs` compares it with a stretcher
//! that works on spectra.

use std::ops::Range;

use super::AudioBuffer;
use super::join::{Fit, best_fit};
use crate::base::{Result, SampleRate};

/// Sound that can be read anywhere, at least near where it was read last.
pub trait Wave {
    /// Replaces `out` by the frames of `range`; silence outside the sound.
    ///
    /// # Errors
    /// Where the sound cannot be read.
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()>;
}

/// From `start` on, frame `t` of the output is frame `t + offset` of the wave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Splice {
    /// First frame of the output it sounds in; the join to it begins here.
    pub start: i64,
    /// Length of the join.
    pub fade: usize,
    /// How alike both sounds are in the join.
    pub correlation: f32,
    /// From frames of the output to frames of the wave.
    pub offset: i64,
}

/// Length of a join where there is room for it, and of the sound compared for it. Long joins keep
/// steady tones clean: the noise of a spliced chord falls from -21 dB with 12 ms to -40 dB.
const FADE: f64 = 0.040;
/// Shortest join.
const LEAST_FADE: f64 = 0.008;
/// Share of the room between two attacks that a join may take.
const FADE_SHARE: f64 = 0.3;
/// Furthest a splice goes from its due length to find its like: more than half a period of the
/// lowest bass.
const REACH: f64 = 0.012;
/// The same for the last splice before an attack, which then comes late or early by no more.
const LAST_REACH: f64 = 0.004;
/// Most left out or repeated in one splice.
const MOST: f64 = 0.030;
/// Deviations below this are left for the next attack.
const LEAST: f64 = 0.002;
/// Nothing is spliced this long after an attack, nor this long before the next.
const KEEP_AFTER: f64 = 0.045;
const KEEP_BEFORE: f64 = 0.030;
/// Distance of the places looked at, and how many at most for each splice.
const STEP: f64 = 0.015;
const PLACES: i64 = 6;

/// What a splice is to do, in frames.
#[derive(Clone, Copy)]
struct Cut {
    /// By how much the offset changes.
    share: i64,
    /// How far it may be off.
    reach: i64,
    /// Length of the join.
    fade: i64,
}

/// Finds splices at one sample rate.
#[derive(Clone, Copy, Debug)]
pub struct Splicer {
    rate: SampleRate,
}

impl Splicer {
    /// A splicer for sound at `rate`.
    pub fn new(rate: SampleRate) -> Self {
        Splicer { rate }
    }

    fn frames(&self, seconds: f64) -> i64 {
        (seconds * self.rate.as_f64()).round() as i64
    }

    /// The splices between two attacks of the output, so that the offset, now `offset`, is close
    /// to `due` at the second.
    ///
    /// # Errors
    /// As [`Wave::read`].
    pub fn between(
        &self,
        wave: &mut dyn Wave,
        attacks: Range<i64>,
        offset: i64,
        due: i64,
    ) -> Result<Vec<Splice>> {
        let from = attacks.start + self.frames(KEEP_AFTER);
        let room = attacks.end - self.frames(KEEP_BEFORE) - from;
        let fade = self.frames(FADE).min((room as f64 * FADE_SHARE) as i64);
        let missing = due - offset;
        if missing.abs() < self.frames(LEAST) || fade < self.frames(LEAST_FADE) {
            return Ok(Vec::new());
        }
        let to = from + room - fade;
        let count = (missing.abs() / self.frames(MOST) + 1).min((room / fade - 1).max(1));
        let (mut splices, mut offset) = (Vec::new(), offset);
        for i in 0..count {
            let share = (due - offset) / (count - i);
            if share.abs() < self.frames(LEAST) / 2 {
                continue;
            }
            // A join is over before the next begins; a slot is no shorter than one.
            let free = splices.last().map_or(from, |s: &Splice| s.start + s.fade as i64);
            let end = from + (to - from) * (i + 1) / count;
            let slot = (from + (to - from) * i / count).max(free).min(end)..end;
            let reach = self.frames(if i + 1 == count { LAST_REACH } else { REACH });
            let (start, fit) = self.place(wave, slot, offset, Cut { share, reach, fade })?;
            offset += share + fit.lag;
            let (fade, correlation) = (fade as usize, fit.correlation);
            splices.push(Splice { start, fade, correlation, offset });
        }
        Ok(splices)
    }

    /// The place in `slot` where a splice of about `share` frames is heard least: where the two
    /// sounds differ by the least power.
    fn place(
        &self,
        wave: &mut dyn Wave,
        slot: Range<i64>,
        offset: i64,
        cut: Cut,
    ) -> Result<(i64, Fit)> {
        let Cut { share, reach, fade: window } = cut;
        let places = ((slot.end - slot.start) / self.frames(STEP)).clamp(1, PLACES);
        let mut best: Option<(f32, i64, Fit)> = None;
        for i in 0..places {
            let start = slot.start + (slot.end - slot.start) * (2 * i + 1) / (2 * places);
            let early = mono(wave, start + offset, window)?;
            let late = mono(wave, start + offset + share - reach, window + 2 * reach)?;
            let fit = best_fit(&early, &late, reach as usize);
            let power: f32 = early.iter().map(|x| x * x).sum();
            let heard = (1.0 - fit.correlation) * (power + 1e-9);
            if best.is_none_or(|(least, ..)| heard < least) {
                best = Some((heard, start, fit));
            }
        }
        let nothing = (slot.start, Fit { lag: 0, correlation: 0.0 });
        Ok(best.map_or(nothing, |(_, start, fit)| (start, fit)))
    }
}

/// `length` frames of a wave from `start` on, as mono.
///
/// # Errors
/// As [`Wave::read`].
pub fn mono(wave: &mut dyn Wave, start: i64, length: i64) -> Result<Vec<f32>> {
    let mut sound = AudioBuffer::default();
    wave.read(start..start + length, &mut sound)?;
    let mut mono = Vec::new();
    sound.mono_into(&mut mono);
    Ok(mono)
}

#[cfg(test)]
mod tests;
