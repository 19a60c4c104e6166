//! The planning law of Echo Nest Remix `capsule` and of its radio, Forever.fm: what they would have
//! played, given the same description of the tracks.
//!
//! A track is made ready once ([`Deck`]): the beats between its fades, each with a whitened
//! timbre. [`make_transition`] looks where the beats on which the old track leaves fit best into
//! the new one and glides from tempo to tempo there, or fades over where nothing can be matched.
//! [`plan`] runs whole lists of tracks through that.
//!
//! Mended: times before the start or after the end of a track, a cursor read as seconds that
//! counts beats, shares below zero, division by a deviation of zero.
//!
//! Kept, because plans depend on it: the last offset of a search is left out
//! ([`LastOffset::Excluded`](super::align::LastOffset)), the tempo is measured from the first
//! central beat on, halves of beats count as wholes in short transitions, a stay cut short for
//! want of room takes a place for a length, and a stay after a crossfade takes a time in the track
//! for a time since its first central beat.

mod crossmatch;
mod cursor;
#[cfg(test)]
mod fixtures;
mod mix;
mod order;
mod resample;
mod track;
mod transition;

pub use crossmatch::{crossmatch_frames, glide, piece_lengths};
pub use cursor::{Cursor, Deck};
pub use mix::{Mixer, Plan, Policy, Request, plan};
pub use order::{fold_tempos, order_tracks};
pub use resample::{BeatTimbre, central, mean_offset, resample_features, whiten};
pub use track::{Segment, TIMBRE, Track, gain_from_loudness};
pub use transition::{initialize, make_crossfade, make_transition, terminate};

/// Length of a plain crossfade, in seconds.
pub const X_FADE: f64 = 3.0;
/// Length of the first fade, in seconds, as capsule has it; Forever.fm takes 10.
pub const FADE_IN: f64 = 0.25;
/// Length of the last fade, in seconds.
pub const FADE_OUT: f64 = 6.0;
/// Beats a track must have for its beats to be matched.
const MIN_SEARCH: usize = 4;
/// Beats kept free at the end, and least number of beats matched.
const MIN_MARKERS: usize = 2;
/// Beats are compared over this long at least, in seconds.
const MIN_ALIGN_DURATION: f64 = 3.0;
