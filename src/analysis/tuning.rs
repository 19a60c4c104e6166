//! How far music is tuned away from A = 440 Hz, in semitones (-0.5..0.5): the commonest distance of
//! its spectral peaks from the nearest note of the equal-tempered scale.
//!
//! The method is that of librosa's `piptrack` and `estimate_tuning`: peaks between 150 Hz and
//! 4 kHz that reach a share of their window's maximum, placed between bins by a parabola; of those,
//! the louder half; of their distances from the scale, the fullest of 100 histogram cells.

use super::stft::{Framer, PowerSpectrum};
use crate::base::ln;

/// Range of peak frequencies in Hz, that of librosa's `piptrack`.
const PEAK_HZ: std::ops::Range<f64> = 150.0..4000.0;
/// A peak must reach this share of the largest value of its spectrum.
const PEAK_SHARE: f32 = 0.1;
/// Histogram cells to a semitone.
const CELLS: usize = 100;
const LOWEST_A: f64 = 27.5;

/// Where the reference pitch of one clip comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tuning {
    /// Known: semitones above A = 440 Hz; 0 is concert pitch.
    Given(f32),
    /// Estimated from the clip itself, as `librosa.feature.chroma_stft` does unless told.
    PerClip,
}

/// Tuning of one clip, exactly as `librosa.estimate_tuning(S=power)` gives it: the lower edge of
/// the fullest cell, 0 where there is no peak at all.
///
/// `power` holds whole power spectra of `n_fft / 2 + 1` bins, one after the other. As in
/// `chroma_stft`, peaks are sought in the power, not in the magnitude.
pub fn clip_tuning(power: &[f32], sample_rate: f64, n_fft: usize) -> f32 {
    let bin_hz = sample_rate / n_fft as f64;
    let mut peaks: Vec<(f32, f32)> = Vec::new();
    for spectrum in power.chunks_exact(n_fft / 2 + 1) {
        each_peak(spectrum, bin_hz, PEAK_SHARE, |bin, [below, at, above]| {
            let shift = parabola(below, at, above);
            let height = at + 0.5 * (0.5 * (above - below)) * shift;
            let hz = (bin as f64 + f64::from(shift)) * bin_hz;
            peaks.push((hz as f32, height));
        });
    }
    let threshold = median(peaks.iter().map(|peak| peak.1).collect());
    let mut cells = [0u32; CELLS];
    for &(hz, _) in peaks.iter().filter(|peak| peak.1 >= threshold) {
        // Single precision on purpose: librosa's array has that type here.
        let from_a = (12.0 * (hz / LOWEST_A as f32).log2()).rem_euclid(1.0);
        let offset = if from_a >= 0.5 { from_a - 1.0 } else { from_a };
        cells[cell_of(f64::from(offset))] += 1;
    }
    edge(first_fullest(&cells)) as f32
}

/// Lower edge of a cell, in semitones.
fn edge(cell: usize) -> f64 {
    cell as f64 / CELLS as f64 - 0.5
}

fn cell_of(offset: f64) -> usize {
    let guess = (((offset + 0.5) * CELLS as f64) as usize).min(CELLS - 1);
    // The product may round across an edge; the edges themselves decide.
    if offset < edge(guess) {
        guess.saturating_sub(1)
    } else if guess + 1 < CELLS && offset >= edge(guess + 1) {
        guess + 1
    } else {
        guess
    }
}

fn first_fullest(cells: &[u32; CELLS]) -> usize {
    let most = cells.iter().max().copied().unwrap_or(0);
    if most == 0 {
        return CELLS / 2;
    }
    cells.iter().position(|&n| n == most).unwrap_or(CELLS / 2)
}

fn median(mut values: Vec<f32>) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    values.sort_by(f32::total_cmp);
    let half = values.len() / 2;
    if values.len() % 2 == 1 { values[half] } else { 0.5 * (values[half - 1] + values[half]) }
}

/// Calls `found` with every local maximum in the pitch range above `share` of the spectrum's
/// maximum, and its two neighbours.
fn each_peak(spectrum: &[f32], bin_hz: f64, share: f32, mut found: impl FnMut(usize, [f32; 3])) {
    let largest = spectrum.iter().fold(0.0, |max, &p| if p > max { p } else { max });
    let least = share * largest;
    let first = ((PEAK_HZ.start / bin_hz).ceil() as usize).max(1);
    let end = ((PEAK_HZ.end / bin_hz).ceil() as usize).min(spectrum.len().saturating_sub(1));
    for bin in first..end {
        let (below, at, above) = (spectrum[bin - 1], spectrum[bin], spectrum[bin + 1]);
        if at > least && at > below && at >= above {
            found(bin, [below, at, above]);
        }
    }
}

/// Where the parabola through three neighbouring values has its extreme, in bins from the middle
/// one; 0 if that is more than a bin away.
pub(super) fn parabola(below: f32, at: f32, above: f32) -> f32 {
    let curve = above + below - 2.0 * at;
    let slope = (above - below) / 2.0;
    if slope.abs() >= curve.abs() {
        return 0.0;
    }
    -slope / curve
}

/// Window of the song-level estimate, 186 ms: long enough to part semitones down to 150 Hz.
const WINDOW: usize = 4096;
/// Distance of its windows, 372 ms: half of the song is never looked at.
const STRIDE: usize = 8192;
/// Loudness classes of a peak, 1 dB each, the first at `QUIETEST_DB`.
const LOUDNESS_CLASSES: usize = 200;
const QUIETEST_DB: f32 = -100.0;
/// Reach of the smoothing over neighbouring cells before the fullest is chosen.
const SMOOTHING: i32 = 5;

/// Tuning of a whole song, from a stream, in memory that does not depend on its length.
///
/// Differs from [`clip_tuning`] where that serves accuracy: windows of 4096 frames, one every
/// 8192 (a song gives thousands of peaks even so); the parabola is laid through the logarithm of
/// the power, where a Hann peak very nearly is one; loudness is counted in classes of 1 dB, so the
/// median needs no list of peaks; the histogram is smoothed and its peak placed between cells.
pub struct TuningEstimator {
    spectrum: PowerSpectrum,
    framer: Framer,
    peaks: PeakCounts,
}

impl TuningEstimator {
    /// An estimator for mono audio at `sample_rate` Hz.
    pub fn new(sample_rate: f64) -> Self {
        TuningEstimator {
            spectrum: PowerSpectrum::new(WINDOW),
            framer: Framer::new(STRIDE, STRIDE),
            peaks: PeakCounts {
                bin_hz: sample_rate / WINDOW as f64,
                counts: vec![[0; CELLS]; LOUDNESS_CLASSES],
            },
        }
    }

    /// Takes more of the song, in pieces of any size.
    pub fn push(&mut self, mono: &[f32]) {
        let TuningEstimator { spectrum, framer, peaks } = self;
        framer.push(mono, |_, block| peaks.add(spectrum.of(middle(block))));
    }

    /// Semitones above A = 440 Hz, in -0.5..0.5; 0 for silence and anything without pitch peaks.
    pub fn finish(self) -> f32 {
        let TuningEstimator { mut spectrum, framer, mut peaks } = self;
        framer.finish(|_, block| peaks.add(spectrum.of(middle(block))));
        peaks.fullest()
    }
}

/// The `WINDOW` frames in the middle of a block of `STRIDE`.
fn middle(block: &[f32]) -> &[f32] {
    let start = (block.len() - WINDOW) / 2;
    &block[start..start + WINDOW]
}

/// Numbers of peaks by loudness and by distance from the scale.
struct PeakCounts {
    bin_hz: f64,
    counts: Vec<[u32; CELLS]>,
}

impl PeakCounts {
    fn add(&mut self, power: &[f32]) {
        let counts = &mut self.counts;
        let bin_hz = self.bin_hz;
        each_peak(power, bin_hz, PEAK_SHARE * PEAK_SHARE, |bin, near| {
            let [below, at, above] = near.map(|p| ln(p.max(f32::MIN_POSITIVE)));
            let at_bin = bin as f64 + f64::from(parabola(below, at, above));
            let from_a = 12.0 * (at_bin * bin_hz / LOWEST_A).log2();
            let loudness = 10.0 * near[1].log10() - QUIETEST_DB;
            let class = (loudness.max(0.0) as usize).min(LOUDNESS_CLASSES - 1);
            counts[class][cell_of(from_a - from_a.round())] += 1;
        });
    }

    /// The cell most of the louder half of the peaks lie in, as semitones.
    fn fullest(&self) -> f32 {
        let total = |class: &[u32; CELLS]| class.iter().map(|&n| u64::from(n)).sum::<u64>();
        let all: u64 = self.counts.iter().map(total).sum();
        let mut cells = [0.0; CELLS];
        let mut louder = 0;
        for class in self.counts.iter().rev() {
            for (sum, &n) in cells.iter_mut().zip(class) {
                *sum += f64::from(n);
            }
            louder += total(class);
            if 2 * louder >= all {
                break;
            }
        }
        if all == 0 { 0.0 } else { smooth_peak(&cells) }
    }
}

/// Place of the peak of a circular histogram, smoothed by a triangle.
fn smooth_peak(cells: &[f64; CELLS]) -> f32 {
    let at = |i: i32| i.rem_euclid(CELLS as i32) as usize;
    let smooth: [f64; CELLS] = std::array::from_fn(|i| {
        (-SMOOTHING..=SMOOTHING)
            .map(|d| f64::from(SMOOTHING + 1 - d.abs()) * cells[at(i as i32 + d)])
            .sum()
    });
    let best = (0..CELLS).fold(0, |best, i| if smooth[i] > smooth[best] { i } else { best });
    let [below, peak, above] = [-1, 0, 1].map(|d| smooth[at(best as i32 + d)] as f32);
    let centre = best as f64 + 0.5 + f64::from(parabola(below, peak, above));
    let tuning = centre / CELLS as f64 - 0.5;
    (tuning - tuning.round()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATE: f64 = 22_050.0;

    fn chord(semitones: f64, seconds: f64) -> Vec<f32> {
        let tone = |n: f64, hz: f64| (TAU * hz * 2f64.powf(semitones / 12.0) * n / RATE).sin();
        (0..(seconds * RATE) as usize)
            .map(|n| {
                let n = n as f64;
                let notes = [220.0, 277.182_631, 329.627_557, 440.0];
                (notes.iter().map(|&hz| tone(n, hz)).sum::<f64>() * 0.2) as f32
            })
            .collect()
    }

    fn estimate(signal: &[f32], cut: usize) -> f32 {
        let mut estimator = TuningEstimator::new(RATE);
        signal.chunks(cut).for_each(|part| estimator.push(part));
        estimator.finish()
    }

    #[test]
    fn a_detuned_chord_is_found_to_the_hundredth() {
        for hundredths in [-45, -20, 0, 7, 20, 33] {
            let truth = f64::from(hundredths) / 100.0;
            let found = estimate(&chord(truth, 20.0), 1 << 20);
            assert!((f64::from(found) - truth).abs() < 0.01, "{truth} read as {found}");
        }
    }

    #[test]
    fn half_a_semitone_is_one_place_on_the_circle() {
        let found = estimate(&chord(0.5, 10.0), 4096);
        assert!(found.abs() > 0.49, "{found}");
    }

    #[test]
    fn block_size_does_not_matter() {
        let signal = chord(0.12, 5.0);
        let whole = estimate(&signal, signal.len());
        for cut in [1, 511, 8191, 8192, 8193] {
            assert_eq!(estimate(&signal, cut), whole);
        }
    }

    #[test]
    fn a_quarter_second_is_enough() {
        let found = estimate(&chord(0.2, 0.25), 1000);
        assert!((found - 0.2).abs() < 0.03, "{found}");
    }

    #[test]
    fn no_pitch_means_no_detuning() {
        for signal in [vec![], vec![0.0], vec![0.0; 30_000], vec![f32::NAN; 30_000]] {
            assert_eq!(estimate(&signal, 100), 0.0);
        }
        assert_eq!(clip_tuning(&[], RATE, 1024), 0.0);
        assert_eq!(clip_tuning(&[0.0; 513], RATE, 1024), 0.0);
    }

    #[test]
    fn cells_are_closed_below() {
        for cell in 0..CELLS {
            assert_eq!(cell_of(edge(cell)), cell);
        }
        assert_eq!(cell_of(0.5), CELLS - 1);
        assert_eq!(cell_of(-0.6), 0);
    }
}
