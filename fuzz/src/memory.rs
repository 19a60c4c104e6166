//! A disk in memory that can only be read, and a folder for what reads the real one.

use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind};
use std::path::{Path, PathBuf};

use evermix::base::{ByteSource, Cancel, Limits, Quiet};
use evermix::pipeline::Context;
use evermix::store::{Checked, DiskFs, FileOut, Fs, Meta};
use serde::Serialize;

/// Files by name.
#[derive(Default)]
pub struct MemoryFs(pub BTreeMap<PathBuf, Vec<u8>>);

impl MemoryFs {
    /// A disk with one file.
    pub fn with(path: impl Into<PathBuf>, bytes: &[u8]) -> MemoryFs {
        MemoryFs(BTreeMap::from([(path.into(), bytes.to_vec())]))
    }

    fn inside<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = &'a PathBuf> {
        self.0.keys().filter(move |path| path.starts_with(folder))
    }
}

fn refused<T>() -> io::Result<T> {
    Err(ErrorKind::ReadOnlyFilesystem.into())
}

impl Fs for MemoryFs {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ByteSource>> {
        let bytes = self.0.get(path).ok_or(ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.clone())))
    }
    fn create(&self, _: &Path) -> io::Result<Box<dyn FileOut>> {
        refused()
    }
    fn create_new(&self, _: &Path) -> io::Result<Box<dyn FileOut>> {
        refused()
    }
    fn create_dir_all(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refused()
    }
    fn remove_file(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn remove_dir_all(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        refused()
    }
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        if let Some(bytes) = self.0.get(path) {
            return Ok(Meta { bytes: bytes.len() as u64, is_dir: false, modified: 0 });
        }
        let folder = self.inside(path).next().is_some();
        let found = Meta { bytes: 0, is_dir: true, modified: 0 };
        if folder { Ok(found) } else { Err(ErrorKind::NotFound.into()) }
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let children = self.inside(path).filter(|file| file.parent() == Some(path));
        Ok(children.cloned().collect())
    }
}

/// Does something on a disk.
pub fn in_context<T>(fs: &MemoryFs, work: impl FnOnce(&Context<'_>) -> T) -> T {
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let progress = &Quiet;
    work(&Context { fs, limits: &limits, progress, cancel: &cancel, threads: 1, cache: None })
}

/// Does something on the real disk.
pub fn in_disk_context<T>(work: impl FnOnce(&Context<'_>) -> T) -> T {
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let (fs, progress) = (&DiskFs, &Quiet);
    work(&Context { fs, limits: &limits, progress, cancel: &cancel, threads: 1, cache: None })
}

/// A document as it lies on disk, with the right checksum.
pub fn checked<T: Serialize>(content: T) -> Vec<u8> {
    let compact = serde_json::to_vec(&content).unwrap_or_default();
    let checksum = blake3::hash(&compact).to_hex().to_string();
    serde_json::to_vec(&Checked { checksum, content }).unwrap_or_default()
}

/// A file of this name in a folder of this process, holding these bytes.
pub fn scratch(name: &str, bytes: &[u8]) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("evermix-fuzz-{}", std::process::id()));
    let path = folder.join(name);
    std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(&path, bytes))
        .unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    path
}
