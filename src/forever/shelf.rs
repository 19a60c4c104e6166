//! Analyses at hand: of a large library only those of songs that are played are ever loaded.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::song::SongId;
use crate::base::{Error, ErrorKind, Quiet, Result};
use crate::mix::StemFiles;
use crate::pipeline::{
    self, BeatSource, Context, Model, SeparateOptions, Skipped, SongAnalysis, SongInput, Sound,
    analyze, find_analysis, find_stems, separate,
};

/// Analyses kept where the cache could give them again: a few megabytes each at most.
const KEPT: usize = 128;

/// Where the stems of songs come from.
#[derive(Clone, Debug)]
pub enum Stems {
    /// Nobody wants any.
    None,
    /// Those that are in a folder.
    Found(PathBuf),
    /// Made in a folder where it holds none of a song yet, with networks from another.
    Made(PathBuf, Model, PathBuf),
}

/// What is known of a song that will be played.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What was heard.
    pub song: Arc<SongAnalysis>,
    /// Its stems, where there are any.
    pub stems: Option<StemFiles>,
}

/// Analyses and stems of songs, loaded when they are asked for.
pub struct Shelf<'a> {
    beats: &'a BeatSource,
    stems: Stems,
    kept: Mutex<HashMap<SongId, Arc<SongAnalysis>>>,
    found: Option<HashMap<String, StemFiles>>,
    skipped: Vec<Skipped>,
    /// Songs nobody need try again.
    unusable: HashSet<SongId>,
}

impl<'a> Shelf<'a> {
    /// A shelf that holds nothing yet.
    pub fn new(beats: &'a BeatSource, stems: Stems) -> Self {
        let (kept, found, skipped) = (Mutex::default(), None, Vec::new());
        Shelf { beats, stems, kept, found, skipped, unusable: HashSet::new() }
    }

    /// Puts an analysis on the shelf; where there is a cache only as long as there is room, for
    /// otherwise the song would have to be heard again.
    pub fn keep(&self, context: &Context<'_>, id: SongId, song: SongAnalysis) {
        let mut kept = self.kept();
        if context.cache.is_none() || kept.len() < KEPT {
            kept.insert(id, Arc::new(song));
        }
    }

    /// What is known of some songs, in their order; `None` of one that turns out to be unusable.
    ///
    /// # Errors
    /// Fatal errors only.
    pub fn load(
        &mut self,
        context: &Context<'_>,
        songs: &[&SongInput],
    ) -> Result<Vec<Option<Loaded>>> {
        let mut loaded: Vec<Option<Arc<SongAnalysis>>> =
            songs.iter().map(|song| self.at_hand(context, song)).collect();
        let tried = |i: &usize| loaded[*i].is_some() || self.unusable.contains(&id(songs[*i]));
        let missing: Vec<SongInput> =
            (0..songs.len()).filter(|i| !tried(i)).map(|i| songs[i].clone()).collect();
        if !missing.is_empty() {
            let heard = analyze(context, &missing, self.beats)?;
            self.skipped.extend(heard.skipped);
            let mut heard: HashMap<String, Arc<SongAnalysis>> =
                heard.done.into_iter().map(|song| (song.name.clone(), Arc::new(song))).collect();
            for (song, place) in songs.iter().zip(&mut loaded).filter(|(_, p)| p.is_none()) {
                *place = heard.remove(&song.name);
                if place.is_none() {
                    self.unusable.insert(id(song));
                }
            }
        }
        self.find_stems(context, songs)?;
        let with_stems = |(input, song): (&&SongInput, Option<Arc<SongAnalysis>>)| {
            let hash = input.hash.to_hex().to_string();
            let stems = self.found.as_ref().and_then(|found| found.get(&hash)).cloned();
            Some(Loaded { song: song?, stems })
        };
        Ok(songs.iter().zip(loaded).map(with_stems).collect())
    }

    /// Songs that turned out to be unusable when they were loaded; it was told then.
    pub fn skipped(self) -> Vec<Skipped> {
        self.skipped
    }

    fn at_hand(&self, context: &Context<'_>, song: &SongInput) -> Option<Arc<SongAnalysis>> {
        let id = id(song);
        if let Some(kept) = self.kept().get(&id) {
            return Some(Arc::clone(kept));
        }
        let found = Arc::new(find_analysis(context, song, self.beats)?);
        let mut kept = self.kept();
        if kept.len() < KEPT {
            kept.insert(id, Arc::clone(&found));
        }
        Some(found)
    }

    fn find_stems(&mut self, context: &Context<'_>, songs: &[&SongInput]) -> Result<()> {
        let folder = match &self.stems {
            Stems::None => return Ok(()),
            Stems::Found(_) if self.found.is_some() => return Ok(()),
            Stems::Found(folder) => folder,
            Stems::Made(folder, model, models) => {
                let songs: Vec<SongInput> = songs.iter().map(|&song| song.clone()).collect();
                // From the second time on there is nothing to say but of songs made now.
                let quiet = Context { progress: &Quiet, ..*context };
                let all = self.found.as_ref();
                let there = |song: &SongInput| {
                    all.is_some_and(|all| all.contains_key(song.hash.to_hex().as_str()))
                };
                let context = if songs.iter().all(there) { &quiet } else { context };
                let options = SeparateOptions { model, stems: pipeline::Stems::Two, models };
                separate(context, &songs, folder, &options)?;
                folder
            }
        };
        let stems = find_stems(context, folder)?;
        let many =
            |song: &&SongInput| matches!(&song.sound, Sound::Stems { rest, .. } if rest.len() > 1);
        if let (Stems::Found(folder), Some(song)) = (&self.stems, stems.iter().find(many)) {
            return Err(Error::new(ErrorKind::Unusable, "these are more stems than two")
                .at(folder.join(&song.name))
                .because("songs are mixed from drums and everything else")
                .hint("remix separate --stems 2 into another folder, and go on with that"));
        }
        self.found = Some(by_content(&stems));
        Ok(())
    }

    /// Whoever failed while holding it left whole entries.
    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<SongId, Arc<SongAnalysis>>> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn id(song: &SongInput) -> SongId {
    SongId(*song.hash.as_bytes())
}

/// The stems made of each content.
fn by_content(stems: &[SongInput]) -> HashMap<String, StemFiles> {
    let mut found = HashMap::new();
    for song in stems {
        if let Sound::Stems { drums, rest, record: Some(record) } = &song.sound
            && let [other] = rest.as_slice()
        {
            let text = |path: &PathBuf| path.to_string_lossy().into_owned();
            let hash = record.content();
            let files = StemFiles { drums: text(drums), other: text(other), hash };
            found.entry(record.source_hash.clone()).or_insert(files);
        }
    }
    found
}
