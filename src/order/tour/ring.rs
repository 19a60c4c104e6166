//! A circle that knows what each of its sections would cost the other way round.

use super::wheel::Wheel;

/// A circle of stops, changed by nothing but reversals of sections, so that any change can be
/// taken back. Places are counted modulo the number of stops.
pub(super) struct Ring<'a> {
    wheel: &'a Wheel,
    order: Vec<u32>,
    place: Vec<u32>,
    /// For the arc from each place to the next: what it costs more when walked backwards.
    turn: Vec<i64>,
    /// `sums[k]` is the sum of `turn[..k]`, right up to and including `sums[good]`.
    sums: Vec<i64>,
    good: usize,
    length: i64,
    /// Reversals made since the last [`Ring::keep`]: first place and number of stops.
    made: Vec<(usize, usize)>,
    /// Stops moved so far.
    pub(super) moved: u64,
}

impl<'a> Ring<'a> {
    pub(super) fn new(wheel: &'a Wheel, order: &[u32]) -> Ring<'a> {
        let n = order.len();
        let mut place = vec![0; n];
        order.iter().enumerate().for_each(|(k, &stop)| place[stop as usize] = k as u32);
        let pairs = || (0..n).map(|k| (order[k], order[(k + 1) % n]));
        let turn = pairs().map(|(a, b)| wheel.cost(b, a) - wheel.cost(a, b)).collect();
        let length = pairs().map(|(a, b)| wheel.cost(a, b)).sum();
        Ring {
            wheel,
            order: order.to_vec(),
            place,
            turn,
            sums: vec![0; n + 1],
            good: 0,
            length,
            made: Vec::new(),
            moved: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn length(&self) -> i64 {
        self.length
    }

    pub(super) fn order(&self) -> &[u32] {
        &self.order
    }

    pub(super) fn cost(&self, a: u32, b: u32) -> i64 {
        self.wheel.cost(a, b)
    }

    pub(super) fn place(&self, stop: u32) -> usize {
        self.place[stop as usize] as usize
    }

    /// The stop at a place, which may lie one round ahead.
    pub(super) fn at(&self, place: usize) -> u32 {
        self.order[self.wrap(place)]
    }

    /// A place below twice the number of stops, brought into the circle.
    pub(super) fn wrap(&self, place: usize) -> usize {
        if place >= self.len() { place - self.len() } else { place }
    }

    pub(super) fn after(&self, stop: u32) -> u32 {
        self.at(self.place(stop) + 1)
    }

    pub(super) fn before(&self, stop: u32) -> u32 {
        self.at(self.place(stop) + self.len() - 1)
    }

    /// Steps forward from one place to another.
    pub(super) fn steps(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.len() - from }
    }

    /// What the inner arcs of a section cost more the other way round.
    pub(super) fn turn(&mut self, from: usize, stops: usize) -> i64 {
        self.mend_sums();
        let (from, arcs) = (self.wrap(from), stops - 1);
        let to = from + arcs;
        if to <= self.len() {
            return self.sums[to] - self.sums[from];
        }
        self.sums[self.len()] - self.sums[from] + self.sums[to - self.len()]
    }

    fn mend_sums(&mut self) {
        let mut sum = self.sums[self.good];
        for k in self.good..self.len() {
            sum += self.turn[k];
            self.sums[k + 1] = sum;
        }
        self.good = self.len();
    }

    /// Reverses the section of `stops` stops that begins at place `from`.
    pub(super) fn reverse(&mut self, from: usize, stops: usize) {
        let from = self.wrap(from);
        self.made.push((from, stops));
        self.moved += stops as u64;
        self.flip(from, stops);
    }

    fn flip(&mut self, from: usize, stops: usize) {
        if stops < 2 {
            return;
        }
        let n = self.len();
        let (head, tail) = (self.wrap(from + n - 1), self.wrap(from + stops - 1));
        self.length -= self.arc(head) + if head == tail { 0 } else { self.arc(tail) };
        let (mut i, mut j) = (from, tail);
        for _ in 0..stops / 2 {
            self.order.swap(i, j);
            self.place[self.order[i] as usize] = i as u32;
            self.place[self.order[j] as usize] = j as u32;
            (i, j) = (self.wrap(i + 1), if j == 0 { n - 1 } else { j - 1 });
        }
        self.flip_turns(from, stops - 1);
        for place in [head, tail] {
            let (a, b) = (self.at(place), self.at(place + 1));
            self.turn[place] = self.cost(b, a) - self.cost(a, b);
        }
        self.length += self.arc(head) + if head == tail { 0 } else { self.arc(tail) };
        let low = if from == 0 || from + stops > n { 0 } else { from - 1 };
        self.good = self.good.min(low);
    }

    /// Reverses the extra costs of `arcs` arcs and changes their signs.
    fn flip_turns(&mut self, from: usize, arcs: usize) {
        if arcs == 0 {
            return;
        }
        let n = self.len();
        let (mut i, mut j) = (from, self.wrap(from + arcs - 1));
        let mut changed = 0;
        for _ in 0..arcs / 2 {
            changed += self.turn[i] + self.turn[j];
            (self.turn[i], self.turn[j]) = (-self.turn[j], -self.turn[i]);
            (i, j) = (self.wrap(i + 1), if j == 0 { n - 1 } else { j - 1 });
        }
        if arcs % 2 == 1 {
            changed += self.turn[i];
            self.turn[i] = -self.turn[i];
        }
        self.length += changed;
    }

    fn arc(&self, place: usize) -> i64 {
        self.cost(self.at(place), self.at(place + 1))
    }

    /// Exchanges two neighbouring sections, the first of which begins at `from`.
    pub(super) fn exchange(&mut self, from: usize, first: usize, second: usize) {
        self.reverse(from, first + second);
        self.reverse(from, second);
        self.reverse(from + second, first);
    }

    /// Makes the changes so far lasting.
    pub(super) fn keep(&mut self) {
        self.made.clear();
    }

    /// Takes back what changed since the last [`Ring::keep`].
    pub(super) fn take_back(&mut self) {
        while let Some((from, stops)) = self.made.pop() {
            self.moved += stops as u64;
            self.flip(from, stops);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Draws, Seed};
    use crate::order::CostMatrix;
    use crate::order::tour::Shape;

    #[test]
    fn lengths_and_turns_stay_right_through_any_reversals_and_back() {
        let mut draws = Seed(3).stream("ring");
        for n in [5usize, 6, 17] {
            let values = (0..n * n).map(|_| draws.uniform() as f32).collect();
            let wheel = Wheel::new(&CostMatrix::new(n, values).unwrap(), Shape::Closed);
            let start: Vec<u32> = (0..n as u32).collect();
            let mut ring = Ring::new(&wheel, &start);
            let length = ring.length();
            for _ in 0..300 {
                ring.reverse(draws.choice(n), 1 + draws.choice(n));
                let fresh = Ring::new(&wheel, &ring.order);
                assert_eq!(ring.length, fresh.length);
                assert_eq!((&ring.turn, &ring.place), (&fresh.turn, &fresh.place));
                let (from, stops) = (draws.choice(n), 1 + draws.choice(n));
                let arcs = (0..stops - 1).map(|k| fresh.turn[(from + k) % n]);
                assert_eq!(ring.turn(from, stops), arcs.sum::<i64>());
            }
            ring.take_back();
            assert_eq!((ring.order(), ring.length()), (&start[..], length));
        }
    }

    #[test]
    fn exchanged_sections_change_places_and_nothing_else_does() {
        let wheel = Wheel::new(&CostMatrix::new(7, vec![0.0; 49]).unwrap(), Shape::Closed);
        let mut ring = Ring::new(&wheel, &[0, 1, 2, 3, 4, 5, 6]);
        ring.exchange(5, 1, 3);
        assert_eq!(ring.order(), [1, 5, 2, 3, 4, 6, 0]);
    }
}
