//! The five stages through the library, on songs short enough to be worked on hundreds of times.

use crate::common::{Desk, Song};
use evermix::audio::encode::Container;
use evermix::audio::wav::SampleFormat;
use evermix::base::{Cancel, JumpRate, Limits, Lufs, Quiet, Result, Seed};
use evermix::corpus::{Algorithm, SongBeats};
use evermix::pipeline::{
    BeatSource, Context, FeatureSet, GenerateJob, Model, SegmentOptions, SeparateOptions, Skipped,
    Stems, Weights, create_dataset, find_songs, find_stems, fit, generate, read_beats, segment,
    separate,
};
use evermix::remix::{JumpCosts, Law, LayerChoice, RemixOptions};
use evermix::store::{DiskFs, Fs, sweep};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// A song of four seconds at 8 kHz: the stages take milliseconds.
pub fn tiny(bpm: f64, root: usize) -> Song {
    Song { seconds: 5.0, rate: 8_000, channels: 1, ..Song::at(bpm, root) }
}

/// A desk with tiny songs in `music`, and others of the same names in `other-music`.
pub fn tiny_desk(songs: usize) -> Desk {
    let desk = Desk::in_memory();
    std::fs::create_dir(desk.path("other-music")).unwrap();
    for i in 0..songs {
        let (bpm, root) = (120.0 + 6.0 * i as f64, 5 * i % 12);
        tiny(bpm, root).write(&desk.path(&format!("music/s{i}.wav")));
        tiny(bpm - 8.0, root + 2).write(&desk.path(&format!("other-music/s{i}.wav")));
    }
    desk
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Separate,
    Segment,
    CreateDataset,
    Fit,
    Generate,
}

pub const STAGES: [Stage; 5] =
    [Stage::Separate, Stage::Segment, Stage::CreateDataset, Stage::Fit, Stage::Generate];

/// Settings that every stage takes differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    One,
    Other,
}

impl Stage {
    /// What the stage makes, all in the desk's `work` folder.
    fn outputs(self) -> &'static [&'static str] {
        match self {
            Stage::Separate => &["stems"],
            Stage::Segment => &["beats"],
            Stage::CreateDataset => &["dataset"],
            Stage::Fit => &["index.evx"],
            Stage::Generate => &["out"],
        }
    }

    /// Takes away what the stage made.
    pub fn clear(self, desk: &Desk) {
        for name in self.outputs() {
            let path = desk.path("work").join(name);
            let _ = std::fs::remove_dir_all(&path);
            let _ = std::fs::remove_file(&path);
        }
    }

    /// Everything the stage made, by path below `work`.
    pub fn made(self, desk: &Desk) -> Files {
        let mut files = desk.snapshot("work");
        files.retain(|path, _| self.outputs().iter().any(|name| path.starts_with(name)));
        files
    }

    /// Clears away leftovers, as the program does before a stage.
    pub fn tidy(self, desk: &Desk) {
        for name in self.outputs() {
            let folder = desk.path("work").join(name);
            sweep(&DiskFs, &folder).unwrap();
            for inner in DiskFs.read_dir(&folder).into_iter().flatten() {
                sweep(&DiskFs, &inner).unwrap();
            }
        }
    }

    /// Runs the stage on one thread, as the commands do. Returns the songs left out.
    pub fn run(self, fs: &dyn Fs, desk: &Desk, way: Way) -> Result<Vec<Skipped>> {
        let (limits, cancel) = (Limits::default(), Cancel::new());
        let context = Context {
            fs,
            limits: &limits,
            progress: &Quiet,
            cancel: &cancel,
            cache: None,
            threads: 1,
        };
        let work = |name: &str| desk.path("work").join(name);
        match self {
            Stage::Separate => {
                let music = if way == Way::One { "music" } else { "other-music" };
                let (songs, mut skipped) = find_songs(&context, &[desk.path(music)])?;
                let batch = {
                    let (model, models) = (Model::Hpss, work("models"));
                    let options =
                        SeparateOptions { model: &model, stems: Stems::Two, models: &models };
                    separate(&context, &songs, &work("stems"), &options)?
                };
                skipped.extend(batch.skipped);
                Ok(skipped)
            }
            Stage::Segment => {
                let format =
                    if way == Way::One { SampleFormat::Float32 } else { SampleFormat::Int16 };
                let songs = find_stems(&context, &work("stems"))?;
                let options = SegmentOptions { rate: None, format };
                Ok(segment(&context, &songs, &work("beats"), &options, &BeatSource::default())?
                    .skipped)
            }
            Stage::CreateDataset => {
                let set = if way == Way::One { FeatureSet::Full } else { FeatureSet::Original };
                let songs = read_beats(&context, &work("beats"))?;
                create_dataset(&context, songs, &work("beats"), &work("dataset"), set)?;
                Ok(Vec::new())
            }
            Stage::Fit => {
                let harmony = if way == Way::One { 1.0 } else { 2.0 };
                let weights = Weights { harmony, ..Weights::default() };
                fit(&context, &work("dataset"), &work("index.evx"), Algorithm::Auto, &weights)?;
                Ok(Vec::new())
            }
            Stage::Generate => {
                generate(&context, &job(desk, way))?;
                Ok(Vec::new())
            }
        }
    }
}

pub fn job(desk: &Desk, way: Way) -> GenerateJob {
    GenerateJob {
        dataset_dir: desk.path("work/dataset"),
        index_path: desk.path("work/index.evx"),
        beats_dir: None,
        out: desk.path("work/out/mix.wav"),
        container: Container::Wav(SampleFormat::Int16),
        rate: None,
        options: RemixOptions {
            jump_rate: JumpRate::new(0.5).unwrap(),
            beats: NonZeroUsize::new(6).unwrap(),
            seed: Seed(if way == Way::One { 1 } else { 2 }),
            law: Law::Evermix,
            layer: LayerChoice::Mix,
            min_run: 2,
            max_stretch: 1.08,
            costs: JumpCosts::default(),
            loudness: Lufs(-14.0),
        },
    }
}

/// Contents by path.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Whether a name is one that files have only while they are written.
pub fn is_temporary(path: &Path) -> bool {
    path.iter().any(|part| part.to_string_lossy().contains(".evermix-part"))
}

/// A desk on which all stages have run undisturbed.
pub fn finished(songs: usize) -> Desk {
    let desk = tiny_desk(songs);
    for stage in STAGES {
        let skipped = stage.run(&DiskFs, &desk, Way::One).unwrap();
        assert!(skipped.is_empty(), "{stage:?}: {skipped:?}");
    }
    let songs = desk.snapshot("work").into_keys().filter(|p| p.starts_with("beats/songs"));
    for song in songs {
        let text = desk.read(&format!("work/{}", song.display()));
        let record: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let record: SongBeats = serde_json::from_value(record["content"].clone()).unwrap();
        assert!(record.beats() >= 6, "{song:?} has {} beats", record.beats());
    }
    desk
}
