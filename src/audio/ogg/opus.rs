//! Reads Ogg Opus streams (RFC 7845), which the general decoder does not know.

mod headers;
#[cfg(test)]
mod tests;

use std::ops::Range;

use opus_pure::packet::samples_48k;
use opus_pure::{MAX_PACKET_SAMPLES, OpusHead};

use super::pages::Page;
use super::stream::{AllPages, Stream};
use super::timeline::Timeline;
use super::{Comments, Link, parse_comments};
use crate::base::{Result, SampleRate};
use headers::Decoder;

pub(super) use headers::HEAD_MAGIC;
const TAGS_MAGIC: &[u8; 8] = b"OpusTags";

/// A streaming reader of one Opus stream. Output is 48 000 Hz, planar, with pre-skip and end
/// padding trimmed and the header's output gain applied. Memory is bounded by a page and a
/// packet, whatever the file says.
pub(super) struct OpusReader {
    stream: Stream,
    head: OpusHead,
    decoder: Decoder,
    tags: Option<Comments>,
    timeline: Timeline,
    decoded: Vec<f32>,
    total: Option<u64>,
}

impl OpusReader {
    /// Reads the headers of the stream that begins with `page`, and looks at the file's last page
    /// for its length.
    ///
    /// # Errors
    /// `ErrorKind::Unusable` if this reader cannot decode it, `ErrorKind::Io` if reading fails.
    pub fn begin(pages: AllPages, page: Page) -> Result<Self> {
        let head = headers::parse_head(&page.payload)?;
        let decoder = Decoder::new(&head)?;
        let channels = usize::from(head.channel_count);
        let mut reader = OpusReader {
            stream: Stream::begin(pages, page),
            timeline: Timeline::new(head.pre_skip),
            head,
            decoder,
            tags: None,
            decoded: vec![0.0; MAX_PACKET_SAMPLES * channels],
            total: None,
        };
        while !reader.stream.over() && !reader.timeline.started() {
            reader.read_page()?;
        }
        reader.total = reader.stream.last_granule().and_then(|g| reader.timeline.frames_until(g));
        Ok(reader)
    }

    fn decode(&mut self, packet: Range<usize>, planar: &mut [Vec<f32>]) {
        let data = self.stream.assembly.bytes(packet);
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
        let Some(complete) = self.stream.take_page()? else { return Ok(()) };
        self.take_tags();
        let assembly = &self.stream.assembly;
        if !assembly.is_empty() {
            let frames = assembly.packets().filter_map(|p| samples_48k(p).ok()).sum();
            let (granule, last) = (self.stream.page.granule, self.stream.over());
            self.timeline.place(granule, frames, complete, last);
        }
        Ok(())
    }

    /// The second packet of the stream is the comments, unless their page was lost.
    fn take_tags(&mut self) {
        if self.tags.is_some() || self.stream.assembly.is_empty() {
            return;
        }
        let first = self.stream.assembly.packets().next().unwrap_or_default();
        let first = first.strip_prefix(TAGS_MAGIC).map(parse_comments);
        if first.is_some() {
            // RFC 7845 section 3: audio begins on a fresh page, so nothing else is here.
            self.stream.assembly.clear();
        }
        self.tags = Some(first.unwrap_or_default());
    }
}

impl Link for OpusReader {
    /// Always 48 000.
    fn rate(&self) -> SampleRate {
        SampleRate::new(48_000).unwrap_or(SampleRate::CD)
    }

    fn channels(&self) -> usize {
        usize::from(self.head.channel_count)
    }

    fn format(&self) -> &'static str {
        "opus"
    }

    fn total_frames(&self) -> Option<u64> {
        self.total
    }

    fn tags(&self) -> &[(String, String)] {
        self.tags.as_deref().unwrap_or_default()
    }

    fn gap_frames(&self) -> u64 {
        self.timeline.gap_frames()
    }

    /// Gives at most 5 760 frames (120 ms).
    fn next_block(&mut self, planar: &mut Vec<Vec<f32>>) -> Result<bool> {
        planar.resize_with(self.channels(), Vec::new);
        planar.iter_mut().for_each(Vec::clear);
        loop {
            if self.timeline.in_gap() {
                let frames = self.timeline.take_silence(MAX_PACKET_SAMPLES);
                planar.iter_mut().for_each(|c| c.resize(frames, 0.0));
            } else if let Some(packet) = self.stream.assembly.next_packet() {
                self.decode(packet, planar);
            } else if self.stream.over() {
                return Ok(false);
            } else {
                self.read_page()?;
            }
            if !planar[0].is_empty() {
                return Ok(true);
            }
        }
    }

    fn into_rest(self: Box<Self>) -> (AllPages, Option<Page>) {
        self.stream.into_rest()
    }
}
