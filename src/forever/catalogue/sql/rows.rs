//! What a row holds.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::types::FromSql;
use rusqlite::{CachedStatement, Result, Row, params};

use super::super::record::{Heard, Known, Listed, Record};
use crate::analysis::Key;
use crate::analysis::soundprint::{Mark, SoundPrint};
use crate::audio::Tags;
use crate::base::{Bpm, Lufs, Seconds};
use crate::forever::song::{Part, Plays, SongId, Summary, TIMBRE, Timbre};

/// The first column of a song; before it stand those of its file.
const SONG: usize = 3;

/// Paths are bytes: not every name is text.
pub fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

pub fn path_of(bytes: &[u8]) -> PathBuf {
    OsString::from_vec(bytes.to_vec()).into()
}

/// Columns one after the other.
struct Columns<'a, 'b> {
    row: &'a Row<'b>,
    at: usize,
}

impl Columns<'_, '_> {
    fn next<T: FromSql>(&mut self) -> Result<T> {
        self.at += 1;
        self.row.get(self.at - 1)
    }

    /// A number; an infinite one is no number.
    fn number(&mut self) -> Result<Option<f64>> {
        Ok(self.next::<Option<f64>>()?.filter(|x| x.is_finite()))
    }

    fn share(&mut self) -> Result<Option<f64>> {
        Ok(self.number()?.filter(|x| (0.0..=1.0).contains(x)))
    }

    fn tempo(&mut self) -> Result<Option<Bpm>> {
        Ok(self.number()?.filter(|&x| x > 0.0).map(Bpm))
    }

    fn timbre(&mut self) -> Result<Option<Timbre>> {
        let bytes: Option<Vec<u8>> = self.next()?;
        Ok(bytes.as_deref().and_then(timbre))
    }

    fn part(&mut self) -> Result<Part> {
        Ok(Part { tempo: self.tempo()?, timbre: self.timbre()? })
    }

    fn tags(&mut self) -> Result<Tags> {
        Ok(Tags {
            title: self.next()?,
            artist: self.next()?,
            album: self.next()?,
            genre: self.next()?,
        })
    }

    fn summary(&mut self) -> Result<Summary> {
        Ok(Summary {
            duration: self.number()?.map(Seconds),
            tempo: self.tempo()?,
            metre: self.next::<Option<i64>>()?.and_then(|n| u8::try_from(n).ok()),
            key: self.next::<Option<i64>>()?.and_then(key).zip(self.share()?),
            energy: self.share()?,
            danceability: self.share()?,
            loudness: self.number()?.map(Lufs),
            timbre: self.timbre()?,
            opening: self.part()?,
            ending: self.part()?,
            print: Arc::new(print(&self.next::<Option<Vec<u8>>>()?.unwrap_or_default())),
        })
    }
}

fn timbre(bytes: &[u8]) -> Option<Timbre> {
    let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let values: Vec<f32> = values.collect();
    let found: Timbre = values.try_into().ok()?;
    (bytes.len() == 4 * TIMBRE && found.iter().all(|x| x.is_finite())).then_some(found)
}

/// Marks as pairs of four bytes; bytes that are no marks, in order, tell nothing.
fn print(bytes: &[u8]) -> SoundPrint {
    let word = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
    let mark = |b: &[u8]| Mark { at: word(&b[..4]), bits: word(&b[4..]) };
    let marks: Vec<Mark> = bytes.chunks_exact(8).map(mark).collect();
    if marks.is_sorted_by(|a, b| a.at < b.at) {
        SoundPrint { marks }
    } else {
        SoundPrint::default()
    }
}

fn print_bytes(print: &SoundPrint) -> Vec<u8> {
    print.marks.iter().flat_map(|m| [m.at.to_le_bytes(), m.bits.to_le_bytes()]).flatten().collect()
}

/// Major keys are 0 to 11 from C on, minor keys 12 to 23.
fn key_number(key: Key) -> i64 {
    (key.tonic % 12) as i64 + if key.minor { 12 } else { 0 }
}

fn key(number: i64) -> Option<Key> {
    let n = usize::try_from(number).ok().filter(|&n| n < 24)?;
    Some(Key { tonic: n % 12, minor: n >= 12 })
}

/// The file of a row; `None` where its numbers make no sense.
pub fn listed(row: &Row<'_>) -> Result<Option<Listed>> {
    let mut columns = Columns { row, at: 0 };
    let path = path_of(&columns.next::<Vec<u8>>()?);
    let (bytes, modified): (i64, i64) = (columns.next()?, columns.next()?);
    Ok(u64::try_from(bytes).ok().map(|bytes| Listed { path, bytes, modified }))
}

/// The song of a row; `None` where its name is no hash.
pub fn known(row: &Row<'_>) -> Result<Option<Known>> {
    let mut columns = Columns { row, at: SONG };
    let id = columns.next::<Vec<u8>>()?.try_into().map(SongId);
    let counted = |n: i64| u64::try_from(n).ok();
    let plays = Plays {
        count: columns.next::<Option<i64>>()?.and_then(counted).unwrap_or(0),
        last: columns.next::<Option<i64>>()?.and_then(counted),
    };
    let analysis = columns.next()?;
    let unusable: Option<String> = columns.next()?;
    let heard = match unusable {
        Some(reason) => Err(reason),
        None => Ok(Box::new(Heard { tags: columns.tags()?, summary: columns.summary()? })),
    };
    Ok(id.ok().map(|id| Known { record: Record { id, analysis, heard }, plays }))
}

pub fn put_song(statement: &mut CachedStatement<'_>, record: &Record) -> Result<()> {
    let none = Heard::default();
    let (heard, unusable) = match &record.heard {
        Ok(heard) => (heard.as_ref(), None),
        Err(reason) => (&none, Some(reason.as_str())),
    };
    let (tags, summary) = (&heard.tags, &heard.summary);
    let blob = |timbre: Option<Timbre>| {
        timbre.map(|t| t.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
    };
    statement.execute(params![
        record.id.0.as_slice(),
        record.analysis,
        unusable,
        tags.title,
        tags.artist,
        tags.album,
        tags.genre,
        summary.duration.map(|s| s.0),
        summary.tempo.map(|t| t.0),
        summary.metre,
        summary.key.map(|(key, _)| key_number(key)),
        summary.key.map(|(_, sure)| sure),
        summary.energy,
        summary.danceability,
        summary.loudness.map(|l| l.0),
        blob(summary.timbre),
        summary.opening.tempo.map(|t| t.0),
        blob(summary.opening.timbre),
        summary.ending.tempo.map(|t| t.0),
        blob(summary.ending.timbre),
        print_bytes(&summary.print),
    ])?;
    Ok(())
}
