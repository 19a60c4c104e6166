//! The tempo path: how long a beat lasts at every moment.
//!
//! Autocorrelation of the onset curves in overlapping windows, a comb over its multiples and a
//! log-normal preference give evidence for each beat length (Davies and Plumbley, IEEE TASLP
//! 2007); a Viterbi search finds the smoothest well-supported path (Degara et al., IEEE TASLP
//! 2012).

use super::onset::OnsetEnvelope;
use super::real_fft::RealFft;

/// Hops between two values of the path (0.74 s).
pub const STEP: usize = 64;
const WINDOW: usize = 768;
const FFT: usize = 2048;
const MULTIPLES: usize = 4;

const SLOWEST: f64 = 48.0;
const FASTEST: f64 = 216.0;
/// Beat lengths grow by this ratio from state to state.
const RATIO: f64 = 1.015;
/// The tempo listeners prefer and the spread of that preference in nepers.
const PREFERRED: f64 = 115.0;
const SPREAD: f64 = 0.45;
/// Nepers of evidence that a comb value of 1 is worth.
const TRUST: f32 = 12.0;
/// Cost of moving by one state in one step, and of jumping anywhere.
const DRIFT: f32 = 0.5;
const JUMP: f32 = 30.0;
/// Tempi no further than this from an octave, in octaves, are related; cost of those in one step.
const RELATED: f32 = 0.11;
const SHUNNED: f32 = 8.0;
/// Most states the path drifts in one step: 4.6 % in 0.74 s.
const REACH: usize = 3;

/// Hops over which an onset is compared with its surroundings: half a second and four seconds on
/// either side.
pub(super) const NEAR: usize = 43;
const FAR: usize = 350;
/// A flux of this many nepers is never noise of the arithmetic.
const FLOOR: f32 = 0.02;

/// Beat length over time.
#[derive(Clone, Debug)]
pub struct TempoPath {
    /// Beat length in hops, one value every [`STEP`] hops.
    pub periods: Vec<f32>,
    /// Mean comb value along the path: about 0 for noise, 1 for a perfect pulse.
    pub strength: f32,
}

impl TempoPath {
    /// Beat length in hops around hop `hop`.
    pub fn period_at(&self, hop: usize) -> f32 {
        let last = self.periods.len() - 1;
        let i = (hop / STEP).min(last);
        let t = (hop % STEP) as f32 / STEP as f32;
        let (a, b) = (self.periods[i], self.periods[(i + 1).min(last)]);
        // No glide through the tempi between two metrical levels.
        if (a / b - 1.0).abs() < 0.1 { a + (b - a) * t } else { a }
    }
}

impl TempoPath {
    /// The path that runs through `beats` (in hops) over `hops` hops.
    pub fn through(&self, beats: &[f64], hops: usize) -> TempoPath {
        let mut i = 0;
        let periods = (0..hops / STEP + 1)
            .map(|step| {
                let hop = (step * STEP) as f64;
                while i + 2 < beats.len() && beats[i + 1] <= hop {
                    i += 1;
                }
                // Over four beats on either side, for single beats waver.
                let (a, b) = (i.saturating_sub(4), (i + 5).min(beats.len() - 1));
                ((beats[b] - beats[a]) / (b - a) as f64) as f32
            })
            .collect();
        TempoPath { periods, strength: self.strength }
    }
}

/// Finds the tempo path of normalised onset curves of equal length, and the best path at a tempo
/// that is not related to it by octaves: some rhythms (three against four, a dotted figure that
/// never ends) are steadier than the beat they are played to. Empty if the curves are.
pub fn tempo_paths(curves: &[&[f32]]) -> Vec<TempoPath> {
    let hops = curves.first().map_or(0, |curve| curve.len());
    if hops == 0 {
        return Vec::new();
    }
    let states = states();
    let steps = hops / STEP + 1;
    let mut acf = Autocorrelation::new();
    let mut combs = Vec::with_capacity(steps * states.len());
    for step in 0..steps {
        acf.measure(curves, (step * STEP) as isize - WINDOW as isize / 2);
        combs.extend(states.iter().map(|&p| acf.comb(p)));
    }
    let path = |path: &[usize]| {
        let sum: f32 = path.iter().enumerate().map(|(i, &s)| combs[i * states.len() + s]).sum();
        let periods = path.iter().map(|&s| states[s]).collect();
        TempoPath { periods, strength: sum / steps as f32 }
    };
    let best = viterbi(&combs, &states, |_, _| false);
    let other = viterbi(&combs, &states, |step, state| related(states[best[step]], states[state]));
    vec![path(&best), path(&other)]
}

/// Whether one period is the other, its half or its double, nearly.
fn related(a: f32, b: f32) -> bool {
    let octaves = (a / b).log2().abs();
    octaves < 1.5 && (octaves - octaves.round()).abs() < RELATED
}

/// Rise of a curve above its surroundings, in units of its local root mean square.
pub(super) fn normalised(curve: &[f32]) -> Vec<f32> {
    let power = box_mean(&curve.iter().map(|x| x * x).collect::<Vec<_>>(), FAR);
    let mean = box_mean(curve, NEAR);
    curve
        .iter()
        .zip(mean.iter().zip(power))
        .map(|(x, (m, p))| if x > m { (x - m) / (p.sqrt() + FLOOR) } else { 0.0 })
        .collect()
}

/// Divides by the local mean.
pub(super) fn relative(mut curve: Vec<f32>) -> Vec<f32> {
    let usual = box_mean(&curve, FAR);
    curve.iter_mut().zip(usual).for_each(|(x, u)| *x /= u + 0.01);
    curve
}

/// Mean over `half` values on either side, by running sums.
pub(super) fn box_mean(curve: &[f32], half: usize) -> Vec<f32> {
    let mut sums = Vec::with_capacity(curve.len() + 1);
    let mut sum = 0.0f64;
    sums.push(sum);
    for &x in curve {
        sum += f64::from(x);
        sums.push(sum);
    }
    (0..curve.len())
        .map(|i| {
            let (a, b) = (i.saturating_sub(half), (i + half + 1).min(curve.len()));
            // Rounding must not leave a negative power behind.
            ((sums[b] - sums[a]) / (b - a) as f64).max(0.0) as f32
        })
        .collect()
}

fn states() -> Vec<f32> {
    let rate = OnsetEnvelope::rate();
    let (shortest, longest) = (60.0 * rate / FASTEST, 60.0 * rate / SLOWEST);
    let count = ((longest / shortest).ln() / RATIO.ln()).ceil() as i32;
    (0..=count).map(|i| (shortest * RATIO.powi(i)) as f32).collect()
}

fn preference(period: f32) -> f32 {
    let tempo = 60.0 * OnsetEnvelope::rate() / f64::from(period);
    let z = (tempo / PREFERRED).ln() / SPREAD;
    (-0.5 * z * z) as f32
}

/// The middle of the values, and a typical beat where there are none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.5)
}

/// Short-time autocorrelation by FFT.
struct Autocorrelation {
    fft: RealFft,
    hann: Vec<f32>,
    /// Autocorrelation of the window itself, which falls with the lag.
    bias: Vec<f32>,
    input: Vec<f32>,
    values: Vec<f32>,
}

impl Autocorrelation {
    fn new() -> Self {
        let turn = std::f32::consts::TAU / WINDOW as f32;
        let hann: Vec<f32> =
            (0..WINDOW).map(|i| 0.5 - 0.5 * (turn * (i as f32 + 0.5)).cos()).collect();
        let mut acf = Autocorrelation {
            fft: RealFft::new(vec![1.0; FFT]),
            input: vec![0.0; FFT],
            values: vec![0.0; FFT / 2],
            bias: vec![1.0; FFT / 2],
            hann,
        };
        acf.add(&[1.0; WINDOW], 0, 1.0, false);
        acf.bias = std::mem::replace(&mut acf.values, vec![0.0; FFT / 2]);
        acf
    }

    fn measure(&mut self, curves: &[&[f32]], start: isize) {
        self.values.fill(0.0);
        for curve in curves {
            self.add(curve, start, 1.0 / curves.len() as f32, true);
        }
    }

    /// Adds the autocorrelation of `curve[start..start + WINDOW]`, normalised to 1 at lag 0.
    fn add(&mut self, curve: &[f32], start: isize, weight: f32, centre: bool) {
        let at = |i: usize| curve.get((start + i as isize).max(-1) as usize).copied();
        let mean = if centre {
            let (sum, norm) = (0..WINDOW)
                .filter_map(|i| at(i).map(|x| (x * self.hann[i], self.hann[i])))
                .fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            if norm > 0.0 { sum / norm } else { 0.0 }
        } else {
            0.0
        };
        for i in 0..WINDOW {
            self.input[i] = at(i).map_or(0.0, |x| (x - mean) * self.hann[i]);
        }
        let (re, im) = self.fft.of(&self.input[..WINDOW]);
        for k in 0..=FFT / 2 {
            let power = re[k] * re[k] + im[k] * im[k];
            self.input[k] = power;
            self.input[(FFT - k) % FFT] = power;
        }
        let (lags, _) = self.fft.of(&self.input);
        let zero = lags[0];
        if zero > 1e-6 {
            for (value, lag) in self.values.iter_mut().zip(lags) {
                *value += weight * lag / zero;
            }
        }
    }

    /// Weighted mean of the autocorrelation at the first multiples of `period`.
    fn comb(&self, period: f32) -> f32 {
        let (mut sum, mut norm) = (0.0, 0.0);
        for k in 1..=MULTIPLES {
            let lag = period * k as f32;
            let (i, t) = (lag as usize, lag.fract());
            let v = self.values[i] * (1.0 - t) + self.values[i + 1] * t;
            let bias = if self.bias[i] > 0.05 { self.bias[i] } else { 0.05 };
            let weight = 1.0 / k as f32;
            sum += weight * v / bias;
            norm += weight;
        }
        sum / norm
    }
}

/// The best sequence of states, which keeps clear of those that are `shunned` at a step.
fn viterbi(combs: &[f32], states: &[f32], shunned: impl Fn(usize, usize) -> bool) -> Vec<usize> {
    let n = states.len();
    let prior: Vec<f32> = states.iter().map(|&p| preference(p)).collect();
    let mut score: Vec<f32> = vec![0.0; n];
    let mut next = vec![0.0; n];
    let mut back: Vec<u16> = Vec::with_capacity(combs.len());
    for (step, row) in combs.chunks_exact(n).enumerate() {
        let best = argmax(&score);
        for s in 0..n {
            let (mut from, mut value) = (best, score[best] - JUMP);
            let low = s.saturating_sub(REACH);
            let near = &score[low..(s + REACH + 1).min(n)];
            for (p, there) in (low..).zip(near) {
                let v = there - DRIFT * s.abs_diff(p) as f32;
                if v > value {
                    (from, value) = (p, v);
                }
            }
            back.push(from as u16);
            let cost = if shunned(step, s) { SHUNNED } else { 0.0 };
            next[s] = value + TRUST * row[s] + prior[s] - cost;
        }
        // Kept near zero, so that two hours of additions lose no precision.
        let top = next[argmax(&next)];
        next.iter_mut().for_each(|v| *v -= top);
        std::mem::swap(&mut score, &mut next);
    }
    let mut state = argmax(&score);
    let mut path: Vec<usize> = back
        .chunks_exact(n)
        .rev()
        .map(|row| {
            let here = state;
            state = usize::from(row[state]);
            here
        })
        .collect();
    path.reverse();
    path
}

/// The first of the highest values.
pub(super) fn argmax(values: &[f32]) -> usize {
    let mut best = 0;
    for (i, &v) in values.iter().enumerate() {
        if v > values[best] {
            best = i;
        }
    }
    best
}

#[cfg(test)]
mod tests;
