//! What is being heard, what was and what will be.

use std::collections::VecDeque;
use std::sync::Arc;

use super::source::{News, Segment, SongCard};
use crate::base::Seconds;

/// Seconds that what was heard stays on the board.
const KEPT: f64 = 600.0;
/// Songs of the history that are kept.
const HISTORY: usize = 200;
/// Bytes of their pictures that are kept: one alone may have 4 MiB.
const PICTURES: usize = 16 << 20;

/// The segments of a stream around now, and the songs before.
#[derive(Debug)]
pub struct Board {
    rate: f64,
    segments: VecDeque<Segment>,
    history: VecDeque<(f64, Arc<SongCard>)>,
    /// Segments, frames and pixels of all segments that were begun.
    begun: (u64, i64, i64),
    next_begun: u64,
}

impl Board {
    /// An empty board of a stream of `rate` frames a second; `history` is that of a run before,
    /// oldest first: when a song began, in seconds since 1970.
    pub fn new(rate: f64, history: Vec<(f64, SongCard)>) -> Board {
        let history = history.into_iter().map(|(time, song)| (time, Arc::new(song))).collect();
        Board { rate, segments: VecDeque::new(), history, begun: (0, 0, 0), next_begun: 0 }
    }

    /// Frames a second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Takes news.
    pub fn take(&mut self, news: &News) {
        match news {
            News::Planned(segment) => {
                self.drop_from(segment.id);
                self.end_at(segment.start);
                self.segments.push_back(segment.clone());
            }
            News::Gone(from) => self.drop_from(*from),
            News::Note(_) => {}
        }
    }

    fn drop_from(&mut self, id: u64) {
        while self.segments.back().is_some_and(|last| last.id >= id) {
            self.segments.pop_back();
        }
    }

    /// What is heard ends where the next begins: whoever passes a stream on learns only then how
    /// long it was. What is left without any length is never heard.
    fn end_at(&mut self, start: i64) {
        while let Some(last) = self.segments.back_mut() {
            last.frames = last.frames.min(start - last.start);
            if last.frames > 0 {
                return;
            }
            self.segments.pop_back();
        }
    }

    /// Brings the board up to `now`, which is `wall` on people's clocks. Gives the song that began,
    /// if one did.
    pub fn advance(&mut self, now: Seconds, wall: f64) -> Option<Arc<SongCard>> {
        let frame = (now.0 * self.rate) as i64;
        let kept = frame - (KEPT * self.rate) as i64;
        while self.segments.front().is_some_and(|s| s.start + s.frames < kept) {
            self.segments.pop_front();
        }
        for segment in &self.segments {
            if segment.id >= self.next_begun && segment.start <= frame {
                self.begun.0 += 1;
                // Some say that they last for ever.
                self.begun.1 = self.begun.1.saturating_add(segment.frames);
                self.begun.2 = self.begun.2.saturating_add(width(segment, self.rate));
                self.next_begun = segment.id + 1;
            }
        }
        let song = self.song(now)?;
        if self.history.back().is_some_and(|(_, last)| last.id == song.id) {
            return None;
        }
        self.history.push_back((wall, song.clone()));
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
        self.forget_pictures();
        Some(song)
    }

    /// Keeps the pictures of the songs heard last.
    fn forget_pictures(&mut self) {
        let mut bytes = 0;
        for (_, song) in self.history.iter_mut().rev() {
            bytes += song.artwork.as_ref().map_or(0, |picture| picture.bytes.len());
            if bytes > PICTURES && song.artwork.is_some() {
                *song = Arc::new(SongCard { artwork: None, ..SongCard::clone(song) });
            }
        }
    }

    /// The segment heard at a moment.
    pub fn segment(&self, at: Seconds) -> Option<&Segment> {
        let frame = (at.0 * self.rate) as i64;
        let after = self.segments.partition_point(|s| s.start <= frame);
        self.segments.get(after.checked_sub(1)?)
    }

    /// The song heard at a moment: in the first half of a transition the one that leaves.
    pub fn song(&self, at: Seconds) -> Option<Arc<SongCard>> {
        let segment = self.segment(at)?;
        let into = at.0 * self.rate - segment.start as f64;
        let second = 2.0 * into >= segment.frames as f64;
        let track = match &segment.tracks[..] {
            [_, comes] if second => comes,
            [first, ..] => first,
            [] => return None,
        };
        Some(track.song.clone())
    }

    /// All segments, oldest first.
    pub fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.segments.iter()
    }

    /// The songs heard and when they began, oldest first.
    pub fn history(&self) -> impl DoubleEndedIterator<Item = &(f64, Arc<SongCard>)> {
        self.history.iter()
    }

    /// A song on the board or in the history, by its number.
    pub fn card(&self, id: &str) -> Option<Arc<SongCard>> {
        let played = self.history.iter().map(|(_, song)| song);
        let songs = self.segments.iter().flat_map(|s| s.tracks.iter().map(|t| &t.song));
        songs.chain(played).find(|song| song.id == id).cloned()
    }

    /// Segments begun since the beginning, their frames and their pixels.
    pub fn begun(&self) -> (u64, i64, i64) {
        self.begun
    }
}

/// Pixels of a segment's picture, five a second as in the original.
pub fn width(segment: &Segment, rate: f64) -> i64 {
    (5.0 * segment.frames as f64 / rate) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stream::source::SegmentTrack;

    fn segment(id: u64, start: i64, frames: i64, songs: &[&str]) -> Segment {
        let track = |id: &&str| SegmentTrack {
            start: Seconds(0.0),
            end: Seconds(1.0),
            peaks: Vec::new(),
            song: Arc::new(SongCard { id: id.to_string(), ..SongCard::default() }),
        };
        Segment {
            id,
            action: "Playback",
            start,
            frames,
            beats: Vec::new(),
            downbeats: Vec::new(),
            why: None,
            tracks: songs.iter().map(track).collect(),
        }
    }

    fn board() -> Board {
        let mut board = Board::new(10.0, Vec::new());
        board.take(&News::Planned(segment(0, 0, 100, &["a"])));
        board.take(&News::Planned(segment(1, 100, 40, &["a", "b"])));
        board.take(&News::Planned(segment(2, 140, 10_000, &["b"])));
        board
    }

    #[test]
    fn in_the_middle_of_a_transition_one_song_becomes_the_other() {
        let board = board();
        let song = |at: f64| board.song(Seconds(at)).unwrap().id.clone();
        assert_eq!([song(0.0), song(10.5), song(11.9)], ["a", "a", "a"]);
        assert_eq!([song(12.1), song(14.0), song(900.0)], ["b", "b", "b"]);
    }

    #[test]
    fn each_song_is_told_once_when_it_begins() {
        let mut board = board();
        let told: Vec<String> = (0..200)
            .filter_map(|tick| board.advance(Seconds(f64::from(tick) / 10.0), f64::from(tick)))
            .map(|song| song.id.clone())
            .collect();
        assert_eq!(told, ["a", "b"]);
        let times: Vec<f64> = board.history().map(|(time, _)| *time).collect();
        assert_eq!(times, [0.0, 120.0]);
        assert_eq!(board.begun(), (3, 10_140, 5_070));
    }

    #[test]
    fn pictures_of_songs_heard_long_ago_are_not_kept_for_ever() {
        let mut board = Board::new(10.0, Vec::new());
        for id in 0..40u8 {
            let mut heard = segment(u64::from(id), 100 * i64::from(id), 100, &["x"]);
            let picture =
                crate::stream::Artwork { kind: "image/png", bytes: vec![id; PICTURES / 8].into() };
            let song =
                SongCard { id: id.to_string(), artwork: Some(picture), ..Default::default() };
            heard.tracks[0].song = Arc::new(song);
            board.take(&News::Planned(heard));
            board.advance(Seconds(10.0 * f64::from(id)), 0.0);
        }
        let pictured = |id: u8| {
            let mut history = board.history();
            history.find(|(_, song)| song.id == id.to_string()).unwrap().1.artwork.is_some()
        };
        assert_eq!(
            (0..40).filter(|id| pictured(*id)).collect::<Vec<_>>(),
            (32..40).collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_was_heard_long_ago_is_forgotten_and_what_is_taken_back_is_gone() {
        let mut board = board();
        board.advance(Seconds(680.0), 0.0);
        assert_eq!(board.segments().map(|s| s.id).collect::<Vec<_>>(), [2]);
        board.take(&News::Planned(segment(3, 10_140, 10, &["c"])));
        board.take(&News::Gone(3));
        assert_eq!(board.segments().count(), 1);
        board.take(&News::Planned(segment(2, 140, 20, &["b"])));
        assert_eq!(board.segments().next().unwrap().frames, 20);
    }
    #[test]
    fn songs_of_unknown_length_last_until_the_next_and_are_forgotten_like_all_others() {
        let mut board = Board::new(10.0, Vec::new());
        let for_ever = i64::MAX / 4;
        for minute in 0..60 {
            // One that nothing follows in the sound, and one that is heard for a minute.
            for half in [0, 1] {
                let id = 2 * minute + half;
                let song = id.to_string();
                board.take(&News::Planned(segment(id, 600 * minute as i64, for_ever, &[&song])));
            }
            board.advance(Seconds(60.0 * minute as f64 + 30.0), 0.0);
        }
        let kept: Vec<u64> = board.segments().map(|s| s.id).collect();
        assert_eq!(kept, (49..60).map(|minute| 2 * minute + 1).collect::<Vec<_>>());
        assert_eq!(board.song(Seconds(3_540.5)).unwrap().id, "119");
        assert_eq!(board.history().count(), 60);
    }
}
