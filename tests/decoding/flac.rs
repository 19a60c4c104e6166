//! Checksums of FLAC files of a single block, for tests that change them.

/// Puts the right checksums into the only audio block of a file, if its headers are whole.
pub fn repair(flac: &mut [u8]) {
    let Some(start) = audio(flac) else { return };
    let block = &mut flac[start..];
    if block.len() < 12 {
        return;
    }
    // Fixed block size, number 0 in one byte; a size or rate of its own takes more.
    let extra = match block[2] >> 4 {
        6 => 1,
        7 => 2,
        _ => 0,
    };
    let header = 5 + extra;
    block[header] = crc8(&block[..header]);
    let end = block.len() - 2;
    let sum = crc16(&block[..end]);
    block[end..].copy_from_slice(&sum.to_be_bytes());
}

/// Where the metadata ends.
pub fn audio(flac: &[u8]) -> Option<usize> {
    let mut at = 4;
    loop {
        let head = flac.get(at..at + 4)?;
        at += 4 + (usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]));
        if head[0] & 0x80 != 0 {
            return (at <= flac.len()).then_some(at);
        }
    }
}

/// The checksum of a block's header.
pub fn crc8(bytes: &[u8]) -> u8 {
    crc(bytes, 0x07, 8) as u8
}

/// The checksum of a whole block.
pub fn crc16(bytes: &[u8]) -> u16 {
    crc(bytes, 0x8005, 16) as u16
}

fn crc(bytes: &[u8], polynomial: u32, bits: u32) -> u32 {
    let (top, mask) = (1 << (bits - 1), ((1u64 << bits) - 1) as u32);
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << (bits - 8)), |crc, _| {
            ((crc << 1) ^ if crc & top != 0 { polynomial } else { 0 }) & mask
        })
    })
}

#[test]
fn checksums_of_the_fixture_are_the_right_ones() {
    let good = crate::sound::fixture("flac.flac");
    let mut repaired = good.clone();
    repair(&mut repaired);
    assert!(good == repaired);
}
