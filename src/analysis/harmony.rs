//! Harmonic change: how little the chroma after a moment resembles that before it.
//!
//! Chords change on downbeats, so this is evidence for metre (the idea of Goto, J. New Music
//! Research 2001).

use super::onset::{CHROMA_HOPS, CHROMA_WIDTH, OnsetEnvelope};

/// Harmonic change at every hop: how little the chroma of the next 0.2 s resembles that of the
/// last 0.2 s.
pub(super) fn harmonic_change(onsets: &OnsetEnvelope) -> Vec<f32> {
    const SPAN: usize = 4;
    let columns = &onsets.chroma;
    let change: Vec<f32> = (0..columns.len())
        .map(|i| {
            if i < SPAN || i + SPAN >= columns.len() {
                return 0.0;
            }
            let (past, next) = (&columns[i - SPAN..i], &columns[i + 1..=i + SPAN]);
            dissimilarity(&mean_root(past), &mean_root(next))
        })
        .collect();
    let last = change.len().saturating_sub(1);
    (0..onsets.len())
        .map(|hop| {
            let (i, t) = (hop / CHROMA_HOPS, (hop % CHROMA_HOPS) as f32 / CHROMA_HOPS as f32);
            change[i.min(last)] * (1.0 - t) + change[(i + 1).min(last)] * t
        })
        .collect()
}

/// Mean of the square roots: loud partials shall not decide alone.
fn mean_root(columns: &[[f32; CHROMA_WIDTH]]) -> [f32; CHROMA_WIDTH] {
    let mut sum = [0.0; CHROMA_WIDTH];
    for column in columns {
        for (s, c) in sum.iter_mut().zip(column) {
            *s += c.sqrt() / columns.len() as f32;
        }
    }
    sum
}

/// One minus correlation, of the bass and of the melody, added: 0 to 4.
fn dissimilarity(a: &[f32; CHROMA_WIDTH], b: &[f32; CHROMA_WIDTH]) -> f32 {
    let half = CHROMA_WIDTH / 2;
    2.0 - correlation(&a[..half], &b[..half]) - correlation(&a[half..], &b[half..])
}

fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len() as f32;
    let (ma, mb) = (a.iter().sum::<f32>() / n, b.iter().sum::<f32>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    if aa * bb > 1e-12 { ab / (aa * bb).sqrt() } else { 1.0 }
}

/// How little the chroma from each beat to the next resembles that of the beat before.
pub(super) fn chord_changes(onsets: &OnsetEnvelope, times: &[f64]) -> Vec<f32> {
    let columns = &onsets.chroma;
    let between = |from: f64, to: f64| {
        let last = columns.len().saturating_sub(1);
        let a = ((from / CHROMA_HOPS as f64).max(0.0) as usize).min(last);
        let b = ((to / CHROMA_HOPS as f64).max(0.0) as usize).clamp(a + 1, last + 1);
        mean_root(&columns[a..b.min(columns.len())])
    };
    let n = times.len();
    (0..n)
        .map(|i| {
            let step = match i {
                0 if n < 2 => return 0.0,
                0 => times[1] - times[0],
                _ => times[i] - times[i - 1],
            };
            // The chroma window is long: the attack itself belongs to neither side.
            let past = between(times[i] - 0.9 * step, times[i]);
            let next = between(times[i] + 2.0, times[i] + 2.0 + 0.9 * step);
            dissimilarity(&past, &next)
        })
        .collect()
}
