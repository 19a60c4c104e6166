//! Results kept between runs and shared by all commands, named by what they were made from.
//!
//! An entry's name is a fingerprint of content, version and settings, so an entry is never out of
//! date: what changed has another name. Entries are checked when read; a damaged one counts as
//! not there. Nothing in here is needed: the folder may be deleted at any time.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::artifact::{read_artifact, write_artifact};
use super::fs::Fs;
use super::record::Fingerprint;
use crate::base::{Error, Limits, Result};

/// Extension of an entry.
const EXTENSION: &str = "evx";
/// After trimming, this share of the allowed size is left, so that trimming is rare.
const LEFT: f64 = 0.9;

/// A folder of entries, one folder a kind.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// How much a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheUse {
    /// Entries.
    pub entries: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Cache {
    /// A cache in `folder`, which need not be there yet.
    pub fn new(folder: PathBuf) -> Self {
        Cache { folder }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The entry of that name, if it is there and whole.
    pub fn get<T: DeserializeOwned>(
        &self,
        fs: &dyn Fs,
        kind: &str,
        name: &Fingerprint,
        limits: &Limits,
    ) -> Option<T> {
        let read = read_artifact::<T>(fs, &self.path(kind, name), limits.max_json_bytes, "");
        read.ok().map(|(value, _)| value)
    }

    /// Keeps a value. Two processes may keep the same one at the same time: each writes a file of
    /// its own, and the last to finish gives it the name.
    ///
    /// # Errors
    /// `Io` naming the file.
    pub fn put<T: Serialize>(
        &self,
        fs: &dyn Fs,
        kind: &str,
        name: &Fingerprint,
        value: &T,
    ) -> Result<()> {
        let path = self.path(kind, name);
        let own = path.with_extension(std::process::id().to_string());
        write_artifact(fs, &own, value, &[])?;
        fs.rename(&own, &path).map_err(|e| Error::io("cannot write", &path, e))
    }

    /// How much it holds.
    pub fn holds(&self, fs: &dyn Fs) -> CacheUse {
        let files = self.files(fs);
        let bytes = files.iter().map(|file| file.1).sum();
        CacheUse { entries: files.len(), bytes }
    }

    /// Makes room where it holds more than `limits` allow. Names are hashes, so going by their
    /// order is a fair draw; what killed processes left behind comes first.
    ///
    /// # Errors
    /// `Io` naming the file that cannot be removed.
    pub fn trim(&self, fs: &dyn Fs, limits: &Limits) -> Result<()> {
        let mut held = self.holds(fs).bytes;
        if held <= limits.max_cache_bytes {
            return Ok(());
        }
        let allowed = (LEFT * limits.max_cache_bytes as f64) as u64;
        let mut files = self.files(fs);
        files.sort_by_key(|(path, _)| path.extension().is_some_and(|e| e == EXTENSION));
        for (path, bytes) in files {
            if held <= allowed {
                break;
            }
            fs.remove_file(&path).map_err(|e| Error::io("cannot remove", &path, e))?;
            held -= bytes;
        }
        Ok(())
    }

    fn path(&self, kind: &str, name: &Fingerprint) -> PathBuf {
        self.folder.join(kind).join(&name.0).with_extension(EXTENSION)
    }

    /// All files of all kinds with their sizes.
    fn files(&self, fs: &dyn Fs) -> Vec<(PathBuf, u64)> {
        let inside = |folder: &Path| fs.read_dir(folder).unwrap_or_default();
        let all = inside(&self.folder).into_iter().flat_map(|kind| inside(&kind));
        all.filter_map(|path| {
            let meta = fs.metadata(&path).ok().filter(|meta| !meta.is_dir)?;
            Some((path, meta.bytes))
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DiskFs, FailingFs};
    use super::*;

    fn name(of: &str) -> Fingerprint {
        Fingerprint::of([of])
    }

    fn get(cache: &Cache, of: &str) -> Option<Vec<f64>> {
        cache.get(&DiskFs, "k", &name(of), &Limits::default())
    }

    #[test]
    fn what_was_kept_is_found_under_its_own_name_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().join("not/yet/there"));
        assert_eq!(get(&cache, "a"), None);
        cache.put(&DiskFs, "k", &name("a"), &vec![0.1, 2e-7]).unwrap();
        assert_eq!(get(&cache, "a"), Some(vec![0.1, 2e-7]));
        assert_eq!(get(&cache, "b"), None);
        assert_eq!(cache.get::<Vec<f64>>(&DiskFs, "l", &name("a"), &Limits::default()), None);
        assert_eq!(cache.holds(&DiskFs).entries, 1);
    }

    #[test]
    fn damage_anywhere_is_as_good_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().into());
        cache.put(&DiskFs, "k", &name("a"), &vec![1.5]).unwrap();
        let path = cache.path("k", &name("a"));
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 4;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(get(&cache, "a"), None, "byte {at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert_eq!(get(&cache, "a"), None, "cut {at}");
        }
        cache.put(&DiskFs, "k", &name("a"), &vec![1.5]).unwrap();
        assert_eq!(get(&cache, "a"), Some(vec![1.5]));
    }

    #[test]
    fn whatever_operation_fails_no_entry_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().into());
        for failures in 0.. {
            let fs = FailingFs::after(failures, std::io::ErrorKind::StorageFull);
            let kept = cache.put(&fs, "k", &name("a"), &vec![1.5]);
            assert!(matches!(get(&cache, "a").as_deref(), None | Some([1.5])));
            if kept.is_ok() {
                break;
            }
        }
        assert_eq!(get(&cache, "a"), Some(vec![1.5]));
    }

    #[test]
    fn a_full_cache_makes_room_and_leftovers_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path().into());
        for i in 0..20 {
            cache.put(&DiskFs, "k", &name(&i.to_string()), &vec![0.5; 200]).unwrap();
        }
        std::fs::write(folder.path().join("k/.x.evermix-part"), [0; 900]).unwrap();
        let one = std::fs::metadata(cache.path("k", &name("0"))).unwrap().len();
        let limits = Limits { max_cache_bytes: 20 * one, ..Limits::default() };
        cache.trim(&DiskFs, &limits).unwrap();
        let held = cache.holds(&DiskFs);
        assert!(!folder.path().join("k/.x.evermix-part").exists());
        assert!((17..=18).contains(&held.entries), "{held:?}");
        assert!(held.bytes <= limits.max_cache_bytes);
        let before = held;
        cache.trim(&DiskFs, &limits).unwrap();
        assert_eq!(cache.holds(&DiskFs), before);
    }
}
