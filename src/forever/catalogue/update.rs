//! A library brought up to date: what is new is heard, what is known is not looked into.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Mutex;

use super::record::{Heard, Known, Listed, Record, from_root};
use super::{Catalogue, Look};
use crate::base::{Error, ErrorKind, Result};
use crate::forever::song::{Plays, Song, SongId, Summary};
use crate::pipeline::{
    BeatSource, Context, Skipped, SongAnalysis, SongInput, Sound, analysis_name, analyze_each,
    hash_files,
};
use crate::store::{InputFile, expand_inputs, means_absent, name_songs};

/// Songs heard that wait to be written together. A killed run hears no more than these again, and
/// those from the cache.
const TOGETHER: usize = 32;

/// The songs of a library.
#[derive(Debug, Default)]
pub struct Library {
    /// Those that may be played, each content once, in the order of the listing.
    pub songs: Vec<Song>,
    /// The file of each of these songs, with its path as typed.
    pub inputs: Vec<SongInput>,
    /// Files left out with the reason, which nobody has been told yet.
    pub skipped: Vec<Skipped>,
    /// Songs left out while they were heard, which was told then.
    pub told: Vec<Skipped>,
    /// Files with the content of an earlier one.
    pub copies: Vec<PathBuf>,
    /// Files that were new or had changed.
    pub fresh: usize,
    /// Files that are no longer there.
    pub gone: usize,
    /// Files that were not listened to yet.
    pub waiting: Vec<PathBuf>,
}

/// Finds the songs named by `inputs`, hears those the catalogue does not know, and keeps what was
/// found out.
///
/// # Errors
/// `NoAudio` where no file is found, fatal errors of the file system or the catalogue.
pub fn update(
    context: &Context<'_>,
    catalogue: &mut Catalogue,
    inputs: &[PathBuf],
    beats: &BeatSource,
) -> Result<Library> {
    update_with(context, catalogue, inputs, beats, |_, _| {})
}

/// As [`update`]; whole analyses of songs that had to be looked into are handed to `keep`.
///
/// # Errors
/// As [`update`].
pub fn update_with(
    context: &Context<'_>,
    catalogue: &mut Catalogue,
    inputs: &[PathBuf],
    beats: &BeatSource,
    keep: impl Fn(SongId, SongAnalysis) + Sync,
) -> Result<Library> {
    update_some(context, catalogue, inputs, beats, usize::MAX, keep)
}

/// As [`update_with`], but at most so many songs are listened to: the rest waits.
///
/// # Errors
/// As [`update`].
pub fn update_some(
    context: &Context<'_>,
    catalogue: &mut Catalogue,
    inputs: &[PathBuf],
    beats: &BeatSource,
    most: usize,
    keep: impl Fn(SongId, SongAnalysis) + Sync,
) -> Result<Library> {
    let found = expand_inputs(inputs, context.limits)?;
    let mut library = Library::default();
    library.skipped.extend(found.skipped.into_iter().map(skipped));
    let files = Files::look(context, found.files, &mut library);
    let look = catalogue.look(&files.listing)?;
    library.fresh = look.new.len() + look.changed.len();
    library.gone = strike_out(context, catalogue, &look)?;
    let mut known = look.known;
    let identified = identify(context, &files, &known, most, &mut library)?;
    for &(place, id) in &identified {
        known[place] = Some(catalogue.song(&id)?.unwrap_or_else(|| unheard(id)));
    }
    let songs = files.songs(&known);
    still_true(context, &songs, &mut known, beats);
    // Files that were only moved or copied need no hearing.
    let moved = identified.iter().filter_map(|&(place, _)| {
        let record = &known[place].as_ref()?.record;
        Some((files.listing[place].clone(), record.clone()))
    });
    catalogue.record(moved.filter(|(_, record)| !record.analysis.is_empty()))?;
    hear(context, catalogue, (&files, &songs), &mut known, beats, most, &mut library, keep)?;
    gather(songs, known, &mut library);
    Ok(library)
}

/// The files of a run: as typed, and as the catalogue knows them.
struct Files {
    typed: Vec<InputFile>,
    listing: Vec<Listed>,
}

impl Files {
    fn look(context: &Context<'_>, files: Vec<InputFile>, library: &mut Library) -> Files {
        let (mut typed, mut listing) = (Vec::new(), Vec::new());
        for file in files {
            match Listed::look(context.fs, &file.path) {
                Ok(listed) => {
                    listing.push(listed);
                    typed.push(file);
                }
                Err(error) => library.skipped.push(skipped(error)),
            }
        }
        Files { typed, listing }
    }

    /// Each file with its content as a song. Names are unique among contents, and the same
    /// whatever is known already.
    fn songs(&self, known: &[Option<Known>]) -> Vec<Option<SongInput>> {
        let mut seen = HashMap::new();
        let mut named = Vec::new();
        for (file, known) in self.typed.iter().zip(known) {
            let Some(known) = known else { continue };
            let hash = blake3::Hash::from_bytes(known.record.id.0);
            seen.entry(hash).or_insert_with(|| {
                named.push((file.name.clone(), hash));
                named.len() - 1
            });
        }
        let names = name_songs(&named);
        let input = |(place, known): (usize, &Option<Known>)| {
            let hash = blake3::Hash::from_bytes(known.as_ref()?.record.id.0);
            let path = &self.typed[place].path;
            Some(SongInput {
                name: names[seen[&hash]].clone(),
                source: path.to_string_lossy().into_owned(),
                sound: Sound::Song(path.clone()),
                hash,
                bytes: self.listing[place].bytes,
            })
        };
        known.iter().enumerate().map(input).collect()
    }
}

/// Strikes out what is gone from the disk, not what is merely not listed today.
fn strike_out(context: &Context<'_>, catalogue: &mut Catalogue, look: &Look) -> Result<usize> {
    let absent = |p: &&PathBuf| context.fs.metadata(p).is_err_and(|e| means_absent(&e));
    let gone: Vec<PathBuf> = look.gone.iter().filter(absent).cloned().collect();
    catalogue.forget(&gone)?;
    Ok(gone.len())
}

/// A song of which only the content is known.
fn unheard(id: SongId) -> Known {
    let record = Record { id, analysis: String::new(), heard: Err(String::new()) };
    Known { record, plays: Plays::default() }
}

/// Forgets what was heard by other ears than those of today.
fn still_true(
    context: &Context<'_>,
    songs: &[Option<SongInput>],
    known: &mut [Option<Known>],
    beats: &BeatSource,
) {
    for (song, known) in songs.iter().zip(known) {
        let (Some(song), Some(Known { record, .. })) = (song, known) else { continue };
        let name = analysis_name(context, &song.name, song.hash, beats);
        if name.is_ok_and(|name| name.0 != record.analysis) {
            *record = unheard(record.id).record;
        }
    }
}

/// Hashes the files of which nothing is known.
fn identify(
    context: &Context<'_>,
    files: &Files,
    known: &[Option<Known>],
    most: usize,
    library: &mut Library,
) -> Result<Vec<(usize, SongId)>> {
    let mut places: Vec<usize> = (0..known.len()).filter(|&i| known[i].is_none()).collect();
    let rest = places.split_off(most.min(places.len()));
    library.waiting.extend(rest.into_iter().map(|i| files.typed[i].path.clone()));
    let unknown: Vec<InputFile> = places.iter().map(|&i| files.typed[i].clone()).collect();
    let hashed = hash_files(context, &unknown)?;
    library.skipped.extend(hashed.skipped);
    Ok(hashed.done.into_iter().map(|(i, hash)| (places[i], SongId(*hash.as_bytes()))).collect())
}

/// Hears what nobody has heard yet, each content once, and writes it down bit by bit.
#[expect(clippy::too_many_arguments, reason = "each is a part of one listing's state")]
fn hear(
    context: &Context<'_>,
    catalogue: &mut Catalogue,
    (files, songs): (&Files, &[Option<SongInput>]),
    known: &mut [Option<Known>],
    beats: &BeatSource,
    most: usize,
    library: &mut Library,
    keep: impl Fn(SongId, SongAnalysis) + Sync,
) -> Result<()> {
    let mut places: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    let mut inputs = Vec::new();
    for (place, (song, known)) in songs.iter().zip(known.iter()).enumerate() {
        let (Some(song), Some(known)) = (song, known) else { continue };
        if !known.record.analysis.is_empty() {
            continue;
        }
        let same = places.entry(known.record.id.0).or_default();
        if same.is_empty() {
            inputs.push(song.clone());
        }
        same.push(place);
    }
    let rest = inputs.split_off(most.min(inputs.len()));
    library.waiting.extend(rest.into_iter().map(|song| PathBuf::from(song.source)));
    let rows = |r: &Record| {
        let file = |&i: &usize| (files.listing[i].clone(), r.clone());
        places[&r.id.0].iter().map(file).collect::<Vec<_>>()
    };
    let sink = Mutex::new(Sink { catalogue, waiting: Vec::new() });
    let batch = analyze_each(context, &inputs, beats, |song, name, found| {
        let record = heard(song, &name.0, &found);
        lock(&sink).take(rows(&record))?;
        keep(record.id, found);
        Ok(record)
    })?;
    let unusable = unusable(context, &inputs, &batch.skipped, beats);
    lock(&sink).take(unusable.iter().flat_map(rows).collect())?;
    lock(&sink).flush()?;
    library.told.extend(batch.skipped);
    for record in batch.done {
        for &place in &places[&record.id.0] {
            let plays = known[place].as_ref().map(|k| k.plays).unwrap_or_default();
            known[place] = Some(Known { record: record.clone(), plays });
        }
    }
    Ok(())
}

fn heard(song: &SongInput, name: &str, found: &SongAnalysis) -> Record {
    let (tags, summary) = (found.tags.clone(), Summary::of(&found.track));
    Record {
        id: SongId(*song.hash.as_bytes()),
        analysis: name.to_string(),
        heard: Ok(Box::new(Heard { tags, summary })),
    }
}

/// Songs that will be as unusable tomorrow: not those that merely could not be read today, or that
/// another setting would let in.
fn unusable(
    context: &Context<'_>,
    inputs: &[SongInput],
    skipped: &[Skipped],
    beats: &BeatSource,
) -> Vec<Record> {
    use std::error::Error as _;
    let lasting = |error: &Error| {
        let source = error.source();
        let unread = source.is_some_and(|e| e.downcast_ref::<std::io::Error>().is_some());
        error.kind() == ErrorKind::Unusable && !unread
    };
    let record = |skip: &Skipped| {
        let song = inputs.iter().find(|song| song.name == skip.item)?;
        let name = analysis_name(context, &song.name, song.hash, beats).ok()?;
        let (id, heard) = (SongId(*song.hash.as_bytes()), Err(skip.error.reason()));
        Some(Record { id, analysis: name.0, heard })
    };
    skipped.iter().filter(|skip| lasting(&skip.error)).filter_map(record).collect()
}

/// Writes several songs at a time.
struct Sink<'a> {
    catalogue: &'a mut Catalogue,
    waiting: Vec<(Listed, Record)>,
}

impl Sink<'_> {
    fn take(&mut self, rows: Vec<(Listed, Record)>) -> Result<()> {
        self.waiting.extend(rows);
        if self.waiting.len() < TOGETHER { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        self.catalogue.record(std::mem::take(&mut self.waiting))
    }
}

/// A sink whose holder failed is whole: its rows are written or still wait.
fn lock<'a, 'b>(sink: &'a Mutex<Sink<'b>>) -> std::sync::MutexGuard<'a, Sink<'b>> {
    sink.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Sorts the files into songs and those left out.
fn gather(songs: Vec<Option<SongInput>>, known: Vec<Option<Known>>, library: &mut Library) {
    let mut seen = HashSet::new();
    for (input, known) in songs.into_iter().zip(known) {
        let (Some(input), Some(Known { record, plays })) = (input, known) else { continue };
        let Sound::Song(path) = &input.sound else { continue };
        if !seen.insert(record.id) {
            library.copies.push(path.clone());
            continue;
        }
        match record.heard {
            Ok(heard) => {
                library.songs.push(Song {
                    path: from_root(path).unwrap_or_else(|_| path.clone()),
                    id: record.id,
                    tags: heard.tags,
                    summary: heard.summary,
                    plays,
                });
                library.inputs.push(input);
            }
            // What was heard now and found unusable has been told already.
            Err(reason) if !record.analysis.is_empty() => {
                let error = Error::new(ErrorKind::Unusable, reason).at(path);
                library.skipped.push(Skipped { item: input.name, error });
            }
            Err(_) => {}
        }
    }
}

fn skipped(error: Error) -> Skipped {
    let item = error.path().map(|p| p.display().to_string()).unwrap_or_default();
    Skipped { item, error }
}
