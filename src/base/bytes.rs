//! Bytes to read, wherever they come from.

use std::io::{Read, Seek};

/// A seekable source of bytes that may travel between threads: a file, or memory in tests.
pub trait ByteSource: Read + Seek + Send + Sync {}
impl<T: Read + Seek + Send + Sync> ByteSource for T {}
