//! The separator of a run: which one was asked for, which one is here, what it is called.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};

use super::context::Context;
use super::models::{self, Registry};
use crate::base::{Error, ErrorKind, Event, Result, SampleRate};
use crate::separation::{
    Compact, HTDEMUCS_OVERLAP, Hpss, Htdemucs, HtdemucsSeparator, Resampled, SOURCES, Separator,
};
use crate::store::{Fs, sha256, sha256_file};

/// The engine that finds the drums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Model {
    /// The best that is present.
    #[default]
    Auto,
    /// A small network whose weights are in the program.
    Compact,
    /// HTDemucs, whose weights are the user's to get.
    Htdemucs,
    /// The same, with a network of its own for each source.
    HtdemucsFt,
    /// Harmonic-percussive separation by median filters: no weights needed.
    Hpss,
    /// Weights of HTDemucs in a file of any name.
    File(PathBuf),
}

impl Model {
    const NAMED: [(&str, Model); 5] = [
        ("auto", Model::Auto),
        ("compact", Model::Compact),
        ("htdemucs", Model::Htdemucs),
        ("htdemucs_ft", Model::HtdemucsFt),
        ("hpss", Model::Hpss),
    ];
}

impl TryFrom<String> for Model {
    type Error = String;

    fn try_from(text: String) -> Result<Model, String> {
        let named = Model::NAMED.into_iter().find(|(name, _)| *name == text);
        let path = Path::new(&text);
        match named {
            Some((_, model)) => Ok(model),
            None if path.extension().is_some() || path.components().count() > 1 => {
                Ok(Model::File(path.to_path_buf()))
            }
            None => Err(format!(
                "there is no model {text}: auto, compact, htdemucs, htdemucs_ft, hpss, or a file"
            )),
        }
    }
}

impl From<Model> for String {
    fn from(model: Model) -> String {
        match Model::NAMED.into_iter().find(|(_, named)| *named == model) {
            Some((name, _)) => name.to_string(),
            None => match model {
                Model::File(path) => path.to_string_lossy().into_owned(),
                _ => String::new(),
            },
        }
    }
}

/// Into how many stems a song is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stems {
    /// Drums and everything else.
    #[default]
    Two,
    /// Drums, bass, vocals and everything else.
    Four,
}

impl Stems {
    /// The stems' names, in the order of their files; the last holds what is left of the mix.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Stems::Two => &["drums", "other"],
            Stems::Four => &["drums", "bass", "vocals", "other"],
        }
    }

    /// The sources that a separator must find.
    fn wanted(self) -> Vec<usize> {
        let found = &self.names()[..self.names().len() - 1];
        found.iter().filter_map(|name| SOURCES.iter().position(|s| s == name)).collect()
    }
}

/// What was asked of `separate`.
#[derive(Clone, Copy, Debug)]
pub struct SeparateOptions<'a> {
    /// The model.
    pub model: &'a Model,
    /// The stems.
    pub stems: Stems,
    /// The folder of the user's networks.
    pub models: &'a Path,
}

/// What a model is, as the stems' record keeps it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Its name.
    pub name: String,
    /// The sha256 of its weights, if it has any.
    pub sha256: Option<String>,
    /// The share of a segment that the next one covers again, where it works in segments.
    pub overlap: Option<f64>,
}

/// A separator ready to be made for any song.
pub struct Engine {
    id: String,
    /// What it is.
    pub info: ModelInfo,
    /// Whether another model's stems of at least this rank do as well.
    pub least_rank: Option<u8>,
    stems: Stems,
    kind: Kind,
}

enum Kind {
    Hpss,
    Compact,
    /// The file, loaded when the first song needs it.
    Htdemucs(PathBuf, usize, Mutex<Option<Arc<Htdemucs>>>),
}

impl Engine {
    /// Finds the model that was asked for.
    ///
    /// # Errors
    /// `Missing` where it is not here, with what to do; `Usage` where it finds no four stems.
    pub fn prepare(context: &Context<'_>, options: &SeparateOptions<'_>) -> Result<Engine> {
        let (name, file) = find(context.fs, options)?;
        let stems = options.stems;
        let engine = |id: String, kind, info| Engine { id, info, least_rank: None, stems, kind };
        let mut engine = match file {
            Some(path) => {
                let registry = Registry::read(context.fs)?;
                if let Some(text) = models::first_notice(context.fs, options.models, &registry) {
                    context.progress.report(Event::Note { text });
                }
                let (sha256, _) = sha256_file(context.fs, &path, context.cancel)?;
                if !models::is_known(context.fs, &registry, &path, &sha256) {
                    let text = format!("{name}: not a file this program knows, sha256 {sha256}");
                    context.progress.report(Event::Note { text: &text });
                }
                let threads = context.threads;
                engine(
                    format!("htdemucs-1-{}", &sha256[..8]),
                    Kind::Htdemucs(path, threads, Mutex::new(None)),
                    ModelInfo { name, sha256: Some(sha256), overlap: Some(HTDEMUCS_OVERLAP) },
                )
            }
            None if stems == Stems::Four => return Err(drums_only(&name)),
            None if name == "hpss" => {
                engine("hpss-1".into(), Kind::Hpss, ModelInfo { name, ..ModelInfo::default() })
            }
            None => {
                let sha256 = Some(sha256(Compact::weights()));
                engine(Compact::id()?, Kind::Compact, ModelInfo { name, sha256, overlap: None })
            }
        };
        engine.least_rank = (*options.model == Model::Auto).then(|| rank(&engine.id));
        Ok(engine)
    }

    /// Name and version, as in manifests.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The stems it makes.
    pub fn stems(&self) -> Stems {
        self.stems
    }

    /// Whether stems that another model made will do.
    pub fn accepts(&self, id: &str) -> bool {
        id == self.id || self.least_rank.is_some_and(|least| rank(id) >= least)
    }

    /// How many songs may be worked on at a time: a large network takes all threads for one.
    pub fn songs_at_a_time(&self, threads: usize) -> usize {
        if matches!(self.kind, Kind::Htdemucs(..)) { 1 } else { threads }
    }

    /// A separator for a song.
    ///
    /// # Errors
    /// `Missing` where the file is no such network, `Io` where it cannot be read.
    pub fn separator(
        &self,
        context: &Context<'_>,
        rate: SampleRate,
        channels: usize,
    ) -> Result<Box<dyn Separator>> {
        Ok(match &self.kind {
            Kind::Hpss => Box::new(Hpss::new(rate, channels)),
            Kind::Compact => at_rate(Compact::new(channels)?, rate, channels, 1),
            Kind::Htdemucs(path, threads, loaded) => {
                let network = self.load(context, path, *threads, loaded)?;
                let sources = self.stems.names().len() - 1;
                at_rate(
                    HtdemucsSeparator::new(&self.id, &network, channels),
                    rate,
                    channels,
                    sources,
                )
            }
        })
    }

    fn load(
        &self,
        context: &Context<'_>,
        path: &Path,
        threads: usize,
        loaded: &Mutex<Option<Arc<Htdemucs>>>,
    ) -> Result<Arc<Htdemucs>> {
        let mut loaded = loaded.lock().unwrap_or_else(|p| p.into_inner());
        if let Some(network) = loaded.as_ref() {
            return Ok(Arc::clone(network));
        }
        let network = models::open(context, path, &self.stems.wanted(), threads)?;
        Ok(Arc::clone(loaded.insert(network)))
    }
}

fn at_rate<S: Separator + 'static>(
    separator: S,
    rate: SampleRate,
    channels: usize,
    sources: usize,
) -> Box<dyn Separator> {
    match rate {
        SampleRate::CD => Box::new(separator),
        rate => {
            let separator = Resampled::new(separator, SampleRate::CD, rate, channels);
            Box::new(separator.with_sources(sources))
        }
    }
}

/// The name of the model asked for and, where it is not in the program, its file.
fn find(fs: &dyn Fs, options: &SeparateOptions<'_>) -> Result<(String, Option<PathBuf>)> {
    let name = String::from(options.model.clone());
    match options.model {
        Model::Compact | Model::Hpss => Ok((name, None)),
        Model::File(path) => {
            let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            models::check_kind(fs, path)?;
            Ok((file, Some(path.clone())))
        }
        Model::Auto => {
            let found = models::find(fs, options.models, "htdemucs");
            if found.is_none() && options.stems == Stems::Four {
                return Err(Registry::read(fs)?.missing("htdemucs", options.models));
            }
            let name = if found.is_some() { "htdemucs" } else { "compact" };
            Ok((name.to_string(), found))
        }
        Model::Htdemucs | Model::HtdemucsFt => match models::find(fs, options.models, &name) {
            Some(path) => Ok((name, Some(path))),
            None => Err(Registry::read(fs)?.missing(&name, options.models)),
        },
    }
}

/// How good a model's stems are: those of a better one are kept where any model will do.
fn rank(id: &str) -> u8 {
    let models = ["hpss-", "compact-1-", "compact-", "htdemucs-"];
    models.iter().position(|p| id.starts_with(p)).map_or(0, |r| r as u8)
}

fn drums_only(name: &str) -> Error {
    Error::new(ErrorKind::Usage, format!("{name} finds drums only"))
        .because("four stems need a larger network")
        .hint("--stems 4 --model htdemucs; remix models list says whether it is here")
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn a_newer_compact_is_better_than_the_first_and_a_large_network_than_both() {
        let better = ["", "hpss-1", "compact-1-0123abcd", "compact-2-31de721b", "htdemucs-1-89ab"];
        for pair in better.windows(2).skip(1) {
            assert!(rank(pair[0]) < rank(pair[1]), "{pair:?}");
        }
        assert_eq!(rank(better[0]), rank("of some later version"), "the unknown is not kept");
    }
}
