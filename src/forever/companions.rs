//! What lies beside a mix: plan, tracklist, cue sheet, playlist.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::audio::encode::Container;
use crate::base::Result;
use crate::mix::MixPlan;
use crate::pipeline::Context;
use crate::report;
use crate::store::write_atomic;

/// Writes everything that lies beside the mix at `out`, and says where.
///
/// # Errors
/// `Io` naming the file.
pub fn write_companions(
    context: &Context<'_>,
    plan: &MixPlan,
    out: &Path,
    container: Container,
) -> Result<Vec<PathBuf>> {
    let beside = |extension: &str| out.with_extension(extension);
    let entries = report::mix_tracklist(plan);
    let file = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut list = String::new();
    for entry in &entries {
        // Writing to a string cannot fail.
        let _ = writeln!(list, "{}", entry.line());
    }
    let comment = format!("seed {}", plan.seed.0);
    let heading = report::Heading { title: "Mix", version: &plan.version, comment: &comment };
    let cue = report::cue_sheet(&file, container.cue_type(), &entries, &heading);
    let texts = [
        ("plan.json", plan.text()),
        ("tracklist.txt", list),
        ("cue", cue),
        ("m3u8", report::m3u(plan)),
    ];
    let mut files = Vec::new();
    for (extension, text) in texts {
        let path = beside(extension);
        write_atomic(context.fs, &path, text.as_bytes())?;
        files.push(path);
    }
    Ok(files)
}
