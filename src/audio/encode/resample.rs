//! Brings the music to a rate the format knows, block by block.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

use super::{block_frames, internal, tamed};
use crate::base::{Result, SampleRate};

/// Input frames per transform. Longer ones cut off closer to the Nyquist frequency; the delay
/// they cost is trimmed.
const CHUNK: usize = 1024;

/// Tames samples and, where the rates differ, resamples them by FFT overlap-add. The output
/// starts where the input starts and lasts `round(frames * to / from)` frames.
pub(super) struct RateConverter {
    rates: (SampleRate, SampleRate),
    fft: Option<Fft<f32>>,
    waiting: Vec<Vec<f32>>,
    block: Vec<Vec<f32>>,
    ready: Vec<Vec<f32>>,
    /// Frames still to drop: the resampler's delay.
    delay: usize,
    taken: u64,
    given: u64,
}

impl RateConverter {
    pub(super) fn new(from: SampleRate, to: SampleRate, channels: usize) -> Result<Self> {
        let fft = (from != to).then(|| {
            let window = WindowFunction::BlackmanHarris2;
            let (from, to) = (from.hz() as usize, to.hz() as usize);
            Fft::new_custom(from, to, CHUNK, 1, channels, window, FixedSync::Both)
        });
        let fft = fft.transpose().map_err(|e| internal("cannot resample", e))?;
        let most = fft.as_ref().map_or(0, |f| f.output_frames_max());
        Ok(RateConverter {
            rates: (from, to),
            delay: fft.as_ref().map_or(0, |f| f.output_delay()),
            fft,
            waiting: vec![Vec::new(); channels],
            block: vec![vec![0.0; most]; channels],
            ready: vec![Vec::new(); channels],
            taken: 0,
            given: 0,
        })
    }

    /// Takes a block and returns the frames that became ready.
    pub(super) fn push(&mut self, planar: &[&[f32]]) -> Result<&[Vec<f32>]> {
        self.taken += block_frames(planar, self.ready.len())? as u64;
        self.ready.iter_mut().for_each(Vec::clear);
        let target = if self.fft.is_some() { &mut self.waiting } else { &mut self.ready };
        for (channel, samples) in target.iter_mut().zip(planar) {
            channel.extend(samples.iter().map(|&x| tamed(x)));
        }
        while self.fft.as_ref().is_some_and(|f| self.waiting[0].len() >= f.input_frames_next()) {
            self.convert_chunk()?;
        }
        Ok(&self.ready)
    }

    /// Returns the frames held back; call it once, after the last block.
    pub(super) fn finish(&mut self) -> Result<&[Vec<f32>]> {
        self.ready.iter_mut().for_each(Vec::clear);
        let (from, to) = (u128::from(self.rates.0.hz()), u128::from(self.rates.1.hz()));
        let expected = ((u128::from(self.taken) * to + from / 2) / from) as u64;
        while self.given < expected && self.fft.is_some() {
            let need = self.fft.as_ref().map_or(0, |f| f.input_frames_next());
            self.waiting.iter_mut().for_each(|c| c.resize(need, 0.0));
            self.convert_chunk()?;
        }
        let surplus = self.given.saturating_sub(expected) as usize;
        if self.fft.is_some() {
            for channel in &mut self.ready {
                channel.truncate(channel.len().saturating_sub(surplus));
            }
        }
        Ok(&self.ready)
    }

    fn convert_chunk(&mut self) -> Result<()> {
        let Some(fft) = &mut self.fft else {
            return Ok(());
        };
        let (channels, need, room) =
            (self.waiting.len(), fft.input_frames_next(), self.block[0].len());
        let input = SequentialSliceOfVecs::new(&self.waiting, channels, need)
            .map_err(|e| internal("cannot resample", e))?;
        let mut output = SequentialSliceOfVecs::new_mut(&mut self.block, channels, room)
            .map_err(|e| internal("cannot resample", e))?;
        let (used, made) = fft
            .process_into_buffer(&input, &mut output, None)
            .map_err(|e| internal("cannot resample", e))?;
        let skip = self.delay.min(made);
        self.delay -= skip;
        self.given += (made - skip) as u64;
        for (channel, block) in self.ready.iter_mut().zip(&self.block) {
            channel.extend_from_slice(&block[skip..made]);
        }
        for channel in &mut self.waiting {
            channel.drain(..used);
        }
        Ok(())
    }
}
