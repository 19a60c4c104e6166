//! The middle of the network: bins of the spectrogram and frames of the waveform as two lists of
//! tokens, which attend to themselves and to each other in turn.

use super::config::DEPTH;
use super::graph::Builder;
use super::onnx::{Id, Setting};
use crate::base::Result;

/// Base of the periods of the positions' sines.
const LONGEST_PERIOD: f32 = 10_000.0;

/// Adds the transformer to a network; returns its two results in the shape of its two inputs.
pub fn build(net: &mut Builder<'_>, spectrum: &str, wave: &str) -> Result<(Id, Id)> {
    let width = net.config.widths[DEPTH - 1];
    let (bins, windows) = (net.config.bins(DEPTH - 1), net.config.windows());
    let (tokens, frames) = (bins * windows, net.config.lengths()[DEPTH]);
    let over_bins = grid_positions(net.config.dim, bins, windows);
    let over_time = line_positions(net.config.dim, frames);

    let spectrum = net.onnx.reshape(spectrum, &[1, width, tokens]);
    let wave = net.onnx.reshape(wave, &[1, width, frames]);
    let mut spectrum = net.enter("", &spectrum, tokens, &over_bins)?;
    let mut wave = net.enter("_t", &wave, frames, &over_time)?;
    for layer in 0..net.config.layers {
        let names = ["", "_t"].map(|branch| format!("crosstransformer.layers{branch}.{layer}"));
        if layer % 2 == 0 {
            spectrum = net.layer(&names[0], &spectrum, None, tokens)?;
            wave = net.layer(&names[1], &wave, None, frames)?;
        } else {
            let seen = net.layer(&names[0], &spectrum, Some(&wave), tokens)?;
            wave = net.layer(&names[1], &wave, Some(&spectrum), frames)?;
            spectrum = seen;
        }
    }
    let spectrum = net.leave("", &spectrum)?;
    let wave = net.leave("_t", &wave)?;
    let spectrum = net.onnx.reshape(&spectrum, &[1, width, bins, windows]);
    Ok((spectrum, net.onnx.reshape(&wave, &[1, width, frames])))
}

impl Builder<'_> {
    /// `[1, channels, tokens]` becomes `[1, tokens, dim]`, with positions.
    fn enter(&mut self, branch: &str, x: &str, tokens: usize, positions: &[f32]) -> Result<Id> {
        let mut x = self.onnx.transpose(x, &[0, 2, 1]);
        let (width, dim) = (self.config.widths[DEPTH - 1], self.config.dim);
        if self.config.widened {
            x = self.pointwise(&x, &format!("channel_upsampler{branch}"), dim, width)?;
        }
        let x = self.tokens_norm(&x, &format!("crosstransformer.norm_in{branch}"))?;
        let positions = self.onnx.weights(&[1, tokens, dim], positions);
        Ok(self.onnx.op("Add", &[&x, &positions], &[]))
    }

    /// The way back.
    fn leave(&mut self, branch: &str, x: &str) -> Result<Id> {
        let (width, dim) = (self.config.widths[DEPTH - 1], self.config.dim);
        let mut x = x.to_string();
        if self.config.widened {
            x = self.pointwise(&x, &format!("channel_downsampler{branch}"), width, dim)?;
        }
        Ok(self.onnx.transpose(&x, &[0, 2, 1]))
    }

    /// One layer for one list of tokens, which looks at `other` if that is given.
    fn layer(&mut self, name: &str, x: &str, other: Option<&str>, tokens: usize) -> Result<Id> {
        let (attention, last) = match other {
            None => ("self_attn", "norm2"),
            Some(_) => ("cross_attn", "norm3"),
        };
        let asking = self.tokens_norm(x, &format!("{name}.norm1"))?;
        let asked = match other {
            None => asking.clone(),
            Some(other) => self.tokens_norm(other, &format!("{name}.norm2"))?,
        };
        let scale = format!("{name}.gamma_1.scale");
        let found = self.attention(&format!("{name}.{attention}"), &scale, &asking, &asked)?;
        let x = self.onnx.op("Add", &[x, &found], &[]);

        let (dim, hidden) = (self.config.dim, self.config.hidden);
        let inner = self.tokens_norm(&x, &format!("{name}.{last}"))?;
        let inner = self.linear(&inner, &format!("{name}.linear1"), [hidden, dim], None)?;
        let inner = self.onnx.op("Gelu", &[&inner], &[]);
        let scale = format!("{name}.gamma_2.scale");
        let inner = self.linear(&inner, &format!("{name}.linear2"), [dim, hidden], Some(&scale))?;
        let x = self.onnx.op("Add", &[&x, &inner], &[]);

        let x = self.whole_norm(&x, &[1, tokens, dim]);
        let (scale, shift) = self.scale_and_shift(&format!("{name}.norm_out"))?;
        let x = self.onnx.op("Mul", &[&x, &scale], &[]);
        Ok(self.onnx.op("Add", &[&x, &shift], &[]))
    }

    fn attention(&mut self, name: &str, scale: &str, asking: &str, asked: &str) -> Result<Id> {
        let dim = self.config.dim;
        let weight = self.weights.take(&format!("{name}.in_proj_weight"), &[3 * dim, dim])?;
        let bias = self.weights.take(&format!("{name}.in_proj_bias"), &[3 * dim])?;
        let mut parts = Vec::new();
        for (i, from) in [asking, asked, asked].into_iter().enumerate() {
            let weight = &weight[i * dim * dim..(i + 1) * dim * dim];
            parts.push(self.affine(from, [dim, dim], weight, &bias[i * dim..(i + 1) * dim]));
        }
        let heads = self.config.heads as i64;
        let settings = [Setting::Int("q_num_heads", heads), Setting::Int("kv_num_heads", heads)];
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let found = self.onnx.op("Attention", &parts, &settings);
        self.linear(&found, &format!("{name}.out_proj"), [dim, dim], Some(scale))
    }

    /// A linear layer; the weights named `scale` are multiplied into it.
    fn linear(
        &mut self,
        x: &str,
        name: &str,
        shape: [usize; 2],
        scale: Option<&str>,
    ) -> Result<Id> {
        let mut weight = self.weights.take(&format!("{name}.weight"), &shape)?;
        let mut bias = self.weights.take(&format!("{name}.bias"), &shape[..1])?;
        if let Some(scale) = scale {
            let scale = self.weights.take(scale, &shape[..1])?;
            for (row, by) in weight.chunks_mut(shape[1]).zip(&scale) {
                row.iter_mut().for_each(|x| *x *= by);
            }
            bias.iter_mut().zip(&scale).for_each(|(x, by)| *x *= by);
        }
        Ok(self.affine(x, shape, &weight, &bias))
    }

    /// A convolution over single tokens is a linear layer.
    fn pointwise(&mut self, x: &str, name: &str, to: usize, from: usize) -> Result<Id> {
        let weight = self.weights.take(&format!("{name}.weight"), &[to, from, 1])?;
        let bias = self.weights.take(&format!("{name}.bias"), &[to])?;
        Ok(self.affine(x, [to, from], &weight, &bias))
    }

    /// Files keep one row an output; multiplying wants one column an output.
    fn affine(&mut self, x: &str, [to, from]: [usize; 2], weight: &[f32], bias: &[f32]) -> Id {
        let column = |i: usize| weight.iter().skip(i).step_by(from);
        let turned: Vec<f32> = (0..from).flat_map(column).copied().collect();
        let weight = self.onnx.weights(&[from, to], &turned);
        let bias = self.onnx.weights(&[to], bias);
        let x = self.onnx.op("MatMul", &[x, &weight], &[]);
        self.onnx.op("Add", &[&x, &bias], &[])
    }

    /// Normalises each token.
    fn tokens_norm(&mut self, x: &str, name: &str) -> Result<Id> {
        let (scale, shift) = self.scale_and_shift(name)?;
        Ok(self.layer_norm(x, &scale, &shift))
    }

    fn scale_and_shift(&mut self, name: &str) -> Result<(Id, Id)> {
        let dim = self.config.dim;
        let scale = self.weights.take(&format!("{name}.weight"), &[dim])?;
        let shift = self.weights.take(&format!("{name}.bias"), &[dim])?;
        Ok((self.onnx.weights(&[dim], &scale), self.onnx.weights(&[dim], &shift)))
    }
}

/// Positions in time: cosines, then sines, of periods that grow from 2π on.
fn line_positions(dim: usize, frames: usize) -> Vec<f32> {
    let half = dim / 2;
    let last = (half - 1).max(1) as f32;
    let periods: Vec<f32> = (0..half).map(|i| LONGEST_PERIOD.powf(i as f32 / last)).collect();
    (0..frames)
        .flat_map(|frame| {
            let phase = move |period: &f32| frame as f32 / period;
            let cosines = periods.iter().map(move |p| phase(p).cos());
            cosines.chain(periods.iter().map(move |p| phase(p).sin())).collect::<Vec<_>>()
        })
        .collect()
}

/// Positions of bins and windows: the first half of the dimensions tells the window, the second
/// half the bin, sines and cosines in turn. The tokens are in the order of the bins.
fn grid_positions(dim: usize, bins: usize, windows: usize) -> Vec<f32> {
    let half = dim / 2;
    let step = -(f64::from(LONGEST_PERIOD).ln() / half as f64) as f32;
    let rates: Vec<f32> = (0..half).step_by(2).map(|i| (i as f32 * step).exp()).collect();
    let waves = |place: usize| {
        let sines = rates.iter().map(move |rate| place as f32 * rate);
        sines.flat_map(|phase| [phase.sin(), phase.cos()])
    };
    (0..bins)
        .flat_map(|bin| (0..windows).map(move |window| (bin, window)))
        .flat_map(|(bin, window)| waves(window).chain(waves(bin)).collect::<Vec<_>>())
        .collect()
}
