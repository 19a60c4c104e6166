//! The measures of a network, as the shapes of its tensors and the file's own words give them.

use serde::Deserialize;

use super::weights::unfit;
use crate::base::Result;

/// Frames of a window of the spectrogram.
pub const N_FFT: usize = 4096;
/// Frames from one window to the next.
pub const HOP: usize = N_FFT / 4;
/// Bins of a spectrum that the network sees: all but the last.
pub const BINS: usize = N_FFT / 2;
/// Layers of each encoder and decoder.
pub const DEPTH: usize = 4;
/// Frames a convolution of the outer layers sees, and how far it steps.
pub const KERNEL: usize = 8;
pub const STRIDE: usize = 4;
/// Residual branches in each layer.
pub const BRANCHES: usize = 2;
/// Channels of the sound.
pub const CHANNELS: usize = 2;
/// Frames of a segment unless the file says otherwise: 39/5 s.
const SEGMENT: usize = 343_980;
/// Frames a second.
const RATE: f64 = 44_100.0;
/// Heads of attention unless the file says otherwise.
const HEADS: usize = 8;
/// Bounds of what is believed.
const MOST_SOURCES: usize = 8;
const MOST_CHANNELS: usize = 1 << 14;
const MOST_LAYERS: usize = 64;
/// Lengths of segments in frames that are believed.
pub const SEGMENTS: std::ops::Range<usize> = 4 * N_FFT..1 << 20;

/// The measures of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Channels of each layer, the outermost first.
    pub widths: [usize; DEPTH],
    /// Inner channels of the residual branches of each layer.
    pub inner: [usize; DEPTH],
    /// Sources it tells apart: drums, bass, other, vocals and perhaps more.
    pub sources: usize,
    /// Frames of a segment.
    pub segment: usize,
    /// Channels within the transformer, and of its feed-forward layers.
    pub dim: usize,
    pub hidden: usize,
    /// Whether there are layers that widen the channels to `dim` and back.
    pub widened: bool,
    /// Layers of the transformer.
    pub layers: usize,
    /// Heads of attention.
    pub heads: usize,
}

/// What the author's own files say about how the network was made.
#[derive(Default, Deserialize)]
struct Made {
    t_heads: Option<usize>,
    segment: Option<Length>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Length {
    Seconds(f64),
    Fraction { numerator: u32, denominator: u32 },
}

impl Config {
    /// Reads the measures off the shapes of tensors and the arguments in the file, if it has any.
    ///
    /// # Errors
    /// `Missing` where it is no network of this kind.
    pub fn of(shape: &dyn Fn(&str) -> Option<Vec<usize>>, made: Option<&str>) -> Result<Config> {
        let size = |name: &str, axis: usize| {
            let found = shape(name).and_then(|shape| shape.get(axis).copied());
            found.filter(|&n| n > 0).ok_or_else(|| unfit(format!("it lacks {name}")))
        };
        let made: Made =
            made.map(serde_json::from_str).transpose().ok().flatten().unwrap_or_default();
        let (mut widths, mut inner) = ([0; DEPTH], [0; DEPTH]);
        for layer in 0..DEPTH {
            widths[layer] = size(&format!("encoder.{layer}.conv.weight"), 0)?;
            inner[layer] = size(&format!("encoder.{layer}.dconv.layers.0.0.weight"), 0)?;
        }
        let first = "crosstransformer.layers.0.linear1.weight";
        let (dim, hidden) = (size(first, 1)?, size(first, 0)?);
        let outer = size(&format!("decoder.{}.conv_tr.weight", DEPTH - 1), 1)?;
        let layers = (0..).take_while(|i| {
            shape(&format!("crosstransformer.layers.{i}.linear1.weight")).is_some()
        });
        let config = Config {
            widths,
            inner,
            sources: outer / (2 * CHANNELS),
            segment: made.segment.map_or(SEGMENT, Length::frames),
            dim,
            hidden,
            widened: shape("channel_upsampler.weight").is_some(),
            layers: layers.count(),
            heads: made.t_heads.unwrap_or(HEADS),
        };
        config.check(outer)?;
        Ok(config)
    }

    fn check(&self, outer: usize) -> Result<()> {
        let fits =
            self.heads > 0 && self.dim.is_multiple_of(self.heads) && self.dim.is_multiple_of(4);
        let sources =
            (1..=MOST_SOURCES).contains(&self.sources) && outer.is_multiple_of(2 * CHANNELS);
        let sizes = [&self.widths[..], &self.inner[..], &[self.dim, self.hidden]].concat();
        let sizes = sizes.iter().all(|n| *n <= MOST_CHANNELS) && self.layers <= MOST_LAYERS;
        match fits && sources && sizes && SEGMENTS.contains(&self.segment) {
            true => Ok(()),
            false => Err(unfit("its measures do not fit together")),
        }
    }

    /// Windows of a segment's spectrogram.
    pub fn windows(&self) -> usize {
        self.segment.div_ceil(HOP)
    }

    /// Bins that are left behind each layer of the encoder.
    pub fn bins(&self, layer: usize) -> usize {
        BINS / STRIDE.pow(layer as u32 + 1)
    }

    /// Frames that go into each layer of the encoder of the waveform, and out of the last.
    pub fn lengths(&self) -> [usize; DEPTH + 1] {
        let mut lengths = [self.segment; DEPTH + 1];
        for layer in 0..DEPTH {
            lengths[layer + 1] = lengths[layer].div_ceil(STRIDE);
        }
        lengths
    }
}

impl Length {
    fn frames(self) -> usize {
        let seconds = match self {
            Length::Seconds(seconds) => seconds,
            Length::Fraction { numerator, denominator } => {
                f64::from(numerator) / f64::from(denominator.max(1))
            }
        };
        // A hair is added: 39/5 times 44,100 must not fall below 343,980.
        (seconds * RATE + 1e-6) as usize
    }
}
