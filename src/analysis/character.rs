//! Energy and danceability: two numbers from 0 to 1 that say how a song moves.
//!
//! Both are plain weighted means of measured things, each brought to 0..=1 by a range that the
//! songs at hand fill. They are made for comparing songs with each other, not with the numbers
//! other services give under these names.
//!
//! - energy = 0.45 loudness (-30 to -8 LUFS) + 0.30 flux (how much the spectrum rises, in all
//!   registers together, 0 to 0.7 nepers a hop) + 0.25 onsets (0 to 7 a second).
//! - danceability = 0.35 pulse (autocorrelation of the onset curve at the beat, 0 to 0.6) +
//!   0.30 bass pulse (the same below 150 Hz, 0 to 0.8) + 0.25 steadiness (spread of the beat
//!   lengths, 8 % to none) + 0.10 tempo (a bell around 115 BPM, half an octave wide). Without a
//!   steady beat it is 0.
//!
//! Judged by the order they give on 28 rendered and recorded pieces. Energy: music of racing games
//! (0.79 to 0.86) above drum and bass (0.73), swing (0.67), a solo for strings (0.52), a ballad
//! (0.49) and sparse film music (0.43). Danceability: house, a jig and swing (0.94 to 0.97) above
//! rock and funk (0.64 to 0.81) above strings in rubato (0.39) and a slow ballad (0.24).

use super::onset::OnsetEnvelope;
use super::rhythm::Rhythm;
use crate::base::Lufs;

/// Hops looked at together for periodicity (12 s).
const WINDOW: usize = 1034;
/// An onset exceeds the mean around it by this factor and this many nepers.
const RISE: f32 = 1.5;
const LEAST: f32 = 0.05;
/// Hops on either side that an onset is the highest of, and that its mean is taken over.
const PEAK: usize = 3;
const AROUND: usize = 43;

/// How loud, dense and lively a song is, 0..=1.
pub fn energy(onsets: &OnsetEnvelope, loudness: Lufs) -> f32 {
    let flux = total_flux(onsets);
    let mean = flux.iter().sum::<f32>() / flux.len().max(1) as f32;
    let a_second = onset_count(&flux) as f64 * OnsetEnvelope::rate() / flux.len().max(1) as f64;
    let loud = share((loudness.0 + 30.0) / 22.0);
    let busy = share(f64::from(mean) / 0.7);
    let dense = share(a_second / 7.0);
    rounded(0.45 * loud + 0.30 * busy + 0.25 * dense)
}

/// How well one can dance to a song, 0..=1.
pub fn danceability(onsets: &OnsetEnvelope, rhythm: &Rhythm) -> f32 {
    let low: Vec<f32> = onsets.flux().iter().map(|f| f[0]).collect();
    let pulse = share(periodicity(&total_flux(onsets), rhythm) / 0.6);
    let bass = share(periodicity(&low, rhythm) / 0.8);
    let steady = share(1.0 - spread(rhythm) / 0.08);
    let octaves = (rhythm.tempo.0 / 115.0).log2() / 0.5;
    let tempo = (-0.5 * octaves * octaves).exp();
    rounded(0.35 * pulse + 0.30 * bass + 0.25 * steady + 0.10 * tempo)
}

fn share(x: f64) -> f64 {
    if x.is_finite() { x.clamp(0.0, 1.0) } else { 0.0 }
}

fn rounded(x: f64) -> f32 {
    ((x * 1000.0).round() / 1000.0) as f32
}

fn total_flux(onsets: &OnsetEnvelope) -> Vec<f32> {
    onsets.flux().iter().map(|f| f.iter().sum()).collect()
}

fn onset_count(flux: &[f32]) -> usize {
    let means = super::tempo::box_mean(flux, AROUND);
    let is_onset = |&i: &usize| {
        let around = &flux[i.saturating_sub(PEAK)..(i + PEAK + 1).min(flux.len())];
        let highest = around.iter().all(|&x| x <= flux[i]);
        highest && flux[i] > RISE * means[i] + LEAST
    };
    (0..flux.len()).filter(is_onset).count()
}

/// Mean over windows of 12 s of the autocorrelation at one or two beats, whichever is higher:
/// music repeats after a beat, or after a kick and a snare.
fn periodicity(curve: &[f32], rhythm: &Rhythm) -> f64 {
    let rate = OnsetEnvelope::rate();
    let hops: Vec<f64> = rhythm.beats.iter().map(|b| b.0 * rate).collect();
    let mut first = 0;
    let (mut sum, mut count) = (0.0, 0usize);
    for start in (0..curve.len()).step_by(WINDOW) {
        let window = &curve[start..(start + WINDOW).min(curve.len())];
        first += hops[first..].iter().take_while(|&&hop| hop < start as f64).count();
        let inside = hops[first..].iter().take_while(|&&h| h < (start + window.len()) as f64);
        let inside = inside.count();
        if window.len() < WINDOW / 2 {
            break;
        }
        count += 1;
        if inside >= 4 {
            let beat = (hops[first + inside - 1] - hops[first]) / (inside - 1) as f64;
            sum += autocorrelation(window, beat).max(autocorrelation(window, 2.0 * beat));
        }
    }
    sum / count.max(1) as f64
}

/// Normalised autocorrelation at a lag, to the nearest hop; 0 where it is negative.
fn autocorrelation(curve: &[f32], lag: f64) -> f64 {
    let n = curve.len() as f64;
    let mean = curve.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let power: f64 = curve.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    let at = |lag: usize| {
        let pairs = curve.iter().zip(curve.get(lag..).unwrap_or(&[]));
        let sum: f64 = pairs.map(|(&a, &b)| (f64::from(a) - mean) * (f64::from(b) - mean)).sum();
        // Fewer pairs than values: without this, slow music would seem less regular.
        sum * n / (n - lag as f64).max(1.0)
    };
    let lag = lag.round().max(1.0) as usize;
    let best = [lag - 1, lag, lag + 1].map(at).into_iter().fold(0.0, f64::max);
    if power > 1e-6 { best / power } else { 0.0 }
}

/// Standard deviation of the logarithms of the beat lengths against their neighbourhood, so that
/// a slow drift does no harm.
fn spread(rhythm: &Rhythm) -> f64 {
    let steps: Vec<f64> = rhythm.beats.windows(2).map(|w| (w[1].0 - w[0].0).ln()).collect();
    let local = |i: usize| {
        let around = &steps[i.saturating_sub(8)..(i + 9).min(steps.len())];
        around.iter().sum::<f64>() / around.len() as f64
    };
    let sum: f64 = (0..steps.len()).map(|i| (steps[i] - local(i)).powi(2)).sum();
    (sum / steps.len().max(1) as f64).sqrt()
}
