//! The mix engine: where two songs meet, what is played, and how it becomes sound.
//!
//! Planning gives [`Action`]s, which are plain data; rendering interprets them. Planning never
//! touches audio, rendering never decides.

mod action;
pub mod align;
pub mod capsule;
pub mod curve;

pub use action::{Action, Beat, BeatPair, Curve, Lane, Part, Side, Span};
