//! The songs of a mix, loaded as it grows.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::catalogue::Library;
use super::original::{Planning, plan_original};
use super::plan::{PlanJob, plan_track};
use super::shelf::Shelf;
use super::song::facts;
use super::visits::Visits;
use crate::analysis::TrackAnalysis;
use crate::base::{Error, ErrorKind, Event, Result};
use crate::mix::PlanTrack;
use crate::mix::dj::Booth;
use crate::order::energy_places;
use crate::pipeline::{Context, Skipped, SongAnalysis, SongInput};

/// A song with its place in a plan.
type Visit = (usize, Arc<SongAnalysis>, PlanTrack);

/// Visits to songs, and what is known of them.
pub struct Source<'a, 'b> {
    context: &'a Context<'a>,
    library: &'a Library,
    shelf: &'a mut Shelf<'b>,
    job: &'a PlanJob,
    visits: Visits<'a>,
    /// Songs that the style cannot use.
    rejected: Vec<Skipped>,
    /// How energetic each song is among all, where that is asked for.
    energies: Vec<f64>,
}

impl<'a, 'b> Source<'a, 'b> {
    /// Visits to a library, about so many.
    pub fn new(
        context: &'a Context<'a>,
        library: &'a Library,
        shelf: &'a mut Shelf<'b>,
        job: &'a PlanJob,
        about: Option<usize>,
    ) -> Source<'a, 'b> {
        let visits = Visits::new(library, job, about);
        let known = || energy_places(&facts(library.songs.iter()));
        let energies = job.energy.as_ref().map(|_| known()).unwrap_or_default();
        Source { context, library, shelf, job, visits, rejected: Vec::new(), energies }
    }

    /// Songs that were left out, which was told then, and how many visits were drawn.
    pub fn finish(self) -> (Vec<Skipped>, usize) {
        let mut told = self.visits.unfit();
        told.extend(self.rejected);
        (told, self.visits.drawn())
    }

    /// The next songs, loaded; none where there is no more.
    fn next_few(&mut self, room: Option<f64>) -> Result<Vec<Visit>> {
        loop {
            let places = self.visits.next_few(self.context, room)?;
            let found = self.load(&places)?;
            if places.is_empty() || !found.is_empty() {
                return Ok(found);
            }
        }
    }

    fn load(&mut self, places: &[usize]) -> Result<Vec<Visit>> {
        let mut once = places.to_vec();
        once.sort_unstable();
        once.dedup();
        let inputs: Vec<&SongInput> = once.iter().map(|&i| &self.library.inputs[i]).collect();
        let mut found = HashMap::new();
        for (&place, loaded) in once.iter().zip(self.shelf.load(self.context, &inputs)?) {
            match loaded {
                Some(loaded) => drop(found.insert(place, loaded)),
                None => self.visits.drop(place),
            }
        }
        let visit = |&place: &usize| {
            let loaded = found.get(&place)?;
            let input = &self.library.inputs[place];
            let mut track =
                plan_track(&loaded.song, input, loaded.stems.clone(), self.job.loudness);
            track.energy = self.energies.get(place).copied();
            Some((place, Arc::clone(&loaded.song), track))
        };
        Ok(places.iter().filter_map(visit).collect())
    }

    /// The mix as a disc jockey plays it, song by song until its length is filled.
    ///
    /// # Errors
    /// Fatal errors only.
    pub fn by_the_desk(&mut self) -> Result<Planning> {
        let job = self.job;
        let mut booth = Booth::new(&job.options, &job.overrides, job.length);
        loop {
            let few = self.next_few(booth.room())?;
            let done = few.is_empty();
            let mut songs = few.into_iter();
            if done || songs.any(|(_, song, track)| !booth.play(Heard(song), track)) {
                return Ok(booth.finish());
            }
        }
    }

    /// The law of the original plans all songs at once. As many are given to it as fill the length
    /// and one more, for the last one ends otherwise than it would if others followed.
    ///
    /// # Errors
    /// `Unusable` where all songs are too short for it; fatal errors.
    pub fn by_the_original(&mut self) -> Result<Planning> {
        let (mut visits, mut room) = (Vec::new(), self.job.length.map(|l| l.0));
        loop {
            let few = self.next_few(room)?;
            let done = few.is_empty();
            visits.extend(few);
            if visits.is_empty() {
                return Ok((Vec::new(), Vec::new()));
            }
            if let (false, None) = (done, room) {
                continue;
            }
            let known: Vec<_> =
                visits.iter().map(|(_, song, track)| (&song.track, track)).collect();
            let found = plan_original(&known, self.job.options.max_stay, self.job.length);
            room = match &found {
                Ok(found) => self.job.length.map(|l| l.0 - found.settled),
                Err(_) => room,
            };
            if done || room.is_some_and(|room| room < 0.0) {
                let found = found?;
                self.reject(&visits, &found.rejected);
                return Ok(found.planning);
            }
        }
    }

    fn reject(&mut self, visits: &[Visit], rejected: &[usize]) {
        let mut told = HashSet::new();
        for (place, song, _) in rejected.iter().map(|&i| &visits[i]) {
            if told.insert(place) {
                let (item, why) = (song.name.clone(), "too short for this style");
                self.context.progress.report(Event::ItemSkipped { item: &item, why });
                let error = Error::new(ErrorKind::Unusable, why);
                self.rejected.push(Skipped { item, error });
            }
        }
    }
}

/// An analysis that several visits share.
struct Heard(Arc<SongAnalysis>);

impl Borrow<TrackAnalysis> for Heard {
    fn borrow(&self) -> &TrackAnalysis {
        &self.0.track
    }
}
