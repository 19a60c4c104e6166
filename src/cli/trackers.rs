//! The beat tracker that was asked for, and where the user's networks lie.

use std::path::PathBuf;

use super::args::TrackerArgs;
use super::settings::{Overrides, Settings};
use crate::base::{Error, ErrorKind, Result};
use crate::pipeline::{BeatSource, Context};

/// Variable with the folder of the user's networks.
const MODELS: &str = "EVERMIX_MODELS";

/// The flags of beat trackers.
pub fn tracker_flags(args: &TrackerArgs, flags: &mut Overrides) {
    flags.set("beat-tracker", args.beat_tracker.clone());
}

/// What finds the beats: the folder named, or else the tracker in the settings.
///
/// # Errors
/// `Missing` where the tracker is not here; `Usage` where the folder is not.
pub fn beat_source(
    context: &Context<'_>,
    settings: &Settings,
    args: &TrackerArgs,
) -> Result<BeatSource> {
    match &args.beats_from {
        Some(folder) => BeatSource::folder(context, folder),
        None => BeatSource::tracker(context, settings.beat_tracker, &models_dir()),
    }
}

/// Every beat tracker that is here, and the folder of beats if one is named.
///
/// # Errors
/// `Missing` where there are not two; `Usage` where the folder is not there.
pub fn present_sources(context: &Context<'_>, args: &TrackerArgs) -> Result<Vec<BeatSource>> {
    let mut sources = BeatSource::present(context, &models_dir())?;
    if let Some(folder) = &args.beats_from {
        sources.push(BeatSource::folder(context, folder)?);
    }
    if sources.len() < 2 {
        return Err(Error::new(ErrorKind::Missing, "nothing to compare with")
            .because("the only beat tracker here is our own")
            .hint("name a folder of beats with --beats-from DIR, or build with --features aubio"));
    }
    Ok(sources)
}

/// `EVERMIX_MODELS`, or `evermix/models` in the user's data folder.
pub fn models_dir() -> PathBuf {
    use etcetera::BaseStrategy as _;
    if let Some(folder) = std::env::var_os(MODELS).filter(|folder| !folder.is_empty()) {
        return folder.into();
    }
    let base = etcetera::choose_base_strategy();
    base.map_or_else(|_| "models".into(), |base| base.data_dir().join("evermix").join("models"))
}
