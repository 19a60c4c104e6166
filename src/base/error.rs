//! The one error type: what failed, on which file, why, and what to type next.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

/// `Result` with the house error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The class of a failure. It decides the exit code and whether a batch may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something typed makes no sense (exit code 2).
    Usage,
    /// One input cannot be used: broken, empty, too short, silent, without beats.
    /// A batch lists it and goes on (exit code 3).
    Unusable,
    /// No input could be read at all (exit code 4).
    NoAudio,
    /// A limit was hit; the message names the option that raises it (exit code 5).
    Limit,
    /// Reading or writing failed, or the disk is full (exit code 6).
    Io,
    /// A model, feature or earlier stage is not there (exit code 7).
    Missing,
    /// Another process works on the same project (exit code 8).
    Busy,
    /// A file of ours is damaged or does not belong to the others (exit code 1).
    Corrupt,
    /// Stopped by a signal, whose number is kept (exit code 128 + number).
    Interrupted(i32),
    /// A defect of ours, caught before it could do harm (exit code 1).
    Internal,
}

/// A failure that explains itself in at most three lines.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    what: String,
    path: Option<PathBuf>,
    why: Option<String>,
    hint: Option<String>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Starts an error: `what` says what could not be done, without a full stop.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error { kind, what: what.into(), path: None, why: None, hint: None, source: None }
    }

    /// A failed operation on a file; a full disk is named as such.
    pub fn io(what: impl Into<String>, path: &Path, source: std::io::Error) -> Self {
        let error = Error::new(ErrorKind::Io, what).at(path);
        let error = match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => error
                .because("the disk is full")
                .hint("free some space and run the same command again: finished songs are kept"),
            _ => error.because(source.to_string()),
        };
        error.caused_by(source)
    }

    /// A file of ours that is damaged; `redo` is the command that makes it anew.
    pub fn corrupt(path: &Path, why: impl Into<String>, redo: &str) -> Self {
        Error::new(ErrorKind::Corrupt, "damaged file")
            .at(path)
            .because(why)
            .hint(format!("make it again with: {redo}"))
    }

    /// The same failure in another class, where the caller knows better what it means.
    #[must_use]
    pub fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// Names the file concerned.
    #[must_use]
    pub fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_path_buf());
        self
    }

    /// Names the file concerned unless one is named already.
    #[must_use]
    pub fn or_at(self, path: impl AsRef<Path>) -> Self {
        if self.path.is_some() { self } else { self.at(path) }
    }

    /// Gives the reason.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Says what to type next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps the underlying error for the `-v` chain.
    #[must_use]
    pub fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file concerned, if there is one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The suggestion of what to type next, if there is one.
    pub fn next_step(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// What and why in one line, without the path and the hint: for lists of skipped songs.
    pub fn reason(&self) -> String {
        match &self.why {
            Some(why) => format!("{}: {why}", self.what),
            None => self.what.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&printable(&self.what))?;
        if let Some(path) = &self.path {
            write!(f, ": {}", printable(&path.to_string_lossy()))?;
        }
        if let Some(why) = &self.why {
            write!(f, "\n  why: {}", printable(why))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  try: {}", printable(hint))?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|s| s.as_ref() as &(dyn StdError + 'static))
    }
}

/// File names and tags are hostile text: control characters must not reach a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_where_why_and_what_next_in_three_lines() {
        let error = Error::new(ErrorKind::Missing, "no index")
            .at("p/index.evx")
            .because("fit-nearest-neighbours has not run")
            .hint("remix fit-nearest-neighbours");
        let text = error.to_string();
        assert_eq!(
            text,
            "no index: p/index.evx\n  why: fit-nearest-neighbours has not run\n  try: remix fit-nearest-neighbours"
        );
    }

    #[test]
    fn a_full_disk_is_called_that() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Error::io("cannot write", Path::new("x.wav"), full);
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(error.to_string().contains("the disk is full"));
    }

    #[test]
    fn escape_sequences_in_names_never_reach_the_terminal() {
        let error = Error::new(ErrorKind::Unusable, "cannot read").at("a\u{1b}[2Jb\n.mp3");
        assert!(!error.to_string().contains('\u{1b}'));
        assert_eq!(error.to_string().lines().count(), 1);
    }
}
