//! The tempo object of aubio, as its own command line tool runs it.

use aubio_rs::{OnsetMode, Tempo};

use super::{BeatListener, Beats};
use crate::analysis::stft::audible;
use crate::base::{Result, SampleRate, Seconds};

/// Version of the tracker.
pub const AUBIO_VERSION: &str = "0.4.9";

/// The tool's own sizes, made for 44.1 kHz.
const WINDOW: usize = 1024;
const HOP: usize = 512;
/// Far beyond any sensible level. Its C code takes for granted that all its sums are finite.
const LOUDEST: f32 = 16.0;

/// The tracker of aubio; `None` where this build has it not.
pub fn aubio() -> Option<Box<dyn BeatListener>> {
    let tempo = Tempo::new(OnsetMode::SpecFlux, WINDOW, HOP, SampleRate::CD.hz()).ok()?;
    Some(Box::new(Aubio { tempo, pending: Vec::with_capacity(HOP), times: Vec::new() }))
}

struct Aubio {
    tempo: Tempo,
    /// The start of a hop.
    pending: Vec<f32>,
    times: Vec<Seconds>,
}

impl Aubio {
    fn hop(&mut self) {
        // The hop has the size asked for, which is all that can be wrong with it.
        let beat = self.tempo.do_result(self.pending.as_slice()).unwrap_or(0.0);
        self.pending.clear();
        if beat == 0.0 {
            return;
        }
        let time = Seconds(self.tempo.get_last() as f64 / SampleRate::CD.as_f64());
        // The same beat can be announced twice where two of its windows meet.
        if self.times.last().is_none_or(|last| time.0 > last.0) {
            self.times.push(time);
        }
    }
}

impl BeatListener for Aubio {
    fn rate(&self) -> SampleRate {
        SampleRate::CD
    }

    fn push(&mut self, mono: &[f32]) -> Result<()> {
        for &sample in mono {
            self.pending.push(audible(sample).clamp(-LOUDEST, LOUDEST));
            if self.pending.len() == HOP {
                self.hop();
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Beats> {
        if !self.pending.is_empty() {
            self.pending.resize(HOP, 0.0);
            self.hop();
        }
        Ok(Beats { times: self.times, positions: None })
    }
}
