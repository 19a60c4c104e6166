//! What is played while the next song is not ready.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Deck, LiveMix};
use crate::forever::live::hold::hold;

/// Songs heard last that are kept, to be played once more when no other song comes.
const KEPT: usize = 3;
/// That is done after bars were repeated for this long, in seconds, or after there was no song at
/// all for this long.
const ENOUGH: f64 = 60.0;
const BARE: Duration = Duration::from_secs(20);

/// A song that is played longer than meant, and what may follow it.
#[derive(Default)]
pub struct Late {
    /// Its name, how long it was played on, and how much of that was repeated, in seconds.
    song: Option<(String, f64, f64)>,
    /// Since when there is no song at all.
    bare: Option<Instant>,
    /// Songs heard a while ago, the oldest first.
    kept: VecDeque<Deck>,
}

impl Late {
    /// Keeps a song that was heard.
    pub fn keep(&mut self, deck: Deck) {
        self.kept.retain(|kept| kept.id != deck.id);
        self.kept.push_back(deck);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    fn long(&self) -> bool {
        let repeated = self.song.as_ref().is_some_and(|(.., repeated)| *repeated >= ENOUGH);
        repeated || self.bare.is_some_and(|since| since.elapsed() >= BARE)
    }
}

impl LiveMix {
    /// Plays more of the song that plays, or its last bars again.
    pub(super) fn hold(&mut self, number: usize) {
        let Some(deck) = self.deck(number) else { return };
        let (song, name) = (deck.song.clone(), deck.card.line());
        let (actions, repeated) = hold(&mut self.desk, number, &song.track);
        let seconds: f64 = actions.iter().map(|planned| planned.action.duration().0).sum();
        if self.late.song.is_none() {
            self.state.extended += 1;
            self.note(format!("the next song is not ready: {name} is played on"));
        }
        let (_, lasted, again) = self.late.song.get_or_insert((name, 0.0, 0.0));
        *lasted += seconds;
        // After the first time round, all of it was heard before.
        *again += if repeated || *again > 0.0 { seconds } else { 0.0 };
        self.state.extended_seconds += seconds;
        self.state.late = true;
        self.push(actions);
    }

    /// The next song is there.
    pub(super) fn in_time(&mut self) {
        (self.late.bare, self.state.late) = (None, false);
        if let Some((name, lasted, again)) = self.late.song.take() {
            let again = if again > 0.0 {
                format!(", {again:.0} s of that bars heard before")
            } else {
                String::new()
            };
            self.note(format!(
                "the next song is ready: {name} is played {lasted:.0} s longer{again}"
            ));
        }
    }

    /// There is no song at all.
    pub(super) fn is_bare(&mut self) {
        self.late.bare.get_or_insert_with(Instant::now);
    }

    /// A song heard a while ago, where no other one came for long.
    pub(super) fn heard_before(&mut self) -> Option<Deck> {
        if !self.late.long() {
            return None;
        }
        let playing = self.last().and_then(|number| self.deck(number)).map(|deck| deck.id);
        let fits = |deck: &Deck| Some(deck.id) != playing && !self.banned.contains(&deck.card.id);
        let at = self.late.kept.iter().position(fits)?;
        let deck = self.late.kept.remove(at)?;
        self.note(format!("no other song comes: {} is played once more", deck.card.line()));
        Some(deck)
    }
}
