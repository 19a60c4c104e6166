//! Folding surround sound to stereo, after ITU-R BS.775-4 annex 4.

use super::AudioBuffer;
use crate::base::{Error, ErrorKind, Result};

/// Shares of left and right a channel goes to.
type Share = (f32, f32);

const FRONT_LEFT: Share = (1.0, 0.0);
const FRONT_RIGHT: Share = (0.0, 1.0);
/// Centre and surround channels go in 3 dB down.
const CENTRE: Share = (std::f32::consts::FRAC_1_SQRT_2, std::f32::consts::FRAC_1_SQRT_2);
const LEFT_BACK: Share = (std::f32::consts::FRAC_1_SQRT_2, 0.0);
const RIGHT_BACK: Share = (0.0, std::f32::consts::FRAC_1_SQRT_2);
/// BS.775 leaves the low-frequency effects out of a stereo fold.
const EFFECTS: Share = (0.0, 0.0);
const CENTRE_BACK: Share = (0.5, 0.5);

/// Channel meanings by count, in the order of WAVE and FLAC files.
fn shares(channels: usize) -> &'static [Share] {
    match channels {
        3 => &[FRONT_LEFT, FRONT_RIGHT, CENTRE],
        4 => &[FRONT_LEFT, FRONT_RIGHT, LEFT_BACK, RIGHT_BACK],
        5 => &[FRONT_LEFT, FRONT_RIGHT, CENTRE, LEFT_BACK, RIGHT_BACK],
        6 => &[FRONT_LEFT, FRONT_RIGHT, CENTRE, EFFECTS, LEFT_BACK, RIGHT_BACK],
        7 => &[FRONT_LEFT, FRONT_RIGHT, CENTRE, EFFECTS, CENTRE_BACK, LEFT_BACK, RIGHT_BACK],
        _ => &[
            FRONT_LEFT,
            FRONT_RIGHT,
            CENTRE,
            EFFECTS,
            LEFT_BACK,
            RIGHT_BACK,
            LEFT_BACK,
            RIGHT_BACK,
        ],
    }
}

/// Refuses what has no place in a fold.
///
/// # Errors
/// `Limit` for no channel and for more than eight.
pub fn check_channels(channels: usize) -> Result<()> {
    if (1..=8).contains(&channels) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Limit, "unsupported number of channels")
        .because(format!("{channels} channels, 1 to 8 can be read")))
}

/// Folds three to eight channels to two in place, scaled so that full scale stays full scale.
/// Mono and stereo stay as they are.
pub fn fold_to_stereo(buffer: &mut AudioBuffer) {
    if buffer.channels() <= 2 {
        return;
    }
    let shares = shares(buffer.channels());
    let total: f32 = shares.iter().map(|share| share.0).sum();
    let frames = buffer.frames();
    let mut stereo = AudioBuffer::silence(2, frames);
    for (plane, share) in buffer.planes.iter().zip(shares) {
        for (out, weight) in stereo.planes.iter_mut().zip([share.0, share.1]) {
            if weight > 0.0 {
                let weight = weight / total;
                out.iter_mut().zip(plane).for_each(|(o, x)| *o += weight * x);
            }
        }
    }
    *buffer = stereo;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_keeps_full_scale_and_its_sides_apart() {
        for channels in 3..=8 {
            let mut full = AudioBuffer { planes: vec![vec![1.0; 4]; channels] };
            fold_to_stereo(&mut full);
            assert_eq!(full.channels(), 2);
            for plane in &full.planes {
                assert!((plane[0] - 1.0).abs() < 1e-6, "{channels}: {}", plane[0]);
            }
            let mut left = AudioBuffer::silence(channels, 1);
            left.planes[0][0] = 1.0;
            fold_to_stereo(&mut left);
            assert!(left.planes[0][0] > 0.2 && left.planes[1][0] == 0.0);
        }
    }
}
