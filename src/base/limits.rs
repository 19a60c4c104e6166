//! Every bound on untrusted input, in one place. Each error names the setting that raises it.

use serde::{Deserialize, Serialize};

/// Bounds on what is read. The defaults suit a home library of any size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Limits {
    /// Largest audio file read, in bytes.
    pub max_file_bytes: u64,
    /// Longest song, in seconds of decoded audio.
    pub max_seconds: f64,
    /// Most decoded bytes (as 32-bit float) for one encoded byte: a guard against bombs.
    pub max_expansion: f64,
    /// Largest tag block read, in bytes; what is larger is passed over.
    pub max_tag_bytes: usize,
    /// Longest text kept of one tag field, in bytes.
    pub max_tag_field_bytes: usize,
    /// Most files taken from the inputs.
    pub max_files: usize,
    /// Deepest folder searched.
    pub max_depth: usize,
    /// Most beats in a song.
    pub max_beats: usize,
    /// Largest JSON file of ours read, in bytes.
    pub max_json_bytes: u64,
    /// Most bytes kept in the analysis cache.
    pub max_cache_bytes: u64,
    /// Share of a song that may be damaged (filled with silence) before it is refused.
    pub max_damage: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_file_bytes: 2 << 30,
            max_seconds: 6.0 * 3600.0,
            max_expansion: 2_000.0,
            max_tag_bytes: 16 << 20,
            max_tag_field_bytes: 512,
            max_files: 1_000_000,
            max_depth: 32,
            max_beats: 100_000,
            max_json_bytes: 64 << 20,
            max_cache_bytes: 1 << 30,
            max_damage: 0.05,
        }
    }
}
