//! The rule that finds downbeats by their accents: a kick or bass note, and a new chord.

use super::{BARS, CLIP, Folded, bar};

/// Weights of a downbeat's evidence against other beats, by logistic regression on rendered clips,
/// rounded: a kick or bass note speaks for it, as does a chord that differs from the last beat's.
const LOW: f32 = 1.0;
const MIDDLE: f32 = -0.5;
const CHORD: f32 = 2.0;
/// Beat 3 of four has neither the kick of beat 1 nor the snare of its neighbours.
const THIRD_LOW: f32 = -0.5;
const THIRD_TOP: f32 = -0.7;
/// What a downbeat with all its evidence is worth beside the network, by cross-validation.
const WEIGHT: f32 = 0.25;

/// Adds the evidence of accents to the scores of all hypotheses in each chunk.
pub(super) fn add(scores: &mut [Vec<f32>], folded: &Folded, chords: &[f32]) {
    let column =
        |value: &dyn Fn(usize) -> f32| centred((0..folded.described.len()).map(value).collect());
    let [low, middle, top] = [0, 1, 3].map(|r| column(&|i| folded.described[i][r]));
    let chord = column(&|i| chords.get(i).copied().unwrap_or(0.0));
    for (i, &chunk) in folded.chunk_of.iter().enumerate() {
        let first = LOW * low[i] + MIDDLE * middle[i] + CHORD * chord[i];
        let third = THIRD_LOW * low[i] + THIRD_TOP * top[i];
        for (hypothesis, score) in scores[chunk].iter_mut().enumerate() {
            let (per_bar, phase) = bar(hypothesis);
            let place = (i + per_bar - phase) % per_bar;
            let evidence = match place {
                0 => first,
                2 if per_bar == BARS[0] => third,
                _ => 0.0,
            };
            *score += WEIGHT * evidence;
        }
    }
}

/// Divides by the mean, limits outliers and moves the mean to zero.
fn centred(mut values: Vec<f32>) -> Vec<f32> {
    let n = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / n + 1e-3;
    values.iter_mut().for_each(|v| *v = (*v / mean).clamp(0.0, CLIP));
    let centre = values.iter().sum::<f32>() / n;
    values.iter_mut().for_each(|v| *v -= centre);
    values
}
