//! What was measured on a rendered mix.

use serde::Serialize;

/// The score of a whole mix.
#[derive(Clone, Debug, Serialize)]
pub struct Score {
    /// Transitions in the order they are heard.
    pub transitions: Vec<TransitionScore>,
    /// Beat-alignment errors of all transitions together: median in ms.
    pub alignment_median_ms: Option<f64>,
    /// The same, 95th percentile.
    pub alignment_p95_ms: Option<f64>,
    /// Loudness steps at transitions: median in LU.
    pub loudness_step_median: Option<f64>,
    /// The same, the largest.
    pub loudness_step_worst: Option<f64>,
    /// True peak of the mix in dBTP.
    pub true_peak: f64,
    /// Integrated loudness in LUFS.
    pub loudness: f64,
    /// Clicks in the whole mix that are not in its songs, in seconds.
    pub clicks: Vec<f64>,
}

/// The score of one transition.
#[derive(Clone, Debug, Serialize)]
pub struct TransitionScore {
    /// When it begins.
    pub start: f64,
    /// How long it is.
    pub duration: f64,
    /// The track that leaves.
    pub from: String,
    /// The track that comes.
    pub to: String,
    /// `Crossmatch`, `Crossfade` and the like.
    pub method: &'static str,
    /// Differences between attacks of both songs that belong together, in ms; only where beats
    /// are matched.
    pub errors_ms: Vec<f64>,
    /// Median of their sizes.
    pub alignment_median_ms: Option<f64>,
    /// 95th percentile of their sizes.
    pub alignment_p95_ms: Option<f64>,
    /// Largest deviation of a beat of the mix from the beats around it, in per cent of a beat.
    pub pulse_deviation: Option<f64>,
    /// Largest change of tempo between neighbouring bars, in per cent.
    pub tempo_step: Option<f64>,
    /// Loudness after minus before, in LU.
    pub loudness_step: f64,
    /// Steps between the keys on the Camelot wheel.
    pub key_steps: Option<u32>,
}
