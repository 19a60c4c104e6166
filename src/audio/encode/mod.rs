//! Encoders for the finished music: FLAC, MP3 and Ogg Opus.
//!
//! All of them stream: memory does not grow with the length of the music, except for the few
//! bytes a minute that the formats' own seek tables need. The same input gives the same bytes.

mod container;
mod flac;
mod id3;
pub mod live;
mod mp3;
mod opus;
mod resample;
#[cfg(test)]
mod tests;
mod wav;

use std::io::{Seek, Write};

use crate::base::{Error, ErrorKind, Result};

pub use container::Container;
pub use flac::{BitDepth, flac};
pub use mp3::{Mp3Quality, mp3};
pub use opus::opus;

/// Where an encoded file goes: a file, or a cursor over memory in tests.
pub trait Output: Write + Seek + Send {}

impl<T: Write + Seek + Send> Output for T {}

/// Takes planar frames in blocks of any length and writes one encoded file.
///
/// Samples beyond ±1 are clamped and NaN counts as 0. A dropped encoder leaves an unfinished
/// file behind: only [`Encoder::finish`] makes it whole.
pub trait Encoder: Send {
    /// Takes one block: a slice a channel, all of the same length.
    ///
    /// # Errors
    /// `ErrorKind::Io` if writing fails, `ErrorKind::Internal` if the block has another shape
    /// than the encoder was made for, `ErrorKind::Limit` where the format can hold no more.
    fn write(&mut self, planar: &[&[f32]]) -> Result<()>;

    /// Writes what is still held back, completes the headers and flushes the output.
    ///
    /// # Errors
    /// `ErrorKind::Io` if writing fails.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// What the file says about itself. Empty fields are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutputTags {
    /// Name of the piece.
    pub title: String,
    /// Who made it.
    pub artist: String,
    /// What it belongs to.
    pub album: String,
    /// Where it comes from: seed, version and plan hash.
    pub comment: String,
    /// The program that made it, with its version.
    pub encoder: String,
}

impl OutputTags {
    /// The fields that say something, under their Vorbis comment names.
    fn vorbis(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("TITLE", &self.title),
            ("ARTIST", &self.artist),
            ("ALBUM", &self.album),
            ("COMMENT", &self.comment),
            ("ENCODER", &self.encoder),
        ]
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name, text.as_str()))
    }
}

/// The length of a block, once its shape is known to be right.
fn block_frames(planar: &[&[f32]], channels: usize) -> Result<usize> {
    let frames = planar.first().map_or(0, |c| c.len());
    if planar.len() == channels && planar.iter().all(|c| c.len() == frames) {
        return Ok(frames);
    }
    Err(Error::new(ErrorKind::Internal, "a block does not fit its encoder")
        .because(format!("{} channels came, {channels} were announced", planar.len())))
}

/// A sample an encoder can take: within ±1, and a number.
#[inline]
fn tamed(sample: f32) -> f32 {
    if sample.is_nan() { 0.0 } else { sample.clamp(-1.0, 1.0) }
}

/// Refuses channel counts that the format has no place for.
fn check_channels(format: &str, channels: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&channels) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, format!("{format} cannot hold {channels} channels"))
        .because(format!("the most it takes is {most}")))
}

fn write_failed(source: std::io::Error) -> Error {
    let error = Error::new(ErrorKind::Io, "cannot write the audio");
    let error = match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            error.because("the disk is full").hint("free some space and run the same command again")
        }
        _ => error.because(source.to_string()),
    };
    error.caused_by(source)
}

fn internal(what: &str, source: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, what).because(source.to_string())
}
