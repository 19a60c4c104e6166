//! Sums and peaks fast enough for every sample, and the same on every machine.

/// Partial results kept side by side: enough for the compiler to use whole vector registers.
const LANES: usize = 8;

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
    let mut lanes = [0.0; LANES];
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane = larger(*lane, x);
        }
    }
    lanes.iter().chain(rest).fold(0.0, |most, &x| larger(most, x))
}

/// Whether the magnitude of every value is at most `bound`; what is not a number never is.
pub fn all_within(values: &[f32], bound: f32) -> bool {
    let within = |block: &[f32]| block.iter().fold(true, |all, x| all & (x.abs() <= bound));
    let (blocks, rest) = values.as_chunks::<{ 4 * LANES }>();
    blocks.iter().all(|block| within(block)) && within(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

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
