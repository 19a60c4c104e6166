//! FLAC files: the stream's description and its comments, without pictures and padding.

use std::io;

use super::{File, Front, Spliced, read_at, unusable};
use crate::audio::flac_frame::length_at_end;
use crate::audio::packets::read_failed;
use crate::base::{Limits, Result};

const DESCRIPTION: u8 = 0;
const COMMENTS: u8 = 4;
/// Marks the last block of metadata.
const LAST: u8 = 0x80;
/// Most blocks looked at; real files have a few.
const MOST: usize = 10_000;
/// Bytes at the end of a file in which two blocks begin, unless they are extraordinary.
const TWO_BLOCKS: u64 = 1 << 18;

pub(super) fn front(mut file: File, limits: &Limits) -> Result<Front> {
    let (mut description, mut comments) = (Vec::new(), Vec::new());
    let mut at = file.start + 4;
    for _ in 0..MOST {
        let head = read_at(&mut file.source, at, 4).map_err(read_failed)?;
        let [kind, a, b, c] = head[..] else { break };
        let length = u64::from(u32::from_be_bytes([0, a, b, c]));
        let kept = match kind & !LAST {
            DESCRIPTION if description.is_empty() => Some(&mut description),
            COMMENTS if length <= limits.max_tag_bytes as u64 => Some(&mut comments),
            _ => None,
        };
        if let Some(kept) = kept {
            *kept = read_at(&mut file.source, at, 4 + length).map_err(read_failed)?;
            kept[0] &= !LAST;
        }
        at += 4 + length;
        if kind & LAST != 0 && at <= file.end {
            if description.is_empty() {
                return Err(unusable("it does not describe its stream"));
            }
            let claimed = unsaid_length(&mut file, &description, at).map_err(read_failed)?;
            let last = if comments.is_empty() { &mut description } else { &mut comments };
            last[0] |= LAST;
            let head = [&b"fLaC"[..], &description, &comments].concat();
            let source = Spliced::new(head, file.source, at, file.end);
            return Ok(Front { source, edit: None, claimed, known: true });
        }
    }
    Err(unusable("it ends within its tags"))
}

/// The length of a file whose description leaves it open, as one written into a pipe does; its sound
/// begins at `sound`.
fn unsaid_length(file: &mut File, description: &[u8], sound: u64) -> io::Result<Option<u64>> {
    let numbers = description.get(14..22).and_then(|numbers| numbers.first_chunk());
    if numbers.is_none_or(|numbers| u64::from_be_bytes(*numbers) << 28 != 0) {
        return Ok(None);
    }
    let from = sound.max(file.end.saturating_sub(TWO_BLOCKS));
    Ok(length_at_end(&read_at(&mut file.source, from, TWO_BLOCKS)?))
}
