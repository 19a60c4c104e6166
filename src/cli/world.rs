//! What every command needs: settings, project, signals, disk.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::args::{Common, ModelArgs, WalkArgs};
use super::settings::{Overrides, Resolved, Settings, cache_folder, resolve};
use super::talk::Talk;
use crate::base::{Cancel, Error, ErrorKind, JumpRate, Lufs, Result, SampleRate, Seed};
use crate::corpus::Layer;
use crate::pipeline::{Context, Skipped};
use crate::remix::RemixOptions;
use crate::store::{Cache, DiskFs, Fs as _, Lock, sweep, write_atomic};

const DEFAULT_PROJECT: &str = "evermix-project";
const PROJECT_README: &str = "\
This folder belongs to Evermix. It keeps what was worked out once:

  stems/     the songs split into drums and everything else
  beats/     the songs cut into beats, one WAV file each; beats/songs/ says which is which,
             beats/features/ how they sound
  dataset/   features.parquet: one row a beat, readable with pandas, polars or DuckDB
  index.evx  finds beats that sound alike
  catalogue.sqlite  knows every song in short, for `forever`

Everything can be made again from your music: delete the folder whenever you like.
Settings for this project can be put into evermix.toml here: `remix config show` lists them.
";

/// The surroundings of one command.
pub struct World<'a> {
    /// The words common to all commands.
    pub common: Common,
    /// Who talks.
    pub talk: &'a Talk,
    cancel: Cancel,
    cache: Option<Cache>,
}

impl<'a> World<'a> {
    /// Prepares a command: from here on signals ask the work to stop.
    ///
    /// # Errors
    /// `Internal` where the system refuses signal handlers.
    pub fn new(common: Common, talk: &'a Talk) -> Result<Self> {
        let cancel = Cancel::new();
        listen(&cancel)
            .map_err(|e| Error::new(ErrorKind::Internal, "no signals").because(e.to_string()))?;
        Ok(World { common, talk, cancel, cache: cache_folder().map(Cache::new) })
    }

    /// The project folder.
    pub fn project(&self) -> PathBuf {
        let from_env = || std::env::var_os("EVERMIX_PROJECT").map(PathBuf::from);
        self.common.project.clone().or_else(from_env).unwrap_or_else(|| DEFAULT_PROJECT.into())
    }

    /// A path given, or the project's own.
    pub fn path_or(&self, given: Option<&PathBuf>, name: &str) -> PathBuf {
        given.cloned().unwrap_or_else(|| self.project().join(name))
    }

    /// Settings with the flags of this command on top.
    ///
    /// # Errors
    /// `Usage` naming the setting that makes no sense.
    pub fn settings(&self, mut flags: Overrides) -> Result<Settings> {
        flags.set_count("threads", self.common.threads);
        flags.set("cache", self.common.no_cache.then_some(false));
        Ok(self.resolved(&flags)?.settings)
    }

    /// Settings with their origins.
    ///
    /// # Errors
    /// As `settings`.
    pub fn resolved(&self, flags: &Overrides) -> Result<Resolved> {
        resolve(&self.project(), flags)
    }

    /// What the stages are given.
    pub fn context(&'a self, settings: &'a Settings) -> Context<'a> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if settings.threads == 0 { cores } else { settings.threads };
        Context {
            fs: &DiskFs,
            limits: &settings.limits,
            progress: self.talk,
            cancel: &self.cancel,
            threads: threads.min(256),
            cache: self.cache.as_ref().filter(|_| settings.cache),
        }
    }

    /// The cache, if the system names a place for one.
    pub fn cache(&self) -> Option<&Cache> {
        self.cache.as_ref()
    }

    /// Takes a folder for this process and clears away what a killed one left half done.
    ///
    /// # Errors
    /// `Busy` where another process works there; `Io`.
    pub fn take(&self, folder: &Path) -> Result<Lock> {
        let lock = Lock::take(folder)?;
        sweep(&DiskFs, folder)?;
        let inner = DiskFs.read_dir(folder).map_err(|e| Error::io("cannot search", folder, e))?;
        // Clips are moved in whole, by the thousand: there is nothing to look for among them.
        let clips = |p: &PathBuf| {
            [Layer::Mix, Layer::Drums, Layer::Other].iter().any(|l| p.ends_with(l.name()))
        };
        for folder in inner.iter().filter(|p| !clips(p)) {
            sweep(&DiskFs, folder)?;
        }
        Ok(lock)
    }

    /// Takes the project and leaves a note for people in it.
    ///
    /// # Errors
    /// As `take`.
    pub fn take_project(&self) -> Result<Lock> {
        let project = self.project();
        let lock = Lock::take(&project)?;
        // What lies in the folders inside is swept when they are taken.
        sweep(&DiskFs, &project)?;
        let readme = project.join("README.txt");
        if !readme.exists() {
            write_atomic(&DiskFs, &readme, PROJECT_README.as_bytes())?;
        }
        Ok(lock)
    }

    /// Lists what was left out.
    pub fn list_skipped(&self, skipped: &[Skipped]) {
        for skip in skipped {
            let word = self.talk.paint(33, "skipped");
            let line = format!("  {}: {word}: {}", skip.item, skip.error.reason());
            self.talk.complain(&line.replace(char::is_control, "\u{fffd}"));
        }
    }
}

/// The first signal asks the work to stop; the second does what it always does.
fn listen(cancel: &Cancel) -> std::io::Result<()> {
    use signal_hook::flag::{register, register_conditional_default, register_usize};
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // They run in this order: the first time, nobody has asked yet.
        register_conditional_default(signal, Arc::clone(&asked))?;
        register(signal, Arc::clone(&asked))?;
        register_usize(signal, cancel.flag(), signal as usize)?;
    }
    Ok(())
}

/// The model's flag.
pub fn model_flags(args: &ModelArgs, flags: &mut Overrides) {
    flags.set("model", args.model.clone());
}

/// The flags of a walk.
pub fn walk_flags(args: &WalkArgs, flags: &mut Overrides) {
    flags.set_count("seed", args.seed);
    flags.set("layer", args.layer.clone());
    flags.set("law", args.law.clone());
    flags.set_count("min-run", args.min_run);
    flags.set("max-stretch", args.max_stretch);
    flags.set("loudness", args.loudness);
    flags.set("output-format", args.output_format.clone());
    flags.set_count("output-rate", args.output_rate);
}

/// A rate in settings, where 0 stands for none.
///
/// # Errors
/// `Usage` outside 4 000..=384 000.
pub fn optional_rate(hz: u32) -> Result<Option<SampleRate>> {
    if hz == 0 {
        return Ok(None);
    }
    let rate = SampleRate::new(hz).map_err(|e| {
        Error::new(ErrorKind::Usage, "sample rate out of range").because(e.reason())
    })?;
    Ok(Some(rate))
}

/// The settings of a remix, checked.
///
/// # Errors
/// `Usage` naming what is out of range.
pub fn remix_options(settings: &Settings, beats: NonZeroUsize) -> Result<RemixOptions> {
    let out_of_range = |what: &str, why: &str| {
        Err(Error::new(ErrorKind::Usage, what.to_string()).because(why.to_string()))
    };
    if !(0.0..=50.0).contains(&settings.max_stretch) {
        return out_of_range("max-stretch out of range", "0 to 50 per cent; 8 sounds natural");
    }
    if !(-40.0..=-5.0).contains(&settings.loudness) {
        return out_of_range("loudness out of range", "-40 to -5 LUFS; streaming services use -14");
    }
    if beats.get() > 10_000_000 {
        return out_of_range("too many beats", "10 million at most, about two months of music");
    }
    Ok(RemixOptions {
        jump_rate: JumpRate::new(settings.jump_rate)?,
        beats,
        seed: Seed(settings.seed),
        law: settings.law,
        layer: settings.layer,
        min_run: settings.min_run.max(1),
        max_stretch: 1.0 + settings.max_stretch.max(0.01) / 100.0,
        costs: settings.costs,
        loudness: Lufs(settings.loudness),
    })
}
