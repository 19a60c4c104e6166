//! Packets put together from the segments of pages.

use std::ops::Range;

use super::pages::Page;

/// Longest packet kept; more than any audio packet. Tags beyond it (pictures) are cut off.
const MAX_PACKET: usize = 1 << 20;

/// The packets that end on the current page, and the beginning of one that does not.
#[derive(Default)]
pub(super) struct Assembly {
    data: Vec<u8>,
    ends: Vec<usize>,
    taken: usize,
    /// Segments belong to a packet whose beginning was lost: they are dropped.
    headless: bool,
}

impl Assembly {
    /// Replaces the packets of the last page by those of `page`. `complete` says that no page
    /// is missing between the two.
    pub fn take(&mut self, page: &Page, complete: bool) {
        self.data.drain(..self.ends.last().copied().unwrap_or(0));
        self.ends.clear();
        self.taken = 0;
        let resumes = page.continued && complete && !self.data.is_empty();
        if !resumes {
            self.data.clear();
        }
        self.headless = page.continued && !resumes;
        let mut rest = &page.payload[..];
        for &length in &page.lacing {
            let (segment, after) = rest.split_at(usize::from(length).min(rest.len()));
            rest = after;
            self.append(segment, length < 255);
        }
    }

    fn append(&mut self, segment: &[u8], ends_packet: bool) {
        let start = self.ends.last().copied().unwrap_or(0);
        if !self.headless && self.data.len() - start < MAX_PACKET {
            self.data.extend_from_slice(segment);
        }
        if ends_packet {
            self.headless = false;
            if self.data.len() > start {
                self.ends.push(self.data.len());
            }
        }
    }

    /// Whether no packet ends on this page.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Drops all packets of this page.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.data.clear();
        self.taken = 0;
    }

    /// All packets that end on this page.
    pub fn packets(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.data[start..end])
    }

    /// The next of them that was not taken yet.
    pub fn next_packet(&mut self) -> Option<Range<usize>> {
        let end = *self.ends.get(self.taken)?;
        let start = if self.taken == 0 { 0 } else { self.ends[self.taken - 1] };
        self.taken += 1;
        Some(start..end)
    }

    /// The bytes of a packet.
    pub fn bytes(&self, packet: Range<usize>) -> &[u8] {
        &self.data[packet]
    }
}
