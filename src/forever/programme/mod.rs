//! What is played next, for ever.
//!
//! Songs come in lists: all songs of a library, or as many as can be compared with each other,
//! drawn by chance. A list is a tour that begins right after the song played last. Nothing comes
//! twice before every song has come once, and nothing that was heard a while ago comes again
//! because a list was made anew. Wishes of the user, in two files, go before.

mod along;
mod draw;
mod history;
mod wishes;

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;

use super::ordering::Ordering;
use super::song::{Song, SongId, facts};
use crate::base::{Event, Result, Seed};
use crate::order::{CullRules, DropReason, EnergyCurve, SongFacts, Weights};
use crate::pipeline::Context;
use draw::Artists;
use history::History;
use wishes::{Finder, InjectFile, read_lines};

/// Most songs in a list: every pair of them is compared.
pub const LONGEST_LIST: usize = 1_000;
/// So many songs of a list are looked through for another artist before the next one comes anyhow.
const LOOK_AHEAD: usize = 16;

/// How songs are chosen.
#[derive(Clone, Debug)]
pub struct ProgrammeOptions {
    /// The number behind every random decision.
    pub seed: Seed,
    /// How lists are ordered.
    pub order: Ordering,
    /// Whether a list leads back to its beginning: for those that are played to the end.
    pub endless: bool,
    /// Most songs in a list, at most [`LONGEST_LIST`] where it is a tour.
    pub list: usize,
    /// No artist comes twice among so many songs in a row.
    pub artist_gap: usize,
    /// No song comes again within so many songs, or within all others where there are fewer.
    pub novelty: usize,
    /// Songs nobody wants to hear.
    pub rules: CullRules,
    /// How much each criterion counts in the order.
    pub weights: Weights,
    /// How the energy goes up and down; as it comes where it is `None`. A given order stays.
    pub energy: Option<EnergyWish>,
    /// Work spent on a list; as usual where it is `None`.
    pub effort: Option<u64>,
    /// A file of songs that are in every list whatever the rules say: a path or a title a line.
    pub mix: Option<PathBuf>,
    /// A file of songs to be played next, a path or a title a line. What was played is struck out.
    pub inject: Option<PathBuf>,
    /// Nothing is struck out of that file: for plans, which may be made again.
    pub keep_wishes: bool,
}

impl Default for ProgrammeOptions {
    fn default() -> Self {
        ProgrammeOptions {
            seed: Seed(0),
            order: Ordering::default(),
            endless: true,
            list: LONGEST_LIST,
            artist_gap: 3,
            novelty: 30,
            rules: CullRules::default(),
            weights: Weights::default(),
            energy: None,
            effort: None,
            mix: None,
            inject: None,
            keep_wishes: false,
        }
    }
}

/// Energy over a mix.
#[derive(Clone, Debug, PartialEq)]
pub struct EnergyWish {
    /// The curve.
    pub curve: EnergyCurve,
    /// About how many songs the mix has; where it is `None`, every list has the whole curve.
    pub songs: Option<usize>,
    /// Longest stay with a song, in seconds, where there is one.
    pub longest: Option<f64>,
}

/// Why a song was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was its turn in the list.
    Tour,
    /// It was asked for next.
    Injected,
    /// It is among those that must be in every list.
    Forced,
}

/// The next song.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// Its place in the listing given last.
    pub place: usize,
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub id: SongId,
    /// Why it comes.
    pub why: Why,
}

/// A programme without end.
pub struct Programme {
    options: ProgrammeOptions,
    songs: Vec<Song>,
    facts: Vec<SongFacts>,
    finder: Finder,
    inject: Option<InjectFile>,
    history: History,
    artists: Artists,
    /// Places of the songs the rules and the mix file leave.
    pool: Vec<usize>,
    /// Places of those they leave out, and why.
    left_out: Vec<(usize, DropReason)>,
    forced: HashSet<SongId>,
    /// Pairs of songs that are one recording, counted among different contents; found out when
    /// the first list of a listing is made.
    same: Option<Vec<(usize, usize)>>,
    /// The rest of the list.
    queue: VecDeque<usize>,
    /// The listing has changed since the list was made.
    stale: bool,
    lists: u64,
    /// Songs chosen so far.
    drawn: usize,
    /// The last tour through all songs.
    tour: Vec<SongId>,
    told: HashSet<String>,
}

impl Programme {
    /// A programme of `songs`. Those that were played last are not played again soon.
    pub fn new(options: ProgrammeOptions, songs: Vec<Song>) -> Programme {
        let inject = options.inject.clone().map(|path| InjectFile::new(path, options.keep_wishes));
        let history = History::of(&songs);
        let mut programme = Programme {
            options,
            songs: Vec::new(),
            facts: Vec::new(),
            finder: Finder::default(),
            inject,
            history,
            artists: Artists::default(),
            pool: Vec::new(),
            left_out: Vec::new(),
            forced: HashSet::new(),
            same: None,
            queue: VecDeque::new(),
            stale: false,
            lists: 0,
            drawn: 0,
            tour: Vec::new(),
            told: HashSet::new(),
        };
        programme.refresh(songs);
        programme
    }

    /// Takes a new listing. Songs that are gone are not played any more; new ones are woven into
    /// what is left of the list, without anything being repeated.
    pub fn refresh(&mut self, songs: Vec<Song>) {
        let mut seen = HashSet::new();
        let queued: Vec<SongId> = self.queue.iter().map(|&i| self.songs[i].id).collect();
        let before: HashSet<SongId> = self.songs.iter().map(|song| song.id).collect();
        self.songs = songs;
        // Of equal songs the first is played; the others keep their places in the listing.
        let firsts: Vec<usize> =
            (0..self.songs.len()).filter(|&i| seen.insert(self.songs[i].id)).collect();
        let place: std::collections::HashMap<SongId, usize> =
            firsts.iter().map(|&i| (self.songs[i].id, i)).collect();
        self.queue = queued.iter().filter_map(|id| place.get(id).copied()).collect();
        self.stale = seen != before;
        self.facts = facts(self.songs.iter());
        self.finder = Finder::new(&self.songs);
        self.pool = firsts;
        self.left_out.clear();
        self.same = None;
    }

    /// Chooses otherwise from now on. What was played stays played.
    pub fn reconfigure(&mut self, options: ProgrammeOptions) {
        let keep = options.keep_wishes;
        self.inject = options.inject.clone().map(|path| InjectFile::new(path, keep));
        self.options = options;
        self.stale = true;
    }

    /// Adds a line to the file of songs to be played next, where there is one.
    ///
    /// # Errors
    /// `Io` where it cannot be written.
    pub fn wish_for(&self, context: &Context<'_>, line: &str) -> Result<()> {
        self.inject.as_ref().map_or(Ok(()), |file| file.add(context, line))
    }

    /// The song to play next; `None` where there is none.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn next_pick(&mut self, context: &Context<'_>) -> Result<Option<Pick>> {
        if let Some(place) = self.injected(context) {
            return Ok(Some(self.take(place, Why::Injected)));
        }
        if self.stale || self.queue.is_empty() {
            self.make_list(context)?;
        }
        if self.choose().is_none() {
            // All that is left was heard a while ago: forced songs, in a list shorter than that.
            self.queue.clear();
            self.make_list(context)?;
        }
        let Some(place) = self.choose().or(self.oldest()).and_then(|at| self.queue.remove(at))
        else {
            return Ok(None);
        };
        let forced = self.forced.contains(&self.songs[place].id);
        Ok(Some(self.take(place, if forced { Why::Forced } else { Why::Tour })))
    }

    /// How many songs there are to choose from.
    pub fn len(&self) -> usize {
        self.pool.len()
    }

    /// Songs that are not played, as places in the listing, with the reason; known once a list was
    /// made.
    pub fn left_out(&self) -> &[(usize, DropReason)] {
        &self.left_out
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pool.is_empty()
    }

    fn injected(&mut self, context: &Context<'_>) -> Option<usize> {
        self.inject.as_mut()?.next(context, &self.finder, &mut self.told)
    }

    fn take(&mut self, place: usize, why: Why) -> Pick {
        let song = &self.songs[place];
        self.history.played(song);
        self.drawn += 1;
        self.queue.retain(|&i| i != place);
        Pick { place, path: song.path.clone(), id: song.id, why }
    }

    /// Where in the queue the next song stands: the first that was not heard a while ago, and whose
    /// artist was not either, if one is near.
    fn choose(&self) -> Option<usize> {
        if self.options.order == Ordering::Given {
            return (!self.queue.is_empty()).then_some(0);
        }
        let window = self.options.novelty.min(self.pool.len().saturating_sub(1)) as u64;
        let id = |at: usize| &self.songs[self.queue[at]].id;
        let mut new = (0..self.queue.len()).filter(|&at| self.history.ago(id(at)) > window);
        let first = new.next()?;
        let gap = self.options.artist_gap;
        let apart = |at: &usize| {
            let song = &self.songs[self.queue[*at]];
            self.history.artist_ago(song) >= self.artists.gap(song, gap, self.pool.len())
        };
        let mut near = std::iter::once(first).chain(new).take(LOOK_AHEAD);
        Some(near.find(apart).unwrap_or(first))
    }

    /// Where in the queue the song stands that was not heard for longest.
    fn oldest(&self) -> Option<usize> {
        let ago = |&at: &usize| self.history.ago(&self.songs[self.queue[at]].id);
        (0..self.queue.len()).max_by_key(ago)
    }

    fn make_list(&mut self, context: &Context<'_>) -> Result<()> {
        let ended = self.queue.is_empty();
        self.choose_pool(context);
        let order = self.draw(context, ended)?;
        self.queue = order.into();
        self.stale = false;
        self.lists += 1;
        Ok(())
    }

    /// Leaves out what nobody wants to hear.
    fn choose_pool(&mut self, context: &Context<'_>) {
        let lines = match &self.options.mix {
            Some(path) => read_lines(context, path, &mut self.told),
            None => Vec::new(),
        };
        let mix = self.options.mix.clone().unwrap_or_default();
        let mut forced = HashSet::new();
        for line in lines {
            match self.finder.find(&line, &mix) {
                Some(place) => drop(forced.insert(place)),
                None => tell(context, &mut self.told, format!("{line}: not among the songs")),
            }
        }
        let (songs, facts, options) = (&self.songs, &self.facts, &self.options);
        let (pool, dropped) = draw::cull_songs(songs, facts, options, &forced, &mut self.same);
        for (place, why) in &dropped {
            self.tell_left_out(context, *place, why);
        }
        self.left_out = dropped;
        self.pool = pool;
        self.artists = Artists::of(self.pool.iter().map(|&i| &self.songs[i]));
        self.forced = forced.into_iter().map(|i| self.songs[i].id).collect();
    }

    /// A song nobody can play is a skipped one; that another is not wanted is worth a note.
    fn tell_left_out(&mut self, context: &Context<'_>, place: usize, why: &DropReason) {
        let name = |i: usize| {
            self.songs[i].path.file_name().unwrap_or_default().to_string_lossy().into_owned()
        };
        let (item, reason) = (name(place), why.told(name));
        let text = format!("{item}: left out, {reason}");
        if !why.is_defect() {
            tell(context, &mut self.told, text);
        } else if self.told.insert(text) {
            context.progress.report(Event::ItemSkipped { item: &item, why: &reason });
        }
    }
}

/// Says a thing once.
fn tell(context: &Context<'_>, told: &mut HashSet<String>, text: String) {
    if !told.contains(&text) {
        context.progress.report(Event::Note { text: &text });
        told.insert(text);
    }
}
