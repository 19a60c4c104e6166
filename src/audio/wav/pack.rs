//! Samples as the bytes of a WAV file.

use crate::audio::dither::{Dither, nearest, triangular};
use crate::base::wide;

/// Samples rounded at a time, of all channels together.
const ROUNDED: usize = 512;
/// Frames of floats packed at a time.
const BLOCK: usize = 512;

pub(super) fn pack_float(planes: &[&[f32]], bytes: &mut Vec<u8>) {
    match planes {
        [one] => bytes.extend(one.iter().flat_map(|x| x.to_le_bytes())),
        [left, right] => {
            // By way of a small block: room made in `bytes` would be filled with zeros first.
            let mut packed = [[0; 8]; BLOCK];
            for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
                for (pair, (l, r)) in packed.iter_mut().zip(left.iter().zip(right)) {
                    pair[..4].copy_from_slice(&l.to_le_bytes());
                    pair[4..].copy_from_slice(&r.to_le_bytes());
                }
                bytes.extend_from_slice(packed[..left.len()].as_flattened());
            }
        }
        many => {
            let frames = many.first().map_or(0, |plane| plane.len());
            for i in 0..frames {
                many.iter().for_each(|plane| bytes.extend_from_slice(&plane[i].to_le_bytes()));
            }
        }
    }
}

/// Rounds to integers of `WIDTH` bytes with dither. Exact silence stays silent, and so do values
/// that already lie on the integer grid: a copy of a 16-bit file is that file.
pub(super) fn pack_int<const WIDTH: usize>(
    planes: &[&[f32]],
    dither: &mut Dither,
    bytes: &mut Vec<u8>,
) {
    let top = f64::from((1i32 << (8 * WIDTH - 1)) - 1);
    let frames = planes.first().map_or(0, |plane| plane.len());
    // The last sample is written as a whole word too.
    bytes.reserve(frames * planes.len() * WIDTH + 4);
    let (mut values, mut steps) = ([0.0; ROUNDED], [0; ROUNDED]);
    let step = ROUNDED / planes.len().max(1);
    for from in (0..frames).step_by(step) {
        let range = from..(from + step).min(frames);
        let count = range.len() * planes.len();
        interleave(planes, range, top + 1.0, &mut values);
        round(&mut values[..count], top, dither, &mut steps);
        for step in &steps[..count] {
            // A whole word at once, of which the next sample takes the last byte back.
            let (start, word) = (bytes.len(), step.to_le_bytes());
            bytes.extend_from_slice(&word);
            bytes.truncate(start + WIDTH);
        }
    }
}

fn interleave(
    planes: &[&[f32]],
    range: std::ops::Range<usize>,
    scale: f64,
    values: &mut [f64; ROUNDED],
) {
    if let [left, right] = planes {
        let frames = left[range.clone()].iter().zip(&right[range]);
        for (pair, (&l, &r)) in values.as_chunks_mut::<2>().0.iter_mut().zip(frames) {
            *pair = [f64::from(l) * scale, f64::from(r) * scale];
        }
        return;
    }
    for (channel, plane) in planes.iter().enumerate() {
        let places = values[channel..].iter_mut().step_by(planes.len());
        for (value, &x) in places.zip(&plane[range.clone()]) {
            *value = f64::from(x) * scale;
        }
    }
}

/// Rounds all values. Half of what is loud lies on the grid of 24 bits and half does not, so which
/// it is must not be asked by a branch: noise is drawn for all that need it, then dealt out.
fn round(values: &mut [f64], top: f64, dither: &mut Dither, steps: &mut [i32; ROUNDED]) {
    let whole = wide!(nearest_of_all(values, top, steps));
    let (mut drawn, mut noise) = ([0; ROUNDED + 1], [0; ROUNDED]);
    dither.fill(&mut drawn[..values.len() - whole]);
    let mut next = 0;
    for ((noise, &x), &step) in noise.iter_mut().zip(&*values).zip(&*steps) {
        let needs = u32::from(x != f64::from(step));
        *noise = drawn[next] & needs.wrapping_neg();
        next += needs as usize;
    }
    wide!({
        for (x, &bits) in values.iter_mut().zip(&noise) {
            *x += triangular(bits);
        }
        nearest_of_all(values, top, steps)
    });
}

/// Rounds all values and counts those that are whole already.
#[inline(always)]
fn nearest_of_all(values: &[f64], top: f64, steps: &mut [i32; ROUNDED]) -> usize {
    let mut whole = 0;
    for (step, &x) in steps.iter_mut().zip(values) {
        *step = nearest(x, top);
        whole += usize::from(x == f64::from(*step));
    }
    whole
}
