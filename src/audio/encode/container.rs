//! The kind of file, told by its name.

use std::path::Path;

use super::wav::wav;
use super::{BitDepth, Encoder, Mp3Quality, Output, OutputTags, flac, mp3, opus};
use crate::audio::wav::SampleFormat;
use crate::base::{Error, ErrorKind, Result, SampleRate};

/// Bit rate of Opus files: transparent for most stereo music.
const OPUS_BITRATE: u32 = 160_000;

/// A kind of output file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// `.wav`
    Wav(SampleFormat),
    /// `.flac`, 24 bits.
    Flac,
    /// `.mp3`, LAME V0.
    Mp3,
    /// `.opus`
    Opus,
}

impl Container {
    /// The kind of file a name asks for.
    ///
    /// # Errors
    /// `Usage` naming the extensions known.
    pub fn of(path: &Path, format: SampleFormat) -> Result<Container> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "wav" | "wave" => Ok(Container::Wav(format)),
            "flac" => Ok(Container::Flac),
            "mp3" => Ok(Container::Mp3),
            "opus" => Ok(Container::Opus),
            _ => Err(Error::new(ErrorKind::Usage, "cannot tell the format of the output")
                .at(path)
                .because("the name must end in .wav, .flac, .mp3 or .opus")),
        }
    }

    /// What cue sheets call it.
    pub fn cue_type(self) -> &'static str {
        match self {
            Container::Mp3 => "MP3",
            _ => "WAVE",
        }
    }

    /// An encoder for one file of this kind.
    ///
    /// # Errors
    /// As the encoders.
    pub fn encoder(
        self,
        out: Box<dyn Output>,
        rate: SampleRate,
        channels: usize,
        tags: &OutputTags,
    ) -> Result<Box<dyn Encoder>> {
        match self {
            Container::Wav(format) => wav(out, rate, channels, format),
            Container::Flac => flac(out, rate, channels, BitDepth::TwentyFour, tags),
            Container::Mp3 => mp3(out, rate, channels, Mp3Quality::Vbr(0), tags),
            Container::Opus => opus(out, rate, channels, OPUS_BITRATE, tags),
        }
    }
}
