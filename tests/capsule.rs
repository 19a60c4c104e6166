//! The planning law and the gain laws of Echo Nest Remix capsule and Forever.fm, against numbers
//! recorded from the original where this machine has them, and against what must hold for any
//! tracks.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

#[path = "capsule/curves.rs"]
mod curves;
#[path = "capsule/matching.rs"]
mod matching;
#[path = "capsule/mixes.rs"]
mod mixes;
#[path = "capsule/tracks.rs"]
mod tracks;
#[path = "capsule/vectors.rs"]
mod vectors;
