//! `remix segment`

use std::path::PathBuf;

use super::separate::split_paths;
use super::{count, estimate, verdict};
use crate::base::{Error, ErrorKind, Result};
use crate::cli::args::{ClipArgs, SegmentArgs};
use crate::cli::exit::Exit;
use crate::cli::settings::{Overrides, Settings};
use crate::cli::trackers::{beat_source, tracker_flags};
use crate::cli::world::{World, optional_rate};
use crate::pipeline::{
    Context, SegmentOptions, Skipped, SongInput, find_songs, find_stems, segment,
};

pub fn run(world: &World<'_>, args: &SegmentArgs) -> Result<Exit> {
    let mut flags = Overrides::default();
    clip_flags(&args.clips, &mut flags);
    tracker_flags(&args.trackers, &mut flags);
    let settings = world.settings(flags)?;
    let context = world.context(&settings);
    let source = beat_source(&context, &settings, &args.trackers)?;
    let (mut inputs, beats) = split_paths(world, &args.paths, "beats")?;
    if inputs.is_empty() {
        inputs.push(world.project().join("stems"));
    }
    let (songs, found) = songs_or_stems(&context, &inputs)?;
    if args.dry.dry_run {
        return estimate::report(
            world,
            "segment",
            &estimate::of(&context, &songs, estimate::SEGMENT),
        );
    }
    let _lock = world.take(&beats)?;
    estimate::check_space(&context, &songs, estimate::SEGMENT, &beats)?;
    let batch = segment(&context, &songs, &beats, &segment_options(&settings)?, &source)?;
    let pieces: usize = batch.done.iter().map(|s| s.beats()).sum();
    if world.common.json {
        let object = serde_json::json!({
            "schema": 1, "beats_dir": beats, "songs": batch.done.len(), "beats": pieces,
            "made": batch.made, "reused": batch.reused,
            "skipped": crate::cli::skipped_json(&found, &batch.skipped),
        });
        crate::cli::print(&format!("{object}\n"));
    } else {
        let (songs, pieces) = (count(batch.done.len(), "song"), count(pieces, "beat"));
        let again = batch.reused;
        world.talk.say(&format!("{songs}, {pieces} ({again} done before): {}", beats.display()));
    }
    verdict(world, batch.done.len(), &found, &batch.skipped)
}

/// The flags of clips.
pub fn clip_flags(args: &ClipArgs, flags: &mut Overrides) {
    flags.set_count("sample-rate", args.sample_rate);
    flags.set("sample-format", args.sample_format.clone());
}

/// The settings of clips, checked.
pub fn segment_options(settings: &Settings) -> Result<SegmentOptions> {
    let rate = optional_rate(settings.sample_rate)?;
    Ok(SegmentOptions { rate, format: settings.sample_format })
}

/// Stems where a folder holds them, songs otherwise.
fn songs_or_stems(
    context: &Context<'_>,
    inputs: &[PathBuf],
) -> Result<(Vec<SongInput>, Vec<Skipped>)> {
    let mut stems = Vec::new();
    for input in inputs {
        stems.extend(find_stems(context, input)?);
    }
    if stems.is_empty() {
        return find_songs(context, inputs).map_err(|e| match e.kind() {
            ErrorKind::NoAudio => e.hint("name a folder of songs, or run remix separate first"),
            _ => e,
        });
    }
    let mut names: Vec<&str> = stems.iter().map(|s| s.name.as_str()).collect();
    names.sort_unstable();
    if let Some(twice) = names.windows(2).find(|w| w[0] == w[1]) {
        return Err(Error::new(ErrorKind::Usage, "two folders hold stems of one name")
            .at(twice[0])
            .hint("segment them into different folders"));
    }
    Ok((stems, Vec::new()))
}
