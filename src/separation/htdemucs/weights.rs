//! The weights of a network, read tensor by tensor from the user's file.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::config::Config;
use crate::base::{ByteSource, Error, ErrorKind, Result};
use crate::separation::safetensors::TensorFile;

/// Digits of the signature that may stand before the names in a file, with a full stop after it.
const SIGNATURE: usize = 8;
/// Of the fine-tuned bag, the network that knows each source best, in the order of the sources.
const SPECIALISTS: [&str; 4] = ["f7e0c4bc", "d12395a8", "92cfc3b6", "04573f0d"];

/// One network's tensors in a file that may hold several networks.
pub struct Weights {
    file: RefCell<TensorFile>,
    prefix: String,
    /// Names nobody has asked for yet.
    left: RefCell<BTreeSet<String>>,
}

/// The networks in a file by the prefix of their tensors: one, or one for each source.
///
/// # Errors
/// `Corrupt` where the file is damaged, `Missing` where it holds something else.
pub fn networks(source: Box<dyn ByteSource>) -> Result<Vec<String>> {
    let file = TensorFile::open(source)?;
    let prefixes: BTreeSet<&str> = file.names().map(prefix).collect();
    let prefixes: Vec<&str> = prefixes.into_iter().collect();
    if let [one] = prefixes[..] {
        return Ok(vec![one.to_string()]);
    }
    let bag = SPECIALISTS.map(|signature| format!("{signature}."));
    if prefixes.len() == bag.len() && bag.iter().all(|name| prefixes.contains(&name.as_str())) {
        return Ok(bag.to_vec());
    }
    Err(unfit(match prefixes.len() {
        0 => "there is no tensor in it".to_string(),
        n => format!("it holds {n} networks, and not those of htdemucs_ft"),
    }))
}

/// The signature a name begins with, as far as it does.
fn prefix(name: &str) -> &str {
    let hex = |part: &str| part.bytes().all(|b| b.is_ascii_hexdigit());
    match name.split_once('.') {
        Some((first, _)) if first.len() == SIGNATURE && hex(first) => &name[..=SIGNATURE],
        _ => "",
    }
}

impl Weights {
    /// Opens the network with this prefix.
    ///
    /// # Errors
    /// `Corrupt` where the file is damaged.
    pub fn open(source: Box<dyn ByteSource>, prefix: &str) -> Result<Weights> {
        let file = TensorFile::open(source)?;
        let left = file.names().filter_map(|name| name.strip_prefix(prefix)).map(String::from);
        let left = left.collect();
        Ok(Weights {
            file: RefCell::new(file),
            prefix: prefix.to_string(),
            left: RefCell::new(left),
        })
    }

    /// What the file says and shows of the network's measures.
    ///
    /// # Errors
    /// `Missing` where it is no network of this kind.
    pub fn config(&self) -> Result<Config> {
        let file = self.file.borrow();
        Config::of(&|name| file.shape(&format!("{}{name}", self.prefix)), file.about("kwargs"))
    }

    /// Bytes that this network's numbers take as 32-bit floats, or more than that.
    pub fn bytes(&self) -> usize {
        // Only of what is there: shapes may claim anything.
        let file = self.file.borrow();
        let all = file.names().count().max(1);
        let ours = file.names().filter(|name| name.starts_with(&self.prefix)).count();
        (2.0 * file.bytes() as f64 * ours as f64 / all as f64) as usize
    }

    /// The numbers of a tensor of this shape, row after row.
    ///
    /// # Errors
    /// `Corrupt` where there is none of that name and shape.
    pub fn take(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.left.borrow_mut().remove(name);
        self.file.borrow_mut().take(&format!("{}{name}", self.prefix), shape)
    }

    /// Makes sure that nothing in the file was overlooked: it would be another architecture.
    ///
    /// # Errors
    /// `Missing` naming a tensor that was not asked for.
    pub fn all_taken(&self) -> Result<()> {
        match self.left.borrow().first() {
            None => Ok(()),
            Some(name) => Err(unfit(format!("this network has no place for its tensor {name}"))),
        }
    }
}

/// A file that is no network of this kind.
pub fn unfit(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Missing, "not an HTDemucs network")
        .because(why)
        .hint("remix models list names files that work; or use --model compact")
}
