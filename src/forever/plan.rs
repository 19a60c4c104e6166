//! Songs on disk become a plan.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::catalogue::Library;
use super::ordering::Ordering;
use super::original::{Planning, plan_original};
use super::shelf::Shelf;
use super::visits::Visits;
use crate::analysis::TrackAnalysis;
use crate::base::{
    Bpm, Decibels, Error, ErrorKind, Event, Lufs, Result, SampleRate, Seconds, Seed,
};
use crate::mix::dj::{Booth, Options};
use crate::mix::{Gain, MIX_SCHEMA, MixPlan, Override, PlanTrack, StemFiles, Style, parse_plan};
use crate::order::Weights;
use crate::pipeline::{Context, Skipped, SongAnalysis, SongInput};

/// Most a song is turned up.
const MOST_GAIN: f64 = 12.0;

/// What mix to plan.
#[derive(Clone, Debug)]
pub struct PlanJob {
    /// How songs meet.
    pub options: Options,
    /// Length of the mix; as long as the songs last where not given.
    pub length: Option<Seconds>,
    /// Number of songs; all of them where not given.
    pub tracks: Option<usize>,
    /// How they are ordered.
    pub order: Ordering,
    /// No artist comes twice among so many songs in a row.
    pub window: usize,
    /// How much each criterion counts in the order.
    pub weights: Weights,
    /// Artists and tags nobody wants to hear, in any case.
    pub never: [Vec<String>; 2],
    /// The number behind every random decision.
    pub seed: Seed,
    /// Loudness every song is brought to.
    pub loudness: Lufs,
    /// Frames a second of the result.
    pub rate: SampleRate,
    /// Wishes for single pairs.
    pub overrides: Vec<Override>,
}

/// A plan and what was left out of it.
#[derive(Debug)]
pub struct Made {
    /// The plan.
    pub plan: MixPlan,
    /// Songs that could not be used, which was told already.
    pub told: Vec<Skipped>,
}

/// Plans a mix of the songs of a library, from the first again where they do not last. Only songs
/// that are visited are taken from the shelf.
///
/// # Errors
/// `NoAudio` without songs; fatal errors of the file system.
pub fn make_plan(
    context: &Context<'_>,
    library: &Library,
    mut shelf: Shelf<'_>,
    job: &PlanJob,
) -> Result<Made> {
    let visits = Visits::new(library, job);
    let mut source = Source { context, library, shelf: &mut shelf, job, visits };
    let (tracks, actions) = match job.options.style {
        Style::Capsule => source.by_the_original()?,
        Style::Dj | Style::Crossfade => source.by_the_desk()?,
    };
    if tracks.is_empty() {
        return Err(Error::new(ErrorKind::NoAudio, "there is no song to mix"));
    }
    let told = source.visits.unfit();
    let plan = MixPlan {
        schema: MIX_SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_string(),
        style: job.options.style,
        seed: job.seed,
        rate: job.rate,
        loudness: job.loudness,
        overrides: job.overrides.clone(),
        tracks,
        actions,
    };
    Ok(Made { plan: plan.rounded(), told: told.into_iter().chain(shelf.skipped()).collect() })
}

/// A song with its place in a plan.
type Visit = (usize, Arc<SongAnalysis>, PlanTrack);

/// Visits to songs, and what is known of them.
struct Source<'a, 'b> {
    context: &'a Context<'a>,
    library: &'a Library,
    shelf: &'a mut Shelf<'b>,
    job: &'a PlanJob,
    visits: Visits<'a>,
}

impl Source<'_, '_> {
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
            let track = plan_track(&loaded.song, input, loaded.stems.clone(), self.job.loudness);
            Some((place, Arc::clone(&loaded.song), track))
        };
        Ok(places.iter().filter_map(visit).collect())
    }

    fn by_the_desk(&mut self) -> Result<Planning> {
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
    fn by_the_original(&mut self) -> Result<Planning> {
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
                self.tell_rejected(&visits, &found.rejected);
                return Ok(found.planning);
            }
        }
    }

    fn tell_rejected(&self, visits: &[Visit], rejected: &[usize]) {
        let mut told = HashSet::new();
        for (place, song, _) in rejected.iter().map(|&i| &visits[i]) {
            if told.insert(place) {
                let text = format!("{}: left out, too short for this style", song.name);
                self.context.progress.report(Event::Note { text: &text });
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

/// How a song stands in a plan.
pub fn plan_track(
    song: &SongAnalysis,
    input: &SongInput,
    stems: Option<StemFiles>,
    loudness: Lufs,
) -> PlanTrack {
    let title = &song.tags.title;
    let wanted = song.track.loudness.integrated.gain_to(loudness);
    let silent = song.track.loudness.integrated.0 <= -70.0;
    let gain = if silent { 0.0 } else { wanted.0.min(MOST_GAIN) };
    PlanTrack {
        path: input.source.clone(),
        hash: input.hash.to_hex().to_string(),
        title: if title.is_empty() { input.name.clone() } else { title.clone() },
        artist: song.tags.artist.clone(),
        duration: song.track.duration,
        gain: Gain(Decibels((gain * 100.0).round() / 100.0)),
        tempo: song.track.rhythm.as_ref().map(|r| Bpm((r.tempo.0 * 100.0).round() / 100.0)),
        key: song.track.key.map(|k| format!("{} / {}", k.key.name(), k.key.camelot())),
        stems,
    }
}

/// Reads a plan file.
///
/// # Errors
/// `Io` where it cannot be read; `Usage` naming the line that makes no sense.
pub fn read_plan(context: &Context<'_>, path: &Path) -> Result<MixPlan> {
    let bytes = context
        .fs
        .read(path, context.limits.max_json_bytes)
        .map_err(|e| Error::io("cannot read the plan", path, e))?;
    let text = String::from_utf8(bytes).map_err(|_| {
        Error::new(ErrorKind::Usage, "the plan is no text")
            .at(path)
            .hint("forever plan SONGS -o plan.json")
    })?;
    parse_plan(&text).map_err(|e| e.at(path))
}
