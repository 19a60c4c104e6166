//! What stands before the sound of a file, read first: lengths that lie are put right, pictures
//! and oversized tags are passed over.
//!
//! The general reader keeps every picture in memory and refuses a file whose sizes do not add
//! up, though recorders that were stopped, and programs that write into a pipe, leave such sizes
//! behind. So it is handed a plain head made anew, followed by the bytes of the sound.

mod aiff;
mod chunks;
mod flac;
mod spliced;
#[cfg(test)]
mod tests;
mod wave;

use std::io::{self, Read, Seek, SeekFrom};

use super::mp4_edit::{self, Edit};
use super::packets::read_failed;
use crate::base::{ByteSource, Error, ErrorKind, Limits, Result};
pub(super) use spliced::Spliced;

/// A file made ready for the general reader.
pub(super) struct Front {
    pub source: Spliced,
    /// What is to be cut from the decoded frames.
    pub edit: Option<Edit>,
    /// Frames the file says it holds, where the reader will not know.
    pub claimed: Option<u64>,
    /// Its head was read here. Formats whose head may ask for any amount of memory are not to
    /// be read otherwise.
    pub known: bool,
}

/// Reads the head of a file of any format.
///
/// # Errors
/// `Unusable` where the head of a WAV, AIFF or FLAC file makes no sense, `Limit` where its rate or
/// channels are out of range or its tables too large, `Io` where reading fails.
pub(super) fn open(mut source: Box<dyn ByteSource>, limits: &Limits) -> Result<Front> {
    let end = source.seek(SeekFrom::End(0)).map_err(read_failed)?;
    let tags = Tags::find(&mut source, limits.max_tag_bytes as u64).map_err(read_failed)?;
    let magic = read_at(&mut source, tags.end, 12).map_err(read_failed)?;
    if id3_length(&magic[..magic.len().min(ID3_HEAD as usize)]).is_some() {
        return Err(unusable("too many tags stand before its sound"));
    }
    let [one, two, three] = [0, 4, 8].map(|at| magic.get(at..at + 4).unwrap_or_default());
    let file = File { source, start: tags.end, end };
    match (one, two, three) {
        (b"RIFF" | b"RF64" | b"BW64", _, b"WAVE") => wave::front(file),
        (b"FORM", _, b"AIFF" | b"AIFC") => aiff::front(file, limits),
        (b"fLaC", ..) => flac::front(file, limits),
        (_, b"ftyp", _) => mp4(file),
        _ => {
            let source = Spliced::new(Vec::new(), file.source, tags.readable, end);
            Ok(Front { source, edit: None, claimed: None, known: false })
        }
    }
}

/// A file and the part of it that counts.
struct File {
    source: Box<dyn ByteSource>,
    start: u64,
    end: u64,
}

fn mp4(mut file: File) -> Result<Front> {
    let edit = mp4_edit::read_edit(&mut file.source, file.start)?;
    let source = Spliced::new(Vec::new(), file.source, file.start, file.end);
    Ok(Front { source, edit, claimed: None, known: true })
}

/// Where a file begins behind all ID3v2 tags.
pub(super) fn behind_tags(source: &mut (impl Read + Seek)) -> io::Result<u64> {
    Ok(Tags::find(source, u64::MAX)?.end)
}

/// ID3v2 tags in front of a file.
struct Tags {
    /// Where they end.
    end: u64,
    /// Where those begin that are not too large to read.
    readable: u64,
}

impl Tags {
    fn find(source: &mut (impl Read + Seek), most: u64) -> io::Result<Tags> {
        let mut tags = Tags { end: 0, readable: 0 };
        for _ in 0..MOST_TAGS {
            let Some(length) = id3_length(&read_at(source, tags.end, ID3_HEAD)?) else { break };
            tags.end += length;
            if tags.end - tags.readable > most {
                tags.readable = tags.end;
            }
        }
        Ok(tags)
    }
}

/// Most tags passed over; real files have one, rarely two.
const MOST_TAGS: usize = 64;

/// Bytes before the fields of an ID3v2 tag.
const ID3_HEAD: u64 = 10;

/// The length of the ID3v2 tag that begins so, its header included.
fn id3_length(head: &[u8]) -> Option<u64> {
    let [b'I', b'D', b'3', _, _, flags, a, b, c, d] = *head else { return None };
    let size = [a, b, c, d].iter().fold(0, |n, &x| (n << 7) | u64::from(x & 0x7f));
    let footer = if flags & 0x10 != 0 { ID3_HEAD } else { 0 };
    Some(ID3_HEAD + size + footer)
}

/// Up to `length` bytes from a place on.
fn read_at(source: &mut (impl Read + Seek), at: u64, length: u64) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unusable(why: &str) -> Error {
    Error::new(ErrorKind::Unusable, "cannot read as audio").because(why)
}
