//! Where decoded frames belong: what is skipped at the start, gaps and the end, all from granule
//! positions.

use std::ops::Range;

/// The longest gap that is filled, in frames: 10 minutes at 48 kHz. A page further away is taken for one
/// with a wrong position and played where the last one ended.
const MAX_GAP: i64 = 10 * 60 * 48_000;

/// Frames that may be cut off at the start: a page of them.
const MAX_EARLY: i64 = 255 * 4_096;

/// Positions from here on (three million years) are no positions.
const NEVER: i64 = 1 << 62;

/// Counts frames in the stream's own positions (granules).
#[derive(Debug)]
pub(super) struct Timeline {
    pre_skip: i64,
    /// What lies before position 0 on the first page is cut off, as Vorbis wants it.
    may_begin_early: bool,
    /// Position of the next frame; `None` before the first page.
    at: Option<i64>,
    /// First position that is heard.
    from: i64,
    /// First position that is heard no more.
    until: i64,
    /// Taken off the positions that pages claim, after several that could not be right.
    shift: i64,
    /// The shift that would make the last page's position right, if it was not.
    suspect: Option<i64>,
    /// Frames of silence due before the next packet.
    gap: i64,
    gap_frames: u64,
}

impl Timeline {
    pub fn new(pre_skip: u16) -> Self {
        let pre_skip = i64::from(pre_skip);
        Timeline {
            pre_skip,
            may_begin_early: false,
            at: None,
            from: 0,
            until: i64::MAX,
            shift: 0,
            suspect: None,
            gap: 0,
            gap_frames: 0,
        }
    }

    pub fn that_may_begin_early() -> Self {
        Timeline { may_begin_early: true, ..Timeline::new(0) }
    }

    pub fn started(&self) -> bool {
        self.at.is_some()
    }

    pub fn in_gap(&self) -> bool {
        self.gap > 0
    }

    pub fn gap_frames(&self) -> u64 {
        self.gap_frames
    }

    /// Frames heard if the stream ends at `granule`.
    pub fn frames_until(&self, granule: i64) -> Option<u64> {
        self.started().then(|| granule.saturating_sub(self.from).max(0).unsigned_abs())
    }

    /// Takes note of a page on which `frames` frames of packets end, the last at `granule`.
    /// `complete`: no page is missing before it. `last`: the stream ends here.
    ///
    /// A position that goes back or far ahead is believed only when the next page confirms it;
    /// till then, and after, the music plays on without a seam.
    pub fn place(&mut self, granule: i64, frames: usize, complete: bool, last: bool) {
        if !(0..NEVER).contains(&granule) {
            // Not a position. Without any the stream counts from 0.
            self.begin_at(0);
            return;
        }
        let start = granule.saturating_sub(frames as i64);
        if self.at.is_none() && self.may_begin_early && !last && (-MAX_EARLY..0).contains(&start) {
            self.at = Some(start);
        } else if self.at.is_none() {
            self.begin_at(first_position(start, complete));
        }
        let at = self.at.unwrap_or(0).saturating_add(self.gap);
        let ahead = start - self.shift - at;
        let fits = (0..=MAX_GAP).contains(&ahead) || (last && ahead < 0);
        if fits {
            self.gap += ahead.max(0);
        } else if self.suspect == Some(self.shift + ahead) {
            self.shift += ahead;
        }
        self.suspect = (!fits).then_some(self.shift + ahead);
        if last && fits {
            self.until = granule.saturating_sub(self.shift);
        }
    }

    fn begin_at(&mut self, position: i64) {
        if self.at.is_none() {
            self.at = Some(position);
            self.from = position.saturating_add(self.pre_skip);
        }
    }

    /// Makes a gap of a packet that could not be decoded.
    pub fn open_gap(&mut self, frames: usize) {
        self.gap += frames as i64;
    }

    /// Moves on by at most `most` frames of the gap and returns how many of them are heard.
    pub fn take_silence(&mut self, most: usize) -> usize {
        let frames = self.gap.clamp(0, most as i64);
        self.gap -= frames;
        let heard = self.take_audio(frames as usize).len();
        self.gap_frames += heard as u64;
        heard
    }

    /// Moves on by `frames` decoded frames and returns which of them are heard.
    pub fn take_audio(&mut self, frames: usize) -> Range<usize> {
        let at = self.at.unwrap_or(0);
        self.at = Some(at.saturating_add(frames as i64));
        let frames = frames as i64;
        let start = self.from.saturating_sub(at).clamp(0, frames);
        let end = self.until.saturating_sub(at).clamp(start, frames);
        start as usize..end as usize
    }
}

/// Where the stream begins, seen from its first page: anywhere (a recording joined late), but not
/// before 0 (then the last frames are padding, or the position is wrong). After lost pages only 0
/// is sure, if it is near.
fn first_position(start: i64, complete: bool) -> i64 {
    if !complete && start <= MAX_GAP { 0 } else { start.max(0) }
}
