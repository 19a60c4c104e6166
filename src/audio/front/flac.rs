//! FLAC files: the stream's description and its comments, without pictures and padding.

use super::{File, Front, Spliced, read_at, unusable};
use crate::audio::packets::read_failed;
use crate::base::{Limits, Result};

const DESCRIPTION: u8 = 0;
const COMMENTS: u8 = 4;
/// Marks the last block of metadata.
const LAST: u8 = 0x80;
/// Most blocks looked at; real files have a few.
const MOST: usize = 10_000;

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
            let last = if comments.is_empty() { &mut description } else { &mut comments };
            last[0] |= LAST;
            let head = [&b"fLaC"[..], &description, &comments].concat();
            let source = Spliced::new(head, file.source, at, file.end);
            return Ok(Front { source, edit: None, claimed: None, known: true });
        }
    }
    Err(unusable("it ends within its tags"))
}
