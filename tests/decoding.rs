//! Reading songs: exact lengths, damage kept in place, and files made to hurt.
#![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]

#[path = "decoding/damage.rs"]
mod damage;
#[path = "decoding/lengths.rs"]
mod lengths;
#[path = "decoding/ogg.rs"]
mod ogg;
#[path = "decoding/sound.rs"]
mod sound;
