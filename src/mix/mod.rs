//! The mix engine: where two songs meet, what is played, and how it becomes sound.
//!
//! Planning gives [`Action`]s, which are plain data; rendering interprets them. Planning never
//! touches audio, rendering never decides.

mod action;
pub mod align;
mod bands;
pub mod capsule;
mod check;
pub mod curve;
pub mod dj;
mod ending;
mod live;
mod plan;
mod preview;
mod render;
mod score;
mod shape;
mod text;
mod timeline;
mod voice;

pub use action::{Action, Beat, BeatPair, Curve, Lane, Part, Side, Span};
pub use check::parse_plan;
pub use ending::end_at;
pub use live::{LiveRenderer, Placed};
pub use plan::{
    Gain, MIX_SCHEMA, Method, MixPlan, Override, PlanTrack, Planned, StemFiles, Style, Why,
};
pub use preview::only_transitions;
pub use render::{BLOCK, OpenTrack, Renderer};
pub use score::{Score, TransitionScore};
pub use timeline::{Knot, VoiceSpec, voices};
pub use voice::TrackSound;

#[cfg(test)]
mod tests;
