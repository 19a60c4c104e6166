//! Lists whose energy follows a curve over the mix.

use std::ops::Range;

use super::draw::VARIETY;
use super::{EnergyWish, Programme};
use crate::base::Result;
use crate::order::{OrderOptions, Shape, SongFacts, Wanted, follow};
use crate::pipeline::Context;

/// Fewest songs of a list: when the mix lasts longer than was thought, it goes on as it ends.
const FEWEST: usize = 4;
/// Length of a song of which none is known, in seconds.
const USUAL: f64 = 240.0;

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
        let (part, count) = self.part(list.len(), wish);
        let wanted = Wanted {
            curve: wish.curve.clone(),
            part,
            count,
            stays: facts.iter().map(|song| stay(song, wish)).collect(),
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

    /// The part of the curve that the next list is laid along, and how many songs it has of those
    /// there are.
    fn part(&self, songs: usize, wish: &EnergyWish) -> (Range<f64>, usize) {
        let Some(all) = wish.songs else { return (0.0..1.0, songs) };
        let (drawn, all) = (self.drawn, all.max(self.drawn + 1));
        let count = (all - drawn).max(FEWEST).min(songs);
        let share = |songs: usize| (songs as f64 / all as f64).min(1.0);
        (share(drawn)..share(drawn + count), count)
    }
}

/// About how long a song is heard, in seconds.
fn stay(song: &SongFacts, wish: &EnergyWish) -> f64 {
    let whole = song.duration.map_or(USUAL, |d| d.0.max(1.0));
    wish.longest.map_or(whole, |most| whole.min(most))
}
