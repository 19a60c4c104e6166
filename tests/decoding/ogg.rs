//! Pages of Ogg files, for tests that change them.

use std::ops::Range;

/// Where pages begin and end: from each capture pattern to where its lengths say.
pub fn pages(ogg: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = ogg[at..].windows(4).position(|w| w == b"OggS") {
        let start = at + next;
        let Some(&segments) = ogg.get(start + 26) else { break };
        let Some(lacing) = ogg.get(start + 27..start + 27 + usize::from(segments)) else { break };
        let length: usize = lacing.iter().map(|&n| usize::from(n)).sum();
        let end = start + 27 + lacing.len() + length;
        if end > ogg.len() {
            break;
        }
        found.push(start..end);
        at = end;
    }
    found
}

/// Puts the right checksum into a page.
pub fn repair(page: &mut [u8]) {
    page[22..26].fill(0);
    // CRC-32 of RFC 3533: polynomial 04c11db7, not reflected, from zero.
    let sum = page.iter().fold(0u32, |crc, &byte| {
        (0..8).fold(crc ^ (u32::from(byte) << 24), |crc, _| {
            (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 }
        })
    });
    page[22..26].copy_from_slice(&sum.to_le_bytes());
}
