//! `remix separate`

use std::path::PathBuf;

use super::{count, estimate, verdict};
use crate::base::{Error, ErrorKind, Result};
use crate::cli::args::SeparateArgs;
use crate::cli::exit::Exit;
use crate::cli::settings::Overrides;
use crate::cli::trackers::models_dir;
use crate::cli::world::{World, model_flags};
use crate::pipeline::{SeparateOptions, Stems, find_songs, separate};

pub fn run(world: &World<'_>, args: &SeparateArgs) -> Result<Exit> {
    let mut flags = Overrides::default();
    model_flags(&args.model, &mut flags);
    let settings = world.settings(flags)?;
    let context = world.context(&settings);
    let parts = if args.stems.as_deref() == Some("4") { Stems::Four } else { Stems::Two };
    let models = models_dir();
    let options = SeparateOptions { model: &settings.model, stems: parts, models: &models };
    let (inputs, stems) = split_paths(world, &args.paths, "stems")?;
    let (songs, found) = find_songs(&context, &inputs)?;
    let stages = estimate::separating(&options);
    if args.dry.dry_run {
        return estimate::report(world, "separate", &estimate::of(&context, &songs, stages));
    }
    let _lock = world.take(&stems)?;
    estimate::check_space(&context, &songs, stages, &stems)?;
    let batch = separate(&context, &songs, &stems, &options)?;
    if world.common.json {
        let object = serde_json::json!({
            "schema": 1, "stems": stems, "made": batch.made, "reused": batch.reused,
            "skipped": crate::cli::skipped_json(&found, &batch.skipped),
        });
        crate::cli::print(&format!("{object}\n"));
    } else {
        let done = count(batch.done.len(), "song");
        world.talk.say(&format!(
            "{done} in stems ({} done before): {}",
            batch.reused,
            stems.display()
        ));
    }
    verdict(world, batch.done.len(), &found, &batch.skipped)
}

/// Inputs and output: with one word the output is the project's.
pub fn split_paths(
    world: &World<'_>,
    paths: &[PathBuf],
    name: &str,
) -> Result<(Vec<PathBuf>, PathBuf)> {
    match paths {
        [.., last] if paths.len() > 1 => {
            if last.is_file() {
                return Err(Error::new(ErrorKind::Usage, "the last word must be a folder")
                    .at(last)
                    .because(format!("it is a file, and the {name} need a folder"))
                    .hint(format!("add a folder for the {name} at the end")));
            }
            Ok((paths[..paths.len() - 1].to_vec(), last.clone()))
        }
        _ => Ok((paths.to_vec(), world.project().join(name))),
    }
}
