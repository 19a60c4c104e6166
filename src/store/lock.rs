//! One process at a time in a folder of ours.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::fs::open_to_write;
use crate::base::{Error, ErrorKind, Result};

/// Held while a stage writes into a folder; the system releases it even after a kill.
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `folder`, which is made if need be.
    ///
    /// # Errors
    /// `ErrorKind::Busy` where another process holds it.
    pub fn take(folder: &Path) -> Result<Lock> {
        std::fs::create_dir_all(folder).map_err(|e| Error::io("cannot make folder", folder, e))?;
        let path = folder.join(".lock");
        let file = open_to_write(&path).map_err(|e| Error::io("cannot write", &path, e))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::new(ErrorKind::Busy, "folder in use")
                .at(folder)
                .because("another evermix command is working on it")
                .hint("wait for it to finish, or use another --project")),
            Err(TryLockError::Error(e)) => Err(Error::io("cannot lock", &path, e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_place_of_the_lock_empties_no_other_file() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("other");
        std::fs::write(&other, "precious").unwrap();
        std::os::unix::fs::symlink(&other, folder.path().join(".lock")).unwrap();
        assert_eq!(Lock::take(folder.path()).err().map(|e| e.kind()), Some(ErrorKind::Io));
        assert_eq!(std::fs::read(&other).unwrap(), b"precious");
    }

    #[test]
    fn a_second_taker_is_told_it_is_busy() {
        let folder = tempfile::tempdir().unwrap();
        let held = Lock::take(folder.path()).unwrap();
        assert_eq!(Lock::take(folder.path()).err().map(|e| e.kind()), Some(ErrorKind::Busy));
        drop(held);
        assert!(Lock::take(folder.path()).is_ok());
    }
}
