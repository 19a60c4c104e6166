//! What tells one recording from all others, whatever file it is in: a few numbers a second.
//!
//! After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System" (ISMIR 2002): 32 bits say
//! in which of 33 bands the spectrum rises more than in the next one. They took such a word every
//! 11.6 ms; here it is taken only where the spectrum changes most, about once a second. Such
//! moments lie in the music and not on the clock, so a recording that was cut at its start has
//! the same ones, and the bits are surest where much changes.

mod twins;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::base::ln;

pub use twins::{Likeness, compare, same_sounds};

/// Bands of the spectrum; neighbours are compared.
const BANDS: usize = 33;
/// First and last bin of 21.5 Hz, 258 Hz to 5 kHz: what every codec keeps.
const BINS: (f64, f64) = (12.0, 232.0);
/// Hops of 11.6 ms that a spectrum is averaged over: 0.37 s, as Haitsma and Kalker have it.
const SMOOTH: usize = 32;
/// Hops on either side of a moment that are compared.
const SIDE: usize = 8;
/// A mark is the greatest change within so many hops on either side: half a second.
const REACH: usize = 43;
/// Power below which nothing is heard: about -80 dB of full scale in every band.
const SILENCE: f32 = 1e-8;
/// Least change of a mark, in squared nepers over all bands: less is the noise of silence.
const LEAST: f32 = 1.0;
/// Most marks kept, those of a quarter of an hour or more.
const MOST: usize = 1024;

/// A moment of a recording that can be found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// When it is, in hops of 11.6 ms.
    pub at: u32,
    /// In which bands the spectrum rises more than in the next.
    pub bits: u32,
}

/// The marks of a recording, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SoundPrint {
    /// The marks.
    pub marks: Vec<Mark>,
}

/// Finds marks in a stream of spectra.
pub(super) struct PrintAnalyzer {
    bands: [(usize, usize); BANDS],
    powers: VecDeque<[f32; BANDS]>,
    levels: VecDeque<[f32; BANDS]>,
    changes: VecDeque<(f32, u32)>,
    weights: [f32; SMOOTH],
    hops: u32,
    print: SoundPrint,
}

impl PrintAnalyzer {
    pub(super) fn new() -> Self {
        let ratio = (BINS.1 / BINS.0).powf(1.0 / BANDS as f64);
        let edge = |band: usize| (BINS.0 * ratio.powi(band as i32)).round() as usize;
        let hann = |i: usize| {
            let turn = std::f64::consts::TAU * (i as f64 + 0.5) / SMOOTH as f64;
            ((1.0 - turn.cos()) / SMOOTH as f64) as f32
        };
        PrintAnalyzer {
            bands: std::array::from_fn(|b| (edge(b), edge(b + 1).max(edge(b) + 1))),
            powers: VecDeque::new(),
            levels: VecDeque::new(),
            changes: VecDeque::new(),
            weights: std::array::from_fn(hann),
            hops: 0,
            print: SoundPrint::default(),
        }
    }

    /// Takes the magnitudes of the next spectrum, one every 11.6 ms.
    pub(super) fn push(&mut self, magnitudes: &[f32]) {
        self.hops += 1;
        let power = |&(from, to): &(usize, usize)| {
            magnitudes[from..to].iter().map(|m| m * m).sum::<f32>() / (to - from) as f32
        };
        if !held(&mut self.powers, self.bands.each_ref().map(power), SMOOTH) {
            return;
        }
        let mut level = [0.0; BANDS];
        for (power, &weight) in self.powers.iter().zip(&self.weights) {
            level.iter_mut().zip(power).for_each(|(sum, p)| *sum += weight * p);
        }
        let log = level.map(|power| ln(power + SILENCE));
        if !held(&mut self.levels, log, 2 * SIDE + 1) {
            return;
        }
        let change = change(&self.levels[0], &self.levels[2 * SIDE]);
        if held(&mut self.changes, change, 2 * REACH + 1) {
            self.mark();
        }
    }

    pub(super) fn finish(self) -> SoundPrint {
        self.print
    }

    /// A mark, if nothing around changes as much.
    fn mark(&mut self) {
        let (most, bits) = self.changes[REACH];
        let before = self.changes.range(..REACH).all(|c| c.0 < most);
        let after = self.changes.range(REACH + 1..).all(|c| c.0 <= most);
        if most >= LEAST && before && after && self.print.marks.len() < MOST {
            self.print.marks.push(Mark { at: self.hops, bits });
        }
    }
}

/// Appends to a ring of so many values; whether it is full.
fn held<T>(ring: &mut VecDeque<T>, value: T, most: usize) -> bool {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(value);
    ring.len() == most
}

/// How much the shape of the spectrum changes, and the bits of it.
fn change(before: &[f32; BANDS], after: &[f32; BANDS]) -> (f32, u32) {
    let (mut strength, mut bits) = (0.0, 0);
    for band in 0..BANDS - 1 {
        let rise = |b: usize| after[b] - before[b];
        let more = rise(band) - rise(band + 1);
        strength += more * more;
        bits |= u32::from(more > 0.0) << band;
    }
    (strength, bits)
}

#[cfg(test)]
mod tests;
