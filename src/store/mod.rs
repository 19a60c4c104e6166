//! Every byte that reaches a disk of ours: safe names, atomic writes, locks, manifests.

mod artifact;
mod atomic;
mod cache;
mod download;
mod failing;
mod fs;
mod inputs;
mod lock;
mod name;
mod record;

pub use artifact::{read_artifact, write_artifact};
pub use atomic::{Pending, SharedFile, sweep, write_atomic};
pub use cache::{Cache, CacheUse};
pub use download::{Download, PATIENCE, download, sha256, sha256_file};
pub use failing::{FailingFs, Operation};
pub use fs::{DiskFs, FileOut, Fs, Meta, exists, means_absent};
pub use inputs::{Found, InputFile, expand_inputs};
pub use lock::Lock;
pub use name::{name_songs, safe_name};
pub use record::{Checked, Fingerprint, hash_file, read_json, write_json};
