//! The way through all songs that costs least.
//!
//! Up to 12 songs the best tour is computed exactly. Beyond that it is searched for: a greedy tour
//! is improved by local moves, then kicked and improved again for as long as the effort lasts. The
//! effort is counted in steps of work, not in seconds, so every machine finds the same tour.
//! Inside, every tour is a circle; open ways are circles with a free arc (see [`Wheel`]).

mod descent;
mod exact;
mod kicks;
mod near;
mod ring;
mod wheel;

use super::costs::CostMatrix;
use crate::base::{Cancel, Error, ErrorKind, Result, Seed};
use wheel::Wheel;

/// Up to this many stops the best circle is computed.
const EXACT: usize = 12;
/// Below this many stops the local moves have no room.
const LEAST: usize = 5;

/// Whether the last song is followed by the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Endless play: the last song leads back to the first.
    Closed,
    /// One mix with a beginning and an end.
    Open {
        /// The song to begin with; any where it is `None`.
        first: Option<usize>,
    },
}

/// A way through all songs.
#[derive(Clone, Debug, PartialEq)]
pub struct Tour {
    /// Every song once, in order of play.
    pub order: Vec<usize>,
    /// Sum of the costs from each song to the next; see [`tour_length`].
    pub length: f64,
    /// Steps of work done.
    pub effort: u64,
}

/// Steps of work that bring a tour near what much longer runs find: half a second to a few
/// seconds for 1,000 songs.
pub fn default_effort(songs: usize) -> u64 {
    songs as u64 * 60_000
}

/// The sum of the costs from each song to the next, and back to the first where the tour is closed.
///
/// # Panics
/// If the order names songs that have no costs.
pub fn tour_length(costs: &CostMatrix, order: &[usize], shape: Shape) -> f64 {
    let along: f64 = order.windows(2).map(|pair| f64::from(costs.get(pair[0], pair[1]))).sum();
    match (shape, order.first(), order.last()) {
        (Shape::Closed, Some(&first), Some(&last)) => along + f64::from(costs.get(last, first)),
        _ => along,
    }
}

/// The cheapest tour that `effort` steps of work find; the best there is for a handful of songs.
///
/// A closed tour begins with the song of index 0: turn it with [`rotate_after`].
///
/// # Errors
/// `ErrorKind::Usage` where the first song is not among the songs, `ErrorKind::Interrupted`.
pub fn find_tour(
    costs: &CostMatrix,
    shape: Shape,
    effort: u64,
    seed: Seed,
    cancel: &Cancel,
) -> Result<Tour> {
    check_first(costs, shape)?;
    let wheel = Wheel::new(costs, shape);
    let (circle, spent) = if wheel.len() <= EXACT {
        (exact::best_circle(&wheel), 0)
    } else {
        kicks::search(&wheel, &near::greedy_circle(&wheel), effort, seed, cancel)?
    };
    let order = wheel.open(&circle);
    Ok(Tour { length: tour_length(costs, &order, shape), order, effort: spent })
}

/// Searches on from a known tour. The result is never longer than `order`; its first song stays
/// first in closed tours and in open ones that say so.
///
/// # Errors
/// `ErrorKind::Internal` unless `order` names every song once (and first the one that must be),
/// `ErrorKind::Interrupted`.
pub fn improve(
    costs: &CostMatrix,
    order: &[usize],
    shape: Shape,
    effort: u64,
    seed: Seed,
    cancel: &Cancel,
) -> Result<Tour> {
    check_first(costs, shape)?;
    check_order(costs, order, shape)?;
    let wheel = Wheel::new(costs, shape);
    let (circle, spent) = if wheel.len() < LEAST {
        (exact::best_circle(&wheel), 0)
    } else {
        kicks::search(&wheel, &wheel.close(order), effort, seed, cancel)?
    };
    let mut found = wheel.open(&circle);
    if let (Shape::Closed, Some(&first)) = (shape, order.first()) {
        turn_to(&mut found, first);
    }
    let length = tour_length(costs, &found, shape);
    let before = tour_length(costs, order, shape);
    if length < before {
        return Ok(Tour { order: found, length, effort: spent });
    }
    Ok(Tour { order: order.to_vec(), length: before, effort: spent })
}

fn check_first(costs: &CostMatrix, shape: Shape) -> Result<()> {
    match shape {
        Shape::Open { first: Some(first) } if first >= costs.len() => {
            Err(Error::new(ErrorKind::Usage, format!("no song {} to begin with", first + 1))
                .because(format!("there are {} songs", costs.len())))
        }
        _ => Ok(()),
    }
}

fn check_order(costs: &CostMatrix, order: &[usize], shape: Shape) -> Result<()> {
    let mut seen = vec![false; costs.len()];
    let each = order.iter().all(|&s| s < seen.len() && !std::mem::replace(&mut seen[s], true));
    let begins = match shape {
        Shape::Open { first: Some(first) } => order.first() == Some(&first),
        _ => true,
    };
    if each && begins && order.len() == costs.len() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Internal, "a tour to improve is no order of the songs")
        .because(format!("{} entries for {} songs", order.len(), costs.len())))
}

/// Reverses the section from place `i` to place `j`, both included. Where `i` lies behind `j` the
/// section between them stays, and what is left of it and right of it is reversed and changes sides:
/// the move of the original's hill climbing.
///
/// # Panics
/// If there are no such places.
pub fn reverse_section(order: &mut [usize], i: usize, j: usize) {
    if i <= j {
        order[i..=j].reverse();
        return;
    }
    let kept = i - j + 1;
    let right = order.len() - i - 1;
    // Left, kept and right become right reversed, kept, left reversed.
    order.reverse();
    order[right..right + kept].reverse();
}

/// Turns a closed tour so that it begins after `last`, which then ends it: this is how lists are
/// chained. `false` where `last` is not in it; the order is left as it is then.
pub fn rotate_after(order: &mut [usize], last: usize) -> bool {
    let Some(place) = order.iter().position(|&song| song == last) else { return false };
    order.rotate_left(place + 1);
    true
}

fn turn_to(order: &mut [usize], first: usize) {
    if let Some(place) = order.iter().position(|&song| song == first) {
        order.rotate_left(place);
    }
}

#[cfg(test)]
mod tests;
