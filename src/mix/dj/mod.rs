//! How a disc jockey would mix: whole bars, on phrases, downbeat on downbeat.
//!
//! For every pair of songs all places of transition are weighed against each other: where the
//! first may be left, where the second may be entered, over how many bars. Nothing is random.

mod cost;
mod crossfade;
mod grid;
mod lanes;
mod likeness;
mod programme;
mod transition;

pub use grid::Grid;
pub use programme::{Booth, Desk, OnDeck, Playing, plan_mix};
pub use transition::Options;

#[cfg(test)]
mod tests;
