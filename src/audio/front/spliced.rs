//! A file with its head replaced.

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::io::MediaSource;

use crate::base::ByteSource;

/// Bytes in memory, followed by a range of a file.
pub(in crate::audio) struct Spliced {
    head: Vec<u8>,
    inner: Box<dyn ByteSource>,
    /// Place in the file of the first byte after the head.
    start: u64,
    /// Bytes of head and range together.
    length: u64,
    at: u64,
    /// Where the file stands, to seek only where needed.
    inner_at: Option<u64>,
}

impl Spliced {
    /// `head`, then the bytes of `inner` from `start` to `end`.
    pub fn new(head: Vec<u8>, inner: Box<dyn ByteSource>, start: u64, end: u64) -> Self {
        let length = head.len() as u64 + end.saturating_sub(start);
        Spliced { head, inner, start, length, at: 0, inner_at: None }
    }
}

impl Read for Spliced {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let most = buffer.len().min(left);
        let read = match self.head.get(self.at as usize..).filter(|rest| !rest.is_empty()) {
            Some(mut rest) => rest.read(&mut buffer[..most])?,
            None => {
                let place = self.start + (self.at - self.head.len() as u64);
                if self.inner_at != Some(place) {
                    self.inner_at = None;
                    self.inner.seek(SeekFrom::Start(place))?;
                }
                let read = self.inner.read(&mut buffer[..most])?;
                self.inner_at = Some(place + read as u64);
                read
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Spliced {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.at.checked_add_signed(offset),
        };
        let before_start = || io::Error::new(io::ErrorKind::InvalidInput, "seek before the start");
        self.at = place.ok_or_else(before_start)?;
        Ok(self.at)
    }
}

impl MediaSource for Spliced {
    fn is_seekable(&self) -> bool {
        true
    }

    fn byte_len(&self) -> Option<u64> {
        Some(self.length)
    }
}
