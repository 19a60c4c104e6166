//! Encoder delay of AAC in MP4 files: what the container says must be cut from both ends; and
//! whether its tables are of a size that can be read.
//!
//! Sources: ISO/IEC 14496-12 (boxes `moov`, `trak`, `mdhd`, `mvhd`, `elst`); Apple's gapless
//! comment `iTunSMPB`, whose second and third hexadecimal fields are delay and padding and whose
//! fourth is the true length.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use super::packets::read_failed;
use crate::base::{Error, ErrorKind, Result};

/// Most bytes of tables in a file, all kept in memory; a song has a few hundred kilobytes.
const MAX_TABLES: u64 = 64 << 20;
/// Most boxes of the outermost level looked at: twelve days in fragments of a second.
const MAX_BOXES: usize = 1 << 20;
/// Most entries of the table of durations, which the reader searches from its beginning for each
/// packet. Regular files have two, those with rounded times one a packet.
const MAX_DURATIONS: u32 = 60_000;
/// Most packets in a run of a fragment, which is searched in the same way but faster.
const MAX_RUN: u32 = 200_000;
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
    run: u32,
}

/// Reads the edit of the first sound track of a file that begins at `start`, leaving the reader
/// anywhere. `None` where the file says nothing.
///
/// # Errors
/// `Limit` where its tables are too large.
pub fn read_edit(file: &mut (impl Read + Seek), start: u64) -> Result<Option<Edit>> {
    let end = file.seek(SeekFrom::End(0)).map_err(read_failed)?;
    let (mut at, mut tables, mut movie) = (start, 0u64, None);
    for _ in 0..MAX_BOXES {
        let Some((name, body)) = box_at(file, at, end) else { return Ok(movie) };
        at = body.end;
        if !matches!(&name, b"ftyp" | b"moov" | b"moof" | b"meta" | b"sidx") {
            continue;
        }
        tables += body.end - body.start;
        if tables > MAX_TABLES {
            return Err(too_large(format!("over {MAX_TABLES} bytes")));
        }
        let mut found = Found::default();
        walk(&read(file, body).map_err(read_failed)?, 0, &mut found);
        found.check()?;
        if &name == b"moov" {
            movie = movie.or_else(|| found.gapless.or_else(|| found.edit_list()));
        }
    }
    Err(too_large(format!("over {MAX_BOXES} boxes")))
}

fn too_large(why: String) -> Error {
    Error::new(ErrorKind::Limit, "the tables of this MP4 file are too large").because(why)
}

impl Found {
    fn check(&self) -> Result<()> {
        let (durations, packets, run) = (self.durations, self.packets, self.run);
        if durations > MAX_DURATIONS || run > MAX_RUN || packets > u64::from(u32::MAX) {
            let why = format!("{durations} durations, {packets} packets, a run of {run}");
            return Err(too_large(why));
        }
        Ok(())
    }

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

/// Name and contents of the box at a place, as far as they are in the file.
fn box_at(file: &mut (impl Read + Seek), at: u64, end: u64) -> Option<([u8; 4], Range<u64>)> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut head = [0u8; 16];
    file.read_exact(&mut head[..8]).ok()?;
    let mut size = u64::from(be32(&head, 0)?);
    let mut start = at + 8;
    if size == 1 {
        file.read_exact(&mut head[8..]).ok()?;
        size = be64(&head, 8)?;
        start += 8;
    } else if size == 0 {
        size = end - at;
    }
    let stop = at.checked_add(size).filter(|&stop| stop >= start)?.min(end);
    Some(([head[4], head[5], head[6], head[7]], start.min(stop)..stop))
}

fn read(file: &mut (impl Read + Seek), range: Range<u64>) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = Vec::new();
    file.take(range.end - range.start).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn walk(boxes: &[u8], depth: usize, found: &mut Found) {
    let mut rest = boxes;
    while let Some((name, body, after)) = split_box(rest)
        && depth < MAX_DEPTH
    {
        match &name {
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
            b"edts" | b"mdia" | b"minf" | b"stbl" | b"traf" | b"udta" | b"ilst" => {
                walk(body, depth + 1, found)
            }
            b"meta" => walk(body.get(4..).unwrap_or(&[]), depth + 1, found),
            b"mvhd" => found.movie_scale = time_scale(body).unwrap_or(0),
            b"mdhd" => found.media_scale = time_scale(body).unwrap_or(0),
            b"hdlr" => found.is_sound = found.is_sound || body.get(8..12) == Some(b"soun"),
            b"trun" => found.run = found.run.max(be32(body, 4).unwrap_or(0)),
            b"stts" => {
                found.durations = found.durations.max(be32(body, 4).unwrap_or(0));
                found.packets = found.packets.max(packets(body));
            }
            b"elst" => found.edit = first_edit(body),
            b"----" => found.gapless = found.gapless.or_else(|| gapless_comment(body)),
            _ => {}
        }
        rest = after;
    }
}

/// Name and contents of the first box, and what follows it.
fn split_box(boxes: &[u8]) -> Option<([u8; 4], &[u8], &[u8])> {
    let name = *boxes.get(4..)?.first_chunk()?;
    let (head, size) = match be32(boxes, 0)? {
        0 => (8, boxes.len()),
        1 => (16, usize::try_from(be64(boxes, 8)?).ok()?),
        size => (8, size as usize),
    };
    let body = boxes.get(head..size)?;
    Some((name, body, &boxes[size..]))
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
            (be64(entry, 0)?, be64(entry, 8)? as i64)
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

fn be64(bytes: &[u8], at: usize) -> Option<u64> {
    Some((u64::from(be32(bytes, at)?) << 32) | u64::from(be32(bytes, at + 4)?))
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
    fn tables_that_would_take_forever_are_refused() {
        let durations = |count: u32| {
            let stts = boxed(b"stts", &[&[0; 4], &count.to_be_bytes()[..]].concat());
            let stbl = boxed(b"stbl", &stts);
            boxed(b"trak", &boxed(b"mdia", &boxed(b"minf", &stbl)))
        };
        let refused = |extra: Vec<u8>| read_edit(&mut Cursor::new(file(&extra)), 0).is_err();
        assert!(!refused(durations(MAX_DURATIONS)));
        assert!(refused(durations(MAX_DURATIONS + 1)));
        // Hidden in a box with a 64-bit size.
        let inner = durations(MAX_DURATIONS + 1).split_off(8);
        let size = (inner.len() as u64 + 16).to_be_bytes();
        assert!(refused([&[0, 0, 0, 1], &b"trak"[..], &size, &inner].concat()));
        let run = boxed(b"trun", &[&[0; 4], &(MAX_RUN + 1).to_be_bytes()[..]].concat());
        let fragment = boxed(b"moof", &boxed(b"traf", &run));
        let mut fragmented = Cursor::new([file(&[]), fragment].concat());
        assert!(read_edit(&mut fragmented, 0).is_err());
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
