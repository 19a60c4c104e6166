//! A look-ahead limiter for the true peak: the last stage before encoding.

mod gain;
pub(super) mod peak;
#[cfg(test)]
mod tests;

use crate::base::{Decibels, SampleRate};
use gain::GainCurve;
use peak::PeakMeter;

/// Frames looked at together: short enough that quiet moments in loud music are found, long
/// enough for whole vectors.
const SEGMENT: usize = 64;

/// Keeps the true peak (ITU-R BS.1770-5 annex 2) of all channels under a
/// ceiling, with one gain for all of them so that the stereo picture stays.
///
/// The gain falls over the 5 ms before a peak and recovers with a time constant of 100 ms after
/// it. Where nothing exceeds the ceiling, and from 1.4 s after the last peak on, frames pass
/// bit for bit. NaN and infinities become silence. Output is aligned with the input; how the
/// input is cut into blocks makes no difference.
pub struct TruePeakLimiter {
    meter: PeakMeter,
    curve: GainCurve,
    /// For each channel the frames from the next one to give out up to the last one taken.
    waiting: Vec<Vec<f32>>,
    peaks: Vec<f32>,
    /// Frames by which the gain's decision lies ahead of the frame it applies to.
    delay: usize,
    /// Frames of the initial padding not yet dropped.
    padding: usize,
}

impl TruePeakLimiter {
    /// A limiter for planar blocks of `channels` channels; `ceiling` is in dB true peak (-1 suits
    /// music that will be encoded with loss).
    pub fn new(rate: SampleRate, channels: usize, ceiling: Decibels) -> Self {
        let ceiling = ceiling.amplitude() as f32;
        let meter = PeakMeter::new(rate, ceiling);
        let curve = GainCurve::new(rate, ceiling, meter.reach());
        let delay = curve.delay();
        TruePeakLimiter {
            meter,
            curve,
            waiting: vec![vec![0.0; delay]; channels],
            peaks: Vec::new(),
            delay,
            padding: delay,
        }
    }

    /// Takes the frames in `planar` and replaces them by the limited frames that are ready:
    /// about 5 ms fewer the first time, as many from then on.
    pub fn process(&mut self, planar: &mut [Vec<f32>]) {
        for (waiting, block) in self.waiting.iter_mut().zip(planar.iter_mut()) {
            waiting.extend(block.iter().map(|&x| if x.is_finite() { x } else { 0.0 }));
            block.clear();
        }
        self.limit(planar);
    }

    /// Replaces the contents of `planar` by the frames still held back. Over all calls as many
    /// frames come out as went in. Afterwards the limiter is done.
    pub fn finish(&mut self, planar: &mut [Vec<f32>]) {
        planar.iter_mut().for_each(Vec::clear);
        for waiting in &mut self.waiting {
            waiting.resize(waiting.len() + self.delay + self.meter.reach().after, 0.0);
        }
        self.limit(planar);
    }

    fn limit(&mut self, planar: &mut [Vec<f32>]) {
        let held = self.waiting.iter().map(Vec::len).min().unwrap_or(0);
        let ready = held.saturating_sub(self.delay + self.meter.reach().after);
        for start in (0..ready).step_by(SEGMENT) {
            let segment = start..(start + SEGMENT).min(ready);
            self.limit_segment(segment);
        }
        let skip = self.padding.min(ready);
        self.padding -= skip;
        for (waiting, block) in self.waiting.iter_mut().zip(planar) {
            block.extend_from_slice(&waiting[skip..ready]);
            waiting.drain(..ready);
        }
    }

    /// Looks `delay` frames ahead of `segment` for peaks and applies the gain to it in place.
    fn limit_segment(&mut self, segment: std::ops::Range<usize>) {
        let ahead = segment.start + self.delay..segment.end + self.delay;
        self.peaks.clear();
        self.peaks.resize(segment.len(), 0.0);
        let mut over = false;
        for channel in &self.waiting {
            over |= self.meter.measure(channel, ahead.clone(), &mut self.peaks);
        }
        if !over && self.curve.is_idle() {
            return;
        }
        // The peaks are not needed any more once the gains are known: one buffer serves both.
        for value in &mut self.peaks {
            *value = self.curve.next(*value);
        }
        for channel in &mut self.waiting {
            for (sample, &gain) in channel[segment.clone()].iter_mut().zip(&self.peaks) {
                *sample *= gain;
            }
        }
    }
}
