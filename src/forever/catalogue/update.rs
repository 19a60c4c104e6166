//! A library brought up to date: what is new is heard, what is known is not looked into.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use super::record::{Heard, Known, Listed, Record, list};
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
    /// Files left out, with the reason.
    pub skipped: Vec<Skipped>,
    /// Files that were new or had changed.
    pub fresh: usize,
    /// Files that are no longer there.
    pub gone: usize,
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
    let found = expand_inputs(inputs, context.limits)?;
    let (listing, failed) = list(context.fs, &found.files);
    let mut library = Library::default();
    library.skipped.extend(found.skipped.into_iter().chain(failed).map(skipped));
    let look = catalogue.look(&listing)?;
    library.fresh = look.new.len() + look.changed.len();
    library.gone = strike_out(context, catalogue, &look)?;
    let mut known = look.known;
    let identified = identify(context, &listing, &known, &mut library)?;
    for &(place, id) in &identified {
        known[place] = Some(catalogue.song(&id)?.unwrap_or_else(|| unheard(id)));
    }
    still_true(context, &listing, &mut known, beats);
    // Files that were only moved or copied need no hearing.
    let moved = identified.iter().filter_map(|&(place, _)| {
        let record = &known[place].as_ref()?.record;
        Some((listing[place].clone(), record.clone()))
    });
    catalogue.record(moved.filter(|(_, record)| !record.analysis.is_empty()))?;
    hear(context, catalogue, &listing, &mut known, beats, &mut library)?;
    gather(&listing, known, &mut library);
    Ok(library)
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
    listing: &[Listed],
    known: &mut [Option<Known>],
    beats: &BeatSource,
) {
    for (file, known) in listing.iter().zip(known) {
        let Some(Known { record, .. }) = known else { continue };
        let hash = blake3::Hash::from_bytes(record.id.0);
        let name = analysis_name(context, &name_of(file), hash, beats);
        if name.is_ok_and(|name| name.0 != record.analysis) {
            *record = unheard(record.id).record;
        }
    }
}

fn name_of(file: &Listed) -> String {
    file.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Hashes the files of which nothing is known.
fn identify(
    context: &Context<'_>,
    listing: &[Listed],
    known: &[Option<Known>],
    library: &mut Library,
) -> Result<Vec<(usize, SongId)>> {
    let places: Vec<usize> = (0..listing.len()).filter(|&i| known[i].is_none()).collect();
    let input =
        |&i: &usize| InputFile { path: listing[i].path.clone(), name: name_of(&listing[i]) };
    let files: Vec<InputFile> = places.iter().map(input).collect();
    let hashed = hash_files(context, &files)?;
    library.skipped.extend(hashed.skipped);
    Ok(hashed.done.into_iter().map(|(i, hash)| (places[i], SongId(*hash.as_bytes()))).collect())
}

/// Hears what nobody has heard yet, each content once, and writes it down bit by bit.
fn hear(
    context: &Context<'_>,
    catalogue: &mut Catalogue,
    listing: &[Listed],
    known: &mut [Option<Known>],
    beats: &BeatSource,
    library: &mut Library,
) -> Result<()> {
    let mut places: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    let mut firsts = Vec::new();
    for (place, song) in known.iter().enumerate() {
        let Some(id) = song.as_ref().filter(|s| s.record.analysis.is_empty()).map(|s| s.record.id)
        else {
            continue;
        };
        let same = places.entry(id.0).or_default();
        if same.is_empty() {
            firsts.push((place, id));
        }
        same.push(place);
    }
    let inputs = inputs(listing, &firsts);
    let files = |id: &SongId| places[&id.0].iter().map(|&i| listing[i].clone());
    let sink = Mutex::new(Sink { catalogue, waiting: Vec::new() });
    let batch = analyze_each(context, &inputs, beats, |song, name, found| {
        let record = heard(song, &name.0, found);
        let rows = files(&record.id).map(|file| (file, record.clone())).collect::<Vec<_>>();
        lock(&sink).take(rows)?;
        Ok(record)
    })?;
    let unusable = unusable(context, &inputs, &batch.skipped, beats);
    let rows = unusable.iter().flat_map(|r| files(&r.id).map(|file| (file, r.clone())));
    lock(&sink).take(rows.collect())?;
    lock(&sink).flush()?;
    library.skipped.extend(batch.skipped);
    for record in batch.done {
        for &place in &places[&record.id.0] {
            let plays = known[place].as_ref().map(|k| k.plays).unwrap_or_default();
            known[place] = Some(Known { record: record.clone(), plays });
        }
    }
    Ok(())
}

fn inputs(listing: &[Listed], firsts: &[(usize, SongId)]) -> Vec<SongInput> {
    let hash = |id: &SongId| blake3::Hash::from_bytes(id.0);
    let named: Vec<_> = firsts.iter().map(|(i, id)| (name_of(&listing[*i]), hash(id))).collect();
    let input = |((i, id), name): (&(usize, SongId), String)| SongInput {
        name,
        source: listing[*i].path.to_string_lossy().into_owned(),
        sound: Sound::Song(listing[*i].path.clone()),
        hash: hash(id),
        bytes: listing[*i].bytes,
    };
    firsts.iter().zip(name_songs(&named)).map(input).collect()
}

fn heard(song: &SongInput, name: &str, found: SongAnalysis) -> Record {
    let summary = Summary::of(&found.track);
    Record {
        id: SongId(*song.hash.as_bytes()),
        analysis: name.to_string(),
        heard: Ok(Box::new(Heard { tags: found.tags, summary })),
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
fn gather(listing: &[Listed], known: Vec<Option<Known>>, library: &mut Library) {
    let mut seen = std::collections::HashSet::new();
    for (file, known) in listing.iter().zip(known) {
        let Some(Known { record, plays }) = known else { continue };
        match record.heard {
            Ok(heard) if seen.insert(record.id) => library.songs.push(Song {
                path: file.path.clone(),
                id: record.id,
                tags: heard.tags,
                summary: heard.summary,
                plays,
            }),
            // What was heard now and found unusable has been told already.
            Err(reason) if !record.analysis.is_empty() => {
                let error = Error::new(ErrorKind::Unusable, reason).at(&file.path);
                library.skipped.push(Skipped { item: name_of(file), error });
            }
            _ => {}
        }
    }
}

fn skipped(error: Error) -> Skipped {
    let item = error.path().map(|p| p.display().to_string()).unwrap_or_default();
    Skipped { item, error }
}
