//! Headers of MPEG audio packets, layer III (ISO/IEC 11172-3 section 2.4.1.3, 13818-3 for the
//! low rates; "2.5" is the common extension below 16 kHz).

use super::walk::Head;

/// kbit/s by index, for MPEG-1 and for the lower rates. 0 is "free format", which is not read.
const BITRATES: [[u32; 15]; 2] = [
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audio) struct Header {
    /// Frames a second.
    pub rate: u32,
    pub mono: bool,
    /// Frames in the packet.
    pub frames: u32,
    /// Bytes of the packet, header included.
    pub bytes: usize,
    /// Where the side information begins and ends, counted from the beginning of the packet.
    pub side: usize,
    pub side_end: usize,
}

impl Head for Header {
    const NAME: &'static str = "mp3";
    const LENGTH: usize = 4;
    /// 320 kbit/s at 32 kHz, with padding.
    const MAX_PACKET: usize = 1_441;

    fn parse(bytes: &[u8]) -> Option<Header> {
        let &[sync, kind, rates, mode] = bytes.first_chunk::<{ Header::LENGTH }>()?;
        let is_layer3 = sync == 0xff && kind & 0xe6 == 0xe2;
        let (slower, low) = match kind >> 3 & 3 {
            0 => (2, true),
            2 => (1, true),
            3 => (0, false),
            _ => return None,
        };
        let bitrate = *BITRATES[usize::from(low)].get(usize::from(rates >> 4))?;
        let rate = [44_100u32, 48_000, 32_000].get(usize::from(rates >> 2 & 3))? >> slower;
        if !is_layer3 || bitrate == 0 {
            return None;
        }
        let mono = mode >> 6 == 3;
        let frames = if low { 576 } else { 1_152 };
        let checksum = if kind & 1 == 0 { 2 } else { 0 };
        let side = match (low, mono) {
            (false, false) => 32,
            (true, true) => 9,
            _ => 17,
        };
        Some(Header {
            rate,
            mono,
            frames,
            bytes: (frames / 8 * bitrate * 1_000 / rate + u32::from(rates >> 1 & 1)) as usize,
            side: Self::LENGTH + checksum,
            side_end: Self::LENGTH + checksum + side,
        })
    }

    /// Bit rate and stereo coding may change.
    fn is_like(&self, other: &Header) -> bool {
        (self.rate, self.mono, self.frames) == (other.rate, other.mono, other.frames)
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn frames(&self) -> u32 {
        self.frames
    }

    fn rate(&self) -> u32 {
        self.rate
    }

    /// The decoder reads the header again.
    fn sound(&self) -> usize {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_rate_length_and_size() {
        let cd = Header::parse(&[0xff, 0xfb, 0x90, 0x44]).unwrap();
        let due =
            Header { rate: 44_100, mono: false, frames: 1_152, bytes: 417, side: 4, side_end: 36 };
        assert_eq!(cd, due);
        let padded = Header::parse(&[0xff, 0xfb, 0x92, 0x44]).unwrap();
        assert_eq!(padded.bytes, 418);
        let low = Header::parse(&[0xff, 0xf3, 0x40, 0xc4]).unwrap();
        let due =
            Header { rate: 22_050, mono: true, frames: 576, bytes: 104, side: 4, side_end: 13 };
        assert_eq!(low, due);
        let lowest = Header::parse(&[0xff, 0xe3, 0x18, 0xc4]).unwrap();
        assert_eq!((lowest.rate, lowest.bytes), (8_000, 72));
    }

    #[test]
    fn what_is_no_layer_three_is_refused() {
        for bytes in [
            [0xff, 0xfd, 0x90, 0x44], // layer II
            [0xff, 0xeb, 0x90, 0x44], // no such version
            [0xff, 0xfb, 0x00, 0x44], // free format
            [0xff, 0xfb, 0xf0, 0x44], // no such bit rate
            [0xff, 0xfb, 0x9c, 0x44], // no such rate
            [0xfe, 0xfb, 0x90, 0x44],
        ] {
            assert_eq!(Header::parse(&bytes), None, "{bytes:x?}");
        }
        assert_eq!(Header::parse(&[0xff, 0xfb]), None);
    }

    #[test]
    fn no_packet_is_longer_than_the_longest() {
        for word in 0xffe0_0000u32..=0xffff_ffff {
            // Only the bits that matter for the length.
            if word & 0xff != 0 {
                continue;
            }
            if let Some(header) = Header::parse(&word.to_be_bytes()) {
                assert!((24..=Header::MAX_PACKET).contains(&header.bytes), "{header:?}");
            }
        }
    }
}
