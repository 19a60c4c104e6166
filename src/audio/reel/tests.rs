use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::audio::wav::{SampleFormat, WavWriter};

/// A second and a half of noise in a file of some shape.
fn song(folder: &Path, rate: u32, channels: usize) -> PathBuf {
    let path = folder.join(format!("{rate}-{channels}.wav"));
    let file = std::fs::File::create(&path).unwrap();
    let format = SampleFormat::Float32;
    let rate = SampleRate::new(rate).unwrap();
    let mut writer = WavWriter::new(file, rate, channels, format).unwrap();
    let sample = |c: usize, i: u32| {
        let x = (i * 2 + c as u32).wrapping_mul(2_654_435_761);
        ((x ^ (x >> 13)) >> 9) as f32 / (1 << 23) as f32 - 0.5
    };
    let frames = rate.hz() * 4;
    let planes: Vec<Vec<f32>> =
        (0..channels).map(|c| (0..frames).map(|i| sample(c, i)).collect()).collect();
    let slices: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
    writer.write(&slices).unwrap();
    writer.finish().unwrap();
    path
}

/// All of a song at once, as stereo at some rate.
fn whole(path: &Path, rate: SampleRate) -> AudioBuffer {
    let mut decoder = Decoder::open(path, &Limits::default()).unwrap();
    let channels = decoder.channels();
    let mut resampler = Resampler::new(decoder.rate(), rate, channels).unwrap();
    let (mut out, mut block) = (AudioBuffer::new(channels), AudioBuffer::default());
    while decoder.next_block(&mut block).unwrap() {
        resampler.push(&block, &mut out).unwrap();
    }
    resampler.finish(&mut out).unwrap();
    if channels == 1 {
        out.planes.push(out.planes[0].clone());
    }
    out
}

fn check(path: &Path, rate: u32, ranges: &[(i64, i64)]) {
    let rate = SampleRate::new(rate).unwrap();
    let whole = whole(path, rate);
    let mut reel = Reel::open(path, &Limits::default(), rate).unwrap();
    let mut out = AudioBuffer::new(1);
    for &(start, length) in ranges {
        reel.read(start..start + length, &mut out).unwrap();
        assert_eq!((out.channels(), out.frames()), (2, length.max(0) as usize));
        for (plane, truth) in out.planes.iter().zip(&whole.planes) {
            let at = |t: i64| usize::try_from(t).ok().and_then(|t| truth.get(t).copied());
            let due = (start..start + length).map(|t| at(t).unwrap_or(0.0));
            assert!(plane.iter().copied().eq(due), "{start}, {length}: {ranges:?}");
        }
    }
}

#[test]
fn songs_of_every_shape_are_read_as_stereo_at_the_rate_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    for (from, channels, to) in [
        (44_100, 2, 44_100),
        (44_100, 1, 44_100),
        (22_050, 1, 44_100),
        (48_000, 2, 44_100),
        (44_100, 2, 48_000),
        (8_000, 1, 44_100),
        (96_000, 2, 22_050),
    ] {
        let path = song(folder.path(), from, channels);
        let end = 4 * i64::from(to);
        let ranges = [(0, 1_000), (1_000, 50_000), (end / 2, 3_000), (end - 500, 2_000)];
        check(&path, to, &ranges);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_ranges_in_any_order_are_what_a_plain_decoder_gives(
        ranges in proptest::collection::vec((-20_000..200_000i64, 0..40_000i64), 1..8),
    ) {
        let folder = tempfile::tempdir().unwrap();
        check(&song(folder.path(), 44_100, 2), 44_100, &ranges);
        check(&song(folder.path(), 22_050, 1), 44_100, &ranges);
    }
}

#[test]
fn what_was_passed_long_ago_is_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let path = song(folder.path(), 44_100, 2);
    let mut reel = Reel::open(&path, &Limits::default(), SampleRate::CD).unwrap();
    let mut out = AudioBuffer::default();
    for start in (0..170_000).step_by(1_000) {
        reel.read(start..start + 1_000, &mut out).unwrap();
        assert!(reel.window.frames() < 3 * 44_100, "{} frames are held", reel.window.frames());
    }
    assert!(reel.start > 0);
}
