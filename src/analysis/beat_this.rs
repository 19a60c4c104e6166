//! The network of Foscarin, Schlüter and Widmer ("Beat this! Accurate beat tracking without DBN
//! postprocessing", ISMIR 2024), whose weights are the user's to bring.
//!
//! A log-mel spectrogram of 50 columns a second ([`LogMel`]) goes in, one beat and one downbeat
//! logit a column come out ([`Network`], in chunks), and their peaks are the beats ([`peaks`]).

mod chunks;
mod mel;
mod network;
mod peaks;

use std::sync::Arc;

use chunks::Chunks;
pub use mel::{BANDS, LogMel};
pub use network::Network;
pub use peaks::peaks;

use super::tracker::{BeatListener, Beats};
use crate::base::{Result, SampleRate};

/// Columns of the spectrogram a second.
const RATE: f64 = 50.0;

/// One logit for each column of a spectrogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logits {
    /// Above zero where a beat is likelier than none.
    pub beat: Vec<f32>,
    /// Above zero where a downbeat is likelier than none.
    pub downbeat: Vec<f32>,
}

/// The tracker around a network.
pub fn beat_this(network: Arc<Network>) -> Box<dyn BeatListener> {
    Box::new(BeatThis { network, mel: LogMel::new(), chunks: Chunks::new() })
}

struct BeatThis {
    network: Arc<Network>,
    mel: LogMel,
    chunks: Chunks,
}

impl BeatListener for BeatThis {
    fn rate(&self) -> SampleRate {
        SampleRate::ANALYSIS
    }

    fn push(&mut self, mono: &[f32]) -> Result<()> {
        let (network, chunks) = (&self.network, &mut self.chunks);
        self.mel.push(mono, |column| chunks.push(column));
        chunks.work(&|chunk| network.logits(chunk))
    }

    fn finish(mut self: Box<Self>) -> Result<Beats> {
        let (network, chunks) = (&self.network, &mut self.chunks);
        self.mel.finish(|column| chunks.push(column));
        Ok(peaks(&chunks.finish(&|chunk| network.logits(chunk))?))
    }
}

#[cfg(test)]
mod tests;
