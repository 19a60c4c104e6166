//! One logical stream of an Ogg file, page by page.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::assembly::Assembly;
use super::pages::{MAX_PAGE, Page, Pages};
use crate::audio::packets::read_failed;
use crate::base::Result;

/// A stream that does not begin within so many bytes is not there.
const HEAD_WITHIN: u64 = 1 << 20;

/// Any source of bytes.
pub(super) trait Input: Read + Seek + Send {}

impl<T: Read + Seek + Send> Input for T {}

/// The pages of all streams in a file.
pub(super) type AllPages = Pages<Box<dyn Input>>;

/// One stream: its current page and the packets that end on it.
pub(super) struct Stream {
    pages: AllPages,
    pub page: Page,
    pub assembly: Assembly,
    next_sequence: u32,
    serial: u32,
    over: bool,
    /// More than its first page was read.
    under_way: bool,
    /// The current page begins another stream.
    next_begins: bool,
}

/// Finds the next page that begins a stream and fits; `page` is looked at first if it is given.
pub(super) fn find_first(
    pages: &mut AllPages,
    mut page: Option<Page>,
    fits: impl Fn(&[u8]) -> bool,
) -> Result<Option<Page>> {
    let start = pages.consumed();
    loop {
        let next = match page.take() {
            Some(page) => page,
            None if pages.consumed() - start > HEAD_WITHIN => return Ok(None),
            None => {
                let mut page = Page::default();
                if !pages.next_into(&mut page).map_err(read_failed)? {
                    return Ok(None);
                }
                page
            }
        };
        if next.first && fits(&next.payload) {
            return Ok(Some(next));
        }
    }
}

impl Stream {
    /// The stream that begins with `page`.
    pub fn begin(pages: AllPages, page: Page) -> Stream {
        Stream {
            pages,
            assembly: Assembly::default(),
            next_sequence: page.sequence.wrapping_add(1),
            serial: page.serial,
            over: page.last,
            under_way: false,
            next_begins: false,
            page,
        }
    }

    /// Whether the last page was read.
    pub fn over(&self) -> bool {
        self.over
    }

    /// Takes the next page, of whatever stream: `Some(complete)` if it is of this one, where
    /// `complete` says that no page is missing before it.
    pub fn take_page(&mut self) -> Result<Option<bool>> {
        if !self.pages.next_into(&mut self.page).map_err(read_failed)? {
            self.over = true;
            return Ok(None);
        }
        let page = &self.page;
        if page.serial != self.serial {
            // Streams that run beside this one all begin before any of them goes on.
            self.next_begins = page.first && self.under_way;
            self.over = self.next_begins;
            return Ok(None);
        }
        let complete = page.sequence == self.next_sequence;
        self.next_sequence = page.sequence.wrapping_add(1);
        self.over = page.last;
        self.under_way = true;
        self.assembly.take(page, complete);
        Ok(Some(complete))
    }

    /// The highest position claimed by the last pages of the file, if they belong to this stream.
    pub fn last_granule(&mut self) -> Option<i64> {
        let source = self.pages.source();
        let here = source.stream_position().ok()?;
        let tail = read_tail(source);
        source.seek(SeekFrom::Start(here)).ok()?;
        let mut pages = Pages::new(Cursor::new(tail.ok()?));
        let (mut page, mut found) = (Page::default(), None);
        while pages.next_into(&mut page).ok()? {
            if page.serial == self.serial && page.granule >= 0 {
                found = Some(page.granule);
            } else if page.first {
                found = None;
            }
        }
        found
    }

    /// Gives back the pages that follow, with the one that was read too many.
    pub fn into_rest(self) -> (AllPages, Option<Page>) {
        (self.pages, self.next_begins.then_some(self.page))
    }
}

/// Enough of the file's end to hold a whole page after a damaged one.
fn read_tail(source: &mut Box<dyn Input>) -> io::Result<Vec<u8>> {
    let end = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(end.saturating_sub(3 * MAX_PAGE as u64)))?;
    let mut tail = Vec::new();
    source.take(3 * MAX_PAGE as u64).read_to_end(&mut tail)?;
    Ok(tail)
}
