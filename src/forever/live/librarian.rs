//! Looks after the songs of a stream: hears new ones, chooses what comes next, and makes it ready.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::deck::Deck;
use super::state::{Remembered, short_id};
use crate::base::{Error, ErrorKind, Event, Quiet, Result};
use crate::forever::PlanJob;
use crate::forever::catalogue::{Catalogue, Library, Listed, update_some};
use crate::forever::programme::Programme;
use crate::forever::shelf::{Shelf, Stems};
use crate::forever::song::SongId;
use crate::forever::visits::programme_options;
use crate::pipeline::{BeatSource, Context, SongInput, Sound};
use crate::store::hash_file;
use crate::stream::SourceState;

/// Songs listened to before the first sound: then a small library is known as a whole.
const AT_FIRST: usize = 32;
/// Songs listened to at a time while a stream runs; in between it may ask for the next song.
const AT_A_TIME: usize = 2;
/// After this time a song that could not be read is tried again.
const AGAIN: Duration = Duration::from_secs(600);
/// Songs tried in a row before it is said that there is none.
const TRIES: usize = 64;

/// What a live mix is made of.
#[derive(Clone, Debug)]
pub struct LiveOptions {
    /// How songs are chosen and how they meet. Its length counts for nothing.
    pub job: PlanJob,
    /// Songs, folders and playlists.
    pub inputs: Vec<PathBuf>,
    /// Where stems come from.
    pub stems: Stems,
    /// The file wishes of those in charge go to.
    pub wishes: PathBuf,
    /// How often folders are looked at for new songs.
    pub look: Duration,
}

/// What the mix desires of the librarian.
#[derive(Clone, Debug)]
pub enum Desired {
    /// The next song.
    Next,
    /// This song was heard.
    Played(SongId),
    /// This song, by path, title or number, is to come next.
    Inject(String),
    /// This song, by its number, is never to come again.
    Ban(String),
    /// To look for new songs now.
    Look,
    /// To choose songs and to mix them so from now on.
    Job(Box<PlanJob>),
    /// The end.
    Stop,
}

/// What the librarian answers.
#[derive(Debug)]
pub enum Answer {
    /// The next song.
    Deck(Box<Deck>),
    /// There is none.
    Nothing,
    /// How the library fares.
    State(SourceState),
    /// To mix songs so from now on.
    Job(Box<PlanJob>),
}

/// Numbers of songs that are not to be played.
#[derive(Clone, Debug, Default)]
pub struct Banned(Arc<Mutex<BTreeSet<String>>>);

impl Banned {
    fn new(songs: &[String]) -> Banned {
        Banned(Arc::new(Mutex::new(songs.iter().cloned().collect())))
    }

    fn add(&self, song: String) {
        self.lock().insert(song);
    }

    fn holds(&self, song: &str) -> bool {
        self.lock().contains(song)
    }

    /// All of them.
    pub fn all(&self) -> Vec<String> {
        self.lock().iter().cloned().collect()
    }

    /// A set is whole whoever failed while holding it.
    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keeper of the songs.
pub struct Librarian<'a> {
    context: &'a Context<'a>,
    beats: &'a BeatSource,
    options: LiveOptions,
    catalogue: Catalogue,
    library: Library,
    programme: Programme,
    banned: Banned,
    /// Files not listened to yet.
    waiting: Vec<PathBuf>,
    /// Files that were listened to, as they were then: in vain, where they still wait.
    tried: HashMap<PathBuf, Option<Listed>>,
    /// Songs that could not be read when they were to be played, and when that was.
    broken: HashMap<SongId, Instant>,
    looked: Instant,
}

impl<'a> Librarian<'a> {
    /// Finds the songs. A library of at most 32 songs never heard before is heard as a whole; of a
    /// larger one the rest follows while the stream runs.
    ///
    /// # Errors
    /// `NoAudio` where there is no song; fatal errors of the catalogue and the file system.
    pub fn new(
        context: &'a Context<'a>,
        beats: &'a BeatSource,
        mut options: LiveOptions,
        mut catalogue: Catalogue,
        before: &Remembered,
    ) -> Result<Librarian<'a>> {
        let library =
            update_some(context, &mut catalogue, &options.inputs, beats, AT_FIRST, |_, _| {})?;
        options.job.wishes.inject.get_or_insert_with(|| options.wishes.clone());
        let programme = Programme::new(programme_options(&options.job), Vec::new());
        let mut librarian = Librarian {
            context,
            beats,
            options,
            catalogue,
            library: Library::default(),
            programme,
            banned: Banned::new(&before.banned),
            waiting: Vec::new(),
            tried: HashMap::new(),
            broken: HashMap::new(),
            looked: Instant::now(),
        };
        let songs = librarian.sift(library);
        librarian.programme = Programme::new(programme_options(&librarian.options.job), songs);
        if librarian.library.songs.is_empty() {
            return Err(Error::new(ErrorKind::NoAudio, "there is no song to play")
                .because("none of the files could be used")
                .hint("remix analyze FOLDER tells what is wrong with each"));
        }
        Ok(librarian)
    }

    /// Songs that are not to be played, which others may look at while the librarian works.
    pub fn banned(&self) -> Banned {
        self.banned.clone()
    }

    /// The song that was playing before a restart, if it is still there.
    pub fn resume(&mut self, before: &Remembered) -> Option<Deck> {
        let place = self.library.songs.iter().position(|song| before.is(&song.id))?;
        self.prepare(place)
    }

    /// The next song made ready.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn next_deck(&mut self) -> Result<Option<Deck>> {
        for _ in 0..TRIES.min(self.library.songs.len().max(1)) {
            let Some(pick) = self.programme.next_pick(self.context)? else { return Ok(None) };
            if let Some(deck) = self.prepare(pick.place) {
                return Ok(Some(deck));
            }
        }
        Ok(None)
    }

    /// Serves a mix until it says that it is over, or is gone.
    pub fn serve(&mut self, desired: &Receiver<Desired>, answers: &Sender<Answer>) {
        // Whoever listens comes before whoever waits to be heard.
        let _ = rustix::process::nice(10);
        let _ = answers.send(Answer::State(self.state()));
        loop {
            let soon = Duration::from_millis(20);
            let patience = if self.waiting.is_empty() { self.options.look } else { soon };
            match desired.recv_timeout(patience) {
                Ok(Desired::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Desired::Next) => {
                    let answer = match self.next_deck() {
                        Ok(Some(deck)) => Answer::Deck(Box::new(deck)),
                        _ => Answer::Nothing,
                    };
                    if answers.send(answer).is_err() {
                        return;
                    }
                }
                Ok(Desired::Job(job)) => {
                    let _ = answers.send(Answer::Job(self.reconfigure(*job)));
                }
                Ok(other) => self.heed(other),
                Err(RecvTimeoutError::Timeout) => self.hear_some(),
            }
            if self.looked.elapsed() >= self.options.look {
                self.look();
            }
            let _ = answers.send(Answer::State(self.state()));
        }
    }

    fn heed(&mut self, desired: Desired) {
        let done = match desired {
            Desired::Played(id) => self.catalogue.played(&id),
            Desired::Inject(song) => self.inject(&song),
            Desired::Ban(id) => {
                self.banned.add(id);
                self.look();
                Ok(())
            }
            Desired::Look => {
                self.tried.clear();
                self.broken.clear();
                self.look();
                Ok(())
            }
            // These are answered where they come in.
            Desired::Next | Desired::Stop | Desired::Job(_) => Ok(()),
        };
        if let Err(error) = done {
            self.say(&error.to_string());
        }
    }

    /// Takes other settings; the rate and the seed of a stream stay.
    fn reconfigure(&mut self, mut job: PlanJob) -> Box<PlanJob> {
        job.rate = self.options.job.rate;
        job.seed = self.options.job.seed;
        job.wishes.inject.get_or_insert_with(|| self.options.wishes.clone());
        self.programme.reconfigure(programme_options(&job));
        self.options.job = job.clone();
        Box::new(job)
    }

    /// Adds a line to the file of wishes.
    fn inject(&mut self, song: &str) -> Result<()> {
        let named = self.library.songs.iter().find(|s| short_id(&s.id) == song);
        let line = named.map_or_else(|| song.to_string(), |s| s.path.display().to_string());
        self.programme.wish_for(self.context, &line)
    }

    /// Makes a song ready; one that cannot be read is set aside for a while.
    fn prepare(&mut self, place: usize) -> Option<Deck> {
        let input = self.library.inputs.get(place)?.clone();
        let mut shelf = Shelf::new(self.beats, self.options.stems.clone());
        let made = unchanged(self.context, &input).and_then(|()| {
            // That one song is looked up is not worth a word.
            let quiet = Context { progress: &Quiet, ..*self.context };
            let loaded = shelf.load(&quiet, &[&input])?.pop().flatten();
            let loaded = loaded.ok_or_else(|| {
                Error::new(ErrorKind::Unusable, "the song cannot be used any more")
            })?;
            Deck::prepare(self.context, &input, &loaded, self.options.job.loudness)
        });
        match made {
            Ok(deck) => Some(deck),
            Err(error) => {
                self.say(&format!("{}: left out, {}", input.name, error.reason()));
                self.broken.insert(SongId(*input.hash.as_bytes()), Instant::now());
                let songs = std::mem::take(&mut self.library);
                let songs = self.sift(songs);
                self.programme.refresh(songs);
                None
            }
        }
    }

    /// Looks at the folders again.
    fn look(&mut self) {
        self.looked = Instant::now();
        self.broken.retain(|_, since| since.elapsed() < AGAIN);
        let fs = self.context.fs;
        // A file that has changed since is another one: it may have been half copied then.
        self.tried.retain(|path, then| then.is_some() && Listed::look(fs, path).ok() == *then);
        let listed = self.update(&self.options.inputs.clone(), 0);
        match listed {
            Ok(library) => {
                let before: HashSet<SongId> = self.library.songs.iter().map(|s| s.id).collect();
                let songs = self.sift(library);
                let now: HashSet<SongId> = self.library.songs.iter().map(|s| s.id).collect();
                if before != now {
                    self.say(&format!("{} songs", now.len()));
                    self.programme.refresh(songs);
                }
            }
            // A folder that is gone for a while, or empty: what is known is played on.
            Err(error) => self.say(&error.to_string()),
        }
    }

    /// Listens to a few songs more.
    fn hear_some(&mut self) {
        let count = AT_A_TIME.min(self.waiting.len());
        let some: Vec<PathBuf> = self.waiting.drain(..count).collect();
        if some.is_empty() {
            return;
        }
        let fs = self.context.fs;
        self.tried.extend(some.iter().map(|path| (path.clone(), Listed::look(fs, path).ok())));
        if let Err(error) = self.update(&some, usize::MAX) {
            self.say(&error.to_string());
        }
        if self.waiting.is_empty() || self.tried.len() % AT_FIRST < AT_A_TIME {
            self.look();
        }
    }

    fn update(&mut self, inputs: &[PathBuf], most: usize) -> Result<Library> {
        // Folders are looked at twice a minute: only what is heard is worth a word.
        let quiet = Context { progress: &Quiet, ..*self.context };
        let context = if most == 0 { &quiet } else { self.context };
        update_some(context, &mut self.catalogue, inputs, self.beats, most, |_, _| {})
    }

    /// Keeps the songs of a library that may be played, with their files, and gives them.
    fn sift(&mut self, mut library: Library) -> Vec<crate::forever::Song> {
        let songs = std::mem::take(&mut library.songs);
        let inputs = std::mem::take(&mut library.inputs);
        for (song, input) in songs.into_iter().zip(inputs) {
            let banned = self.banned.holds(&short_id(&song.id));
            let plain = matches!(&input.sound, Sound::Song(path) if path.to_str().is_some());
            if plain && !banned && !self.broken.contains_key(&song.id) {
                library.songs.push(song);
                library.inputs.push(input);
            }
        }
        let untried = |path: &PathBuf| !self.tried.contains_key(path);
        self.waiting = library.waiting.iter().filter(|path| untried(path)).cloned().collect();
        self.library = library;
        self.library.songs.clone()
    }

    fn state(&self) -> SourceState {
        SourceState {
            known: self.library.songs.len(),
            waiting: self.waiting.len(),
            broken: self.broken.len() + self.library.skipped.len() + self.library.told.len(),
            ..SourceState::default()
        }
    }

    fn say(&self, text: &str) {
        self.context.progress.report(Event::Note { text });
    }
}

/// A file that is gone, or another one by now, is not the song that was heard.
fn unchanged(context: &Context<'_>, input: &SongInput) -> Result<()> {
    let Sound::Song(path) = &input.sound else { return Ok(()) };
    if hash_file(context.fs, path, context.cancel)? == input.hash {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Corrupt, "the file has changed").at(path))
}
