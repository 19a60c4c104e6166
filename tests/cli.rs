//! Words typed and words printed: exit codes, messages, help, settings.
//!
//! Messages are compared with `tests/snapshots`; `UPDATE_SNAPSHOTS=1 cargo test` writes them anew
//! for review.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::{Desk, Ran, Song};
use std::path::Path;

/// Compares what was said with the snapshot of that name, folders of the test taken out.
fn said(desk: &Desk, name: &str, ran: &Ran) {
    let here = desk.path("").to_string_lossy().into_owned();
    let text = format!("[exit {}]\n{}{}", ran.code(), ran.out(), ran.err()).replace(&here, "");
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name}: UPDATE_SNAPSHOTS=1 if this is meant");
}

/// A desk whose project is complete, without stems.
fn ready() -> Desk {
    let desk = Desk::with_songs(2);
    desk.ok(&["auto", "music", "-o", "out.wav", "--beats", "8", "--no-stems"]);
    desk
}

#[test]
fn words_that_make_no_sense_are_exit_code_two_with_what_to_type() {
    let desk = Desk::new();
    for (name, words) in [
        ("jump_rate_above_one", &["generate-remix", "1.5", "50", "out.wav"][..]),
        ("jump_rate_negative", &["generate-remix", "-0.1", "50", "out.wav"]),
        ("jump_rate_nan", &["generate-remix", "nan", "50", "out.wav"]),
        ("no_beats", &["generate-remix", "0.1", "0", "out.wav"]),
        ("negative_beats", &["generate-remix", "0.1", "-3", "out.wav"]),
        ("unknown_extension", &["generate-remix", "0.1", "50", "out.xyz"]),
        ("auto_no_beats", &["auto", "music", "-o", "out.wav", "--beats", "0"]),
        ("auto_without_output", &["auto", "music"]),
        ("misspelt_flag", &["auto", "music", "-o", "out.wav", "--sed", "3"]),
        ("misspelt_command", &["segmnt"]),
        ("unknown_layer", &["auto", "music", "-o", "out.wav", "--layer", "bass"]),
        ("bad_weights", &["fit-nearest-neighbours", "--weights", "harmony"]),
        ("negative_weight", &["fit-nearest-neighbours", "--weights", "harmony=-1"]),
        ("stretch_too_far", &["generate-remix", "0.1", "9", "out.wav", "--max-stretch", "80"]),
        ("loudness_too_high", &["generate-remix", "0.1", "9", "out.wav", "--loudness", "3"]),
    ] {
        let ran = desk.run(words);
        assert_eq!(ran.code(), 2, "{name}: {}", ran.err());
        said(&desk, name, &ran);
    }
}

#[test]
fn what_is_not_there_is_named_with_the_command_that_makes_it() {
    let desk = Desk::new();
    for (name, code, words) in [
        ("no_songs", 4, &["auto", "music", "-o", "out.wav"][..]),
        ("no_folder", 4, &["auto", "elsewhere", "-o", "out.wav"]),
        ("no_dataset", 7, &["generate-remix", "0.1", "50", "out.wav"]),
        ("no_dataset_to_fit", 7, &["fit-nearest-neighbours"]),
        ("no_beats_to_describe", 7, &["create-dataset"]),
    ] {
        let ran = desk.run(words);
        assert_eq!(ran.code(), code, "{name}: {}", ran.err());
        said(&desk, name, &ran);
    }
    let desk = ready();
    std::fs::remove_file(desk.path("evermix-project/index.evx")).unwrap();
    said(&desk, "no_index", &desk.run(&["generate-remix", "0.1", "50", "out.wav"]));
}

#[test]
fn a_layer_that_was_not_cut_is_named() {
    let desk = ready();
    let ran = desk.run(&["generate-remix", "0.1", "50", "out.wav", "--layer", "drums"]);
    assert_eq!(ran.code(), 7);
    said(&desk, "no_drums_layer", &ran);
}

#[test]
fn bad_songs_are_skipped_with_their_reasons_and_the_rest_goes_on() {
    let desk = Desk::with_songs(1);
    std::fs::write(desk.path("music/empty.wav"), b"").unwrap();
    std::fs::write(desk.path("music/text.mp3"), b"I am no music at all\n").unwrap();
    Song { seconds: 1.5, ..Song::default() }.write(&desk.path("music/short.wav"));
    Song { lead_in: 1e9, seconds: 8.0, ..Song::default() }.write(&desk.path("music/silent.wav"));
    hum(&desk.path("music/beatless.wav"));
    let whole = desk.read("music/song0.wav");
    std::fs::write(desk.path("music/torn.wav"), &whole[..30]).unwrap();
    let words = ["auto", "music", "-o", "out.wav", "--beats", "8", "--no-stems"];
    let ran = desk.run(&[&words[..], &["--threads", "1"]].concat());
    assert_eq!(ran.code(), 3, "{}", ran.err());
    said(&desk, "bad_songs", &ran);
    assert!(!desk.read("out.wav").is_empty());
    let ran = desk.run(&["segment", "music", "beats", "--json"]);
    assert_eq!(ran.json()["skipped"].as_array().unwrap().len(), 6);
    std::fs::remove_file(desk.path("music/song0.wav")).unwrap();
    let ran = desk.run(&[&words[..], &["--threads", "1"]].concat());
    assert_eq!(ran.code(), 4);
    said(&desk, "only_bad_songs", &ran);
}

#[test]
fn a_decoder_that_panics_is_told_of_as_a_song_that_cannot_be_read_and_nothing_else() {
    let desk = Desk::with_songs(0);
    // Its step size grows until it overflows, which only a build that checks numbers notices.
    let mut bytes = std::fs::read("data/fixtures/ms_adpcm.wav").unwrap();
    bytes[200..].fill(0x77);
    std::fs::write(desk.path("music/loud.wav"), bytes).unwrap();
    let ran = desk.run(&["analyze", "music"]);
    assert_eq!(ran.code(), 4, "{}", ran.err());
    assert!(!cfg!(debug_assertions) || ran.err().contains("the decoder failed"), "{}", ran.err());
    assert!(!ran.err().contains("panicked"), "{}", ran.err());
}

/// Ten seconds of a tone that never changes.
fn hum(path: &Path) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 22_050,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for i in 0..220_500 {
        let x = (f64::from(i) * 220.0 * std::f64::consts::TAU / 22_050.0).sin();
        writer.write_sample((x * 8_000.0) as i16).unwrap();
    }
    writer.finalize().unwrap();
}

#[test]
fn an_index_of_another_dataset_is_refused() {
    let desk = ready();
    let old = desk.read("evermix-project/index.evx");
    Song::at(132.0, 9).write(&desk.path("music/song1.wav"));
    desk.ok(&["auto", "music", "-o", "out.wav", "--beats", "8", "--no-stems"]);
    std::fs::write(desk.path("evermix-project/index.evx"), old).unwrap();
    let ran = desk.run(&["generate-remix", "0.1", "50", "out.wav"]);
    assert_eq!(ran.code(), 1);
    said(&desk, "stale_index", &ran);
}

#[test]
fn damaged_files_of_ours_are_named_with_the_stage_to_run_again() {
    let desk = ready();
    for (name, file) in [
        ("damaged_index", "index.evx"),
        ("damaged_table", "dataset/features.parquet"),
        ("damaged_manifest", "dataset/manifest.json"),
        ("damaged_record", "beats/songs/song0.wav.json"),
    ] {
        let file = format!("evermix-project/{file}");
        let good = desk.read(&file);
        let mut bad = good.clone();
        // In the midst of a number: text stays text, so only the checksum tells.
        let digits = |&i: &usize| bad[i - 1].is_ascii_digit() && bad[i].is_ascii_digit();
        let digit = (bad.len() / 2..bad.len()).find(digits).unwrap();
        bad[digit] ^= 1;
        std::fs::write(desk.path(&file), bad).unwrap();
        let ran = desk.run(&["generate-remix", "0.1", "50", "out.wav"]);
        assert_eq!(ran.code(), 1, "{name}: {}", ran.err());
        said(&desk, name, &ran);
        std::fs::write(desk.path(&file), good).unwrap();
    }
}

#[test]
fn a_second_process_on_the_same_project_is_told_it_is_busy() {
    let desk = ready();
    let held = evermix::store::Lock::take(&desk.path("evermix-project")).unwrap();
    let ran = desk.run(&["auto", "music", "-o", "out.wav"]);
    assert_eq!(ran.code(), 8, "{}", ran.err());
    said(&desk, "busy", &ran);
    drop(held);
    desk.ok(&["auto", "music", "-o", "out.wav", "--beats", "8", "--no-stems"]);
}

#[test]
fn a_dry_run_writes_nothing() {
    let desk = Desk::with_songs(2);
    for words in [
        &["auto", "music", "-o", "out.wav", "--dry-run"][..],
        &["separate", "music", "stems", "--dry-run"],
        &["segment", "music", "beats", "--dry-run"],
    ] {
        let ran = desk.ok(words);
        assert!(ran.out().contains("2 songs"), "{}", ran.out());
    }
    let left: Vec<_> = std::fs::read_dir(desk.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let desk = ready();
    let before = desk.snapshot("");
    desk.ok(&["generate-remix", "0.1", "50", "other.wav", "--dry-run"]);
    desk.ok(&["create-dataset", "--dry-run"]);
    assert_eq!(before, desk.snapshot(""));
}

#[test]
fn settings_come_from_flags_environment_project_and_defaults_in_that_order() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("evermix-project")).unwrap();
    std::fs::write(desk.path("evermix-project/evermix.toml"), "beats = 32\nseed = 5\n").unwrap();
    std::fs::create_dir_all(desk.path("config/evermix")).unwrap();
    std::fs::write(desk.path("config/evermix/config.toml"), "seed = 4\nmin-run = 8\n").unwrap();
    let mut command = desk.command(&["config", "show", "--origin", "--json"]);
    let ran = Ran(command.env("EVERMIX_BEATS", "64").output().unwrap());
    let settings = ran.json();
    let of = |name: &str| {
        let all = settings["settings"].as_array().unwrap();
        let found = all.iter().find(|s| s["name"] == name).unwrap();
        let origin = found["origin"].as_str().unwrap().rsplit('/').next().unwrap().to_string();
        (found["value"].as_str().unwrap().to_string(), origin)
    };
    assert_eq!(of("beats"), ("64".into(), "EVERMIX_BEATS".into()));
    assert_eq!(of("seed"), ("5".into(), "evermix.toml".into()));
    assert_eq!(of("min-run"), ("8".into(), "config.toml".into()));
    assert_eq!(of("jump-rate"), ("0.1".into(), "default".into()));
    std::fs::write(desk.path("evermix-project/evermix.toml"), "bets = 32\n").unwrap();
    said(&desk, "misspelt_setting", &desk.run(&["config", "show"]));
}

#[test]
fn every_command_has_help_with_examples_and_exit_codes() {
    let desk = Desk::new();
    said(&desk, "bare", &desk.ok(&[]));
    said(&desk, "help", &desk.ok(&["--help"]));
    for command in [
        "separate",
        "segment",
        "create-dataset",
        "fit-nearest-neighbours",
        "generate-remix",
        "auto",
        "analyze",
        "demo",
    ] {
        let help = desk.ok(&[command, "--help"]).out();
        assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{command}");
    }
}

#[test]
fn man_pages_and_completions_know_every_command() {
    let desk = Desk::new();
    desk.ok(&["man", "man"]);
    let pages = common::files(&desk.path("man"));
    assert!(pages.iter().any(|p| p.ends_with("remix-generate-remix.1")), "{pages:?}");
    assert!(pages.len() >= 12);
    for shell in ["bash", "zsh", "fish"] {
        let script = desk.ok(&["completions", shell]).out();
        assert!(script.contains("generate-remix") && script.contains("jump-rate"), "{shell}");
    }
}

#[test]
fn small_executables_do_what_the_subcommands_do() {
    let desk = ready();
    desk.ok(&["generate-remix", "0.1", "50", "a.wav"]);
    let run = |program: &str, words: &[&str]| {
        let mut command = std::process::Command::new(program);
        Ran(command.args(words).current_dir(desk.path("")).output().unwrap())
    };
    let ran = run(env!("CARGO_BIN_EXE_generate_remix"), &["0.1", "50", "b.wav"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_eq!(desk.read("a.wav"), desk.read("b.wav"));
    assert_eq!(run(env!("CARGO_BIN_EXE_segment"), &["music", "beats2"]).code(), 0);
    assert_eq!(run(env!("CARGO_BIN_EXE_create_dataset"), &["beats2", "data2"]).code(), 0);
    let ran = run(env!("CARGO_BIN_EXE_fit_nearest_neighbours"), &["data2", "index2"]);
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_eq!(run(env!("CARGO_BIN_EXE_separate"), &["music", "stems2"]).code(), 0);
    let remix = std::fs::metadata(env!("CARGO_BIN_EXE_remix")).unwrap().len();
    let small = std::fs::metadata(env!("CARGO_BIN_EXE_separate")).unwrap().len();
    assert!(small * 4 < remix, "{small} bytes: it must not link the library ({remix})");
    assert_eq!(run(env!("CARGO_BIN_EXE_forever"), &["stream"]).code(), 2);
}

#[test]
fn analysis_is_one_json_object_a_program_can_read() {
    let desk = Desk::new();
    let song = Song { bpm: 125.0, root: 9, ..Song::default() };
    song.write(&desk.path("music/s.wav"));
    let ran = desk.ok(&["analyze", "music", "--json"]);
    let object = ran.json();
    assert_eq!(object["schema"], 1);
    let track = &object["tracks"][0];
    assert!((track["tempo"].as_f64().unwrap() - 125.0).abs() < 0.7, "{}", track["tempo"]);
    assert!((track["duration"].as_f64().unwrap() - 12.0).abs() < 1e-3);
    assert_eq!(track["path"], "music/s.wav");
    let beats = track["beats"].as_array().unwrap();
    assert!(beats.len() >= 22 && track["downbeats"].as_array().unwrap().len() >= 5);
    assert!((-40.0..0.0).contains(&track["loudness_lufs"].as_f64().unwrap()));
    for key in ["key", "camelot", "true_peak_dbtp", "analysis_version", "loudness_range_lu"] {
        assert!(!track[key].is_null(), "{key}");
    }
    assert_eq!(track["beat_confidence"].as_array().unwrap().len(), beats.len());
    assert_eq!(track["pitch_classes"].as_array().unwrap().len(), 12);
    assert_eq!(track["short_term_lufs"].as_array().unwrap().len(), 12);
    let phrases = track["phrases"].as_array().unwrap();
    let bars: u64 = phrases.iter().map(|p| p["bars"].as_u64().unwrap()).sum();
    assert!((5..=7).contains(&bars) && phrases[0]["label"] == "A", "{phrases:?}");
    assert_eq!(desk.run(&["analyze", "nowhere.mp3", "--json"]).code(), 4);
}

#[test]
fn a_song_without_a_beat_is_analysed_all_the_same() {
    let desk = Desk::new();
    hum(&desk.path("music/hum.wav"));
    Song { seconds: 1.5, ..Song::default() }.write(&desk.path("music/short.wav"));
    let ran = desk.ok(&["analyze", "music", "--json"]);
    let tracks = ran.json()["tracks"].clone();
    assert_eq!(tracks.as_array().unwrap().len(), 2);
    let track = &tracks[0];
    assert!(track["tempo"].is_null() && track["beats"].as_array().unwrap().is_empty());
    assert!((track["duration"].as_f64().unwrap() - 10.0).abs() < 1e-3);
    assert!((track["loudness_lufs"].as_f64().unwrap() + 15.0).abs() < 3.0, "{track}");
    let words = desk.ok(&["analyze", "music/hum.wav"]).out();
    assert!(words.contains("no steady beat") && words.lines().count() == 3, "{words}");
}

#[test]
fn an_analysis_is_kept_and_used_again_until_the_song_changes() {
    let desk = Desk::with_songs(1);
    let first = desk.ok(&["analyze", "music", "--json"]).out();
    let entries = || common::files(&desk.path("cache/evermix/analysis"));
    assert_eq!(entries().len(), 1);
    // The same content elsewhere and under another name is not heard again.
    std::fs::rename(desk.path("music/song0.wav"), desk.path("music/other.wav")).unwrap();
    let again = desk.ok(&["analyze", "music", "--json", "-v"]);
    assert!(again.err().contains("done before"), "{}", again.err());
    assert_eq!(again.out().replace("other.wav", "song0.wav"), first);
    // A damaged entry is heard again and put right.
    let good = std::fs::read(&entries()[0]).unwrap();
    let mut bad = good.clone();
    bad[good.len() / 2] ^= 1;
    std::fs::write(&entries()[0], bad).unwrap();
    assert_eq!(desk.ok(&["analyze", "music", "--json"]).out(), again.out());
    assert_eq!(std::fs::read(&entries()[0]).unwrap(), good);
    // Another song has an entry of its own, and none if none is wanted.
    Song::at(100.0, 7).write(&desk.path("music/other.wav"));
    desk.ok(&["analyze", "music", "--no-cache"]);
    assert_eq!(entries().len(), 1);
    desk.ok(&["analyze", "music"]);
    assert_eq!(entries().len(), 2);
    let doctor = desk.ok(&["doctor"]).out();
    assert!(doctor.contains("cache/evermix: 2 entries"), "{doctor}");
}

#[test]
fn a_cache_that_cannot_be_written_does_no_harm() {
    let desk = Desk::with_songs(1);
    std::fs::write(desk.path("cache"), "in the way").unwrap();
    let ran = desk.ok(&["analyze", "music"]);
    assert!(ran.err().contains("cache cannot be written"), "{}", ran.err());
    assert!(ran.out().contains(" BPM in 4/4"), "{}", ran.out());
}

#[test]
fn pictures_go_into_a_file_or_into_a_folder() {
    let desk = Desk::with_songs(2);
    desk.ok(&["analyze", "music/song0.wav", "--picture", "one.svg"]);
    let picture = String::from_utf8(desk.read("one.svg")).unwrap();
    assert!(picture.starts_with("<svg ") && picture.contains(">song0.wav<"));
    desk.ok(&["analyze", "music", "--picture", "pictures"]);
    assert_eq!(desk.snapshot("pictures").len(), 2);
    assert_eq!(desk.read("pictures/song0.wav.svg"), desk.read("one.svg"));
    for (name, words) in [
        ("picture_of_several", &["analyze", "music", "--picture", "all.svg"][..]),
        ("picture_format", &["analyze", "music/song0.wav", "--picture", "one.png"]),
    ] {
        let ran = desk.run(words);
        assert_eq!(ran.code(), 2, "{name}: {}", ran.err());
        said(&desk, name, &ran);
    }
}

#[test]
fn progress_can_be_read_by_programs_line_by_line() {
    let desk = Desk::with_songs(1);
    let ran = desk.ok(&["segment", "music", "beats", "--progress", "json"]);
    let events: Vec<serde_json::Value> =
        ran.err().lines().filter_map(|l| serde_json::from_str(l).ok()).collect();
    let count = |name: &str| events.iter().filter(|e| e["event"] == name).count();
    assert_eq!((count("stage-started"), count("started"), count("done")), (1, 1, 1));
    let shares: Vec<f64> = events.iter().filter_map(|e| e["fraction"].as_f64()).collect();
    assert!(shares.len() > 3 && shares.windows(2).all(|w| w[0] <= w[1]), "{shares:?}");
    let quiet = desk.ok(&["segment", "music", "beats", "-q"]);
    assert_eq!(quiet.err(), "");
}
