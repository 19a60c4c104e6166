//! What each bar or beat of a song sounds like: harmony, colour, drive and loudness.

use super::mfcc::N_MFCC;
use super::onset::{CHROMA_HOPS, CHROMA_WIDTH, OnsetEnvelope, REGISTERS};
use crate::base::Seconds;
use serde::{Deserialize, Serialize};

/// The sound of one bar, or of one beat.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SpanSound {
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

impl SpanSound {
    /// The same to three decimals, for keeping: finer steps are not heard.
    fn rounded(&self) -> SpanSound {
        let round = |x: f32| (x * 1_000.0).round() / 1_000.0;
        SpanSound {
            chroma: self.chroma.map(round),
            timbre: self.timbre.map(round),
            drive: self.drive.map(round),
            loudness_db: round(self.loudness_db),
        }
    }
}

/// Flux that counts as none, in nepers.
const STILL: f32 = 0.01;
/// Least mean square: -100 dB.
const LEAST: f64 = 1e-10;

/// Features of the spans between consecutive `boundaries`, which rise.
pub fn span_sounds(onsets: &OnsetEnvelope, boundaries: &[Seconds]) -> Vec<SpanSound> {
    let bars = boundaries.windows(2).map(|pair| (pair[0].0, pair[1].0));
    bars.map(|(from, to)| one_bar(onsets, from, to)).collect()
}

/// The sound of every beat, the last ending as far on as the one before; rounded for keeping.
pub(super) fn beat_sounds(onsets: &OnsetEnvelope, beats: &[Seconds]) -> Vec<SpanSound> {
    let [.., before, last] = beats else { return Vec::new() };
    let mut boundaries = beats.to_vec();
    boundaries.push(Seconds(2.0 * last.0 - before.0));
    span_sounds(onsets, &boundaries).iter().map(SpanSound::rounded).collect()
}

fn one_bar(onsets: &OnsetEnvelope, from: f64, to: f64) -> SpanSound {
    let rate = OnsetEnvelope::rate();
    let flux = part(onsets.flux(), from * rate, to * rate);
    let level = part(onsets.level(), from * rate, to * rate);
    let columns = rate / CHROMA_HOPS as f64;
    let power: f64 = level.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    let power = (power / level.len().max(1) as f64).max(LEAST);
    SpanSound {
        chroma: harmony(part(onsets.chroma(), from * columns, to * columns)),
        timbre: mean(part(onsets.timbre(), from * columns, to * columns)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::OnsetAnalyzer;

    const RATE: f64 = 22_050.0;

    /// Two seconds each of a low C major triad, of silence, and of loud clicks.
    fn three_bars() -> Vec<SpanSound> {
        let mut onsets = OnsetAnalyzer::new();
        let samples: Vec<f32> = (0..(6.0 * RATE) as usize)
            .map(|i| {
                let t = i as f64 / RATE;
                let note = |hz: f64| 0.1 * (std::f64::consts::TAU * hz * t).sin();
                let since = t % 0.25;
                let sample = match t as usize / 2 {
                    0 => note(261.63) + note(329.63) + note(392.0),
                    1 => 0.0,
                    _ => 0.9 * (9_000.0 * since).sin() * (-80.0 * since).exp(),
                };
                sample as f32
            })
            .collect();
        onsets.push(&samples);
        let boundaries = [0.0, 2.0, 4.0, 6.0].map(Seconds);
        span_sounds(&onsets.finish(), &boundaries)
    }

    #[test]
    fn each_bar_has_its_own_harmony_colour_drive_and_level() {
        let bars = three_bars();
        assert_eq!(bars.len(), 3);
        let [chord, silence, clicks] = &bars[..] else { panic!("three bars") };
        // Pitch classes count from A: C, E and G are 3, 7 and 10, in the melody's half.
        let melody = &chord.chroma[CHROMA_WIDTH / 2..];
        let mut order: Vec<usize> = (0..12).collect();
        order.sort_by(|&a, &b| melody[b].total_cmp(&melody[a]));
        order.truncate(3);
        order.sort_unstable();
        assert_eq!(order, [3, 7, 10]);
        let length: f32 = melody.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-3);
        assert!((chord.loudness_db + 18.2).abs() < 0.5, "{}", chord.loudness_db);
        assert!(silence.loudness_db < chord.loudness_db - 20.0);
        assert!(clicks.drive[2] > chord.drive[2] + 1.0 && clicks.drive[2] > silence.drive[2] + 1.0);
        let colour = |a: &SpanSound, b: &SpanSound| (a.timbre[1] - b.timbre[1]).abs();
        assert!(colour(chord, clicks) > 10.0, "{chord:?}, {clicks:?}");
    }

    #[test]
    fn bars_beyond_the_sound_and_no_bars_at_all_are_no_trouble() {
        let none = OnsetEnvelope::default();
        let bars = span_sounds(&none, &[0.0, 1.0, 1.0, 9.0].map(Seconds));
        assert_eq!(bars.len(), 3);
        assert!(bars.iter().all(|bar| bar.loudness_db == -100.0 && bar.chroma == [0.0; 24]));
        assert!(span_sounds(&none, &[]).is_empty());
    }
}
