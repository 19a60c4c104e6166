//! Plans and renders, always a little ahead of what is heard.

mod late;
mod reader;
mod sound;
mod wishes;

use std::collections::{HashSet, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use super::deck::Deck;
use super::librarian::{Answer, Desired, LiveOptions};
use super::segments::segment;
use crate::audio::AudioBuffer;
use crate::base::{Limits, Result, SampleRate, Seconds};
use crate::mix::dj::{Desk, Grid, OnDeck, Options};
use crate::mix::{Action, LiveRenderer, Planned, Span};
use crate::stream::{Made, Need, News, Segment, Source, SourceState, Wish};
use late::Late;
pub use reader::{OpenSong, Reader, SongWave};
use sound::{Failures, open};
use wishes::{Asked, Taken};

/// The next song is waited for while so much sound is at hand, in seconds.
const UNHURRIED: f64 = 20.0;
/// A song is given up in the middle where it cannot be read while more sound than this is at hand,
/// and the longest it is waited for, in seconds.
const HURRIED: f64 = 10.0;
const LONG: f64 = 60.0;
/// How long the first songs of a stream are waited for, before anything is sent.
const AT_FIRST: Duration = Duration::from_secs(10);
/// Length of the fade-in after a break, in seconds.
const FADE_IN: f64 = 0.5;
/// Songs tried in a row for one block.
const TRIES: usize = 4;
/// What a song is played on after `skip`, so that its transition can be a good one, in seconds.
const SKIPPED_STAY: f64 = 24.0;

/// The endless mix.
pub struct LiveMix {
    options: LiveOptions,
    mixing: Options,
    limits: Limits,
    renderer: LiveRenderer,
    desk: Desk,
    /// Songs of the plan that sound, did a moment ago or will; the first is number `first`.
    decks: VecDeque<Deck>,
    first: usize,
    /// Songs that are ready and not planned yet.
    ready: VecDeque<Deck>,
    answers: Receiver<Answer>,
    desired: Sender<Desired>,
    /// What the librarian has not answered yet, the oldest first.
    asked: VecDeque<Asked>,
    /// Songs that are not to be played, whoever has them at hand already.
    banned: HashSet<String>,
    /// Actions that were told.
    told: u64,
    news: Vec<News>,
    /// When songs begin, which is told to the librarian when it is heard.
    begins: VecDeque<(i64, usize)>,
    next_begin: usize,
    /// Until when the first songs are waited for.
    patient: Instant,
    /// Where a song turned out to be unreadable while it played.
    failures: Failures,
    reader: Reader,
    /// What is played because the next song is not ready.
    late: Late,
    /// Whether the next block does not go on what was before.
    afresh: bool,
    state: SourceState,
}

impl LiveMix {
    /// A mix that begins with `first`, at a place in it, or where its sound begins.
    pub fn new(
        options: LiveOptions,
        limits: &Limits,
        first: Option<(Deck, Option<Seconds>)>,
        answers: Receiver<Answer>,
        desired: Sender<Desired>,
    ) -> LiveMix {
        let rate = options.job.rate;
        let mut mix = LiveMix {
            mixing: options.job.options.clone(),
            options,
            limits: limits.clone(),
            renderer: LiveRenderer::new(rate),
            desk: Desk::default(),
            decks: VecDeque::new(),
            first: 0,
            ready: VecDeque::new(),
            answers,
            desired,
            asked: VecDeque::new(),
            banned: HashSet::new(),
            told: 0,
            news: Vec::new(),
            begins: VecDeque::new(),
            next_begin: 0,
            patient: Instant::now() + AT_FIRST,
            failures: Failures::default(),
            reader: Reader::default(),
            late: Late::default(),
            afresh: false,
            state: SourceState::default(),
        };
        if let Some((deck, place)) = first {
            mix.begin(deck, place);
        }
        mix
    }

    /// The same with songs read otherwise.
    #[must_use]
    pub fn reading(self, reader: Reader) -> LiveMix {
        LiveMix { reader, ..self }
    }

    /// Begins out of silence, with a short fade where it is in the middle of a song.
    fn begin(&mut self, deck: Deck, place: Option<Seconds>) {
        self.in_time();
        let start = deck.song.track.edges.start;
        let last = Seconds((deck.song.track.duration.0 - 2.0 * SKIPPED_STAY).max(start.0));
        self.desk = Desk::at(start);
        let number = self.add(deck);
        if let Some(place) = place.filter(|place| place.0 > start.0) {
            let span = Span { start: Seconds(place.0.min(last.0)), duration: Seconds(FADE_IN) };
            self.desk = Desk::at(span.end());
            self.push([Action::FadeIn { track: number, span }.into()]);
        }
    }

    /// Puts a song on the plan and gives its number.
    fn add(&mut self, deck: Deck) -> usize {
        self.decks.push_back(deck);
        self.first + self.decks.len() - 1
    }

    fn deck(&self, number: usize) -> Option<&Deck> {
        self.decks.get(number.checked_sub(self.first)?)
    }

    /// The song that plays when all that is planned has been played.
    fn last(&self) -> Option<usize> {
        (!self.decks.is_empty()).then(|| self.first + self.decks.len() - 1)
    }

    fn push(&mut self, actions: impl IntoIterator<Item = Planned>) {
        self.renderer.extend(actions.into_iter().map(Planned::rounded));
    }

    /// Plans until enough is planned for the next block.
    fn plan(&mut self, need: Need) {
        while self.renderer.is_short() {
            let next = self.next_ready(need).or_else(|| self.heard_before());
            match (self.last(), next) {
                (Some(number), Some(deck)) => self.mix_into(number, deck),
                (Some(number), None) => self.hold(number),
                (None, Some(deck)) => self.begin(deck, None),
                // There is no song at all.
                (None, None) => {
                    self.is_bare();
                    break;
                }
            }
        }
        self.tell();
    }

    fn mix_into(&mut self, number: usize, deck: Deck) {
        self.in_time();
        let next = self.add(deck);
        let (Some(from), Some(to)) = (self.deck(number), self.deck(next)) else { return };
        let leaves = Grid::new(&from.song.track, from.track.gain.0);
        let comes = Grid::new(&to.song.track, to.track.gain.0);
        let from = OnDeck { number, grid: &leaves, track: &from.track };
        let to = OnDeck { number: next, grid: &comes, track: &to.track };
        let mut desk = self.desk.clone();
        let planned = desk.mix_into(from, to, &self.mixing, &self.options.job.overrides);
        self.desk = desk;
        self.mixing.max_stay = self.options.job.options.max_stay;
        self.push(planned);
    }

    /// The next song, if it is ready; it is waited for while there is time.
    fn next_ready(&mut self, need: Need) -> Option<Deck> {
        let spare = Duration::from_secs_f64((need.lead.0 - UNHURRIED).max(0.0));
        let begun = self.renderer.position() > 0;
        let until = if begun { Instant::now() + spare } else { self.patient };
        loop {
            if let Some(deck) = self.ready.pop_front() {
                // The one after it is made ready meanwhile.
                self.ask_for_next();
                return Some(deck);
            }
            self.ask_for_next();
            let patience = until.saturating_duration_since(Instant::now());
            let nothing = match self.answers.recv_timeout(patience) {
                Ok(answer) => self.take_answer(answer) == Taken::Nothing,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => true,
            };
            if nothing {
                return None;
            }
        }
    }

    /// Tells what was planned and not told.
    fn tell(&mut self) {
        let rate = self.renderer.rate();
        let mut news: Vec<Segment> = Vec::new();
        for placed in self.renderer.placed().filter(|placed| placed.number >= self.told) {
            news.push(segment(placed, rate, |number| self.deck(number)));
            let (_, enters) = placed.planned.action.tracks();
            if enters >= self.next_begin {
                let at = (placed.at.0 * rate.as_f64()) as i64;
                self.begins.push_back((at, enters));
                self.next_begin = enters + 1;
            }
        }
        if let Some(last) = news.last() {
            self.told = last.id + 1;
        }
        self.news.extend(news.into_iter().map(News::Planned));
    }

    /// Tells the librarian which songs were heard.
    fn heard(&mut self, sent: i64) {
        while let Some((_, number)) = self.begins.pop_front_if(|(at, _)| *at <= sent) {
            if let Some(id) = self.deck(number).map(|deck| deck.id) {
                self.say(Desired::Played(id));
            }
        }
    }

    fn note(&mut self, text: String) {
        self.news.push(News::Note(text));
    }

    fn say(&self, desired: Desired) {
        // The librarian is gone when the stream ends.
        let _ = self.desired.send(desired);
    }

    /// Goes on with another song at once, for the one that plays cannot be read any more. Songs
    /// planned after it are next.
    fn rescue(&mut self, failed: Option<usize>, position: i64) {
        let rate = self.renderer.rate();
        let told = self.renderer.placed().map(|p| segment(p, rate, |n| self.deck(n)));
        let sounded = told.take_while(|s| s.start < position).last();
        let cut = sounded.map(|s| s.until(position, rate));
        let gone = self.renderer.placed().next().map_or(self.told, |placed| placed.number);
        self.news.push(cut.map_or(News::Gone(gone), News::Planned));
        self.renderer.clear(position);
        self.afresh = true;
        self.begins.retain(|(at, _)| *at < position);
        let after = failed.map_or(self.decks.len(), |n| (n + 1).saturating_sub(self.first));
        self.give_back(after);
        self.first += self.decks.len();
        self.next_begin = self.first;
        self.decks.clear();
        self.note("a song cannot be read any more: the next one begins".into());
    }

    /// Drops songs that sound no more.
    fn forget(&mut self) {
        let sounding = self.renderer.placed().map(|placed| placed.planned.action.tracks().0).min();
        let (Some(oldest), Some(last)) = (sounding, self.last()) else { return };
        while self.first < oldest.min(last) {
            let gone = self.decks.pop_front();
            self.first += 1;
            gone.into_iter().for_each(|deck| self.late.keep(deck));
        }
    }

    fn render(&mut self, out: &mut AudioBuffer) -> Result<()> {
        let (decks, first) = (&self.decks, self.first);
        let (how, failures) = ((&self.limits, self.renderer.rate()), &self.failures);
        let sound = |number: usize, stems: bool| {
            let deck = number.checked_sub(first).and_then(|i| decks.get(i));
            let deck = deck.ok_or_else(|| {
                crate::base::Error::new(crate::base::ErrorKind::Internal, "a song is not at hand")
            })?;
            let sound = open(deck, stems, &self.reader, how, (failures, number))?;
            Ok((sound, deck.track.gain.0.amplitude() as f32))
        };
        self.renderer.next_block(&sound, out)
    }
}

impl Source for LiveMix {
    fn rate(&self) -> SampleRate {
        self.renderer.rate()
    }

    fn next_block(&mut self, need: Need, out: &mut AudioBuffer) -> Made {
        self.heard(need.sent);
        while let Ok(answer) = self.answers.try_recv() {
            self.take_answer(answer);
        }
        let begun = Instant::now();
        for _ in 0..TRIES {
            // Time that a disk took is gone.
            let lead = Seconds((need.lead.0 - begun.elapsed().as_secs_f64()).max(0.0));
            let need = Need { lead, ..need };
            self.plan(need);
            if self.decks.is_empty() {
                break;
            }
            let (position, spare) = (self.renderer.position(), need.lead.0 - HURRIED);
            self.reader.allow(Duration::from_secs_f64(spare.clamp(0.0, LONG)));
            let rendered = self.render(out);
            let failed = self.failures.take();
            if rendered.is_ok() && failed.is_none() {
                self.forget();
                let afresh = std::mem::take(&mut self.afresh);
                return if afresh { Made::Afresh } else { Made::Sound };
            }
            self.rescue(failed, position);
        }
        out.clear();
        Made::Nothing
    }

    fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Skip => self.skip(),
            Wish::Inject(song) => self.inject(song),
            Wish::Ban(Some(song)) => self.ban(song),
            Wish::Ban(None) => {
                let id =
                    self.settling().and_then(|n| self.deck(n)).map(|deck| deck.card.id.clone());
                id.into_iter().for_each(|id| self.ban(id));
            }
            Wish::TransitionBars(bars) => {
                self.mixing.bars = bars;
                self.options.job.options.bars = bars;
            }
            Wish::Reload => self.say(Desired::Look),
        }
    }

    fn state(&self) -> SourceState {
        self.state.clone()
    }
}
