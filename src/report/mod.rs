//! Views of plans for people and players: tracklists and cue sheets.

mod cue;
mod tracklist;

pub use cue::cue_sheet;
pub use tracklist::{Entry, plan_hash, tracklist};
