//! Reads Ogg Vorbis streams (Vorbis I specification), placing every page by its position.
//!
//! The general reader plays the page after a hole where the hole begins. Here each page is
//! decoded as a whole and ends where it says.

use symphonia::core::codecs::audio::well_known::CODEC_ID_VORBIS;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::pages::{Page, word};
use super::stream::{AllPages, Stream};
use super::timeline::Timeline;
use super::{Comments, Link, parse_comments};
use crate::audio::packets::unusable;
use crate::base::{Error, ErrorKind, Result, SampleRate};

pub(super) const HEAD_MAGIC: &[u8; 7] = b"\x01vorbis";
const TAGS_MAGIC: &[u8; 7] = b"\x03vorbis";
const SETUP_MAGIC: &[u8; 7] = b"\x05vorbis";
/// Bytes of the identification header.
const HEAD_BYTES: usize = 30;
/// Frames of silence given out at a time.
const SILENCE: usize = 8_192;

/// A streaming reader of one Vorbis stream. Memory is bounded by a page and a packet.
pub(super) struct VorbisReader {
    stream: Stream,
    decoder: Box<dyn AudioDecoder>,
    rate: SampleRate,
    channels: usize,
    tags: Comments,
    timeline: Timeline,
    /// The current page, decoded, while it waits for its turn.
    page: Vec<Vec<f32>>,
    scratch: Vec<Vec<f32>>,
    total: Option<u64>,
}

impl VorbisReader {
    /// Reads the stream that begins with `page`.
    ///
    /// # Errors
    /// `ErrorKind::Unusable` where its headers are damaged, `ErrorKind::Limit` where its rate is
    /// out of range, `ErrorKind::Io` where reading fails.
    pub fn begin(pages: AllPages, page: Page) -> Result<Self> {
        let head = page.payload.get(..HEAD_BYTES).ok_or_else(broken)?.to_vec();
        let rate = SampleRate::new(word(&head, 12))?;
        let channels = usize::from(head[11]);
        let mut stream = Stream::begin(pages, page);
        let (tags, setup) = read_headers(&mut stream)?;
        let mut params = AudioCodecParameters::new();
        params
            .for_codec(CODEC_ID_VORBIS)
            .with_sample_rate(rate.hz())
            .with_extra_data([head, setup].concat().into_boxed_slice());
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(&params, &AudioDecoderOptions::default())
            .map_err(|e| unusable(&e))?;
        let mut reader = VorbisReader {
            stream,
            decoder,
            rate,
            channels,
            tags,
            timeline: Timeline::that_may_begin_early(),
            page: vec![Vec::new(); channels],
            scratch: Vec::new(),
            total: None,
        };
        while !reader.stream.over() && !reader.timeline.started() {
            reader.read_page()?;
        }
        reader.total = reader.stream.last_granule().and_then(|g| reader.timeline.frames_until(g));
        Ok(reader)
    }

    /// Decodes all packets of the next page and finds its place.
    fn read_page(&mut self) -> Result<()> {
        let Some(complete) = self.stream.take_page()? else { return Ok(()) };
        if !complete {
            // The first packet overlaps with one that is lost and gives nothing.
            self.decoder.reset();
        }
        if self.stream.assembly.is_empty() {
            return Ok(());
        }
        while let Some(packet) = self.stream.assembly.next_packet() {
            let data = self.stream.assembly.bytes(packet);
            let packet = PacketRef::new(0, Timestamp::ZERO, Duration::ZERO, data);
            match self.decoder.decode_ref(&packet) {
                Ok(decoded) if decoded.num_planes() == self.channels => {
                    decoded.copy_to_vecs_planar(&mut self.scratch);
                    let fresh = self.page.iter_mut().zip(&self.scratch);
                    fresh.for_each(|(plane, fresh)| plane.extend_from_slice(fresh));
                }
                Ok(_) => {}
                Err(_) => self.decoder.reset(),
            }
        }
        let (granule, frames) = (self.stream.page.granule, self.page[0].len());
        self.timeline.place(granule, frames, complete, self.stream.over());
        Ok(())
    }
}

impl Link for VorbisReader {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn format(&self) -> &'static str {
        "vorbis"
    }

    fn total_frames(&self) -> Option<u64> {
        self.total
    }

    fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    fn gap_frames(&self) -> u64 {
        self.timeline.gap_frames()
    }

    /// Gives a page at a time, at most.
    fn next_block(&mut self, planar: &mut Vec<Vec<f32>>) -> Result<bool> {
        planar.resize_with(self.channels, Vec::new);
        planar.iter_mut().for_each(Vec::clear);
        loop {
            if self.timeline.in_gap() {
                let frames = self.timeline.take_silence(SILENCE);
                planar.iter_mut().for_each(|plane| plane.resize(frames, 0.0));
            } else if !self.page[0].is_empty() {
                let kept = self.timeline.take_audio(self.page[0].len());
                for (plane, page) in planar.iter_mut().zip(&mut self.page) {
                    plane.extend_from_slice(&page[kept.clone()]);
                    page.clear();
                }
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

/// The second and third packet of the stream: comments, and the setup the decoder needs.
fn read_headers(stream: &mut Stream) -> Result<(Comments, Vec<u8>)> {
    let mut tags = Vec::new();
    while !stream.over() {
        if stream.take_page()? == Some(false) {
            return Err(broken());
        }
        while let Some(packet) = stream.assembly.next_packet() {
            let packet = stream.assembly.bytes(packet);
            if let Some(comments) = packet.strip_prefix(TAGS_MAGIC) {
                tags = parse_comments(comments);
            } else if packet.starts_with(SETUP_MAGIC) {
                return Ok((tags, packet.to_vec()));
            } else {
                return Err(broken());
            }
        }
    }
    Err(broken())
}

fn broken() -> Error {
    Error::new(ErrorKind::Unusable, "cannot decode this Vorbis file")
        .because("its headers are damaged")
}
