//! The best circle through a handful of stops (Held and Karp 1962).

use super::wheel::Wheel;

/// The cheapest circle, from stop 0 on. Work and memory double with each stop.
pub(super) fn best_circle(wheel: &Wheel) -> Vec<u32> {
    let n = wheel.len() as u32;
    if n <= 2 {
        return (0..n).collect();
    }
    // `best[set][last]`: the cheapest way from stop 0 through all of `set`, ending in `last`.
    // Bit k stands for stop k + 1.
    let others = (n - 1) as usize;
    let mut best = vec![i64::MAX; (1 << others) * others];
    for last in 0..others {
        best[(1 << last) * others + last] = wheel.cost(0, last as u32 + 1);
    }
    for set in 1..1usize << others {
        for last in (0..others).filter(|last| set >> last & 1 == 1) {
            let so_far = best[set * others + last];
            for next in (0..others).filter(|next| set >> next & 1 == 0) {
                let cost = so_far + wheel.cost(last as u32 + 1, next as u32 + 1);
                let cell = &mut best[(set | 1 << next) * others + next];
                *cell = cost.min(*cell);
            }
        }
    }
    walk_back(wheel, &best, others)
}

/// Reads the way from the table, from its end to its beginning.
fn walk_back(wheel: &Wheel, best: &[i64], others: usize) -> Vec<u32> {
    let mut circle = Vec::with_capacity(others + 1);
    let mut set = (1usize << others) - 1;
    let mut after = 0u32;
    while set != 0 {
        let ends = (0..others).filter(|last| set >> last & 1 == 1);
        let cost = |last: &usize| best[set * others + last] + wheel.cost(*last as u32 + 1, after);
        let Some(last) = ends.min_by_key(cost) else { break };
        after = last as u32 + 1;
        circle.push(after);
        set &= !(1 << last);
    }
    circle.push(0);
    circle.reverse();
    circle
}
