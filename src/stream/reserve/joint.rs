//! Where sound that was played may go on otherwise than it did: back to its last bars, or over to
//! another song.

use std::ops::Range;

use super::tape::Tape;
use crate::audio::join::{best_fit, gains};

/// Bars that go round, the most that fit; and beats, where no bars are known.
const BARS: [usize; 4] = [8, 4, 2, 1];
const BEATS: [usize; 4] = [32, 16, 8, 4];
/// Longest and shortest round, in seconds.
pub const LONGEST: f64 = 17.0;
const SHORTEST: f64 = 1.0;
/// A round where there is no beat, and its crossing, in seconds: long, for nothing hides it.
const LOOSE: f64 = 12.0;
const LOOSE_FADE: f64 = 3.0;
/// Shortest and longest crossing on the beat, in seconds. It ends at the beat, whose attack is
/// left as it is.
const FADE: Range<f64> = 0.03..0.25;
/// How long a song that breaks off fades, in seconds.
const CUT: f64 = 0.1;
/// How far a beat may lie beside where it was told to be, and what is looked at around it.
const REACH: f64 = 0.012;
const AROUND: f64 = 0.2;

/// What comes after a joint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was heard before.
    Again,
    /// Another song.
    Afresh,
}

/// From one place over to another, by frames of the tape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joint {
    /// What comes after it.
    pub kind: Kind,
    /// Where the crossing begins.
    pub leave: i64,
    /// What is heard with it there.
    pub enter: i64,
    /// Length of the crossing.
    pub fade: i64,
    /// How alike the two are.
    pub correlation: f32,
}

impl Joint {
    /// Where what is left has faded.
    pub fn to(&self) -> i64 {
        self.leave + self.fade
    }

    /// Where it goes on alone.
    pub fn from(&self) -> i64 {
        self.enter + self.fade
    }

    /// How loud both are at a frame of the crossing. A song that begins is not there before.
    pub fn gains(&self, frame: i64) -> (f32, f32) {
        let share = (frame as f32 + 0.5) / self.fade.max(1) as f32;
        match self.kind {
            Kind::Again => gains(share, self.correlation),
            Kind::Afresh => (gains(share, 0.0).0, 0.0),
        }
    }
}

/// Beats by frames of the tape.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// All that are known.
    pub beats: Vec<i64>,
    /// Those that begin a bar.
    pub downbeats: Vec<i64>,
    /// Where the action that sounds last began.
    pub action: i64,
}

/// What a joint may be made of.
pub struct Room<'a> {
    /// The sound.
    pub tape: &'a Tape,
    /// The first frame of it that belongs to what is heard.
    pub floor: i64,
    /// The first that was not given out.
    pub out: i64,
    /// One past the last.
    pub end: i64,
    /// Frames a second.
    pub rate: f64,
}

impl Room<'_> {
    fn frames(&self, seconds: f64) -> i64 {
        (seconds * self.rate) as i64
    }

    fn lowest(&self) -> i64 {
        self.floor.max(self.tape.start())
    }

    /// The last bars, so that they can go round; the last seconds where there is no beat. `None`
    /// where there is too little.
    pub fn again(&self, marks: &Marks) -> Option<Joint> {
        for from in [marks.action, i64::MIN] {
            let bars = self.on_beat(&marks.downbeats, &BARS, 8, from);
            let beats = || self.on_beat(&marks.beats, &BEATS, 2, from);
            if let Some(joint) = bars.or_else(beats) {
                return Some(joint);
            }
        }
        self.loose()
    }

    /// From the last bar line before the end over to `next`. What is left fades before it, so that
    /// the first beat of what comes stands alone.
    pub fn afresh(&self, marks: &Marks, next: i64) -> Joint {
        let fits = |at: &&i64| (self.out + self.frames(FADE.start)..=self.end).contains(*at);
        let bar = marks.downbeats.iter().rev().find(fits);
        let to = bar.or_else(|| marks.beats.iter().rev().find(fits)).copied().unwrap_or(self.end);
        let fade = self.frames(CUT).min(to - self.out).max(0);
        Joint { kind: Kind::Afresh, leave: to - fade, enter: next - fade, fade, correlation: 0.0 }
    }

    /// `counts` are the marks a round may have, `share` is what part of the way from mark to mark
    /// is crossed, and a round begins after `action`.
    fn on_beat(&self, marks: &[i64], counts: &[usize], share: i64, action: i64) -> Option<Joint> {
        let last = marks.iter().rposition(|&mark| mark < self.end)?;
        let step = marks[last] - marks[last.checked_sub(1)?];
        let fade = (step / share).clamp(self.frames(FADE.start), self.frames(FADE.end));
        let fits = |&at: &usize| (self.out + fade..=self.end).contains(&marks[at]);
        let at = (0..=last).rev().find(fits)?;
        let to = marks[at];
        let least = self.lowest() + fade + self.frames(REACH);
        let from = counts.iter().filter_map(|&count| {
            let from = marks[at.checked_sub(count)?];
            let long = (to - from) as f64 / self.rate;
            let holds = from >= least && from >= action && (SHORTEST..=LONGEST).contains(&long);
            holds.then_some(from)
        });
        let from = self.fitted(to, from.max_by_key(|from| to - from)?);
        Some(self.joint(to, from, fade))
    }

    fn loose(&self) -> Option<Joint> {
        let all = self.end - self.lowest();
        let fade = self.frames(LOOSE_FADE).min(self.end - self.out).min(all / 3);
        let round = self.frames(LOOSE).min(all - fade - self.frames(REACH));
        if fade < self.frames(FADE.start) || round < self.frames(SHORTEST) {
            return None;
        }
        Some(self.joint(self.end, self.fitted(self.end, self.end - round), fade))
    }

    /// The frame around `from` that sounds most like `to`: beats are told by the millisecond and
    /// heard by the frame, and tones may not meet against each other.
    fn fitted(&self, to: i64, from: i64) -> i64 {
        let (reach, around) = (self.frames(REACH), self.frames(AROUND));
        let before = around.min(from - reach - self.lowest()).max(0);
        let after = around.min(self.end - to);
        let early = self.tape.mono(to - before..to + after);
        let late = self.tape.mono(from - before - reach..from + after + reach);
        from + best_fit(&early, &late, reach as usize).lag
    }

    fn joint(&self, to: i64, from: i64, fade: i64) -> Joint {
        let (leave, enter) = (to - fade, from - fade);
        let early = self.tape.mono(leave..to);
        let correlation = best_fit(&early, &self.tape.mono(enter..from), 0).correlation;
        Joint { kind: Kind::Again, leave, enter, fade, correlation }
    }
}
