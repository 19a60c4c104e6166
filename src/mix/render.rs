//! A plan becomes sound, block by block, in memory that does not grow with its length.

use std::collections::VecDeque;
use std::ops::Range;

use super::curve::soft_limit;
use super::plan::{MixPlan, Style};
use super::timeline::{VoiceSpec, voices};
use super::voice::{TrackSound, Voice};
use crate::audio::AudioBuffer;
use crate::base::{Result, SampleRate};

/// Frames made at a time. Blocks lie on a fixed grid, so asking in other portions gives the same
/// samples.
pub const BLOCK: i64 = 1 << 14;

/// Opens the sound of one of the plan's tracks, as stems where the flag says so.
pub type OpenTrack<'a> = dyn Fn(usize, bool) -> Result<TrackSound> + Sync + 'a;

/// The voices of a mix, those that sound and those that will.
pub(super) struct Player {
    rate: SampleRate,
    style: Style,
    waiting: VecDeque<VoiceSpec>,
    playing: Vec<Voice>,
}

impl Player {
    /// A player of nothing yet.
    pub fn new(rate: SampleRate, style: Style) -> Player {
        Player { rate, style, waiting: VecDeque::new(), playing: Vec::new() }
    }

    /// Takes voices, sorted by when they begin, instead of those that waited. One that sounds
    /// already is known by its track and its beginning, and goes on as it stands there.
    pub fn set(&mut self, voices: impl IntoIterator<Item = VoiceSpec>) {
        self.waiting.clear();
        for spec in voices {
            let same = |v: &&mut Voice| {
                (v.spec().track, v.spec().knots.first()) == (spec.track, spec.knots.first())
            };
            match self.playing.iter_mut().find(same) {
                Some(voice) => voice.revise(spec),
                None => self.waiting.push_back(spec),
            }
        }
    }

    /// When the oldest voice that sounds began.
    pub fn oldest(&self) -> Option<i64> {
        self.playing.iter().map(|voice| voice.spec().start()).min()
    }

    /// Replaces `out` by the frames `range`. `sound` gives a track's sound, as stems where the
    /// flag says so, and its amplitude.
    pub fn block(
        &mut self,
        range: Range<i64>,
        sound: &dyn Fn(usize, bool) -> Result<(TrackSound, f32)>,
        out: &mut AudioBuffer,
    ) -> Result<()> {
        let frames = (range.end - range.start).max(0) as usize;
        *out = AudioBuffer::silence(2, frames);
        if frames == 0 {
            return Ok(());
        }
        while self.waiting.front().is_some_and(|v| v.start() < range.end) {
            let Some(spec) = self.waiting.pop_front() else { break };
            let (sound, gain) = sound(spec.track, spec.wants_stems())?;
            self.playing.push(Voice::new(spec, sound, gain, self.rate, BLOCK as usize));
        }
        for voice in &mut self.playing {
            if self.style == Style::Capsule {
                let mut alone = AudioBuffer::silence(2, frames);
                voice.add(range.clone(), &mut alone)?;
                for (sum, plane) in out.planes.iter_mut().zip(&alone.planes) {
                    sum.iter_mut().zip(plane).for_each(|(s, &x)| *s += soft_limit(x));
                }
            } else {
                voice.add(range.clone(), out)?;
            }
        }
        self.playing.retain(|v| v.spec().end() > range.end);
        Ok(())
    }
}

/// Renders a plan.
pub struct Renderer<'a> {
    plan: &'a MixPlan,
    open: &'a OpenTrack<'a>,
    player: Player,
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
        frames: Range<i64>,
        wanted: impl Fn(&VoiceSpec) -> bool,
    ) -> Self {
        let (mut voices, end) = voices(plan);
        let start = frames.start.max(0) / BLOCK * BLOCK;
        voices.retain(|v| v.end() > start && wanted(v));
        // Whole blocks: filters round a shorter one otherwise, in the last bit.
        let end = end.min(frames.end.saturating_add(BLOCK - 1) / BLOCK * BLOCK);
        let mut player = Player::new(plan.rate, plan.style);
        player.set(voices);
        Renderer { plan, open, player, position: start, end }
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
        let to = (self.position + BLOCK).min(self.end).max(self.position);
        let Renderer { plan, open, .. } = self;
        let sound = |track: usize, stems: bool| {
            Ok((open(track, stems)?, plan.tracks[track].gain.0.amplitude() as f32))
        };
        self.player.block(self.position..to, &sound, out)?;
        self.position = to;
        Ok(())
    }
}
