//! What is asked of the librarian, and what those in charge wish while a mix runs.

use super::{Answer, Deck, Desired, Desk, LiveMix, News, SKIPPED_STAY};
use crate::base::Seconds;
use crate::mix::{Action, Beat, Span};
use crate::stream::SourceState;

/// Why the librarian was asked for a song.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It was its turn.
    Turn,
    /// Somebody wished for it.
    Wish,
}

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A song, or news of the library.
    Something,
    /// That there is no song.
    Nothing,
}

/// The stay with a song that goes on after what is settled.
struct Stay {
    number: u64,
    at: f64,
    track: usize,
    span: Span,
    beats: Vec<Beat>,
}

impl LiveMix {
    /// Asks for the next song, unless that was done.
    pub(super) fn ask_for_next(&mut self) {
        if self.asked.is_empty() {
            self.asked.push_back(Asked::Turn);
            self.say(Desired::Next);
        }
    }

    /// Takes what the librarian answers. A song that was wished for comes before all others.
    pub(super) fn take_answer(&mut self, answer: Answer) -> Taken {
        match answer {
            Answer::Deck(deck) => {
                let asked = self.asked.pop_front();
                if self.banned.contains(&deck.card.id) {
                    return Taken::Something;
                }
                self.state.silent = false;
                match asked {
                    Some(Asked::Wish) => {
                        self.reopen(None);
                        self.ready.push_front(*deck);
                    }
                    _ => self.ready.push_back(*deck),
                }
                Taken::Something
            }
            Answer::Nothing => {
                self.asked.pop_front();
                self.state.silent = self.last().is_none() && self.ready.is_empty();
                Taken::Nothing
            }
            Answer::Job(job) => {
                self.mixing = job.options.clone();
                self.options.job = *job;
                Taken::Something
            }
            Answer::State(state) => {
                let SourceState { extended, extended_seconds, late, silent, .. } = self.state;
                self.state = SourceState { extended, extended_seconds, late, silent, ..state };
                Taken::Something
            }
        }
    }

    /// Leaves the song that plays as soon as it can be left well.
    pub(super) fn skip(&mut self) {
        if self.reopen(Some(SKIPPED_STAY)) {
            self.tell();
        }
    }

    /// Plays a song next.
    pub(super) fn inject(&mut self, song: String) {
        self.say(Desired::Inject(song));
        self.say(Desired::Next);
        self.asked.push_back(Asked::Wish);
    }

    /// Plays a song never again: it is left if it plays, and not begun if it was to come.
    pub(super) fn ban(&mut self, id: String) {
        self.say(Desired::Ban(id.clone()));
        let is = |deck: &Deck| deck.card.id == id;
        let plays = self.settling();
        if plays.and_then(|n| self.deck(n)).is_some_and(is) {
            self.skip();
        } else if self.decks.iter().skip(plays.map_or(0, |n| n + 1 - self.first)).any(is) {
            self.reopen(None);
        }
        self.ready.retain(|deck| deck.card.id != id);
        self.banned.insert(id);
    }

    /// The song that plays where nothing is settled yet; of a transition, the one that comes.
    pub(super) fn settling(&self) -> Option<usize> {
        let settled = self.renderer.settled() as f64 / self.renderer.rate().as_f64();
        let now = self.renderer.placed().find(|placed| placed.end().0 > settled)?;
        let (leaves, comes) = now.planned.action.tracks();
        Some(if now.at.0 < settled { comes } else { leaves })
    }

    /// Puts the songs of the plan from this place on back among those that are ready.
    pub(super) fn give_back(&mut self, from: usize) {
        for deck in self.decks.drain(from.min(self.decks.len())..).rev() {
            self.ready.push_front(deck);
        }
    }

    /// Takes back how the song that plays is left, and what comes after it, so that it can be
    /// planned anew; it stays so many seconds at most. `false` where nothing can be changed.
    fn reopen(&mut self, stays: Option<f64>) -> bool {
        let Some(stay) = self.stay() else { return false };
        let rate = self.renderer.rate().as_f64();
        let settled = self.renderer.settled() as f64 / rate;
        let glided: f64 = stay.beats.iter().map(|b| b.length.0).sum();
        let glide: f64 = stay.beats.iter().map(|b| b.span.duration.0).sum();
        let passed = (settled - stay.at).max(glided);
        let free = stay.span.start.0 + glide + passed - glided;
        let place = Seconds(free.min(stay.span.end().0));
        self.renderer.take_back(stay.number);
        self.told = self.told.min(stay.number);
        self.news.push(News::Gone(stay.number));
        // What was to come after this song is next again.
        self.give_back(stay.track + 1 - self.first);
        self.begins.retain(|(_, number)| *number <= stay.track);
        self.next_begin = self.next_begin.min(stay.track + 1);
        let start = stay.span.start;
        let span = Span { start, duration: Seconds(place.0 - start.0) };
        self.push([Action::Playback { track: stay.track, span, beats: stay.beats }.into()]);
        self.desk = Desk::at(place);
        self.mixing.max_stay = stays.or(self.options.job.options.max_stay);
        true
    }

    fn stay(&self) -> Option<Stay> {
        let settled = self.renderer.settled() as f64 / self.renderer.rate().as_f64();
        self.renderer.placed().find_map(|placed| match &placed.planned.action {
            Action::Playback { track, span, beats } if placed.end().0 > settled => Some(Stay {
                number: placed.number,
                at: placed.at.0,
                track: *track,
                span: *span,
                beats: beats.clone(),
            }),
            _ => None,
        })
    }
}
