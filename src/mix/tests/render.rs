//! Plans become sound.

use proptest::prelude::*;

use super::sounds::{LONG, any_plan, noise, pairs, part_of, plan, playback, render, span};
use crate::audio::AudioBuffer;
use crate::base::{Decibels, Seconds};
use crate::mix::plan::Gain;
use crate::mix::{Action, Beat, Curve, Lane, MixPlan, Part, Side};

const RATE: u32 = 8_000;
/// Frames at the edge of a voice that are faded.
const EDGE: usize = 24;

fn three() -> Vec<Vec<AudioBuffer>> {
    (0..3).map(|i| vec![noise(i, (LONG * f64::from(RATE)) as usize)]).collect()
}

#[test]
fn a_song_played_as_it_is_comes_out_bit_for_bit() {
    let tracks = three();
    let actions = vec![playback(0, 0.0, 3.5), playback(0, 3.5, 0.25), playback(0, 3.75, 4.0)];
    let sound = render(&plan(RATE, 1, LONG, actions), &tracks);
    assert_eq!(sound.frames(), 62_000);
    for (out, song) in sound.planes.iter().zip(&tracks[0][0].planes) {
        // Only the last three milliseconds are faded: the song goes on there.
        assert_eq!(out[..62_000 - EDGE - 32], song[..62_000 - EDGE - 32]);
        assert!(out[61_999].abs() < song[61_999].abs());
    }
}

#[test]
fn a_gain_is_the_gain_of_its_track_alone() {
    let tracks = three();
    let mut plan = plan(RATE, 2, LONG, vec![playback(0, 0.0, 2.0), playback(1, 0.0, 2.0)]);
    plan.tracks[0].gain = Gain(Decibels(-20.0));
    let sound = render(&plan, &tracks);
    for i in (1_000..15_000).step_by(7) {
        let (soft, same) = (sound.planes[0][i], sound.planes[1][i + 16_000]);
        assert!((soft - 0.1 * tracks[0][0].planes[0][i]).abs() < 1e-6);
        assert_eq!(same, tracks[1][0].planes[1][i]);
    }
}

#[test]
fn a_jump_and_a_cut_leave_no_step_at_their_edges() {
    let tone = |i: usize| 0.5 * (i as f32 * 0.05).sin();
    let song: Vec<f32> = (0..96_000).map(tone).collect();
    let tracks = [vec![AudioBuffer { planes: vec![song; 2] }]];
    let jump = Action::Jump {
        track: 0,
        source: Seconds(2.003),
        target: Seconds(7.11),
        duration: Seconds(0.3),
    };
    let actions =
        vec![playback(0, 0.0, 2.003), jump, playback(0, 7.11, 1.0), playback(0, 3.3, 1.0)];
    let sound = render(&plan(RATE, 1, LONG, actions), &tracks);
    let steps = sound.planes[0].windows(2).map(|w| (w[1] - w[0]).abs());
    // The tone itself steps by 0.025.
    let largest = steps.fold(0.0, f32::max);
    assert!(largest < 0.12, "{largest}");
}

#[test]
fn bass_and_rest_of_a_transition_add_up_to_the_song() {
    let tracks = three();
    let with = |bass: f32, rest: f32| {
        let lane = |side, part, gain| Lane { side, part, points: vec![(0.0, gain)] };
        let lanes = vec![
            lane(Side::From, Part::All, rest),
            lane(Side::From, Part::Bass, bass),
            lane(Side::To, Part::All, 0.0),
        ];
        let beats = pairs(8, (1.0, 1.0), 0.5, 0.5, 0.5);
        let curve = Curve::Linear;
        let action = Action::Crossmatch { from: 0, to: 1, beats, curve, lanes };
        render(&plan(RATE, 2, LONG, vec![action]), &tracks)
    };
    let (bass, rest, both) = (with(1.0, 0.0), with(0.0, 1.0), with(1.0, 1.0));
    let song = &tracks[0][0].planes[0][8_000..];
    let mut parts = [0.0f64; 2];
    for (i, x) in song.iter().enumerate().take(31_900).skip(100) {
        let (low, high) = (bass.planes[0][i], rest.planes[0][i]);
        assert!((low + high - x).abs() < 1e-5, "frame {i}");
        assert_eq!(both.planes[0][i], *x);
        parts = [parts[0] + f64::from(low * low), parts[1] + f64::from(high * high)];
    }
    // Of white noise 180 of 4 000 Hz are bass.
    assert!((0.02..0.08).contains(&(parts[0] / parts[1])), "{parts:?}");
}

#[test]
fn stems_played_alone_are_what_is_heard_and_together_they_are_the_song() {
    let (drums, other) = (noise(7, 96_000), noise(8, 96_000));
    let sum = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a + b).collect::<Vec<f32>>();
    let tracks = [vec![drums.clone(), other.clone()], vec![noise(9, 96_000)]];
    let with = |drums: f32, other: f32| {
        let lane = |side, part, gain| Lane { side, part, points: vec![(0.0, gain)] };
        let lanes = vec![
            lane(Side::From, Part::Drums, drums),
            lane(Side::From, Part::Other, other),
            lane(Side::To, Part::All, 0.0),
        ];
        let beats = pairs(8, (0.0, 0.0), 0.5, 0.5, 0.5);
        let action = Action::Crossmatch { from: 0, to: 1, beats, curve: Curve::Linear, lanes };
        render(&plan(RATE, 2, LONG, vec![action]), &tracks).planes[1][..31_900].to_vec()
    };
    assert_eq!(with(1.0, 0.0), drums.planes[1][..31_900]);
    assert_eq!(with(0.0, 1.0), other.planes[1][..31_900]);
    let both = sum(&drums.planes[1][..31_900], &other.planes[1][..31_900]);
    assert_eq!(with(1.0, 1.0), both);
}

fn finite_and_as_long_as(plan: &MixPlan, sound: &AudioBuffer) {
    let due = plan.duration().0 * f64::from(RATE);
    assert!((sound.frames() as f64 - due).abs() <= 1.0, "{} for {due}", sound.frames());
    assert!(sound.planes.iter().flatten().all(|x| x.is_finite() && x.abs() < 4.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_plan_renders_to_its_length_and_its_parts_to_the_very_same_samples(
        plan in any_plan(), cuts in proptest::array::uniform4(0.0..1.0f64),
    ) {
        let tracks = three();
        let whole = render(&plan, &tracks);
        finite_and_as_long_as(&plan, &whole);
        let frame = |share: f64| (share * whole.frames() as f64) as i64;
        for pair in cuts.chunks(2) {
            let (a, b) = (frame(pair[0].min(pair[1])), frame(pair[0].max(pair[1])));
            let (first, part) = part_of(&plan, &tracks, a..b);
            prop_assert!(first <= a && first + part.frames() as i64 >= b);
            let range = first as usize..first as usize + part.frames();
            for (part, whole) in part.planes.iter().zip(&whole.planes) {
                prop_assert!(part[..] == whole[range.clone()], "{a}..{b}");
            }
        }
    }
}

#[test]
fn fades_begin_and_end_in_silence() {
    let tracks = three();
    let actions = vec![
        Action::FadeIn { track: 0, span: span(1.0, 1.0) },
        Action::FadeOut { track: 0, span: span(2.0, 1.0) },
    ];
    let sound = render(&plan(RATE, 1, LONG, actions), &tracks);
    let song = &tracks[0][0].planes[0];
    for (frame, gain) in [(0, 0.0), (2_000, 0.25), (6_000, 0.75), (10_000, 0.75), (15_968, 0.0)] {
        let due = gain * song[8_000 + frame];
        assert!((sound.planes[0][frame] - due).abs() < 2e-3, "frame {frame}");
    }
}

#[test]
fn around_an_attack_the_song_is_copied_sample_by_sample() {
    let tracks = [vec![noise(3, 20 * 44_100)]];
    let beats: Vec<Beat> = (0..12)
        .map(|k| {
            let ratio = 0.93 + 0.012 * f64::from(k);
            Beat { span: span(0.5 * f64::from(k), 0.5), length: Seconds(0.5 * ratio) }
        })
        .collect();
    let stay = Action::Playback { track: 0, span: span(0.0, 8.0), beats };
    let plan = plan(44_100, 1, 20.0, vec![stay]);
    let (sound, song) = (&render(&plan, &tracks).planes[0], &tracks[0][0].planes[0]);
    let knots = &crate::mix::voices(&plan).0[0].knots;
    let mut moved = 0;
    for knot in &knots[1..12] {
        let (from, to) = (knot.at - 1_300, knot.at + 1_900);
        let out = &sound[from as usize..to as usize];
        let like = |off: &i64| {
            let start = (knot.source - 1_300 + off) as usize;
            out == &song[start..start + 3_200]
        };
        // Within four milliseconds of where it is due.
        let off = (-177..=177).find(like);
        assert!(off.is_some(), "{knot:?}");
        moved += i32::from(off != Some(0));
    }
    assert!(moved > 0, "tempo changes of seven per cent need splices");
}
