//! AIFF files: format, text and sound, each as long as its bytes.

use super::chunks::chunks;
use super::{File, Front, Spliced, read_at, unusable};
use crate::audio::fold::check_channels;
use crate::audio::packets::read_failed;
use crate::base::{Limits, Result};

/// Longest format chunk read; compressed ones carry the name of their method.
const MOST_COMMON: u64 = 512;
/// Bytes of offset and block size before the samples.
const SOUND_HEAD: u64 = 8;
/// Chunks with words about the song.
const WORDS: [&[u8; 4]; 4] = [b"NAME", b"AUTH", b"ANNO", b"ID3 "];

pub(super) fn front(mut file: File, limits: &Limits) -> Result<Front> {
    let all = chunks(&mut file, u32::from_be_bytes).map_err(read_failed)?;
    let find = |name: &[u8; 4]| all.iter().find(|chunk| &chunk.name == name);
    let common = find(b"COMM").ok_or_else(|| unusable("it has no format chunk"))?;
    let common = common.read(&mut file, MOST_COMMON).map_err(read_failed)?;
    let Some(&[a, b, c, d, e, f]) = common.first_chunk() else {
        return Err(unusable("its format chunk is cut short"));
    };
    check_channels(usize::from(u16::from_be_bytes([a, b])))?;
    let frames = u64::from(u32::from_be_bytes([c, d, e, f]));
    let sound = find(b"SSND").ok_or_else(|| unusable("it has no sound chunk"))?;
    if sound.present < SOUND_HEAD {
        return Err(unusable("its sound chunk is cut short"));
    }
    let kind = read_at(&mut file.source, file.start + 8, 4).map_err(read_failed)?;
    let mut body = [&kind[..], &chunk(b"COMM", &common)].concat();
    let mut room = limits.max_tag_bytes as u64;
    for words in all.iter().filter(|chunk| WORDS.contains(&&chunk.name)) {
        if words.present > room {
            continue;
        }
        room -= words.present;
        let text = words.read(&mut file, words.present).map_err(read_failed)?;
        body.extend_from_slice(&chunk(&words.name, &text));
    }
    body.extend_from_slice(b"SSND");
    body.extend_from_slice(&(sound.present as u32).to_be_bytes());
    let whole = u32::try_from(body.len() as u64 + sound.present).unwrap_or(u32::MAX);
    let head = [&b"FORM"[..], &whole.to_be_bytes(), &body].concat();
    let stop = sound.start + sound.present;
    let claimed = Some(frames).filter(|&frames| frames > 0);
    let source = Spliced::new(head, file.source, sound.start, stop);
    Ok(Front { source, edit: None, claimed, known: true })
}

/// A chunk with the size it has.
fn chunk(name: &[u8; 4], bytes: &[u8]) -> Vec<u8> {
    let size = (bytes.len() as u32).to_be_bytes();
    let mut chunk = [&name[..], &size, bytes].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}
