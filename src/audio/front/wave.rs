//! WAV files: the format chunk made plain, the data chunk as long as its bytes.

use super::chunks::{Chunk, chunks};
use super::{File, Front, Spliced, read_at, unusable};
use crate::audio::fold::check_channels;
use crate::audio::mp4_edit::Edit;
use crate::audio::packets::read_failed;
use crate::base::{Result, SampleRate};

/// Format tags: the numbers of Microsoft's `mmreg.h`.
const PCM: u16 = 1;
const MS_ADPCM: u16 = 2;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const IMA_ADPCM: u16 = 0x11;
const EXTENSIBLE: u16 = 0xfffe;
/// The end of every format identifier whose beginning is one of the tags above.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
/// Sizes from here on mean that the writer could not go back to write the real one.
const UNKNOWN: u64 = 0x7fff_0000;
/// Longest format chunk read; that of MS ADPCM has 50 bytes.
const MOST_FORMAT: u64 = 64;

/// What the format chunk says.
struct Format {
    tag: u16,
    channels: u16,
    rate: u32,
    block: u16,
    bits: u16,
    /// The chunk itself.
    bytes: Vec<u8>,
}

pub(super) fn front(mut file: File) -> Result<Front> {
    let all = chunks(&mut file, u32::from_le_bytes).map_err(read_failed)?;
    let find = |name: &[u8; 4]| all.iter().find(|chunk| &chunk.name == name);
    let format = find(b"fmt ").ok_or_else(|| unusable("it has no format chunk"))?;
    let format = format.read(&mut file, MOST_FORMAT).map_err(read_failed)?;
    let format = Format::parse(format).ok_or_else(|| unusable("its format chunk is cut short"))?;
    SampleRate::new(format.rate)?;
    check_channels(usize::from(format.channels))?;
    let head = format.plain().ok_or_else(|| unusable("its samples are of an unknown kind"))?;
    let data = find(b"data").ok_or_else(|| unusable("it has no data chunk"))?;
    let claimed = claimed(&mut file, data, find(b"ds64"))?;
    let fact = find(b"fact").map(|fact| fact.read(&mut file, 4)).transpose();
    let fact = fact.map_err(read_failed)?.and_then(|bytes| Some(u64::from(le32(&bytes, 0)?)));
    let edit = fact.filter(|&frames| frames > 0 && format.is_in_blocks()).map(Edit::end_at);
    let head = whole_head(&head, claimed);
    let source = Spliced::new(head, file.source, data.start, file.end);
    Ok(Front { source, edit, claimed: None, known: true })
}

/// Bytes of sound the file claims, or those that are there where it cannot know.
fn claimed(file: &mut File, data: &Chunk, large: Option<&Chunk>) -> Result<u64> {
    let rest = file.end - data.start;
    if let Some(large) = large.filter(|_| data.claimed == u64::from(u32::MAX)) {
        let sizes = large.read(file, 16).map_err(read_failed)?;
        let size = le32(&sizes, 8).zip(le32(&sizes, 12));
        let size = size.map(|(low, high)| u64::from(low) | (u64::from(high) << 32));
        return Ok(size.filter(|&size| size > 0).unwrap_or(rest));
    }
    if data.claimed == 0 {
        // Either there is no sound, and another chunk follows, or the size was never written.
        let next = read_at(&mut file.source, data.start, 4).map_err(read_failed)?;
        let is_chunk = next.len() == 4 && next.iter().all(|b| b.is_ascii_graphic() || *b == b' ');
        return Ok(if is_chunk { 0 } else { rest });
    }
    Ok(if data.claimed >= UNKNOWN && data.claimed > rest { rest } else { data.claimed })
}

impl Format {
    fn parse(bytes: Vec<u8>) -> Option<Format> {
        let mut format = Format {
            tag: le16(&bytes, 0)?,
            channels: le16(&bytes, 2)?,
            rate: le32(&bytes, 4)?,
            block: le16(&bytes, 12)?,
            bits: le16(&bytes, 14)?,
            bytes,
        };
        if format.tag == EXTENSIBLE {
            let known = format.bytes.get(26..40) == Some(&GUID_TAIL);
            format.tag = if known { le16(&format.bytes, 24)? } else { EXTENSIBLE };
        }
        Some(format)
    }

    /// Sound comes in blocks, so that only `fact` tells where it ends.
    fn is_in_blocks(&self) -> bool {
        matches!(self.tag, MS_ADPCM | IMA_ADPCM)
    }

    /// A format chunk that says the same in the plainest way; `None` for what cannot be read.
    fn plain(&self) -> Option<Vec<u8>> {
        let bytes = match (self.tag, self.bits) {
            (PCM, 8 | 16 | 24 | 32) | (FLOAT, 32 | 64) | (A_LAW | MU_LAW, 8) => self.bits / 8,
            (MS_ADPCM | IMA_ADPCM, 4) if self.block > 0 => return Some(self.bytes.clone()),
            _ => return None,
        };
        let block = bytes * self.channels;
        let mut plain = [self.tag.to_le_bytes(), self.channels.to_le_bytes()].concat();
        plain.extend_from_slice(&self.rate.to_le_bytes());
        plain.extend_from_slice(&(self.rate * u32::from(block)).to_le_bytes());
        plain.extend_from_slice(&[block.to_le_bytes(), self.bits.to_le_bytes()].concat());
        if matches!(self.tag, A_LAW | MU_LAW) {
            plain.extend_from_slice(&[0, 0]);
        }
        Some(plain)
    }
}

/// Everything before the samples. The outer length is left open, so that it forbids nothing.
fn whole_head(format: &[u8], data: u64) -> Vec<u8> {
    let open = u32::MAX.to_le_bytes();
    let mut head = [&b"RIFF"[..], &open, b"WAVEfmt "].concat();
    head.extend_from_slice(&(format.len() as u32).to_le_bytes());
    head.extend_from_slice(format);
    head.resize(head.len().next_multiple_of(2), 0);
    head.extend_from_slice(b"data");
    head.extend_from_slice(&u32::try_from(data).unwrap_or(u32::MAX).to_le_bytes());
    head
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
