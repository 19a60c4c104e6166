use super::*;
use crate::analysis::{PitchAnalyzer, TuningEstimator};
use std::f64::consts::TAU;

const RATE: f64 = 22_050.0;

fn key(tonic: usize, minor: bool) -> Key {
    Key { tonic, minor }
}

/// A progression of triads as semitones above the tonic, each with whether it is minor.
type Progression = [(usize, bool); 4];

/// One second a chord: triad of a bright tone, its root in the bass, a step of the scale above.
fn play(tonic: usize, minor: bool, chords: &Progression, detuned: f64) -> Vec<f32> {
    let scale = if minor { [0, 2, 3, 5, 7, 8, 10] } else { [0, 2, 4, 5, 7, 9, 11] };
    let mut out = Vec::new();
    for (bar, &(root, minor_chord)) in chords.iter().chain(chords).enumerate() {
        let third = if minor_chord { 3 } else { 4 };
        let triad = [0, third, 7].map(|step| (48 + tonic + (root + step) % 12, 0.12));
        let bass = [(36 + tonic + root, 0.25)];
        let melody = [(60 + tonic + scale[bar * 3 % 7], 0.1)];
        let voices: Vec<(usize, f64)> = [&triad[..], &bass, &melody].concat();
        out.extend((0..RATE as usize).map(|i| {
            let t = i as f64 / RATE;
            let note = |&(pitch, gain): &(usize, f64)| {
                let hz = 440.0 * 2f64.powf((pitch as f64 + detuned - 69.0) / 12.0);
                let overtones = (1..6).map(|k| (TAU * hz * f64::from(k) * t).sin() / f64::from(k));
                gain * overtones.sum::<f64>()
            };
            ((-1.5 * t).exp() * voices.iter().map(note).sum::<f64>()) as f32
        }));
    }
    out
}

fn heard(signal: &[f32]) -> Option<KeyEstimate> {
    let (mut pitches, mut tuning) = (PitchAnalyzer::new(RATE), TuningEstimator::new(RATE));
    pitches.push(signal);
    tuning.push(signal);
    find_key(&pitches.finish(tuning.finish()))
}

#[test]
fn cadences_are_heard_in_all_24_keys_and_any_tuning() {
    const MAJOR_CADENCE: Progression = [(0, false), (5, false), (7, false), (0, false)];
    const MINOR_CADENCE: Progression = [(0, true), (5, true), (7, false), (0, true)];
    for tonic in 0..12 {
        let detuned = (tonic as f64 - 5.5) / 14.0;
        for (minor, cadence) in [(false, MAJOR_CADENCE), (true, MINOR_CADENCE)] {
            let found = heard(&play(tonic, minor, &cadence, detuned)).unwrap();
            assert_eq!(found.key.name(), key(tonic, minor).name(), "{found:?}");
            assert!(found.strength > 0.7 && found.confidence > 0.1, "{found:?}");
            assert_ne!(found.second, found.key);
        }
    }
}

#[test]
fn a_loop_that_could_be_two_keys_is_less_sure_and_names_both() {
    // C, A minor, F, G against A minor, F, C, G: the same chords from another tonic.
    let clear = heard(&play(0, false, &[(0, false), (5, false), (7, false), (0, false)], 0.0));
    let open = heard(&play(0, false, &[(9, true), (5, false), (0, false), (7, false)], 0.0));
    let (clear, open) = (clear.unwrap(), open.unwrap());
    assert!(open.confidence < clear.confidence, "{open:?}, {clear:?}");
    let both = [open.key, open.second];
    assert!(both.contains(&key(0, false)) && both.contains(&key(9, true)), "{open:?}");
}

#[test]
fn what_has_no_key_gets_none() {
    let mut seed = 1u32;
    let noise: Vec<f32> = (0..220_500)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            0.3 * ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0)
        })
        .collect();
    assert_eq!(heard(&noise), None);
    assert_eq!(heard(&vec![0.0; 100_000]), None);
    assert_eq!(find_key(&[0.0; 12]), None);
    assert_eq!(find_key(&[1.0; 12]), None);
    assert_eq!(find_key(&[f32::NAN; 12]), None);
}

#[test]
fn the_wheel_is_camelots() {
    let place = |tonic, minor| key(tonic, minor).camelot();
    assert_eq!(place(9, true), "8A");
    assert_eq!(place(0, false), "8B");
    assert_eq!(place(7, false), "9B");
    assert_eq!(place(4, false), "12B");
    assert_eq!(place(8, true), "1A");
}

#[test]
fn keys_are_spelt_as_they_are_written() {
    assert_eq!(key(10, false).name(), "Bb major");
    assert_eq!(key(6, true).name(), "F# minor");
    assert_eq!(key(1, false).name(), "Db major");
    assert_eq!(key(1, true).name(), "C# minor");
}
