//! `forever plan`, `forever render` and `forever score` on rendered songs with known beats.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

#[path = "mix/beats.rs"]
mod beats;
#[path = "mix/damage.rs"]
mod damage;
#[path = "mix/files.rs"]
mod files;
#[path = "mix/library.rs"]
mod library;
#[path = "mix/nonsense.rs"]
mod nonsense;
#[path = "mix/plans.rs"]
mod plans;
#[path = "mix/shapes.rs"]
mod shapes;
#[path = "mix/songs.rs"]
mod songs;
#[path = "mix/stems.rs"]
mod stems;
#[path = "mix/ticks.rs"]
mod ticks;
#[path = "mix/wishes.rs"]
mod wishes;
