//! Where the sound of a source lies in the mix. The two run alike until something is played again,
//! or left out.

use std::collections::VecDeque;

use super::joint::{Joint, Marks};
use crate::base::SampleRate;
use crate::stream::source::{News, Segment};

/// From a frame of the mix on, the source is heard from a place on, up to another.
#[derive(Clone, Copy, Debug)]
struct Leg {
    mix: i64,
    source: i64,
    until: i64,
}

/// What a source tells, brought to where it is heard.
#[derive(Debug)]
pub struct Route {
    rate: SampleRate,
    /// What the source told and is not long over, by its own frames and numbers.
    segments: VecDeque<Segment>,
    legs: VecDeque<Leg>,
    /// Added to the numbers of what comes.
    shift: u64,
    /// The smallest number that may still be told otherwise.
    first: u64,
    news: Vec<News>,
}

impl Route {
    /// A source that is heard from its first frame on.
    pub fn new(rate: SampleRate) -> Route {
        let begin = Leg { mix: 0, source: 0, until: i64::MAX };
        let (segments, legs, news) = (VecDeque::new(), VecDeque::from([begin]), Vec::new());
        Route { rate, segments, legs, shift: 0, first: 0, news }
    }

    /// What there is to tell, once.
    pub fn news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    fn leg(&self) -> Leg {
        // There is always one.
        self.legs.back().copied().unwrap_or(Leg { mix: 0, source: 0, until: i64::MAX })
    }

    fn offset(&self) -> i64 {
        self.leg().mix - self.leg().source
    }

    /// Where in the source a frame of the mix is; what was heard before that is forgotten.
    pub fn source(&mut self, mix: i64) -> i64 {
        while self.legs.get(1).is_some_and(|next| next.mix <= mix) {
            self.legs.pop_front();
        }
        self.legs.front().map_or(0, |leg| (leg.source + mix - leg.mix).min(leg.until))
    }

    /// Takes what the source tells.
    pub fn take(&mut self, news: News) {
        match news {
            News::Planned(segment) => {
                self.segments.retain(|before| before.id < segment.id);
                match self.ahead(&segment) {
                    Some(told) => self.news.push(News::Planned(told)),
                    None => self.news.push(News::Gone(self.first)),
                }
                self.segments.push_back(segment);
            }
            News::Gone(from) => {
                self.segments.retain(|segment| segment.id < from);
                self.news.push(News::Gone((from + self.shift).max(self.first)));
            }
            News::Note(text) => self.news.push(News::Note(text)),
        }
    }

    /// What of a segment lies on the last leg, as it is told.
    fn ahead(&self, segment: &Segment) -> Option<Segment> {
        let Leg { source, .. } = self.leg();
        if segment.end() <= source && segment.start < source {
            return None;
        }
        let mut told = segment.clone();
        if told.start < source {
            told = told.since(source, self.rate);
        }
        told.start += self.offset();
        told.id += self.shift;
        Some(told)
    }

    /// Goes another way from the place `to` on, which goes on at `source` after `frames` more of
    /// the mix; those are told as `between`.
    fn turn(&mut self, to: i64, frames: i64, source: i64, between: Option<Segment>) {
        let heard = self.segments.iter().find(|s| s.start <= to && to < s.end());
        let mix = to + self.offset();
        // What sounds there ends there, with a number of its own.
        let cut = heard.and_then(|s| self.ahead(s)).filter(|told| told.start < mix);
        let next = match (&cut, heard) {
            (Some(cut), _) => cut.id + 1,
            (None, Some(heard)) => heard.id + self.shift,
            (None, None) => self.segments.back().map_or(0, |s| s.id + 1) + self.shift,
        };
        let next = next.max(self.first);
        self.news.push(match cut {
            Some(cut) => News::Planned(cut.until(mix, self.rate)),
            None => News::Gone(next),
        });
        let told = between.map(|segment| Segment { id: next, start: mix, frames, ..segment });
        self.first = next + u64::from(told.is_some());
        self.news.extend(told.map(News::Planned));
        let coming = self.segments.iter().find(|s| s.end() > source).map(|s| s.id);
        let coming = coming.or(self.segments.back().map(|s| s.id + 1)).unwrap_or(0);
        self.shift = self.first.saturating_sub(coming).max(self.shift);
        if let Some(leg) = self.legs.back_mut() {
            leg.until = to;
        }
        self.legs.push_back(Leg { mix: mix + frames, source, until: i64::MAX });
        let rest: Vec<Segment> = self.segments.iter().filter_map(|s| self.ahead(s)).collect();
        self.news.extend(rest.into_iter().map(News::Planned));
    }

    /// What lies between the places of a joint is heard once more.
    pub fn again(&mut self, joint: &Joint) {
        let (from, to) = (joint.from(), joint.to());
        let round =
            self.segments.iter().rev().find(|s| s.start < to).map(|s| self.round(s, from, to));
        self.turn(to, to - from, to, round);
    }

    /// A stretch of the source as it is told when it is played again. In the middle of a transition
    /// that song is told which is heard at the end of it.
    fn round(&self, segment: &Segment, from: i64, to: i64) -> Segment {
        let inside = |beats: fn(&Segment) -> &Vec<f64>| -> Vec<f64> {
            let placed = self.placed(beats).filter(|at| (from..to).contains(at));
            placed.map(|at| self.after(at, from)).collect()
        };
        let comes = 2 * (to - segment.start) >= segment.frames;
        let song = if comes { segment.tracks.last() } else { segment.tracks.first() };
        let id = song.map(|track| track.song.id.clone());
        // The song may have been told in several pieces.
        let pieces = self.segments.iter().filter(|s| s.start < to && from < s.end());
        let tracks = pieces.flat_map(|piece| {
            let piece = piece.clone().until(to, self.rate).since(from, self.rate);
            piece.tracks.into_iter().find(|track| Some(&track.song.id) == id.as_ref())
        });
        let track = tracks.reduce(|mut whole, piece| {
            whole.end = piece.end;
            whole.peaks.extend(piece.peaks);
            whole
        });
        Segment {
            action: "Loop",
            beats: inside(|s| &s.beats),
            downbeats: inside(|s| &s.downbeats),
            why: None,
            tracks: track.into_iter().collect(),
            ..segment.clone()
        }
    }

    fn after(&self, at: i64, from: i64) -> f64 {
        (1e3 * (at - from) as f64 / self.rate.as_f64()).round() / 1e3
    }

    fn placed<'a>(&'a self, beats: fn(&Segment) -> &Vec<f64>) -> impl Iterator<Item = i64> + 'a {
        let rate = self.rate.as_f64();
        let frames = move |s: &'a Segment| {
            beats(s).iter().map(move |beat| s.start + (beat * rate).round() as i64)
        };
        self.segments.iter().flat_map(frames)
    }

    /// The source is left at a joint, and heard from another place on.
    pub fn over(&mut self, joint: &Joint) {
        self.turn(joint.to(), 0, joint.from(), None);
    }

    /// So many frames of nothing are heard at a place.
    pub fn pause(&mut self, at: i64, frames: i64) {
        self.turn(at, frames, at, None);
    }

    /// The beats of what was told, before a place.
    pub fn marks(&self, before: i64) -> Marks {
        let all = |beats| self.placed(beats).filter(|at| *at < before).collect();
        let mut begun = self.segments.iter().filter(|s| s.start < before);
        Marks {
            beats: all(|s: &Segment| &s.beats),
            downbeats: all(|s: &Segment| &s.downbeats),
            action: begun.next_back().map_or(i64::MIN, |s| s.start),
        }
    }

    /// What sounds at a place.
    pub fn segment(&self, at: i64) -> Option<&Segment> {
        self.segments.iter().rev().find(|s| s.start <= at)
    }

    /// Drops what is over before a place.
    pub fn forget(&mut self, before: i64) {
        while self.segments.front().is_some_and(|s| s.end() < before) {
            self.segments.pop_front();
        }
    }
}
