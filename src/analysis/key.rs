//! The key of a song from its mean chroma.
//!
//! Correlation with the key profiles of Krumhansl and Kessler (1982), the method known as
//! Krumhansl-Schmuckler (Krumhansl, "Cognitive Foundations of Musical Pitch", 1990).

/// How well each degree of the scale fits a major and a minor key, by probe-tone ratings.
const MAJOR: [f64; 12] = [6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88];
const MINOR: [f64; 12] = [6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17];
const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/// A key with how clearly it was heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Key {
    /// Pitch class of the tonic, 0 = C.
    pub tonic: usize,
    /// True for minor.
    pub minor: bool,
    /// Correlation with the key's profile, -1..=1; above 0.7 is clear.
    pub strength: f64,
}

impl Key {
    /// `A minor`
    pub fn name(&self) -> String {
        format!("{} {}", NAMES[self.tonic], if self.minor { "minor" } else { "major" })
    }

    /// Place on the Camelot wheel: `8A`. A fifth up is one step clockwise.
    pub fn camelot(&self) -> String {
        // A minor key stands with its relative major, three semitones up.
        let major = if self.minor { (self.tonic + 3) % 12 } else { self.tonic };
        let hour = (major * 7 + 7) % 12 + 1;
        format!("{hour}{}", if self.minor { 'A' } else { 'B' })
    }
}

/// The key whose profile fits `chroma` (from C) best; `None` for silence.
pub fn find_key(chroma: &[f64; 12]) -> Option<Key> {
    let keys = (0..12).flat_map(|tonic| [false, true].map(|minor| (tonic, minor)));
    keys.map(|(tonic, minor)| {
        let profile = if minor { &MINOR } else { &MAJOR };
        let turned: [f64; 12] = std::array::from_fn(|i| profile[(i + 12 - tonic) % 12]);
        Key { tonic, minor, strength: correlation(chroma, &turned) }
    })
    .filter(|key| key.strength.is_finite())
    .max_by(|a, b| a.strength.total_cmp(&b.strength))
}

fn correlation(a: &[f64; 12], b: &[f64; 12]) -> f64 {
    let mean = |x: &[f64; 12]| x.iter().sum::<f64>() / 12.0;
    let (ma, mb) = (mean(a), mean(b));
    let sum =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - ma, y - mb)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(tonic: usize, degrees: &[usize]) -> [f64; 12] {
        let mut chroma = [0.05; 12];
        degrees.iter().for_each(|d| chroma[(tonic + d) % 12] += 0.5);
        chroma[tonic] += 0.5;
        chroma[(tonic + 7) % 12] += 0.3;
        chroma
    }

    #[test]
    fn scales_are_heard_as_their_keys_in_all_transpositions() {
        for tonic in 0..12 {
            let major = find_key(&scale(tonic, &[0, 2, 4, 5, 7, 9, 11])).unwrap();
            assert_eq!((major.tonic, major.minor), (tonic, false));
            let minor = find_key(&scale(tonic, &[0, 2, 3, 5, 7, 8, 10])).unwrap();
            assert_eq!((minor.tonic, minor.minor), (tonic, true));
        }
        assert_eq!(find_key(&[0.0; 12]), None);
    }

    #[test]
    fn the_wheel_is_camelots() {
        let key = |tonic, minor| Key { tonic, minor, strength: 1.0 }.camelot();
        assert_eq!(key(9, true), "8A");
        assert_eq!(key(0, false), "8B");
        assert_eq!(key(7, false), "9B");
        assert_eq!(key(4, false), "12B");
        assert_eq!(key(8, true), "1A");
    }
}
