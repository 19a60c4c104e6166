//! Metre: which pulse is the beat, and which beat opens the bar.
//!
//! The tracked pulse may be the beat, its half or its double, or lie between the beats. Every such
//! reading is laid over the onset curves and judged twice. A rule weighs contrasts: beats against
//! what lies between them (the idea of Goto, J. New Music Research 2001, and of Klapuri, Eronen and
//! Astola, IEEE TASLP 2006). A small network looks at the reading folded to bars of four, three and
//! two beats in all phases, and knows how bars look: where kicks, snares and chord changes fall.
//! That is the bar-pointer model with rhythmic patterns (Krebs, Böck and Widmer, ISMIR 2013 and
//! 2015), with learned patterns and all bars of a stretch scored at once. The reading may change
//! along the recording, but not lightly.

mod accents;
mod contrast;
mod network;

use network::Network;

use super::onset::{OnsetEnvelope, REGISTERS};
use super::tempo::{argmax, median};

/// Features of one moment: register fluxes, then harmonic change.
const FEATURES: usize = REGISTERS + 1;
/// Moments looked at in each beat, in twelfths of it: the beat, its quarters, its thirds.
const MOMENTS: [usize; 6] = [0, 3, 4, 6, 8, 9];
/// Numbers that describe one beat of a folded bar.
const WIDTH: usize = MOMENTS.len() * FEATURES;
/// Parts of a pulse that readings are made of.
const PARTS: usize = 12;
/// Pulses judged together (at 120 BPM: 16 s), and the cost in nepers of judging the next otherwise.
const CHUNK: usize = 32;
const SWITCH: f32 = 6.0;
/// Downbeats that must be missed before a bar is broken.
const BREAK: f32 = 2.0;
/// An onset counts for a moment from this many hops away.
const REACH: usize = 2;
/// No single onset may decide alone.
const CLIP: f32 = 4.0;
/// Score of what must not win.
const UNLIKELY: f32 = -1e6;
/// Fewest beats of a reading.
const FEWEST: usize = 8;
/// Beats of the bars that are tried.
const BARS: [usize; 3] = [4, 3, 2];
/// Bars in all their phases.
const HYPOTHESES: usize = 9;
/// How much the rule counts beside the network, by cross-validation on rendered music.
const RULE_WEIGHT: f32 = 0.1;
/// Tempo that octaves are counted from.
const MIDDLE: f64 = 115.0;

/// A reading of the pulse: a beat at every part `offset + k * stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    stride: usize,
    offset: usize,
}

/// Double tempo, the same tempo and half tempo, each in all phases of a quarter.
fn readings() -> impl Iterator<Item = Reading> {
    [PARTS / 2, PARTS, 2 * PARTS].into_iter().flat_map(|stride| {
        (0..stride).step_by(PARTS / 4).map(move |offset| Reading { stride, offset })
    })
}

/// What a pulse was read as.
#[derive(Clone, Debug)]
pub(super) struct Read {
    /// Times of the beats.
    pub beats: Vec<f64>,
    /// How much it looks like music: the mean score of what was chosen. Those of two pulses of one
    /// recording can be compared.
    pub plausibility: f32,
}

/// Reads the pulse (in hops). `curves` are the registers' normalised curves, `harmony` the harmonic
/// change; all as long as the recording.
pub(super) fn read(curves: &[Vec<f32>; REGISTERS], harmony: &[f32], pulse: &[f64]) -> Read {
    if pulse.len() < 2 {
        return Read { beats: pulse.to_vec(), plausibility: UNLIKELY };
    }
    let folded: Vec<Folded> =
        readings().map(|reading| Folded::new(curves, harmony, pulse, reading)).collect();
    let scores = score(&folded);
    let path = steady_path(&scores);
    let sum: f32 = scores.iter().zip(&path).map(|(row, &state)| row[state]).sum();
    let plausibility = sum / path.len().max(1) as f32;
    let of = |(chunk, state): (usize, usize)| {
        let folded = &folded[state / HYPOTHESES];
        let times = folded.times.iter().zip(&folded.chunk_of);
        times.filter(move |(_, c)| **c == chunk).map(|(time, _)| *time)
    };
    Read { beats: path.into_iter().enumerate().flat_map(of).collect(), plausibility }
}

/// Position in the bar of each beat (times in hops; 1 is the downbeat; `chords` tells for each how
/// much the harmony changes there), and the number of beats a
/// bar that most of them have.
pub(super) fn positions(
    curves: &[Vec<f32>; REGISTERS],
    harmony: &[f32],
    chords: &[f32],
    beats: &[f64],
) -> (Vec<u8>, u8) {
    if beats.len() < FEWEST {
        return ((0..beats.len()).map(|i| (i % 4) as u8 + 1).collect(), 4);
    }
    let as_they_are = Reading { stride: PARTS, offset: 0 };
    let folded = Folded::new(curves, harmony, beats, as_they_are);
    let mut scores = score(std::slice::from_ref(&folded));
    accents::add(&mut scores, &folded, chords);
    let path = steady_path(&scores);
    // The last beat has no length of its own and is no part of the reading.
    let chunk = |i: usize| folded.chunk_of[i.min(folded.chunk_of.len() - 1)];
    let count = |per_bar: usize| path.iter().filter(|&&h| bar(h).0 == per_bar).count();
    let per_bar = BARS.into_iter().rev().max_by_key(|&n| count(n)).unwrap_or(4);
    let downbeat = |i: usize| {
        let (length, phase) = bar(path[chunk(i)]);
        length == per_bar && i % length == phase
    };
    let downbeats: Vec<bool> = (0..beats.len()).map(downbeat).collect();
    (unbroken(per_bar, &downbeats), per_bar as u8)
}

/// Beats a bar and the index of the first downbeat, of one of the hypotheses.
fn bar(hypothesis: usize) -> (usize, usize) {
    match hypothesis {
        0..4 => (4, hypothesis),
        4..7 => (3, hypothesis - 4),
        _ => (2, hypothesis - 7),
    }
}

/// Scores of all hypotheses of all readings in each chunk.
fn score(folded: &[Folded]) -> Vec<Vec<f32>> {
    let network = Network::bundled();
    let chunks = folded.first().map_or(0, |f| f.tempi.len());
    (0..chunks)
        .map(|chunk| {
            let of = |f: &Folded| match f.times.len() < FEWEST {
                true => [UNLIKELY; HYPOTHESES],
                false => {
                    let rule =
                        RULE_WEIGHT * contrast::plausibility(&f.beats(chunk), f.tempi[chunk]);
                    network.score(&f.bars[chunk], f.tempi[chunk]).map(|score| score + rule)
                }
            };
            folded.iter().flat_map(of).collect()
        })
        .collect()
}

/// One reading with its beats described and folded, chunk by chunk.
struct Folded {
    /// Beats in hops.
    times: Vec<f64>,
    chunk_of: Vec<usize>,
    described: Vec<[f32; WIDTH]>,
    /// For each chunk the folds to four, three and two beats, one after the other.
    bars: Vec<[Vec<f32>; BARS.len()]>,
    /// Octaves from the middle tempo, by chunk.
    tempi: Vec<f32>,
}

impl Folded {
    fn new(
        curves: &[Vec<f32>; REGISTERS],
        harmony: &[f32],
        pulse: &[f64],
        reading: Reading,
    ) -> Folded {
        let last = (pulse.len() - 1) * PARTS;
        let chunks = ((pulse.len() - 1) / CHUNK).max(1);
        let parts: Vec<usize> = (reading.offset..=last.saturating_sub(reading.stride))
            .step_by(reading.stride)
            .collect();
        let at = |part: f64| {
            let (i, t) = (part as usize / PARTS, part / PARTS as f64);
            let i = i.min(pulse.len() - 2);
            let (a, b) = (pulse[i], pulse[i + 1]);
            a + (b - a) * (t - i as f64)
        };
        let described: Vec<[f32; WIDTH]> = parts
            .iter()
            .map(|&part| {
                let moment = |m: usize| part as f64 + (reading.stride * m) as f64 / PARTS as f64;
                describe(curves, harmony, MOMENTS.map(|m| at(moment(m))))
            })
            .collect();
        let chunk_of: Vec<usize> =
            parts.iter().map(|part| (part / (CHUNK * PARTS)).min(chunks - 1)).collect();
        let bars = (0..chunks)
            .map(|chunk| BARS.map(|per_bar| fold(&described, &chunk_of, chunk, per_bar)))
            .collect();
        Folded {
            times: parts.iter().map(|&part| at(part as f64)).collect(),
            chunk_of,
            described,
            bars,
            tempi: (0..chunks).map(|chunk| octaves(pulse, chunk, chunks, reading)).collect(),
        }
    }
}

impl Folded {
    /// The beats of a chunk.
    fn beats(&self, chunk: usize) -> Vec<&[f32; WIDTH]> {
        let beats = self.described.iter().zip(&self.chunk_of);
        beats.filter(|(_, c)| **c == chunk).map(|(beat, _)| beat).collect()
    }
}

/// Octaves between the tempo of a reading in a chunk and the middle tempo.
fn octaves(pulse: &[f64], chunk: usize, chunks: usize, reading: Reading) -> f32 {
    let end = if chunk + 1 == chunks { pulse.len() - 1 } else { (chunk + 1) * CHUNK };
    let gaps: Vec<f64> = pulse[chunk * CHUNK..=end]
        .windows(2)
        .map(|w| (w[1] - w[0]) / OnsetEnvelope::rate())
        .collect();
    let period = median(&gaps) * reading.stride as f64 / PARTS as f64;
    (60.0 / period / MIDDLE).log2() as f32
}

/// All features at some moments (in hops).
fn describe(
    curves: &[Vec<f32>; REGISTERS],
    harmony: &[f32],
    moments: [f64; MOMENTS.len()],
) -> [f32; WIDTH] {
    let last = harmony.len().saturating_sub(1);
    let mut out = [0.0; WIDTH];
    for (features, moment) in out.chunks_exact_mut(FEATURES).zip(moments) {
        let hop = (moment.max(0.0).round() as usize).min(last);
        let around = hop.saturating_sub(REACH)..=(hop + REACH).min(last);
        for (feature, curve) in features.iter_mut().zip(curves) {
            let highest = curve[around.clone()].iter().fold(0.0, |a: f32, &b| a.max(b));
            *feature = highest.min(CLIP);
        }
        features[REGISTERS] = harmony[hop].min(CLIP);
    }
    out
}

/// Means of the beats of a chunk by their place in a bar of `per_bar` beats.
fn fold(beats: &[[f32; WIDTH]], chunk_of: &[usize], chunk: usize, per_bar: usize) -> Vec<f32> {
    let mut sums = vec![0.0; per_bar * WIDTH];
    let mut counts = vec![0usize; per_bar];
    for (i, (beat, _)) in beats.iter().zip(chunk_of).enumerate().filter(|(_, (_, c))| **c == chunk)
    {
        let place = i % per_bar;
        counts[place] += 1;
        sums[place * WIDTH..][..WIDTH].iter_mut().zip(beat).for_each(|(s, b)| *s += b);
    }
    for (sums, count) in sums.chunks_exact_mut(WIDTH).zip(counts) {
        sums.iter_mut().for_each(|s| *s /= count.max(1) as f32);
    }
    sums
}

/// The bar positions that meet the most downbeats when breaking a bar costs as much as missing
/// [`BREAK`] of them.
fn unbroken(per_bar: usize, downbeats: &[bool]) -> Vec<u8> {
    let mut score = vec![0.0f32; per_bar];
    let mut back: Vec<Vec<usize>> = Vec::with_capacity(downbeats.len());
    for &downbeat in downbeats {
        let best = argmax(&score);
        let regular = |state: usize| (state + per_bar - 1) % per_bar;
        let from: Vec<usize> = (0..per_bar)
            .map(|s| if score[best] - BREAK > score[regular(s)] { best } else { regular(s) })
            .collect();
        score = (0..per_bar)
            .map(|s| {
                let kept =
                    if from[s] == regular(s) { score[from[s]] } else { score[from[s]] - BREAK };
                kept + f32::from(downbeat && s == 0)
            })
            .collect();
        back.push(from);
    }
    let mut state = argmax(&score);
    let mut positions = vec![0; downbeats.len()];
    for (i, from) in back.iter().enumerate().rev() {
        positions[i] = state as u8 + 1;
        state = from[state];
    }
    positions
}

/// Best state for each row when a change of state costs [`SWITCH`].
fn steady_path(rows: &[Vec<f32>]) -> Vec<usize> {
    let Some(n) = rows.first().map(Vec::len) else { return Vec::new() };
    let mut score = vec![0.0f32; n];
    let mut back: Vec<Vec<usize>> = Vec::with_capacity(rows.len());
    for row in rows {
        let best = argmax(&score);
        let top = score[best] - SWITCH;
        let from: Vec<usize> = (0..n).map(|s| if top > score[s] { best } else { s }).collect();
        score = (0..n).map(|s| row[s] + score[s].max(top)).collect();
        // Kept near zero, so that hours of additions lose no precision.
        let highest = score[argmax(&score)];
        score.iter_mut().for_each(|s| *s -= highest);
        back.push(from);
    }
    let mut state = argmax(&score);
    let mut path = vec![0; rows.len()];
    for (i, from) in back.iter().enumerate().rev() {
        path[i] = state;
        state = from[state];
    }
    path
}

#[cfg(test)]
mod tests;
