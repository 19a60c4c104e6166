//! Logarithm and exponential as straight-line arithmetic, which runs on many lanes at once.

use std::f32::consts::{LN_2, LOG2_E};

/// Bits of the mantissa of a 32-bit float.
const MANTISSA: u32 = 23;
/// The bits of the square root of one half.
const ROOT_HALF: u32 = 0x3f35_04f3;
/// Adding and taking away 1.5 * 2^23 rounds to a whole number, which stands in the low bits of
/// the sum.
const ROUNDER: f32 = 12_582_912.0;

/// The natural logarithm of a positive, normal number; the error stays below 3e-7 of the larger
/// of the result and one.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    // x = 2^power * m with m between the roots of 1/2 and 2.
    let bits = x.to_bits();
    let power = (bits.wrapping_sub(ROOT_HALF) as i32) >> MANTISSA;
    let m = f32::from_bits(bits.wrapping_sub((power as u32) << MANTISSA));
    // ln m = 2 artanh s, |s| < 0.172: the series is at its end after five terms.
    let s = (m - 1.0) / (m + 1.0);
    let t = s * s;
    let series = 1.0 + t * (1.0 / 3.0 + t * (1.0 / 5.0 + t * (1.0 / 7.0 + t * (1.0 / 9.0))));
    power as f32 * LN_2 + 2.0 * s * series
}

/// The exponential of a number, which is cut to -87..=87; the error stays below 4e-7 of the
/// result for small and 1e-5 for the largest numbers.
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    let x = if x > -87.0 { x } else { -87.0 };
    let x = if x < 87.0 { x } else { 87.0 };
    // x = power * ln 2 + r with |r| < 0.35.
    let shifted = x * LOG2_E + ROUNDER;
    let power = shifted - ROUNDER;
    let r = x - power * LN_2;
    let (a, b) = (1.0 / 2.0, 1.0 / 6.0);
    let (c, d, e) = (1.0 / 24.0, 1.0 / 120.0, 1.0 / 720.0);
    let series = 1.0 + r * (1.0 + r * (a + r * (b + r * (c + r * (d + r * e)))));
    let two_to_power = shifted.to_bits().wrapping_add(127) << MANTISSA;
    series * f32::from_bits(two_to_power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_the_logarithm() {
        let mut x = f32::MIN_POSITIVE;
        while x < 1e38 {
            let truth = f64::from(x).ln();
            let error = (f64::from(ln(x)) - truth).abs() / truth.abs().max(1.0);
            assert!(error < 3e-7, "ln {x}: off by {error}");
            x *= 1.000_7;
        }
        assert_eq!(ln(1.0), 0.0);
    }

    #[test]
    fn the_exponential_is_the_exponential_and_never_overflows() {
        for i in -87_000..=87_000 {
            let x = i as f32 / 1_000.0;
            let truth = f64::from(x).exp();
            let error = (f64::from(exp(x)) / truth - 1.0).abs();
            assert!(error < 4e-7 + 1.2e-7 * f64::from(x.abs()), "exp {x}: off by {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        for x in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN] {
            assert!(exp(x).is_finite(), "{x}");
        }
    }
}
