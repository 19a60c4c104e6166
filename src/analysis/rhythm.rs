//! The beats of a song with how sure each of them is, and its tempo over time.

use serde::{Deserialize, Serialize};

use super::beats::BeatGrid;
use super::onset::OnsetEnvelope;
use crate::base::{Bpm, Seconds};

/// Beats, bars and tempo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rhythm {
    /// Attack times of the beats, strictly rising.
    pub beats: Vec<Seconds>,
    /// Position of each beat in its bar; 1 is the downbeat.
    pub positions: Vec<u8>,
    /// How sure each beat is, 0..=1: whether an onset falls on it that is as strong as those on
    /// other beats and as any around it, and whether it comes in time.
    pub beat_confidence: Vec<f32>,
    /// Beats a bar.
    pub beats_per_bar: u8,
    /// Median tempo.
    pub tempo: Bpm,
    /// How regular the pulse is on the whole, 0..=1.
    pub confidence: f32,
    /// Tempo around every downbeat.
    pub tempo_curve: Vec<TempoPoint>,
}

/// Tempo at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TempoPoint {
    /// When.
    pub time: Seconds,
    /// Beats a minute, over four beats on either side.
    pub tempo: Bpm,
}

/// An onset belongs to a beat within this many hops (35 ms).
const REACH: usize = 3;
/// A step between two beats that differs from the one before by this ratio is out of time.
const OUT_OF_TIME: f64 = 1.15;
/// Beats on either side of a point of the tempo curve.
const SPAN: usize = 4;

impl Rhythm {
    /// Judges the beats of a grid by the onset curves they were found in.
    pub fn new(grid: &BeatGrid, onsets: &OnsetEnvelope) -> Rhythm {
        let tempo_curve = (grid.beats.iter().zip(&grid.positions).enumerate())
            .filter(|(_, (_, position))| **position == 1)
            .map(|(i, (&time, _))| TempoPoint { time, tempo: tempo_around(&grid.beats, i) })
            .collect();
        Rhythm {
            beat_confidence: beat_confidence(grid, onsets),
            beats: grid.beats.clone(),
            positions: grid.positions.clone(),
            beats_per_bar: grid.beats_per_bar,
            tempo: grid.tempo,
            confidence: grid.confidence,
            tempo_curve,
        }
    }

    /// The grid it was made of.
    pub fn into_grid(self) -> BeatGrid {
        BeatGrid {
            beats: self.beats,
            positions: self.positions,
            beats_per_bar: self.beats_per_bar,
            tempo: self.tempo,
            confidence: self.confidence,
        }
    }

    /// The beats that open a bar.
    pub fn downbeats(&self) -> impl Iterator<Item = Seconds> {
        let marked = self.beats.iter().zip(&self.positions);
        marked.filter(|(_, position)| **position == 1).map(|(&beat, _)| beat)
    }
}

fn tempo_around(beats: &[Seconds], i: usize) -> Bpm {
    let (from, to) = (i.saturating_sub(SPAN), (i + SPAN).min(beats.len() - 1));
    let step = (beats[to].0 - beats[from].0) / (to - from).max(1) as f64;
    Bpm((Bpm::from_period(Seconds(step)).0 * 100.0).round() / 100.0)
}

fn beat_confidence(grid: &BeatGrid, onsets: &OnsetEnvelope) -> Vec<f32> {
    let strength: Vec<f32> = onsets.flux().iter().map(|f| f.iter().sum()).collect();
    let hops: Vec<usize> = (grid.beats.iter())
        .map(|beat| (beat.0 * OnsetEnvelope::rate()).round().max(0.0) as usize)
        .collect();
    let on: Vec<f32> =
        hops.iter().map(|&h| highest(&strength, h.saturating_sub(REACH), h + REACH + 1)).collect();
    let mut sorted = on.clone();
    sorted.sort_by(f32::total_cmp);
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let near = |i: usize| {
        let before = if i > 0 { (hops[i - 1] + hops[i]) / 2 } else { hops[i] };
        let after = hops.get(i + 1).map_or(hops[i] + 1, |next| (hops[i] + next) / 2 + 1);
        highest(&strength, before, after).max(on[i])
    };
    let judged = (0..hops.len()).map(|i| {
        let salient = on[i] / near(i).max(1e-6);
        let heard = (on[i] / (0.5 * usual).max(1e-6)).min(1.0);
        let sure = salient * heard * in_time(&grid.beats, i);
        (sure * 1000.0).round() / 1000.0
    });
    judged.collect()
}

fn highest(curve: &[f32], from: usize, to: usize) -> f32 {
    let to = to.min(curve.len());
    curve[from.min(to)..to].iter().fold(0.0, |a, &b| if b > a { b } else { a })
}

/// 1 where a beat halves the way between its neighbours, falling to 0.3 where it is out of time.
fn in_time(beats: &[Seconds], i: usize) -> f32 {
    let (Some(before), Some(after)) = (i.checked_sub(1).map(|k| beats[k]), beats.get(i + 1)) else {
        return 1.0;
    };
    let (left, right) = (beats[i].0 - before.0, after.0 - beats[i].0);
    let ratio = if left > right { left / right } else { right / left };
    let off = (ratio.ln() / OUT_OF_TIME.ln()).min(1.0);
    (1.0 - 0.7 * off) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{OnsetAnalyzer, track_beats};

    const RATE: f64 = 22_050.0;

    fn clicks(times: &[f64], seconds: f64) -> OnsetEnvelope {
        let mut samples = vec![0.0f32; (seconds * RATE) as usize];
        for &time in times {
            for (i, x) in samples.iter_mut().skip((time * RATE) as usize).take(600).enumerate() {
                let t = i as f64 / RATE;
                *x += (0.8 * (6_000.0 * t).sin() * (-150.0 * t).exp()) as f32;
            }
        }
        let mut analyzer = OnsetAnalyzer::new();
        analyzer.push(&samples);
        analyzer.finish()
    }

    #[test]
    fn beats_nobody_plays_are_less_sure_than_those_that_sound() {
        let all: Vec<f64> = (0..48).map(|i| 0.3 + 0.5 * f64::from(i)).collect();
        let silent = [10usize, 21, 22, 33];
        let played: Vec<f64> =
            (0..all.len()).filter(|i| !silent.contains(i)).map(|i| all[i]).collect();
        let onsets = clicks(&played, 25.0);
        let rhythm = Rhythm::new(&track_beats(&onsets).unwrap(), &onsets);
        for (beat, &sure) in rhythm.beats.iter().zip(&rhythm.beat_confidence) {
            let nearest = all.iter().position(|t| (t - beat.0).abs() < 0.05);
            let unheard = nearest.is_none_or(|i| silent.contains(&i));
            assert!(unheard == (sure < 0.5), "{} s: {sure}", beat.0);
        }
    }

    #[test]
    fn the_tempo_curve_follows_a_ramp() {
        let mut times = vec![0.2];
        while times[times.len() - 1] < 60.0 {
            let t = times[times.len() - 1];
            times.push(t + 60.0 / (100.0 + 30.0 * t / 60.0));
        }
        let onsets = clicks(&times, 61.0);
        let rhythm = Rhythm::new(&track_beats(&onsets).unwrap(), &onsets);
        assert!(rhythm.tempo_curve.len() > 20);
        for point in &rhythm.tempo_curve[1..rhythm.tempo_curve.len() - 1] {
            let truth = 100.0 + 30.0 * point.time.0 / 60.0;
            assert!((point.tempo.0 / truth - 1.0).abs() < 0.02, "{point:?}, not {truth}");
        }
        let downbeats: Vec<Seconds> = rhythm.downbeats().collect();
        assert_eq!(downbeats.len(), rhythm.tempo_curve.len());
    }
}
