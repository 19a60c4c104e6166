//! What `forever plan` and `forever render` have in common.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::base::{Error, ErrorKind, Event, Lufs, Result, SampleRate, Seconds, Seed};
use crate::cli::forever_args::MixArgs;
use crate::cli::settings::{Overrides, Settings};
use crate::cli::trackers::{beat_source, models_dir, tracker_flags};
use crate::cli::world::{World, optional_rate};
use crate::forever::catalogue::{CATALOGUE, Catalogue, Library, update_with};
use crate::forever::{Ordering, PlanJob, Shelf, Stems, Wishes, make_plan};
use crate::mix::dj::Options;
use crate::mix::{Action, MixPlan, Override};
use crate::order::{Criterion, EnergyCurve, Weights};
use crate::pipeline::{Context, Skipped, Sound};
use crate::report::energy_words;
use crate::store::exists;

/// The flags of a mix.
pub fn flags(args: &MixArgs) -> Overrides {
    let mut flags = Overrides::default();
    tracker_flags(&args.trackers, &mut flags);
    flags.set_count("seed", args.seed);
    flags.set("mix.style", args.style.clone());
    flags.set("mix.order", args.order.clone());
    flags.set("mix.energy", args.energy.clone());
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    flags.set("mix.inject", args.inject.as_ref().map(text));
    flags.set("mix.mix-file", args.mix_file.as_ref().map(text));
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
    /// Whether no file is to be made.
    pub dry: bool,
}

impl Mixing<'_> {
    /// Listens to the songs and plans.
    pub fn plan(&self, inputs: &[PathBuf], overrides: Vec<Override>) -> Result<Planned> {
        let job = self.job(overrides)?;
        let beats = beat_source(self.context, self.settings, &self.args.trackers)?;
        let stems = self.stems();
        let _lock = match &stems {
            Stems::Made(folder, ..) => Some(self.world.take(folder)?),
            Stems::Found(_) | Stems::None => None,
        };
        let shelf = Shelf::new(&beats, stems);
        let mut catalogue = self.catalogue()?;
        let keep = |id, song| shelf.keep(self.context, id, song);
        let mut library = update_with(self.context, &mut catalogue, inputs, &beats, keep)?;
        sayable(&mut library);
        for copy in &library.copies {
            let name = copy.file_name().unwrap_or_default().to_string_lossy();
            let text = format!("{name}: the same file as an earlier song, taken once");
            self.context.progress.report(Event::Note { text: &text });
        }
        let made = make_plan(self.context, &library, shelf, &job)?;
        let mut skipped = library.told;
        skipped.extend(made.told);
        Ok(Planned { plan: made.plan, songs: library.songs.len(), found: library.skipped, skipped })
    }

    /// What is known of songs is kept in the project, if there is one. Nobody asked for a new
    /// folder, and a dry run makes no file.
    fn catalogue(&self) -> Result<Catalogue> {
        let project = self.world.project();
        let path = project.join(CATALOGUE);
        let there = if self.dry { path.is_file() } else { project.is_dir() };
        match there && self.settings.cache {
            true => Catalogue::open_or_rebuild(self.context, &path),
            false => Catalogue::in_memory(),
        }
    }

    pub fn stems(&self) -> Stems {
        let folder = self.world.path_or(self.args.stems.as_ref(), "stems");
        match (self.args.no_stems, self.args.separate) {
            (true, _) => Stems::None,
            (false, true) if !self.dry => {
                Stems::Made(folder, self.settings.model.clone(), models_dir())
            }
            (false, _) => Stems::Found(folder),
        }
    }

    /// The files of wishes. One that is named on the command line must be there; one of the settings
    /// may come later, and holds no wishes until then.
    fn wishes(&self) -> Result<Wishes> {
        let flags = [("--inject", &self.args.inject), ("--mix-file", &self.args.mix_file)];
        for (flag, path) in flags.iter().filter_map(|(f, p)| Some((f, p.as_ref()?))) {
            if !exists(self.context.fs, path)? {
                return Err(Error::new(ErrorKind::Usage, format!("no file for {flag}"))
                    .at(path)
                    .because("it does not exist")
                    .hint("write a path or a title a line into it"));
            }
        }
        let file = |name: &String| (!name.is_empty()).then(|| PathBuf::from(name));
        let mix = &self.settings.mix;
        Ok(Wishes { inject: file(&mix.inject), mix: file(&mix.mix_file) })
    }

    /// The curve of energy. Songs in a given order have theirs already: that is wrong where both
    /// were typed, and where the curve is a setting the order is what was typed.
    fn energy(&self) -> Result<Option<EnergyCurve>> {
        let mix = &self.settings.mix;
        if mix.energy.is_empty() {
            return Ok(None);
        }
        let curve = mix.energy.parse()?;
        match (mix.order, &self.args.energy) {
            (Ordering::Given, Some(_)) => {
                Err(Error::new(ErrorKind::Usage, "a curve of energy and a given order")
                    .because("songs in the order given go up and down as they do")
                    .hint("leave out --energy, or the order"))
            }
            (Ordering::Given, None) => Ok(None),
            (Ordering::Tour, _) => Ok(Some(curve)),
        }
    }

    pub fn job(&self, overrides: Vec<Override>) -> Result<PlanJob> {
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
            energy: self.energy()?,
            wishes: self.wishes()?,
            never: [mix.never_artists.clone(), mix.never_tags.clone()],
            seed: Seed(settings.seed),
            loudness: Lufs(settings.loudness),
            rate: optional_rate(settings.output_rate)?.unwrap_or(SampleRate::CD),
            overrides,
        })
    }
}

/// Leaves out songs that a plan, which is text, could not name.
fn sayable(library: &mut Library) {
    let songs = std::mem::take(&mut library.songs);
    let inputs = std::mem::take(&mut library.inputs);
    for (song, input) in songs.into_iter().zip(inputs) {
        if matches!(&input.sound, Sound::Song(path) if path.to_str().is_some()) {
            library.songs.push(song);
            library.inputs.push(input);
            continue;
        }
        let error = Error::new(ErrorKind::Unusable, "the name is no text")
            .at(&input.source)
            .because("a plan names songs in UTF-8")
            .hint("rename the file");
        library.skipped.push(Skipped { error, item: input.source });
    }
}

/// The usual weights with those in the settings.
fn weights(set: &BTreeMap<String, f64>) -> Result<Weights> {
    set.iter().try_fold(Weights::default(), |weights, (name, &weight)| {
        weights.with(name.parse::<Criterion>()?, weight)
    })
}

/// Says what is planned: a line, or every transition.
pub fn tell(world: &World<'_>, plan: &MixPlan, explain: bool) {
    if explain {
        world.talk.say(&explained(plan));
    }
    let matched =
        plan.actions.iter().filter(|p| matches!(p.action, Action::Crossmatch { .. })).count();
    let all = plan.actions.iter().filter(|p| p.why.is_some()).count();
    if let Some(energy) = energy_words(plan) {
        world.talk.say(&format!("energy: {energy}"));
    }
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
        let energy = |i: usize| plan.tracks[i].energy.map_or("?".into(), |e| format!("{e:.2}"));
        let energies = match plan.energy.is_empty() {
            true => String::new(),
            false => format!("energy {} > {}  ", energy(from), energy(to)),
        };
        let costs: Vec<String> =
            why.costs.iter().map(|(name, cost)| format!("{name} {cost:.2}")).collect();
        lines.push(format!(
            "{at} {} > {}: {tempo} key {key}  {energies}{}\n      {}",
            name(from),
            name(to),
            why.reason,
            costs.join(" ")
        ));
    }
    lines.join("\n")
}
