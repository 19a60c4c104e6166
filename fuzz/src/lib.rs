//! What the fuzz targets share: what counts as a finding, a disk in memory, and what must hold of
//! every error and of every song.

mod contained;
mod errors;
mod memory;
mod repair;
mod seeds;
mod socket;
mod sound;

pub use contained::{contained, forgive_what_is_caught};
pub use errors::{is_told_well, one_line, plain};
pub use memory::{MemoryFs, checked, in_context, scratch};
pub use repair::repair;
pub use seeds::begin;
pub use socket::{ask, serve_answers};
pub use sound::{Heard, listen};
