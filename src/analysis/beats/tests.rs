use super::*;
use crate::analysis::SoundPrint;
use crate::analysis::onset::{CHROMA_HOPS, CHROMA_WIDTH, OnsetAnalyzer};

const RATE: f64 = 22_050.0;

fn silence(seconds: f64) -> Vec<f32> {
    vec![0.0; (seconds * RATE) as usize]
}

/// Deterministic white noise.
fn noise(count: usize, mut seed: u32) -> Vec<f32> {
    let mut next = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn add(target: &mut [f32], time: f64, sound: &[f32]) {
    let start = (time * RATE).round() as usize;
    for (t, s) in target.iter_mut().skip(start).zip(sound) {
        *t += s;
    }
}

fn decaying(hz: f64, seconds: f64, gain: f64) -> Vec<f32> {
    let wave = |t: f64| gain * (std::f64::consts::TAU * hz * t).sin() * (-5.0 * t / seconds).exp();
    (0..(seconds * RATE) as usize).map(|i| wave(i as f64 / RATE) as f32).collect()
}

fn click() -> Vec<f32> {
    decaying(1_000.0, 0.03, 0.8)
}

fn kick() -> Vec<f32> {
    decaying(60.0, 0.2, 0.9)
}

fn hat(seed: u32) -> Vec<f32> {
    let white = noise(1_200, seed);
    white
        .windows(2)
        .enumerate()
        .map(|(i, w)| 0.2 * (w[1] - w[0]) * (-(i as f32) / 250.0).exp())
        .collect()
}

fn chord(root: f64, seconds: f64, gain: f64) -> Vec<f32> {
    let mut sum = vec![0.0; (seconds * RATE) as usize];
    for semitones in [0.0, 4.0, 7.0, 12.0] {
        add(&mut sum, 0.0, &decaying(root * 2f64.powf(semitones / 12.0), seconds, gain));
    }
    sum
}

fn envelope(samples: &[f32]) -> OnsetEnvelope {
    let mut analyzer = OnsetAnalyzer::new();
    analyzer.push(samples);
    analyzer.finish()
}

fn beats_of(samples: &[f32]) -> BeatGrid {
    track_beats(&envelope(samples)).expect("a steady beat")
}

/// Distance of every true beat from the nearest found one.
fn misses(grid: &BeatGrid, truth: &[f64]) -> Vec<f64> {
    let nearest = |t: &f64| {
        grid.beats.iter().map(|b| b.0 - t).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap()
    };
    truth.iter().map(nearest).collect()
}

fn clicks(times: &[f64], seconds: f64) -> Vec<f32> {
    let mut samples = silence(seconds);
    times.iter().for_each(|&t| add(&mut samples, t, &click()));
    samples
}

#[test]
fn click_tracks_are_found_to_five_milliseconds() {
    for bpm in [60.0, 100.0, 128.0, 174.0] {
        let truth: Vec<f64> =
            (0..).map(|i| 0.3 + 60.0 / bpm * f64::from(i)).take_while(|t| *t < 29.0).collect();
        let grid = beats_of(&clicks(&truth, 29.5));
        assert!((grid.tempo.0 / bpm - 1.0).abs() < 0.01, "{bpm} BPM: {:?}", grid.tempo);
        assert!(grid.beats.len().abs_diff(truth.len()) <= 1, "{bpm} BPM");
        let worst = misses(&grid, &truth).into_iter().fold(0.0, |a: f64, d| a.max(d.abs()));
        assert!(worst < 0.005, "{bpm} BPM: worst {worst}");
        assert!(grid.beats.windows(2).all(|w| w[0] < w[1]));
        assert_eq!(grid.positions.len(), grid.beats.len());
        assert!(grid.confidence > 0.5);
    }
}

#[test]
fn a_ramp_from_100_to_130_is_followed() {
    let mut truth = vec![0.2];
    while truth[truth.len() - 1] < 60.0 {
        let t = truth[truth.len() - 1];
        truth.push(t + 60.0 / (100.0 + 30.0 * t / 60.0));
    }
    let grid = beats_of(&clicks(&truth, 61.0));
    let found = misses(&grid, &truth);
    assert!(found.iter().all(|d| d.abs() < 0.01), "{found:?}");
    assert!(grid.beats.len().abs_diff(truth.len()) <= 1);
}

#[test]
fn kicks_are_beats_and_off_beat_hats_are_not() {
    let beat = 60.0 / 118.0;
    let mut samples = silence(40.0);
    let mut truth = Vec::new();
    for i in 0..76 {
        let t = 0.1 + f64::from(i) * beat;
        truth.push(t);
        if i % 2 == 0 {
            add(&mut samples, t, &kick());
        } else {
            let snare: Vec<f32> = noise(2_000, i as u32)
                .iter()
                .enumerate()
                .map(|(k, x)| 0.3 * x * (-(k as f32) / 500.0).exp())
                .collect();
            add(&mut samples, t, &snare);
        }
        add(&mut samples, t + 0.5 * beat, &hat(i as u32 + 99));
    }
    let grid = beats_of(&samples);
    assert!((grid.tempo.0 - 118.0).abs() < 1.5, "{:?}", grid.tempo);
    let near = misses(&grid, &truth).iter().filter(|d| d.abs() < 0.03).count();
    assert!(near >= 72, "{near} of {} beats", truth.len());
}

/// A beat of clicks under chords that change on every downbeat, with a kick there.
fn song(per_bar: usize) -> (Vec<f32>, Vec<f64>) {
    let beat = 60.0 / 110.0;
    let mut samples = silence(45.0);
    let mut downbeats = Vec::new();
    for i in 0..80usize {
        let t = 0.2 + beat * i as f64;
        add(&mut samples, t, &hat(i as u32));
        if i % per_bar == 0 {
            downbeats.push(t);
            let root = [130.8, 174.6, 196.0, 146.8][i / per_bar % 4];
            add(&mut samples, t, &chord(root, beat * per_bar as f64, 0.15));
            add(&mut samples, t, &kick());
        }
    }
    (samples, downbeats)
}

#[test]
fn chord_changes_open_bars_of_four_and_of_three() {
    for per_bar in [4usize, 3] {
        let (samples, truth) = song(per_bar);
        let grid = beats_of(&samples);
        assert_eq!(usize::from(grid.beats_per_bar), per_bar);
        let found: Vec<f64> = grid
            .beats
            .iter()
            .zip(&grid.positions)
            .filter(|(_, p)| **p == 1)
            .map(|(b, _)| b.0)
            .collect();
        let hits = truth.iter().filter(|t| found.iter().any(|f| (f - *t).abs() < 0.05)).count();
        assert!(hits + 1 >= truth.len(), "{per_bar}: {hits} of {}", truth.len());
        assert!(found.len() <= truth.len() + 1);
    }
}

#[test]
fn what_has_no_beat_gets_none() {
    let long_tone: Vec<f32> =
        (0..441_000).map(|i| 0.5 * (0.125 * f64::from(i)).sin() as f32).collect();
    let cases = [
        ("silence", silence(20.0)),
        ("noise", noise(441_000, 5).iter().map(|x| 0.3 * x).collect()),
        ("short noise", noise(66_150, 9)),
        ("tone", long_tone),
        ("one click", clicks(&[3.0], 20.0)),
        ("two clicks", clicks(&[3.0, 3.5], 20.0)),
        ("a quarter of a second", clicks(&[0.1], 0.25)),
        ("one sample", vec![0.5]),
        ("nothing", Vec::new()),
        ("no numbers", vec![f32::NAN; 50_000]),
    ];
    for (name, samples) in cases {
        let grid = track_beats(&envelope(&samples));
        assert!(grid.is_none(), "{name}: {:?}", grid.map(|g| (g.tempo, g.beats.len())));
    }
}

#[test]
fn beats_reach_the_ends_of_the_music_but_not_into_silence() {
    let truth: Vec<f64> = (0..40).map(|i| 5.0 + 0.5 * f64::from(i)).collect();
    let grid = beats_of(&clicks(&truth, 40.0));
    let (first, last) = (grid.beats[0].0, grid.beats[grid.beats.len() - 1].0);
    assert!((first - 5.0).abs() < 0.01, "first {first}");
    assert!((last - 24.5).abs() < 0.01, "last {last}");
}

#[test]
fn silent_drums_leave_the_lead_to_the_mix() {
    let truth: Vec<f64> = (0..60).map(|i| 0.2 + 0.5 * f64::from(i)).collect();
    let drums = envelope(&clicks(&truth[..30], 31.0));
    let tone = |i: usize| 0.02 * (i as f32 * 0.3).sin();
    let mixed =
        clicks(&truth, 31.0).iter().enumerate().map(|(i, x)| x + tone(i)).collect::<Vec<_>>();
    let mix = envelope(&mixed);
    let both = combine(&drums, &mix);
    assert_eq!(both.len(), mix.len());
    let grid = track_beats(&both).unwrap();
    let found = misses(&grid, &truth);
    assert!(found.iter().all(|d| d.abs() < 0.01), "{found:?}");
    // All that tells of onsets is the drums' as long as they sound, then the mix's.
    let hop = |seconds: f64| (seconds * OnsetEnvelope::rate()) as usize;
    for part in [0.0..1.0, 5.0..10.0] {
        let hops = hop(part.start)..hop(part.end);
        assert_eq!(both.complex[hops.clone()], drums.complex[hops.clone()]);
        assert_eq!(both.flux[hops.clone()], drums.flux[hops.clone()]);
        assert_ne!(both.complex[hops.clone()], mix.complex[hops]);
    }
    let hops = hop(20.0)..mix.len();
    assert_eq!(both.complex[hops.clone()], mix.complex[hops.clone()]);
    assert_eq!(both.flux[hops.clone()], mix.flux[hops]);
    // Stems of unequal length, or none at all, are no trouble.
    assert_eq!(combine(&OnsetEnvelope::default(), &mix), mix);
    assert!(combine(&mix, &OnsetEnvelope::default()).is_empty());
}

/// Two hours of curves, in which a hop is as `at` says: flux of all registers and level.
fn two_hours(at: impl Fn(usize) -> (f32, f32)) -> OnsetEnvelope {
    let hops = (7_200.0 * OnsetEnvelope::rate()) as usize;
    let each = || (0..hops).map(&at);
    OnsetEnvelope {
        flux: each().map(|(flux, _)| [flux; REGISTERS]).collect(),
        complex: each().map(|(flux, _)| flux).collect(),
        level: each().map(|(_, level)| level).collect(),
        attack: each().map(|(flux, _)| [flux, 0.0, 0.0, 0.0]).collect(),
        chroma: vec![[0.1; CHROMA_WIDTH]; hops.div_ceil(CHROMA_HOPS)],
        timbre: Vec::new(),
        print: SoundPrint::default(),
    }
}

#[test]
fn two_hours_of_anything_are_answered() {
    let grains = noise(9_973, 7);
    let nothing = [
        ("silence", two_hours(|_| (0.0, 0.0))),
        ("a tone", two_hours(|hop| (if hop == 0 { 3.0 } else { 0.0 }, 0.4))),
        ("noise", two_hours(|hop| (0.3 + 0.1 * grains[hop % grains.len()], 0.3))),
        ("one click", two_hours(|hop| if hop == 300_000 { (4.0, 0.5) } else { (0.0, 0.0) })),
        ("no numbers", two_hours(|_| (f32::NAN, f32::NAN))),
    ];
    for (name, onsets) in nothing {
        let grid = track_beats(&onsets);
        assert!(grid.is_none(), "{name}: {:?}", grid.map(|g| (g.tempo, g.beats.len())));
    }
    let clicks = two_hours(|hop| if hop % 43 == 20 { (3.0, 0.5) } else { (0.0, 0.01) });
    let grid = track_beats(&clicks).unwrap();
    let wanted = clicks.len() / 43;
    assert!(grid.beats.len().abs_diff(wanted) < 5, "{} of {wanted}", grid.beats.len());
    let last = grid.beats[grid.beats.len() - 2].0 * OnsetEnvelope::rate() % 43.0;
    assert!((last - 20.0).abs() < 2.0, "the last beats lie where the first do: {last}");
}

#[test]
fn a_bare_metronome_has_a_beat_at_its_tempo() {
    for bpm in [80.0, 100.0, 120.0, 140.0] {
        let mut sound = vec![0.0f32; (24.0 * RATE) as usize];
        let mut beat = 0;
        while let Some(click) = sound.get_mut((60.0 / bpm * f64::from(beat) * RATE) as usize..) {
            let hz = if beat % 4 == 0 { 220.0 } else { 1_500.0 };
            for (i, x) in click.iter_mut().take(4_000).enumerate() {
                let t = i as f64 / RATE;
                *x += (0.8 * (std::f64::consts::TAU * hz * t).sin() * (-40.0 * t).exp()) as f32;
            }
            beat += 1;
        }
        let mut analyzer = OnsetAnalyzer::new();
        analyzer.push(&sound);
        let grid = track_beats(&analyzer.finish());
        let found = grid.map_or(0.0, |grid| grid.tempo.0);
        // Half and double are pulses of the same clicks.
        let octaves = (found / bpm).log2();
        assert!((octaves - octaves.round()).abs() < 0.03, "clicks at {bpm} BPM heard at {found}");
    }
}
