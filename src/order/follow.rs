//! Songs in an order whose energy follows a curve.
//!
//! What a place costs depends on where it is, so it is no tour: a way of so many songs is looked for
//! among all of them, by changes at random that are taken where they make it better, and at first
//! also where they do not (simulated annealing). Counted in steps, so every machine finds the same.

use super::arrange::OrderOptions;
use super::compare::Comparison;
use super::costs::CostMatrix;
use super::energy::energy_places;
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

/// What a way through some of the songs should be like.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// The energy of each place, 0..=1 among all songs; as many places as songs are wanted.
    pub energies: Vec<f64>,
    /// The song that was played before.
    pub before: Option<usize>,
    /// Songs that must be in.
    pub keep: Vec<usize>,
}

/// Chooses as many of `songs` as are wanted, in an order that is good to play and follows the
/// wanted energies. `shape` of the options is not looked at.
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
    for step in 0..steps {
        if step % LOOK == 0 {
            cancel.check()?;
        }
        let cooled = HEAT.1 / HEAT.0;
        way.change(HEAT.0 * cooled.powf(step as f64 / steps as f64), &mut draws);
    }
    Ok(way.best.1)
}

struct Way<'a> {
    costs: &'a CostMatrix,
    spacing: &'a Spacing,
    places: &'a [f64],
    wanted: &'a Wanted,
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
        let best = (f64::INFINITY, order.clone());
        let mut way = Way { costs, spacing, places, wanted, order, rest, cost: 0.0, best };
        way.cost = (0..=way.order.len()).map(|i| way.arc(i)).sum();
        way.cost += (0..way.order.len()).map(|i| way.place(i) + way.clash(i) / 2.0).sum::<f64>();
        way.best.0 = way.cost;
        way
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
        WEIGHT * (self.places[self.order[at]] - self.wanted.energies[at]).powi(2)
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
    let count = wanted.energies.len().min(places.len());
    let mut rest: Vec<usize> = (0..places.len()).filter(|i| Some(*i) != wanted.before).collect();
    let mut order = Vec::new();
    for (at, energy) in wanted.energies[..count].iter().enumerate() {
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
