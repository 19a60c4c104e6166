//! Binary files of ours: magic, version, a JSON head, numbers, and a checksum over all of it.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::atomic::write_atomic;
use super::fs::Fs;
use crate::base::{Error, Result};

const MAGIC: &[u8; 8] = b"EVERMIX\x01";
const CHECKSUM: usize = 32;

/// Writes a head and an array of floats, atomically.
///
/// # Errors
/// `ErrorKind::Io` naming the file.
pub fn write_artifact<H: Serialize>(
    fs: &dyn Fs,
    path: &Path,
    head: &H,
    numbers: &[f32],
) -> Result<()> {
    let head = serde_json::to_vec(head)
        .map_err(|e| Error::io("cannot write", path, std::io::Error::other(e)))?;
    let mut bytes = Vec::with_capacity(16 + head.len() + numbers.len() * 4 + CHECKSUM);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&(head.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend(numbers.iter().flat_map(|x| x.to_le_bytes()));
    let checksum = blake3::hash(&bytes);
    bytes.extend_from_slice(checksum.as_bytes());
    write_atomic(fs, path, &bytes)
}

/// Reads what `write_artifact` wrote; `redo` is the command that makes it anew.
///
/// # Errors
/// `Io` where it cannot be read, `Corrupt` where anything in it is not as written.
pub fn read_artifact<H: DeserializeOwned>(
    fs: &dyn Fs,
    path: &Path,
    max_bytes: u64,
    redo: &str,
) -> Result<(H, Vec<f32>)> {
    let bytes = fs.read(path, max_bytes).map_err(|e| Error::io("cannot read", path, e))?;
    let corrupt = |why: &str| Error::corrupt(path, why, redo);
    let (body, checksum) =
        bytes.split_last_chunk::<CHECKSUM>().ok_or_else(|| corrupt("the file is cut short"))?;
    if blake3::hash(body).as_bytes() != checksum {
        return Err(corrupt("the checksum does not match"));
    }
    let rest = body.strip_prefix(MAGIC).ok_or_else(|| corrupt("it is of another version"))?;
    let (length, rest) =
        rest.split_first_chunk::<8>().ok_or_else(|| corrupt("the file is cut short"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let (head, numbers) =
        rest.split_at_checked(length).ok_or_else(|| corrupt("the file is cut short"))?;
    let head = serde_json::from_slice(head).map_err(|e| corrupt(&e.to_string()))?;
    let numbers = numbers.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    Ok((head, numbers.collect()))
}

#[cfg(test)]
mod tests {
    use super::super::fs::DiskFs;
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let head = vec!["x".to_string(), "y".to_string()];
        write_artifact(&DiskFs, &path, &head, &[1.5, -2.0]).unwrap();
        let read = || read_artifact::<Vec<String>>(&DiskFs, &path, 1 << 20, "redo");
        assert_eq!(read().unwrap(), (head, vec![1.5, -2.0]));
        let good = std::fs::read(&path).unwrap();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bad).unwrap();
            assert!(read().is_err(), "bit {bit}");
        }
        for cut in 0..good.len() {
            std::fs::write(&path, &good[..cut]).unwrap();
            assert!(read().is_err(), "cut {cut}");
        }
    }
}
