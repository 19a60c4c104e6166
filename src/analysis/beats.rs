//! Beat tracking: from onset curves to a grid of beats.
//!
//! A tempo path is found first, and a second one at another tempo; dynamic programming then places a
//! pulse that follows the path and falls on onsets (Ellis, J. New Music Research 2007). Which of the
//! two pulses it is, which subdivision or multiple of it is the beat, and in which phase, is judged
//! by metre, and another search follows the verdict.

use super::harmony;
use super::metre;
use super::onset::{OnsetEnvelope, PARTS, REGISTERS};
use super::tempo::{self, NEAR, TempoPath, box_mean, median, normalised, relative};
use crate::base::{Bpm, Seconds};

/// The beats of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct BeatGrid {
    /// Attack times of the beats, strictly rising.
    pub beats: Vec<Seconds>,
    /// Position of each beat in its bar; 1 is the downbeat. As long as `beats`.
    pub positions: Vec<u8>,
    /// Beats a bar: 4, 3, or 2 (6/8, where the beat is the dotted quarter).
    pub beats_per_bar: u8,
    /// Median tempo.
    pub tempo: Bpm,
    /// How regular the pulse is: 0 (not at all) to 1 (a metronome).
    pub confidence: f32,
}

/// Evidence lost when a beat's distance leaves the expected one, per squared neper.
const TIGHTNESS: f32 = 100.0;
/// Weights of the registers in the pulse curve, low to high.
const PULSE_WEIGHTS: [f32; REGISTERS] = [0.4, 0.3, 0.45, 0.45];
/// Fewest beats of a grid.
const FEWEST: usize = 4;
/// Least mean comb value and least mean of the pulse curve at the beats. White noise reaches 0.02
/// and 1.0, the faintest of the rendered clips 0.1 and 1.7.
const WEAKEST: f32 = 0.04;
const FAINTEST: f32 = 1.25;
/// Share of the strongest tempo path's comb value that another needs to be read at all. Bare clicks
/// have a second pulse at four thirds of theirs with a share of 0.37.
const CREDIBLE: f32 = 0.4;
/// A beat counts as heard when the pulse curve exceeds this near it.
const HEARD: f32 = 0.5;
/// The flux of rendered instruments peaks about this many hops after the attack.
const LATENCY: f64 = 0.5;
/// How far, in hops, a beat may move to its attack.
const SNAP: usize = 3;
/// Level below the loudest hop (-50 dB) that counts as silence.
const SILENCE: f32 = 0.003;

/// Normalised curves, one value a hop.
pub struct Curves {
    /// Rise of each register above its surroundings, low to high, in units of its root mean square.
    pub registers: [Vec<f32>; REGISTERS],
    /// Rise of the complex-domain curve above its surroundings.
    complex: Vec<f32>,
    /// Weighted sum of the registers.
    pulse: Vec<f32>,
    /// Harmonic change in units of its local mean.
    pub harmony: Vec<f32>,
}

impl Curves {
    /// The curves of a recording.
    pub fn new(onsets: &OnsetEnvelope) -> Self {
        let registers: [Vec<f32>; REGISTERS] = std::array::from_fn(|r| {
            normalised(&onsets.flux.iter().map(|flux| flux[r]).collect::<Vec<_>>())
        });
        let sum = |i: usize| registers.iter().zip(PULSE_WEIGHTS).map(|(c, w)| w * c[i]).sum();
        let pulse = (0..onsets.len()).map(sum).collect();
        let harmony = relative(harmony::harmonic_change(onsets));
        Curves { registers, complex: normalised(&onsets.complex), pulse, harmony }
    }

    /// What may repeat once a beat.
    fn evidence(&self) -> Vec<&[f32]> {
        self.registers.iter().chain([&self.complex]).map(Vec::as_slice).collect()
    }
}

/// The pulses that metre reads, in hops: each may be the beat, its half, its double or lie between
/// the beats.
pub fn pulses(curves: &Curves) -> Vec<Vec<usize>> {
    tempo::tempo_paths(&curves.evidence())
        .iter()
        .map(|path| dynamic_programming(&curves.pulse, path))
        .collect()
}

/// Finds the beats. `None` where there is no steady beat: silence, noise, a lone click, a held
/// tone, or fewer than four beats. Time and memory are linear in the length.
pub fn track_beats(onsets: &OnsetEnvelope) -> Option<BeatGrid> {
    let music = sounding(onsets)?;
    let curves = Curves::new(onsets);
    let readings = readings(&curves).into_iter();
    let (path, hops) = readings
        .map(|(path, beats)| follow(&curves, path, &beats))
        .find(|(_, hops)| heard(&curves.pulse, hops))?;
    let times = within(&attacks(&curves.pulse, onsets, &hops), &music);
    if times.len() < FEWEST {
        return None;
    }
    let (positions, beats_per_bar) = positions(&curves, onsets, &times);
    let beats: Vec<Seconds> = times.iter().map(|t| Seconds(t / OnsetEnvelope::rate())).collect();
    let gaps: Vec<f64> = beats.windows(2).map(|w| w[1].0 - w[0].0).collect();
    Some(BeatGrid {
        beats,
        positions,
        beats_per_bar,
        tempo: Bpm::from_period(Seconds(median(&gaps))),
        confidence: path.strength.clamp(0.0, 1.0),
    })
}

/// The tempo paths with the beats along them, those that look most like music first, the bare pulse
/// last: where no onsets bear out a reading, as with a metronome alone, it stands for itself. None
/// without a steady pulse.
fn readings(curves: &Curves) -> Vec<(TempoPath, Vec<f64>)> {
    let mut paths = tempo::tempo_paths(&curves.evidence());
    let strongest = paths.first().map_or(0.0, |path| path.strength);
    let least = WEAKEST.max(CREDIBLE * strongest);
    paths.retain(|path| path.strength >= least);
    let pulse = |path: TempoPath| {
        let hops = dynamic_programming(&curves.pulse, &path);
        (path, hops.into_iter().map(|hop| hop as f64).collect())
    };
    let pulses: Vec<(TempoPath, Vec<f64>)> = paths.into_iter().map(pulse).collect();
    let bare = pulses.first().cloned();
    let read = |(path, pulse): (TempoPath, Vec<f64>)| {
        (path, metre::read(&curves.registers, &curves.harmony, &pulse))
    };
    let mut readings: Vec<_> = pulses.into_iter().map(read).collect();
    readings.sort_by(|a, b| b.1.plausibility.total_cmp(&a.1.plausibility));
    let read = readings.into_iter().map(|(path, read)| (path, read.beats));
    read.chain(bare).filter(|(_, beats)| beats.len() >= FEWEST).collect()
}

/// The search that follows a verdict: the path through its beats, and the hops of the beats.
fn follow(curves: &Curves, path: TempoPath, beats: &[f64]) -> (TempoPath, Vec<usize>) {
    let path = path.through(beats, curves.pulse.len());
    let hops = dynamic_programming(&emphasised(&curves.pulse, beats), &path);
    (path, hops)
}

/// Bar positions of given beats (in hops) and the number of beats a bar.
pub(super) fn positions(curves: &Curves, onsets: &OnsetEnvelope, times: &[f64]) -> (Vec<u8>, u8) {
    let chords = harmony::chord_changes(onsets, times);
    metre::positions(&curves.registers, &curves.harmony, &chords, times)
}

/// Onset curves for a song whose drums were separated: those of the drums where drums sound, of
/// the full mix where they are silent. Harmony and level are the mix's.
pub fn combine(drums: &OnsetEnvelope, mix: &OnsetEnvelope) -> OnsetEnvelope {
    /// Drums 26 dB below the mix or softer are leakage.
    const LEAKAGE: f32 = 0.05;
    let n = mix.len();
    let energy = |level: &[f32]| {
        let padded = level.iter().copied().chain(std::iter::repeat(0.0)).take(n);
        box_mean(&padded.map(|x| x * x).collect::<Vec<_>>(), 2 * NEAR)
    };
    let (drum_energy, mix_energy) = (energy(&drums.level), energy(&mix.level));
    let present: Vec<f32> = drum_energy
        .iter()
        .zip(&mix_energy)
        .map(|(d, m)| if *d > LEAKAGE * LEAKAGE * m && *d > 0.0 { 1.0 } else { 0.0 })
        .collect();
    let share = box_mean(&present, NEAR);
    let blend = |hop: usize| {
        let drum = drums.flux.get(hop).copied().unwrap_or_default();
        let (w, whole) = (share[hop], mix.flux[hop]);
        std::array::from_fn(|r| w * drum[r] + (1.0 - w) * whole[r])
    };
    let newest = |hop: usize| {
        let drum = drums.complex.get(hop).copied().unwrap_or_default();
        share[hop] * drum + (1.0 - share[hop]) * mix.complex[hop]
    };
    let sharpest = |hop: usize| {
        let drum = drums.attack.get(hop).copied().unwrap_or_default();
        let (w, whole) = (share[hop], mix.attack[hop]);
        std::array::from_fn(|p| w * drum[p] + (1.0 - w) * whole[p])
    };
    OnsetEnvelope {
        flux: (0..n).map(blend).collect(),
        complex: (0..n).map(newest).collect(),
        level: mix.level.clone(),
        attack: (0..n).map(sharpest).collect(),
        chroma: mix.chroma.clone(),
        timbre: mix.timbre.clone(),
        print: mix.print.clone(),
    }
}

/// From the first to the last hop that is not silent.
fn sounding(onsets: &OnsetEnvelope) -> Option<std::ops::Range<f64>> {
    let loudest = onsets.level.iter().copied().fold(0.0, |a, b| if b > a { b } else { a });
    let loud = |level: &f32| *level > SILENCE * loudest && *level > 1e-5;
    let first = onsets.level.iter().position(loud)?;
    let last = onsets.level.iter().rposition(loud)?;
    Some(first as f64..(last + 1) as f64)
}

/// The sequence of hops with the most onset strength at the distances the path asks for.
fn dynamic_programming(pulse: &[f32], path: &TempoPath) -> Vec<usize> {
    const START: u32 = u32::MAX;
    let n = pulse.len();
    let longest = path.periods.iter().copied().fold(1.0, |a: f32, b| if b > a { b } else { a });
    let logs: Vec<f32> = (0..longest as usize * 2 + 2).map(|d| (d.max(1) as f32).ln()).collect();
    let mut score = vec![0.0f32; n];
    let mut back = vec![START; n];
    for t in 0..n {
        let period = path.period_at(t);
        let expected = period.ln();
        let (near, far) = ((0.6 * period) as usize, ((1.6 * period) as usize).min(t));
        let mut best = 0.0;
        for d in near.max(1)..=far {
            let z = logs[d] - expected;
            let value = score[t - d] - TIGHTNESS * z * z;
            if value > best {
                best = value;
                back[t] = (t - d) as u32;
            }
        }
        score[t] = best + pulse[t];
    }
    let last_period = path.period_at(n.saturating_sub(1)) as usize;
    let mut t = (n.saturating_sub(last_period.max(1))..n)
        .reduce(|a, b| if score[b] > score[a] { b } else { a })
        .map_or(START, |t| t as u32);
    let mut beats = Vec::new();
    while t != START {
        beats.push(t as usize);
        t = back[t as usize];
    }
    beats.reverse();
    beats
}

/// Silences the pulse away from the chosen beats, so that a second search keeps to their phase.
/// Before the first and after the last beat the grid is taken to go on.
fn emphasised(pulse: &[f32], beats: &[f64]) -> Vec<f32> {
    let mut next = 1;
    pulse
        .iter()
        .enumerate()
        .map(|(hop, &p)| {
            let hop = hop as f64;
            while next + 1 < beats.len() && beats[next] <= hop {
                next += 1;
            }
            let (a, b) = (beats[next - 1], beats[next]);
            let near = (std::f64::consts::TAU * (hop - a) / (b - a)).cos() as f32;
            if near > 0.0 { p * near } else { 0.0 }
        })
        .collect()
}

/// Whether enough beats fall on onsets, and on strong enough ones, to call it a beat.
fn heard(pulse: &[f32], hops: &[usize]) -> bool {
    let strengths = hops.iter().map(|&h| pulse[peak(pulse, h)]);
    let count = strengths.clone().filter(|&s| s > HEARD).count();
    count >= FEWEST && strengths.sum::<f32>() > FAINTEST * hops.len() as f32
}

/// The highest hop within reach of `hop`.
fn peak(pulse: &[f32], hop: usize) -> usize {
    let reach = hop.saturating_sub(SNAP)..(hop + SNAP + 1).min(pulse.len());
    reach.fold(hop, |a, b| if pulse[b] > pulse[a] { b } else { a })
}

/// Attack times in hops, to a fraction of a hop: the steepest rise of the attack curve near the
/// flux peak, or the peak itself, less its latency, where nothing rises steeply.
fn attacks(pulse: &[f32], onsets: &OnsetEnvelope, hops: &[usize]) -> Vec<f64> {
    let fine = onsets.attack.as_flattened();
    hops.iter()
        .map(|&hop| {
            let m = peak(pulse, hop);
            if pulse[m] <= HEARD || m == 0 || m + 1 == pulse.len() {
                return hop as f64 - LATENCY;
            }
            let neighbours = [m - 1, m, m + 1].map(|i| f64::from(pulse[i]));
            let vertex = m as f64 + vertex(neighbours) - LATENCY;
            steepest(fine, vertex).unwrap_or(vertex)
        })
        .collect()
}

/// Where the parabola through three equidistant values is highest, in steps from the middle one.
fn vertex([a, b, c]: [f64; 3]) -> f64 {
    let curvature = a - 2.0 * b + c;
    if curvature < 0.0 { (0.5 * (a - c) / curvature).clamp(-1.0, 1.0) } else { 0.0 }
}

/// Where the attack curve rises most steeply near `hop`, if it does.
fn steepest(fine: &[f32], hop: f64) -> Option<f64> {
    /// Parts searched on either side, parts averaged before and after, least rise in nepers.
    const REACH: usize = 7;
    const BEFORE: usize = 6;
    const AFTER: usize = 4;
    const RISE: f32 = 0.25;
    let centre = (hop * PARTS as f64).round().max(0.0) as usize;
    let (from, to) = (centre.checked_sub(REACH)?, centre + REACH);
    let start = from.checked_sub(BEFORE + 1)?;
    let around = fine.get(start..to + AFTER + 1)?;
    let usual = around.iter().sum::<f32>() / around.len() as f32;
    let logs: Vec<f32> = around.iter().map(|x| (x + 0.3 * usual + 1e-7).ln()).collect();
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    // Entry i is the rise at part `from - 1 + i`.
    let rises: Vec<f32> = (BEFORE..logs.len() - AFTER)
        .map(|i| mean(&logs[i..i + AFTER]) - mean(&logs[i - BEFORE..i]))
        .collect();
    let best = (1..rises.len() - 1).reduce(|a, b| if rises[b] > rises[a] { b } else { a })?;
    if rises[best] < RISE {
        return None;
    }
    let shift = vertex([best - 1, best, best + 1].map(|i| f64::from(rises[i])));
    Some(((from - 1 + best) as f64 + shift) / PARTS as f64)
}

/// Keeps the beats strictly rising, continues them to the ends of the music, drops those outside.
fn within(times: &[f64], music: &std::ops::Range<f64>) -> Vec<f64> {
    let mut beats: Vec<f64> = Vec::with_capacity(times.len() + 8);
    for &t in times {
        if beats.last().is_none_or(|&last| t > last + 1.0) {
            beats.push(t);
        }
    }
    if beats.len() < 2 {
        return beats;
    }
    let step = |run: &[f64]| (run[run.len() - 1] - run[0]) / (run.len() - 1) as f64;
    let head = step(&beats[..beats.len().min(5)]);
    let tail = step(&beats[beats.len().saturating_sub(5)..]);
    // An attack may lie a few hops before the level tells of it.
    let (from, to) = ((music.start - SNAP as f64).max(0.0), music.end);
    let mut early = Vec::new();
    let mut t = beats[0] - head;
    while t >= from - SNAP as f64 {
        early.push(t.max(0.0));
        t -= head;
    }
    let mut t = beats[beats.len() - 1] + tail;
    while t < to {
        beats.push(t);
        t += tail;
    }
    early.reverse();
    early.extend(beats.into_iter().map(|t| t.max(0.0)).filter(|t| (from..to).contains(t)));
    early.dedup_by(|b, a| *b <= *a);
    early
}

#[cfg(test)]
mod tests;
