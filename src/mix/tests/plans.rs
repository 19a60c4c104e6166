//! Actions become voices.

use super::sounds::{pairs, plan, playback, span};
use crate::base::Seconds;
use crate::mix::{Action, Beat, Curve, Knot, MixPlan, VoiceSpec, voices};

const RATE: u32 = 8_000;

fn of(actions: Vec<Action>) -> (MixPlan, Vec<VoiceSpec>, i64) {
    let plan = plan(RATE, 3, 60.0, actions);
    let (voices, end) = voices(&plan);
    (plan, voices, end)
}

fn crossfade(starts: (f64, f64)) -> Action {
    Action::Crossfade {
        from: 0,
        to: 1,
        from_start: Seconds(starts.0),
        to_start: Seconds(starts.1),
        duration: Seconds(2.0),
        curve: Curve::Linear,
    }
}

#[test]
fn actions_that_follow_each_other_in_a_track_are_one_voice() {
    let beats = pairs(4, (12.0, 5.0), 0.5, 0.5, 0.5);
    let matched =
        Action::Crossmatch { from: 1, to: 2, beats, curve: Curve::Linear, lanes: Vec::new() };
    let (plan, voices, end) = of(vec![
        playback(0, 0.0, 10.0),
        crossfade((10.0, 3.0)),
        playback(1, 5.0, 7.0),
        matched,
        playback(2, 7.0, 5.0),
        Action::FadeOut { track: 2, span: span(12.0, 1.0) },
    ]);
    let found: Vec<_> = voices.iter().map(|v| (v.track, v.start(), v.end())).collect();
    assert_eq!(found, [(0, 0, 96_000), (1, 80_000, 168_000), (2, 152_000, 216_000)]);
    assert_eq!((end, plan.duration().0), (216_000, 27.0));
    for voice in &voices {
        let ends = voice.shapes.windows(2).all(|w| w[0].range.end == w[1].range.start);
        assert!(ends && voice.shapes[0].range.start == voice.start());
        assert_eq!(voice.shapes[voice.shapes.len() - 1].range.end, voice.end());
    }
    assert_eq!(voices[2].knots[1].source - voices[2].knots[0].source, 4_000);
}

#[test]
fn a_jump_or_a_gap_of_more_than_two_milliseconds_is_another_voice() {
    for (second, count) in [(4.0, 1), (4.001, 1), (3.999, 1), (4.003, 2), (9.0, 2), (0.0, 2)] {
        let (_, voices, _) = of(vec![playback(0, 0.0, 4.0), playback(0, second, 4.0)]);
        assert_eq!(voices.len(), count, "{second} s");
    }
    let (source, target, duration) = (Seconds(4.0), Seconds(20.0), Seconds(1.0));
    let jump = Action::Jump { track: 0, source, target, duration };
    let (_, voices, end) = of(vec![playback(0, 0.0, 4.0), jump, playback(0, 20.0, 4.0)]);
    let found: Vec<_> = voices.iter().map(|v| (v.start(), v.end(), v.knots[0].source)).collect();
    assert_eq!((found, end), (vec![(0, 40_000, 0), (32_000, 72_000, 152_000)], 72_000));
}

#[test]
fn a_track_that_paused_begins_anew() {
    let (_, voices, _) =
        of(vec![playback(0, 0.0, 4.0), playback(1, 0.0, 4.0), playback(0, 4.0, 4.0)]);
    let found: Vec<_> = voices.iter().map(|v| (v.track, v.start())).collect();
    assert_eq!(found, [(0, 0), (1, 32_000), (0, 64_000)]);
}

#[test]
fn beats_that_are_not_their_own_length_move_the_track_against_the_mix() {
    let beat = |start: f64| Beat { span: span(start, 0.5), length: Seconds(0.55) };
    let stay =
        Action::Playback { track: 0, span: span(1.0, 3.0), beats: vec![beat(1.0), beat(1.5)] };
    assert_eq!(stay.duration(), Seconds(3.1));
    let (_, voices, end) = of(vec![stay]);
    let knot = |at, source| Knot { at, source };
    let due = [knot(0, 8_000), knot(4_400, 12_000), knot(8_800, 16_000), knot(24_800, 32_000)];
    assert_eq!((&voices[0].knots[..], end), (&due[..], 24_800));
}

#[test]
fn gaps_between_rounded_beats_do_not_add_up() {
    // A third of a second, written with three decimals.
    let beats: Vec<_> = (0..60)
        .map(|k| {
            let start = (f64::from(k) * 1e3 / 3.0).round() / 1e3;
            Beat { span: span(start, 0.332), length: Seconds(1.0 / 3.0) }
        })
        .collect();
    let last = beats[59].span.start.0;
    let stay = Action::Playback { track: 0, span: span(0.0, 19.92), beats };
    let (_, voices, _) = of(vec![stay]);
    let source = voices[0].knots[59].source as f64 / f64::from(RATE);
    assert!((source - last).abs() < 0.001, "beat 59 is at {last} s, played as at {source} s");
}

#[test]
fn nothing_is_no_voice() {
    let (_, voices, end) = of(vec![playback(0, 1.0, 0.0), playback(1, 0.0, 0.00001)]);
    assert_eq!((voices.len(), end), (0, 0));
}
