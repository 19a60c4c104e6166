//! How well two lists of beats agree: the measures of Davies, Degara and Plumbley ("Evaluation
//! Methods for Musical Audio Beat Tracking Algorithms", 2009), with the numbers of mir_eval.
//!
//! All lists are seconds, rising. Fewer than two beats on either side score zero.

/// Beats closer than this are the same beat, in seconds.
pub const SAME: f64 = 0.07;
/// A list's head before this time is usually left out: trackers and people need to settle.
pub const SETTLED: f64 = 5.0;
/// Largest error of phase and of period, in beats, of a beat that counts as continued.
const CONTINUED: f64 = 0.175;
/// Bins of the error histogram behind the information gain.
const BINS: usize = 41;

/// Shares of an estimate that follow a reference without slips.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Continuity {
    /// Longest run at the reference's own metrical level.
    pub cml_c: f64,
    /// All runs at the reference's own level.
    pub cml_t: f64,
    /// Longest run where off-beats, double and half tempo are right as well.
    pub aml_c: f64,
    /// All runs where off-beats, double and half tempo are right as well.
    pub aml_t: f64,
}

/// The part of a list from `from` seconds on.
pub fn after(beats: &[f64], from: f64) -> &[f64] {
    &beats[beats.partition_point(|&t| t < from)..]
}

/// Harmonic mean of the share of estimates that are right and of beats that were found.
pub fn f_measure(reference: &[f64], estimate: &[f64]) -> f64 {
    let hits = pairs(reference, estimate).count();
    if hits == 0 { 0.0 } else { 2.0 * hits as f64 / (reference.len() + estimate.len()) as f64 }
}

/// Median of estimate minus reference over the beats both have, in seconds.
pub fn median_offset(reference: &[f64], estimate: &[f64]) -> Option<f64> {
    median(pairs(reference, estimate).map(|(r, e)| e - r).collect())
}

/// Tempo of the estimate in tempi of the reference, by median distances.
pub fn tempo_ratio(reference: &[f64], estimate: &[f64]) -> Option<f64> {
    let gap = |beats: &[f64]| median(beats.windows(2).map(|w| w[1] - w[0]).collect());
    Some(gap(reference)? / gap(estimate)?)
}

/// The most pairs of beats at most [`SAME`] apart, no beat in two of them.
fn pairs<'a>(reference: &'a [f64], estimate: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
    let (mut r, mut e) = (0, 0);
    std::iter::from_fn(move || {
        while let (Some(&a), Some(&b)) = (reference.get(r), estimate.get(e)) {
            if (a - b).abs() <= SAME {
                (r, e) = (r + 1, e + 1);
                return Some((a, b));
            }
            if a < b { r += 1 } else { e += 1 }
        }
        None
    })
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let upper = *values.get(n / 2)?;
    Some(if n % 2 == 1 { upper } else { 0.5 * (values[n / 2 - 1] + upper) })
}

/// The four continuity measures.
pub fn continuity(reference: &[f64], estimate: &[f64]) -> Continuity {
    if reference.len() < 2 || estimate.len() < 2 {
        return Continuity::default();
    }
    let half = |i: usize| match i % 2 {
        0 => reference[i / 2],
        _ => 0.5 * (reference[i / 2] + reference[i / 2 + 1]),
    };
    let double: Vec<f64> = (0..2 * reference.len() - 1).map(half).collect();
    let every_other = |beats: &[f64], from: usize| -> Vec<f64> {
        beats.iter().skip(from).step_by(2).copied().collect()
    };
    let (cml_c, cml_t) = runs(reference, estimate);
    let mut score = Continuity { cml_c, cml_t, aml_c: cml_c, aml_t: cml_t };
    for level in
        [every_other(&double, 1), every_other(reference, 0), every_other(reference, 1), double]
    {
        let (longest, total) = runs(&level, estimate);
        score.aml_c = score.aml_c.max(longest);
        score.aml_t = score.aml_t.max(total);
    }
    score
}

/// Longest run and number of continued beats, as shares of the longer list.
fn runs(reference: &[f64], estimate: &[f64]) -> (f64, f64) {
    let mut used = vec![false; reference.len()];
    let (mut run, mut longest, mut total) = (0usize, 0usize, 0usize);
    for m in 0..estimate.len() {
        let i = nearest(reference, estimate[m]);
        let right = !used[i] && continued(reference, estimate, i, m);
        used[i] |= right;
        run = if right { run + 1 } else { 0 };
        total += usize::from(right);
        longest = longest.max(run);
    }
    let all = reference.len().max(estimate.len()) as f64;
    (longest as f64 / all, total as f64 / all)
}

/// Whether estimate `m` and the step that led to it match reference `i` and its step.
fn continued(reference: &[f64], estimate: &[f64], i: usize, m: usize) -> bool {
    let first = i == 0 || m == 0;
    let step = |beats: &[f64], at: usize| {
        let ahead = first && at + 1 < beats.len() || at == 0;
        let from = if ahead { at } else { at - 1 };
        beats.get(from + 1).map(|next| next - beats[from])
    };
    let (Some(wanted), Some(found)) = (step(reference, i), step(estimate, m)) else {
        return false;
    };
    let phase = (estimate[m] - reference[i]).abs() / wanted;
    phase < CONTINUED && (1.0 - found / wanted).abs() < CONTINUED
}

/// Index of the beat nearest to `time`; the earlier of two.
fn nearest(beats: &[f64], time: f64) -> usize {
    let next = beats.partition_point(|&t| t < time).min(beats.len() - 1);
    let before = next.saturating_sub(1);
    if (time - beats[before]).abs() <= (beats[next] - time).abs() { before } else { next }
}

/// How far the errors' histogram is from a flat one: 0 (unrelated) to 1 (the same beats).
pub fn information_gain(reference: &[f64], estimate: &[f64]) -> f64 {
    if reference.len() < 2 || estimate.len() < 2 {
        return 0.0;
    }
    let most = (BINS as f64).log2();
    let (there, back) = (entropy(reference, estimate), entropy(estimate, reference));
    (most - there.max(back)) / most
}

/// Entropy in bits of the errors of `estimate`, each in beats of `reference`.
fn entropy(reference: &[f64], estimate: &[f64]) -> f64 {
    let mut bins = [0usize; BINS];
    for &time in estimate {
        // To (-0.5, 0.5].
        let error = error_in_beats(reference, time);
        let error = error - (error - 0.5).ceil();
        bins[(((error + 0.5) * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    let shares = bins.iter().filter(|&&n| n > 0).map(|&n| n as f64 / estimate.len() as f64);
    -shares.map(|p| p * p.log2()).sum::<f64>()
}

fn error_in_beats(reference: &[f64], time: f64) -> f64 {
    let (i, last) = (nearest(reference, time), reference.len() - 1);
    let error = time - reference[i];
    let interval = if i == last {
        reference[last] - reference[last - 1]
    } else if error < 0.0 {
        // Before the first beat there is no interval; mir_eval measures by the whole recording,
        // and comparing figures is what this is for.
        reference[i] - reference[if i == 0 { last } else { i - 1 }]
    } else {
        reference[i + 1] - reference[i]
    };
    error / interval
}

#[cfg(test)]
mod tests;
