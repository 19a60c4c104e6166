//! Plans and renders, always a little ahead of what is heard.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::deck::Deck;
use super::hold::hold;
use super::librarian::{Answer, Desired, LiveOptions};
use super::segments::segment;
use crate::audio::splice::Wave;
use crate::audio::{AudioBuffer, Reel};
use crate::base::{Limits, Result, SampleRate, Seconds};
use crate::mix::dj::{Desk, Grid, OnDeck, Options};
use crate::mix::{Action, LiveRenderer, Part, Planned, Span, TrackSound};
use crate::stream::{Need, News, Segment, Source, SourceState, Wish};

/// The next song is waited for while so much sound is at hand, in seconds.
const UNHURRIED: f64 = 20.0;
/// How long the second song of a stream is waited for.
const AT_FIRST: Duration = Duration::from_secs(10);
/// Length of the fade-in after a break, in seconds.
const FADE_IN: f64 = 0.5;
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
    asked: bool,
    /// Actions that were told.
    told: u64,
    news: Vec<News>,
    /// When songs begin, which is told to the librarian when it is heard.
    begins: VecDeque<(i64, usize)>,
    /// Where a song turned out to be unreadable while it played.
    failed: Arc<Mutex<Option<usize>>>,
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
            asked: false,
            told: 0,
            news: Vec::new(),
            begins: VecDeque::new(),
            failed: Arc::default(),
            state: SourceState::default(),
        };
        if let Some((deck, place)) = first {
            mix.begin(deck, place);
        }
        mix
    }

    /// Begins out of silence, with a short fade where it is in the middle of a song.
    fn begin(&mut self, deck: Deck, place: Option<Seconds>) {
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
            let next = self.next(need);
            match (self.last(), next) {
                (Some(number), Some(deck)) => self.mix_into(number, deck),
                (Some(number), None) => self.hold(number),
                (None, Some(deck)) => self.begin(deck, None),
                // There is no song at all.
                (None, None) => break,
            }
        }
        self.tell();
    }

    fn mix_into(&mut self, number: usize, deck: Deck) {
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

    fn hold(&mut self, number: usize) {
        let Some(song) = self.deck(number).map(|deck| deck.song.clone()) else { return };
        let (actions, repeated) = hold(&mut self.desk, number, &song.track);
        if repeated {
            self.state.extended += 1;
            let text = "the next song is not ready: the last bars are played again".to_string();
            self.say(Desired::Note(text));
        }
        self.push(actions);
    }

    /// The next song, if it is ready; it is waited for while there is time.
    fn next(&mut self, need: Need) -> Option<Deck> {
        if let Some(deck) = self.ready.pop_front() {
            return Some(deck);
        }
        if !self.asked {
            self.say(Desired::Next);
            self.asked = true;
        }
        let first = self.last().is_none() || self.told < 2;
        let spare = Duration::from_secs_f64((need.lead.0 - UNHURRIED).max(0.0));
        let patience = if first { AT_FIRST } else { spare };
        loop {
            match self.answers.recv_timeout(patience) {
                Ok(Answer::Deck(deck)) => {
                    self.asked = false;
                    // The one after it is made ready meanwhile.
                    self.say(Desired::Next);
                    self.asked = true;
                    self.state.silent = false;
                    return Some(*deck);
                }
                Ok(Answer::Nothing) => {
                    self.asked = false;
                    self.state.silent = self.last().is_none();
                    return None;
                }
                Ok(Answer::Job(job)) => {
                    self.mixing = job.options.clone();
                    self.options.job = *job;
                }
                Ok(Answer::State(state)) => {
                    let SourceState { extended, silent, .. } = self.state;
                    self.state = SourceState { extended, silent, ..state };
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
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
            if self.begins.back().is_none_or(|(_, last)| *last < enters) {
                let at = (placed.at.0 * rate.as_f64()) as i64;
                self.begins.push_back((at, enters));
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

    fn say(&self, desired: Desired) {
        // The librarian is gone when the stream ends.
        let _ = self.desired.send(desired);
    }

    /// Takes back what is planned from an action on, and says so.
    fn take_back(&mut self, number: u64) {
        self.renderer.take_back(number);
        self.told = self.told.min(number);
        self.news.push(News::Gone(number));
    }

    /// Leaves the song that plays as soon as it can be left well.
    fn skip(&mut self) {
        let rate = self.renderer.rate().as_f64();
        let settled = self.renderer.settled() as f64 / rate;
        let stays = self.renderer.placed().find_map(|placed| match &placed.planned.action {
            Action::Playback { track, span, beats } if placed.end().0 > settled => {
                Some((placed.number, placed.at.0, *track, *span, beats.clone()))
            }
            _ => None,
        });
        let Some((number, at, track, span, beats)) = stays else { return };
        let glided: f64 = beats.iter().map(|b| b.length.0).sum();
        let free: f64 = span.start.0 + beats.iter().map(|b| b.span.duration.0).sum::<f64>();
        let passed = (settled - at).max(glided);
        let place = Seconds((free + passed - glided).min(span.end().0));
        self.take_back(number);
        // What was to come after this song is next again.
        let keep = track + 1 - self.first;
        for deck in self.decks.drain(keep.min(self.decks.len())..).rev() {
            self.ready.push_front(deck);
        }
        self.begins.retain(|(_, number)| *number <= track);
        let stay = Span { start: span.start, duration: Seconds(place.0 - span.start.0) };
        self.push([Action::Playback { track, span: stay, beats }.into()]);
        self.desk = Desk::at(place);
        self.mixing.max_stay = Some(SKIPPED_STAY);
        self.tell();
    }

    /// Goes on with another song at once, for the one that plays cannot be read any more.
    fn rescue(&mut self) {
        let gone = self.renderer.placed().next().map_or(self.told, |placed| placed.number);
        self.renderer.clear();
        self.news.push(News::Gone(gone));
        self.begins.clear();
        let after = self.decks.pop_back().filter(|_| self.decks.len() > 1);
        self.first += self.decks.len() + 1;
        self.decks.clear();
        self.ready.extend(after);
        self.say(Desired::Note("a song cannot be read any more: the next one begins".into()));
    }

    /// Drops songs that sound no more.
    fn forget(&mut self) {
        let sounding = self.renderer.placed().map(|placed| placed.planned.action.tracks().0).min();
        let (Some(oldest), Some(last)) = (sounding, self.last()) else { return };
        while self.first < oldest.min(last) {
            self.decks.pop_front();
            self.first += 1;
        }
    }

    fn render(&mut self, out: &mut AudioBuffer) -> Result<()> {
        let (decks, first) = (&self.decks, self.first);
        let (limits, rate, failed) = (&self.limits, self.renderer.rate(), &self.failed);
        let sound = |number: usize, stems: bool| {
            let deck = number.checked_sub(first).and_then(|i| decks.get(i));
            let deck = deck.ok_or_else(|| {
                crate::base::Error::new(crate::base::ErrorKind::Internal, "a song is not at hand")
            })?;
            let sound = open(deck, stems, limits, rate, (failed, number))?;
            Ok((sound, deck.track.gain.0.amplitude() as f32))
        };
        self.renderer.next_block(&sound, out)
    }
}

impl Source for LiveMix {
    fn rate(&self) -> SampleRate {
        self.renderer.rate()
    }

    fn next_block(&mut self, need: Need, out: &mut AudioBuffer) {
        self.heard(need.sent);
        self.plan(need);
        let rendered = self.render(out);
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        if rendered.is_err() || failed.is_some() {
            self.rescue();
            self.plan(need);
            if rendered.is_err() && self.render(out).is_err() {
                *out = AudioBuffer::silence(2, out.frames().max(1 << 14));
            }
        }
        self.forget();
    }

    fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn wish(&mut self, wish: Wish) {
        match wish {
            Wish::Skip => self.skip(),
            Wish::Inject(song) => self.say(Desired::Inject(song)),
            Wish::Ban(Some(song)) => self.say(Desired::Ban(song)),
            Wish::Ban(None) => {
                let settled = Seconds(self.renderer.settled() as f64 / self.rate().as_f64());
                let now = self.renderer.placed().find(|placed| placed.end() > settled);
                let deck = now.and_then(|p| self.deck(p.planned.action.tracks().0));
                let id = deck.map(|deck| deck.card.id.clone());
                id.into_iter().for_each(|id| self.say(Desired::Ban(id)));
                self.skip();
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

/// Where it is noted that a song failed, and which.
type Failure<'a> = (&'a Arc<Mutex<Option<usize>>>, usize);

fn open(
    deck: &Deck,
    stems: bool,
    limits: &Limits,
    rate: SampleRate,
    (failed, number): Failure<'_>,
) -> Result<TrackSound> {
    let reel = |path: &str| -> Result<Box<dyn Wave + Send>> {
        let reel = Reel::open(Path::new(path), limits, rate)?;
        Ok(Box::new(Steady { wave: reel, failed: failed.clone(), number }))
    };
    let whole = || Ok(vec![(Part::All, reel(&deck.track.path)?)]);
    let parts = match deck.track.stems.as_ref().filter(|_| stems) {
        // Stems that are gone are no reason to stop: the song is there.
        Some(files) => match (reel(&files.drums), reel(&files.other)) {
            (Ok(drums), Ok(other)) => vec![(Part::Drums, drums), (Part::Other, other)],
            _ => whole()?,
        },
        None => whole()?,
    };
    Ok(TrackSound { parts })
}

/// Sound that is silent where it cannot be read, and notes it.
struct Steady {
    wave: Reel,
    failed: Arc<Mutex<Option<usize>>>,
    number: usize,
}

impl Wave for Steady {
    fn read(&mut self, range: std::ops::Range<i64>, out: &mut AudioBuffer) -> Result<()> {
        let frames = (range.end - range.start).max(0) as usize;
        if self.wave.read(range, out).is_err() {
            *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.number);
            *out = AudioBuffer::silence(2, frames);
        }
        Ok(())
    }
}
