//! A song in a few numbers: enough to order ten thousand without opening one analysis.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use crate::analysis::{Key, SoundPrint, SpanSound, TrackAnalysis};
use crate::audio::Tags;
use crate::base::{Bpm, Lufs, Seconds};
use crate::order::{JoinSound, SongFacts};

/// Beats at either end of a song that its opening and its ending are judged by.
const JOIN_BEATS: usize = 64;
/// A key less sure than this is not acted on.
const SURE: f64 = 0.1;
/// Below this loudness there is nothing to hear.
const SILENCE: f64 = -70.0;
/// Values of a timbre.
pub const TIMBRE: usize = 12;

/// What a sound is like, as a mean over beats.
pub type Timbre = [f32; TIMBRE];

/// The content of a song file, as a hash: a song that is renamed stays itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SongId(pub [u8; 32]);

/// How often a song was played, and when, told by a counter of plays and not by a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plays {
    /// Times it was played.
    pub count: u64,
    /// The number of its last play among all plays, from 1 on.
    pub last: Option<u64>,
}

/// A song that may be played.
#[derive(Clone, Debug, PartialEq)]
pub struct Song {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub id: SongId,
    /// What it says about itself.
    pub tags: Tags,
    /// What was heard.
    pub summary: Summary,
    /// When it was played.
    pub plays: Plays,
}

/// An analysis in short. What is unknown is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Length.
    pub duration: Option<Seconds>,
    /// Tempo of the whole song.
    pub tempo: Option<Bpm>,
    /// Beats in a bar.
    pub metre: Option<u8>,
    /// Its key, and how sure that is, 0..=1.
    pub key: Option<(Key, f64)>,
    /// How loud, dense and lively it is, 0..=1.
    pub energy: Option<f64>,
    /// How well one can dance to it, 0..=1.
    pub danceability: Option<f64>,
    /// Integrated loudness, where there is anything to hear.
    pub loudness: Option<Lufs>,
    /// Mean timbre of all its beats.
    pub timbre: Option<Timbre>,
    /// How it begins.
    pub opening: Part,
    /// How it ends.
    pub ending: Part,
    /// What tells its recording from others; empty where that is unknown.
    pub print: Arc<SoundPrint>,
}

/// What an end of a song is like.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Part {
    /// Mean tempo of its beats.
    pub tempo: Option<Bpm>,
    /// Mean timbre of its beats.
    pub timbre: Option<Timbre>,
}

impl Summary {
    /// The summary of an analysis.
    pub fn of(track: &TrackAnalysis) -> Summary {
        let beats = track.beat_sounds.len();
        let loudness = track.loudness.integrated;
        Summary {
            duration: Some(track.duration),
            tempo: track.rhythm.as_ref().map(|r| r.tempo),
            metre: track.rhythm.as_ref().map(|r| r.beats_per_bar),
            key: track.key.map(|k| (k.key, k.confidence)),
            energy: Some(f64::from(track.energy)),
            danceability: Some(f64::from(track.danceability)),
            loudness: (loudness.0 > SILENCE).then_some(loudness),
            timbre: mean_timbre(&track.beat_sounds),
            opening: part(track, 0..JOIN_BEATS.min(beats)),
            ending: part(track, beats.saturating_sub(JOIN_BEATS)..beats),
            print: Arc::new(track.print.clone()),
        }
    }
}

fn part(track: &TrackAnalysis, beats: Range<usize>) -> Part {
    Part { tempo: tempo(track, beats.clone()), timbre: mean_timbre(&track.beat_sounds[beats]) }
}

/// Mean tempo of some beats.
fn tempo(track: &TrackAnalysis, part: Range<usize>) -> Option<Bpm> {
    let beats = track.rhythm.as_ref()?.beats.get(part)?;
    let [first, .., last] = beats else { return None };
    Some(Bpm(60.0 * (beats.len() - 1) as f64 / (last.0 - first.0)))
}

fn mean_timbre(part: &[SpanSound]) -> Option<Timbre> {
    let mean = |k| part.iter().map(|s| s.timbre[k + 1]).sum::<f32>() / part.len() as f32;
    (!part.is_empty()).then(|| std::array::from_fn(mean))
}

/// What the order needs to know of each song: timbres are told in spreads over all of them.
pub fn facts<'a>(songs: impl Iterator<Item = &'a Song> + Clone) -> Vec<SongFacts> {
    let scale = Scale::over(songs.clone().filter_map(|song| song.summary.timbre));
    songs.map(|song| scale.facts(song)).collect()
}

/// Mean and spread of every timbre value over a library.
struct Scale {
    mean: Timbre,
    spread: Timbre,
}

impl Scale {
    fn over(timbres: impl Iterator<Item = Timbre>) -> Scale {
        let all: Vec<Timbre> = timbres.collect();
        let n = all.len().max(1) as f32;
        let mean: Timbre = std::array::from_fn(|k| all.iter().map(|t| t[k]).sum::<f32>() / n);
        let spread = std::array::from_fn(|k| {
            let sum: f32 = all.iter().map(|t| (t[k] - mean[k]).powi(2)).sum();
            (sum / n).sqrt().max(1e-3)
        });
        Scale { mean, spread }
    }

    fn of(&self, timbre: &Timbre) -> Timbre {
        std::array::from_fn(|k| (timbre[k] - self.mean[k]) / self.spread[k])
    }

    fn facts(&self, song: &Song) -> SongFacts {
        let (tags, summary) = (&song.tags, &song.summary);
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        let join = |part: &Part| {
            let timbre = part.timbre.map(|timbre| self.of(&timbre));
            Some(JoinSound { timbre, key: None, tempo: part.tempo })
        };
        SongFacts {
            title: said(&tags.title),
            artist: said(&tags.artist),
            genre: said(&tags.genre),
            duration: summary.duration,
            tempo: summary.tempo,
            metre: summary.metre,
            energy: summary.energy,
            danceability: summary.danceability,
            loudness: summary.loudness,
            key: summary.key.filter(|(_, sure)| *sure >= SURE).map(|(key, _)| key),
            opening: join(&summary.opening),
            ending: join(&summary.ending),
            print: Arc::clone(&summary.print),
            ..SongFacts::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn song(timbre: f32, sure: f64) -> Song {
        let part = Part { tempo: Some(Bpm(120.0)), timbre: Some([timbre; TIMBRE]) };
        let key = Key { tonic: 4, minor: true };
        let summary = Summary {
            key: Some((key, sure)),
            timbre: Some([timbre; TIMBRE]),
            opening: part,
            ending: Part::default(),
            ..Summary::default()
        };
        let tags = Tags { artist: "x".into(), ..Tags::default() };
        Song { path: "a".into(), id: SongId([0; 32]), tags, summary, plays: Plays::default() }
    }

    #[test]
    fn timbres_are_told_in_spreads_over_all_songs() {
        let songs = [song(1.0, 1.0), song(3.0, 1.0)];
        let facts = facts(songs.iter());
        let opening = |i: usize| facts[i].opening.and_then(|part| part.timbre);
        assert_eq!(opening(0), Some([-1.0; TIMBRE]));
        assert_eq!(opening(1), Some([1.0; TIMBRE]));
        assert_eq!(facts[0].ending, Some(JoinSound::default()), "nothing is known of it");
    }

    #[test]
    fn what_is_unsure_or_not_said_is_unknown() {
        let facts = facts([song(0.0, 0.05), song(0.0, 0.5)].iter());
        assert_eq!((facts[0].key, facts[1].key), (None, Some(Key { tonic: 4, minor: true })));
        assert_eq!((facts[0].artist.as_deref(), &facts[0].title), (Some("x"), &None));
    }
}
