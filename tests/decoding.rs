//! Reading songs: exact lengths, damage kept in place, and files made to hurt.
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

mod common;

#[path = "decoding/bombs.rs"]
mod bombs;
#[path = "decoding/damage.rs"]
mod damage;
#[path = "decoding/extremes.rs"]
mod extremes;
#[path = "decoding/flac.rs"]
mod flac;
#[path = "decoding/lengths.rs"]
mod lengths;
#[path = "decoding/lies.rs"]
mod lies;
#[path = "decoding/mutants.rs"]
mod mutants;
#[path = "decoding/ogg.rs"]
mod ogg;
#[path = "decoding/seeds.rs"]
mod seeds;
#[path = "decoding/sound.rs"]
mod sound;
#[path = "decoding/truncation.rs"]
mod truncation;
