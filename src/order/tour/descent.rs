//! Local moves: as long as one of them makes the circle shorter, it is made.

use std::collections::VecDeque;

use super::near::Near;
use super::ring::Ring;

/// Longest section that is moved elsewhere as it is or turned round.
const LONGEST: usize = 3;

/// Walks downhill from stop to stop. Stops whose surroundings did not change since they were last
/// looked at are not looked at again.
pub(super) struct Descent {
    near: Near,
    waiting: VecDeque<u32>,
    waits: Vec<bool>,
    /// Changes weighed so far.
    pub(super) weighed: u64,
}

impl Descent {
    pub(super) fn new(near: Near, stops: usize) -> Descent {
        Descent { near, waiting: VecDeque::new(), waits: vec![false; stops], weighed: 0 }
    }

    /// Has a stop looked at.
    pub(super) fn look_at(&mut self, stop: u32) {
        if !std::mem::replace(&mut self.waits[stop as usize], true) {
            self.waiting.push_back(stop);
        }
    }

    /// Makes moves until no stop that waits has one left, or until `most` changes were weighed.
    pub(super) fn run(&mut self, ring: &mut Ring, most: u64) {
        while self.weighed < most
            && let Some(stop) = self.waiting.pop_front()
        {
            self.waits[stop as usize] = false;
            while self.weighed < most && self.improve(ring, stop) {}
        }
        while let Some(stop) = self.waiting.pop_front() {
            self.waits[stop as usize] = false;
        }
    }

    fn improve(&mut self, ring: &mut Ring, stop: u32) -> bool {
        let before = ring.length();
        let moved = self.turn_after(ring, stop)
            || self.turn_before(ring, stop)
            || self.carry_any(ring, stop)
            || self.exchange(ring, stop);
        debug_assert!(!moved || ring.length() < before, "a move made the circle longer");
        moved
    }

    fn changed(&mut self, stops: [u32; 6]) -> bool {
        stops.into_iter().for_each(|stop| self.look_at(stop));
        true
    }

    /// Turns a section round so that `a` is followed by a nearer stop.
    fn turn_after(&mut self, ring: &mut Ring, a: u32) -> bool {
        let (at, next) = (ring.place(a), ring.after(a));
        let old = ring.cost(a, next);
        for k in 0..self.near.after(a).len() {
            let b = self.near.after(a)[k];
            if ring.cost(a, b) >= old {
                break;
            }
            self.weighed += 1;
            let (stops, end) = (ring.steps(at, ring.place(b)), ring.after(b));
            let gain = old + ring.cost(b, end) - ring.cost(a, b) - ring.cost(next, end);
            if ring.turn(at + 1, stops) < gain {
                ring.reverse(at + 1, stops);
                return self.changed([a, b, next, end, a, a]);
            }
        }
        false
    }

    /// Turns a section round so that `a` is preceded by a nearer stop.
    fn turn_before(&mut self, ring: &mut Ring, a: u32) -> bool {
        let (at, last) = (ring.place(a), ring.before(a));
        let old = ring.cost(last, a);
        for k in 0..self.near.before(a).len() {
            let b = self.near.before(a)[k];
            if ring.cost(b, a) >= old {
                break;
            }
            self.weighed += 1;
            let (from, begin) = (ring.place(b), ring.before(b));
            let stops = ring.steps(from, at);
            let gain = old + ring.cost(begin, b) - ring.cost(b, a) - ring.cost(begin, last);
            if ring.turn(from, stops) < gain {
                ring.reverse(from, stops);
                return self.changed([a, b, last, begin, a, a]);
            }
        }
        false
    }

    /// Carries a short section that begins or ends with `a` to another place.
    fn carry_any(&mut self, ring: &mut Ring, a: u32) -> bool {
        (1..=LONGEST.min(ring.len() - 3)).any(|stops| {
            let at = ring.place(a);
            self.carry(ring, a, at, stops)
                || stops > 1 && self.carry(ring, a, at + ring.len() + 1 - stops, stops)
        })
    }

    /// Carries the section of `stops` stops from place `from`, in which `a` is first or last, to
    /// where `a` gets a near neighbour; turned round where that is better.
    fn carry(&mut self, ring: &mut Ring, a: u32, from: usize, stops: usize) -> bool {
        let section = Section::new(ring, ring.wrap(from), stops);
        if section.gain <= 0 {
            return false;
        }
        for before_a in [true, false] {
            for k in 0..self.near.after(a).len() {
                let list = if before_a { self.near.before(a) } else { self.near.after(a) };
                let b = list[k];
                let cost = if before_a { ring.cost(b, a) } else { ring.cost(a, b) };
                if cost >= section.gain - section.turn.min(0) {
                    break;
                }
                self.weighed += 1;
                // The arc that is opened for the section.
                let left = if before_a { b } else { ring.before(b) };
                if section.shorter(ring, left, a, before_a) {
                    let ends = [section.before, section.after, left, ring.after(left)];
                    let [c, d, e, f] = ends;
                    section.carry(ring, left, section.turned(a, before_a));
                    return self.changed([a, section.other(a), c, d, e, f]);
                }
            }
        }
        false
    }

    /// Exchanges two neighbouring sections of any length, both as they are, so that `a` is
    /// followed by a nearer stop.
    fn exchange(&mut self, ring: &mut Ring, a: u32) -> bool {
        let (at, next) = (ring.place(a), ring.after(a));
        let old = ring.cost(a, next);
        for k in 0..self.near.after(a).len() {
            let b = self.near.after(a)[k];
            let first = old - ring.cost(a, b);
            if first <= 0 {
                break;
            }
            let b_before = ring.before(b);
            let first = first + ring.cost(b_before, b);
            for m in 0..self.near.before(next).len() {
                let c = self.near.before(next)[m];
                let second = first - ring.cost(c, next);
                if second <= 0 {
                    break;
                }
                self.weighed += 1;
                let sections = [
                    ring.steps(at, ring.place(b)) - 1,
                    ring.steps(ring.place(b), ring.place(c)) + 1,
                ];
                // `c` must lie in what follows `b`, before the circle comes back to `a`.
                if sections[0] + sections[1] >= ring.len() {
                    continue;
                }
                let c_after = ring.after(c);
                if second + ring.cost(c, c_after) > ring.cost(b_before, c_after) {
                    exchange_shortest(ring, at + 1, sections);
                    return self.changed([a, next, b_before, b, c, c_after]);
                }
            }
        }
        false
    }
}

/// Exchanges two sections. The rest of the circle is a third one, and exchanging any two of three
/// gives the same circle: the two shortest are moved.
fn exchange_shortest(ring: &mut Ring, from: usize, [one, two]: [usize; 2]) {
    let rest = ring.len() - one - two;
    let from = ring.wrap(from);
    if rest >= one.max(two) {
        ring.exchange(from, one, two);
    } else if one >= two {
        ring.exchange(ring.wrap(from + one), two, rest);
    } else {
        ring.exchange(ring.wrap(from + one + two), rest, one);
    }
}

/// A short section taken out of the circle.
struct Section {
    from: usize,
    stops: usize,
    first: u32,
    last: u32,
    before: u32,
    after: u32,
    /// What is saved by leaving it out.
    gain: i64,
    /// What it costs more when turned round.
    turn: i64,
}

impl Section {
    fn new(ring: &mut Ring, from: usize, stops: usize) -> Section {
        let (first, last) = (ring.at(from), ring.at(from + stops - 1));
        let (before, after) = (ring.before(first), ring.after(last));
        let gain = ring.cost(before, first) + ring.cost(last, after) - ring.cost(before, after);
        let turn = if stops > 1 { ring.turn(from, stops) } else { 0 };
        Section { from, stops, first, last, before, after, gain, turn }
    }

    fn other(&self, end: u32) -> u32 {
        if end == self.first { self.last } else { self.first }
    }

    /// Whether the section stands the other way round once `a` has its new neighbour.
    fn turned(&self, a: u32, before_a: bool) -> bool {
        self.stops > 1 && (a == self.first) != before_a
    }

    /// Whether the circle gets shorter with the section between `left` and the stop after it.
    fn shorter(&self, ring: &Ring, left: u32, a: u32, before_a: bool) -> bool {
        let inside = ring.steps(self.from, ring.place(left)) < self.stops;
        if inside || left == self.before {
            return false;
        }
        let right = ring.after(left);
        let turned = self.turned(a, before_a);
        let (begin, end) = if turned { (self.last, self.first) } else { (self.first, self.last) };
        let put = ring.cost(left, begin) + ring.cost(end, right) - ring.cost(left, right);
        put + if turned { self.turn } else { 0 } < self.gain
    }

    /// Moves the section behind `left`, past whichever side of the circle is shorter.
    fn carry(&self, ring: &mut Ring, left: u32, turned: bool) {
        let ahead = ring.steps(self.from, ring.place(left)) + 1 - self.stops;
        let behind = ring.len() - self.stops - ahead;
        let at = if ahead <= behind {
            ring.exchange(self.from, self.stops, ahead);
            self.from + ahead
        } else {
            let from = ring.wrap(self.from + ring.len() - behind);
            ring.exchange(from, behind, self.stops);
            from
        };
        if turned {
            ring.reverse(at, self.stops);
        }
    }
}
