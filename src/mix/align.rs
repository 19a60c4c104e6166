//! Where in one song a stretch of another fits best, beat by beat: the constrained search of Echo
//! Nest Remix capsule (`align`).

use std::borrow::Cow;

use crate::base::Seconds;

/// Offsets the search aims to have at least.
const MIN_SEARCH: usize = 4;
/// Rows compared at least.
const MIN_ROWS: usize = 2;
/// Half an octave, in octaves: beats further apart are halved.
const HALF_OCTAVE: f64 = 0.5;
/// Rows summed in single precision before the sum is carried over and a lost offset given up.
const BLOCK: usize = 16;

/// Beats in a row: what each sounds like, and how long one lasts on average.
#[derive(Clone, Copy, Debug)]
pub struct Strip<'a, const W: usize> {
    /// Features, one row a beat.
    pub rows: &'a [[f32; W]],
    /// Mean length of a beat.
    pub beat: Seconds,
}

/// Whether the stretch may end with the last row of the other song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOffset {
    /// It may not, as in capsule, whose plans depend on this.
    Excluded,
    /// It may.
    Included,
}

/// Where the rows of the track that leaves fit into the track that comes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// First row in the track that comes, counted in rows of `1/rate_to` beat.
    pub offset: usize,
    /// Pairs of rows that go together, at least 1.
    pub rows: usize,
    /// Parts into which each beat of the track that leaves is cut: 1 or 2.
    pub rate_from: usize,
    /// Parts into which each beat of the track that comes is cut: 1 or 2.
    pub rate_to: usize,
    /// Frobenius norm of the difference, over the rows compared.
    pub cost: f64,
}

/// One search: both strips at the same density, and the offsets that count.
#[derive(Clone, Debug)]
pub struct Search<'a, const W: usize> {
    pattern: Cow<'a, [[f32; W]]>,
    place: Cow<'a, [[f32; W]]>,
    rates: (usize, usize),
    offsets: usize,
}

/// Finds the offset at which `from` fits best into `to`; of equals the first. `None` where there
/// is no offset to try or nothing to pair.
pub fn align<const W: usize>(
    from: Strip<'_, W>,
    to: Strip<'_, W>,
    last: LastOffset,
) -> Option<Alignment> {
    Search::new(from, to, last).best()
}

/// Parts into which the beats of two tracks are cut so that their tempi are less than half an
/// octave apart: the slower beats are halved.
pub fn rates(from: Seconds, to: Seconds) -> (usize, usize) {
    let octaves = (from.0 / to.0).log2();
    if octaves < -HALF_OCTAVE {
        (1, 2)
    } else if octaves > HALF_OCTAVE {
        (2, 1)
    } else {
        (1, 1)
    }
}

impl<'a, const W: usize> Search<'a, W> {
    /// Brings both strips to one density. As many rows of `from` are compared as leave four
    /// offsets to try, but at least two.
    pub fn new(from: Strip<'a, W>, to: Strip<'a, W>, last: LastOffset) -> Self {
        let rates = rates(from.beat, to.beat);
        let (mut pattern, place) = (repeated(from.rows, rates.0), repeated(to.rows, rates.1));
        let rows = pattern.len().min(place.len().saturating_sub(MIN_SEARCH).max(MIN_ROWS));
        match &mut pattern {
            Cow::Borrowed(all) => *all = &all[..rows],
            Cow::Owned(all) => all.truncate(rows),
        }
        let legal = if rows == 0 { 0 } else { (place.len() + 1).saturating_sub(rows) };
        let offsets = match last {
            LastOffset::Included => legal,
            LastOffset::Excluded => legal.saturating_sub(1),
        };
        Search { pattern, place, rates, offsets }
    }

    /// Rows compared at each offset.
    pub fn rows(&self) -> usize {
        self.pattern.len()
    }

    /// Frobenius norm of the difference at every offset that counts.
    pub fn distances(&self) -> Vec<f64> {
        let at = |offset| self.squared(offset, f64::INFINITY).unwrap_or(f64::INFINITY).sqrt();
        (0..self.offsets).map(at).collect()
    }

    /// The best offset. Where the beats of `to` are halved it ends with a whole beat, which can
    /// take one row away.
    pub fn best(&self) -> Option<Alignment> {
        let (mut least, mut found) = (f64::INFINITY, None);
        for offset in 0..self.offsets {
            if let Some(squared) = self.squared(offset, least) {
                (least, found) = (squared, Some(offset));
            }
        }
        let (offset, (rate_from, rate_to)) = (found?, self.rates);
        let rows = self.rows() - (offset + self.rows()) % rate_to;
        (rows > 0).then_some(Alignment { offset, rows, rate_from, rate_to, cost: least.sqrt() })
    }

    /// Squared distance at an offset, if it is less than `limit`.
    fn squared(&self, offset: usize, limit: f64) -> Option<f64> {
        let mut sum = 0.0;
        let place = &self.place[offset..];
        for (ours, theirs) in self.pattern.chunks(BLOCK).zip(place.chunks(BLOCK)) {
            let mut lanes = [0.0f32; W];
            for (a, b) in ours.iter().zip(theirs) {
                for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
                    *lane += (a - b) * (a - b);
                }
            }
            sum += lanes.iter().map(|&lane| f64::from(lane)).sum::<f64>();
            if sum >= limit {
                return None;
            }
        }
        (sum < limit).then_some(sum)
    }
}

/// Every row `times` times.
fn repeated<const W: usize>(rows: &[[f32; W]], times: usize) -> Cow<'_, [[f32; W]]> {
    if times == 1 {
        return Cow::Borrowed(rows);
    }
    Cow::Owned(rows.iter().flat_map(|row| std::iter::repeat_n(*row, times)).collect())
}

#[cfg(test)]
mod tests;
