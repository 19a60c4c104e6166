//! Songs on disk become a plan.

use std::path::{Path, PathBuf};

use super::catalogue::Library;
use super::ordering::Ordering;
use super::shelf::Shelf;
use super::source::Source;
use super::visits::{self, MOST_VISITS};
use crate::base::{
    Bpm, Decibels, Error, ErrorKind, Event, Lufs, Quiet, Result, SampleRate, Seconds, Seed,
};
use crate::mix::dj::Options;
use crate::mix::{
    Gain, MIX_SCHEMA, MixPlan, Override, PlanTrack, Planned, StemFiles, Style, parse_plan,
};
use crate::order::{EnergyCurve, Weights};
use crate::pipeline::{Context, Skipped, SongAnalysis, SongInput};

/// Most a song is turned up.
const MOST_GAIN: f64 = 12.0;
/// Times a mix is planned again because it has more or fewer songs than was thought.
const AGAIN: usize = 2;

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
    /// How the energy goes up and down, where that matters.
    pub energy: Option<EnergyCurve>,
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
    let mut about = visits::about(&library.songs, job);
    let mut drafted = draft(context, library, &mut shelf, job, about)?;
    // A curve of energy is laid over as many songs as are thought to be played. Where that was
    // wrong, it is laid over as many as were.
    let quiet = Context { progress: &Quiet, ..*context };
    for _ in 0..AGAIN {
        let used = drafted.tracks.len();
        if job.energy.is_none() || about.is_none_or(|about| 10 * about.abs_diff(used) <= used) {
            break;
        }
        about = Some(used);
        drafted = draft(&quiet, library, &mut shelf, job, about)?;
    }
    let plan = MixPlan {
        schema: MIX_SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_string(),
        style: job.options.style,
        seed: job.seed,
        rate: job.rate,
        loudness: job.loudness,
        energy: job.energy.as_ref().map(EnergyCurve::to_string).unwrap_or_default(),
        overrides: job.overrides.clone(),
        tracks: drafted.tracks,
        actions: drafted.actions,
    };
    let mut plan = plan.rounded();
    if let Some(length) = job.length {
        plan = plan.ending_at(length);
        check_reached(context, &plan, length, job, drafted.drawn)?;
    }
    let mut told = drafted.told;
    told.extend(shelf.skipped());
    Ok(Made { plan, told })
}

/// What sounds, and what came of looking for it.
struct Draft {
    tracks: Vec<PlanTrack>,
    actions: Vec<Planned>,
    told: Vec<Skipped>,
    drawn: usize,
}

fn draft(
    context: &Context<'_>,
    library: &Library,
    shelf: &mut Shelf<'_>,
    job: &PlanJob,
    about: Option<usize>,
) -> Result<Draft> {
    let mut source = Source::new(context, library, shelf, job, about);
    let (tracks, actions) = match job.options.style {
        Style::Capsule => source.by_the_original()?,
        Style::Dj | Style::Crossfade => source.by_the_desk()?,
    };
    if tracks.is_empty() {
        return Err(Error::new(ErrorKind::NoAudio, "there is no song to mix"));
    }
    let (told, drawn) = source.finish();
    Ok(Draft { tracks, actions, told, drawn })
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
        energy: None,
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
