//! Songs that change seats until artists are apart.

use std::collections::BTreeSet;

use super::Spacing;
use crate::order::costs::CostMatrix;
use crate::order::tour::Shape;

/// Rounds through all songs, for mending and for making shorter again.
const ROUNDS: usize = 20;
const POLISHING: usize = 3;

/// An order whose songs change seats in pairs.
pub(super) struct Seats<'a> {
    costs: &'a CostMatrix,
    spacing: &'a Spacing,
    shape: Shape,
    order: Vec<usize>,
    /// Seats whose songs changed.
    touched: BTreeSet<usize>,
}

impl<'a> Seats<'a> {
    pub(super) fn new(
        costs: &'a CostMatrix,
        spacing: &'a Spacing,
        shape: Shape,
        order: Vec<usize>,
    ) -> Seats<'a> {
        Seats { costs, spacing, shape, order, touched: BTreeSet::new() }
    }

    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    pub(super) fn into_order(self) -> Vec<usize> {
        self.order
    }

    /// Twice the squares of all steps missing between songs of one artist: one pair side by side
    /// is worse than several that nearly keep the distance.
    pub(super) fn conflicts(&self) -> usize {
        (0..self.order.len()).map(|place| self.clashes(place)).sum()
    }

    /// Lets songs in conflict change seats as long as that helps; the conflicts that stay.
    pub(super) fn settle(&mut self) -> usize {
        let helps = |(clashes, _): (isize, f64)| clashes < 0;
        for _ in 0..ROUNDS {
            let in_conflict = self.free_seats().filter(|&place| self.clashes(place) > 0).collect();
            if !self.exchange(in_conflict, helps) {
                break;
            }
        }
        self.conflicts()
    }

    /// Lets the songs that moved, and those beside them, change seats again where the tour gets
    /// shorter and no conflict worse.
    pub(super) fn polish(&mut self) {
        let shorter = |(clashes, cost): (isize, f64)| clashes <= 0 && cost < -1e-9;
        for _ in 0..POLISHING {
            let beside = |&seat: &usize| [seat.saturating_sub(1), seat, seat + 1];
            let near: BTreeSet<usize> =
                std::mem::take(&mut self.touched).iter().flat_map(beside).collect();
            let free = self.free_seats();
            if !self
                .exchange(near.into_iter().filter(|seat| free.contains(seat)).collect(), shorter)
            {
                return;
            }
        }
    }

    /// Gives each of the songs at `places` the best seat, where there is a good one.
    fn exchange(&mut self, places: Vec<usize>, good: impl Fn((isize, f64)) -> bool) -> bool {
        let mut any = false;
        for place in places {
            if let Some(other) = self.best_exchange(place, &good) {
                self.order.swap(place, other);
                self.touched.extend([place, other]);
                any = true;
            }
        }
        any
    }

    /// Seats whose songs may leave them.
    fn free_seats(&self) -> std::ops::Range<usize> {
        let fixed = matches!(self.shape, Shape::Open { first: Some(_) });
        usize::from(fixed)..self.order.len()
    }

    /// The seat for the song at `place` with the least conflict and, among those, the least cost.
    fn best_exchange(
        &mut self,
        place: usize,
        good: impl Fn((isize, f64)) -> bool,
    ) -> Option<usize> {
        let mut best: Option<((isize, f64), usize)> = None;
        for other in self.free_seats() {
            let change = self.change(place, other);
            if good(change) && best.is_none_or(|(least, _)| change < least) {
                best = Some((change, other));
            }
        }
        best.map(|(_, other)| other)
    }

    /// What exchanging two songs does to the conflicts and to the length.
    fn change(&mut self, a: usize, b: usize) -> (isize, f64) {
        let (clashes, cost) = self.around(a, b);
        self.order.swap(a, b);
        let (after, dearer) = self.around(a, b);
        self.order.swap(a, b);
        (after as isize - clashes as isize, dearer - cost)
    }

    fn around(&self, a: usize, b: usize) -> (usize, f64) {
        let n = self.order.len();
        let mut arcs = [(a + n - 1) % n, a, (b + n - 1) % n, b];
        arcs.sort_unstable();
        let fresh = |k: &usize| *k == 0 || arcs[*k] != arcs[*k - 1];
        let cost = (0..4).filter(fresh).map(|k| self.arc(arcs[k])).sum();
        (self.clashes(a) + self.clashes(b), cost)
    }

    fn arc(&self, from: usize) -> f64 {
        let n = self.order.len();
        if from + 1 == n && self.shape != Shape::Closed {
            return 0.0;
        }
        f64::from(self.costs.get(self.order[from], self.order[(from + 1) % n]))
    }

    /// The squares of the steps missing between the song at `place` and others by its artist.
    fn clashes(&self, place: usize) -> usize {
        let n = self.order.len();
        let Some(artist) = self.spacing.artists[self.order[place]] else { return 0 };
        let by_same = |seat: usize| self.spacing.artists[self.order[seat]] == Some(artist);
        let closed = self.shape == Shape::Closed;
        let ahead = |steps: usize| match place + steps {
            seat if seat < n => by_same(seat),
            seat => closed && by_same(seat - n),
        };
        let behind = |steps: usize| match place.checked_sub(steps) {
            Some(seat) => by_same(seat),
            None => closed && by_same(place + n - steps),
        };
        let window = self.spacing.window;
        let found = |steps: usize| usize::from(ahead(steps)) + usize::from(behind(steps));
        (1..window.min(n)).map(|steps| found(steps) * (window - steps).pow(2)).sum()
    }
}
