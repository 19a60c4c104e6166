//! The ID3v2.4.0 tag in front of an MP3 file.

use super::OutputTags;
use crate::base::{Error, ErrorKind, Result};

/// Text is UTF-8.
const UTF8: u8 = 3;

/// The fields of `tags` as a tag; no bytes at all if there is nothing to say.
pub(super) fn id3v2(tags: &OutputTags) -> Result<Vec<u8>> {
    let mut frames = Vec::new();
    for (id, text) in [
        (b"TIT2", &tags.title),
        (b"TPE1", &tags.artist),
        (b"TALB", &tags.album),
        (b"TSSE", &tags.encoder),
        (b"COMM", &tags.comment),
    ] {
        if text.is_empty() {
            continue;
        }
        let mut body = vec![UTF8];
        if id == b"COMM" {
            // No language and no description.
            body.extend_from_slice(b"XXX\0");
        }
        body.extend_from_slice(text.as_bytes());
        frames.extend_from_slice(id);
        frames.extend_from_slice(&synchsafe(body.len())?);
        frames.extend_from_slice(&[0, 0]);
        frames.extend_from_slice(&body);
    }
    if frames.is_empty() {
        return Ok(frames);
    }
    let mut tag = b"ID3\x04\0\0".to_vec();
    tag.extend_from_slice(&synchsafe(frames.len())?);
    tag.extend_from_slice(&frames);
    Ok(tag)
}

/// Four times seven bits, so that no byte looks like the start of an MPEG frame.
fn synchsafe(size: usize) -> Result<[u8; 4]> {
    if size >= 1 << 28 {
        return Err(Error::new(ErrorKind::Limit, "the tags are too long for ID3"));
    }
    Ok([21, 14, 7, 0].map(|shift| (size >> shift) as u8 & 0x7f))
}
