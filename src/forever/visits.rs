//! Which song of a library is visited when, drawn as long as somebody asks.

use std::collections::HashSet;

use super::catalogue::Library;
use super::plan::PlanJob;
use super::programme::{EnergyWish, Programme, ProgrammeOptions};
use super::song::{Plays, Song};
use crate::base::{Error, ErrorKind, Result, Seconds};
use crate::order::{CullRules, DropReason};
use crate::pipeline::{Context, Skipped};

/// Shorter sounds are no songs.
const SHORTEST: Seconds = Seconds(10.0);
/// Most visits to songs in one plan: months of music.
pub const MOST_VISITS: usize = 100_000;
/// Share of a song that is heard alone, more or less.
const HEARD: f64 = 0.65;
/// Most songs loaded together.
const TOGETHER: usize = 32;

/// The visits of a mix, one after the other.
pub struct Visits<'a> {
    programme: Programme,
    songs: &'a [Song],
    job: &'a PlanJob,
    drawn: usize,
    unusable: HashSet<usize>,
}

impl<'a> Visits<'a> {
    /// The visits to `library` that `job` asks for: each song once before any comes again.
    /// There will be `about` so many.
    pub fn new(library: &'a Library, job: &'a PlanJob, about: Option<usize>) -> Visits<'a> {
        let songs = &library.songs;
        let lasting: f64 = songs.iter().map(|song| stay(song, job)).sum();
        let endless = job.length.is_some_and(|length| length.0 > lasting);
        let energy = job.energy.clone().map(|curve| EnergyWish {
            curve,
            songs: about,
            longest: job.options.max_stay,
        });
        let all = programme_options(job);
        let options = ProgrammeOptions { endless, energy, keep_wishes: true, ..all };
        // What was heard on the radio says nothing about a plan: the same songs, the same plan.
        let unplayed = |song: &Song| Song { plays: Plays::default(), ..song.clone() };
        let programme = Programme::new(options, songs.iter().map(unplayed).collect());
        Visits { programme, songs, job, drawn: 0, unusable: HashSet::new() }
    }

    /// The next visit, as a place in the library.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn next(&mut self, context: &Context<'_>) -> Result<Option<usize>> {
        while self.drawn < self.most() {
            let Some(pick) = self.programme.next_pick(context)? else { break };
            self.drawn += 1;
            if !self.unusable.contains(&pick.place) {
                return Ok(Some(pick.place));
            }
            self.uncount();
            if self.unusable.len() >= self.programme.len() {
                break;
            }
        }
        Ok(None)
    }

    /// The next visits, as many as fill `room` seconds if they are played whole.
    ///
    /// # Errors
    /// `Interrupted`.
    pub fn next_few(&mut self, context: &Context<'_>, room: Option<f64>) -> Result<Vec<usize>> {
        let (mut few, mut heard) = (Vec::new(), 0.0);
        let room = room.unwrap_or(f64::INFINITY);
        while few.len() < TOGETHER && (few.is_empty() || heard < room) {
            let Some(place) = self.next(context)? else { break };
            heard += stay(&self.songs[place], self.job);
            few.push(place);
        }
        Ok(few)
    }

    /// How many visits were drawn.
    pub fn drawn(&self) -> usize {
        self.drawn
    }

    /// Says that a song cannot be used: it is not visited again.
    pub fn drop(&mut self, place: usize) {
        self.unusable.insert(place);
        self.uncount();
    }

    /// So many tracks as were asked for are usable ones. Without a number each song has one try.
    fn uncount(&mut self) {
        self.drawn -= usize::from(self.job.tracks.is_some());
    }

    /// Songs that no mix can use, so far as lists were made. It was told then.
    pub fn unfit(&self) -> Vec<Skipped> {
        let unfit = |(place, why): &(usize, DropReason)| {
            let path = &self.songs[*place].path;
            let item = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let error = Error::new(ErrorKind::Unusable, why.to_string()).at(path);
            why.is_defect().then_some(Skipped { item, error })
        };
        self.programme.left_out().iter().filter_map(unfit).collect()
    }

    /// Visits that may be made in all: every song once where no length is asked for.
    fn most(&self) -> usize {
        let songs = if self.job.length.is_some() || self.drawn == 0 {
            MOST_VISITS
        } else {
            self.programme.len()
        };
        self.job.tracks.unwrap_or(songs).clamp(1, MOST_VISITS)
    }
}

/// How songs are chosen for a job, as they are for a stream: without end.
pub fn programme_options(job: &PlanJob) -> ProgrammeOptions {
    ProgrammeOptions {
        seed: job.seed,
        order: job.order,
        endless: true,
        artist_gap: job.window,
        rules: CullRules {
            least: SHORTEST,
            artists: job.never[0].clone(),
            tags: job.never[1].clone(),
            ..CullRules::default()
        },
        weights: job.weights,
        inject: job.wishes.inject.clone(),
        mix: job.wishes.mix.clone(),
        ..ProgrammeOptions::default()
    }
}

/// About how many visits make up the length asked for; `None` where each song is visited once.
pub fn about(songs: &[Song], job: &PlanJob) -> Option<usize> {
    let stays: f64 = songs.iter().map(|song| stay(song, job)).sum();
    let mean = HEARD * stays / songs.len().max(1) as f64;
    let long_enough = job.length.map(|length| (length.0 / mean.max(1.0)).ceil() as usize);
    long_enough.into_iter().chain(job.tracks).min().map(|n| n.max(1))
}

/// The most seconds that a plan of these songs can last.
pub fn longest(songs: &[Song], job: &PlanJob) -> f64 {
    let lasting: f64 = songs.iter().map(|song| stay(song, job)).sum();
    lasting / songs.len().max(1) as f64 * MOST_VISITS as f64
}

fn stay(song: &Song, job: &PlanJob) -> f64 {
    let whole = song.summary.duration.map_or(0.0, |d| d.0);
    job.options.max_stay.map_or(whole, |most| whole.min(most))
}
