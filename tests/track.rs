//! What is told of whole songs, against rendered songs of which everything is known.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

#[path = "common/score.rs"]
mod score;

use evermix::analysis::{Form, TrackAnalysis, TrackAnalyzer};
use evermix::audio::AudioBuffer;
use evermix::base::SampleRate;
use proptest::prelude::*;
use score::{BRIDGE, RATE, VERSE, analyse, bar, perform, white};

/// Letters with where they begin in bars, at a tempo.
fn letters(form: &Form, bpm: f64) -> Vec<(f64, String)> {
    let place = |p: &evermix::analysis::Phrase| (p.start.0 / bar(bpm), p.label.clone());
    form.phrases.iter().map(place).collect()
}

/// The letter heard in the middle of a bar.
fn letter_at(track: &TrackAnalysis, bpm: f64, bar_number: usize) -> String {
    let time = (bar_number as f64 + 0.5) * bar(bpm);
    let phrases = &track.form.as_ref().unwrap().phrases;
    let inside = phrases.iter().find(|p| (p.start.0..p.end.0).contains(&time));
    inside.map(|p| p.label.clone()).unwrap_or_default()
}

/// Whether some phrase begins within a beat of a bar.
fn begins_at(track: &TrackAnalysis, bpm: f64, bar_number: usize) -> bool {
    let form = track.form.as_ref().unwrap();
    letters(form, bpm).iter().any(|(at, _)| (at - bar_number as f64).abs() < 0.26)
}

#[test]
fn the_form_of_a_song_is_heard_from_its_sound() {
    let bpm = 118.0;
    let track = analyse(&perform(bpm, &[VERSE, VERSE, BRIDGE, VERSE]));
    let heard: Vec<String> = [4, 12, 20, 28].iter().map(|&b| letter_at(&track, bpm, b)).collect();
    assert_eq!(heard, ["A", "A", "B", "A"], "{:?}", track.form);
    assert!(begins_at(&track, bpm, 16) && begins_at(&track, bpm, 24), "{:?}", track.form);
    let form = track.form.unwrap();
    assert_eq!((form.intro_end, form.outro_start), (None, None));
}

#[test]
fn an_intro_without_drums_and_an_outro_are_found_to_the_beat() {
    let bpm = 124.0;
    let intro = VERSE.bars(4).without_drums();
    let track = analyse(&perform(bpm, &[intro, VERSE, BRIDGE, VERSE, intro]));
    let form = track.form.as_ref().unwrap();
    let (start, end) = (form.intro_end.unwrap().0, form.outro_start.unwrap().0);
    assert!((start - 4.0 * bar(bpm)).abs() < 60.0 / bpm, "{start} s: {form:?}");
    assert!((end - 28.0 * bar(bpm)).abs() < 60.0 / bpm, "{end} s: {form:?}");
    assert_eq!(letter_at(&track, bpm, 6), letter_at(&track, bpm, 22));
    assert_ne!(letter_at(&track, bpm, 6), letter_at(&track, bpm, 14));
}

#[test]
fn a_fade_out_is_found_and_changes_no_letter() {
    let bpm = 110.0;
    let mut song = perform(bpm, &[VERSE, BRIDGE, VERSE, VERSE]);
    let plain = analyse(&song);
    assert_eq!(plain.edges.fade_out_start, None);
    let fade = 13.0;
    let from = song.len() as f64 - fade * RATE;
    for (i, x) in song.iter_mut().enumerate() {
        let into = (i as f64 - from).max(0.0) / RATE;
        *x *= 10f64.powf(-3.0 * into / 20.0) as f32;
    }
    let faded = analyse(&song);
    let start = faded.edges.fade_out_start.unwrap().0;
    assert!((start - from / RATE).abs() < 2.0, "{start} s, not {}", from / RATE);
    assert_eq!(faded.edges.fade_in_end, None);
    for bar_number in [4, 12, 20, 26, 29] {
        let (a, b) = (letter_at(&plain, bpm, bar_number), letter_at(&faded, bpm, bar_number));
        assert_eq!(a, b, "bar {bar_number}");
    }
    assert_eq!(faded.form.unwrap().outro_start, None);
}

#[test]
fn key_tempo_and_tuning_of_a_song_are_told_with_how_sure_they_are() {
    let track = analyse(&perform(118.0, &[VERSE, VERSE]));
    let rhythm = track.rhythm.as_ref().unwrap();
    assert!((rhythm.tempo.0 - 118.0).abs() < 0.6, "{:?}", rhythm.tempo);
    assert_eq!(rhythm.beats_per_bar, 4);
    assert_eq!(rhythm.beats.len(), rhythm.beat_confidence.len());
    let sure = rhythm.beat_confidence.iter().filter(|&&c| c > 0.5).count();
    assert!(sure * 10 > rhythm.beats.len() * 8, "{sure} of {}", rhythm.beats.len());
    let key = track.key.unwrap();
    assert_eq!(key.key.name(), "C major", "{key:?}");
    assert!(track.tuning.abs() < 0.02, "{}", track.tuning);
    let curve = &rhythm.tempo_curve;
    assert!(curve.iter().all(|point| (point.tempo.0 / 118.0 - 1.0).abs() < 0.02), "{curve:?}");
}

#[test]
fn a_driving_song_has_more_energy_and_dances_better_than_a_quiet_one() {
    let club = analyse(&perform(122.0, &[VERSE, VERSE]));
    let quiet = VERSE.without_drums();
    let soft = perform(72.0, &[quiet.bars(8)]).iter().map(|x| 0.1 * x).collect::<Vec<_>>();
    let soft = analyse(&soft);
    assert!(club.energy > soft.energy + 0.2, "{} and {}", club.energy, soft.energy);
    assert!(club.danceability > 0.7, "{}", club.danceability);
    // A pulse that drifts and stumbles is harder to dance to than the same in time.
    let mut stumbling = Vec::new();
    let mut random = white(5);
    for _ in 0..16 {
        stumbling.extend(perform(122.0 * (1.0 + 0.18 * random()), &[VERSE.bars(1)]));
    }
    let stumbling = analyse(&stumbling);
    assert!(stumbling.danceability + 0.15 < club.danceability, "{}", stumbling.danceability);
    for track in [club, soft, stumbling] {
        assert!((0.0..=1.0).contains(&track.energy) && (0.0..=1.0).contains(&track.danceability));
    }
}

#[test]
fn how_the_stream_is_cut_into_blocks_changes_nothing() {
    let song = perform(120.0, &[VERSE.bars(6)]);
    let mut analyzer = TrackAnalyzer::new(SampleRate::ANALYSIS, 1).unwrap();
    for part in song.chunks(777) {
        analyzer.push(&AudioBuffer { planes: vec![part.to_vec()] }).unwrap();
    }
    assert_eq!(analyzer.finish().unwrap(), analyse(&song));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Anything at all, in pieces of silence, noise, tones, clicks and nonsense.
    #[test]
    fn no_sound_makes_it_panic_and_every_number_is_one(
        pieces in prop::collection::vec((0u8..6, 0usize..30_000, 0.0f32..3.0), 0..8),
        rate in prop::sample::select(vec![8_000u32, 11_025, 44_100, 48_000, 96_000]),
        channels in 1usize..3,
        block in 1usize..9_000,
    ) {
        let mut random = white(9);
        let mut samples = Vec::new();
        for (kind, length, gain) in pieces {
            let period = 1 + length / 7;
            samples.extend((0..length).map(|i| match kind {
                0 => 0.0,
                1 => gain * random() as f32,
                2 => gain * (i as f32 * 0.05).sin(),
                3 => if i % period == 0 { gain } else { 0.0 },
                4 => gain,
                _ => [f32::NAN, f32::INFINITY, -1e30, 0.1][i % 4],
            }));
        }
        let mut analyzer = TrackAnalyzer::new(SampleRate::new(rate).unwrap(), channels).unwrap();
        for part in samples.chunks(block) {
            analyzer.push(&AudioBuffer { planes: vec![part.to_vec(); channels] }).unwrap();
        }
        let track = analyzer.finish().unwrap();
        let told = serde_json::to_value(&track).unwrap();
        let back: TrackAnalysis = serde_json::from_value(told).unwrap();
        // What is not a number becomes null, which cannot be read back.
        prop_assert_eq!(back, track);
    }
}

/// What a song that is no music is told to be.
fn answers(name: &str, samples: &[f32]) -> TrackAnalysis {
    let track = analyse(samples);
    let finite = [track.loudness.integrated.0, track.loudness.range, track.loudness.true_peak];
    assert!(finite.iter().all(|x| x.is_finite()), "{name}: {finite:?}");
    assert!((track.duration.0 - samples.len() as f64 / RATE).abs() < 1e-9, "{name}");
    assert!((0.0..=1.0).contains(&track.energy), "{name}: {}", track.energy);
    assert!(serde_json::to_string(&track).is_ok());
    track
}

#[test]
fn what_is_no_music_gets_honest_answers() {
    let seconds = |s: f64| (s * RATE) as usize;
    let tone = |hz: f64, s: f64| -> Vec<f32> {
        (0..seconds(s))
            .map(|i| (0.5 * (std::f64::consts::TAU * hz * i as f64 / RATE).sin()) as f32)
            .collect()
    };
    let mut random = white(3);
    let noise: Vec<f32> = (0..seconds(12.0)).map(|_| (0.3 * random()) as f32).collect();
    let mut click = vec![0.0f32; seconds(6.0)];
    click[70_000] = 0.9;

    let silence = answers("silence", &vec![0.0; seconds(10.0)]);
    assert_eq!((silence.loudness.integrated.0, silence.loudness.true_peak), (-120.0, -120.0));
    assert_eq!((silence.energy, silence.edges.end.0), (0.0, 0.0));
    for (name, samples) in [("noise", &noise), ("one click", &click), ("tone", &tone(440.0, 8.0))] {
        let track = answers(name, samples);
        assert!(track.rhythm.is_none() && track.form.is_none(), "{name}");
        assert_eq!(track.danceability, 0.0, "{name}");
        assert!(track.loudness.true_peak > -10.0, "{name}");
    }
    assert!(answers("noise", &noise).key.is_none());
    let lost = answers("one click", &click).edges;
    assert!((lost.start.0 - 70_000.0 / RATE).abs() < 0.5 && lost.end.0 - lost.start.0 < 0.6);
    assert!(answers("a detuned tone", &tone(450.0, 8.0)).tuning > 0.3);
    for (name, samples) in
        [("nothing", &[][..]), ("a sample", &[0.5]), ("no numbers", &[f32::NAN; 99_999])]
    {
        assert!(answers(name, samples).rhythm.is_none(), "{name}");
    }
}

#[test]
fn five_seconds_and_bursts_like_speech_are_answered() {
    let short = perform(120.0, &[VERSE.bars(3)]);
    let short = answers("five seconds", &short[..(5.0 * RATE) as usize]);
    assert!(short.form.is_none(), "two bars have no form");
    assert!((short.loudness.integrated.0 + 20.0).abs() < 10.0);
    // Bursts of 80 to 300 ms of noise at odd distances, as syllables come.
    let (mut random, mut speech) = (white(11), Vec::new());
    while speech.len() < (30.0 * RATE) as usize {
        let burst = (RATE * (0.19 + 0.11 * random())) as usize;
        let rest = (RATE * (0.25 + 0.2 * random())) as usize;
        let swell = |i: usize| (std::f64::consts::PI * i as f64 / burst as f64).sin();
        for i in 0..burst {
            speech.push((0.3 * swell(i) * random()) as f32);
        }
        speech.extend(vec![0.0; rest]);
    }
    let speech = answers("speech", &speech);
    let club = analyse(&perform(120.0, &[VERSE, VERSE]));
    assert!(speech.danceability + 0.3 < club.danceability, "{}", speech.danceability);
    assert!(speech.rhythm.is_none_or(|r| r.confidence < 0.3));
}

/// A voice that talks: syllables of a gliding buzz through two resonances, with hisses between,
/// and a breath every few of them.
fn talk(seconds: f64) -> Vec<f32> {
    let (mut random, mut out) = (white(21), Vec::new());
    while out.len() < (seconds * RATE) as usize {
        for _ in 0..4 + (3.0 * random()).round() as i32 {
            let count = (RATE * (0.16 + 0.07 * random())) as usize;
            let (pitch, glide) = (115.0 + 25.0 * random(), 1.0 + 0.2 * random());
            let vowel = [500.0 + 250.0 * random(), 1_500.0 + 600.0 * random()];
            let mut phase = 0.0;
            for i in 0..count {
                let t = i as f64 / count as f64;
                phase += pitch * glide.powf(t) / RATE;
                let since = phase.fract() / pitch;
                let buzz: f64 = vowel
                    .iter()
                    .map(|hz| (-300.0 * since).exp() * (std::f64::consts::TAU * hz * since).sin())
                    .sum();
                out.push((0.25 * (std::f64::consts::PI * t).sin() * buzz) as f32);
            }
            let hiss = (RATE * (0.05 + 0.03 * random())) as usize;
            out.extend((0..hiss).map(|_| (0.04 * random()) as f32));
        }
        out.extend(vec![0.0; (RATE * (0.45 + 0.2 * random())) as usize]);
    }
    out
}

#[test]
fn a_voice_that_talks_is_answered_and_is_no_dance() {
    let voice = answers("a voice", &talk(40.0));
    let club = analyse(&perform(120.0, &[VERSE, VERSE]));
    assert!(voice.danceability + 0.2 < club.danceability, "{}", voice.danceability);
    assert!(voice.rhythm.is_none_or(|r| r.confidence < 0.35));
}
