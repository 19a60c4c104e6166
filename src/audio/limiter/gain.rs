//! From peaks to a smooth gain.

use std::collections::VecDeque;

use super::peak::Reach;
use crate::base::{Frames, SampleRate, Seconds};

const LOOK_AHEAD: Seconds = Seconds(0.005);
const RELEASE: Seconds = Seconds(0.1);

/// Gain 1. Gains are whole multiples of 2^-30: sums are exact, so the gain comes back to exactly
/// 1 and does not depend on how the input was cut.
const UNITY: u64 = 1 << 30;

/// Turns one peak a frame into one gain a frame: minimum over a window, exponential release, and
/// two moving averages whose lengths add up to the window's. Every value averaged is at most what
/// the peak in the window allows, and so is their mean; the averages make attack and release
/// free of steps and of corners.
pub(super) struct GainCurve {
    ceiling: f32,
    minimum: SlidingMinimum,
    released: u64,
    /// Part of the way back to 1 made in a frame, times 2^32.
    release: u64,
    averages: [MovingSum; 2],
    scale: f64,
    delay: usize,
    /// Frames since the curve last left 1, up to the length of its memory.
    calm: usize,
    memory: usize,
}

impl GainCurve {
    pub fn new(rate: SampleRate, ceiling: f32, reach: Reach) -> Self {
        let Frames(ahead) = LOOK_AHEAD.frames(rate);
        let first = (ahead as usize).div_ceil(2).max(1);
        let second = (ahead as usize - ahead as usize / 2).max(1);
        let span = first + second - 1;
        // The window is wider by the interpolator's reach: the gain holds still over all the
        // samples that make a peak between two of them.
        let window = span + reach.before + reach.after;
        let part = 1.0 - (-1.0 / (RELEASE.0 * rate.as_f64())).exp();
        GainCurve {
            ceiling,
            minimum: SlidingMinimum::new(window),
            released: UNITY,
            release: (part * 4_294_967_296.0) as u64,
            averages: [MovingSum::new(first, UNITY), MovingSum::new(second, first as u64 * UNITY)],
            scale: 1.0 / ((first * second) as f64 * UNITY as f64),
            delay: span - 1 + reach.before,
            calm: window + span,
            memory: window + span,
        }
    }

    /// Frames by which the peak of [`Self::next`] is ahead of the frame its gain is for.
    pub fn delay(&self) -> usize {
        self.delay
    }

    /// Whether the gain is 1 and stays so until the next peak above the ceiling.
    pub fn is_idle(&self) -> bool {
        self.calm >= self.memory
    }

    /// Takes the peak of the next frame.
    pub fn next(&mut self, peak: f32) -> f32 {
        let allowed = match peak > self.ceiling {
            true => (f64::from(self.ceiling) / f64::from(peak) * UNITY as f64) as u64,
            false => UNITY,
        };
        let least = self.minimum.next(allowed);
        let back = (((UNITY - self.released) * self.release) >> 32).max(1);
        self.released = least.min(self.released + back);
        self.calm = if self.released < UNITY { 0 } else { (self.calm + 1).min(self.memory) };
        let sum = self.averages.iter_mut().fold(self.released, |value, sum| sum.next(value));
        (sum as f64 * self.scale) as f32
    }
}

/// The sum of the last values.
struct MovingSum {
    values: Vec<u64>,
    at: usize,
    sum: u64,
}

impl MovingSum {
    fn new(length: usize, value: u64) -> Self {
        MovingSum { values: vec![value; length], at: 0, sum: length as u64 * value }
    }

    fn next(&mut self, value: u64) -> u64 {
        self.sum = self.sum - self.values[self.at] + value;
        self.values[self.at] = value;
        self.at = if self.at + 1 == self.values.len() { 0 } else { self.at + 1 };
        self.sum
    }
}

/// The least of the last `window` values, by a queue of rising values (Lemire 2006).
struct SlidingMinimum {
    window: u64,
    frame: u64,
    rising: VecDeque<(u64, u64)>,
}

impl SlidingMinimum {
    fn new(window: usize) -> Self {
        let rising = VecDeque::with_capacity(window + 1);
        SlidingMinimum { window: window as u64, frame: 0, rising }
    }

    fn next(&mut self, value: u64) -> u64 {
        while self.rising.back().is_some_and(|&(_, last)| last >= value) {
            self.rising.pop_back();
        }
        self.rising.push_back((self.frame, value));
        self.frame += 1;
        if self.rising[0].0 + self.window < self.frame {
            self.rising.pop_front();
        }
        self.rising[0].1
    }
}
