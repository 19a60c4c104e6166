//! The context network: what goes on in all bands within three seconds steers how bins are judged.
//!
//! It works on pairs of windows. Each of its blocks looks some pairs back and ahead and then lets
//! the bands hear of each other. Blocks keep the pairs they may still look at, so the network runs
//! along the song without doing anything twice, and what it says does not depend on how many
//! pairs it is given at a time.

use rten::ThreadPool;

use super::bands::BANDS;
use super::layer::Multiplier;
use super::queue::Queue;
use super::tape::Tape;
use super::weights::{Block, CHANNELS, FEATURES, HIDDEN, MIXED, Norm, STEERS, TOLD, Weights};
use crate::base::sum_of;

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
    room: Room,
    /// One thread, so that products are not spread over others: songs are.
    thread: ThreadPool,
    /// What is said about each pair.
    output: Tape,
}

/// What one block remembers.
struct Memory {
    /// Pairs that wait until what follows them is known.
    waiting: Queue,
    /// The same, normalised, with those before them that may still be looked at.
    seen: Queue,
}

/// Room for a batch on its way, used again and again: fresh memory costs more than the work in it.
#[derive(Default)]
struct Room {
    x: Vec<f32>,
    hidden: Vec<f32>,
    normal: Vec<f32>,
    told: Vec<f32>,
    mixed: Vec<f32>,
}

impl Context {
    /// The network at the start of a song.
    pub fn new(weights: &'static Weights) -> Self {
        let memory = |block: &Block| {
            let mut memory = Memory { waiting: Queue::default(), seen: Queue::default() };
            // Silence before the song.
            memory.seen.push(|seen| seen.resize(block.dilation * PAIR, 0.0));
            memory
        };
        Context {
            weights,
            input: Vec::with_capacity(BATCH * INPUT),
            windows: 0,
            memories: weights.blocks.iter().map(memory).collect(),
            room: Room::default(),
            thread: ThreadPool::with_num_threads(1),
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
        let Context { weights, input, memories, room, thread, output, .. } = self;
        thread.run(|| {
            let multiplier = Multiplier::new();
            room.x.clear();
            (0..input.len() / INPUT).for_each(|_| room.x.extend_from_slice(&weights.bands));
            weights.input.add(&multiplier, input, &mut room.x);
            for (block, memory) in weights.blocks.iter().zip(memories) {
                memory.advance(block, &multiplier, room, ended);
            }
            room.normal.clear();
            normalise(&weights.before_output, &room.x, &mut room.normal);
            weights.output.write(&multiplier, &room.normal, &mut room.hidden);
        });
        input.clear();
        for pair in room.hidden.chunks_exact(OUTPUT) {
            output.push().copy_from_slice(pair);
        }
    }
}

impl Memory {
    /// Takes pairs and gives out those whose following pairs are now known.
    fn advance(&mut self, block: &Block, multiplier: &Multiplier, room: &mut Room, ended: bool) {
        self.seen.push(|seen| normalise(&block.before_taps, &room.x, seen));
        self.waiting.push(|waiting| waiting.extend_from_slice(&room.x));
        let reach = block.dilation * PAIR;
        if ended {
            self.seen.push(|seen| seen.resize(seen.len() + reach, 0.0));
        }
        let ready = self.seen.values().len().saturating_sub(2 * reach);
        room.x.clear();
        room.x.extend_from_slice(&self.waiting.values()[..ready]);
        if ready > 0 {
            look_around(block, multiplier, self.seen.values(), room);
            mix_bands(block, multiplier, room);
        }
        self.waiting.leave(ready);
        self.seen.leave(ready);
    }
}

/// Adds what each pair and the pairs around it come to.
fn look_around(block: &Block, multiplier: &Multiplier, seen: &[f32], room: &mut Room) {
    let (x, hidden) = (&mut room.x, &mut room.hidden);
    let tap = |tap: usize| &seen[tap * block.dilation * PAIR..][..x.len()];
    block.taps[0].write(multiplier, tap(0), hidden);
    block.taps[1].add(multiplier, tap(1), hidden);
    block.taps[2].add(multiplier, tap(2), hidden);
    debug_assert_eq!(hidden.len(), x.len() / CHANNELS * HIDDEN);
    rectify(hidden);
    block.down.add(multiplier, hidden, x);
}

/// Adds what the bands of a pair tell each other.
fn mix_bands(block: &Block, multiplier: &Multiplier, room: &mut Room) {
    let Room { x, normal, told, mixed, .. } = room;
    normal.clear();
    normalise(&block.before_bands, x, normal);
    block.tell.write(multiplier, normal, told);
    debug_assert_eq!(told.len(), x.len() / CHANNELS * TOLD);
    block.mix.write(multiplier, told, mixed);
    debug_assert_eq!(mixed.len(), x.len() / PAIR * MIXED);
    rectify(mixed);
    block.unmix.write(multiplier, mixed, told);
    block.hear.add(multiplier, told, x);
}

fn rectify(values: &mut [f32]) {
    values.iter_mut().for_each(|x| *x = if *x > 0.0 { *x } else { 0.0 });
}

/// Appends every vector of `CHANNELS` numbers, brought to mean 0 and variance 1, then scaled and
/// shifted.
fn normalise(norm: &Norm, values: &[f32], out: &mut Vec<f32>) {
    let (vectors, _) = values.as_chunks::<CHANNELS>();
    for vector in vectors {
        let mean = sum_of(vector, |x| x) / CHANNELS as f32;
        let vector = vector.map(|x| x - mean);
        let variance = sum_of(&vector, |x| x * x) / CHANNELS as f32;
        let spread = (variance + EPSILON).sqrt().recip();
        let normal: [f32; CHANNELS] =
            std::array::from_fn(|i| vector[i] * spread * norm.scale[i] + norm.shift[i]);
        out.extend_from_slice(&normal);
    }
}
