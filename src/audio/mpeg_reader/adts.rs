//! Headers of AAC packets in a bare stream (ADTS; ISO/IEC 13818-7, section 6.2).

use super::walk::Head;

/// Frames a second by index.
const RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Bytes without and with a checksum.
const SHORT: usize = 7;
const LONG: usize = 9;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::audio) struct Adts {
    rate: u32,
    /// What stays the same from packet to packet: version, profile, rate and channels.
    kind: u32,
    bytes: usize,
    sound: usize,
}

impl Head for Adts {
    const NAME: &'static str = "aac";
    const LENGTH: usize = SHORT;
    const MAX_PACKET: usize = (1 << 13) - 1;

    fn parse(bytes: &[u8]) -> Option<Adts> {
        let &[sync, version, profile, channels, high, low, blocks] =
            bytes.first_chunk::<SHORT>()?;
        // Packets of more than one block are as good as extinct, and no decoder of ours takes them.
        if sync != 0xff || version & 0xf6 != 0xf0 || blocks & 3 != 0 {
            return None;
        }
        let rate = *RATES.get(usize::from(profile >> 2 & 15))?;
        let sound = if version & 1 == 0 { LONG } else { SHORT };
        let length = [channels & 3, high, low].iter().fold(0, |n, &x| n << 8 | usize::from(x)) >> 5;
        let kind = u32::from_be_bytes([0, version, profile & !2, channels & 0xc0]);
        (length > sound).then_some(Adts { rate, kind, bytes: length, sound })
    }

    fn is_like(&self, other: &Adts) -> bool {
        self.kind == other.kind
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn frames(&self) -> u32 {
        1_024
    }

    fn rate(&self) -> u32 {
        self.rate
    }

    fn sound(&self) -> usize {
        self.sound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_say_rate_length_and_where_the_sound_begins() {
        let plain = Adts::parse(&[0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfc]).unwrap();
        assert_eq!((plain.rate, plain.bytes, plain.sound), (44_100, 371, 7));
        let summed = Adts::parse(&[0xff, 0xf0, 0x50, 0x80, 0x2e, 0x9f, 0xfc]).unwrap();
        assert_eq!((summed.bytes, summed.sound), (372, 9));
        assert!(!plain.is_like(&summed));
        let longer = Adts::parse(&[0xff, 0xf1, 0x50, 0x80, 0x3e, 0x7f, 0xfc]).unwrap();
        assert!(plain.is_like(&longer));
        let mono = Adts::parse(&[0xff, 0xf1, 0x50, 0x40, 0x2e, 0x7f, 0xfc]).unwrap();
        assert!(!plain.is_like(&mono));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            [0xff, 0xe1, 0x50, 0x80, 0x2e, 0x7f, 0xfc],
            [0xff, 0xf3, 0x50, 0x80, 0x2e, 0x7f, 0xfc], // a layer
            [0xff, 0xf1, 0x74, 0x80, 0x2e, 0x7f, 0xfc], // no such rate
            [0xff, 0xf1, 0x50, 0x80, 0x00, 0xff, 0xfc], // nothing but a header
            [0xff, 0xf1, 0x50, 0x80, 0x2e, 0x7f, 0xfd], // two blocks
        ] {
            assert_eq!(Adts::parse(&bytes), None, "{bytes:x?}");
        }
    }
}
