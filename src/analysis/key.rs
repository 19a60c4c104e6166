//! The key of a song from the pitch classes that sound in it.
//!
//! Pitch classes are compared with how often each degree occurs in major and in minor keys: the
//! profiles Albrecht and Shanahan counted ("The use of large corpora to train a new type of
//! key-finding algorithm", Music Perception 31, 2013). `scripts/peers/keys.py` compares them with
//! the profiles of Krumhansl and Kessler, of Temperley and of our own material: they confuse a
//! major key with its relative minor least.

use serde::{Deserialize, Serialize};

use super::chroma::N_CHROMA;

/// Share of each degree of the scale, counted from the tonic, in major and in minor keys.
const MAJOR: [f64; 12] =
    [0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081];
const MINOR: [f64; 12] =
    [0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052];
/// Names as they are written with the fewest accidentals.
const MAJOR_NAMES: [&str; 12] = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MINOR_NAMES: [&str; 12] = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B"];
/// A lead of this much over the second-best key is beyond doubt.
const SURE: f64 = 0.25;
/// Standard deviation of the pitch classes, as a share of their mean, below which none stands
/// out. White noise reaches 0.05, the most chromatic of our songs 0.3.
const FLAT: f64 = 0.12;

/// A major or minor key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Pitch class of the tonic, 0 = C.
    pub tonic: usize,
    /// True for minor.
    pub minor: bool,
}

impl Key {
    /// `A minor`
    pub fn name(&self) -> String {
        let names = if self.minor { MINOR_NAMES } else { MAJOR_NAMES };
        format!("{} {}", names[self.tonic % 12], if self.minor { "minor" } else { "major" })
    }

    /// Place on the Camelot wheel: `8A`. A fifth up is one step clockwise.
    pub fn camelot(&self) -> String {
        // A minor key stands with its relative major, three semitones up.
        let major = if self.minor { (self.tonic + 3) % 12 } else { self.tonic };
        let hour = (major * 7 + 7) % 12 + 1;
        format!("{hour}{}", if self.minor { 'A' } else { 'B' })
    }
}

impl Key {
    /// Steps to another key on the Camelot wheel: one for a fifth up or down, or between major and
    /// minor of the same hour; 0 to 7.
    pub fn steps_to(&self, other: &Key) -> u32 {
        let hour = |key: &Key| if key.minor { (key.tonic + 3) % 12 } else { key.tonic } * 7 % 12;
        let apart = (hour(self) + 12 - hour(other)) % 12;
        let around = apart.min(12 - apart);
        around as u32 + u32::from(self.minor != other.minor)
    }
}

/// The key a song is in, and how sure that is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyEstimate {
    /// The best key.
    pub key: Key,
    /// The one it is most easily mistaken for.
    pub second: Key,
    /// Correlation with the best key's profile, -1..=1; above 0.7 the song is in one key.
    pub strength: f64,
    /// How far the best key leads over the second, 0..=1: 1 from a lead of 0.25 in correlation.
    pub confidence: f64,
}

/// The key whose profile fits `classes` (from C) best; `None` where no pitch class stands out.
pub fn find_key(classes: &[f32; N_CHROMA]) -> Option<KeyEstimate> {
    let classes = classes.map(f64::from);
    let mean = classes.iter().sum::<f64>() / 12.0;
    let variance = classes.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / 12.0;
    let stands_out = variance.sqrt() > FLAT * mean;
    if !stands_out {
        return None;
    }
    let keys = (0..12).flat_map(|tonic| [false, true].map(|minor| Key { tonic, minor }));
    let mut fits: Vec<(f64, Key)> = keys.map(|key| (fit(&classes, key), key)).collect();
    fits.sort_by(|a, b| b.0.total_cmp(&a.0));
    let [(best, key), (next, second), ..] = fits[..] else { return None };
    let confidence = ((best - next) / SURE).clamp(0.0, 1.0);
    Some(KeyEstimate { key, second, strength: best, confidence })
}

fn fit(classes: &[f64; 12], key: Key) -> f64 {
    let profile = if key.minor { &MINOR } else { &MAJOR };
    let turned: [f64; 12] = std::array::from_fn(|i| profile[(i + 12 - key.tonic) % 12]);
    correlation(classes, &turned)
}

fn correlation(a: &[f64; 12], b: &[f64; 12]) -> f64 {
    let mean = |x: &[f64; 12]| x.iter().sum::<f64>() / 12.0;
    let (ma, mb) = (mean(a), mean(b));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[cfg(test)]
mod tests;
