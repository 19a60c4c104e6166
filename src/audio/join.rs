//! Where one sound goes over into another: alignment and gains of a join.

use crate::base::wide;

/// How two stretches of sound fit together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// Frames the second is best moved by.
    pub lag: i64,
    /// Normalised correlation there, -1..=1; 0 where either is silent.
    pub correlation: f32,
}

/// Finds the lag in `-reach..=reach` at which `late` (which has `reach` frames more on either
/// side) is most like `early`. Far lags must be clearly better than near ones.
pub fn best_fit(early: &[f32], late: &[f32], reach: usize) -> Fit {
    let n = early.len();
    let power = |x: &[f32]| dot(x, x);
    let early_power = power(early);
    let mut best = (f32::MIN, Fit { lag: 0, correlation: 0.0 });
    let mut late_power = power(&late[..n.min(late.len())]);
    for at in 0..=(2 * reach).min(late.len().saturating_sub(n)) {
        if at > 0 {
            // Sliding the window by one: exact enough, and refreshed below against drift.
            late_power += late[at + n - 1].powi(2) - late[at - 1].powi(2);
            if at % 64 == 0 {
                late_power = power(&late[at..at + n]);
            }
        }
        let scale = (early_power * late_power.max(0.0)).sqrt();
        let correlation = if scale > 1e-9 { dot(early, &late[at..at + n]) / scale } else { 0.0 };
        let lag = at as i64 - reach as i64;
        let far = lag as f32 / reach.max(1) as f32;
        let score = correlation - 0.15 * far * far;
        if score > best.0 {
            best = (score, Fit { lag, correlation });
        }
    }
    best.1
}

/// Sixteen sums side by side: vectorises, and the order of additions is fixed.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let sums = wide!({
        let mut sums = [0.0f32; 16];
        for (x, y) in a.iter().zip(b) {
            for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
                *sum += x * y;
            }
        }
        sums
    });
    sums.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f32>()
}

/// Gains of the outgoing and the incoming sound at `t` in 0..=1 of a join. Their power stays
/// constant for sounds of this correlation: equal power for strangers, equal gain for twins.
pub fn gains(t: f32, correlation: f32) -> (f32, f32) {
    let angle = t * std::f32::consts::FRAC_PI_2;
    let (sin, cos) = angle.sin_cos();
    let alike = correlation.clamp(0.0, 1.0);
    let norm = (1.0 + 2.0 * alike * sin * cos).sqrt().recip();
    (cos * norm, sin * norm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wave(frames: usize, shift: f64) -> Vec<f32> {
        (0..frames)
            .map(|i| {
                let t = i as f64 - shift;
                ((t * 0.05).sin() + 0.6 * (t * 0.131).sin()) as f32
            })
            .collect()
    }

    #[test]
    fn a_shifted_copy_is_found_where_it_is() {
        for shift in [-90, -7, 0, 13, 100] {
            let early = wave(600, 0.0);
            let late = wave(800, 100.0 + f64::from(shift));
            let fit = best_fit(&early, &late, 100);
            assert!((fit.lag - i64::from(shift)).abs() <= 1, "{shift}: {fit:?}");
            assert!(fit.correlation > 0.99);
        }
    }

    #[test]
    fn silence_fits_where_it_lies() {
        let fit = best_fit(&[0.0; 300], &[0.0; 500], 100);
        assert_eq!((fit.lag.abs(), fit.correlation), (0, 0.0));
    }

    proptest! {
        #[test]
        fn power_is_constant_for_any_likeness(t in 0.0f32..=1.0, likeness in 0.0f32..=1.0) {
            let (a, b) = gains(t, likeness);
            let power = a * a + b * b + 2.0 * likeness * a * b;
            prop_assert!((power - 1.0).abs() < 1e-5);
            prop_assert!((0.0..=1.0).contains(&a) && (0.0..=1.0).contains(&b));
        }
    }
}
