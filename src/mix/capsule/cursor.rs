//! A track on its deck, and the cursor that says where its next transition starts: Echo Nest
//! Remix capsule `move_cursor`, `get_mat_out` and `get_mat_in`.

use std::ops::Range;

use super::MIN_MARKERS;
use super::resample::{BeatTimbre, resample_features, whiten};
use super::track::{TIMBRE, Track};
use crate::base::Seconds;
use crate::mix::Span;
use crate::mix::align::Strip;

/// Where the next transition of a track starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cursor {
    /// At the beat this row describes.
    Row(usize),
    /// At this time of the track, where there are no beats to go by. (The original keeps both in
    /// one number and guesses.)
    Time(Seconds),
}

/// A track made ready for mixing. Its segments are no longer needed.
#[derive(Clone, Debug, PartialEq)]
pub struct Deck {
    /// Its number in the plan.
    pub number: usize,
    /// Its length.
    pub duration: Seconds,
    /// Its beats, all of them.
    pub beats: Vec<Span>,
    /// The beats between its fades and how they sound, whitened.
    pub timbre: BeatTimbre,
    /// Where its next transition starts.
    pub cursor: Cursor,
}

impl Deck {
    /// Makes a track ready.
    pub fn new(number: usize, track: &Track) -> Deck {
        let mut timbre = resample_features(track);
        whiten(&mut timbre.rows);
        let (duration, beats) = (track.duration, track.beats.clone());
        Deck { number, duration, beats, timbre, cursor: Cursor::Row(0) }
    }

    /// Goes on from a row, beat by beat, until `duration` has passed: it ends with a whole beat,
    /// and at the latest `buffer` rows before the end. Returns the time passed and the row.
    pub fn move_cursor(&self, duration: Seconds, row: usize, buffer: usize) -> (Seconds, usize) {
        let end = self.timbre.rows.len().saturating_sub(buffer);
        let (mut elapsed, mut row) = (0.0, row);
        while elapsed < duration.0 && row < end {
            let Some(beat) = self.beat(row) else { break };
            elapsed += beat.duration.0;
            row += 1;
        }
        (Seconds(elapsed), row)
    }

    /// The rows on which this track may leave, where the transition lasts `window`. None where its
    /// cursor is at no beat.
    pub fn rows_out(&self, window: Seconds) -> Range<usize> {
        match self.cursor {
            Cursor::Row(row) => row..self.move_cursor(window, row, MIN_MARKERS).1,
            Cursor::Time(_) => 0..0,
        }
    }

    /// The rows on which this track may come, so that room is left for this transition, the stay
    /// and the next transition; its cursor goes to the start. The first two where there is no room.
    pub fn rows_in(&mut self, window: Seconds, stay: Seconds) -> Range<usize> {
        self.cursor = Cursor::Row(0);
        let Some(region) = self.region() else { return 0..0 };
        let zone = region.0 - stay.0 - 2.0 * window.0;
        if zone < 0.0 {
            return 0..self.timbre.rows.len().min(2);
        }
        0..self.move_cursor(Seconds(zone), 0, MIN_MARKERS).1
    }

    /// From the first row's beat to the end of the last row's, where both are known.
    pub(super) fn region(&self) -> Option<Seconds> {
        let (first, last) = (self.beat(0)?, self.beat(self.timbre.rows.len())?);
        Some(Seconds(last.start.0 - first.start.0))
    }

    /// The beat a row describes; the one after the last row ends it.
    pub(super) fn beat(&self, row: usize) -> Option<&Span> {
        self.beats.get(self.timbre.index + row)
    }

    /// The time at the cursor.
    pub(super) fn place(&self) -> Seconds {
        match self.cursor {
            Cursor::Row(row) => self.beat(row).map_or(self.duration, |beat| beat.start),
            Cursor::Time(time) => time,
        }
    }

    /// Rows for the search, with the mean length of as many beats from the first row on, wherever
    /// the rows lie: a tempo that drifts is missed, as in the original.
    pub(super) fn strip(&self, rows: Range<usize>) -> Strip<'_, TIMBRE> {
        let beats = self.beats.iter().skip(self.timbre.index).take(rows.len());
        let lengths: f64 = beats.clone().map(|beat| beat.duration.0).sum();
        let beat = Seconds(lengths / beats.count() as f64);
        Strip { rows: self.timbre.rows.get(rows).unwrap_or_default(), beat }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{deck, song};
    use super::*;

    #[test]
    fn the_cursor_passes_whole_beats_and_stops_before_the_end() {
        let deck = deck(0, &song(60.0, 20.0));
        let rows = deck.timbre.rows.len();
        assert_eq!(deck.move_cursor(Seconds(2.5), 3, 2), (Seconds(3.0), 6));
        assert_eq!(deck.move_cursor(Seconds(3.0), 3, 2), (Seconds(3.0), 6));
        assert_eq!(deck.move_cursor(Seconds(0.0), 3, 2), (Seconds(0.0), 3));
        assert_eq!(deck.move_cursor(Seconds(-1.0), 3, 2), (Seconds(0.0), 3));
        assert_eq!(deck.move_cursor(Seconds(1e9), 0, 2).1, rows - 2);
        assert_eq!(deck.move_cursor(Seconds(1e9), rows, 2), (Seconds(0.0), rows));
    }

    #[test]
    fn a_track_comes_only_where_it_can_stay_and_leave_again() {
        let mut deck = deck(0, &song(60.0, 40.0));
        deck.cursor = Cursor::Row(9);
        let region = deck.region().unwrap().0;
        let rows = deck.rows_in(Seconds(5.0), Seconds(8.0));
        assert_eq!((rows, deck.cursor), (0..(region - 18.0) as usize, Cursor::Row(0)));
        assert_eq!(deck.rows_in(Seconds(5.0), Seconds(1e6)), 0..2);
    }

    #[test]
    fn a_track_whose_cursor_is_a_time_has_no_rows_to_leave_on() {
        let mut deck = deck(0, &song(60.0, 40.0));
        deck.cursor = Cursor::Time(Seconds(8.0));
        assert!(deck.rows_out(Seconds(5.0)).is_empty());
        assert_eq!(deck.place(), Seconds(8.0));
    }

    #[test]
    fn the_tempo_of_rows_is_that_of_as_many_beats_from_the_first_on() {
        let mut deck = deck(0, &song(60.0, 40.0));
        for beat in &mut deck.beats[deck.timbre.index + 20..] {
            beat.duration.0 *= 2.0;
        }
        assert_eq!((deck.strip(4..8).beat, deck.strip(24..28).beat), (Seconds(1.0), Seconds(1.0)));
        assert_eq!(deck.strip(24..28).rows, &deck.timbre.rows[24..28]);
    }
}
