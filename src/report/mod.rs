//! Views of plans and songs for people and players: tracklists, cue sheets, words, pictures, pages.

mod cue;
mod mix_page;
mod page;
mod picture;
mod remix_page;
mod song;
mod svg;
mod tracklist;

pub use cue::{Heading, cue_sheet};
pub use mix_page::mix_page;
pub use picture::picture;
pub use remix_page::remix_page;
pub use song::{SongJson, SongView, tempo_range};
pub use svg::escaped;
pub use tracklist::{
    Entry, energy_agreement, energy_words, m3u, mix_tracklist, plan_hash, tracklist,
};
