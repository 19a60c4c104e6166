//! Songs on disk become a plan.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::catalogue::Library;
use super::ordering::Ordering;
use super::original::{Planning, plan_original};
use super::shelf::Shelf;
use super::visits::{self, MOST_VISITS, Visits};
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
    /// A file of songs that come first, and one of songs that no rule leaves out.
    pub wishes: Wishes,
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

/// Files in which songs are wished for, a path or a title a line.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Songs to be played first. A plan is no play: nothing is struck out.
    pub inject: Option<PathBuf>,
    /// Songs that are in, whatever the rules say.
    pub mix: Option<PathBuf>,
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
    check_length(library, job)?;
    let visits = Visits::new(library, job);
    let rejected = Vec::new();
    let mut source = Source { context, library, shelf: &mut shelf, job, visits, rejected };
    let (tracks, actions) = match job.options.style {
        Style::Capsule => source.by_the_original()?,
        Style::Dj | Style::Crossfade => source.by_the_desk()?,
    };
    if tracks.is_empty() {
        return Err(Error::new(ErrorKind::NoAudio, "there is no song to mix"));
    }
    let (mut told, drawn) = (source.visits.unfit(), source.visits.drawn());
    told.append(&mut source.rejected);
    told.extend(shelf.skipped());
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
    let mut plan = plan.rounded();
    if let Some(length) = job.length {
        plan = plan.ending_at(length);
        check_reached(context, &plan, length, job, drawn)?;
    }
    Ok(Made { plan, told })
}

/// Refuses a length that as many visits as a plan may hold cannot fill, before any work.
fn check_length(library: &Library, job: &PlanJob) -> Result<()> {
    let Some(length) = job.length else { return Ok(()) };
    let most = visits::longest(&library.songs, job);
    if job.tracks.is_some() || library.songs.is_empty() || length.0 <= most {
        return Ok(());
    }
    Err(too_long(most))
}

fn too_long(most: f64) -> Error {
    Error::new(ErrorKind::Limit, "the mix would be too long")
        .because(format!(
            "a plan holds {MOST_VISITS} visits to songs, which last {}",
            Seconds(most)
        ))
        .hint(format!("--minutes {}, or several mixes with other seeds", (most / 60.0) as u64))
}

/// A mix that is shorter than asked for is told, or refused where a longer one can never be.
fn check_reached(
    context: &Context<'_>,
    plan: &MixPlan,
    length: Seconds,
    job: &PlanJob,
    drawn: usize,
) -> Result<()> {
    let reached = plan.duration();
    if reached.0 > length.0 - 1.0 {
        return Ok(());
    }
    if drawn >= MOST_VISITS {
        return Err(too_long(reached.0));
    }
    let why = match job.tracks {
        Some(_) => "so many tracks last no longer",
        None => "the songs last no longer",
    };
    let text = format!("the mix is {reached} long, not {length}: {why}");
    context.progress.report(Event::Note { text: &text });
    Ok(())
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
    /// Songs that the style cannot use.
    rejected: Vec<Skipped>,
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
