//! Where the sound of a stream comes from.

use std::sync::Arc;

use serde::Serialize;

use crate::audio::AudioBuffer;
use crate::base::{SampleRate, Seconds};

/// Makes sound for ever. What goes wrong inside is dealt with inside: there is always a next
/// block, if need be of silence, and it comes soon.
pub trait Source: Send {
    /// Frames a second of all blocks, which are stereo.
    fn rate(&self) -> SampleRate;

    /// Replaces `out` by the next block.
    fn next_block(&mut self, need: Need, out: &mut AudioBuffer);

    /// What was decided since this was asked last.
    fn news(&mut self) -> Vec<News>;

    /// Somebody in charge wishes something.
    fn wish(&mut self, wish: Wish);

    /// How it fares.
    fn state(&self) -> SourceState;
}

/// How things stand when a block is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Sound made and not yet sent.
    pub lead: Seconds,
    /// The first frame not yet sent.
    pub sent: i64,
}

/// A decision about what will sound.
#[derive(Clone, Debug)]
pub enum News {
    /// This will be heard; if its number is known, it is that one, changed.
    Planned(Segment),
    /// From this number on, nothing that was told holds any more.
    Gone(u64),
}

/// What those in charge may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To leave the song that plays soon.
    Skip,
    /// To play this song next, by path, title or number.
    Inject(String),
    /// Never to play this song again, by its number; or, without one, the song that plays.
    Ban(Option<String>),
    /// Transitions of so many bars; chosen pair by pair without.
    TransitionBars(Option<usize>),
    /// To look at the folders and settings again at once.
    Reload,
}

/// How a source fares.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SourceState {
    /// Songs that can be played.
    pub known: usize,
    /// Files that were not listened to yet.
    pub waiting: usize,
    /// Files that cannot be played.
    pub broken: usize,
    /// Times a song was played longer than meant, because the next was not ready.
    pub extended: u64,
    /// Whether there is nothing to play.
    pub silent: bool,
}

/// A stretch of the mix in which one thing happens.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Its number, counted from the first of the stream.
    pub id: u64,
    /// What happens: `Playback`, `Crossmatch` ...
    pub action: &'static str,
    /// Its first frame.
    pub start: i64,
    /// Its length in frames.
    pub frames: i64,
    /// Beats, in seconds from its start.
    pub beats: Vec<f64>,
    /// Those of them that begin a bar.
    pub downbeats: Vec<f64>,
    /// Why the songs meet as they do.
    pub why: Option<Arc<serde_json::Value>>,
    /// The song that leaves and the one that comes, or the one there is.
    pub tracks: Vec<SegmentTrack>,
}

/// A song's part in a segment.
#[derive(Clone, Debug)]
pub struct SegmentTrack {
    /// Place in the song where the segment begins.
    pub start: Seconds,
    /// Place where it ends.
    pub end: Seconds,
    /// Peaks over the segment, five a second.
    pub peaks: Vec<u8>,
    /// The song.
    pub song: Arc<SongCard>,
}

/// What listeners are told about a song. All text is as it stands in the file: hostile.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SongCard {
    /// Its content, as a short number.
    pub id: String,
    /// From its tags, or its file name.
    pub title: String,
    /// From its tags.
    pub artist: String,
    /// From its tags.
    pub album: String,
    /// From its tags.
    pub genre: String,
    /// Its length.
    pub duration: Seconds,
    /// Beats a minute.
    pub tempo: Option<f64>,
    /// `A minor`
    pub key: Option<String>,
    /// `8A`
    pub camelot: Option<String>,
    /// What it is painted in, `#rrggbb`.
    pub colour: String,
    /// Its picture.
    pub artwork: Option<Artwork>,
}

impl SongCard {
    /// `Artist - Title`, or what there is of it.
    pub fn line(&self) -> String {
        match (self.artist.is_empty(), self.title.is_empty()) {
            (false, false) => format!("{} - {}", self.artist, self.title),
            (true, _) => self.title.clone(),
            (false, true) => self.artist.clone(),
        }
    }
}

/// A picture that belongs to a song.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artwork {
    /// `image/jpeg` or `image/png`.
    pub kind: &'static str,
    /// The file.
    pub bytes: bytes::Bytes,
}
