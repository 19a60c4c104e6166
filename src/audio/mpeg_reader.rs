//! Bare streams of MP3 and AAC: each packet in its place, though they have no timestamps.
//!
//! The general reader counts the packets it finds, so that everything after a damaged stretch
//! moves forward; and it guesses the length of files without a tag and cuts them there.

mod adts;
mod header;
mod info;
#[cfg(test)]
mod tests;
mod walk;

use std::io::{self, Read, Seek, SeekFrom};

use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::{Duration, Timestamp};

use super::front::behind_tags;
use super::packets::{AAC_DELAY, Packets, Step, read_failed, unusable};
use super::{AudioBuffer, Tags};
use crate::base::{Error, ErrorKind, Result, SampleRate};
use adts::Adts;
pub(super) use header::Header;
use info::Info;
pub(super) use walk::Head;
use walk::{Rest, Walk};

/// Packets that may be gone in a hole beside those its bytes account for: 1.3 seconds. If more
/// are missing, they are missing elsewhere.
const MOST_VANISHED: u64 = 50;

/// The packets of one stream.
pub(super) struct MpegPackets<R, H> {
    walk: Walk<R, H>,
    decoder: Box<dyn AudioDecoder>,
    header: H,
    info: Info,
    channels: usize,
    /// Packets of music, from the tag or counted.
    promised: u64,
    tags: Tags,
    rate: SampleRate,
    /// Number of the next packet, lost ones included.
    number: u64,
    /// What was found so far.
    seen: Rest,
    holes: Option<Holes>,
    /// Frames by which what follows was moved, to join what was given out.
    shift: u64,
    packet: Vec<u8>,
    scratch: Vec<Vec<f32>>,
}

/// Packets and bytes lost in the rest of the file.
struct Holes {
    packets: u64,
    bytes: u64,
}

impl<R: Read + Seek + Send> MpegPackets<R, Header> {
    /// Takes over a source that was found to hold layer III, with its tags.
    pub fn mp3(source: R, params: &AudioCodecParameters, tags: Tags) -> Result<Self> {
        let (mut walk, header, length) = begin::<R, Header>(source)?;
        let info = Info::parse(walk.packet(), &header);
        if info.is_none() {
            walk.go_to(walk.place() - header.bytes as u64).map_err(read_failed)?;
        }
        let info = info.unwrap_or_default().if_it_fits(length);
        let channels = if header.mono { 1 } else { 2 };
        Self::new(walk, header, info, channels, params, tags)
    }
}

impl<R: Read + Seek + Send> MpegPackets<R, Adts> {
    /// Takes over a source that was found to hold bare AAC, with its tags.
    pub fn aac(source: R, params: &AudioCodecParameters, tags: Tags) -> Result<Self> {
        let (mut walk, header, _) = begin::<R, Adts>(source)?;
        walk.go_to(walk.place() - header.bytes() as u64).map_err(read_failed)?;
        let info = Info { delay: AAC_DELAY as u32, ..Info::default() };
        let channels = params.channels.as_ref().map_or(0, |c| c.count());
        Self::new(walk, header, info, channels, params, tags)
    }
}

/// Finds the first packet of a source, its header, and the bytes from there on.
fn begin<R: Read + Seek, H: Head>(mut source: R) -> Result<(Walk<R, H>, H, u64)> {
    let start = behind_tags(&mut source).map_err(read_failed)?;
    let end = source.seek(SeekFrom::End(0)).map_err(read_failed)?;
    let mut walk = Walk::<R, H>::new(source, start).map_err(read_failed)?;
    let nothing = || Error::new(ErrorKind::Unusable, "no audio in this file");
    let header = walk.next().map_err(read_failed)?.ok_or_else(nothing)?.header;
    let length = end - (walk.place() - header.bytes() as u64);
    Ok((walk, header, length))
}

impl<R: Read + Seek + Send, H: Head> MpegPackets<R, H> {
    fn new(
        mut walk: Walk<R, H>,
        header: H,
        info: Info,
        channels: usize,
        params: &AudioCodecParameters,
        tags: Tags,
    ) -> Result<Self> {
        let promised = match info.packets {
            Some(packets) => packets,
            None => walk.survey().map_err(read_failed)?.with_lost(),
        };
        let options = AudioDecoderOptions::default().gapless(false);
        let decoder = symphonia::default::get_codecs()
            .make_audio_decoder(params, &options)
            .map_err(|e| unusable(&e))?;
        Ok(MpegPackets {
            walk,
            decoder,
            header,
            info,
            channels,
            promised,
            tags,
            rate: SampleRate::new(header.rate())?,
            number: 0,
            seen: Rest::default(),
            holes: None,
            shift: 0,
            packet: Vec::new(),
            scratch: Vec::new(),
        })
    }

    /// How many packets a hole of so many bytes held.
    fn lost(&mut self, bytes: u64) -> io::Result<u64> {
        let holes = match self.holes.take() {
            Some(holes) => holes,
            None => self.count_lost(bytes)?,
        };
        let share = u128::from(holes.packets) * u128::from(bytes) + u128::from(holes.bytes / 2);
        let here = (share / u128::from(holes.bytes.max(1))) as u64;
        self.holes = Some(Holes {
            packets: holes.packets.saturating_sub(here),
            bytes: holes.bytes.saturating_sub(bytes),
        });
        Ok(here)
    }

    /// Looks ahead, at the first hole, for how much is lost in it and all others.
    fn count_lost(&mut self, bytes: u64) -> io::Result<Holes> {
        let rest = self.walk.survey()?;
        let whole = Rest {
            packets: self.seen.packets + rest.packets,
            bytes: self.seen.bytes + rest.bytes,
            junk: bytes + rest.junk,
            ..rest
        };
        let guess = whole.with_lost() - whole.packets;
        // The packet after the hole is found but not yet seen.
        let missing = self.promised.saturating_sub(whole.packets + 1);
        // A file that ends well lacks only what its holes held.
        let exact =
            rest.ends_clean && (guess.saturating_sub(1)..=guess + MOST_VANISHED).contains(&missing);
        let packets = if exact { missing } else { guess };
        Ok(Holes { packets, bytes: whole.junk })
    }

    /// Puts what is music of the decoded packet into `out` and says where it belongs.
    fn trim(&self, place: u64, out: &mut AudioBuffer) -> Step {
        let frames = self.scratch.first().map_or(0, Vec::len) as u64;
        let start = place.saturating_sub(self.shift);
        let delay = u64::from(self.info.delay);
        let end = match self.info.packets {
            Some(_) => delay + self.info.frames(self.promised, &self.header),
            None => u64::MAX,
        };
        let from = delay.saturating_sub(start).min(frames);
        let to = end.saturating_sub(start).clamp(from, frames);
        for (plane, fresh) in out.planes.iter_mut().zip(&self.scratch) {
            plane.extend_from_slice(&fresh[from as usize..to as usize]);
        }
        Step::Frames((start + from).saturating_sub(delay))
    }
}

impl<R: Read + Seek + Send, H: Head + Send> Packets for MpegPackets<R, H> {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn claimed_frames(&self) -> Option<u64> {
        Some(self.info.frames(self.promised, &self.header))
    }

    fn format(&self) -> &'static str {
        H::NAME
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }

    fn filled_frames(&self) -> u64 {
        0
    }

    fn shift_origin(&mut self, frames: u64) {
        self.shift += frames;
    }

    fn next(&mut self, out: &mut AudioBuffer) -> Result<Step> {
        let Some(found) = self.walk.next().map_err(read_failed)? else { return Ok(Step::End) };
        self.packet.clear();
        self.packet.extend_from_slice(&self.walk.packet()[found.header.sound()..]);
        if found.junk > 0 && self.number > 0 {
            self.number += self.lost(found.junk).map_err(read_failed)?;
            // What packets borrow from lost ones must not be taken from older ones.
            self.decoder.reset();
        }
        let place = self.number.saturating_mul(u64::from(self.header.frames()));
        self.number = self.number.saturating_add(1);
        self.seen.packets += 1;
        self.seen.bytes += found.header.bytes() as u64;
        let frames = Duration::from(self.header.frames());
        let packet = PacketRef::new(0, Timestamp::ZERO, frames, &self.packet);
        match self.decoder.decode_ref(&packet) {
            Ok(decoded) if decoded.num_planes() == self.channels => {
                decoded.copy_to_vecs_planar(&mut self.scratch);
                Ok(self.trim(place, out))
            }
            Ok(_) | Err(_) => Ok(Step::Bad),
        }
    }
}
