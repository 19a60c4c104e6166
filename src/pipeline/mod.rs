//! The stages on disk, from songs to a remix. Each is resumable and skips what is done.

mod analyses;
mod analyze;
mod beat_file;
mod beat_source;
mod compare;
mod context;
mod create_dataset;
mod damage;
mod feed;
mod fit;
mod generate;
pub mod models;
mod output;
mod segment;
mod separate;
mod separator;
mod song_features;
mod songs;

pub use analyze::{SongAnalysis, analysis_name, analyze, analyze_each, find_analysis};
pub use beat_source::{BeatSource, BeatTracker};
pub use compare::{Agreement, Comparison, Heard, compare};
pub use context::{Batch, Context, Skipped};
pub use create_dataset::{
    DATASET_SCHEMA, Dataset, DatasetManifest, TABLE, create_dataset, read_beats, read_dataset,
};
pub use fit::{Fitted, Weights, fit, read_index};
pub use generate::{GenerateJob, Generated, generate, plan_remix};
pub use output::{Output, write_output};
pub use segment::{SegmentOptions, segment};
pub use separate::{StemsRecord, separate, stems_content};
pub use separator::{Model, ModelInfo, SeparateOptions, Stems};
pub use song_features::FeatureSet;
pub use songs::{SongInput, Sound, find_songs, find_stems, hash_files};
