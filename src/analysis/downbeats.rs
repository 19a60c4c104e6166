//! Metre: which pulse is the beat, and which beat opens the bar.
//!
//! Both questions are answered from the same beat-synchronous features: the flux of each register
//! and the harmonic change (the idea of Goto, J. New Music Research 2001, and of Klapuri, Eronen
//! and Astola, IEEE TASLP 2006: chords change on downbeats, snares answer on the backbeat).

use super::onset::{CHROMA_HOPS, CHROMA_WIDTH, OnsetEnvelope, REGISTERS};

/// Features of one point in time: register fluxes, then harmonic change.
pub(super) type Feature = [f32; REGISTERS + 1];
const HARMONY: usize = REGISTERS;

/// Candidate beats are taken from quarters of the tracked pulse.
pub(super) const QUARTERS: usize = 4;
/// Pulses judged together (at 120 BPM: 16 s), and the cost in nepers of judging the next otherwise.
const CHUNK: usize = 32;
const SWITCH: f32 = 6.0;
/// Weights of the evidence, by logistic regression on rendered clips, rounded: preferred tempo
/// (per squared octave), beats against off-beats in the upper registers and in harmony,
/// alternation of strong and weak beats, harmony gathered on one beat of four.
const TEMPO_WEIGHT: f32 = 4.0;
const ACCENT_WEIGHT: f32 = 0.7;
const HARMONY_WEIGHT: f32 = 0.6;
const ALTERNATION_WEIGHT: f32 = 0.5;
const BAR_WEIGHT: f32 = 1.2;
/// Cost of a reading whose every other beat falls on silence, and what counts as silence there.
const SILENT_WEIGHT: f32 = 8.0;
const HEARD: f32 = 0.5;
/// Tempo in the middle of the preferred octave.
const PREFERRED: f32 = 115.0;
/// No single contrast may decide alone.
const CLIP: f32 = 4.0;

/// A reading of the pulse: a beat at every quarter `offset + k * stride`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub stride: usize,
    pub offset: usize,
}

/// Double tempo, same tempo and half tempo, each in all phases.
fn readings() -> Vec<Reading> {
    [QUARTERS / 2, QUARTERS, 2 * QUARTERS]
        .into_iter()
        .flat_map(|stride| (0..stride).map(move |offset| Reading { stride, offset }))
        .collect()
}

/// Samples the normalised curves at `times` (in hops), taking the maximum within one hop.
pub(super) fn sample(
    curves: &[Vec<f32>; REGISTERS],
    harmony: &[f32],
    times: &[f64],
) -> Vec<Feature> {
    let last = harmony.len().saturating_sub(1);
    let at = |&time: &f64| {
        let hop = (time.max(0.0).round() as usize).min(last);
        let around = hop.saturating_sub(1)..=(hop + 1).min(last);
        let mut feature = [0.0; REGISTERS + 1];
        for (f, curve) in feature.iter_mut().zip(curves) {
            *f = around.clone().map(|i| curve[i]).fold(0.0, |a, b| if b > a { b } else { a });
        }
        feature[HARMONY] = harmony[hop];
        feature
    };
    times.iter().map(at).collect()
}

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

/// Picks the quarters that are beats. `features` holds one entry for each quarter, `periods` the
/// seconds of each pulse. The reading may change along the recording, but not lightly.
pub(super) fn choose_beats(features: &[Feature], periods: &[f64]) -> Vec<usize> {
    let readings = readings();
    let chunk = CHUNK * QUARTERS;
    let chunks = (features.len() / chunk).max(1);
    let range =
        |c: usize| c * chunk..if c + 1 == chunks { features.len() } else { (c + 1) * chunk };
    let scores: Vec<Vec<f32>> = (0..chunks)
        .map(|c| {
            let pulses = range(c).start / QUARTERS..(range(c).end / QUARTERS).min(periods.len());
            let period = median(&periods[pulses]);
            readings.iter().map(|r| plausibility(&features[range(c)], period, *r)).collect()
        })
        .collect();
    let path = steady_path(&scores);
    (0..chunks)
        .flat_map(|c| {
            let r = readings[path[c]];
            range(c).filter(move |q| q % r.stride == r.offset)
        })
        .collect()
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.5)
}

/// Log-plausibility of one reading of a chunk, up to a constant.
fn plausibility(features: &[Feature], period: f64, r: Reading) -> f32 {
    let tempo = 60.0 / (period * r.stride as f64 / QUARTERS as f64);
    let octaves = (tempo as f32 / PREFERRED).log2();
    let beats: Vec<&Feature> = features.iter().skip(r.offset).step_by(r.stride).collect();
    let between: Vec<&Feature> =
        features.iter().skip(r.offset + r.stride / 2).step_by(r.stride).collect();
    let (on, off) = (profile(&beats), profile(&between));
    let clip = |x: f32| x.clamp(-CLIP, CLIP);
    TEMPO_WEIGHT * -octaves * octaves
        + ACCENT_WEIGHT * clip(on.accent - off.accent)
        + HARMONY_WEIGHT * clip(on.harmony - off.harmony)
        + ALTERNATION_WEIGHT * clip(on.alternation - off.alternation)
        + BAR_WEIGHT * clip(on.bar - off.bar)
        - SILENT_WEIGHT * on.silent * on.silent
}

struct Profile {
    accent: f32,
    harmony: f32,
    alternation: f32,
    bar: f32,
    /// Share of silent beats among the even or the odd ones, whichever has more.
    silent: f32,
}

/// Mean features of a sequence of beats and of its folds by 2 and 4.
fn profile(beats: &[&Feature]) -> Profile {
    let fold = |from: usize, step: usize, value: &dyn Fn(&Feature) -> f32| {
        let picked = beats.iter().skip(from).step_by(step);
        let n = picked.clone().count().max(1);
        picked.map(|f| value(f)).sum::<f32>() / n as f32
    };
    let upper = |f: &Feature| 0.5 * (f[2] + f[3]);
    let harmony = |f: &Feature| f[HARMONY];
    let silent = |f: &Feature| f32::from(f[..REGISTERS].iter().all(|&x| x < HEARD));
    let (even, odd) = (fold(0, 2, &silent), fold(1, 2, &silent));
    let folds: [f32; 4] = std::array::from_fn(|i| fold(i, 4, &harmony));
    let centre = folds.iter().sum::<f32>() / 4.0;
    Profile {
        accent: fold(0, 1, &upper),
        harmony: fold(0, 1, &harmony),
        alternation: (fold(0, 2, &upper) - fold(1, 2, &upper)).abs(),
        bar: (folds.iter().map(|f| (f - centre) * (f - centre)).sum::<f32>() / 4.0).sqrt(),
        silent: if even > odd { even } else { odd },
    }
}

/// Best state for each row when a change of state costs `SWITCH`.
fn steady_path(rows: &[Vec<f32>]) -> Vec<usize> {
    let n = rows[0].len();
    let mut score = vec![0.0f32; n];
    let mut back: Vec<Vec<usize>> = Vec::with_capacity(rows.len());
    for row in rows {
        let best = argmax(&score);
        let top = score[best] - SWITCH;
        let from: Vec<usize> = (0..n).map(|s| if top > score[s] { best } else { s }).collect();
        score = (0..n).map(|s| row[s] + if top > score[s] { top } else { score[s] }).collect();
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

fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, &v) in values.iter().enumerate() {
        if v > values[best] {
            best = i;
        }
    }
    best
}

/// Weights of a downbeat's evidence against other beats, by logistic regression on rendered clips,
/// rounded: a kick or bass note speaks for it, as does a chord that differs from the last beat's.
const DOWNBEAT_LOW: f32 = 1.0;
const DOWNBEAT_MIDDLE: f32 = -0.5;
const DOWNBEAT_CHORD: f32 = 2.0;
/// Beat 3 of four has neither the kick of beat 1 nor the snare of its neighbours.
const THIRD_LOW: f32 = -0.5;
const THIRD_TOP: f32 = -0.7;
/// The regression saw eight bars at a time; this is the share of one.
const ONE_BAR: f32 = 1.0 / 8.0;
/// Cost of breaking the bar.
const BREAK: f32 = 3.0;
/// Four beats a bar are the rule: three must fit by this factor and by this much better. (Right
/// readings of rendered clips fit by 4 to 30, wrong ones by less than 2.)
const THREE_FACTOR: f32 = 1.3;
const THREE_MARGIN: f32 = 2.0;

/// Position in the bar of each beat (times in hops), and the number of beats a bar (3 or 4).
pub(super) fn positions(
    features: &[Feature],
    onsets: &OnsetEnvelope,
    times: &[f64],
) -> (Vec<u8>, u8) {
    let chords = chord_changes(onsets, times);
    let column = |value: &dyn Fn(usize) -> f32| -> Vec<f32> {
        centred((0..features.len()).map(value).collect())
    };
    let low = column(&|i| features[i][0]);
    let middle = column(&|i| features[i][1]);
    let top = column(&|i| features[i][3]);
    let chord = column(&|i| chords[i]);
    let first: Vec<f32> = (0..features.len())
        .map(|i| DOWNBEAT_LOW * low[i] + DOWNBEAT_MIDDLE * middle[i] + DOWNBEAT_CHORD * chord[i])
        .collect();
    let third: Vec<f32> =
        (0..features.len()).map(|i| THIRD_LOW * low[i] + THIRD_TOP * top[i]).collect();
    let (four, three) = (bars(4, &first, Some(&third)), bars(3, &first, None));
    let fit = |positions: &[u8]| {
        let on = positions.iter().zip(&first).filter(|(p, _)| **p == 1).map(|(_, f)| f);
        let n = on.clone().count().max(1) as f32;
        on.sum::<f32>() / n.sqrt()
    };
    if fit(&three) > THREE_FACTOR * fit(&four).max(0.0) + THREE_MARGIN {
        (three, 3)
    } else {
        (four, 4)
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

/// How little the chroma from each beat to the next resembles that of the beat before.
fn chord_changes(onsets: &OnsetEnvelope, times: &[f64]) -> Vec<f32> {
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

/// The best sequence of bar positions for beats with the given evidence for positions 1 and 3.
fn bars(per_bar: usize, first: &[f32], third: Option<&[f32]>) -> Vec<u8> {
    let mut score = vec![0.0f32; per_bar];
    let mut next = score.clone();
    let mut back: Vec<u8> = Vec::with_capacity(first.len() * per_bar);
    for i in 0..first.len() {
        let best = argmax(&score);
        for (state, value) in next.iter_mut().enumerate() {
            let regular = (state + per_bar - 1) % per_bar;
            let broken = score[best] - BREAK > score[regular];
            let from = if broken { best } else { regular };
            let evidence = match state {
                0 => first[i],
                2 => third.map_or(0.0, |t| t[i]),
                _ => 0.0,
            };
            let cost = if broken { BREAK } else { 0.0 };
            *value = score[from] - cost + ONE_BAR * evidence;
            back.push(from as u8);
        }
        std::mem::swap(&mut score, &mut next);
    }
    let mut state = argmax(&score);
    let mut positions = vec![0; first.len()];
    for (i, from) in back.chunks_exact(per_bar).enumerate().rev() {
        positions[i] = state as u8 + 1;
        state = usize::from(from[state]);
    }
    positions
}

#[cfg(test)]
mod tests;
