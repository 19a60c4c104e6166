//! An order made anew around the artists with the most songs.

use super::Spacing;
use crate::order::costs::CostMatrix;
use crate::order::tour::Shape;

/// Seats are filled from the first on. Of the artists that may come again, those come first whose
/// songs need the most room in what is left; among their songs the cheapest one. Where none may
/// come, the one whose last song is the longest ago does.
pub(super) fn spread(
    costs: &CostMatrix,
    spacing: &Spacing,
    needs: &[usize],
    shape: Shape,
    order: &[usize],
) -> Vec<usize> {
    let mut left = order.to_vec();
    let mut rest = spacing.counts.clone();
    let mut heard: Vec<Option<usize>> = vec![None; rest.len()];
    let mut made: Vec<usize> = Vec::with_capacity(order.len());
    let fixed = matches!(shape, Shape::Open { first: Some(_) });
    while !left.is_empty() {
        let place = made.len();
        let cost = |song: usize| made.last().map_or(0.0, |&last| costs.get(last, song));
        // Steps still missing, room needed, cost: the least of all.
        let rank = |song: usize| {
            let Some(artist) = spacing.artists[song] else { return (0, 0, cost(song)) };
            let missing = heard[artist].map_or(0, |at| needs[artist].saturating_sub(place - at));
            let room = (rest[artist] - 1) * needs[artist];
            let urgent = room + needs[artist] >= left.len();
            (missing, if urgent { -(room as isize) } else { 0 }, cost(song))
        };
        let ranked = |k: &usize| rank(left[*k]);
        let by_rank = |a: &usize, b: &usize| {
            let ((ma, ra, ca), (mb, rb, cb)) = (ranked(a), ranked(b));
            (ma, ra).cmp(&(mb, rb)).then(ca.total_cmp(&cb))
        };
        let fixed_now = fixed && place == 0;
        let at = if fixed_now { Some(0) } else { (0..left.len()).min_by(by_rank) };
        let Some(at) = at else { break };
        let song = left.swap_remove(at);
        if let Some(artist) = spacing.artists[song] {
            rest[artist] -= 1;
            heard[artist] = Some(place);
        }
        made.push(song);
    }
    made
}
