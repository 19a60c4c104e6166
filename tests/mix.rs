//! `forever plan`, `forever render` and `forever score` on rendered songs with known beats.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

#[path = "mix/beats.rs"]
mod beats;
#[path = "mix/songs.rs"]
mod songs;
#[path = "mix/ticks.rs"]
mod ticks;
