//! Separation of rendered mixes whose parts are known.

use std::f64::consts::TAU;

use super::*;
use crate::base::{Draws, Seed};

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).expect("a rate within the limits")
}

fn separate(rate: SampleRate, mix: &[Vec<f32>], block: usize) -> Vec<Vec<f32>> {
    let mut hpss = Hpss::new(rate, mix.len());
    let mut drums = vec![Vec::new(); mix.len()];
    run(&mut hpss, mix, block, &mut drums);
    drums
}

fn run(hpss: &mut Hpss, mix: &[Vec<f32>], block: usize, drums: &mut [Vec<f32>]) {
    let frames = mix[0].len();
    for start in (0..frames).step_by(block) {
        let end = frames.min(start + block);
        let views: Vec<&[f32]> = mix.iter().map(|x| &x[start..end]).collect();
        hpss.process(&views, drums).unwrap();
    }
    hpss.finish(drums).unwrap();
}

/// Signal-to-distortion ratio in decibels.
fn sdr(truth: &[f32], estimate: &[f32]) -> f64 {
    let energy = |x: f32| f64::from(x) * f64::from(x);
    let signal: f64 = truth.iter().map(|s| energy(*s)).sum();
    let error: f64 = truth.iter().zip(estimate).map(|(s, e)| energy(s - e)).sum();
    10.0 * (signal / error).log10()
}

fn add(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn less(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// A chord of lasting tones below a third of `rate`.
fn chord(rate: SampleRate, seconds: f64) -> Vec<f32> {
    let tones = [220.0, 277.2, 440.0, 554.4, 880.0, 1320.0];
    sample(rate, seconds, |t| tones.iter().map(|hz| 0.08 * (TAU * hz * t).sin()).sum())
}

/// Noise bursts that die away in 15 ms, `spacing` seconds apart from 0.3 s on.
fn hits(rate: SampleRate, seconds: f64, spacing: f64) -> Vec<f32> {
    let mut draws = Seed(5).stream("hits");
    sample(rate, seconds, |t| {
        let since = (t - 0.3).rem_euclid(spacing);
        let level = if t < 0.3 { 0.0 } else { 0.8 * (-since / 0.015).exp() };
        level * (2.0 * draws.uniform() - 1.0)
    })
}

fn sample(rate: SampleRate, seconds: f64, mut at: impl FnMut(f64) -> f64) -> Vec<f32> {
    let frames = (seconds * rate.as_f64()) as usize;
    (0..frames).map(|i| at(i as f64 / rate.as_f64()) as f32).collect()
}

/// Some music with all kinds of sounds in it.
fn song(channels: usize, frames: usize) -> Vec<Vec<f32>> {
    let cd = SampleRate::CD;
    let seconds = frames as f64 / cd.as_f64() + 1e-3;
    let mix = add(&chord(cd, seconds), &hits(cd, seconds, 0.25));
    (0..channels).map(|c| mix[..frames].iter().map(|x| x / (c + 1) as f32).collect()).collect()
}

#[test]
fn hits_and_a_chord_come_apart_at_every_rate() {
    for hz in [4_000, 22_050, 44_100, 48_000, 192_000] {
        let rate = rate(hz);
        let (drums, other) = (hits(rate, 3.0, 0.5), chord(rate, 3.0));
        let mix = add(&drums, &other);
        let found = &separate(rate, std::slice::from_ref(&mix), 4096)[0];
        let figures = (sdr(&drums, found), sdr(&other, &less(&mix, found)));
        eprintln!("{hz} Hz: drums {:.1} dB, other {:.1} dB", figures.0, figures.1);
        let least = if hz == 4_000 { (3.0, 12.0) } else { (9.0, 12.0) };
        assert!(figures.0 > least.0 && figures.1 > least.1, "{hz} Hz: {figures:?}");
    }
}

#[test]
fn a_kick_leaves_a_lasting_bass_of_its_pitch() {
    let cd = SampleRate::CD;
    let bass = sample(cd, 4.0, |t| 0.25 * (TAU * 55.0 * t).sin());
    let mut draws = Seed(6).stream("beater");
    let kick = sample(cd, 4.0, |t| {
        let since = (t - 0.5).rem_euclid(0.5);
        let beater = 0.5 * (-since / 0.004).exp() * (2.0 * draws.uniform() - 1.0);
        let body = (TAU * 60.0 * since).sin() * (-since / 0.06).exp();
        if t < 0.5 { 0.0 } else { 0.7 * body + beater }
    });
    let mix = add(&kick, &bass);
    let drums = &separate(cd, std::slice::from_ref(&mix), 4096)[0];

    let within = |x: &[f32], from: f64, to: f64| -> Vec<f32> {
        let inside = |i: &usize| (from..to).contains(&(*i as f64 / cd.as_f64()).rem_euclid(0.5));
        (cd.hz() as usize..x.len()).filter(inside).map(|i| x[i]).collect()
    };
    let energy = |x: &[f32]| x.iter().map(|x| f64::from(x * x)).sum::<f64>();
    let (played, caught) = (within(&kick, 0.0, 0.1), within(drums, 0.0, 0.1));
    let common: f64 = played.iter().zip(&caught).map(|(a, b)| f64::from(a * b)).sum();
    let share = common / energy(&played);
    let left = energy(&within(drums, 0.2, 0.45)) / energy(&within(&bass, 0.2, 0.45));
    eprintln!("{share:.2} of the kick at its onset, {left:.5} of the bass between kicks");
    assert!((0.5..1.1).contains(&share), "{share}");
    assert!(sdr(&played, &caught) > 3.0, "{}", sdr(&played, &caught));
    assert!(left < 0.0008, "{left}");
}

#[test]
fn a_hit_has_no_echo_before_its_window() {
    let cd = SampleRate::CD;
    let at = 44_100;
    let drums = sample(cd, 2.0, |t| if t < 1.0 { 0.0 } else { (-(t - 1.0) / 0.01).exp() })
        .iter()
        .enumerate()
        .map(|(i, x)| if i % 3 == 0 { *x } else { -*x / 2.0 })
        .collect::<Vec<f32>>();
    let mix = add(&drums, &chord(cd, 2.0));
    let found = &separate(cd, &[mix], 1000)[0];
    let peak = |x: &[f32]| x.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    let (before, hit) = (&found[at / 2..at - window_length(cd)], &found[at..at + 441]);
    assert!(peak(hit) > 0.4, "{}", peak(hit));
    assert!(peak(before) < 0.01 * peak(hit), "{} before {}", peak(before), peak(hit));
}

#[test]
fn the_cut_into_blocks_changes_nothing() {
    let mix = song(2, 30_000);
    let whole = separate(SampleRate::CD, &mix, 30_000);
    for block in [1, 511, 512, 513, 4096] {
        assert_eq!(separate(SampleRate::CD, &mix, block), whole, "blocks of {block}");
    }
}

#[test]
fn as_many_frames_come_out_as_went_in_and_nothing_is_left_over() {
    let mut hpss = Hpss::new(SampleRate::CD, 1);
    for frames in [0, 1, 2047, 2048, 5000, 20_000] {
        let mix = song(1, frames);
        let mut again = vec![Vec::new()];
        run(&mut hpss, &mix, 777, &mut again);
        assert_eq!(again[0].len(), frames);
        assert_eq!(again, separate(SampleRate::CD, &mix, 777), "the song before is forgotten");
    }
}

#[test]
fn the_stereo_image_stays() {
    for channels in [1, 2, 8] {
        let mix = song(channels, 20_000);
        let drums = separate(SampleRate::CD, &mix, 4096);
        let loudest = drums[0].iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
        assert!(loudest > 0.1, "{channels} channels: {loudest}");
        for (c, channel) in drums.iter().enumerate() {
            for (x, first) in channel.iter().zip(&drums[0]) {
                assert!((x * (c + 1) as f32 - first).abs() < 1e-5, "channel {c} of {channels}");
            }
        }
    }
}

#[test]
fn silence_stays_silent() {
    let drums = separate(SampleRate::CD, &vec![vec![0.0; 30_000]; 2], 4096);
    assert!(drums.iter().flatten().all(|x| *x == 0.0));
}

#[test]
fn broken_samples_give_finite_drums() {
    let mut mix = song(2, 30_000);
    let broken = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE / 2.0];
    for (i, x) in broken.into_iter().enumerate() {
        (mix[0][9_000 + 700 * i], mix[1][15_000 + i]) = (x, x);
    }
    let drums = separate(SampleRate::CD, &mix, 4096);
    assert!(drums.iter().flatten().all(|x| x.is_finite()));
    let broken = separate(SampleRate::CD, &[vec![f32::NAN; 10_000]], 4096);
    assert!(broken[0].iter().all(|x| *x == 0.0));
}

#[test]
fn windows_last_about_as_long_at_every_rate() {
    let lengths = [4_000, 22_050, 32_000, 44_100, 48_000, 96_000, 384_000];
    assert_eq!(
        lengths.map(|hz| window_length(rate(hz))),
        [192, 1024, 1536, 2048, 2048, 4096, 16_384]
    );
    for hz in (SampleRate::MIN..=SampleRate::MAX).step_by(997) {
        let milliseconds = 1000.0 * window_length(rate(hz)) as f64 / f64::from(hz);
        assert!((37.0..58.0).contains(&milliseconds), "{hz} Hz: {milliseconds} ms");
    }
}
