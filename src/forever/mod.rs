//! Endless mixes: which songs, in which order, planned and rendered.

mod companions;
mod ordering;
mod original;
mod plan;
mod render;
mod score;

pub use companions::write_companions;
pub use ordering::Ordering;
pub use plan::{PlanJob, Playlist, make_plan, playlist, read_plan};
pub use render::{MixFile, Rendered, render_mix};
pub use score::score_mix;
