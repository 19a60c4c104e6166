//! WAV files of ours: RIFF up to 4 GiB, RF64 (EBU Tech 3306) beyond, written in whole blocks.
//!
//! The reader takes what the writer makes, for clips and stems that travel between stages; songs
//! of other people go through [`super::Decoder`].

use std::io::{self, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use super::AudioBuffer;
use super::buffer::LOUDEST;
use super::dither::Dither;
use crate::base::SampleRate;
use pack::{pack_float, pack_int};

mod pack;

/// How samples are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleFormat {
    /// 16-bit integers with triangular dither.
    Int16,
    /// 24-bit integers with triangular dither.
    Int24,
    /// 32-bit floats, which keep peaks above full scale.
    #[default]
    Float32,
}

impl SampleFormat {
    /// Bytes of one sample.
    pub fn bytes(self) -> usize {
        match self {
            SampleFormat::Int16 => 2,
            SampleFormat::Int24 => 3,
            SampleFormat::Float32 => 4,
        }
    }

    fn tag(self) -> u16 {
        match self {
            SampleFormat::Float32 => 3,
            _ => 1,
        }
    }
}

/// Bytes before the samples. A `JUNK` chunk keeps room for `ds64`, so that a file may outgrow
/// 4 GiB while it is written.
const HEADER: u64 = 12 + 36 + 24 + 8;

/// Writes one WAV file in blocks.
pub struct WavWriter<W: Write + Seek> {
    out: W,
    rate: SampleRate,
    channels: usize,
    format: SampleFormat,
    frames: u64,
    bytes: Vec<u8>,
    packer: WavBytes,
    hasher: Option<blake3::Hasher>,
}

impl<W: Write + Seek> WavWriter<W> {
    /// Starts a file; the header is completed by `finish`.
    ///
    /// # Errors
    /// As the underlying writer.
    pub fn new(
        mut out: W,
        rate: SampleRate,
        channels: usize,
        format: SampleFormat,
    ) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let packer = WavBytes::begin(rate, channels, format, 0, &mut bytes);
        out.write_all(&bytes)?;
        Ok(WavWriter { out, rate, channels, format, frames: 0, bytes, packer, hasher: None })
    }

    /// From here on samples are hashed as they are written.
    #[must_use]
    pub fn hashed(self) -> Self {
        WavWriter { hasher: Some(blake3::Hasher::new()), ..self }
    }

    /// blake3 of the samples so far; empty where nothing is hashed.
    pub fn digest(&self) -> String {
        digest(self.hasher.as_ref())
    }

    /// Appends a block with the file's number of channels, one slice a channel.
    ///
    /// # Errors
    /// As the underlying writer.
    pub fn write(&mut self, planes: &[&[f32]]) -> io::Result<()> {
        let frames = planes.first().map_or(0, |plane| plane.len());
        self.bytes.clear();
        self.packer.append(planes, &mut self.bytes);
        hash(self.hasher.as_mut(), &self.bytes);
        self.out.write_all(&self.bytes)?;
        self.frames += frames as u64;
        Ok(())
    }

    /// Completes the header and gives the writer back.
    ///
    /// # Errors
    /// As the underlying writer.
    pub fn finish(mut self) -> io::Result<W> {
        let data = self.frames * self.channels as u64 * self.format.bytes() as u64;
        if data % 2 == 1 {
            self.out.write_all(&[0])?;
        }
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&header(
            self.rate.hz(),
            self.channels as u16,
            self.format,
            self.frames,
        ))?;
        self.out.seek(SeekFrom::End(0))?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// The bytes of a WAV file of known length, made piece by piece without seeking.
pub struct WavBytes {
    format: SampleFormat,
    dither: Dither,
}

impl WavBytes {
    /// Puts the header of a file of exactly `frames` frames into `bytes`.
    pub fn begin(
        rate: SampleRate,
        channels: usize,
        format: SampleFormat,
        frames: u64,
        bytes: &mut Vec<u8>,
    ) -> WavBytes {
        bytes.extend_from_slice(&header(rate.hz(), channels as u16, format, frames));
        WavBytes { format, dither: Dither::new("dither") }
    }

    /// Appends a block of samples to `bytes`.
    pub fn append(&mut self, planes: &[&[f32]], bytes: &mut Vec<u8>) {
        match self.format {
            SampleFormat::Float32 => pack_float(planes, bytes),
            SampleFormat::Int24 => pack_int::<3>(planes, &mut self.dither, bytes),
            SampleFormat::Int16 => pack_int::<2>(planes, &mut self.dither, bytes),
        }
    }
}

fn header(rate: u32, channels: u16, format: SampleFormat, frames: u64) -> Vec<u8> {
    let block = u64::from(channels) * format.bytes() as u64;
    let data = frames * block;
    let riff = HEADER - 8 + data + data % 2;
    let small = riff <= u64::from(u32::MAX);
    let size32 = |size: u64| if small { size as u32 } else { u32::MAX };
    let mut h = Vec::with_capacity(HEADER as usize);
    h.extend_from_slice(if small { b"RIFF" } else { b"RF64" });
    h.extend_from_slice(&size32(riff).to_le_bytes());
    h.extend_from_slice(b"WAVE");
    h.extend_from_slice(if small { b"JUNK" } else { b"ds64" });
    h.extend_from_slice(&28u32.to_le_bytes());
    let large = if small { [0; 3] } else { [riff, data, frames] };
    large.iter().for_each(|size| h.extend_from_slice(&size.to_le_bytes()));
    h.extend_from_slice(&0u32.to_le_bytes());
    h.extend_from_slice(b"fmt \x10\0\0\0");
    h.extend_from_slice(&format.tag().to_le_bytes());
    h.extend_from_slice(&channels.to_le_bytes());
    h.extend_from_slice(&rate.to_le_bytes());
    h.extend_from_slice(&(rate * block as u32).to_le_bytes());
    h.extend_from_slice(&(block as u16).to_le_bytes());
    h.extend_from_slice(&(8 * format.bytes() as u16).to_le_bytes());
    h.extend_from_slice(b"data");
    h.extend_from_slice(&size32(data).to_le_bytes());
    h
}

/// What a WAV file of ours holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WavInfo {
    /// Frames a second.
    pub rate: u32,
    /// Number of channels.
    pub channels: usize,
    /// How samples are stored.
    pub format: SampleFormat,
    /// Number of frames present.
    pub frames: u64,
}

/// Appends a whole file of ours to `out`, which has as many planes as it has channels. `None`
/// where it is not one, or cut short.
pub fn read_whole(bytes: &[u8], out: &mut AudioBuffer) -> Option<WavInfo> {
    let (head, samples) = bytes.split_first_chunk::<{ HEADER as usize }>()?;
    let info = parse_header(head)?;
    let length = info.frames.checked_mul((info.format.bytes() * info.channels) as u64)?;
    unpack(samples.get(..usize::try_from(length).ok()?)?, &info, out);
    Some(info)
}

/// Reads a WAV file of ours in blocks.
pub struct WavReader<R: Read> {
    input: R,
    info: WavInfo,
    left: u64,
    bytes: Vec<u8>,
    hasher: Option<blake3::Hasher>,
}

impl<R: Read> WavReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// `InvalidData` where the header is not one this program writes.
    pub fn new(mut input: R) -> io::Result<Self> {
        let mut head = [0u8; HEADER as usize];
        input.read_exact(&mut head)?;
        let info = parse_header(&head)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a WAV file of ours"))?;
        Ok(WavReader { input, info, left: info.frames, bytes: Vec::new(), hasher: None })
    }

    /// From here on samples are hashed as they are read.
    #[must_use]
    pub fn hashed(self) -> Self {
        WavReader { hasher: Some(blake3::Hasher::new()), ..self }
    }

    /// blake3 of the samples so far; empty where nothing is hashed.
    pub fn digest(&self) -> String {
        digest(self.hasher.as_ref())
    }

    /// Rate, channels, format and length.
    pub fn info(&self) -> WavInfo {
        self.info
    }

    /// Goes to a frame; the next `read` starts there.
    ///
    /// # Errors
    /// As the underlying reader.
    pub fn seek(&mut self, frame: u64) -> io::Result<()>
    where
        R: Seek,
    {
        let frame = frame.min(self.info.frames);
        let width = (self.info.format.bytes() * self.info.channels) as u64;
        self.input.seek(SeekFrom::Start(HEADER + frame * width))?;
        self.left = self.info.frames - frame;
        Ok(())
    }

    /// Appends up to `frames` frames to `out`; returns how many. Zero is the end.
    ///
    /// # Errors
    /// `UnexpectedEof` where the file is shorter than its header says.
    pub fn read(&mut self, frames: usize, out: &mut AudioBuffer) -> io::Result<usize> {
        let frames = (frames as u64).min(self.left) as usize;
        let width = self.info.format.bytes() * self.info.channels;
        self.bytes.resize(frames * width, 0);
        self.input.read_exact(&mut self.bytes)?;
        hash(self.hasher.as_mut(), &self.bytes);
        self.left -= frames as u64;
        unpack(&self.bytes, &self.info, out);
        Ok(frames)
    }
}

fn hash(hasher: Option<&mut blake3::Hasher>, bytes: &[u8]) {
    if let Some(hasher) = hasher {
        hasher.update(bytes);
    }
}

fn digest(hasher: Option<&blake3::Hasher>) -> String {
    hasher.map(|h| h.finalize().to_hex().to_string()).unwrap_or_default()
}

fn parse_header(head: &[u8; HEADER as usize]) -> Option<WavInfo> {
    let u16_at = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
    let u32_at =
        |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let u64_at = |at: usize| u64::from(u32_at(at)) | u64::from(u32_at(at + 4)) << 32;
    let large = match (&head[..4], &head[12..16]) {
        (b"RIFF", b"JUNK") => false,
        (b"RF64", b"ds64") => true,
        _ => return None,
    };
    if &head[8..12] != b"WAVE" || &head[48..52] != b"fmt " || &head[72..76] != b"data" {
        return None;
    }
    let format = match (u16_at(56), u16_at(70)) {
        (1, 16) => SampleFormat::Int16,
        (1, 24) => SampleFormat::Int24,
        (3, 32) => SampleFormat::Float32,
        _ => return None,
    };
    let (channels, rate) = (usize::from(u16_at(58)), u32_at(60));
    if !(1..=8).contains(&channels) {
        return None;
    }
    let data = if large { u64_at(28) } else { u64::from(u32_at(76)) };
    Some(WavInfo { rate, channels, format, frames: data / (channels * format.bytes()) as u64 })
}

fn unpack(bytes: &[u8], info: &WavInfo, out: &mut AudioBuffer) {
    let planes = out.planes.iter_mut().take(info.channels);
    match info.format {
        SampleFormat::Float32 => unpack_each(bytes, info.channels, planes, |s| {
            // As in the decoder: what is no number would spread through every filter.
            let x = f32::from_le_bytes(s);
            if x.abs() <= LOUDEST { x } else { 0.0 }
        }),
        SampleFormat::Int24 => unpack_each(bytes, info.channels, planes, |[a, b, c]| {
            (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0
        }),
        SampleFormat::Int16 => {
            unpack_each(bytes, info.channels, planes, |s| {
                f32::from(i16::from_le_bytes(s)) / 32_768.0
            });
        }
    }
}

/// Appends the samples of each channel to its plane.
fn unpack_each<'a, const WIDTH: usize>(
    bytes: &[u8],
    channels: usize,
    planes: impl Iterator<Item = &'a mut Vec<f32>>,
    sample: impl Fn([u8; WIDTH]) -> f32,
) {
    let (samples, _) = bytes.as_chunks::<WIDTH>();
    for (channel, plane) in planes.enumerate() {
        match channels {
            1 => plane.extend(samples.iter().map(|&s| sample(s))),
            // Frames of a known length let the compiler work on many at a time.
            2 => plane.extend(samples.as_chunks::<2>().0.iter().map(|f| sample(f[channel]))),
            _ => plane.extend(samples.iter().skip(channel).step_by(channels).map(|&s| sample(s))),
        }
    }
}

#[cfg(test)]
mod tests;
