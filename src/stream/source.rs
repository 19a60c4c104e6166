//! Where the sound of a stream comes from.

use std::sync::Arc;

use serde::Serialize;

use crate::audio::AudioBuffer;
use crate::base::{SampleRate, Seconds};

/// Peaks a second in what is told of a song.
pub const PEAKS: f64 = 5.0;

/// Makes sound for ever. It works on a thread of its own: while it has nothing, or does not come
/// back, what it made before goes round.
pub trait Source: Send {
    /// Frames a second of all blocks, which are stereo.
    fn rate(&self) -> SampleRate;

    /// Replaces `out` by the next block, if there is one.
    fn next_block(&mut self, need: Need, out: &mut AudioBuffer) -> Made;

    /// What was decided since this was asked last.
    fn news(&mut self) -> Vec<News>;

    /// Somebody in charge wishes something.
    fn wish(&mut self, wish: Wish);

    /// How it fares.
    fn state(&self) -> SourceState;
}

/// What a source made of a block it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// Sound that goes on where the block before ended.
    Sound,
    /// Sound that does not go on what was before: another song begins in the middle of one.
    Afresh,
    /// Nothing for now. No time of the mix has passed.
    Nothing,
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
    /// What whoever runs the stream should read.
    Note(String),
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
    /// Seconds that were played so in all.
    pub extended_seconds: f64,
    /// Whether a song is played so now.
    pub late: bool,
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

impl Segment {
    /// One past its last frame.
    pub fn end(&self) -> i64 {
        self.start + self.frames
    }

    /// What of it is before a frame of the mix.
    #[must_use]
    pub fn until(mut self, end: i64, rate: SampleRate) -> Segment {
        let frames = (end - self.start).clamp(0, self.frames);
        let (share, seconds) = (self.share(frames), frames as f64 / rate.as_f64());
        self.frames = frames;
        self.beats.retain(|&beat| beat < seconds);
        self.downbeats.retain(|&beat| beat < seconds);
        for track in &mut self.tracks {
            track.end = Seconds(track.start.0 + share * (track.end.0 - track.start.0));
            track.peaks.truncate((PEAKS * seconds).ceil() as usize);
        }
        self
    }

    /// What of it is after a frame of the mix.
    #[must_use]
    pub fn since(mut self, start: i64, rate: SampleRate) -> Segment {
        let frames = (start - self.start).clamp(0, self.frames);
        let (share, seconds) = (self.share(frames), frames as f64 / rate.as_f64());
        (self.start, self.frames) = (self.start + frames, self.frames - frames);
        for beats in [&mut self.beats, &mut self.downbeats] {
            beats.retain(|&beat| beat >= seconds);
            beats.iter_mut().for_each(|beat| *beat = (1e3 * (*beat - seconds)).round() / 1e3);
        }
        for track in &mut self.tracks {
            track.start = Seconds(track.start.0 + share * (track.end.0 - track.start.0));
            let passed = ((PEAKS * seconds) as usize).min(track.peaks.len());
            track.peaks.drain(..passed);
        }
        self
    }

    fn share(&self, frames: i64) -> f64 {
        frames as f64 / self.frames.max(1) as f64
    }
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
