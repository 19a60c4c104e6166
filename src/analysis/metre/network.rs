//! The network that judges folded bars: `models/metre.f32`, described in `models/metre.md`.

use std::sync::LazyLock;

use super::{BARS, HYPOTHESES, WIDTH};

const HIDDEN: usize = 16;
const MEMBERS: usize = 6;
/// Numbers that describe a tempo.
const TEMPO: usize = 4;
/// Octaves from the middle beyond which a tempo is unusual.
const USUAL: f32 = 0.6;

static BYTES: &[u8; Network::NUMBERS * 4] = include_bytes!("../../../models/metre.f32");
static BUNDLED: LazyLock<Network> = LazyLock::new(|| Network::read(BYTES));

/// Several small networks trained from different beginnings; their mean decides.
pub struct Network {
    members: Vec<Member>,
}

struct Member {
    heads: [Head; BARS.len()],
    tempo: [f32; TEMPO],
}

/// Judges a bar of one length: a hidden layer with rectified units, and their weighted sum.
struct Head {
    /// One row of hidden units for each number of the bar.
    weights: Vec<[f32; HIDDEN]>,
    biases: [f32; HIDDEN],
    output: [f32; HIDDEN],
    offset: f32,
}

impl Network {
    const NUMBERS: usize = {
        let mut per_member = TEMPO;
        let mut i = 0;
        while i < BARS.len() {
            per_member += BARS[i] * WIDTH * HIDDEN + 2 * HIDDEN + 1;
            i += 1;
        }
        MEMBERS * per_member
    };

    /// The network that comes with the program.
    pub fn bundled() -> &'static Network {
        &BUNDLED
    }

    fn read(bytes: &[u8; Self::NUMBERS * 4]) -> Network {
        let (words, _) = bytes.as_chunks::<4>();
        let mut numbers = words.iter().map(|word| f32::from_le_bytes(*word));
        // The array's length is that of all numbers taken here.
        let mut next = move || numbers.next().unwrap_or(0.0);
        let members = (0..MEMBERS)
            .map(|_| Member {
                heads: BARS.map(|per_bar| Head {
                    weights: (0..per_bar * WIDTH)
                        .map(|_| std::array::from_fn(|_| next()))
                        .collect(),
                    biases: std::array::from_fn(|_| next()),
                    output: std::array::from_fn(|_| next()),
                    offset: next(),
                }),
                tempo: std::array::from_fn(|_| next()),
            })
            .collect();
        Network { members }
    }

    /// Scores of bars of four, three and two beats in all their phases, up to a constant, in
    /// nepers. `bars` are the folds in the order of [`BARS`], `octaves` the tempo.
    pub fn score(&self, bars: &[Vec<f32>; BARS.len()], octaves: f32) -> [f32; HYPOTHESES] {
        let tempo =
            [octaves, octaves * octaves, (octaves - USUAL).max(0.0), (-octaves - USUAL).max(0.0)];
        let mut scores = [0.0; HYPOTHESES];
        for member in &self.members {
            let usual: f32 = member.tempo.iter().zip(tempo).map(|(w, t)| w * t).sum();
            let heads = member.heads.iter().zip(bars).zip(BARS);
            let all = heads.flat_map(|((head, bar), per_bar)| {
                (0..per_bar).map(move |phase| usual + head.score(bar, phase))
            });
            scores.iter_mut().zip(all).for_each(|(sum, s)| *sum += s / MEMBERS as f32);
        }
        scores
    }
}

impl Head {
    /// The score of a folded bar whose downbeat is at `phase`.
    fn score(&self, bar: &[f32], phase: usize) -> f32 {
        let mut hidden = self.biases;
        let (before, from_downbeat) = bar.split_at(phase * WIDTH);
        for (x, weights) in from_downbeat.iter().chain(before).zip(&self.weights) {
            hidden.iter_mut().zip(weights).for_each(|(h, w)| *h += x * w);
        }
        let sum: f32 = hidden.iter().zip(self.output).map(|(h, w)| h.max(0.0) * w).sum();
        sum + self.offset
    }
}
