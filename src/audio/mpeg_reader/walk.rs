//! Finds one packet after the other, across bytes that are none.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Bytes read at a time.
const CHUNK: usize = 1 << 15;

/// What each packet of a stream begins with.
pub(in crate::audio) trait Head: Copy {
    /// What the format is called.
    const NAME: &'static str;
    /// Bytes that must be there to read a header.
    const LENGTH: usize;
    /// Bytes of the longest packet.
    const MAX_PACKET: usize;

    /// Reads the header at the beginning of `bytes`, if there is one.
    fn parse(bytes: &[u8]) -> Option<Self>;
    /// Whether both can be packets of one stream.
    fn is_like(&self, other: &Self) -> bool;
    /// Bytes of the packet, header included.
    fn bytes(&self) -> usize;
    /// Frames in the packet.
    fn frames(&self) -> u32;
    /// Frames a second.
    fn rate(&self) -> u32;
    /// Where in the packet that begins what its decoder takes.
    fn sound(&self) -> usize;
}

/// A packet and what lay before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<H> {
    pub header: H,
    /// Bytes between the last packet and this one that are no packet.
    pub junk: u64,
}

/// What the rest of a stream holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rest {
    pub packets: u64,
    /// Bytes of these packets.
    pub bytes: u64,
    /// Bytes between packets that are none.
    pub junk: u64,
    /// The file ends with a whole packet or a tag.
    pub ends_clean: bool,
}

impl Rest {
    /// Packets there were before some became junk, if they were as long as the others.
    pub fn with_lost(&self) -> u64 {
        let lost = u128::from(self.junk) * u128::from(self.packets) + u128::from(self.bytes / 2);
        self.packets + (lost / u128::from(self.bytes.max(1))) as u64
    }
}

/// Walks through the packets of one stream. Its work is linear in the bytes read.
pub(super) struct Walk<R, H> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
    /// Place in the source of the first byte of the buffer.
    base: u64,
    /// The first packet found; all others are like it.
    first: Option<H>,
    /// The last packet ended here, so that the next one must begin here.
    in_step: bool,
    packet: Range<usize>,
}

impl<R: Read + Seek, H: Head> Walk<R, H> {
    /// Starts at a place in the source.
    pub fn new(source: R, start: u64) -> io::Result<Self> {
        let mut walk = Walk {
            source,
            buffer: Vec::new(),
            at: 0,
            base: 0,
            first: None,
            in_step: false,
            packet: 0..0,
        };
        walk.go_to(start)?;
        Ok(walk)
    }

    /// Place in the source of the next byte.
    pub fn place(&self) -> u64 {
        self.base + self.at as u64
    }

    /// Bytes of the packet found last.
    pub fn packet(&self) -> &[u8] {
        &self.buffer[self.packet.clone()]
    }

    /// Finds the next whole packet; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Found<H>>> {
        let start = self.place();
        while self.fetch(H::LENGTH)? {
            match self.packet_here()? {
                Some(header) => {
                    let junk = self.place() - start;
                    self.first.get_or_insert(header);
                    self.packet = self.at..self.at + header.bytes();
                    self.at += header.bytes();
                    self.in_step = true;
                    return Ok(Some(Found { header, junk }));
                }
                None => {
                    self.at += 1;
                    self.in_step = false;
                }
            }
        }
        Ok(None)
    }

    /// Counts what follows and comes back.
    pub fn survey(&mut self) -> io::Result<Rest> {
        let (place, in_step) = (self.place(), self.in_step);
        let mut rest = Rest::default();
        while let Some(found) = self.next()? {
            rest.packets += 1;
            rest.bytes += found.header.bytes() as u64;
            rest.junk += found.junk;
            rest.ends_clean = self.ends_here()?;
        }
        self.go_to(place)?;
        self.in_step = in_step;
        Ok(rest)
    }

    /// The packet at the cursor. Where one is due its header is enough, unless a packet that is
    /// surer begins inside it; elsewhere another packet must follow it.
    fn packet_here(&mut self) -> io::Result<Option<H>> {
        let Some(header) = self.header(0)? else { return Ok(None) };
        if !self.fetch(header.bytes())? {
            return Ok(None);
        }
        if self.is_followed(0, &header)? {
            return Ok(Some(header));
        }
        if !self.in_step {
            return Ok(None);
        }
        for inside in H::LENGTH..header.bytes() {
            if let Some(other) = self.header(inside)?
                && self.is_followed(inside, &other)?
            {
                return Ok(None);
            }
        }
        Ok(Some(header))
    }

    fn header(&mut self, ahead: usize) -> io::Result<Option<H>> {
        if !self.fetch(ahead + H::LENGTH)? {
            return Ok(None);
        }
        let header = H::parse(&self.buffer[self.at + ahead..]);
        Ok(header.filter(|h| self.first.as_ref().is_none_or(|first| h.is_like(first))))
    }

    /// Whether the packet `ahead` of the cursor ends where another begins, or with the file.
    fn is_followed(&mut self, ahead: usize, header: &H) -> io::Result<bool> {
        let end = ahead + header.bytes();
        if let Some(next) = self.header(end)? {
            return Ok(next.is_like(header));
        }
        Ok(self.fetch(end)? && !self.fetch(end + 1)?)
    }

    /// Whether the file, or all but a tag, ends at the cursor.
    fn ends_here(&mut self) -> io::Result<bool> {
        if !self.fetch(1)? {
            return Ok(true);
        }
        self.fetch(8)?;
        let rest = &self.buffer[self.at..];
        Ok([&b"TAG"[..], b"APETAGEX", b"LYRICSBE"].iter().any(|tag| rest.starts_with(tag)))
    }

    /// Goes to a place in the source.
    pub fn go_to(&mut self, place: u64) -> io::Result<()> {
        self.base = self.source.seek(SeekFrom::Start(place))?;
        self.buffer.clear();
        self.at = 0;
        self.packet = 0..0;
        Ok(())
    }

    /// Makes `bytes` available from the cursor on; `false` if the source ends before.
    fn fetch(&mut self, bytes: usize) -> io::Result<bool> {
        debug_assert!(bytes <= 2 * H::MAX_PACKET + H::LENGTH);
        if self.buffer.len() - self.at >= bytes {
            return Ok(true);
        }
        self.buffer.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        self.packet = 0..0;
        let wanted = (CHUNK - self.buffer.len()) as u64;
        self.source.by_ref().take(wanted).read_to_end(&mut self.buffer)?;
        Ok(self.buffer.len() >= bytes)
    }
}
