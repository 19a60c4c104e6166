//! `separate`: songs become stems, drums and other or four, that add up to the song exactly.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::context::{Batch, Context, Outcome, run_batch};
use super::separator::{Engine, ModelInfo, SeparateOptions, Stems};
use super::songs::{SongInput, Sound, unusable_input};
use crate::audio::wav::{SampleFormat, WavReader, WavWriter};
use crate::audio::{AudioBuffer, Decoder, Tags};
use crate::base::{Error, ErrorKind, Event, Frames, Result, SampleRate};
use crate::separation::Separator;
use crate::store::{Fingerprint, Pending, exists, read_json, write_json};

/// Raised whenever the stems of the same song would differ for other reasons than the separator.
const VERSION: &str = "separate-1";
/// Layout version of [`StemsRecord`].
const STEMS_SCHEMA: u32 = 4;
const REDO: &str = "remix separate";
/// Stems hold multiples of this step, 2^-23: sums and differences of such numbers below 2 are
/// exact in 32-bit floats, so the stems add up to the mix bit for bit.
const GRID: f32 = 8_388_608.0;
/// Frames worked on at a time.
const BLOCK: usize = 1 << 14;

/// What is known about the stems of a song.
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
    /// What it is and how it was used.
    pub model_info: ModelInfo,
    /// Title, artist and the like.
    pub tags: Tags,
    /// Rate of the stems: the song's own.
    pub rate: SampleRate,
    /// Channels of the stems: the song's own.
    pub channels: usize,
    /// Length of all stems.
    pub frames: Frames,
    /// The stems' names; the last is what is left of the mix.
    pub parts: Vec<String>,
    /// blake3 of the samples of each.
    pub stems: Vec<String>,
}

impl StemsRecord {
    /// One hash of the samples of all stems.
    pub fn content(&self) -> String {
        both(&self.stems)
    }
}

fn both(stems: &[String]) -> String {
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

/// Reads the record beside stems.
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

/// The stem files of a song.
fn stem_paths(stems_dir: &Path, song: &str, stems: Stems) -> Vec<PathBuf> {
    let folder = stems_dir.join(song);
    stems.names().iter().map(|part| folder.join(format!("{song}_{part}.wav"))).collect()
}

/// Separates all songs into `stems_dir`. Songs separated before are used as they are, if the model
/// asked for made them, or, where none was asked for by name, one at least as good.
///
/// # Errors
/// Fatal errors only; songs that cannot be used are in the batch's `skipped`.
pub fn separate(
    context: &Context<'_>,
    songs: &[SongInput],
    stems_dir: &Path,
    options: &SeparateOptions<'_>,
) -> Result<Batch<StemsRecord>> {
    let engine = Engine::prepare(context, options)?;
    let threads = engine.songs_at_a_time(context.threads);
    run_batch(&Context { threads, ..*context }, "separate", songs, |song| {
        if let Some(done) = finished(context, stems_dir, song, &engine) {
            return Ok(Outcome::Reused(done));
        }
        let record = one_song(context, song, stems_dir, &engine)?;
        let note = format!("{} of stems", record.frames.seconds(record.rate));
        Ok(Outcome::Made(record, note))
    })
}

/// Everything a song's stems depend on.
fn fingerprint(song: &SongInput, model: &str, stems: Stems) -> Fingerprint {
    let hash = song.hash.to_hex();
    let names = stems.names().join(" ");
    Fingerprint::of([VERSION, &song.name, hash.as_str(), model, &names])
}

fn record_path(stems_dir: &Path, song: &str) -> PathBuf {
    stems_dir.join(song).join(format!("{song}.json"))
}

fn finished(
    context: &Context<'_>,
    stems_dir: &Path,
    song: &SongInput,
    engine: &Engine,
) -> Option<StemsRecord> {
    let path = record_path(stems_dir, &song.name);
    let record = read_stems_record(context, &path).ok()?;
    let bytes = record.frames.0 * record.channels as u64 * 4;
    let paths = stem_paths(stems_dir, &song.name, engine.stems());
    let whole = paths.iter().all(|p| context.fs.metadata(p).is_ok_and(|m| m.bytes >= bytes));
    let same = record.fingerprint == fingerprint(song, &record.model, engine.stems());
    (whole && same && engine.accepts(&record.model)).then_some(record)
}

fn one_song(
    context: &Context<'_>,
    song: &SongInput,
    stems_dir: &Path,
    engine: &Engine,
) -> Result<StemsRecord> {
    let Sound::Song(path) = &song.sound else {
        return Err(Error::new(ErrorKind::Unusable, "these are stems already"));
    };
    let mut decoder = open(context, path)?;
    let (rate, channels) = (decoder.rate(), decoder.channels());
    if let Some(all) = decoder.folded_channels() {
        let text = format!("{}: {all} channels are folded to stereo", song.name);
        context.progress.report(Event::Note { text: &text });
    }
    let mut separator = engine.separator(context, rate, channels)?;
    let mut done = 0.0;
    if separator.hears_first() {
        done = separator.hearing();
        in_blocks(context, song, &mut decoder, 0.0..done, |block| separator.hear(&block.slices()))?;
        // Heard and separated are the same frames: decoding the same file twice is exact.
        decoder = open(context, path)?;
    }
    let parts = engine.stems().names();
    let mut splitter = Splitter {
        separator,
        mix: AudioBuffer::new(channels),
        found: AudioBuffer::new(channels * (parts.len() - 1)),
    };
    let place = Place::of(stems_dir, &song.name, engine.stems());
    let (frames, stems) = write_stems(context, song, &place, &mut decoder, &mut splitter, done)?;
    let record = StemsRecord {
        schema: STEMS_SCHEMA,
        song: song.name.clone(),
        source: song.source.clone(),
        source_hash: song.hash.to_hex().to_string(),
        fingerprint: fingerprint(song, engine.id(), engine.stems()),
        model: engine.id().to_string(),
        model_info: engine.info.clone(),
        tags: decoder.tags().clone(),
        rate,
        channels,
        frames: Frames(frames),
        parts: parts.iter().map(|part| part.to_string()).collect(),
        stems,
    };
    write_json(context.fs, &record_path(stems_dir, &song.name), &record)?;
    Ok(record)
}

/// Where the stems of a song go.
struct Place {
    paths: Vec<PathBuf>,
    /// Files that an earlier run may have left and that would not add up with these.
    stale: Vec<PathBuf>,
}

impl Place {
    fn of(stems_dir: &Path, song: &str, stems: Stems) -> Self {
        let paths = stem_paths(stems_dir, song, stems);
        let mut stale = stem_paths(stems_dir, song, Stems::Four);
        stale.retain(|path| !paths.contains(path));
        Place { paths, stale }
    }

    /// Before the new stems get their names: a record of the old ones must not fit the new.
    fn clear(&self, context: &Context<'_>) -> Result<()> {
        for path in &self.stale {
            if exists(context.fs, path)? {
                let failed = |e| Error::io("cannot remove", path, e);
                context.fs.remove_file(path).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// Writes all stems of a song of which a share of the work is done; returns their length and the
/// hashes of their samples.
fn write_stems(
    context: &Context<'_>,
    song: &SongInput,
    place: &Place,
    decoder: &mut Decoder,
    splitter: &mut Splitter,
    done: f64,
) -> Result<(u64, Vec<String>)> {
    let (rate, channels) = (decoder.rate(), decoder.channels());
    let folder = place.paths.first().and_then(|path| path.parent()).unwrap_or(Path::new(""));
    let failed = |e| Error::io("cannot write stems", folder, e);
    let files = place.paths.iter().map(|path| Pending::create(context.fs, path));
    let files = files.collect::<Result<Vec<_>>>()?;
    let writer = |file: &Pending<'_>| {
        WavWriter::new(file.share(), rate, channels, SampleFormat::Float32)
            .map(WavWriter::hashed)
            .map_err(failed)
    };
    let mut writers = files.iter().map(writer).collect::<Result<Vec<_>>>()?;
    let frames = in_blocks(context, song, decoder, done..1.0, |block| {
        splitter.push(block)?;
        splitter.drain(&mut writers).map_err(failed)
    })?;
    splitter.finish()?;
    splitter.drain(&mut writers).map_err(failed)?;
    let stems = writers.iter().map(WavWriter::digest).collect();
    for writer in writers {
        writer.finish().map_err(failed)?;
    }
    place.clear(context)?;
    for file in files {
        file.commit()?;
    }
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

/// Feeds the separator and forms the exact rest.
struct Splitter {
    separator: Box<dyn Separator>,
    /// The mix from the first frame that is not out yet.
    mix: AudioBuffer,
    /// What was found: the channels of one source after those of the other.
    found: AudioBuffer,
}

impl Splitter {
    fn push(&mut self, block: &AudioBuffer) -> Result<()> {
        self.mix.extend(block);
        self.separator.process(&block.slices(), &mut self.found.planes)
    }

    fn finish(&mut self) -> Result<()> {
        self.separator.finish(&mut self.found.planes)
    }

    /// Writes the frames that are ready and forgets them. What is left of the mix goes last.
    fn drain<W: std::io::Write + std::io::Seek>(
        &mut self,
        writers: &mut [WavWriter<W>],
    ) -> std::io::Result<()> {
        let ready = self.found.frames();
        let channels = self.mix.channels();
        let rest = self.mix.planes.iter().map(|mix| mix[..ready].to_vec());
        let mut rest = AudioBuffer { planes: rest.collect() };
        for (i, found) in self.found.planes.iter_mut().enumerate() {
            found.iter_mut().for_each(|x| *x = on_grid(*x));
            let rest = &mut rest.planes[i % channels];
            rest.iter_mut().zip(&*found).for_each(|(rest, x)| *rest -= x);
        }
        if let Some((last, others)) = writers.split_last_mut() {
            for (writer, planes) in others.iter_mut().zip(self.found.slices().chunks(channels)) {
                writer.write(planes)?;
            }
            last.write(&rest.slices())?;
        }
        self.mix.drop_front(ready);
        self.found.clear();
        Ok(())
    }
}

fn on_grid(x: f32) -> f32 {
    (x * GRID).round() / GRID
}
