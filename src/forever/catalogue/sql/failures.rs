//! What the database says when it fails, in our words.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::base::{Error, ErrorKind};

const ANEW: &str = "move the file away: the songs are catalogued again, analyses are kept";

pub fn failed(path: &Path, error: rusqlite::Error) -> Error {
    use ErrorCode as Code;
    let io = |why: String| Error::new(ErrorKind::Io, "cannot use the catalogue").because(why);
    let said = match error.sqlite_error_code() {
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
            Error::new(ErrorKind::Busy, "catalogue in use")
                .because("another evermix command is writing it")
                .hint("wait for it to finish, or use another --project")
        }
        Some(Code::DatabaseCorrupt | Code::NotADatabase) => {
            return damaged(path, &error.to_string()).caused_by(error);
        }
        Some(Code::DiskFull) => io("the disk is full".to_string())
            .hint("free some space and run the same command again: finished songs are kept"),
        Some(Code::ReadOnly) => io("it may not be written".to_string())
            .hint("make it writable, or use another --project"),
        Some(Code::CannotOpen) if path.is_symlink() => {
            io("it is a link, which is not followed".to_string())
        }
        Some(Code::CannotOpen | Code::SystemIoFailure | Code::PermissionDenied) => {
            io(error.to_string())
        }
        // A table that is not there, a value of the wrong kind: somebody else has been at it.
        _ => return damaged(path, &error.to_string()).caused_by(error),
    };
    said.at(path).caused_by(error)
}

pub fn damaged(path: &Path, why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "damaged catalogue").at(path).because(why).hint(ANEW)
}

pub fn foreign(path: &Path) -> Error {
    Error::new(ErrorKind::Usage, "no catalogue of ours")
        .at(path)
        .because("it is a database of another program")
        .hint("move it away, or use another --project")
}

pub fn other_version(path: &Path, version: i64) -> Error {
    Error::new(ErrorKind::Usage, "catalogue of another version")
        .at(path)
        .because(format!("its tables have version {version}, unknown to this program"))
        .hint("use a newer evermix, another --project, or move the file away")
}
