//! The songs of a run: found, identified by content, named.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::context::{Batch, Context, Item, Outcome, Skipped, run_batch};
use super::separate::{StemsRecord, read_stems_record};
use super::separator::Stems;
use crate::base::{Error, ErrorKind, Event, Result};
use crate::store::{InputFile, expand_inputs, hash_file, means_absent, name_songs};

/// Where the sound of a song comes from.
#[derive(Clone, Debug)]
pub enum Sound {
    /// A song file: one layer, the mix.
    Song(PathBuf),
    /// Stems of one length that add up to the song.
    Stems {
        /// The drums.
        drums: PathBuf,
        /// Everything else, in one file or several.
        rest: Vec<PathBuf>,
        /// What the separate stage knew, where it made the stems.
        record: Option<Box<StemsRecord>>,
    },
}

/// One song of a run.
#[derive(Clone, Debug)]
pub struct SongInput {
    /// Unique safe name, usually the file name.
    pub name: String,
    /// The file as typed, for people.
    pub source: String,
    /// Its sound.
    pub sound: Sound,
    /// blake3 of everything the sound is read from.
    pub hash: blake3::Hash,
    /// Bytes, for fair sharing of the work.
    pub bytes: u64,
}

impl SongInput {
    /// Whether the record of these stems is still the one that was read.
    pub(super) fn is_in_force(&self, context: &Context<'_>) -> bool {
        let Sound::Stems { drums, record: Some(record), .. } = &self.sound else { return false };
        let path = drums.with_file_name(format!("{}.json", self.name));
        read_stems_record(context, &path).is_ok_and(|now| now == **record)
    }
}

impl Item for SongInput {
    fn name(&self) -> &str {
        &self.name
    }
    fn size(&self) -> u64 {
        self.bytes
    }
}

struct Hashed<'a> {
    file: &'a InputFile,
    place: usize,
    bytes: u64,
}

impl Item for Hashed<'_> {
    fn name(&self) -> &str {
        &self.file.name
    }
    fn size(&self) -> u64 {
        self.bytes
    }
}

/// Finds the songs named by `inputs`, in a stable order, each content once.
///
/// # Errors
/// `NoAudio` where nothing is found; fatal errors of the file system.
pub fn find_songs(
    context: &Context<'_>,
    inputs: &[PathBuf],
) -> Result<(Vec<SongInput>, Vec<Skipped>)> {
    let found = expand_inputs(inputs, context.limits)?;
    let mut skipped: Vec<Skipped> = found.skipped.into_iter().map(skip).collect();
    let size = |f: &InputFile| context.fs.metadata(&f.path).map_or(0, |m| m.bytes);
    let batch = hash_files(context, &found.files)?;
    skipped.extend(batch.skipped);
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for (index, hash) in batch.done {
        if seen.insert(hash) {
            kept.push((index, hash));
        } else {
            let text = format!(
                "{}: the same file as an earlier song, taken once",
                found.files[index].name
            );
            context.progress.report(Event::Note { text: &text });
        }
    }
    let names: Vec<_> = kept.iter().map(|&(i, hash)| (found.files[i].name.clone(), hash)).collect();
    let songs = kept.iter().zip(name_songs(&names)).map(|(&(i, hash), name)| SongInput {
        name,
        source: found.files[i].path.to_string_lossy().into_owned(),
        sound: Sound::Song(found.files[i].path.clone()),
        hash,
        bytes: size(&found.files[i]),
    });
    Ok((songs.collect(), skipped))
}

/// The content of each file that can be read, with its place in `files`.
///
/// # Errors
/// Fatal errors of the file system.
pub fn hash_files(
    context: &Context<'_>,
    files: &[InputFile],
) -> Result<Batch<(usize, blake3::Hash)>> {
    let size = |f: &InputFile| context.fs.metadata(&f.path).map_or(0, |m| m.bytes);
    let items: Vec<Hashed> = files
        .iter()
        .enumerate()
        .map(|(place, file)| Hashed { file, place, bytes: size(file) })
        .collect();
    let quiet = Context { progress: &crate::base::Quiet, ..*context };
    run_batch(&quiet, "look", &items, |item| {
        check_size(context, item)?;
        let hash =
            hash_file(context.fs, &item.file.path, context.cancel).map_err(unusable_input)?;
        Ok(Outcome::Made((item.place, hash), String::new()))
    })
}

/// What is too large to be decoded is not worth reading either.
fn check_size(context: &Context<'_>, file: &Hashed<'_>) -> Result<()> {
    let (bytes, most) = (file.bytes, context.limits.max_file_bytes);
    if bytes <= most {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Limit, "file too large")
        .at(&file.file.path)
        .because(format!("{bytes} bytes, the limit is {most}"))
        .hint("raise max-file-bytes under [limits] in evermix.toml"))
}

fn skip(error: Error) -> Skipped {
    let item = error.path().map(|p| p.display().to_string()).unwrap_or_default();
    Skipped { item, error }
}

/// Stems below `folder`, laid out as `<song>/<song>_drums.wav` and `<song>_other.wav`, and between
/// them `<song>_bass.wav` and `<song>_vocals.wav` where there are more than two. Empty where the
/// folder holds none.
///
/// # Errors
/// `Io` where stems that are there cannot be read.
pub fn find_stems(context: &Context<'_>, folder: &Path) -> Result<Vec<SongInput>> {
    let entries = match context.fs.read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if means_absent(&e) => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("cannot search", folder, e)),
    };
    let found = entries.iter().map(|entry| stems_in(context, entry));
    found.filter_map(Result::transpose).collect()
}

/// The stems in one folder, if there are any.
fn stems_in(context: &Context<'_>, folder: &Path) -> Result<Option<SongInput>> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.starts_with('.') {
        return Ok(None);
    }
    let record_path = folder.join(format!("{name}.json"));
    let record = bytes_of(context, &record_path)?.map(|_| read_stems_record(context, &record_path));
    let record = record.transpose()?;
    let named = |record: &StemsRecord| {
        let all = [Stems::Two, Stems::Four].map(Stems::names);
        all.into_iter().find(|names| record.parts == *names)
    };
    let parts = match &record {
        // What the record does not name was left behind by another separation.
        Some(record) => named(record).ok_or_else(|| {
            Error::corrupt(&record_path, "it names stems that we never make", "remix separate")
        })?,
        None => Stems::Four.names(),
    };
    let (mut paths, mut bytes) = (Vec::new(), 0);
    for part in parts {
        let path = folder.join(format!("{name}_{part}.wav"));
        match bytes_of(context, &path)? {
            Some(more) => bytes += more,
            None if record.is_none() && ["bass", "vocals"].contains(part) => continue,
            None => return Ok(None),
        }
        paths.push(path);
    }
    let hash = stems_hash(context, record.as_ref(), &paths)?;
    let drums = paths.remove(0);
    Ok(Some(SongInput {
        source: record.as_ref().map_or_else(|| name.clone(), |r| r.source.clone()),
        name,
        bytes,
        sound: Sound::Stems { drums, rest: paths, record: record.map(Box::new) },
        hash,
    }))
}

/// The length of a file, if it is there. Folders of other people's that may not be entered, such
/// as `lost+found`, hold nothing for us.
fn bytes_of(context: &Context<'_>, path: &Path) -> Result<Option<u64>> {
    match context.fs.metadata(path) {
        Ok(meta) => Ok(Some(meta.bytes)),
        Err(e) if means_absent(&e) => Ok(None),
        Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => Ok(None),
        Err(e) => Err(Error::io("cannot look at", path, e)),
    }
}

/// What stems are is known from their record; stems of other programs are hashed.
fn stems_hash(
    context: &Context<'_>,
    record: Option<&StemsRecord>,
    paths: &[PathBuf],
) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    match record {
        Some(record) => {
            hasher.update(record.fingerprint.0.as_bytes());
        }
        None => {
            for path in paths {
                hasher.update(hash_file(context.fs, path, context.cancel)?.as_bytes());
            }
        }
    }
    Ok(hasher.finalize())
}

/// Failing to read an input is about that song only; failing to write is about the run.
pub fn unusable_input(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Io => error.of_kind(ErrorKind::Unusable),
        _ => error,
    }
}
