//! Broken copies of every kind of file: each ends in sound or in an error that says why.
//!
//! Ten thousand on every run; `EVERMIX_MUTANTS=100000` for the whole hunt.

use crate::seeds::seeds;
use crate::sound::*;
use evermix::base::{Draws, Limits, Seed, SeededDraws};
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// What came of the mutants of one seed.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// Read to the end, or up to where they were too damaged.
    sound: usize,
    refused: usize,
    /// A decoder of a dependency panicked and was stopped.
    caught: usize,
    slowest: Duration,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.sound += other.sound;
        self.refused += other.refused;
        self.caught += other.caught;
        self.slowest = self.slowest.max(other.slowest);
    }
}

#[test]
fn broken_copies_end_in_sound_or_an_error() {
    let wanted = std::env::var("EVERMIX_MUTANTS").ok().and_then(|n| n.parse().ok());
    let (seeds, wanted) = (seeds(), wanted.unwrap_or(10_000usize));
    let each = wanted.div_ceil(seeds.len());
    let mut tallies = BTreeMap::<&str, Tally>::new();
    std::thread::scope(|scope| {
        let halves = [0, 1].map(|half| {
            let seeds = &seeds;
            let numbers = move || (0..each).filter(move |n| n % 2 == half);
            scope.spawn(move || {
                let outcome = |(name, bytes): &(String, Vec<u8>)| {
                    numbers().map(|n| try_one(name, bytes, n)).fold(Tally::default(), sum)
                };
                seeds.iter().map(outcome).collect::<Vec<_>>()
            })
        });
        for half in halves {
            let tallied = half.join().expect("no panic outside a decoder");
            for ((name, _), tally) in seeds.iter().zip(tallied) {
                *tallies.entry(name).or_default() += tally;
            }
        }
    });
    let all = tallies.values().copied().fold(Tally::default(), sum);
    for (name, tally) in &tallies {
        eprintln!("{name:>16} {tally:?}");
    }
    eprintln!("{:>16} {all:?}", "all");
    assert_eq!(all.sound + all.refused + all.caught, each * seeds.len());
    for (name, tally) in &tallies {
        // The step size of MS ADPCM may grow without bound. That overflows, which a release build
        // does not check and which costs no more than some noise.
        let known = cfg!(debug_assertions) && *name == "ms_adpcm.wav";
        // Longer hunts find a handful of divisions by zero and the like in the decoders we use.
        let most = each / 2_500;
        assert!(tally.caught <= most || known, "{name}: a decoder panicked {} times", tally.caught);
    }
    assert!(all.slowest < Duration::from_secs(10), "{:?} for a file of kilobytes", all.slowest);
    assert!(all.sound * 4 > all.refused, "most mutants never reach a decoder: {all:?}");
}

fn sum(mut a: Tally, b: Tally) -> Tally {
    a += b;
    a
}

fn try_one(name: &str, bytes: &[u8], number: usize) -> Tally {
    let mutant = mutant(name, bytes, number);
    // No seed lasts a second; what makes more than a minute of one ran away.
    let limits = Limits { max_seconds: 60.0, ..Limits::default() };
    let start = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| decode_within(name, mutant, &limits)));
    let outcome = outcome.unwrap_or_else(|_| panic!("{name}, mutant {number}"));
    let mut tally = Tally { slowest: start.elapsed(), ..Tally::default() };
    let error = match &outcome {
        Ok(song) => {
            let honest = |x: &f32| x.is_finite() && x.abs() <= 64.0;
            assert!(song.planes.iter().flatten().all(honest), "{name}, mutant {number}");
            let even = song.planes.iter().all(|plane| plane.len() == song.frames());
            assert!(even, "{name}, mutant {number}: channels of different lengths");
            song.error.as_ref()
        }
        Err(error) => Some(error),
    };
    let caught = error.is_some_and(|e| e.to_string().contains("the decoder failed"));
    match outcome {
        _ if caught => tally.caught = 1,
        Ok(_) => tally.sound = 1,
        Err(_) => tally.refused = 1,
    }
    tally
}

/// A copy with one to eight changes, most of them where the headers are.
fn mutant(name: &str, seed: &[u8], number: usize) -> Vec<u8> {
    let mut draws = Seed(number as u64).stream(name);
    let mut bytes = seed.to_vec();
    for _ in 0..1 + draws.choice(8) {
        let at = place(name, &bytes, &mut draws);
        change(&mut bytes, at, &mut draws);
    }
    if number.is_multiple_of(4) {
        return bytes;
    }
    // Checksums put right, so that the change gets past them.
    if seed.starts_with(b"OggS") {
        for page in crate::ogg::pages(&bytes) {
            crate::ogg::repair(&mut bytes[page]);
        }
    } else if seed.starts_with(b"fLaC") {
        crate::flac::repair(&mut bytes);
    }
    bytes
}

/// Headers lie at the beginning; in MP4 files the tables lie at the end.
fn place(name: &str, bytes: &[u8], draws: &mut SeededDraws) -> usize {
    let length = bytes.len().max(1);
    let tables = 1_200.min(length);
    match draws.choice(10) {
        // The tables of Vorbis fill half the file, and few changes of them can be survived.
        0..8 if name.ends_with(".ogg") => length / 2 + draws.choice(length.div_ceil(2)),
        0..3 => draws.choice(64.min(length)),
        3..5 => draws.choice(512.min(length)),
        5..8 if name.ends_with("m4a") => length - tables + draws.choice(tables),
        5 | 6 => draws.choice(4_096.min(length)),
        _ => draws.choice(length),
    }
}

fn change(bytes: &mut Vec<u8>, at: usize, draws: &mut SeededDraws) {
    let few = (1 + draws.choice(24)).min(bytes.len().saturating_sub(at));
    let odd = [0u32, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 1 << 24, 0x7fff_ffff, 1 << 31];
    let number = if draws.choice(4) == 0 { u32::MAX } else { odd[draws.choice(odd.len())] };
    match draws.choice(12) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..at + few)),
        2 => drop(bytes.splice(at..at, vec![draws.choice(256) as u8; few])),
        3 => bytes[at..at + few].fill(0),
        4 => bytes[at..at + few].fill_with(|| draws.choice(256) as u8),
        5 => {
            let copy = bytes[at..at + few].to_vec();
            drop(bytes.splice(at..at, copy));
        }
        6 => put(bytes, at, &number.to_le_bytes()),
        7 => put(bytes, at, &number.to_be_bytes()),
        8 => put(bytes, at, &(number as u16).to_le_bytes()),
        9 => put(bytes, at, &(number as u16).to_be_bytes()),
        10 => put(bytes, at, &[draws.choice(256) as u8]),
        _ => {
            let flip = 1 << draws.choice(8);
            bytes[at..at + few.min(1)].iter_mut().for_each(|byte| *byte ^= flip);
        }
    }
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    for (byte, value) in bytes[at..].iter_mut().zip(value) {
        *byte = *value;
    }
}
