//! What a mix is made of: actions in the order they sound. All of it is plain data.
//!
//! The names are those of Echo Nest Remix, whose `capsule` and its radio Forever.fm this engine
//! re-creates: Playback, FadeIn, FadeOut, Crossfade, Crossmatch, Jump, Blend.

use serde::{Deserialize, Serialize};

use crate::base::Seconds;

/// A stretch of a track, in the track's own time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// Where it begins.
    pub start: Seconds,
    /// How long it is.
    pub duration: Seconds,
}

impl Span {
    /// Where it ends.
    pub fn end(&self) -> Seconds {
        Seconds(self.start.0 + self.duration.0)
    }
}

/// One beat of a track and how long it lasts in the mix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Beat {
    /// The beat in the track.
    #[serde(flatten)]
    pub span: Span,
    /// Its length in the mix: the tempo is changed by the ratio of both.
    pub length: Seconds,
}

/// One beat of two tracks at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BeatPair {
    /// The beat in the track that leaves.
    pub from: Span,
    /// The beat in the track that comes.
    pub to: Span,
    /// Their common length in the mix.
    pub length: Seconds,
}

/// How two tracks are faded into each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Curve {
    /// Straight lines of amplitude.
    Linear,
    /// The straight lines to the power of 0.6, as the original has it.
    #[serde(rename = "power_0.6")]
    Power06,
    /// Sine and cosine: the power of two strangers stays the same.
    EqualPower,
}

/// Which of the two tracks of a transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The track that leaves.
    From,
    /// The track that comes.
    To,
}

/// A part of a track with a gain of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of it.
    All,
    /// Below 180 Hz, in all but the drums stem.
    Bass,
    /// From 180 Hz to 2.5 kHz, where voices and chords lie, in all but the drums stem.
    Middle,
    /// Its drums stem.
    Drums,
    /// Its other stem.
    Other,
}

/// The gain of one part of one track over the beats of a transition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    /// Whose.
    pub side: Side,
    /// Of what.
    pub part: Part,
    /// Beat of the transition (0 is its start) and amplitude there, beats rising. Before the first
    /// and after the last the gain stays; in between its power goes over smoothly.
    pub points: Vec<(f64, f32)>,
}

/// One action. Times are those of the tracks; `track`, `from` and `to` count the plan's tracks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action")]
pub enum Action {
    /// A track rises out of silence.
    FadeIn {
        /// Whose.
        track: usize,
        /// What of it.
        #[serde(flatten)]
        span: Span,
    },
    /// A track alone.
    Playback {
        /// Whose.
        track: usize,
        /// What of it.
        #[serde(flatten)]
        span: Span,
        /// Where its tempo is not its own: these beats, from the start on.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        beats: Vec<Beat>,
    },
    /// A track falls into silence.
    FadeOut {
        /// Whose.
        track: usize,
        /// What of it.
        #[serde(flatten)]
        span: Span,
    },
    /// Two tracks faded into each other, each at its own tempo.
    Crossfade {
        /// The track that leaves.
        from: usize,
        /// The track that comes.
        to: usize,
        /// Where it begins in the track that leaves.
        from_start: Seconds,
        /// Where it begins in the track that comes.
        to_start: Seconds,
        /// How long it is.
        duration: Seconds,
        /// How.
        curve: Curve,
    },
    /// Two tracks beat on beat, the tempo gliding from one to the other.
    Crossmatch {
        /// The track that leaves.
        from: usize,
        /// The track that comes.
        to: usize,
        /// The beats, each following the one before without a gap in either track.
        beats: Vec<BeatPair>,
        /// How gains move, where no lane says otherwise.
        curve: Curve,
        /// Gains of parts. Where a side has any, `curve` does not apply to it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        lanes: Vec<Lane>,
    },
    /// One track goes over into itself at another place: what follows `source` into what precedes
    /// `target`.
    Jump {
        /// Whose.
        track: usize,
        /// Where it leaves.
        source: Seconds,
        /// Where it is when the jump is over.
        target: Seconds,
        /// How long the jump is.
        duration: Seconds,
    },
    /// Two tracks beat on beat at their middle tempo, both at full level.
    Blend {
        /// One track.
        from: usize,
        /// The other.
        to: usize,
        /// The beats.
        beats: Vec<BeatPair>,
    },
}

impl Action {
    /// Its length in the mix.
    pub fn duration(&self) -> Seconds {
        match self {
            Action::FadeIn { span, .. } | Action::FadeOut { span, .. } => span.duration,
            Action::Playback { span, beats, .. } => {
                let stretched: f64 = beats.iter().map(|b| b.length.0 - b.span.duration.0).sum();
                Seconds(span.duration.0 + stretched)
            }
            Action::Crossfade { duration, .. } | Action::Jump { duration, .. } => *duration,
            Action::Crossmatch { beats, .. } | Action::Blend { beats, .. } => {
                Seconds(beats.iter().map(|b| b.length.0).sum())
            }
        }
    }

    /// The track it begins with and the one it ends with.
    pub fn tracks(&self) -> (usize, usize) {
        match *self {
            Action::FadeIn { track, .. }
            | Action::Playback { track, .. }
            | Action::FadeOut { track, .. }
            | Action::Jump { track, .. } => (track, track),
            Action::Crossfade { from, to, .. }
            | Action::Crossmatch { from, to, .. }
            | Action::Blend { from, to, .. } => (from, to),
        }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Action::FadeIn { .. } => "FadeIn",
            Action::Playback { .. } => "Playback",
            Action::FadeOut { .. } => "FadeOut",
            Action::Crossfade { .. } => "Crossfade",
            Action::Crossmatch { .. } => "Crossmatch",
            Action::Jump { .. } => "Jump",
            Action::Blend { .. } => "Blend",
        }
    }
}
