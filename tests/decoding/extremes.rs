//! Sound no musician would make, through the whole program.

use crate::common::{Desk, Song, read_wav};
use std::f64::consts::TAU;
use std::path::Path;

const RATE: u32 = 44_100;

fn write(path: &Path, samples: impl IntoIterator<Item = f32>) {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    samples.into_iter().for_each(|x| writer.write_sample(x).unwrap());
    writer.finalize().unwrap();
}

/// Names and samples of songs that are none.
fn extremes() -> Vec<(&'static str, Vec<f32>)> {
    let seconds = 6 * RATE as usize;
    let each = |wave: &dyn Fn(usize) -> f32| (0..seconds).map(wave).collect::<Vec<f32>>();
    let tone = |hertz: f64| move |i: usize| (TAU * hertz * i as f64 / f64::from(RATE)).sin() as f32;
    let mut click = vec![0.0; seconds];
    (0..2_000).for_each(|i| click[100_000 + i] = tone(80.0)(i) * (1.0 - i as f32 / 2_000.0));
    let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40, -1e-44, 1e30, f32::MIN, -0.0];
    let song = Song { seconds: 6.0, ..Song::default() }.render();
    let spoilt = |x: usize| if x.is_multiple_of(97) { odd[x / 97 % 8] } else { song[x] };
    vec![
        ("not-numbers", each(&|_| f32::NAN)),
        ("infinite", each(&|i| if i % 2 == 0 { f32::INFINITY } else { f32::NEG_INFINITY })),
        ("denormal", each(&|i| tone(200.0)(i) * 1e-39)),
        ("spoilt-song", each(&spoilt)),
        ("direct-current", each(&|_| 1.0)),
        ("silence", each(&|_| 0.0)),
        ("least-step", each(&|i| if i % 22_050 == 0 { 1.0 / 32_768.0 } else { 0.0 })),
        ("highest-tone", each(&tone(20_000.0))),
        ("square", each(&|i| if i % 100 < 50 { 1.0 } else { -1.0 })),
        ("far-too-loud", song.iter().map(|x| x * 60.0).collect()),
        ("one-beat", click),
        ("one-sample", vec![0.5]),
        ("no-sample", Vec::new()),
    ]
}

fn auto(desk: &Desk) -> crate::common::Ran {
    let ran = desk.run(&["auto", "music", "-o", "out.wav", "--beats", "8", "--no-stems"]);
    assert!(!ran.err().contains("panicked"), "{}", ran.err());
    ran
}

fn is_sane(path: &Path) {
    let (_, planes) = read_wav(path);
    let sane = |x: &f32| x.is_finite() && x.abs() <= 1.0;
    assert!(planes.iter().flatten().all(sane), "{}", path.display());
    assert!(planes.iter().flatten().any(|x| x.abs() > 0.01), "{}: silent", path.display());
}

#[test]
fn each_alone_ends_with_a_documented_exit_code() {
    for (name, samples) in extremes() {
        let desk = Desk::new();
        write(&desk.path(&format!("music/{name}.wav")), samples);
        let ran = auto(&desk);
        let made = desk.path("out.wav").exists();
        match ran.code() {
            0 | 3 if made => is_sane(&desk.path("out.wav")),
            // Nothing that could be used.
            4 if !made => assert!(ran.err().contains(name), "{name}: {}", ran.err()),
            code => panic!("{name}: exit {code}, made: {made}, {}", ran.err()),
        }
    }
}

#[test]
fn among_good_songs_they_harm_nothing() {
    let desk = Desk::with_songs(1);
    for (name, samples) in extremes() {
        write(&desk.path(&format!("music/{name}.wav")), samples);
    }
    let ran = auto(&desk);
    assert_eq!(ran.code(), 3, "{}", ran.err());
    is_sane(&desk.path("out.wav"));
    for hopeless in ["not-numbers", "silence", "one-sample", "no-sample"] {
        assert!(ran.err().contains(hopeless), "{hopeless} is not listed: {}", ran.err());
    }
}
