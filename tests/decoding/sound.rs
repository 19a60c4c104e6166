//! The sound in `data/fixtures`, computed again, and what our decoder makes of a file.

use evermix::audio::{AudioBuffer, Damage, Decoder};
use evermix::base::{ByteSource, Error, Limits};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// A parabola for a sine, exact in integers: phase 0..65 535, result about ±12 288.
fn sine(phase: i64) -> i64 {
    let x = phase - 32_768;
    (3 * (x * (32_768 - x.abs())).div_euclid(65_536)).div_euclid(2)
}

/// Samples of one channel: a tone that glides up and down. In step with
/// `scripts/reference/make_fixtures.sh`.
pub fn sound(frames: usize, channel: usize) -> Vec<i16> {
    let (hertz, sweep, depth) = [(2_000, 6, 300), (5_000, 9, -150)][channel];
    (0..frames as i64)
        .map(|i| (hertz * i * 65_536).div_euclid(44_100) + depth * sine((sweep * i) & 65_535))
        .map(|turns| sine(turns & 65_535) as i16)
        .collect()
}

/// The same as floats of full scale 1, one plane a channel.
pub fn planes(frames: usize, channels: usize) -> Vec<Vec<f32>> {
    let float = |channel| sound(frames, channel).iter().map(|&x| f32::from(x) / 32_768.0).collect();
    (0..channels).map(float).collect()
}

pub fn fixture_path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fixtures").join(name)
}

pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture_path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// A whole song, decoded.
#[derive(Debug)]
pub struct Song {
    pub planes: Vec<Vec<f32>>,
    pub rate: u32,
    pub claimed: Option<u64>,
    pub damage: Damage,
    /// Why decoding stopped before the end, if it did.
    pub error: Option<Error>,
}

impl Song {
    pub fn frames(&self) -> usize {
        self.planes[0].len()
    }
}

/// Decodes bytes as a file of that name; `Err` where it could not even be opened.
pub fn decode(name: &str, bytes: impl Into<Vec<u8>>) -> Result<Song, Error> {
    decode_within(name, bytes, &Limits::default())
}

pub fn decode_within(
    name: &str,
    bytes: impl Into<Vec<u8>>,
    limits: &Limits,
) -> Result<Song, Error> {
    let source = Box::new(Cursor::new(bytes.into()));
    let mut decoder = Decoder::from_source(source, Path::new(name), limits)?;
    let mut planes = vec![Vec::new(); decoder.channels()];
    let mut block = AudioBuffer::default();
    let error = loop {
        match decoder.next_block(&mut block) {
            Ok(true) => {
                assert_eq!(block.channels(), planes.len(), "{name}: channels change");
                let fresh = planes.iter_mut().zip(&block.planes);
                fresh.for_each(|(plane, fresh)| plane.extend_from_slice(fresh));
            }
            Ok(false) => break None,
            Err(error) => break Some(error),
        }
    };
    let (rate, claimed) = (decoder.rate().hz(), decoder.claimed_frames());
    Ok(Song { planes, rate, claimed, damage: decoder.damage(), error })
}

/// Decodes a fixture that must be read to its end.
pub fn whole(name: &str) -> Song {
    let song = decode(name, fixture(name)).unwrap_or_else(|e| panic!("{e}"));
    if let Some(error) = &song.error {
        panic!("{error}");
    }
    song
}

/// Decodes a source without keeping the sound: its length, and why it ended early if it did.
pub fn decode_source(
    name: &str,
    source: Box<dyn ByteSource>,
) -> Result<(usize, Option<Error>), Error> {
    let mut decoder = Decoder::from_source(source, Path::new(name), &Limits::default())?;
    let mut block = AudioBuffer::default();
    loop {
        match decoder.next_block(&mut block) {
            Ok(true) => {}
            Ok(false) => return Ok((decoder.position() as usize, None)),
            Err(error) => return Ok((decoder.position() as usize, Some(error))),
        }
    }
}

/// How many frames `heard` lies behind `truth`, looking at `range` of it: where they agree best.
pub fn lag(heard: &[f32], truth: &[f32], range: std::ops::Range<usize>, most: i64) -> i64 {
    let likeness = |lag: i64| -> f64 {
        let inside = |i: usize| truth.get(usize::try_from(i as i64 - lag).ok()?);
        let pairs = range.clone().filter_map(|i| Some((heard[i], *inside(i)?)));
        let (mut product, mut power) = (0.0, 1e-9);
        for (h, t) in pairs {
            product += f64::from(h * t);
            power += f64::from(t * t);
        }
        product / power.sqrt()
    };
    (-most..=most).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap()
}

/// Root mean square of the difference over a range.
pub fn error(heard: &[f32], truth: &[f32], range: std::ops::Range<usize>) -> f64 {
    let squares = range.clone().map(|i| f64::from(heard[i] - truth[i]).powi(2)).sum::<f64>();
    (squares / range.len() as f64).sqrt()
}
