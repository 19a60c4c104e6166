//! Planar 32-bit float audio: one `Vec<f32>` a channel, all of one length.

use crate::base::all_within;

/// Loud but honest audio stays below this (36 dB over full scale).
pub const LOUDEST: f32 = 64.0;

/// A block of audio. Samples of full scale are ±1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AudioBuffer {
    /// One plane a channel; every plane has the same number of frames.
    pub planes: Vec<Vec<f32>>,
}

impl AudioBuffer {
    /// An empty buffer with so many channels.
    pub fn new(channels: usize) -> Self {
        AudioBuffer { planes: vec![Vec::new(); channels] }
    }

    /// A buffer of silence.
    pub fn silence(channels: usize, frames: usize) -> Self {
        AudioBuffer { planes: vec![vec![0.0; frames]; channels] }
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.planes.len()
    }

    /// Number of frames.
    pub fn frames(&self) -> usize {
        self.planes.first().map_or(0, Vec::len)
    }

    /// True without any frame.
    pub fn is_empty(&self) -> bool {
        self.frames() == 0
    }

    /// Drops all frames, keeps channels and memory.
    pub fn clear(&mut self) {
        self.planes.iter_mut().for_each(Vec::clear);
    }

    /// Appends silence.
    pub fn extend_silence(&mut self, frames: usize) {
        for plane in &mut self.planes {
            plane.resize(plane.len() + frames, 0.0);
        }
    }

    /// Appends all frames of `other`, which has the same number of channels.
    pub fn extend(&mut self, other: &AudioBuffer) {
        for (plane, more) in self.planes.iter_mut().zip(&other.planes) {
            plane.extend_from_slice(more);
        }
    }

    /// Adds the samples of a buffer as long as this one.
    pub fn add(&mut self, other: &AudioBuffer) {
        for (plane, more) in self.planes.iter_mut().zip(&other.planes) {
            plane.iter_mut().zip(more).for_each(|(x, y)| *x += y);
        }
    }

    /// Keeps the first `frames` frames.
    pub fn truncate(&mut self, frames: usize) {
        self.planes.iter_mut().for_each(|plane| plane.truncate(frames));
    }

    /// Removes the first `frames` frames.
    pub fn drop_front(&mut self, frames: usize) {
        for plane in &mut self.planes {
            plane.drain(..frames.min(plane.len()));
        }
    }

    /// The planes as slices, the shape most processors take.
    pub fn slices(&self) -> Vec<&[f32]> {
        self.planes.iter().map(Vec::as_slice).collect()
    }

    /// Writes the average of all channels into `mono`, replacing what was there.
    pub fn mono_into(&self, mono: &mut Vec<f32>) {
        mono.clear();
        match self.planes.as_slice() {
            [] => {}
            [one] => mono.extend_from_slice(one),
            [left, right] => mono.extend(left.iter().zip(right).map(|(l, r)| 0.5 * (l + r))),
            many => {
                let scale = 1.0 / many.len() as f32;
                mono.extend(
                    (0..many[0].len())
                        .map(|i| many.iter().map(|plane| plane[i]).sum::<f32>() * scale),
                );
            }
        }
    }

    /// Whether all samples are numbers no larger than 64, which is 36 dB over full scale.
    pub fn is_honest(&self) -> bool {
        self.planes.iter().all(|plane| all_within(plane, LOUDEST))
    }

    /// Silences what is not a number, which would spread through every filter, or beyond
    /// 64 (36 dB over full scale). Gives how many samples that were.
    pub fn make_honest(&mut self) -> u64 {
        if self.is_honest() {
            return 0;
        }
        let samples = self.planes.iter_mut().flatten();
        let wrong = samples.filter(|x| !all_within(&[**x], LOUDEST));
        wrong.map(|x| *x = 0.0).count() as u64
    }

    /// Multiplies every sample.
    pub fn scale(&mut self, gain: f32) {
        for plane in &mut self.planes {
            plane.iter_mut().for_each(|x| *x *= gain);
        }
    }
}
