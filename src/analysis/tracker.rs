//! Beat trackers other than our own, and the one shape in which all of them report.
//!
//! A tracker hears a song as mono audio at a rate of its choice and names the times of the beats.
//! Where it knows nothing of bars, the downbeats are found as for our own beats.

use super::beats::{BeatGrid, Curves, positions};
use super::onset::OnsetEnvelope;
use super::tempo::median;
use crate::base::{Bpm, Result, SampleRate, Seconds};

#[cfg_attr(
    not(all(
        feature = "aubio",
        any(
            all(
                target_os = "linux",
                target_env = "gnu",
                any(target_arch = "x86_64", target_arch = "aarch64")
            ),
            all(target_os = "macos", target_arch = "x86_64")
        )
    )),
    path = "tracker/aubio_absent.rs"
)]
mod aubio;

pub use aubio::{AUBIO_VERSION, aubio};

/// A grid needs this many beats.
const FEWEST: usize = 4;
/// Neighbouring distances that differ by no more than this share keep the pulse.
const STEADY: f64 = 0.1;

/// A beat tracker at work on one song.
pub trait BeatListener {
    /// The rate at which it wants to hear.
    fn rate(&self) -> SampleRate;

    /// Hears the next block of mono audio, of any length.
    ///
    /// # Errors
    /// Whatever keeps this tracker from working at all.
    fn push(&mut self, mono: &[f32]) -> Result<()>;

    /// Hears that the song is over and says where its beats are.
    ///
    /// # Errors
    /// As `push`.
    fn finish(self: Box<Self>) -> Result<Beats>;
}

/// Beats as a tracker or a file gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Beats {
    /// Attack times, strictly rising.
    pub times: Vec<Seconds>,
    /// Position of each beat in its bar, 1 for the downbeat, where known.
    pub positions: Option<Vec<u8>>,
}

impl Beats {
    /// Beats of which some are known to be downbeats. Fewer than two of them say nothing of bars;
    /// the first bar may be cut off in front.
    pub fn with_downbeats(times: Vec<Seconds>, is_downbeat: &[bool]) -> Self {
        let opens = |i: usize| is_downbeat.get(i).copied().unwrap_or(false);
        let mut downbeats = (0..times.len()).filter(|&i| opens(i));
        let (Some(first), Some(_)) = (downbeats.next(), downbeats.next()) else {
            return Beats { times, positions: None };
        };
        let mut since = 0usize;
        let mut positions: Vec<usize> = vec![0; first];
        for i in first..times.len() {
            since = if opens(i) { 1 } else { since + 1 };
            positions.push(since);
        }
        let whole = usize::from(bar_length(&positions[first..]));
        for (i, position) in positions[..first].iter_mut().enumerate() {
            *position = whole - (first - 1 - i) % whole;
        }
        let byte = |p: usize| u8::try_from(p).unwrap_or(u8::MAX);
        Beats { times, positions: Some(positions.into_iter().map(byte).collect()) }
    }

    /// The grid of these beats; `onsets` tell the downbeats where they are not known. `None` for
    /// fewer than four beats.
    pub fn grid(self, onsets: &OnsetEnvelope) -> Option<BeatGrid> {
        if self.times.len() < FEWEST {
            return None;
        }
        let (positions, beats_per_bar) = match self.positions {
            Some(known) if known.len() == self.times.len() => {
                let per_bar = bar_length(&known.iter().map(|&p| p.into()).collect::<Vec<_>>());
                (known, per_bar)
            }
            _ => bar_positions(onsets, &self.times),
        };
        let gaps: Vec<f64> = self.times.windows(2).map(|w| w[1].0 - w[0].0).collect();
        let steady = gaps.windows(2).filter(|w| (w[1] - w[0]).abs() <= STEADY * w[0]).count();
        Some(BeatGrid {
            beats: self.times,
            positions,
            beats_per_bar,
            tempo: Bpm::from_period(Seconds(median(&gaps))),
            confidence: steady as f32 / (gaps.len() - 1) as f32,
        })
    }
}

/// The usual number of beats in a bar: the most frequent last position before a downbeat, or the
/// highest position where no bar ends.
fn bar_length(positions: &[usize]) -> u8 {
    let mut counts = [0usize; 256];
    for pair in positions.windows(2).filter(|pair| pair[1] == 1) {
        counts[pair[0].min(255)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let usual = match most {
        0 => positions.iter().copied().max().unwrap_or(1),
        _ => counts.iter().position(|&n| n == most).unwrap_or(1),
    };
    u8::try_from(usual).unwrap_or(u8::MAX).max(1)
}

/// Position in the bar of each of these beats, and the number of beats a bar.
pub fn bar_positions(onsets: &OnsetEnvelope, beats: &[Seconds]) -> (Vec<u8>, u8) {
    if onsets.is_empty() {
        return (vec![1; beats.len()], 1);
    }
    let times: Vec<f64> = beats.iter().map(|t| t.0 * OnsetEnvelope::rate()).collect();
    positions(&Curves::new(onsets), onsets, &times)
}

#[cfg(test)]
mod tests;
