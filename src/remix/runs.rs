//! From beats to runs: stretches of song copied sample by sample, and the joins between them.
//!
//! Tempo is changed by splicing ([`crate::audio::splice`]); everything else, above all every
//! attack, is copied unchanged.

use super::plan::{RemixPlan, Voice};
use super::tape::Tape;
use crate::audio::join::best_fit;
use crate::audio::splice::{Splicer, mono};
use crate::base::{Decibels, Result, SampleRate};
use crate::corpus::SongBeats;

/// Length of the join at a jump.
const JUMP_FADE: f64 = 0.012;
/// A jump's join is over this long before the attack it leads to.
const BEFORE_ATTACK: f64 = 0.003;
/// Furthest a jump's attack is moved so that the waves meet.
const JUMP_REACH: f64 = 0.004;

/// A stretch of song copied to the remix: frame `t` of the remix is frame `t + offset` of the tape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Run {
    /// First frame of the remix it sounds in; the join to it begins here.
    pub start: i64,
    /// Length of the join from the run before.
    pub fade: usize,
    /// How alike both sounds are in the join.
    pub correlation: f32,
    /// Place in the plan's songs.
    pub song: usize,
    /// From frames of the remix to frames of the tape.
    pub offset: i64,
    /// Amplitude factor.
    pub gain: f32,
}

/// Beats of one voice that follow each other in one song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// First beat of the plan.
    pub first: usize,
    /// One past the last.
    pub end: usize,
}

/// The visits of a voice.
pub fn visits(voice: &Voice) -> Vec<Visit> {
    let mut visits: Vec<Visit> = Vec::new();
    for (i, beat) in voice.beats.iter().enumerate() {
        let follows = i > 0 && {
            let before = &voice.beats[i - 1];
            before.song == beat.song && before.piece + 1 == beat.piece
        };
        match visits.last_mut() {
            Some(visit) if follows => visit.end = i + 1,
            _ => visits.push(Visit { first: i, end: i + 1 }),
        }
    }
    visits
}

fn frames(seconds: f64, rate: SampleRate) -> i64 {
    (seconds * rate.as_f64()).round() as i64
}

/// The runs of one visit, given the run before it and both tapes.
pub struct VisitRuns<'a, 'b> {
    /// The plan being played.
    pub plan: &'a RemixPlan,
    /// The voice being played.
    pub voice: &'a Voice,
    /// The song of the visit.
    pub song: &'a SongBeats,
    /// Its tape.
    pub tape: &'b mut Tape<'a>,
}

impl VisitRuns<'_, '_> {
    /// All runs of a visit. `before` is the run and the tape it is joined to.
    ///
    /// # Errors
    /// As [`Tape::read`].
    pub fn build(
        &mut self,
        visit: Visit,
        before: Option<(&Run, &mut Tape<'_>)>,
    ) -> Result<Vec<Run>> {
        let mut runs = vec![self.first_run(visit, before)?];
        for beat in visit.first..visit.end {
            self.stretch_beat(beat, &mut runs)?;
        }
        Ok(runs)
    }

    fn rate(&self) -> SampleRate {
        self.plan.rate
    }

    fn source_attack(&self, beat: usize) -> i64 {
        let piece = self.voice.beats[beat].piece;
        self.tape.place(self.song.pieces[piece].attack.0).round() as i64
    }

    /// The attack after a beat in its own song.
    fn source_next(&self, beat: usize) -> i64 {
        let piece = self.voice.beats[beat].piece + 1;
        let frame = self.song.pieces.get(piece).map_or(self.song.frames, |p| p.attack);
        self.tape.place(frame.0).round() as i64
    }

    fn remix_attack(&self, beat: usize) -> i64 {
        self.plan.attacks[beat].0 as i64
    }

    fn first_run(&mut self, visit: Visit, before: Option<(&Run, &mut Tape<'_>)>) -> Result<Run> {
        let rate = self.rate();
        let beat = &self.voice.beats[visit.first];
        let attack = self.remix_attack(visit.first);
        let mut offset = self.source_attack(visit.first) - attack;
        let gain = Decibels(self.plan.songs[beat.song].gain.0 + self.plan.gain.0);
        let piece = &self.song.pieces[beat.piece];
        let pre_roll = self.tape.place(piece.attack.0) - self.tape.place(piece.start.0);
        let fade = frames(JUMP_FADE, rate);
        let latest = attack - fade - frames(BEFORE_ATTACK, rate);
        let start = (attack - pre_roll as i64 - fade / 2).min(latest).max(0);
        let mut correlation = 0.0;
        if let Some((run, tape)) = before {
            let reach = frames(JUMP_REACH, rate);
            let early = mono(tape, start + run.offset, fade)?;
            let late = mono(self.tape, start + offset - reach, fade + 2 * reach)?;
            let fit = best_fit(&early, &late, reach as usize);
            offset += fit.lag;
            correlation = fit.correlation;
        }
        Ok(Run {
            start,
            fade: fade as usize,
            correlation,
            song: beat.song,
            offset,
            gain: gain.amplitude() as f32,
        })
    }

    /// Adds splices so that the attack after `beat` comes when the plan wants it.
    fn stretch_beat(&mut self, beat: usize, runs: &mut Vec<Run>) -> Result<()> {
        let attacks = self.remix_attack(beat)..self.remix_attack(beat + 1);
        let due = self.source_next(beat) - attacks.end;
        // A run always exists: the visit's first.
        let run = runs[runs.len() - 1];
        let splices = Splicer::new(self.rate()).between(self.tape, attacks, run.offset, due)?;
        runs.extend(splices.into_iter().map(|splice| Run {
            start: splice.start,
            fade: splice.fade,
            correlation: splice.correlation,
            offset: splice.offset,
            ..run
        }));
        Ok(())
    }
}
