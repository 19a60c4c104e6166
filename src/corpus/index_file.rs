//! The index on disk: several spaces, ready to search, in one checked file.
//!
//! ```text
//! magic "EVXINDEX", format u32, hash of the feature table [32], number of spaces u32
//! per space: name, algorithm u8, rows u64, columns u32, per column name, mean, std, weight f64;
//!            splits (column u32, left_max f32, right_min f32), row numbers u32, values f32
//! BLAKE3 of everything before [32]
//! ```
//! All little-endian; names are a u16 length and UTF-8. How many splits and values there are
//! follows from rows and columns (`kd_tree`, `brute`), so reading is copying: no tree is rebuilt.
//! The file is data only and may come from anywhere: every count is held against the bytes that
//! are there before anything is allocated, and every number is checked.

use std::io::{self, Write};
use std::path::Path;

use super::brute::Blocks;
use super::kd_tree::{FlatTree, Split, split_count};
use super::knn::{Algorithm, Column, MAX_DIMS, Space, in_range};
use crate::base::{Error, ErrorKind, Result};

const MAGIC: &[u8; 8] = b"EVXINDEX";
const FORMAT: u32 = 1;
const HASH: usize = 32;
const MAX_SPACES: usize = 64;
const SPLIT_BYTES: usize = 12;
const REDO: &str = "remix fit-nearest-neighbours";

/// What went wrong while reading, without the path.
type Why<T> = Result<T, &'static str>;

/// The contents of an index file.
#[derive(Debug)]
pub struct IndexFile {
    /// BLAKE3 of the feature table the spaces were fitted to.
    pub dataset_hash: [u8; 32],
    /// The spaces, one for each layer; their names differ.
    pub spaces: Vec<Space>,
}

impl IndexFile {
    /// The space of a layer.
    pub fn space(&self, name: &str) -> Option<&Space> {
        self.spaces.iter().find(|space| space.name == name)
    }

    /// Writes the file. The same contents give the same bytes.
    ///
    /// # Errors
    /// What `out` reports; `InvalidInput` for contents [`IndexFile::from_bytes`] would refuse: too
    /// many spaces, two of the same name, a name beyond 65,535 bytes.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        check_names(&self.spaces)
            .map_err(|why| io::Error::new(io::ErrorKind::InvalidInput, why))?;
        let mut out = Hashing { out, hasher: blake3::Hasher::new() };
        out.write_all(MAGIC)?;
        out.write_all(&FORMAT.to_le_bytes())?;
        out.write_all(&self.dataset_hash)?;
        out.write_all(&(self.spaces.len() as u32).to_le_bytes())?;
        for space in &self.spaces {
            write_space(&mut out, space)?;
        }
        let hash = out.hasher.finalize();
        out.out.write_all(hash.as_bytes())
    }

    /// Reads a file. `path` is only named in errors.
    ///
    /// # Errors
    /// `Corrupt` for any byte that is not as written, for counts beyond the file's length, values
    /// that are not finite, row numbers out of range or repeated, and for other formats.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<IndexFile> {
        let corrupt = |why| Error::corrupt(path, why, REDO);
        let format = read_format(bytes).map_err(corrupt)?;
        if format > FORMAT {
            return Err(newer(path, format));
        }
        read_contents(bytes).map_err(corrupt)
    }
}

fn newer(path: &Path, format: u32) -> Error {
    Error::new(ErrorKind::Corrupt, "the index was written by a newer version")
        .at(path)
        .because(format!("its format is {format}, this program reads up to {FORMAT}"))
        .hint(format!("update this program, or make the index again with: {REDO}"))
}

fn check_names(spaces: &[Space]) -> Why<()> {
    let names = |space: &Space| space.columns.iter().all(|c| c.name.len() <= u16::MAX as usize);
    if spaces.len() > MAX_SPACES {
        return Err("there are too many layers");
    }
    if spaces.iter().any(|s| s.name.len() > u16::MAX as usize || !names(s)) {
        return Err("a name is too long");
    }
    let repeated = |(i, space): (usize, &Space)| spaces[..i].iter().any(|s| s.name == space.name);
    if spaces.iter().enumerate().any(repeated) {
        return Err("two layers have the same name");
    }
    Ok(())
}

/// Passes bytes on and hashes them.
struct Hashing<'a, W> {
    out: &'a mut W,
    hasher: blake3::Hasher,
}

impl<W: Write> Write for Hashing<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn write_space(out: &mut impl Write, space: &Space) -> io::Result<()> {
    write_name(out, &space.name)?;
    out.write_all(&[algorithm_code(space.algorithm)])?;
    out.write_all(&(space.len() as u64).to_le_bytes())?;
    out.write_all(&(space.dims() as u32).to_le_bytes())?;
    for column in &space.columns {
        write_name(out, &column.name)?;
        for value in [column.mean, column.std, column.weight] {
            out.write_all(&value.to_le_bytes())?;
        }
    }
    for split in space.tree.splits() {
        out.write_all(&split.column.to_le_bytes())?;
        out.write_all(&split.left_max.to_le_bytes())?;
        out.write_all(&split.right_min.to_le_bytes())?;
    }
    write_words(out, space.tree.ids().iter().map(|id| id.to_le_bytes()))?;
    write_words(out, space.tree.blocks().values().iter().map(|value| value.to_le_bytes()))
}

fn write_name(out: &mut impl Write, name: &str) -> io::Result<()> {
    out.write_all(&(name.len() as u16).to_le_bytes())?;
    out.write_all(name.as_bytes())
}

/// Writes four-byte words a few thousand at a time.
fn write_words(out: &mut impl Write, words: impl Iterator<Item = [u8; 4]>) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(1 << 16);
    for word in words {
        buffer.extend_from_slice(&word);
        if buffer.len() == 1 << 16 {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)
}

fn algorithm_code(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Auto => 0,
        Algorithm::KdTree => 1,
        Algorithm::BallTree => 2,
        Algorithm::Brute => 3,
    }
}

fn algorithm_of(code: u8) -> Option<Algorithm> {
    use Algorithm::{Auto, BallTree, Brute, KdTree};
    [Auto, KdTree, BallTree, Brute].into_iter().find(|&a| algorithm_code(a) == code)
}

fn read_format(bytes: &[u8]) -> Why<u32> {
    let mut reader = Reader(bytes);
    if reader.array::<8>() != Ok(*MAGIC) {
        return Err("it does not begin like an index");
    }
    reader.u32()
}

fn read_contents(bytes: &[u8]) -> Why<IndexFile> {
    let (body, hash) = bytes.split_last_chunk::<HASH>().ok_or(SHORT)?;
    if blake3::hash(body).as_bytes() != hash {
        return Err("its checksum does not match");
    }
    let mut reader = Reader(body);
    reader.array::<8>()?;
    if reader.u32()? != FORMAT {
        return Err("its format is unknown");
    }
    let dataset_hash = reader.array()?;
    let count = reader.u32()? as usize;
    if count > MAX_SPACES {
        return Err("it claims too many layers");
    }
    let spaces = (0..count).map(|_| reader.space()).collect::<Why<Vec<Space>>>()?;
    check_names(&spaces)?;
    if !reader.0.is_empty() {
        return Err("there are bytes after its end");
    }
    Ok(IndexFile { dataset_hash, spaces })
}

const SHORT: &str = "it is cut short, or claims more than it holds";

/// The bytes not read yet.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Why<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Why<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Why<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Takes `count` elements of `size` bytes; their total is checked before anything is copied.
    fn elements(&mut self, count: usize, size: usize) -> Why<&'a [u8]> {
        self.take(count.checked_mul(size).ok_or(SHORT)?)
    }

    fn words(&mut self, count: usize) -> Why<impl Iterator<Item = [u8; 4]>> {
        Ok(self.elements(count, 4)?.as_chunks::<4>().0.iter().copied())
    }

    fn name(&mut self) -> Why<String> {
        let length = u16::from_le_bytes(self.array()?);
        let bytes = self.take(usize::from(length))?;
        String::from_utf8(bytes.to_vec()).map_err(|_| "a name is not text")
    }

    fn space(&mut self) -> Why<Space> {
        let name = self.name()?;
        let [code] = self.array()?;
        let algorithm = algorithm_of(code).ok_or("it names an unknown algorithm")?;
        let rows = u64::from_le_bytes(self.array()?);
        let rows = u32::try_from(rows).map_err(|_| SHORT)? as usize;
        let dims = self.u32()? as usize;
        if dims == 0 || dims > MAX_DIMS {
            return Err("its number of columns is out of range");
        }
        let columns = (0..dims).map(|_| self.column()).collect::<Why<Vec<Column>>>()?;
        let tree = self.tree(rows, dims)?;
        Ok(Space::from_parts(name, columns, algorithm, tree))
    }

    fn column(&mut self) -> Why<Column> {
        let name = self.name()?;
        let mut number = || self.array().map(f64::from_le_bytes);
        let column = Column { name, mean: number()?, std: number()?, weight: number()? };
        let sane = |value: f64| value.is_finite() && value >= 0.0;
        if column.mean.is_finite() && sane(column.std) && sane(column.weight) {
            Ok(column)
        } else {
            Err("the scale of a column is not a number")
        }
    }

    fn tree(&mut self, rows: usize, dims: usize) -> Why<FlatTree> {
        let splits = self.elements(split_count(rows), SPLIT_BYTES)?;
        let splits = splits.as_chunks::<SPLIT_BYTES>().0.iter().map(split).collect();
        let ids = self.words(rows)?.map(u32::from_le_bytes).collect();
        let needed = Blocks::values_needed(rows, dims).ok_or(SHORT)?;
        let values: Vec<f32> = self.words(needed)?.map(f32::from_le_bytes).collect();
        if values.iter().fold(false, |any, value| any | !in_range(value)) {
            return Err("a value is not a number, or absurdly large");
        }
        let blocks = Blocks::from_values(values, dims, rows).ok_or("its padding is not zero")?;
        FlatTree::from_parts(splits, ids, blocks)
    }
}

fn split(bytes: &[u8; SPLIT_BYTES]) -> Split {
    let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    Split {
        column: u32::from_le_bytes(word(0)),
        left_max: f32::from_le_bytes(word(4)),
        right_min: f32::from_le_bytes(word(8)),
    }
}

#[cfg(test)]
mod tests;
