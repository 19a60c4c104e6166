//! Beat collages: choosing beats, planning them in time, joining them.
//!
//! [`plan`](plan()) chooses ([`walk`], [`original`]) and lays out in time without touching audio;
//! [`Renderer`] plays a plan and decides nothing.

#[cfg(test)]
mod fixtures;
mod library;
pub mod original;
mod plan;
mod render;
mod runs;
mod tape;
mod voice;
pub mod walk;

pub use library::{Beat, Library};
pub use plan::{
    Law, LayerChoice, PLAN_SCHEMA, PlanSong, RemixOptions, RemixPlan, SongFacts, Voice, VoiceBeat,
    plan,
};
pub use render::{OpenReader, Renderer};
pub use voice::{VoiceSpace, loudness_of};
pub use walk::{Jump, JumpCosts};
