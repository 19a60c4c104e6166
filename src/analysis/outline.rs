//! A song in a few hundred columns: what a picture of it draws.

use serde::{Deserialize, Serialize};

use super::onset::OnsetEnvelope;
use crate::audio::AudioBuffer;
use crate::base::{SampleRate, Seconds, largest};

/// Columns of a long song: at least half as many, at most so many.
const COLUMNS: usize = 2_048;
/// First length of a column, in columns a second.
const FINEST: u32 = 100;

/// Peaks, levels and onsets over time, each 0..=255.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outline {
    /// Length of one column.
    pub step: Seconds,
    /// Largest sample of each column, 255 being full scale.
    pub peaks: Vec<u8>,
    /// Root mean square of each column of the mono mix, 255 being full scale.
    pub levels: Vec<u8>,
    /// Strongest onset of each column; 255 for the strongest hundredth of them, so that one
    /// sound out of silence does not dwarf the song.
    pub onsets: Vec<u8>,
}

/// Gathers peaks from a stream. Whenever the columns run out, neighbours become one, so memory
/// does not grow with the song.
pub struct PeakColumns {
    rate: SampleRate,
    /// Frames of one column.
    width: u64,
    filled: u64,
    peak: f32,
    columns: Vec<f32>,
}

impl PeakColumns {
    /// Columns of audio at `rate`.
    pub fn new(rate: SampleRate) -> Self {
        let width = u64::from((rate.hz() / FINEST).max(1));
        PeakColumns { rate, width, filled: 0, peak: 0.0, columns: Vec::with_capacity(COLUMNS) }
    }

    /// Takes the next frames, in blocks of any size.
    pub fn push(&mut self, audio: &AudioBuffer) {
        let mut at = 0;
        while at < audio.frames() {
            let take = ((self.width - self.filled) as usize).min(audio.frames() - at);
            for plane in &audio.planes {
                self.peak = louder(self.peak, &largest(&plane[at..at + take]));
            }
            at += take;
            self.filled += take as u64;
            if self.filled == self.width {
                self.complete();
            }
        }
    }

    fn complete(&mut self) {
        self.columns.push(self.peak);
        (self.peak, self.filled) = (0.0, 0);
        if self.columns.len() == COLUMNS {
            self.columns =
                self.columns.chunks(2).map(|pair| pair.iter().fold(0.0, louder)).collect();
            self.width *= 2;
        }
    }

    /// Ends the song.
    pub fn finish(mut self, onsets: &OnsetEnvelope) -> Outline {
        if self.filled > 0 {
            self.columns.push(self.peak);
        }
        let (step, count) = (self.width as f64 / self.rate.as_f64(), self.columns.len());
        let flux: Vec<f32> = onsets.flux().iter().map(|f| f.iter().sum()).collect();
        let squares: Vec<f32> = onsets.level().iter().map(|x| x * x).collect();
        let strengths = columns(&flux, step, count, |part| part.iter().fold(0.0, louder));
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len().max(1) as f32;
        let levels = columns(&squares, step, count, |part| mean(part).sqrt());
        let scale = strongest(&strengths);
        Outline {
            step: Seconds(step),
            peaks: self.columns.iter().map(|&peak| byte(peak)).collect(),
            levels: levels.into_iter().map(byte).collect(),
            onsets: strengths.into_iter().map(|s| byte(s * scale)).collect(),
        }
    }
}

/// Values of a curve of one value a hop, gathered into columns of `step` seconds.
fn columns(curve: &[f32], step: f64, count: usize, gather: impl Fn(&[f32]) -> f32) -> Vec<f32> {
    let hops = step * OnsetEnvelope::rate();
    let column = |i: usize| {
        let from = ((i as f64 * hops) as usize).min(curve.len());
        let to = (((i + 1) as f64 * hops) as usize).clamp(from, curve.len());
        // A column shorter than a hop shows the hop it lies in.
        let part = if from == to { curve.get(from..from + 1) } else { curve.get(from..to) };
        gather(part.unwrap_or(&[]))
    };
    (0..count).map(column).collect()
}

/// The factor that brings the strongest hundredth to 1.
fn strongest(strengths: &[f32]) -> f32 {
    let mut sorted = strengths.to_vec();
    sorted.sort_by(f32::total_cmp);
    let at = sorted.len().saturating_sub(1 + sorted.len() / 100);
    sorted.get(at).map_or(0.0, |&s| if s > 0.0 { 1.0 / s } else { 0.0 })
}

/// The larger of a level and the size of a sample; what is not a number changes nothing.
fn louder(level: f32, sample: &f32) -> f32 {
    let size = sample.abs();
    if size > level && size.is_finite() { size } else { level }
}

fn byte(share: f32) -> u8 {
    (share * 255.0).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(frames: usize, sample: impl Fn(usize) -> f32, block: usize) -> Outline {
        let mut columns = PeakColumns::new(SampleRate::CD);
        let plane: Vec<f32> = (0..frames).map(sample).collect();
        for part in plane.chunks(block) {
            columns.push(&AudioBuffer { planes: vec![part.to_vec(), vec![0.0; part.len()]] });
        }
        columns.finish(&OnsetEnvelope::default())
    }

    #[test]
    fn one_loud_sample_stands_at_its_time_in_songs_of_any_length() {
        for seconds in [1, 15, 47, 200] {
            let frames = seconds * 44_100;
            let at = frames * 2 / 3;
            let found = outline(frames, |i| if i == at { -1.0 } else { 0.1 }, 10_000);
            let column = found.peaks.iter().position(|&p| p == 255).unwrap();
            let from = column as f64 * found.step.0;
            let time = at as f64 / 44_100.0;
            assert!((from..from + found.step.0).contains(&time), "{seconds} s: {from}, {time}");
            assert!(found.peaks.len() <= COLUMNS && found.levels.len() == found.peaks.len());
            assert_eq!(found.peaks.iter().filter(|&&p| p == 255).count(), 1);
        }
    }

    #[test]
    fn block_size_does_not_matter() {
        let wave = |i: usize| (i as f32 * 0.01).sin();
        assert_eq!(outline(100_000, wave, 777), outline(100_000, wave, 100_000));
        assert_eq!(outline(0, wave, 1).peaks, Vec::<u8>::new());
    }
}
