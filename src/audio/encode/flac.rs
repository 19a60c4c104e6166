//! FLAC (RFC 9639), 16 or 24 bits.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, PoisonError};

use flac_codec::Error as FlacError;
use flac_codec::encode::{FlacChannelWriter, Options};

use super::{
    Encoder, Output, OutputTags, block_frames, check_channels, internal, tamed, write_failed,
};
use crate::audio::dither::{Dither, nearest};
use crate::base::{Error, ErrorKind, Result, SampleRate};

/// STREAMINFO counts frames in 36 bits.
const MOST_FRAMES: u64 = (1 << 36) - 1;
/// Room for the seek table, which is only known at the end: a point every 10 s for 2.5 hours.
/// Longer files go without; players then find their way by bisection.
const PADDING: u32 = 16 << 10;
/// Frames quantised at a time: bounds the memory whatever the caller's block length.
const BLOCK: usize = 4096;

/// Resolution of the samples in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BitDepth {
    /// 16 bits with triangular dither of ±1 step (Lipshitz, Wannamaker & Vanderkooy 1992).
    Sixteen,
    /// 24 bits, rounded: the error lies below any converter's noise.
    #[default]
    TwentyFour,
}

/// A FLAC encoder for 1 to 8 channels. Length and MD5 of the samples are exact in STREAMINFO,
/// `tags` become Vorbis comments.
///
/// # Errors
/// `ErrorKind::Usage` for too many channels, `ErrorKind::Io` if the headers cannot be written.
pub fn flac(
    out: Box<dyn Output>,
    rate: SampleRate,
    channels: usize,
    bits: BitDepth,
    tags: &OutputTags,
) -> Result<Box<dyn Encoder>> {
    check_channels("FLAC", channels, 8)?;
    let options = Options::default()
        .fast_channel_correlation(true)
        .padding(PADDING)
        .map_err(|e| internal("cannot set up FLAC", e))?;
    let options = tags.vorbis().fold(options, |o, (name, text)| o.tag(name, text));
    let failure = Failure::default();
    let sink = Sink { out: BufWriter::with_capacity(1 << 16, out), failure: failure.clone() };
    let depth = if bits == BitDepth::Sixteen { 16 } else { 24 };
    let writer = FlacChannelWriter::new(sink, options, rate.hz(), depth, channels as u8, None)
        .map_err(failed)?;
    Ok(Box::new(Flac { writer, failure, quantiser: Quantiser::new(bits, channels), frames: 0 }))
}

struct Flac {
    writer: FlacChannelWriter<Sink>,
    failure: Failure,
    quantiser: Quantiser,
    frames: u64,
}

impl Encoder for Flac {
    fn write(&mut self, planar: &[&[f32]]) -> Result<()> {
        let frames = block_frames(planar, self.quantiser.steps.len())?;
        self.frames += frames as u64;
        if self.frames > MOST_FRAMES {
            return Err(Error::new(ErrorKind::Limit, "a FLAC file can hold no more frames")
                .hint("write several shorter files, or WAV"));
        }
        for start in (0..frames).step_by(BLOCK) {
            let end = (start + BLOCK).min(frames);
            let steps = self.quantiser.take(planar, start..end);
            self.writer.write(steps).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        match self.writer.finalize() {
            // A piece without a single frame: the headers alone are a valid file.
            Ok(()) | Err(FlacError::NoSamples) => {}
            Err(error) => return Err(failed(error)),
        }
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.map_or(Ok(()), |error| Err(write_failed(error)))
    }
}

/// Turns samples into whole steps.
pub(super) struct Quantiser {
    /// One for each channel; none for 24 bits.
    dither: Vec<Dither>,
    steps: Vec<Vec<i32>>,
}

impl Quantiser {
    pub fn new(bits: BitDepth, channels: usize) -> Quantiser {
        let dithered = if bits == BitDepth::Sixteen { channels } else { 0 };
        let noise = |channel| Dither::new(&format!("dither {channel}"));
        Quantiser {
            dither: (0..dithered).map(noise).collect(),
            steps: vec![Vec::with_capacity(BLOCK); channels],
        }
    }

    /// The steps of some frames, a list a channel.
    pub fn take(&mut self, planar: &[&[f32]], range: std::ops::Range<usize>) -> &[Vec<i32>] {
        for (channel, (steps, samples)) in self.steps.iter_mut().zip(planar).enumerate() {
            let samples = samples[range.clone()].iter().map(|&x| f64::from(tamed(x)));
            steps.clear();
            match self.dither.get_mut(channel) {
                None => steps.extend(samples.map(|x| nearest(x * 8_388_608.0, 8_388_607.0))),
                Some(noise) => {
                    steps.extend(samples.map(|x| nearest(x * 32_768.0 + noise.next(), 32_767.0)))
                }
            }
        }
        &self.steps
    }
}

pub(super) fn failed(error: FlacError) -> Error {
    match error {
        FlacError::Io(source) => write_failed(source),
        other => internal("cannot encode FLAC", other),
    }
}

type Failure = Arc<Mutex<Option<io::Error>>>;

/// A buffer in front of the output. The FLAC writer drops it without flushing, so the last
/// flush happens here and its failure is kept for [`Flac::finish`].
struct Sink {
    out: BufWriter<Box<dyn Output>>,
    failure: Failure,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Seek for Sink {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.out.seek(to)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if let Err(error) = self.out.flush() {
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}
