//! The picture of a segment that the original's clients show: white on nothing, 5 pixels a second.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::source::Segment;

/// Height of the picture, as the original's.
const HEIGHT: u32 = 280;
/// Pixels it is wide at most.
const WIDEST: i64 = 20_000;

/// A PNG as a data URI; empty where there is nothing to draw.
pub fn picture(segment: &Segment, width: i64) -> String {
    let Ok(width) = u32::try_from(width.min(WIDEST)) else { return String::new() };
    if width == 0 {
        return String::new();
    }
    let columns: Vec<u32> = (0..width).map(|x| height(segment, x, width)).collect();
    let mut pixels = Vec::with_capacity((width * HEIGHT) as usize);
    for y in 0..HEIGHT {
        let from_middle = (2 * y + 1).abs_diff(HEIGHT);
        pixels.extend(columns.iter().map(|&h| if from_middle <= h { 255u8 } else { 0 }));
    }
    match png(&pixels, width) {
        Ok(bytes) => format!("data:image/png;base64,{}", STANDARD.encode(&bytes)),
        // Writing to memory does not fail.
        Err(_) => String::new(),
    }
}

/// Height of a column: of a transition, both songs, the one fading into the other.
fn height(segment: &Segment, x: u32, width: u32) -> u32 {
    let share = f64::from(x) / f64::from(width);
    let peak = |peaks: &[u8]| {
        let at = (share * peaks.len() as f64) as usize;
        f64::from(peaks.get(at).copied().unwrap_or(0)) / 255.0
    };
    let height = match &segment.tracks[..] {
        [] => 0.0,
        [one] => peak(&one.peaks),
        [leaves, comes, ..] => (1.0 - share) * peak(&leaves.peaks) + share * peak(&comes.peaks),
    };
    (height * f64::from(HEIGHT)) as u32
}

/// White pixels whose opacity is given, as PNG.
fn png(opacity: &[u8], width: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, HEIGHT);
    encoder.set_color(png::ColorType::GrayscaleAlpha);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let pixels: Vec<u8> = opacity.iter().flat_map(|&a| [255, a]).collect();
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(bytes)
}
