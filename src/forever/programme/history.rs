//! What was played when, counted in songs.

use std::collections::HashMap;

use super::super::song::{Song, SongId};
use super::draw::Artists;

/// The songs played so far.
#[derive(Debug, Default)]
pub struct History {
    /// Songs played.
    now: u64,
    /// The number of the round in which every song comes once.
    round: u64,
    /// For each song the number of its last play, and the round it was in.
    songs: HashMap<SongId, (u64, u64)>,
    artists: HashMap<String, u64>,
    last: Option<SongId>,
}

impl History {
    /// What the songs themselves tell.
    pub fn of(songs: &[Song]) -> History {
        let mut played: Vec<&Song> = songs.iter().filter(|s| s.plays.last.is_some()).collect();
        played.sort_by_key(|song| (song.plays.last, song.id));
        let mut history = History::default();
        for song in played {
            history.played(song);
        }
        history.round = 1;
        history
    }

    /// A song begins.
    pub fn played(&mut self, song: &Song) {
        self.now += 1;
        self.songs.insert(song.id, (self.now, self.round));
        if let Some(artist) = Artists::name(song) {
            self.artists.insert(artist, self.now);
        }
        self.last = Some(song.id);
    }

    /// The song played last.
    pub fn last(&self) -> Option<SongId> {
        self.last
    }

    /// How many songs ago it was played, the last one being 1; very many if never.
    pub fn ago(&self, id: &SongId) -> u64 {
        self.songs.get(id).map_or(u64::MAX, |(at, _)| self.now + 1 - at)
    }

    /// How many songs ago its artist was played.
    pub fn artist_ago(&self, song: &Song) -> u64 {
        let at = Artists::name(song).and_then(|artist| self.artists.get(&artist));
        at.map_or(u64::MAX, |at| self.now + 1 - at)
    }

    /// Whether it has been played in this round.
    pub fn had_its_turn(&self, id: &SongId) -> bool {
        self.songs.get(id).is_some_and(|(_, round)| *round == self.round)
    }

    /// Every song may come again.
    pub fn next_round(&mut self) {
        self.round += 1;
    }
}
