use proptest::prelude::*;

use super::grid::Grid;
use super::lanes::{bass_swap, percussive, stem_swap};
use super::likeness::Likeness;
use super::{Booth, Options};
use crate::analysis::{Edges, Form, Loudness, Outline, Phrase, Rhythm, SpanSound, TrackAnalysis};
use crate::audio::AudioBuffer;
use crate::base::{Bpm, Decibels, Lufs, SampleRate, Seconds};
use crate::mix::tests::sounds::{noise, pairs, plan, playback, render};
use crate::mix::{Action, Curve, Lane, MixPlan, Part, PlanTrack, Side, parse_plan, voices};

/// A beat on one pitch class, its drive and its second timbre value told.
fn sound(pitch: usize, drive: f32, timbre: f32) -> SpanSound {
    let mut chroma = [0.0; 24];
    (chroma[pitch], chroma[12 + pitch]) = (1.0, 1.0);
    let mut values = [0.0; 13];
    values[1] = timbre;
    SpanSound { chroma, timbre: values, drive: [drive; 4], loudness_db: -20.0 }
}

/// Beats of half a second in bars of `per_bar`, phrases beginning at some of them.
fn track(beats: usize, per_bar: u8, phrases: &[usize]) -> TrackAnalysis {
    let at = |beat: usize| Seconds(0.5 * beat as f64);
    let phrase =
        |&beat: &usize| Phrase { start: at(beat), end: at(beat + 4), bars: 1, label: "A".into() };
    TrackAnalysis {
        version: 0,
        duration: at(beats),
        rhythm: Some(Rhythm {
            beats: (0..beats).map(at).collect(),
            positions: (0..beats).map(|i| (i % usize::from(per_bar)) as u8 + 1).collect(),
            beat_confidence: (0..beats).map(|i| i as f32).collect(),
            beats_per_bar: per_bar,
            tempo: Bpm(120.0),
            confidence: 1.0,
            tempo_curve: Vec::new(),
        }),
        beat_sounds: (0..beats).map(|i| sound(0, i as f32, 0.0)).collect(),
        tuning: 0.0,
        pitch_classes: [0.0; 12],
        key: None,
        loudness: Loudness {
            integrated: Lufs(-12.0),
            range: 3.0,
            true_peak: -1.0,
            short_term: vec![-10.0, -20.0, -20.0, -20.0],
        },
        energy: 0.5,
        danceability: 0.5,
        edges: Edges { start: Seconds(0.2), end: Seconds(15.0), ..Edges::default() },
        form: Some(Form {
            phrases: phrases.iter().map(phrase).collect(),
            intro_end: None,
            outro_start: None,
        }),
        outline: Outline::default(),
        print: Default::default(),
    }
}

/// The same song at another pace.
fn paced(track: TrackAnalysis, pace: f64) -> TrackAnalysis {
    let at = |t: Seconds| Seconds(t.0 * pace);
    let rhythm = track.rhythm.map(|r| Rhythm {
        beats: r.beats.into_iter().map(at).collect(),
        tempo: Bpm(r.tempo.0 / pace),
        ..r
    });
    let end = at(track.duration);
    let edges = Edges { start: Seconds(0.2), end, ..Edges::default() };
    TrackAnalysis { rhythm, duration: end, edges, ..track }
}

#[test]
fn a_mix_of_many_songs_ends_at_the_frame_asked_for_wherever_that_is() {
    let songs: Vec<TrackAnalysis> = (0..12u32)
        .map(|i| paced(track(160, 4, &[0, 32, 64, 128]), 0.93 + 0.013 * f64::from(i * 7 % 12)))
        .collect();
    let options = Options::default();
    for k in 0..40 {
        let limit = Seconds(37.0 + 61.803_4 * f64::from(k));
        let mut booth = Booth::new(&options, &[], Some(limit));
        let next = |i: usize| {
            let analysis = &songs[i * 5 % songs.len()];
            let path = format!("{i}.wav");
            (analysis, PlanTrack { path, duration: analysis.duration, ..PlanTrack::default() })
        };
        let used =
            (0..1_000).map(next).take_while(|(song, track)| booth.play(*song, track.clone()));
        assert!(used.count() < 1_000);
        let (tracks, actions) = booth.finish();
        let mix = MixPlan { tracks, actions, rate: SampleRate::CD, ..plan(44_100, 0, 0.0, vec![]) };
        let mix = mix.rounded().ending_at(limit);
        assert_eq!(voices(&mix).1, (limit.0 * 44_100.0).round() as i64, "{} s", limit.0);
        let read = parse_plan(&mix.text()).unwrap();
        assert_eq!(read, mix, "what is written is what was planned");
        assert!(
            mix.tracks.len() == 1 + mix.actions.iter().map(|a| a.action.tracks().1).max().unwrap()
        );
    }
}

fn grid(track: &TrackAnalysis) -> Grid<'_> {
    Grid::new(track, Decibels(3.0))
}

#[test]
fn a_phrase_is_counted_in_bars_from_its_start() {
    let song = track(48, 4, &[0, 24]);
    let grid = grid(&song);
    assert_eq!(grid.downbeats, (0..48).step_by(4).collect::<Vec<_>>());
    assert_eq!(grid.phrase_steps, [0, 2, 2, 2, 1, 2, 0, 2, 2, 2, 1, 2]);
    let formless = TrackAnalysis { form: None, ..song };
    assert_eq!(super::grid::Grid::new(&formless, Decibels(0.0)).phrase_steps, [2; 12]);
}

#[test]
fn two_bars_of_two_are_one_of_four_from_where_phrases_begin() {
    for (phrases, first) in [(&[0, 16][..], 0), (&[2, 18], 2), (&[], 0)] {
        let song = track(32, 2, phrases);
        let grid = grid(&song);
        assert_eq!(grid.per_bar, 4);
        assert_eq!(grid.downbeats, (first..32).step_by(4).collect::<Vec<_>>(), "{phrases:?}");
    }
}

#[test]
fn a_song_is_steady_with_sixteen_beats_and_four_bars() {
    for (beats, per_bar, steady) in [(16, 4, true), (15, 3, false), (24, 7, true), (20, 7, false)] {
        assert_eq!(grid(&track(beats, per_bar, &[])).is_steady(), steady, "{beats} in {per_bar}");
    }
    let odd = TrackAnalysis { beat_sounds: Vec::new(), ..track(32, 4, &[]) };
    assert!(!grid(&odd).is_steady() && grid(&odd).beats.is_empty());
}

#[test]
fn means_over_beats_and_seconds_are_what_they_say() {
    let song = track(32, 4, &[]);
    let grid = grid(&song);
    assert_eq!(grid.confidence(4, 8), 5.5);
    assert_eq!(grid.drive(4, 8), 5.5 - 16.0);
    assert_eq!((grid.confidence(40, 50), grid.beat_length(4, 8)), (0.0, 0.5));
    assert_eq!((grid.start(), grid.end()), (0.2, 15.0));
    assert!((grid.loudness(0.0, 1.0) + 7.0).abs() < 1e-9, "{}", grid.loudness(0.0, 1.0));
    // Mean power of -10 and -20, and the gain.
    assert!((grid.loudness(0.0, 2.0) - (10.0 * 0.055f64.log10() + 3.0)).abs() < 1e-9);
    for (from, to) in [(-9.0, -1.0), (3.5, 99.0), (50.0, 60.0), (2.0, 1.0)] {
        assert!((-17.1..=-6.9).contains(&grid.loudness(from, to)), "{from}..{to}");
    }
    let fading =
        Edges { fade_in_end: Some(Seconds(2.0)), fade_out_start: Some(Seconds(9.0)), ..song.edges };
    let fading = TrackAnalysis { edges: fading, ..song };
    let grid = Grid::new(&fading, Decibels(0.0));
    assert_eq!((grid.start(), grid.end()), (2.0, 9.0));
}

#[test]
fn likeness_is_the_mean_along_a_diagonal() {
    let a = [sound(0, 0.0, 0.0), sound(1, 0.0, 0.0), sound(2, 0.0, 0.0)];
    let b = [sound(1, 0.0, 0.0), sound(2, 0.8, 0.0), sound(5, 0.0, 60.0)];
    let likeness = Likeness::between(&a, &b);
    let near = |found: (f64, f64), due: (f64, f64)| {
        assert!((found.0 - due.0).abs() < 1e-6 && (found.1 - due.1).abs() < 1e-6, "{found:?}");
    };
    near(likeness.along(1, 0, 1), (0.0, 0.0));
    near(likeness.along(0, 0, 1), (0.0, 1.0));
    // A drive one spread apart in all registers, and one of five timbre values one spread apart.
    let (drive, timbre) = (0.5f64.sqrt(), 0.1f64.sqrt());
    near(likeness.along(2, 1, 1), (drive, 0.0));
    near(likeness.along(1, 0, 2), (drive / 2.0, 0.0));
    near(likeness.along(0, 0, 3), ((drive + timbre) / 3.0, 1.0));
    // Beyond either song nothing is counted.
    near(likeness.along(1, 0, 9), (drive / 2.0, 0.0));
    for (i, j, count) in [(3, 0, 1), (0, 3, 1), (0, 0, 0), (7, 9, 4)] {
        assert_eq!(likeness.along(i, j, count), (1.0, 1.0));
    }
}

fn lane(lanes: &[Lane], side: Side, part: Part) -> &Lane {
    lanes.iter().find(|l| l.side == side && l.part == part).unwrap()
}

proptest! {
    #[test]
    fn whatever_changes_hands_keeps_its_power(beats in 1usize..200, per_bar in 1usize..9) {
        let (bass, stems) = (bass_swap(beats, per_bar), stem_swap(beats, per_bar));
        let apart = percussive(beats, per_bar);
        let pairs = [
            (&apart, Part::Middle), (&apart, Part::Bass), (&bass, Part::All), (&bass, Part::Bass), (&stems, Part::Drums), (&stems, Part::Other),
            (&stems, Part::Bass),
        ];
        for (lanes, part) in pairs {
            let (from, to) = (lane(lanes, Side::From, part), lane(lanes, Side::To, part));
            for lane in [from, to] {
                prop_assert!(lane.points.windows(2).all(|w| w[0].0 <= w[1].0), "{:?}", lane);
                prop_assert!(lane.points.iter().all(|p| (0.0..=beats as f64).contains(&p.0)));
            }
            for step in 0..4 * beats {
                let beat = step as f64 / 4.0;
                let power = from.gain_at(beat).powi(2) + to.gain_at(beat).powi(2);
                prop_assert!((power - 1.0).abs() < 1e-5, "{:?} at {}: {}", part, beat, power);
            }
            prop_assert_eq!((to.gain_at(beats as f64), from.gain_at(beats as f64)), (1.0, 0.0));
        }
        // The bass is never doubled: it changes hands within a beat.
        let swap = &lane(&bass, Side::To, Part::Bass).points;
        prop_assert!(swap[1].0 - swap[0].0 <= 1.0);
    }
}

/// The level of two strangers over a transition, in dB above what it is before and after: second by
/// second.
fn levels(tracks: &[Vec<AudioBuffer>; 2], lanes: Vec<Lane>) -> Vec<f64> {
    let beats = pairs(32, (4.0, 0.0), 0.5, 0.5, 0.5);
    let actions = vec![
        playback(0, 0.0, 4.0),
        Action::Crossmatch { from: 0, to: 1, beats, curve: Curve::Linear, lanes },
        playback(1, 16.0, 4.0),
    ];
    let sound = render(&plan(8_000, 2, 24.0, actions), tracks);
    let power = |part: &[f32]| part.iter().map(|&x| f64::from(x * x)).sum::<f64>();
    let seconds: Vec<f64> = sound.planes[0].chunks(8_000).map(power).collect();
    let usual = (seconds[0..3].iter().sum::<f64>() + seconds[20..23].iter().sum::<f64>()) / 6.0;
    seconds[..23].iter().map(|p| 10.0 * (p / usual).log10()).collect()
}

#[test]
fn two_strangers_are_as_loud_together_as_alone() {
    let long = |seed: u32| noise(seed, 24 * 8_000);
    let whole = [vec![long(1)], vec![long(2)]];
    let stems = [vec![long(3), long(4)], vec![long(5), long(6)]];
    let desks =
        [(&whole, bass_swap(32, 4)), (&whole, percussive(32, 4)), (&stems, stem_swap(32, 4))];
    for (tracks, lanes) in desks {
        let levels = levels(tracks, lanes);
        assert!(levels.iter().all(|l| l.abs() < 1.0), "{levels:?}");
    }
    // A bass that sounds alone is swapped in one beat, and is as loud before and after.
    let deep = |hz: f64| {
        let tone = |i: usize| 0.3 * (std::f64::consts::TAU * hz * i as f64 / 8_000.0).sin() as f32;
        vec![AudioBuffer { planes: vec![(0..24 * 8_000).map(tone).collect(); 2] }]
    };
    let levels = levels(&[deep(50.0), deep(71.0)], bass_swap(32, 4));
    assert!(levels.iter().all(|l| l.abs() < 1.0), "{levels:?}");
}
