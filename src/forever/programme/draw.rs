//! Who is in a list, and in which order.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::super::ordering::Ordering;
use super::super::song::{Song, SongId};
use super::{LONGEST_LIST, Programme, ProgrammeOptions};
use crate::base::{Draws as _, Result, Seed};
use crate::order::{
    DropReason, OrderOptions, Shape, SongFacts, arrange, cull_with, rotate_after, same_recordings,
};
use crate::pipeline::Context;

/// How much chance has a say in a tour; see [`OrderOptions`].
pub const VARIETY: f64 = 0.1;
/// A mix begins with one of the calmest songs: this share of them, one in so many.
const CALM_SHARE: usize = 3;

/// How many songs there are of each artist.
#[derive(Debug, Default)]
pub struct Artists(HashMap<String, usize>);

impl Artists {
    pub fn of<'a>(songs: impl Iterator<Item = &'a Song>) -> Artists {
        let mut counts = HashMap::new();
        for artist in songs.filter_map(Artists::name) {
            *counts.entry(artist).or_default() += 1;
        }
        Artists(counts)
    }

    /// The artist's name for comparing.
    pub fn name(song: &Song) -> Option<String> {
        let name = song.tags.artist.trim();
        (!name.is_empty()).then(|| name.to_lowercase())
    }

    /// The distance that can be kept: an artist of half the songs comes every other time.
    pub fn gap(&self, song: &Song, wished: usize, songs: usize) -> u64 {
        let own = Artists::name(song).and_then(|artist| self.0.get(&artist)).copied().unwrap_or(1);
        wished.min(songs / own.max(1)) as u64
    }
}

/// Splits songs into those that may be played and those left out. What is forced is always in.
/// Which songs are one recording is found out once, and kept in `same`.
pub fn cull_songs(
    songs: &[Song],
    facts: &[SongFacts],
    options: &ProgrammeOptions,
    forced: &HashSet<usize>,
    same: &mut Option<Vec<(usize, usize)>>,
) -> (Vec<usize>, Vec<(usize, DropReason)>) {
    let mut seen = HashSet::new();
    let firsts: Vec<usize> = (0..songs.len()).filter(|&i| seen.insert(songs[i].id)).collect();
    // A list in a given order is meant as it is.
    if options.order == Ordering::Given {
        return (firsts, Vec::new());
    }
    let tagged = |&i: &usize| SongFacts { tags: words(&songs[i]), ..facts[i].clone() };
    let tagged: Vec<SongFacts> = firsts.iter().map(tagged).collect();
    let same: &[_] = match options.rules.duplicates {
        true => same.get_or_insert_with(|| same_recordings(&tagged)),
        false => &[],
    };
    let culled = cull_with(&tagged, &options.rules, same);
    let dropped = culled.dropped.into_iter().map(|(i, why)| (firsts[i], why.renumbered(&firsts)));
    let dropped: Vec<_> = dropped.filter(|(i, _)| !forced.contains(i)).collect();
    let out: HashSet<usize> = dropped.iter().map(|(i, _)| *i).collect();
    (firsts.into_iter().filter(|i| !out.contains(i)).collect(), dropped)
}

/// What a song may be shut out for: its genres, and the folder it lies in.
fn words(song: &Song) -> BTreeSet<String> {
    let folder = song.path.parent().and_then(|p| p.file_name()).map(|n| n.to_string_lossy());
    let genres = song.tags.genre.split([',', ';', '/']).chain([song.tags.genre.as_str()]);
    let words = genres.map(str::to_string).chain(folder.map(|f| f.into_owned()));
    words.map(|w| w.trim().to_lowercase()).filter(|w| !w.is_empty()).collect()
}

impl Programme {
    /// The next list: songs that have not had their turn, in order. `ended` says that the list
    /// before was played to its end.
    pub(super) fn draw(&mut self, context: &Context<'_>, ended: bool) -> Result<Vec<usize>> {
        let waits = |&i: &usize| !self.history.had_its_turn(&self.songs[i].id);
        let mut waiting: Vec<usize> = self.pool.iter().copied().filter(waits).collect();
        if waiting.is_empty() {
            self.history.next_round();
            waiting = self.pool.clone();
        }
        if self.options.order == Ordering::Given {
            return Ok(self.as_given(waiting));
        }
        let mut list = self.sample(waiting);
        if ended {
            let missing = |i: &usize| self.forced.contains(&self.songs[*i].id) && !list.contains(i);
            let missing: Vec<usize> = self.pool.iter().copied().filter(missing).collect();
            list.extend(missing);
        }
        match self.options.energy.clone() {
            Some(wish) => self.along(context, &list, &wish),
            None => self.toured(context, list, ended),
        }
    }

    /// The order given, on from the song played last.
    fn as_given(&self, mut list: Vec<usize>) -> Vec<usize> {
        let last = self.history.last();
        let at = last.and_then(|id| self.songs.iter().position(|song| song.id == id));
        let before = list.iter().filter(|&&i| Some(i) <= at).count() % list.len().max(1);
        list.rotate_left(before);
        list
    }

    /// As many songs as a list holds, by chance, those heard lately last.
    fn sample(&self, mut waiting: Vec<usize>) -> Vec<usize> {
        let most = self.options.list.clamp(1, LONGEST_LIST);
        if waiting.len() <= most {
            return waiting;
        }
        let window = self.options.novelty.min(self.pool.len() - 1) as u64;
        let mut draws = self.options.seed.stream(&format!("list {}", self.lists));
        let key = |&i: &usize| {
            let ago = self.history.ago(&self.songs[i].id);
            let lately = if ago > window { 0 } else { window + 1 - ago };
            (lately, draws.choice(1 << 30))
        };
        let mut keyed: Vec<_> = waiting.iter().map(key).zip(waiting.iter().copied()).collect();
        keyed.sort_unstable();
        waiting = keyed.into_iter().take(most).map(|(_, i)| i).collect();
        waiting
    }

    /// The tour through a list, from the song played last on.
    fn toured(
        &mut self,
        context: &Context<'_>,
        mut list: Vec<usize>,
        ended: bool,
    ) -> Result<Vec<usize>> {
        let last = self.history.last();
        let anchor = last.and_then(|id| self.songs.iter().position(|song| song.id == id));
        let closed = self.options.endless && ended;
        if closed && let Some(order) = self.same_tour(&list, anchor) {
            return Ok(order);
        }
        let stranger = anchor.filter(|i| !list.contains(i));
        list.extend(stranger);
        let known = anchor.and_then(|a| list.iter().position(|&i| i == a));
        let first = known.or_else(|| self.calm_start(&list));
        let shape = if closed { Shape::Closed } else { Shape::Open { first } };
        let facts: Vec<SongFacts> = list.iter().map(|&i| self.facts[i].clone()).collect();
        let options = OrderOptions {
            weights: self.options.weights,
            shape,
            window: self.options.artist_gap,
            variety: VARIETY,
            seed: self.list_seed(),
            effort: self.options.effort,
        };
        let found = arrange(&facts, &options, context.cancel)?;
        let mut order: Vec<usize> = found.order.into_iter().map(|i| list[i]).collect();
        match (anchor, first) {
            (Some(anchor), _) => {
                rotate_after(&mut order, anchor);
            }
            (None, Some(first)) => {
                let at = order.iter().position(|&i| i == list[first]).unwrap_or(0);
                order.rotate_left(at);
            }
            (None, None) => {}
        }
        order.retain(|&i| Some(i) != stranger);
        if closed {
            self.tour = order.iter().map(|&i| self.songs[i].id).collect();
        }
        Ok(order)
    }

    /// Where a mix begins: with one of the calmer songs, so that it has somewhere to go.
    fn calm_start(&self, list: &[usize]) -> Option<usize> {
        let energy = |&place: &usize| self.facts[list[place]].energy.unwrap_or(0.5);
        let mut places: Vec<usize> = (0..list.len()).collect();
        places.sort_by(|a, b| energy(a).total_cmp(&energy(b)));
        let calm = places.len().div_ceil(CALM_SHARE);
        let mut draws = self.options.seed.stream("start");
        (calm > 0).then(|| places[draws.choice(calm)])
    }

    /// The last tour once more, if it goes through just these songs.
    fn same_tour(&self, list: &[usize], anchor: Option<usize>) -> Option<Vec<usize>> {
        let places: HashMap<SongId, usize> = list.iter().map(|&i| (self.songs[i].id, i)).collect();
        let known: Vec<usize> = self.tour.iter().filter_map(|id| places.get(id).copied()).collect();
        if known.len() != list.len() || known.len() != self.tour.len() {
            return None;
        }
        let mut order = known;
        let turned = anchor.is_some_and(|anchor| rotate_after(&mut order, anchor));
        turned.then_some(order)
    }

    /// The first list is ordered by the seed as typed.
    pub(super) fn list_seed(&self) -> Seed {
        if self.lists == 0 {
            return self.options.seed;
        }
        let mut draws = self.options.seed.stream(&format!("tour {}", self.lists));
        Seed((draws.uniform() * (1u64 << 53) as f64) as u64)
    }
}
