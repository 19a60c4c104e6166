//! Tables of named columns, stored as Parquet: readable with pandas, polars and DuckDB.

mod pages;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::data_type::{ByteArray, ByteArrayType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::base::{Error, ErrorKind, Result, contained};
use pages::HonestPages;

/// Most columns read from a file: 4,096 features and their labels.
const MAX_COLUMNS: usize = 5_000;

/// Most values for each byte of a file. Only what repeats takes less than a byte, and rows of ours
/// have labels that do not.
const MOST_REPEATED: u64 = 256;

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Words.
    Text(Vec<String>),
    /// Whole numbers.
    Int(Vec<i64>),
    /// Measures.
    Real(Vec<f32>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Column::Text(v) => v.len(),
            Column::Int(v) => v.len(),
            Column::Real(v) => v.len(),
        }
    }
}

/// A table: columns of one length, and notes about it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    columns: Vec<(String, Column)>,
    /// Notes stored beside the data, such as the schema's version.
    pub notes: BTreeMap<String, String>,
}

impl Table {
    /// Adds a column; all columns must have one length.
    pub fn push(&mut self, name: impl Into<String>, column: Column) {
        debug_assert!(self.columns.is_empty() || column.len() == self.rows());
        self.columns.push((name.into(), column));
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, c)| c.len())
    }

    /// Names of the columns in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|(n, _)| n == name).map(|(_, c)| c)
    }

    /// A column of words.
    ///
    /// # Errors
    /// `Corrupt` where the table has none of that name and kind.
    pub fn text(&self, name: &str) -> Result<&[String]> {
        match self.column(name) {
            Some(Column::Text(values)) => Ok(values),
            _ => Err(no_column(name)),
        }
    }

    /// A column of whole numbers.
    ///
    /// # Errors
    /// As [`Table::text`].
    pub fn int(&self, name: &str) -> Result<&[i64]> {
        match self.column(name) {
            Some(Column::Int(values)) => Ok(values),
            _ => Err(no_column(name)),
        }
    }

    /// A column of measures.
    ///
    /// # Errors
    /// As [`Table::text`].
    pub fn real(&self, name: &str) -> Result<&[f32]> {
        match self.column(name) {
            Some(Column::Real(values)) => Ok(values),
            _ => Err(no_column(name)),
        }
    }

    /// The table as a Parquet file. The same table gives the same bytes.
    ///
    /// # Errors
    /// `Internal` where the library refuses; it does not for columns of one length.
    pub fn to_parquet(&self) -> Result<Vec<u8>> {
        self.encode().map_err(|e| {
            Error::new(ErrorKind::Internal, "cannot encode the table").because(e.to_string())
        })
    }

    fn encode(&self) -> Result<Vec<u8>, ParquetError> {
        let fields = self.columns.iter().map(|(name, column)| field(name, column));
        let fields = fields.collect::<Result<Vec<_>, _>>()?;
        let schema = Arc::new(Type::group_type_builder("beats").with_fields(fields).build()?);
        let notes = self.notes.iter().map(|(k, v)| KeyValue::new(k.clone(), v.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            // A fixed name: the bytes must not change with the library's version alone.
            .set_created_by("evermix".to_string())
            .set_key_value_metadata(Some(notes))
            .build();
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
        let mut group = writer.next_row_group()?;
        for (_, column) in &self.columns {
            let Some(mut out) = group.next_column()? else { break };
            match column {
                Column::Text(values) => {
                    let values: Vec<ByteArray> =
                        values.iter().map(|s| ByteArray::from(s.as_str())).collect();
                    out.typed::<ByteArrayType>().write_batch(&values, None, None)?;
                }
                Column::Int(values) => {
                    out.typed::<Int64Type>().write_batch(values, None, None)?;
                }
                Column::Real(values) => {
                    out.typed::<FloatType>().write_batch(values, None, None)?;
                }
            }
            out.close()?;
        }
        group.close()?;
        writer.into_inner()
    }

    /// Reads a table; `redo` is the command that makes it anew.
    ///
    /// # Errors
    /// `Corrupt` where the bytes are no Parquet file of ours.
    pub fn from_parquet(bytes: Vec<u8>, path: &Path, redo: &str) -> Result<Table> {
        // The library reads untrusted bytes; a panic in it must not end the program.
        match contained(|| decode(bytes.into())) {
            Some(Ok(table)) => Ok(table),
            Some(Err(e)) => Err(Error::corrupt(path, e.to_string(), redo)),
            None => Err(Error::corrupt(path, "it cannot be decoded", redo)),
        }
    }
}

fn no_column(name: &str) -> Error {
    Error::new(ErrorKind::Corrupt, "the dataset lacks a column")
        .because(format!("no `{name}` in it"))
        .hint("remix create-dataset")
}

fn field(name: &str, column: &Column) -> Result<Arc<Type>, ParquetError> {
    let physical = match column {
        Column::Text(_) => Physical::BYTE_ARRAY,
        Column::Int(_) => Physical::INT64,
        Column::Real(_) => Physical::FLOAT,
    };
    let builder =
        Type::primitive_type_builder(name, physical).with_repetition(Repetition::REQUIRED);
    let builder = match column {
        Column::Text(_) => builder.with_logical_type(Some(LogicalType::String)),
        _ => builder,
    };
    Ok(Arc::new(builder.build()?))
}

fn decode(bytes: bytes::Bytes) -> Result<Table, ParquetError> {
    let length = bytes.len() as u64;
    let reader = SerializedFileReader::new(bytes)?;
    let meta = reader.metadata().file_metadata();
    let mut table = Table::default();
    for note in meta.key_value_metadata().into_iter().flatten() {
        table.notes.insert(note.key.clone(), note.value.clone().unwrap_or_default());
    }
    let names: Vec<String> =
        meta.schema_descr().columns().iter().map(|c| c.name().to_string()).collect();
    if names.len() > MAX_COLUMNS {
        return Err(ParquetError::General("too many columns".into()));
    }
    let rows = reader.metadata().row_groups().iter().map(|g| g.num_rows().max(0) as u64);
    let values = rows.fold(0, u64::saturating_add).saturating_mul(names.len() as u64);
    if values > length.saturating_mul(MOST_REPEATED) {
        return Err(ParquetError::General("it claims more values than it can hold".into()));
    }
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        for (index, name) in names.iter().enumerate() {
            let pages = Box::new(HonestPages(group.get_column_page_reader(index)?));
            let kind = reader.metadata().file_metadata().schema_descr().column(index);
            let column = read_column(get_column_reader(kind, pages), rows)?;
            match table.columns.get_mut(index) {
                Some((_, so_far)) => append(so_far, column)?,
                None => table.columns.push((name.clone(), column)),
            }
        }
    }
    if table.columns.iter().any(|(_, c)| c.len() != table.rows()) {
        return Err(ParquetError::General("columns of different lengths".into()));
    }
    Ok(table)
}

fn read_column(reader: ColumnReader, rows: usize) -> Result<Column, ParquetError> {
    match reader {
        ColumnReader::ByteArrayColumnReader(mut reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, None, None, &mut values)?;
            let words = values.iter().map(|v| v.as_utf8().map(str::to_string));
            Ok(Column::Text(words.collect::<Result<_, _>>()?))
        }
        ColumnReader::Int64ColumnReader(mut reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, None, None, &mut values)?;
            Ok(Column::Int(values))
        }
        ColumnReader::FloatColumnReader(mut reader) => {
            let mut values = Vec::new();
            reader.read_records(rows, None, None, &mut values)?;
            Ok(Column::Real(values))
        }
        _ => Err(ParquetError::General("a column of a kind we never write".into())),
    }
}

fn append(column: &mut Column, more: Column) -> Result<(), ParquetError> {
    match (column, more) {
        (Column::Text(a), Column::Text(b)) => a.extend(b),
        (Column::Int(a), Column::Int(b)) => a.extend(b),
        (Column::Real(a), Column::Real(b)) => a.extend(b),
        _ => return Err(ParquetError::General("row groups do not agree".into())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::default();
        table.push("song", Column::Text(vec!["a.mp3".into(), "ö".into(), String::new()]));
        table.push("beat", Column::Int(vec![0, -1, i64::MAX]));
        table.push("mix_mfcc_0", Column::Real(vec![0.5, -1e-20, 3e30]));
        table.notes.insert("schema".into(), "1".into());
        table
    }

    #[test]
    fn a_table_comes_back_whole_and_its_bytes_repeat() {
        let bytes = table().to_parquet().unwrap();
        assert_eq!(bytes, table().to_parquet().unwrap());
        let back = Table::from_parquet(bytes, Path::new("t"), "x").unwrap();
        assert_eq!(back.columns, table().columns);
        assert_eq!(back.notes["schema"], "1");
        assert!(back.real("beat").is_err());
    }

    #[test]
    fn damaged_bytes_are_an_error_never_a_panic() {
        let good = table().to_parquet().unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            let _ = Table::from_parquet(bad, Path::new("t"), "x");
            let _ = Table::from_parquet(good[..at].to_vec(), Path::new("t"), "x");
        }
    }

    fn refusal(bytes: Vec<u8>) -> String {
        Table::from_parquet(bytes, Path::new("t"), "x").unwrap_err().reason()
    }

    #[test]
    fn a_page_that_claims_more_values_than_it_has_bytes_is_refused_before_it_is_read() {
        let mut bytes = table().to_parquet().unwrap();
        // The head of the last column's dictionary: so many values, encoded plainly.
        let head = [0x4c, 0x15, 2 * 3, 0x15, 0];
        let at = bytes.windows(5).rposition(|w| w == head).unwrap();
        // 2^31 - 1 of them.
        bytes.splice(at + 2..at + 3, [0xfe, 0xff, 0xff, 0xff, 0x0f]);
        assert!(refusal(bytes).contains("more values than it has bytes"));
    }

    #[test]
    fn more_values_than_rows_of_ours_can_hold_are_refused() {
        let mut table = Table::default();
        table.push("beat", Column::Int(vec![0; 1_000_000]));
        let bytes = table.to_parquet().unwrap();
        assert!(bytes.len() < 4_000, "{} bytes for a million values", bytes.len());
        assert!(refusal(bytes).contains("more values than it can hold"));
    }
}
