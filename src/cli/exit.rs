//! Exit codes.

use crate::base::ErrorKind;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// Everything done.
    pub const OK: Exit = Exit(0);
    /// Done, but some songs were skipped.
    pub const SKIPPED: Exit = Exit(3);

    /// The code for a failure.
    pub fn of(kind: ErrorKind) -> Exit {
        Exit(match kind {
            ErrorKind::Usage => 2,
            ErrorKind::Unusable => 3,
            ErrorKind::NoAudio => 4,
            ErrorKind::Limit => 5,
            ErrorKind::Io => 6,
            ErrorKind::Missing => 7,
            ErrorKind::Busy => 8,
            ErrorKind::Interrupted(signal) => 128u8.saturating_add(signal as u8),
            ErrorKind::Corrupt | ErrorKind::Internal => 1,
        })
    }
}
