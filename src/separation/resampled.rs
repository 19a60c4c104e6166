//! A separator of one rate, made to take songs of any.

use super::Separator;
use super::windows::tame;
use crate::audio::{AudioBuffer, Resampler};
use crate::base::{Result, SampleRate};

/// Converts the mix to the rate of a separator and the drums back.
///
/// What the separator's rate cannot carry is in no drums: it stays with the rest.
pub struct Resampled<S> {
    inner: S,
    outside: SampleRate,
    inside: SampleRate,
    channels: usize,
    /// Channels of all sources together.
    found: usize,
    /// The conversion of what is heard first.
    ear: Option<Resampler>,
    way: Option<Way>,
}

/// The conversions of one song there and back.
struct Way {
    there: Resampler,
    back: Resampler,
    fed: usize,
    given: usize,
}

impl<S: Separator> Resampled<S> {
    /// Wraps a separator for songs at the rate `inside`, to take songs at `outside`.
    pub fn new(inner: S, inside: SampleRate, outside: SampleRate, channels: usize) -> Self {
        Resampled { inner, outside, inside, channels, found: channels, ear: None, way: None }
    }

    /// For a separator that finds so many sources.
    #[must_use]
    pub fn with_sources(self, sources: usize) -> Self {
        Resampled { found: sources * self.channels, ..self }
    }

    fn way(&mut self) -> Result<Way> {
        if let Some(way) = self.way.take() {
            return Ok(way);
        }
        if let Some(mut ear) = self.ear.take() {
            let mut last = AudioBuffer::new(self.channels);
            ear.finish(&mut last)?;
            self.inner.hear(&last.slices())?;
        }
        Ok(Way {
            there: Resampler::new(self.outside, self.inside, self.channels)?,
            back: Resampler::new(self.inside, self.outside, self.found)?,
            fed: 0,
            given: 0,
        })
    }

    /// The mix as a buffer: a missing channel is silent, the shortest sets the length.
    fn buffer(&self, mix: &[&[f32]]) -> AudioBuffer {
        let frames = mix.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let mut buffer = AudioBuffer::silence(self.channels, frames);
        for (plane, channel) in buffer.planes.iter_mut().zip(mix) {
            // A conversion would spread what is no number over everything near it.
            plane.iter_mut().zip(*channel).for_each(|(to, x)| *to = tame(*x));
        }
        buffer
    }
}

impl<S: Separator> Separator for Resampled<S> {
    fn id(&self) -> &str {
        self.inner.id()
    }

    fn hears_first(&self) -> bool {
        self.inner.hears_first()
    }

    fn hearing(&self) -> f64 {
        self.inner.hearing()
    }

    fn hear(&mut self, mix: &[&[f32]]) -> Result<()> {
        let mut ear = match self.ear.take() {
            Some(ear) => ear,
            None => Resampler::new(self.outside, self.inside, self.channels)?,
        };
        let mut heard = AudioBuffer::new(self.channels);
        ear.push(&self.buffer(mix), &mut heard)?;
        self.ear = Some(ear);
        self.inner.hear(&heard.slices())
    }

    fn process(&mut self, mix: &[&[f32]], drums: &mut [Vec<f32>]) -> Result<()> {
        let mut way = self.way()?;
        let mix = self.buffer(mix);
        way.fed += mix.frames();
        let mut inside = AudioBuffer::new(self.channels);
        way.there.push(&mix, &mut inside)?;
        let mut found = AudioBuffer::new(self.found);
        self.inner.process(&inside.slices(), &mut found.planes)?;
        let mut outside = AudioBuffer::new(self.found);
        way.back.push(&found, &mut outside)?;
        way.give(outside, drums);
        self.way = Some(way);
        Ok(())
    }

    fn finish(&mut self, drums: &mut [Vec<f32>]) -> Result<()> {
        let mut way = self.way()?;
        let mut inside = AudioBuffer::new(self.channels);
        way.there.finish(&mut inside)?;
        let mut found = AudioBuffer::new(self.found);
        self.inner.process(&inside.slices(), &mut found.planes)?;
        self.inner.finish(&mut found.planes)?;
        let mut outside = AudioBuffer::new(self.found);
        way.back.push(&found, &mut outside)?;
        way.back.finish(&mut outside)?;
        // Both conversions round their lengths, which can leave a frame or two over or owing.
        let owed = way.fed - way.given;
        outside.extend_silence(owed.saturating_sub(outside.frames()));
        way.give(outside, drums);
        Ok(())
    }
}

impl Way {
    /// Appends what is ready, never more than was fed.
    fn give(&mut self, mut ready: AudioBuffer, drums: &mut [Vec<f32>]) {
        ready.truncate(self.fed - self.given);
        self.given += ready.frames();
        for (drums, plane) in drums.iter_mut().zip(&ready.planes) {
            drums.extend_from_slice(plane);
        }
    }
}

#[cfg(test)]
mod tests;
