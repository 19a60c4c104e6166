//! The few file operations we need, behind a trait so that each can be made to fail in tests.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::base::{ByteSource, Error, Result};

/// What we ask about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Length in bytes.
    pub bytes: u64,
    /// True for folders.
    pub is_dir: bool,
    /// When it was last written, in nanoseconds since 1970; 0 where that cannot be told.
    pub modified: i64,
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
    /// Creates or empties a file for writing, for this handle alone.
    ///
    /// # Errors
    /// `WouldBlock` while somebody else writes it, else as the operating system.
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileOut>>;
    /// Creates a file that is not there yet.
    ///
    /// # Errors
    /// `AlreadyExists` where something has the name, else as the operating system.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileOut>>;
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

/// Whether anything has this name. Not being able to look is no answer.
///
/// # Errors
/// `ErrorKind::Io` naming the file.
pub fn exists(fs: &dyn Fs, path: &Path) -> Result<bool> {
    match fs.metadata(path) {
        Ok(_) => Ok(true),
        Err(e) if means_absent(&e) => Ok(false),
        Err(e) => Err(Error::io("cannot look at", path, e)),
    }
}

/// True where the system says that there is no such file, not that it cannot tell.
pub fn means_absent(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidFilename)
}

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFs;

impl FileOut for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// Opens or creates a file as it is, to be locked before it is changed. A link in its place may
/// have been put there by somebody who wants another file emptied: it is not followed.
///
/// # Errors
/// As the operating system.
pub(super) fn open_to_write(path: &Path) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).custom_flags(flags).open(path)
}

/// Whether `path` is the name of this open file.
fn is_named(file: &File, path: &Path) -> bool {
    let place = |meta: fs::Metadata| (meta.dev(), meta.ino());
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => place(open) == place(named),
        _ => false,
    }
}

impl Fs for DiskFs {
    fn open(&self, path: &Path) -> io::Result<Box<dyn ByteSource>> {
        // Opening a pipe would wait for somebody to write to it.
        let flags = OFlags::NONBLOCK.bits() as i32;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Box::new(file))
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        loop {
            let file = open_to_write(path)?;
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
                // Where a file system knows no locks there is no way to keep writers apart.
                Err(TryLockError::Error(_)) | Ok(()) => {}
            }
            // Whoever held it may just have given it its final name: then it is not ours to empty.
            if is_named(&file, path) {
                file.set_len(0)?;
                return Ok(Box::new(file));
            }
        }
    }
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn FileOut>> {
        Ok(Box::new(File::create_new(path)?))
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
        let modified = meta.mtime().checked_mul(1_000_000_000);
        let modified = modified.and_then(|ns| ns.checked_add(meta.mtime_nsec())).unwrap_or(0);
        Ok(Meta { bytes: meta.len(), is_dir: meta.is_dir(), modified })
    }
    fn read_dir(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut entries =
            fs::read_dir(path)?.map(|e| Ok(e?.path())).collect::<io::Result<Vec<_>>>()?;
        entries.sort();
        Ok(entries)
    }
}
