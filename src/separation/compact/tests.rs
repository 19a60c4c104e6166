//! The network against numbers of its reference, and what a stream may not change.

use std::f64::consts::TAU;

use super::*;
use crate::separation::windows::Windows;

/// A second of two tones and bursts of noise, as in scripts/reference/compact.py.
fn clip() -> Vec<Vec<f32>> {
    let mut state = 1u32;
    let mut clip = vec![Vec::new(), Vec::new()];
    for i in 0..44_100 {
        let t = f64::from(i) / 44_100.0;
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
        let burst = noise * ((-t.rem_euclid(0.25) / 0.02).exp() + 0.01);
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

/// Printed by scripts/reference/compact.py: 8 frames 97 apart in each of 4 bursts.
#[rustfmt::skip]
const GOLDEN: [[f32; 2]; 32] = [
    [-0.106615, -0.068895], [-0.018349, -0.01623], [-0.241441, -0.17963], [0.199628, 0.151471],
    [-0.246024, -0.180298], [-0.110423, -0.07926], [-0.126248, -0.093484], [-0.11122, -0.08695],
    [-0.399923, -0.300406], [0.022509, 0.015123], [0.29086, 0.220375], [0.188033, 0.138237],
    [-0.207312, -0.15479], [0.024289, 0.018398], [0.099174, 0.073027], [0.037344, 0.02969],
    [0.276902, 0.207786], [0.146841, 0.108944], [0.305415, 0.229301], [-0.014639, -0.011519],
    [0.104505, 0.077426], [0.187049, 0.142297], [-0.092346, -0.069348], [-0.130192, -0.098353],
    [-0.151102, -0.111922], [-0.345385, -0.260181], [0.029669, 0.022423], [0.123128, 0.092829],
    [-0.251386, -0.190284], [0.205819, 0.154692], [-0.190913, -0.142183], [0.039472, 0.028917],
];

#[test]
fn a_formula_gives_the_drums_of_the_reference() {
    let drums = separate(&clip(), 4_096);
    let mut worst = 0.0f32;
    for (i, golden) in GOLDEN.iter().enumerate() {
        let frame = i / 8 * 11_025 + 17 + i % 8 * 97;
        for (channel, wanted) in golden.iter().enumerate() {
            let found = drums[channel][frame];
            worst = worst.max((found - wanted).abs());
            assert!((found - wanted).abs() < 5e-6, "frame {frame}: {found} for {wanted}");
        }
    }
    eprintln!("largest difference {worst:e}");
}

/// Where the reference was asked what goes on inside.
const PLACES: ([usize; 4], [usize; 5]) = ([0, 1, 43, 86], [0, 13, 77, 500, 1_024]);

/// Printed by scripts/reference/compact.py: at each place, the cues and the balance.
#[rustfmt::skip]
const DESCRIBED: [[f32; ROWS]; 20] = [
    [2.296, 0.976, 2.264, 0.508, 1.839, 0.0, 0.185, -1.87, 0.296, 2.296, 1.403, 0.71],
    [2.353, 1.294, 2.421, 0.702, 2.293, 0.0, 1.088, 0.702, 1.354, 2.353, 2.618, 0.919],
    [1.72, 0.756, 1.712, 0.537, 1.72, 0.0, 0.085, -1.126, 0.031, 1.72, 0.286, 0.245],
    [1.592, 0.608, 1.509, 0.495, 1.527, 0.0, 0.097, -1.658, 0.04, 1.592, 0.139, 0.281],
    [1.322, 0.504, 1.627, -0.345, 1.322, 0.0, 0.063, -1.469, 0.04, 1.322, 1.356, 0.281],
    [2.159, 0.834, 2.019, 0.508, 1.817, -0.137, 0.168, -1.87, 0.171, 2.159, 2.263, 0.559],
    [2.1, 1.265, 2.221, 0.702, 1.755, -0.253, 1.086, 0.702, 1.117, 2.1, 2.079, 0.892],
    [1.692, 0.649, 1.642, 0.537, 1.337, -0.028, 0.067, -1.126, 0.038, 1.692, 1.099, 0.273],
    [1.573, 0.49, 1.497, 0.495, 0.943, -0.018, 0.064, -1.658, 0.04, 1.573, 1.776, 0.281],
    [-0.345, 0.391, 1.673, -0.345, -0.345, -1.667, 0.047, -1.469, 0.037, -0.345, 1.262, 0.27],
    [1.135, -0.064, 1.215, -0.587, 1.135, 0.578, -0.13, -1.36, 0.032, 0.857, 1.232, 0.25],
    [1.058, 1.006, 1.765, 0.941, 0.977, 0.063, 1.017, 0.862, 0.697, 0.836, 1.146, 0.612],
    [1.731, 0.157, 1.637, -0.66, 1.585, 0.782, -0.059, -1.519, 0.04, 1.805, 2.058, 0.28],
    [1.776, 0.254, 1.275, -0.143, 0.749, 0.894, 0.019, -1.355, 0.04, 1.63, 1.293, 0.28],
    [1.613, 0.127, 1.36, -0.601, 1.452, 0.788, 0.096, -1.843, 0.04, 1.43, 1.068, 0.28],
    [2.034, -0.049, 2.23, -2.092, 2.034, 0.546, -0.106, -2.092, 1.392, 2.224, 2.034, 0.92],
    [2.317, 1.293, 2.402, 0.962, 2.204, 0.396, 1.11, 0.954, 0.67, 2.55, 2.317, 0.932],
    [0.464, -0.691, 0.447, -1.651, 0.464, 0.493, -0.202, -1.651, 1.109, 0.446, 0.464, -0.879],
    [-0.819, -0.854, -0.7, -0.896, -0.819, -0.07, -0.212, -1.516, 1.627, -0.64, -0.819, -0.702],
    [-0.465, -0.966, -0.729, -2.006, -1.029, 0.41, -0.014, -2.006, 0.097, -0.231, -0.465, -0.43],
];

/// The same, the masks of both channels.
#[rustfmt::skip]
const MASKS: [[f32; 2]; 20] = [
    [0.11204, 0.23436], [0.0017, 0.02206], [0.97642, 0.98523], [0.99798, 0.99904], [0.99931, 0.99965],
    [0.29801, 0.49572], [0.00795, 0.08661], [0.99593, 0.9979], [0.99987, 0.99995], [0.99153, 0.99619],
    [0.94562, 0.96018], [0.50296, 0.86496], [0.99991, 0.99996], [1.0, 1.0], [1.0, 1.0],
    [3e-05, 0.0001], [0.00045, 0.00286], [0.00688, 0.00187], [0.05074, 0.02179], [0.33342, 0.29233],
];

/// Descriptions and masks of every window of a song.
fn inside(mix: &[Vec<f32>]) -> Vec<(Vec<f32>, Vec<Vec<f32>>)> {
    let views: Vec<&[f32]> = mix.iter().map(Vec::as_slice).collect();
    let mut meter = Meter::new(mix.len());
    meter.hear(&views);
    let mut rule = Rule::new(Weights::bundled().unwrap(), mix.len());
    rule.cues = Cues::new(meter.finish().unwrap(), mix.len());
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
    let mut masks = vec![vec![0.0; BINS]; mix.len()];
    let mut inside = Vec::new();
    for window in 0..rule.described.end() {
        let described = rule.described.at(window).to_vec();
        assert!(rule.mask(&mut masks));
        inside.push((described, masks.clone()));
    }
    inside
}

#[test]
fn what_goes_on_inside_is_what_goes_on_in_the_reference() {
    let inside = inside(&clip());
    assert_eq!(inside.len(), 87);
    let places = PLACES.0.iter().flat_map(|&window| PLACES.1.map(|bin| (window, bin)));
    for (place, (window, bin)) in places.enumerate() {
        let (described, masks) = &inside[window];
        for (row, wanted) in DESCRIBED[place].iter().enumerate() {
            let found = described[row * ROW + bin];
            let what = format!("row {row} at window {window}, bin {bin}");
            assert!((found - wanted).abs() < 1e-3, "{what}: {found} for {wanted}");
        }
        for (channel, wanted) in MASKS[place].iter().enumerate() {
            let found = masks[channel][bin];
            let what = format!("mask {channel} at window {window}, bin {bin}");
            assert!((found - wanted).abs() < 5e-5, "{what}: {found} for {wanted}");
        }
    }
}

/// The clip, and in its left channel alone another tone.
fn panned() -> Vec<Vec<f32>> {
    let mut mix = clip();
    for (i, x) in mix[0].iter_mut().enumerate() {
        *x += 0.2 * (TAU * 3_000.0 * i as f64 / 44_100.0).sin() as f32;
    }
    mix
}

#[test]
fn the_channels_are_masked_apart_where_they_differ() {
    let inside = inside(&panned());
    // The tone at 3 kHz, and hiss.
    let gap = |bin: usize| {
        let gaps = inside.iter().map(|(_, masks)| (masks[0][bin] - masks[1][bin]).abs());
        gaps.sum::<f32>() / inside.len() as f32
    };
    eprintln!("the masks differ by {} and {}", gap(139), gap(800));
    assert!(gap(139) > 1e-5, "{}", gap(139));
    for (described, masks) in &inside {
        for (bin, (left, right)) in masks[0].iter().zip(&masks[1]).enumerate() {
            let balanced = described[CUES * ROW + bin] == 0.0;
            assert!(!balanced || left == right, "bin {bin}: {left}, {right}");
        }
    }
}

#[test]
fn swapped_channels_give_the_same_drums_swapped() {
    let mut mix = panned();
    let mut drums = separate(&mix, 4_096);
    mix.swap(0, 1);
    drums.swap(0, 1);
    assert!(separate(&mix, 4_096) == drums);
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
    for piece in (0..6).flat_map(|_| mix[0].chunks(441).zip(mix[1].chunks(441))) {
        compact.process(&[piece.0, piece.1], &mut drums).unwrap();
        fed += piece.0.len();
        most = most.max(fed - drums[0].len());
    }
    // 32 windows for the longest mean, 132 for the context, a batch of 32, and a window.
    let windows = 32 + 132 + 32 + 2;
    assert!(most <= (windows + 2) * HOP + N_FFT, "{most} frames");
    assert!(most >= windows / 2 * HOP, "{most} frames");
}

#[test]
fn one_channel_is_as_good_as_two_of_the_same() {
    let left = clip().swap_remove(0);
    let mono = separate(std::slice::from_ref(&left), 4_096);
    let stereo = separate(&[left.clone(), left], 4_096);
    assert!(stereo[0] == stereo[1]);
    assert!(mono[0] == stereo[0]);
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
    assert!(worst > 1e-6 && worst < 0.2, "{worst}");
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
