//! Ogg Opus (RFC 7845), page by page.

use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use opus_pure::OggOpusWriter;

use super::super::opus::{Packets, RATE, failed, set_up};
use super::super::resample::RateConverter;
use super::{LiveEncoder, Packet};
use crate::audio::encode::OutputTags;
use crate::base::{Result, SampleRate};

/// Pages a second.
const PAGES: u32 = 5;
/// Streams begun so far: one that follows another must have a serial number of its own (RFC 3533,
/// section 4), or players take its pages for more of the old one.
static BEGUN: AtomicU32 = AtomicU32::new(0);

pub(super) fn encoder(rate: SampleRate, bitrate: u32, name: &str) -> Result<Box<dyn LiveEncoder>> {
    let tags = OutputTags {
        title: name.to_string(),
        encoder: format!("Evermix {}", env!("CARGO_PKG_VERSION")),
        ..OutputTags::default()
    };
    let (encoder, head, comments) = set_up(rate, 2, bitrate, &tags)?;
    // Other runs of the program had others: a relay passes them on one after the other.
    let number = BEGUN.fetch_add(1, Ordering::Relaxed).wrapping_add(std::process::id() << 8);
    let serial = number.wrapping_mul(0x9e37_79b9);
    let writer = OggOpusWriter::with_serial(Vec::new(), head, comments, serial);
    let mut writer = writer.map_err(failed)?;
    writer.set_page_target((bitrate / 8 / PAGES) as usize);
    let header = writer.get_mut().map(std::mem::take).unwrap_or_default();
    let target = SampleRate::new(RATE)?;
    Ok(Box::new(Opus {
        converter: RateConverter::new(rate, target, 2)?,
        packets: Packets::new(encoder, writer, 2),
        rate: target,
        header: header.into(),
        granule: 0,
    }))
}

struct Opus {
    converter: RateConverter,
    packets: Packets<Vec<u8>>,
    rate: SampleRate,
    header: Bytes,
    /// Position at the end of the last page given out.
    granule: u64,
}

impl LiveEncoder for Opus {
    fn rate(&self) -> SampleRate {
        self.rate
    }

    fn header(&self) -> Bytes {
        self.header.clone()
    }

    fn encode(&mut self, planar: &[&[f32]], packets: &mut Vec<Packet>) -> Result<()> {
        let ready = self.converter.push(planar)?;
        self.packets.take(ready)?;
        let made = self.packets.writer.get_mut().map(std::mem::take).unwrap_or_default();
        let mut bytes = Bytes::from(made);
        while let Some((length, granule)) = page(&bytes) {
            let frames = granule.saturating_sub(self.granule);
            self.granule = granule;
            packets.push(Packet { bytes: bytes.split_to(length), frames });
        }
        Ok(())
    }
}

/// Length of the page that `bytes` begin with, and its granule position (RFC 3533, section 6).
fn page(bytes: &[u8]) -> Option<(usize, u64)> {
    let granule = u64::from_le_bytes(bytes.get(6..14)?.try_into().ok()?);
    let segments = usize::from(*bytes.get(26)?);
    let lacing = bytes.get(27..27 + segments)?;
    let length = 27 + segments + lacing.iter().map(|&l| usize::from(l)).sum::<usize>();
    (length <= bytes.len()).then_some((length, granule))
}
