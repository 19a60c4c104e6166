//! Stems on disk: what each model writes, and when stems are made anew.

#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::{Desk, Song, read_wav};

const MODELS: [&str; 2] = ["compact", "hpss"];

fn stem(desk: &Desk, stems: &str, song: &str, part: &str) -> (u32, Vec<Vec<f32>>) {
    read_wav(&desk.path(&format!("{stems}/{song}/{song}_{part}.wav")))
}

fn model(desk: &Desk, stems: &str, song: &str) -> String {
    let bytes = desk.read(&format!("{stems}/{song}/{song}.json"));
    let record: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    record["content"]["model"].as_str().unwrap().to_string()
}

#[test]
fn stems_of_every_model_add_up_to_the_song_whatever_its_rate_and_channels() {
    let desk = Desk::new();
    let seconds = 4.0;
    let songs = [("cd", 44_100, 2), ("mono", 44_100, 1), ("dat", 48_000, 2), ("low", 22_050, 1)];
    for (name, rate, channels) in songs {
        let song = Song { rate, channels, seconds, ..Song::default() };
        song.write(&desk.path(&format!("music/{name}.wav")));
    }
    for model in MODELS {
        desk.ok(&["separate", "--model", model, "music", model]);
        for (name, rate, channels) in songs {
            let file = format!("{name}.wav");
            let (_, song) = read_wav(&desk.path(&format!("music/{file}")));
            let (found_rate, drums) = stem(&desk, model, &file, "drums");
            let (_, other) = stem(&desk, model, &file, "other");
            assert_eq!((found_rate, drums.len()), (rate, usize::from(channels)));
            for channel in 0..drums.len() {
                assert_eq!(drums[channel].len(), song[channel].len(), "{model}, {file}");
                let sum = drums[channel].iter().zip(&other[channel]).map(|(d, o)| d + o);
                assert!(sum.eq(song[channel].iter().copied()), "{model}, {file}");
            }
            let power = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
            let share = power(&drums[0]) / power(&song[0]);
            assert!((0.1..0.99).contains(&share), "{model}, {file}: {share} of it is drums");
        }
    }
}

#[test]
fn the_best_model_is_the_network_and_its_weights_are_named() {
    let desk = Desk::with_songs(1);
    desk.ok(&["separate", "music", "stems"]);
    let named = model(&desk, "stems", "song0.wav");
    let hash = named.strip_prefix("compact-1-").unwrap();
    assert!(hash.len() == 8 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{named}");
    let doctor = desk.ok(&["doctor"]).out();
    assert!(doctor.contains("compact (auto), hpss"), "{doctor}");
}

#[test]
fn stems_of_another_model_are_made_anew_and_those_of_the_same_are_kept() {
    let desk = Desk::with_songs(1);
    let made = |words: &[&str]| {
        let words = [&["separate", "music", "stems", "--json"], words].concat();
        desk.ok(&words).json()["made"].as_u64().unwrap()
    };
    assert_eq!(made(&["--model", "hpss"]), 1);
    let hpss = desk.snapshot("stems");
    assert_eq!(made(&["--model", "hpss"]), 0);
    assert_eq!(made(&["--model", "compact"]), 1);
    assert!(model(&desk, "stems", "song0.wav").starts_with("compact-"));
    assert_eq!(made(&[]), 0, "auto is compact");
    assert_eq!(made(&["--model", "hpss"]), 1);
    assert_eq!(desk.snapshot("stems"), hpss);
}

#[test]
fn progress_of_a_song_heard_twice_never_goes_back() {
    let desk = Desk::with_songs(1);
    let ran = desk.ok(&["separate", "music", "stems", "--progress", "json"]);
    let events = ran.err();
    let shares: Vec<f64> = events
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|event| event["fraction"].as_f64())
        .collect();
    assert!(shares.len() > 3 && shares.windows(2).all(|w| w[0] <= w[1]), "{shares:?}");
    assert!(shares.iter().any(|x| *x < 0.2) && shares.iter().any(|x| *x > 0.9), "{shares:?}");
}

#[test]
fn a_song_without_a_frame_or_with_one_is_no_failure_of_the_rest() {
    let desk = Desk::with_songs(1);
    for (name, frames) in [("none", 0), ("one", 1), ("odd", 777)] {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let path = desk.path(&format!("music/{name}.wav"));
        let mut writer = hound::WavWriter::create(path, spec).unwrap();
        (0..2 * frames).for_each(|i| writer.write_sample(i as i16 * 16).unwrap());
        writer.finalize().unwrap();
    }
    for model in MODELS {
        let ran = desk.run(&["separate", "--model", model, "music", model]);
        assert!([0, 3].contains(&ran.code()), "{}", ran.err());
        for (name, frames) in [("one", 1), ("odd", 777)] {
            let (_, drums) = stem(&desk, model, &format!("{name}.wav"), "drums");
            assert!(drums.iter().all(|x| x.len() == frames), "{model}, {name}");
        }
        assert!(!stem(&desk, model, "song0.wav", "drums").1[0].is_empty());
    }
}
