//! The songs of a run: found, identified by content, named.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::context::{Batch, Context, Item, Outcome, Skipped, run_batch};
use super::separate::StemsRecord;
use crate::base::{Error, ErrorKind, Event, Result};
use crate::store::{InputFile, expand_inputs, hash_file, name_songs, read_json};

/// Where the sound of a song comes from.
#[derive(Clone, Debug)]
pub enum Sound {
    /// A song file: one layer, the mix.
    Song(PathBuf),
    /// Two stems of one length.
    Stems {
        /// The drums.
        drums: PathBuf,
        /// Everything else.
        other: PathBuf,
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

impl Item for SongInput {
    fn name(&self) -> &str {
        &self.name
    }
    fn size(&self) -> u64 {
        self.bytes
    }
}

struct Hashed<'a>(&'a InputFile, u64);

impl Item for Hashed<'_> {
    fn name(&self) -> &str {
        &self.0.name
    }
    fn size(&self) -> u64 {
        self.1
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
    let files: Vec<Hashed> = found.files.iter().map(|f| Hashed(f, size(f))).collect();
    let quiet = Context { progress: &crate::base::Quiet, ..*context };
    let batch: Batch<(usize, blake3::Hash)> = {
        let index =
            |f: &InputFile| found.files.iter().position(|g| std::ptr::eq(f, g)).unwrap_or(0);
        run_batch(&quiet, "look", &files, |file| {
            // A file that cannot be read is one song less, not the end of the run.
            let hash = hash_file(context.fs, &file.0.path)
                .map_err(|e| Error::new(ErrorKind::Unusable, "cannot read").because(e.reason()))?;
            Ok(Outcome::Made((index(file.0), hash), String::new()))
        })?
    };
    skipped.extend(batch.skipped);
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    for (index, hash) in batch.done {
        if seen.insert(hash) {
            kept.push((index, hash));
        } else {
            let text =
                format!("{}: the same file as an earlier song, taken once", files[index].0.name);
            context.progress.report(Event::Note { text: &text });
        }
    }
    let names: Vec<_> = kept.iter().map(|&(i, hash)| (found.files[i].name.clone(), hash)).collect();
    let songs = kept.iter().zip(name_songs(&names)).map(|(&(i, hash), name)| SongInput {
        name,
        source: found.files[i].path.to_string_lossy().into_owned(),
        sound: Sound::Song(found.files[i].path.clone()),
        hash,
        bytes: files[i].1,
    });
    Ok((songs.collect(), skipped))
}

fn skip(error: Error) -> Skipped {
    let item = error.path().map(|p| p.display().to_string()).unwrap_or_default();
    Skipped { item, error }
}

/// Stems below `folder`, laid out as `<song>/<song>_drums.wav` and `<song>_other.wav`. Empty where
/// the folder holds none.
///
/// # Errors
/// `Io` where stems that are there cannot be read.
pub fn find_stems(context: &Context<'_>, folder: &Path) -> Result<Vec<SongInput>> {
    let Ok(entries) = context.fs.read_dir(folder) else { return Ok(Vec::new()) };
    let mut songs = Vec::new();
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (drums, other) =
            (entry.join(format!("{name}_drums.wav")), entry.join(format!("{name}_other.wav")));
        let (Ok(drums_meta), Ok(other_meta)) =
            (context.fs.metadata(&drums), context.fs.metadata(&other))
        else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        let record_path = entry.join(format!("{name}.json"));
        let record = context.fs.metadata(&record_path).is_ok().then(|| {
            read_json::<StemsRecord>(context.fs, &record_path, context.limits, "remix separate")
        });
        let record = record.transpose()?;
        let hash = stems_hash(context, record.as_ref(), &drums, &other)?;
        songs.push(SongInput {
            source: record.as_ref().map_or_else(|| name.clone(), |r| r.source.clone()),
            name,
            bytes: drums_meta.bytes + other_meta.bytes,
            sound: Sound::Stems { drums, other, record: record.map(Box::new) },
            hash,
        });
    }
    Ok(songs)
}

/// What stems are is known from their record; stems of other programs are hashed.
fn stems_hash(
    context: &Context<'_>,
    record: Option<&StemsRecord>,
    drums: &Path,
    other: &Path,
) -> Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    match record {
        Some(record) => {
            hasher.update(record.fingerprint.0.as_bytes());
        }
        None => {
            hasher.update(hash_file(context.fs, drums)?.as_bytes());
            hasher.update(hash_file(context.fs, other)?.as_bytes());
        }
    }
    Ok(hasher.finalize())
}
