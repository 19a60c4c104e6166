//! The beats of one song: where each piece lies, and the file it was cut into.

use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::audio::Tags;
use crate::audio::wav::SampleFormat;
use crate::base::{Bpm, Error, Frames, Limits, Lufs, Result, SampleRate, Seconds};
use crate::store::{Fingerprint, Fs, read_json};

/// Layout version of [`SongBeats`].
pub const SONG_SCHEMA: u32 = 3;
/// Longest song, in frames: far beyond any, and sums of such numbers never overflow.
const MOST_FRAMES: u64 = 1 << 48;
const REDO: &str = "remix segment";

/// A part of the sound that is cut, described and played on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The whole song.
    Mix,
    /// The drums stem.
    Drums,
    /// Everything but the drums.
    Other,
}

impl Layer {
    /// Its name in folders, columns and options.
    pub fn name(self) -> &'static str {
        match self {
            Layer::Mix => "mix",
            Layer::Drums => "drums",
            Layer::Other => "other",
        }
    }

    /// The file name of one piece: `drums/song.mp3_drums.wav_7.wav`, `mix/song.mp3_7.wav`.
    pub fn clip_path(self, song: &str, piece: usize) -> PathBuf {
        let file = match self {
            Layer::Mix => format!("{song}_{piece}.wav"),
            layer => format!("{song}_{}.wav_{piece}.wav", layer.name()),
        };
        Path::new(self.name()).join(file)
    }
}

/// What a piece of a song is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PieceKind {
    /// Before the first beat. Never chosen.
    LeadIn,
    /// One beat.
    Beat,
    /// Between two beats that are too close or too far apart to be one. Never chosen.
    Irregular,
    /// From the last beat to the end. Never chosen.
    Tail,
}

/// A piece of a song between two cuts. The cut lies a little before the beat, so that no attack
/// is lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// First frame, counted from the start of the song.
    pub start: Frames,
    /// Length.
    pub frames: Frames,
    /// Frame of the beat's attack; the start for a lead-in.
    pub attack: Frames,
    /// Position in the bar, 1 for the downbeat; 0 for a lead-in.
    pub position: u8,
    /// [`ClipSum`](super::ClipSum) of the clip files, in the order of `SongBeats::layers`.
    pub clips: Vec<String>,
}

/// Everything later stages need to know of a segmented song.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SongBeats {
    /// [`SONG_SCHEMA`].
    pub schema: u32,
    /// Unique safe name, usually the file name.
    pub song: String,
    /// The file it was made from, as typed.
    pub source: String,
    /// Of the source's content, the settings and the code.
    pub fingerprint: Fingerprint,
    /// What found the beats: `evermix`, `aubio 0.4.9`, `file song.beats`.
    pub tracker: String,
    /// Title, artist and the like.
    pub tags: Tags,
    /// Rate of the clips.
    pub rate: SampleRate,
    /// Channels of the clips, one or two.
    pub channels: usize,
    /// Length of the song.
    pub frames: Frames,
    /// Sample format of the clips.
    pub format: SampleFormat,
    /// Median tempo.
    pub tempo: Bpm,
    /// Beats a bar.
    pub beats_per_bar: u8,
    /// How sure the beat tracker is, 0..=1.
    pub confidence: f32,
    /// Deviation from A = 440 Hz in semitones, -0.5..0.5.
    pub tuning: f32,
    /// Integrated loudness of the mix.
    pub loudness: Lufs,
    /// Loudness of the mix in each piece.
    pub piece_loudness: Vec<f32>,
    /// What was cut.
    pub layers: Vec<Layer>,
    /// All pieces in order; together they are the song.
    pub pieces: Vec<Piece>,
    /// Anything worth knowing about the input, such as damage.
    pub note: String,
}

impl SongBeats {
    /// `<folder>/songs/<song>.json`.
    pub fn path(beats_dir: &Path, song: &str) -> PathBuf {
        beats_dir.join("songs").join(format!("{song}.json"))
    }

    /// Reads the record of the song called `name`. Record and name may come from anywhere.
    ///
    /// # Errors
    /// `Io` where it cannot be read; `Corrupt` where it is damaged, of another version, or says
    /// what cannot be.
    pub fn read(fs: &dyn Fs, beats_dir: &Path, name: &str, limits: &Limits) -> Result<SongBeats> {
        let mut parts = Path::new(name).components();
        // Names become paths, which must not lead out of the folder.
        if parts.next() != Some(Component::Normal(name.as_ref())) {
            return Err(Error::corrupt(beats_dir, format!("`{name}` names no song"), REDO));
        }
        let path = SongBeats::path(beats_dir, name);
        let song: SongBeats = read_json(fs, &path, limits, REDO)?;
        match song.nonsense(name) {
            None => Ok(song),
            Some(why) => Err(Error::corrupt(&path, why, REDO)),
        }
    }

    /// What a record says that no song can be.
    fn nonsense(&self, name: &str) -> Option<&'static str> {
        let twice = |(i, layer)| self.layers[..i].contains(layer);
        let whole = |p: &Piece| p.clips.len() == self.layers.len();
        if self.schema != SONG_SCHEMA {
            Some("it is of another version")
        } else if self.song != name {
            Some("it belongs to another song")
        } else if !(1..=2).contains(&self.channels) {
            Some("its number of channels is out of range")
        } else if self.layers.is_empty() || self.layers.iter().enumerate().any(twice) {
            Some("its layers make no sense")
        } else if self.piece_loudness.len() != self.pieces.len() || !self.pieces.iter().all(whole) {
            Some("some of its pieces are not described")
        } else if !self.pieces_join_up() {
            Some("its pieces do not join up to the song")
        } else if self.tuning.abs() > 1.0 {
            Some("its tuning is out of range")
        } else {
            None
        }
    }

    fn pieces_join_up(&self) -> bool {
        let mut at = 0u64;
        let joins = |p: &Piece| {
            let start = at;
            at = at.saturating_add(p.frames.0);
            p.start.0 == start && (start..=at).contains(&p.attack.0)
        };
        self.pieces.iter().all(joins) && at == self.frames.0 && at <= MOST_FRAMES
    }

    /// Number of pieces that are beats.
    pub fn beats(&self) -> usize {
        self.pieces.iter().filter(|p| p.kind == PieceKind::Beat).count()
    }

    /// The time from this piece's attack to the next one's, or to the end of the song.
    pub fn period(&self, piece: usize) -> Seconds {
        let here = self.pieces[piece].attack;
        let next = self.pieces.get(piece + 1).map_or(self.frames, |p| p.attack);
        Frames(next.0.saturating_sub(here.0)).seconds(self.rate)
    }
}
