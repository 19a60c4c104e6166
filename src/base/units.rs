//! Numbers with their units: a tempo cannot be passed where a gain is wanted.

use serde::{Deserialize, Serialize};
use std::fmt;

use super::{Error, ErrorKind, Result};

/// Frames a second. One frame holds one sample of each channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct SampleRate(u32);

impl SampleRate {
    /// The rate all analysis runs at, as in librosa: 22 050 Hz.
    pub const ANALYSIS: SampleRate = SampleRate(22_050);
    /// The rate of a compact disc, 44 100 Hz.
    pub const CD: SampleRate = SampleRate(44_100);
    /// The lowest rate accepted.
    pub const MIN: u32 = 4_000;
    /// The highest rate accepted.
    pub const MAX: u32 = 384_000;

    /// Checks that `hz` lies in 4 000..=384 000.
    ///
    /// # Errors
    /// `ErrorKind::Limit` with the allowed range.
    pub fn new(hz: u32) -> Result<Self> {
        if (Self::MIN..=Self::MAX).contains(&hz) {
            return Ok(SampleRate(hz));
        }
        Err(Error::new(ErrorKind::Limit, "sample rate out of range").because(format!(
            "{hz} Hz is outside {} to {} Hz",
            Self::MIN,
            Self::MAX
        )))
    }

    /// Frames a second as an integer.
    pub const fn hz(self) -> u32 {
        self.0
    }

    /// Frames a second as a float.
    pub fn as_f64(self) -> f64 {
        f64::from(self.0)
    }
}

impl TryFrom<u32> for SampleRate {
    type Error = Error;
    fn try_from(hz: u32) -> Result<Self> {
        SampleRate::new(hz)
    }
}

impl From<SampleRate> for u32 {
    fn from(rate: SampleRate) -> u32 {
        rate.0
    }
}

/// A count of frames, or a position counted in frames from the start.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Frames(pub u64);

impl Frames {
    /// The time these frames last at `rate`.
    pub fn seconds(self, rate: SampleRate) -> Seconds {
        Seconds(self.0 as f64 / rate.as_f64())
    }
}

/// A time or a length of time in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl Seconds {
    /// The nearest whole number of frames; negative times count as zero.
    pub fn frames(self, rate: SampleRate) -> Frames {
        Frames((self.0 * rate.as_f64()).round().max(0.0) as u64)
    }
}

/// Shown as `h:mm:ss` from one hour on, `m:ss` below.
impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0.max(0.0).round() as u64;
        let (h, m, s) = (whole / 3600, whole / 60 % 60, whole % 60);
        if h > 0 { write!(f, "{h}:{m:02}:{s:02}") } else { write!(f, "{m}:{s:02}") }
    }
}

/// Beats a minute.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bpm(pub f64);

impl Bpm {
    /// The tempo whose beats are `period` apart.
    pub fn from_period(period: Seconds) -> Bpm {
        Bpm(60.0 / period.0)
    }
}

/// A level ratio in decibels: 20·log10 of an amplitude ratio.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Decibels(pub f64);

impl Decibels {
    /// The amplitude factor.
    pub fn amplitude(self) -> f64 {
        10f64.powf(self.0 / 20.0)
    }
}

/// Loudness in LUFS (ITU-R BS.1770-5, EBU R 128).
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lufs(pub f64);

impl Lufs {
    /// The gain that brings this loudness to `target`.
    pub fn gain_to(self, target: Lufs) -> Decibels {
        Decibels(target.0 - self.0)
    }
}

/// How eager a remix is to leave a song, 0 (never) to 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct JumpRate(f64);

impl JumpRate {
    /// Checks that `rate` lies in 0..=1.
    ///
    /// # Errors
    /// `ErrorKind::Usage` with an example of a good value.
    pub fn new(rate: f64) -> Result<Self> {
        if (0.0..=1.0).contains(&rate) {
            return Ok(JumpRate(rate));
        }
        Err(Error::new(ErrorKind::Usage, format!("JUMP_RATE {rate} is not between 0 and 1"))
            .because("0 never changes the song, 1 changes it as often as it can")
            .hint("0.1 stays about eleven beats with a song: remix generate-remix 0.1 50 out.wav"))
    }

    /// The rate as a float in 0..=1.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for JumpRate {
    type Error = Error;
    fn try_from(rate: f64) -> Result<Self> {
        JumpRate::new(rate)
    }
}

impl From<JumpRate> for f64 {
    fn from(rate: JumpRate) -> f64 {
        rate.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_rates_are_range_checked() {
        assert_eq!(SampleRate::new(44_100).unwrap(), SampleRate::CD);
        for bad in [0, 3_999, 384_001, u32::MAX] {
            assert_eq!(SampleRate::new(bad).unwrap_err().kind(), ErrorKind::Limit);
        }
    }

    #[test]
    fn jump_rates_outside_the_unit_interval_are_refused() {
        for bad in [-0.1, 1.01, f64::NAN, f64::INFINITY] {
            assert_eq!(JumpRate::new(bad).unwrap_err().kind(), ErrorKind::Usage);
        }
        assert_eq!(JumpRate::new(1.0).unwrap().get(), 1.0);
    }

    #[test]
    fn seconds_read_like_a_clock() {
        assert_eq!(Seconds(59.6).to_string(), "1:00");
        assert_eq!(Seconds(3_725.0).to_string(), "1:02:05");
        assert_eq!(Seconds(1.5).frames(SampleRate::CD), Frames(66_150));
    }

    #[test]
    fn six_decibels_double_the_amplitude() {
        assert!((Decibels(6.0206).amplitude() - 2.0).abs() < 1e-4);
        assert_eq!(Lufs(-20.0).gain_to(Lufs(-14.0)), Decibels(6.0));
    }
}
