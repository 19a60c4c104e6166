//! Stands where this build has no aubio.

use super::BeatListener;

/// Version of the tracker.
pub const AUBIO_VERSION: &str = "none";

/// The tracker of aubio: not in this build.
pub fn aubio() -> Option<Box<dyn BeatListener>> {
    None
}
