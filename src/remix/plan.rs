//! A remix as plain data: which beat sounds when, and why. Planning never touches audio.

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

use super::library::Library;
use super::original;
use super::voice::VoiceSpace;
use super::walk::{Jump, JumpCosts, Place, Pulse, Step, Walk, WalkOptions, draw_start};
use crate::audio::loudness;
use crate::base::{Decibels, Frames, JumpRate, Lufs, SampleRate, Seed};
use crate::corpus::Layer;

/// Layout version of [`RemixPlan`].
pub const PLAN_SCHEMA: u32 = 1;
/// Beats over which a song glides from the tempo it was taken up at to its own.
const GLIDE: usize = 8;
/// Beats over which the tempo now playing is judged.
const TEMPO_BEATS: usize = 4;
/// Largest gain a song is given.
const MAX_GAIN: f64 = 12.0;

/// How beats are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Law {
    /// Ours: see [`super::walk`].
    #[default]
    Evermix,
    /// The original's: see [`super::original`].
    Original,
}

/// Which part of the sound walks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerChoice {
    /// The whole sound.
    #[default]
    Mix,
    /// The drums alone.
    Drums,
    /// Everything but the drums.
    Other,
    /// Drums and other walk beat for beat, each through songs of its own choice.
    Both,
}

/// Settings of a remix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemixOptions {
    /// How eager to leave a song.
    pub jump_rate: JumpRate,
    /// How many beats.
    pub beats: NonZeroUsize,
    /// Source of every random decision.
    pub seed: Seed,
    /// How beats are chosen.
    pub law: Law,
    /// Which part of the sound walks.
    pub layer: LayerChoice,
    /// Beats heard of a song before it may be left.
    pub min_run: usize,
    /// Largest change of tempo by stretching: 1.08 is 8 %.
    pub max_stretch: f64,
    /// What counts in a jump.
    pub costs: JumpCosts,
    /// Loudness aimed at.
    pub loudness: Lufs,
}

/// One beat of one voice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoiceBeat {
    /// Index into the plan's songs.
    pub song: usize,
    /// Piece of the song, as in the names of its clips.
    pub piece: usize,
    /// Position in the bar.
    pub position: u8,
    /// Length as played over its own length.
    pub stretch: f64,
    /// What led here where it is not the next beat of the song.
    pub jump: Option<Jump>,
}

/// A part of the sound that walks on its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Voice {
    /// What is heard of each beat; several layers are added up.
    pub layers: Vec<Layer>,
    /// Its beats, one for each of the plan.
    pub beats: Vec<VoiceBeat>,
}

/// A song that takes part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanSong {
    /// Name in the beats folder.
    pub name: String,
    /// Title, or the name.
    pub title: String,
    /// Artist, or nothing.
    pub artist: String,
    /// The file it was made from.
    pub source: String,
    /// Gain that brings it to the loudness aimed at.
    pub gain: Decibels,
}

/// A whole remix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemixPlan {
    /// [`PLAN_SCHEMA`].
    pub schema: u32,
    /// Version of the program that made it.
    pub version: String,
    /// The settings.
    pub options: RemixOptions,
    /// Rate of the remix.
    pub rate: SampleRate,
    /// Gain after the songs' own, so that the whole has the loudness aimed at.
    pub gain: Decibels,
    /// Where each beat's attack sounds, and where the beat after the last would.
    pub attacks: Vec<Frames>,
    /// Songs in the order of their first beat.
    pub songs: Vec<PlanSong>,
    /// One or two voices.
    pub voices: Vec<Voice>,
}

/// What planning must know of a song beside its beats.
#[derive(Clone, Debug)]
pub struct SongFacts {
    /// Title, artist and source; the gain is set here.
    pub song: PlanSong,
    /// Integrated loudness.
    pub loudness: Lufs,
    /// Seconds from the cut before a beat to its attack, by piece.
    pub pre_roll: Vec<f64>,
}

/// Plans a remix. `facts` go with `library.songs`, `spaces` has one entry a voice.
pub fn plan(
    library: &Library,
    facts: &[SongFacts],
    spaces: &[VoiceSpace<'_>],
    rate: SampleRate,
    options: &RemixOptions,
) -> RemixPlan {
    let (steps, stretches, periods) = match options.law {
        Law::Evermix => walk_all(library, spaces, options),
        Law::Original => walk_original(library, &spaces[0], options),
    };
    let first = &library.beats[steps[0][0].row];
    let pre_roll = facts[first.song].pre_roll.get(first.piece).copied().unwrap_or(0.0);
    let mut attacks = vec![pre_roll];
    for period in &periods {
        attacks.push(attacks[attacks.len() - 1] + period);
    }
    let (order, songs) = songs_in_order(library, facts, &steps, options.loudness);
    let voices =
        spaces.iter().zip(&steps).zip(&stretches).map(|((space, steps), stretches)| Voice {
            layers: space.layers.clone(),
            beats: steps
                .iter()
                .zip(stretches)
                .map(|(step, &stretch)| voice_beat(library, &order, step, stretch))
                .collect(),
        });
    let gain = master_gain(library, facts, spaces, &steps, &periods, options.loudness);
    RemixPlan {
        schema: PLAN_SCHEMA,
        version: env!("CARGO_PKG_VERSION").to_string(),
        options: *options,
        rate,
        gain,
        attacks: attacks.iter().map(|&s| crate::base::Seconds(s).frames(rate)).collect(),
        songs,
        voices: voices.collect(),
    }
}

fn voice_beat(library: &Library, order: &[Option<usize>], step: &Step, stretch: f64) -> VoiceBeat {
    let beat = &library.beats[step.row];
    VoiceBeat {
        // Every song of a step is in the order: it was made from the steps.
        song: order[beat.song].unwrap_or(0),
        piece: beat.piece,
        position: beat.position,
        stretch,
        jump: step.jump,
    }
}

/// Steps and stretches by voice, and the length of each beat in seconds.
type Walked = (Vec<Vec<Step>>, Vec<Vec<f64>>, Vec<f64>);

fn walk_all(library: &Library, spaces: &[VoiceSpace<'_>], options: &RemixOptions) -> Walked {
    let walk_options = WalkOptions {
        jump_rate: options.jump_rate,
        min_run: options.min_run,
        max_stretch: options.max_stretch,
        costs: options.costs,
    };
    let mut walks: Vec<Walk> =
        spaces.iter().map(|space| Walk::new(library, space, walk_options)).collect();
    let mut draws: Vec<_> = (0..spaces.len())
        .map(|v| options.seed.stream(["jump", "jump of voice 2"][v.min(1)]))
        .collect();
    let start = draw_start(&walks, &mut options.seed.stream("start"));
    let mut steps: Vec<Vec<Step>> = vec![Vec::new(); spaces.len()];
    let mut stretches: Vec<Vec<f64>> = vec![Vec::new(); spaces.len()];
    let mut glide = Glide::new(options.max_stretch);
    let mut periods = Vec::new();
    for beat in 0..options.beats.get() {
        let mut lead = None;
        for voice in 0..walks.len() {
            let own = library.beats[start].period;
            let pulse = Pulse { period: glide.playing().unwrap_or(own), place: lead };
            let step = match beat {
                0 => walks[voice].begin(start),
                _ => walks[voice].step(pulse, &mut draws[voice]),
            };
            let own = library.beats[step.row].period;
            if voice == 0 {
                let stretch = glide.next(library, &step);
                periods.push(own * stretch);
                lead = Some(Place::of(&library.beats[step.row]));
            }
            stretches[voice].push(periods[beat] / own);
            steps[voice].push(step);
        }
    }
    (steps, stretches, periods)
}

fn walk_original(library: &Library, space: &VoiceSpace<'_>, options: &RemixOptions) -> Walked {
    let nearest = |row: usize, count: usize| {
        let query = space.space.row(row).unwrap_or_default();
        space.search.nearest(&query, count).iter().map(|n| n.row as usize).collect()
    };
    let mut draws = options.seed.stream("original");
    let chosen =
        original::choose(library, options.jump_rate, options.beats.get(), &nearest, &mut draws);
    let mut before = None;
    let steps: Vec<Step> = chosen
        .iter()
        .map(|choice| {
            let follows = before.is_some_and(|b: usize| library.next[b] == Some(choice.row));
            let jump = (before.is_some() && !follows).then_some(Jump {
                distance: 0.0,
                cost: 0.0,
                forced: !choice.jump,
            });
            before = Some(choice.row);
            Step { row: choice.row, jump }
        })
        .collect();
    let periods = steps.iter().map(|s| library.beats[s.row].period).collect();
    (vec![steps], vec![vec![1.0; options.beats.get()]], periods)
}

/// The tempo of the lead voice: taken up after a jump, then let go to the song's own.
struct Glide {
    max: f64,
    ratio: f64,
    since: usize,
    recent: Vec<f64>,
}

impl Glide {
    fn new(max: f64) -> Self {
        Glide { max, ratio: 1.0, since: GLIDE, recent: Vec::new() }
    }

    /// Mean length of the last beats played.
    fn playing(&self) -> Option<f64> {
        let last = &self.recent[self.recent.len().saturating_sub(TEMPO_BEATS)..];
        (!last.is_empty()).then(|| last.iter().sum::<f64>() / last.len() as f64)
    }

    fn next(&mut self, library: &Library, step: &Step) -> f64 {
        if let (Some(_), Some(playing)) = (step.jump, self.playing()) {
            let ratio = playing / library.period_from(step.row, TEMPO_BEATS);
            // Too far to be stretched: better the song's own tempo than a half-way house.
            let reachable = (1.0 / self.max..=self.max).contains(&ratio);
            (self.ratio, self.since) = (if reachable { ratio } else { 1.0 }, 0);
        }
        let left = 1.0 - self.since.min(GLIDE) as f64 / GLIDE as f64;
        let stretch = 1.0 + (self.ratio - 1.0) * left;
        self.since += 1;
        self.recent.push(library.beats[step.row].period * stretch);
        if self.recent.len() > 4 * TEMPO_BEATS {
            self.recent.drain(..TEMPO_BEATS);
        }
        stretch
    }
}

/// For each song of the library its place in the plan, and the plan's songs.
fn songs_in_order(
    library: &Library,
    facts: &[SongFacts],
    steps: &[Vec<Step>],
    target: Lufs,
) -> (Vec<Option<usize>>, Vec<PlanSong>) {
    let mut order = vec![None; library.songs.len()];
    let mut songs = Vec::new();
    for beat in 0..steps[0].len() {
        for voice in steps {
            let song = library.beats[voice[beat].row].song;
            if order[song].is_none() {
                order[song] = Some(songs.len());
                let gain = song_gain(&facts[song], target);
                songs.push(PlanSong { gain, ..facts[song].song.clone() });
            }
        }
    }
    (order, songs)
}

fn song_gain(facts: &SongFacts, target: Lufs) -> Decibels {
    Decibels(facts.loudness.gain_to(target).0.min(MAX_GAIN))
}

/// The gain that brings the whole to `target`: the loudness of the chosen beats is known from
/// when they were measured, and gated like that of any programme.
fn master_gain(
    library: &Library,
    facts: &[SongFacts],
    spaces: &[VoiceSpace<'_>],
    steps: &[Vec<Step>],
    periods: &[f64],
    target: Lufs,
) -> Decibels {
    let mut energies = Vec::new();
    for (beat, period) in periods.iter().enumerate() {
        let of = |(space, steps): (&VoiceSpace<'_>, &Vec<Step>)| {
            let row = steps[beat].row;
            let gain = song_gain(&facts[library.beats[row].song], target);
            10f64.powf((space.loudness[row].0 + gain.0 + 0.691) / 10.0)
        };
        let energy: f64 = spaces.iter().zip(steps).map(of).sum();
        let tenths = (period * 10.0).round().max(1.0) as usize;
        energies.extend(std::iter::repeat_n(energy as f32, tenths));
    }
    let expected = loudness::integrated(&energies);
    Decibels(expected.gain_to(target).0.clamp(-MAX_GAIN, MAX_GAIN))
}

#[cfg(test)]
mod tests;
