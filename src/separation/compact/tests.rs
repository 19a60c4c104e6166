//! The network against numbers of its reference, and what a stream may not change.

use std::f64::consts::TAU;
use std::path::PathBuf;

use serde_json::Value;

use super::*;
use crate::separation::windows::Windows;

/// A second of two tones and bursts of noise, as in scripts/reference/drums_small.py.
fn clip() -> Vec<Vec<f32>> {
    let mut state = 1u32;
    let mut clip = vec![Vec::new(), Vec::new()];
    for i in 0..44_100 {
        let t = f64::from(i) / 44_100.0;
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
        let burst = noise * (-t.rem_euclid(0.25) / 0.02).exp();
        clip[0].push((0.3 * (TAU * 220.0 * t).sin() + 0.4 * burst) as f32);
        clip[1].push((0.2 * (TAU * 554.4 * t).sin() + 0.3 * burst) as f32);
    }
    clip
}

fn separate(mix: &[Vec<f32>], block: usize) -> Vec<Vec<f32>> {
    run(&mut Compact::new(mix.len()).unwrap(), mix, block)
}

fn run(compact: &mut Compact, mix: &[Vec<f32>], block: usize) -> Vec<Vec<f32>> {
    let mut drums = vec![Vec::new(); mix.len()];
    for hearing in [true, false] {
        for start in (0..mix[0].len()).step_by(block) {
            let end = mix[0].len().min(start + block);
            let views: Vec<&[f32]> = mix.iter().map(|x| &x[start..end]).collect();
            match hearing {
                true => compact.hear(&views).unwrap(),
                false => compact.process(&views, &mut drums).unwrap(),
            }
        }
    }
    compact.finish(&mut drums).unwrap();
    drums
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Printed by scripts/reference/drums_small.py: 8 frames 97 apart in each of 4 bursts.
#[rustfmt::skip]
const GOLDEN: [[f32; 2]; 32] = [
    [-0.074349, -0.026397], [-0.056738, 0.013367], [-0.241853, -0.211192], [0.212796, 0.159904],
    [-0.234816, -0.178349], [-0.083656, -0.069855], [-0.127167, -0.096467], [-0.137311, -0.098302],
    [-0.395549, -0.297553], [0.020041, 0.014925], [0.286973, 0.215693], [0.1853, 0.138774],
    [-0.204669, -0.153908], [0.023936, 0.017704], [0.096247, 0.072413], [0.036628, 0.02779],
    [0.275245, 0.206265], [0.144736, 0.108662], [0.299418, 0.224274], [-0.015454, -0.011614],
    [0.10353, 0.078242], [0.183764, 0.137759], [-0.088424, -0.066676], [-0.125622, -0.094075],
    [-0.14831, -0.112239], [-0.343232, -0.256635], [0.029851, 0.022147], [0.121116, 0.09065],
    [-0.248275, -0.186014], [0.202339, 0.151909], [-0.187387, -0.140392], [0.038976, 0.029423],
];

#[test]
fn a_formula_gives_the_drums_of_the_reference() {
    let drums = separate(&clip(), 4_096);
    for (i, golden) in GOLDEN.iter().enumerate() {
        let frame = i / 8 * 11_025 + 17 + i % 8 * 97;
        for (channel, wanted) in golden.iter().enumerate() {
            let found = drums[channel][frame];
            assert!((found - wanted).abs() < 2e-6, "frame {frame}: {found} for {wanted}");
        }
    }
}

/// The recorded input and figures of the network as it was trained, unless this machine has none.
fn recorded() -> Option<PathBuf> {
    let shared = std::env::var_os("EVERMIX_SHARED").map_or("../shared".into(), PathBuf::from);
    let folder = shared.join("separator/conformance");
    if !folder.is_dir() {
        eprintln!("SKIPPED: no {} (set EVERMIX_SHARED)", folder.display());
        return None;
    }
    Some(folder)
}

fn input(folder: &std::path::Path) -> Vec<Vec<f32>> {
    let mut wav = hound::WavReader::open(folder.join("input.wav")).unwrap();
    let samples: Vec<f32> =
        wav.samples::<i16>().map(|x| f32::from(x.unwrap()) / 32_768.0).collect();
    (0..2).map(|channel| samples.iter().skip(channel).step_by(2).copied().collect()).collect()
}

#[test]
fn recorded_music_gives_the_recorded_drums() {
    let Some(folder) = recorded() else { return };
    let drums = separate(&input(&folder), 10_000);
    let bytes = std::fs::read(folder.join("drums.f32")).unwrap();
    let (numbers, _) = bytes.as_chunks();
    let wanted: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
    assert_eq!(wanted.len(), 2 * drums[0].len());
    for (channel, drums) in drums.iter().enumerate() {
        let wanted: Vec<f32> = wanted.iter().skip(channel).step_by(2).copied().collect();
        let worst = largest_difference(drums, &wanted);
        eprintln!("channel {channel}: largest difference {worst:e}");
        assert!(worst < 2e-6, "channel {channel}: {worst}");
    }
}

/// Cues, context and masks of a whole song, each as one long row.
fn inside(mix: &[Vec<f32>]) -> (Vec<Vec<f32>>, Vec<f32>, Vec<f32>) {
    let views: Vec<&[f32]> = mix.iter().map(Vec::as_slice).collect();
    let mut meter = Meter::new(mix.len());
    meter.hear(&views);
    let mut rule = Rule::new(Weights::bundled().unwrap());
    rule.cues = Cues::new(meter.finish().unwrap());
    let mut windows = Windows::new(N_FFT, mix.len(), Framing::Centred);
    for piece in windows.pieces(&views) {
        if windows.take(&views, piece) {
            rule.see(windows.spectra());
        }
    }
    while windows.take_silence() {
        rule.see(windows.spectra());
    }
    rule.end();
    let (mut cues, mut context, mut masks) = (vec![Vec::new(); CUES], Vec::new(), Vec::new());
    let mut mask = vec![0.0; BINS];
    for window in 0..rule.described.end() {
        for (cue, rows) in cues.iter_mut().enumerate() {
            rows.extend(&rule.described.at(window)[cue * ROW..][..BINS]);
        }
        let said = rule.context.at(window).unwrap();
        let steers = weights::STEERS;
        (0..BANDS).for_each(|band| context.extend(&said[band * 2 * steers..][..steers]));
        assert!(rule.mask(&mut mask));
        masks.extend(&mask);
    }
    (cues, context, masks)
}

#[test]
fn what_goes_on_inside_is_what_was_recorded() {
    let Some(folder) = recorded() else { return };
    let (cues, context, masks) = inside(&input(&folder));
    let text = std::fs::read_to_string(folder.join("stats.json")).unwrap();
    let stats: Value = serde_json::from_str(&text).unwrap();
    let mut rows: Vec<(String, &[f32])> =
        vec![("context".into(), &context), ("mask".into(), &masks)];
    rows.extend(cues.iter().enumerate().map(|(i, row)| (format!("cue{i}"), row.as_slice())));
    for (name, row) in rows {
        let shape = stats[&name]["shape"].as_array().unwrap();
        let size: u64 = shape.iter().map(|n| n.as_u64().unwrap()).product();
        assert_eq!(row.len() as u64, size, "{name}");
        let numbers = |key: &str| stats[&name][key].as_array().unwrap().iter();
        let mut worst = 0.0f64;
        for (at, wanted) in numbers("at").zip(numbers("values")) {
            let found = f64::from(row[at.as_u64().unwrap() as usize]);
            worst = worst.max((found - wanted.as_f64().unwrap()).abs());
        }
        let mean = row.iter().map(|x| f64::from(*x)).sum::<f64>() / size as f64;
        let off = (mean - stats[&name]["mean"].as_f64().unwrap()).abs();
        eprintln!("{name}: {worst:.1e} at the probes, {off:.1e} in the mean");
        // Sums in 32 bits make the recorded means over time the less exact ones.
        assert!(worst < 2e-4 && off < 2e-5, "{name}: {worst} at the probes, {off} in the mean");
    }
}

#[test]
fn the_cut_into_blocks_changes_nothing() {
    let mix = clip();
    let whole = separate(&mix, 44_100);
    for block in [1, 511, 512, 513, 10_007] {
        assert!(separate(&mix, block) == whole, "blocks of {block}");
    }
}

#[test]
fn as_many_frames_come_out_as_went_in_and_nothing_is_left_over() {
    let clip = clip();
    let mut compact = Compact::new(2).unwrap();
    for frames in [0, 1, 100, 511, 512, 513, 1_024, 1_537, 20_001] {
        let mix: Vec<Vec<f32>> = clip.iter().map(|x| x[..frames].to_vec()).collect();
        let drums = run(&mut compact, &mix, 777);
        assert!(drums.iter().all(|x| x.len() == frames), "{frames} frames");
        assert!(drums == separate(&mix, 777), "the song before is forgotten");
    }
}

#[test]
fn the_drums_lag_by_a_bounded_time() {
    let mix = clip();
    let mut compact = Compact::new(2).unwrap();
    let (mut drums, mut fed, mut most) = (vec![Vec::new(); 2], 0, 0);
    for piece in (0..5).flat_map(|_| mix[0].chunks(441).zip(mix[1].chunks(441))) {
        compact.process(&[piece.0, piece.1], &mut drums).unwrap();
        fed += piece.0.len();
        most = most.max(fed - drums[0].len());
    }
    // 32 windows for the longest mean, 64 for the context, a batch of 32, and a window.
    let windows = 32 + 64 + 32 + 2;
    assert!(most <= (windows + 2) * HOP + N_FFT, "{most} frames");
    assert!(most >= windows / 2 * HOP, "{most} frames");
}

#[test]
fn one_channel_is_as_good_as_two_of_the_same() {
    let left = clip().swap_remove(0);
    let mono = separate(std::slice::from_ref(&left), 4_096);
    let stereo = separate(&[left.clone(), left], 4_096);
    assert!(stereo[0] == stereo[1]);
    let worst = largest_difference(&mono[0], &stereo[0]);
    assert!(worst < 1e-6, "{worst}");
}

#[test]
fn bursts_and_tones_come_apart() {
    let mix = clip();
    let drums = separate(&mix, 4_096);
    let energy = |x: &[f32]| x.iter().map(|x| f64::from(x * x)).sum::<f64>();
    for (start, least, most) in [(11_025, 0.2, 1.1), (17_000, 0.0, 0.001)] {
        let place = start..start + 1_500;
        let share = energy(&drums[0][place.clone()]) / energy(&mix[0][place]);
        assert!((least..most).contains(&share), "{share} of the sound from frame {start} on");
    }
}

#[test]
fn silence_stays_silent_and_loudness_does_not_matter() {
    let silent = separate(&vec![vec![0.0; 30_000]; 2], 4_096);
    assert!(silent.iter().flatten().all(|x| *x == 0.0));
    let scaled = |by: f32| -> Vec<Vec<f32>> {
        clip().iter().map(|x| x.iter().map(|x| x * by).collect()).collect()
    };
    let (loud, soft) = (separate(&clip(), 4_096), separate(&scaled(0.5), 4_096));
    let soft: Vec<f32> = soft[0].iter().map(|x| x * 2.0).collect();
    let worst = largest_difference(&loud[0], &soft);
    eprintln!("largest difference {worst}");
    assert!(worst < 0.02, "the level is taken out of the mix: {worst}");
}

#[test]
fn a_song_that_was_not_heard_first_is_separated_nearly_as_well() {
    let mix = clip();
    let mut compact = Compact::new(2).unwrap();
    let mut drums = vec![Vec::new(); 2];
    compact.process(&[&mix[0], &mix[1]], &mut drums).unwrap();
    compact.finish(&mut drums).unwrap();
    let heard = separate(&mix, 4_096);
    let worst = largest_difference(&drums[0], &heard[0]);
    assert!(worst > 1e-4 && worst < 0.2, "{worst}");
}

#[test]
fn broken_samples_give_finite_drums() {
    let mut mix = clip();
    let broken = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::MIN_POSITIVE / 2.0];
    for (i, x) in broken.into_iter().enumerate() {
        (mix[0][9_000 + 700 * i], mix[1][15_000 + i]) = (x, x);
    }
    let drums = separate(&mix, 4_096);
    assert!(drums.iter().flatten().all(|x| x.is_finite()));
    let broken = separate(&[vec![f32::NAN; 10_000]], 4_096);
    assert!(broken[0].iter().all(|x| *x == 0.0));
}
