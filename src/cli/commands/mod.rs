//! One file a command.

pub mod analyze;
pub mod auto;
pub mod compare;
pub mod config;
pub mod daemon;
pub mod dataset;
pub mod demo;
pub mod doctor;
pub mod estimate;
pub mod fit;
pub mod generate;
pub mod man;
pub mod mixing;
pub mod models;
pub mod on_air;
pub mod plan;
pub mod relay;
pub mod render;
pub mod score;
pub mod segment;
pub mod separate;
pub mod stream;

use std::path::Path;

use super::world::World;
use crate::base::{Error, ErrorKind, Result};
use crate::cli::exit::Exit;
use crate::pipeline::Skipped;

/// The exit for a batch: songs left out make it 3, nothing left makes it 4.
fn verdict(world: &World<'_>, done: usize, found: &[Skipped], skipped: &[Skipped]) -> Result<Exit> {
    world.list_skipped(found);
    if done == 0 {
        let why = match found.len() + skipped.len() {
            1 => "the only one was skipped, for the reason above".to_string(),
            all => format!("all {all} were skipped, for the reasons above"),
        };
        return Err(Error::new(ErrorKind::NoAudio, "no song could be used").because(why));
    }
    Ok(if found.is_empty() && skipped.is_empty() { Exit::OK } else { Exit::SKIPPED })
}

/// Refuses a page that cannot be written, before any work. `out` is the sound.
///
/// # Errors
/// `Usage` where it is a folder, or its name that of another kind of file, which may be a song.
fn check_page(page: Option<&Path>, out: &Path) -> Result<()> {
    let Some(page) = page else { return Ok(()) };
    let html = page
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("html") || e.eq_ignore_ascii_case("htm"));
    let why = match (page.is_dir(), html) {
        (true, _) => "it is a folder",
        (false, false) => "reports are HTML",
        (false, true) => return Ok(()),
    };
    Err(Error::new(ErrorKind::Usage, "the report cannot be written there")
        .at(page)
        .because(why)
        .hint(format!("--report {}", out.with_extension("html").display())))
}

/// `3 songs`, `1 song`.
fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
