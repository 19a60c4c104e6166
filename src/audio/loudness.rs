//! Loudness after ITU-R BS.1770-5: K-weighted energy in blocks of 100 ms, gated on demand.
//!
//! The library choice would be `ebur128`; keeping the block energies is what we need it for: the
//! loudness of one beat, or of any choice of beats, is a sum over blocks that were measured once.

use super::AudioBuffer;
use crate::base::{Lufs, SampleRate, wide};

/// Offset of the loudness scale, BS.1770-5 equation 2.
const OFFSET: f64 = -0.691;
/// Blocks quieter than this never count.
const ABSOLUTE_GATE: f64 = -70.0;
/// Blocks this much below the mean of the rest do not count.
const RELATIVE_GATE: f64 = -10.0;
/// Sub-blocks in one gating block of 400 ms; neighbours overlap by three of them.
const OVERLAP: usize = 4;

/// One number of the left and of the right channel at the shelf, then of both at the high-pass.
type Stages = [f64; 4];

fn stages(of: impl Fn(usize) -> f64) -> Stages {
    [of(0), of(1), of(2), of(3)]
}

/// The two filters of K-weighting, second-order sections in transposed direct form II, for two
/// channels. The high-pass works on what the shelf gave two samples ago, so that all four take
/// their steps together in one vector register without waiting for each other. The output is put into the feedback, whose
/// products are by the state alone then: from one state to the next it is one multiplication and
/// one addition, and nothing else has to be waited for.
#[derive(Clone, Copy)]
struct Weighting {
    b0: Stages,
    /// What is fed forward into the two states.
    forward: [Stages; 2],
    a: [Stages; 2],
    z: [Stages; 2],
    /// What the shelf gave for the last sample and for the one before.
    shelved: [[f64; 2]; 2],
}

impl Weighting {
    fn new(rate: SampleRate) -> Weighting {
        let sections = k_weighting(rate);
        let each = |of: fn(&Section) -> f64| stages(|i| of(&sections[i / 2]));
        Weighting {
            b0: each(|s| s.b[0]),
            forward: [each(|s| s.b[1] - s.a[0] * s.b[0]), each(|s| s.b[2] - s.a[1] * s.b[0])],
            a: [each(|s| s.a[0]), each(|s| s.a[1])],
            z: [[0.0; 4]; 2],
            shelved: [[0.0; 2]; 2],
        }
    }

    /// Takes the next samples; gives the weighted ones of two samples before.
    #[inline(always)]
    fn step(&mut self, samples: [f64; 2]) -> [f64; 2] {
        let Weighting { b0, forward: [f1, f2], a: [a1, a2], z: [z1, z2], shelved } = *self;
        let [last, before] = shelved;
        let x = [samples[0], samples[1], before[0], before[1]];
        let y = stages(|i| b0[i] * x[i] + z1[i]);
        self.z = [
            stages(|i| (f1[i] * x[i] + z2[i]) - a1[i] * z1[i]),
            stages(|i| f2[i] * x[i] - a2[i] * z1[i]),
        ];
        self.shelved = [[y[0], y[1]], last];
        [y[2], y[3]]
    }
}

/// Coefficients of a section: of the samples, and of the outputs but the newest.
struct Section {
    b: [f64; 3],
    a: [f64; 2],
}

/// The two stages of K-weighting for any rate: the analogue prototypes behind the table of
/// BS.1770 (a 4 dB shelf above 1.68 kHz, a high-pass at 38 Hz) through the bilinear transform.
fn k_weighting(rate: SampleRate) -> [Section; 2] {
    let warp = |hz: f64| (std::f64::consts::PI * hz / rate.as_f64()).tan();
    let (gain, q) = (10f64.powf(3.999_843_853_973_347 / 20.0), 0.707_175_236_955_419_6);
    // Below 4 kHz of bandwidth the shelf's corner would pass Nyquist; clamp it there.
    let k = warp(1_681.974_450_955_533_f64.min(rate.as_f64() * 0.45));
    let vb = gain.powf(0.499_666_774_154_541_6);
    let a0 = 1.0 + k / q + k * k;
    let shelf = Section {
        b: [
            (gain + vb * k / q + k * k) / a0,
            2.0 * (k * k - gain) / a0,
            (gain - vb * k / q + k * k) / a0,
        ],
        a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
    };
    let (k, q) = (warp(38.135_470_876_024_44), 0.500_327_037_323_877_3);
    let a0 = 1.0 + k / q + k * k;
    let high_pass =
        Section { b: [1.0, -2.0, 1.0], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0] };
    [shelf, high_pass]
}

/// Measures loudness of mono or stereo audio in blocks of any size.
pub struct LoudnessMeter {
    weighting: Weighting,
    block: usize,
    filled: usize,
    sum: f64,
    energies: Vec<f32>,
}

impl LoudnessMeter {
    /// A meter of one or two channels, of weight one each.
    pub fn new(rate: SampleRate) -> Self {
        LoudnessMeter {
            weighting: Weighting::new(rate),
            block: (rate.hz() / 10) as usize,
            filled: 0,
            sum: 0.0,
            energies: Vec::new(),
        }
    }

    /// Takes the next frames.
    pub fn push(&mut self, audio: &AudioBuffer) {
        let mut at = 0;
        while at < audio.frames() {
            let take = (self.block - self.filled).min(audio.frames() - at);
            let (weighting, part) = (&mut self.weighting, at..at + take);
            self.sum += match audio.planes.as_slice() {
                [one] => energy(weighting, one[part].iter().map(|&x| [f64::from(x), 0.0])),
                [left, right] => {
                    let pairs = left[part.clone()].iter().zip(&right[part]);
                    energy(weighting, pairs.map(|(&l, &r)| [f64::from(l), f64::from(r)]))
                }
                _ => 0.0,
            };
            at += take;
            self.filled += take;
            if self.filled == self.block {
                self.energies.push((self.sum / self.block as f64) as f32);
                self.sum = 0.0;
                self.filled = 0;
            }
        }
    }

    /// Mean square of each 100 ms, K-weighted and summed over channels.
    pub fn finish(mut self) -> Vec<f32> {
        if self.filled > self.block / 4 || self.energies.is_empty() && self.filled > 0 {
            self.energies.push((self.sum / self.filled as f64) as f32);
        }
        self.energies
    }
}

fn energy(weighting: &mut Weighting, samples: impl Iterator<Item = [f64; 2]>) -> f64 {
    wide!({
        let (mut own, mut sums) = (*weighting, [0.0; 2]);
        for x in samples {
            let y = own.step(x);
            sums = [sums[0] + y[0] * y[0], sums[1] + y[1] * y[1]];
        }
        *weighting = own;
        sums[0] + sums[1]
    })
}

/// Loudness of one mean square; silence gives -infinity's stand-in of -120 LUFS.
pub fn loudness_of(mean_square: f64) -> Lufs {
    Lufs(if mean_square > 1e-12 { OFFSET + 10.0 * mean_square.log10() } else { -120.0 })
}

/// Integrated loudness of 100 ms energies with both gates of BS.1770-5. Less than one gating
/// block is measured ungated.
pub fn integrated(energies: &[f32]) -> Lufs {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let blocks: Vec<f64> = if energies.len() < OVERLAP {
        energies.iter().map(|&e| f64::from(e)).collect()
    } else {
        let four = |w: &[f32]| w.iter().map(|&e| f64::from(e)).sum::<f64>() / OVERLAP as f64;
        energies.windows(OVERLAP).map(four).collect()
    };
    let above = |gate: f64, blocks: &[f64]| -> Vec<f64> {
        blocks.iter().copied().filter(|&e| loudness_of(e).0 > gate).collect()
    };
    let loud = above(ABSOLUTE_GATE, &blocks);
    let gate = loudness_of(mean(&loud)).0 + RELATIVE_GATE;
    loudness_of(mean(&above(gate, &loud)))
}

/// Seconds one value of the short-term curve looks at.
const SHORT_TERM: usize = 3;
/// Blocks of 100 ms in a second.
const PER_SECOND: usize = 10;

/// Loudness of the 3 s around every whole second, the first at 0 s; at the ends of the song the
/// window holds what there is. As in EBU Tech 3341, but centred: a curve to look at.
pub fn short_term(energies: &[f32]) -> Vec<f32> {
    let half = SHORT_TERM * PER_SECOND / 2;
    let at = |second: usize| {
        let middle = second * PER_SECOND;
        let (from, to) = (middle.saturating_sub(half), (middle + half).min(energies.len()));
        loudness_of(mean_square(&energies[from.min(to)..to])).0 as f32
    };
    (0..energies.len().div_ceil(PER_SECOND)).map(at).collect()
}

/// Loudness range after EBU Tech 3342, in LU: how far the loud and the soft parts lie apart. 0
/// for what is shorter than 3 s.
pub fn range(energies: &[f32]) -> f64 {
    /// Windows this much below the mean of the rest do not count.
    const GATE: f64 = -20.0;
    let windows = energies.windows(SHORT_TERM * PER_SECOND).map(mean_square);
    let mut heard: Vec<f64> = windows.filter(|&e| loudness_of(e).0 > ABSOLUTE_GATE).collect();
    let mean = heard.iter().sum::<f64>() / heard.len().max(1) as f64;
    heard.retain(|&e| loudness_of(e).0 >= loudness_of(mean).0 + GATE);
    heard.sort_by(f64::total_cmp);
    let percentile = |p: f64| {
        let rank = (heard.len().saturating_sub(1) as f64 * p).round() as usize;
        heard.get(rank).map_or(0.0, |&e| loudness_of(e).0)
    };
    percentile(0.95) - percentile(0.10)
}

fn mean_square(energies: &[f32]) -> f64 {
    energies.iter().map(|&e| f64::from(e)).sum::<f64>() / energies.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ebur128::{EbuR128, Mode};

    fn tone(rate: u32, hz: f64, amplitude: f32, seconds: f64) -> Vec<f32> {
        let step = std::f64::consts::TAU * hz / f64::from(rate);
        let frames = (f64::from(rate) * seconds) as usize;
        (0..frames).map(|i| amplitude * (step * i as f64).sin() as f32).collect()
    }

    fn measure(rate: u32, planes: Vec<Vec<f32>>) -> f64 {
        let mut meter = LoudnessMeter::new(SampleRate::new(rate).unwrap());
        meter.push(&AudioBuffer { planes });
        integrated(&meter.finish()).0
    }

    /// EBU Tech 3341 case 1: a stereo 1 kHz sine at -23 dBFS reads -23 LUFS.
    #[test]
    fn the_reference_tone_reads_as_the_standard_says() {
        for rate in [44_100, 48_000, 96_000, 22_050] {
            let plane = tone(rate, 1_000.0, 10f32.powf(-23.0 / 20.0), 5.0);
            let read = measure(rate, vec![plane.clone(), plane]);
            assert!((read + 23.0).abs() < 0.1, "{rate}: {read}");
        }
    }

    /// EBU Tech 3341 case 3: quiet parts more than 10 LU down do not count.
    #[test]
    fn quiet_parts_are_gated() {
        let loud = tone(48_000, 1_000.0, 10f32.powf(-23.0 / 20.0), 60.0);
        let quiet = tone(48_000, 1_000.0, 10f32.powf(-36.0 / 20.0), 10.0);
        let plane = [quiet.clone(), loud, quiet].concat();
        let read = measure(48_000, vec![plane.clone(), plane]);
        assert!((read + 23.0).abs() < 0.1, "{read}");
    }

    /// EBU Tech 3342 case 1: 20 s each at -20 and -30 dBFS are 10 LU apart.
    #[test]
    fn the_range_is_the_distance_of_loud_and_soft_parts() {
        let part = |db: f32| tone(48_000, 1_000.0, 10f32.powf(db / 20.0), 20.0);
        let plane = [part(-20.0), part(-30.0)].concat();
        let mut meter = LoudnessMeter::new(SampleRate::new(48_000).unwrap());
        meter.push(&AudioBuffer { planes: vec![plane.clone(), plane] });
        let found = range(&meter.finish());
        assert!((found - 10.0).abs() < 0.2, "{found}");
    }

    #[test]
    fn loudness_and_range_of_moving_music_are_those_of_libebur128() {
        let swell = |i: usize| 0.05 + 0.4 * (i as f32 / 44_100.0 * 0.37).sin().abs();
        let plane: Vec<f32> = tone(44_100, 330.0, 1.0, 47.3)
            .iter()
            .zip(tone(44_100, 97.0, 1.0, 47.3))
            .enumerate()
            .map(|(i, (x, y))| swell(i) * (0.6 * x + 0.4 * y))
            .collect();
        let mut meter = LoudnessMeter::new(SampleRate::CD);
        meter.push(&AudioBuffer { planes: vec![plane.clone()] });
        let energies = meter.finish();
        let mut peer = EbuR128::new(1, 44_100, Mode::I | Mode::LRA).unwrap();
        peer.add_frames_f32(&plane).unwrap();
        let (ours, theirs) = (integrated(&energies).0, peer.loudness_global().unwrap());
        assert!((ours - theirs).abs() < 0.05, "{ours} LUFS, {theirs} LUFS");
        let (ours, theirs) = (range(&energies), peer.loudness_range().unwrap());
        assert!((ours - theirs).abs() < 0.3, "{ours} LU, {theirs} LU");
    }

    #[test]
    fn the_short_term_curve_shows_when_it_gets_loud() {
        let energies = [vec![1e-4; 100], vec![1e-2; 100]].concat();
        let curve = short_term(&energies);
        assert_eq!(curve.len(), 20);
        assert!((curve[0] + 40.7).abs() < 0.1 && (curve[8] + 40.7).abs() < 0.1, "{curve:?}");
        assert!((curve[12] + 20.7).abs() < 0.1 && (curve[19] + 20.7).abs() < 0.1, "{curve:?}");
        assert!((curve[10] + 23.7).abs() < 0.2, "half of either: {}", curve[10]);
        assert!(short_term(&[]).is_empty());
        assert_eq!(range(&[]), 0.0);
        assert_eq!(range(&[0.0; 100]), 0.0);
    }

    #[test]
    fn silence_is_no_number_problem() {
        assert_eq!(measure(44_100, vec![vec![0.0; 44_100]]), -120.0);
        assert_eq!(measure(44_100, vec![vec![]]), -120.0);
    }
}
