//! The sound of a song put together again from its beat clips, any stretch of it.

use std::collections::VecDeque;
use std::io::Read as _;
use std::ops::Range;
use std::path::PathBuf;

use super::clip_sum::ClipSum;
use super::song::{Layer, SongBeats};
use crate::audio::AudioBuffer;
use crate::audio::wav::{self, WavReader};
use crate::base::{Error, Result};
use crate::store::Fs;

/// Pieces kept: the one being played and its neighbours, for joins.
const KEPT: usize = 4;
/// Longer pieces (an hour of tail) are read in part and not checked as a whole.
const MAX_WHOLE_SECONDS: f64 = 30.0;

/// Reads frames of one layer of a song, across pieces. What lies outside the song is silence.
pub struct SongReader<'a> {
    fs: &'a dyn Fs,
    beats_dir: PathBuf,
    song: &'a SongBeats,
    layer: usize,
    kept: VecDeque<(usize, AudioBuffer)>,
    /// The bytes of the clip read last; the memory is used again.
    bytes: Vec<u8>,
}

impl<'a> SongReader<'a> {
    /// A reader for `layer`, which the song must have.
    ///
    /// # Errors
    /// `Missing` where the song was not cut into that layer.
    pub fn new(
        fs: &'a dyn Fs,
        beats_dir: impl Into<PathBuf>,
        song: &'a SongBeats,
        layer: Layer,
    ) -> Result<Self> {
        let layer = song.layers.iter().position(|&l| l == layer).ok_or_else(|| {
            Error::new(crate::base::ErrorKind::Missing, format!("no {} layer", layer.name()))
                .at(&song.song)
                .hint("remix separate, then remix segment")
        })?;
        let kept = VecDeque::new();
        Ok(SongReader { fs, beats_dir: beats_dir.into(), song, layer, kept, bytes: Vec::new() })
    }

    /// Appends the frames of `range` to `out`. Frames before 0 and past the end are silence.
    ///
    /// # Errors
    /// `Io` where a clip cannot be read, `Corrupt` where it is not the clip that was written.
    pub fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        let end = self.song.frames.0 as i64;
        let mut at = range.start;
        while at < range.end {
            if at < 0 || at >= end {
                let to = if at < 0 { range.end.min(0) } else { range.end };
                out.extend_silence((to - at) as usize);
                at = to;
                continue;
            }
            let piece = self.piece_at(at as u64);
            let (start, frames) =
                (self.song.pieces[piece].start.0 as i64, self.song.pieces[piece].frames.0 as i64);
            let to = range.end.min(start + frames);
            self.copy(piece, (at - start) as usize..(to - start) as usize, out)?;
            at = to;
        }
        Ok(())
    }

    fn piece_at(&self, frame: u64) -> usize {
        self.song.pieces.partition_point(|p| p.start.0 <= frame).saturating_sub(1)
    }

    fn copy(&mut self, piece: usize, range: Range<usize>, out: &mut AudioBuffer) -> Result<()> {
        let length = self.song.pieces[piece].frames.seconds(self.song.rate);
        if length.0 > MAX_WHOLE_SECONDS {
            return self.read_part(piece, range, out);
        }
        if !self.kept.iter().any(|(kept, _)| *kept == piece) {
            let oldest = if self.kept.len() == KEPT { self.kept.pop_front() } else { None };
            let mut clip = oldest.map_or_else(AudioBuffer::default, |(_, clip)| clip);
            self.load(piece, &mut clip)?;
            self.kept.push_back((piece, clip));
        }
        let clip = self.kept.iter().find(|(kept, _)| *kept == piece);
        for (plane, from) in out.planes.iter_mut().zip(clip.iter().flat_map(|(_, c)| &c.planes)) {
            plane.extend_from_slice(&from[range.clone()]);
        }
        Ok(())
    }

    fn clip_path(&self, piece: usize) -> PathBuf {
        let layer = self.song.layers[self.layer];
        self.beats_dir.join(layer.clip_path(&self.song.song, piece))
    }

    /// Replaces `clip` by a whole piece.
    fn load(&mut self, piece: usize, clip: &mut AudioBuffer) -> Result<()> {
        let path = self.clip_path(piece);
        let unreadable = |e| Error::io("cannot read a beat", &path, e).hint("remix segment");
        let mut file = self.fs.open(&path).map_err(unreadable)?;
        self.bytes.clear();
        file.read_to_end(&mut self.bytes).map_err(unreadable)?;
        let want = &self.song.pieces[piece];
        let changed = || Error::corrupt(&path, "it is not the clip that was cut", "remix segment");
        if want.clips.get(self.layer) != Some(&ClipSum::of(&self.bytes)) {
            return Err(changed());
        }
        clip.planes.resize(self.song.channels, Vec::new());
        clip.clear();
        let info = wav::read_whole(&self.bytes, clip).ok_or_else(changed)?;
        if info.frames != want.frames.0 || info.channels != self.song.channels {
            return Err(changed());
        }
        Ok(())
    }

    fn read_part(&self, piece: usize, range: Range<usize>, out: &mut AudioBuffer) -> Result<()> {
        let path = self.clip_path(piece);
        let unreadable = |e| Error::io("cannot read a beat", &path, e).hint("remix segment");
        let file = self.fs.open(&path).map_err(unreadable)?;
        let mut reader = WavReader::new(file).map_err(unreadable)?;
        if reader.info().channels != self.song.channels {
            return Err(Error::corrupt(&path, "it is not the clip that was cut", "remix segment"));
        }
        reader.seek(range.start as u64).map_err(unreadable)?;
        reader.read(range.len(), out).map_err(unreadable)?;
        Ok(())
    }
}
