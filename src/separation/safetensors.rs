//! Reading tensors from a safetensors file: a length, a JSON table of contents, raw numbers.
//!
//! Nothing in the file is believed: every length is checked before it is used.

use std::collections::BTreeMap;
use std::io::{Read as _, Seek as _, SeekFrom};

use serde::Deserialize;

use crate::base::{ByteSource, Error, ErrorKind, Result, Uninterrupted};

/// The table of contents of a model of ours takes a few kilobytes.
const LONGEST_HEADER: usize = 1 << 20;
const SHORT: &str = "it is too short";
const LONG_HEADER: &str = "its table of contents is longer than the file or than allowed";
/// The types of numbers that are read.
const TYPES: [&str; 2] = ["F16", "F32"];
/// The name under which free text about the file is kept.
const ABOUT: &str = "__metadata__";

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// The entries of a table of contents by name, and the free text about the file.
type Contents = (BTreeMap<String, Entry>, BTreeMap<String, String>);

fn contents(header: &[u8]) -> Result<Contents> {
    let all: BTreeMap<String, serde_json::Value> =
        serde_json::from_slice(header).map_err(|e| corrupt(e.to_string()))?;
    let mut about = BTreeMap::new();
    let mut entries = BTreeMap::new();
    for (name, value) in all {
        if name == ABOUT {
            about = serde_json::from_value(value).unwrap_or_default();
        } else {
            let entry = serde_json::from_value(value).map_err(|e| corrupt(e.to_string()))?;
            entries.insert(name, entry);
        }
    }
    Ok((entries, about))
}

/// Finds a tensor of this shape.
fn find<'a>(
    entries: &'a BTreeMap<String, Entry>,
    name: &str,
    shape: &[usize],
) -> Result<&'a Entry> {
    let entry = entries.get(name).ok_or_else(|| wrong(name, "it is missing"))?;
    if !TYPES.contains(&entry.dtype.as_str()) || entry.shape != shape {
        let types = TYPES.join(" or ");
        let found = format!("it is {} {:?}, not {types} {shape:?}", entry.dtype, entry.shape);
        return Err(wrong(name, &found));
    }
    Ok(entry)
}

/// The numbers of a tensor, whose bytes these are.
fn numbers(name: &str, entry: &Entry, bytes: &[u8]) -> Result<Vec<f32>> {
    let values: Vec<f32> = match entry.dtype.as_str() {
        "F16" => bytes.as_chunks().0.iter().map(|b| half(u16::from_le_bytes(*b))).collect(),
        _ => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
    };
    if bytes.len() != entry.bytes() {
        return Err(wrong(name, "its length does not fit its shape"));
    }
    if !values.iter().all(|x| x.is_finite()) {
        return Err(wrong(name, "not every number in it is finite"));
    }
    Ok(values)
}

/// A 16-bit float.
fn half(bits: u16) -> f32 {
    // Exponents are counted from 15 in one and from 127 in the other.
    let size = f32::from_bits(u32::from(bits & 0x7fff) << 13) * 2f32.powi(112);
    match (bits & 0x7c00 == 0x7c00, bits >> 15) {
        (true, _) => f32::NAN,
        (false, 0) => size,
        (false, _) => -size,
    }
}

impl Entry {
    /// Bytes that a tensor of this shape takes.
    fn bytes(&self) -> usize {
        let each = if self.dtype == "F16" { 2 } else { 4 };
        self.shape.iter().fold(each, |all: usize, &n| all.saturating_mul(n))
    }
}

/// The tensors of a file, which stays as bytes.
pub struct Tensors<'a> {
    entries: BTreeMap<String, Entry>,
    data: &'a [u8],
}

impl<'a> Tensors<'a> {
    /// Reads the table of contents.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` where the bytes are no safetensors file.
    pub fn read(bytes: &'a [u8]) -> Result<Self> {
        let (length, rest) = bytes.split_first_chunk().ok_or_else(|| corrupt(SHORT))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > LONGEST_HEADER.min(rest.len()) {
            return Err(corrupt(LONG_HEADER));
        }
        let (header, data) = rest.split_at(length);
        Ok(Tensors { entries: contents(header)?.0, data })
    }

    /// The numbers of a tensor of this shape, row after row.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` where there is none of that name and shape, or where it holds anything
    /// but finite floats of 16 or 32 bits.
    pub fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let entry = find(&self.entries, name, shape)?;
        let (start, end) = entry.data_offsets;
        let bytes = self.data.get(start..end).ok_or_else(|| wrong(name, "it lies outside"))?;
        numbers(name, entry, bytes)
    }
}

/// The tensors of a file, read one by one: a large file is never in memory as a whole.
pub struct TensorFile {
    entries: BTreeMap<String, Entry>,
    about: BTreeMap<String, String>,
    source: Box<dyn ByteSource>,
    /// Where the numbers begin and how many bytes they take.
    start: u64,
    length: u64,
}

impl TensorFile {
    /// Reads the table of contents.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` where the bytes are no safetensors file; `Io` where they cannot be read.
    pub fn open(source: Box<dyn ByteSource>) -> Result<Self> {
        let mut source: Box<dyn ByteSource> = Box::new(Uninterrupted(source));
        let all = source.seek(SeekFrom::End(0)).map_err(unread)?;
        source.seek(SeekFrom::Start(0)).map_err(unread)?;
        let mut length = [0; 8];
        source.read_exact(&mut length).map_err(unread)?;
        let length = u64::from_le_bytes(length);
        if length > (LONGEST_HEADER as u64).min(all - 8) {
            return Err(corrupt(LONG_HEADER));
        }
        let mut header = vec![0; length as usize];
        source.read_exact(&mut header).map_err(unread)?;
        let (entries, about) = contents(&header)?;
        Ok(TensorFile { entries, about, source, start: 8 + length, length: all - 8 - length })
    }

    /// The names of the tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The shape of a tensor, if there is one of that name.
    pub fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.entries.get(name).map(|entry| entry.shape.clone())
    }

    /// Bytes that all tensors take together.
    pub fn bytes(&self) -> u64 {
        self.length
    }

    /// Free text about the file under a name.
    pub fn about(&self, name: &str) -> Option<&str> {
        self.about.get(name).map(String::as_str)
    }

    /// The numbers of a tensor of this shape, row after row.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` where there is none of that name and shape, or where it holds anything
    /// but finite floats of 16 or 32 bits; `Io` where it cannot be read.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let entry = find(&self.entries, name, shape)?;
        let (start, end) = entry.data_offsets;
        if start > end || end as u64 > self.length {
            return Err(wrong(name, "it lies outside"));
        }
        let mut bytes = vec![0; end - start];
        self.source.seek(SeekFrom::Start(self.start + start as u64)).map_err(unread)?;
        self.source.read_exact(&mut bytes).map_err(unread)?;
        numbers(name, entry, &bytes)
    }
}

fn unread(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => corrupt(SHORT),
        _ => Error::new(ErrorKind::Io, "cannot read weights").because(error.to_string()),
    }
}

fn wrong(name: &str, why: &str) -> Error {
    corrupt(format!("tensor {name}: {why}"))
}

fn corrupt(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Corrupt, "damaged weights").because(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[f32]) -> Vec<u8> {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(data.iter().flat_map(|x| x.to_le_bytes()));
        bytes
    }

    const HEADER: &str = r#"{"__metadata__":{"name":"x"},
        "a":{"dtype":"F32","shape":[2,3],"data_offsets":[4,28]},
        "b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    const DATA: [f32; 7] = [7.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];

    #[test]
    fn tensors_are_found_by_name_and_shape() {
        let bytes = file(HEADER, &DATA);
        let tensors = Tensors::read(&bytes).unwrap();
        assert_eq!(tensors.take("a", &[2, 3]).unwrap(), DATA[1..]);
        assert_eq!(tensors.take("b", &[1]).unwrap(), [7.0]);
        for (name, shape) in [("a", &[3, 2][..]), ("a", &[6]), ("b", &[]), ("c", &[1])] {
            let error = tensors.take(name, shape).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{name} {shape:?}");
            assert!(error.to_string().contains(&format!("tensor {name}")));
        }
    }

    #[test]
    fn floats_of_16_bits_are_what_they_stand_for() {
        let table = [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x83ff, -6.097_555e-5),
        ];
        for (bits, value) in table {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7c00).is_nan() && half(0xfe00).is_nan(), "they are refused");
    }

    #[test]
    fn a_file_cut_anywhere_or_with_any_byte_changed_is_refused_or_read_in_bounds() {
        let whole = file(HEADER, &DATA);
        for len in 0..whole.len() {
            let cut = Tensors::read(&whole[..len]).and_then(|t| t.take("a", &[2, 3]));
            assert!(cut.is_err(), "cut after {len} bytes");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bad = whole.clone();
                bad[at] ^= 1 << bit;
                let _ = Tensors::read(&bad).and_then(|t| t.take("a", &[2, 3]));
            }
        }
    }

    #[test]
    fn lies_about_places_types_and_numbers_are_found_out() {
        let lies = [
            (r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,4]}}"#, 0.0),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}"#, 0.0),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 0.0),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,3]}}"#, 0.0),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[-1,4]}}"#, 0.0),
            (r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, f32::NAN),
            (r#"{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}"#, 0.0),
            (r#"{"a":17}"#, 0.0),
            (r#"["a"]"#, 0.0),
        ];
        for (header, number) in lies {
            let bytes = file(header, &[number]);
            let found = Tensors::read(&bytes).and_then(|t| t.take("a", &[1]));
            assert_eq!(found.unwrap_err().kind(), ErrorKind::Corrupt, "{header}");
        }
        let bytes = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        assert!(Tensors::read(&bytes).is_err());
    }
}
