//! Stems on disk: what each model writes, and when stems are made anew.

#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use common::{Desk, read_wav};

/// Every kind of model: of HTDemucs, a network that nobody trained.
const MODELS: [&str; 3] = ["compact", "hpss", SMALL];
/// A small network of the same architecture, from this repository.
const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/htdemucs/small.safetensors");

/// A desk whose folder of networks is its own.
fn desk_with_small_network() -> Desk {
    let desk = Desk::with_songs(1);
    std::fs::create_dir_all(desk.path("data/evermix/models")).unwrap();
    std::fs::copy(SMALL, desk.path("data/evermix/models/htdemucs.safetensors")).unwrap();
    desk
}

fn stem(desk: &Desk, stems: &str, song: &str, part: &str) -> (u32, Vec<Vec<f32>>) {
    read_wav(&desk.path(&format!("{stems}/{song}/{song}_{part}.wav")))
}

fn model(desk: &Desk, stems: &str, song: &str) -> String {
    let bytes = desk.read(&format!("{stems}/{song}/{song}.json"));
    let record: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    record["content"]["model"].as_str().unwrap().to_string()
}

/// A song of noise and tones of any number of frames and channels, no two alike.
fn write_song(path: &std::path::Path, rate: u32, channels: u16, frames: usize) {
    let spec = hound::WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: 24,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    let mut state = 1u32;
    for i in 0..frames {
        for channel in 0..u32::from(channels) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223 + channel);
            let noise = f64::from(state >> 8) / f64::from(1 << 23) - 1.0;
            let t = i as f64 / f64::from(rate);
            let burst = noise * (-(t % 0.25) / 0.03).exp();
            let tone = (2000.0 * t * f64::from(channel + 1)).sin();
            writer.write_sample(((0.3 * burst + 0.2 * tone) * 8_388_607.0) as i32).unwrap();
        }
    }
    writer.finalize().unwrap();
}

#[test]
fn stems_of_every_model_add_up_to_the_song_whatever_its_length_rate_and_channels() {
    let desk = Desk::new();
    let songs = [
        ("cd", 44_100, 2, 4 * 44_100),
        ("short", 44_100, 2, 4_410),
        ("odd", 44_100, 2, 110_251),
        ("mono", 44_100, 1, 50_001),
        ("low", 22_050, 2, 40_003),
        ("high", 96_000, 2, 96_001),
        ("dat", 48_000, 1, 7),
    ];
    for (name, rate, channels, frames) in songs {
        write_song(&desk.path(&format!("music/{name}.wav")), rate, channels, frames);
    }
    for (i, model) in MODELS.into_iter().enumerate() {
        let stems = format!("stems{i}");
        desk.ok(&["separate", "--model", model, "music", &stems]);
        for (name, rate, channels, frames) in songs {
            let file = format!("{name}.wav");
            let (_, song) = read_wav(&desk.path(&format!("music/{file}")));
            let (found_rate, drums) = stem(&desk, &stems, &file, "drums");
            let (_, other) = stem(&desk, &stems, &file, "other");
            assert_eq!((found_rate, drums.len()), (rate, usize::from(channels)));
            for channel in 0..drums.len() {
                assert_eq!(drums[channel].len(), frames, "{model}, {file}");
                let sum = drums[channel].iter().zip(&other[channel]).map(|(d, o)| d + o);
                assert!(sum.eq(song[channel].iter().copied()), "{model}, {file}");
                let found = drums[channel].iter().any(|x| *x != 0.0);
                assert!(found || frames < 10, "{model}, {file}: nothing found");
            }
        }
    }
}

#[test]
fn surround_is_folded_to_stereo_and_said_so() {
    let desk = Desk::new();
    write_song(&desk.path("music/surround.wav"), 44_100, 6, 22_051);
    for (i, model) in MODELS.into_iter().enumerate() {
        let stems = format!("stems{i}");
        let ran = desk.ok(&["separate", "--model", model, "music", &stems]);
        assert!(
            ran.err().contains("surround.wav: 6 channels are folded to stereo"),
            "{}",
            ran.err()
        );
        let (_, drums) = stem(&desk, &stems, "surround.wav", "drums");
        let (_, other) = stem(&desk, &stems, "surround.wav", "other");
        let (_, song) = read_wav(&desk.path("music/surround.wav"));
        // By BS.775, scaled to full scale: front, centre and surround.
        let share = |side: usize, i: usize| {
            let half = std::f32::consts::FRAC_1_SQRT_2;
            (song[side][i] + half * song[2][i] + half * song[4 + side][i]) / (1.0 + 2.0 * half)
        };
        for side in 0..2 {
            assert_eq!(drums[side].len(), 22_051);
            for i in 0..drums[side].len() {
                let sum = drums[side][i] + other[side][i];
                assert!((sum - share(side, i)).abs() <= 1.0 / 8_388_608.0, "{model}, {i}");
            }
        }
    }
}

#[test]
fn four_stems_add_up_too_and_two_take_their_place_again() {
    let desk = Desk::new();
    write_song(&desk.path("music/a.wav"), 44_100, 2, 60_001);
    let made = |words: &[&str]| {
        let words = [&["separate", "--model", SMALL, "music", "stems", "--json"], words].concat();
        desk.ok(&words).json()["made"].as_u64().unwrap()
    };
    assert_eq!((made(&["--stems", "4"]), made(&["--stems", "4"])), (1, 0));
    let four = desk.snapshot("stems");
    let stems =
        ["drums", "bass", "vocals", "other"].map(|part| stem(&desk, "stems", "a.wav", part).1);
    let (_, song) = read_wav(&desk.path("music/a.wav"));
    for side in 0..2 {
        for i in 0..song[side].len() {
            let sum: f64 = stems.iter().map(|stem| f64::from(stem[side][i])).sum();
            assert!((sum - f64::from(song[side][i])).abs() <= 1.0 / 8_388_608.0, "frame {i}");
        }
    }
    let cut = desk.run(&["segment", "stems", "beats"]);
    assert!(cut.err().contains("a.wav: skipped: too short: 1.4 s"), "{}", cut.err());

    assert_eq!(made(&[]), 1);
    let (_, drums) = stem(&desk, "stems", "a.wav", "drums");
    assert_eq!(drums, stems[0], "the same drums");
    assert!(!desk.path("stems/a.wav/a.wav_bass.wav").exists(), "it would be one too many");
    assert_eq!(made(&["--stems", "4"]), 1);
    assert_eq!(desk.snapshot("stems"), four);

    let drums_only = desk.run(&["separate", "--model", "compact", "--stems", "4", "music", "s"]);
    assert_eq!(drums_only.code(), 2);
    assert!(drums_only.err().contains("finds drums only"), "{}", drums_only.err());
}

#[test]
fn auto_takes_the_users_network_where_it_is_and_says_what_was_used() {
    let desk = desk_with_small_network();
    let first = desk.ok(&["separate", "music", "stems"]).err();
    assert!(first.contains("their licence is in doubt"), "{first}");
    let unknown = format!("htdemucs: not a file this program knows, sha256 {}", sha256_of_small());
    assert!(first.contains(&unknown), "{first}");
    let again = desk.ok(&["separate", "music", "stems"]).err();
    assert!(!again.contains("licence"), "once is enough: {again}");
    let dry = desk.ok(&["separate", "music", "stems", "--dry-run", "--json"]).json();
    assert_eq!(dry["memory_mib"], 900.0);
    let record: serde_json::Value =
        serde_json::from_slice(&desk.read("stems/song0.wav/song0.wav.json")).unwrap();
    let (content, sha256) = (&record["content"], sha256_of_small());
    assert_eq!(content["model"], format!("htdemucs-1-{}", &sha256[..8]));
    let info = serde_json::json!({ "name": "htdemucs", "sha256": sha256, "overlap": 0.25 });
    assert_eq!(content["model_info"], info);
    assert!(desk.ok(&["doctor"]).out().contains("htdemucs (auto), compact, hpss"));
    // Without the file, auto leaves what a better model made; by name it is made anew.
    std::fs::remove_file(desk.path("data/evermix/models/htdemucs.safetensors")).unwrap();
    let made = |words: &[&str]| {
        let words = [&["separate", "music", "stems", "--json"], words].concat();
        desk.ok(&words).json()["made"].as_u64().unwrap()
    };
    assert_eq!(made(&[]), 0);
    assert_eq!(made(&["--model", "compact"]), 1);
    assert_eq!(made(&["--model", "hpss"]), 1);
    assert_eq!(made(&[]), 1, "worse stems than those of the best model here");
}

/// As `sha256sum` says.
fn sha256_of_small() -> String {
    "335490fee8ba194ec5c3c1fe9585834a4a89618b3274ffa169f88bc0c586c452".to_string()
}

#[test]
fn what_is_no_network_is_refused_with_what_to_type() {
    let desk = Desk::with_songs(1);
    std::fs::write(desk.path("odd.th"), b"PK\x03\x04").unwrap();
    std::fs::write(desk.path("hidden.safetensors"), b"PK\x03\x04....").unwrap();
    std::fs::write(desk.path("junk.safetensors"), b"junk").unwrap();
    std::fs::write(desk.path("junk.onnx"), b"junk").unwrap();
    std::fs::write(desk.path("model.txt"), b"text").unwrap();
    let table = [
        ("odd.th", 2, "pickle", "fetch htdemucs"),
        ("hidden.safetensors", 2, "pickle", "fetch htdemucs"),
        ("junk.safetensors", 7, "damaged weights", "remix models verify"),
        ("junk.onnx", 7, "not an HTDemucs network", "remix models list"),
        ("model.txt", 2, "no file of weights", "remix models list"),
        ("absent.safetensors", 7, "no such model", "remix models list"),
        ("htdemucs", 7, "ca38614bec948773", "remix models add"),
        ("htdemucs_ft", 7, "336124640 bytes", "remix models fetch htdemucs_ft"),
        ("hpsss", 2, "no model hpsss", "remix config show"),
    ];
    for (model, code, what, next) in table {
        let ran = desk.run(&["separate", "--model", model, "music", "stems"]);
        let said = ran.err();
        assert_eq!(ran.code(), code, "{model}: {said}");
        assert!(said.contains(what) && said.contains(next), "{model}: {said}");
    }
}

#[test]
fn the_best_model_is_the_network_and_its_weights_are_named() {
    let desk = Desk::with_songs(1);
    desk.ok(&["separate", "music", "stems"]);
    let named = model(&desk, "stems", "song0.wav");
    let hash = named.strip_prefix("compact-2-").unwrap();
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
    for (i, model) in MODELS.into_iter().enumerate() {
        let stems = &format!("stems{i}");
        let ran = desk.run(&["separate", "--model", model, "music", stems]);
        assert!([0, 3].contains(&ran.code()), "{}", ran.err());
        for (name, frames) in [("one", 1), ("odd", 777)] {
            let (_, drums) = stem(&desk, stems, &format!("{name}.wav"), "drums");
            assert!(drums.iter().all(|x| x.len() == frames), "{model}, {name}");
        }
        assert!(!stem(&desk, stems, "song0.wav", "drums").1[0].is_empty());
    }
}
