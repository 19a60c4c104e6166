//! The network, layer by layer: two U-Nets, over the spectrogram and over the waveform, with a
//! transformer between them that lets each see the other.
//!
//! The architecture is that of S. Rouard, F. Massa and A. Défossez, "Hybrid transformers for music
//! source separation", ICASSP 2023, with the measures of the published networks. Scales that
//! follow a linear layer are multiplied into its weights.

use super::config::{BINS, BRANCHES, CHANNELS, Config, DEPTH, KERNEL, STRIDE};
use super::onnx::{Id, Onnx, Setting};
use super::transformer;
use super::weights::Weights;
use crate::base::Result;

/// Names of the network's ends.
pub const MIX: &str = "mix";
pub const CAC: &str = "cac";
pub const SPECTRA: &str = "yf";
pub const WAVES: &str = "yt";

/// Frames that the outer convolutions add on either side.
const PAD: usize = KERNEL / 4;
/// What an embedding of the published network stands for: its numbers times both.
const EMBEDDING_SCALE: f32 = 10.0;
const EMBEDDING_SHARE: f32 = 0.2;

/// A network being built.
pub struct Builder<'a> {
    pub onnx: Onnx,
    pub weights: &'a Weights,
    pub config: &'a Config,
    /// The sources that are wanted, in ascending order.
    wanted: &'a [usize],
}

/// Over what a layer goes.
#[derive(Clone, Copy, PartialEq)]
enum Branch {
    /// `[1, channels, bins, windows]`.
    Spectrum,
    /// `[1, channels, frames]`.
    Wave,
}

/// Writes the network, for the sources wanted, as a model and its weights.
///
/// # Errors
/// `Corrupt` or `Missing` where the file does not hold this network.
pub fn build(weights: &Weights, config: &Config, wanted: &[usize]) -> Result<(Vec<u8>, Vec<u8>)> {
    // Besides the file's weights there are tables of positions.
    let tables =
        4 * config.dim * (config.lengths()[DEPTH] + config.bins(DEPTH - 1) * config.windows());
    let onnx = Onnx::new(weights.bytes() + tables + (1 << 23));
    Builder { onnx, weights, config, wanted }.network()
}

impl Builder<'_> {
    fn network(mut self) -> Result<(Vec<u8>, Vec<u8>)> {
        let (frames, windows) = (self.config.segment, self.config.windows());
        let mut wave = self.onnx.input(MIX, &[1, CHANNELS, frames]);
        let mut spectrum = self.onnx.input(CAC, &[1, 2 * CHANNELS, BINS, windows]);
        let mut skipped = Vec::new();
        for layer in 0..DEPTH {
            wave = self.encoder(Branch::Wave, layer, &wave)?;
            spectrum = self.encoder(Branch::Spectrum, layer, &spectrum)?;
            if layer == 0 {
                let embedding = self.embedding()?;
                spectrum = self.onnx.op("Add", &[&spectrum, &embedding], &[]);
            }
            skipped.push((spectrum.clone(), wave.clone()));
        }
        (spectrum, wave) = transformer::build(&mut self, &spectrum, &wave)?;
        for (layer, (spectrum_skipped, wave_skipped)) in skipped.into_iter().enumerate().rev() {
            spectrum = self.decoder(Branch::Spectrum, layer, &spectrum, &spectrum_skipped)?;
            wave = self.decoder(Branch::Wave, layer, &wave, &wave_skipped)?;
        }
        self.weights.all_taken()?;
        let wanted = self.wanted.len() * CHANNELS;
        self.onnx.output(&spectrum, SPECTRA, &[1, 2 * wanted, BINS, windows]);
        self.onnx.output(&wave, WAVES, &[1, wanted, frames]);
        Ok(self.onnx.finish())
    }

    /// What the network adds to each bin for its frequency.
    fn embedding(&mut self) -> Result<Id> {
        let (bins, width) = (self.config.bins(0), self.config.widths[0]);
        let rows = self.weights.take("freq_emb.embedding.weight", &[bins, width])?;
        let table: Vec<f32> = (0..width * bins)
            .map(|i| rows[i % bins * width + i / bins] * EMBEDDING_SCALE * EMBEDDING_SHARE)
            .collect();
        Ok(self.onnx.weights(&[1, width, bins, 1], &table))
    }

    /// One layer inwards: a fourth of the bins or frames, in more channels.
    fn encoder(&mut self, branch: Branch, layer: usize, x: &str) -> Result<Id> {
        let name =
            format!("{}.{layer}", if branch == Branch::Wave { "tencoder" } else { "encoder" });
        let to = self.config.widths[layer];
        let from = match layer {
            0 => branch.channels(1),
            _ => self.config.widths[layer - 1],
        };
        let x = match branch {
            Branch::Spectrum => {
                let settings = [
                    Setting::Ints("kernel_shape", &[KERNEL, 1]),
                    Setting::Ints("strides", &[STRIDE, 1]),
                    Setting::Ints("pads", &[PAD, 0, PAD, 0]),
                ];
                self.conv(x, &format!("{name}.conv"), &[to, from, KERNEL, 1], &settings)?
            }
            Branch::Wave => {
                let frames = self.config.lengths()[layer];
                let missing = frames.next_multiple_of(STRIDE) - frames;
                let settings = [
                    Setting::Ints("kernel_shape", &[KERNEL]),
                    Setting::Ints("strides", &[STRIDE]),
                    Setting::Ints("pads", &[PAD, PAD + missing]),
                ];
                self.conv(x, &format!("{name}.conv"), &[to, from, KERNEL], &settings)?
            }
        };
        let x = self.onnx.op("Gelu", &[&x], &[]);
        let x = self.residual(branch, layer, &name, &x)?;
        self.gated(branch, &format!("{name}.rewrite"), to, 1, &x)
    }

    /// One layer outwards.
    fn decoder(&mut self, branch: Branch, layer: usize, x: &str, skipped: &str) -> Result<Id> {
        let place = DEPTH - 1 - layer;
        let name =
            format!("{}.{place}", if branch == Branch::Wave { "tdecoder" } else { "decoder" });
        let from = self.config.widths[layer];
        let x = self.onnx.op("Add", &[x, skipped], &[]);
        let x = self.gated(branch, &format!("{name}.rewrite"), from, 3, &x)?;
        let x = self.residual(branch, layer, &name, &x)?;
        let (weight, bias) = self.outward(branch, layer, &format!("{name}.conv_tr"))?;
        let x = match branch {
            Branch::Spectrum => {
                let settings = [
                    Setting::Ints("kernel_shape", &[KERNEL, 1]),
                    Setting::Ints("strides", &[STRIDE, 1]),
                    Setting::Ints("pads", &[PAD, 0, PAD, 0]),
                ];
                self.onnx.op("ConvTranspose", &[x.as_str(), &weight, &bias], &settings)
            }
            Branch::Wave => {
                let lengths = self.config.lengths();
                let all = (lengths[layer + 1] - 1) * STRIDE + KERNEL;
                let settings = [
                    Setting::Ints("kernel_shape", &[KERNEL]),
                    Setting::Ints("strides", &[STRIDE]),
                    Setting::Ints("pads", &[PAD, all - PAD - lengths[layer]]),
                ];
                self.onnx.op("ConvTranspose", &[x.as_str(), &weight, &bias], &settings)
            }
        };
        Ok(if layer == 0 { x } else { self.onnx.op("Gelu", &[&x], &[]) })
    }

    /// Weights of the transposed convolution of a decoder. In the last one, those of the sources
    /// that are not wanted are left out.
    fn outward(&mut self, branch: Branch, layer: usize, name: &str) -> Result<(Id, Id)> {
        let from = self.config.widths[layer];
        let (to, kept) = match layer {
            0 => {
                let each = branch.channels(1);
                let kept = self.wanted.iter().flat_map(|&s| s * each..(s + 1) * each).collect();
                (branch.channels(self.config.sources), kept)
            }
            _ => {
                let to = self.config.widths[layer - 1];
                (to, (0..to).collect::<Vec<_>>())
            }
        };
        let (full, cut) = branch.kernel([from, to], [from, kept.len()], KERNEL);
        let all = self.weights.take(&format!("{name}.weight"), &full)?;
        let all_bias = self.weights.take(&format!("{name}.bias"), &[to])?;
        let rows = (0..from).flat_map(|c| kept.iter().map(move |k| (c * to + k) * KERNEL));
        let weight: Vec<f32> = rows.flat_map(|at| all[at..at + KERNEL].iter().copied()).collect();
        let bias: Vec<f32> = kept.iter().map(|&k| all_bias[k]).collect();
        Ok((self.onnx.weights(&cut, &weight), self.onnx.weights(&[kept.len()], &bias)))
    }

    /// A convolution whose output is gated by a second one.
    fn gated(
        &mut self,
        branch: Branch,
        name: &str,
        width: usize,
        size: usize,
        x: &str,
    ) -> Result<Id> {
        let pad = size / 2;
        let (shape, settings): (Vec<usize>, [Setting<'_>; 2]) = match branch {
            Branch::Spectrum => (
                vec![2 * width, width, size, size],
                [
                    Setting::Ints("kernel_shape", &[size, size]),
                    Setting::Ints("pads", &[pad, pad, pad, pad]),
                ],
            ),
            Branch::Wave => (
                vec![2 * width, width, size],
                [Setting::Ints("kernel_shape", &[size]), Setting::Ints("pads", &[pad, pad])],
            ),
        };
        let x = self.conv(x, name, &shape, &settings)?;
        Ok(self.gate(&x))
    }

    /// The first half of the channels, each as far as the second half lets it through.
    fn gate(&mut self, x: &str) -> Id {
        let (sound, gate) = self.onnx.halves(x, 1);
        let gate = self.onnx.op("Sigmoid", &[&gate], &[]);
        self.onnx.op("Mul", &[&sound, &gate], &[])
    }

    /// The residual branches of a layer. Over the spectrogram they see one bin at a time.
    fn residual(&mut self, branch: Branch, layer: usize, name: &str, x: &str) -> Result<Id> {
        let (width, windows) = (self.config.widths[layer], self.config.windows());
        let bins = self.config.bins(layer);
        let mut x = x.to_string();
        if branch == Branch::Spectrum {
            x = self.onnx.transpose(&x, &[0, 2, 1, 3]);
            x = self.onnx.reshape(&x, &[bins, width, windows]);
        }
        for i in 0..BRANCHES {
            let name = format!("{name}.dconv.layers.{i}");
            let found = self.dilated(branch, layer, &name, 1 << i, &x)?;
            x = self.onnx.op("Add", &[&x, &found], &[]);
        }
        if branch == Branch::Spectrum {
            x = self.onnx.reshape(&x, &[1, bins, width, windows]);
            x = self.onnx.transpose(&x, &[0, 2, 1, 3]);
        }
        Ok(x)
    }

    /// One residual branch.
    fn dilated(
        &mut self,
        branch: Branch,
        layer: usize,
        name: &str,
        step: usize,
        x: &str,
    ) -> Result<Id> {
        let (width, inner) = (self.config.widths[layer], self.config.inner[layer]);
        let settings = [
            Setting::Ints("kernel_shape", &[3]),
            Setting::Ints("dilations", &[step]),
            Setting::Ints("pads", &[step, step]),
        ];
        let x = self.conv(x, &format!("{name}.0"), &[inner, width, 3], &settings)?;
        let x = self.norm(branch, layer, &format!("{name}.1"), inner, None, &x)?;
        let x = self.onnx.op("Gelu", &[&x], &[]);
        let settings = [Setting::Ints("kernel_shape", &[1])];
        let x = self.conv(&x, &format!("{name}.3"), &[2 * width, inner, 1], &settings)?;
        // What is scaled after the gate may as well be scaled before it.
        let scale = self.weights.take(&format!("{name}.6.scale"), &[width])?;
        let x = self.norm(branch, layer, &format!("{name}.4"), 2 * width, Some(&scale), &x)?;
        Ok(self.gate(&x))
    }

    /// Normalises over channels and time; `after` scales the first channels of the result.
    fn norm(
        &mut self,
        branch: Branch,
        layer: usize,
        name: &str,
        channels: usize,
        after: Option<&[f32]>,
        x: &str,
    ) -> Result<Id> {
        let mut scale = self.weights.take(&format!("{name}.weight"), &[channels])?;
        let mut shift = self.weights.take(&format!("{name}.bias"), &[channels])?;
        for (i, by) in after.unwrap_or_default().iter().enumerate() {
            (scale[i], shift[i]) = (scale[i] * by, shift[i] * by);
        }
        match branch {
            Branch::Spectrum => {
                let (bins, windows) = (self.config.bins(layer), self.config.windows());
                let spread = |list: &[f32]| -> Vec<f32> {
                    list.iter().flat_map(|x| std::iter::repeat_n(*x, windows)).collect()
                };
                let scale = self.onnx.weights(&[channels * windows], &spread(&scale));
                let shift = self.onnx.weights(&[channels * windows], &spread(&shift));
                let x = self.onnx.reshape(x, &[bins, channels * windows]);
                let x = self.layer_norm(&x, &scale, &shift);
                Ok(self.onnx.reshape(&x, &[bins, channels, windows]))
            }
            Branch::Wave => {
                let frames = self.config.lengths()[layer + 1];
                let x = self.whole_norm(x, &[1, channels, frames]);
                let scale = self.onnx.weights(&[1, channels, 1], &scale);
                let shift = self.onnx.weights(&[1, channels, 1], &shift);
                let x = self.onnx.op("Mul", &[&x, &scale], &[]);
                Ok(self.onnx.op("Add", &[&x, &shift], &[]))
            }
        }
    }

    /// Normalises along the last axis.
    pub fn layer_norm(&mut self, x: &str, scale: &str, shift: &str) -> Id {
        self.onnx.op("LayerNormalization", &[x, scale, shift], &[])
    }

    /// Normalises all numbers of a value together.
    pub fn whole_norm(&mut self, x: &str, shape: &[usize]) -> Id {
        let one = self.onnx.weights(&[1], &[1.0]);
        let none = self.onnx.weights(&[1], &[0.0]);
        let x = self.onnx.reshape(x, &[1, 1, shape.iter().product()]);
        let x = self.onnx.op("InstanceNormalization", &[x.as_str(), &one, &none], &[]);
        self.onnx.reshape(&x, shape)
    }

    fn conv(
        &mut self,
        x: &str,
        name: &str,
        shape: &[usize],
        settings: &[Setting<'_>],
    ) -> Result<Id> {
        let weight = self.weights.take(&format!("{name}.weight"), shape)?;
        let bias = self.weights.take(&format!("{name}.bias"), &shape[..1])?;
        let weight = self.onnx.weights(shape, &weight);
        let bias = self.onnx.weights(&shape[..1], &bias);
        Ok(self.onnx.op("Conv", &[x, &weight, &bias], settings))
    }
}

impl Branch {
    /// Channels of some sources at the network's ends: complex numbers are two.
    fn channels(self, sources: usize) -> usize {
        match self {
            Branch::Spectrum => 2 * CHANNELS * sources,
            Branch::Wave => CHANNELS * sources,
        }
    }

    /// Shapes of weights as in the file and as wanted.
    fn kernel(self, full: [usize; 2], cut: [usize; 2], size: usize) -> (Vec<usize>, Vec<usize>) {
        let along: &[usize] = if self == Branch::Spectrum { &[size, 1] } else { &[size] };
        ([&full, along].concat(), [&cut, along].concat())
    }
}
