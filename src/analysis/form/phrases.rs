//! Where phrases begin.

use super::likeness::Distances;

/// Bars on either side of a bar line that novelty compares: a phrase, and half of one.
const SIDES: [usize; 2] = [4, 8];
/// What a novelty of 1 is worth against the lengths.
const WORTH: f32 = 4.0;
/// Longest phrase in bars.
const LONGEST: usize = 32;

/// First bars of the phrases; the first is 0.
pub fn phrase_starts(distances: &Distances) -> Vec<usize> {
    let bars = distances.bars();
    let novelty: Vec<f32> = (0..=bars).map(|bar| novelty(distances, bar)).collect();
    let mut best = vec![f32::MIN; bars + 1];
    let mut from = vec![0; bars + 1];
    best[0] = 0.0;
    for end in 1..=bars {
        let begins = if end < bars { WORTH * novelty[end] } else { 0.0 };
        for length in 1..=LONGEST.min(end) {
            let outer = end == bars || end == length;
            let cost = if outer { outer_cost(length) } else { cost(length) };
            let value = best[end - length] - cost + begins;
            if value > best[end] {
                (best[end], from[end]) = (value, end - length);
            }
        }
    }
    let mut starts = Vec::new();
    let mut at = bars;
    while at > 0 {
        at = from[at];
        starts.push(at);
    }
    starts.reverse();
    starts
}

/// How much a phrase of so many bars is against custom.
fn cost(bars: usize) -> f32 {
    match bars {
        8 => 0.0,
        16 => 0.15,
        4 => 0.25,
        12 => 0.3,
        24 => 0.45,
        14 | 20 | 32 => 0.5,
        6 | 10 => 0.6,
        2 => 0.7,
        1 => 1.2,
        // Odd lengths happen where bars were added or lost.
        17.. => 0.9 + 0.02 * (bars - 16) as f32,
        _ => 0.9,
    }
}

/// The same at either end of the song, where a pickup or a last chord often adds a bar.
fn outer_cost(bars: usize) -> f32 {
    const ADDED: f32 = 0.1;
    let plain = cost(bars);
    let without = if bars > 1 { cost(bars - 1) + ADDED } else { plain };
    if without < plain { without } else { plain }
}

/// How much the bars before a bar line agree among themselves, and those after it, more than
/// across it: 0 to 1.
fn novelty(distances: &Distances, bar: usize) -> f32 {
    let each = SIDES.map(|side| checkerboard(distances, bar, side));
    let mean = each.iter().sum::<f32>() / each.len() as f32;
    if mean > 0.0 { mean } else { 0.0 }
}

/// Foote's kernel with a Gaussian taper. The diagonal is left out: every bar is like itself. Near
/// the ends of the song the kernel shrinks and counts less.
fn checkerboard(distances: &Distances, bar: usize, side: usize) -> f32 {
    let reach = side.min(bar).min(distances.bars() - bar);
    let width = 2.0 * (0.5 * side as f32) * (0.5 * side as f32);
    let offset = |i: usize| i as f32 + 0.5 - reach as f32;
    // Sums of likeness and of weights, across the bar line and on one side of it.
    let mut sums = [[0.0f32; 2]; 2];
    for i in 0..2 * reach {
        for j in 0..i {
            let weight = (-(offset(i).powi(2) + offset(j).powi(2)) / width).exp();
            let same = usize::from((i < reach) == (j < reach));
            sums[same][0] += weight * distances.likeness(bar + i - reach, bar + j - reach);
            sums[same][1] += weight;
        }
    }
    let [across, within] = sums;
    if within[1] == 0.0 || across[1] == 0.0 {
        return 0.0;
    }
    let damped = (reach as f32 / SIDES[0] as f32).min(1.0);
    damped * (within[0] / within[1] - across[0] / across[1])
}
