//! The beats of a song as a planner sees them: in bars and phrases, with what may be played.

use crate::analysis::{Form, Phrase, SpanSound, TrackAnalysis};
use crate::base::{Decibels, Seconds};

use crate::mix::Span;

/// A song with its beats.
pub struct Grid<'a> {
    /// What was heard.
    pub track: &'a TrackAnalysis,
    /// Attack times of the beats, in seconds; empty without a steady beat.
    pub beats: Vec<f64>,
    /// Beats a bar.
    pub per_bar: usize,
    /// Beats that open a bar.
    pub downbeats: Vec<usize>,
    /// How far each beat that opens a bar is from the phrase it lies in: 0 at its start, 1 four
    /// bars on (or eight, ...), 2 elsewhere.
    pub phrase_steps: Vec<u8>,
    /// Gain it will be played with.
    pub gain: Decibels,
    /// Sums of drive and confidence up to each beat, and the middle drive.
    sums: Vec<[f64; 2]>,
    usual_drive: f64,
}

/// Beats nearer than this to a phrase's start are its start, in seconds.
const AT_START: f64 = 0.1;

impl<'a> Grid<'a> {
    /// The grid of a song that is played with `gain`.
    pub fn new(track: &'a TrackAnalysis, gain: Decibels) -> Self {
        let rhythm = track.rhythm.as_ref().filter(|r| r.beats.len() == track.beat_sounds.len());
        let beats: Vec<f64> =
            rhythm.map_or_else(Vec::new, |r| r.beats.iter().map(|b| b.0).collect());
        let mut downbeats: Vec<usize> = rhythm.map_or_else(Vec::new, |r| {
            (0..r.positions.len()).filter(|&i| r.positions[i] == 1).collect()
        });
        let mut per_bar = rhythm.map_or(4, |r| usize::from(r.beats_per_bar.max(1)));
        if per_bar == 2 {
            // Two bars of two are one of four, and meet songs in four.
            let odd = track.form.as_ref().map_or(0, |form| odd_start(form, &downbeats, &beats));
            downbeats = downbeats.into_iter().skip(odd).step_by(2).collect();
            per_bar = 4;
        }
        let drives: Vec<f64> = track.beat_sounds.iter().map(drive).collect();
        let sure = rhythm.map_or(&[][..], |r| &r.beat_confidence);
        let mut sums = vec![[0.0; 2]];
        for (drive, &sure) in drives.iter().zip(sure) {
            let before = sums[sums.len() - 1];
            sums.push([before[0] + drive, before[1] + f64::from(sure)]);
        }
        let mut grid = Grid {
            track,
            beats,
            per_bar,
            downbeats,
            phrase_steps: Vec::new(),
            gain,
            sums,
            usual_drive: middle(drives),
        };
        grid.phrase_steps = grid.downbeats.iter().map(|&b| grid.phrase_step(b)).collect();
        grid
    }

    fn phrase_step(&self, beat: usize) -> u8 {
        let Some(form) = &self.track.form else { return 2 };
        let time = self.beats[beat];
        let phrase = form.phrases.iter().rev().find(|p| p.start.0 <= time + AT_START);
        let Some(phrase) = phrase else { return 2 };
        if (time - phrase.start.0).abs() < AT_START {
            return 0;
        }
        let inside = |&b: &usize| self.beats[b] > phrase.start.0 + AT_START && b <= beat;
        let bars = self.downbeats.iter().filter(|b| inside(b)).count();
        if bars.is_multiple_of(4) { 1 } else { 2 }
    }

    /// Whether there is a beat to mix on.
    pub fn is_steady(&self) -> bool {
        self.beats.len() >= 16 && self.downbeats.len() >= 4
    }

    /// The beat from its attack to the next.
    pub fn span(&self, beat: usize) -> Span {
        let start = self.beats[beat];
        Span { start: Seconds(start), duration: Seconds(self.beats[beat + 1] - start) }
    }

    /// Mean length of the beats from one to another, in seconds.
    pub fn beat_length(&self, from: usize, to: usize) -> f64 {
        let to = to.min(self.beats.len().saturating_sub(1));
        (self.beats[to] - self.beats[from]) / (to - from).max(1) as f64
    }

    /// What the beats sound like.
    pub fn sounds(&self) -> &[SpanSound] {
        &self.track.beat_sounds
    }

    /// Mean confidence of some beats, 0..=1.
    pub fn confidence(&self, from: usize, to: usize) -> f64 {
        self.mean(1, from, to)
    }

    /// How much happens in some beats, compared with the song's middle beat, in nepers.
    pub fn drive(&self, from: usize, to: usize) -> f64 {
        self.mean(0, from, to) - self.usual_drive
    }

    fn mean(&self, of: usize, from: usize, to: usize) -> f64 {
        let to = to.min(self.sums.len() - 1);
        let from = from.min(to);
        (self.sums[to][of] - self.sums[from][of]) / (to - from).max(1) as f64
    }

    /// Where its sound ends, for mixing: where it starts to fade, or where it has died away.
    pub fn end(&self) -> f64 {
        let edges = &self.track.edges;
        let end = if edges.end.0 > 0.0 { edges.end.0 } else { self.track.duration.0 };
        edges.fade_out_start.map_or(end, |fade| fade.0.min(end))
    }

    /// Where its sound begins, for mixing: where it becomes audible, or its fade-in is over.
    pub fn start(&self) -> f64 {
        let edges = &self.track.edges;
        edges.fade_in_end.map_or(edges.start.0, |fade| fade.0.max(edges.start.0))
    }

    /// Loudness as played between two times, in LUFS: mean power of the short-term curve.
    pub fn loudness(&self, from: f64, to: f64) -> f64 {
        let curve = &self.track.loudness.short_term;
        let first = (from.max(0.0) as usize).min(curve.len().saturating_sub(1));
        let last = (to.max(0.0).ceil() as usize).clamp(first + 1, curve.len().max(first + 1));
        let part = curve.get(first..last.min(curve.len())).unwrap_or(&[]);
        if part.is_empty() {
            return self.track.loudness.integrated.0 + self.gain.0;
        }
        let power: f64 = part.iter().map(|&l| 10f64.powf(f64::from(l) / 10.0)).sum();
        10.0 * (power / part.len() as f64).log10() + self.gain.0
    }
}

/// 1 where most phrases begin on bars of odd number, else 0.
fn odd_start(form: &Form, downbeats: &[usize], beats: &[f64]) -> usize {
    let bar = |p: &Phrase| downbeats.iter().position(|&d| (beats[d] - p.start.0).abs() < AT_START);
    let bars: Vec<usize> = form.phrases.iter().filter_map(bar).collect();
    usize::from(2 * bars.iter().filter(|b| !b.is_multiple_of(2)).count() > bars.len())
}

fn drive(sound: &SpanSound) -> f64 {
    sound.drive.iter().map(|&d| f64::from(d)).sum::<f64>() / sound.drive.len() as f64
}

fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
