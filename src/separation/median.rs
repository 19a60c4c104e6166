//! Running medians by selection networks, many lanes at a time.
//!
//! A selection network is a fixed list of compare-exchange steps that brings the median of its
//! inputs to the middle place whatever their order. Having no branches, it runs on a whole block
//! of neighbouring bins at once. The lists are Batcher's merge-exchange sort (K. E. Batcher,
//! "Sorting networks and their applications", 1968; Knuth, TAOCP 3, 5.2.2 M) with every step
//! left out that the middle place does not depend on.

/// Values moved through the network together; four SSE registers.
const LANES: usize = 16;
/// Places in the work area; a power of two, so that masking an index keeps it in bounds.
const PLACES: usize = 64;
/// The longest kernel.
const MAX_TAPS: usize = PLACES - 1;

type Lanes = [f32; LANES];

/// What a step of the network must leave behind for later steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Smaller,
    Larger,
    Both,
}

/// Compares places `low` and `high`; the smaller value goes to `low`.
#[derive(Clone, Copy, Debug)]
struct Step {
    low: u8,
    high: u8,
    keep: Keep,
}

/// Median filter of a fixed odd number of taps.
#[derive(Debug)]
pub struct Median {
    taps: usize,
    steps: Vec<Step>,
    work: Box<[Lanes; PLACES]>,
    /// The row with its mirrored borders, for [`Median::along_row`].
    padded: Vec<f32>,
}

impl Median {
    /// A median of `taps` values; even or outlandish counts are moved to the nearest odd one in
    /// `1..=63`.
    pub fn new(taps: usize) -> Self {
        let taps = taps.clamp(1, MAX_TAPS) | 1;
        Median {
            taps,
            steps: selection_network(taps),
            work: Box::new([[0.0; LANES]; PLACES]),
            padded: Vec::new(),
        }
    }

    /// Writes to `out[i]` the median of the values at `i` of all rows.
    ///
    /// There must be one row a tap; places beyond the end of a row count as zero.
    pub fn across_rows(&mut self, rows: &[&[f32]], out: &mut [f32]) {
        assert_eq!(rows.len(), self.taps, "one row a tap");
        for (block, out) in out.chunks_mut(LANES).enumerate() {
            let start = block * LANES;
            for (lanes, row) in self.work.iter_mut().zip(rows) {
                *lanes = load(row.get(start..).unwrap_or(&[]));
            }
            self.settle(out);
        }
    }

    /// Writes to `out[i]` the median of the `taps` values of `row` around `i`.
    ///
    /// The row is continued by its mirror image at both ends (`d c b a | a b c d | d c b a`).
    pub fn along_row(&mut self, row: &[f32], out: &mut [f32]) {
        let reach = self.taps / 2;
        self.padded.clear();
        self.padded.extend(
            (0..row.len() + 2 * reach).map(|i| row[mirror(i as isize - reach as isize, row.len())]),
        );
        for (block, out) in out.chunks_mut(LANES).enumerate() {
            let start = block * LANES;
            for (tap, lanes) in self.work.iter_mut().enumerate().take(self.taps) {
                *lanes = load(self.padded.get(start + tap..).unwrap_or(&[]));
            }
            self.settle(out);
        }
    }

    /// Runs the network over the work area and hands out its middle place.
    fn settle(&mut self, out: &mut [f32]) {
        let work = &mut self.work;
        for step in &self.steps {
            let (low, high) = (usize::from(step.low) % PLACES, usize::from(step.high) % PLACES);
            let (a, b) = (work[low], work[high]);
            if step.keep != Keep::Larger {
                work[low] = std::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] });
            }
            if step.keep != Keep::Smaller {
                work[high] = std::array::from_fn(|i| if a[i] < b[i] { b[i] } else { a[i] });
            }
        }
        out.copy_from_slice(&work[self.taps / 2][..out.len()]);
    }
}

/// The place `0..len` that `index` falls on when `0..len` is mirrored at both borders, again and
/// again for indices far outside.
///
/// `len` must not be zero.
pub fn mirror(index: isize, len: usize) -> usize {
    let place = index.rem_euclid(2 * len as isize) as usize;
    if place < len { place } else { 2 * len - 1 - place }
}

fn load(from: &[f32]) -> Lanes {
    match from.first_chunk::<LANES>() {
        Some(lanes) => *lanes,
        None => std::array::from_fn(|i| from.get(i).copied().unwrap_or(0.0)),
    }
}

/// The compare-exchange steps that bring the median of `taps` values to place `taps / 2`.
fn selection_network(taps: usize) -> Vec<Step> {
    let mut wanted = [false; PLACES];
    wanted[taps / 2] = true;
    let mut steps = Vec::new();
    for (low, high) in merge_exchange(taps).into_iter().rev() {
        let keep = match (wanted[low], wanted[high]) {
            (false, false) => continue,
            (true, false) => Keep::Smaller,
            (false, true) => Keep::Larger,
            (true, true) => Keep::Both,
        };
        (wanted[low], wanted[high]) = (true, true);
        steps.push(Step { low: low as u8, high: high as u8, keep });
    }
    steps.reverse();
    steps
}

/// The comparisons of Batcher's merge exchange for `n` values, in order.
fn merge_exchange(n: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    let top = n.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            pairs.extend((0..n.saturating_sub(d)).filter(|i| i & p == r).map(|i| (i, i + d)));
            if q == p {
                break;
            }
            d = q - p;
            q /= 2;
            r = p;
        }
        p /= 2;
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Draws, Seed};

    /// Random values of which a third are equal to others.
    fn random_row(len: usize, purpose: &str) -> Vec<f32> {
        let mut draws = Seed(1).stream(purpose);
        (0..len)
            .map(|_| match draws.choice(3) {
                0 => draws.choice(4) as f32,
                _ => 8.0 * draws.uniform() as f32 - 4.0,
            })
            .collect()
    }

    fn sorted_median(mut values: Vec<f32>) -> f32 {
        values.sort_by(f32::total_cmp);
        values[values.len() / 2]
    }

    #[test]
    fn along_a_row_it_is_the_sorted_median_up_to_the_borders() {
        for taps in [1, 3, 5, 9, 17, 21, 31, 63] {
            for len in [1, 2, 7, 16, 33, 97, 1025] {
                let row = random_row(len, "row");
                let mut out = vec![0.0; len];
                Median::new(taps).along_row(&row, &mut out);
                // Mirrored by building the continued row, not by index arithmetic.
                let back: Vec<f32> = row.iter().rev().copied().collect();
                let period = [&back[..], &row[..]].concat();
                let centre = 2 * len * 32 + len;
                let continued = period.repeat(66);
                for (i, median) in out.iter().enumerate() {
                    let first = centre + i - taps / 2;
                    let expected = sorted_median(continued[first..first + taps].to_vec());
                    assert_eq!(*median, expected, "{taps} taps, length {len}, place {i}");
                }
            }
        }
    }

    #[test]
    fn across_rows_it_is_the_sorted_median() {
        for taps in [1, 3, 17, 21, 31, 63] {
            let rows: Vec<_> = (0..taps).map(|i| random_row(100, &format!("row {i}"))).collect();
            let views: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let mut out = vec![0.0; 100];
            Median::new(taps).across_rows(&views, &mut out);
            for (i, median) in out.iter().enumerate() {
                assert_eq!(*median, sorted_median(rows.iter().map(|row| row[i]).collect()));
            }
        }
    }

    /// The 0-1 principle: a network of comparisons that finds the median of every sequence of
    /// zeros and ones finds it of every sequence.
    #[test]
    fn every_sequence_of_zeros_and_ones_has_its_median_found() {
        for taps in [3, 5, 7, 9, 11, 13, 15] {
            let count = 1usize << taps;
            let value = |pattern: usize, tap: usize| (pattern >> tap & 1) as f32;
            let rows: Vec<Vec<f32>> =
                (0..taps).map(|tap| (0..count).map(|p| value(p, tap)).collect()).collect();
            let views: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
            let mut out = vec![0.5; count];
            Median::new(taps).across_rows(&views, &mut out);
            for (pattern, median) in out.iter().enumerate() {
                let expected = f32::from(u8::from(pattern.count_ones() as usize > taps / 2));
                assert_eq!(*median, expected, "{taps} taps, {pattern:b}");
            }
        }
    }

    #[test]
    fn even_and_outlandish_tap_counts_are_mended() {
        let taps = |wanted| Median::new(wanted).taps;
        assert_eq!(
            [taps(0), taps(1), taps(4), taps(63), taps(64), taps(1000)],
            [1, 1, 5, 63, 63, 63]
        );
    }

    #[test]
    fn mirror_folds_from_any_distance() {
        let places: Vec<usize> = (-7..=9).map(|i| mirror(i, 3)).collect();
        assert_eq!(places, [0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2, 2]);
        assert_eq!([mirror(-5, 1), mirror(0, 1), mirror(8, 1)], [0, 0, 0]);
    }
}
