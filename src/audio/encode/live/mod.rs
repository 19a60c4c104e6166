//! Encoders for sound that has no end: packets instead of a file.
//!
//! A packet holds whole frames of its format, about a fifth of a second of them, so that whoever
//! begins to listen can begin with any packet.

mod flac;
mod mp3;
mod opus;
mod split;
#[cfg(test)]
mod tests;

use bytes::Bytes;

pub use mp3::Mp3Splitter;
pub use split::{Piece, Splitter};

use super::Mp3Quality;
use crate::base::{Error, ErrorKind, Result, SampleRate};

/// A stretch of encoded sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The encoded sound.
    pub bytes: Bytes,
    /// Its length, in frames of the encoder's rate.
    pub frames: u64,
}

/// What sound is encoded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// MP3.
    Mp3(Mp3Quality),
    /// Ogg Opus at so many bit/s.
    Opus(u32),
    /// FLAC, 16 bits.
    Flac,
}

impl Format {
    /// The media type, as servers tell it.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Mp3(_) => "audio/mpeg",
            Format::Opus(_) => "audio/ogg",
            Format::Flac => "audio/flac",
        }
    }

    /// What file names of it end in.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Mp3(_) => "mp3",
            Format::Opus(_) => "opus",
            Format::Flac => "flac",
        }
    }

    /// Bits a second, where they are known beforehand.
    pub fn bitrate(self) -> Option<u32> {
        match self {
            Format::Mp3(Mp3Quality::Cbr(kbps)) => Some(1_000 * u32::from(kbps)),
            Format::Opus(bitrate) => Some(bitrate),
            Format::Mp3(Mp3Quality::Vbr(_)) | Format::Flac => None,
        }
    }

    /// An encoder of stereo sound.
    ///
    /// # Errors
    /// `Usage` where the format knows no such quality.
    pub fn encoder(self, rate: SampleRate, name: &str) -> Result<Box<dyn LiveEncoder>> {
        match self {
            Format::Mp3(quality) => mp3::encoder(rate, quality),
            Format::Opus(bitrate) => opus::encoder(rate, bitrate, name),
            Format::Flac => flac::encoder(rate),
        }
    }

    /// What a listener gets before `first`, the packet it begins with; `before` is the packet
    /// before that, `header` what [`LiveEncoder::header`] told.
    pub fn opening(self, header: &Bytes, before: Option<&Packet>, first: &Packet) -> Bytes {
        match (self, before) {
            (Format::Mp3(_), Some(before)) => mp3::opening(&before.bytes, &first.bytes),
            _ => header.clone(),
        }
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    /// `mp3`, `mp3:192` (kbit/s), `mp3:V2`, `opus`, `opus:96` (kbit/s), `flac`.
    fn from_str(text: &str) -> Result<Format> {
        let unknown = || {
            Error::new(ErrorKind::Usage, format!("no format to stream: {text}"))
                .because("known are mp3, mp3:192, mp3:V2, opus, opus:96 and flac")
        };
        let (name, quality) = text.split_once(':').unwrap_or((text, ""));
        let format = match (name, quality) {
            ("mp3", "") => Format::Mp3(Mp3Quality::Cbr(128)),
            ("mp3", q) => match q.strip_prefix(['v', 'V']) {
                Some(level) => Format::Mp3(Mp3Quality::Vbr(level.parse().map_err(|_| unknown())?)),
                None => Format::Mp3(Mp3Quality::Cbr(q.parse().map_err(|_| unknown())?)),
            },
            ("opus", "") => Format::Opus(128_000),
            ("opus", q) => {
                let kbps: u32 = q.parse().map_err(|_| unknown())?;
                Format::Opus(kbps.saturating_mul(1_000))
            }
            ("flac", "") => Format::Flac,
            _ => return Err(unknown()),
        };
        // Whether the format knows that quality its encoder knows best.
        format.encoder(SampleRate::CD, "")?;
        Ok(format)
    }
}

/// Encodes stereo sound, block after block, for ever.
pub trait LiveEncoder: Send {
    /// Frames a second of its packets.
    fn rate(&self) -> SampleRate;

    /// What a decoder must be given before any packet; may be empty.
    fn header(&self) -> Bytes;

    /// Takes a block, a slice a channel, and appends the packets that became full.
    ///
    /// # Errors
    /// `Internal` where the encoder fails.
    fn encode(&mut self, planar: &[&[f32]], packets: &mut Vec<Packet>) -> Result<()>;
}
