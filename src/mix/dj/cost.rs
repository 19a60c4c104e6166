//! What a place of transition costs, criterion by criterion.

use super::grid::Grid;
use super::transition::{Candidate, Options};
use crate::mix::plan::Style;

/// Names of the criteria, in the order of [`Costs::values`].
pub const NAMES: [&str; 9] =
    ["phrase", "length", "sound", "harmony", "level", "crowd", "skipped", "pulse", "tempo"];
/// How much each counts. Phrases and levels are what is heard at once as right or wrong; the
/// rest decides among places that are right.
pub const WEIGHTS: [f64; 9] = [3.0, 1.5, 1.0, 1.0, 2.0, 1.0, 1.5, 3.0, 1.0];

/// Level differences below this are not noticed, above the other are a mistake, in LU.
const LEVEL_FREE: f64 = 0.5;
const LEVEL_BAD: f64 = 4.0;
/// Seconds of either song that its level is judged over.
pub const LEVEL_SPAN: f64 = 8.0;

/// The cost of one candidate, each 0 for perfect and about 1 for bad.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// In the order of [`NAMES`].
    pub values: [f64; 9],
}

impl Costs {
    /// All in one number.
    pub fn total(&self) -> f64 {
        self.values.iter().zip(WEIGHTS).map(|(v, w)| v * w).sum()
    }

    /// How badly the pitches go together.
    pub fn harmony(&self) -> f64 {
        self.values[3]
    }

    /// With names, for people.
    pub fn named(&self) -> Vec<(String, f64)> {
        let round = |v: f64| (v * 1_000.0).round() / 1_000.0;
        NAMES.iter().zip(self.values).map(|(n, v)| (n.to_string(), round(v))).collect()
    }
}

/// What a candidate costs. `sound` and `harmony` come from the likeness of the beats.
pub fn cost(
    a: &Grid<'_>,
    b: &Grid<'_>,
    c: &Candidate,
    likeness: (f64, f64),
    options: &Options,
) -> Costs {
    debug_assert!(options.style != Style::Capsule);
    let (a_end, b_end) = (c.a + c.a_beats, c.b + c.b_beats);
    // The song that comes should open a phrase when the other is gone; the one that leaves should
    // have finished one when the transition begins.
    let phrase =
        0.4 * phrase_cost(a, c.a) + 0.2 * phrase_cost(b, c.b) + 0.4 * phrase_cost(b, b_end);
    let level = level_step(a, b, c);
    let skipped_a = (a.end() - a.beats[a_end]).max(0.0) / a.track.duration.0.max(1.0);
    let skipped_b = (b.beats[c.b] - b.start()).max(0.0) / b.track.duration.0.max(1.0);
    let crowd = crowd(a, b, c);
    let pulse = 1.0 - a.confidence(c.a, a_end).min(b.confidence(c.b, b_end));
    Costs {
        values: [
            phrase,
            length_cost(a, c, options),
            likeness.0,
            likeness.1,
            level,
            crowd,
            skipped_a + 1.5 * skipped_b,
            (pulse - 0.2).max(0.0),
            c.ratio.ln().abs() / options.max_stretch.ln(),
        ],
    }
}

/// How far from what was asked for, or from sixteen bars, in octaves; half of it.
fn length_cost(a: &Grid<'_>, c: &Candidate, options: &Options) -> f64 {
    let wanted = options.bars.unwrap_or(16) as f64;
    let bars = c.a_beats as f64 / a.per_bar as f64;
    let octaves = (bars / wanted).log2().abs();
    if options.bars.is_some() { octaves } else { 0.4 * octaves }
}

/// How far a beat is from the start of a phrase: 0 there, a third of the way every four bars.
pub fn phrase_cost(grid: &Grid<'_>, beat: usize) -> f64 {
    let at = grid.downbeats.binary_search(&beat);
    at.map_or(1.0, |i| [0.0, 0.35, 1.0][usize::from(grid.phrase_steps[i].min(2))])
}

/// How far apart two levels are, in LUFS: 0 for what is not noticed, 1.5 at most.
pub fn level_cost(before: f64, after: f64) -> f64 {
    let step = ((before - after).abs() - LEVEL_FREE).max(0.0);
    (step / LEVEL_BAD).min(1.5)
}

fn level_step(a: &Grid<'_>, b: &Grid<'_>, c: &Candidate) -> f64 {
    let (out, into) = (a.beats[c.a], b.beats[c.b + c.b_beats]);
    level_cost(a.loudness(out - LEVEL_SPAN, out), b.loudness(into, into + LEVEL_SPAN))
}

/// Two busy songs on top of each other, for long, turn to mud.
fn crowd(a: &Grid<'_>, b: &Grid<'_>, c: &Candidate) -> f64 {
    let busy = |grid: &Grid<'_>, from: usize, count: usize| {
        let thin = -grid.drive(from, from + count) / 0.6;
        1.0 - thin.clamp(0.0, 1.0)
    };
    let seconds = a.beats[c.a + c.a_beats] - a.beats[c.a];
    busy(a, c.a, c.a_beats) * busy(b, c.b, c.b_beats) * (seconds / 30.0).min(1.5)
}
