//! A song played forwards at a rate and in a shape of our choosing.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::splice::Wave;
use super::{AudioBuffer, Decoder, Resampler};
use crate::base::{Limits, Result, SampleRate};

/// Seconds kept behind the last place read, for whoever looks back a little.
const KEPT: f64 = 0.5;

/// Reads a song file as stereo at any rate. Reading on is cheap and takes constant memory; reading
/// what lies further back than half a second opens the file again.
pub struct Reel {
    path: PathBuf,
    limits: Limits,
    rate: SampleRate,
    feed: Feed,
    /// What is at hand: frames from `start` on.
    window: AudioBuffer,
    start: i64,
}

struct Feed {
    decoder: Decoder,
    resampler: Resampler,
    block: AudioBuffer,
    ready: AudioBuffer,
    ended: bool,
}

impl Feed {
    fn open(path: &Path, limits: &Limits, rate: SampleRate) -> Result<Feed> {
        let decoder = Decoder::open(path, limits)?;
        let resampler = Resampler::new(decoder.rate(), rate, decoder.channels())?;
        let empty = AudioBuffer::new(decoder.channels());
        Ok(Feed { block: empty.clone(), ready: empty, resampler, decoder, ended: false })
    }

    /// Appends more of the song to `window`.
    fn more(&mut self, window: &mut AudioBuffer) -> Result<()> {
        self.ready.clear();
        if self.decoder.next_block(&mut self.block)? {
            self.resampler.push(&self.block, &mut self.ready)?;
        } else {
            self.resampler.finish(&mut self.ready)?;
            self.ended = true;
        }
        for (channel, plane) in window.planes.iter_mut().enumerate() {
            plane.extend_from_slice(&self.ready.planes[channel.min(self.ready.channels() - 1)]);
        }
        Ok(())
    }
}

impl Reel {
    /// Opens a song.
    ///
    /// # Errors
    /// As [`Decoder::open`].
    pub fn open(path: &Path, limits: &Limits, rate: SampleRate) -> Result<Reel> {
        Ok(Reel {
            feed: Feed::open(path, limits, rate)?,
            path: path.to_path_buf(),
            limits: limits.clone(),
            rate,
            window: AudioBuffer::new(2),
            start: 0,
        })
    }

    /// Where the song turned out to end, once that was reached.
    pub fn ended(&self) -> Option<i64> {
        self.feed.ended.then(|| self.end())
    }

    fn end(&self) -> i64 {
        self.start + self.window.frames() as i64
    }

    fn wind_to(&mut self, range: &Range<i64>) -> Result<()> {
        if range.start < self.start && self.start > 0 {
            self.feed = Feed::open(&self.path, &self.limits, self.rate)?;
            self.window.clear();
            self.start = 0;
        }
        let kept = (KEPT * self.rate.as_f64()) as i64;
        while self.end() < range.end && !self.feed.ended {
            self.feed.more(&mut self.window)?;
            // Dropped by the second, for moving the rest costs time.
            let passed = range.start.min(self.end()) - kept - self.start;
            if passed > i64::from(self.rate.hz()) {
                self.window.drop_front(passed as usize);
                self.start += passed;
            }
        }
        Ok(())
    }
}

impl Wave for Reel {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        self.wind_to(&range)?;
        out.planes.resize(2, Vec::new());
        let (from, to) = (range.start.max(self.start), range.end.min(self.end()));
        for (plane, window) in out.planes.iter_mut().zip(&self.window.planes) {
            plane.clear();
            if from < to {
                plane.resize((from - range.start) as usize, 0.0);
                let held = (from - self.start) as usize..(to - self.start) as usize;
                plane.extend_from_slice(&window[held]);
            }
            plane.resize((range.end - range.start).max(0) as usize, 0.0);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
