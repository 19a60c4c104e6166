//! Separation by a small network that learned how to weigh what median filters see.

mod bands;
mod context;
mod cues;
mod curves;
mod head;
mod layer;
mod level;
mod queue;
mod smooth;
mod surprise;
mod tape;
mod weights;

use realfft::num_complex::Complex32;

use super::Separator;
use super::masking::{MaskRule, Masking};
use super::windows::Framing;
use crate::base::Result;
use bands::{BANDS, Bands};
use context::Context;
use cues::{CUES, Cues, ROWS};
use head::Head;
use level::Meter;
use tape::Tape;
use weights::{FEATURES, Weights};

/// Frames in a window.
const N_FFT: usize = 2048;
/// Frames from one window to the next.
const HOP: usize = N_FFT / super::stft::OVERLAP;
/// Bins of a spectrum.
const BINS: usize = N_FFT / 2 + 1;
/// Room for a row of bins, in whole lanes.
const ROW: usize = BINS.next_multiple_of(16);
/// The level of a song that was not heard first: that of much music.
const TYPICAL_LEVEL: f32 = 0.1;

/// Drums by the network of models/compact.md, for songs at 44.1 kHz.
///
/// Eleven cues a bin, the evidence of harmonic-percussive separation, go through a tiny network
/// that is the same for all bins; how it weighs them is steered by a second network, which sees
/// all bands for a second and a half to either side. Where the channels differ, each has its own
/// mask. The drums lag by two seconds and a half.
///
/// How loud a bin is counts against the mean over the whole song, which must be heard first; a
/// song that was not is taken to be as loud as most.
pub struct Compact {
    id: String,
    meter: Meter,
    masking: Masking<Rule>,
}

impl Compact {
    /// A separator for songs of `channels` channels at 44.1 kHz.
    ///
    /// # Errors
    /// `ErrorKind::Internal` where the weights in the program are damaged.
    pub fn new(channels: usize) -> Result<Self> {
        let rule = Rule::new(Weights::bundled()?, channels);
        Ok(Compact {
            id: Compact::id()?,
            meter: Meter::new(channels),
            masking: Masking::new(N_FFT, channels, Framing::Centred, rule),
        })
    }

    /// Name, version and the first digits of the hash of the weights.
    ///
    /// # Errors
    /// As [`Compact::new`].
    pub fn id() -> Result<String> {
        Ok(format!("compact-2-{}", Weights::bundled()?.hash))
    }

    /// The file of weights in the program.
    pub fn weights() -> &'static [u8] {
        weights::FILE
    }

    /// Hands what was heard over to the rule.
    fn begin(&mut self) {
        if let Some(level) = self.meter.finish() {
            let rule = self.masking.rule();
            rule.cues = Cues::new(level, rule.channels);
        }
    }
}

impl Separator for Compact {
    fn id(&self) -> &str {
        &self.id
    }

    fn hears_first(&self) -> bool {
        true
    }

    fn hear(&mut self, mix: &[&[f32]]) -> Result<()> {
        self.meter.hear(mix);
        Ok(())
    }

    fn process(&mut self, mix: &[&[f32]], drums: &mut [Vec<f32>]) -> Result<()> {
        self.begin();
        self.masking.process(mix, drums);
        Ok(())
    }

    fn finish(&mut self, drums: &mut [Vec<f32>]) -> Result<()> {
        self.begin();
        self.masking.finish(drums);
        Ok(())
    }
}

/// The mask rule of [`Compact`].
struct Rule {
    weights: &'static Weights,
    channels: usize,
    cues: Cues,
    bands: Bands,
    context: Context,
    head: Head,
    /// Descriptions of the windows that have no mask yet.
    described: Tape,
    masked: usize,
}

impl Rule {
    fn new(weights: &'static Weights, channels: usize) -> Self {
        Rule {
            weights,
            channels,
            cues: Cues::new(TYPICAL_LEVEL, channels),
            bands: Bands::new(),
            context: Context::new(weights),
            head: Head::new(&weights.head),
            described: Tape::new(ROWS * ROW),
            masked: 0,
        }
    }

    /// Describes every window whose surroundings are known, and tells the context network.
    fn describe(&mut self) {
        while self.cues.ready() {
            let described = self.described.push();
            self.cues.describe(described);
            self.context.push(|features| summarise(&self.bands, described, features));
        }
    }
}

impl MaskRule for Rule {
    const EACH_CHANNEL: bool = true;

    fn see(&mut self, spectra: &[Vec<Complex32>]) {
        self.cues.see(spectra);
        self.describe();
    }

    fn end(&mut self) {
        self.cues.end();
        self.describe();
        self.context.end();
    }

    fn mask(&mut self, masks: &mut [Vec<f32>]) -> bool {
        let Some(context) = self.context.at(self.masked) else { return false };
        if self.masked >= self.described.end() {
            return false;
        }
        self.head.mask(self.described.at(self.masked), context, masks);
        self.masked += 1;
        self.described.forget_before(self.masked);
        self.context.forget_before(self.masked);
        true
    }

    fn reset(&mut self) {
        *self = Rule::new(self.weights, self.channels);
    }
}

/// Writes what the context network is told of a window: in each band, the means of some cues, and
/// how far from balance the channels are, whichever is louder.
fn summarise(bands: &Bands, described: &[f32], features: &mut [f32]) {
    let row = |row: usize| &described[row * ROW..][..BINS];
    let mut rises = [0.0; BINS];
    for (rise, x) in rises.iter_mut().zip(row(5)) {
        *rise = x.max(0.0);
    }
    let means = [row(0), row(3), row(4), &rises, row(8), row(7), row(9), row(10)];
    for (feature, row) in means.into_iter().enumerate() {
        bands.means(row, |band, mean| features[band * 2 * FEATURES + feature] = mean);
    }
    let last = FEATURES - 1;
    bands.means(row(CUES), |band, mean| features[band * 2 * FEATURES + last] = mean.abs());
    debug_assert!(features.len() >= (2 * BANDS - 1) * FEATURES);
}

#[cfg(test)]
mod tests;
