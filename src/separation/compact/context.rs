//! The context network: what goes on in all bands within a second steers how bins are judged.
//!
//! It works on pairs of windows. Each of its blocks looks some pairs back and ahead and then lets
//! the bands hear of each other. Blocks keep the pairs they may still look at, so the network runs
//! along the song without doing anything twice, and what it says does not depend on how many
//! pairs it is given at a time.

use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2};

use super::bands::BANDS;
use super::tape::Tape;
use super::weights::{
    Block, CHANNELS, FEATURES, HIDDEN, Linear, MIXED, Norm, STEERS, TOLD, Weights,
};

/// Pairs worked on together: matrices must not be too thin, and memory not too large.
const BATCH: usize = 16;
/// Numbers of a pair on its way through the network.
const PAIR: usize = BANDS * CHANNELS;
/// Numbers of a pair as it comes in.
const INPUT: usize = BANDS * 2 * FEATURES;
/// Numbers of a pair as it goes out.
const OUTPUT: usize = BANDS * 2 * STEERS;
/// Keeps the scale of a constant vector finite.
const EPSILON: f32 = 1e-5;

/// The network with what it remembers of a song.
pub struct Context {
    weights: &'static Weights,
    /// Features of the pairs that wait for a batch to be full.
    input: Vec<f32>,
    windows: usize,
    memories: Vec<Memory>,
    /// What is said about each pair.
    output: Tape,
}

/// What one block remembers.
struct Memory {
    /// Pairs that wait until what follows them is known.
    waiting: Vec<f32>,
    /// The same, normalised, with those before them that may still be looked at.
    seen: Vec<f32>,
}

impl Context {
    /// The network at the start of a song.
    pub fn new(weights: &'static Weights) -> Self {
        // Silence before the song.
        let memory =
            |block: &Block| Memory { waiting: Vec::new(), seen: vec![0.0; block.dilation * PAIR] };
        Context {
            weights,
            input: Vec::with_capacity(BATCH * INPUT),
            windows: 0,
            memories: weights.blocks.iter().map(memory).collect(),
            output: Tape::new(OUTPUT),
        }
    }

    /// Takes the next window, whose features are written by `describe`: `FEATURES` numbers for
    /// each band, `2 * FEATURES` apart.
    pub fn push(&mut self, describe: impl FnOnce(&mut [f32])) {
        let second = self.windows % 2;
        if second == 0 {
            // Should the song end before the second window, that one has no features.
            self.input.resize(self.input.len() + INPUT, 0.0);
        }
        let start = self.input.len() - INPUT + second * FEATURES;
        describe(&mut self.input[start..]);
        self.windows += 1;
        if second == 1 && self.input.len() == BATCH * INPUT {
            self.run(false);
        }
    }

    /// Learns that no window follows.
    pub fn end(&mut self) {
        self.run(true);
    }

    /// What is said about a window, if that is known: `STEERS` numbers for each band,
    /// `2 * STEERS` apart.
    pub fn at(&self, window: usize) -> Option<&[f32]> {
        let pair = window / 2;
        (pair < self.output.end()).then(|| &self.output.at(pair)[window % 2 * STEERS..])
    }

    /// Forgets what was said about the windows before this one.
    pub fn forget_before(&mut self, window: usize) {
        self.output.forget_before(window / 2);
    }

    /// Sends what waits through all blocks.
    fn run(&mut self, ended: bool) {
        let weights = self.weights;
        let pairs = self.input.len() / INPUT;
        let mut x = Vec::with_capacity(pairs * PAIR);
        (0..pairs).for_each(|_| x.extend_from_slice(&weights.bands));
        add_product(&self.input, &weights.input, &mut x);
        self.input.clear();
        for (block, memory) in weights.blocks.iter().zip(&mut self.memories) {
            x = memory.advance(block, x, ended);
        }
        normalise(&weights.before_output, &mut x);
        for pair in product(&x, &weights.output).chunks_exact(OUTPUT) {
            self.output.push().copy_from_slice(pair);
        }
    }
}

impl Memory {
    /// Takes pairs and gives out those whose following pairs are now known.
    fn advance(&mut self, block: &Block, x: Vec<f32>, ended: bool) -> Vec<f32> {
        let start = self.seen.len();
        self.seen.extend_from_slice(&x);
        normalise(&block.before_taps, &mut self.seen[start..]);
        self.waiting.extend(x);
        let reach = block.dilation * PAIR;
        if ended {
            self.seen.resize(self.seen.len() + reach, 0.0);
        }
        let ready = self.seen.len().saturating_sub(2 * reach);
        let kept = self.waiting.split_off(ready);
        let mut x = std::mem::replace(&mut self.waiting, kept);
        if ready > 0 {
            look_around(block, &self.seen, &mut x);
            mix_bands(block, &mut x);
            self.seen.drain(..ready);
        }
        x
    }
}

/// Adds what each pair and the pairs around it come to.
fn look_around(block: &Block, seen: &[f32], x: &mut [f32]) {
    let mut hidden = repeat(&block.taps_bias, x.len() / CHANNELS);
    for (tap, weight) in block.taps.iter().enumerate() {
        let from = &seen[tap * block.dilation * PAIR..][..x.len()];
        add_matrix_product(from, weight, &mut hidden);
    }
    debug_assert_eq!(hidden.len(), x.len() / CHANNELS * HIDDEN);
    rectify(&mut hidden);
    add_product(&hidden, &block.down, x);
}

/// Adds what the bands of a pair tell each other.
fn mix_bands(block: &Block, x: &mut [f32]) {
    let mut normal = x.to_vec();
    normalise(&block.before_bands, &mut normal);
    let told = product(&normal, &block.tell);
    debug_assert_eq!(told.len(), x.len() / CHANNELS * TOLD);
    let mut mixed = product(&told, &block.mix);
    debug_assert_eq!(mixed.len(), x.len() / PAIR * MIXED);
    rectify(&mut mixed);
    add_product(&product(&mixed, &block.unmix), &block.hear, x);
}

fn rectify(values: &mut [f32]) {
    values.iter_mut().for_each(|x| *x = if *x > 0.0 { *x } else { 0.0 });
}

/// Brings every vector of `CHANNELS` numbers to mean 0 and variance 1, then scales and shifts it.
fn normalise(norm: &Norm, values: &mut [f32]) {
    let (vectors, _) = values.as_chunks_mut::<CHANNELS>();
    for vector in vectors {
        let mean = total(vector) / CHANNELS as f32;
        vector.iter_mut().for_each(|x| *x -= mean);
        let squares = vector.map(|x| x * x);
        let spread = (total(&squares) / CHANNELS as f32 + EPSILON).sqrt().recip();
        for ((x, scale), shift) in vector.iter_mut().zip(&norm.scale).zip(&norm.shift) {
            *x = *x * spread * scale + shift;
        }
    }
}

fn total(vector: &[f32; CHANNELS]) -> f32 {
    crate::base::sum_of(vector, |x| x)
}

/// `x * weight + bias`.
fn product(x: &[f32], layer: &Linear) -> Vec<f32> {
    let mut out = repeat(&layer.bias, x.len() / layer.weight.nrows());
    add_matrix_product(x, &layer.weight, &mut out);
    out
}

/// Adds `x * weight + bias` to `out`.
fn add_product(x: &[f32], layer: &Linear, out: &mut [f32]) {
    for row in out.chunks_exact_mut(layer.bias.len()) {
        row.iter_mut().zip(&layer.bias).for_each(|(out, bias)| *out += bias);
    }
    add_matrix_product(x, &layer.weight, out);
}

fn add_matrix_product(x: &[f32], weight: &Array2<f32>, out: &mut [f32]) {
    let rows = x.len() / weight.nrows();
    let x = ArrayView2::from_shape((rows, weight.nrows()), x).expect("rows of the weight's height");
    let mut out = ArrayViewMut2::from_shape((rows, weight.ncols()), out)
        .expect("as many rows of the weight's width");
    general_mat_mul(1.0, &x, weight, 1.0, &mut out);
}

fn repeat(bias: &[f32], rows: usize) -> Vec<f32> {
    let mut out = Vec::with_capacity(rows * bias.len());
    (0..rows).for_each(|_| out.extend_from_slice(bias));
    out
}
