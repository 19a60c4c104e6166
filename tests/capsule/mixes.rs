//! Whole mixes and the order of tracks.

use evermix::base::{Bpm, Decibels, ErrorKind, SampleRate};
use evermix::mix::capsule::{
    Cursor, Plan, Policy, Request, Track, crossmatch_frames, fold_tempos, gain_from_loudness,
    order_tracks, plan,
};
use evermix::mix::{Action, BeatPair, Curve};
use proptest::prelude::*;
use serde_json::Value;

use super::tracks::{any_policy, any_tracks, senseless_tracks, tied};
use super::vectors::{Tolerance, list, number, numbers, seconds, spans, track, vectors, whole};

/// The pool of tracks a mix names, and the mix.
fn mixed(file: &Value, case: &Value) -> (Vec<String>, Plan) {
    let input = &case["input"];
    let pool: Vec<Track> = list(&file["tracks"]).iter().map(track).collect();
    let ids: Vec<String> =
        list(&input["tracks"]).iter().map(|id| id.as_str().unwrap().to_string()).collect();
    let place = |id: &String| list(&file["tracks"]).iter().position(|t| t["id"] == **id).unwrap();
    let tracks: Vec<Track> = ids.iter().map(|id| pool[place(id)].clone()).collect();
    let transition = seconds(&input["transition"]);
    let policy = match case["mode"].as_str().unwrap() {
        "capsule-cli" => Policy::Capsule { stay: seconds(&input["inter"]), transition },
        "forever-mixer" => Policy::Forever { transition },
        other => panic!("{other}?"),
    };
    let yes = |key: &str| input[key].as_bool().unwrap_or(false);
    let request = Request { policy, order: yes("order"), equalize: yes("equalize") };
    (ids, plan(&tracks, request).unwrap())
}

#[test]
fn mixes_are_planned_as_the_original_planned_them() {
    let Some(file) = vectors("capsule_mix.json") else { return };
    let tolerance = Tolerance::of(&file);
    let off = whole(&file["tolerance"]["samples_abs"]) as u64;
    for case in list(&file["cases"]) {
        let (name, wanted) = (case["name"].as_str().unwrap(), &case["expected"]);
        let (ids, plan) = mixed(&file, case);
        let actions: Vec<&Value> = match wanted.get("batches") {
            Some(batches) => list(batches).iter().flat_map(list).collect(),
            None => list(&wanted["actions"]).iter().collect(),
        };
        assert_eq!(plan.actions.len(), actions.len(), "{name}");
        for (i, (found, wanted)) in plan.actions.iter().zip(actions).enumerate() {
            same_action(found, wanted, &ids, (tolerance, off), &format!("{name}, action {i}"));
        }
        if case["mode"] == "capsule-cli" {
            same_company(&plan, wanted, &ids, tolerance, name);
        } else {
            assert!(plan.gains.iter().all(Option::is_some), "{name}: a gain is always applied");
        }
    }
}

/// Order, rejected tracks, gains, cursors and length.
fn same_company(plan: &Plan, wanted: &Value, ids: &[String], near: Tolerance, name: &str) {
    let named = |places: &[usize]| -> Value { places.iter().map(|&p| ids[p].clone()).collect() };
    assert_eq!(named(&plan.order), wanted["order"], "{name}");
    assert_eq!(named(&plan.rejected), wanted["rejected"], "{name}");
    for (id, gain) in ids.iter().zip(&plan.gains) {
        let theirs = &wanted["gains"][id];
        assert_eq!(gain.is_none(), theirs.is_null(), "{name}: {id}");
        if let Some(gain) = *gain {
            near.near(gain, number(theirs), name);
        }
    }
    let cursors = plan.cursors.iter().map(|cursor| match *cursor {
        Cursor::Row(row) => row as f64,
        Cursor::Time(time) => time.0,
    });
    let theirs: Value = list(&wanted["steps"]).iter().map(|step| step["cursor"].clone()).collect();
    near.all_near(cursors, &theirs, name);
    let duration = plan.actions.iter().map(|action| action.duration().0).sum();
    near.near(duration, number(&wanted["total_duration"]), name);
}

fn same_action(
    found: &Action,
    wanted: &Value,
    ids: &[String],
    (near, off): (Tolerance, u64),
    what: &str,
) {
    // The original writes Fadein, Fadeout.
    let name = found.name().to_lowercase();
    assert_eq!(name, wanted["action"].as_str().unwrap().to_lowercase(), "{what}");
    near.near(found.duration().0, number(&wanted["duration"]), what);
    let mut frames = (found.duration().0 * SampleRate::CD.as_f64()) as u64;
    let (from, to) = found.tracks();
    if let Action::Crossfade { .. } | Action::Crossmatch { .. } = found {
        assert_eq!(wanted["tracks"], serde_json::json!([ids[from], ids[to]]), "{what}");
    } else {
        assert_eq!(wanted["track"], ids[from], "{what}");
    }
    match found {
        Action::FadeIn { span, .. } | Action::FadeOut { span, .. } => {
            near.near(span.start.0, number(&wanted["start"]), what);
        }
        Action::Playback { span, beats, .. } => {
            near.near(span.start.0, number(&wanted["start"]), what);
            assert!(beats.is_empty(), "{what}");
        }
        Action::Crossfade { from_start, to_start, duration, curve, .. } => {
            let ends = [from_start.0 + duration.0, to_start.0 + duration.0];
            near.all_near([from_start.0, to_start.0], &wanted["starts"], what);
            near.all_near(ends, &wanted["ends"], what);
            assert_eq!((*curve, &wanted["mode"]), (Curve::Linear, &Value::from("linear")));
        }
        Action::Crossmatch { beats, curve, lanes, .. } => {
            assert_eq!((*curve, lanes.len()), (Curve::Power06, 0), "{what}");
            same_beats(beats, wanted, near, what);
            frames = crossmatch_frames(beats, SampleRate::CD).0;
        }
        other => panic!("{what}: {other:?}"),
    }
    assert!(frames.abs_diff(whole(&wanted["samples"]) as u64) <= off, "{what}: {frames} frames");
}

fn same_beats(beats: &[BeatPair], wanted: &Value, near: Tolerance, what: &str) {
    let (from, to) = (spans(&wanted["l1"]), spans(&wanted["l2"]));
    assert_eq!((beats.len(), beats.len()), (from.len(), to.len()), "{what}");
    for (pair, (from, to)) in beats.iter().zip(from.iter().zip(&to)) {
        for (found, wanted) in [(pair.from, from), (pair.to, to)] {
            near.near(found.start.0, wanted.start.0, what);
            near.near(found.duration.0, wanted.duration.0, what);
        }
    }
    near.all_near(beats.iter().map(|pair| pair.length.0), &wanted["durations"], what);
}

#[test]
fn tracks_are_ordered_as_the_original_ordered_them() {
    let Some(file) = vectors("capsule_order.json") else { return };
    let tolerance = Tolerance::of(&file);
    for case in list(&file["cases"]) {
        let name = case["name"].as_str().unwrap();
        let tempos: Vec<Bpm> = numbers(&case["input"]["tempos"]).into_iter().map(Bpm).collect();
        let folded = fold_tempos(&tempos).into_iter().map(|tempo| tempo.0);
        tolerance.all_near(folded, &case["expected"]["folded"], name);
        let order: Value = order_tracks(&tempos).into();
        assert_eq!(order, case["expected"]["order"], "{name}");
    }
}

#[test]
fn loudness_becomes_gain_by_the_law_of_the_original() {
    let Some(file) = vectors("capsule_dsp.json") else { return };
    let case = list(&file["cases"]).iter().find(|c| c["name"] == "gain_from_loudness").unwrap();
    let found = numbers(&case["input"]).into_iter().map(|db| gain_from_loudness(Decibels(db)));
    Tolerance::of(&file).all_near(found, &case["expected"], "gain");
}

#[test]
fn a_track_too_loud_for_that_law_is_silent_rather_than_turned_in_phase() {
    let mut loud = tied(120.0, 60.0);
    loud.loudness = Decibels(6.0);
    assert!(gain_from_loudness(loud.loudness) < 0.0);
    let policy = Policy::Forever { transition: seconds(&Value::from(10.0)) };
    let request = Request { policy, order: false, equalize: false };
    assert_eq!(plan(&[loud], request).unwrap().gains, [Some(0.0)]);
}

#[test]
fn tracks_that_are_all_too_short_are_no_mix() {
    let policy = Policy::Forever { transition: seconds(&Value::from(30.0)) };
    let request = Request { policy, order: true, equalize: true };
    for tracks in [&[][..], &[tied(120.0, 59.0), tied(90.0, 10.0)]] {
        let error = plan(tracks, request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unusable);
        assert!(error.next_step().is_some());
    }
}

/// Where an action begins in the track it begins with, and where it ends in the one it ends with.
fn ends(action: &Action) -> (f64, f64) {
    match action {
        Action::FadeIn { span, .. }
        | Action::FadeOut { span, .. }
        | Action::Playback { span, .. } => (span.start.0, span.end().0),
        Action::Crossfade { from_start, to_start, duration, .. } => {
            (from_start.0, to_start.0 + duration.0)
        }
        Action::Crossmatch { beats, .. } => {
            (beats[0].from.start.0, beats[beats.len() - 1].to.end().0)
        }
        other => panic!("{other:?}"),
    }
}

/// Whether an action reads its tracks only where there is sound.
fn inside(action: &Action, tracks: &[Track]) -> bool {
    let (from, to) = action.tracks();
    let within = |track: usize, start: f64, end: f64| {
        start >= 0.0 && end >= start && end <= tracks[track].duration.0 + 1e-6
    };
    match action {
        Action::Crossfade { from_start, to_start, duration, .. } => {
            within(from, from_start.0, from_start.0 + duration.0)
                && within(to, to_start.0, to_start.0 + duration.0)
        }
        Action::Crossmatch { beats, .. } => {
            let (first, last) = (beats[0], beats[beats.len() - 1]);
            within(from, first.from.start.0, last.from.end().0)
                && within(to, first.to.start.0, last.to.end().0)
        }
        other => within(from, ends(other).0, ends(other).1),
    }
}

proptest! {
    #[test]
    fn every_mix_is_without_gaps_and_within_its_tracks(
        tracks in any_tracks(), policy in any_policy(), order: bool,
    ) {
        let request = Request { policy, order, equalize: true };
        let Ok(plan) = plan(&tracks, request) else {
            prop_assert!(tracks.iter().all(|track| !policy.admits(track)));
            return Ok(());
        };
        for action in &plan.actions {
            prop_assert!(inside(action, &tracks), "{action:?}");
        }
        for pair in plan.actions.windows(2) {
            prop_assert_eq!(pair[0].tracks().1, pair[1].tracks().0);
            let (end, start) = (ends(&pair[0]).1, ends(&pair[1]).0);
            prop_assert!((end - start).abs() < 1e-6, "{pair:?}");
        }
        for beats in plan.actions.iter().filter_map(|action| match action {
            Action::Crossmatch { beats, .. } => Some(beats),
            _ => None,
        }) {
            for pair in beats.windows(2) {
                prop_assert!((pair[0].from.end().0 - pair[1].from.start.0).abs() < 1e-6);
                prop_assert!((pair[0].to.end().0 - pair[1].to.start.0).abs() < 1e-6);
            }
        }
        prop_assert_eq!(plan.order.len(), tracks.len());
        prop_assert_eq!(plan.cursors.len() + plan.rejected.len(), tracks.len());
    }

    #[test]
    fn tracks_that_make_no_sense_break_nothing(
        tracks in senseless_tracks(), policy in any_policy(), order: bool,
    ) {
        let Ok(plan) = plan(&tracks, Request { policy, order, equalize: true }) else {
            return Ok(());
        };
        prop_assert_eq!(plan.cursors.len() + plan.rejected.len(), tracks.len());
        for action in &plan.actions {
            if let Action::Crossmatch { beats, .. } = action {
                prop_assert!(!beats.is_empty());
                crossmatch_frames(beats, SampleRate::CD);
            }
        }
    }
}
