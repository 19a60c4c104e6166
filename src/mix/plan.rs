//! The plan of a mix: everything that is decided before any sound is made.

use serde::{Deserialize, Serialize};

use super::action::Action;
use crate::base::{Bpm, Decibels, Lufs, SampleRate, Seconds, Seed};

/// Raised whenever older programs would misread a plan.
pub const MIX_SCHEMA: u32 = 1;

/// Whose law a mix follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Whole bars on phrase boundaries, as a disc jockey mixes.
    #[default]
    Dj,
    /// The law of Echo Nest Remix' capsule and of Forever.fm.
    Capsule,
    /// A plain crossfade between any two songs.
    Crossfade,
}

/// A mix, ready to be rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MixPlan {
    /// [`MIX_SCHEMA`] of the program that made it.
    pub schema: u32,
    /// That program.
    pub version: String,
    /// Whose law it follows.
    pub style: Style,
    /// What it was drawn with.
    pub seed: Seed,
    /// Frames a second of the result.
    pub rate: SampleRate,
    /// Loudness every track is brought to.
    pub loudness: Lufs,
    /// The curve of energy asked for, if any.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub energy: String,
    /// What the user wants to be otherwise, kept when the mix is planned again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
    /// The tracks in the order they are played; a track played twice stands here twice.
    pub tracks: Vec<PlanTrack>,
    /// What sounds, in order.
    pub actions: Vec<Planned>,
}

/// One visit to a song.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanTrack {
    /// The file.
    pub path: String,
    /// blake3 of its content; empty in a plan written by hand.
    #[serde(default)]
    pub hash: String,
    /// From its tags.
    #[serde(default)]
    pub title: String,
    /// From its tags.
    #[serde(default)]
    pub artist: String,
    /// Length of the file.
    pub duration: Seconds,
    /// Gain it is played with.
    #[serde(default)]
    pub gain: Gain,
    /// Median tempo.
    #[serde(default)]
    pub tempo: Option<Bpm>,
    /// `A minor / 8A`
    #[serde(default)]
    pub key: Option<String>,
    /// How energetic it is among all songs there were to choose from, 0 the calmest to 1; told
    /// where a curve of energy was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<f64>,
    /// Its stems, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stems: Option<StemFiles>,
}

/// A gain in dB that is 0 where a plan does not say.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gain(pub Decibels);

impl Default for Gain {
    fn default() -> Self {
        Gain(Decibels(0.0))
    }
}

/// Two files that add up to a song.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StemFiles {
    /// The drums.
    pub drums: String,
    /// Everything else.
    pub other: String,
    /// blake3 of their samples; empty in a plan written by hand or by an older program.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hash: String,
}

/// An action and why it was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// What sounds.
    #[serde(flatten)]
    pub action: Action,
    /// Why, for transitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Why>,
}

impl From<Action> for Planned {
    fn from(action: Action) -> Self {
        Planned { action, why: None }
    }
}

/// Why two songs meet as they do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Why {
    /// In words.
    pub reason: String,
    /// Length in bars of the track that leaves; 0 where bars play no part.
    #[serde(default)]
    pub bars: usize,
    /// How much faster the track that comes is, in per cent, octaves taken out.
    #[serde(default)]
    pub tempo_change: Option<f64>,
    /// Steps between the keys on the Camelot wheel.
    #[serde(default)]
    pub key_steps: Option<u32>,
    /// What the choice cost by criterion, each 0 for perfect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub costs: Vec<(String, f64)>,
}

/// A wish for one pair of songs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// File name (or path) of the song that leaves.
    pub from: String,
    /// File name (or path) of the song that comes.
    pub to: String,
    /// Length of the transition in bars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bars: Option<usize>,
    /// `crossmatch` or `crossfade`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Where the transition begins in the song that leaves; the nearest bar line is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_start: Option<Seconds>,
    /// Where it begins in the song that comes; the nearest bar line is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_start: Option<Seconds>,
}

impl Override {
    /// Whether it is meant for this pair.
    pub fn is_for(&self, from: &PlanTrack, to: &PlanTrack) -> bool {
        names(&self.from, from) && names(&self.to, to)
    }
}

fn names(name: &str, track: &PlanTrack) -> bool {
    let file = track.path.rsplit('/').next().unwrap_or_default();
    name == track.path || name == file || name == track.title
}

/// How two songs meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Beat on beat.
    Crossmatch,
    /// Faded into each other.
    Crossfade,
}

impl MixPlan {
    /// Its length.
    pub fn duration(&self) -> Seconds {
        Seconds(self.actions.iter().map(|p| p.action.duration().0).sum())
    }

    /// When each action begins, and the end of the last.
    pub fn times(&self) -> Vec<Seconds> {
        let mut times = vec![Seconds(0.0)];
        for planned in &self.actions {
            let last = times[times.len() - 1].0;
            times.push(Seconds(last + planned.action.duration().0));
        }
        times
    }
}
