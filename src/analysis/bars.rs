//! What each bar of a song sounds like: harmony, colour, drive and loudness.

use super::mfcc::N_MFCC;
use super::onset::{CHROMA_HOPS, CHROMA_WIDTH, OnsetEnvelope, REGISTERS};
use crate::base::Seconds;

/// The sound of one bar.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BarFeatures {
    /// Pitch classes of bass and melody, square roots of their strength, each half of unit length
    /// after its mean was taken off; a half without any pitch is 0.
    pub chroma: [f32; CHROMA_WIDTH],
    /// Mean MFCC.
    pub timbre: [f32; N_MFCC],
    /// Logarithm of the mean flux in each register: how busy it is.
    pub drive: [f32; REGISTERS],
    /// Level in dB of full scale, -100 at least.
    pub loudness_db: f32,
}

/// Flux that counts as none, in nepers.
const STILL: f32 = 0.01;
/// Least mean square: -100 dB.
const LEAST: f64 = 1e-10;

/// Features of the bars between consecutive `boundaries`, which rise.
pub fn bar_features(
    onsets: &OnsetEnvelope,
    timbre: &[[f32; N_MFCC]],
    boundaries: &[Seconds],
) -> Vec<BarFeatures> {
    let bars = boundaries.windows(2).map(|pair| (pair[0].0, pair[1].0));
    bars.map(|(from, to)| one_bar(onsets, timbre, from, to)).collect()
}

fn one_bar(onsets: &OnsetEnvelope, timbre: &[[f32; N_MFCC]], from: f64, to: f64) -> BarFeatures {
    let rate = OnsetEnvelope::rate();
    let flux = part(onsets.flux(), from * rate, to * rate);
    let level = part(onsets.level(), from * rate, to * rate);
    let columns = rate / CHROMA_HOPS as f64;
    let power: f64 = level.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let power = (power / level.len().max(1) as f64).max(LEAST);
    BarFeatures {
        chroma: harmony(part(onsets.chroma(), from * columns, to * columns)),
        timbre: mean(part(timbre, from * columns, to * columns)),
        drive: mean(flux).map(|x| (x + STILL).ln()),
        loudness_db: (10.0 * power.log10()) as f32,
    }
}

/// The values from one position to another, at least one where there are any.
fn part<T>(values: &[T], from: f64, to: f64) -> &[T] {
    let last = values.len().saturating_sub(1);
    let start = (from.max(0.0) as usize).min(last);
    let end = (to.max(0.0) as usize).clamp((start + 1).min(values.len()), values.len());
    &values[start..end]
}

fn mean<const N: usize>(rows: &[[f32; N]]) -> [f32; N] {
    let mut sum = [0.0f64; N];
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(s, &x)| *s += f64::from(x));
    }
    sum.map(|s| (s / rows.len().max(1) as f64) as f32)
}

fn harmony(columns: &[[f32; CHROMA_WIDTH]]) -> [f32; CHROMA_WIDTH] {
    let roots: Vec<[f32; CHROMA_WIDTH]> = columns.iter().map(|c| c.map(f32::sqrt)).collect();
    let mut chroma = mean(&roots);
    for half in chroma.chunks_mut(CHROMA_WIDTH / 2) {
        let centre = half.iter().sum::<f32>() / half.len() as f32;
        half.iter_mut().for_each(|x| *x -= centre);
        let length = half.iter().map(|x| x * x).sum::<f32>().sqrt();
        let scale = if length > 1e-6 { 1.0 / length } else { 0.0 };
        half.iter_mut().for_each(|x| *x *= scale);
    }
    chroma
}
