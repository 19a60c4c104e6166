//! Ogg pages (RFC 3533), found even where bytes around them are damaged.

use std::io::{self, Read};

const CAPTURE: &[u8; 4] = b"OggS";
const HEADER: usize = 27;
/// Header, 255 lacing values and 255 full segments.
pub(super) const MAX_PAGE: usize = HEADER + 255 + 255 * 255;

/// One page whose checksum is right.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// Its first packet began on an earlier page.
    pub continued: bool,
    /// It begins a logical stream.
    pub first: bool,
    /// It ends its logical stream.
    pub last: bool,
    /// Position at the end of the last packet that ends here; negative if none does.
    pub granule: i64,
    pub serial: u32,
    pub sequence: u32,
    pub lacing: Vec<u8>,
    pub payload: Vec<u8>,
}

/// Yields the undamaged pages of a byte stream, in order. Holds two pages at most, and its work
/// is linear in the bytes read, even if those were made to look like pages.
pub(super) struct Pages<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
    consumed: u64,
    /// Bytes of pages whose checksum was wrong.
    wasted: u64,
}

impl<R: Read> Pages<R> {
    pub fn new(source: R) -> Self {
        let buffer = Vec::with_capacity(2 * MAX_PAGE);
        Pages { source, buffer, at: 0, consumed: 0, wasted: 0 }
    }

    pub fn source(&mut self) -> &mut R {
        &mut self.source
    }

    /// Bytes left behind so far.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    /// Reads the next undamaged page into `page`; `false` at the end.
    pub fn next_into(&mut self, page: &mut Page) -> io::Result<bool> {
        while self.seek_capture()? {
            let Some(length) = self.page_length()? else {
                self.advance(CAPTURE.len());
                continue;
            };
            let bytes = &self.buffer[self.at..self.at + length];
            if checksum_is_right(bytes) {
                fill(page, bytes);
                self.advance(length);
                return Ok(true);
            }
            self.wasted += length as u64;
            // Normally the lacing is suspect and the next page may begin inside this one; only
            // bytes made to waste time are left behind by the page.
            let hostile = self.wasted > 4 * self.consumed + (1 << 20);
            self.advance(if hostile { length } else { CAPTURE.len() });
        }
        Ok(false)
    }

    /// The length of the page at the cursor, if it is all there.
    fn page_length(&mut self) -> io::Result<Option<usize>> {
        if !self.fetch(HEADER)? || self.buffer[self.at + 4] != 0 {
            return Ok(None);
        }
        let lacing = usize::from(self.buffer[self.at + 26]);
        if !self.fetch(HEADER + lacing)? {
            return Ok(None);
        }
        let start = self.at + HEADER;
        let payload: usize =
            self.buffer[start..start + lacing].iter().map(|&l| usize::from(l)).sum();
        let length = HEADER + lacing + payload;
        Ok(self.fetch(length)?.then_some(length))
    }

    /// Moves the cursor to the next capture pattern; `false` at the end.
    fn seek_capture(&mut self) -> io::Result<bool> {
        loop {
            if !self.fetch(CAPTURE.len())? {
                return Ok(false);
            }
            let ahead = &self.buffer[self.at..];
            if let Some(found) = ahead.windows(4).position(|w| w == CAPTURE) {
                self.advance(found);
                return Ok(true);
            }
            self.advance(ahead.len() - (CAPTURE.len() - 1));
        }
    }

    fn advance(&mut self, bytes: usize) {
        self.at += bytes;
        self.consumed += bytes as u64;
    }

    /// Makes `bytes` available from the cursor on; `false` if the source ends before.
    fn fetch(&mut self, bytes: usize) -> io::Result<bool> {
        if self.buffer.len() - self.at >= bytes {
            return Ok(true);
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let wanted = (MAX_PAGE - self.buffer.len()) as u64;
        self.source.by_ref().take(wanted).read_to_end(&mut self.buffer)?;
        Ok(self.buffer.len() >= bytes)
    }
}

fn fill(page: &mut Page, bytes: &[u8]) {
    let (header, rest) = bytes.split_at(HEADER);
    let (lacing, payload) = rest.split_at(usize::from(header[26]));
    page.continued = header[5] & 1 != 0;
    page.first = header[5] & 2 != 0;
    page.last = header[5] & 4 != 0;
    page.granule = i64::from(word(header, 6)) | (i64::from(word(header, 10) as i32) << 32);
    page.serial = word(header, 14);
    page.sequence = word(header, 18);
    page.lacing.clear();
    page.lacing.extend_from_slice(lacing);
    page.payload.clear();
    page.payload.extend_from_slice(payload);
}

/// The little-endian 32-bit number at `at`; `bytes` must reach that far.
pub(super) fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn checksum_is_right(page: &[u8]) -> bool {
    let crc = crc(crc(crc(0, &page[..22]), &[0; 4]), &page[26..]);
    crc == word(page, 22)
}

/// Ogg's checksum: CRC-32 with polynomial 0x04c11db7, most significant bit first, no inversion.
pub(super) fn crc(start: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<SLICES>();
    // Eight bytes at a time, each through the table of its distance from the end (Kounavis and
    // Berry, "Novel table lookup-based algorithms for high-performance CRC generation", 2008).
    let crc = words.iter().fold(start, |crc, &word| {
        let mut word = word;
        word.iter_mut().zip(crc.to_be_bytes()).for_each(|(byte, crc)| *byte ^= crc);
        let shares = word.iter().rev().zip(&CRC_TABLES);
        shares.fold(0, |crc, (&byte, table)| crc ^ table[usize::from(byte)])
    });
    rest.iter()
        .fold(crc, |crc, &byte| (crc << 8) ^ CRC_TABLES[0][usize::from((crc >> 24) as u8 ^ byte)])
}

/// Bytes taken together.
const SLICES: usize = 8;

/// What a byte does to the checksum when 0, 1, 2 and so on bytes follow it.
const CRC_TABLES: [[u32; 256]; SLICES] = {
    let mut tables = [[0u32; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u32) << 24;
        let mut bit = 0;
        while bit < 8 * SLICES {
            crc = (crc << 1) ^ if crc & 0x8000_0000 != 0 { 0x04c1_1db7 } else { 0 };
            bit += 1;
            if bit % 8 == 0 {
                tables[bit / 8 - 1][byte] = crc;
            }
        }
        byte += 1;
    }
    tables
};
