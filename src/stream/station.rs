//! A stream on the air: mounts, the board, those who listen, and the counts of it all.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use super::board::Board;
use super::mount::Mount;
use super::pace::Pace;
use super::relays::Relays;
use super::reserve::Rounds;
use super::source::{News, SongCard, SourceState, Wish};
use super::told;
use crate::audio::clean;
use crate::base::{Clock, Seconds};

/// How often packets are released.
pub const TICK: Duration = Duration::from_millis(50);
/// Events a slow watcher may be behind before it misses some.
const EVENTS: usize = 256;

/// Longest line said, in bytes.
const LONGEST_NOTE: usize = 500;

/// How a station is run.
#[derive(Clone, Debug)]
pub struct StationOptions {
    /// What it is called.
    pub name: String,
    /// A line below the name.
    pub tagline: String,
    /// Sound a new listener is sent at once.
    pub burst: Seconds,
    /// Sound made ahead.
    pub lead: Seconds,
    /// Most listeners in all and from one address.
    pub listeners: usize,
    /// Most listeners from one address.
    pub per_address: usize,
    /// Bytes between titles in the sound, for those who ask for them.
    pub metaint: usize,
    /// What those in charge must show.
    pub token: Option<String>,
    /// The station this one only passes on: `http://host:port`.
    pub origin: Option<String>,
}

impl Default for StationOptions {
    fn default() -> Self {
        StationOptions {
            name: "Evermix".to_string(),
            tagline: "A mix without end".to_string(),
            burst: Seconds(4.0),
            lead: Seconds(35.0),
            listeners: 250,
            per_address: 32,
            metaint: 8_192,
            token: None,
            origin: None,
        }
    }
}

/// One who listens.
#[derive(Debug)]
pub struct Listener {
    /// Where it came in.
    pub mount: Arc<Mount>,
    /// Where it is.
    pub address: SocketAddr,
    /// What it says it is.
    pub agent: String,
    /// When it came, by the station's clock.
    pub since: Duration,
    /// Bytes it was given.
    pub bytes: AtomicU64,
    /// The packet it is given next.
    pub place: AtomicU64,
}

/// Things counted since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Times there was too little sound.
    pub underruns: AtomicU64,
    /// How late the last release was, in microseconds, where that is worth a word.
    pub drift: AtomicU64,
    /// Listeners ever.
    pub listeners: AtomicU64,
    /// Listeners that were too slow.
    pub dropped: AtomicU64,
}

/// A stream on the air.
pub struct Station {
    /// How it is run.
    pub options: StationOptions,
    /// Its formats.
    pub mounts: Vec<Arc<Mount>>,
    /// What is counted.
    pub counts: Counts,
    /// Stations that pass it on.
    pub relays: Relays,
    clock: Arc<dyn Clock>,
    since: (Duration, f64),
    rate: f64,
    board: Mutex<Board>,
    pace: Mutex<(Pace, bool)>,
    /// Sound sent, and what people's clocks said then.
    now: Mutex<(Seconds, f64)>,
    listeners: Mutex<(u64, HashMap<u64, Arc<Listener>>)>,
    wishes: Mutex<Vec<Wish>>,
    source: Mutex<SourceState>,
    rounds: Mutex<Rounds>,
    events: broadcast::Sender<Arc<told::Told>>,
    notes: Sender<String>,
    draining: AtomicBool,
}

impl Station {
    /// A station that has sent nothing yet. What it has to say goes to `notes`.
    pub fn new(
        options: StationOptions,
        mounts: Vec<Arc<Mount>>,
        board: Board,
        clock: Arc<dyn Clock>,
        notes: Sender<String>,
    ) -> Station {
        Station {
            since: (clock.now(), clock.wall()),
            now: Mutex::new((Seconds(0.0), clock.wall())),
            options,
            mounts,
            clock,
            rate: board.rate(),
            board: Mutex::new(board),
            counts: Counts::default(),
            relays: Relays::default(),
            pace: Mutex::default(),
            listeners: Mutex::default(),
            wishes: Mutex::default(),
            source: Mutex::default(),
            rounds: Mutex::default(),
            events: broadcast::channel(EVENTS).0,
            notes,
            draining: AtomicBool::new(false),
        }
    }

    /// Says something to whoever runs the station. What is in it of songs may not do anything to a
    /// terminal, nor look like another line.
    pub fn say(&self, text: impl AsRef<str>) {
        // Nobody reads any more once the command is over.
        let _ = self.notes.send(clean(text.as_ref(), LONGEST_NOTE));
    }

    /// Sends what is due.
    pub fn tick(&self) {
        let made = self.made();
        let mut pace = lock(&self.pace);
        let due = pace.0.due(self.clock.now(), made);
        let late = due.drift.map_or(0.0, |drift| drift.0);
        self.counts.drift.store((1e6 * late) as u64, Ordering::Relaxed);
        if let Some(drift) = due.drift {
            self.say(format!("sending is {:.0} ms late, catching up", 1e3 * drift.0));
        }
        if due.missing.is_some() && !pace.1 {
            self.counts.underruns.fetch_add(1, Ordering::Relaxed);
            self.say("there is no sound to send: the stream waits for more");
        }
        pace.1 = due.missing.is_some();
        drop(pace);
        for mount in &self.mounts {
            mount.release(due.until);
        }
        let wall = self.clock.wall();
        *lock(&self.now) = (due.until, wall);
        let begun = lock(&self.board).advance(due.until, wall);
        if let Some(song) = begun {
            self.say(format!("now {}", song.line()));
        }
    }

    /// Sends all there is: for a station that passes on what another one paces.
    pub fn passed_on(&self) {
        let made = self.made();
        for mount in &self.mounts {
            mount.release(Seconds(f64::INFINITY));
        }
        let wall = self.clock.wall();
        *lock(&self.now) = (made, wall);
        lock(&self.board).advance(made, wall);
    }

    /// Takes news from the source.
    pub fn take(&self, news: Vec<News>) {
        let mut board = lock(&self.board);
        for news in news {
            board.take(&news);
            if let News::Note(text) = &news {
                self.say(text);
            }
            // Nobody may be watching.
            let _ = told::Told::news(self, &news).map(|told| self.events.send(Arc::new(told)));
        }
    }

    /// End of the sound made, in all formats.
    pub fn made(&self) -> Seconds {
        let made = self.mounts.iter().map(|mount| mount.ring().made().0);
        Seconds(made.fold(f64::INFINITY, f64::min))
    }

    /// Sound made and not yet sent.
    pub fn lead(&self) -> Seconds {
        Seconds((self.made().0 - self.now().0).max(0.0))
    }

    /// Sound sent.
    pub fn now(&self) -> Seconds {
        lock(&self.now).0
    }

    /// What people's clocks say when some moment of the sound is sent.
    pub fn wall(&self, moment: Seconds) -> f64 {
        let (now, wall) = *lock(&self.now);
        wall + moment.0 - now.0
    }

    /// People's clock.
    pub fn wall_now(&self) -> f64 {
        self.clock.wall()
    }

    /// How long it has been on the air, and since when.
    pub fn uptime(&self) -> (Seconds, f64) {
        (Seconds((self.clock.now() - self.since.0).as_secs_f64()), self.since.1)
    }

    /// Frames a second of the mix.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The board.
    pub fn board(&self) -> MutexGuard<'_, Board> {
        lock(&self.board)
    }

    /// The mount at a path.
    pub fn mount(&self, path: &str) -> Option<&Arc<Mount>> {
        self.mounts.iter().find(|mount| mount.path == path)
    }

    /// Takes one more listener, unless there are too many. It leaves with [`Station::leave`].
    pub fn join(
        &self,
        mount: &Arc<Mount>,
        address: SocketAddr,
        agent: &str,
    ) -> Option<(u64, Arc<Listener>)> {
        let mut listeners = lock(&self.listeners);
        let from = |ip: IpAddr| listeners.1.values().filter(|l| l.address.ip() == ip).count();
        let full = listeners.1.len() >= self.options.listeners;
        if full || from(address.ip()) >= self.options.per_address {
            return None;
        }
        let listener = Arc::new(Listener {
            mount: mount.clone(),
            address,
            agent: agent.to_string(),
            since: self.clock.now(),
            bytes: AtomicU64::new(0),
            place: AtomicU64::new(0),
        });
        listeners.0 += 1;
        let number = listeners.0;
        listeners.1.insert(number, listener.clone());
        let count = listeners.1.len();
        drop(listeners);
        self.counts.listeners.fetch_add(1, Ordering::Relaxed);
        self.tell_count(count);
        Some((number, listener))
    }

    /// Whether no more listeners are taken.
    pub fn is_full(&self) -> bool {
        lock(&self.listeners).1.len() >= self.options.listeners
    }

    /// A listener is gone.
    pub fn leave(&self, number: u64) {
        let mut listeners = lock(&self.listeners);
        listeners.1.remove(&number);
        let count = listeners.1.len();
        drop(listeners);
        self.tell_count(count);
    }

    fn tell_count(&self, count: usize) {
        let _ = self.events.send(Arc::new(told::Told::listeners(count)));
    }

    /// Those who listen.
    pub fn listeners(&self) -> Vec<Arc<Listener>> {
        let listeners = lock(&self.listeners);
        let mut all: Vec<(&u64, &Arc<Listener>)> = listeners.1.iter().collect();
        all.sort_by_key(|(number, _)| **number);
        all.into_iter().map(|(_, listener)| listener.clone()).collect()
    }

    /// How long a listener has been there.
    pub fn listening(&self, listener: &Listener) -> Seconds {
        Seconds((self.clock.now().saturating_sub(listener.since)).as_secs_f64())
    }

    /// Everything that is told from now on.
    pub fn events(&self) -> broadcast::Receiver<Arc<told::Told>> {
        self.events.subscribe()
    }

    /// Somebody in charge wishes something.
    pub fn wish(&self, wish: Wish) {
        lock(&self.wishes).push(wish);
    }

    /// The wishes since this was asked last.
    pub fn take_wishes(&self) -> Vec<Wish> {
        std::mem::take(&mut lock(&self.wishes))
    }

    /// How the source fares.
    pub fn source(&self) -> SourceState {
        lock(&self.source).clone()
    }

    /// Keeps how the source fares.
    pub fn set_source(&self, state: SourceState) {
        *lock(&self.source) = state;
    }

    /// How often the sound had to go round.
    pub fn rounds(&self) -> Rounds {
        *lock(&self.rounds)
    }

    /// Keeps how often the sound had to go round.
    pub fn set_rounds(&self, rounds: Rounds) {
        *lock(&self.rounds) = rounds;
    }

    /// Whether anybody can be served well.
    pub fn healthy(&self) -> bool {
        if self.options.origin.is_some() {
            // What it has, it passes on at once.
            return self.made().0 > 0.0;
        }
        let (silent, late) = (lock(&self.source).silent, self.rounds().now);
        !silent && !late && self.lead().0 > 0.25 * self.options.lead.0
    }

    /// No new listeners from now on.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether it is about to end.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// A song that is or was on the board.
    pub fn card(&self, id: &str) -> Option<Arc<SongCard>> {
        lock(&self.board).card(id)
    }
}

/// Locks what nobody leaves half changed: a panic elsewhere does no harm to it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
