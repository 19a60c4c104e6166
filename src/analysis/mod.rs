//! Analysis: what a program can know about a song from its samples alone.
//!
//! Pure functions and streams from mono audio at 22 050 Hz to numbers: where the beats are
//! ([`onset`], [`tempo`], [`beats`], with harmony and metre) and what each of them sounds like
//! ([`beat_features`], on top of [`stft`], [`mel`], [`mfcc`], [`chroma`] and [`tuning`]). Names and
//! definitions follow librosa; [`librosa`] reproduces its numbers. Other beat trackers report in one
//! shape ([`tracker`], [`beat_this`]) and are compared by the usual measures ([`beat_score`]).
//! Nothing here knows of files.

pub mod attacks;
pub mod bars;
pub mod beat_features;
pub mod beat_score;
pub mod beat_this;
pub mod beats;
pub mod character;
pub mod chroma;
pub mod clicks;
pub mod edges;
pub mod form;
mod harmony;
pub mod key;
pub mod librosa;
pub mod mel;
mod metre;
pub mod mfcc;
pub mod onset;
pub mod outline;
pub mod pitch;
mod real_fft;
pub mod rhythm;
pub mod soundprint;
pub mod stft;
pub mod tempo;
mod timbre;
pub mod track;
pub mod tracker;
pub mod tuning;

pub use attacks::AttackFinder;
pub use bars::{SpanSound, span_sounds};
pub use beat_features::{
    BeatFeatureExtractor, BeatFeatures, FEATURE_NAMES, FeatureGroup, N_FEATURES, feature_group,
};
pub use beats::{BeatGrid, Curves, combine, pulses, track_beats};
pub use clicks::ClickFinder;
pub use edges::Edges;
pub use form::{Form, Phrase, find_form};
pub use key::{Key, KeyEstimate, find_key};
pub use librosa::{LIBROSA_NAMES, LIBROSA_VALUES, librosa_beat_vector, librosa_clip_tuning};
pub use onset::{OnsetAnalyzer, OnsetEnvelope};
pub use outline::Outline;
pub use pitch::PitchAnalyzer;
pub use rhythm::{Rhythm, TempoPoint};
pub use soundprint::{SoundPrint, same_sounds};
pub use track::{ANALYSIS_VERSION, Loudness, TrackAnalysis, TrackAnalyzer, honest};
pub use tuning::{Tuning, TuningEstimator};
