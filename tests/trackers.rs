//! Beats from other trackers and from files, from the words typed to the cuts made.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::{Desk, Ran, Song};
use serde_json::Value;

/// One song of known beats, with room for more files.
fn desk() -> (Desk, Song) {
    let desk = Desk::new();
    let song = Song { bpm: 120.0, seconds: 20.0, ..Song::default() };
    song.write(&desk.path("music/song.wav"));
    std::fs::create_dir(desk.path("truth")).unwrap();
    (desk, song)
}

fn record(desk: &Desk) -> Value {
    let text = desk.read("beats/songs/song.wav.json");
    serde_json::from_slice::<Value>(&text).unwrap()["content"].clone()
}

fn attacks(desk: &Desk) -> Vec<u64> {
    let record = record(desk);
    let pieces = record["pieces"].as_array().unwrap();
    pieces[1..].iter().map(|p| p["attack"].as_u64().unwrap()).collect()
}

fn floats(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn beats_from_a_file_are_cut_where_the_file_says() {
    let (desk, _) = desk();
    // Off the true beats on purpose: nothing may pull them back.
    let times: Vec<f64> = (0..18).map(|i| 0.4 + f64::from(i)).collect();
    let lines = times.iter().enumerate().map(|(i, t)| format!("{t}\t{}\n", i % 3 + 1));
    std::fs::write(desk.path("truth/song.beats"), lines.collect::<String>()).unwrap();
    desk.ok(&["segment", "--beats-from", "truth", "music", "beats"]);
    let wanted: Vec<u64> = times.iter().map(|t| (t * 44_100.0).round() as u64).collect();
    assert_eq!(attacks(&desk), wanted);
    assert_eq!(record(&desk)["tracker"], "file song.beats");
    assert_eq!(record(&desk)["beats_per_bar"], 3);
    assert_eq!(record(&desk)["pieces"][3]["position"], 3);
}

#[test]
fn another_tracker_or_other_beats_have_the_song_cut_anew() {
    let (desk, song) = desk();
    let lines = |beats: &[f64]| beats.iter().map(|t| format!("{t}\n")).collect::<String>();
    let made = |words: &[&str]| {
        let words = [&["segment", "music", "beats", "--json"], words].concat();
        desk.ok(&words).json()["made"].as_u64().unwrap()
    };
    assert_eq!((made(&[]), made(&[])), (1, 0));
    assert_eq!(record(&desk)["tracker"], "evermix");
    std::fs::write(desk.path("truth/song.txt"), lines(&song.beats())).unwrap();
    assert_eq!(made(&["--beats-from", "truth"]), 1);
    assert_eq!(made(&["--beats-from", "truth"]), 0);
    std::fs::write(desk.path("truth/song.txt"), lines(&song.beats()[1..])).unwrap();
    assert_eq!(made(&["--beats-from", "truth"]), 1);
    assert_eq!(made(&[]), 1);
}

#[test]
fn positions_that_the_file_lacks_are_found_in_the_sound() {
    let (desk, song) = desk();
    let lines: String = song.beats().iter().map(|t| format!("{t}\n")).collect();
    std::fs::write(desk.path("truth/song.beats"), lines).unwrap();
    let track = desk.ok(&["analyze", "music", "--beats-from", "truth", "--json"]).json();
    let track = &track["tracks"][0];
    assert_eq!(floats(&track["beats"]), song.beats());
    let bars: Vec<f64> = song.beats().into_iter().step_by(4).collect();
    let found = floats(&track["downbeats"]);
    let right = found.iter().filter(|t| bars.contains(t)).count();
    assert!(right + 1 >= bars.len() && found.len() <= bars.len() + 1, "{found:?}");
    assert_eq!(track["tracker"], "file song.beats");
}

#[test]
fn the_printed_analysis_serves_as_a_file_of_beats() {
    let (desk, _) = desk();
    let printed = desk.ok(&["analyze", "music", "--json"]).out();
    std::fs::write(desk.path("truth/song.json"), &printed).unwrap();
    let again = desk.ok(&["analyze", "music", "--beats-from", "truth", "--json"]).json();
    let first: Value = serde_json::from_str(&printed).unwrap();
    for field in ["beats", "downbeats", "beats_per_bar", "tempo"] {
        assert_eq!(again["tracks"][0][field], first["tracks"][0][field], "{field}");
    }
}

#[test]
fn songs_without_usable_beats_are_skipped_and_the_rest_goes_on() {
    let (desk, song) = desk();
    for name in ["missing", "torn", "beyond"] {
        Song { root: name.len(), ..song }.write(&desk.path(&format!("music/{name}.wav")));
    }
    let lines: String = song.beats().iter().map(|t| format!("{t}\n")).collect();
    std::fs::write(desk.path("truth/song.beats"), &lines).unwrap();
    std::fs::write(desk.path("truth/torn.txt"), "0.5\n1.0\n0.9\n").unwrap();
    std::fs::write(desk.path("truth/beyond.beats"), format!("{lines}20.5\n")).unwrap();
    let ran = desk.run(&["segment", "--beats-from", "truth", "music", "beats", "--json"]);
    assert_eq!(ran.code(), 3);
    let object = ran.json();
    assert_eq!(object["songs"], 1);
    let reason = |name: &str| {
        let all = object["skipped"].as_array().unwrap();
        let found = all.iter().find(|s| s["path"] == format!("{name}.wav")).unwrap();
        found["error"].as_str().unwrap().to_string()
    };
    assert!(reason("missing").contains("looked for missing.{beats,txt,jams,json} in truth"));
    assert!(reason("torn").contains("torn.txt, line 3"), "{}", reason("torn"));
    assert!(reason("beyond").contains("beyond.beats, line"), "{}", reason("beyond"));
    let ran = desk.run(&["segment", "--beats-from", "nowhere", "music", "beats"]);
    assert_eq!((ran.code(), ran.err().contains("no folder of beats")), (2, true));
}

#[test]
fn a_remix_can_be_made_of_beats_from_files() {
    let (desk, song) = desk();
    Song { root: 5, bpm: 118.0, ..song }.write(&desk.path("music/more.wav"));
    for (name, bpm) in [("song", 120.0), ("more", 118.0)] {
        let lines =
            Song { bpm, ..song }.beats().iter().map(|t| format!("{t}\n")).collect::<String>();
        std::fs::write(desk.path(&format!("truth/{name}.beats")), lines).unwrap();
    }
    // Stems keep the song's name, so that its beats are found for them too.
    desk.ok(&["auto", "music", "-o", "out.wav", "--beats", "16", "--beats-from", "truth"]);
    let text = desk.read("evermix-project/beats/songs/more.wav.json");
    assert!(String::from_utf8(text).unwrap().contains("\"file more.beats\""));
}

fn networks(desk: &Desk, words: &[&str]) -> Ran {
    let mut command = desk.command(words);
    Ran(command.env("EVERMIX_MODELS", desk.path("models")).output().unwrap())
}

#[test]
fn a_network_in_the_models_folder_finds_the_beats() {
    let (desk, song) = desk();
    std::fs::create_dir(desk.path("models")).unwrap();
    std::fs::copy("data/fixtures/beat_this_tiny.onnx", desk.path("models/beat_this_small0.onnx"))
        .unwrap();
    let ran = networks(&desk, &["analyze", "music", "--beat-tracker", "beat-this", "--json"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let track = &ran.json()["tracks"][0];
    assert_eq!(track["tracker"], "beat-this beat_this_small0.onnx");
    let found = floats(&track["beats"]);
    let near = |t: &&f64| found.iter().any(|f| (f - **t).abs() < 0.03);
    assert_eq!(song.beats().iter().filter(near).count(), song.beats().len(), "{found:?}");
    // In the user's data folder it is found without a word.
    let home = desk.path("data/evermix/models");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::rename(desk.path("models/beat_this_small0.onnx"), home.join("beat_this.onnx"))
        .unwrap();
    let mut command = desk.command(&["segment", "music", "beats", "--beat-tracker", "beat-this"]);
    let ran = Ran(command.env("XDG_DATA_HOME", desk.path("data")).output().unwrap());
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_eq!(record(&desk)["tracker"], "beat-this beat_this.onnx");
    std::fs::create_dir_all(desk.path("models")).unwrap();
    std::fs::write(desk.path("models/beat_this.onnx"), "no network").unwrap();
    let ran = networks(&desk, &["analyze", "music", "--beat-tracker", "beat-this"]);
    assert_eq!((ran.code(), ran.err().contains("not a beat_this network")), (7, true));
    let ran = networks(&desk, &["doctor"]);
    assert_eq!((ran.code(), ran.out().contains("not a beat_this network")), (1, true));
    std::fs::rename(home.join("beat_this.onnx"), desk.path("models/beat_this.onnx")).unwrap();
    assert!(networks(&desk, &["doctor"]).out().contains("beat-this"));
}

#[test]
fn without_its_network_beat_this_says_where_to_put_it() {
    let (desk, _) = desk();
    for words in [
        &["analyze", "music", "--beat-tracker", "beat-this"][..],
        &["segment", "music", "beats", "--beat-tracker", "beat-this"],
        &["auto", "music", "-o", "out.wav", "--beat-tracker", "beat-this"],
    ] {
        let ran = networks(&desk, words);
        assert_eq!(ran.code(), 7);
        let models = desk.path("models").display().to_string();
        for part in ["beat_this.onnx", "beat_this_small0.onnx", &models, "copy"] {
            assert!(ran.err().contains(part), "{part}: {}", ran.err());
        }
    }
}

#[test]
fn aubio_finds_beats_or_says_how_to_build_it_in() {
    let (desk, song) = desk();
    let ran = desk.run(&["analyze", "music", "--beat-tracker", "aubio", "--json"]);
    if !cfg!(all(feature = "aubio", target_os = "linux", target_env = "gnu")) {
        assert_eq!(ran.code(), 7);
        assert!(ran.err().contains("--features aubio"), "{}", ran.err());
        return;
    }
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let track = &ran.json()["tracks"][0];
    assert_eq!(track["tracker"], "aubio 0.4.9");
    let found = floats(&track["beats"]);
    let late: Vec<f64> = song.beats().into_iter().filter(|t| *t > 10.0).collect();
    let near = |t: &&f64| found.iter().any(|f| (f - **t).abs() < 0.07);
    let hits = late.iter().filter(near).count();
    assert!(hits * 10 >= late.len() * 8, "{hits} of {}: {found:?}", late.len());
}

#[test]
fn trackers_are_compared_pair_by_pair() {
    let (desk, song) = desk();
    let lines: String = song.beats().iter().map(|t| format!("{}\n", t + 0.01)).collect();
    std::fs::write(desk.path("truth/song.beats"), lines).unwrap();
    std::fs::create_dir(desk.path("models")).unwrap();
    std::fs::copy("data/fixtures/beat_this_tiny.onnx", desk.path("models/beat_this.onnx")).unwrap();
    let words = ["analyze", "music", "--compare", "--beats-from", "truth", "--json"];
    let object = networks(&desk, &words).json();
    let pairs = object["tracks"][0]["pairs"].as_array().unwrap();
    let of = |a: &str, b: &str| pairs.iter().find(|p| p["a"] == a && p["b"] == b).unwrap();
    let pair = of("evermix", "files");
    assert!(pair["f_measure"].as_f64().unwrap() > 0.95, "{pair}");
    assert!((pair["tempo_ratio"].as_f64().unwrap() - 1.0).abs() < 0.02);
    assert!((pair["offset_ms"].as_f64().unwrap() - 10.0).abs() < 8.0, "{pair}");
    assert!(of("beat-this", "files")["amlt"].as_f64().unwrap() > 0.8);
    let text = networks(&desk, &words[..5]).out();
    assert!(text.contains("evermix / files") && text.contains("music/song.wav"), "{text}");
}
