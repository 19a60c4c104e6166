//! Plans by the law of the original, from what we hear in songs.
//!
//! The original read segments and loudness from Echo Nest. Here every beat is one segment, told by
//! its level and the shape of its spectrum, and loudness is BS.1770.

use crate::analysis::TrackAnalysis;
use crate::base::{Bpm, Decibels, Result, Seconds};
use crate::mix::capsule::{Policy, Request, Segment, TIMBRE, Track, gain_from_loudness, plan};
use crate::mix::{Action, Gain, PlanTrack, Planned, Span, Why, end_at};

/// Length of Forever.fm's transitions and of capsule's, in seconds.
const FOREVER_TRANSITION: Seconds = Seconds(30.0);
const CAPSULE_TRANSITION: Seconds = Seconds(8.0);
/// Least gain told, in dB: the law may ask for silence.
const SILENT: f64 = -120.0;

/// A plan's tracks and actions.
pub type Planning = (Vec<PlanTrack>, Vec<Planned>);

/// What the law of the original makes of some songs.
pub struct Found {
    /// Tracks and actions.
    pub planning: Planning,
    /// Places of songs that are too short for it and were left out.
    pub rejected: Vec<usize>,
    /// The length of what would stay as it is if more songs followed, in seconds.
    pub settled: f64,
}

/// Plans `visits` by the mixer of Forever.fm, or with a longest stay by that of capsule.
///
/// # Errors
/// `Unusable` where all are too short.
pub fn plan_original(
    visits: &[(&TrackAnalysis, &PlanTrack)],
    max_stay: Option<f64>,
    limit: Option<Seconds>,
) -> Result<Found> {
    let policy = match max_stay {
        Some(stay) => Policy::Capsule { stay: Seconds(stay), transition: CAPSULE_TRANSITION },
        None => Policy::Forever { transition: FOREVER_TRANSITION },
    };
    let tracks: Vec<Track> = visits.iter().map(|(analysis, _)| track(analysis)).collect();
    let found = plan(&tracks, Request { policy, order: false, equalize: true })?;
    let explain = |action: Action| explained(action, visits);
    let mut actions: Vec<Planned> = found.actions.into_iter().map(explain).collect();
    let last = actions.iter().map(|p| p.action.tracks().1).max().unwrap_or(0);
    let before = |p: &&Planned| p.action.tracks().0 < last;
    let settled = actions.iter().filter(before).map(|p| p.action.duration().0).sum();
    if let Some(limit) = limit.filter(|l| length(&actions) > l.0) {
        end_at(&mut actions, limit.0, |track| visits[track].1.duration.0);
    }
    let used = actions.iter().map(|p| p.action.tracks().1 + 1).max().unwrap_or(0);
    let tracks = visits[..used]
        .iter()
        .map(|&(analysis, known)| PlanTrack { gain: Gain(linear_gain(analysis)), ..known.clone() });
    Ok(Found { planning: (tracks.collect(), actions), rejected: found.rejected, settled })
}

fn length(actions: &[Planned]) -> f64 {
    actions.iter().map(|p| p.action.duration().0).sum()
}

fn linear_gain(analysis: &TrackAnalysis) -> Decibels {
    let gain = gain_from_loudness(Decibels(analysis.loudness.integrated.0)).clamp(0.0, 4.0);
    Decibels((20.0 * gain.log10()).max(SILENT))
}

fn explained(action: Action, visits: &[(&TrackAnalysis, &PlanTrack)]) -> Planned {
    let (from, to) = action.tracks();
    let reason = match &action {
        Action::Crossmatch { beats, .. } => format!("{} beats matched", beats.len()),
        _ => "the beats could not be aligned".to_string(),
    };
    let key = |track: usize| visits[track].0.key.as_ref().map(|k| k.key);
    let key_steps = key(from).zip(key(to)).map(|(a, b)| a.steps_to(&b));
    let why = (from != to).then(|| Why { reason, key_steps, ..Why::default() });
    Planned { action, why }
}

fn track(analysis: &TrackAnalysis) -> Track {
    let beats = spans(analysis);
    let segments = beats.iter().zip(&analysis.beat_sounds).map(|(&span, sound)| {
        let mut timbre = [0.0; TIMBRE];
        timbre[0] = sound.loudness_db + 60.0;
        timbre[1..].copy_from_slice(&sound.timbre[1..TIMBRE]);
        Segment { span, timbre }
    });
    let edges = &analysis.edges;
    Track {
        duration: analysis.duration,
        loudness: Decibels(analysis.loudness.integrated.0),
        tempo: analysis.rhythm.as_ref().map_or(Bpm(120.0), |r| r.tempo),
        end_of_fade_in: edges.fade_in_end.unwrap_or(edges.start),
        start_of_fade_out: edges.fade_out_start.unwrap_or(analysis.duration),
        segments: segments.collect(),
        beats,
    }
}

fn spans(analysis: &TrackAnalysis) -> Vec<Span> {
    let beats = analysis.rhythm.as_ref().map_or(&[][..], |r| &r.beats);
    let span = |w: &[Seconds]| Span { start: w[0], duration: Seconds(w[1].0 - w[0].0) };
    beats.windows(2).map(span).collect()
}
