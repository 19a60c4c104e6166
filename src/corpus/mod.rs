//! Beat-level material: clips, the feature table, the neighbour index.

mod brute;
mod clip_sum;
mod index_file;
mod kd_tree;
mod knn;
mod linfa_oracle;
mod reader;
mod song;
mod table;

pub use clip_sum::ClipSum;
pub use index_file::IndexFile;
pub use knn::{Algorithm, Column as SpaceColumn, Engine, Neighbour, Search, Space};
pub use reader::SongReader;
pub use song::{Layer, Piece, PieceKind, SONG_SCHEMA, SongBeats};
pub use table::{Column, Table};
