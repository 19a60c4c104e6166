//! What a command would cost, before it is paid.

use std::path::Path;

use crate::audio::Decoder;
use crate::base::{Error, ErrorKind, Result, Seconds};
use crate::cli::exit::Exit;
use crate::cli::world::World;
use crate::pipeline::{Context, Model, SeparateOptions, SongInput, Sound, Stems, models};
use crate::store::DiskFs;

/// Bytes of 32-bit floats that come of one byte of a song at most: speech at 16 kbit/s in stereo
/// at 48 kHz. What is packed tighter can fill the disk, which ends the run with nothing lost.
const MOST_BYTES: f64 = 200.0;

/// What a command does to each song.
#[derive(Clone, Copy, Debug)]
pub struct Stages {
    /// Bytes written for each byte of the song as 32-bit floats.
    writes: f64,
    /// Processor seconds for each minute of stereo at 44.1 kHz, as measured in README.md.
    cpu_per_minute: f64,
    /// Memory in MiB for each thread.
    memory: f64,
    /// Memory in MiB of a network that all threads share.
    network: f64,
}

pub const SEGMENT: Stages = Stages { writes: 1.0, cpu_per_minute: 0.2, memory: 90.0, network: 0.0 };

/// What separating costs with a model.
pub fn separating(options: &SeparateOptions<'_>) -> Stages {
    let writes = options.stems.names().len() as f64;
    let runs = if options.stems == Stems::Four { 3.0 } else { 1.0 };
    let small = |cpu_per_minute, memory| Stages { writes, cpu_per_minute, memory, network: 0.0 };
    let large =
        |runs: f64| Stages { writes, cpu_per_minute: 60.0 * runs, memory: 0.0, network: 900.0 };
    match options.model {
        Model::Hpss => small(0.4, 20.0),
        Model::Htdemucs | Model::File(_) => large(1.0),
        Model::HtdemucsFt => large(runs),
        Model::Auto if models::find(&DiskFs, options.models, "htdemucs").is_some() => large(1.0),
        Model::Auto | Model::Compact => small(0.8, 30.0),
    }
}

/// What all stages cost together with a model.
pub fn all(options: &SeparateOptions<'_>) -> Stages {
    let separate = separating(options);
    let cpu_per_minute = separate.cpu_per_minute + 0.5;
    Stages { writes: 4.0, cpu_per_minute, memory: 90.0, ..separate }
}

/// The cost of a command.
pub struct Cost {
    songs: usize,
    unreadable: usize,
    seconds: Seconds,
    bytes: u64,
    minutes: f64,
    memory: f64,
}

/// Looks at every song's head; unreadable ones cost nothing.
pub fn of(context: &Context<'_>, songs: &[SongInput], stages: Stages) -> Cost {
    let (mut seconds, mut bytes, mut unreadable) = (0.0, 0.0, 0);
    for song in songs {
        match length(context, song) {
            Some((s, b)) => {
                seconds += s;
                bytes += b * stages.writes;
            }
            None => unreadable += 1,
        }
    }
    Cost {
        songs: songs.len() - unreadable,
        unreadable,
        seconds: Seconds(seconds),
        bytes: bytes as u64,
        minutes: seconds / 60.0 * stages.cpu_per_minute / 60.0 / context.threads as f64,
        memory: stages.memory * context.threads as f64 + stages.network,
    }
}

/// Seconds, and bytes as 32-bit floats.
fn length(context: &Context<'_>, song: &SongInput) -> Option<(f64, f64)> {
    match &song.sound {
        Sound::Song(path) => {
            let file = context.fs.open(path).ok()?;
            let decoder = Decoder::from_source(file, path, context.limits).ok()?;
            // A file that does not say its length is taken for 16 kB a second.
            let unknown = song.bytes as f64 / 16_000.0;
            let rate = decoder.rate().as_f64();
            let seconds = decoder.claimed_frames().map_or(unknown, |n| n as f64 / rate);
            let seconds = seconds.min(context.limits.max_seconds);
            Some((seconds, seconds * rate * decoder.channels() as f64 * 4.0))
        }
        Sound::Stems { rest, .. } => {
            // Stereo at 44.1 kHz in 32-bit floats, of which two layers are written again.
            let one = song.bytes as f64 / (1 + rest.len()) as f64;
            Some((one / (4.0 * 2.0 * 44_100.0), 2.0 * one))
        }
    }
}

/// Prints the cost of a dry run.
pub fn report(world: &World<'_>, what: &str, cost: &Cost) -> Result<Exit> {
    let gigabytes = cost.bytes as f64 / 1e9;
    let text = if world.common.json {
        serde_json::json!({
            "schema": 1, "command": what, "songs": cost.songs, "unreadable": cost.unreadable,
            "audio_seconds": cost.seconds.0, "minutes": cost.minutes, "disk_bytes": cost.bytes,
            "memory_mib": cost.memory,
        })
        .to_string()
    } else {
        format!(
            "would {what} {}: {} of audio\n  about {:.1} min, {gigabytes:.2} GB of disk, {:.0} MB of memory{}",
            super::count(cost.songs, "song"),
            cost.seconds,
            cost.minutes,
            cost.memory,
            match cost.unreadable {
                0 => String::new(),
                n => format!("\n  {n} cannot be read and would be skipped"),
            }
        )
    };
    crate::cli::print(&format!("{text}\n"));
    Ok(Exit::OK)
}

/// Refuses work that cannot fit on the disk, before it begins.
///
/// # Errors
/// `Io` with what is needed and what is free.
pub fn check_space(
    context: &Context<'_>,
    songs: &[SongInput],
    stages: Stages,
    folder: &Path,
) -> Result<()> {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let most = songs.iter().map(|song| song.bytes as f64 * MOST_BYTES * stages.writes).sum();
    let exact = || of(context, songs, stages).bytes;
    let Some(needed) = too_much(free, || used(folder, 0), most, exact) else { return Ok(()) };
    Err(Error::new(ErrorKind::Io, "not enough room on the disk")
        .at(folder)
        .because(format!(
            "{:.1} GB are needed and {:.1} GB are free",
            needed as f64 / 1e9,
            free as f64 / 1e9
        ))
        .hint("use --sample-format int16 or a --project folder on another disk"))
}

/// The bytes needed, where they cannot be had. `exact` looks at every song, which takes its time
/// before anything is seen to happen: only where `most`, the bytes at worst, may be too many.
fn too_much(
    free: u64,
    used: impl FnOnce() -> u64,
    most: f64,
    exact: impl FnOnce() -> u64,
) -> Option<u64> {
    if most <= free as f64 {
        return None;
    }
    // What an earlier run wrote may be used again: only refuse what can never fit.
    let have = free.saturating_add(used());
    Some(exact()).filter(|&needed| needed > have)
}

/// Bytes already in a folder of ours.
fn used(folder: &Path, depth: usize) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() && depth < 3 => used(&entry.path(), depth + 1),
            Ok(meta) if meta.is_file() => meta.len(),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn songs_are_looked_at_only_where_the_disk_may_be_too_small() {
        let unseen = || -> u64 { panic!("looked at every song") };
        assert_eq!(too_much(1_000, unseen, 1_000.0, unseen), None);
        assert_eq!(too_much(1_000, || 0, 1_001.0, || 900), None);
        assert_eq!(too_much(1_000, || 500, 9_000.0, || 1_500), None);
        assert_eq!(too_much(1_000, || 500, 9_000.0, || 1_501), Some(1_501));
    }
}
