//! A song as a tape at the remix's own rate and channels: any stretch of it can be read.

use std::ops::Range;

use crate::audio::splice::Wave;
use crate::audio::{AudioBuffer, Resampler};
use crate::base::{Result, SampleRate};
use crate::corpus::{SongBeats, SongReader};

/// Frames of the song read around a converted stretch, so that its edges are settled.
const MARGIN: i64 = 4_096;

/// Reads one or several layers of a song, added up, at the remix's rate.
pub struct Tape<'a> {
    layers: Vec<SongReader<'a>>,
    song: &'a SongBeats,
    rate: SampleRate,
    channels: usize,
}

impl<'a> Tape<'a> {
    /// A tape of `layers` at `rate` with so many channels.
    pub fn new(
        song: &'a SongBeats,
        layers: Vec<SongReader<'a>>,
        rate: SampleRate,
        channels: usize,
    ) -> Self {
        Tape { layers, song, rate, channels }
    }

    /// The place on this tape of a frame of the song.
    pub fn place(&self, frame: u64) -> f64 {
        frame as f64 * self.rate.as_f64() / self.song.rate.as_f64()
    }

    fn read_song(&mut self, range: Range<i64>, sound: &mut AudioBuffer) -> Result<()> {
        let mut more = AudioBuffer::new(self.song.channels);
        for (i, layer) in self.layers.iter_mut().enumerate() {
            if i == 0 {
                layer.read(range.clone(), sound)?;
                continue;
            }
            more.clear();
            layer.read(range.clone(), &mut more)?;
            for (sum, plane) in sound.planes.iter_mut().zip(&more.planes) {
                sum.iter_mut().zip(plane).for_each(|(s, x)| *s += x);
            }
        }
        Ok(())
    }

    /// Converts a stretch on its own. It starts where both rates have a frame in common, so that
    /// neighbouring stretches agree.
    fn read_converted(&mut self, range: Range<i64>, sound: &mut AudioBuffer) -> Result<()> {
        let (from, to) = (i64::from(self.song.rate.hz()), i64::from(self.rate.hz()));
        let common = gcd(from, to);
        let (step_in, step_out) = (from / common, to / common);
        let first = (range.start.div_euclid(step_out) - MARGIN / step_in - 1) * step_in;
        let skip = (range.start - first / step_in * step_out) as usize;
        let last = range.end * from / to + MARGIN;
        let mut raw = AudioBuffer::new(self.song.channels);
        self.read_song(first..last, &mut raw)?;
        let mut resampler = Resampler::new(self.song.rate, self.rate, self.song.channels)?;
        let mut converted = AudioBuffer::new(self.song.channels);
        resampler.push(&raw, &mut converted)?;
        resampler.finish(&mut converted)?;
        converted.drop_front(skip);
        converted.truncate((range.end - range.start) as usize);
        *sound = converted;
        Ok(())
    }
}

impl Wave for Tape<'_> {
    fn read(&mut self, range: Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        let mut sound = AudioBuffer::new(self.song.channels);
        if self.song.rate == self.rate {
            self.read_song(range.clone(), &mut sound)?;
        } else {
            self.read_converted(range.clone(), &mut sound)?;
        }
        match (sound.channels(), self.channels) {
            (1, 2) => {
                let plane = sound.planes.swap_remove(0);
                out.planes = vec![plane.clone(), plane];
            }
            _ => *out = sound,
        }
        Ok(())
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
