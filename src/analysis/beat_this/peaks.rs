//! From logits to beats, as the paper does it: no model of tempo, only peaks.

use super::{Logits, RATE};
use crate::analysis::tracker::Beats;
use crate::base::Seconds;

/// A peak is the highest column within 70 ms.
const REACH: usize = 3;

/// The beats: peaks above zero. A downbeat is the beat nearest to a peak of the downbeat logits.
pub fn peaks(logits: &Logits) -> Beats {
    let columns = |logits: &[f32]| merged(&summits(logits));
    let beats = columns(&logits.beat);
    let mut is_downbeat = vec![false; beats.len()];
    for downbeat in columns(&logits.downbeat) {
        let distance = |i: &usize| (beats[*i] - downbeat).abs();
        let nearest = (0..beats.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        if let Some(i) = nearest {
            is_downbeat[i] = true;
        }
    }
    let times = beats.into_iter().map(|column| Seconds(column / RATE)).collect();
    Beats::with_downbeats(times, &is_downbeat)
}

/// Columns above zero that nothing within reach exceeds.
fn summits(logits: &[f32]) -> Vec<usize> {
    let highest = |i: &usize| {
        let around = &logits[i.saturating_sub(REACH)..(i + REACH + 1).min(logits.len())];
        logits[*i] > 0.0 && !around.iter().any(|other| *other > logits[*i])
    };
    (0..logits.len()).filter(highest).collect()
}

/// Neighbouring columns of one height are one peak in their middle.
fn merged(columns: &[usize]) -> Vec<f64> {
    let runs = columns.chunk_by(|a, b| *b == a + 1);
    runs.map(|run| (run[0] + run[run.len() - 1]) as f64 / 2.0).collect()
}
