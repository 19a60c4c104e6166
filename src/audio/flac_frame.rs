//! Headers of FLAC frames (RFC 9639, section 9.1).

/// What the header of a frame says.
pub(super) struct FlacFrame {
    /// Its number in the stream.
    pub number: u64,
    /// Frames of sound in it.
    pub frames: u64,
    /// Bytes of the header.
    pub header: usize,
}

impl FlacFrame {
    /// The longest header.
    pub const LONGEST: usize = 16;

    /// Reads a header whose checksum is right; `None` where there is none.
    pub fn read(bytes: &[u8]) -> Option<FlacFrame> {
        let head = bytes.get(..4)?;
        // Blocks of one length only: their frames are counted.
        if head[0] != 0xff || head[1] != 0xf8 || head[3] & 1 != 0 {
            return None;
        }
        let (number, mut at) = coded_number(bytes.get(4..)?)?;
        at += 4;
        let (size, rate) = (head[2] >> 4, head[2] & 15);
        let frames = match size {
            1 => 192,
            2..=5 => 576 << (size - 2),
            6 => 1 + u64::from(*bytes.get(at)?),
            7 => 1 + u64::from(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?)),
            8..=15 => 256 << (size - 8),
            _ => return None,
        };
        at += match size {
            6 => 1,
            7 => 2,
            _ => 0,
        };
        at += match rate {
            12 => 1,
            13 | 14 => 2,
            15 => return None,
            _ => 0,
        };
        let sum = *bytes.get(at)?;
        (crc8(&bytes[..at]) == sum).then_some(FlacFrame { number, frames, header: at + 1 })
    }
}

/// The frames of sound in a file of which this is the end: two neighbouring blocks say so together,
/// for bytes of sound may look like one header by chance.
pub(super) fn length_at_end(end: &[u8]) -> Option<u64> {
    let (mut length, mut before) = (None, None::<FlacFrame>);
    for frame in (0..end.len()).filter_map(|at| FlacFrame::read(&end[at..])) {
        if let Some(last) = before.filter(|last| last.number + 1 == frame.number) {
            length = Some(frame.number * last.frames + frame.frames);
        }
        before = Some(frame);
    }
    length
}

/// A number as UTF-8 would code it, and its length.
fn coded_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let first = *bytes.first()?;
    let length = match first.leading_ones() as usize {
        0 => return Some((u64::from(first), 1)),
        length @ 2..=7 => length,
        _ => return None,
    };
    let mut number = u64::from(first) & (0x7f >> length);
    for &byte in bytes.get(1..length)? {
        if byte >> 6 != 2 {
            return None;
        }
        number = number << 6 | u64::from(byte & 0x3f);
    }
    Some((number, length))
}

fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ byte, |crc, _| crc << 1 ^ if crc & 0x80 != 0 { 7 } else { 0 })
    })
}
