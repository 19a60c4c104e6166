//! The picture in a song file, and the colour a song is painted in.

use std::io::Cursor;
use std::path::Path;

use lofty::config::{ParseOptions, ParsingMode};
use lofty::file::TaggedFileExt as _;
use lofty::picture::MimeType;
use lofty::probe::Probe;

use crate::analysis::Key;
use crate::base::{Limits, contained};
use crate::stream::Artwork;

/// Larger pictures are not shown.
const MOST_BYTES: usize = 4 << 20;
/// Larger sides and more memory are not decoded.
const MOST_SIDE: u32 = 4_096;
const MOST_MEMORY: u64 = 96 << 20;
/// Side of the picture its colour is taken from.
const SMALL: u32 = 24;

/// The cover of a song and its colour; `None` where there is none that can be shown. What is in a
/// picture is as untrusted as all else in the file.
pub fn artwork(path: &Path, limits: &Limits) -> Option<(Artwork, String)> {
    let size = std::fs::metadata(path).ok()?.len();
    if size > limits.max_file_bytes {
        return None;
    }
    let found = contained(|| {
        let (kind, bytes) = cover(path)?;
        let colour = colour(&bytes)?;
        Some((Artwork { kind, bytes: bytes.into() }, colour))
    });
    found.flatten()
}

fn cover(path: &Path) -> Option<(&'static str, Vec<u8>)> {
    let options = ParseOptions::new().read_properties(false).parsing_mode(ParsingMode::Relaxed);
    let file = Probe::open(path).ok()?.options(options).guess_file_type().ok()?.read().ok()?;
    let mut pictures = file.tags().iter().flat_map(|tag| tag.pictures());
    pictures.find_map(|picture| {
        let kind = match picture.mime_type() {
            Some(MimeType::Jpeg) => "image/jpeg",
            Some(MimeType::Png) => "image/png",
            _ => return None,
        };
        (picture.data().len() <= MOST_BYTES).then(|| (kind, picture.data().to_vec()))
    })
}

/// The colour that stands out in a picture: pixels count by how colourful they are.
fn colour(bytes: &[u8]) -> Option<String> {
    let mut reader = image::ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let small = reader.decode().ok()?.thumbnail_exact(SMALL, SMALL).to_rgb8();
    let (mut sum, mut all) = ([0.0f64; 3], 0.0);
    for pixel in small.pixels() {
        let [r, g, b] = pixel.0.map(f64::from);
        let spread = r.max(g).max(b) - r.min(g).min(b);
        let weight = 1.0 + spread * spread;
        all += weight;
        for (sum, x) in sum.iter_mut().zip([r, g, b]) {
            *sum += weight * x;
        }
    }
    let [r, g, b] = sum.map(|x| (x / all).round() as u8);
    Some(format!("#{r:02x}{g:02x}{b:02x}"))
}

/// The hue of a song without a picture: that of its key on the wheel, so that songs which sound
/// well together look alike; else one of its own.
pub fn hue_of(key: Option<Key>, id: &[u8; 32]) -> f64 {
    match key {
        Some(key) => {
            let camelot = key.camelot();
            let hour: f64 = camelot[..camelot.len() - 1].parse().unwrap_or(0.0);
            30.0 * hour + if key.minor { 0.0 } else { 10.0 }
        }
        None => 360.0 * f64::from(id[0]) / 256.0,
    }
}

/// A colour of hue (in degrees), saturation and lightness.
pub fn rgb(hue: f64, saturation: f64, lightness: f64) -> String {
    let reach = saturation * lightness.min(1.0 - lightness);
    let part = |n: f64| {
        let k = (n + hue / 30.0).rem_euclid(12.0);
        let x = lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (255.0 * x).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", part(0.0), part(8.0), part(4.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hues_are_the_colours_they_are_called() {
        assert_eq!(rgb(0.0, 1.0, 0.5), "#ff0000");
        assert_eq!(rgb(120.0, 1.0, 0.5), "#00ff00");
        assert_eq!(rgb(240.0, 1.0, 0.5), "#0000ff");
        assert_eq!(rgb(77.0, 0.0, 0.5), "#808080");
    }

    #[test]
    fn the_colour_of_a_picture_is_the_one_that_stands_out() {
        let mut picture = image::RgbImage::from_pixel(64, 64, image::Rgb([120, 120, 120]));
        (0..64 * 20).for_each(|i| picture.put_pixel(i % 64, i / 64, image::Rgb([220, 30, 30])));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let colour = colour(bytes.get_ref()).unwrap();
        assert!(colour.starts_with("#db") || colour.starts_with("#dc"), "{colour}");
        assert_eq!(super::colour(b"no picture"), None);
        assert_eq!(super::colour(&bytes.get_ref()[..60]), None);
    }
}
