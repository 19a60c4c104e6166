//! Ogg songs in Opus, Vorbis or FLAC.
//!
//! Every page is placed by its granule position: what a damaged or lost page held becomes
//! silence of the same length, so that nothing after it moves. Streams chained one after the
//! other, as recorders of radio write them, are one song.

mod assembly;
mod opus;
mod paged;
mod pages;
mod stream;
mod timeline;

use std::mem;

use super::packets::{Packets, Step};
use super::{AudioBuffer, Tags};
use crate::base::{ByteSource, Error, ErrorKind, Limits, Result, SampleRate};
use opus::OpusReader;
use paged::PagedReader;
use pages::{Page, Pages, word};
use stream::{AllPages, Input, find_first};

/// Longest comment kept: longer ones are pictures in disguise.
const MAX_COMMENT: usize = 64 << 10;
const MAX_COMMENTS: usize = 1_000;

/// Comments as upper-case names and values, in file order, without embedded pictures.
type Comments = Vec<(String, String)>;

/// One stream of a chain.
trait Link: Send {
    fn rate(&self) -> SampleRate;
    /// Channels of the output, in Vorbis order.
    fn channels(&self) -> usize;
    fn format(&self) -> &'static str;
    /// The frames the stream claims to hold, if its last page could be found.
    fn total_frames(&self) -> Option<u64>;
    fn tags(&self) -> &[(String, String)];
    /// Frames of silence given out so far in place of damaged or lost audio.
    fn gap_frames(&self) -> u64;
    /// Replaces the contents of `planar` by the next frames, one vector a channel. `false` at
    /// the end; `planar` is then empty. Damage is no error: see [`Self::gap_frames`].
    fn next_block(&mut self, planar: &mut Vec<Vec<f32>>) -> Result<bool>;
    /// Gives back the pages that follow, with the one that was read too many.
    fn into_rest(self: Box<Self>) -> (AllPages, Option<Page>);
}

/// How streams begin that can be read.
const MAGICS: [&[u8]; 3] = [opus::HEAD_MAGIC, paged::VORBIS_MAGIC, paged::FLAC_MAGIC];

/// Whether a file that begins so is an Ogg file.
pub(super) fn is_ogg(head: &[u8]) -> bool {
    head.starts_with(b"OggS")
}

/// A chain of streams as the packets of one song.
pub(super) struct OggPackets {
    /// `None` at the end of the chain.
    link: Option<Box<dyn Link>>,
    rate: SampleRate,
    channels: usize,
    format: &'static str,
    claimed: Option<u64>,
    tags: Tags,
    position: u64,
    /// Silence in the links before the current one.
    gap_before: u64,
}

impl OggPackets {
    pub(super) fn open(source: Box<dyn ByteSource>, limits: &Limits) -> Result<Self> {
        let pages = Pages::new(Box::new(source) as Box<dyn Input>);
        let none = || {
            Error::new(ErrorKind::Unusable, "no sound in this Ogg file")
                .because("only Opus, Vorbis and FLAC can be read from Ogg files")
        };
        let link = next_link(pages, None)?.ok_or_else(none)?;
        let mut tags = Tags::default();
        for (key, value) in link.tags() {
            tags.set(key, value, limits.max_tag_field_bytes);
        }
        Ok(OggPackets {
            rate: link.rate(),
            channels: link.channels(),
            format: link.format(),
            claimed: link.total_frames(),
            link: Some(link),
            tags,
            position: 0,
            gap_before: 0,
        })
    }

    /// Goes on to the next stream of the chain, if there is one.
    fn go_on(&mut self) -> Result<Step> {
        let Some(link) = self.link.take() else { return Ok(Step::End) };
        self.gap_before += link.gap_frames();
        let (pages, page) = link.into_rest();
        let Some(next) = next_link(pages, page)? else { return Ok(Step::End) };
        if (next.rate(), next.channels()) != (self.rate, self.channels) {
            return Err(Error::new(ErrorKind::Unusable, "rate or channels change in the middle"));
        }
        self.claimed = None;
        self.link = Some(next);
        Ok(Step::Other)
    }
}

fn next_link(mut pages: AllPages, page: Option<Page>) -> Result<Option<Box<dyn Link>>> {
    let fits = |head: &[u8]| MAGICS.iter().any(|magic| head.starts_with(magic));
    let Some(page) = find_first(&mut pages, page, fits)? else { return Ok(None) };
    Ok(Some(if page.payload.starts_with(opus::HEAD_MAGIC) {
        Box::new(OpusReader::begin(pages, page)?)
    } else {
        Box::new(PagedReader::begin(pages, page)?)
    }))
}

/// Reads comments as far as they are whole (Vorbis I specification, section 5).
fn parse_comments(bytes: &[u8]) -> Comments {
    let (mut rest, mut pairs) = (bytes, Vec::new());
    if take_field(&mut rest).is_none() || rest.len() < 4 {
        return pairs;
    }
    rest = &rest[4..];
    while let Some(field) = take_field(&mut rest) {
        if pairs.len() == MAX_COMMENTS {
            break;
        }
        let text = String::from_utf8_lossy(&field[..field.len().min(MAX_COMMENT)]);
        if field.len() <= MAX_COMMENT
            && let Some((name, value)) = text.split_once('=')
            && !name.eq_ignore_ascii_case("METADATA_BLOCK_PICTURE")
        {
            pairs.push((name.to_ascii_uppercase(), value.to_owned()));
        }
    }
    pairs
}

/// A field with its length in front, if all of it is there.
fn take_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = word(rest.get(..4)?, 0) as usize;
    let field = rest[4..].get(..length)?;
    *rest = &rest[4 + length..];
    Some(field)
}

impl Packets for OggPackets {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn claimed_frames(&self) -> Option<u64> {
        self.claimed
    }

    fn format(&self) -> &'static str {
        self.format
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filled_frames(&self) -> u64 {
        self.gap_before + self.link.as_ref().map_or(0, |link| link.gap_frames())
    }

    /// The readers place their pages themselves.
    fn shift_origin(&mut self, _frames: u64) {}

    fn next(&mut self, out: &mut AudioBuffer) -> Result<Step> {
        let Some(link) = &mut self.link else { return Ok(Step::End) };
        if !link.next_block(&mut out.planes)? {
            return self.go_on();
        }
        let end = self.position + out.frames() as u64;
        Ok(Step::Frames(mem::replace(&mut self.position, end)))
    }
}
