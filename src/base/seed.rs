//! Chance as a value: every random decision comes from a seed the user can type again.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// The number behind every random decision of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// An independent stream of draws for one purpose (`"jump"`, `"dither"`): adding a draw to
    /// one stream never shifts another.
    pub fn stream(self, purpose: &str) -> SeededDraws {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"evermix stream 1\0");
        hasher.update(&self.0.to_le_bytes());
        hasher.update(purpose.as_bytes());
        SeededDraws(ChaCha12Rng::from_seed(*hasher.finalize().as_bytes()))
    }
}

/// A source of random decisions. Tests replay recorded ones.
pub trait Draws {
    /// A number in [0, 1).
    fn uniform(&mut self) -> f64;
    /// A number in 0..n; `n` is at least 1.
    fn choice(&mut self, n: usize) -> usize;
}

/// Draws from ChaCha12: the same numbers on every machine and in every version.
#[derive(Clone, Debug)]
pub struct SeededDraws(ChaCha12Rng);

impl SeededDraws {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }
}

impl Draws for SeededDraws {
    fn uniform(&mut self) -> f64 {
        // 53 random bits: the spacing of doubles just below one.
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn choice(&mut self, n: usize) -> usize {
        // Multiply-shift (Lemire 2019): bias below 2^-32 for any list that fits memory.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_do_not_depend_on_each_other() {
        let take = |purpose| {
            let mut draws = Seed(7).stream(purpose);
            (0..8).map(|_| draws.choice(1000)).collect::<Vec<_>>()
        };
        assert_eq!(take("jump"), take("jump"));
        assert_ne!(take("jump"), take("order"));
    }

    #[test]
    fn draws_are_even_and_in_range() {
        let mut draws = Seed(1).stream("test");
        let mut seen = [0u32; 5];
        for _ in 0..5_000 {
            seen[draws.choice(5)] += 1;
            assert!((0.0..1.0).contains(&draws.uniform()));
        }
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }
}
