//! `analyze`: what there is to know about whole songs, kept in the cache.

use serde::{Deserialize, Serialize};

use super::analyses::{Analyses, analysis_key};
use super::beat_source::{BeatSource, SongSource};
use super::context::{Batch, Context, Outcome, run_batch};
use super::segment::{Blocks, Ears, Taken};
use super::songs::SongInput;
use crate::analysis::TrackAnalysis;
use crate::audio::Tags;
use crate::base::{Error, ErrorKind, Result};
use crate::store::Fingerprint;

/// One song and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SongAnalysis {
    /// The file as typed. Not kept: the same content may lie elsewhere next time.
    #[serde(skip)]
    pub path: String,
    /// Unique safe name in this run.
    #[serde(skip)]
    pub name: String,
    /// Title, artist and the like.
    pub tags: Tags,
    /// Anything worth knowing about the file.
    pub note: String,
    /// What found the beats.
    pub tracker: String,
    /// What was heard.
    pub track: TrackAnalysis,
}

impl SongAnalysis {
    /// What was heard of a song that was read to its end.
    pub(super) fn new(
        song: &SongInput,
        blocks: &Blocks<'_>,
        source: &SongSource,
        track: TrackAnalysis,
    ) -> Self {
        SongAnalysis {
            path: song.source.clone(),
            name: song.name.clone(),
            tags: blocks.tags().clone(),
            note: blocks.note(),
            tracker: source.label(),
            track,
        }
    }
}

/// Analyses all songs, with their beats from `beats`; those in the cache are not heard again.
///
/// # Errors
/// Fatal errors only. A cache that cannot be written is told and does no harm.
pub fn analyze(
    context: &Context<'_>,
    songs: &[SongInput],
    beats: &BeatSource,
) -> Result<Batch<SongAnalysis>> {
    analyze_each(context, songs, beats, |_, _, found| Ok(found))
}

/// As [`analyze`], but of each analysis only what `keep` makes of it is held: those of a large
/// library do not fit memory. It is given the name the analysis has in the cache.
///
/// # Errors
/// As [`analyze`], and what `keep` fails with.
pub fn analyze_each<T: Send>(
    context: &Context<'_>,
    songs: &[SongInput],
    beats: &BeatSource,
    keep: impl Fn(&SongInput, &Fingerprint, SongAnalysis) -> Result<T> + Sync,
) -> Result<Batch<T>> {
    let analyses = Analyses::new(context);
    let batch = run_batch(context, "analyze", songs, |song| {
        let source = beats.of_song(context, &song.name)?;
        let key = analysis_key(song.hash, &source);
        if let Some(found) = analyses.find(song, &key) {
            return Ok(Outcome::Reused(keep(song, &key, found)?));
        }
        let found = one_song(context, song, &source)?;
        analyses.keep(&key, &found);
        let note = summary(&found);
        Ok(Outcome::Made(keep(song, &key, found)?, note))
    })?;
    analyses.finish();
    Ok(batch)
}

/// The name that the analysis of a song has in the cache. It changes with the content, with what
/// finds the beats and with our ears.
///
/// # Errors
/// As [`BeatSource::of_song`].
pub fn analysis_name(
    context: &Context<'_>,
    name: &str,
    hash: blake3::Hash,
    beats: &BeatSource,
) -> Result<Fingerprint> {
    Ok(analysis_key(hash, &beats.of_song(context, name)?))
}

/// The analysis of a song, if the cache has it.
pub fn find_analysis(
    context: &Context<'_>,
    song: &SongInput,
    beats: &BeatSource,
) -> Option<SongAnalysis> {
    let source = beats.of_song(context, &song.name).ok()?;
    Analyses::new(context).find(song, &analysis_key(song.hash, &source))
}

fn one_song(context: &Context<'_>, song: &SongInput, source: &SongSource) -> Result<SongAnalysis> {
    let mut blocks = Blocks::once(context, song)?;
    let mut ears = Ears::new(&blocks, source)?;
    let (mut layers, mut frames) = (Vec::new(), 0u64);
    while blocks.next(&mut layers)? == Taken::Block {
        context.cancel.check()?;
        ears.push(&layers)?;
        frames += layers[0].frames() as u64;
        blocks.report(context, &song.name, frames, 0.0, 1.0);
    }
    if frames == 0 {
        return Err(Error::new(ErrorKind::Unusable, "no sound in it"));
    }
    let (track, ..) = ears.finish(context)?;
    Ok(SongAnalysis::new(song, &blocks, source, track))
}

fn summary(song: &SongAnalysis) -> String {
    let tempo = match &song.track.rhythm {
        Some(rhythm) => format!("{:.1} BPM", rhythm.tempo.0),
        None => "no steady beat".to_string(),
    };
    let note = if song.note.is_empty() { String::new() } else { format!(" ({})", song.note) };
    format!("{tempo}, {:.1} LUFS{note}", song.track.loudness.integrated.0)
}
