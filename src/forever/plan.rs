//! Songs on disk become a plan.

use std::collections::HashSet;
use std::path::Path;

use super::ordering::Ordering;
use super::original::{Planning, plan_original};
use super::programme::{LONGEST_LIST, Programme, ProgrammeOptions};
use super::song::{Plays, Song, SongId, Summary};
use crate::base::{
    Bpm, Decibels, Error, ErrorKind, Event, Lufs, Result, SampleRate, Seconds, Seed,
};
use crate::mix::dj::{Options, Playing, plan_mix};
use crate::mix::{Gain, MIX_SCHEMA, MixPlan, Override, PlanTrack, StemFiles, Style, parse_plan};
use crate::order::{CullRules, Weights};
use crate::pipeline::{Context, SongAnalysis, SongInput};

/// Most a song is turned up.
const MOST_GAIN: f64 = 12.0;
/// Shorter sounds are no songs.
const SHORTEST: Seconds = Seconds(10.0);
/// Most visits to songs in one plan: months of music.
const MOST_VISITS: usize = 100_000;
/// Songs are left early: so many times the wanted length is always enough.
const SLACK: f64 = 4.0;

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

/// One song that may be played.
#[derive(Clone, Debug)]
pub struct Playlist<'a> {
    /// What was heard.
    pub song: &'a SongAnalysis,
    /// How it stands in a plan.
    pub track: PlanTrack,
}

/// The songs as they stand in a plan.
pub fn playlist<'a>(
    songs: &'a [SongAnalysis],
    inputs: &[SongInput],
    stems: impl Fn(&SongInput) -> Option<StemFiles>,
    loudness: Lufs,
) -> Vec<Playlist<'a>> {
    let input = |song: &SongAnalysis| inputs.iter().find(|input| input.name == song.name);
    let entry = |song: &'a SongAnalysis| Playlist {
        track: track(song, input(song), input(song).and_then(&stems), loudness),
        song,
    };
    songs.iter().map(entry).collect()
}

fn track(
    song: &SongAnalysis,
    input: Option<&SongInput>,
    stems: Option<StemFiles>,
    loudness: Lufs,
) -> PlanTrack {
    let title = &song.tags.title;
    let wanted = song.track.loudness.integrated.gain_to(loudness);
    let silent = song.track.loudness.integrated.0 <= -70.0;
    let gain = if silent { 0.0 } else { wanted.0.min(MOST_GAIN) };
    PlanTrack {
        path: song.path.clone(),
        hash: input.map_or_else(String::new, |i| i.hash.to_hex().to_string()),
        title: if title.is_empty() { song.name.clone() } else { title.clone() },
        artist: song.tags.artist.clone(),
        duration: song.track.duration,
        gain: Gain(Decibels((gain * 100.0).round() / 100.0)),
        tempo: song.track.rhythm.as_ref().map(|r| Bpm((r.tempo.0 * 100.0).round() / 100.0)),
        key: song.track.key.map(|k| format!("{} / {}", k.key.name(), k.key.camelot())),
        stems,
    }
}

/// Plans a mix of `songs`, from the first again where they do not last.
///
/// # Errors
/// `NoAudio` without songs.
pub fn make_plan(context: &Context<'_>, songs: &[Playlist<'_>], job: &PlanJob) -> Result<MixPlan> {
    let visits = visits(context, songs, job)?;
    if visits.is_empty() {
        return Err(Error::new(ErrorKind::NoAudio, "there is no song to mix"));
    }
    let (tracks, actions) = match job.options.style {
        Style::Capsule => by_the_original(context, songs, &visits, job)?,
        Style::Dj | Style::Crossfade => by_the_desk(songs, &visits, job),
    };
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
    Ok(plan.rounded())
}

fn by_the_desk(songs: &[Playlist<'_>], visits: &[usize], job: &PlanJob) -> Planning {
    let playing: Vec<Playing<'_>> = visits
        .iter()
        .map(|&i| Playing { analysis: &songs[i].song.track, track: &songs[i].track })
        .collect();
    let (actions, used) = plan_mix(&playing, &job.options, &job.overrides, job.length);
    (playing[..used].iter().map(|p| p.track.clone()).collect(), actions)
}

fn by_the_original(
    context: &Context<'_>,
    songs: &[Playlist<'_>],
    visits: &[usize],
    job: &PlanJob,
) -> Result<Planning> {
    let known: Vec<_> = visits.iter().map(|&i| (&songs[i].song.track, &songs[i].track)).collect();
    let (planned, rejected) = plan_original(&known, job.options.max_stay, job.length)?;
    let mut told = HashSet::new();
    for song in rejected.into_iter().map(|i| visits[i]).filter(|&song| told.insert(song)) {
        let text = format!("{}: left out, too short for this style", songs[song].song.name);
        context.progress.report(Event::Note { text: &text });
    }
    Ok(planned)
}

/// Which song is visited when: as often as the length may need, and each once before any comes
/// again.
fn visits(context: &Context<'_>, songs: &[Playlist<'_>], job: &PlanJob) -> Result<Vec<usize>> {
    let lasting: f64 = songs.iter().map(|s| stay(s, job)).sum();
    let options = ProgrammeOptions {
        seed: job.seed,
        order: job.order,
        endless: job.length.is_some_and(|length| length.0 > lasting),
        artist_gap: job.window,
        rules: CullRules {
            least: SHORTEST,
            artists: job.never[0].clone(),
            tags: job.never[1].clone(),
            ..CullRules::default()
        },
        weights: job.weights,
        ..ProgrammeOptions::default()
    };
    let mut programme = Programme::new(options, songs.iter().map(song).collect());
    let rounds = job.length.map_or(1.0, |l| (2.0 * l.0 / lasting.max(1.0)).ceil() + 1.0);
    let most = |songs: usize| (rounds * songs as f64).min(MOST_VISITS as f64) as usize;
    let enough = job.length.map_or(f64::INFINITY, |length| SLACK * length.0);
    let (mut visits, mut heard) = (Vec::new(), 0.0);
    while let Some(pick) = programme.next_pick(context)? {
        visits.push(pick.place);
        heard += stay(&songs[pick.place], job);
        let wanted = job.tracks.unwrap_or_else(|| most(programme.len()));
        // Of a large library only as much is ordered as may be needed.
        let lasts = job.tracks.is_none() && visits.len() >= LONGEST_LIST && heard >= enough;
        if lasts || visits.len() >= wanted.clamp(1, MOST_VISITS) {
            break;
        }
    }
    Ok(visits)
}

fn song(entry: &Playlist<'_>) -> Song {
    let hash = blake3::Hash::from_hex(&entry.track.hash)
        .unwrap_or_else(|_| blake3::hash(entry.song.path.as_bytes()));
    Song {
        path: entry.song.path.clone().into(),
        id: SongId(*hash.as_bytes()),
        tags: entry.song.tags.clone(),
        summary: Summary::of(&entry.song.track),
        plays: Plays::default(),
    }
}

fn stay(song: &Playlist<'_>, job: &PlanJob) -> f64 {
    let whole = song.track.duration.0;
    job.options.max_stay.map_or(whole, |most| whole.min(most))
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
