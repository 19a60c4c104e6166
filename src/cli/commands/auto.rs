//! `remix auto`

use std::path::Path;

use super::fit::{INDEX, index_flags};
use super::segment::{clip_flags, segment_options};
use super::{check_page, estimate, generate as generating, verdict};
use crate::base::{Error, ErrorKind, Result};
use crate::cli::args::AutoArgs;
use crate::cli::exit::Exit;
use crate::cli::settings::{Overrides, Settings};
use crate::cli::trackers::{beat_source, models_dir, tracker_flags};
use crate::cli::world::{World, model_flags, walk_flags};
use crate::corpus::SongBeats;
use crate::pipeline::{
    Batch, BeatSource, Context, GenerateJob, SeparateOptions, Skipped, SongInput, Stems,
    create_dataset, find_songs, find_stems, fit, generate, segment, separate,
};

pub fn run(world: &World<'_>, args: &AutoArgs) -> Result<Exit> {
    let mut flags = Overrides::default();
    flags.set("jump-rate", args.jump_rate);
    flags.set_count("beats", args.beats);
    flags.set("features", args.features.features.clone());
    model_flags(&args.model, &mut flags);
    tracker_flags(&args.trackers, &mut flags);
    clip_flags(&args.clips, &mut flags);
    index_flags(&args.index_args, &mut flags)?;
    walk_flags(&args.walk, &mut flags);
    check_page(args.report.as_deref(), &args.output)?;
    let settings = world.settings(flags)?;
    let beats = generating::beats_wanted(i64::try_from(settings.beats).unwrap_or(i64::MAX))?;
    // Everything that can be wrong with the words is found before any work.
    let job = generating::job(&settings, beats, &args.output)?;
    let context = world.context(&settings);
    let source = beat_source(&context, &settings, &args.trackers)?;
    let (songs, found) = find_songs(&context, &args.inputs)?;
    let models = models_dir();
    let options = two_stems(&settings, &models);
    let stages = if args.no_stems { estimate::SEGMENT } else { estimate::all(&options) };
    if args.dry.dry_run {
        return estimate::report(world, "remix", &estimate::of(&context, &songs, stages));
    }
    let _lock = world.take_project()?;
    let project = world.project();
    estimate::check_space(&context, &songs, stages, &project)?;
    let work = Work { world, context: &context, settings: &settings, project: &project };
    let (cut, mut skipped) = work.cut(&songs, &source, args.no_stems)?;
    skipped.extend(cut.skipped);
    let exit = verdict(world, cut.done.len(), &found, &skipped)?;
    let mut made = generate(&context, &work.index(cut.done, job)?)?;
    generating::write_page(&context, &mut made, args.report.as_deref())?;
    generating::report(world, &made);
    Ok(exit)
}

/// The model in the settings, for drums and everything else.
pub fn two_stems<'a>(settings: &'a Settings, models: &'a Path) -> SeparateOptions<'a> {
    SeparateOptions { model: &settings.model, stems: Stems::Two, models }
}

struct Work<'a> {
    world: &'a World<'a>,
    context: &'a Context<'a>,
    settings: &'a Settings,
    project: &'a Path,
}

impl Work<'_> {
    /// Separates and cuts. Songs skipped on the way are returned beside the batch.
    fn cut(
        &self,
        songs: &[SongInput],
        source: &BeatSource,
        direct: bool,
    ) -> Result<(Batch<SongBeats>, Vec<Skipped>)> {
        let (context, beats) = (self.context, self.project.join("beats"));
        let options = segment_options(self.settings)?;
        let _beats = self.world.take(&beats)?;
        if direct {
            return Ok((segment(context, songs, &beats, &options, source)?, Vec::new()));
        }
        let stems_dir = self.project.join("stems");
        let _stems = self.world.take(&stems_dir)?;
        let stems = separate(context, songs, &stems_dir, &two_stems(self.settings, &models_dir()))?;
        let wanted: Vec<&str> = stems.done.iter().map(|s| s.song.as_str()).collect();
        let mut found = find_stems(context, &stems_dir)?;
        found.retain(|song| wanted.contains(&song.name.as_str()));
        if let Some(lost) = wanted.iter().find(|name| !found.iter().any(|s| s.name == **name)) {
            return Err(Error::new(ErrorKind::Io, "cannot find the stems just made")
                .at(stems_dir.join(lost)));
        }
        Ok((segment(context, &found, &beats, &options, source)?, stems.skipped))
    }

    /// Describes and indexes the beats of this run's songs.
    fn index(&self, songs: Vec<SongBeats>, job: GenerateJob) -> Result<GenerateJob> {
        let (beats, dataset) = (self.project.join("beats"), self.project.join("dataset"));
        let index = self.project.join(INDEX);
        let _lock = self.world.take(&dataset)?;
        create_dataset(self.context, songs, &beats, &dataset, self.settings.features)?;
        fit(self.context, &dataset, &index, self.settings.algorithm, &self.settings.weights)?;
        Ok(GenerateJob { dataset_dir: dataset, index_path: index, ..job })
    }
}
