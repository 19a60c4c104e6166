//! Songs with holes: what follows a hole stays where it was, and the hole is told.

use crate::sound::*;
use evermix::audio::encode::{BitDepth, Mp3Quality, OutputTags, flac, mp3, opus};
use evermix::base::{Draws, ErrorKind, SampleRate, Seed};
use std::io::{Read as _, Seek as _};
use std::ops::Range;

/// Two seconds in every format a song may come in, with the frames a decoder needs to find its
/// way again after a hole.
pub fn songs() -> Vec<(&'static str, Vec<u8>, usize)> {
    let fixtures = [
        ("long_cbr.mp3", 4 * 1_152),
        ("long_vbr.mp3", 4 * 1_152),
        ("long.ogg", 2_048),
        ("long.m4a", 2_048),
        ("long.aac", 2_048),
    ];
    let mut songs: Vec<_> = fixtures.map(|(name, settle)| (name, fixture(name), settle)).into();
    songs.push(("long.flac", encoded("flac"), 2 * 4_096));
    songs.push(("long.opus", encoded("opus"), 3 * 48_000));
    songs
}

/// The long sound through one of our own encoders, called "A song".
pub fn encoded(extension: &str) -> Vec<u8> {
    let mut file = tempfile::tempfile().unwrap();
    let out = Box::new(file.try_clone().unwrap());
    let tags = OutputTags { title: "A song".into(), ..OutputTags::default() };
    let mut encoder = match extension {
        "flac" => flac(out, SampleRate::CD, 1, BitDepth::Sixteen, &tags),
        "mp3" => mp3(out, SampleRate::CD, 1, Mp3Quality::Cbr(192), &tags),
        _ => opus(out, SampleRate::CD, 1, 64_000, &tags),
    }
    .unwrap();
    let truth = planes(88_203, 1);
    encoder.write(&[&truth[0]]).unwrap();
    encoder.finish().unwrap();
    file.rewind().unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// Where audio lies in a file: not the headers at its beginning, nor the tables at its end.
fn audio(name: &str, bytes: &[u8]) -> Range<usize> {
    let find = |what: &[u8]| bytes.windows(what.len()).rposition(|w| w == what).unwrap();
    match name.rsplit_once('.').unwrap().1 {
        "m4a" => find(b"mdat") + 4..find(b"moov"),
        "flac" => 20_000..bytes.len(),
        "mp3" | "aac" => 1_500..bytes.len(),
        _ => {
            let pages = crate::ogg::pages(bytes);
            pages[2].start..pages[pages.len() - 1].start
        }
    }
}

/// A stretch around a place in the audio, both as shares of it.
fn stretch(name: &str, bytes: &[u8], middle: f64, share: f64) -> Range<usize> {
    let audio = audio(name, bytes);
    let at = |x: f64| audio.start + (audio.len() as f64 * x) as usize;
    at(middle - share / 2.0)..at(middle + share / 2.0)
}

fn zeroed(bytes: &[u8], stretch: Range<usize>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[stretch].fill(0);
    bytes
}

fn scrambled(bytes: &[u8], stretch: Range<usize>) -> Vec<u8> {
    let (mut bytes, mut draws) = (bytes.to_vec(), Seed(1).stream("noise"));
    bytes[stretch].fill_with(|| draws.choice(256) as u8);
    bytes
}

fn without(bytes: &[u8], stretch: Range<usize>) -> Vec<u8> {
    [&bytes[..stretch.start], &bytes[stretch.end..]].concat()
}

/// Frames compared at a time.
const BLOCK: usize = 256;

/// Checks that the damaged song differs from the good one around its hole only.
fn holds(name: &str, how: &str, good: &Song, bad: &Song, settle: usize) {
    let told = format!("{name}, {how}: {:?}", bad.damage);
    assert!(bad.error.is_none(), "{told}: {:?}", bad.error);
    assert_eq!(bad.frames(), good.frames(), "{told}");
    let (good, bad) = (&good.planes[0], &bad.planes[0]);
    // A tenth of the level of the sound: noise that decoders make up is never the same.
    let differs = |at: &usize| error(bad, good, *at..*at + BLOCK) > 0.03;
    let blocks = || (0..good.len() - BLOCK).step_by(BLOCK);
    let first = blocks().find(differs).unwrap_or_else(|| panic!("{told}: no hole"));
    let last = blocks().rfind(differs).unwrap_or(first);
    assert!(first > good.len() / 5, "{told}: {first} is far before the hole");
    let longest = good.len() / 8 + settle;
    assert!(last - first < longest, "{told}: still wrong at {last}, {} frames on", last - first);
}

#[test]
fn what_follows_a_hole_stays_in_place() {
    for (name, bytes, settle) in songs() {
        let good = decode(name, bytes.clone()).unwrap();
        for middle in [0.4, 0.6] {
            let hole = stretch(name, &bytes, middle, 0.04);
            for (how, bad) in [
                ("zeroed", zeroed(&bytes, hole.clone())),
                ("scrambled", scrambled(&bytes, hole.clone())),
            ] {
                let bad = decode(name, bad).unwrap();
                holds(name, how, &good, &bad, settle);
                assert!(bad.damage.any(), "{name}, {how}: nothing told");
            }
        }
    }
}

#[test]
fn bytes_that_are_gone_leave_a_hole_of_their_length() {
    for (name, bytes, settle) in songs() {
        // The tables of an MP4 file point at what is no longer there; bare AAC counts nothing.
        if name.ends_with("m4a") || name.ends_with("aac") {
            continue;
        }
        let good = decode(name, bytes.clone()).unwrap();
        let bad = decode(name, without(&bytes, stretch(name, &bytes, 0.5, 0.05))).unwrap();
        holds(name, "cut", &good, &bad, settle);
        assert!(bad.damage.gap_frames > 0, "{name}: {:?}", bad.damage);
    }
}

#[test]
fn a_song_that_is_mostly_hole_is_refused() {
    for (name, bytes, _) in songs() {
        let song = decode(name, zeroed(&bytes, stretch(name, &bytes, 0.5, 0.9))).unwrap();
        let error = song.error.unwrap_or_else(|| panic!("{name}: {:?}", song.damage));
        assert_eq!(error.kind(), ErrorKind::Unusable, "{name}: {error}");
        assert!(error.to_string().contains("too damaged"), "{name}: {error}");
    }
}
