//! The costs of all pairs of songs.

use super::compare::Comparison;
use crate::base::{Draws as _, Error, ErrorKind, Result, Seed};

/// Most songs ordered at once: a matrix of 64 MiB.
pub const MAX_SONGS: usize = 4096;

/// What it costs to play one song after another, for every pair; the way back may cost another sum.
#[derive(Clone, Debug, PartialEq)]
pub struct CostMatrix {
    n: usize,
    values: Vec<f32>,
}

impl CostMatrix {
    /// A matrix from its rows; row `a`, column `b` is the cost of `b` after `a`. What is not finite
    /// counts as the largest finite cost (as 0 where there is none).
    ///
    /// # Errors
    /// `ErrorKind::Limit` for more than [`MAX_SONGS`] songs, `ErrorKind::Internal` where `values`
    /// is no square of side `n`.
    pub fn new(n: usize, mut values: Vec<f32>) -> Result<CostMatrix> {
        check_size(n)?;
        if values.len() != n * n {
            return Err(Error::new(ErrorKind::Internal, "costs of songs do not form a square")
                .because(format!("{} costs for {n} songs", values.len())));
        }
        let finite = values.iter().copied().filter(|v| v.is_finite());
        let largest = finite.reduce(f32::max).unwrap_or(0.0);
        values.iter_mut().filter(|v| !v.is_finite()).for_each(|v| *v = largest);
        Ok(CostMatrix { n, values })
    }

    /// The costs of all pairs of compared songs; from a song to itself it is 0.
    ///
    /// # Errors
    /// `ErrorKind::Limit` for more than [`MAX_SONGS`] songs.
    pub fn between(songs: &Comparison) -> Result<CostMatrix> {
        let n = songs.len();
        check_size(n)?;
        let cost = |a: usize, b: usize| if a == b { 0.0 } else { songs.cost(a, b) as f32 };
        let values = (0..n).flat_map(|a| (0..n).map(move |b| cost(a, b))).collect();
        CostMatrix::new(n, values)
    }

    /// How many songs there are.
    pub fn len(&self) -> usize {
        self.n
    }

    /// Whether there is no song.
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// The cost of `b` right after `a`.
    ///
    /// # Panics
    /// If there are no such songs.
    pub fn get(&self, a: usize, b: usize) -> f32 {
        self.values[a * self.n + b]
    }

    /// The costs of every song right after `a`.
    ///
    /// # Panics
    /// If there is no such song.
    pub fn row(&self, a: usize) -> &[f32] {
        &self.values[a * self.n..(a + 1) * self.n]
    }

    /// Raises every cost by up to `share` of the mean cost, as chance has it.
    pub(super) fn vary(&mut self, share: f64, seed: Seed) {
        if !(share > 0.0 && share.is_finite()) {
            return;
        }
        let mean = self.values.iter().map(|&v| f64::from(v)).sum::<f64>()
            / self.values.len().max(1) as f64;
        let mut draws = seed.stream("variety");
        for value in &mut self.values {
            *value += (share * mean * draws.uniform()) as f32;
        }
    }

    /// Makes `b` after `a` dearer.
    pub(super) fn add(&mut self, a: usize, b: usize, more: f32) {
        self.values[a * self.n + b] += more;
    }
}

fn check_size(n: usize) -> Result<()> {
    if n <= MAX_SONGS {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Limit, format!("{n} songs are too many to be ordered at once"))
        .because(format!("every pair is compared, for at most {MAX_SONGS} songs"))
        .hint("choose a folder with fewer songs, or several one after the other"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Bpm;
    use crate::order::{SongFacts, Weights};

    #[test]
    fn what_is_no_number_counts_as_the_dearest_pair() {
        let wild = vec![0.0, f32::NAN, f32::INFINITY, 0.25, 0.0, f32::NEG_INFINITY, 0.5, 0.75, 0.0];
        let costs = CostMatrix::new(3, wild).unwrap();
        assert_eq!(costs.row(0), [0.0, 0.75, 0.75]);
        assert_eq!(costs.row(1), [0.25, 0.0, 0.75]);
        assert_eq!(CostMatrix::new(1, vec![f32::NAN]).unwrap().get(0, 0), 0.0);
    }

    #[test]
    fn too_many_songs_and_broken_squares_are_refused() {
        let many = CostMatrix::new(MAX_SONGS + 1, Vec::new()).unwrap_err();
        assert_eq!(many.kind(), ErrorKind::Limit);
        assert_eq!(CostMatrix::new(2, vec![0.0; 3]).unwrap_err().kind(), ErrorKind::Internal);
        assert!(CostMatrix::new(0, Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn each_pair_stands_in_its_row_and_column() {
        let songs: Vec<SongFacts> = [100.0, 102.0, 106.0]
            .map(|bpm| SongFacts { tempo: Some(Bpm(bpm)), ..SongFacts::default() })
            .into();
        let compared = Comparison::new(&songs, &Weights::default());
        let costs = CostMatrix::between(&compared).unwrap();
        for a in 0..3 {
            for b in 0..3 {
                let wanted = if a == b { 0.0 } else { compared.cost(a, b) as f32 };
                assert_eq!(costs.get(a, b), wanted);
            }
        }
        assert!(costs.get(0, 1) < costs.get(0, 2));
    }
}
