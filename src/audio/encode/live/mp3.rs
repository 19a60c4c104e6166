//! MP3, frame by frame.

use bytes::{Bytes, BytesMut};
use mp3lame_encoder::Encoder as Lame;

use super::super::mp3::{encode, lame, output_rate};
use super::super::resample::RateConverter;
use super::{LiveEncoder, Packet};
use crate::audio::encode::Mp3Quality;
use crate::audio::mpeg_reader::{Head as _, Header};
use crate::base::{Result, SampleRate};

/// MP3 frames in a packet: 0.2 s at 44.1 kHz.
const TOGETHER: usize = 8;
/// A frame may use the last 511 bytes of the frames before it (ISO/IEC 11172-3, main_data_begin).
const RESERVOIR: usize = 511;
/// More bytes than any packet has.
const MOST_WAITING: usize = 32 << 10;

pub(super) fn encoder(rate: SampleRate, quality: Mp3Quality) -> Result<Box<dyn LiveEncoder>> {
    let target = output_rate(rate)?;
    Ok(Box::new(Mp3 {
        converter: RateConverter::new(rate, target, 2)?,
        lame: lame(target, 2, quality, false)?,
        rate: target,
        encoded: Vec::new(),
        waiting: BytesMut::new(),
    }))
}

struct Mp3 {
    converter: RateConverter,
    lame: Lame,
    rate: SampleRate,
    encoded: Vec<u8>,
    /// Encoded and not yet a packet.
    waiting: BytesMut,
}

impl LiveEncoder for Mp3 {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn header(&self) -> Bytes {
        Bytes::new()
    }

    fn encode(&mut self, planar: &[&[f32]], packets: &mut Vec<Packet>) -> Result<()> {
        let ready = self.converter.push(planar)?;
        let mut made = Vec::new();
        encode(&mut self.lame, ready, &mut self.encoded, &mut made)?;
        self.waiting.extend_from_slice(&made);
        packets.extend(std::iter::from_fn(|| next_packet(&mut self.waiting)));
        Ok(())
    }
}

/// Takes a packet off the beginning of a stream, if one is there whole.
fn next_packet(stream: &mut BytesMut) -> Option<Packet> {
    let (length, frames) = together(stream)?;
    Some(Packet { bytes: stream.split_to(length).freeze(), frames })
}

/// Splits a stream that somebody else encoded into packets.
#[derive(Debug, Default)]
pub struct Mp3Splitter {
    waiting: BytesMut,
    rate: Option<SampleRate>,
}

impl Mp3Splitter {
    /// Takes some bytes of the stream and gives the packets that became whole. What is no MP3
    /// frame is passed over.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Packet> {
        self.waiting.extend_from_slice(bytes);
        let mut packets = Vec::new();
        loop {
            while self.waiting.len() >= Header::LENGTH && Header::parse(&self.waiting).is_none() {
                let next = self.waiting[1..].iter().position(|&byte| byte == 0xff);
                let garbage = next.map_or(self.waiting.len(), |at| at + 1);
                let _ = self.waiting.split_to(garbage);
            }
            let Some(frame) = Header::parse(&self.waiting) else { return packets };
            self.rate = SampleRate::new(frame.rate).ok();
            match next_packet(&mut self.waiting) {
                Some(packet) => packets.push(packet),
                // Frames that are there whole and followed by none are followed by garbage.
                None if self.waiting.len() > MOST_WAITING => {
                    let _ = self.waiting.split_to(1);
                }
                None => return packets,
            }
        }
    }

    /// Bytes held back until more come.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Frames a second, once the first MP3 frame was seen.
    pub fn rate(&self) -> Option<SampleRate> {
        self.rate
    }
}

/// Bytes of the next [`TOGETHER`] frames and the sound they hold, if all of them are there.
fn together(bytes: &[u8]) -> Option<(usize, u64)> {
    let (mut length, mut sound) = (0, 0);
    for _ in 0..TOGETHER {
        let frame = Header::parse(bytes.get(length..)?)?;
        length += frame.bytes;
        sound += u64::from(frame.frames);
    }
    (length <= bytes.len()).then_some((length, sound))
}

/// How many bytes of the frames before it a frame needs (main_data_begin).
fn needed(bytes: &[u8]) -> Option<usize> {
    let frame = Header::parse(bytes)?;
    let side = bytes.get(frame.side..frame.side_end)?;
    let first = usize::from(side[0]);
    Some(if is_first_kind(&frame) { first << 1 | usize::from(side[1] >> 7) } else { first })
}

/// Whether it is of MPEG-1, and not of the lower rates.
fn is_first_kind(frame: &Header) -> bool {
    frame.frames == 1_152
}

/// A silent frame that carries what the packet `first` needs of the packet `before` it: whoever
/// begins with it and `first` misses nothing. Empty where `first` needs nothing.
pub(super) fn opening(before: &[u8], first: &[u8]) -> Bytes {
    let needed = needed(first).unwrap_or(0);
    let carried = main_data(before);
    if needed == 0 || needed > carried.len() {
        return Bytes::new();
    }
    // The lowest bit rate whose frames have room.
    let head = [first[0], first[1] | 1, first[2] & 0x0c, first[3]];
    let roomy = (1..15u8).find_map(|index| {
        let head = [head[0], head[1], head[2] | index << 4, head[3]];
        let frame = Header::parse(&head).filter(|f| f.bytes - f.side_end >= needed)?;
        Some((head, frame))
    });
    let Some((head, frame)) = roomy else { return Bytes::new() };
    let mut bytes = vec![0; frame.bytes];
    bytes[..Header::LENGTH].copy_from_slice(&head);
    let room = frame.bytes - frame.side_end;
    if is_first_kind(&frame) && room > RESERVOIR {
        // What decoders would not keep, the first channel's bits take up, at no gain at all: the
        // 12 bits of part2_3_length begin at the 21st of the side information.
        let bits = 8 * (room - RESERVOIR) as u16;
        bytes[frame.side + 2] |= (bits >> 8) as u8 & 0x0f;
        bytes[frame.side + 3] = bits as u8;
    }
    let at = frame.bytes - needed;
    bytes[at..].copy_from_slice(&carried[carried.len() - needed..]);
    bytes.into()
}

/// The main data of all frames of a packet, end to end.
fn main_data(packet: &[u8]) -> Vec<u8> {
    let mut data = Vec::with_capacity(packet.len());
    let mut rest = packet;
    while let Some(frame) = Header::parse(rest).filter(|frame| frame.bytes <= rest.len()) {
        data.extend_from_slice(&rest[frame.side_end..frame.bytes]);
        rest = &rest[frame.bytes..];
    }
    data
}
