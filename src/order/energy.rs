//! How the energy of a mix goes up and down, as somebody asks for it.

use std::fmt;
use std::str::FromStr;

use super::song::SongFacts;
use crate::base::{Error, ErrorKind, Result};

/// Curves that have a name: share of the mix, and how energetic the song there is among all songs.
const NAMED: [(&str, &[(f64, f64)]); 5] = [
    ("rise", &[(0.0, 0.05), (1.0, 0.95)]),
    ("fall", &[(0.0, 0.95), (1.0, 0.05)]),
    // As an evening goes: in slowly, on top after two thirds, and home.
    ("arc", &[(0.0, 0.1), (0.3, 0.45), (0.65, 0.95), (0.75, 0.9), (1.0, 0.1)]),
    // Two crests, the second one higher.
    ("wave", &[(0.0, 0.15), (0.25, 0.8), (0.5, 0.25), (0.75, 0.95), (1.0, 0.2)]),
    ("flat", &[(0.0, 0.5), (1.0, 0.5)]),
];
/// Most points of a curve: a song each would be too many.
const MOST_POINTS: usize = 1_000;

/// The energy asked for over a mix: 0 is the calmest of the songs, 1 the most energetic.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergyCurve {
    words: String,
    points: Vec<(f64, f64)>,
}

impl EnergyCurve {
    /// The energy asked for at a share of the mix.
    pub fn at(&self, share: f64) -> f64 {
        let after = self.points.partition_point(|p| p.0 <= share);
        match (after.checked_sub(1).map(|i| self.points[i]), self.points.get(after)) {
            (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (share - a.0) / (b.0 - a.0),
            (Some(only), None) | (None, Some(&only)) => only.1,
            (None, None) => 0.5,
        }
    }
}

impl fmt::Display for EnergyCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.words)
    }
}

impl FromStr for EnergyCurve {
    type Err = Error;

    fn from_str(words: &str) -> Result<Self> {
        let words = words.trim().to_string();
        if let Some((_, points)) = NAMED.iter().find(|(name, _)| *name == words) {
            return Ok(EnergyCurve { points: points.to_vec(), words });
        }
        let points: Option<Vec<(f64, f64)>> = words.split(',').map(point).collect();
        let rises = |points: &Vec<(f64, f64)>| points.is_sorted_by(|a, b| a.0 < b.0);
        match points.filter(rises).filter(|points| points.len() <= MOST_POINTS) {
            Some(points) => Ok(EnergyCurve { points, words }),
            None => Err(no_curve(&words)),
        }
    }
}

/// `0.6:0.9`, both between 0 and 1.
fn point(text: &str) -> Option<(f64, f64)> {
    let (at, energy) = text.split_once(':')?;
    let share = |text: &str| text.trim().parse().ok().filter(|x| (0.0..=1.0).contains(x));
    Some((share(at)?, share(energy)?))
}

fn no_curve(words: &str) -> Error {
    let names = NAMED.map(|(name, _)| name).join(", ");
    Error::new(ErrorKind::Usage, format!("`{words}` is no curve of energy"))
        .because("a curve has a name, or points: share of the mix, colon, energy, each 0 to 1")
        .hint(format!("one of {names}, or 0:0.2,0.6:0.9,1:0.3"))
}

/// For each song how energetic it is among them, 0 to 1; the unknown lie in the middle.
pub fn energy_places(songs: &[SongFacts]) -> Vec<f64> {
    let all: Vec<f64> = songs.iter().filter_map(|s| s.energy).filter(|e| e.is_finite()).collect();
    let places = ranks(&all).into_iter();
    let mut places =
        places.map(|rank| if all.len() > 1 { rank / (all.len() - 1) as f64 } else { 0.5 });
    let place = |song: &SongFacts| match song.energy.filter(|e| e.is_finite()) {
        Some(_) => places.next().unwrap_or(0.5),
        None => 0.5,
    };
    songs.iter().map(place).collect()
}

/// The rank of each value from 0 on; equal ones share theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = |x: &f64| {
        let (below, to) = (sorted.partition_point(|y| y < x), sorted.partition_point(|y| y <= x));
        (below + to - 1) as f64 / 2.0
    };
    values.iter().map(rank).collect()
}

/// How well energies follow what was asked for: their rank correlation, -1 to 1. `None` where one
/// of them does not change.
pub fn agreement(asked: &[f64], found: &[f64]) -> Option<f64> {
    let (a, b) = (ranks(asked), ranks(found));
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len().max(1) as f64;
    let (ma, mb) = (mean(&a), mean(&b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
        a.iter().zip(&b).map(|(&x, &y)| f(x - ma, y - mb)).sum()
    };
    let scale = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    (scale > 0.0).then(|| sum(&|x, y| x * y) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_have_names_or_points_and_all_else_is_refused() {
        let arc: EnergyCurve = "arc".parse().unwrap();
        assert!(arc.at(0.0) < 0.2 && arc.at(0.66) > 0.9 && arc.at(1.0) < 0.2);
        let own: EnergyCurve = " 0.2:0.4, 0.6:0.8".parse().unwrap();
        assert_eq!([0.0, 0.2, 0.6, 1.0].map(|x| own.at(x)), [0.4, 0.4, 0.8, 0.8]);
        assert!((own.at(0.4) - 0.6).abs() < 1e-12);
        for bad in ["", "up", "0.5", "0:2", "1:0.5,0:0.5", "0:nan", "0:0.1,0:0.2", "-1:0"] {
            assert_eq!(bad.parse::<EnergyCurve>().unwrap_err().kind(), ErrorKind::Usage, "{bad}");
        }
    }

    #[test]
    fn places_are_ranks_and_agreement_is_their_correlation() {
        let song = |energy| SongFacts { energy, ..SongFacts::default() };
        let songs = [Some(0.5), Some(0.1), None, Some(0.5), Some(0.9)].map(song);
        assert_eq!(energy_places(&songs), [0.5, 0.0, 0.5, 0.5, 1.0]);
        assert_eq!(agreement(&[1.0, 2.0, 3.0], &[10.0, 20.0, 90.0]), Some(1.0));
        assert_eq!(agreement(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]), Some(-1.0));
        assert_eq!(agreement(&[1.0, 1.0], &[3.0, 2.0]), None);
    }
}
