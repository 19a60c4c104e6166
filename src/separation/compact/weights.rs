//! The weights of the network, read from the file in the program and checked.

use std::sync::OnceLock;

use super::bands::BANDS;
use super::cues::CUES;
use super::layer::Layer;
use crate::base::{Error, ErrorKind, Result};
use crate::separation::safetensors::Tensors;

/// The trained weights; models/compact.md says what they are.
pub const FILE: &[u8] = include_bytes!("../../../models/compact.safetensors");

/// Features of a band and window.
pub const FEATURES: usize = 9;
/// Channels of the context network.
pub const CHANNELS: usize = 80;
/// Width of a block's inner layer.
pub const HIDDEN: usize = 160;
/// Numbers a band tells the other bands.
pub const TOLD: usize = 6;
/// Width of the layer in which bands are mixed.
pub const MIXED: usize = 256;
/// Width of the layer that weighs the cues of a bin.
pub const UNITS: usize = 24;
/// What the context network says about a band and window: a gain and a bias for each unit, a
/// weight for each cue, an offset, a tilt between the channels.
pub const STEERS: usize = 2 * UNITS + CUES + 2;
/// How many pairs of windows back and ahead each block of the network looks.
pub const DILATIONS: [usize; 8] = [1, 2, 4, 8, 16, 32, 2, 1];

/// Scale and shift of a normalised vector.
pub struct Norm {
    pub scale: [f32; CHANNELS],
    pub shift: [f32; CHANNELS],
}

/// One block of the context network.
pub struct Block {
    pub dilation: usize,
    pub before_taps: Norm,
    /// What is made of the pair before, this pair and the pair after; the bias is with the first.
    pub taps: [Layer; 3],
    pub down: Layer,
    pub before_bands: Norm,
    pub tell: Layer,
    pub mix: Layer,
    pub unmix: Layer,
    pub hear: Layer,
}

/// The layer that weighs the cues of a bin.
pub struct Head {
    /// Of each unit, the weight of each cue.
    pub units: [[f32; CUES]; UNITS],
    pub units_bias: [f32; UNITS],
    pub out: [f32; UNITS],
    pub out_bias: f32,
    pub direct: [f32; CUES],
}

/// All weights.
pub struct Weights {
    /// First eight digits of the blake3 hash of the file.
    pub hash: String,
    pub input: Layer,
    /// What the network knows of each band from the start.
    pub bands: Vec<f32>,
    pub blocks: Vec<Block>,
    pub before_output: Norm,
    pub output: Layer,
    pub head: Head,
}

impl Weights {
    /// The weights in the program.
    ///
    /// # Errors
    /// `ErrorKind::Internal` where they are damaged.
    pub fn bundled() -> Result<&'static Weights> {
        static READ: OnceLock<Weights> = OnceLock::new();
        if let Some(weights) = READ.get() {
            return Ok(weights);
        }
        let weights = Weights::read(FILE).map_err(|e| {
            Error::new(ErrorKind::Internal, "this program is damaged").because(e.reason())
        })?;
        Ok(READ.get_or_init(|| weights))
    }

    /// Reads weights from a safetensors file.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` where a tensor is missing or has another shape.
    pub fn read(bytes: &[u8]) -> Result<Weights> {
        let tensors = Tensors::read(bytes)?;
        let block = |(i, &dilation)| read_block(&tensors, &format!("blocks.{i}"), dilation);
        Ok(Weights {
            hash: blake3::hash(bytes).to_hex()[..8].to_string(),
            input: Layer::read(&tensors, "inp", 2 * FEATURES, CHANNELS)?,
            bands: tensors.take("emb", &[BANDS, CHANNELS])?,
            blocks: DILATIONS.iter().enumerate().map(block).collect::<Result<_>>()?,
            before_output: norm(&tensors, "nf")?,
            output: Layer::read(&tensors, "out", CHANNELS, 2 * STEERS)?,
            head: read_head(&tensors)?,
        })
    }
}

fn read_block(tensors: &Tensors<'_>, name: &str, dilation: usize) -> Result<Block> {
    let part = |part: &str| format!("{name}.{part}");
    let up = tensors.take(&part("up.weight"), &[HIDDEN, 3 * CHANNELS])?;
    let up_bias = tensors.take(&part("up.bias"), &[HIDDEN])?;
    let tap = |tap: usize| Layer::of_part(&up, 3 * CHANNELS, tap * CHANNELS, CHANNELS);
    Ok(Block {
        dilation,
        before_taps: norm(tensors, &part("n1"))?,
        taps: [tap(0).with_bias(up_bias), tap(1), tap(2)],
        down: Layer::read(tensors, &part("down"), HIDDEN, CHANNELS)?,
        before_bands: norm(tensors, &part("n2"))?,
        tell: Layer::read(tensors, &part("pin"), CHANNELS, TOLD)?,
        mix: Layer::read(tensors, &part("b1"), BANDS * TOLD, MIXED)?,
        unmix: Layer::read(tensors, &part("b2"), MIXED, BANDS * TOLD)?,
        hear: Layer::read(tensors, &part("pout"), TOLD, CHANNELS)?,
    })
}

fn read_head(tensors: &Tensors<'_>) -> Result<Head> {
    let units = tensors.take("c1.weight", &[UNITS, CUES])?;
    Ok(Head {
        units: std::array::from_fn(|unit| std::array::from_fn(|cue| units[unit * CUES + cue])),
        units_bias: fixed(&tensors.take("c1.bias", &[UNITS])?),
        out: fixed(&tensors.take("c2.weight", &[1, UNITS])?),
        out_bias: tensors.take("c2.bias", &[1])?[0],
        direct: fixed(&tensors.take("c0", &[CUES])?),
    })
}

fn norm(tensors: &Tensors<'_>, name: &str) -> Result<Norm> {
    Ok(Norm {
        scale: fixed(&tensors.take(&format!("{name}.weight"), &[CHANNELS])?),
        shift: fixed(&tensors.take(&format!("{name}.bias"), &[CHANNELS])?),
    })
}

fn fixed<const N: usize>(values: &[f32]) -> [f32; N] {
    std::array::from_fn(|i| values[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_weights_are_whole() {
        let weights = Weights::bundled().unwrap();
        assert_eq!(weights.hash, "31de721b", "models/compact.md names it");
        // Trained from weights with which the head is a harmonic-percussive separation.
        let signs = [1, 3, 2, 4].map(|cue| weights.head.direct[cue].signum());
        assert_eq!(signs, [-1.0, -1.0, 1.0, 1.0]);
    }

    #[test]
    fn other_files_are_refused() {
        for len in [0, 7, 8, 1_000, FILE.len() - 1] {
            let error = Weights::read(&FILE[..len]).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "cut after {len} bytes");
        }
    }
}
