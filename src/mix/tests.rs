//! Plans of every kind, rendered from sounds in memory.

mod ends;
mod live;
mod plans;
mod render;
pub mod sounds;
mod words;
