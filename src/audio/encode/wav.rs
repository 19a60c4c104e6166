//! The WAV writer as an encoder.

use std::io::BufWriter;

use super::{Encoder, Output, block_frames, write_failed};
use crate::audio::wav::{SampleFormat, WavWriter};
use crate::base::{Result, SampleRate};

struct Wav {
    writer: WavWriter<BufWriter<Box<dyn Output>>>,
    channels: usize,
}

/// A WAV encoder; RF64 beyond 4 GiB.
///
/// # Errors
/// `ErrorKind::Io` if the header cannot be written.
pub fn wav(
    out: Box<dyn Output>,
    rate: SampleRate,
    channels: usize,
    format: SampleFormat,
) -> Result<Box<dyn Encoder>> {
    let out = BufWriter::with_capacity(1 << 16, out);
    let writer = WavWriter::new(out, rate, channels, format).map_err(write_failed)?;
    Ok(Box::new(Wav { writer, channels }))
}

impl Encoder for Wav {
    fn write(&mut self, planar: &[&[f32]]) -> Result<()> {
        block_frames(planar, self.channels)?;
        self.writer.write(planar).map_err(write_failed)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.writer.finish().map(drop).map_err(write_failed)
    }
}
