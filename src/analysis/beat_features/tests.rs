use super::*;
use crate::analysis::librosa::librosa_beat_vector;
use crate::analysis::tuning::Tuning;
use std::f64::consts::TAU;

const RATE: f64 = 22_050.0;
const A: usize = 9;
const D_SHARP: usize = 3;

fn tone(hz: f64, amplitude: f64, length: usize) -> Vec<f32> {
    (0..length).map(|n| (amplitude * (TAU * hz * n as f64 / RATE).sin()) as f32).collect()
}

/// White noise from a linear congruential generator (Knuth's MMIX constants).
fn noise(amplitude: f32, length: usize) -> Vec<f32> {
    let mut state = 1u64;
    let mut draw = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..length).map(|_| amplitude * draw()).collect()
}

fn extract(audio: &[f32], boundaries: &[u64], cut: usize) -> Vec<BeatFeatures> {
    let mut extractor = BeatFeatureExtractor::new(boundaries.to_vec(), 0.0);
    audio.chunks(cut).for_each(|part| extractor.push(part));
    extractor.finish()
}

fn loudest(chroma: &[f32; N_CHROMA]) -> usize {
    (0..N_CHROMA).max_by(|&a, &b| chroma[a].total_cmp(&chroma[b])).unwrap()
}

#[test]
fn each_piece_hears_its_own_note() {
    let audio = [tone(440.0, 0.5, 11_025), tone(622.254, 0.05, 11_025)].concat();
    let pieces = extract(&audio, &[0, 11_025, 22_050], 1000);
    assert_eq!(loudest(&pieces[0].chroma_mean), A);
    assert_eq!(loudest(&pieces[1].chroma_mean), D_SHARP);
    assert!((pieces[0].loudness_db - 20.0 * (0.5f32 / 2f32.sqrt()).log10()).abs() < 0.01);
    assert!((pieces[1].loudness_db - 20.0 * (0.05f32 / 2f32.sqrt()).log10()).abs() < 0.01);
    assert!((pieces[0].centroid_hz - 440.0).abs() < 60.0, "{}", pieces[0].centroid_hz);
}

#[test]
fn a_rest_within_a_beat_does_not_blur_its_chord() {
    let full = extract(&tone(440.0, 0.5, 16_384), &[4096, 12_288], 512);
    let mut half = tone(440.0, 0.5, 16_384);
    half[8192..].fill(0.0);
    half[8192 + 1024..].copy_from_slice(&noise(3e-4, 16_384 - 9216));
    let half = extract(&half, &[4096, 12_288], 512);
    for (f, h) in full[0].chroma_mean.iter().zip(&half[0].chroma_mean) {
        assert!((f - h).abs() < 0.03, "{f} {h}");
    }
}

#[test]
fn agrees_with_librosa_where_the_definitions_agree() {
    // Steady, loud and long: weights are equal, floors out of reach and edges negligible.
    let audio: Vec<f32> =
        noise(0.3, 400_000).iter().zip(tone(261.626, 0.3, 400_000)).map(|(a, b)| a + b).collect();
    let own = extract(&audio, &[0, 400_000], 4096)[0];
    let theirs = librosa_beat_vector(&audio, Tuning::Given(0.0));
    for (o, t) in own.chroma_mean.iter().zip(&theirs) {
        assert!((o - t).abs() < 0.005, "chroma {o} {t}");
    }
    for (o, t) in own.mfcc_mean.iter().zip(&theirs[N_CHROMA..]) {
        assert!((o - t).abs() < 0.1, "MFCC {o} {t}");
    }
}

#[test]
fn a_stroke_on_the_boundary_is_its_pieces_onset() {
    let mut audio = noise(0.001, 44_100);
    for (x, n) in audio[22_528..26_528].iter_mut().zip(noise(0.5, 4_000)) {
        *x += n;
    }
    let pieces = extract(&audio, &[4_000, 11_025, 22_528, 33_075, 44_100], 700);
    assert!(pieces[2].onset_strength > 20.0);
    for quiet in [0, 1, 3] {
        assert!(
            pieces[quiet].onset_strength < 5.0,
            "piece {quiet}: {}",
            pieces[quiet].onset_strength
        );
    }
    assert!(pieces[2].flux > pieces[1].flux);
    assert!(pieces[2].mfcc_std[0] > 10.0 * pieces[1].mfcc_std[0]);
}

#[test]
fn block_size_does_not_matter() {
    let audio = [noise(0.2, 9_000), tone(330.0, 0.4, 9_001)].concat();
    let boundaries = [3, 700, 5_000, 5_000, 5_100, 12_345, 18_001];
    let whole = extract(&audio, &boundaries, audio.len());
    for cut in [1, 7, 511, 512, 513, 1024, 4_000] {
        assert_eq!(extract(&audio, &boundaries, cut), whole, "cut {cut}");
    }
}

#[test]
fn a_piece_shorter_than_a_hop_takes_the_nearest_frame() {
    let audio = noise(0.2, 8_192);
    let nearest = |start, end| extract(&audio, &[start, end], 512)[0].mfcc_mean;
    let frame = |k: u64| nearest(k * 512, k * 512 + 1);
    assert_eq!(nearest(2050, 2100), frame(4));
    assert_eq!(nearest(2500, 2550), frame(5));
    assert_ne!(frame(4), frame(5));
    let pieces = extract(&audio, &[2050, 2100, 2200, 2500, 2550], 100);
    assert_eq!(pieces[0].mfcc_mean, frame(4));
    assert_eq!(pieces[3].mfcc_mean, frame(5));
}

#[test]
fn every_boundary_list_gives_one_result_a_piece() {
    let audio = noise(0.2, 3_000);
    assert!(extract(&audio, &[], 100).is_empty());
    assert!(extract(&audio, &[5], 100).is_empty());
    let odd = [10, 5, 5, 2_999, 3_000, 90_000, u64::MAX];
    let pieces = extract(&audio, &odd, 100);
    assert_eq!(pieces.len(), odd.len() - 1);
    assert!(pieces.iter().all(finite));
    assert_eq!(pieces[5].loudness_db, -100.0);
}

fn finite(piece: &BeatFeatures) -> bool {
    piece.values().iter().all(|v| v.is_finite())
}

#[test]
fn silence_and_nonsense_give_finite_values() {
    let mut wild = noise(1e6, 6_000);
    wild[100] = f32::NAN;
    wild[3_000] = f32::INFINITY;
    wild[4_000] = f32::MIN;
    for audio in [vec![], vec![0.0], vec![0.0; 6_000], vec![f32::NAN; 6_000], wild] {
        let mut extractor = BeatFeatureExtractor::new(vec![0, 2_000, 2_010, 6_000], f32::NAN);
        extractor.push(&audio);
        let pieces = extractor.finish();
        assert_eq!(pieces.len(), 3);
        assert!(pieces.iter().all(finite));
    }
    let silent = extract(&[0.0; 6_000], &[0, 6_000], 512)[0];
    assert_eq!(silent.chroma_mean, [0.0; N_CHROMA]);
    assert_eq!(silent.loudness_db, -100.0);
    assert!((silent.mfcc_mean[0] + 50.0 * 128f32.sqrt()).abs() < 0.01);
}

#[test]
fn names_are_unique_and_stand_in_the_order_of_the_values() {
    let mut sorted = FEATURE_NAMES.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), N_FEATURES);
    let mut piece =
        BeatFeatures { centroid_hz: 1.0, onset_strength: 2.0, ..BeatFeatures::default() };
    piece.chroma_mean[A] = 3.0;
    piece.chroma_std[0] = 4.0;
    piece.mfcc_mean[12] = 5.0;
    piece.mfcc_std[1] = 6.0;
    let expected = [
        ("centroid_hz", 1.0, FeatureGroup::Timbre),
        ("onset_strength", 2.0, FeatureGroup::Dynamics),
        ("chroma_mean_a", 3.0, FeatureGroup::Harmony),
        ("chroma_std_c", 4.0, FeatureGroup::Harmony),
        ("mfcc_mean_12", 5.0, FeatureGroup::Timbre),
        ("mfcc_std_1", 6.0, FeatureGroup::Timbre),
    ];
    for (name, value, group) in expected {
        let index = FEATURE_NAMES.iter().position(|&n| n == name).unwrap();
        assert_eq!(piece.values()[index], value, "{name}");
        assert_eq!(feature_group(index), group, "{name}");
    }
    assert_eq!(feature_group(51), FeatureGroup::Dynamics);
}
