//! Songs of any format as blocks of planar floats: exact lengths, damage kept in place.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::ogg::{self, OggPackets};
use super::packets::{Packets, Step};
use super::{AudioBuffer, Tags, fold, front, packets};
use crate::base::{
    ByteSource, Error, ErrorKind, Limits, Result, SampleRate, Uninterrupted, contained,
};

/// Bytes looked at to tell Ogg files from others.
const SNIFFED: u64 = 4;

/// What was wrong with a song that could still be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Packets that could not be decoded.
    pub bad_packets: u64,
    /// Frames of silence put in for what was lost.
    pub gap_frames: u64,
    /// Frames the file promised but did not hold: it was cut short.
    pub missing_frames: u64,
    /// Samples that were not numbers and became silence.
    pub bad_samples: u64,
}

impl Damage {
    /// True where anything was wrong.
    pub fn any(&self) -> bool {
        *self != Damage::default()
    }
}

/// Reads a song in blocks. Memory does not grow with its length.
///
/// Mono stays mono; everything else comes out as stereo at the song's own rate. Every packet is
/// put where its timestamp says, so damage never shifts what follows.
pub struct Decoder {
    packets: Box<dyn Packets>,
    path: PathBuf,
    rate: SampleRate,
    channels: usize,
    limits: Limits,
    file_bytes: u64,
    /// Frames given out so far.
    position: u64,
    damage: Damage,
    ended: bool,
}

impl Decoder {
    /// Opens a song file.
    ///
    /// # Errors
    /// `Io` where it cannot be read; `Unusable` where it holds no audio we know; `Limit` where it
    /// is larger than allowed or its rate or channels are out of range.
    pub fn open(path: &Path, limits: &Limits) -> Result<Decoder> {
        let file = File::open(path).map_err(|e| Error::io("cannot open", path, e))?;
        let kind = file.metadata().map_err(|e| Error::io("cannot open", path, e))?;
        if !kind.is_file() {
            return Err(Error::new(ErrorKind::Unusable, "not a regular file").at(path));
        }
        Decoder::from_source(Box::new(file), path, limits)
    }

    /// Reads a song from any source of bytes; `path` gives the extension and names it in errors.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn from_source(
        source: Box<dyn ByteSource>,
        path: &Path,
        limits: &Limits,
    ) -> Result<Decoder> {
        let read = |e| Error::io("cannot read", path, e);
        let mut source: Box<dyn ByteSource> = Box::new(Uninterrupted(source));
        let file_bytes = source.seek(SeekFrom::End(0)).map_err(read)?;
        source.seek(SeekFrom::Start(0)).map_err(read)?;
        if file_bytes == 0 {
            return Err(Error::new(ErrorKind::Unusable, "empty file").at(path));
        }
        if file_bytes > limits.max_file_bytes {
            return Err(Error::new(ErrorKind::Limit, "file too large")
                .at(path)
                .because(format!("{file_bytes} bytes, the limit is {}", limits.max_file_bytes))
                .hint("raise max-file-bytes under [limits] in evermix.toml"));
        }
        let start = front::behind_tags(&mut source).map_err(read)?;
        source.seek(SeekFrom::Start(start)).map_err(read)?;
        let mut head = Vec::new();
        source.by_ref().take(SNIFFED).read_to_end(&mut head).map_err(read)?;
        source.seek(SeekFrom::Start(start)).map_err(read)?;
        let packets: Box<dyn Packets> = guarded(path, || {
            Ok(if ogg::is_ogg(&head) {
                Box::new(OggPackets::open(source, limits)?) as Box<dyn Packets>
            } else {
                packets::open(source, path, limits)?
            })
        })?;
        let (rate, channels) = (packets.rate(), packets.channels());
        fold::check_channels(channels).map_err(|e| e.at(path))?;
        let decoder = Decoder {
            packets,
            path: path.to_path_buf(),
            rate,
            channels: channels.min(2),
            limits: limits.clone(),
            file_bytes,
            position: 0,
            damage: Damage::default(),
            ended: false,
        };
        let claimed = decoder.claimed_frames().unwrap_or(0) as f64 / rate.as_f64();
        if claimed > limits.max_seconds { Err(decoder.too_long()) } else { Ok(decoder) }
    }

    /// Frames a second.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// One or two.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// How many channels the file has, where they are folded to two.
    pub fn folded_channels(&self) -> Option<usize> {
        Some(self.packets.channels()).filter(|&n| n > self.channels)
    }

    /// The length the file claims, where it claims one: good for progress, not for allocation.
    pub fn claimed_frames(&self) -> Option<u64> {
        self.packets.claimed_frames()
    }

    /// Short name of the format, such as `mp3`.
    pub fn format(&self) -> &'static str {
        self.packets.format()
    }

    /// Title, artist and album.
    pub fn tags(&self) -> &Tags {
        self.packets.tags()
    }

    /// Frames given out so far; the song's length once `next_block` has said `false`.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// What was wrong so far.
    pub fn damage(&self) -> Damage {
        let filled = self.packets.filled_frames();
        Damage { gap_frames: self.damage.gap_frames + filled, ..self.damage }
    }

    /// Replaces `block` by the next frames. `false` at the end of the song.
    ///
    /// # Errors
    /// `Unusable` where the file is too damaged or the decoder failed; `Limit` where it turns out
    /// longer than allowed; `Io` where reading failed.
    pub fn next_block(&mut self, block: &mut AudioBuffer) -> Result<bool> {
        block.planes.resize(self.packets.channels(), Vec::new());
        block.clear();
        while !self.ended && block.is_empty() {
            let step = guarded(&self.path, || self.packets.next(block))?;
            match step {
                Step::Frames(start) => self.place(start, block)?,
                Step::Other => {}
                Step::Bad => self.damage.bad_packets += 1,
                Step::End => {
                    self.ended = true;
                    let claimed = self.packets.claimed_frames().unwrap_or(0);
                    self.damage.missing_frames = claimed.saturating_sub(self.position);
                }
            }
            self.check_bounds(block.frames() as u64)?;
        }
        // Float files may hold anything.
        self.damage.bad_samples += block.make_honest();
        fold::fold_to_stereo(block);
        self.position += block.frames() as u64;
        Ok(!block.is_empty())
    }

    /// Fills the gap before a packet with silence, or drops what was given out already.
    fn place(&mut self, start: u64, block: &mut AudioBuffer) -> Result<()> {
        if start <= self.position {
            block.drop_front((self.position - start) as usize);
            return Ok(());
        }
        let gap = start - self.position;
        // A jump beyond the file's own length is a broken timestamp, not lost music.
        let plausible = self.packets.claimed_frames().unwrap_or(u64::MAX);
        if start > plausible || gap > 60 * u64::from(self.rate.hz()) {
            self.packets.shift_origin(gap);
            self.damage.bad_packets += 1;
            return Ok(());
        }
        self.damage.gap_frames += gap;
        // Before any memory is taken for it.
        self.check_bounds(gap)?;
        for plane in &mut block.planes {
            plane.splice(0..0, std::iter::repeat_n(0.0, gap as usize));
        }
        Ok(())
    }

    /// Refuses what has become too long, too large or too damaged with so many frames more.
    fn check_bounds(&self, more: u64) -> Result<()> {
        let frames = self.position + more;
        let seconds = frames as f64 / self.rate.as_f64();
        if seconds > self.limits.max_seconds {
            return Err(self.too_long());
        }
        let decoded = frames as f64 * self.packets.channels() as f64 * 4.0;
        // A small file of silence may expand a lot; only long audio is a threat.
        if seconds > 600.0 && decoded > self.limits.max_expansion * self.file_bytes as f64 {
            return Err(Error::new(ErrorKind::Limit, "file expands too much")
                .at(&self.path)
                .because(format!("over {:.0} times its size", self.limits.max_expansion))
                .hint("raise max-expansion under [limits] in evermix.toml"));
        }
        let lost = self.damage().gap_frames as f64;
        let bad = self.damage.bad_packets > 1_000_000;
        if bad || lost > self.limits.max_damage * frames as f64 + self.rate.as_f64() {
            return Err(Error::new(ErrorKind::Unusable, "too damaged")
                .at(&self.path)
                .because(format!("{:.1} s could not be decoded", lost / self.rate.as_f64())));
        }
        Ok(())
    }

    fn too_long(&self) -> Error {
        Error::new(ErrorKind::Limit, "song too long")
            .at(&self.path)
            .because(format!("more than {:.0} s", self.limits.max_seconds))
            .hint("raise max-seconds under [limits] in evermix.toml")
    }
}

/// Runs a decoder on hostile input: a panic inside becomes an error about the file.
fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T>) -> Result<T> {
    // The decoder is dropped after a panic, so no broken state is ever seen.
    match contained(work) {
        Some(result) => result.map_err(|e| e.or_at(path)),
        None => Err(Error::new(ErrorKind::Unusable, "the decoder failed on this file").at(path)),
    }
}
