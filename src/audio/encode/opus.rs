//! Ogg Opus (RFC 6716, RFC 7845), exact in length.

use std::io::{BufWriter, Write};

use opus_pure::{
    Application, Error as OpusError, MAX_PACKET_BYTES, OggOpusWriter, OpusEncoder, OpusHead,
    OpusTags, RateControl,
};

use super::resample::RateConverter;
use super::{Encoder, Output, OutputTags, check_channels, internal, write_failed};
use crate::base::{Error, ErrorKind, Result, SampleRate};

/// The rate Opus works at.
pub(super) const RATE: u32 = 48_000;
/// Frames in a packet: 20 ms.
const PACKET: usize = 960;
/// The bit rates Opus is defined for, in bit/s.
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=510_000;

/// An Ogg Opus encoder for one or two channels at about `bitrate` bit/s (128 000 is transparent
/// for most stereo music). Other rates than 48 000 Hz are resampled to it. The stream's serial
/// number is a hash of its headers, so the same input gives the same bytes.
///
/// # Errors
/// `ErrorKind::Usage` for more than two channels or a bit rate outside 6 000..=510 000,
/// `ErrorKind::Io` if the headers cannot be written.
pub fn opus(
    out: Box<dyn Output>,
    rate: SampleRate,
    channels: usize,
    bitrate: u32,
    tags: &OutputTags,
) -> Result<Box<dyn Encoder>> {
    let (encoder, head, comments) = set_up(rate, channels, bitrate, tags)?;
    let pre_skip = u64::from(head.pre_skip);
    let out = BufWriter::with_capacity(1 << 16, out);
    let writer = OggOpusWriter::with_tags(out, head, comments).map_err(failed)?;
    Ok(Box::new(Opus {
        converter: RateConverter::new(rate, SampleRate::new(RATE)?, channels)?,
        packets: Packets::new(encoder, writer, channels),
        pre_skip,
        frames: 0,
    }))
}

/// An encoder and the two headers of its stream.
pub(super) fn set_up(
    rate: SampleRate,
    channels: usize,
    bitrate: u32,
    tags: &OutputTags,
) -> Result<(OpusEncoder, OpusHead, OpusTags)> {
    check_channels("Opus", channels, 2)?;
    if !BITRATES.contains(&bitrate) {
        return Err(Error::new(ErrorKind::Usage, format!("Opus knows no {bitrate} bit/s"))
            .because("it takes 6000 to 510000"));
    }
    let mut encoder =
        OpusEncoder::new(RATE as i32, channels, Application::Audio).map_err(failed)?;
    encoder.bitrate_bps = bitrate as i32;
    encoder.rate_control = RateControl::Vbr;
    let head = OpusHead::for_encoder(&encoder, rate.hz());
    let mut comments = OpusTags::new();
    for (name, text) in tags.vorbis() {
        comments.push(name, text).map_err(failed)?;
    }
    Ok((encoder, head, comments))
}

struct Opus {
    converter: RateConverter,
    packets: Packets<BufWriter<Box<dyn Output>>>,
    pre_skip: u64,
    frames: u64,
}

impl Encoder for Opus {
    fn write(&mut self, planar: &[&[f32]]) -> Result<()> {
        let ready = self.converter.push(planar)?;
        self.frames += ready[0].len() as u64;
        self.packets.take(ready)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let rest = self.converter.finish()?;
        self.frames += rest[0].len() as u64;
        self.packets.take(rest)?;
        self.packets.end_at(self.pre_skip + self.frames)?;
        let mut out = self.packets.writer.finish().map_err(failed)?;
        out.flush().map_err(write_failed)
    }
}

/// Frames become packets, and packets an Ogg stream.
pub(super) struct Packets<W: Write> {
    pub encoder: OpusEncoder,
    pub writer: OggOpusWriter<W>,
    channels: usize,
    /// Interleaved frames of the packet being filled: always fewer than a packet between calls.
    block: Vec<f32>,
    packet: Vec<u8>,
}

impl<W: Write> Packets<W> {
    pub fn new(encoder: OpusEncoder, writer: OggOpusWriter<W>, channels: usize) -> Self {
        let block = Vec::with_capacity(PACKET * channels);
        Packets { encoder, writer, channels, block, packet: vec![0; MAX_PACKET_BYTES] }
    }

    /// Encodes all packets that became full.
    pub fn take(&mut self, planar: &[Vec<f32>]) -> Result<()> {
        let mut from = 0;
        while from < planar[0].len() {
            let room = PACKET - self.block.len() / self.channels;
            let to = (from + room).min(planar[0].len());
            for frame in from..to {
                self.block.extend(planar.iter().map(|channel| channel[frame]));
            }
            from = to;
            if self.block.len() == PACKET * self.channels {
                self.encode_block(PACKET as u64)?;
            }
        }
        Ok(())
    }

    /// Pads with silence until the encoder, which runs `pre_skip` frames late, has given out
    /// every frame, and lets the last packet count only up to `granule`: RFC 7845 section 4.4.
    /// There is always a packet left to write here, because `pre_skip` is not zero.
    fn end_at(&mut self, granule: u64) -> Result<()> {
        loop {
            let left = granule.saturating_sub(self.writer.granule().unsigned_abs());
            self.block.resize(PACKET * self.channels, 0.0);
            self.encode_block(left.min(PACKET as u64))?;
            if left <= PACKET as u64 {
                return Ok(());
            }
        }
    }

    fn encode_block(&mut self, counted: u64) -> Result<()> {
        let bytes = self.encoder.encode(&self.block, PACKET, &mut self.packet).map_err(failed)?;
        self.block.clear();
        self.writer
            .write_packet_with_duration(&self.packet[..bytes], counted as u32)
            .map_err(failed)
    }
}

pub(super) fn failed(error: OpusError) -> Error {
    match error {
        OpusError::Io(source) => write_failed(source),
        other => internal("cannot encode Opus", other),
    }
}
