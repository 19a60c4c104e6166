//! Loudness around transitions.

use crate::audio::AudioBuffer;
use crate::audio::loudness::{LoudnessMeter, integrated};
use crate::base::SampleRate;

/// Seconds before and after a transition whose loudness is compared.
const SPAN: f64 = 8.0;
/// Energies a second.
const RATE: f64 = 10.0;

/// The loudness of a mix over time.
pub struct Levels {
    meter: Option<LoudnessMeter>,
    energies: Vec<f32>,
}

impl Levels {
    /// A meter that has heard nothing yet.
    pub fn new(rate: SampleRate) -> Self {
        Levels { meter: Some(LoudnessMeter::new(rate)), energies: Vec::new() }
    }

    /// Takes the next frames.
    pub fn push(&mut self, block: &AudioBuffer) {
        if let Some(meter) = &mut self.meter {
            meter.push(block);
        }
    }

    /// Ends the mix.
    pub fn finish(mut self) -> Self {
        self.energies = self.meter.take().map_or_else(Vec::new, LoudnessMeter::finish);
        self
    }

    /// Loudness of all of it, in LUFS.
    pub fn integrated(&self) -> f64 {
        integrated(&self.energies).0
    }

    /// Loudness of what follows `to` minus that of what precedes `from`, in LU; gated, so that
    /// pauses do not count.
    pub fn step(&self, from: f64, to: f64) -> f64 {
        let part = |a: f64, b: f64| {
            let first = ((a.max(0.0) * RATE) as usize).min(self.energies.len());
            let last = ((b.max(0.0) * RATE) as usize).clamp(first, self.energies.len());
            integrated(&self.energies[first..last]).0
        };
        part(to, to + SPAN) - part(from - SPAN, from)
    }
}

/// The value below which so large a share lies; `None` without values.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied()
}
