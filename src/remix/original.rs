//! The selection law of the original Infinite Remixer, draw for draw, kept for comparison.
//!
//! Its oddities are its own: the run counter counts one beat too many after a change of song, a
//! jump looks for a match of the beat just heard, and a song's end leads anywhere.

use super::library::Library;
use crate::base::{Draws, JumpRate};

/// Neighbours the original asked for.
const NEIGHBOURS: usize = 500;

/// Finds the rows most like a row, nearest first.
pub type Nearest<'a> = dyn Fn(usize, usize) -> Vec<usize> + 'a;

/// One chosen beat and whether it was reached by a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Row of the beat.
    pub row: usize,
    /// True where the jump rule chose it.
    pub jump: bool,
}

/// Beats counted back to and including the first of another song.
pub fn beats_with_last_song(songs: &[usize]) -> usize {
    let Some(last) = songs.last() else { return 0 };
    let same = songs.iter().rev().take_while(|song| *song == last).count();
    (same + 1).min(songs.len())
}

/// Probability of a jump after `n` such beats.
pub fn threshold(rate: JumpRate, n: usize) -> f64 {
    if n == 0 { 0.0 } else { rate.get() * (n as f64).log10() }
}

/// Chooses `count` beats. Fewer than 500 beats in the library are not an error here.
pub fn choose(
    library: &Library,
    rate: JumpRate,
    count: usize,
    nearest: &Nearest<'_>,
    draws: &mut dyn Draws,
) -> Vec<Choice> {
    let all = library.beats.len();
    let mut chosen: Vec<Choice> = Vec::with_capacity(count);
    let mut songs: Vec<usize> = Vec::with_capacity(count);
    while chosen.len() < count && all > 0 {
        let choice = match chosen.last() {
            None => Choice { row: draws.choice(all), jump: false },
            Some(last) => {
                let limit = threshold(rate, beats_with_last_song(&songs));
                if draws.uniform() <= limit {
                    Choice { row: jump(library, last.row, nearest), jump: true }
                } else {
                    let row = library.next[last.row].unwrap_or_else(|| draws.choice(all));
                    Choice { row, jump: false }
                }
            }
        };
        songs.push(library.beats[choice.row].song);
        chosen.push(choice);
    }
    chosen
}

fn jump(library: &Library, from: usize, nearest: &Nearest<'_>) -> usize {
    let rows = nearest(from, NEIGHBOURS.min(library.beats.len()));
    let other = rows.iter().find(|&&row| library.beats[row].song != library.beats[from].song);
    other.or(rows.first()).copied().unwrap_or(from)
}
