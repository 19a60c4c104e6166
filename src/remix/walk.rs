//! Our selection law: a walk that follows songs and jumps where the next beat is expected.
//!
//! The chance of leaving a song grows with the logarithm of the beats heard of it, as in the
//! original; a jump goes to a beat that sounds like the one the ear expects next, at the same
//! place in the bar and near the tempo that is playing, in a song not heard lately. Where no other
//! song can take over, it goes elsewhere in the song that plays.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::library::{Beat, Library};
use super::voice::VoiceSpace;
use crate::base::{Draws, JumpRate};
use crate::corpus::{Neighbour, Search, Space};

/// Candidates looked at first; doubled until one fits.
const NEIGHBOURS: usize = 128;
/// Beats further down the list of neighbours than this no longer sound alike: rather than jump
/// there, a song that goes on is followed.
const LIKE: usize = 2048;
/// Beats played lately are avoided this long.
const MEMORY: usize = 256;
/// Beats over which a tempo is judged.
const TEMPO_BEATS: usize = 4;
/// How much more a voice out of step with another counts than a bar line tripped over.
const BARS_APART: f64 = 5.0;
/// Distance between two beats taken at random: columns are standardised and the groups' weights
/// sum to about 3, and independent values differ by sqrt(2) deviations.
const RANDOM_DISTANCE: f64 = 2.449_489_742_783_178;

/// What a jump costs beside how the beats differ. A random pair of beats costs 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct JumpCosts {
    /// A different position in the bar.
    pub bar: f64,
    /// A tempo as far away as can be stretched; grows with the square, ten times beyond.
    pub tempo: f64,
    /// A song heard just before; less for those heard longer ago.
    pub recent_song: f64,
    /// A beat played lately.
    pub recent_beat: f64,
    /// Two bars in which what walks is silent; less where it is silent for a part of them.
    pub silence: f64,
}

impl Default for JumpCosts {
    fn default() -> Self {
        JumpCosts { bar: 0.4, tempo: 0.25, recent_song: 0.3, recent_beat: 1.0, silence: 1.0 }
    }
}

/// Settings of the walk.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WalkOptions {
    /// How eager to leave a song.
    pub jump_rate: JumpRate,
    /// Beats heard of a song before it may be left.
    pub min_run: usize,
    /// Largest change of tempo by stretching, as a ratio above 1.
    pub max_stretch: f64,
    /// What counts in a jump.
    pub costs: JumpCosts,
}

/// One step of a walk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Row of the beat.
    pub row: usize,
    /// What led there where it is not simply the next beat of the song.
    pub jump: Option<Jump>,
}

/// A jump and why it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Jump {
    /// Distance of the beat from the one expected.
    pub distance: f32,
    /// All costs together.
    pub cost: f32,
    /// True where the song was over, false where chance decided.
    pub forced: bool,
}

/// Where another voice is, so that two voices walk in step.
#[derive(Clone, Copy, Debug)]
pub struct Pulse {
    /// Seconds a beat now playing.
    pub period: f64,
    /// Place in the bar of the other voice, where there is one.
    pub place: Option<Place>,
}

/// A place in a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 1 for the downbeat.
    pub position: u8,
    /// Beats a bar.
    pub beats_per_bar: u8,
}

impl Place {
    /// Where a beat of the library lies in its bar.
    pub fn of(beat: &Beat) -> Place {
        Place { position: beat.position, beats_per_bar: beat.beats_per_bar }
    }

    fn next(self) -> Place {
        Place { position: self.position % self.beats_per_bar + 1, ..self }
    }
}

/// Where a jump may land.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Landing {
    /// In another song whose tempo can be kept.
    Song,
    /// Some bars away in the song that plays, at a tempo that can be kept.
    Home,
    /// In another song, whatever its tempo.
    Anywhere,
}

/// A walk over a library, one beat at a time.
pub struct Walk<'a> {
    library: &'a Library,
    space: &'a Space,
    search: &'a dyn Search,
    /// By row, of the beats from there on.
    silence: Vec<f64>,
    options: WalkOptions,
    current: Option<usize>,
    run: usize,
    played: VecDeque<usize>,
    songs: VecDeque<usize>,
}

impl<'a> Walk<'a> {
    /// A walk that has not begun. `voice` belongs to the rows of `library`.
    pub fn new(library: &'a Library, voice: &VoiceSpace<'a>, options: WalkOptions) -> Self {
        Walk {
            library,
            space: voice.space,
            search: voice.search,
            silence: voice.silence(library),
            options,
            current: None,
            run: 0,
            played: VecDeque::new(),
            songs: VecDeque::new(),
        }
    }

    /// Begins at a row.
    pub fn begin(&mut self, row: usize) -> Step {
        self.arrive(row, true);
        Step { row, jump: None }
    }

    /// The next beat. `pulse` is the tempo now playing, and the place in the bar where another
    /// voice wants us.
    pub fn step(&mut self, pulse: Pulse, draws: &mut dyn Draws) -> Step {
        let Some(current) = self.current else { return self.begin(0) };
        // One draw a beat, used or not: a longer minimum run does not shift later decisions.
        let chance = draws.uniform();
        let threshold = self.options.jump_rate.get() * (self.run as f64).log10();
        let wants = self.run >= self.options.min_run && chance < threshold;
        let next = self.library.next[current];
        let leaves = wants || next.is_none_or(|next| self.lost_pulse(next, pulse));
        if let Some(next) = next.filter(|&next| !leaves && !self.falls_silent(next)) {
            return self.go_on(next);
        }
        // Silence is not left for silence.
        let better = |jump: &(usize, Jump)| leaves || self.silence[jump.0] < 1.0;
        match (self.best_jump(current, next, pulse).filter(better), next) {
            (Some((row, jump)), _) => {
                self.arrive(row, true);
                Step { row, jump: Some(jump) }
            }
            (None, Some(next)) => self.go_on(next),
            (None, None) => self.start_over(current),
        }
    }

    fn go_on(&mut self, next: usize) -> Step {
        self.arrive(next, false);
        Step { row: next, jump: None }
    }

    /// A voice that must keep another's tempo and bar leaves a song that has lost them.
    fn lost_pulse(&self, next: usize, pulse: Pulse) -> bool {
        let Some(place) = pulse.place else { return false };
        let here = Place::of(&self.library.beats[next]);
        let out_of_bar = here.beats_per_bar == place.beats_per_bar && here != place;
        self.run >= self.options.min_run
            && (out_of_bar || self.stretch_to(next, pulse.period) > 1.0)
    }

    /// A voice leaves what has nothing to say for two bars.
    fn falls_silent(&self, next: usize) -> bool {
        self.run >= self.options.min_run && self.silence[next] == 1.0
    }

    /// Where a library is too small to land anywhere, its longest stretch is played again.
    fn start_over(&mut self, current: usize) -> Step {
        let ahead = |row: &usize| self.library.ahead[*row];
        let rows = (0..self.library.beats.len()).rev();
        let row = rows.max_by_key(ahead).unwrap_or(current);
        self.arrive(row, true);
        let distance = self.distance(current, row);
        Step { row, jump: Some(Jump { distance, cost: distance, forced: true }) }
    }

    fn distance(&self, a: usize, b: usize) -> f32 {
        let (a, b) = (self.space.row(a), self.space.row(b));
        let squares = a.iter().flatten().zip(b.iter().flatten()).map(|(x, y)| (x - y) * (x - y));
        squares.sum::<f32>().sqrt()
    }

    fn arrive(&mut self, row: usize, fresh: bool) {
        let song = self.library.beats[row].song;
        self.run = if fresh { 1 } else { self.run + 1 };
        if fresh {
            self.songs.push_front(song);
            self.songs.truncate(8);
        }
        self.played.push_front(row);
        self.played.truncate(MEMORY);
        self.current = Some(row);
    }

    /// How far a row's tempo is from the one playing: 1 is as far as can be stretched.
    fn stretch_to(&self, row: usize, period: f64) -> f64 {
        let own = self.library.period_from(row, TEMPO_BEATS);
        ((period / own).ln() / self.options.max_stretch.ln()).abs()
    }

    /// The best place to jump to. A song that goes on is only left for a tempo that can be kept; at
    /// a song's end any tempo is better than silence.
    fn best_jump(
        &self,
        current: usize,
        next: Option<usize>,
        pulse: Pulse,
    ) -> Option<(usize, Jump)> {
        // At a song's end nothing is expected: match the last beat and go on after the match.
        let query = self.space.row(next.unwrap_or(current))?;
        let all = self.library.beats.len();
        let most = if next.is_some() { LIKE.min(all) } else { all };
        let alone = self.library.songs.len() == 1;
        let mut count = NEIGHBOURS.min(most);
        loop {
            let found = self.search.nearest(&query, count);
            let cheapest = |landing| self.cheapest(current, next, pulse, &found, landing);
            let best = cheapest(if alone { Landing::Home } else { Landing::Song });
            if best.is_some() {
                return best;
            }
            if count == most {
                let rest = if next.is_some() { Landing::Home } else { Landing::Anywhere };
                return cheapest(rest);
            }
            count = (count * 4).min(most);
        }
    }

    /// The cheapest landing among neighbours.
    fn cheapest(
        &self,
        current: usize,
        next: Option<usize>,
        pulse: Pulse,
        found: &[Neighbour],
        landing: Landing,
    ) -> Option<(usize, Jump)> {
        let due = Place::of(&self.library.beats[current]).next();
        let jump = |n: &Neighbour| {
            let near = n.row as usize;
            let row = if next.is_some() { near } else { self.library.next[near]? };
            let stretch = self.stretch_to(row, pulse.period);
            if !self.may_land(current, row, landing)
                || (stretch > 1.0 && landing != Landing::Anywhere)
            {
                return None;
            }
            let bar = self.bar_cost(row, due, pulse.place);
            let cost = bar + self.cost(row, f64::from(n.distance), stretch);
            Some((row, Jump { distance: n.distance, cost: cost as f32, forced: next.is_none() }))
        };
        let cost = |jump: &(usize, Jump)| jump.1.cost;
        found.iter().filter_map(jump).min_by(|a, b| cost(a).total_cmp(&cost(b)).then(a.0.cmp(&b.0)))
    }

    /// Cost of a wrong place in the bar. Two voices out of step are heard on every beat, a voice
    /// that trips over a bar line once.
    fn bar_cost(&self, row: usize, due: Place, other: Option<Place>) -> f64 {
        let beat = &self.library.beats[row];
        match other {
            Some(place) => {
                BARS_APART * self.options.costs.bar * f64::from(Place::of(beat) != place)
            }
            None => self.options.costs.bar * f64::from(beat.position != due.position),
        }
    }

    /// Whether `row` is where a jump may land, and has music ahead.
    fn may_land(&self, current: usize, row: usize, landing: Landing) -> bool {
        let (from, to) = (&self.library.beats[current], &self.library.beats[row]);
        let elsewhere = if from.song == to.song {
            // A jump within a song must lead somewhere else in it.
            let far = from.piece.abs_diff(to.piece) > 2 * usize::from(from.beats_per_bar);
            far && (landing == Landing::Home || self.library.songs.len() == 1)
        } else {
            landing != Landing::Home
        };
        elsewhere && self.library.ahead[row] >= self.options.min_run.min(2)
    }

    /// Cost of everything but the bar for landing on `row`.
    fn cost(&self, row: usize, distance: f64, stretch: f64) -> f64 {
        let song = self.library.beats[row].song;
        let costs = &self.options.costs;
        let tempo = if stretch <= 1.0 { stretch * stretch } else { 10.0 * stretch };
        let short = self.library.ahead[row] < self.options.min_run;
        // All landings at home are in the song heard last: the cost is the same for each.
        let ago = self.songs.iter().position(|&s| s == song);
        let beat = self.played.contains(&row)
            || self.played.iter().any(|&p| self.library.next[p] == Some(row));
        distance / RANDOM_DISTANCE
            + costs.tempo * tempo
            + costs.recent_song * ago.map_or(0.0, |ago| 1.0 / ago.max(1) as f64)
            + costs.recent_beat * f64::from(beat)
            + costs.silence * self.silence[row]
            + f64::from(short)
    }
}

/// A good place for voices to begin together: a downbeat with music ahead in each, drawn evenly;
/// any beat if there is none.
pub fn draw_start(walks: &[Walk<'_>], draws: &mut dyn Draws) -> usize {
    let Some(Walk { library, options, .. }) = walks.first() else { return 0 };
    let heard = |row: usize| walks.iter().all(|walk| walk.silence[row] < 0.5);
    let good =
        |row: usize| library.beats[row].position == 1 && library.ahead[row] >= options.min_run;
    let all: Vec<usize> = (0..library.beats.len()).filter(|&row| good(row)).collect();
    let starts: Vec<usize> = all.iter().copied().filter(|&row| heard(row)).collect();
    let starts = if starts.is_empty() { all } else { starts };
    match starts.len() {
        0 => draws.choice(library.beats.len().max(1)),
        n => starts[draws.choice(n)],
    }
}

#[cfg(test)]
mod tests;
