//! The frames of an MP3 stream: only their headers are looked at.

use std::hash::Hasher as _;

use super::frame::frame;

const HEADER: usize = 4;

/// Takes a stream apart.
#[derive(Default)]
pub struct Frames {
    waiting: Vec<u8>,
    synced: bool,
    /// Bytes before the first frame, and times that no frame followed on another.
    pub skipped: usize,
    pub lost: usize,
    /// Length of the sound in microseconds.
    pub micros: u64,
    /// A number for the content of each frame, and when it was whole, in 0.1 ms.
    pub all: Vec<(u64, u32)>,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8], now: u32) {
        self.waiting.extend_from_slice(bytes);
        let mut at = 0;
        loop {
            let rest = &self.waiting[at..];
            if rest.len() < HEADER {
                break;
            }
            match frame(rest) {
                Some((length, _)) if !self.synced && rest.len() < length + HEADER => break,
                Some((length, _)) if !self.synced && frame(&rest[length..]).is_none() => {
                    self.skipped += 1;
                    at += 1;
                }
                Some((length, _)) if rest.len() < length => break,
                Some((length, micros)) => {
                    self.synced = true;
                    let mut hasher = std::hash::DefaultHasher::new();
                    hasher.write(&rest[..length]);
                    self.all.push((hasher.finish(), now));
                    self.micros += u64::from(micros);
                    at += length;
                }
                None if self.synced => {
                    self.synced = false;
                    self.lost += 1;
                }
                None => {
                    self.skipped += 1;
                    at += 1;
                }
            }
        }
        self.waiting.drain(..at);
    }
}
