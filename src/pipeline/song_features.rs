//! What the beats of one song sound like: one row of numbers a beat.
//!
//! `segment` measures while it cuts, for then the sound is at hand, and leaves the rows beside the
//! clips. `create-dataset` reads the clips only where those rows are not of the clips that
//! lie there.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::feed::AnalysisFeed;
use crate::analysis::{
    BeatFeatureExtractor, FEATURE_NAMES, LIBROSA_NAMES, LIBROSA_VALUES, N_FEATURES, Tuning, honest,
    librosa_beat_vector,
};
use crate::audio::AudioBuffer;
use crate::base::{Event, Result, SampleRate};
use crate::corpus::{Layer, Piece, PieceKind, SongBeats, SongReader};
use crate::store::{Fingerprint, read_artifact, write_artifact};

/// Raised whenever the same beats would give other rows.
const VERSION: &str = "dataset-1";
const REDO: &str = "remix create-dataset";
/// Most bytes read back: as many rows as there may be.
const MAX_BYTES: u64 = 8 << 30;
/// Frames read from clips at a time.
const BLOCK: i64 = 1 << 16;

/// Which features describe a beat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureSet {
    /// Chroma and MFCC with deviations, and dynamics, from the song in one go.
    #[default]
    Full,
    /// The 25 means of the original remixer, each clip on its own, its tuning estimated alone:
    /// reproduces librosa's numbers on mono clips of 22 050 Hz.
    Original,
}

impl FeatureSet {
    /// Names of the values, without the layer.
    pub fn names(self) -> Vec<String> {
        match self {
            FeatureSet::Full => FEATURE_NAMES.iter().map(|n| (*n).to_string()).collect(),
            FeatureSet::Original => LIBROSA_NAMES.iter().map(|n| (*n).to_string()).collect(),
        }
    }

    /// Values of one layer of one beat.
    pub fn width(self) -> usize {
        match self {
            FeatureSet::Full => N_FEATURES,
            FeatureSet::Original => LIBROSA_VALUES,
        }
    }
}

/// The rows of one song and what they are made from: for each beat the values of each layer in
/// turn.
#[derive(Debug)]
pub struct SongFeatures {
    head: Head,
    /// The rows, one after another.
    pub rows: Vec<f32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    fingerprint: Fingerprint,
    width: usize,
}

impl Head {
    fn of(beats: &SongBeats, set: FeatureSet) -> Head {
        Head { fingerprint: fingerprint(beats, set), width: set.width() * beats.layers.len() }
    }
}

/// Of a song's clips, the features and the code.
pub fn fingerprint(beats: &SongBeats, set: FeatureSet) -> Fingerprint {
    let set = format!("{set:?}");
    Fingerprint::of([VERSION, &set, &beats.song, &beats.fingerprint.0, &clips_hash(beats)])
}

fn clips_hash(beats: &SongBeats) -> String {
    let mut hasher = blake3::Hasher::new();
    beats.pieces.iter().flat_map(|p| &p.clips).for_each(|c| {
        hasher.update(c.as_bytes());
    });
    hasher.finalize().to_hex().to_string()
}

/// Where `segment` leaves the features of a song's beats.
pub fn path_beside(beats_dir: &Path, song: &str) -> PathBuf {
    beats_dir.join("features").join(format!("{song}.features"))
}

impl SongFeatures {
    /// The features at `path`, where they are those of these beats.
    pub fn find(
        context: &Context<'_>,
        path: &Path,
        beats: &SongBeats,
        set: FeatureSet,
    ) -> Option<SongFeatures> {
        let (head, rows) = read_artifact::<Head>(context.fs, path, MAX_BYTES, REDO).ok()?;
        let whole = rows.len() == head.width * beats.beats();
        (whole && head == Head::of(beats, set)).then_some(SongFeatures { head, rows })
    }

    /// The features that `segment` left beside the beats, unless a clip is gone, of another length
    /// or written since: what was done to it must be looked at.
    pub fn find_beside(
        context: &Context<'_>,
        beats_dir: &Path,
        beats: &SongBeats,
        set: FeatureSet,
    ) -> Option<SongFeatures> {
        let path = path_beside(beats_dir, &beats.song);
        let written = context.fs.metadata(&path).ok()?.modified;
        let width = (beats.channels * beats.format.bytes()) as u64;
        let untouched = beats.layers.iter().all(|layer| {
            beats.pieces.iter().enumerate().all(|(i, piece)| {
                let clip = context.fs.metadata(&beats_dir.join(layer.clip_path(&beats.song, i)));
                clip.is_ok_and(|m| m.bytes >= piece.frames.0 * width && m.modified <= written)
            })
        });
        if untouched { SongFeatures::find(context, &path, beats, set) } else { None }
    }

    /// Measures the clips of a song.
    ///
    /// # Errors
    /// `Corrupt` where a clip is not the one that was cut; `Io` where it cannot be read.
    pub fn measure(
        context: &Context<'_>,
        beats: &SongBeats,
        beats_dir: &Path,
        set: FeatureSet,
    ) -> Result<SongFeatures> {
        let mut by_layer = Vec::new();
        for (done, &layer) in beats.layers.iter().enumerate() {
            let mut reader = SongReader::new(context.fs, beats_dir, beats, layer)?;
            let report = |fraction: f64| {
                let fraction = (done as f64 + fraction) / beats.layers.len() as f64;
                context.progress.report(Event::ItemProgress { item: &beats.song, fraction });
                context.cancel.check()
            };
            by_layer.push(match set {
                FeatureSet::Full => whole_song(beats, &mut reader, report)?,
                FeatureSet::Original => clip_by_clip(beats, &mut reader, report)?,
            });
        }
        Ok(SongFeatures { head: Head::of(beats, set), rows: rows(&beats.pieces, &by_layer) })
    }

    /// Writes them to `path`.
    ///
    /// # Errors
    /// `Io` naming the file.
    pub fn write(&self, context: &Context<'_>, path: &Path) -> Result<()> {
        write_artifact(context.fs, path, &self.head, &self.rows)
    }
}

/// The values of beats alone, those of all layers of a beat together.
fn rows(pieces: &[Piece], by_layer: &[Vec<Vec<f32>>]) -> Vec<f32> {
    let beats = (0..pieces.len()).filter(|&i| pieces[i].kind == PieceKind::Beat);
    beats.flat_map(|i| by_layer.iter().flat_map(move |layer| layer[i].iter().copied())).collect()
}

/// Measures the beats of a song while it is cut.
pub struct BeatMeter {
    layers: Vec<LayerMeter>,
}

impl BeatMeter {
    /// For the pieces of a song of `frames` frames at `rate`. `mono` is its only layer as mono at
    /// the analysis rate, where that is known already.
    ///
    /// # Errors
    /// `Internal` where the rate cannot be converted.
    pub fn new(
        pieces: &[Piece],
        (frames, rate): (u64, SampleRate),
        tuning: f32,
        layers: &[Layer],
        mono: Option<&[f32]>,
    ) -> Result<BeatMeter> {
        let meter = |_| {
            let mut meter = LayerMeter::new(pieces, frames, rate, tuning)?;
            if let Some(mono) = mono {
                meter.feed = None;
                meter.extractor.push(mono);
            }
            Ok(meter)
        };
        Ok(BeatMeter { layers: layers.iter().map(meter).collect::<Result<_>>()? })
    }

    /// Takes the next block of every layer.
    ///
    /// # Errors
    /// As the resampler.
    pub fn push(&mut self, layers: &[AudioBuffer]) -> Result<()> {
        self.layers.iter_mut().zip(layers).try_for_each(|(meter, block)| meter.push(block))
    }

    /// Ends the song, whose record is `beats`.
    ///
    /// # Errors
    /// As the resampler.
    pub fn finish(self, beats: &SongBeats) -> Result<SongFeatures> {
        let by_layer: Vec<_> =
            self.layers.into_iter().map(LayerMeter::finish).collect::<Result<_>>()?;
        let head = Head::of(beats, FeatureSet::Full);
        Ok(SongFeatures { head, rows: rows(&beats.pieces, &by_layer) })
    }
}

/// Measures all pieces of a layer in one pass over the whole song.
struct LayerMeter {
    extractor: BeatFeatureExtractor,
    /// None where the extractor has heard it all.
    feed: Option<AnalysisFeed>,
}

impl LayerMeter {
    fn new(pieces: &[Piece], frames: u64, rate: SampleRate, tuning: f32) -> Result<LayerMeter> {
        let scale = SampleRate::ANALYSIS.as_f64() / rate.as_f64();
        let place = |frame: u64| (frame as f64 * scale).round() as u64;
        let starts = pieces.iter().map(|p| place(p.start.0));
        let boundaries = starts.chain([place(frames)]).collect();
        Ok(LayerMeter {
            extractor: BeatFeatureExtractor::new(boundaries, tuning),
            feed: Some(AnalysisFeed::new(rate, SampleRate::ANALYSIS)?),
        })
    }

    fn push(&mut self, block: &AudioBuffer) -> Result<()> {
        if let Some(feed) = &mut self.feed {
            // What is no number is read back from clips as silence.
            self.extractor.push(feed.push(&honest(block))?);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Vec<f32>>> {
        if let Some(feed) = &mut self.feed {
            self.extractor.push(feed.finish()?);
        }
        Ok(self.extractor.finish().iter().map(|f| f.values().to_vec()).collect())
    }
}

/// All pieces of a layer, from one pass over its clips.
fn whole_song(
    beats: &SongBeats,
    reader: &mut SongReader<'_>,
    report: impl Fn(f64) -> Result<()>,
) -> Result<Vec<Vec<f32>>> {
    let mut meter = LayerMeter::new(&beats.pieces, beats.frames.0, beats.rate, beats.tuning)?;
    let end = beats.frames.0 as i64;
    let mut block = AudioBuffer::new(beats.channels);
    let mut at = 0;
    while at < end {
        let to = (at + BLOCK).min(end);
        block.clear();
        reader.read(at..to, &mut block)?;
        meter.push(&block)?;
        at = to;
        report(at as f64 / end as f64)?;
    }
    meter.finish()
}

/// Every piece of a layer as a clip of its own, as the original remixer measures.
fn clip_by_clip(
    beats: &SongBeats,
    reader: &mut SongReader<'_>,
    report: impl Fn(f64) -> Result<()>,
) -> Result<Vec<Vec<f32>>> {
    let mut rows = Vec::with_capacity(beats.pieces.len());
    for (i, piece) in beats.pieces.iter().enumerate() {
        if piece.kind != PieceKind::Beat {
            rows.push(Vec::new());
            continue;
        }
        let mut clip = AudioBuffer::new(beats.channels);
        reader.read(piece.start.0 as i64..(piece.start.0 + piece.frames.0) as i64, &mut clip)?;
        let mut feed = AnalysisFeed::new(beats.rate, SampleRate::ANALYSIS)?;
        let mut ready = feed.push(&clip)?.to_vec();
        ready.extend_from_slice(feed.finish()?);
        rows.push(librosa_beat_vector(&ready, Tuning::PerClip).to_vec());
        report((i + 1) as f64 / beats.pieces.len() as f64)?;
    }
    Ok(rows)
}
