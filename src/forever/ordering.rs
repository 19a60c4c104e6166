//! Which song comes after which.

use serde::{Deserialize, Serialize};

use crate::analysis::{SpanSound, TrackAnalysis};
use crate::base::{Bpm, Cancel, Lufs, Result, Seed};
use crate::order::{
    CullRules, DropReason, JoinSound, OrderOptions, Shape, SongFacts, Weights, arrange, cull,
};
use crate::pipeline::SongAnalysis;

/// How songs are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ordering {
    /// As they were given.
    Given,
    /// On the tour where each suits the one before.
    #[default]
    Tour,
}

/// Beats at either end of a song that its opening and its ending are judged by.
const JOIN_BEATS: usize = 64;
/// A key less sure than this is not acted on.
const SURE: f64 = 0.1;
/// Values of a timbre.
const TIMBRE: usize = 12;

/// The order of songs, and those left out with the reason.
pub struct Order {
    /// Songs in the order they are played.
    pub order: Vec<usize>,
    /// Songs left out.
    pub dropped: Vec<(usize, DropReason)>,
}

/// Orders songs on a tour: closed where it is played round and round.
///
/// # Errors
/// As [`arrange`].
pub fn tour(
    songs: &[&SongAnalysis],
    rules: &CullRules,
    closed: bool,
    window: usize,
    seed: Seed,
    cancel: &Cancel,
) -> Result<Order> {
    let scale = Scale::over(songs.iter().map(|s| &s.track));
    let facts: Vec<SongFacts> = songs.iter().copied().map(|song| facts(song, &scale)).collect();
    let culled = cull(&facts, rules);
    let kept: Vec<SongFacts> = culled.kept.iter().map(|&i| facts[i].clone()).collect();
    let shape = if closed { Shape::Closed } else { Shape::Open { first: None } };
    let options = OrderOptions { weights: Weights::default(), shape, window, seed, effort: None };
    let found = arrange(&kept, &options, cancel)?;
    let order = found.order.into_iter().map(|i| culled.kept[i]).collect();
    Ok(Order { order, dropped: culled.dropped })
}

fn facts(song: &SongAnalysis, scale: &Scale) -> SongFacts {
    let (track, tags) = (&song.track, &song.tags);
    let said = |text: &String| (!text.is_empty()).then(|| text.clone());
    let beats = &track.beat_sounds;
    let join = |part: std::ops::Range<usize>| {
        let timbre = (!part.is_empty()).then(|| scale.of(&mean_timbre(&beats[part.clone()])));
        JoinSound { timbre, key: None, tempo: tempo(track, part) }
    };
    SongFacts {
        title: said(&tags.title),
        artist: said(&tags.artist),
        genre: said(&tags.genre),
        duration: Some(track.duration),
        tempo: track.rhythm.as_ref().map(|r| r.tempo),
        metre: track.rhythm.as_ref().map(|r| r.beats_per_bar),
        energy: Some(f64::from(track.energy)),
        danceability: Some(f64::from(track.danceability)),
        loudness: audible(track.loudness.integrated),
        key: track.key.filter(|k| k.confidence >= SURE).map(|k| k.key),
        opening: Some(join(0..JOIN_BEATS.min(beats.len()))),
        ending: Some(join(beats.len().saturating_sub(JOIN_BEATS)..beats.len())),
        ..SongFacts::default()
    }
}

/// Mean tempo of some beats.
fn tempo(track: &TrackAnalysis, part: std::ops::Range<usize>) -> Option<Bpm> {
    let beats = track.rhythm.as_ref()?.beats.get(part)?;
    let [first, .., last] = beats else { return None };
    Some(Bpm(60.0 * (beats.len() - 1) as f64 / (last.0 - first.0)))
}

fn audible(loudness: Lufs) -> Option<Lufs> {
    (loudness.0 > -70.0).then_some(loudness)
}

fn mean_timbre(part: &[SpanSound]) -> [f32; TIMBRE] {
    std::array::from_fn(|k| {
        part.iter().map(|s| s.timbre[k + 1]).sum::<f32>() / part.len().max(1) as f32
    })
}

/// Mean and spread of every timbre value over a library.
struct Scale {
    mean: [f32; TIMBRE],
    spread: [f32; TIMBRE],
}

impl Scale {
    fn over<'a>(songs: impl Iterator<Item = &'a TrackAnalysis>) -> Scale {
        let all: Vec<[f32; TIMBRE]> = songs
            .filter(|track| !track.beat_sounds.is_empty())
            .map(|track| mean_timbre(&track.beat_sounds))
            .collect();
        let n = all.len().max(1) as f32;
        let mean: [f32; TIMBRE] =
            std::array::from_fn(|k| all.iter().map(|t| t[k]).sum::<f32>() / n);
        let spread = std::array::from_fn(|k| {
            let sum: f32 = all.iter().map(|t| (t[k] - mean[k]).powi(2)).sum();
            (sum / n).sqrt().max(1e-3)
        });
        Scale { mean, spread }
    }

    fn of(&self, timbre: &[f32; TIMBRE]) -> [f32; TIMBRE] {
        std::array::from_fn(|k| (timbre[k] - self.mean[k]) / self.spread[k])
    }
}
