//! `remix analyze`

use super::{compare, verdict};
use crate::base::{Result, Seconds};
use crate::cli::args::AnalyzeArgs;
use crate::cli::exit::Exit;
use crate::cli::settings::Overrides;
use crate::cli::trackers::{beat_source, tracker_flags};
use crate::cli::world::World;
use crate::pipeline::{SongAnalysis, analyze, find_songs};

pub fn run(world: &World<'_>, args: &AnalyzeArgs) -> Result<Exit> {
    if args.compare {
        return compare::run(world, args);
    }
    let mut flags = Overrides::default();
    tracker_flags(&args.trackers, &mut flags);
    let settings = world.settings(flags)?;
    let context = world.context(&settings);
    let beats = beat_source(&context, &settings, &args.trackers)?;
    let (songs, found) = find_songs(&context, &args.inputs)?;
    let batch = analyze(&context, &songs, &beats)?;
    if world.common.json {
        let tracks: Vec<_> = batch.done.iter().collect();
        let object = serde_json::json!({
            "schema": 1, "tracks": tracks,
            "errors": crate::cli::skipped_json(&found, &batch.skipped),
        });
        crate::cli::print(&format!("{object}\n"));
    } else {
        batch.done.iter().for_each(print_song);
    }
    verdict(world, batch.done.len(), &found, &batch.skipped)
}

fn print_song(song: &SongAnalysis) {
    crate::cli::print(&format!(
        "{}\n  {}  {:.1} BPM  {} beats  {}/4  {} / {}  {:.1} LUFS  {:.1} dBTP\n",
        song.path.replace(char::is_control, "\u{fffd}"),
        Seconds(song.duration),
        song.tempo,
        song.beats.len(),
        song.beats_per_bar,
        song.key,
        song.camelot,
        song.loudness_lufs,
        song.true_peak_dbtp,
    ));
}
