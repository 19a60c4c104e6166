//! Analysis: what a program can know about a song from its samples alone.
//!
//! Pure functions and streams from mono audio at 22 050 Hz to numbers: where the beats are
//! ([`onset`], [`tempo`], [`beats`], with harmony and metre) and what each of them sounds like
//! ([`beat_features`], on top of [`stft`], [`mel`], [`mfcc`], [`chroma`] and [`tuning`]). Names and
//! definitions follow librosa; [`librosa`] reproduces its numbers. Nothing here knows of files.

pub mod beat_features;
pub mod beats;
pub mod chroma;
mod harmony;
pub mod key;
pub mod librosa;
pub mod mel;
mod metre;
pub mod mfcc;
pub mod onset;
pub mod stft;
pub mod tempo;
pub mod tuning;

pub use beat_features::{
    BeatFeatureExtractor, BeatFeatures, FEATURE_NAMES, FeatureGroup, N_FEATURES, feature_group,
};
pub use beats::{BeatGrid, Curves, combine, pulse, track_beats};
pub use key::{Key, find_key};
pub use librosa::{LIBROSA_NAMES, LIBROSA_VALUES, librosa_beat_vector, librosa_clip_tuning};
pub use onset::{OnsetAnalyzer, OnsetEnvelope};
pub use tuning::{Tuning, TuningEstimator};
