//! The user's networks: what is known of them, where they lie, whether they are whole.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::context::Context;
use crate::base::{Error, ErrorKind, Event, Result};
use crate::separation::{Htdemucs, OpenWeights};
use crate::store::{
    DiskFs, Download, Fs, PATIENCE, Pending, download, means_absent, sha256_file, write_atomic,
};

/// What the program knows of networks.
const BUILT_IN: &str = include_str!("../../models/registry.toml");
/// Variable with another file of this form.
pub const REGISTRY: &str = "EVERMIX_REGISTRY";
/// A registry takes a few kilobytes.
const LARGEST_REGISTRY: u64 = 1 << 20;
/// No network of this kind is nearly as large.
const LARGEST_MODEL: u64 = 2 << 30;
/// The file that says that the licence notice was shown.
const NOTICED: &str = ".licence-notice-shown";
/// Endings of files that a model may have, the usual one first.
const ENDINGS: [&str; 2] = ["safetensors", "onnx"];

/// All networks known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    schema: u32,
    /// What is said before the first download.
    pub notice: String,
    /// The networks.
    #[serde(rename = "model")]
    pub models: Vec<Known>,
}

/// A network that is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its name, as in `--model`.
    pub name: String,
    /// What it is.
    pub what: String,
    /// Its file; none where it is part of the program.
    pub file: Option<String>,
    /// The file's length.
    pub bytes: Option<u64>,
    /// The file's hash.
    pub sha256: Option<String>,
    /// Its licence, and what is doubtful about it.
    pub licence: String,
    /// Where it can be had.
    pub url: Option<String>,
}

impl Known {
    /// What can be said of its file in one line.
    fn about(&self) -> String {
        let file = self.file.as_deref().unwrap_or(&self.name);
        let bytes = self.bytes.map_or("of unknown length".into(), |n| format!("{n} bytes"));
        let hash = self.sha256.as_deref().unwrap_or("unknown");
        format!("{file}, {bytes}, sha256 {hash}")
    }
}

/// How a network's file was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It is part of the program.
    BuiltIn,
    /// It is not here.
    Absent,
    /// It is here, with this length and hash, and is what it should be.
    Whole(PathBuf, u64, String),
    /// It is here and nothing says what its hash should be.
    Unknown(PathBuf, u64, String),
    /// It is here and something else than it should be.
    Other(PathBuf, u64, String),
}

impl Registry {
    /// The registry in the program, or the one the user names.
    ///
    /// # Errors
    /// `Usage` where the user's makes no sense.
    pub fn read(fs: &dyn Fs) -> Result<Registry> {
        let Some(path) = std::env::var_os(REGISTRY).filter(|path| !path.is_empty()) else {
            return Registry::parse(BUILT_IN);
        };
        let path = PathBuf::from(path);
        let bytes = fs.read(&path, LARGEST_REGISTRY);
        let bytes = bytes.map_err(|e| Error::io("cannot read the registry", &path, e))?;
        Registry::parse(&String::from_utf8_lossy(&bytes)).map_err(|e| e.at(path))
    }

    fn parse(text: &str) -> Result<Registry> {
        let bad = |why: String| Error::new(ErrorKind::Usage, "no registry of models").because(why);
        let registry: Registry = toml::from_str(text).map_err(|e| bad(e.message().to_string()))?;
        if registry.schema != 1 {
            return Err(bad(format!("its version is {}, not 1", registry.schema)));
        }
        // Names become parts of paths.
        let plain =
            |name: &str| !name.starts_with('.') && !name.contains(['/', '\\']) && !name.is_empty();
        let odd = |m: &&Known| !plain(&m.name) || m.file.as_deref().is_some_and(|f| !plain(f));
        match registry.models.iter().find(odd) {
            Some(model) => Err(bad(format!("{} or its file is no plain name", model.name))),
            None => Ok(registry),
        }
    }

    /// The network of this name.
    ///
    /// # Errors
    /// `Usage` with the names there are.
    pub fn named(&self, name: &str) -> Result<&Known> {
        self.models.iter().find(|model| model.name == name).ok_or_else(|| {
            let names: Vec<_> = self.models.iter().map(|model| model.name.as_str()).collect();
            Error::new(ErrorKind::Usage, format!("no model is called {name}"))
                .because(format!("known are {}", names.join(", ")))
                .hint("remix models list")
        })
    }

    /// The failure of a network that is not here: what is needed and how it comes here.
    pub fn missing(&self, name: &str, folder: &Path) -> Error {
        let Some(known) = self.models.iter().find(|m| m.name == name && m.file.is_some()) else {
            return Error::new(ErrorKind::Missing, format!("no model {name}"));
        };
        let from = known.url.as_ref().map(|url| format!(" from {url}")).unwrap_or_default();
        let file = known.file.as_deref().unwrap_or(name);
        Error::new(ErrorKind::Missing, format!("the weights of {name} are not here"))
            .at(folder.join(file))
            .because(format!("they are not part of this program: {}", known.about()))
            .hint(format!(
                "remix models fetch {name}; without a network, get the file elsewhere{from} and: \
                 remix models add {file}; or --model compact, which is always here"
            ))
    }
}

/// The file of a model in the user's folder.
pub fn find(fs: &dyn Fs, folder: &Path, name: &str) -> Option<PathBuf> {
    let files = ENDINGS.map(|ending| folder.join(format!("{name}.{ending}")));
    files.into_iter().find(|path| fs.metadata(path).is_ok_and(|m| !m.is_dir))
}

/// Whether the file of a known network is here, and what it is.
///
/// # Errors
/// `Io` where it cannot be read; `Interrupted`.
pub fn state(context: &Context<'_>, folder: &Path, known: &Known) -> Result<State> {
    if known.file.is_none() {
        return Ok(State::BuiltIn);
    }
    let Some(path) = find(context.fs, folder, &known.name) else { return Ok(State::Absent) };
    let (hash, bytes) = sha256_file(context.fs, &path, context.cancel)?;
    let noted = noted(context.fs, &path);
    Ok(match (&known.sha256, noted) {
        (Some(right), _) if *right == hash => State::Whole(path, bytes, hash),
        // A file of the user's own was noted when it was added.
        (_, Some(right)) if right == hash => State::Whole(path, bytes, hash),
        (None, None) => State::Unknown(path, bytes, hash),
        _ => State::Other(path, bytes, hash),
    })
}

/// Whether a file of this hash is one that the registry knows or that was added by the user.
pub fn is_known(fs: &dyn Fs, registry: &Registry, path: &Path, hash: &str) -> bool {
    let registered = registry.models.iter().any(|m| m.sha256.as_deref() == Some(hash));
    registered || noted(fs, path).is_some_and(|noted| noted == hash)
}

/// The hash noted beside a file when it came here, in the form of `sha256sum`.
fn noted(fs: &dyn Fs, path: &Path) -> Option<String> {
    let bytes = fs.read(&beside(path), 1 << 12).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_whitespace().next().map(String::from)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".sha256");
    path.with_file_name(name)
}

fn note(fs: &dyn Fs, path: &Path, hash: &str) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    write_atomic(fs, &beside(path), format!("{hash}  {name}\n").as_bytes())
}

/// Refuses what is no file of weights that can be read.
///
/// # Errors
/// `Usage` for other kinds of files, `Missing` where there is none.
pub fn check_kind(fs: &dyn Fs, path: &Path) -> Result<()> {
    let mut head = [0; 4];
    let mut file = fs.open(path).map_err(|e| match means_absent(&e) {
        true => Error::new(ErrorKind::Missing, "no such model")
            .at(path)
            .because("there is no file of this name")
            .hint("remix models list"),
        false => Error::io("cannot read the model", path, e),
    })?;
    let read = file.read(&mut head).map_err(|e| Error::io("cannot read the model", path, e))?;
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    let pickle = ["th", "pt", "pth", "ckpt"].iter().any(|e| ending == *e)
        || head.starts_with(b"PK\x03\x04")
        || head.starts_with(&[0x80, 0x02]);
    if pickle && read > 0 {
        let name = path.display();
        return Err(Error::new(ErrorKind::Usage, "pickles are not read")
            .at(path)
            .because("a .th file is a Python pickle, and reading one runs whatever code is in it")
            .hint(format!(
                "remix models fetch htdemucs, which are the same weights; or convert one you \
                 trust: python3 -c \"import torch, safetensors.torch as s; \
                 s.save_file(torch.load('{name}', weights_only=False)['state'], \
                 'htdemucs.safetensors')\""
            )));
    }
    if ENDINGS.iter().any(|e| ending == *e) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, "no file of weights")
        .at(path)
        .because("weights are read from .safetensors and .onnx files")
        .hint("remix models list"))
}

/// Loads a file of weights for some sources.
///
/// # Errors
/// `Missing` where it is no such network or damaged, `Io` where it cannot be read.
pub fn open(
    context: &Context<'_>,
    path: &Path,
    wanted: &[usize],
    threads: usize,
) -> Result<Arc<Htdemucs>> {
    let unread = |e| Error::io("cannot read the model", path, e);
    let loaded = if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("onnx")) {
        let bytes = context.fs.read(path, LARGEST_MODEL).map_err(unread)?;
        Htdemucs::from_onnx(bytes, wanted, threads, context.cancel)
    } else {
        // Opened for each network in it: a bag is read one by one while it works.
        let file = path.to_path_buf();
        let again: OpenWeights = Box::new(move || {
            DiskFs.open(&file).map_err(|e| Error::io("cannot read the model", &file, e))
        });
        Htdemucs::new(again, wanted, threads, context.cancel)
    };
    loaded.map_err(|e| {
        match e.kind() {
            ErrorKind::Corrupt => e
                .of_kind(ErrorKind::Missing)
                .hint("remix models verify, then fetch or add it again"),
            _ => e,
        }
        .or_at(path)
    })
}

/// A file that came into the user's folder.
#[derive(Debug)]
pub struct Added {
    /// Its model.
    pub name: String,
    /// Where it lies now.
    pub path: PathBuf,
    /// Its hash.
    pub sha256: String,
    /// Whether it is the file this program knows under that name.
    pub known: bool,
}

/// Copies a file of the user's into the folder, under the name the program looks for.
///
/// # Errors
/// `Usage` where it is no such file, `Missing` where it is no network of this kind, `Io`.
pub fn add(
    context: &Context<'_>,
    registry: &Registry,
    folder: &Path,
    file: &Path,
) -> Result<Added> {
    check_kind(context.fs, file)?;
    let (hash, bytes) = sha256_file(context.fs, file, context.cancel)?;
    let known = registry.models.iter().find(|m| m.sha256.as_deref() == Some(&hash));
    // Whatever it says it is, it must load.
    let networks = open(context, file, &[0], context.threads)?.networks();
    let name = match known {
        Some(known) => known.name.clone(),
        None if networks > 1 => "htdemucs_ft".to_string(),
        None => "htdemucs".to_string(),
    };
    let ending = file.extension().unwrap_or_default().to_ascii_lowercase();
    let path = folder.join(format!("{name}.{}", ending.to_string_lossy()));
    if !same_file(&path, file) {
        copy(context, file, &path, bytes)?;
    }
    note(context.fs, &path, &hash)?;
    Ok(Added { name, path, sha256: hash, known: known.is_some() })
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn copy(context: &Context<'_>, from: &Path, to: &Path, bytes: u64) -> Result<()> {
    let unread = |e| Error::io("cannot read the model", from, e);
    let mut source = context.fs.open(from).map_err(unread)?;
    let mut pending = Pending::create(context.fs, to)?;
    let mut block = vec![0; 1 << 20];
    let mut copied = 0;
    loop {
        context.cancel.check()?;
        let read = source.read(&mut block).map_err(unread)?;
        if read == 0 {
            break;
        }
        use std::io::Write as _;
        pending.write_all(&block[..read]).map_err(|e| Error::io("cannot write", to, e))?;
        copied += read as u64;
    }
    if copied != bytes {
        return Err(Error::new(ErrorKind::Io, "the model changed while it was read").at(from));
    }
    pending.commit()
}

/// Downloads a network into the user's folder; one that is there whole stays.
///
/// # Errors
/// `Usage` where it is part of the program or nobody knows where to get it, `Missing` where it
/// cannot be reached, `Corrupt` where something else came, `Io`.
pub fn fetch(
    context: &Context<'_>,
    registry: &Registry,
    folder: &Path,
    known: &Known,
) -> Result<Added> {
    let (Some(file), Some(url)) = (&known.file, &known.url) else {
        return Err(Error::new(ErrorKind::Usage, format!("{} needs no file", known.name))
            .because("it is part of this program"));
    };
    let path = folder.join(file);
    let added =
        |sha256| Added { name: known.name.clone(), path: path.clone(), sha256, known: true };
    if let State::Whole(there, _, hash) = state(context, folder, known)?
        && there == path
    {
        return Ok(added(hash));
    }
    context.fs.create_dir_all(folder).map_err(|e| Error::io("cannot make folder", folder, e))?;
    let wanted = Download {
        url,
        target: &path,
        bytes: known.bytes,
        sha256: known.sha256.as_deref(),
        most: LARGEST_MODEL,
        patience: PATIENCE,
    };
    let stage = "fetch";
    context.progress.report(Event::StageStarted { stage, items: 1 });
    context.progress.report(Event::ItemStarted { item: file });
    let report = |fraction| context.progress.report(Event::ItemProgress { item: file, fraction });
    let came = download(&wanted, context.cancel, &report);
    context.progress.report(Event::StageDone { stage });
    let hash = came.map_err(|e| match e.kind() {
        ErrorKind::Missing => {
            let why = format!("{}; wanted: {}", e.reason(), known.about());
            registry.missing(&known.name, folder).because(why)
        }
        _ => e,
    })?;
    note(context.fs, &path, &hash)?;
    Ok(added(hash))
}

/// What is to be said about the licence, once to each user: from now on it was.
pub fn first_notice<'a>(fs: &dyn Fs, folder: &Path, registry: &'a Registry) -> Option<&'a str> {
    let mark = folder.join(NOTICED);
    if fs.metadata(&mark).is_ok() {
        return None;
    }
    // Where that cannot be kept, it is said again next time.
    let _ = write_atomic(fs, &mark, b"");
    Some(registry.notice.trim())
}
