//! Exact nearest neighbours among rows of numbers: spaces, engines, and which engine is used when.
//!
//! Distances are Euclidean. Whatever the engine, rows are ordered by the direct formula in 64-bit
//! floats (differences and sum in column order), rows of equal distance by row number; the engines
//! only differ in how many rows they look at.

use std::sync::OnceLock;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::brute;
use super::kd_tree::FlatTree;
use super::linfa_oracle;
use crate::base::{Error, ErrorKind, Result};

/// Most columns of a space.
pub const MAX_DIMS: usize = 4096;

/// Largest magnitude of a standardised value: its square, summed over [`MAX_DIMS`] columns, still
/// fits a 32-bit float. Real values stay below a few hundred.
pub const MAX_VALUE: f32 = 1e15;

/// How neighbours are looked for. All find the same rows in the same order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Algorithm {
    /// The fastest measured for the size: see [`Engine::fastest`].
    #[default]
    Auto,
    /// `KdTree` of linfa-nn.
    KdTree,
    /// `BallTree` of linfa-nn.
    BallTree,
    /// `LinearSearch` of linfa-nn.
    Brute,
}

/// A way to search, named by what does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Engine {
    /// Our KD-tree, stored in the index and ready when it is read.
    FlatTree,
    /// Our scan over all rows, sixteen abreast.
    Scan,
    /// Our matrix products over many queries at once; a single query is scanned.
    Products,
    /// linfa-nn's KD-tree, built when the searcher is made.
    LinfaKdTree,
    /// linfa-nn's ball tree, built when the searcher is made.
    LinfaBallTree,
    /// linfa-nn's linear search.
    LinfaLinear,
}

/// A row and its Euclidean distance from the query.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The row, counted from 0 in the order the space was fitted with.
    pub row: u32,
    /// The distance, rounded to 32 bits after the rows were ordered.
    pub distance: f32,
}

/// Exact search in one space.
pub trait Search: Send + Sync {
    /// The `k` nearest rows, ascending by distance, then by row. Fewer when there are fewer rows;
    /// none when the query has the wrong length or a value beyond `MAX_VALUE` or not a number.
    fn nearest(&self, query: &[f32], k: usize) -> Vec<Neighbour>;

    /// [`Search::nearest`] for each row of a row-major matrix of queries.
    fn nearest_all(&self, queries: &[f32], k: usize) -> Vec<Vec<Neighbour>>;
}

/// A column of a space and how its raw values are standardised.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// What the column holds, e.g. `chroma_3`.
    pub name: String,
    /// Mean of the raw values.
    pub mean: f64,
    /// Population standard deviation of the raw values; 0 if the column is constant up to
    /// rounding, and then it is ignored.
    pub std: f64,
    /// Factor applied after standardising; equal groups are the caller's to weigh.
    pub weight: f64,
}

impl Column {
    /// A column whose mean and deviation [`Space::fit`] will find.
    pub fn new(name: impl Into<String>, weight: f64) -> Column {
        Column { name: name.into(), mean: 0.0, std: 1.0, weight }
    }

    /// The standardised, weighted value: `weight (raw - mean) / std`.
    pub fn standardise(&self, raw: f32) -> f32 {
        if self.std > 0.0 {
            (self.weight * ((f64::from(raw) - self.mean) / self.std)) as f32
        } else {
            0.0
        }
    }

    /// Finds mean and deviation. A spread of a few units in the last place of the largest value
    /// is rounding, not information, and counts as none.
    fn fit(&mut self, values: impl Iterator<Item = f32> + Clone) {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().map(f64::from).sum::<f64>() / count;
        let variance = values.clone().map(|v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
        let largest = values.map(|v| f64::from(v.abs())).fold(0.0, f64::max);
        let std = variance.sqrt();
        let noise = 4.0 * f64::from(f32::EPSILON) * largest;
        self.mean = mean;
        self.std = if std > noise { std } else { 0.0 };
    }
}

/// A named matrix of standardised rows with exact search: one layer ("mix", "drums", "other") of
/// a corpus.
#[derive(Debug)]
pub struct Space {
    /// The layer.
    pub name: String,
    pub(super) columns: Vec<Column>,
    pub(super) algorithm: Algorithm,
    pub(super) tree: FlatTree,
    /// What linfa-nn borrows, made when one of its engines is first asked for.
    row_major: OnceLock<Array2<f32>>,
}

impl Space {
    /// Standardises and weighs raw rows (row-major, `columns.len()` values each) and builds the
    /// search tree. No rows at all is fine: nothing is then near anything.
    ///
    /// # Errors
    /// `Unusable` for a value that is not finite, naming its row and column; `Internal` for shapes
    /// or weights that make no sense; `Limit` for more than 2^32 - 1 rows.
    pub fn fit(
        name: impl Into<String>,
        mut columns: Vec<Column>,
        raw: &[f32],
        algorithm: Algorithm,
    ) -> Result<Space> {
        let name = name.into();
        check_raw(&columns, raw).map_err(|e| e.0.error(&name, e.1))?;
        let dims = columns.len();
        for (index, column) in columns.iter_mut().enumerate() {
            column.fit(raw[index.min(raw.len())..].iter().step_by(dims).copied());
        }
        let cells = raw.iter().zip(columns.iter().cycle());
        let rows: Vec<f32> = cells.map(|(&value, column)| column.standardise(value)).collect();
        if let Some(at) = rows.iter().position(|value| !in_range(value)) {
            let why =
                format!("row {} is absurdly far away in '{}'", at / dims, columns[at % dims].name);
            return Err(Fault::Data.error(&name, why));
        }
        let tree = FlatTree::build(&rows, dims);
        Ok(Space::from_parts(name, columns, algorithm, tree))
    }

    pub(super) fn from_parts(
        name: String,
        columns: Vec<Column>,
        algorithm: Algorithm,
        tree: FlatTree,
    ) -> Space {
        Space { name, columns, algorithm, tree, row_major: OnceLock::new() }
    }

    /// The columns with their means, deviations and weights.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The algorithm the space was fitted for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.tree.blocks().len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of columns.
    pub fn dims(&self) -> usize {
        self.columns.len()
    }

    /// The standardised values of a row: a query that finds the row itself. `None` if there is no
    /// such row.
    pub fn row(&self, row: usize) -> Option<Vec<f32>> {
        Some(self.tree.row(row)?.copied().collect())
    }

    /// Standardises and weighs a raw row, so that it can be a query.
    pub fn standardise(&self, raw: &[f32]) -> Vec<f32> {
        raw.iter().zip(&self.columns).map(|(&value, column)| column.standardise(value)).collect()
    }

    /// The `k` nearest rows to a standardised query by the fastest engine, which is the same
    /// answer as [`Search::nearest`] of any searcher.
    pub fn nearest(&self, query: &[f32], k: usize) -> Vec<Neighbour> {
        Ours { space: self, engine: Engine::fastest(self.len(), self.dims(), 1) }.nearest(query, k)
    }

    /// A searcher by the algorithm the space was fitted for.
    ///
    /// # Errors
    /// As [`Space::searcher_with`].
    pub fn searcher(&self) -> Result<Box<dyn Search + '_>> {
        match self.algorithm {
            Algorithm::Auto => Ok(Box::new(Auto { space: self })),
            Algorithm::KdTree => self.searcher_with(Engine::LinfaKdTree),
            Algorithm::BallTree => self.searcher_with(Engine::LinfaBallTree),
            Algorithm::Brute => self.searcher_with(Engine::LinfaLinear),
        }
    }

    /// A searcher by one engine. Ours are ready at once; those of linfa-nn build their tree here.
    ///
    /// # Errors
    /// `Internal` if linfa-nn refuses to build its tree.
    pub fn searcher_with(&self, engine: Engine) -> Result<Box<dyn Search + '_>> {
        match linfa_oracle::named(engine) {
            None => Ok(Box::new(Ours { space: self, engine })),
            Some(named) => {
                let rows = self.row_major.get_or_init(|| linfa_oracle::nudged_rows(self));
                linfa_oracle::searcher(self, rows, &named)
            }
        }
    }

    /// Whether a query has the right length and only numbers of sane size.
    pub(super) fn accepts(&self, query: &[f32]) -> bool {
        query.len() == self.dims() && query.iter().all(in_range)
    }
}

/// Whether a standardised value is a number of sane size.
pub(super) fn in_range(value: &f32) -> bool {
    value.abs() <= MAX_VALUE
}

impl Engine {
    /// The fastest engine measured (`benches/index.rs`) for `queries` at once among `rows` rows.
    ///
    /// Matrix products win once there is enough to multiply and the tree prunes little, that is
    /// from about twenty columns. All else goes to the tree: where it prunes nothing (100,000 rows
    /// of 61) it still is within a tenth of the scan.
    pub fn fastest(rows: usize, dims: usize, queries: usize) -> Engine {
        let multiplied = rows.saturating_mul(dims).saturating_mul(queries);
        if dims >= 20 && rows >= 10_000 && queries >= 8 && multiplied >= 8_000_000 {
            Engine::Products
        } else {
            Engine::FlatTree
        }
    }
}

/// The fastest of our engines for each call.
struct Auto<'a> {
    space: &'a Space,
}

impl Search for Auto<'_> {
    fn nearest(&self, query: &[f32], k: usize) -> Vec<Neighbour> {
        self.space.nearest(query, k)
    }

    fn nearest_all(&self, queries: &[f32], k: usize) -> Vec<Vec<Neighbour>> {
        let Space { tree, .. } = self.space;
        let dims = self.space.dims();
        let engine = Engine::fastest(tree.blocks().len(), dims, queries.len() / dims);
        Ours { space: self.space, engine }.nearest_all(queries, k)
    }
}

/// One of our engines.
struct Ours<'a> {
    space: &'a Space,
    engine: Engine,
}

impl Search for Ours<'_> {
    fn nearest(&self, query: &[f32], k: usize) -> Vec<Neighbour> {
        let tree = &self.space.tree;
        match self.engine {
            _ if !self.space.accepts(query) => Vec::new(),
            Engine::FlatTree => tree.nearest(query, k),
            _ => brute::nearest(tree.blocks(), tree.ids(), query, k),
        }
    }

    fn nearest_all(&self, queries: &[f32], k: usize) -> Vec<Vec<Neighbour>> {
        let tree = &self.space.tree;
        let each = queries.chunks(self.space.dims());
        if self.engine == Engine::Products && each.clone().all(|query| self.space.accepts(query)) {
            return brute::nearest_all(tree.blocks(), tree.ids(), queries, k);
        }
        each.map(|query| self.nearest(query, k)).collect()
    }
}

/// What is wrong with rows to fit.
enum Fault {
    Call,
    Data,
    Size,
}

impl Fault {
    fn error(&self, space: &str, why: String) -> Error {
        let kind = match self {
            Fault::Call => ErrorKind::Internal,
            Fault::Data => ErrorKind::Unusable,
            Fault::Size => ErrorKind::Limit,
        };
        Error::new(kind, format!("cannot index the layer '{space}'")).because(why)
    }
}

fn check_raw(columns: &[Column], raw: &[f32]) -> Result<(), (Fault, String)> {
    let dims = columns.len();
    if dims == 0 || dims > MAX_DIMS || !raw.len().is_multiple_of(dims) {
        let why = format!("{} values do not make rows of {dims} columns", raw.len());
        return Err((Fault::Call, why));
    }
    if u32::try_from(raw.len() / dims).is_err() {
        return Err((Fault::Size, "more than 4,294,967,295 rows".into()));
    }
    if let Some(column) = columns.iter().find(|c| !(c.weight >= 0.0 && c.weight.is_finite())) {
        return Err((Fault::Call, format!("the weight of '{}' is {}", column.name, column.weight)));
    }
    match raw.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let (row, column) = (at / dims, &columns[at % dims].name);
            Err((Fault::Data, format!("row {row} has a '{column}' that is not a number")))
        }
    }
}

#[cfg(test)]
mod tests;
