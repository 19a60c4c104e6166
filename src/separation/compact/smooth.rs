//! Means and openings of loudness over time and over frequency.
//!
//! An opening is the running maximum of the running minimum: it keeps what lasts as long as its
//! window and takes away what is shorter. All windows are centred and end with the song or the
//! spectrum.

use super::BINS;
use super::tape::Tape;

/// Bins on either side in the mean over frequency.
const MEAN_BINS: usize = 8;
/// Bins in the window of the opening over frequency.
const OPENING_BINS: usize = 9;
/// Bins worked on together when rows are compared.
const LANES: usize = 32;

/// The mean over a window of time, for each bin.
pub struct MeanOverTime {
    reach: usize,
    /// Sums of the rows in the window, in 64 bits: what was added can be taken away again.
    sum: Vec<f64>,
    added: usize,
}

impl MeanOverTime {
    /// A mean over `reach` rows on either side.
    pub fn new(reach: usize) -> Self {
        MeanOverTime { reach, sum: vec![0.0; BINS], added: 0 }
    }

    /// Writes the mean around row `now`; rows are asked for one after the other from 0 on.
    pub fn at(&mut self, tape: &Tape, now: usize, out: &mut [f32]) {
        for row in self.added..tape.end().min(now + self.reach + 1) {
            for (sum, x) in self.sum.iter_mut().zip(tape.at(row)) {
                *sum += f64::from(*x);
            }
            self.added = row + 1;
        }
        if let Some(gone) = now.checked_sub(self.reach + 1) {
            for (sum, x) in self.sum.iter_mut().zip(tape.at(gone)) {
                *sum -= f64::from(*x);
            }
        }
        let share = 1.0 / (self.added - now.saturating_sub(self.reach)) as f64;
        for (out, sum) in out.iter_mut().zip(&self.sum) {
            *out = (sum * share) as f32;
        }
    }
}

/// The opening over a window of time, for each bin.
pub struct OpeningOverTime {
    reach: usize,
    minima: Tape,
}

impl OpeningOverTime {
    /// An opening over `reach` rows on either side.
    pub fn new(reach: usize) -> Self {
        OpeningOverTime { reach, minima: Tape::new(BINS) }
    }

    /// Writes the opening around row `now`; rows are asked for one after the other from 0 on.
    pub fn at(&mut self, tape: &Tape, now: usize, out: &mut [f32]) {
        for row in self.minima.end()..tape.end().min(now + self.reach + 1) {
            let rows: Vec<&[f32]> = tape.around(row, self.reach).collect();
            fold_rows(&rows, self.minima.push(), lesser);
        }
        let rows: Vec<&[f32]> = self.minima.around(now, self.reach).collect();
        fold_rows(&rows, out, greater);
        self.minima.forget_before(now.saturating_sub(self.reach));
    }
}

/// Folds the values of all rows at each place.
fn fold_rows(rows: &[&[f32]], out: &mut [f32], pick: impl Fn(f32, f32) -> f32) {
    let Some((first, rest)) = rows.split_first() else { return };
    for (block, out) in out.chunks_mut(LANES).enumerate() {
        let places = block * LANES..block * LANES + out.len();
        let mut lanes = [0.0; LANES];
        let lanes = &mut lanes[..out.len()];
        lanes.copy_from_slice(&first[places.clone()]);
        for row in rest {
            for (lane, x) in lanes.iter_mut().zip(&row[places.clone()]) {
                *lane = pick(*lane, *x);
            }
        }
        out.copy_from_slice(lanes);
    }
}

/// Mean and opening along one row.
pub struct RowFilters {
    /// Sums of all values before each place.
    before: Vec<f64>,
    padded: Vec<f32>,
}

impl RowFilters {
    /// Filters of rows of `BINS` values.
    pub fn new() -> Self {
        RowFilters { before: vec![0.0; BINS + 1], padded: vec![0.0; BINS + OPENING_BINS - 1] }
    }

    /// Writes the mean over the bins around each.
    pub fn mean(&mut self, row: &[f32], out: &mut [f32]) {
        let mut sum = 0.0;
        for (before, x) in self.before[1..].iter_mut().zip(row) {
            sum += f64::from(*x);
            *before = sum;
        }
        for (bin, out) in out.iter_mut().enumerate() {
            let (low, high) = (bin.saturating_sub(MEAN_BINS), BINS.min(bin + MEAN_BINS + 1));
            *out = ((self.before[high] - self.before[low]) / (high - low) as f64) as f32;
        }
    }

    /// Writes the opening over the bins around each.
    pub fn opening(&mut self, row: &[f32], out: &mut [f32]) {
        self.slide(row, f32::INFINITY, lesser, out);
        let minima = out.to_vec();
        self.slide(&minima, f32::NEG_INFINITY, greater, out);
    }

    /// Folds the values in the window around each place, `beyond` standing outside the row.
    ///
    /// A window of 2n values is two windows of n: each step doubles what a place stands for.
    fn slide(&mut self, row: &[f32], beyond: f32, pick: impl Fn(f32, f32) -> f32, out: &mut [f32]) {
        let reach = OPENING_BINS / 2;
        self.padded[..reach].fill(beyond);
        self.padded[reach..reach + BINS].copy_from_slice(row);
        self.padded[reach + BINS..].fill(beyond);
        let mut width = 1;
        while width < OPENING_BINS {
            let step = width.min(OPENING_BINS - width);
            for i in 0..self.padded.len() - step {
                self.padded[i] = pick(self.padded[i], self.padded[i + step]);
            }
            width += step;
        }
        out.copy_from_slice(&self.padded[..BINS]);
    }
}

// Unlike `f32::min` and `max` these are one instruction; no value here is NaN.
#[inline(always)]
fn lesser(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

#[inline(always)]
fn greater(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Draws, Seed};

    const ROWS: usize = 40;

    /// Random rows, a fourth of whose values are equal to others.
    fn noise() -> Vec<Vec<f32>> {
        let mut draws = Seed(4).stream("noise");
        let mut value = || match draws.choice(4) {
            0 => draws.choice(3) as f32,
            _ => 4.0 * draws.uniform() as f32,
        };
        (0..ROWS).map(|_| (0..BINS).map(|_| value()).collect()).collect()
    }

    fn tape(rows: &[Vec<f32>]) -> Tape {
        let mut tape = Tape::new(BINS);
        rows.iter().for_each(|row| tape.push().copy_from_slice(row));
        tape
    }

    /// Folds the values at most `reach` away from each, straight from the definition.
    fn fold(values: &[f32], reach: usize, pick: impl Fn(&[f32]) -> f32) -> Vec<f32> {
        let window = |i: usize| i.saturating_sub(reach)..values.len().min(i + reach + 1);
        (0..values.len()).map(|i| pick(&values[window(i)])).collect()
    }

    fn mean(values: &[f32]) -> f32 {
        values.iter().sum::<f32>() / values.len() as f32
    }

    fn opening(values: &[f32], reach: usize) -> Vec<f32> {
        let minima = fold(values, reach, |x| x.iter().copied().fold(f32::INFINITY, f32::min));
        fold(&minima, reach, |x| x.iter().copied().fold(f32::NEG_INFINITY, f32::max))
    }

    fn close(found: &[f32], wanted: &[f32], what: &str) {
        for (i, (found, wanted)) in found.iter().zip(wanted).enumerate() {
            assert!((found - wanted).abs() < 1e-5, "{what}, place {i}: {found} for {wanted}");
        }
    }

    #[test]
    fn over_time_they_are_what_the_definitions_say_up_to_both_ends() {
        let rows = noise();
        for reach in [1, 4, 8, 12, 32] {
            let (tape, mut out) = (tape(&rows), vec![0.0; BINS]);
            let mut smooth = (MeanOverTime::new(reach), OpeningOverTime::new(reach));
            let mut found = vec![(Vec::new(), Vec::new()); BINS];
            for now in 0..ROWS {
                smooth.0.at(&tape, now, &mut out);
                found.iter_mut().zip(&out).for_each(|(found, x)| found.0.push(*x));
                smooth.1.at(&tape, now, &mut out);
                found.iter_mut().zip(&out).for_each(|(found, x)| found.1.push(*x));
            }
            for (bin, found) in found.iter().enumerate().step_by(41) {
                let column: Vec<f32> = rows.iter().map(|row| row[bin]).collect();
                let what = format!("reach {reach}, bin {bin}");
                close(&found.0, &fold(&column, reach, mean), &what);
                assert_eq!(found.1, opening(&column, reach), "{what}");
            }
        }
    }

    #[test]
    fn over_frequency_they_are_what_the_definitions_say_up_to_both_ends() {
        let (mut filters, mut out) = (RowFilters::new(), vec![0.0; BINS]);
        for row in noise() {
            filters.mean(&row, &mut out);
            close(&out, &fold(&row, MEAN_BINS, mean), "mean");
            filters.opening(&row, &mut out);
            assert_eq!(out, opening(&row, OPENING_BINS / 2));
        }
    }
}
