//! Pages of a Parquet file, held against their bytes before anything is made of them.
//!
//! The library believes what the head of a page claims: a file of a few hundred bytes could ask for
//! gigabytes.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

/// Passes on pages that can be what they claim to be.
pub(super) struct HonestPages(pub Box<dyn PageReader>);

impl PageReader for HonestPages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.0.get_next_page()?.map(honest).transpose()
    }
    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }
    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }
    fn at_record_boundary(&mut self) -> Result<bool> {
        self.0.at_record_boundary()
    }
}

impl Iterator for HonestPages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn honest(page: Page) -> Result<Page> {
    let refused = |why: &str| Err(ParquetError::General(why.to_string()));
    match &page {
        // No value takes less than a byte.
        Page::DictionaryPage { buf, num_values, .. } if *num_values as usize > buf.len() => {
            refused("a page claims more values than it has bytes")
        }
        Page::DictionaryPage { encoding, .. }
        | Page::DataPage { encoding, .. }
        | Page::DataPageV2 { encoding, .. }
            if !is_ours(*encoding) =>
        {
            refused("a page of a kind we never write")
        }
        _ => Ok(page),
    }
}

/// Others have claims of their own inside their bytes.
#[allow(deprecated, reason = "dictionaries are still called so in files")]
fn is_ours(encoding: Encoding) -> bool {
    use Encoding::{PLAIN, PLAIN_DICTIONARY, RLE, RLE_DICTIONARY};
    matches!(encoding, PLAIN | PLAIN_DICTIONARY | RLE | RLE_DICTIONARY)
}
