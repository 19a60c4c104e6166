//! Peaks between the samples.

use std::f64::consts::PI;
use std::ops::Range;

use crate::base::{SampleRate, largest, wide};

/// Frames filtered together, so that the compiler can keep sums in vector registers.
const LANES: usize = 16;
/// Taps of the whole filter, over all phases.
const TAPS: usize = 48;

/// Measures oversampled peaks with a polyphase filter, laid out as in BS.1770-5 annex 2: 48 taps,
/// four times oversampled below 96 kHz, twice below 192 kHz, not at all above. The taps are a
/// Hann-windowed sinc, as in libebur128: then phase 0 is the sample itself and need not be
/// computed.
pub(in crate::audio) struct PeakMeter {
    phases: Vec<Vec<f32>>,
    reach: Reach,
    ceiling: f32,
    /// Largest factor by which an interpolated value may exceed the samples around it.
    worst: f32,
    /// Samples up to here cannot make an interpolated value above the ceiling.
    safe: f32,
}

/// The samples that a peak at a frame, or between it and the next, depends on.
#[derive(Clone, Copy)]
pub(in crate::audio) struct Reach {
    /// Frames before it.
    pub before: usize,
    /// Frames after it.
    pub after: usize,
}

impl PeakMeter {
    pub fn new(rate: SampleRate, ceiling: f32) -> Self {
        let factor = match rate.hz() {
            0..96_000 => 4,
            96_000..192_000 => 2,
            _ => 1,
        };
        let taps = if factor == 1 { 1 } else { TAPS / factor };
        let reach = Reach { before: (taps - 1) / 2, after: taps / 2 };
        let phase = |phase| interpolator(taps, reach, phase as f64 / factor as f64);
        let phases: Vec<Vec<f32>> = (1..factor).map(phase).collect();
        // |Σ h·x| <= Σ|h| · max|x|; the 1e-4 covers the rounding of the products.
        let gains = phases.iter().map(|taps| taps.iter().map(|t| t.abs()).sum::<f32>());
        let worst = gains.fold(1.0, |a: f32, b| if a > b { a } else { b });
        let mut meter = PeakMeter { phases, reach, ceiling, worst, safe: 0.0 };
        meter.set_ceiling(ceiling);
        meter
    }

    /// From here on only peaks above `ceiling` matter.
    pub fn set_ceiling(&mut self, ceiling: f32) {
        self.ceiling = ceiling;
        self.safe = ceiling / self.worst * (1.0 - 1e-4);
    }

    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Raises `peaks` to the peaks of `channel` in `frames`: at each frame and up to the next.
    /// Returns whether any exceeds the ceiling; only then `peaks` is sure to be up to date.
    /// `channel` must hold the [`Reach`] of all of `frames`.
    pub fn measure(&self, channel: &[f32], frames: Range<usize>, peaks: &mut [f32]) -> bool {
        let near = &channel[frames.start - self.reach.before..frames.end + self.reach.after];
        if largest(near) <= self.safe {
            return false;
        }
        for (at, peaks) in (0..).step_by(LANES).zip(peaks.chunks_mut(LANES)) {
            let window = &near[at..at + peaks.len() + self.reach.before + self.reach.after];
            match <&mut [f32; LANES]>::try_from(&mut *peaks) {
                Ok(lanes) => self.raise(window, lanes),
                Err(_) => {
                    let mut padded = [0.0; LANES + TAPS - 1];
                    padded[..window.len()].copy_from_slice(window);
                    let mut lanes = [0.0; LANES];
                    lanes[..peaks.len()].copy_from_slice(peaks);
                    self.raise(&padded, &mut lanes);
                    peaks.copy_from_slice(&lanes[..peaks.len()]);
                }
            }
        }
        largest(peaks) > self.ceiling
    }

    fn raise(&self, window: &[f32], peaks: &mut [f32; LANES]) {
        wide!({
            raise_to(peaks, &window[self.reach.before..]);
            for taps in &self.phases {
                let mut sums = [0.0f32; LANES];
                for (tap, samples) in taps.iter().zip(window.windows(LANES)) {
                    for (sum, sample) in sums.iter_mut().zip(samples) {
                        *sum += tap * sample;
                    }
                }
                raise_to(peaks, &sums);
            }
        });
    }
}

/// Taps for the point `fraction` of a frame after a sample.
fn interpolator(taps: usize, reach: Reach, fraction: f64) -> Vec<f32> {
    let tap = |tap| {
        let distance = tap as f64 - reach.before as f64 - fraction;
        let hann = 0.5 + 0.5 * (2.0 * PI * distance / taps as f64).cos();
        (hann * (PI * distance).sin() / (PI * distance)) as f32
    };
    (0..taps).map(tap).collect()
}

#[inline(always)]
fn raise_to(peaks: &mut [f32; LANES], values: &[f32]) {
    for (peak, value) in peaks.iter_mut().zip(values) {
        let size = value.abs();
        *peak = if size > *peak { size } else { *peak };
    }
}
