//! A made-up source: songs of kicks over a tone, which may hang or break off.

use std::f64::consts::TAU;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use evermix::audio::AudioBuffer;
use evermix::base::{SampleRate, Seconds};
use evermix::stream::{Made, Need, News, Segment, SegmentTrack, Source, SourceState, Wish};

use crate::tones::{RATE, card};

pub const BLOCK: i64 = 1 << 14;
pub const HZ: f64 = 44_100.0;
/// Beats a minute of the first song of [`Bars`]: a beat is no whole number of frames.
pub const BPM: f64 = 113.7;

/// What a test does to a source.
#[derive(Default)]
pub struct Knobs {
    pub stuck: Arc<AtomicBool>,
    /// The frame from which on another song is heard, once it is not 0.
    pub breaks: AtomicI64,
    /// The furthest frame that was said to be sent.
    pub sent: AtomicI64,
}

/// Songs of kicks, the first of a bar louder, over a tone; or of the tone alone.
pub struct Bars {
    pub beats: bool,
    pub knobs: Arc<Knobs>,
    pub frame: i64,
    pub told: i64,
}

/// Frames of a segment.
pub const FRAMES: i64 = 27 * BLOCK;

impl Bars {
    pub fn sample(&self, frame: i64) -> f32 {
        let breaks = self.knobs.breaks.load(Ordering::SeqCst);
        let second = breaks > 0 && frame >= breaks;
        let t = (if second { frame - breaks } else { frame }) as f64 / HZ;
        let tone = 0.08 * (TAU * if second { 523.7 } else { 311.3 } * t).sin();
        let (beat, length) = (t * BPM / 60.0, 60.0 / BPM);
        let into = beat.fract() * length;
        let loud = if (beat as i64) % 4 == 0 { 0.6 } else { 0.3 };
        let kick = loud * (-30.0 * into).exp() * (TAU * 70.0 * into).sin();
        (tone + if self.beats { kick } else { 0.0 }) as f32
    }

    fn segment(&self, id: i64) -> Segment {
        let breaks = self.knobs.breaks.load(Ordering::SeqCst);
        let second = breaks > 0 && id * FRAMES >= breaks;
        let (start, seconds) = (id * FRAMES, FRAMES as f64 / HZ);
        let begun = if second { breaks } else { 0 };
        let from = (start - begun) as f64 / HZ;
        let first = (from * BPM / 60.0).ceil() as i64;
        let at = |beat: i64| (1e3 * (beat as f64 * 60.0 / BPM - from)).round() / 1e3;
        let last = ((from + seconds) * BPM / 60.0).ceil() as i64;
        let all: Vec<i64> = if self.beats { (first..last).collect() } else { Vec::new() };
        let track = SegmentTrack {
            start: Seconds(from),
            end: Seconds(from + seconds),
            peaks: vec![99; 50],
            song: Arc::new(card(usize::from(second), if second { "B" } else { "A" })),
        };
        Segment {
            id: id as u64,
            action: "Playback",
            start,
            frames: FRAMES,
            beats: all.iter().map(|&beat| at(beat)).collect(),
            downbeats: all.iter().filter(|&beat| beat % 4 == 0).map(|&beat| at(beat)).collect(),
            why: None,
            tracks: vec![track],
        }
    }
}

impl Source for Bars {
    fn rate(&self) -> SampleRate {
        RATE
    }

    fn next_block(&mut self, need: Need, out: &mut AudioBuffer) -> Made {
        self.knobs.sent.fetch_max(need.sent, Ordering::SeqCst);
        while self.knobs.stuck.load(Ordering::SeqCst) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let plane: Vec<f32> = (0..BLOCK).map(|i| self.sample(self.frame + i)).collect();
        let afresh = self.knobs.breaks.load(Ordering::SeqCst) == self.frame && self.frame > 0;
        self.frame += BLOCK;
        *out = AudioBuffer { planes: vec![plane.clone(), plane] };
        if afresh { Made::Afresh } else { Made::Sound }
    }

    fn news(&mut self) -> Vec<News> {
        let mut news = Vec::new();
        while self.told * FRAMES < self.frame + 15 * 44_100 {
            news.push(News::Planned(self.segment(self.told)));
            self.told += 1;
        }
        news
    }

    fn wish(&mut self, _: Wish) {}

    fn state(&self) -> SourceState {
        SourceState { known: 1, ..SourceState::default() }
    }
}
