//! The cache of analyses, in which all commands look and which all of them fill: no song is heard
//! twice.

use std::sync::atomic::{AtomicBool, Ordering};

use super::analyze::SongAnalysis;
use super::beat_source::SongSource;
use super::context::Context;
use super::songs::SongInput;
use crate::analysis::ANALYSIS_VERSION;
use crate::base::{Error, Event};
use crate::store::Fingerprint;

/// The folder of analyses in the cache.
const KIND: &str = "analysis";

/// The name that the analysis of a song with this content has in the cache. It changes with what
/// finds the beats and with our ears.
pub fn analysis_key(hash: blake3::Hash, source: &SongSource) -> Fingerprint {
    let version = ANALYSIS_VERSION.to_string();
    Fingerprint::of([KIND, &version, hash.to_hex().as_str(), &source.identity()])
}

/// The cache of analyses during one run. A cache that cannot be written is told once and does no
/// harm.
pub struct Analyses<'a> {
    context: Context<'a>,
    told: AtomicBool,
    kept: AtomicBool,
}

impl<'a> Analyses<'a> {
    /// The cache of `context`, if it has one.
    pub fn new(context: &Context<'a>) -> Self {
        let no = || AtomicBool::new(false);
        Analyses { context: *context, told: no(), kept: no() }
    }

    /// The analysis of that name, as one of `song`.
    pub fn find(&self, song: &SongInput, key: &Fingerprint) -> Option<SongAnalysis> {
        let context = &self.context;
        let found: SongAnalysis = context.cache?.get(context.fs, KIND, key, context.limits)?;
        Some(SongAnalysis { path: song.source.clone(), name: song.name.clone(), ..found })
    }

    /// Keeps an analysis.
    pub fn keep(&self, key: &Fingerprint, analysis: &SongAnalysis) {
        let Some(cache) = self.context.cache else { return };
        self.kept.store(true, Ordering::SeqCst);
        if let Err(error) = cache.put(self.context.fs, KIND, key, analysis) {
            self.tell(&error);
        }
    }

    /// Ends the run: makes room where too much is kept by now.
    pub fn finish(self) {
        if self.kept.load(Ordering::SeqCst)
            && let Some(cache) = self.context.cache
            && let Err(error) = cache.trim(self.context.fs, self.context.limits)
        {
            self.tell(&error);
        }
    }

    fn tell(&self, error: &Error) {
        if !self.told.swap(true, Ordering::SeqCst) {
            let text = format!("the analysis cache cannot be written: {}", error.reason());
            self.context.progress.report(Event::Note { text: &text });
        }
    }
}
