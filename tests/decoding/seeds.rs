//! One small file of every kind that can be read, for tests that break them.

use crate::sound::*;

/// WAV files as other programs write them, beside the fixtures.
pub fn wav(format: u16, bits: u16, channels: u16, extensible: bool) -> Vec<u8> {
    let frames = 600;
    let block = channels * bits / 8;
    let mut fmt = Vec::new();
    fmt.extend_from_slice(&if extensible { 0xfffe } else { format }.to_le_bytes());
    fmt.extend_from_slice(&channels.to_le_bytes());
    fmt.extend_from_slice(&44_100u32.to_le_bytes());
    fmt.extend_from_slice(&(44_100 * u32::from(block)).to_le_bytes());
    fmt.extend_from_slice(&block.to_le_bytes());
    fmt.extend_from_slice(&bits.to_le_bytes());
    if extensible {
        fmt.extend_from_slice(&22u16.to_le_bytes());
        fmt.extend_from_slice(&bits.to_le_bytes());
        fmt.extend_from_slice(&((1u32 << channels) - 1).to_le_bytes());
        fmt.extend_from_slice(&format.to_le_bytes());
        fmt.extend_from_slice(&[0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    }
    let mut data = Vec::new();
    for x in sound(frames, 0) {
        for _ in 0..channels {
            match (format, bits) {
                (3, 32) => data.extend_from_slice(&(f32::from(x) / 32_768.0).to_le_bytes()),
                (3, 64) => data.extend_from_slice(&(f64::from(x) / 32_768.0).to_le_bytes()),
                (_, 8) => data.push((x >> 8) as u8 ^ 0x80),
                (_, bits) => {
                    let sample = (i32::from(x) << 16).to_le_bytes();
                    data.extend_from_slice(&sample[4 - usize::from(bits) / 8..]);
                }
            }
        }
    }
    riff(&[(b"fmt ", &fmt), (b"data", &data)])
}

/// A WAVE file of these chunks, sizes as they should be.
pub fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, bytes) in chunks {
        body.extend_from_slice(*name);
        body.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        body.extend_from_slice(bytes);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    [b"RIFF".as_slice(), &(body.len() as u32).to_le_bytes(), &body].concat()
}

/// Names and bytes of all seeds.
pub fn seeds() -> Vec<(String, Vec<u8>)> {
    let listing = std::fs::read_dir(fixture_path("")).unwrap();
    let names = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut seeds: Vec<_> = names
        .filter(|name| !name.starts_with("long") && !name.ends_with(".onnx"))
        .map(|name| (name.clone(), fixture(&name)))
        .collect();
    seeds.sort();
    for (name, format, bits, channels, extensible) in [
        ("pcm8.wav", 1, 8, 1, false),
        ("pcm16.wav", 1, 16, 2, false),
        ("pcm24.wav", 1, 24, 2, true),
        ("surround.wav", 1, 16, 6, true),
        ("float32.wav", 3, 32, 2, false),
        ("float64.wav", 3, 64, 1, true),
    ] {
        seeds.push((name.to_owned(), wav(format, bits, channels, extensible)));
    }
    seeds.push(("own.opus".to_owned(), crate::damage::encoded("opus")));
    seeds
}
