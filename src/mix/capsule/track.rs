//! What the law wants to know of a track: the part of an Echo Nest analysis it reads.

use crate::base::{Bpm, Decibels, Seconds};
use crate::mix::Span;

/// Timbre values of a segment.
pub const TIMBRE: usize = 12;

/// Loudness that is played as it is, in dB.
const LOUDNESS_THRESH: f64 = -8.0;

/// A stretch between two onsets with one sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// Where it lies.
    pub span: Span,
    /// How it sounds: first something like its loudness, then shapes of its spectrum whose mean is
    /// about 0. Only distances between whitened values matter, so the scale is free.
    pub timbre: [f32; TIMBRE],
}

/// A track as Echo Nest analysed it. Lists are in the order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Its length.
    pub duration: Seconds,
    /// Its loudness in dB, about -60 to 0; the gain law takes it linearly.
    pub loudness: Decibels,
    /// Its tempo.
    pub tempo: Bpm,
    /// End of what fades in at its start.
    pub end_of_fade_in: Seconds,
    /// Start of what fades out at its end.
    pub start_of_fade_out: Seconds,
    /// Beats, each from its start to the next one's.
    pub beats: Vec<Span>,
    /// Segments, without gaps.
    pub segments: Vec<Segment>,
}

impl Track {
    /// From the first beat's start to the last one's end, or all of it where there are no beats.
    pub fn span(&self) -> Seconds {
        match (self.beats.first(), self.beats.last()) {
            (Some(first), Some(last)) => Seconds(last.end().0 - first.start.0),
            _ => self.duration,
        }
    }
}

/// Amplitude by which Echo Nest Remix capsule equalises a loudness (`equalize_tracks`): 1 at -8 dB,
/// straight on by 0.08 a dB. It is no true gain in dB, and below zero from 4.5 dB on; a plan keeps
/// to zero there.
pub fn gain_from_loudness(loudness: Decibels) -> f64 {
    1.0 - LOUDNESS_THRESH * (LOUDNESS_THRESH - loudness.0) / 100.0
}
