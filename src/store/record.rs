//! What a finished piece of work says about itself, so that it is never done twice.

use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::atomic::write_atomic;
use super::fs::Fs;
use crate::base::{Cancel, Error, Limits, Result};

/// A hash of everything a result depends on: inputs, settings and the version of the code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// Hashes parts with their lengths, so that no two lists of parts look alike.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Fingerprint {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Fingerprint(hasher.finalize().to_hex().to_string())
    }
}

/// A JSON document with a checksum over its content: a flipped bit is found on reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checked<T> {
    /// blake3 of `content` as compact JSON.
    pub checksum: String,
    /// The document.
    pub content: T,
}

/// Writes a document with its checksum, atomically, readable by people.
///
/// # Errors
/// `ErrorKind::Io` naming the file.
pub fn write_json<T: Serialize>(fs: &dyn Fs, path: &Path, content: &T) -> Result<()> {
    let compact = serde_json::to_vec(content).map_err(|e| bad_json(path, &e))?;
    let checksum = blake3::hash(&compact).to_hex().to_string();
    let mut text = serde_json::to_vec_pretty(&Checked { checksum, content })
        .map_err(|e| bad_json(path, &e))?;
    text.push(b'\n');
    write_atomic(fs, path, &text)
}

/// Reads a document and checks it; `redo` is the command that makes it anew.
///
/// # Errors
/// `Io` where it cannot be read, `Corrupt` where it is damaged or of another version.
pub fn read_json<T: Serialize + DeserializeOwned>(
    fs: &dyn Fs,
    path: &Path,
    limits: &Limits,
    redo: &str,
) -> Result<T> {
    let bytes =
        fs.read(path, limits.max_json_bytes).map_err(|e| Error::io("cannot read", path, e))?;
    let checked: Checked<T> =
        serde_json::from_slice(&bytes).map_err(|e| Error::corrupt(path, e.to_string(), redo))?;
    let compact = serde_json::to_vec(&checked.content).map_err(|e| bad_json(path, &e))?;
    if blake3::hash(&compact).to_hex().as_str() != checked.checksum {
        return Err(Error::corrupt(path, "the checksum does not match", redo));
    }
    Ok(checked.content)
}

/// blake3 of a file's bytes, read in blocks.
///
/// # Errors
/// `ErrorKind::Io` naming the file; `Interrupted` once `cancel` was asked to stop.
pub fn hash_file(fs: &dyn Fs, path: &Path, cancel: &Cancel) -> Result<blake3::Hash> {
    let mut file = fs.open(path).map_err(|e| Error::io("cannot read", path, e))?;
    let mut hasher = blake3::Hasher::new();
    each_block(&mut file, path, cancel, |block| {
        hasher.update(block);
    })?;
    Ok(hasher.finalize())
}

/// Reads to the end, block by block.
///
/// # Errors
/// `ErrorKind::Io` naming the file; `Interrupted` once `cancel` was asked to stop.
pub(super) fn each_block(
    file: &mut dyn Read,
    path: &Path,
    cancel: &Cancel,
    mut take: impl FnMut(&[u8]),
) -> Result<()> {
    let mut block = vec![0; 1 << 17];
    loop {
        cancel.check()?;
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(n) => take(&block[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("cannot read", path, e)),
        }
    }
}

fn bad_json(path: &Path, error: &serde_json::Error) -> Error {
    Error::new(crate::base::ErrorKind::Internal, "cannot write JSON")
        .at(path)
        .because(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::fs::DiskFs;
    use super::*;
    use crate::base::ErrorKind;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Doc {
        numbers: Vec<f64>,
        name: String,
    }

    #[test]
    fn any_flipped_bit_of_the_content_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doc.json");
        let doc = Doc { numbers: vec![0.1, 1e-7, -3.0], name: "é".into() };
        write_json(&DiskFs, &path, &doc).unwrap();
        let limits = Limits::default();
        assert_eq!(read_json::<Doc>(&DiskFs, &path, &limits, "x").unwrap(), doc);
        let good = std::fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).unwrap();
            match read_json::<Doc>(&DiskFs, &path, &limits, "x") {
                Ok(seen) => assert_eq!(seen, doc, "bit {bit}"),
                Err(e) => assert_eq!(e.kind(), ErrorKind::Corrupt),
            }
        }
    }

    #[test]
    fn fingerprints_tell_lists_apart() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_eq!(Fingerprint::of(["a", "b"]), Fingerprint::of(["a", "b"]));
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("big.json");
        std::fs::write(&path, vec![b' '; 100]).unwrap();
        let limits = Limits { max_json_bytes: 50, ..Limits::default() };
        assert!(read_json::<Doc>(&DiskFs, &path, &limits, "x").is_err());
    }
}
