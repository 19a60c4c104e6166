//! What the catalogue knows of a file and of a song.

use std::path::{Path, PathBuf};

use crate::audio::Tags;
use crate::base::{Error, Result};
use crate::forever::song::{Plays, SongId, Summary};
use crate::store::Fs;

/// A file as a folder lists it: what tells, without reading it, whether it is the one we know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where it is, from the root on.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// When it was last written, in nanoseconds since 1970.
    pub modified: i64,
}

impl Listed {
    /// The file at `path` as it is now.
    ///
    /// # Errors
    /// `Io` naming the file.
    pub fn look(fs: &dyn Fs, path: &Path) -> Result<Listed> {
        let meta = fs.metadata(path).map_err(|e| Error::io("cannot look at", path, e))?;
        let path = from_root(path)?;
        Ok(Listed { path, bytes: meta.bytes, modified: meta.modified })
    }
}

/// A path that stays true when another folder becomes the current one.
///
/// # Errors
/// `Io` where the current folder is gone.
pub fn from_root(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Error::io("cannot look at", path, e))
}

/// What was heard of a song.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// What it says about itself.
    pub tags: Tags,
    /// Its analysis in short.
    pub summary: Summary,
}

/// One content: a song heard, or why it cannot be.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What it is.
    pub id: SongId,
    /// The name of its analysis in the cache; it tells who listened, and how.
    pub analysis: String,
    /// What was heard, or the reason why nothing was.
    pub heard: Result<Box<Heard>, String>,
}

/// What the catalogue knows of a song.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The song.
    pub record: Record,
    /// When it was played.
    pub plays: Plays,
}
