//! Encoder delay of AAC in MP4 files: what the container says must be cut from both ends; and
//! whether its tables are of a size that can be read.
//!
//! Sources: ISO/IEC 14496-12 (boxes `moov`, `trak`, `mdhd`, `mvhd`, `elst`); Apple's gapless
//! comment `iTunSMPB`, whose second and third hexadecimal fields are delay and padding and whose
//! fourth is the true length.

use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

use crate::base::{Error, ErrorKind, Result};

/// Most bytes of tables in a file, all kept in memory; a song has a few hundred kilobytes.
const MAX_TABLES: u64 = 64 << 20;
/// Most boxes of the outermost level looked at: twelve days in fragments of a second.
const MAX_BOXES: usize = 1 << 20;
/// Most entries of the table of durations, which the reader searches from its beginning for each
/// packet. Regular files have two, those with rounded times one a packet.
const MAX_DURATIONS: u32 = 60_000;
/// Deepest nesting followed; real files need six.
const MAX_DEPTH: usize = 10;

/// The part of the decoded frames that is music, in frames of the media time scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// Frames before the music.
    pub delay: u64,
    /// Frames of music, where the file says so.
    pub length: Option<u64>,
    /// Frames by which the length may be off: edit lists count in the movie's own clock, often
    /// milliseconds.
    pub grain: u64,
}

impl Edit {
    /// The first so many frames.
    pub fn end_at(frames: u64) -> Edit {
        Edit { length: Some(frames), ..Edit::default() }
    }

    /// The length, made exact where the frames in the track confirm it.
    pub fn length_in(&self, track_frames: Option<u64>) -> Option<u64> {
        let whole = track_frames.map(|n| n.saturating_sub(self.delay));
        let confirmed = |length: &u64| whole.filter(|n| n.abs_diff(*length) <= self.grain);
        self.length.as_ref().and_then(confirmed).or(self.length)
    }
}

#[derive(Default)]
struct Found {
    movie_scale: u64,
    media_scale: u64,
    is_sound: bool,
    edit: Option<(u64, u64)>,
    gapless: Option<Edit>,
    durations: u32,
    packets: u64,
}

/// Reads the edit of the first sound track of a file that begins at `start`, leaving the reader
/// anywhere. `None` where the file says nothing.
///
/// # Errors
/// `Limit` where its tables are too large.
pub fn read_edit(file: &mut (impl Read + Seek), start: u64) -> Result<Option<Edit>> {
    let Some((tables, moov)) = find_tables(file, start) else { return Ok(None) };
    if tables > MAX_TABLES {
        return Err(too_large(format!("{tables} bytes, {MAX_TABLES} can be read")));
    }
    let Some(moov) = moov.and_then(|range| read(file, range)) else { return Ok(None) };
    let mut found = Found::default();
    walk(&moov, 0, &mut found);
    if found.durations > MAX_DURATIONS || found.packets > u64::from(u32::MAX) {
        let (durations, packets) = (found.durations, found.packets);
        return Err(too_large(format!("{durations} durations of {packets} packets")));
    }
    Ok(found.gapless.or_else(|| found.edit_list()))
}

fn too_large(why: String) -> Error {
    Error::new(ErrorKind::Limit, "the tables of this MP4 file are too large").because(why)
}

impl Found {
    fn edit_list(&self) -> Option<Edit> {
        let (duration, delay) = self.edit?;
        let length = (self.movie_scale > 0 && duration > 0).then(|| {
            let frames = u128::from(duration) * u128::from(self.media_scale);
            ((frames + u128::from(self.movie_scale) / 2) / u128::from(self.movie_scale)) as u64
        });
        let grain = if length.is_some() { self.media_scale.div_ceil(self.movie_scale) } else { 0 };
        Some(Edit { delay, length, grain })
    }
}

/// Bytes of all tables, and where the movie box lies.
fn find_tables(file: &mut (impl Read + Seek), start: u64) -> Option<(u64, Option<Range<u64>>)> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let (mut at, mut tables, mut moov) = (start, 0u64, None);
    for _ in 0..MAX_BOXES {
        let Some((name, body)) = box_at(file, at, end) else { break };
        at = body.end;
        if matches!(&name, b"ftyp" | b"moov" | b"moof" | b"meta" | b"sidx") {
            tables += body.end - body.start;
        }
        if &name == b"moov" && moov.is_none() {
            moov = Some(body);
        }
    }
    Some((tables, moov))
}

/// Name and contents of the box at a place, as far as they are in the file.
fn box_at(file: &mut (impl Read + Seek), at: u64, end: u64) -> Option<([u8; 4], Range<u64>)> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut head = [0u8; 16];
    file.read_exact(&mut head[..8]).ok()?;
    let mut size = u64::from(be32(&head, 0)?);
    let mut start = at + 8;
    if size == 1 {
        file.read_exact(&mut head[8..]).ok()?;
        size = (u64::from(be32(&head, 8)?) << 32) | u64::from(be32(&head, 12)?);
        start += 8;
    } else if size == 0 {
        size = end - at;
    }
    let stop = at.checked_add(size).filter(|&stop| stop >= start)?.min(end);
    Some(([head[4], head[5], head[6], head[7]], start.min(stop)..stop))
}

fn read(file: &mut (impl Read + Seek), range: Range<u64>) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(range.start)).ok()?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn walk(boxes: &[u8], depth: usize, found: &mut Found) {
    let mut rest = boxes;
    while rest.len() >= 8 && depth < MAX_DEPTH {
        let size = be32(rest, 0).unwrap_or(0) as usize;
        let size = if size == 0 { rest.len() } else { size };
        if size < 8 || size > rest.len() {
            return;
        }
        let (name, body) = (&rest[4..8], &rest[8..size]);
        match name {
            b"trak" => {
                let mut track = Found::default();
                walk(body, depth + 1, &mut track);
                found.durations = found.durations.max(track.durations);
                found.packets = found.packets.max(track.packets);
                if track.is_sound && found.media_scale == 0 {
                    found.media_scale = track.media_scale;
                    found.edit = track.edit;
                }
            }
            b"edts" | b"mdia" | b"minf" | b"stbl" | b"udta" | b"ilst" => {
                walk(body, depth + 1, found)
            }
            b"meta" => walk(body.get(4..).unwrap_or(&[]), depth + 1, found),
            b"mvhd" => found.movie_scale = time_scale(body).unwrap_or(0),
            b"mdhd" => found.media_scale = time_scale(body).unwrap_or(0),
            b"hdlr" => found.is_sound = found.is_sound || body.get(8..12) == Some(b"soun"),
            b"stts" => {
                found.durations = found.durations.max(be32(body, 4).unwrap_or(0));
                found.packets = found.packets.max(packets(body));
            }
            b"elst" => found.edit = first_edit(body),
            b"----" => found.gapless = found.gapless.or_else(|| gapless_comment(body)),
            _ => {}
        }
        rest = &rest[size..];
    }
}

fn time_scale(body: &[u8]) -> Option<u64> {
    let at = if *body.first()? == 1 { 20 } else { 12 };
    be32(body, at).map(u64::from)
}

/// Packets that a table of durations speaks of.
fn packets(body: &[u8]) -> u64 {
    let entries = body.get(8..).unwrap_or_default().chunks_exact(8);
    entries.filter_map(|entry| be32(entry, 0)).map(u64::from).sum()
}

/// Duration and start of the first edit that shows media (empty edits have start -1).
fn first_edit(body: &[u8]) -> Option<(u64, u64)> {
    let wide = *body.first()? == 1;
    let count = be32(body, 4)? as usize;
    let width = if wide { 20 } else { 12 };
    let entries = body.get(8..)?.chunks_exact(width).take(count);
    entries.into_iter().find_map(|entry| {
        let (duration, start) = if wide {
            let wide_at =
                |at| Some(u64::from(be32(entry, at)?) << 32 | u64::from(be32(entry, at + 4)?));
            (wide_at(0)?, wide_at(8)? as i64)
        } else {
            (u64::from(be32(entry, 0)?), i64::from(be32(entry, 4)? as i32))
        };
        (start >= 0).then_some((duration, start as u64))
    })
}

fn gapless_comment(body: &[u8]) -> Option<Edit> {
    let has = |name: &[u8]| body.windows(name.len()).any(|window| window == name);
    if !has(b"iTunSMPB") {
        return None;
    }
    let data = body.windows(4).position(|window| window == b"data")?;
    let text = std::str::from_utf8(body.get(data + 12..)?).ok()?;
    let mut fields = text.split_whitespace().skip(1);
    let delay = u64::from_str_radix(fields.next()?, 16).ok()?;
    let _padding = fields.next()?;
    let length = u64::from_str_radix(fields.next()?, 16).ok()?;
    Some(Edit { delay, length: (length > 0).then_some(length), grain: 0 })
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at + 4)?;
    Some(u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn boxed(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut out = ((body.len() + 8) as u32).to_be_bytes().to_vec();
        out.extend_from_slice(name);
        out.extend_from_slice(body);
        out
    }

    fn scale(before: usize, hz: u32) -> Vec<u8> {
        let mut body = vec![0; before];
        body.extend_from_slice(&hz.to_be_bytes());
        body
    }

    fn file(extra: &[u8]) -> Vec<u8> {
        let mut elst = vec![0, 0, 0, 0, 0, 0, 0, 1];
        elst.extend_from_slice(&180_000u32.to_be_bytes());
        elst.extend_from_slice(&1_024u32.to_be_bytes());
        elst.extend_from_slice(&[0, 1, 0, 0]);
        let mut hdlr = vec![0; 8];
        hdlr.extend_from_slice(b"soun");
        let mdia = [boxed(b"mdhd", &scale(12, 44_100)), boxed(b"hdlr", &hdlr)].concat();
        let trak = [boxed(b"edts", &boxed(b"elst", &elst)), boxed(b"mdia", &mdia)].concat();
        let moov =
            [boxed(b"mvhd", &scale(12, 1_000)), boxed(b"trak", &trak), extra.to_vec()].concat();
        [boxed(b"ftyp", b"M4A "), boxed(b"mdat", &[0; 100]), boxed(b"moov", &moov)].concat()
    }

    #[test]
    fn an_edit_list_gives_delay_and_length() {
        let edit = read_edit(&mut Cursor::new(file(&[])), 0).unwrap().unwrap();
        assert_eq!(edit, Edit { delay: 1_024, length: Some(7_938_000), grain: 45 });
        assert_eq!(edit.length_in(Some(7_939_050)), Some(7_938_026), "rounded to milliseconds");
        assert_eq!(edit.length_in(Some(9_000_000)), Some(7_938_000), "a real cut");
        assert_eq!(edit.length_in(None), Some(7_938_000));
    }

    #[test]
    fn apples_gapless_comment_wins() {
        let text = b" 00000000 00000840 000001CA 00000000003F31F6 00000000";
        let data = [&[0u8; 8][..], text].concat();
        let comment = [boxed(b"name", b"\0\0\0\0iTunSMPB"), boxed(b"data", &data)].concat();
        let ilst = boxed(b"ilst", &boxed(b"----", &comment));
        let meta = boxed(b"meta", &[&[0u8; 4][..], &ilst].concat());
        let edit = read_edit(&mut Cursor::new(file(&boxed(b"udta", &meta))), 0).unwrap().unwrap();
        assert_eq!(edit, Edit { delay: 2_112, length: Some(0x3f31f6), grain: 0 });
    }

    #[test]
    fn nonsense_is_nothing() {
        for junk in [&b""[..], b"RIFF", &[0; 64], &[255; 64]] {
            assert_eq!(read_edit(&mut Cursor::new(junk), 0).unwrap(), None);
        }
        let whole = file(&[]);
        for cut in 0..whole.len() {
            let _ = read_edit(&mut Cursor::new(&whole[..cut]), 0);
        }
    }
}
