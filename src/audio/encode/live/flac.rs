//! FLAC (RFC 9639), frame by frame.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{BufMut as _, Bytes, BytesMut};
use flac_codec::encode::{FlacStreamWriter, Options};

use super::super::flac::{Quantiser, failed};
use super::super::{BitDepth, block_frames, internal};
use super::{LiveEncoder, Packet};
use crate::base::{Result, SampleRate};

/// Frames of sound in a FLAC frame.
const BLOCK: u16 = 4_096;
/// FLAC frames in a packet.
const TOGETHER: usize = 2;
const CHANNELS: usize = 2;
const BITS: u32 = 16;

pub(super) fn encoder(rate: SampleRate) -> Result<Box<dyn LiveEncoder>> {
    let options = Options::default()
        .fast_channel_correlation(true)
        .block_size(BLOCK)
        .map_err(|e| internal("cannot set up FLAC", e))?;
    let made = Made::default();
    Ok(Box::new(Flac {
        writer: FlacStreamWriter::new(made.clone(), options),
        made,
        rate,
        quantiser: Quantiser::new(BitDepth::Sixteen, CHANNELS),
        steps: Vec::new(),
        waiting: 0,
    }))
}

struct Flac {
    writer: FlacStreamWriter<Made>,
    made: Made,
    rate: SampleRate,
    quantiser: Quantiser,
    /// Interleaved, less than a block between calls.
    steps: Vec<i32>,
    /// FLAC frames made that are not yet a packet.
    waiting: usize,
}

impl LiveEncoder for Flac {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    /// A STREAMINFO that leaves open what is not known of a stream: its length and its sum.
    fn header(&self) -> Bytes {
        let mut head = BytesMut::with_capacity(42);
        head.put_slice(b"fLaC");
        // The last metadata block, STREAMINFO, of 34 bytes.
        head.put_slice(&[0x80, 0, 0, 34]);
        head.put_u16(BLOCK);
        head.put_u16(BLOCK);
        head.put_slice(&[0; 6]);
        let rate = u64::from(self.rate.hz()) << 44;
        head.put_u64(rate | (CHANNELS as u64 - 1) << 41 | u64::from(BITS - 1) << 36);
        head.put_slice(&[0; 16]);
        head.freeze()
    }

    fn encode(&mut self, planar: &[&[f32]], packets: &mut Vec<Packet>) -> Result<()> {
        let frames = block_frames(planar, CHANNELS)?;
        let steps = self.quantiser.take(planar, 0..frames);
        for frame in 0..frames {
            self.steps.extend(steps.iter().map(|channel| channel[frame]));
        }
        let block = usize::from(BLOCK) * CHANNELS;
        let mut blocks = self.steps.chunks_exact(block);
        for block in &mut blocks {
            self.writer.write(self.rate.hz(), CHANNELS as u8, BITS, block).map_err(failed)?;
            self.waiting += 1;
            if self.waiting == TOGETHER {
                let frames = (TOGETHER * usize::from(BLOCK)) as u64;
                packets.push(Packet { bytes: self.made.take(), frames });
                self.waiting = 0;
            }
        }
        let rest = blocks.remainder().len();
        self.steps.drain(..self.steps.len() - rest);
        Ok(())
    }
}

/// What the writer made. It keeps its output to itself, so both hold it.
#[derive(Clone, Default)]
struct Made(Arc<Mutex<Vec<u8>>>);

impl Made {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Made {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
