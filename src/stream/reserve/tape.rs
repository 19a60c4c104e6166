//! Sound of the mix by its frames: what was given out lately, and what is held back.

use std::ops::Range;

use crate::audio::AudioBuffer;

/// Frames that pile up before old ones are dropped, for moving the rest costs time.
const SLACK: i64 = 1 << 17;

/// A stretch of stereo sound that grows at its end and is forgotten at its beginning.
#[derive(Debug, Default)]
pub struct Tape {
    planes: [Vec<f32>; 2],
    start: i64,
}

impl Tape {
    /// The first frame that is there.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// One past the last.
    pub fn end(&self) -> i64 {
        self.start + self.planes[0].len() as i64
    }

    /// Takes more.
    pub fn push(&mut self, block: &AudioBuffer) {
        let frames = block.frames();
        for (plane, more) in self.planes.iter_mut().zip(&block.planes) {
            plane.extend_from_slice(&more[..frames.min(more.len())]);
        }
    }

    /// Drops what is before a frame, a good deal at a time.
    pub fn forget(&mut self, before: i64) {
        if before - self.start < SLACK {
            return;
        }
        let gone = (before.min(self.end()) - self.start) as usize;
        self.planes.iter_mut().for_each(|plane| drop(plane.drain(..gone)));
        self.start += gone as i64;
    }

    fn at(&self, plane: usize, range: Range<i64>) -> &[f32] {
        let from = (range.start - self.start).max(0) as usize;
        let to = (range.end - self.start).max(0) as usize;
        self.planes[plane].get(from..to).unwrap_or_default()
    }

    /// Appends frames to `out`.
    pub fn copy(&self, range: Range<i64>, out: &mut AudioBuffer) {
        for (i, plane) in out.planes.iter_mut().enumerate() {
            plane.extend_from_slice(self.at(i, range.clone()));
        }
    }

    /// Appends frames of two places together; `gains` gives how loud each is, frame by frame.
    pub fn cross(
        &self,
        range: Range<i64>,
        other: i64,
        gains: impl Fn(usize) -> (f32, f32),
        out: &mut AudioBuffer,
    ) {
        let frames = range.end - range.start;
        for (i, plane) in out.planes.iter_mut().enumerate() {
            let (a, b) = (self.at(i, range.clone()), self.at(i, other..other + frames));
            plane.extend(a.iter().zip(b).enumerate().map(|(k, (x, y))| {
                let (first, second) = gains(k);
                first * x + second * y
            }));
        }
    }

    /// Both channels together.
    pub fn mono(&self, range: Range<i64>) -> Vec<f32> {
        let (left, right) = (self.at(0, range.clone()), self.at(1, range));
        left.iter().zip(right).map(|(l, r)| 0.5 * (l + r)).collect()
    }
}
