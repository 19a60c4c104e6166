//! The movements at the desk: which part of which song is how loud over a transition.

use crate::mix::{Lane, Part, Side};

/// Two equal halves of the power.
const HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;

fn lane(side: Side, part: Part, points: Vec<(f64, f32)>) -> Lane {
    Lane { side, part, points }
}

/// A transition of two whole songs over `beats` beats: both share the power in the middle, and
/// the bass changes hands there within `per_bar` beats, so that it is never doubled.
pub fn bass_swap(beats: usize, per_bar: usize) -> Vec<Lane> {
    let n = beats as f64;
    let (third, rest) = ((n / 3.0).round(), (2.0 * n / 3.0).round());
    let swap = swap_beats(beats, per_bar);
    vec![
        lane(Side::From, Part::All, vec![(0.0, 1.0), (third, HALF), (rest, HALF), (n, 0.0)]),
        lane(Side::To, Part::All, vec![(0.0, 0.0), (third, HALF), (rest, HALF), (n, 1.0)]),
        lane(Side::From, Part::Bass, vec![(swap.0, 1.0), (swap.1, 0.0)]),
        lane(Side::To, Part::Bass, vec![(swap.0, 0.0), (swap.1, 1.0)]),
    ]
}

/// A transition of two whole songs that do not sound well together: until the middle only the
/// cymbals and the attack of the one that comes are heard, then bass and middle change hands within
/// a bar, and only those of the other are left to fade.
pub fn percussive(beats: usize, per_bar: usize) -> Vec<Lane> {
    let (middle, swap) = (middle_bar(beats, per_bar), swap_beats(beats, per_bar));
    let start = (middle - per_bar as f64 / 2.0).max(0.0);
    let mut lanes = bass_swap(beats, per_bar);
    debug_assert!(start <= swap.1);
    lanes.push(lane(Side::From, Part::Middle, vec![(start, 1.0), (middle, 0.0)]));
    lanes.push(lane(Side::To, Part::Middle, vec![(start, 0.0), (middle, 1.0)]));
    lanes
}

/// A transition of two songs in stems: the drums of the one that comes enter first, then, at a
/// bar line in the middle, everything else changes hands within two bars; voices meet for no
/// longer. The drums that leave are the last to go.
pub fn stem_swap(beats: usize, per_bar: usize) -> Vec<Lane> {
    let n = beats as f64;
    let (middle, bar) = (middle_bar(beats, per_bar), per_bar as f64);
    let (from, to) = ((middle - bar).max(0.0), (middle + bar).min(n));
    let drums_in = (n / 4.0).round();
    let drums_out = (3.0 * n / 4.0).round();
    let swap = swap_beats(beats, per_bar);
    let share = |points: [(f64, f32); 4]| points.to_vec();
    let out = share([(0.0, 1.0), (drums_in, HALF), (drums_out, HALF), (n, 0.0)]);
    let into = share([(0.0, 0.0), (drums_in, HALF), (drums_out, HALF), (n, 1.0)]);
    vec![
        lane(Side::From, Part::Drums, out),
        lane(Side::To, Part::Drums, into),
        lane(Side::From, Part::Other, vec![(from, 1.0), (to, 0.0)]),
        lane(Side::To, Part::Other, vec![(from, 0.0), (to, 1.0)]),
        lane(Side::From, Part::Bass, vec![(swap.0, 1.0), (swap.1, 0.0)]),
        lane(Side::To, Part::Bass, vec![(swap.0, 0.0), (swap.1, 1.0)]),
    ]
}

/// The bar line nearest to the middle, in beats.
fn middle_bar(beats: usize, per_bar: usize) -> f64 {
    let bars = beats / per_bar.max(1);
    (bars.div_ceil(2) * per_bar).min(beats) as f64
}

/// The last beat before the middle bar line: the bass is swapped within it, and the new one
/// stands on the downbeat.
fn swap_beats(beats: usize, per_bar: usize) -> (f64, f64) {
    let middle = middle_bar(beats, per_bar);
    ((middle - 1.0).max(0.0), middle)
}
