//! A disk that fails on purpose, as SQLite tests itself.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::fs::{DiskFs, FileOut, Fs, Meta};
use crate::base::ByteSource;

/// One thing done to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Opening for reading.
    Open,
    /// Reading from an open file.
    Read,
    /// Creating or emptying a file.
    Create,
    /// Writing to an open file.
    Write,
    /// Making a file's bytes durable.
    Sync,
    /// Creating a folder.
    CreateDir,
    /// Renaming.
    Rename,
    /// Removing a file.
    RemoveFile,
    /// Removing a folder.
    RemoveDir,
    /// Making a folder's names durable.
    SyncDir,
    /// Asking for length and kind.
    Metadata,
    /// Listing a folder.
    ReadDir,
}

/// A disk whose n-th operation fails.
#[derive(Clone, Debug)]
pub struct FailingFs(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Operations that still pass.
    left: u64,
    kind: io::ErrorKind,
    /// Whether everything after the first failure fails too.
    for_good: bool,
    failed: Option<(Operation, PathBuf)>,
    seen: Vec<Operation>,
}

impl FailingFs {
    /// Lets `n` operations pass and fails all that follow, with errors of one kind: a dead disk.
    pub fn after(n: u64, kind: io::ErrorKind) -> Self {
        FailingFs::new(n, kind, true)
    }

    /// Lets `n` operations pass, fails one, and lets all others pass: a hiccup, which shows errors
    /// that are swallowed.
    pub fn once(n: u64, kind: io::ErrorKind) -> Self {
        FailingFs::new(n, kind, false)
    }

    fn new(left: u64, kind: io::ErrorKind, for_good: bool) -> Self {
        let state = State { left, kind, for_good, failed: None, seen: Vec::new() };
        FailingFs(Arc::new(Mutex::new(state)))
    }

    /// The first operation that failed, and on what.
    pub fn failed(&self) -> Option<(Operation, PathBuf)> {
        self.state().failed.clone()
    }

    /// Every operation so far, in order.
    pub fn seen(&self) -> Vec<Operation> {
        self.state().seen.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A counter is whole whatever happened to the thread that held it.
        self.0.lock().unwrap_or_else(|p| p.into_inner())
    }

    fn step(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.seen.push(operation);
        if state.left > 0 {
            state.left -= 1;
            return Ok(());
        }
        if state.failed.is_none() {
            state.failed = Some((operation, path.to_path_buf()));
        } else if !state.for_good {
            return Ok(());
        }
        Err(io::Error::from(state.kind))
    }
}

struct FailingFile<F> {
    inner: F,
    path: PathBuf,
    fs: FailingFs,
}

impl Read for FailingFile<Box<dyn ByteSource>> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.fs.step(Operation::Read, &self.path)?;
        self.inner.read(buf)
    }
}

impl Write for FailingFile<Box<dyn FileOut>> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // A failing disk may have taken a part: leave a torn file behind.
        if let Err(e) = self.fs.step(Operation::Write, &self.path) {
            let _ = self.inner.write(&buf[..buf.len() / 2]);
            return Err(e);
        }
        self.inner.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<F: Seek> Seek for FailingFile<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl FileOut for FailingFile<Box<dyn FileOut>> {
    fn sync(&mut self) -> io::Result<()> {
        self.fs.step(Operation::Sync, &self.path)?;
        self.inner.sync()
    }
}

impl Fs for FailingFs {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ByteSource>> {
        self.step(Operation::Open, path)?;
        let inner = DiskFs.open(path)?;
        Ok(Box::new(FailingFile { inner, path: path.to_path_buf(), fs: self.clone() }))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        self.step(Operation::Create, path)?;
        let inner = DiskFs.create(path)?;
        Ok(Box::new(FailingFile { inner, path: path.to_path_buf(), fs: self.clone() }))
    }
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        self.step(Operation::Create, path)?;
        let inner = DiskFs.create_new(path)?;
        Ok(Box::new(FailingFile { inner, path: path.to_path_buf(), fs: self.clone() }))
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::CreateDir, path)?;
        DiskFs.create_dir_all(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(Operation::Rename, to)?;
        DiskFs.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::RemoveFile, path)?;
        DiskFs.remove_file(path)
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::RemoveDir, path)?;
        DiskFs.remove_dir_all(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step(Operation::SyncDir, path)?;
        DiskFs.sync_dir(path)
    }
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        self.step(Operation::Metadata, path)?;
        DiskFs.metadata(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        self.step(Operation::ReadDir, path)?;
        DiskFs.read_dir(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_operations_pass_as_were_granted() {
        let folder = tempfile::tempdir().unwrap();
        let pattern = |fs: FailingFs| [0; 4].map(|_| fs.metadata(folder.path()).is_ok());
        let kind = io::ErrorKind::StorageFull;
        assert_eq!(pattern(FailingFs::after(0, kind)), [false; 4]);
        assert_eq!(pattern(FailingFs::after(2, kind)), [true, true, false, false]);
        assert_eq!(pattern(FailingFs::once(2, kind)), [true, true, false, true]);
        let fs = FailingFs::once(0, kind);
        assert_eq!(fs.read_dir(folder.path()).unwrap_err().kind(), kind);
        assert_eq!(fs.failed(), Some((Operation::ReadDir, folder.path().to_path_buf())));
    }
}
