//! Chunks of RIFF and IFF files, as far as they can be believed.

use std::io;

use super::{File, read_at};

/// Most chunks looked at; real files have a dozen.
const MOST: usize = 10_000;

/// A chunk: its name, and where its bytes lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub name: [u8; 4],
    pub start: u64,
    /// Bytes it claims to have.
    pub claimed: u64,
    /// Bytes of it that are in the file.
    pub present: u64,
}

impl Chunk {
    /// Reads its first bytes, `most` of them at most.
    pub fn read(&self, file: &mut File, most: u64) -> io::Result<Vec<u8>> {
        read_at(&mut file.source, self.start, self.present.min(most))
    }
}

/// All chunks of a file, whatever length it claims to have. Sizes are little-endian
/// in RIFF, big-endian in IFF.
pub(super) fn chunks(file: &mut File, size: fn([u8; 4]) -> u32) -> io::Result<Vec<Chunk>> {
    let (mut found, mut at) = (Vec::new(), file.start + 12);
    while found.len() < MOST && at + 8 <= file.end {
        let head = read_at(&mut file.source, at, 8)?;
        let [a, b, c, d, e, f, g, h] = head[..] else { break };
        let start = at + 8;
        let claimed = u64::from(size([e, f, g, h]));
        let present = claimed.min(file.end - start);
        found.push(Chunk { name: [a, b, c, d], start, claimed, present });
        // Chunks begin at even places.
        at = start + claimed + claimed % 2;
    }
    Ok(found)
}
