//! What is held back of the sound, so that it can go round when there is no more.
//!
//! The last seconds of what a source made are not given out before there is more behind them. When
//! the source is late, the last bars of them are played again and again: they end on a bar line that
//! was not given out yet, so that what follows it can follow them. Where a song breaks off, it is
//! left on its last bar line too.

mod joint;
mod route;
mod tape;

use joint::{Joint, Kind, LONGEST, Room};
use route::Route;
use tape::Tape;

use super::source::{Made, News};
use crate::audio::AudioBuffer;
use crate::base::{SampleRate, Seconds};

/// Sound that is held back, in seconds: a bar line lies in it, or the longest crossing.
const HELD: f64 = 5.0;
/// Frames given at a time.
pub const BLOCK: i64 = 1 << 14;

/// How the reserve fares.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rounds {
    /// Times there was no more sound and the last bars were played again.
    pub times: u64,
    /// Sound played again in all.
    pub seconds: Seconds,
    /// Whether it is being done now.
    pub now: bool,
}

/// Sound between the source and the encoders.
pub struct Reserve {
    rate: SampleRate,
    tape: Tape,
    route: Route,
    /// The first frame of the source that was not given out.
    out: i64,
    /// Frames of the tape before this one are of no use: another song begins here.
    floor: i64,
    /// Where sound ended that nothing goes on, and where what comes after it begins.
    afresh: Option<(i64, i64)>,
    /// Where that ended in its turn, while it is being crossed into.
    after: Option<i64>,
    joint: Option<Joint>,
    /// Frames of the joint's crossing that were given out.
    crossed: Option<i64>,
    rounds: Rounds,
    /// Frames of the round being played since it was said that there is no more sound.
    since: i64,
}

impl Reserve {
    /// An empty one.
    pub fn new(rate: SampleRate) -> Reserve {
        Reserve {
            rate,
            tape: Tape::default(),
            route: Route::new(rate),
            out: 0,
            floor: 0,
            afresh: None,
            after: None,
            joint: None,
            crossed: None,
            rounds: Rounds::default(),
            since: 0,
        }
    }

    /// How it fares.
    pub fn rounds(&self) -> Rounds {
        self.rounds
    }

    /// What there is to tell, by frames of the mix.
    pub fn news(&mut self) -> Vec<News> {
        self.route.news()
    }

    /// The place in the source where a frame of the mix is heard.
    pub fn source(&mut self, mix: i64) -> i64 {
        self.route.source(mix)
    }

    /// Takes a block of the source.
    pub fn take(&mut self, made: Made, block: &AudioBuffer, news: Vec<News>) {
        if made == Made::Afresh {
            self.breaks();
        }
        news.into_iter().for_each(|news| self.route.take(news));
        if made != Made::Nothing {
            self.tape.push(block);
        }
        let kept = self.out - self.frames(LONGEST) - BLOCK;
        self.tape.forget(kept);
        self.route.forget(kept);
    }

    /// What is taken next does not go on what was taken last.
    fn breaks(&mut self) {
        let end = self.tape.end();
        let crossing = self.joint.is_some_and(|joint| joint.kind == Kind::Afresh);
        if crossing && self.crossed.is_some() {
            self.after = Some(end);
        } else if end > self.out {
            // What began afresh and was not heard yet is left out altogether.
            let ended = self.afresh.map_or(end, |(ended, _)| ended);
            self.afresh = Some((ended, end));
            self.joint = self.joint.filter(|joint| joint.kind == Kind::Again);
        } else {
            self.floor = end;
        }
    }

    fn frames(&self, seconds: f64) -> i64 {
        (seconds * self.rate.as_f64()) as i64
    }

    /// Frames that are there and not given out: after those that go round, if any do.
    fn held(&self) -> i64 {
        let again = self.joint.filter(|joint| joint.kind == Kind::Again);
        let from = self.afresh.map(|(_, next)| next).or(again.map(|joint| joint.to()));
        self.tape.end() - from.unwrap_or(self.out)
    }

    /// Whether there is room for more.
    pub fn wants(&self) -> bool {
        self.held() < self.frames(HELD) + 2 * BLOCK
    }

    /// Whether there is any sound in it.
    pub fn is_empty(&self) -> bool {
        self.tape.end() == 0
    }

    /// Replaces `out` by the next frames, if there are enough; if it is `short` of sound outside,
    /// by what there is. `false` where nothing is given.
    pub fn give(&mut self, short: bool, out: &mut AudioBuffer) -> bool {
        if !self.is_ready(short) {
            return false;
        }
        out.planes.resize(2, Vec::new());
        out.clear();
        while (out.frames() as i64) < BLOCK {
            self.advance(BLOCK - out.frames() as i64, out);
        }
        true
    }

    fn is_ready(&mut self, short: bool) -> bool {
        let enough = self.held() >= self.frames(HELD);
        match self.joint {
            Some(Joint { kind: Kind::Afresh, .. }) => true,
            Some(_) => short || enough,
            None if enough && self.afresh.is_some() => {
                self.joint = self.afresh();
                true
            }
            None => self.held() >= self.frames(HELD) + BLOCK || (short && self.go_round()),
        }
    }

    fn room(&self) -> Room<'_> {
        let end = self.afresh.map_or(self.tape.end(), |(ended, _)| ended);
        let rate = self.rate.as_f64();
        Room { tape: &self.tape, floor: self.floor, out: self.out, end, rate }
    }

    fn go_round(&mut self) -> bool {
        let room = self.room();
        self.joint = room.again(&self.route.marks(room.end));
        self.joint.is_some()
    }

    fn afresh(&self) -> Option<Joint> {
        let (ended, next) = self.afresh?;
        Some(self.room().afresh(&self.route.marks(ended), next))
    }

    /// Appends at most so many frames to `out`.
    fn advance(&mut self, most: i64, out: &mut AudioBuffer) {
        let Some(joint) = self.joint else { return self.copy(most, out) };
        let Some(crossed) = self.crossed else {
            if self.out < joint.leave {
                return self.copy(most.min(joint.leave - self.out), out);
            }
            return self.turn(joint);
        };
        let frames = most.min(joint.fade - crossed);
        let (from, to) = (joint.leave + crossed, joint.enter + crossed);
        self.tape.cross(from..from + frames, to, |k| joint.gains(crossed + k as i64), out);
        self.crossed = Some(crossed + frames);
        if crossed + frames == joint.fade {
            self.arrive(joint);
        }
    }

    fn copy(&mut self, frames: i64, out: &mut AudioBuffer) {
        self.tape.copy(self.out..self.out + frames, out);
        self.out += frames;
    }

    /// At the beginning of a crossing: what comes now?
    fn turn(&mut self, joint: Joint) {
        let enough = self.held() >= self.frames(HELD);
        match joint.kind {
            Kind::Again if enough => {
                self.joint = self.afresh();
                self.rounds.now = false;
            }
            Kind::Again => {
                if !self.rounds.now {
                    self.rounds.times += 1;
                    self.since = 0;
                }
                self.rounds.now = true;
                let round = joint.to() - joint.from();
                self.since += round;
                self.rounds.seconds.0 += round as f64 / self.rate.as_f64();
                self.route.again(&joint);
                self.crossed = Some(0);
            }
            Kind::Afresh => {
                self.route.over(&joint);
                self.crossed = Some(0);
            }
        }
    }

    /// At the end of a crossing.
    fn arrive(&mut self, joint: Joint) {
        self.crossed = None;
        self.out = joint.from();
        if joint.kind == Kind::Afresh {
            self.floor = joint.from();
            (self.joint, self.afresh) = (None, self.after.take().map(|end| (end, end)));
        }
    }

    /// The song that goes round and how long it has done so.
    pub fn round(&self) -> (String, Seconds) {
        let heard = self.route.segment(self.out);
        let song = heard.and_then(|s| s.tracks.last()).map(|track| track.song.line());
        (song.unwrap_or_default(), Seconds(self.since as f64 / self.rate.as_f64()))
    }

    /// A block of silence, for when there is nothing at all.
    pub fn silence(&mut self, out: &mut AudioBuffer) {
        *out = AudioBuffer::silence(2, BLOCK as usize);
        self.route.pause(self.out, BLOCK);
    }
}
