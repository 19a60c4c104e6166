//! Eleven local cues for each bin of each window: the evidence that median filters use, and more.

use realfft::num_complex::Complex32;

use super::curves::ln;
use super::level::{SCALE, loudness};
use super::smooth::{MeanOverTime, OpeningOverTime, RowFilters};
use super::surprise::Surprise;
use super::tape::Tape;
use super::{BINS, ROW};

/// Cues of a bin.
pub const CUES: usize = 11;
/// Rows in which a window is described: its cues and, last, the balance of the channels, from -1,
/// all is right, to 1.
pub const ROWS: usize = CUES + 1;
/// Windows on either side in the short and in the long mean over time.
const MEAN_REACH: [usize; 2] = [8, 32];
/// Windows on either side in the short and in the long opening over time.
const OPENING_REACH: [usize; 2] = [4, 12];
/// Windows after the one described that must be known.
const AHEAD: usize = 32;
/// Keeps the logarithm of silence finite; far below any sound.
const SILENCE: f32 = 0.02;
/// Keeps nothing divided by nothing finite.
const TINY: f32 = 1e-10;

/// The logarithmic scale of all cues but what the channels do not share.
#[inline(always)]
pub fn lg(x: f32) -> f32 {
    2.0 * ln(x + SILENCE)
}

/// Turns spectra into cues, some windows later.
pub struct Cues {
    level: f32,
    /// Loudness over level of each bin.
    loud: Tape,
    /// The same on the logarithmic scale.
    log: Tape,
    /// What the channels do not share.
    side: Tape,
    balance: Tape,
    surprise: Surprise,
    means: [MeanOverTime; 2],
    openings: [OpeningOverTime; 2],
    rows: RowFilters,
    now: usize,
    ended: bool,
}

impl Cues {
    /// Cues of a song of this level and so many channels.
    pub fn new(level: f32, channels: usize) -> Self {
        let tape = || Tape::new(BINS);
        Cues {
            level,
            loud: tape(),
            log: tape(),
            side: tape(),
            balance: tape(),
            surprise: Surprise::new(channels),
            means: MEAN_REACH.map(MeanOverTime::new),
            openings: OPENING_REACH.map(OpeningOverTime::new),
            rows: RowFilters::new(),
            now: 0,
            ended: false,
        }
    }

    /// Sees the spectra of the next window, one a channel.
    pub fn see(&mut self, spectra: &[Vec<Complex32>]) {
        let loud = self.loud.push();
        loudness(spectra, loud);
        let scale = 1.0 / self.level;
        loud.iter_mut().for_each(|x| *x *= scale);
        for (log, x) in self.log.push().iter_mut().zip(&*loud) {
            *log = lg(*x);
        }
        let (side, balance) = (self.side.push(), self.balance.push());
        match spectra {
            [left, right, ..] => compare(left, right, side, balance),
            _ => {
                side.fill(0.0);
                balance.fill(0.0);
            }
        }
        self.surprise.see(spectra);
    }

    /// Learns that no window follows.
    pub fn end(&mut self) {
        self.surprise.end();
        self.ended = true;
    }

    /// True where [`Cues::describe`] can describe one more window.
    pub fn ready(&self) -> bool {
        self.loud.end() > self.now + AHEAD || (self.ended && self.loud.end() > self.now)
    }

    /// Describes the next window in `ROWS` rows of `ROW` values.
    pub fn describe(&mut self, out: &mut [f32]) {
        let now = self.now;
        let (rows, _) = out.as_chunks_mut::<ROW>();
        let [log, mean, mean_bins, opening, opening_bins, rise, long_mean, long_opening, rows @ ..] =
            rows
        else {
            return;
        };
        let [side, new, ending, balance] = rows else { return };
        log[..BINS].copy_from_slice(self.log.at(now));
        self.means[0].at(&self.loud, now, &mut mean[..BINS]);
        self.rows.mean(self.loud.at(now), &mut mean_bins[..BINS]);
        // The logarithm keeps the order, so openings may be taken after it.
        self.openings[0].at(&self.log, now, &mut opening[..BINS]);
        self.rows.opening(self.log.at(now), &mut opening_bins[..BINS]);
        let before = self.log.at(now.saturating_sub(1));
        for (rise, (log, before)) in rise.iter_mut().zip(log.iter().zip(before)) {
            *rise = log - before;
        }
        self.means[1].at(&self.loud, now, &mut long_mean[..BINS]);
        self.openings[1].at(&self.log, now, &mut long_opening[..BINS]);
        side[..BINS].copy_from_slice(self.side.at(now));
        balance[..BINS].copy_from_slice(self.balance.at(now));
        new[..BINS].copy_from_slice(self.surprise.new_at(now));
        ending[..BINS].copy_from_slice(self.surprise.ending_at(now));
        let scale = 1.0 / self.level;
        for row in [&mut *new, &mut *ending] {
            row[..BINS].iter_mut().for_each(|x| *x *= scale);
        }
        for row in [mean, mean_bins, long_mean, new, ending] {
            row[..BINS].iter_mut().for_each(|x| *x = lg(*x));
        }
        self.now += 1;
        self.forget();
    }

    fn forget(&mut self) {
        self.loud.forget_before(self.now.saturating_sub(MEAN_REACH[1] + 1));
        self.log.forget_before(self.now.saturating_sub(OPENING_REACH[1] + 1));
        self.side.forget_before(self.now);
        self.balance.forget_before(self.now);
        self.surprise.forget_before(self.now);
    }
}

/// Writes twice the share of the power that two channels do not have in common, and how much more
/// of it is in the first.
fn compare(left: &[Complex32], right: &[Complex32], side: &mut [f32], balance: &mut [f32]) {
    for ((side, balance), (l, r)) in side.iter_mut().zip(balance).zip(left.iter().zip(right)) {
        let powers = (SCALE * l.norm_sqr(), SCALE * r.norm_sqr());
        let both = powers.0 + powers.1;
        *side = 2.0 * SCALE * (l - r).norm_sqr() / (2.0 * both + TINY);
        *balance = (powers.0 - powers.1) / (both + TINY);
    }
}
