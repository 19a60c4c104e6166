//! Settings from five places: flags, environment, project, user, defaults, in that order.

mod stream;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::audio::wav::SampleFormat;
use crate::base::{Error, ErrorKind, Limits, Result};
use crate::corpus::Algorithm;
use crate::forever::Ordering;
use crate::mix::Style;
use crate::pipeline::{BeatTracker, FeatureSet, Model, Weights};
use crate::remix::{JumpCosts, Law, LayerChoice};
use crate::store::{DiskFs, Fs as _, means_absent};

pub use stream::StreamSettings;

/// Name of the settings file in a project folder.
pub const PROJECT_FILE: &str = "evermix.toml";
/// Largest settings file read, in bytes.
const MAX_FILE: u64 = 1 << 20;
const ENV_PREFIX: &str = "EVERMIX_";
/// Variables of ours that are no settings.
const NOT_SETTINGS: [&str; 5] = [
    "EVERMIX_SHARED",
    "EVERMIX_PROJECT",
    "EVERMIX_MODELS",
    "EVERMIX_TOKEN",
    crate::pipeline::models::REGISTRY,
];

/// Every setting with its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Threads; 0 means all cores.
    pub threads: usize,
    /// Whether analyses are kept and used again.
    pub cache: bool,
    /// What finds the drums.
    pub model: Model,
    /// What finds the beats.
    pub beat_tracker: BeatTracker,
    /// Rate of the beats; 0 means as the input.
    pub sample_rate: u32,
    /// Samples of the beats.
    pub sample_format: SampleFormat,
    /// Features of a beat.
    pub features: FeatureSet,
    /// How neighbours are found.
    pub algorithm: Algorithm,
    /// How eager to leave a song.
    pub jump_rate: f64,
    /// Number of beats.
    pub beats: u64,
    /// The number behind every random decision.
    pub seed: u64,
    /// What walks.
    pub layer: LayerChoice,
    /// How beats are chosen.
    pub law: Law,
    /// Beats heard of a song before it may be left.
    pub min_run: usize,
    /// Largest change of tempo in per cent.
    pub max_stretch: f64,
    /// Loudness aimed at, in LUFS.
    pub loudness: f64,
    /// Samples of a WAV output.
    pub output_format: SampleFormat,
    /// Rate of the output; 0 means that of most songs.
    pub output_rate: u32,
    /// How much each aspect of the sound counts.
    pub weights: Weights,
    /// What counts in a jump.
    pub costs: JumpCosts,
    /// Of `forever`.
    pub mix: MixSettings,
    /// Of `forever stream`.
    pub stream: StreamSettings,
    /// Bounds on untrusted input.
    pub limits: Limits,
}

/// The settings of `forever`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MixSettings {
    /// Whose law a mix follows.
    pub style: Style,
    /// How songs are ordered.
    pub order: Ordering,
    /// Length of transitions in bars; 0 means chosen pair by pair.
    pub transition_bars: usize,
    /// Longest stay with a song in minutes; 0 means as long as it is good.
    pub stay: f64,
    /// Length of plain crossfades in seconds.
    pub crossfade: f64,
    /// No artist comes twice among so many songs in a row.
    pub artist_gap: usize,
    /// Artists nobody wants to hear.
    pub never_artists: Vec<String>,
    /// Genres and folders nobody wants to hear.
    pub never_tags: Vec<String>,
    /// How the energy goes up and down: rise, fall, arc, wave, flat, or points; empty for as it
    /// comes.
    pub energy: String,
    /// A file of songs to come first, a path or a title a line; empty for none.
    pub inject: String,
    /// A file of songs that are in whatever the rules say; empty for none.
    pub mix_file: String,
    /// How much a criterion counts in the order, where not as usual: `tempo = 1000`.
    pub weights: BTreeMap<String, f64>,
}

impl Default for MixSettings {
    fn default() -> Self {
        MixSettings {
            style: Style::default(),
            order: Ordering::default(),
            transition_bars: 0,
            stay: 0.0,
            crossfade: 8.0,
            artist_gap: 3,
            never_artists: Vec::new(),
            never_tags: Vec::new(),
            energy: String::new(),
            inject: String::new(),
            mix_file: String::new(),
            weights: BTreeMap::new(),
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            threads: 0,
            cache: true,
            model: Model::default(),
            beat_tracker: BeatTracker::default(),
            sample_rate: 0,
            sample_format: SampleFormat::Float32,
            features: FeatureSet::default(),
            algorithm: Algorithm::default(),
            jump_rate: 0.1,
            beats: 128,
            seed: 0,
            layer: LayerChoice::default(),
            law: Law::default(),
            min_run: 4,
            max_stretch: 8.0,
            loudness: -14.0,
            output_format: SampleFormat::Int24,
            output_rate: 0,
            weights: Weights::default(),
            costs: JumpCosts::default(),
            mix: MixSettings::default(),
            stream: StreamSettings::default(),
            limits: Limits::default(),
        }
    }
}

/// Settings given on the command line, by dotted name.
#[derive(Clone, Debug, Default)]
pub struct Overrides(Vec<(String, Value)>);

impl Overrides {
    /// Notes a flag that was given.
    pub fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.push((name.to_string(), value.into()));
        }
    }

    /// Notes a whole number that was given; more than fits is as much as fits.
    pub fn set_count(&mut self, name: &str, value: Option<u64>) {
        self.set(name, value.map(|n| i64::try_from(n).unwrap_or(i64::MAX)));
    }
}

/// Settings and where each comes from.
#[derive(Debug)]
pub struct Resolved {
    /// The values.
    pub settings: Settings,
    /// For each dotted name the place it was set.
    pub origins: BTreeMap<String, String>,
}

/// The user's settings file, if the system names a place for it.
fn user_file() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("evermix").join("config.toml"))
}

/// The folder for what can be made again, if the system names a place for it.
pub fn cache_folder() -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.cache_dir().join("evermix"))
}

/// Puts the settings together.
///
/// # Errors
/// `Usage` naming the place and the setting that makes no sense.
pub fn resolve(project: &Path, flags: &Overrides) -> Result<Resolved> {
    let mut merged = Table::new();
    let mut origins = BTreeMap::new();
    let files = user_file().into_iter().chain([project.join(PROJECT_FILE)]);
    for path in files {
        if let Some(table) = read_file(&path)? {
            let origin = path.display().to_string();
            check(&table, &origin)?;
            merge(&mut merged, table, "", &origin, &mut origins);
        }
    }
    // Variables of other programs may hold anything.
    let mut env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.to_string_lossy().into_owned())))
        .filter(|(k, _)| k.starts_with(ENV_PREFIX) && !NOT_SETTINGS.contains(&k.as_str()))
        .collect();
    env.sort();
    for (variable, text) in env {
        let name = dotted(&variable[ENV_PREFIX.len()..]);
        let table = nested(&name, parse_value(&text));
        check(&table, &variable)?;
        merge(&mut merged, table, "", &variable, &mut origins);
    }
    for (name, value) in &flags.0 {
        let table = nested(name, value.clone());
        let flag = format!("--{}", name.rsplit('.').next().unwrap_or(name));
        check(&table, &flag)?;
        merge(&mut merged, table, "", "command line", &mut origins);
    }
    let settings = to_settings(merged, "the settings")?;
    Ok(Resolved { settings, origins })
}

fn read_file(path: &Path) -> Result<Option<Table>> {
    let bytes = match DiskFs.read(path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(e) if means_absent(&e) => return Ok(None),
        Err(e) => return Err(Error::io("cannot read the settings", path, e)),
    };
    let bad =
        |why: &str| Error::new(ErrorKind::Usage, "cannot read the settings").at(path).because(why);
    let text = String::from_utf8(bytes).map_err(|e| bad(&e.to_string()))?;
    text.parse::<Table>().map(Some).map_err(|e| bad(e.message()))
}

/// `LIMITS_MAX_SECONDS` names `limits.max-seconds`; groups are known by their first word.
fn dotted(variable: &str) -> String {
    let name = variable.to_ascii_lowercase().replace('_', "-");
    for group in ["limits", "weights", "costs", "mix"] {
        if let Some(rest) = name.strip_prefix(&format!("{group}-")) {
            return format!("{group}.{rest}");
        }
    }
    name
}

fn parse_value(text: &str) -> Value {
    format!("x = {text}")
        .parse::<Table>()
        .ok()
        .and_then(|mut table| table.remove("x"))
        .unwrap_or_else(|| Value::String(text.to_string()))
}

fn nested(name: &str, value: Value) -> Table {
    match name.split_once('.') {
        None => Table::from_iter([(name.to_string(), value)]),
        Some((group, rest)) => {
            Table::from_iter([(group.to_string(), Value::Table(nested(rest, value)))])
        }
    }
}

/// Whole numbers do for settings that take fractions.
fn to_settings(table: Table, origin: &str) -> Result<Settings> {
    table.try_into().map_err(|e: toml::de::Error| {
        Error::new(ErrorKind::Usage, format!("a setting makes no sense ({origin})"))
            .because(e.message().to_string())
            .hint("remix config show lists every setting with a value that works")
    })
}

fn check(table: &Table, origin: &str) -> Result<()> {
    to_settings(table.clone(), origin).map(drop)
}

fn merge(
    into: &mut Table,
    from: Table,
    prefix: &str,
    origin: &str,
    origins: &mut BTreeMap<String, String>,
) {
    for (key, value) in from {
        let name = format!("{prefix}{key}");
        match (into.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => {
                merge(old, new, &format!("{name}."), origin, origins);
            }
            (_, Value::Table(new)) => {
                let mut fresh = Table::new();
                merge(&mut fresh, new, &format!("{name}."), origin, origins);
                into.insert(key, Value::Table(fresh));
            }
            (_, value) => {
                origins.insert(name, origin.to_string());
                into.insert(key, value);
            }
        }
    }
}

/// Every setting as a dotted name with its value.
pub fn flatten(settings: &Settings) -> Vec<(String, String)> {
    // Settings are plain data; every field has a TOML form.
    let table = Table::try_from(settings).unwrap_or_default();
    let mut lines = Vec::new();
    walk(&table, "", &mut lines);
    lines
}

fn walk(table: &Table, prefix: &str, lines: &mut Vec<(String, String)>) {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        match value {
            Value::Table(group) => walk(group, &format!("{name}."), lines),
            value => lines.push((name, value.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_beats_the_project_which_beats_the_default() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join(PROJECT_FILE);
        std::fs::write(&file, "beats = 32\nseed = 5\n[limits]\nmax-seconds = 60\n").unwrap();
        let mut flags = Overrides::default();
        flags.set("seed", Some(7));
        let found = resolve(project.path(), &flags).unwrap();
        assert_eq!((found.settings.beats, found.settings.seed), (32, 7));
        assert_eq!(found.settings.limits.max_seconds, 60.0);
        assert_eq!(found.origins["seed"], "command line");
        assert_eq!(found.origins["limits.max-seconds"], file.display().to_string());
    }

    #[test]
    fn a_misspelt_setting_is_named_with_its_file() {
        let project = tempfile::tempdir().unwrap();
        std::fs::write(project.path().join(PROJECT_FILE), "bets = 32").unwrap();
        let error = resolve(project.path(), &Overrides::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
        assert!(error.to_string().contains("bets") && error.to_string().contains(PROJECT_FILE));
    }

    #[test]
    fn every_setting_is_listed_and_can_be_read_back() {
        let lines = flatten(&Settings::default());
        let text: String = lines.iter().map(|(k, v)| format!("{k} = {v}\n")).collect();
        let back: Settings = toml::from_str(&text).unwrap();
        assert_eq!(back, Settings::default());
        assert_eq!(dotted("LIMITS_MAX_SECONDS"), "limits.max-seconds");
    }
}
