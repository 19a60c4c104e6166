//! Sums, peaks and logarithms fast enough for every sample, and the same on every machine.

/// Partial results kept side by side: enough for the compiler to use whole vector registers.
const LANES: usize = 8;

/// Does some arithmetic with the widest vectors that this processor has. The result is the same
/// with any: the compiler never regroups sums of floats, nor fuses products into them.
///
/// Only what is inlined into it gains: what it calls is to be `#[inline(always)]`.
macro_rules! wide {
    ($work:expr) => {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || $work,
        )
    };
}
pub(crate) use wide;

/// The sum of `f(x)` over all values, in an order fixed by their number alone.
pub fn sum_of(values: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (blocks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane += f(x);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|&x| f(x)).sum::<f32>()
}

/// The largest magnitude among all values; what is not a number is passed over.
pub fn largest(values: &[f32]) -> f32 {
    let larger = |most: f32, x: f32| if x.abs() > most { x.abs() } else { most };
    let (blocks, rest) = values.as_chunks::<LANES>();
    let lanes = wide!({
        let mut lanes = [0.0; LANES];
        for block in blocks {
            for (lane, &x) in lanes.iter_mut().zip(block) {
                *lane = larger(*lane, x);
            }
        }
        lanes
    });
    lanes.iter().chain(rest).fold(0.0, |most, &x| larger(most, x))
}

/// Whether the magnitude of every value is at most `bound`; what is not a number never is.
pub fn all_within(values: &[f32], bound: f32) -> bool {
    let within = |block: &[f32]| block.iter().fold(true, |all, x| all & (x.abs() <= bound));
    let (blocks, rest) = values.as_chunks::<{ 4 * LANES }>();
    wide!(blocks.iter().all(|block| within(block))) && within(rest)
}

/// The natural logarithm of a positive, normal number, within 2e-6 and `f32::EPSILON` of its size.
///
/// With `x = m 2^e`, m within `sqrt(1/2)..sqrt(2)` and `s = (m-1)/(m+1)`, it is
/// `e ln 2 + 2 (s + s^3/3 + s^5/5 + ...)`, here up to `s^5`. No branch and no call: loops of it
/// vectorise.
#[inline(always)]
pub fn ln(x: f32) -> f32 {
    const ROOT_HALF: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
    let bits = x.to_bits();
    let exponent = (bits.wrapping_sub(ROOT_HALF) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    let s = (m - 1.0) / (m + 1.0);
    let s2 = s * s;
    let of_m = s * (2.0 + s2 * (2.0 / 3.0 + s2 * (2.0 / 5.0)));
    exponent as f32 * std::f32::consts::LN_2 + of_m
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_stay_within_two_millionths() {
        for i in 0..200_000 {
            let x = 10f32.powf(-12.0 + 32.0 * i as f32 / 200_000.0);
            let exact = f64::from(x).ln();
            let off = (f64::from(ln(x)) - exact).abs();
            assert!(off < 2e-6 + exact.abs() * f64::from(f32::EPSILON), "{x}: {off}");
        }
        assert_eq!(ln(1.0), 0.0);
    }

    /// Products that are added at once, which would be rounded once were they fused.
    #[inline(always)]
    fn products(values: &[f32]) -> Vec<u32> {
        let mut out = vec![0.1f32; values.len()];
        for pass in 0..3 {
            for (y, x) in out.iter_mut().zip(values) {
                *y = *y * x + ln(x * x + 1.0) / (pass as f32 + 1.3);
            }
        }
        out.iter().map(|y| y.to_bits()).collect()
    }

    #[test]
    fn wide_vectors_change_no_bit() {
        let values: Vec<f32> = (1..=997).map(|i| (i as f32 * 0.7).sin() * i as f32).collect();
        let wide = wide!(products(&values));
        assert_eq!(wide, products(&values));
    }

    #[test]
    fn every_value_counts_once_whatever_their_number() {
        for count in 0..40 {
            let values: Vec<f32> = (1..=count).map(|i| i as f32).collect();
            assert_eq!(sum_of(&values, |x| x), (count * (count + 1) / 2) as f32);
            let squares: i32 = (1..=count).map(|i| i * i).sum();
            assert_eq!(sum_of(&values, |x| x * x), squares as f32);
        }
    }

    #[test]
    fn one_value_decides_wherever_it_lies() {
        for at in 0..50 {
            let mut values = [0.25; 50];
            values[at] = -2.0;
            assert_eq!(largest(&values), 2.0);
            assert!(all_within(&values, 2.0) && !all_within(&values, 1.0));
            values[at] = f32::NAN;
            assert_eq!(largest(&values), 0.25);
            assert!(!all_within(&values, 64.0));
        }
        assert!(all_within(&[], 0.0));
    }
}
