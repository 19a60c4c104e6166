//! A plan on disk becomes a file.

use std::path::{Path, PathBuf};

use crate::audio::Reel;
use crate::audio::encode::{Container, OutputTags};
use crate::audio::splice::Wave;
use crate::base::{Error, ErrorKind, Event, Frames, Lufs, Result, Seconds};
use crate::mix::{MixPlan, Part, Renderer, TrackSound, voices};
use crate::pipeline::{Context, Output, stems_content, write_output};
use crate::report;
use crate::store::hash_file;

/// What to render into.
#[derive(Clone, Debug)]
pub struct MixFile {
    /// The file to make.
    pub path: PathBuf,
    /// What kind of file.
    pub container: Container,
}

/// A finished mix.
#[derive(Debug)]
pub struct Rendered {
    /// Length.
    pub duration: Seconds,
    /// Measured loudness.
    pub loudness: Lufs,
}

/// Renders a plan.
///
/// # Errors
/// `Corrupt` where a song or a stem is not the one the plan was made for; as [`write_output`].
pub fn render_mix(context: &Context<'_>, plan: &MixPlan, file: &MixFile) -> Result<Rendered> {
    let stage = "render";
    context.progress.report(Event::StageStarted { stage, items: 1 });
    check_songs(context, plan)?;
    check_stems(context, plan)?;
    let open = |track: usize, stems: bool| open_track(context, plan, track, stems);
    let mut renderer = Renderer::new(plan, &open);
    let total = renderer.end().max(0) as u64;
    let output = Output {
        path: file.path.clone(),
        container: file.container,
        rate: plan.rate,
        channels: 2,
        tags: tags(plan),
    };
    let (frames, loudness) =
        write_output(context, &output, total, |block| renderer.next_block(block))?;
    context.progress.report(Event::StageDone { stage });
    Ok(Rendered { duration: Frames(frames).seconds(plan.rate), loudness })
}

/// Opens the sound of one of a plan's tracks.
///
/// # Errors
/// As [`Reel::open`].
pub fn open_track(
    context: &Context<'_>,
    plan: &MixPlan,
    track: usize,
    stems: bool,
) -> Result<TrackSound> {
    let track = &plan.tracks[track];
    let reel = |path: &str| -> Result<Box<dyn Wave + Send>> {
        Ok(Box::new(Reel::open(Path::new(path), context.limits, plan.rate)?))
    };
    let parts = match track.stems.as_ref().filter(|_| stems) {
        Some(stems) => {
            vec![(Part::Drums, reel(&stems.drums)?), (Part::Other, reel(&stems.other)?)]
        }
        None => vec![(Part::All, reel(&track.path)?)],
    };
    Ok(TrackSound { parts })
}

/// Every song must still be the one the plan was made for: beats of another fit nowhere.
fn check_songs(context: &Context<'_>, plan: &MixPlan) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for track in plan.tracks.iter().filter(|t| !t.hash.is_empty()) {
        context.cancel.check()?;
        let path = Path::new(&track.path);
        if !seen.insert(path) {
            continue;
        }
        if hash_file(context.fs, path, context.cancel)?.to_hex().as_str() != track.hash {
            return Err(Error::new(ErrorKind::Corrupt, "not the song the plan was made for")
                .at(path)
                .because("its content has changed since")
                .hint("forever plan again, or remove its \"hash\" from the plan"));
        }
    }
    Ok(())
}

/// The same of stems, where they are played.
fn check_stems(context: &Context<'_>, plan: &MixPlan) -> Result<()> {
    let played = voices(plan).0.into_iter().filter(|v| v.wants_stems()).map(|v| v.track);
    let mut seen = std::collections::HashSet::new();
    for stems in played.filter_map(|track| plan.tracks[track].stems.as_ref()) {
        if stems.hash.is_empty() || !seen.insert(&stems.drums) {
            continue;
        }
        let (drums, other) = (Path::new(&stems.drums), Path::new(&stems.other));
        if stems_content(context, drums, other)? != stems.hash {
            return Err(Error::new(ErrorKind::Corrupt, "not the stems the plan was made for")
                .at(drums)
                .because("the content of this stem or of the other has changed since")
                .hint("forever plan again, or remove the \"hash\" of \"stems\" from the plan"));
        }
    }
    Ok(())
}

fn tags(plan: &MixPlan) -> OutputTags {
    let mut artists: Vec<&str> =
        plan.tracks.iter().map(|t| t.artist.as_str()).filter(|a| !a.is_empty()).collect();
    artists.sort_unstable();
    artists.dedup();
    OutputTags {
        title: format!("Mix of {} songs", plan.tracks.len()),
        artist: crate::audio::clean(&artists.join(", "), 512),
        album: String::new(),
        comment: format!("seed {}, plan {}", plan.seed.0, &report::plan_hash(plan)[..16]),
        encoder: format!("Evermix {}", plan.version),
    }
}
