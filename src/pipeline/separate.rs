//! `separate`: songs become two stems, drums and other, that add up to the song exactly.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::context::{Batch, Context, Outcome, run_batch};
use super::songs::{SongInput, Sound, unusable_input};
use crate::audio::wav::{SampleFormat, WavReader, WavWriter};
use crate::audio::{AudioBuffer, Decoder, Tags};
use crate::base::{Error, ErrorKind, Event, Frames, Result, SampleRate};
use crate::separation::{Compact, Hpss, Resampled, Separator};
use crate::store::{Fingerprint, Pending, read_json, write_json};

/// Raised whenever the stems of the same song would differ for other reasons than the separator.
const VERSION: &str = "separate-1";
/// Layout version of [`StemsRecord`].
const STEMS_SCHEMA: u32 = 3;
const REDO: &str = "remix separate";
/// Stems hold multiples of this step, 2^-23: sums and differences of such numbers below 2 are
/// exact in 32-bit floats, so the stems add up to the mix bit for bit.
const GRID: f32 = 8_388_608.0;
/// Frames worked on at a time.
const BLOCK: usize = 1 << 14;
/// The share of the work that hearing a song first takes: for the progress shown.
const HEARING: f64 = 0.2;

/// The engine that finds the drums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// The best that is present.
    #[default]
    Auto,
    /// A small network whose weights are in the program.
    Compact,
    /// Harmonic-percussive separation by median filters: no weights needed.
    Hpss,
}

impl Model {
    fn engine(self, rate: SampleRate, channels: usize) -> Result<Box<dyn Separator>> {
        Ok(match self {
            Model::Hpss => Box::new(Hpss::new(rate, channels)),
            Model::Auto | Model::Compact => {
                let compact = Compact::new(channels)?;
                match rate {
                    SampleRate::CD => Box::new(compact),
                    rate => Box::new(Resampled::new(compact, SampleRate::CD, rate, channels)),
                }
            }
        })
    }
}

/// What is known about a pair of stems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StemsRecord {
    /// Layout version.
    pub schema: u32,
    /// Unique safe name of the song.
    pub song: String,
    /// The file it was made from, as typed.
    pub source: String,
    /// blake3 of that file's content.
    pub source_hash: String,
    /// Of the source's content, the engine and the code.
    pub fingerprint: Fingerprint,
    /// The engine with its version.
    pub model: String,
    /// Title, artist and the like.
    pub tags: Tags,
    /// Rate of the stems: the song's own.
    pub rate: SampleRate,
    /// Channels of the stems: the song's own.
    pub channels: usize,
    /// Length of both stems.
    pub frames: Frames,
    /// blake3 of the samples of drums and other.
    pub stems: [String; 2],
}

impl StemsRecord {
    /// One hash of the samples of both stems.
    pub fn content(&self) -> String {
        both(&self.stems)
    }
}

fn both(stems: &[String; 2]) -> String {
    blake3::hash(stems.concat().as_bytes()).to_hex().to_string()
}

/// The same of the stems as they are on disk.
///
/// # Errors
/// `Io` where one cannot be read, `Corrupt` where it is no stem of ours.
pub fn stems_content(context: &Context<'_>, drums: &Path, other: &Path) -> Result<String> {
    let digest = |path: &Path| -> Result<String> {
        let failed = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => {
                Error::corrupt(path, "it is no whole stem", REDO)
            }
            _ => Error::io("cannot read a stem", path, e),
        };
        let file = context.fs.open(path).map_err(failed)?;
        let mut reader = WavReader::new(BufReader::new(file)).map_err(failed)?.hashed();
        let mut block = AudioBuffer::new(reader.info().channels);
        while reader.read(BLOCK, &mut block).map_err(failed)? > 0 {
            context.cancel.check()?;
            block.clear();
        }
        Ok(reader.digest())
    };
    Ok(both(&[digest(drums)?, digest(other)?]))
}

/// Reads the record beside a pair of stems.
///
/// # Errors
/// `Io` where it cannot be read, `Corrupt` where it is damaged or of another version.
pub(super) fn read_stems_record(context: &Context<'_>, path: &Path) -> Result<StemsRecord> {
    let record: StemsRecord = read_json(context.fs, path, context.limits, REDO)?;
    if record.schema != STEMS_SCHEMA {
        return Err(Error::corrupt(path, "it is of another version", REDO));
    }
    Ok(record)
}

/// The stem files of a song: drums, other.
pub fn stem_paths(stems_dir: &Path, song: &str) -> (PathBuf, PathBuf) {
    let folder = stems_dir.join(song);
    (folder.join(format!("{song}_drums.wav")), folder.join(format!("{song}_other.wav")))
}

/// Separates all songs into `stems_dir`. Songs separated before are used as they are.
///
/// # Errors
/// Fatal errors only; songs that cannot be used are in the batch's `skipped`.
pub fn separate(
    context: &Context<'_>,
    songs: &[SongInput],
    stems_dir: &Path,
    model: Model,
) -> Result<Batch<StemsRecord>> {
    let id = model.engine(SampleRate::CD, 2)?.id().to_string();
    run_batch(context, "separate", songs, |song| {
        let hash = song.hash.to_hex();
        let fingerprint = Fingerprint::of([VERSION, &song.name, hash.as_str(), &id]);
        if let Some(done) = finished(context, stems_dir, song, &fingerprint) {
            return Ok(Outcome::Reused(done));
        }
        let record = one_song(context, song, stems_dir, model, fingerprint)?;
        let note = format!("{} of stems", record.frames.seconds(record.rate));
        Ok(Outcome::Made(record, note))
    })
}

fn record_path(stems_dir: &Path, song: &str) -> PathBuf {
    stems_dir.join(song).join(format!("{song}.json"))
}

fn finished(
    context: &Context<'_>,
    stems_dir: &Path,
    song: &SongInput,
    fingerprint: &Fingerprint,
) -> Option<StemsRecord> {
    let path = record_path(stems_dir, &song.name);
    let record = read_stems_record(context, &path).ok()?;
    let bytes = record.frames.0 * record.channels as u64 * 4;
    let (drums, other) = stem_paths(stems_dir, &song.name);
    let whole =
        [drums, other].iter().all(|p| context.fs.metadata(p).is_ok_and(|m| m.bytes >= bytes));
    (record.fingerprint == *fingerprint && whole).then_some(record)
}

fn one_song(
    context: &Context<'_>,
    song: &SongInput,
    stems_dir: &Path,
    model: Model,
    fingerprint: Fingerprint,
) -> Result<StemsRecord> {
    let Sound::Song(path) = &song.sound else {
        return Err(Error::new(ErrorKind::Unusable, "these are stems already"));
    };
    let mut decoder = open(context, path)?;
    let (rate, channels) = (decoder.rate(), decoder.channels());
    let mut engine = model.engine(rate, channels)?;
    let mut done = 0.0;
    if engine.hears_first() {
        done = HEARING;
        in_blocks(context, song, &mut decoder, 0.0..done, |block| engine.hear(&block.slices()))?;
        // Heard and separated are the same frames: decoding the same file twice is exact.
        decoder = open(context, path)?;
    }
    let mut splitter =
        Splitter { engine, mix: AudioBuffer::new(channels), drums: AudioBuffer::new(channels) };
    let (frames, stems) = write_stems(context, song, stems_dir, &mut decoder, &mut splitter, done)?;
    let record = StemsRecord {
        schema: STEMS_SCHEMA,
        song: song.name.clone(),
        source: song.source.clone(),
        source_hash: song.hash.to_hex().to_string(),
        fingerprint,
        model: splitter.engine.id().to_string(),
        tags: decoder.tags().clone(),
        rate,
        channels,
        frames: Frames(frames),
        stems,
    };
    write_json(context.fs, &record_path(stems_dir, &song.name), &record)?;
    Ok(record)
}

/// Writes both stems of a song of which a share of the work is done; returns their length and the
/// hashes of their samples.
fn write_stems(
    context: &Context<'_>,
    song: &SongInput,
    stems_dir: &Path,
    decoder: &mut Decoder,
    splitter: &mut Splitter,
    done: f64,
) -> Result<(u64, [String; 2])> {
    let (rate, channels) = (decoder.rate(), decoder.channels());
    let (drums_path, other_path) = stem_paths(stems_dir, &song.name);
    let (drums_file, other_file) =
        (Pending::create(context.fs, &drums_path)?, Pending::create(context.fs, &other_path)?);
    let failed = |e| Error::io("cannot write stems", &stems_dir.join(&song.name), e);
    let writer = |file: &Pending<'_>| {
        WavWriter::new(file.share(), rate, channels, SampleFormat::Float32)
            .map(WavWriter::hashed)
            .map_err(failed)
    };
    let mut writers = [writer(&drums_file)?, writer(&other_file)?];
    let frames = in_blocks(context, song, decoder, done..1.0, |block| {
        splitter.push(block)?;
        splitter.drain(&mut writers).map_err(failed)
    })?;
    splitter.finish()?;
    splitter.drain(&mut writers).map_err(failed)?;
    let stems = writers.each_ref().map(WavWriter::digest);
    for writer in writers {
        writer.finish().map_err(failed)?;
    }
    drums_file.commit()?;
    other_file.commit()?;
    Ok((frames, stems))
}

fn open(context: &Context<'_>, path: &Path) -> Result<Decoder> {
    let unreadable =
        |e: std::io::Error| Error::new(ErrorKind::Unusable, "cannot read").because(e.to_string());
    let file = context.fs.open(path).map_err(unreadable)?;
    Decoder::from_source(file, path, context.limits).map_err(unusable_input)
}

/// Hands a song on the grid to `each`, block by block, and reports how far it is as a share of
/// the work that goes from `work.start` to `work.end`. Returns the song's length.
fn in_blocks(
    context: &Context<'_>,
    song: &SongInput,
    decoder: &mut Decoder,
    work: std::ops::Range<f64>,
    mut each: impl FnMut(&AudioBuffer) -> Result<()>,
) -> Result<u64> {
    let claimed = decoder.claimed_frames().filter(|&all| all > 0);
    let (mut block, mut frames) = (AudioBuffer::default(), 0u64);
    let mut pending = AudioBuffer::new(decoder.channels());
    loop {
        context.cancel.check()?;
        let more = decoder.next_block(&mut block).map_err(unusable_input)?;
        pending.extend(&block);
        if more && pending.frames() < BLOCK {
            continue;
        }
        for plane in &mut pending.planes {
            plane.iter_mut().for_each(|x| *x = on_grid(*x));
        }
        each(&pending)?;
        frames += pending.frames() as u64;
        pending.clear();
        if let Some(all) = claimed {
            let done = (frames as f64 / all as f64).min(1.0);
            let fraction = work.start + done * (work.end - work.start);
            context.progress.report(Event::ItemProgress { item: &song.name, fraction });
        }
        if !more {
            return Ok(frames);
        }
    }
}

type Writers<W> = [WavWriter<W>; 2];

/// Feeds the engine and forms the exact rest.
struct Splitter {
    engine: Box<dyn Separator>,
    /// The mix from the first frame whose drums are not out yet.
    mix: AudioBuffer,
    drums: AudioBuffer,
}

impl Splitter {
    fn push(&mut self, block: &AudioBuffer) -> Result<()> {
        self.mix.extend(block);
        self.engine.process(&block.slices(), &mut self.drums.planes)
    }

    fn finish(&mut self) -> Result<()> {
        self.engine.finish(&mut self.drums.planes)
    }

    /// Writes the frames that are ready and forgets them.
    fn drain<W: std::io::Write + std::io::Seek>(
        &mut self,
        [drums, other]: &mut Writers<W>,
    ) -> std::io::Result<()> {
        let ready = self.drums.frames();
        let mut rest = AudioBuffer::new(self.mix.channels());
        for ((rest, mix), found) in
            rest.planes.iter_mut().zip(&self.mix.planes).zip(&mut self.drums.planes)
        {
            found.iter_mut().for_each(|x| *x = on_grid(*x));
            rest.extend(mix.iter().zip(found.iter()).map(|(m, d)| m - d));
        }
        drums.write(&self.drums.slices())?;
        other.write(&rest.slices())?;
        self.mix.drop_front(ready);
        self.drums.clear();
        Ok(())
    }
}

fn on_grid(x: f32) -> f32 {
    (x * GRID).round() / GRID
}
