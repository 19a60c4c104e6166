//! `remix doctor`

use std::path::Path;

use crate::base::Result;
use crate::cli::exit::Exit;
use crate::cli::settings::{Overrides, Settings};
use crate::cli::trackers::models_dir;
use crate::cli::world::World;
use crate::pipeline::{BeatSource, models};
use crate::store::{DiskFs, write_atomic};

struct Check {
    name: &'static str,
    ok: bool,
    found: String,
}

pub fn run(world: &World<'_>) -> Result<Exit> {
    let checks = checks(world);
    let healthy = checks.iter().all(|c| c.ok);
    if world.common.json {
        let list: Vec<_> = checks
            .iter()
            .map(|c| serde_json::json!({ "check": c.name, "ok": c.ok, "found": c.found }))
            .collect();
        crate::cli::print(&format!("{}\n", serde_json::json!({ "schema": 1, "checks": list })));
    } else {
        for check in &checks {
            let word =
                if check.ok { world.talk.paint(32, "ok ") } else { world.talk.paint(31, "NO ") };
            crate::cli::print(&format!("{word} {:<12} {}\n", check.name, check.found));
        }
    }
    Ok(if healthy { Exit::OK } else { Exit(1) })
}

fn checks(world: &World<'_>) -> Vec<Check> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let project = world.project();
    let settings = world.resolved(&Overrides::default());
    vec![
        Check { name: "version", ok: true, found: env!("CARGO_PKG_VERSION").to_string() },
        Check { name: "threads", ok: true, found: cores.to_string() },
        Check {
            name: "reads",
            ok: true,
            found: "mp3, m4a (AAC, ALAC), flac, ogg (Vorbis, Opus), wav, aiff".to_string(),
        },
        Check { name: "writes", ok: true, found: "wav, flac, mp3, opus".to_string() },
        beat_trackers(world),
        separators(),
        Check {
            name: "settings",
            ok: settings.is_ok(),
            found: match settings {
                Ok(resolved) => format!("{} changed from the defaults", resolved.origins.len()),
                Err(e) => e.reason(),
            },
        },
        cache(world),
        writable(&project),
        room(&project),
    ]
}

/// The separators that are here, with the one that `auto` takes.
fn separators() -> Check {
    let folder = models_dir();
    let here = |name: &&str| models::find(&DiskFs, &folder, name).is_some();
    let mut names: Vec<_> = ["htdemucs", "htdemucs_ft"].into_iter().filter(here).collect();
    let auto = if names.contains(&"htdemucs") { "htdemucs" } else { "compact" };
    names.extend(["compact", "hpss"]);
    let mark = |name: &str| if name == auto { format!("{name} (auto)") } else { name.to_string() };
    let found: Vec<_> = names.into_iter().map(mark).collect();
    Check { name: "separators", ok: true, found: found.join(", ") }
}

/// The beat trackers that are here; a network that cannot be used is a fault.
fn beat_trackers(world: &World<'_>) -> Check {
    let settings = Settings::default();
    let found = BeatSource::present(&world.context(&settings), &models_dir());
    let names = |sources: Vec<BeatSource>| sources.iter().map(BeatSource::name).collect::<Vec<_>>();
    Check {
        name: "trackers",
        ok: found.is_ok(),
        found: found.map_or_else(|e| e.to_string().replace('\n', ";"), |s| names(s).join(", ")),
    }
}

/// Says where analyses are kept and how much they take. Doing without is no fault.
fn cache(world: &World<'_>) -> Check {
    let found = world.cache().map_or("none: the system names no place".to_string(), |cache| {
        let holds = cache.holds(&DiskFs);
        let megabytes = holds.bytes as f64 / 1e6;
        format!("{}: {} entries, {megabytes:.1} MB", cache.folder().display(), holds.entries)
    });
    Check { name: "cache", ok: true, found }
}

/// Tries to write where the project is or would be made.
fn writable(project: &Path) -> Check {
    let folder = existing(project);
    let probe = folder.join(".evermix-doctor");
    let result = write_atomic(&DiskFs, &probe, b"");
    let _ = std::fs::remove_file(&probe);
    let found = match &result {
        Ok(()) => project.display().to_string(),
        Err(e) => e.reason(),
    };
    Check { name: "project", ok: result.is_ok(), found }
}

fn room(project: &Path) -> Check {
    let Ok(disk) = rustix::fs::statvfs(existing(project)) else {
        return Check { name: "disk", ok: true, found: "unknown".to_string() };
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize) as f64 / 1e9;
    // A song takes about 0.2 GB on its way through all stages.
    Check { name: "disk", ok: free > 1.0, found: format!("{free:.1} GB free") }
}

fn existing(project: &Path) -> &Path {
    match project.parent() {
        _ if project.is_dir() => project,
        Some(parent) if parent.is_dir() => parent,
        _ => Path::new("."),
    }
}
