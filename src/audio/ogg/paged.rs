//! Reads Vorbis and FLAC in Ogg (Vorbis I specification; RFC 9639 section 10.1), placing every
//! page by its position.
//!
//! The general reader plays the page after a hole where the hole begins. Here each page is
//! decoded as a whole and ends where it says.

use symphonia::core::audio::{Audio as _, GenericAudioBufferRef};
use symphonia::core::codecs::audio::well_known::{CODEC_ID_FLAC, CODEC_ID_VORBIS};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::pages::{Page, word};
use super::stream::{AllPages, Stream};
use super::timeline::Timeline;
use super::{Comments, Link, parse_comments};
use crate::audio::fold::check_channels;
use crate::audio::packets::unusable;
use crate::base::{Error, ErrorKind, Result, SampleRate};

pub(super) const VORBIS_MAGIC: &[u8] = b"\x01vorbis";
pub(super) const FLAC_MAGIC: &[u8] = b"\x7fFLAC";
const VORBIS_TAGS: &[u8] = b"\x03vorbis";
const VORBIS_SETUP: &[u8] = b"\x05vorbis";
/// Bytes of Vorbis' identification header.
const VORBIS_HEAD: usize = 30;
/// FLAC's description of the stream within the first packet.
const FLAC_HEAD: std::ops::Range<usize> = 17..51;
/// Type of FLAC's block of comments, and the mark of the last block.
const FLAC_TAGS: u8 = 4;
const FLAC_LAST: u8 = 0x80;
/// Frames of silence given out at a time.
const SILENCE: usize = 8_192;

/// A streaming reader of one stream. Memory is bounded by a page and a packet.
pub(super) struct PagedReader {
    stream: Stream,
    decoder: Box<dyn AudioDecoder>,
    head: Head,
    tags: Comments,
    timeline: Timeline,
    /// The current page, decoded, while it waits for its turn.
    page: Vec<Vec<f32>>,
    scratch: Vec<Vec<f32>>,
    total: Option<u64>,
}

/// What the first packet says.
struct Head {
    is_flac: bool,
    rate: SampleRate,
    channels: usize,
    /// What the decoder needs of it.
    bytes: Vec<u8>,
}

impl Head {
    fn parse(packet: &[u8]) -> Result<Head> {
        let is_flac = packet.starts_with(FLAC_MAGIC);
        let kept = if is_flac { FLAC_HEAD } else { 0..VORBIS_HEAD };
        let bytes = packet.get(kept).ok_or_else(broken)?.to_vec();
        let (rate, channels) = if is_flac {
            let bits = u32::from_be_bytes([bytes[10], bytes[11], bytes[12], bytes[13]]);
            (bits >> 12, ((bits >> 9) & 7) as usize + 1)
        } else {
            (word(&bytes, 12), usize::from(bytes[11]))
        };
        check_channels(channels)?;
        Ok(Head { is_flac, rate: SampleRate::new(rate)?, channels, bytes })
    }

    fn decoder(&self, setup: &[u8]) -> Result<Box<dyn AudioDecoder>> {
        let codec = if self.is_flac { CODEC_ID_FLAC } else { CODEC_ID_VORBIS };
        let mut params = AudioCodecParameters::new();
        params
            .for_codec(codec)
            .with_sample_rate(self.rate.hz())
            .with_extra_data([&self.bytes, setup].concat().into_boxed_slice());
        symphonia::default::get_codecs()
            .make_audio_decoder(&params, &AudioDecoderOptions::default())
            .map_err(|e| unusable(&e))
    }
}

impl PagedReader {
    /// Reads the stream that begins with `page`.
    ///
    /// # Errors
    /// `ErrorKind::Unusable` where its headers are damaged, `ErrorKind::Limit` where its rate or
    /// channels are out of range, `ErrorKind::Io` where reading fails.
    pub fn begin(pages: AllPages, page: Page) -> Result<Self> {
        let head = Head::parse(&page.payload)?;
        let mut stream = Stream::begin(pages, page);
        let mut tags = Comments::new();
        let setup = read_headers(&mut stream, head.is_flac, &mut tags)?;
        let mut reader = PagedReader {
            decoder: head.decoder(&setup)?,
            page: vec![Vec::new(); head.channels],
            stream,
            head,
            tags,
            timeline: Timeline::that_may_begin_early(),
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
                Ok(decoded) if decoded.num_planes() == self.head.channels => {
                    append(&decoded, &mut self.scratch, &mut self.page);
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

/// Appends what a packet holds; `scratch` is where whole numbers become floats.
fn append(decoded: &GenericAudioBufferRef<'_>, scratch: &mut Vec<Vec<f32>>, page: &mut [Vec<f32>]) {
    if let GenericAudioBufferRef::F32(floats) = decoded {
        let fresh = page.iter_mut().zip(floats.iter_planes());
        return fresh.for_each(|(plane, fresh)| plane.extend_from_slice(fresh));
    }
    decoded.copy_to_vecs_planar(scratch);
    page.iter_mut().zip(scratch).for_each(|(plane, fresh)| plane.extend_from_slice(fresh));
}

impl Link for PagedReader {
    fn rate(&self) -> SampleRate {
        self.head.rate
    }

    fn channels(&self) -> usize {
        self.head.channels
    }

    fn format(&self) -> &'static str {
        if self.head.is_flac { "flac" } else { "vorbis" }
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
        planar.resize_with(self.head.channels, Vec::new);
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

/// The packets before the sound: comments, and for Vorbis the setup its decoder needs.
fn read_headers(stream: &mut Stream, is_flac: bool, tags: &mut Comments) -> Result<Vec<u8>> {
    while !stream.over() {
        if stream.take_page()? == Some(false) {
            return Err(broken());
        }
        while let Some(packet) = stream.assembly.next_packet() {
            let packet = stream.assembly.bytes(packet);
            if is_flac {
                let kind = packet.first().copied().unwrap_or_default();
                if kind & !FLAC_LAST == FLAC_TAGS {
                    *tags = parse_comments(packet.get(4..).unwrap_or_default());
                }
                if kind & FLAC_LAST != 0 {
                    return Ok(Vec::new());
                }
            } else if let Some(comments) = packet.strip_prefix(VORBIS_TAGS) {
                *tags = parse_comments(comments);
            } else if packet.starts_with(VORBIS_SETUP) {
                return Ok(packet.to_vec());
            } else {
                return Err(broken());
            }
        }
    }
    Err(broken())
}

fn broken() -> Error {
    Error::new(ErrorKind::Unusable, "cannot decode this Ogg file")
        .because("its headers are damaged")
}
