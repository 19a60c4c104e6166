//! Which recordings are the same.
//!
//! Marks with equal bits are looked up in a sorted list, so of a library only songs that share
//! some are ever compared; what is compared must agree along all of both songs, not only in a loop
//! or a sample that both use.

use super::{Mark, SoundPrint};

/// Starts of one recording may be this many hops apart: 20 s.
const SHIFT: i64 = 1_723;
/// Marks of two files of a recording lie no further apart than so many hops.
const NEAR: i64 = 5;
/// Bits that more marks than this have tell nothing: a drum machine, a test tone.
const COMMON: usize = 32;
/// Equal bits at the same distance that make a comparison worth while.
const VOTES: usize = 2;
/// Least marks that agree in time, and their least share of all.
const LEAST_MARKS: usize = 8;
const LEAST_SHARE: f64 = 0.6;
/// Most bits that may differ in marks that agree in time. Strangers differ in half of them.
const MOST_ERRORS: f64 = 0.125;

/// How alike two recordings are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Likeness {
    /// Hops by which the second begins earlier in the recording.
    pub shift: i64,
    /// Marks of the one that lie where the other has one.
    pub met: usize,
    /// The same as a share of all marks of the one that has more.
    pub share: f64,
    /// Share of bits that differ in those marks.
    pub errors: f64,
}

impl Likeness {
    /// Whether both are the same recording.
    pub fn is_same(&self) -> bool {
        self.met >= LEAST_MARKS && self.share >= LEAST_SHARE && self.errors <= MOST_ERRORS
    }
}

/// All pairs of equal recordings, by number, the lower one first; sorted.
pub fn same_sounds(prints: &[&SoundPrint]) -> Vec<(usize, usize)> {
    let mut votes = votes(prints);
    votes.sort_unstable();
    let mut found = Vec::new();
    for pair in votes.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let (a, b) = (pair[0].0 as usize, pair[0].1 as usize);
        if let Some(shift) = most_wanted(pair)
            && compare(prints[a], prints[b], shift).is_same()
        {
            found.push((a, b));
        }
    }
    found
}

/// Songs that have bits in common, and how far apart.
fn votes(prints: &[&SoundPrint]) -> Vec<(u32, u32, i32)> {
    let marks = |(song, print): (usize, &&SoundPrint)| {
        let entry = move |mark: &Mark| (mark.bits, song as u32, mark.at);
        print.marks.iter().map(entry).collect::<Vec<_>>()
    };
    let mut all: Vec<(u32, u32, u32)> = prints.iter().enumerate().flat_map(marks).collect();
    all.sort_unstable();
    let mut votes = Vec::new();
    for same in all.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() <= COMMON) {
        for (i, &(_, a, at)) in same.iter().enumerate() {
            for &(_, b, other) in &same[i + 1..] {
                let shift = i64::from(other) - i64::from(at);
                if a != b && shift.abs() <= SHIFT {
                    votes.push((a, b, shift as i32));
                }
            }
        }
    }
    votes
}

/// The distance that most of a pair's marks with equal bits have.
fn most_wanted(votes: &[(u32, u32, i32)]) -> Option<i64> {
    let near = |i: usize| votes[i..].partition_point(|v| i64::from(v.2 - votes[i].2) <= NEAR);
    let (count, first) = (0..votes.len()).map(|i| (near(i), i)).max_by_key(|&(n, i)| (n, !i))?;
    let middle = votes[first + count / 2].2;
    (count >= VOTES).then_some(i64::from(middle))
}

/// How alike two recordings are, the second one being `shift` hops late.
pub fn compare(a: &SoundPrint, b: &SoundPrint, shift: i64) -> Likeness {
    let (mut met, mut wrong, mut next) = (0, 0, 0);
    for mark in &a.marks {
        let due = i64::from(mark.at) + shift;
        let off = |m: &Mark| i64::from(m.at) - due;
        next += b.marks[next..].partition_point(|m| off(m) < -NEAR);
        if let Some(other) = b.marks.get(next).filter(|m| off(m) <= NEAR) {
            met += 1;
            wrong += (mark.bits ^ other.bits).count_ones();
            next += 1;
        }
    }
    let most = a.marks.len().max(b.marks.len()).max(1);
    let errors = f64::from(wrong) / (32 * met.max(1)) as f64;
    Likeness { shift, met, share: met as f64 / most as f64, errors }
}
