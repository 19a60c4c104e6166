//! A plan becomes sound, block by block, in memory that does not grow with its length.

use std::collections::VecDeque;

use super::plan::RemixPlan;
use super::runs::{Run, Visit, VisitRuns, visits};
use super::tape::Tape;
use crate::audio::AudioBuffer;
use crate::audio::join::gains;
use crate::audio::splice::Wave as _;
use crate::base::{Error, ErrorKind, Result};
use crate::corpus::{Layer, SongBeats, SongReader};

/// Frames made at a time.
const BLOCK: i64 = 1 << 14;
/// Tapes kept wound on: the one playing, the one before, and one to return to.
const TAPES: usize = 3;

/// Makes a reader for a layer of a song of the plan.
pub type OpenReader<'a> = dyn Fn(usize, Layer) -> Result<SongReader<'a>> + Sync + 'a;

/// Renders a plan. `songs` go with the plan's songs.
pub struct Renderer<'a> {
    plan: &'a RemixPlan,
    channels: usize,
    position: i64,
    end: i64,
    voices: Vec<Player<'a>>,
}

impl<'a> Renderer<'a> {
    /// A renderer at the beginning.
    ///
    /// # Errors
    /// `Corrupt` where the plan names pieces its songs do not have.
    pub fn new(
        plan: &'a RemixPlan,
        songs: &'a [SongBeats],
        channels: usize,
        open: &'a OpenReader<'a>,
    ) -> Result<Self> {
        check(plan, songs)?;
        let player = |voice| Player {
            plan,
            songs,
            voice,
            channels,
            open,
            visits: visits(&plan.voices[voice]).into(),
            runs: VecDeque::new(),
            tapes: VecDeque::new(),
        };
        Ok(Renderer {
            channels,
            position: 0,
            end: plan.attacks.last().map_or(0, |f| f.0 as i64),
            voices: (0..plan.voices.len()).map(player).collect(),
            plan,
        })
    }

    /// Length of the remix in frames.
    pub fn frames(&self) -> u64 {
        self.end as u64
    }

    /// Replaces `out` by the next block; empty at the end.
    ///
    /// # Errors
    /// As `Tape::read`.
    pub fn next_block(&mut self, out: &mut AudioBuffer) -> Result<()> {
        let to = (self.position + BLOCK).min(self.end);
        *out = AudioBuffer::silence(self.channels, (to - self.position) as usize);
        for voice in &mut self.voices {
            voice.add(self.position, to, out)?;
        }
        self.fade_out(out);
        self.position = to;
        Ok(())
    }

    /// The last beat dies away, so that the end is no cut.
    fn fade_out(&self, out: &mut AudioBuffer) {
        let count = self.plan.attacks.len();
        let begin = if count >= 2 { self.plan.attacks[count - 2].0 as i64 } else { 0 };
        let length = (self.end - begin).max(1) as f32;
        let first = (begin - self.position).max(0) as usize;
        for plane in &mut out.planes {
            for (i, x) in plane.iter_mut().enumerate().skip(first) {
                let t = (self.position + i as i64 - begin) as f32 / length;
                *x *= gains(t.clamp(0.0, 1.0), 0.0).0;
            }
        }
    }
}

/// Everything a plan says is checked here, so that playing it cannot go out of bounds.
fn check(plan: &RemixPlan, songs: &[SongBeats]) -> Result<()> {
    let wrong = |why: &str| {
        Err(Error::new(ErrorKind::Corrupt, "the plan does not fit its songs")
            .because(why)
            .hint("remix generate-remix makes a new one"))
    };
    if plan.songs.len() != songs.len() {
        return wrong("it names other songs");
    }
    if plan.attacks.windows(2).any(|w| w[0] >= w[1]) {
        return wrong("its beats do not follow each other in time");
    }
    for voice in &plan.voices {
        if voice.beats.len() + 1 != plan.attacks.len() {
            return wrong("a voice has more or fewer beats than there are");
        }
        let known =
            |song: usize, piece: usize| songs.get(song).is_some_and(|s| piece < s.pieces.len());
        if !voice.beats.iter().all(|b| known(b.song, b.piece)) {
            return wrong("it names a beat that is not there");
        }
    }
    Ok(())
}

/// Plays one voice.
struct Player<'a> {
    plan: &'a RemixPlan,
    songs: &'a [SongBeats],
    voice: usize,
    channels: usize,
    open: &'a OpenReader<'a>,
    visits: VecDeque<Visit>,
    /// Runs not over yet; the first may have begun long ago.
    runs: VecDeque<Run>,
    tapes: VecDeque<(usize, Tape<'a>)>,
}

impl<'a> Player<'a> {
    /// Adds frames `from..to` of the remix to `out`.
    fn add(&mut self, from: i64, to: i64, out: &mut AudioBuffer) -> Result<()> {
        // Runs must be known past the end, for the last may be joined to the next right there.
        while self.runs.back().is_none_or(|run| run.start < to) && !self.visits.is_empty() {
            self.plan_visit()?;
        }
        let mut sound = AudioBuffer::default();
        for i in 0..self.runs.len() {
            let run = self.runs[i];
            // A run sounds until the join to the next is over.
            let end = self.runs.get(i + 1).map_or(i64::MAX, |next| next.start + next.fade as i64);
            let (begin, end) = (run.start.max(from), end.min(to));
            if begin >= end {
                continue;
            }
            self.tape(run.song)?.read(begin + run.offset..end + run.offset, &mut sound)?;
            let next = self.runs.get(i + 1).copied();
            for (plane, from_tape) in out.planes.iter_mut().zip(&sound.planes) {
                let target = &mut plane[(begin - from) as usize..(end - from) as usize];
                mix_run(&run, next.as_ref(), begin, from_tape, target);
            }
        }
        while self.runs.get(1).is_some_and(|next| next.start + next.fade as i64 <= to) {
            self.runs.pop_front();
        }
        Ok(())
    }

    fn plan_visit(&mut self) -> Result<()> {
        let Some(visit) = self.visits.pop_front() else { return Ok(()) };
        let voice = &self.plan.voices[self.voice];
        let song = voice.beats[visit.first].song;
        let before = self.runs.back().copied();
        // The tape joined to is taken out, for both are read in turn.
        let mut old = match before {
            Some(run) => Some((run, self.take_tape(run.song)?)),
            None => None,
        };
        let mut tape = match &old {
            Some((run, _)) if run.song == song => self.new_tape(song)?,
            _ => self.take_tape(song)?,
        };
        let joined = old.as_mut().map(|(run, tape)| (&*run, tape));
        let built = VisitRuns { plan: self.plan, voice, song: &self.songs[song], tape: &mut tape }
            .build(visit, joined)?;
        self.runs.extend(built);
        if let Some((run, tape)) = old {
            self.put_tape(run.song, tape);
        }
        self.put_tape(song, tape);
        Ok(())
    }

    fn new_tape(&self, song: usize) -> Result<Tape<'a>> {
        let layers = &self.plan.voices[self.voice].layers;
        let readers = layers.iter().map(|&l| (self.open)(song, l)).collect::<Result<_>>()?;
        Ok(Tape::new(&self.songs[song], readers, self.plan.rate, self.channels))
    }

    fn take_tape(&mut self, song: usize) -> Result<Tape<'a>> {
        match self.tapes.iter().position(|(s, _)| *s == song).and_then(|i| self.tapes.remove(i)) {
            Some((_, tape)) => Ok(tape),
            None => self.new_tape(song),
        }
    }

    fn put_tape(&mut self, song: usize, tape: Tape<'a>) {
        self.tapes.retain(|(s, _)| *s != song);
        self.tapes.push_back((song, tape));
        if self.tapes.len() > TAPES {
            self.tapes.pop_front();
        }
    }

    fn tape(&mut self, song: usize) -> Result<&mut Tape<'a>> {
        let tape = self.take_tape(song)?;
        self.put_tape(song, tape);
        let last = self.tapes.len() - 1;
        Ok(&mut self.tapes[last].1)
    }
}

/// Adds a run's sound, faded in from the run before and out to the run after.
fn mix_run(run: &Run, next: Option<&Run>, begin: i64, sound: &[f32], out: &mut [f32]) {
    let end = begin + out.len().min(sound.len()) as i64;
    // Between the joins, which is nearly always, nothing is asked of each sample.
    let alone = (run.start + run.fade as i64).clamp(begin, end);
    let joined = next.map_or(end, |next| next.start.clamp(alone, end));
    let range = |from: i64, to: i64| (from - begin) as usize..(to - begin) as usize;
    for i in range(begin, alone).chain(range(joined, end)) {
        out[i] += gain_at(run, next, begin + i as i64) * sound[i];
    }
    for (out, x) in out[range(alone, joined)].iter_mut().zip(&sound[range(alone, joined)]) {
        *out += run.gain * x;
    }
}

/// The gain of a run in its joins.
fn gain_at(run: &Run, next: Option<&Run>, t: i64) -> f32 {
    let share = |at: i64, fade: usize| (at as f32 + 0.5) / fade.max(1) as f32;
    let since = t - run.start;
    let mut gain = run.gain;
    if since < run.fade as i64 {
        gain *= gains(share(since, run.fade), run.correlation).1;
    }
    if let Some(next) = next.filter(|next| t >= next.start) {
        gain *= gains(share(t - next.start, next.fade).min(1.0), next.correlation).0;
    }
    gain
}
