//! Streams that somebody else encoded, taken apart into packets as they come.

use bytes::{Buf as _, Bytes, BytesMut};
use opus_pure::packet::samples_48k;

use super::{Format, Mp3Splitter, Packet};
use crate::audio::flac_frame::FlacFrame;

/// More bytes than any page or frame has, and than any header.
const MOST_WAITING: usize = 128 << 10;
/// Bytes passed over where the frame after the first was lost: less than most frames have, and
/// enough that not all that waits is looked through for each of many frames that are none.
const LOST: usize = MOST_WAITING / 32;
/// Length of a packet that began on the page before, in frames: what encoders make of music.
const USUAL: u64 = 960;

/// A part of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// What a decoder must be given before any packet: a stream begins.
    Header(Bytes),
    /// Sound.
    Packet(Packet),
}

/// Takes a stream of a format apart.
#[derive(Debug)]
pub enum Splitter {
    /// MP3, which has no header.
    Mp3(Mp3Splitter),
    /// Ogg Opus.
    Ogg(OggSplitter),
    /// FLAC.
    Flac(FlacSplitter),
}

impl Splitter {
    /// One for a stream of this format.
    pub fn new(format: Format) -> Splitter {
        match format {
            Format::Mp3(_) => Splitter::Mp3(Mp3Splitter::default()),
            Format::Opus(_) => Splitter::Ogg(OggSplitter::default()),
            Format::Flac => Splitter::Flac(FlacSplitter::default()),
        }
    }

    /// Bytes held back until more come.
    pub fn waiting(&self) -> usize {
        match self {
            Splitter::Mp3(mp3) => mp3.waiting(),
            Splitter::Ogg(ogg) => ogg.waiting.len() + ogg.header.as_ref().map_or(0, BytesMut::len),
            Splitter::Flac(flac) => flac.waiting.len(),
        }
    }

    /// Takes some bytes of the stream and gives the pieces that became whole. What belongs to none
    /// is passed over.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        match self {
            Splitter::Mp3(mp3) => mp3.push(bytes).into_iter().map(Piece::Packet).collect(),
            Splitter::Ogg(ogg) => {
                ogg.waiting.extend_from_slice(bytes);
                std::iter::from_fn(|| ogg.next()).collect()
            }
            Splitter::Flac(flac) => {
                flac.waiting.extend_from_slice(bytes);
                std::iter::from_fn(|| flac.next()).collect()
            }
        }
    }
}

/// Pages of Ogg Opus (RFC 3533, RFC 7845).
#[derive(Debug, Default)]
pub struct OggSplitter {
    waiting: BytesMut,
    /// Pages of the header, while it is read.
    header: Option<BytesMut>,
    /// The first page after it.
    ready: Option<Packet>,
}

impl OggSplitter {
    fn next(&mut self) -> Option<Piece> {
        if let Some(packet) = self.ready.take() {
            return Some(Piece::Packet(packet));
        }
        loop {
            let length = page(&mut self.waiting)?;
            let bytes = self.waiting.split_to(length).freeze();
            let granule = bytes.get(6..14).map_or(0, |mut g| g.get_u64_le());
            if bytes[5] & 2 != 0 {
                self.header = Some(BytesMut::from(&bytes[..]));
                continue;
            }
            // Pages of the header hold no sound.
            if let Some(header) = &mut self.header
                && (granule == 0 || granule == u64::MAX)
                && header.len() < MOST_WAITING
            {
                header.extend_from_slice(&bytes);
                continue;
            }
            let packet = Packet { frames: sound(&bytes), bytes };
            return Some(match self.header.take() {
                Some(header) => {
                    self.ready = Some(packet);
                    Piece::Header(header.freeze())
                }
                None => Piece::Packet(packet),
            });
        }
    }
}

/// The length of the page that `waiting` begins with, once it is there whole; what is before it is
/// dropped.
fn page(waiting: &mut BytesMut) -> Option<usize> {
    const MAGIC: &[u8] = b"OggS\0";
    let at = waiting.windows(MAGIC.len()).position(|w| w == MAGIC);
    let garbage = at.unwrap_or(waiting.len().saturating_sub(MAGIC.len() - 1));
    waiting.advance(garbage);
    at?;
    let segments = usize::from(*waiting.get(26)?);
    let lacing = waiting.get(27..27 + segments)?;
    let length = 27 + segments + lacing.iter().map(|&l| usize::from(l)).sum::<usize>();
    (length <= waiting.len()).then_some(length)
}

/// Frames of sound in the packets that end on a page.
fn sound(page: &[u8]) -> u64 {
    let segments = usize::from(page[26]);
    let (mut at, mut begin, mut frames) = (27 + segments, 27 + segments, 0);
    let mut continued = page[5] & 1 != 0;
    for &lacing in &page[27..27 + segments] {
        at += usize::from(lacing);
        if lacing == 255 {
            continue;
        }
        let packet = page.get(begin..at).unwrap_or_default();
        let length = samples_48k(packet).map_or(USUAL, |samples| samples as u64);
        frames += if continued { USUAL } else { length };
        (begin, continued) = (at, false);
    }
    frames
}

/// Frames of FLAC (RFC 9639). They do not say how long they are: one ends where the next begins.
#[derive(Debug, Default)]
pub struct FlacSplitter {
    waiting: BytesMut,
    begun: bool,
    /// Bytes of the first frame in which no other one begins.
    looked: usize,
}

impl FlacSplitter {
    fn next(&mut self) -> Option<Piece> {
        if !self.begun {
            let length = flac_header(&self.waiting);
            // A header that does not end is none: then sound is looked for.
            self.begun = length.is_some() || self.is_full();
            return length.map(|at| Piece::Header(self.waiting.split_to(at).freeze()));
        }
        loop {
            let first = FlacFrame::read(&self.waiting);
            if let Some(first) = &first
                && let Some(bytes) = self.frame(first)
            {
                return Some(Piece::Packet(Packet { bytes, frames: first.frames }));
            }
            if !self.is_full() {
                return None;
            }
            self.waiting.advance(if first.is_some() { LOST } else { 1 });
            self.looked = 0;
        }
    }

    fn is_full(&self) -> bool {
        self.waiting.len() > MOST_WAITING
    }

    /// Takes the first frame, once the one after it has begun.
    fn frame(&mut self, first: &FlacFrame) -> Option<Bytes> {
        let is_next = |at: &usize| {
            let frame = FlacFrame::read(&self.waiting[*at..]);
            frame.is_some_and(|next| next.number == first.number + 1)
        };
        let end = self.waiting.len().saturating_sub(FlacFrame::LONGEST);
        let found = (self.looked.max(first.header)..end).find(is_next);
        self.looked = if found.is_some() { 0 } else { end };
        found.map(|at| self.waiting.split_to(at).freeze())
    }
}

/// The length of the marker and the metadata, once they are there whole.
fn flac_header(bytes: &[u8]) -> Option<usize> {
    let mut at = 4;
    loop {
        let [kind, a, b, c] = *bytes.get(at..at + 4)?.first_chunk()?;
        at += 4 + (usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c));
        if kind & 0x80 != 0 {
            return (at <= bytes.len()).then_some(at);
        }
    }
}
