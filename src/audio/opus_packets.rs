//! Ogg Opus songs as packets, beside those Symphonia decodes.

use super::opus_reader::OpusReader;
use super::packets::{Packets, Step};
use super::{AudioBuffer, Tags};
use crate::base::{ByteSource, Limits, Result, SampleRate};

/// How a stream that holds Opus begins: an Ogg page whose packet is the Opus head.
pub(super) fn is_opus(head: &[u8]) -> bool {
    head.starts_with(b"OggS") && head.windows(8).any(|w| w == b"OpusHead")
}

pub(super) struct OpusPackets {
    reader: OpusReader,
    tags: Tags,
    position: u64,
}

impl OpusPackets {
    pub(super) fn open(source: Box<dyn ByteSource>, limits: &Limits) -> Result<Self> {
        let reader = OpusReader::open(source)?;
        let mut tags = Tags::default();
        for (key, value) in reader.tags() {
            tags.set(key, value, limits.max_tag_field_bytes);
        }
        Ok(OpusPackets { reader, tags, position: 0 })
    }
}

impl Packets for OpusPackets {
    fn rate(&self) -> SampleRate {
        self.reader.rate()
    }

    fn channels(&self) -> usize {
        self.reader.channels()
    }

    fn claimed_frames(&self) -> Option<u64> {
        self.reader.total_frames()
    }

    fn format(&self) -> &'static str {
        "opus"
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filled_frames(&self) -> u64 {
        self.reader.gap_frames()
    }

    /// The reader places its packets itself.
    fn shift_origin(&mut self, _frames: u64) {}

    fn next(&mut self, out: &mut AudioBuffer) -> Result<Step> {
        if !self.reader.next_block(&mut out.planes)? {
            return Ok(Step::End);
        }
        let start = self.position;
        self.position += out.frames() as u64;
        Ok(Step::Frames(start))
    }
}
