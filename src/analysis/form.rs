//! The form of a song: phrases on bars, named A, B, C by likeness, with intro and outro.
//!
//! Bars are compared with one another in harmony, colour, drive and loudness. Where the bars
//! before and after a bar line differ from each other and agree among themselves, a phrase is
//! likely to begin (the novelty of Foote, ICME 2000); dynamic programming weighs that against the
//! lengths music favours, eight bars above all. Phrases that run alike bar by bar get one letter.
//! All scales are absolute: a song that never changes is one long A, however small its
//! differences are.

mod labels;
mod likeness;
mod phrases;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::bars::SpanSound;
use super::edges::Edges;
use crate::base::Seconds;
use likeness::Distances;

/// A run of bars that belong together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phrase {
    /// When it begins.
    pub start: Seconds,
    /// When the next begins, or the last bar ends.
    pub end: Seconds,
    /// Number of bars.
    pub bars: usize,
    /// Phrases of one letter sound alike: `A` for the first heard, then `B` and so on.
    pub label: String,
}

/// Phrases, intro and outro.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Form {
    /// Without gaps, from the first bar, or a pickup of half a bar or more, to the end of the last.
    pub phrases: Vec<Phrase>,
    /// Where the song proper begins, if thinner phrases lead to it.
    pub intro_end: Option<Seconds>,
    /// Where it ends, if thinner phrases lead out of it.
    pub outro_start: Option<Seconds>,
}

impl Form {
    /// Letters with lengths in bars: `A8 A8 B8 A8`.
    pub fn summary(&self) -> String {
        let each = self.phrases.iter().map(|p| format!("{}{}", p.label, p.bars));
        each.collect::<Vec<_>>().join(" ")
    }
}

/// Fewer bars have no form; more are no song (50 minutes at 120 BPM), and the comparison of every
/// bar with every other would outgrow its worth.
const BARS: std::ops::RangeInclusive<usize> = 4..=1_500;
/// A phrase is thin when it has this much less drive (in nepers) or is this much softer (in dB)
/// than the middle bar of the song.
const THIN_DRIVE: f32 = 0.3;
const THIN_LEVEL: f32 = 4.0;
/// Intro and outro are at most this share of the song each.
const LONGEST_INTRO: f64 = 0.34;

/// Finds the form of the bars between consecutive `boundaries`. `None` for too few or too many.
pub fn find_form(bars: &[SpanSound], boundaries: &[Seconds], edges: &Edges) -> Option<Form> {
    if !BARS.contains(&bars.len()) || boundaries.len() != bars.len() + 1 {
        return None;
    }
    let faded: Vec<bool> = boundaries[1..].iter().map(|&end| edges.fades_at(end)).collect();
    let distances = Distances::between(bars, &faded);
    let starts = phrases::phrase_starts(&distances);
    let spans: Vec<(usize, usize)> = starts
        .iter()
        .zip(starts[1..].iter().chain([&bars.len()]))
        .map(|(&from, &to)| (from, to))
        .collect();
    let labels = labels::labels(&distances, &spans);
    let thin = thin_phrases(bars, &spans, &faded);
    let phrases = spans.iter().zip(&labels).map(|(&(from, to), &label)| Phrase {
        start: boundaries[from],
        end: boundaries[to],
        bars: to - from,
        label: letter(label),
    });
    let (intro, outro) = (leading(&thin, &spans), trailing(&thin, &spans));
    Some(Form {
        phrases: phrases.collect(),
        intro_end: (intro > 0).then(|| boundaries[intro]),
        outro_start: (outro < bars.len()).then(|| boundaries[outro]),
    })
}

/// Whether each phrase is thinner than the song. Bars that fade are not judged.
fn thin_phrases(bars: &[SpanSound], spans: &[(usize, usize)], faded: &[bool]) -> Vec<bool> {
    let drive = |bar: &SpanSound| bar.drive.iter().sum::<f32>() / bar.drive.len() as f32;
    let usual_drive = middle(bars.iter().map(drive).collect());
    let usual_level = middle(bars.iter().map(|bar| bar.loudness_db).collect());
    let thin = |&(from, to): &(usize, usize)| {
        let judged: Vec<&SpanSound> = (from..to).filter(|&i| !faded[i]).map(|i| &bars[i]).collect();
        if judged.is_empty() {
            return false;
        }
        let n = judged.len() as f32;
        let mean_drive = judged.iter().map(|bar| drive(bar)).sum::<f32>() / n;
        let mean_level = judged.iter().map(|bar| bar.loudness_db).sum::<f32>() / n;
        mean_drive < usual_drive - THIN_DRIVE || mean_level < usual_level - THIN_LEVEL
    };
    spans.iter().map(thin).collect()
}

fn middle(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The bar the intro ends at: 0 where there is none or all of it would be intro.
fn leading(thin: &[bool], spans: &[(usize, usize)]) -> usize {
    let bars = spans.last().map_or(0, |s| s.1);
    let end = thin.iter().position(|t| !t).map_or(0, |i| spans[i].0);
    if end as f64 <= LONGEST_INTRO * bars as f64 { end } else { 0 }
}

/// The bar the outro starts at: the number of bars where there is none.
fn trailing(thin: &[bool], spans: &[(usize, usize)]) -> usize {
    let bars = spans.last().map_or(0, |s| s.1);
    let start = thin.iter().rposition(|t| !t).map_or(bars, |i| spans[i].1);
    if (bars - start) as f64 <= LONGEST_INTRO * bars as f64 { start } else { bars }
}

/// `A` to `Z`, then `AA` and so on, as columns of a spreadsheet are named.
fn letter(index: usize) -> String {
    let last = char::from(b'A' + (index % 26) as u8);
    match index / 26 {
        0 => last.to_string(),
        more => letter(more - 1) + &last.to_string(),
    }
}
