//! The highest point of the waveform between the samples, after BS.1770-5 annex 2.

use super::AudioBuffer;
use super::limiter::peak::PeakMeter;
use crate::base::SampleRate;

/// Frames looked at together: short, so that the quiet parts between attacks cost nothing.
const STRETCH: usize = 64;
/// Reading of silence, in dBTP.
const SILENCE: f64 = -120.0;

/// Measures the true peak of a stream. Memory does not grow with its length.
pub struct TruePeakMeter {
    meter: PeakMeter,
    /// For each channel what later peaks still depend on, then the block in hand.
    lines: Vec<Vec<f32>>,
    peak: f32,
}

impl TruePeakMeter {
    /// A meter for so many channels.
    pub fn new(rate: SampleRate, channels: usize) -> Self {
        let meter = PeakMeter::new(rate, 0.0);
        let lines = vec![vec![0.0; meter.reach().before]; channels];
        TruePeakMeter { meter, lines, peak: 0.0 }
    }

    /// Takes the next frames, in blocks of any size. What is not a number is silence.
    pub fn push(&mut self, audio: &AudioBuffer) {
        for channel in 0..self.lines.len().min(audio.channels()) {
            let sane = audio.planes[channel].iter().map(|&x| if x.is_finite() { x } else { 0.0 });
            self.lines[channel].extend(sane);
            self.run(channel);
        }
    }

    /// The peak so far in dB of full scale, -120 for silence. What lies after the last frame
    /// counts as silence.
    pub fn finish(mut self) -> f64 {
        let after = self.meter.reach().after;
        for channel in 0..self.lines.len() {
            self.lines[channel].extend(std::iter::repeat_n(0.0, after));
            self.run(channel);
        }
        if self.peak > 1e-6 { 20.0 * f64::from(self.peak).log10() } else { SILENCE }
    }

    fn run(&mut self, channel: usize) {
        let reach = self.meter.reach();
        let line = &self.lines[channel];
        let end = line.len().saturating_sub(reach.after).max(reach.before);
        let mut peaks = [0.0f32; STRETCH];
        for from in (reach.before..end).step_by(STRETCH) {
            let to = (from + STRETCH).min(end);
            let peaks = &mut peaks[..to - from];
            peaks.fill(0.0);
            // Most stretches are too soft to raise the peak, which the meter sees at a glance.
            if self.meter.measure(line, from..to, peaks) {
                self.peak = peaks.iter().fold(self.peak, |a, &b| if b > a { b } else { a });
                self.meter.set_ceiling(self.peak);
            }
        }
        self.lines[channel].drain(..end - reach.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebur128::{EbuR128, Mode};

    fn measure(rate: u32, planes: &[Vec<f32>], block: usize) -> f64 {
        let mut meter = TruePeakMeter::new(SampleRate::new(rate).unwrap(), planes.len());
        let frames = planes[0].len();
        for from in (0..frames).step_by(block) {
            let part = from..(from + block).min(frames);
            let planes = planes.iter().map(|plane| plane[part.clone()].to_vec()).collect();
            meter.push(&AudioBuffer { planes });
        }
        meter.finish()
    }

    /// Swells and fades, for an abrupt end has a peak of its own that depends on what follows.
    fn sine(period: f64, phase: f64, gain: f64) -> Vec<f32> {
        let angle = |i: u32| std::f64::consts::TAU * (f64::from(i) / period + phase);
        let swell = |i: u32| (std::f64::consts::PI * f64::from(i) / 4_000.0).sin();
        (0..4_000).map(|i| (gain * swell(i) * angle(i).sin()) as f32).collect()
    }

    #[test]
    fn the_peak_between_two_samples_is_found() {
        // A quarter of the rate, samples at 45 degrees: each reads 3 dB less than the wave.
        let plane = sine(4.0, 0.125, 0.5);
        let found = measure(48_000, &[plane], 1_000);
        assert!((found + 6.02).abs() < 0.3, "{found}");
    }

    #[test]
    fn it_reads_what_libebur128_reads_however_the_stream_is_cut() {
        for rate in [44_100, 96_000, 192_000] {
            let planes = [sine(5.3, 0.1, 0.4), sine(9.1, 0.3, 0.7)];
            let mut peer = EbuR128::new(2, rate, Mode::TRUE_PEAK).unwrap();
            peer.add_frames_planar_f32(&[&planes[0], &planes[1]]).unwrap();
            let theirs = peer.true_peak(0).unwrap().max(peer.true_peak(1).unwrap());
            let theirs = 20.0 * theirs.log10();
            for block in [1, 63, 64, 1_000, 4_000] {
                let ours = measure(rate, &planes, block);
                assert!((ours - theirs).abs() < 0.1, "{rate}, {block}: {ours}, {theirs}");
            }
        }
    }

    #[test]
    fn silence_and_nothing_read_as_the_bottom() {
        assert_eq!(measure(44_100, &[vec![0.0; 500]], 100), SILENCE);
        assert_eq!(measure(44_100, &[vec![]], 100), SILENCE);
        // A single sample is at least its own peak.
        assert!((measure(44_100, &[vec![0.5]], 1) + 6.02).abs() < 0.01);
    }
}
