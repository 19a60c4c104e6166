//! `segment`: songs or stems become beats, one WAV file each.

mod blocks;
mod cut;
mod ears;
mod hearing;
mod listen;
mod write;

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::analyses::{Analyses, analysis_key};
use super::beat_source::{BeatSource, SongSource};
use super::context::{Batch, Context, Outcome, run_batch};
use super::damage::set_aside;
use super::song_features::{BeatMeter, path_beside};
use super::songs::SongInput;
use crate::audio::loudness;
use crate::audio::wav::SampleFormat;
use crate::base::{Error, ErrorKind, Frames, Result, SampleRate};
use crate::corpus::{Layer, Piece, PieceKind, SONG_SCHEMA, SongBeats};
use crate::store::{Fingerprint, exists, means_absent, write_json};
pub(super) use blocks::{Blocks, Taken};
pub(super) use ears::Ears;
use listen::Listened;
pub(super) use listen::listen;

/// Raised whenever the same song would be cut differently at the same beats.
const VERSION: &str = "segment-3";
/// Fewer beats are not worth keeping.
const MIN_BEATS: usize = 4;

/// Choices of the segment stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SegmentOptions {
    /// Rate of the clips; as the input where not given.
    pub rate: Option<SampleRate>,
    /// Sample format of the clips.
    pub format: SampleFormat,
}

impl SegmentOptions {
    fn fingerprint(&self, song: &SongInput, beats: &SongSource) -> Fingerprint {
        let rate = self.rate.map_or_else(String::new, |r| r.hz().to_string());
        let format = format!("{:?}", self.format);
        let heard = analysis_key(song.hash, beats).0;
        Fingerprint::of([VERSION, &song.name, &heard, &rate, &format])
    }
}

/// Cuts all songs into beats below `beats_dir`, which `beats` finds. Songs cut before with the same
/// settings are used as they are; those analysed before are not heard again.
///
/// # Errors
/// Fatal errors only; songs that cannot be used are in the batch's `skipped`.
pub fn segment(
    context: &Context<'_>,
    songs: &[SongInput],
    beats_dir: &Path,
    options: &SegmentOptions,
    beats: &BeatSource,
) -> Result<Batch<SongBeats>> {
    keep_freed_memory();
    let analyses = Analyses::new(context);
    let batch = run_batch(context, "segment", songs, |song| {
        let beats = beats.of_song(context, &song.name)?;
        let fingerprint = options.fingerprint(song, &beats);
        if let Some(done) = finished(context, beats_dir, song, &fingerprint) {
            return Ok(Outcome::Reused(done));
        }
        let made = one_song(context, song, beats_dir, options, &beats, &analyses)
            .map_err(|e| set_aside(context, e, || song.is_in_force(context)))?;
        let note = summary(&made);
        Ok(Outcome::Made(made, note))
    })?;
    analyses.finish();
    Ok(batch)
}

/// Every song takes as much memory as the one before it, but glibc gives freed memory back to the
/// system, and to be given it again page by page costs a twentieth of the time. Once so large a
/// block was freed it keeps twice as much (`M_TRIM_THRESHOLD` in mallopt(3)). The block itself is
/// never touched, so it takes no memory; other allocators are not impressed.
fn keep_freed_memory() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(31 << 20)));
}

/// The record of a song cut before, if it still holds.
fn finished(
    context: &Context<'_>,
    beats_dir: &Path,
    song: &SongInput,
    fingerprint: &Fingerprint,
) -> Option<SongBeats> {
    let record = SongBeats::read(context.fs, beats_dir, &song.name, context.limits).ok()?;
    if record.fingerprint != *fingerprint {
        return None;
    }
    let width = record.channels * record.format.bytes();
    let whole = record.layers.iter().all(|layer| {
        record.pieces.iter().enumerate().all(|(i, piece)| {
            let path = beats_dir.join(layer.clip_path(&record.song, i));
            // Cheap here; the content is checked by its hash whenever a clip is read.
            context.fs.metadata(&path).is_ok_and(|m| m.bytes >= piece.frames.0 * width as u64)
        })
    });
    whole.then_some(record)
}

fn one_song(
    context: &Context<'_>,
    song: &SongInput,
    beats_dir: &Path,
    options: &SegmentOptions,
    beats: &SongSource,
    analyses: &Analyses<'_>,
) -> Result<SongBeats> {
    let mut blocks = Blocks::open(context, song, options.rate)?;
    let heard = listen(context, song, &mut blocks, beats, analyses)?;
    let rate = blocks.rate();
    let mut pieces = cut::cut(&heard.grid, &heard.quiet, heard.frames, rate);
    let count = pieces.iter().filter(|p| p.kind == PieceKind::Beat).count();
    if count < MIN_BEATS {
        return Err(Error::new(ErrorKind::Unusable, "too few beats")
            .because(format!("{count} found, at least {MIN_BEATS} are needed")));
    }
    remove_old(context, beats_dir, &song.name)?;
    let meter =
        write_clips(context, song, beats_dir, options.format, &mut blocks, &heard, &mut pieces)?;
    let piece_loudness = pieces.iter().map(|p| {
        let (from, to) = (p.start.seconds(rate), Frames(p.start.0 + p.frames.0).seconds(rate));
        loudness::loudness_of(listen::mean_energy(&heard.energies, from, to)).0 as f32
    });
    let record = SongBeats {
        schema: SONG_SCHEMA,
        song: song.name.clone(),
        source: song.source.clone(),
        fingerprint: options.fingerprint(song, beats),
        tracker: beats.label(),
        tags: blocks.tags().clone(),
        rate,
        channels: blocks.channels(),
        frames: Frames(heard.frames),
        format: options.format,
        tempo: heard.grid.tempo,
        beats_per_bar: heard.grid.beats_per_bar,
        confidence: heard.grid.confidence,
        tuning: heard.tuning,
        loudness: loudness::integrated(&heard.energies),
        piece_loudness: piece_loudness.collect(),
        layers: blocks.layers(),
        pieces,
        note: heard.note,
    };
    if let Some(meter) = meter {
        meter.finish(&record)?.write(context, &path_beside(beats_dir, &song.name))?;
    }
    write_json(context.fs, &SongBeats::path(beats_dir, &song.name), &record)?;
    Ok(record)
}

/// Second pass over a song: writes a clip of each piece, and measures how the pieces sound where
/// the clips are the sound itself. Of clips of whole numbers only reading them tells that.
fn write_clips(
    context: &Context<'_>,
    song: &SongInput,
    beats_dir: &Path,
    format: SampleFormat,
    blocks: &mut Blocks<'_>,
    heard: &Listened,
    pieces: &mut [Piece],
) -> Result<Option<BeatMeter>> {
    let (rate, layers) = (blocks.rate(), blocks.layers());
    let length = (heard.frames, rate);
    let meter = || BeatMeter::new(pieces, length, heard.tuning, &layers, heard.mono.as_deref());
    let mut meter = (format == SampleFormat::Float32).then(meter).transpose()?;
    let mut writer = write::ClipWriter::new(
        context.fs,
        beats_dir,
        &song.name,
        layers,
        rate,
        blocks.channels(),
        format,
        pieces,
    )?;
    blocks.again(|block, done| {
        context.cancel.check()?;
        let fraction = 0.7 + 0.3 * done;
        context.progress.report(crate::base::Event::ItemProgress { item: &song.name, fraction });
        if let Some(meter) = &mut meter {
            meter.push(block)?;
        }
        writer.push(block)
    })?;
    writer.finish()?;
    Ok(meter)
}

/// Takes away what an earlier run with other settings made of this song, record first: from then
/// on nothing refers to the old clips.
fn remove_old(context: &Context<'_>, beats_dir: &Path, name: &str) -> Result<()> {
    let record = SongBeats::path(beats_dir, name);
    let remove = |path: &Path| match context.fs.remove_file(path) {
        Err(e) if !means_absent(&e) => Err(Error::io("cannot remove", path, e)),
        _ => Ok(()),
    };
    let old = SongBeats::read(context.fs, beats_dir, name, context.limits);
    remove(&record)?;
    remove(&path_beside(beats_dir, name))?;
    for layer in [Layer::Mix, Layer::Drums, Layer::Other] {
        let clip = |piece| beats_dir.join(layer.clip_path(name, piece));
        // A run that was killed between clips and record left clips that nothing tells of.
        let mut count = old.as_ref().map_or(0, |o| o.pieces.len());
        while exists(context.fs, &clip(count))? {
            count += 1;
        }
        // The last first: if this is stopped, those left are found by counting up again.
        for piece in (0..count).rev() {
            remove(&clip(piece))?;
        }
    }
    Ok(())
}

fn summary(song: &SongBeats) -> String {
    let mut text = format!(
        "{} beats, {:.1} BPM, {}/4, {:.1} LUFS",
        song.beats(),
        song.tempo.0,
        song.beats_per_bar,
        song.loudness.0
    );
    if !song.note.is_empty() {
        text = format!("{text} ({})", song.note);
    }
    text
}
