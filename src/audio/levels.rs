//! Levels of a stretch of samples, in lanes: a single running value would make every sample wait
//! for the one before.

const LANES: usize = 16;

/// The largest size of a sample; what is not a number counts as silence.
pub fn largest(samples: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut raise = |part: &[f32]| {
        for (lane, sample) in lanes.iter_mut().zip(part) {
            let size = sample.abs();
            *lane = if size > *lane { size } else { *lane };
        }
    };
    let (chunks, rest) = samples.as_chunks::<LANES>();
    chunks.iter().for_each(|chunk| raise(chunk));
    raise(rest);
    lanes.iter().fold(0.0, |a, &b| if a > b { a } else { b })
}

/// The sum of the squares.
pub fn power(samples: &[f32]) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let mut add = |part: &[f32]| lanes.iter_mut().zip(part).for_each(|(lane, x)| *lane += x * x);
    let (chunks, rest) = samples.as_chunks::<LANES>();
    chunks.iter().for_each(|chunk| add(chunk));
    add(rest);
    lanes.iter().sum()
}

/// Whether all samples are numbers no larger than `limit`, which is positive.
pub fn within(samples: &[f32], limit: f32) -> bool {
    // Of positive floats the larger has the larger bits, and what is not a number the largest.
    let bits = |x: &f32| (x.to_bits() & 0x7fff_ffff) as i32;
    samples.iter().map(bits).fold(0, |a, b| if a > b { a } else { b }) <= bits(&limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_found_wherever_it_is() {
        for length in [1, 15, 16, 17, 100] {
            for at in 0..length {
                let mut samples = vec![0.25f32; length];
                samples[at] = -0.75;
                assert_eq!(largest(&samples), 0.75, "{at} of {length}");
                let due = 0.0625 * (length - 1) as f32 + 0.5625;
                assert!((power(&samples) - due).abs() < 1e-5, "{at} of {length}");
                assert!(within(&samples, 0.75) && !within(&samples, 0.74), "{at} of {length}");
                samples[at] = f32::NAN;
                assert_eq!(largest(&samples), if length > 1 { 0.25 } else { 0.0 });
                assert!(!within(&samples, 64.0), "{at} of {length}");
            }
        }
        assert_eq!((largest(&[]), power(&[]), within(&[], 1.0)), (0.0, 0.0, true));
        assert!(!within(&[f32::NEG_INFINITY], f32::MAX) && within(&[-0.0], 0.0));
    }
}
