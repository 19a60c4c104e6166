//! Out of a valley and down again: improve, kick, improve, and keep what is no worse.

use super::descent::Descent;
use super::near::Near;
use super::ring::Ring;
use super::wheel::Wheel;
use crate::base::{Cancel, Draws, Result, Seed};

/// Longest of the three sections that a kick rearranges: it disturbs one neighbourhood only, so
/// that repairing it is quick however many songs there are.
const REACH: usize = 50;
/// Stops moved in the time one change is weighed.
const MOVED_A_STEP: u64 = 8;
/// Kicks between two looks at the wish to stop.
const LOOK: u64 = 256;

/// The best circle found from `start` with `effort` steps of work, never longer than it, and the
/// work done.
pub(super) fn search(
    wheel: &Wheel,
    start: &[u32],
    effort: u64,
    seed: Seed,
    cancel: &Cancel,
) -> Result<(Vec<u32>, u64)> {
    let mut draws = seed.stream("tour");
    let mut ring = Ring::new(wheel, start);
    let mut descent = Descent::new(Near::new(wheel), wheel.len());
    let spent = |ring: &Ring, descent: &Descent| descent.weighed + ring.moved / MOVED_A_STEP;
    start.iter().for_each(|&stop| descent.look_at(stop));
    descent.run(&mut ring, effort);
    ring.keep();
    let mut kicks = 0;
    while spent(&ring, &descent) < effort {
        if kicks % LOOK == 0 {
            cancel.check()?;
        }
        kicks += 1;
        let before = ring.length();
        kick(&mut ring, &mut descent, &mut draws);
        descent.run(&mut ring, effort);
        if ring.length() <= before {
            ring.keep();
        } else {
            ring.take_back();
        }
    }
    let spent = spent(&ring, &descent);
    Ok((ring.order().to_vec(), spent))
}

/// Puts three neighbouring sections into the opposite order, each as it is: four arcs change, and
/// no single move of the descent undoes it (Martin, Otto and Felten 1991).
fn kick(ring: &mut Ring, descent: &mut Descent, draws: &mut impl Draws) {
    let reach = REACH.min((ring.len() - 1) / 3).max(1);
    let from = draws.choice(ring.len());
    let sections: [usize; 3] = std::array::from_fn(|_| 1 + draws.choice(reach));
    let [first, second, third] = sections;
    let all = first + second + third;
    ring.reverse(from, all);
    ring.reverse(from, third);
    ring.reverse(from + third, second);
    ring.reverse(from + third + second, first);
    for place in [0, third, third + second, all] {
        let at = ring.wrap(ring.wrap(from + place));
        descent.look_at(ring.at(at));
        descent.look_at(ring.at(at + ring.len() - 1));
    }
}
