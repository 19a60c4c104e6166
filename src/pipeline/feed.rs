//! Songs as the analysis hears them: mono, at its rate.

use crate::audio::{AudioBuffer, Resampler};
use crate::base::{Result, SampleRate};

/// Mono audio at another rate, made block by block.
pub struct AnalysisFeed {
    resampler: Resampler,
    input: AudioBuffer,
    output: AudioBuffer,
}

impl AnalysisFeed {
    /// Converts from `rate` to `target`.
    ///
    /// # Errors
    /// As the resampler.
    pub fn new(rate: SampleRate, target: SampleRate) -> Result<Self> {
        Ok(AnalysisFeed {
            resampler: Resampler::new(rate, target, 1)?,
            input: AudioBuffer::new(1),
            output: AudioBuffer::new(1),
        })
    }

    /// What this block gives.
    ///
    /// # Errors
    /// As the resampler.
    pub fn push(&mut self, block: &AudioBuffer) -> Result<&[f32]> {
        self.output.clear();
        block.mono_into(&mut self.input.planes[0]);
        self.resampler.push(&self.input, &mut self.output)?;
        Ok(&self.output.planes[0])
    }

    /// What is left at the end.
    ///
    /// # Errors
    /// As the resampler.
    pub fn finish(&mut self) -> Result<&[f32]> {
        self.output.clear();
        self.resampler.finish(&mut self.output)?;
        Ok(&self.output.planes[0])
    }
}
