//! The header of an MP3 frame.

const HEADER: usize = 4;

/// Length in bytes and in microseconds of the frame that begins here; `None` where none does.
pub fn frame(bytes: &[u8]) -> Option<(usize, u32)> {
    let [sync, kind, rates, _] = *bytes.first_chunk::<HEADER>()?;
    if sync != 0xff || kind & 0xe6 != 0xe2 {
        return None;
    }
    let first = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0];
    let second = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0];
    let (version, index) = (kind >> 3 & 3, usize::from(rates >> 4));
    let hz = [44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))?;
    let (kbps, hz, slots): (usize, usize, usize) = match version {
        3 => (first[index], *hz, 144),
        2 => (second[index], hz / 2, 72),
        0 => (second[index], hz / 4, 72),
        _ => return None,
    };
    let padding = usize::from(rates >> 1 & 1);
    let micros = (8 * slots * 1_000_000 / hz) as u32;
    (kbps > 0).then(|| (slots * 1_000 * kbps / hz + padding, micros))
}
