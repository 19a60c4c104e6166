//! `remix demo`

use std::path::{Path, PathBuf};

use super::auto;
use crate::base::{Error, ErrorKind, Result};
use crate::cli::args::{AutoArgs, DemoArgs, WalkArgs};
use crate::cli::exit::Exit;
use crate::cli::world::World;

/// Beats of a minute at the songs' tempi.
const BEATS: u64 = 120;

pub fn run(world: &World<'_>, args: &DemoArgs) -> Result<Exit> {
    let songs = bundled_songs().ok_or_else(|| {
        Error::new(ErrorKind::Missing, "the demo songs are not here")
            .because("they lie in data/music of the source folder")
            .hint("run it from there, or: remix auto YOUR_MUSIC -o remix.wav")
    })?;
    let attribution = songs.join("ATTRIBUTION.md");
    world.talk.say(&format!("songs and their licences: {}", attribution.display()));
    auto::run(
        world,
        &AutoArgs {
            inputs: vec![songs],
            output: args.output.clone(),
            jump_rate: Some(0.3),
            beats: Some(BEATS),
            no_stems: false,
            model: Default::default(),
            trackers: Default::default(),
            clips: Default::default(),
            features: Default::default(),
            index_args: Default::default(),

            report: None,
            walk: WalkArgs { seed: Some(1), ..Default::default() },
            dry: Default::default(),
        },
    )
}

/// `data/music` in the working folder, beside the program where packages put it, or in the source
/// tree the program was built in.
fn bundled_songs() -> Option<PathBuf> {
    let mut places = vec![PathBuf::from("data/music")];
    if let Some(bin) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        places.push(bin.join("../share/evermix/music"));
        places.push(bin.join("../../data/music"));
    }
    places.into_iter().find(|p| p.join("ATTRIBUTION.md").is_file())
}
