//! Reads Ogg Opus files (RFC 7845), which the general decoder does not know.
//!
//! Every page is placed by its granule position: what a damaged or lost page held becomes
//! silence of the same length, so that nothing after it moves.

mod headers;
mod ogg;
#[cfg(test)]
mod tests;
mod timeline;

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;

use opus_pure::packet::samples_48k;
use opus_pure::{MAX_PACKET_SAMPLES, OpusHead};

use crate::base::{Error, ErrorKind, Result, SampleRate};
use headers::Decoder;
use ogg::{MAX_PAGE, Page, Pages};
use timeline::Timeline;

/// A file whose first stream does not begin within so many bytes is not an Opus file.
const HEAD_WITHIN: u64 = 1 << 20;
/// Longest packet kept; more than any audio packet. Tags beyond it (pictures) are cut off.
const MAX_PACKET: usize = 1 << 20;

trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

/// A streaming reader of the first Opus stream in an Ogg file. Output is 48 000 Hz, planar, with
/// pre-skip and end padding trimmed and the header's output gain applied. Memory is bounded by a
/// page and a packet, whatever the file says.
pub struct OpusReader {
    pages: Pages<Box<dyn Input>>,
    page: Page,
    serial: u32,
    next_sequence: u32,
    assembly: Assembly,
    head: OpusHead,
    decoder: Decoder,
    tags: Option<Vec<(String, String)>>,
    timeline: Timeline,
    decoded: Vec<f32>,
    over: bool,
    total: Option<u64>,
}

impl OpusReader {
    /// Reads the headers and looks at the file's last page for its length.
    ///
    /// # Errors
    /// `ErrorKind::Unusable` if this is no Opus file this reader can decode, `ErrorKind::Io` if
    /// reading fails.
    pub fn open(source: impl Read + Seek + Send + 'static) -> Result<Self> {
        let mut pages = Pages::new(Box::new(source) as Box<dyn Input>);
        let mut page = Page::default();
        let head = find_head(&mut pages, &mut page)?;
        let decoder = Decoder::new(&head)?;
        let channels = usize::from(head.channel_count);
        let mut reader = OpusReader {
            pages,
            serial: page.serial,
            next_sequence: page.sequence.wrapping_add(1),
            over: page.last,
            page,
            assembly: Assembly::default(),
            timeline: Timeline::new(head.pre_skip),
            head,
            decoder,
            tags: None,
            decoded: vec![0.0; MAX_PACKET_SAMPLES * channels],
            total: None,
        };
        while !reader.over && !reader.timeline.started() {
            reader.read_page()?;
        }
        reader.total = reader.last_granule().and_then(|g| reader.timeline.frames_until(g));
        Ok(reader)
    }

    /// Frames a second of the output: always 48 000.
    pub fn rate(&self) -> SampleRate {
        SampleRate::new(48_000).unwrap_or(SampleRate::CD)
    }

    /// Channels of the output, in Vorbis order.
    pub fn channels(&self) -> usize {
        usize::from(self.head.channel_count)
    }

    /// The frames the file claims to hold, if its last page could be found.
    pub fn total_frames(&self) -> Option<u64> {
        self.total
    }

    /// Comments as upper-case names and values, in file order, without embedded pictures.
    pub fn tags(&self) -> &[(String, String)] {
        self.tags.as_deref().unwrap_or_default()
    }

    /// Frames of silence given out so far in place of damaged or lost audio.
    pub fn gap_frames(&self) -> u64 {
        self.timeline.gap_frames()
    }

    /// Replaces the contents of `planar` by the next frames, one vector a channel, at most
    /// 5 760 frames (120 ms). `false` at the end; `planar` is then empty.
    ///
    /// # Errors
    /// `ErrorKind::Io` if reading fails. Damage is no error: see [`Self::gap_frames`].
    pub fn next_block(&mut self, planar: &mut Vec<Vec<f32>>) -> Result<bool> {
        planar.resize_with(self.channels(), Vec::new);
        planar.iter_mut().for_each(Vec::clear);
        loop {
            if self.timeline.in_gap() {
                let frames = self.timeline.take_silence(MAX_PACKET_SAMPLES);
                planar.iter_mut().for_each(|c| c.resize(frames, 0.0));
            } else if let Some(packet) = self.assembly.next_packet() {
                self.decode(packet, planar);
            } else if self.over {
                return Ok(false);
            } else {
                self.read_page()?;
            }
            if !planar[0].is_empty() {
                return Ok(true);
            }
        }
    }

    fn decode(&mut self, packet: Range<usize>, planar: &mut [Vec<f32>]) {
        let data = &self.assembly.data[packet];
        let Ok(frames) = samples_48k(data) else {
            return;
        };
        let channels = planar.len();
        if self.decoder.decode(data, &mut self.decoded) != Some(frames) {
            self.timeline.open_gap(frames);
            return;
        }
        let kept = self.timeline.take_audio(frames);
        let interleaved = &self.decoded[kept.start * channels..kept.end * channels];
        for frame in interleaved.chunks_exact(channels) {
            for (channel, &sample) in planar.iter_mut().zip(frame) {
                channel.push(if sample.is_finite() { sample } else { 0.0 });
            }
        }
    }

    fn read_page(&mut self) -> Result<()> {
        if !self.pages.next_into(&mut self.page).map_err(read_failed)? {
            self.over = true;
            return Ok(());
        }
        let page = &self.page;
        if page.serial != self.serial {
            return Ok(());
        }
        let complete = page.sequence == self.next_sequence;
        self.next_sequence = page.sequence.wrapping_add(1);
        self.over = page.last;
        self.assembly.take(page, complete);
        self.take_tags();
        let frames = self.assembly.packets().filter_map(|p| samples_48k(p).ok()).sum();
        if self.assembly.ends.is_empty() {
            return Ok(());
        }
        self.timeline.place(self.page.granule, frames, complete, self.over);
        Ok(())
    }

    /// The second packet of the stream is the comments, unless their page was lost.
    fn take_tags(&mut self) {
        if self.tags.is_some() || self.assembly.ends.is_empty() {
            return;
        }
        let first = self.assembly.packets().next().and_then(headers::parse_tags);
        if first.is_some() {
            // RFC 7845 section 3: audio begins on a fresh page, so nothing else is here.
            self.assembly.ends.clear();
            self.assembly.data.clear();
        }
        self.tags = Some(first.unwrap_or_default());
    }

    /// The highest position claimed by the last pages of the file, if they belong to this stream.
    fn last_granule(&mut self) -> Option<i64> {
        let source = self.pages.source();
        let here = source.stream_position().ok()?;
        let tail = read_tail(source);
        source.seek(SeekFrom::Start(here)).ok()?;
        let mut pages = Pages::new(Cursor::new(tail.ok()?));
        let (mut page, mut found) = (Page::default(), None);
        while pages.next_into(&mut page).ok()? {
            if page.serial == self.serial && page.granule >= 0 {
                found = Some(page.granule);
            }
        }
        found
    }
}

/// Enough of the file's end to hold a whole page after a damaged one.
fn read_tail(source: &mut Box<dyn Input>) -> io::Result<Vec<u8>> {
    let end = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(end.saturating_sub(3 * MAX_PAGE as u64)))?;
    let mut tail = Vec::new();
    source.take(3 * MAX_PAGE as u64).read_to_end(&mut tail)?;
    Ok(tail)
}

fn find_head(pages: &mut Pages<Box<dyn Input>>, page: &mut Page) -> Result<OpusHead> {
    while pages.consumed() < HEAD_WITHIN && pages.next_into(page).map_err(read_failed)? {
        if page.first && page.payload.starts_with(headers::HEAD_MAGIC) {
            return headers::parse_head(&page.payload);
        }
    }
    Err(Error::new(ErrorKind::Unusable, "no Opus stream found"))
}

fn read_failed(source: io::Error) -> Error {
    Error::new(ErrorKind::Io, "cannot read the Opus file")
        .because(source.to_string())
        .caused_by(source)
}

/// Packets put together from the segments of pages.
#[derive(Default)]
struct Assembly {
    /// The packets that end on the current page, then the beginning of one that does not.
    data: Vec<u8>,
    ends: Vec<usize>,
    taken: usize,
    /// Segments belong to a packet whose beginning was lost: they are dropped.
    headless: bool,
}

impl Assembly {
    /// Replaces the packets of the last page by those of `page`. `complete` says that no page
    /// is missing between the two.
    fn take(&mut self, page: &Page, complete: bool) {
        self.data.drain(..self.ends.last().copied().unwrap_or(0));
        self.ends.clear();
        self.taken = 0;
        let resumes = page.continued && complete && !self.data.is_empty();
        if !resumes {
            self.data.clear();
        }
        self.headless = page.continued && !resumes;
        let mut rest = &page.payload[..];
        for &length in &page.lacing {
            let (segment, after) = rest.split_at(usize::from(length).min(rest.len()));
            rest = after;
            self.append(segment, length < 255);
        }
    }

    fn append(&mut self, segment: &[u8], ends_packet: bool) {
        let start = self.ends.last().copied().unwrap_or(0);
        if !self.headless && self.data.len() - start < MAX_PACKET {
            self.data.extend_from_slice(segment);
        }
        if ends_packet {
            self.headless = false;
            if self.data.len() > start {
                self.ends.push(self.data.len());
            }
        }
    }

    fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.data[start..end])
    }

    fn next_packet(&mut self) -> Option<Range<usize>> {
        let end = *self.ends.get(self.taken)?;
        let start = if self.taken == 0 { 0 } else { self.ends[self.taken - 1] };
        self.taken += 1;
        Some(start..end)
    }
}
