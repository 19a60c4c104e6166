//! Views of plans and songs for people and players: tracklists, cue sheets, words, pictures.

mod cue;
mod picture;
mod song;
mod svg;
mod tracklist;

pub use cue::{Heading, cue_sheet};
pub use picture::picture;
pub use song::{SongJson, SongView, tempo_range};
pub use svg::escaped;
pub use tracklist::{Entry, m3u, mix_tracklist, plan_hash, tracklist};
