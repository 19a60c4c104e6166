//! A plan becomes sound, block by block, in memory that does not grow with its length.

use std::collections::VecDeque;

use super::curve::soft_limit;
use super::plan::{MixPlan, Style};
use super::timeline::{VoiceSpec, voices};
use super::voice::{TrackSound, Voice};
use crate::audio::AudioBuffer;
use crate::base::Result;

/// Frames made at a time. Blocks lie on a fixed grid, so asking in other portions gives the same
/// samples.
const BLOCK: i64 = 1 << 14;

/// Opens the sound of one of the plan's tracks, as stems where the flag says so.
pub type OpenTrack<'a> = dyn Fn(usize, bool) -> Result<TrackSound> + Sync + 'a;

/// Renders a plan.
pub struct Renderer<'a> {
    plan: &'a MixPlan,
    open: &'a OpenTrack<'a>,
    waiting: VecDeque<VoiceSpec>,
    playing: Vec<Voice>,
    position: i64,
    end: i64,
}

impl<'a> Renderer<'a> {
    /// A renderer at the beginning. The plan has been checked, as
    /// [`parse_plan`](super::parse_plan) does.
    pub fn new(plan: &'a MixPlan, open: &'a OpenTrack<'a>) -> Self {
        Renderer::part(plan, open, 0..i64::MAX, |_| true)
    }

    /// A renderer of the voices that `wanted` picks, over some frames of the mix, rounded outwards
    /// to whole blocks. It gives the very samples the whole mix has there.
    pub fn part(
        plan: &'a MixPlan,
        open: &'a OpenTrack<'a>,
        frames: std::ops::Range<i64>,
        wanted: impl Fn(&VoiceSpec) -> bool,
    ) -> Self {
        let (mut voices, end) = voices(plan);
        let start = frames.start.max(0) / BLOCK * BLOCK;
        voices.retain(|v| v.end() > start && wanted(v));
        // Whole blocks: filters round a shorter one otherwise, in the last bit.
        let end = end.min(frames.end.saturating_add(BLOCK - 1) / BLOCK * BLOCK);
        Renderer { plan, open, waiting: voices.into(), playing: Vec::new(), position: start, end }
    }

    /// The first frame the next block holds.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The frame the mix (or the part of it) ends at.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// Replaces `out` by the next block of stereo; empty at the end.
    ///
    /// # Errors
    /// Where a track cannot be read.
    pub fn next_block(&mut self, out: &mut AudioBuffer) -> Result<()> {
        let to = (self.position + BLOCK).min(self.end);
        let frames = (to - self.position).max(0) as usize;
        *out = AudioBuffer::silence(2, frames);
        if frames == 0 {
            return Ok(());
        }
        // A voice is begun a block early: what filters look ahead at is then at hand.
        while self.waiting.front().is_some_and(|v| v.start() < to) {
            let Some(spec) = self.waiting.pop_front() else { break };
            let track = spec.track;
            let sound = (self.open)(track, spec.wants_stems())?;
            let gain = self.plan.tracks[track].gain.0.amplitude() as f32;
            self.playing.push(Voice::new(spec, sound, gain, self.plan.rate, BLOCK as usize));
        }
        let range = self.position..to;
        for voice in &mut self.playing {
            if self.plan.style == Style::Capsule {
                let mut alone = AudioBuffer::silence(2, frames);
                voice.add(range.clone(), &mut alone)?;
                for (sum, plane) in out.planes.iter_mut().zip(&alone.planes) {
                    sum.iter_mut().zip(plane).for_each(|(s, &x)| *s += soft_limit(x));
                }
            } else {
                voice.add(range.clone(), out)?;
            }
        }
        self.playing.retain(|v| v.spec().end() > to);
        self.position = to;
        Ok(())
    }
}
