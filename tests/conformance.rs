//! Numbers recorded from the original remixer and from librosa, where this machine has them.
//! (Features are compared in `analysis::librosa`, neighbours in `corpus::knn`.)
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::{Desk, shared};
use evermix::base::{Draws, JumpRate, Lufs};
use evermix::corpus::Layer;
use evermix::remix::original::{Choice, beats_with_last_song, choose, threshold};
use evermix::remix::{Beat, Library};
use serde_json::Value;
use std::path::Path;

fn vectors(name: &str) -> Option<Value> {
    let path = shared("vectors")?.join(name);
    Some(serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

/// Hands out recorded draws and insists that they are asked for in the recorded order.
struct Replay<'a> {
    draws: std::slice::Iter<'a, Value>,
}

impl Replay<'_> {
    fn next(&mut self, kind: &str) -> &Value {
        let draw = self.draws.next().expect("more draws than were recorded");
        assert_eq!(draw[0], kind, "another kind of draw was due");
        &draw[1]
    }
}

impl Draws for Replay<'_> {
    fn uniform(&mut self) -> f64 {
        self.next("uniform").as_f64().unwrap()
    }
    fn choice(&mut self, n: usize) -> usize {
        let drawn = whole(self.next("choice"));
        assert!(drawn < n);
        drawn
    }
}

/// `beats/T1.mp3_12.wav` is piece 12 of `T1.mp3`.
fn parse(path: &str) -> (&str, usize) {
    let file = Path::new(path).file_stem().unwrap().to_str().unwrap();
    let (song, number) = file.rsplit_once('_').unwrap();
    (song, number.parse().unwrap())
}

fn library(mapping: &Value) -> Library {
    let mut library = Library::default();
    for path in list(mapping) {
        let (song, piece) = parse(path.as_str().unwrap());
        if library.songs.last().map(String::as_str) != Some(song) {
            library.songs.push(song.to_string());
        }
        library.beats.push(Beat {
            song: library.songs.len() - 1,
            piece,
            position: 1,
            beats_per_bar: 4,
            period: 0.5,
            loudness: Lufs(-14.0),
        });
    }
    library.link();
    library
}

#[test]
fn the_original_law_chooses_what_the_original_chose() {
    let Some(file) = vectors("ir_selector.json") else { return };
    let library = library(&file["library"]["mapping"]);
    let features: Vec<Vec<f64>> = list(&file["library"]["features"])
        .iter()
        .map(|row| list(row).iter().map(|x| x.as_f64().unwrap()).collect())
        .collect();
    let nearest = |row: usize, count: usize| {
        let distance = |other: &usize| -> f64 {
            features[row].iter().zip(&features[*other]).map(|(a, b)| (a - b).powi(2)).sum()
        };
        let mut rows: Vec<usize> = (0..features.len()).collect();
        rows.sort_by(|a, b| distance(a).total_cmp(&distance(b)).then(a.cmp(b)));
        rows.truncate(count);
        rows
    };
    for case in list(&file["simulations"]) {
        let rate = JumpRate::new(case["jump_rate"].as_f64().unwrap()).unwrap();
        let mut draws = Replay { draws: list(&case["random_draws"]).iter() };
        let chosen = choose(&library, rate, whole(&case["beats"]), &nearest, &mut draws);
        let rows: Vec<usize> = chosen.iter().map(|c: &Choice| c.row).collect();
        let wanted: Vec<usize> = list(&case["sequence"]).iter().map(whole).collect();
        assert_eq!(rows, wanted, "jump rate {}", rate.get());
        assert_eq!(draws.draws.len(), 0, "draws were left over");
    }
}

#[test]
fn thresholds_and_run_lengths_are_the_originals() {
    let Some(file) = vectors("ir_selector.json") else { return };
    for case in list(&file["thresholds"]) {
        let rate = JumpRate::new(case["jump_rate"].as_f64().unwrap()).unwrap();
        let found = threshold(rate, whole(&case["n"]));
        let wanted = case["threshold"].as_f64().unwrap();
        assert!((found - wanted).abs() < 1e-6, "{case}: {found}");
    }
    for case in list(&file["runs"]) {
        let songs: Vec<usize> = case["tracks"].as_str().unwrap().bytes().map(usize::from).collect();
        assert_eq!(beats_with_last_song(&songs), whole(&case["num_beats_with_last_track"]));
    }
}

#[test]
fn clips_are_named_as_the_original_parses_them() {
    let Some(file) = vectors("ir_selector.json") else { return };
    for case in list(&file["parse"]) {
        let (track, number) = (case["track"].as_str().unwrap(), whole(&case["number"]));
        for (piece, key) in [(number, "path"), (number + 1, "next")] {
            let ours = Layer::Mix.clip_path(track, piece);
            let theirs = Path::new(case[key].as_str().unwrap());
            assert_eq!(ours.file_name(), theirs.file_name());
        }
        assert_eq!(parse(case["path"].as_str().unwrap()), (track, number));
    }
}

#[test]
fn the_synthetic_songs_are_cut_at_least_as_well_as_librosa_cuts_them() {
    let Some(file) = vectors("ir_beats.json") else { return };
    for (case, bpm) in list(&file["cases"]).iter().zip([120.0, 100.0, 140.0]) {
        let name = case["file"].as_str().unwrap();
        let desk = Desk::new();
        let song = shared("vectors").unwrap().join(name);
        std::fs::copy(song, desk.path("music").join(name)).unwrap();
        desk.ok(&["segment", "music", "beats"]);
        let text = desk.read(&format!("beats/songs/{name}.json"));
        let record: Value = serde_json::from_slice(&text).unwrap();
        let content = &record["content"];
        // librosa's own tempi are off by up to 2.5 % here.
        let tempo = content["tempo"].as_f64().unwrap();
        assert!((tempo / bpm - 1.0).abs() < 0.01, "{name}: {tempo} BPM");
        let attacks: Vec<i64> =
            list(&content["pieces"])[1..].iter().map(|p| p["attack"].as_i64().unwrap()).collect();
        let tolerance = file["tolerance"]["beat_samples"].as_i64().unwrap();
        for beat in list(&case["beats_samples"]) {
            let beat = beat.as_i64().unwrap();
            let near = attacks.iter().map(|a| (a - beat).abs()).min().unwrap();
            assert!(near <= tolerance, "{name}: no beat near sample {beat}, nearest {near}");
        }
        assert!(attacks.len() >= list(&case["beats_samples"]).len());
        let files = common::files(&desk.path("beats/mix"));
        assert_eq!(files.len(), attacks.len() + 1, "N beats give N + 1 pieces");
    }
}
