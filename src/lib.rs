//! Evermix turns a folder of songs into new music, offline.
//!
//! The floors, from the ground up; a room imports only from rooms below it (`tests/architecture.rs`
//! holds this):
//!
//! - [`base`]: units, errors, limits, chance, progress.
//! - [`store`]: every byte that reaches a disk of ours. [`audio`]: samples, codecs, loudness.
//! - [`analysis`]: beats, key, form and features of a song. [`separation`]: drums and everything else.
//! - [`corpus`]: beats of many songs, their feature table and neighbour index.
//! - [`remix`]: choosing beats, planning them in time, joining them.
//! - [`mix`]: where songs meet beat on beat, and how that sounds. [`order`]: which song comes next.
//! - [`report`]: tracklists, cue sheets, pictures, pages. [`pipeline`]: the stages on disk.
//! - [`forever`]: endless mixes, from songs to a plan to a file.
//! - [`cli`]: words typed and words printed.

pub mod analysis;
pub mod audio;
pub mod base;
pub mod cli;
pub mod corpus;
pub mod forever;
pub mod mix;
pub mod net;
pub mod order;
pub mod pipeline;
pub mod remix;
pub mod report;
pub mod separation;
pub mod store;
pub mod stream;
