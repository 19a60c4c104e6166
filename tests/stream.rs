//! A station on the air: what listeners hear, what they are told, and what it survives.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

#[path = "stream/air.rs"]
mod air;
#[path = "stream/bars.rs"]
mod bars;
#[path = "stream/client.rs"]
mod client;
#[path = "stream/crowd.rs"]
mod crowd;
#[path = "stream/hanging.rs"]
mod hanging;
#[path = "stream/heard.rs"]
mod heard;
#[path = "stream/hostile.rs"]
mod hostile;
#[path = "stream/late.rs"]
mod late;
#[path = "stream/library.rs"]
mod library;
#[path = "stream/mixing.rs"]
mod mixing;
#[path = "stream/program.rs"]
mod program;
#[path = "stream/relayed.rs"]
mod relayed;
#[path = "stream/requests.rs"]
mod requests;
#[path = "stream/socket.rs"]
mod socket;
#[path = "stream/songs.rs"]
mod songs;
#[path = "stream/told.rs"]
mod told;
#[path = "stream/tones.rs"]
mod tones;
#[path = "stream/trouble.rs"]
mod trouble;
#[path = "stream/wishes.rs"]
mod wishes;
