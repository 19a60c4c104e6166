//! The catalogue: every song of a library in short, in one file of the project.
//!
//! It knows files by path, length and time of writing, and songs by their content. A library of
//! ten thousand is told apart into known, new, changed and gone files in a moment: no song and no
//! analysis is opened. Nothing in it cannot be found again but the plays.

mod record;
mod sql;
mod update;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::song::SongId;
use crate::base::{Error, ErrorKind, Event, Result};
use crate::pipeline::Context;
use crate::store::{exists, means_absent};
pub use record::{Heard, Known, Listed, Record};
use sql::Database;
pub use update::{Library, update, update_some, update_with};

/// The catalogue of a project, in its folder.
pub const CATALOGUE: &str = "catalogue.sqlite";
/// How long another process is waited for. It writes for a fraction of a second at a time.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open catalogue.
pub struct Catalogue {
    database: Database,
}

/// A listing beside the catalogue. Numbers are places in the listing.
#[derive(Debug, Default, PartialEq)]
pub struct Look {
    /// For each file what is known of its song, if the file is as it was.
    pub known: Vec<Option<Known>>,
    /// Files never seen.
    pub new: Vec<usize>,
    /// Files seen otherwise.
    pub changed: Vec<usize>,
    /// Files of the catalogue that are not in the listing.
    pub gone: Vec<PathBuf>,
}

impl Catalogue {
    /// Opens the catalogue at `path`, or makes an empty one.
    ///
    /// # Errors
    /// `Corrupt` where it is damaged, `Usage` where it is not ours or of a newer version, `Busy`
    /// where another process keeps it too long, `Io`.
    pub fn open(path: &Path) -> Result<Catalogue> {
        Catalogue::open_with(path, PATIENCE)
    }

    /// As [`Catalogue::open`]; another process that writes is waited for as long as `patience`.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn open_with(path: &Path, patience: Duration) -> Result<Catalogue> {
        Ok(Catalogue { database: Database::open(&real(path)?, patience)? })
    }

    /// As [`Catalogue::open`], but a damaged file is set aside, which is told, and a new one begun.
    ///
    /// # Errors
    /// As [`Catalogue::open`].
    pub fn open_or_rebuild(context: &Context<'_>, path: &Path) -> Result<Catalogue> {
        match Catalogue::open(path) {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                set_aside(context, path, &error)?;
                Catalogue::open(path)
            }
            opened => opened,
        }
    }

    /// A catalogue that is gone with the process.
    ///
    /// # Errors
    /// `Io` where there is no memory for it.
    pub fn in_memory() -> Result<Catalogue> {
        Ok(Catalogue { database: Database::in_memory()? })
    }

    /// Holds a listing against what is known.
    ///
    /// # Errors
    /// `Corrupt`, `Busy`, `Io`.
    pub fn look(&self, listing: &[Listed]) -> Result<Look> {
        let mut rows: HashMap<PathBuf, (Listed, Known)> = HashMap::new();
        for (file, known) in self.database.all()? {
            rows.insert(file.path.clone(), (file, known));
        }
        let mut look = Look { known: Vec::with_capacity(listing.len()), ..Look::default() };
        for (place, file) in listing.iter().enumerate() {
            let row = rows.remove(&file.path);
            match &row {
                None => look.new.push(place),
                Some((then, _)) if then != file => look.changed.push(place),
                Some(_) => {}
            }
            look.known.push(row.filter(|(then, _)| then == file).map(|(_, known)| known));
        }
        look.gone = rows.into_keys().collect();
        look.gone.sort();
        Ok(look)
    }

    /// What is known of a content, whatever its file is called.
    ///
    /// # Errors
    /// `Corrupt`, `Busy`, `Io`.
    pub fn song(&self, id: &SongId) -> Result<Option<Known>> {
        self.database.one(id)
    }

    /// Keeps what was found out about files, all of it or none.
    ///
    /// # Errors
    /// `Corrupt`, `Busy`, `Io`; nothing is kept then.
    pub fn record(&mut self, found: impl IntoIterator<Item = (Listed, Record)>) -> Result<()> {
        self.database.put(found)
    }

    /// Every file in the catalogue, sorted.
    ///
    /// # Errors
    /// `Corrupt`, `Busy`, `Io`.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        self.database.paths()
    }

    /// Strikes files out. What was heard of their songs stays, and their plays.
    ///
    /// # Errors
    /// `Corrupt`, `Busy`, `Io`.
    pub fn forget(&mut self, files: &[PathBuf]) -> Result<()> {
        if files.is_empty() { Ok(()) } else { self.database.forget(files) }
    }

    /// Counts a play.
    ///
    /// # Errors
    /// `Corrupt`, `Busy`, `Io`.
    pub fn played(&mut self, id: &SongId) -> Result<()> {
        self.database.played(id)
    }
}

/// The path without links in its folder, which is made if need be: the file itself must be no link.
fn real(path: &Path) -> Result<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot make folder", folder, e))?;
    let folder = folder.canonicalize().map_err(|e| Error::io("cannot look at", folder, e))?;
    let path = folder.join(path.file_name().unwrap_or_default());
    match std::fs::symlink_metadata(&path) {
        Ok(meta) if !meta.is_file() => Err(Error::new(ErrorKind::Io, "cannot use the catalogue")
            .at(path)
            .because("it is no regular file")
            .hint("move it away, or use another --project")),
        Err(e) if !means_absent(&e) => Err(Error::io("cannot look at", &path, e)),
        _ => Ok(path),
    }
}

/// Moves a damaged catalogue away, with its journal: beside a new file it would be played back.
fn set_aside(context: &Context<'_>, path: &Path, error: &Error) -> Result<()> {
    let named = |end: &str| {
        let mut name = path.as_os_str().to_os_string();
        name.push(end);
        PathBuf::from(name)
    };
    let aside = named(".damaged");
    let moved = |from: &Path, to: &Path| {
        context.fs.rename(from, to).map_err(|e| Error::io("cannot move", from, e))
    };
    if exists(context.fs, &named("-journal"))? {
        moved(&named("-journal"), &named(".damaged-journal"))?;
    }
    moved(path, &aside)?;
    let text = format!(
        "{}; the file is kept as {} and a new one begun: plays are counted from none",
        error.reason(),
        aside.display()
    );
    context.progress.report(Event::Note { text: &text });
    Ok(())
}
