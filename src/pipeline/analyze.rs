//! `analyze`: what there is to know about whole songs, kept in the cache.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::beat_source::{BeatSource, SongSource};
use super::context::{Batch, Context, Outcome, run_batch};
use super::segment::{Blocks, Hearing, Taken, check_beats, mixed};
use super::songs::SongInput;
use crate::analysis::{ANALYSIS_VERSION, TrackAnalysis, TrackAnalyzer};
use crate::audio::{AudioBuffer, Tags};
use crate::base::{Error, ErrorKind, Event, Result};
use crate::store::Fingerprint;

/// The folder of analyses in the cache.
const KIND: &str = "analysis";

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
    let told = AtomicBool::new(false);
    let tell = |error: &Error| {
        if !told.swap(true, Ordering::SeqCst) {
            let text = format!("the analysis cache cannot be written: {}", error.reason());
            context.progress.report(Event::Note { text: &text });
        }
    };
    let batch = run_batch(context, "analyze", songs, |song| {
        let source = beats.of_song(context, &song.name)?;
        let key = fingerprint(song.hash, &source);
        if let Some(found) = cached(context, song, &key) {
            return Ok(Outcome::Reused(keep(song, &key, found)?));
        }
        let found = one_song(context, song, &source)?;
        if let Some(cache) = context.cache
            && let Err(error) = cache.put(context.fs, KIND, &key, &found)
        {
            tell(&error);
        }
        let note = summary(&found);
        Ok(Outcome::Made(keep(song, &key, found)?, note))
    })?;
    if let Some(cache) = context.cache.filter(|_| batch.made > 0)
        && let Err(error) = cache.trim(context.fs, context.limits)
    {
        tell(&error);
    }
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
    Ok(fingerprint(hash, &beats.of_song(context, name)?))
}

/// The analysis of a song, if the cache has it.
pub fn find_analysis(
    context: &Context<'_>,
    song: &SongInput,
    beats: &BeatSource,
) -> Option<SongAnalysis> {
    let source = beats.of_song(context, &song.name).ok()?;
    cached(context, song, &fingerprint(song.hash, &source))
}

fn fingerprint(hash: blake3::Hash, source: &SongSource) -> Fingerprint {
    let version = ANALYSIS_VERSION.to_string();
    Fingerprint::of([KIND, &version, hash.to_hex().as_str(), &source.identity()])
}

fn cached(context: &Context<'_>, song: &SongInput, key: &Fingerprint) -> Option<SongAnalysis> {
    let found: SongAnalysis = context.cache?.get(context.fs, KIND, key, context.limits)?;
    Some(SongAnalysis { path: song.source.clone(), name: song.name.clone(), ..found })
}

fn one_song(context: &Context<'_>, song: &SongInput, source: &SongSource) -> Result<SongAnalysis> {
    let mut blocks = Blocks::once(context, song)?;
    let mut analyzer = TrackAnalyzer::new(blocks.rate(), blocks.channels())?;
    let mut hearing = Hearing::new(source, blocks.rate())?;
    let (mut layers, mut mix) = (Vec::new(), AudioBuffer::new(blocks.channels()));
    let mut frames = 0u64;
    while blocks.next(&mut layers)? == Taken::Block {
        context.cancel.check()?;
        let block = mixed(&layers, &mut mix);
        hearing.push(block, analyzer.push(block)?)?;
        frames += layers[0].frames() as u64;
        blocks.report(context, &song.name, frames, 0.0, 1.0);
    }
    if frames == 0 {
        return Err(Error::new(ErrorKind::Unusable, "no sound in it"));
    }
    let track =
        analyzer.finish_with(|heard| hearing.grid(heard.tail, heard.onsets, heard.length))?;
    check_beats(track.rhythm.as_ref().map_or(0, |rhythm| rhythm.beats.len()), context)?;
    Ok(SongAnalysis {
        path: song.source.clone(),
        name: song.name.clone(),
        tags: blocks.tags().clone(),
        note: blocks.note(),
        tracker: source.label(),
        track,
    })
}

fn summary(song: &SongAnalysis) -> String {
    let tempo = match &song.track.rhythm {
        Some(rhythm) => format!("{:.1} BPM", rhythm.tempo.0),
        None => "no steady beat".to_string(),
    };
    let note = if song.note.is_empty() { String::new() } else { format!(" ({})", song.note) };
    format!("{tempo}, {:.1} LUFS{note}", song.track.loudness.integrated.0)
}
