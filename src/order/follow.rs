//! Songs in an order whose energy follows a curve.
//!
//! What a place costs depends on where it is, so it is no tour: a way of so many songs is looked for
//! among all of them, by changes at random that are taken where they make it better, and at first
//! also where they do not (simulated annealing). Counted in steps, so every machine finds the same.

use std::collections::HashSet;
use std::ops::Range;

use super::arrange::OrderOptions;
use super::compare::Comparison;
use super::costs::CostMatrix;
use super::energy::{EnergyCurve, energy_places};
use super::song::SongFacts;
use super::spacing::Spacing;
use crate::base::{Cancel, Draws, Result, SeededDraws};

/// What missing the curve by the whole range would cost, in transitions of the worst kind. The square
/// of the distance counts: a song a little off is free, one far off is not worth any transition.
const WEIGHT: f64 = 3.0;
/// What two songs of one artist side by side cost.
const CLASH: f64 = 2.0;
/// Steps of work for each place of the way, and for each song there is.
const STEPS: (u64, u64) = (4_000, 400);
/// Worsening that is still taken now and then, at first and at last.
const HEAT: (f64, f64) = (0.3, 0.002);
/// Longest section turned round or carried elsewhere.
const LONGEST: usize = 24;
/// Steps between two looks at the wish to stop.
const LOOK: u64 = 4_096;
/// Times the energies due are told anew.
const ROUNDS: u32 = 3;

/// What a way through some of the songs should be like.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// How the energy goes up and down.
    pub curve: EnergyCurve,
    /// The part of the curve that the way is laid along.
    pub part: Range<f64>,
    /// How many songs.
    pub count: usize,
    /// About how long each song is heard, in any unit.
    pub stays: Vec<f64>,
    /// The song that was played before.
    pub before: Option<usize>,
    /// Songs that must be in.
    pub keep: Vec<usize>,
}

impl Wanted {
    /// The energies due at the middle of each stay of some songs in a row.
    fn energies(&self, order: &[usize]) -> Vec<f64> {
        let all: f64 = order.iter().map(|&song| self.stays[song]).sum();
        let mut gone = 0.0;
        let due = |&song: &usize| {
            gone += self.stays[song];
            let share = if all > 0.0 { (gone - self.stays[song] / 2.0) / all } else { 0.5 };
            self.curve.at(self.part.start + share * (self.part.end - self.part.start))
        };
        order.iter().map(due).collect()
    }
}

/// Chooses as many of `songs` as are wanted, in an order that is good to play and follows the
/// curve. `shape` of the options is not looked at.
///
/// # Errors
/// As [`super::arrange`].
pub fn follow(
    songs: &[SongFacts],
    wanted: &Wanted,
    options: &OrderOptions,
    cancel: &Cancel,
) -> Result<Vec<usize>> {
    let mut costs = CostMatrix::between(&Comparison::new(songs, &options.weights))?;
    costs.vary(options.variety, options.seed);
    let spacing = Spacing::new(songs, options.window);
    let places = energy_places(songs);
    let mut way = Way::new(&costs, &spacing, &places, wanted);
    let usual = STEPS.0 * way.order.len() as u64 + STEPS.1 * songs.len() as u64;
    let steps = options.effort.map_or(usual, |most| most.min(usual));
    let mut draws = options.seed.stream("energy");
    let mut best = (f64::INFINITY, way.order.clone());
    // When a song is heard depends on how long those before it stay. So the energies due at each
    // place are taken from the way found, and the next one is looked for with those.
    for round in 0..ROUNDS {
        let heat = HEAT.0 / f64::from(1 << (2 * round));
        for step in 0..steps >> round.min(1) {
            if step % LOOK == 0 {
                cancel.check()?;
            }
            let share = step as f64 / (steps >> round.min(1)) as f64;
            way.change(heat * (HEAT.1 / heat).powf(share), &mut draws);
        }
        way.settle();
        if way.cost < best.0 {
            best = (way.cost, way.order.clone());
        }
    }
    Ok(best.1)
}

struct Way<'a> {
    costs: &'a CostMatrix,
    spacing: &'a Spacing,
    places: &'a [f64],
    wanted: &'a Wanted,
    /// The energy due at each place.
    due: Vec<f64>,
    order: Vec<usize>,
    rest: Vec<usize>,
    cost: f64,
    best: (f64, Vec<usize>),
}

impl<'a> Way<'a> {
    fn new(
        costs: &'a CostMatrix,
        spacing: &'a Spacing,
        places: &'a [f64],
        wanted: &'a Wanted,
    ) -> Way<'a> {
        let (order, rest) = begun(places, wanted);
        let due = wanted.energies(&order);
        let best = (f64::INFINITY, order.clone());
        let mut way = Way { costs, spacing, places, wanted, due, order, rest, cost: 0.0, best };
        way.weigh();
        way
    }

    /// What all of it costs; it is the best so far.
    fn weigh(&mut self) {
        self.cost = (0..=self.order.len()).map(|i| self.arc(i)).sum();
        let places = (0..self.order.len()).map(|i| self.place(i) + self.clash(i) / 2.0);
        self.cost += places.sum::<f64>();
        self.best = (self.cost, self.order.clone());
    }

    /// Goes back to the best way found and tells anew which energy is due when.
    fn settle(&mut self) {
        let all: HashSet<usize> = self.order.drain(..).chain(self.rest.drain(..)).collect();
        self.order.clone_from(&self.best.1);
        let used: HashSet<usize> = self.order.iter().copied().collect();
        self.rest = all.into_iter().filter(|song| !used.contains(song)).collect();
        self.rest.sort_unstable();
        self.due = self.wanted.energies(&self.order);
        self.weigh();
    }

    /// From the place before to this one; past the end there is nothing.
    fn arc(&self, to: usize) -> f64 {
        let from = if to == 0 { self.wanted.before } else { self.order.get(to - 1).copied() };
        match (from, self.order.get(to)) {
            (Some(from), Some(&to)) if from == to => CLASH,
            (Some(from), Some(&to)) => f64::from(self.costs.get(from, to)),
            _ => 0.0,
        }
    }

    fn place(&self, at: usize) -> f64 {
        WEIGHT * (self.places[self.order[at]] - self.due[at]).powi(2)
    }

    /// What songs of its artist nearby cost.
    fn clash(&self, at: usize) -> f64 {
        let window = self.spacing.window();
        let near = at.saturating_sub(window.saturating_sub(1))..(at + window).min(self.order.len());
        let same = near.filter(|&i| i != at && self.spacing.same(self.order[i], self.order[at]));
        same.map(|i| CLASH * (window - i.abs_diff(at)) as f64 / window as f64).sum()
    }

    /// All that depends on the songs of some places. Songs that clash among them count twice,
    /// before a change and after it.
    fn around(&self, places: std::ops::Range<usize>) -> f64 {
        let arcs: f64 = (places.start..=places.end).map(|i| self.arc(i)).sum();
        arcs + places.map(|i| self.place(i) + self.clash(i)).sum::<f64>()
    }

    fn change(&mut self, heat: f64, draws: &mut SeededDraws) {
        let n = self.order.len();
        if n == 0 {
            return;
        }
        let (i, kind) = (draws.choice(n), draws.choice(8));
        let last = (i + 1 + draws.choice(LONGEST)).min(n - 1);
        match kind {
            0 | 1 => self.section(i, last, heat, draws, |part| part.reverse()),
            2 => self.section(i, last, heat, draws, |part| part.rotate_left(1)),
            3 => self.section(i, last, heat, draws, |part| part.rotate_right(1)),
            4 | 5 if !self.rest.is_empty() => self.replace(i, heat, draws),
            _ => self.swap(i, draws.choice(n), heat, draws),
        }
    }

    fn section(
        &mut self,
        from: usize,
        to: usize,
        heat: f64,
        draws: &mut SeededDraws,
        turn: impl Fn(&mut [usize]),
    ) {
        let part = from..to + 1;
        let (before, old) = (self.around(part.clone()), self.order[part.clone()].to_vec());
        turn(&mut self.order[part.clone()]);
        if !self.taken(self.around(part.clone()) - before, heat, draws) {
            self.order[part].copy_from_slice(&old);
        }
    }

    fn swap(&mut self, i: usize, j: usize, heat: f64, draws: &mut SeededDraws) {
        let (i, j) = (i.min(j), i.max(j));
        if j - i < 2 {
            return;
        }
        let around = |way: &Self| {
            let shared = if j == i + 1 { way.arc(j) } else { 0.0 };
            way.around(i..i + 1) + way.around(j..j + 1) - shared
        };
        let before = around(self);
        self.order.swap(i, j);
        if !self.taken(around(self) - before, heat, draws) {
            self.order.swap(i, j);
        }
    }

    fn replace(&mut self, i: usize, heat: f64, draws: &mut SeededDraws) {
        if self.wanted.keep.contains(&self.order[i]) {
            return;
        }
        let other = draws.choice(self.rest.len());
        let before = self.around(i..i + 1);
        std::mem::swap(&mut self.order[i], &mut self.rest[other]);
        if !self.taken(self.around(i..i + 1) - before, heat, draws) {
            std::mem::swap(&mut self.order[i], &mut self.rest[other]);
        }
    }

    /// Whether a change that costs so much more is made.
    fn taken(&mut self, more: f64, heat: f64, draws: &mut SeededDraws) -> bool {
        if more > 0.0 && draws.uniform() >= (-more / heat).exp() {
            return false;
        }
        self.cost += more;
        if self.cost < self.best.0 - 1e-9 {
            self.best.0 = self.cost;
            self.best.1.copy_from_slice(&self.order);
        }
        true
    }
}

/// A way to begin with: what must be in, then the song nearest to each place's energy; and the rest.
fn begun(places: &[f64], wanted: &Wanted) -> (Vec<usize>, Vec<usize>) {
    let mut rest: Vec<usize> = (0..places.len()).filter(|i| Some(*i) != wanted.before).collect();
    let count = wanted.count.min(rest.len());
    let mut order = Vec::new();
    for at in 0..count {
        let share = (at as f64 + 0.5) / count as f64;
        let part = &wanted.part;
        let energy = wanted.curve.at(part.start + share * (part.end - part.start));
        let kept = |i: &usize| wanted.keep.contains(i);
        let due = rest.iter().filter(|i| kept(i)).count() >= count - at;
        let off = |&i: &usize| (places[i] - energy).abs();
        let nearest = (0..rest.len())
            .filter(|&k| !due || kept(&rest[k]))
            .min_by(|&a, &b| off(&rest[a]).total_cmp(&off(&rest[b])));
        order.extend(nearest.map(|k| rest.swap_remove(k)));
    }
    (order, rest)
}

#[cfg(test)]
mod tests;
