//! From songs to an order, in one call.

use super::compare::Comparison;
use super::costs::CostMatrix;
use super::criteria::Weights;
use super::song::SongFacts;
use super::spacing::{Conflict, Spacing};
use super::tour::{Shape, default_effort, find_tour};
use crate::base::{Cancel, Result, Seed};

/// How songs are ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderOptions {
    /// What counts how much.
    pub weights: Weights,
    /// Endless or with a beginning and an end.
    pub shape: Shape,
    /// No artist comes twice among this many songs in a row; 0 and 1 leave it open.
    pub window: usize,
    /// How much chance has a say: every cost is raised by up to this share of the mean cost, drawn
    /// by the seed, so that every seed has a tour of its own. 0 finds the same tour for all.
    pub variety: f64,
    /// The seed of the search and of the variety.
    pub seed: Seed,
    /// Steps of work; [`default_effort`] where it is `None`.
    pub effort: Option<u64>,
}

/// An order of songs and what came of the wishes for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrangement {
    /// Every song once.
    pub order: Vec<usize>,
    /// The sum of the costs from each song to the next.
    pub length: f64,
    /// Songs of one artist that could not be kept apart.
    pub conflicts: Vec<Conflict>,
    /// Steps of work done.
    pub effort: u64,
}

/// Orders `songs` so that each follows well on the one before.
///
/// # Errors
/// `ErrorKind::Limit` for too many songs, `ErrorKind::Usage` where the first song is not among
/// them, `ErrorKind::Interrupted`.
pub fn arrange(
    songs: &[SongFacts],
    options: &OrderOptions,
    cancel: &Cancel,
) -> Result<Arrangement> {
    let costs = CostMatrix::between(&Comparison::new(songs, &options.weights))?;
    let spacing = Spacing::new(songs, options.window);
    let mut wished = costs.clone();
    wished.vary(options.variety, options.seed);
    spacing.penalise(&mut wished);
    let effort = options.effort.unwrap_or_else(|| default_effort(songs.len()));
    let tour = find_tour(&wished, options.shape, effort, options.seed, cancel)?;
    let repair = spacing.repair(&costs, &tour.order, options.shape);
    Ok(Arrangement {
        order: repair.order,
        length: repair.length,
        conflicts: repair.left,
        effort: tour.effort,
    })
}
