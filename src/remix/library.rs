//! The beats there are to choose from.

use crate::base::{Lufs, Result};
use crate::corpus::Table;

/// One beat of the library; its row in the dataset is its place in [`Library::beats`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beat {
    /// Which song, an index into [`Library::songs`].
    pub song: usize,
    /// Which piece of the song.
    pub piece: usize,
    /// Position in the bar, 1 for the downbeat.
    pub position: u8,
    /// Beats a bar in this song.
    pub beats_per_bar: u8,
    /// Seconds from this beat to the next.
    pub period: f64,
    /// Loudness of the mix in this beat.
    pub loudness: Lufs,
}

/// All beats of a dataset, in the order of its rows.
#[derive(Clone, Debug, Default)]
pub struct Library {
    /// Names of the songs.
    pub songs: Vec<String>,
    /// The beats.
    pub beats: Vec<Beat>,
    /// For each beat the row of the one that follows it in its song.
    pub next: Vec<Option<usize>>,
    /// For each beat how many beats follow without a break.
    pub ahead: Vec<usize>,
}

impl Library {
    /// The library of a dataset's table.
    ///
    /// # Errors
    /// `Corrupt` where the table lacks a column.
    pub fn from_table(table: &Table) -> Result<Library> {
        let (song, piece) = (table.text("song")?, table.int("beat")?);
        let (position, per_bar) = (table.int("bar_position")?, table.int("beats_per_bar")?);
        let (tempo, loudness) = (table.real("tempo_bpm")?, table.real("loudness_lufs")?);
        let mut library = Library::default();
        for row in 0..table.rows() {
            if library.songs.last() != Some(&song[row]) {
                library.songs.push(song[row].clone());
            }
            library.beats.push(Beat {
                song: library.songs.len() - 1,
                piece: usize::try_from(piece[row]).unwrap_or(0),
                position: u8::try_from(position[row]).unwrap_or(0),
                beats_per_bar: u8::try_from(per_bar[row]).unwrap_or(4).max(1),
                period: 60.0 / f64::from(tempo[row]).max(1.0),
                loudness: Lufs(f64::from(loudness[row])),
            });
        }
        library.link();
        Ok(library)
    }

    /// Finds successors: the row after, where it is the next piece of the same song.
    pub fn link(&mut self) {
        let follows =
            |pair: &[Beat]| pair[0].song == pair[1].song && pair[0].piece + 1 == pair[1].piece;
        self.next =
            self.beats.windows(2).enumerate().map(|(i, w)| follows(w).then_some(i + 1)).collect();
        self.next.extend((!self.beats.is_empty()).then_some(None));
        self.ahead = vec![0; self.beats.len()];
        for row in (0..self.beats.len()).rev() {
            self.ahead[row] = self.next[row].map_or(0, |next| self.ahead[next] + 1);
        }
    }

    /// Mean seconds a beat over up to `count` beats from `row` on: steadier than one beat.
    pub fn period_from(&self, row: usize, count: usize) -> f64 {
        let rows = std::iter::successors(Some(row), |&r| self.next[r]).take(count);
        let (sum, n) = rows.fold((0.0, 0.0), |(s, n), r| (s + self.beats[r].period, n + 1.0));
        sum / n
    }
}
