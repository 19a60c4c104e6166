//! Reading tensors from a safetensors file: a length, a JSON table of contents, raw numbers.
//!
//! Nothing in the file is believed: every length is checked before it is used.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::base::{Error, ErrorKind, Result};

/// The table of contents of a model of ours takes a few kilobytes.
const LONGEST_HEADER: usize = 1 << 20;
/// The name under which free text about the file is kept.
const ABOUT: &str = "__metadata__";

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
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
        let (length, rest) = bytes.split_first_chunk().ok_or_else(|| corrupt("it is too short"))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > LONGEST_HEADER.min(rest.len()) {
            return Err(corrupt("its table of contents is longer than the file or than allowed"));
        }
        let (header, data) = rest.split_at(length);
        let entries: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(header).map_err(|e| corrupt(e.to_string()))?;
        let entries = entries.into_iter().filter(|(name, _)| name != ABOUT).map(|(name, value)| {
            let entry = serde_json::from_value(value);
            Ok((name, entry.map_err(|e| corrupt(e.to_string()))?))
        });
        Ok(Tensors { entries: entries.collect::<Result<_>>()?, data })
    }

    /// The numbers of a tensor of this shape, row after row.
    ///
    /// # Errors
    /// `ErrorKind::Corrupt` where there is none of that name and shape, or where it holds anything
    /// but finite 32-bit floats.
    pub fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let wrong = |why: &str| Err(corrupt(format!("tensor {name}: {why}")));
        let Some(entry) = self.entries.get(name) else { return wrong("it is missing") };
        if entry.dtype != "F32" || entry.shape != shape {
            let found = format!("it is {} {:?}, not F32 {shape:?}", entry.dtype, entry.shape);
            return wrong(&found);
        }
        let (start, end) = entry.data_offsets;
        let Some(bytes) = self.data.get(start..end) else { return wrong("it lies outside") };
        let (numbers, left) = bytes.as_chunks();
        if !left.is_empty() || numbers.len() != shape.iter().product::<usize>() {
            return wrong("its length does not fit its shape");
        }
        let values: Vec<f32> = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
        if !values.iter().all(|x| x.is_finite()) {
            return wrong("not every number in it is finite");
        }
        Ok(values)
    }
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
