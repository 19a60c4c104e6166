//! From an analysis to the place where two tracks meet.

use evermix::base::{SampleRate, Seconds};
use evermix::mix::align::{LastOffset, Search, Strip, align};
use evermix::mix::capsule::{
    BeatTimbre, Cursor, Deck, central, crossmatch_frames, glide, mean_offset, resample_features,
    whiten,
};
use serde_json::{Value, json};

use super::vectors::{Tolerance, list, matrix, number, seconds, spans, track, vectors, whole};

#[test]
fn beats_sound_as_the_original_heard_them() {
    let Some(file) = vectors("capsule_resample.json") else { return };
    let tolerance = Tolerance::of(&file);
    for case in list(&file["cases"]) {
        let (name, wanted) = (case["name"].as_str().unwrap(), &case["expected"]);
        let track = track(&case["input"]);
        let segments = central(&track.segments, &track, |s| s.span);
        let beats = central(&track.beats, &track, |b| *b);
        assert_eq!(json!([segments.start, segments.len()]), wanted["central_segments"], "{name}");
        assert_eq!(json!([beats.start, beats.len()]), wanted["central_beats"], "{name}");
        if let Some(offset) = wanted["mean_offset"].as_f64() {
            let found = mean_offset(&track.segments[segments], &track.beats[beats]);
            tolerance.near(found.0, offset, name);
        }
        let BeatTimbre { index, mut rows } = resample_features(&track);
        assert_eq!(
            (index, rows.len()),
            (whole(&wanted["index"]), whole(&wanted["rows"])),
            "{name}"
        );
        if name == "r10" {
            rows = without_negative_shares(&rows, &wanted["matrix_raw"], tolerance);
        }
        tolerance.rows_near(&rows, &wanted["matrix_raw"], name);
        whiten(&mut rows);
        tolerance.rows_near(&rows, &wanted["matrix_whitened"], name);
    }
}

/// Before its first segment the original counts it with negative shares, so that the first value,
/// a loudness, falls below zero. Ours must be zero there; then theirs are taken for what follows.
fn without_negative_shares(ours: &[[f32; 12]], theirs: &Value, near: Tolerance) -> Vec<[f32; 12]> {
    let theirs = matrix::<12>(theirs);
    let first = theirs.iter().position(|row| row[0] >= 0.0).unwrap();
    assert!(first > 0 && ours[..first].iter().all(|row| *row == [0.0; 12]));
    for (ours, theirs) in ours[first..].iter().zip(&theirs[first..]) {
        let theirs: Vec<f64> = theirs.iter().map(|&x| f64::from(x)).collect();
        near.all_near(ours.iter().map(|&x| f64::from(x)), &json!(theirs), "r10 after its start");
    }
    theirs
}

/// Mean length of the beats that rows from `index` on describe.
fn strip<'a>(rows: &'a [[f32; 12]], beats: &Value, index: &Value) -> Strip<'a, 12> {
    let covered = &spans(beats)[whole(index)..][..rows.len()];
    let sum: f64 = covered.iter().map(|beat| beat.duration.0).sum();
    Strip { rows, beat: Seconds(sum / rows.len() as f64) }
}

#[test]
fn tracks_are_aligned_where_the_original_aligned_them() {
    let Some(file) = vectors("capsule_align.json") else { return };
    let tolerance = Tolerance::of(&file);
    for case in list(&file["cases"]) {
        let (name, wanted) = (case["name"].as_str().unwrap(), &case["expected"]);
        let input = &case["input"];
        let (from, to) = (matrix(&input["mat1"]), matrix(&input["mat2"]));
        let from = strip(&from, &input["beats1"], &input["index1"]);
        let to = strip(&to, &input["beats2"], &input["index2"]);
        let found = align(from, to, LastOffset::Excluded);
        if wanted.get("error").is_some() {
            assert_eq!(found, None, "{name}");
            continue;
        }
        let found = found.unwrap();
        let (offset, rows) = (whole(&wanted["loc"]), whole(&wanted["n"]));
        assert_eq!((found.offset, found.rows), (offset, rows), "{name}");
        let rates = (whole(&wanted["rate1"]), whole(&wanted["rate2"]));
        assert_eq!((found.rate_from, found.rate_to), rates, "{name}");
        let search = Search::new(from, to, LastOffset::Excluded);
        assert_eq!(search.rows(), whole(&wanted["rows_compared"]), "{name}");
        let distances = search.distances();
        assert_eq!(distances.len(), whole(&wanted["searched"]), "{name}");
        tolerance.near(found.cost, distances[offset], name);
        tolerance.all_near(distances, &wanted["distances"], name);
    }
}

#[test]
fn cursors_move_as_the_originals_did() {
    let Some(file) = vectors("capsule_cursor.json") else { return };
    let tolerance = Tolerance::of(&file);
    for case in list(&file["cases"]) {
        let (name, wanted) = (case["name"].as_str().unwrap(), &case["expected"]);
        let (input, mut deck) = (&case["input"], deck(&file, &case["input"]));
        let cursor = whole(&input["cursor"]);
        deck.cursor = Cursor::Row(cursor);
        if let Some(window) = input.get("transition_used") {
            let (window, stay) = (seconds(window), seconds(&input["inter"]));
            let out = deck.rows_out(window);
            assert_eq!(json!([out.start, out.end]), wanted["mat_out_rows"], "{name}");
            let come = deck.rows_in(window, stay);
            assert_eq!(json!([come.start, come.end]), wanted["mat_in_rows"], "{name}");
            assert_eq!(deck.cursor, Cursor::Row(whole(&wanted["cursor_after_mat_in"])), "{name}");
        } else {
            let (passed, row) =
                deck.move_cursor(seconds(&input["duration"]), cursor, whole(&input["buf"]));
            tolerance.near(passed.0, number(&wanted["duration"]), name);
            assert_eq!(row, whole(&wanted["cursor"]), "{name}");
        }
    }
}

/// A track of which only the beats and the number of rows are known.
fn deck(file: &Value, input: &Value) -> Deck {
    let track = &file["tracks"][input["track"].as_str().unwrap()];
    let beats = spans(&track["beats"]);
    let rows = vec![[0.0; 12]; whole(&track["rows"])];
    Deck {
        number: 0,
        duration: beats.last().unwrap().end(),
        beats,
        timbre: BeatTimbre { index: whole(&track["index"]), rows },
        cursor: Cursor::Row(0),
    }
}

#[test]
fn beats_meet_at_the_lengths_of_the_original() {
    let Some(file) = vectors("capsule_crossmatch.json") else { return };
    let tolerance = Tolerance::of(&file);
    let off = whole(&file["tolerance"]["samples_abs"]) as u64;
    for case in list(&file["cases"]) {
        let (name, wanted) = (case["name"].as_str().unwrap(), &case["expected"]);
        let pairs = glide(&spans(&case["input"]["l1"]), &spans(&case["input"]["l2"]));
        tolerance.all_near(pairs.iter().map(|p| p.length.0), &wanted["durations"], name);
        let sum = pairs.iter().map(|p| p.length.0).sum();
        tolerance.near(sum, number(&wanted["duration"]), name);
        let rates = |beat: fn(&evermix::mix::BeatPair) -> f64| {
            pairs.iter().map(move |p| p.length.0 / beat(p)).collect::<Vec<_>>()
        };
        tolerance.all_near(rates(|p| p.from.duration.0), &wanted["rates1"], name);
        tolerance.all_near(rates(|p| p.to.duration.0), &wanted["rates2"], name);
        let (first, last) = (pairs.first().unwrap(), pairs.last().unwrap());
        tolerance.all_near([first.from.start.0, first.to.start.0], &wanted["starts"], name);
        tolerance.all_near([last.from.end().0, last.to.end().0], &wanted["ends"], name);
        let frames = crossmatch_frames(&pairs, SampleRate::CD).0;
        assert!(frames.abs_diff(whole(&wanted["samples_44100"]) as u64) <= off, "{name}: {frames}");
    }
    let example = &file["cases"][0];
    assert_eq!(example["name"], "documented_example");
    let pairs = glide(&spans(&example["input"]["l1"]), &spans(&example["input"]["l2"]));
    assert_eq!(crossmatch_frames(&pairs, SampleRate::CD).0, 23_722);
}
