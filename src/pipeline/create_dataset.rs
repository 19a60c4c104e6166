//! `create-dataset`: every beat becomes one row of features.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::context::{Batch, Context, Item, Outcome, run_batch};
use super::damage::set_aside;
use super::song_features::{FeatureSet, SongFeatures, fingerprint};
use crate::base::{Error, ErrorKind, Result};
use crate::corpus::{Column, PieceKind, SongBeats, Table};
use crate::store::{
    Fingerprint, exists, hash_file, means_absent, read_json, write_atomic, write_json,
};

/// Version of the table's columns, kept in its notes.
pub const DATASET_SCHEMA: &str = "1";
/// Name of the table in the dataset folder.
pub const TABLE: &str = "features.parquet";
const REDO: &str = "remix create-dataset";
/// Largest table read back, in bytes.
const MAX_TABLE: u64 = 8 << 30;
/// What a dataset was made from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetManifest {
    /// Of all songs' beats, the settings and the code.
    pub fingerprint: Fingerprint,
    /// blake3 of the table.
    pub table: String,
    /// Number of rows.
    pub rows: usize,
    /// Names of the songs in order.
    pub songs: Vec<String>,
    /// The beats folder, relative to the dataset folder where possible.
    pub beats: PathBuf,
}

/// A finished dataset.
#[derive(Debug)]
pub struct Dataset {
    /// Its manifest.
    pub manifest: DatasetManifest,
    /// True where it was there already.
    pub reused: bool,
}

struct Job {
    beats: SongBeats,
    fingerprint: Fingerprint,
}

impl Item for Job {
    fn name(&self) -> &str {
        &self.beats.song
    }
    fn size(&self) -> u64 {
        self.beats.frames.0
    }
}

/// All songs cut below `beats_dir`, by name.
///
/// # Errors
/// `Missing` where there are none; `Corrupt` where a record is damaged.
pub fn read_beats(context: &Context<'_>, beats_dir: &Path) -> Result<Vec<SongBeats>> {
    let missing = || {
        Error::new(ErrorKind::Missing, "no beats")
            .at(beats_dir)
            .because("no song has been cut there")
            .hint("remix segment SONGS BEATS")
    };
    let folder = beats_dir.join("songs");
    let records = context.fs.read_dir(&folder).map_err(|e| {
        if means_absent(&e) { missing() } else { Error::io("cannot search", &folder, e) }
    })?;
    let records: Vec<PathBuf> =
        records.into_iter().filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    if records.is_empty() {
        return Err(missing());
    }
    let read = |path: &PathBuf| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        SongBeats::read(context.fs, beats_dir, &name, context.limits)
    };
    records.iter().map(read).collect()
}

/// Makes the table of all `songs` in `dataset_dir`, with one part a song kept for later runs.
///
/// # Errors
/// `Corrupt` where a clip is not the one that was cut; fatal errors of the file system.
pub fn create_dataset(
    context: &Context<'_>,
    songs: Vec<SongBeats>,
    beats_dir: &Path,
    dataset_dir: &Path,
    features: FeatureSet,
) -> Result<(Dataset, Batch<()>)> {
    let job = |beats| Job { fingerprint: fingerprint(&beats, features), beats };
    let jobs: Vec<Job> = songs.into_iter().map(job).collect();
    let batch = run_batch(context, "create-dataset", &jobs, |Job { beats, .. }| {
        let path = dataset_dir.join("songs").join(format!("{}.features", beats.song));
        if let Some(found) = SongFeatures::find(context, &path, beats, features) {
            return Ok(Outcome::Reused(found.rows));
        }
        let found = match SongFeatures::find_beside(context, beats_dir, beats, features) {
            Some(found) => found,
            None => SongFeatures::measure(context, beats, beats_dir, features)
                .map_err(|e| set_aside(context, e, || is_in_force(context, beats_dir, beats)))?,
        };
        found.write(context, &path)?;
        Ok(Outcome::Made(found.rows, format!("{} beats", beats.beats())))
    })?;
    if let Some(skipped) = batch.skipped.into_iter().next() {
        // A song left out here would be a hole nobody sees: its beats are there but damaged.
        return Err(skipped.error);
    }
    let songs: Vec<&SongBeats> = jobs.iter().map(|j| &j.beats).collect();
    let table = assemble(&songs, &batch.done, features)?.to_parquet()?;
    let manifest = DatasetManifest {
        fingerprint: Fingerprint::of(jobs.iter().map(|j| j.fingerprint.0.as_str())),
        table: blake3::hash(&table).to_hex().to_string(),
        rows: songs.iter().map(|s| s.beats()).sum(),
        songs: songs.iter().map(|s| s.song.clone()).collect(),
        beats: relative(dataset_dir, beats_dir),
    };
    let path = dataset_dir.join("manifest.json");
    let before = read_json::<DatasetManifest>(context.fs, &path, context.limits, REDO).ok();
    let table_path = dataset_dir.join(TABLE);
    let same = |hash: blake3::Hash| hash.to_hex().as_str() == manifest.table;
    let reused = before.as_ref() == Some(&manifest)
        && hash_file(context.fs, &table_path, context.cancel).is_ok_and(same);
    if !reused {
        write_atomic(context.fs, &table_path, &table)?;
        write_json(context.fs, &path, &manifest)?;
    }
    let batch =
        Batch { done: Vec::new(), made: batch.made, reused: batch.reused, skipped: Vec::new() };
    Ok((Dataset { manifest, reused }, batch))
}

/// Whether a song's record is still the one that was read.
pub(super) fn is_in_force(context: &Context<'_>, beats_dir: &Path, song: &SongBeats) -> bool {
    let now = SongBeats::read(context.fs, beats_dir, &song.song, context.limits);
    now.is_ok_and(|now| now == *song)
}

/// Columns that say which beat a row is, then the features of each layer.
fn assemble(songs: &[&SongBeats], parts: &[Vec<f32>], features: FeatureSet) -> Result<Table> {
    let layers = songs.first().map_or(&[][..], |s| s.layers.as_slice());
    if let Some(odd) = songs.iter().find(|s| s.layers != layers) {
        return Err(Error::new(ErrorKind::Unusable, "songs with and without stems are mixed")
            .at(&odd.song)
            .hint("cut all songs into one beats folder from stems, or all without"));
    }
    let rows: Vec<(&SongBeats, usize)> = songs
        .iter()
        .flat_map(|&song| {
            let beats = (0..song.pieces.len()).filter(|&i| song.pieces[i].kind == PieceKind::Beat);
            beats.map(move |i| (song, i))
        })
        .collect();
    let mut table = Table::default();
    label_columns(&rows, &mut table);
    for &layer in layers {
        let path = |&(s, i): &(&SongBeats, usize)| {
            layer.clip_path(&s.song, i).to_string_lossy().into_owned()
        };
        table.push(format!("{}_path", layer.name()), Column::Text(rows.iter().map(path).collect()));
    }
    let width = features.width() * layers.len();
    for (index, name) in layers
        .iter()
        .flat_map(|layer| {
            features.names().into_iter().map(move |n| format!("{}_{n}", layer.name()))
        })
        .enumerate()
    {
        let values = parts.iter().flat_map(|p| p.chunks_exact(width).map(move |row| row[index]));
        table.push(name, Column::Real(values.collect()));
    }
    table.notes.insert("evermix_schema".into(), DATASET_SCHEMA.into());
    table.notes.insert("features".into(), format!("{features:?}").to_lowercase());
    let layer_names: Vec<&str> = layers.iter().map(|l| l.name()).collect();
    table.notes.insert("layers".into(), layer_names.join(","));
    Ok(table)
}

fn label_columns(rows: &[(&SongBeats, usize)], table: &mut Table) {
    type Row<'a> = (&'a SongBeats, usize);
    let text = |f: &dyn Fn(&Row) -> String| Column::Text(rows.iter().map(f).collect());
    let int = |f: &dyn Fn(&Row) -> u64| Column::Int(rows.iter().map(|r| f(r) as i64).collect());
    let real = |f: &dyn Fn(&Row) -> f64| Column::Real(rows.iter().map(|r| f(r) as f32).collect());
    table.push("song", text(&|(s, _)| s.song.clone()));
    table.push("title", text(&|(s, _)| s.tags.title.clone()));
    table.push("artist", text(&|(s, _)| s.tags.artist.clone()));
    table.push("beat", int(&|(_, i)| *i as u64));
    table.push("bar_position", int(&|(s, i)| u64::from(s.pieces[*i].position)));
    table.push("beats_per_bar", int(&|(s, _)| u64::from(s.beats_per_bar)));
    table.push("start_frame", int(&|(s, i)| s.pieces[*i].start.0));
    table.push("frames", int(&|(s, i)| s.pieces[*i].frames.0));
    table.push("attack_frame", int(&|(s, i)| s.pieces[*i].attack.0));
    table.push("sample_rate", int(&|(s, _)| u64::from(s.rate.hz())));
    table.push("tempo_bpm", real(&|(s, i)| 60.0 / s.period(*i).0.max(1e-3)));
    table.push("loudness_lufs", real(&|(s, i)| f64::from(s.piece_loudness[*i])));
}

fn relative(from: &Path, to: &Path) -> PathBuf {
    let parents = (std::path::absolute(from), std::path::absolute(to));
    let (Ok(from), Ok(to)) = parents else { return to.to_path_buf() };
    match (from.parent(), to.parent()) {
        (Some(a), Some(b)) if a == b => Path::new("..").join(to.file_name().unwrap_or_default()),
        _ => to,
    }
}

/// Reads a dataset's manifest and table and checks that they belong together.
///
/// # Errors
/// `Missing` where there is none, `Corrupt` where it is damaged.
pub fn read_dataset(context: &Context<'_>, dataset_dir: &Path) -> Result<(DatasetManifest, Table)> {
    let path = dataset_dir.join("manifest.json");
    if !exists(context.fs, &path)? {
        return Err(Error::new(ErrorKind::Missing, "no dataset")
            .at(dataset_dir)
            .because("create-dataset has not run there")
            .hint("remix create-dataset BEATS DATASET, or remix auto SONGS -o out.wav"));
    }
    let manifest: DatasetManifest = read_json(context.fs, &path, context.limits, REDO)?;
    let table_path = dataset_dir.join(TABLE);
    let bytes = context
        .fs
        .read(&table_path, MAX_TABLE)
        .map_err(|e| Error::io("cannot read", &table_path, e).hint(REDO))?;
    if blake3::hash(&bytes).to_hex().as_str() != manifest.table {
        return Err(Error::corrupt(&table_path, "it does not match its manifest", REDO));
    }
    let table = Table::from_parquet(bytes, &table_path, REDO)?;
    if table.notes.get("evermix_schema").map(String::as_str) != Some(DATASET_SCHEMA) {
        return Err(Error::corrupt(&table_path, "it is of another version", REDO));
    }
    Ok((manifest, table))
}
