//! Finds one packet after the other, across bytes that are none.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::header::{Header, LENGTH, MAX_PACKET};

/// Bytes read at a time.
const CHUNK: usize = 1 << 15;

/// A packet and what lay before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub header: Header,
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
pub(super) struct Walk<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
    /// Place in the source of the first byte of the buffer.
    base: u64,
    /// The first packet found; all others are like it.
    first: Option<Header>,
    /// The last packet ended here, so that the next one must begin here.
    in_step: bool,
    packet: Range<usize>,
}

impl<R: Read + Seek> Walk<R> {
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
    pub fn next(&mut self) -> io::Result<Option<Found>> {
        let start = self.place();
        while self.fetch(LENGTH)? {
            match self.packet_here()? {
                Some(header) => {
                    let junk = self.place() - start;
                    self.first.get_or_insert(header);
                    self.packet = self.at..self.at + header.bytes;
                    self.at += header.bytes;
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
            rest.bytes += found.header.bytes as u64;
            rest.junk += found.junk;
            rest.ends_clean = self.ends_here()?;
        }
        self.go_to(place)?;
        self.in_step = in_step;
        Ok(rest)
    }

    /// The packet at the cursor. Where one is due its header is enough, unless a packet that is
    /// surer begins inside it; elsewhere another packet must follow it.
    fn packet_here(&mut self) -> io::Result<Option<Header>> {
        let Some(header) = self.header(0)? else { return Ok(None) };
        if !self.fetch(header.bytes)? {
            return Ok(None);
        }
        if self.is_followed(0, &header)? {
            return Ok(Some(header));
        }
        if !self.in_step {
            return Ok(None);
        }
        for inside in LENGTH..header.bytes {
            if let Some(other) = self.header(inside)?
                && self.is_followed(inside, &other)?
            {
                return Ok(None);
            }
        }
        Ok(Some(header))
    }

    fn header(&mut self, ahead: usize) -> io::Result<Option<Header>> {
        if !self.fetch(ahead + LENGTH)? {
            return Ok(None);
        }
        let header = Header::parse(&self.buffer[self.at + ahead..]);
        Ok(header.filter(|h| self.first.as_ref().is_none_or(|first| h.is_like(first))))
    }

    /// Whether the packet `ahead` of the cursor ends where another begins, or with the file.
    fn is_followed(&mut self, ahead: usize, header: &Header) -> io::Result<bool> {
        let end = ahead + header.bytes;
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
        debug_assert!(bytes <= 2 * MAX_PACKET + LENGTH);
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
