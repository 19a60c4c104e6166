//! The few file operations we need, behind a trait so that each can be made to fail in tests.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::ByteSource;

/// What we ask about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Length in bytes.
    pub bytes: u64,
    /// True for folders.
    pub is_dir: bool,
}

/// A file being written.
pub trait FileOut: Write + Seek + Send {
    /// Makes the bytes durable.
    ///
    /// # Errors
    /// As `fsync`.
    fn sync(&mut self) -> io::Result<()>;
}

/// All access to files of ours.
pub trait Fs: Send + Sync {
    /// Opens for reading.
    ///
    /// # Errors
    /// As the operating system.
    fn open(&self, path: &Path) -> io::Result<Box<dyn ByteSource>>;
    /// Creates or empties a file for writing.
    ///
    /// # Errors
    /// As the operating system.
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileOut>>;
    /// Creates a folder and its parents.
    ///
    /// # Errors
    /// As the operating system.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Renames within one file system, replacing what is there.
    ///
    /// # Errors
    /// As the operating system.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// As the operating system.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all it holds.
    ///
    /// # Errors
    /// As the operating system.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    ///
    /// # Errors
    /// As `fsync`.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Length and kind; links are followed.
    ///
    /// # Errors
    /// As the operating system.
    fn metadata(&self, path: &Path) -> io::Result<Meta>;
    /// The entries of a folder, sorted.
    ///
    /// # Errors
    /// As the operating system.
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>>;
    /// The whole of a small file; more than `limit` bytes are an error.
    ///
    /// # Errors
    /// `FileTooLarge` beyond the limit, else as the operating system.
    fn read(&self, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > limit {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        Ok(bytes)
    }
}

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFs;

impl FileOut for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

impl Fs for DiskFs {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ByteSource>> {
        Ok(Box::new(File::open(path)?))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        Ok(Box::new(File::create(path)?))
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        let meta = fs::metadata(path)?;
        Ok(Meta { bytes: meta.len(), is_dir: meta.is_dir() })
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut entries =
            fs::read_dir(path)?.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    }
}

/// A disk on which the n-th operation that could lose something fails, as SQLite tests itself.
#[derive(Clone, Debug)]
pub struct FailingFs {
    left: Arc<AtomicU64>,
    kind: io::ErrorKind,
}

impl FailingFs {
    /// Lets `n` operations pass and fails all that follow, with errors of one kind.
    pub fn after(n: u64, kind: io::ErrorKind) -> Self {
        FailingFs { left: Arc::new(AtomicU64::new(n)), kind }
    }

    /// True once an operation has failed.
    pub fn has_failed(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    fn step(&self) -> io::Result<()> {
        let spend = |left: u64| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend) {
            Ok(left) if left > 1 => Ok(()),
            _ => Err(io::Error::from(self.kind)),
        }
    }
}

struct FailingFile {
    inner: Box<dyn FileOut>,
    fs: FailingFs,
}

impl Write for FailingFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        // A failing disk may have taken a part: leave a torn file behind.
        if let Err(e) = self.fs.step() {
            let _ = self.inner.write(&buf[..buf.len() / 2]);
            return Err(e);
        }
        self.inner.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl Seek for FailingFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl FileOut for FailingFile {
    fn sync(&mut self) -> io::Result<()> {
        self.fs.step()?;
        self.inner.sync()
    }
}

impl Fs for FailingFs {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ByteSource>> {
        self.step()?;
        DiskFs.open(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        self.step()?;
        Ok(Box::new(FailingFile { inner: DiskFs.create(path)?, fs: self.clone() }))
    }
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        DiskFs.create_dir_all(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step()?;
        DiskFs.rename(from, to)
    }
    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        DiskFs.remove_file(path)
    }
    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        DiskFs.remove_dir_all(path)
    }
    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.step()?;
        DiskFs.sync_dir(path)
    }
    fn metadata(&self, path: &Path) -> io::Result<Meta> {
        DiskFs.metadata(path)
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        DiskFs.read_dir(path)
    }
}
