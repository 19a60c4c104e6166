//! Endless mixes: which songs, in which order, planned and rendered.

pub mod catalogue;
mod companions;
mod ordering;
mod original;
mod plan;
pub mod programme;
mod render;
mod score;
mod song;

pub use companions::write_companions;
pub use ordering::Ordering;
pub use plan::{PlanJob, Playlist, make_plan, playlist, read_plan};
pub use render::{MixFile, Rendered, render_mix};
pub use score::score_mix;
pub use song::{Part, Plays, Song, SongId, Summary, TIMBRE, Timbre};
