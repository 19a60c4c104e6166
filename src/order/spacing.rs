//! Keeping the songs of one artist apart.

mod even;
mod swaps;

use std::collections::HashMap;

use super::costs::CostMatrix;
use super::song::{SongFacts, folded};
use super::tour::{Shape, tour_length};
use swaps::Seats;

/// Two songs of one artist closer than wished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Place of the earlier one in the order.
    pub first: usize,
    /// Place of the later one; before `first` where the tour is closed and they meet across its end.
    pub second: usize,
    /// Steps between them.
    pub steps: usize,
}

/// An order in which artists are as far apart as could be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    /// Every song once.
    pub order: Vec<usize>,
    /// The length of this order.
    pub length: f64,
    /// What could not be mended; empty where every artist keeps the distance.
    pub left: Vec<Conflict>,
}

/// The wish that among any `window` songs in a row no artist comes twice. Songs without a known
/// artist are nobody's.
#[derive(Clone, Debug, PartialEq)]
pub struct Spacing {
    window: usize,
    artists: Vec<Option<usize>>,
    /// Songs of each artist.
    counts: Vec<usize>,
}

impl Spacing {
    /// The wish for `songs`; a window of 0 or 1 wishes nothing.
    pub fn new(songs: &[SongFacts], window: usize) -> Spacing {
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut counts = Vec::new();
        let artists = songs.iter().map(|song| {
            let name = folded(song.artist.as_deref())?;
            let next = numbers.len();
            let number = *numbers.entry(name).or_insert(next);
            counts.resize(numbers.len(), 0);
            counts[number] += 1;
            Some(number)
        });
        let artists = artists.collect();
        Spacing { window, artists, counts }
    }

    /// Makes every pair of neighbours by one artist dearer, by twice the dearest pair: the search
    /// then avoids most conflicts where avoiding them is cheap, and [`Spacing::repair`] finds little
    /// to do. Wider windows cannot be told to a search that sees pairs only.
    pub fn penalise(&self, costs: &mut CostMatrix) {
        if self.window < 2 {
            return;
        }
        let n = costs.len().min(self.artists.len());
        let rows = (0..n).flat_map(|a| costs.row(a).iter().copied());
        let penalty = 2.0 * rows.fold(0.0f32, |most, cost| most.max(cost.abs()));
        for a in 0..n {
            for b in (0..n).filter(|&b| b != a && self.same(a, b)) {
                costs.add(a, b, penalty);
            }
        }
    }

    /// All pairs by one artist that are closer than wished, in order of play.
    ///
    /// # Panics
    /// If the order names songs that are not there.
    pub fn conflicts(&self, order: &[usize], shape: Shape) -> Vec<Conflict> {
        let n = order.len();
        let mut found = Vec::new();
        for first in 0..n {
            for steps in 1..self.window.min(n) {
                let second = first + steps;
                let reached = second < n || shape == Shape::Closed;
                if reached && self.same(order[first], order[second % n]) {
                    found.push(Conflict { first, second: second % n, steps });
                }
            }
        }
        found
    }

    /// Moves songs until no artist comes twice within the window, or as seldom as can be found,
    /// making the tour longer by as little as can be found. An artist with too many songs for the
    /// window is spread as evenly as the number allows. A closed tour may begin elsewhere then; a
    /// given first song stays first.
    ///
    /// # Panics
    /// If the order names songs that are not there.
    pub fn repair(&self, costs: &CostMatrix, order: &[usize], shape: Shape) -> Repair {
        let mut order = order.to_vec();
        if !self.conflicts(&order, shape).is_empty() {
            order = self.mended(costs, order, shape);
        }
        let length = tour_length(costs, &order, shape);
        let left = self.conflicts(&order, shape);
        Repair { order, length, left }
    }

    fn mended(&self, costs: &CostMatrix, order: Vec<usize>, shape: Shape) -> Vec<usize> {
        let mut seats = Seats::new(costs, self, shape, order);
        if seats.settle() > 0 {
            let even = even::spread(
                costs,
                self,
                &self.needs(seats.order().len(), shape),
                shape,
                seats.order(),
            );
            let mut other = Seats::new(costs, self, shape, even);
            if other.settle() < seats.conflicts() {
                seats = other;
            }
        }
        seats.polish();
        seats.into_order()
    }

    /// Steps that each artist can keep between songs: the window, or less where there are too many.
    fn needs(&self, songs: usize, shape: Shape) -> Vec<usize> {
        let most = |&count: &usize| match (shape, count) {
            (_, 0 | 1) => self.window,
            (Shape::Closed, count) => songs / count,
            (Shape::Open { .. }, count) => (songs - 1) / (count - 1),
        };
        self.counts.iter().map(|count| self.window.min(most(count))).collect()
    }

    /// Among so many songs in a row no artist comes twice.
    pub(super) fn window(&self) -> usize {
        self.window
    }

    /// Whether two songs are by one artist.
    pub(super) fn same(&self, a: usize, b: usize) -> bool {
        self.artists[a].is_some() && self.artists[a] == self.artists[b]
    }
}

#[cfg(test)]
mod tests;
