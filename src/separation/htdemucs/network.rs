//! A loaded network that takes segments of sound apart.

use std::sync::Arc;

use rten::{Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};

use super::config::{BINS, CHANNELS, SEGMENTS};
use super::graph::{self, CAC, MIX, SPECTRA, WAVES};
use super::onnx;
use super::spectrum::Spectrum;
use super::weights::{Weights, unfit};
use crate::base::{Error, ErrorKind, Result};

/// What is added to a spread before it is divided by.
const TINY: f32 = 1e-5;

/// A network ready to work.
pub struct Network {
    model: Model,
    ends: Ends,
    options: RunOptions,
    spectrum: Spectrum,
    segment: usize,
    /// The places of the sources wanted among those that it answers with.
    wanted: Vec<usize>,
}

/// What goes into the network and what comes out.
enum Ends {
    /// Sound and spectrogram, both normalised, in and out.
    Both { mix: NodeId, cac: NodeId, outputs: [NodeId; 2] },
    /// Sound in and out.
    Sound { input: NodeId, output: NodeId },
}

impl Network {
    /// Loads the network for the sources wanted.
    ///
    /// # Errors
    /// `Corrupt` or `Missing` where the file does not hold such a network.
    pub fn load(weights: &Weights, wanted: &[usize], threads: usize) -> Result<Network> {
        let config = weights.config()?;
        if let Some(lacking) = wanted.iter().find(|&&s| s >= config.sources) {
            return Err(unfit(format!("it knows no source {lacking}")));
        }
        let (graph, numbers) = graph::build(weights, &config, wanted)?;
        let mut options = ModelOptions::with_all_ops();
        options.external_data(onnx::WEIGHTS, numbers);
        let model = options.load(graph).map_err(|e| defect(&e))?;
        // It answers with those that are wanted and no others.
        let wanted = (0..wanted.len()).collect();
        Network::new(model, config.segment, wanted, threads)
    }

    /// Loads a ready network.
    ///
    /// # Errors
    /// `Missing` where it cannot be loaded or has other ends.
    pub fn from_onnx(bytes: Vec<u8>, wanted: &[usize], threads: usize) -> Result<Network> {
        let model = Model::load(bytes).map_err(|e| unfit(e.to_string()))?;
        let mix = model.find_node(MIX).or(model.input_ids().first().copied());
        let shape = mix.and_then(|id| model.node_info(id)).and_then(|node| node.shape());
        let Some([_, Dimension::Fixed(CHANNELS), Dimension::Fixed(segment)]) = shape.as_deref()
        else {
            return Err(unfit("its input `mix` has not the shape [1, 2, frames of a segment]"));
        };
        if !SEGMENTS.contains(segment) {
            return Err(unfit(format!("it wants segments of {segment} frames")));
        }
        let segment = *segment;
        Network::new(model, segment, wanted.to_vec(), threads)
    }

    fn new(model: Model, segment: usize, wanted: Vec<usize>, threads: usize) -> Result<Network> {
        let node = |name: &str| model.find_node(name);
        let ends = match (node(MIX), node(CAC), node(SPECTRA), node(WAVES)) {
            (Some(mix), Some(cac), Some(spectra), Some(waves)) => {
                Ends::Both { mix, cac, outputs: [spectra, waves] }
            }
            _ => match (model.input_ids(), model.output_ids()) {
                (&[input], &[output]) => Ends::Sound { input, output },
                _ => return Err(unfit("its ends are neither mix, cac, yf, yt nor sound alone")),
            },
        };
        let pool = Arc::new(ThreadPool::with_num_threads(threads));
        let options = RunOptions::default().with_thread_pool(Some(pool));
        Ok(Network { model, ends, options, spectrum: Spectrum::new(segment), segment, wanted })
    }

    /// Frames of a segment.
    pub fn segment(&self) -> usize {
        self.segment
    }

    /// Takes a segment of two channels apart; one plane for each channel of each source.
    ///
    /// # Errors
    /// `Internal` where the engine fails, `Missing` where a ready network answers with less.
    pub fn separate(&mut self, mix: [&[f32]; CHANNELS]) -> Result<Vec<Vec<f32>>> {
        match self.ends {
            Ends::Both { mix: sound, cac, outputs } => self.both(mix, [sound, cac], &outputs),
            Ends::Sound { input, output } => {
                let sound = value(&[1, CHANNELS, self.segment], mix.concat())?;
                let found = self.run(vec![(input, sound)], &[output])?;
                let planes = self.wanted_parts(found.first(), self.segment)?;
                Ok(planes.map(<[f32]>::to_vec).collect())
            }
        }
    }

    fn both(
        &mut self,
        mix: [&[f32]; CHANNELS],
        inputs: [NodeId; 2],
        outputs: &[NodeId],
    ) -> Result<Vec<Vec<f32>>> {
        let each = 2 * self.spectrum.len();
        let mut sound = mix.concat();
        let mut parts = vec![0.0; CHANNELS * each];
        for (channel, parts) in mix.into_iter().zip(parts.chunks_mut(each)) {
            self.spectrum.forward(channel, parts);
        }
        let (wave_mean, wave_spread) = normalise(&mut sound);
        let (mean, spread) = normalise(&mut parts);
        let sound = value(&[1, CHANNELS, self.segment], sound)?;
        let parts = value(&[1, 2 * CHANNELS, BINS, each / (2 * BINS)], parts)?;
        let found = self.run(vec![(inputs[0], sound), (inputs[1], parts)], outputs)?;
        let whole = |wave: &[f32]| wave.iter().map(|x| x * wave_spread + wave_mean).collect();
        let waves = self.wanted_parts(found.get(1), self.segment)?;
        let mut planes: Vec<Vec<f32>> = waves.map(whole).collect();
        for (i, plane) in planes.iter_mut().enumerate() {
            let spectra = found.first().map_or(&[][..], Vec::as_slice);
            let at = (self.wanted[i / CHANNELS] * CHANNELS + i % CHANNELS) * each;
            let parts = spectra.get(at..at + each).ok_or_else(too_little)?;
            self.spectrum.inverse_add(parts, spread, mean, plane);
        }
        Ok(planes)
    }

    fn run(&self, inputs: Vec<(NodeId, Value)>, outputs: &[NodeId]) -> Result<Vec<Vec<f32>>> {
        let inputs = inputs.into_iter().map(|(id, value)| (id, value.into())).collect();
        let found = self.model.run(inputs, outputs, Some(self.options.clone()));
        let numbers = |value: Value| value.into_tensor::<f32>().map(|tensor| tensor.into_data());
        let found: Option<_> = found.map_err(|e| defect(&e))?.into_iter().map(numbers).collect();
        found.ok_or_else(|| unfit("it does not answer with numbers"))
    }

    /// The channels of the sources wanted, each of so many numbers.
    fn wanted_parts<'a>(
        &'a self,
        all: Option<&'a Vec<f32>>,
        each: usize,
    ) -> Result<impl Iterator<Item = &'a [f32]>> {
        let all = all.map_or(&[][..], Vec::as_slice);
        let most = self.wanted.iter().max().map_or(0, |most| most + 1);
        if all.len() < most * CHANNELS * each {
            return Err(too_little());
        }
        let planes = self.wanted.iter().flat_map(|s| s * CHANNELS..(s + 1) * CHANNELS);
        Ok(planes.map(move |plane| &all[plane * each..(plane + 1) * each]))
    }
}

fn value(shape: &[usize], numbers: Vec<f32>) -> Result<Value> {
    Value::from_shape(shape, numbers).map_err(|e| defect(&e))
}

fn too_little() -> Error {
    unfit("it answers with too few sources or frames")
}

/// Brings numbers to mean 0 and spread 1; returns what they were.
fn normalise(numbers: &mut [f32]) -> (f32, f32) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / count;
    let square = |x: &f32| (f64::from(*x) - mean).powi(2);
    let spread = (numbers.iter().map(square).sum::<f64>() / (count - 1.0)).sqrt();
    let (mean, spread) = (mean as f32, spread as f32);
    numbers.iter_mut().for_each(|x| *x = (*x - mean) / (TINY + spread));
    (mean, spread)
}

fn defect(why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, "the network failed").because(why.to_string())
}
