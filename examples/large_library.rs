//! Makes a library of any size that is known already, to see how long plans of it take. Its songs
//! are words; what was heard of them is one analysis, with tempo, key and energy drawn by chance.
//!
//! ```sh
//! cargo run --release --example large_library -- FOLDER 10000
//! cd FOLDER && XDG_CACHE_HOME=cache forever plan music -o plan.json --minutes 60
//! ```

use std::path::{Path, PathBuf};

use evermix::analysis::Key;
use evermix::analysis::soundprint::{Mark, SoundPrint};
use evermix::audio::Tags;
use evermix::base::{Bpm, Cancel, Draws, Error, Limits, Quiet, Result, Seed};
use evermix::forever::catalogue::{CATALOGUE, Catalogue, Heard, Listed, Record};
use evermix::forever::{SongId, Summary};
use evermix::pipeline::{BeatSource, Context, SongAnalysis, analysis_name, analyze, find_songs};
use evermix::store::{Cache, DiskFs};

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().unwrap_or_else(|| "large".into()));
    let count = words.next().and_then(|n| n.parse().ok()).unwrap_or(10_000);
    let song = words.next().unwrap_or_else(|| "data/music".into());
    let (limits, cancel, cache) =
        (Limits::default(), Cancel::new(), Cache::new(folder.join("cache/evermix")));
    let context = Context {
        fs: &DiskFs,
        limits: &limits,
        progress: &Quiet,
        cancel: &cancel,
        threads: 1,
        cache: Some(&cache),
    };
    let (songs, _) = find_songs(&context, &[song.into()])?;
    let heard = analyze(&context, &songs[..1], &BeatSource::Evermix)?.done.remove(0);
    fill(&context, &folder, &heard, count)
}

fn fill(context: &Context<'_>, folder: &Path, heard: &SongAnalysis, count: usize) -> Result<()> {
    let mut draws = Seed(1).stream("library");
    let (mut records, mut first) = (Vec::new(), None);
    for n in 0..count {
        let path = folder.join(format!("music/{:03}/{n:05}.mp3", n / 12));
        write(&path, &format!("no music at all, number {n}"))?;
        let id = blake3::hash(&n.to_le_bytes());
        let name = analysis_name(context, "", id, &BeatSource::Evermix)?;
        keep(context, folder, &name, heard, &mut first)?;
        let artist = format!("Artist {}", n / 12);
        let tags = Tags { title: format!("Song {n}"), artist, ..Tags::default() };
        let mut summary = Summary::of(&heard.track);
        let tempo = Some(Bpm(90.0 + 60.0 * draws.uniform()));
        (summary.tempo, summary.opening.tempo, summary.ending.tempo) = (tempo, tempo, tempo);
        summary.energy = Some(draws.uniform());
        summary.print = std::sync::Arc::new(print(&mut draws));
        summary.key = Some((Key { tonic: n % 12, minor: n % 2 == 0 }, 1.0));
        let heard = Ok(Box::new(Heard { tags, summary }));
        let record = Record { id: SongId(*id.as_bytes()), analysis: name.0, heard };
        records.push((Listed::look(context.fs, &path)?, record));
    }
    Catalogue::open(&folder.join("evermix-project").join(CATALOGUE))?.record(records)
}

/// As many marks as four minutes of music have.
fn print(draws: &mut impl Draws) -> SoundPrint {
    let mut at = 0;
    let mark = |_| {
        at += 45 + draws.choice(80) as u32;
        Mark { at, bits: draws.choice(1 << 32) as u32 }
    };
    SoundPrint { marks: (0..280).map(mark).collect() }
}

/// All analyses are one file with many names.
fn keep(
    context: &Context<'_>,
    folder: &Path,
    name: &evermix::store::Fingerprint,
    heard: &SongAnalysis,
    first: &mut Option<PathBuf>,
) -> Result<()> {
    let entry = folder.join("cache/evermix/analysis").join(&name.0).with_extension("evx");
    if let Some(first) = first {
        let _ = std::fs::remove_file(&entry);
        return std::fs::hard_link(first, &entry).map_err(|e| Error::io("cannot link", &entry, e));
    }
    if let Some(cache) = context.cache {
        cache.put(context.fs, "analysis", name, heard)?;
    }
    *first = Some(entry);
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |e| Error::io("cannot write", path, e);
    std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    std::fs::write(path, text).map_err(failed)
}
