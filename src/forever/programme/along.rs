//! Lists whose energy follows a curve over the mix.

use super::draw::VARIETY;
use super::{EnergyWish, Programme};
use crate::base::Result;
use crate::order::{OrderOptions, Shape, SongFacts, Wanted, follow};
use crate::pipeline::Context;

/// Fewest songs of a list: when the mix lasts longer than was thought, it goes on as it ends.
const FEWEST: usize = 4;

impl Programme {
    /// As many songs of a list as the mix still needs, in an order that follows the curve.
    pub(super) fn along(
        &mut self,
        context: &Context<'_>,
        list: &[usize],
        wish: &EnergyWish,
    ) -> Result<Vec<usize>> {
        let last = self.history.last();
        let anchor = last.and_then(|id| self.songs.iter().position(|song| song.id == id));
        let mut places = list.to_vec();
        places.extend(anchor.filter(|i| !list.contains(i)));
        let facts: Vec<SongFacts> = places.iter().map(|&i| self.facts[i].clone()).collect();
        let forced = |&i: &usize| self.forced.contains(&self.songs[places[i]].id);
        let wanted = Wanted {
            energies: self.energies(list.len(), wish),
            before: anchor.and_then(|a| places.iter().position(|&i| i == a)),
            keep: (0..list.len()).filter(forced).collect(),
        };
        let options = OrderOptions {
            weights: self.options.weights,
            shape: Shape::Open { first: None },
            window: self.options.artist_gap,
            variety: VARIETY,
            seed: self.list_seed(),
            effort: self.options.effort,
        };
        let order = follow(&facts, &wanted, &options, context.cancel)?;
        Ok(order.into_iter().map(|i| places[i]).collect())
    }

    /// What is asked for of the next songs.
    fn energies(&self, songs: usize, wish: &EnergyWish) -> Vec<f64> {
        let drawn = self.drawn;
        let all = wish.songs.unwrap_or(drawn + songs).max(drawn + 1);
        let count = (all - drawn).max(FEWEST).min(songs);
        let share = |i: usize| ((drawn + i) as f64 + 0.5) / all as f64;
        (0..count).map(|i| wish.curve.at(share(i).min(1.0))).collect()
    }
}
