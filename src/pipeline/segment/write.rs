//! Second pass: the pieces become clip files.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::audio::AudioBuffer;
use crate::audio::wav::{SampleFormat, WavBytes};
use crate::base::{Error, Result, SampleRate};
use crate::corpus::{ClipSum, Layer, Piece};
use crate::store::{FileOut, Fs};

/// Bytes gathered before they are handed to the system: a beat of stereo usually fits.
const GATHER: usize = 1 << 18;

/// Writes the clips of one song into a hidden folder, then moves them to their places.
pub struct ClipWriter<'a> {
    fs: &'a dyn Fs,
    beats_dir: PathBuf,
    hidden: PathBuf,
    song: &'a str,
    layers: Vec<Layer>,
    rate: SampleRate,
    channels: usize,
    format: SampleFormat,
    pieces: &'a mut [Piece],
    piece: usize,
    /// Frames of the current piece already taken.
    taken: u64,
    open: Vec<OpenClip>,
}

/// The clip of one layer in work.
struct OpenClip {
    file: Box<dyn FileOut>,
    path: PathBuf,
    /// Taken over by the next clip: fresh memory costs more than filling it.
    bytes: Vec<u8>,
    packer: WavBytes,
    sum: ClipSum,
}

impl<'a> ClipWriter<'a> {
    /// Prepares the folders.
    ///
    /// # Errors
    /// `Io` naming the folder.
    #[expect(clippy::too_many_arguments, reason = "one writer is made in one place")]
    pub fn new(
        fs: &'a dyn Fs,
        beats_dir: &Path,
        song: &'a str,
        layers: Vec<Layer>,
        rate: SampleRate,
        channels: usize,
        format: SampleFormat,
        pieces: &'a mut [Piece],
    ) -> Result<Self> {
        let digest = blake3::hash(song.as_bytes()).to_hex();
        let hidden = beats_dir.join(format!(".{}.evermix-part", &digest[..16]));
        let folders = layers.iter().map(|layer| layer.name());
        for folder in
            folders.clone().map(|l| hidden.join(l)).chain(folders.map(|l| beats_dir.join(l)))
        {
            fs.create_dir_all(&folder).map_err(|e| Error::io("cannot make folder", &folder, e))?;
        }
        let beats_dir = beats_dir.to_path_buf();
        let mut writer = ClipWriter {
            fs,
            beats_dir,
            hidden,
            song,
            layers,
            rate,
            channels,
            format,
            pieces,
            piece: 0,
            taken: 0,
            open: Vec::new(),
        };
        writer.begin()?;
        Ok(writer)
    }

    /// Takes the next block of every layer.
    ///
    /// # Errors
    /// `Io` naming the clip.
    pub fn push(&mut self, layers: &[AudioBuffer]) -> Result<()> {
        let frames = layers[0].frames();
        let mut at = 0;
        while at < frames {
            let left = self.pieces[self.piece].frames.0 - self.taken;
            if left == 0 && self.piece + 1 < self.pieces.len() {
                self.end()?;
                self.piece += 1;
                self.begin()?;
                continue;
            }
            let take = (left as usize).min(frames - at);
            if take == 0 {
                break;
            }
            for (clip, layer) in self.open.iter_mut().zip(layers) {
                clip.append(layer, at..at + take)?;
            }
            at += take;
            self.taken += take as u64;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        self.taken = 0;
        let frames = self.pieces[self.piece].frames.0;
        let mut before = std::mem::take(&mut self.open).into_iter();
        for &layer in &self.layers {
            let path = self.hidden.join(layer.clip_path(self.song, self.piece));
            let file =
                create(self.fs, &path).map_err(|e| Error::io("cannot write a beat", &path, e))?;
            let mut bytes = before.next().map_or_else(Vec::new, |clip| clip.bytes);
            let packer = WavBytes::begin(self.rate, self.channels, self.format, frames, &mut bytes);
            self.open.push(OpenClip { file, path, bytes, packer, sum: ClipSum::default() });
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        for clip in &mut self.open {
            if clip.bytes.len() % 2 == 1 && self.format == SampleFormat::Int24 {
                clip.bytes.push(0);
            }
            clip.flush()?;
            self.pieces[self.piece].clips.push(std::mem::take(&mut clip.sum).finish());
        }
        Ok(())
    }

    /// Finishes all clips and moves them to their places. Nothing of ours refers to them until
    /// the song's record is written.
    ///
    /// # Errors
    /// `Io` naming the clip.
    pub fn finish(mut self) -> Result<()> {
        self.end()?;
        for piece in self.piece + 1..self.pieces.len() {
            self.piece = piece;
            self.begin()?;
            self.end()?;
        }
        self.open.clear();
        for piece in 0..self.pieces.len() {
            for layer in &self.layers {
                let name = layer.clip_path(self.song, piece);
                let (from, to) = (self.hidden.join(&name), self.beats_dir.join(&name));
                self.fs.rename(&from, &to).map_err(|e| Error::io("cannot write a beat", &to, e))?;
            }
        }
        let failed = |e| Error::io("cannot remove a folder", &self.hidden, e);
        self.fs.remove_dir_all(&self.hidden).map_err(failed)
    }
}

/// Creates a clip, in the place of what an interrupted run may have left there. The folder is
/// ours alone, so there is nobody to lock it against: with hundreds of clips a song, every call to
/// the system counts.
fn create(fs: &dyn Fs, path: &Path) -> io::Result<Box<dyn FileOut>> {
    fs.create_new(path).or_else(|e| {
        if e.kind() != io::ErrorKind::AlreadyExists {
            return Err(e);
        }
        fs.remove_file(path)?;
        fs.create_new(path)
    })
}

impl Drop for ClipWriter<'_> {
    fn drop(&mut self) {
        // After `finish` the folder is gone; after a failure it must go. What stays is swept.
        self.open.clear();
        let _ = self.fs.remove_dir_all(&self.hidden);
    }
}

impl OpenClip {
    fn append(&mut self, layer: &AudioBuffer, range: std::ops::Range<usize>) -> Result<()> {
        match layer.planes.as_slice() {
            [one] => self.packer.append(&[&one[range]], &mut self.bytes),
            [left, right] => {
                self.packer.append(&[&left[range.clone()], &right[range]], &mut self.bytes);
            }
            many => {
                let planes: Vec<&[f32]> = many.iter().map(|p| &p[range.clone()]).collect();
                self.packer.append(&planes, &mut self.bytes);
            }
        }
        if self.bytes.len() >= GATHER { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.sum.add(&self.bytes);
        let failed = |e| Error::io("cannot write a beat", &self.path, e);
        self.file.write_all(&self.bytes).map_err(failed)?;
        self.bytes.clear();
        Ok(())
    }
}
