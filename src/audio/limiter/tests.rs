use ebur128::{EbuR128, Mode};

use super::*;
use crate::base::{Draws, Seed};

const CEILING: Decibels = Decibels(-1.0);

fn limited(input: &[Vec<f32>], rate: u32, block: usize) -> Vec<Vec<f32>> {
    let rate = SampleRate::new(rate).unwrap();
    let mut limiter = TruePeakLimiter::new(rate, input.len(), CEILING);
    let mut output = vec![Vec::new(); input.len()];
    let mut keep = |planar: &[Vec<f32>]| {
        for (all, new) in output.iter_mut().zip(planar) {
            all.extend_from_slice(new);
        }
    };
    for start in (0..input[0].len()).step_by(block) {
        let end = (start + block).min(input[0].len());
        let mut planar: Vec<_> = input.iter().map(|c| c[start..end].to_vec()).collect();
        limiter.process(&mut planar);
        keep(&planar);
    }
    let mut planar = vec![Vec::new(); input.len()];
    limiter.finish(&mut planar);
    keep(&planar);
    output
}

/// The highest true peak of all channels in dB, by the meter of another crate.
fn true_peak(planar: &[Vec<f32>], rate: u32) -> f64 {
    let mut meter = EbuR128::new(planar.len() as u32, rate, Mode::TRUE_PEAK).unwrap();
    let channels: Vec<&[f32]> = planar.iter().map(Vec::as_slice).collect();
    meter.add_frames_planar_f32(&channels).unwrap();
    let peaks = (0..planar.len()).map(|c| meter.true_peak(c as u32).unwrap());
    20.0 * peaks.fold(0.0, f64::max).log10()
}

fn noise(frames: usize, level: f32) -> Vec<f32> {
    let mut draws = Seed(3).stream("noise");
    (0..frames).map(|_| (draws.uniform() as f32 * 2.0 - 1.0) * level).collect()
}

fn sine(frames: usize, cycles_per_frame: f64, phase: f64, level: f64) -> Vec<f32> {
    let turn = std::f64::consts::TAU;
    let wave = |n| level * (turn * (n as f64 * cycles_per_frame + phase)).sin();
    (0..frames).map(|n| wave(n) as f32).collect()
}

#[test]
fn music_below_the_ceiling_passes_bit_for_bit() {
    let quiet = vec![noise(30_000, 0.4), sine(30_000, 0.013, 0.0, 0.88)];
    assert_eq!(limited(&quiet, 44_100, 1_000), quiet);
}

#[test]
fn every_length_comes_back() {
    for frames in [0, 1, 5, 220, 1_000, 44_101] {
        let loud = vec![noise(frames, 2.0)];
        assert_eq!(limited(&loud, 44_100, 777)[0].len(), frames);
    }
}

#[test]
fn the_way_the_input_is_cut_makes_no_difference() {
    let mut loud = noise(40_000, 3.0);
    loud[10_000..25_000].fill(0.1);
    let input = vec![loud, sine(40_000, 0.25, 0.125, 1.2)];
    let whole = limited(&input, 48_000, 40_000);
    for block in [1, 63, 64, 1_000, 4_097] {
        assert!(limited(&input, 48_000, block) == whole, "blocks of {block}");
    }
}

#[test]
fn peaks_stay_under_the_ceiling_for_another_meter() {
    let square = sine(50_000, 0.01, 0.1, 1.0).iter().map(|x| x.signum() * 1.5).collect();
    let mut click = vec![0.0f32; 50_000];
    click[20_000] = 8.0;
    click[20_001] = -8.0;
    click[35_000..35_010].fill(16.0);
    let signals = [
        ("noise", noise(50_000, 4.0)),
        ("square", square),
        // Samples at 0.707 of the wave's height: all of the excess lies between them.
        ("quarter rate", sine(50_000, 0.25, 0.125, 1.4)),
        ("clicks", click),
        ("burst", [vec![0.0; 20_000], noise(10_000, 10.0), vec![0.0; 20_000]].concat()),
    ];
    for rate in [22_050, 44_100, 48_000, 96_000] {
        for (name, signal) in &signals {
            let before = true_peak(std::slice::from_ref(signal), rate);
            let output = limited(std::slice::from_ref(signal), rate, 4_096);
            let after = true_peak(&output, rate);
            eprintln!("{rate} {name}: {before:.2} -> {after:.3} dBTP");
            assert!(before > 0.0, "{name} is no test");
            assert!(after <= CEILING.0 + 0.1, "{name} at {rate}: {after}");
            assert!(after > CEILING.0 - 1.0, "{name} at {rate}: {after} is needlessly quiet");
        }
    }
}

#[test]
fn the_gain_is_smooth_linked_and_comes_back_to_exactly_one() {
    let mut left = sine(120_000, 0.003, 0.0, 0.5);
    let right = vec![0.25f32; 120_000];
    for sample in &mut left[30_000..30_200] {
        *sample *= 6.0;
    }
    let output = limited(&[left.clone(), right.clone()], 44_100, 5_000);
    let gain: Vec<f32> = output[1].iter().map(|x| x / 0.25).collect();
    let deepest = gain.iter().copied().fold(1.0, f32::min);
    assert!((0.29..0.31).contains(&deepest), "{deepest}");
    let steepest = gain.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    assert!(steepest < 0.01, "{steepest}");
    // Nothing happens before the look-ahead, and 1.4 s after the peak all is as it was.
    assert_eq!(output[0][..29_700], left[..29_700]);
    assert_eq!(output[0][95_000..], left[95_000..]);
    let third = gain[30_200 + 4_410 + 220];
    assert!((0.70..0.80).contains(&third), "a tenth of a second later: {third}");
}

#[test]
fn broken_samples_become_silence() {
    let mut bad = noise(5_000, 0.5);
    bad[100] = f32::NAN;
    bad[200] = f32::INFINITY;
    bad[300] = f32::NEG_INFINITY;
    bad[400] = f32::MAX;
    bad[401] = f32::MIN;
    bad[4_999] = f32::NAN;
    let output = limited(&[bad], 44_100, 512);
    assert!(output[0].iter().all(|x| x.is_finite()));
    assert_eq!(output[0][4_999], 0.0);
    assert!(true_peak(&output, 44_100) <= CEILING.0 + 0.1);
}
