//! Gain laws. Each is a function of the frame and the total alone, so that how a fade is cut into
//! blocks makes no difference. (The original's block-wise fade is a sawtooth; it is not kept.)

use std::f64::consts::{FRAC_PI_2, PI};

use super::{Curve, Lane};

/// Amplitude from which [`soft_limit`] bends: 30 000 of 32 768, about -0.77 dBFS.
pub const SOFT_KNEE: f32 = 30_000.0 / 32_768.0;
/// What [`soft_limit`] may add to the knee at most.
const SOFT_ROOM: f32 = 2_767.0 / 32_768.0;
/// The exponent of [`Curve::Power06`].
const POWER: f64 = 0.6;

/// The limiter of Echo Nest Remix `cAction`, full scale being 1: up to [`SOFT_KNEE`] nothing
/// changes, above it an arc tangent bends towards 32 767 of 32 768.
pub fn soft_limit(sample: f32) -> f32 {
    let over = sample.abs() - SOFT_KNEE;
    if over <= 0.0 {
        return sample;
    }
    let bent = f64::from(over / SOFT_ROOM).atan() / FRAC_PI_2;
    (SOFT_KNEE + SOFT_ROOM * bent as f32).copysign(sample)
}

/// Amplitude of a FadeIn at `frame` of `total`, as in Echo Nest Remix `cAction.fade`: a straight
/// line from 0 that reaches 1 with the first frame after it.
pub fn fade_in(frame: u64, total: u64) -> f32 {
    share(frame, total) as f32
}

/// Amplitude of a FadeOut at `frame` of `total`, as in Echo Nest Remix `cAction.fade`: a straight
/// line from 1 that reaches 0 with the first frame after it.
pub fn fade_out(frame: u64, total: u64) -> f32 {
    falling(frame, total) as f32
}

/// Amplitude between `from` and `to` at `share` (0 to 1) of the way. The power goes over on a
/// squared sine, so that a part moved from one track to the other keeps its power.
pub fn power_smooth(from: f32, to: f32, share: f64) -> f32 {
    let (from, to) = (f64::from(from), f64::from(to));
    let risen = (FRAC_PI_2 * share.clamp(0.0, 1.0)).sin().powi(2);
    (from * from + (to * to - from * from) * risen).max(0.0).sqrt() as f32
}

impl Curve {
    /// Amplitudes of the track that leaves and of the one that comes at `frame` of `total`.
    ///
    /// `Linear` and `Power06` are the modes of Echo Nest Remix `cAction.crossfade`: the track that
    /// comes is all there in the last frame, the one that leaves is gone after it. From frame
    /// `total` on the transition is over.
    pub fn gains(self, frame: u64, total: u64) -> (f32, f32) {
        let (out, come) = match self {
            Curve::Linear => (falling(frame, total), rising(frame, total)),
            Curve::Power06 => (falling(frame, total).powf(POWER), rising(frame, total).powf(POWER)),
            Curve::EqualPower => equal_power(share(frame, total)),
        };
        (out as f32, come as f32)
    }
}

/// Cosine and sine, without a rest of 6e-17 at the end.
fn equal_power(share: f64) -> (f64, f64) {
    let angle = share * PI / 2.0;
    if share >= 1.0 { (0.0, 1.0) } else { (angle.cos(), angle.sin()) }
}

/// i/n, 1 from the end on.
fn share(frame: u64, total: u64) -> f64 {
    if frame >= total { 1.0 } else { frame as f64 / total as f64 }
}

/// (n-i)/n, 0 from the end on.
fn falling(frame: u64, total: u64) -> f64 {
    if frame >= total { 0.0 } else { (total - frame) as f64 / total as f64 }
}

/// i/(n-1), 1 from the end on. A single frame is the beginning.
fn rising(frame: u64, total: u64) -> f64 {
    if frame >= total { 1.0 } else { frame as f64 / total.saturating_sub(1).max(1) as f64 }
}

impl Lane {
    /// Amplitude at a beat of the transition, counted from its start. A lane without points
    /// changes nothing.
    pub fn gain_at(&self, beat: f64) -> f32 {
        along(&self.points, |at| beat - at)
    }
}

/// The amplitude along points of a place and an amplitude, places rising; `since` says how far a
/// place lies behind. Outside the points it stays; without any it is 1.
pub fn along<P: Copy>(points: &[(P, f32)], since: impl Fn(P) -> f64) -> f32 {
    let after = points.partition_point(|&(at, _)| since(at) >= 0.0);
    match (points[..after].last(), points.get(after)) {
        (Some(&(a, from)), Some(&(b, to))) => {
            power_smooth(from, to, since(a) / (since(a) - since(b)))
        }
        (Some(&(_, gain)), None) | (None, Some(&(_, gain))) => gain,
        (None, None) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mix::{Part, Side};

    fn lane(points: &[(f64, f32)]) -> Lane {
        Lane { side: Side::To, part: Part::Bass, points: points.to_vec() }
    }

    #[test]
    fn the_soft_limiter_joins_its_knee_and_never_reaches_full_scale() {
        assert_eq!(soft_limit(SOFT_KNEE), SOFT_KNEE);
        let just_above = SOFT_KNEE + 1e-4;
        assert!(soft_limit(just_above) > SOFT_KNEE && soft_limit(just_above) < just_above);
        assert_eq!(soft_limit(-1.5), -soft_limit(1.5));
        assert_eq!(soft_limit(f32::INFINITY), 32_767.0 / 32_768.0);
        assert_eq!(soft_limit(-0.0).to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn a_curve_of_no_or_one_frame_has_no_hole() {
        for curve in [Curve::Linear, Curve::Power06, Curve::EqualPower] {
            assert_eq!(curve.gains(0, 0), (0.0, 1.0));
            assert_eq!(curve.gains(0, 1), (1.0, 0.0));
            assert_eq!(curve.gains(1, 1), (0.0, 1.0));
        }
        assert_eq!((fade_in(0, 0), fade_out(0, 0)), (1.0, 0.0));
    }

    #[test]
    fn equal_power_keeps_the_power() {
        for frame in 0..=1_000 {
            let (out, come) = Curve::EqualPower.gains(frame, 1_000);
            assert!((out * out + come * come - 1.0).abs() < 1e-6, "frame {frame}");
        }
    }

    #[test]
    fn a_lane_stays_outside_its_points_and_keeps_the_power_between_them() {
        let (comes, leaves) = (lane(&[(4.0, 0.0), (8.0, 1.0)]), lane(&[(4.0, 1.0), (8.0, 0.0)]));
        assert_eq!((comes.gain_at(-1.0), comes.gain_at(4.0)), (0.0, 0.0));
        assert_eq!((comes.gain_at(8.0), comes.gain_at(99.0)), (1.0, 1.0));
        assert!((comes.gain_at(6.0) - 0.5f32.sqrt()).abs() < 1e-6);
        for step in 0..=16 {
            let beat = 4.0 + f64::from(step) / 4.0;
            let power = comes.gain_at(beat).powi(2) + leaves.gain_at(beat).powi(2);
            assert!((power - 1.0).abs() < 1e-6, "beat {beat}: {power}");
        }
    }

    #[test]
    fn a_lane_with_two_gains_at_one_beat_jumps_there() {
        let cut = lane(&[(0.0, 1.0), (2.0, 1.0), (2.0, 0.0)]);
        assert_eq!((cut.gain_at(1.999), cut.gain_at(2.0)), (1.0, 0.0));
        assert_eq!(lane(&[]).gain_at(3.0), 1.0);
    }
}
