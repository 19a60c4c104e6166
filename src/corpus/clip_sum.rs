//! Checksums of clips.
//!
//! Every byte of sound passes here once when it is cut and once each time it is read, so this is
//! XXH3 of 128 bits, five times as fast as blake3. It finds whatever damage finds its way into a
//! file; nobody gains anything by forging a clip, whose record lies beside it.

use twox_hash::XxHash3_128;
use twox_hash::xxhash3_128::Hasher;

/// The checksum of a clip that is being written.
#[derive(Default)]
pub struct ClipSum(Hasher);

impl ClipSum {
    /// Takes the next bytes.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    /// The checksum of all bytes, as text.
    pub fn finish(self) -> String {
        text(self.0.finish_128())
    }

    /// The checksum of a clip that is at hand.
    pub fn of(bytes: &[u8]) -> String {
        text(XxHash3_128::oneshot(bytes))
    }
}

fn text(sum: u128) -> String {
    format!("{sum:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_give_the_sum_of_the_whole() {
        let bytes: Vec<u8> = (0..5_000u32).map(|i| (i * i / 7) as u8).collect();
        for step in [1, 7, 256, 999, 5_000] {
            let mut sum = ClipSum::default();
            bytes.chunks(step).for_each(|part| sum.add(part));
            assert_eq!(sum.finish(), ClipSum::of(&bytes), "{step}");
        }
        // The value that the reference implementation gives for nothing.
        assert_eq!(ClipSum::of(&[]), "99aa06d3014798d86001c324468d497f");
    }

    #[test]
    fn every_flipped_bit_changes_it() {
        let mut bytes = vec![7u8; 300];
        let good = ClipSum::of(&bytes);
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(ClipSum::of(&bytes), good, "{bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
