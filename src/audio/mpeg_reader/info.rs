//! The first packet of many MP3 files: no music, but how much of it follows.
//!
//! Sources: the "Xing" and "VBRI" tags as their makers published them, and the LAME tag, whose
//! 24 bits of delay and padding make gapless playback possible.

use super::header::Header;
use super::walk::Head;

/// Frames every decoder adds in front (528 of the filter bank and one), which LAME does not count.
const DECODER_DELAY: u32 = 529;

/// What the tag says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Info {
    /// Packets of music after the tag.
    pub packets: Option<u64>,
    /// Bytes of all packets, the tag included.
    pub bytes: Option<u64>,
    /// Frames before the music.
    pub delay: u32,
    /// Frames after the music.
    pub padding: u32,
}

impl Info {
    /// Reads the tag, if this packet is one.
    pub fn parse(packet: &[u8], header: &Header) -> Option<Info> {
        xing(packet, header).or_else(|| vbri(packet))
    }

    /// Frames of music in so many packets.
    pub fn frames(&self, packets: u64, header: &impl Head) -> u64 {
        let all = packets.saturating_mul(u64::from(header.frames()));
        all.saturating_sub(u64::from(self.delay) + u64::from(self.padding))
    }

    /// The same, without an end where the file has far more bytes than the tag says: joined
    /// files begin with the tag of their first part.
    pub fn if_it_fits(self, bytes: u64) -> Info {
        let joined = self.bytes.is_some_and(|told| bytes > told + told / 10 + (1 << 16));
        if joined { Info { packets: None, padding: 0, ..self } } else { self }
    }
}

fn xing(packet: &[u8], header: &Header) -> Option<Info> {
    // Some writers count the checksum as part of the side information, some do not.
    let tag = [header.side_end, header.side_end - 2].iter().find_map(|&at| {
        let tag = packet.get(at..)?;
        (tag.starts_with(b"Xing") || tag.starts_with(b"Info")).then_some(tag)
    })?;
    let flags = number(tag, 4, 4)?;
    let mut at = 8;
    let mut field = |flag: u64, width: usize| {
        let here = (flags & flag != 0).then_some(at);
        at += if here.is_some() { width } else { 0 };
        here
    };
    let packets = field(1, 4).and_then(|at| number(tag, at, 4));
    let bytes = field(2, 4).and_then(|at| number(tag, at, 4));
    field(4, 100);
    field(8, 4);
    let (delay, padding) = lame(tag.get(at..).unwrap_or_default());
    Some(Info { packets, bytes, delay, padding })
}

/// Delay and padding, decoder included; nothing from writers that are not known to mean it.
fn lame(tag: &[u8]) -> (u32, u32) {
    let known = [b"LAME", b"Lavf", b"Lavc"].iter().any(|name| tag.starts_with(*name));
    match number(tag, 21, 3).filter(|_| known) {
        Some(both) => {
            let (delay, padding) = ((both >> 12) as u32, (both & 0xfff) as u32);
            (delay + DECODER_DELAY, padding.saturating_sub(DECODER_DELAY))
        }
        None => (0, 0),
    }
}

fn vbri(packet: &[u8]) -> Option<Info> {
    let tag = packet.get(36..).filter(|tag| tag.starts_with(b"VBRI"))?;
    let (bytes, packets) = (number(tag, 10, 4), number(tag, 14, 4));
    Some(Info { packets, bytes, ..Info::default() })
}

/// A big-endian number of `width` bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let digits = bytes.get(at..at + width)?;
    Some(digits.iter().fold(0, |n, &digit| n << 8 | u64::from(digit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(at: usize, tag: &[u8]) -> (Vec<u8>, Header) {
        let mut packet = vec![0xff, 0xfb, 0x90, 0x44];
        packet.resize(417, 0);
        packet[at..at + tag.len()].copy_from_slice(tag);
        let header = Header::parse(&packet).unwrap();
        (packet, header)
    }

    #[test]
    fn a_lame_tag_tells_length_delay_and_padding() {
        let mut tag = b"Xing\0\0\0\x0f\0\0\0\x64\0\0\xa0\0".to_vec();
        tag.resize(16 + 100 + 4, 7);
        tag.extend_from_slice(b"LAME3.100");
        tag.resize(120 + 21, 0);
        tag.extend_from_slice(&[0x24, 0x05, 0x85]);
        let (packet, header) = packet(36, &tag);
        let info = Info::parse(&packet, &header).unwrap();
        let (delay, padding) = (576 + 529, 0x585 - 529);
        assert_eq!(info, Info { packets: Some(100), bytes: Some(40_960), delay, padding });
        assert_eq!(info.frames(100, &header), 115_200 - u64::from(delay + padding));
        assert_eq!(info.if_it_fits(50_000), info);
        assert_eq!(info.if_it_fits(500_000), Info { packets: None, padding: 0, ..info });
    }

    #[test]
    fn a_tag_without_lame_trims_nothing() {
        let (packet, header) = packet(36, b"Info\0\0\0\x01\0\0\0\x02");
        let info = Info::parse(&packet, &header).unwrap();
        assert_eq!(info, Info { packets: Some(2), ..Info::default() });
    }

    #[test]
    fn the_other_tag_is_read_too() {
        let (packet, header) = packet(36, b"VBRI\0\x01\0\0\0\0\0\0\x10\0\0\0\0\x09");
        let info = Info::parse(&packet, &header).unwrap();
        assert_eq!((info.packets, info.bytes), (Some(9), Some(4_096)));
    }

    #[test]
    fn music_is_no_tag() {
        let (packet, header) = packet(36, b"music");
        assert_eq!(Info::parse(&packet, &header), None);
        assert_eq!(Info::parse(&packet[..20], &header), None);
    }
}
