//! What `forever plan` and `forever render` have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::auto::two_stems;
use crate::base::{Error, ErrorKind, Lufs, Result, SampleRate, Seconds, Seed};
use crate::cli::forever_args::MixArgs;
use crate::cli::settings::{Overrides, Settings};
use crate::cli::trackers::{beat_source, models_dir, tracker_flags};
use crate::cli::world::{World, optional_rate};
use crate::forever::{PlanJob, make_plan, playlist};
use crate::mix::dj::Options;
use crate::mix::{Action, MixPlan, Override, StemFiles};
use crate::order::{Criterion, Weights};
use crate::pipeline::{
    Context, Skipped, SongInput, Sound, analyze, find_songs, find_stems, separate,
};

/// The flags of a mix.
pub fn flags(args: &MixArgs) -> Overrides {
    let mut flags = Overrides::default();
    tracker_flags(&args.trackers, &mut flags);
    flags.set_count("seed", args.seed);
    flags.set("mix.style", args.style.clone());
    flags.set("mix.order", args.order.clone());
    flags.set_count("mix.transition-bars", args.transition_bars);
    flags.set("mix.stay", args.stay);
    flags.set("max-stretch", args.max_stretch);
    flags.set("loudness", args.loudness);
    flags.set_count("output-rate", args.output_rate);
    flags
}

/// A plan and the songs that were left out.
pub struct Planned {
    /// The plan.
    pub plan: MixPlan,
    /// Songs that could be used.
    pub songs: usize,
    /// Files left out when songs were looked for.
    pub found: Vec<Skipped>,
    /// Songs left out when they were listened to.
    pub skipped: Vec<Skipped>,
}

/// One command at work.
pub struct Mixing<'a> {
    pub world: &'a World<'a>,
    pub context: &'a Context<'a>,
    pub settings: &'a Settings,
    pub args: &'a MixArgs,
}

impl Mixing<'_> {
    /// Listens to the songs and plans.
    pub fn plan(&self, inputs: &[PathBuf], overrides: Vec<Override>) -> Result<Planned> {
        let job = self.job(overrides)?;
        let beats = beat_source(self.context, self.settings, &self.args.trackers)?;
        let (songs, mut found) = find_songs(self.context, inputs)?;
        let songs = sayable(songs, &mut found);
        let batch = analyze(self.context, &songs, &beats)?;
        let stems = self.stems(&songs)?;
        let list = playlist(&batch.done, &songs, |song| stem_files(song, &stems), job.loudness);
        let plan = make_plan(self.context, &list, &job)?;
        Ok(Planned { plan, songs: batch.done.len(), found, skipped: batch.skipped })
    }

    fn stems(&self, songs: &[SongInput]) -> Result<Vec<SongInput>> {
        if self.args.no_stems {
            return Ok(Vec::new());
        }
        let folder = self.world.path_or(self.args.stems.as_ref(), "stems");
        if self.args.separate {
            let _lock = self.world.take(&folder)?;
            separate(self.context, songs, &folder, &two_stems(self.settings, &models_dir()))?;
        }
        find_stems(self.context, &folder)
    }

    fn job(&self, overrides: Vec<Override>) -> Result<PlanJob> {
        let (settings, mix) = (self.settings, &self.settings.mix);
        let positive = |name: &str, value: Option<f64>, most: f64| match value {
            Some(v) if !(v > 0.0 && v <= most) => {
                Err(Error::new(ErrorKind::Usage, format!("{name} out of range"))
                    .because(format!("above 0, at most {most}")))
            }
            value => Ok(value),
        };
        let minutes = positive("--minutes", self.args.minutes, 60.0 * 24.0 * 366.0)?;
        let some = |x: f64| (x != 0.0).then_some(x);
        let stay = positive("stay", some(mix.stay), 24.0 * 60.0)?;
        positive("crossfade", Some(mix.crossfade), 60.0)?;
        positive("transition-bars", some(mix.transition_bars as f64), 256.0)?;
        positive("max-stretch", Some(settings.max_stretch), 50.0)?;
        let tracks = self.args.tracks.map(|n| n as f64);
        let tracks = positive("--tracks", tracks, 100_000.0)?.map(|n| n as usize);
        Ok(PlanJob {
            options: Options {
                style: mix.style,
                bars: (mix.transition_bars > 0).then_some(mix.transition_bars),
                max_stretch: 1.0 + settings.max_stretch / 100.0,
                max_stay: stay.map(|m| 60.0 * m),
                crossfade: mix.crossfade,
            },
            length: minutes.map(|m| Seconds(60.0 * m)),
            tracks,
            order: mix.order,
            window: mix.artist_gap,
            weights: weights(&mix.weights)?,
            never: [mix.never_artists.clone(), mix.never_tags.clone()],
            seed: Seed(settings.seed),
            loudness: Lufs(settings.loudness),
            rate: optional_rate(settings.output_rate)?.unwrap_or(SampleRate::CD),
            overrides,
        })
    }
}

/// Leaves out songs that a plan, which is text, could not name.
fn sayable(songs: Vec<SongInput>, skipped: &mut Vec<Skipped>) -> Vec<SongInput> {
    let is_text = |song: &SongInput| match &song.sound {
        Sound::Song(path) => path.to_str().is_some(),
        Sound::Stems { .. } => true,
    };
    let (said, unsaid): (Vec<_>, Vec<_>) = songs.into_iter().partition(is_text);
    skipped.extend(unsaid.into_iter().map(|song| {
        Skipped {
            error: Error::new(ErrorKind::Unusable, "the name is no text")
                .at(&song.source)
                .because("a plan names songs in UTF-8")
                .hint("rename the file"),
            item: song.source,
        }
    }));
    said
}

/// The usual weights with those in the settings.
fn weights(set: &BTreeMap<String, f64>) -> Result<Weights> {
    set.iter().try_fold(Weights::default(), |weights, (name, &weight)| {
        weights.with(name.parse::<Criterion>()?, weight)
    })
}

/// The stems that were made of a song.
fn stem_files(song: &SongInput, stems: &[SongInput]) -> Option<StemFiles> {
    let made = stems.iter().find_map(|s| match &s.sound {
        Sound::Stems { drums, other, record: Some(record) }
            if record.source_hash == song.hash.to_hex().as_str() =>
        {
            Some((drums, other))
        }
        _ => None,
    })?;
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    Some(StemFiles { drums: text(made.0), other: text(made.1) })
}

/// Says what is planned: a line, or every transition.
pub fn tell(world: &World<'_>, plan: &MixPlan, explain: bool) {
    if explain {
        world.talk.say(&explained(plan));
    }
    let matched =
        plan.actions.iter().filter(|p| matches!(p.action, Action::Crossmatch { .. })).count();
    let all = plan.actions.iter().filter(|p| p.why.is_some()).count();
    world.talk.say(&format!(
        "{} of {} songs, {matched} of {all} transitions beat on beat",
        plan.duration(),
        plan.tracks.len(),
    ));
}

fn explained(plan: &MixPlan) -> String {
    let mut lines = Vec::new();
    for (planned, at) in plan.actions.iter().zip(plan.times()) {
        let Some(why) = &planned.why else { continue };
        let (from, to) = planned.action.tracks();
        let name = |i: usize| plan.tracks[i].title.clone();
        let tempo = why.tempo_change.map_or("     ".into(), |c| format!("{c:+4.1}%"));
        let key = why.key_steps.map_or("?".into(), |s| s.to_string());
        let costs: Vec<String> =
            why.costs.iter().map(|(name, cost)| format!("{name} {cost:.2}")).collect();
        lines.push(format!(
            "{at} {} > {}: {tempo} key {key}  {}\n      {}",
            name(from),
            name(to),
            why.reason,
            costs.join(" ")
        ));
    }
    lines.join("\n")
}
