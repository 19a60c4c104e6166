//! Which stops are worth looking at, and a first circle.

use super::wheel::Wheel;

/// Cheapest neighbours looked at, on either side of a stop.
const NEAR: usize = 10;

/// For each stop the cheapest stops after it and before it, cheapest first.
pub(super) struct Near {
    each: usize,
    after: Vec<u32>,
    before: Vec<u32>,
}

impl Near {
    pub(super) fn new(wheel: &Wheel) -> Near {
        let n = wheel.len() as u32;
        let each = NEAR.min(wheel.len().saturating_sub(1));
        let after = (0..n).flat_map(|a| cheapest(n, each, a, |b| wheel.cost(a, b))).collect();
        let before = (0..n).flat_map(|b| cheapest(n, each, b, |a| wheel.cost(a, b))).collect();
        Near { each, after, before }
    }

    pub(super) fn after(&self, a: u32) -> &[u32] {
        &self.after[a as usize * self.each..][..self.each]
    }

    pub(super) fn before(&self, b: u32) -> &[u32] {
        &self.before[b as usize * self.each..][..self.each]
    }
}

/// The cheapest `each` stops but `own`; of equal ones the first.
fn cheapest(n: u32, each: usize, own: u32, cost: impl Fn(u32) -> i64) -> Vec<u32> {
    let mut stops: Vec<(i64, u32)> =
        (0..n).filter(|&stop| stop != own).map(|stop| (cost(stop), stop)).collect();
    if each > 0 && each < stops.len() {
        stops.select_nth_unstable(each - 1);
        stops.truncate(each);
    }
    stops.sort_unstable();
    stops.into_iter().map(|(_, stop)| stop).collect()
}

/// Always on to the cheapest stop left: a circle good enough to begin with.
pub(super) fn greedy_circle(wheel: &Wheel) -> Vec<u32> {
    let mut left: Vec<u32> = (1..wheel.len() as u32).collect();
    let mut circle = vec![0u32];
    let mut here = 0;
    while let Some(at) = (0..left.len()).min_by_key(|&i| (wheel.cost(here, left[i]), left[i])) {
        here = left.swap_remove(at);
        circle.push(here);
    }
    circle
}
