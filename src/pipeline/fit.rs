//! `fit-nearest-neighbours`: the table becomes an index that finds beats that sound alike.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::create_dataset::read_dataset;
use super::song_features::FeatureSet;
use crate::analysis::{FeatureGroup, feature_group};
use crate::base::{Error, ErrorKind, Event, Result};
use crate::corpus::{Algorithm, IndexFile, Space, SpaceColumn, Table};
use crate::store::{exists, write_atomic};

/// Largest index read, in bytes.
const MAX_INDEX: u64 = 64 << 30;

/// How much each aspect of the sound counts, whatever its number of columns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Weights {
    /// Chroma.
    pub harmony: f64,
    /// MFCC and spectral centroid.
    pub timbre: f64,
    /// Loudness, flux and onset strength.
    pub dynamics: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { harmony: 1.0, timbre: 1.0, dynamics: 1.0 }
    }
}

impl Weights {
    fn of(&self, group: FeatureGroup) -> f64 {
        match group {
            FeatureGroup::Harmony => self.harmony,
            FeatureGroup::Timbre => self.timbre,
            FeatureGroup::Dynamics => self.dynamics,
        }
    }

    /// Checks that every weight is a finite number from 0 up and one is above 0.
    ///
    /// # Errors
    /// `Usage` naming the option.
    pub fn check(&self) -> Result<()> {
        let all = [self.harmony, self.timbre, self.dynamics];
        if all.iter().all(|w| w.is_finite() && *w >= 0.0) && all.iter().any(|w| *w > 0.0) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Usage, "weights must be 0 or more, and not all 0")
            .hint("--weights harmony=1,timbre=1,dynamics=1"))
    }
}

/// What came of fitting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// Beats in the index.
    pub rows: usize,
    /// True where the very same index was there already.
    pub reused: bool,
}

/// Fits all layers of a dataset and writes one index file.
///
/// # Errors
/// As [`read_dataset`]; `Usage` for impossible weights; `Io`.
pub fn fit(
    context: &Context<'_>,
    dataset_dir: &Path,
    index_path: &Path,
    algorithm: Algorithm,
    weights: &Weights,
) -> Result<Fitted> {
    weights.check()?;
    let stage = "fit-nearest-neighbours";
    context.progress.report(Event::StageStarted { stage, items: 1 });
    let (manifest, table) = read_dataset(context, dataset_dir)?;
    let hash = hash_bytes(&manifest.table);
    let layers = table.notes.get("layers").cloned().unwrap_or_default();
    let layers: Vec<&str> = layers.split(',').filter(|l| !l.is_empty()).collect();
    let mut spaces = Vec::new();
    for layer in &layers {
        context.cancel.check()?;
        spaces.push(space(&table, layer, &[layer], algorithm, weights)?);
    }
    if layers.len() > 1 {
        spaces.push(space(&table, "mix", &layers, algorithm, weights)?);
    }
    let mut bytes = Vec::new();
    IndexFile { dataset_hash: hash, spaces }
        .write_to(&mut bytes)
        .map_err(|e| Error::io("cannot write", index_path, e))?;
    let reused = context.fs.read(index_path, MAX_INDEX).is_ok_and(|old| old == bytes);
    if !reused {
        write_atomic(context.fs, index_path, &bytes)?;
    }
    context.progress.report(Event::StageDone { stage });
    Ok(Fitted { rows: table.rows(), reused })
}

fn hash_bytes(hex: &str) -> [u8; 32] {
    blake3::Hash::from_hex(hex).map(|h| *h.as_bytes()).unwrap_or([0; 32])
}

/// One space over the columns of `layers`.
fn space(
    table: &Table,
    name: &str,
    layers: &[&str],
    algorithm: Algorithm,
    weights: &Weights,
) -> Result<Space> {
    let set = match table.notes.get("features").map(String::as_str) {
        Some("original") => FeatureSet::Original,
        _ => FeatureSet::Full,
    };
    let names = set.names();
    let group = |i: usize| match set {
        FeatureSet::Full => feature_group(i),
        // Twelve chroma means, then MFCC means.
        FeatureSet::Original if i < 12 => FeatureGroup::Harmony,
        FeatureSet::Original => FeatureGroup::Timbre,
    };
    let size = |g: FeatureGroup| (0..names.len()).filter(|&i| group(i) == g).count() as f64;
    let mut columns = Vec::new();
    let mut values = Vec::new();
    for layer in layers {
        for (i, feature) in names.iter().enumerate() {
            // A group's squared distance has this weight in all, however many columns it has.
            let share = weights.of(group(i)) / size(group(i)) / layers.len() as f64;
            let column = format!("{layer}_{feature}");
            values.push(table.real(&column)?);
            columns.push(SpaceColumn::new(column, share.sqrt()));
        }
    }
    let mut raw = Vec::with_capacity(table.rows() * columns.len());
    for row in 0..table.rows() {
        raw.extend(values.iter().map(|column| column[row]));
    }
    Space::fit(name, columns, &raw, algorithm)
}

/// Reads an index and checks that it belongs to the dataset whose table has this hash.
///
/// # Errors
/// `Missing` where there is none, `Corrupt` where it is damaged or belongs to another dataset.
pub fn read_index(context: &Context<'_>, path: &Path, table_hash: &str) -> Result<IndexFile> {
    if !exists(context.fs, path)? {
        return Err(Error::new(ErrorKind::Missing, "no index")
            .at(path)
            .because("fit-nearest-neighbours has not run")
            .hint("remix fit-nearest-neighbours DATASET INDEX"));
    }
    let bytes = context.fs.read(path, MAX_INDEX).map_err(|e| Error::io("cannot read", path, e))?;
    let index = IndexFile::from_bytes(&bytes, path)?;
    if index.dataset_hash != hash_bytes(table_hash) {
        return Err(Error::new(ErrorKind::Corrupt, "the index belongs to another dataset")
            .at(path)
            .because("the dataset was made again after the index")
            .hint("remix fit-nearest-neighbours"));
    }
    Ok(index)
}
