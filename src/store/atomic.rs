//! Files appear whole or not at all: temporary name, flush, sync, rename, sync the folder.

use std::ffi::OsString;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::fs::{FileOut, Fs};
use crate::base::{Error, ErrorKind, Result};

/// Mark of our temporary names. They are hidden and lie beside the final file.
const MARK: &str = ".evermix-part";

/// A handle on a pending file for encoders that want to own their output.
#[derive(Clone)]
pub struct SharedFile(Arc<Mutex<Box<dyn FileOut>>>);

impl SharedFile {
    fn file(&self) -> io::Result<MutexGuard<'_, Box<dyn FileOut>>> {
        self.0.lock().map_err(|_| io::Error::other("another thread failed while writing"))
    }
}

impl Write for SharedFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file()?.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file()?.flush()
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file()?.seek(to)
    }
}

/// A file under a temporary name. Dropped without `commit` it is removed.
pub struct Pending<'a> {
    fs: &'a dyn Fs,
    file: SharedFile,
    temp: PathBuf,
    target: PathBuf,
}

impl<'a> Pending<'a> {
    /// Starts writing what will be `target`. Its folder is made if need be.
    ///
    /// # Errors
    /// `ErrorKind::Io` naming the file; `Busy` while another process writes it.
    pub fn create(fs: &'a dyn Fs, target: &Path) -> Result<Self> {
        if let Some(folder) = target.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs.create_dir_all(folder).map_err(|e| Error::io("cannot make folder", folder, e))?;
        }
        let temp = temp_path(target);
        let file = fs.create(&temp).map_err(|e| match e.kind() {
            io::ErrorKind::WouldBlock => Error::new(ErrorKind::Busy, "file in use")
                .at(target)
                .because("another evermix command is writing it")
                .hint("wait for it to finish, or choose another name"),
            _ => Error::io("cannot write", target, e),
        })?;
        let file = SharedFile(Arc::new(Mutex::new(file)));
        Ok(Pending { fs, file, temp, target: target.to_path_buf() })
    }

    /// A second handle on the file, for an encoder to own until it is finished.
    pub fn share(&self) -> SharedFile {
        self.file.clone()
    }

    /// Makes the bytes durable and gives the file its name.
    ///
    /// # Errors
    /// `ErrorKind::Io` naming the file; its name then stands for the old file or for the whole new
    /// one, never for a part.
    pub fn commit(mut self) -> Result<()> {
        let target = self.target.clone();
        self.finish().map_err(|e| Error::io("cannot write", &target, e))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.file()?.sync()?;
        self.fs.rename(&self.temp, &self.target)?;
        self.temp.clear();
        match self.target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => self.fs.sync_dir(folder),
            _ => self.fs.sync_dir(Path::new(".")),
        }
    }
}

impl Write for Pending<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Pending<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if !self.temp.as_os_str().is_empty() {
            // A file that cannot be removed is swept by the next run.
            let _ = self.fs.remove_file(&self.temp);
        }
    }
}

/// Writes a small file in one go, atomically.
///
/// # Errors
/// `ErrorKind::Io` naming the file.
pub fn write_atomic(fs: &dyn Fs, target: &Path, bytes: &[u8]) -> Result<()> {
    let mut pending = Pending::create(fs, target)?;
    pending.write_all(bytes).map_err(|e| Error::io("cannot write", target, e))?;
    pending.commit()
}

/// Removes temporary files and folders an earlier, killed run left in `folder`. Call it only
/// while holding the folder's lock. Files that another process is writing are left to it.
///
/// # Errors
/// `Io` naming what cannot be removed.
pub fn sweep(fs: &dyn Fs, folder: &Path) -> Result<()> {
    let Ok(entries) = fs.read_dir(folder) else { return Ok(()) };
    for entry in entries {
        let name = entry.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') && name.ends_with(MARK) {
            remove(fs, &entry).map_err(|e| Error::io("cannot remove a leftover", &entry, e))?;
        }
    }
    Ok(())
}

fn remove(fs: &dyn Fs, leftover: &Path) -> io::Result<()> {
    if fs.metadata(leftover).is_ok_and(|m| m.is_dir) {
        return fs.remove_dir_all(leftover);
    }
    match fs.create(leftover) {
        Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
        // What cannot be opened is nobody's; what can is held until it is gone.
        _held => fs.remove_file(leftover),
    }
}

/// The hidden temporary name beside `target`. It is the same for every run: two at a time are kept
/// apart by [`Fs::create`], and a leftover is simply overwritten.
pub(super) fn temp_path(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    // Long names must not become too long with the mark.
    let mut text = name.to_string_lossy().into_owned();
    if text.len() > 200 {
        text = format!(".{}", blake3::hash(text.as_bytes()).to_hex());
    }
    target.with_file_name(format!("{text}{MARK}"))
}

#[cfg(test)]
mod tests {
    use super::super::failing::FailingFs;
    use super::super::fs::DiskFs;
    use super::*;

    #[test]
    fn whatever_operation_fails_the_old_file_stays_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        write_atomic(&DiskFs, &target, b"old").unwrap();
        let mut failures = 0;
        loop {
            let fs = FailingFs::after(failures, io::ErrorKind::StorageFull);
            let result = write_atomic(&fs, &target, b"new and longer");
            let seen = std::fs::read(&target).unwrap();
            assert!(seen == b"old" || seen == b"new and longer", "torn file");
            if result.is_ok() {
                break;
            }
            failures += 1;
        }
        assert!(failures >= 4, "create, write, sync and rename can each fail");
        sweep(&DiskFs, folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn two_who_write_one_file_at_a_time_never_mix() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("z");
        let held = Pending::create(&DiskFs, &target).unwrap();
        let second = Pending::create(&DiskFs, &target).err().expect("refused");
        assert_eq!(second.kind(), ErrorKind::Busy);
        sweep(&DiskFs, folder.path()).unwrap();
        held.commit().unwrap();
        let write = |letter: u8| {
            let text = vec![letter; 40_000];
            (0..60).filter(|_| write_atomic(&DiskFs, &target, &text).is_ok()).count()
        };
        std::thread::scope(|scope| {
            let writers = [b'a', b'b', b'c', b'd'].map(|l| scope.spawn(move || write(l)));
            for _ in 0..200 {
                let seen = std::fs::read(&target).unwrap();
                assert!(seen.is_empty() || seen.len() == 40_000, "{} bytes", seen.len());
                assert!(seen.windows(2).all(|w| w[0] == w[1]), "two writers in one file");
            }
            assert!(writers.map(|w| w.join().unwrap()).iter().sum::<usize>() > 0);
        });
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_place_of_a_temporary_file_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let (other, target) = (folder.path().join("other"), folder.path().join("x"));
        std::fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, temp_path(&target)).unwrap();
        assert_eq!(write_atomic(&DiskFs, &target, b"new").unwrap_err().kind(), ErrorKind::Io);
        sweep(&DiskFs, folder.path()).unwrap();
        write_atomic(&DiskFs, &target, b"new").unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"precious");
    }

    #[test]
    fn only_names_of_ours_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".x.evermix-part", "y.evermix-part", ".evermix-part.wav"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir_all(folder.path().join(".d.evermix-part/e")).unwrap();
        sweep(&DiskFs, folder.path()).unwrap();
        let left = DiskFs.read_dir(folder.path()).unwrap();
        let names: Vec<_> = left.iter().map(|p| p.file_name().unwrap()).collect();
        assert_eq!(names, [".evermix-part.wav", "y.evermix-part"]);
    }

    #[test]
    fn an_abandoned_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut pending = Pending::create(&DiskFs, &folder.path().join("y")).unwrap();
        pending.write_all(b"half").unwrap();
        drop(pending);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
