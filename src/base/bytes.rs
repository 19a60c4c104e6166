//! Bytes to read, wherever they come from.

use std::io::{self, Read, Seek, SeekFrom};

/// A seekable source of bytes that may travel between threads: a file, or memory in tests.
pub trait ByteSource: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> ByteSource for T {}

/// A source whose reads are never interrupted, for readers that take an interruption for an error.
pub struct Uninterrupted(pub Box<dyn ByteSource>);

impl Read for Uninterrupted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.0.read(buf) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

impl Seek for Uninterrupted {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}
