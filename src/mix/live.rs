//! A mix without end: actions are added while it plays, and memory stays as it is.

use std::collections::VecDeque;

use super::plan::{Planned, Style};
use super::render::{BLOCK, Player};
use super::timeline::Line;
use super::voice::TrackSound;
use crate::audio::AudioBuffer;
use crate::base::{Result, SampleRate, Seconds};

/// Frames that must be planned beyond those that are made: a voice must know that it goes on
/// before it would fade out, and its filters look ahead.
const AHEAD: i64 = 2 * BLOCK;

/// An action and where it begins in the mix.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Its number, counted from the first of the mix.
    pub number: u64,
    /// When it begins.
    pub at: Seconds,
    /// What it is.
    pub planned: Planned,
}

impl Placed {
    /// When it is over.
    pub fn end(&self) -> Seconds {
        Seconds(self.at.0 + self.planned.action.duration().0)
    }
}

/// Renders a mix while it is being planned. The samples are those of a [`Renderer`] of the whole
/// plan.
///
/// [`Renderer`]: super::Renderer
pub struct LiveRenderer {
    rate: SampleRate,
    line: Line,
    player: Player,
    position: i64,
    /// Actions that sound or will, and those before that the voices that sound began with.
    placed: VecDeque<Placed>,
    next_number: u64,
    ended: Vec<super::VoiceSpec>,
}

impl LiveRenderer {
    /// A mix of nothing yet, in the style of `dj`: no voice is limited on its own.
    pub fn new(rate: SampleRate) -> LiveRenderer {
        LiveRenderer {
            rate,
            line: Line::at(rate, 0.0),
            player: Player::new(rate, Style::Dj),
            position: 0,
            placed: VecDeque::new(),
            next_number: 0,
            ended: Vec::new(),
        }
    }

    /// Frames a second.
    pub fn rate(&self) -> SampleRate {
        self.rate
    }

    /// The first frame the next block holds.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// The first frame whose sound is not settled yet: what is planned from here on can still be
    /// otherwise.
    pub fn settled(&self) -> i64 {
        self.position + AHEAD
    }

    /// Whether the next block needs more to be planned first.
    pub fn is_short(&self) -> bool {
        self.line.end() < self.settled() + BLOCK
    }

    /// The actions that sound and those to come.
    pub fn placed(&self) -> impl DoubleEndedIterator<Item = &Placed> {
        self.placed.iter()
    }

    /// Lets actions follow those that are there; ones without length are left out.
    pub fn extend(&mut self, actions: impl IntoIterator<Item = Planned>) {
        for planned in actions {
            if planned.action.duration().0 <= 0.0 {
                continue;
            }
            let (number, at) = (self.next_number, Seconds(self.line.now()));
            self.next_number += 1;
            self.line.add(&planned.action);
            self.placed.push_back(Placed { number, at, planned });
        }
        self.tell();
    }

    /// Takes back the action of this number and all after it. Only what begins after
    /// [`settled`](Self::settled), or goes on then as it did before, may be taken back.
    pub fn take_back(&mut self, number: u64) {
        let mut from = self.line.now();
        while let Some(last) = self.placed.pop_back_if(|placed| placed.number >= number) {
            from = last.at.0;
        }
        self.next_number = number.min(self.next_number);
        // Voices that sound are laid out again from where they began.
        from = self.placed.front().map_or(from, |placed| placed.at.0);
        self.line = Line::at(self.rate, from);
        self.ended.clear();
        for placed in &self.placed {
            self.line.add(&placed.planned.action);
        }
        self.tell();
    }

    /// Ends everything that sounds at frame `position`, which may be one whose block was made
    /// already, and goes on with nothing: for when a song turns out to be unreadable in the middle.
    pub fn clear(&mut self, position: i64) {
        self.position = position.min(self.position);
        self.placed.clear();
        self.ended.clear();
        self.player = Player::new(self.rate, Style::Dj);
        self.line = Line::at(self.rate, self.position as f64 / self.rate.as_f64());
    }

    /// Replaces `out` by the next block.
    ///
    /// # Errors
    /// Where a track cannot be read.
    pub fn next_block(
        &mut self,
        sound: &dyn Fn(usize, bool) -> Result<(TrackSound, f32)>,
        out: &mut AudioBuffer,
    ) -> Result<()> {
        let to = self.position + BLOCK;
        self.player.block(self.position..to, sound, out)?;
        self.position = to;
        self.forget();
        Ok(())
    }

    /// Tells the player what is known of its voices.
    fn tell(&mut self) {
        self.ended.extend(self.line.take_ended());
        let position = self.position;
        self.ended.retain(|v| v.end() > position);
        let known = self.ended.iter().cloned().chain(self.line.open());
        let mut voices: Vec<_> = known.filter(|v| v.end() > position.max(v.start())).collect();
        voices.sort_by_key(super::VoiceSpec::start);
        self.player.set(voices);
    }

    /// Drops actions that neither sound nor began a voice that does.
    fn forget(&mut self) {
        let from = self.player.oldest().unwrap_or(self.position).min(self.position);
        let from = from as f64 / self.rate.as_f64();
        // Half a frame of room: frames are rounded times.
        let room = 0.5 / self.rate.as_f64();
        while self.placed.front().is_some_and(|placed| placed.end().0 <= from - room) {
            self.placed.pop_front();
        }
    }
}
