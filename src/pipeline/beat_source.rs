//! What finds the beats of a run's songs: our tracker, another one, or files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::beat_file::FileBeats;
use super::context::Context;
use crate::analysis::beat_this::{Network, beat_this};
use crate::analysis::tracker::{AUBIO_VERSION, BeatListener, aubio};
use crate::base::{Error, ErrorKind, Result};

/// Files the beat_this network is looked for in: the full one first, then the small one.
const NETWORKS: [&str; 4] =
    ["beat_this.rten", "beat_this.onnx", "beat_this_small0.rten", "beat_this_small0.onnx"];
/// No network of this kind is nearly as large.
const LARGEST_NETWORK: u64 = 1 << 30;

/// The choice of a beat tracker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BeatTracker {
    /// Our own.
    #[default]
    Evermix,
    /// The tempo object of aubio.
    Aubio,
    /// The network of Foscarin et al.
    BeatThis,
}

/// A beat tracker ready to work, or the folder where beats are found ready-made.
#[derive(Clone, Default)]
pub enum BeatSource {
    /// Our own tracker.
    #[default]
    Evermix,
    /// aubio.
    Aubio,
    /// The published network: its file's name, the hash of its content, itself.
    BeatThis(String, blake3::Hash, Arc<Network>),
    /// One file of beats for each song.
    Folder(PathBuf),
}

impl BeatSource {
    /// Makes a tracker ready; `models` is the folder of the user's networks.
    ///
    /// # Errors
    /// `Missing` where this build or this machine has it not, with what to do.
    pub fn tracker(context: &Context<'_>, choice: BeatTracker, models: &Path) -> Result<Self> {
        match choice {
            BeatTracker::Evermix => Ok(BeatSource::Evermix),
            BeatTracker::Aubio if aubio().is_some() => Ok(BeatSource::Aubio),
            BeatTracker::Aubio => Err(no_aubio()),
            BeatTracker::BeatThis => load_network(context, models),
        }
    }

    /// Every tracker that is here, our own first.
    ///
    /// # Errors
    /// `Missing` or `Io` where there is a network that cannot be used.
    pub fn present(context: &Context<'_>, models: &Path) -> Result<Vec<Self>> {
        let mut sources = vec![BeatSource::Evermix];
        if aubio().is_some() {
            sources.push(BeatSource::Aubio);
        }
        if find_network(context, models).is_some() {
            sources.push(load_network(context, models)?);
        }
        Ok(sources)
    }

    /// Beats from files in a folder.
    ///
    /// # Errors
    /// `Usage` where there is no such folder.
    pub fn folder(context: &Context<'_>, folder: &Path) -> Result<Self> {
        if context.fs.metadata(folder).is_ok_and(|m| m.is_dir) {
            return Ok(BeatSource::Folder(folder.to_path_buf()));
        }
        Err(Error::new(ErrorKind::Usage, "no folder of beats")
            .at(folder)
            .because("it does not exist or is no folder")
            .hint("name a folder with one file for each song: SONG.beats, .txt, .jams or .json"))
    }

    /// Its name in options and tables.
    pub fn name(&self) -> &'static str {
        match self {
            BeatSource::Evermix => "evermix",
            BeatSource::Aubio => "aubio",
            BeatSource::BeatThis(..) => "beat-this",
            BeatSource::Folder(_) => "files",
        }
    }

    /// What finds the beats of the song called `name`.
    ///
    /// # Errors
    /// `Unusable` where its file of beats is missing or makes no sense.
    pub fn of_song(&self, context: &Context<'_>, name: &str) -> Result<SongSource> {
        let file = match self {
            BeatSource::Folder(folder) => Some(FileBeats::of(context, folder, name)?),
            _ => None,
        };
        Ok(SongSource { source: self.clone(), file })
    }
}

/// What finds the beats of one song.
pub struct SongSource {
    source: BeatSource,
    file: Option<FileBeats>,
}

impl SongSource {
    /// Its name for people, kept in the song's record: `aubio 0.4.9`, `file song.beats`.
    pub fn label(&self) -> String {
        match (&self.source, &self.file) {
            (BeatSource::Aubio, _) => format!("aubio {AUBIO_VERSION}"),
            (BeatSource::BeatThis(name, ..), _) => format!("beat-this {name}"),
            (_, Some(file)) => {
                format!("file {}", file.path.file_name().unwrap_or_default().to_string_lossy())
            }
            _ => self.source.name().to_string(),
        }
    }

    /// Everything the beats depend on besides the sound: a part of the song's fingerprint.
    pub fn identity(&self) -> String {
        match (&self.source, &self.file) {
            (BeatSource::BeatThis(_, hash, _), _) => format!("beat-this {}", hash.to_hex()),
            (_, Some(file)) => format!("file {}", file.hash.to_hex()),
            _ => self.label(),
        }
    }

    /// A fresh tracker where one listens beside our own ears.
    ///
    /// # Errors
    /// `Missing` where aubio cannot be started.
    pub fn listener(&self) -> Result<Option<Box<dyn BeatListener>>> {
        match &self.source {
            BeatSource::Aubio => aubio().map(Some).ok_or_else(no_aubio),
            BeatSource::BeatThis(_, _, network) => Ok(Some(beat_this(Arc::clone(network)))),
            BeatSource::Evermix | BeatSource::Folder(_) => Ok(None),
        }
    }

    /// The beats read from a file, where they were.
    pub fn file(&self) -> Option<&FileBeats> {
        self.file.as_ref()
    }
}

fn no_aubio() -> Error {
    Error::new(ErrorKind::Missing, "no aubio in this program")
        .because("it was built without it, or for a system aubio-sys has no bindings for")
        .hint("cargo install --path . --features aubio, or --beat-tracker evermix")
}

fn find_network(context: &Context<'_>, models: &Path) -> Option<&'static str> {
    let there = |name: &&str| context.fs.metadata(&models.join(name)).is_ok_and(|m| !m.is_dir);
    NETWORKS.into_iter().find(there)
}

fn load_network(context: &Context<'_>, models: &Path) -> Result<BeatSource> {
    let name = find_network(context, models).ok_or_else(|| no_network(models))?;
    let path = models.join(name);
    let failed = |e| Error::io("cannot read the network", &path, e);
    let bytes = context.fs.read(&path, LARGEST_NETWORK).map_err(failed)?;
    let hash = blake3::hash(&bytes);
    let network = Network::from_bytes(bytes).map_err(|e| e.or_at(&path))?;
    Ok(BeatSource::BeatThis(name.to_string(), hash, Arc::new(network)))
}

fn no_network(models: &Path) -> Error {
    let (full, small) = (NETWORKS[1], NETWORKS[3]);
    Error::new(ErrorKind::Missing, "no beat_this network")
        .at(models.join(full))
        .because("its weights are not part of this program")
        .hint(format!(
            "copy {full}, or the small {small}, into {}; EVERMIX_MODELS names another folder",
            models.display()
        ))
}
