//! `remix create-dataset`

use super::count;
use crate::base::Result;
use crate::cli::args::DatasetArgs;
use crate::cli::exit::Exit;
use crate::cli::settings::Overrides;
use crate::cli::world::World;
use crate::pipeline::{TABLE, create_dataset, read_beats};

pub fn run(world: &World<'_>, args: &DatasetArgs) -> Result<Exit> {
    let mut flags = Overrides::default();
    flags.set("features", args.features.features.clone());
    let settings = world.settings(flags)?;
    let context = world.context(&settings);
    let beats_dir = world.path_or(args.beats.as_ref(), "beats");
    let dataset_dir = world.path_or(args.dataset.as_ref(), "dataset");
    let songs = read_beats(&context, &beats_dir)?;
    if args.dry.dry_run {
        let beats: usize = songs.iter().map(|s| s.beats()).sum();
        let (songs, beats) = (count(songs.len(), "song"), count(beats, "beat"));
        crate::cli::print(&format!("would describe {beats} of {songs}\n"));
        return Ok(Exit::OK);
    }
    let _lock = world.take(&dataset_dir)?;
    let (dataset, batch) =
        create_dataset(&context, songs, &beats_dir, &dataset_dir, settings.features)?;
    let table = dataset_dir.join(TABLE);
    if world.common.json {
        let object = serde_json::json!({
            "schema": 1, "table": table, "rows": dataset.manifest.rows,
            "made": batch.made, "reused": batch.reused,
        });
        crate::cli::print(&format!("{object}\n"));
    } else {
        let rows = count(dataset.manifest.rows, "row");
        world.talk.say(&format!(
            "{rows} ({} songs done before): {}",
            batch.reused,
            table.display()
        ));
    }
    Ok(Exit::OK)
}
