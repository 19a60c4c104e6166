//! What a stream remembers over a restart: what plays, and what was played.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::base::{Error, Result, Seconds};
use crate::forever::song::SongId;
use crate::pipeline::Context;
use crate::store::{exists, write_atomic};
use crate::stream::{SongCard, Station};

/// Raised when older programs would misread it.
const SCHEMA: u32 = 1;
/// Largest file read.
const MOST_BYTES: u64 = 1 << 20;

/// What a stream was doing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    schema: u32,
    /// The song that plays, as the start of its number, and the place in it.
    pub playing: Option<(String, Seconds)>,
    /// Songs that are not to be played any more.
    #[serde(default)]
    pub banned: Vec<String>,
    /// What was played, oldest first.
    #[serde(default)]
    pub history: Vec<Played>,
}

/// One song of the history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Played {
    /// When, in seconds since 1970.
    pub time: f64,
    id: String,
    title: String,
    artist: String,
    album: String,
    colour: String,
}

impl Remembered {
    /// The history for a station's board.
    pub fn cards(&self) -> Vec<(f64, SongCard)> {
        let card = |played: &Played| SongCard {
            id: played.id.clone(),
            title: played.title.clone(),
            artist: played.artist.clone(),
            album: played.album.clone(),
            colour: played.colour.clone(),
            ..SongCard::default()
        };
        self.history.iter().map(|played| (played.time, card(played))).collect()
    }

    /// Whether this is the song that played.
    pub fn is(&self, id: &SongId) -> bool {
        self.playing.as_ref().is_some_and(|(short, _)| short_id(id) == *short)
    }
}

/// The number by which listeners know a song.
pub fn short_id(id: &SongId) -> String {
    blake3::Hash::from_bytes(id.0).to_hex()[..32].to_string()
}

/// Where a stream remembers.
#[derive(Clone, Debug)]
pub struct StateFile(pub PathBuf);

impl StateFile {
    /// Reads what was remembered: nothing where there is no file, or none that makes sense.
    ///
    /// # Errors
    /// `Io` where it is there and cannot be read.
    pub fn read(&self, context: &Context<'_>) -> Result<Remembered> {
        let StateFile(path) = self;
        if !exists(context.fs, path)? {
            return Ok(Remembered::default());
        }
        let bytes = context.fs.read(path, MOST_BYTES);
        let bytes = bytes.map_err(|e| Error::io("cannot read what was played", path, e))?;
        let read: Remembered = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(if read.schema == SCHEMA { read } else { Remembered::default() })
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// `Io`.
    pub fn write(&self, context: &Context<'_>, state: &Remembered) -> Result<()> {
        let StateFile(path) = self;
        let text = serde_json::to_vec(state).unwrap_or_default();
        write_atomic(context.fs, path, &text)
    }
}

/// What a station is doing now.
pub fn remembered(station: &Station, banned: Vec<String>) -> Remembered {
    let now = station.now();
    let board = station.board();
    let playing = board.segment(now).and_then(|segment| {
        let track = segment.tracks.last()?;
        let into = now.0 - segment.start as f64 / board.rate();
        let share = into * board.rate() / segment.frames.max(1) as f64;
        let place = track.start.0 + share.clamp(0.0, 1.0) * (track.end.0 - track.start.0);
        Some((track.song.id.clone(), Seconds((1e3 * place).round() / 1e3)))
    });
    let played = board.history().map(|(time, song)| Played {
        time: *time,
        id: song.id.clone(),
        title: song.title.clone(),
        artist: song.artist.clone(),
        album: song.album.clone(),
        colour: song.colour.clone(),
    });
    Remembered { schema: SCHEMA, playing, banned, history: played.collect() }
}
