//! `remix analyze`

use std::path::{Path, PathBuf};

use super::{compare, verdict};
use crate::base::{Error, ErrorKind, Event, Progress as _, Result};
use crate::cli::args::AnalyzeArgs;
use crate::cli::exit::Exit;
use crate::cli::settings::Overrides;
use crate::cli::trackers::{beat_source, tracker_flags};
use crate::cli::world::World;
use crate::pipeline::{SongAnalysis, analyze, find_songs};
use crate::report::{SongView, picture};
use crate::store::{DiskFs, write_atomic};

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
    if let Some(out) = &args.picture {
        check_place(out, songs.len())?;
    }
    let batch = analyze(&context, &songs, &beats)?;
    if world.common.json {
        let tracks: Vec<_> = batch.done.iter().map(|song| view(song).json()).collect();
        let object = serde_json::json!({
            "schema": 1, "tracks": tracks,
            "errors": crate::cli::skipped_json(&found, &batch.skipped),
        });
        crate::cli::print(&format!("{object}\n"));
    } else {
        batch.done.iter().for_each(|song| crate::cli::print(&view(song).lines()));
    }
    if let Some(out) = &args.picture {
        batch.done.iter().try_for_each(|song| draw(world, song, out))?;
    }
    verdict(world, batch.done.len(), &found, &batch.skipped)
}

fn view(song: &SongAnalysis) -> SongView<'_> {
    SongView {
        path: &song.path,
        tags: &song.tags,
        note: &song.note,
        tracker: &song.tracker,
        track: &song.track,
    }
}

/// One song may go into a file; several need a folder.
fn check_place(out: &Path, songs: usize) -> Result<()> {
    let wrong = |what: &str, hint: &str| {
        Err(Error::new(ErrorKind::Usage, what.to_string()).at(out).hint(hint.to_string()))
    };
    match (is_svg(out), songs) {
        (true, 2..) => wrong("several songs need a folder", "--picture pictures"),
        (false, _) if out.extension().is_some() && !out.is_dir() => {
            wrong("pictures are written as SVG", "--picture song.svg")
        }
        _ => Ok(()),
    }
}

fn is_svg(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("svg")) && !path.is_dir()
}

fn draw(world: &World<'_>, song: &SongAnalysis, out: &Path) -> Result<()> {
    let path: PathBuf =
        if is_svg(out) { out.into() } else { out.join(format!("{}.svg", song.name)) };
    write_atomic(&DiskFs, &path, picture(&view(song)).as_bytes())?;
    world.talk.report(Event::Note { text: &format!("picture: {}", path.display()) });
    Ok(())
}
