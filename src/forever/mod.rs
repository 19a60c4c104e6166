//! Endless mixes: which songs, in which order, planned and rendered.

pub mod catalogue;
mod companions;
pub mod live;
mod ordering;
mod original;
mod plan;
pub mod programme;
mod render;
mod score;
mod shelf;
mod song;
mod source;
mod visits;

pub use companions::write_companions;
pub use ordering::Ordering;
pub use plan::{Made, PlanJob, Wishes, make_plan, plan_track, read_plan};
pub use render::{MixFile, Rendered, render_mix};
pub use score::score_mix;
pub use shelf::{Loaded, Shelf, Stems};
pub use song::{Part, Plays, Song, SongId, Summary, TIMBRE, Timbre};
