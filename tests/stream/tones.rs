//! A source whose songs are tones: cheap to make, easy to recognise.

use std::f64::consts::TAU;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evermix::audio::AudioBuffer;
use evermix::base::{SampleRate, Seconds};
use evermix::stream::{
    Made, Need, News, Segment, SegmentTrack, SongCard, Source, SourceState, Wish,
};

pub const RATE: SampleRate = SampleRate::CD;
const BLOCK: i64 = 1 << 14;
/// Segments are told so many seconds before they are made.
const AHEAD: f64 = 20.0;

/// What tests do to a source while it is used.
#[derive(Default)]
pub struct Knobs {
    /// No block comes while it is set.
    pub stuck: AtomicBool,
    /// So many blocks end in a panic.
    pub panics: AtomicU32,
    /// What was wished.
    pub wishes: Mutex<Vec<Wish>>,
}

/// Songs of equal length, one after the other and from the first again, each crossing into the
/// next.
pub struct Tones {
    songs: Vec<Arc<SongCard>>,
    /// Seconds from song to song, and of the crossing in that.
    length: f64,
    crossing: f64,
    knobs: Arc<Knobs>,
    frame: i64,
    told: u64,
}

/// A song that is a tone.
pub fn card(number: usize, title: &str) -> SongCard {
    SongCard {
        id: format!("{number:032x}"),
        title: title.to_string(),
        artist: format!("Artist {number}"),
        album: "Tones".to_string(),
        genre: "Sine".to_string(),
        duration: Seconds(60.0),
        tempo: Some(120.0),
        key: Some("A minor".to_string()),
        camelot: Some("8A".to_string()),
        colour: "#a0b0c0".to_string(),
        artwork: None,
    }
}

/// The pitch of a song in Hz.
pub fn pitch(number: usize) -> f64 {
    330.0 + 110.0 * number as f64
}

impl Tones {
    pub fn new(songs: Vec<SongCard>, length: f64, crossing: f64, knobs: Arc<Knobs>) -> Tones {
        let songs = songs.into_iter().map(Arc::new).collect();
        Tones { songs, length, crossing, knobs, frame: 0, told: 0 }
    }

    /// Start of a segment: even ones are stays, odd ones crossings.
    fn start(&self, id: u64) -> i64 {
        let song = (id / 2) as f64 * self.length;
        let into = if id.is_multiple_of(2) { 0.0 } else { self.length - self.crossing };
        ((song + into) * RATE.as_f64()).round() as i64
    }

    fn segment(&self, id: u64) -> Segment {
        let number = (id / 2) as usize;
        let (start, frames) = (self.start(id), self.start(id + 1) - self.start(id));
        let seconds = frames as f64 / RATE.as_f64();
        let track = |number: usize, from: f64| SegmentTrack {
            start: Seconds(from),
            end: Seconds(from + seconds),
            peaks: vec![77; (5.0 * seconds).ceil() as usize],
            song: self.songs[number % self.songs.len()].clone(),
        };
        let (action, tracks) = match id.is_multiple_of(2) {
            true => ("Playback", vec![track(number, 0.0)]),
            false => (
                "Crossfade",
                vec![track(number, self.length - self.crossing), track(number + 1, 0.0)],
            ),
        };
        let beats: Vec<f64> = (0..(2.0 * seconds) as usize).map(|i| i as f64 / 2.0).collect();
        let downbeats = beats.iter().copied().step_by(4).collect();
        Segment { id, action, start, frames, beats, downbeats, why: None, tracks }
    }

    fn sample(&self, frame: i64) -> f32 {
        let seconds = frame as f64 / RATE.as_f64();
        let number = (seconds / self.length) as usize;
        let into = seconds - number as f64 * self.length;
        let tone = |number: usize| (TAU * pitch(number % self.songs.len()) * seconds).sin();
        let crossed = (into - (self.length - self.crossing)) / self.crossing;
        let sound = match crossed > 0.0 {
            true => (1.0 - crossed) * tone(number) + crossed * tone(number + 1),
            false => tone(number),
        };
        (0.25 * sound) as f32
    }
}

impl Source for Tones {
    fn rate(&self) -> SampleRate {
        RATE
    }

    fn next_block(&mut self, _: Need, out: &mut AudioBuffer) -> Made {
        while self.knobs.stuck.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let left = self.knobs.panics.load(Ordering::SeqCst);
        if left > 0 {
            self.knobs.panics.store(left - 1, Ordering::SeqCst);
            panic!("a source that fails, as the test wants it");
        }
        let plane: Vec<f32> = (0..BLOCK).map(|i| self.sample(self.frame + i)).collect();
        self.frame += BLOCK;
        *out = AudioBuffer { planes: vec![plane.clone(), plane] };
        Made::Sound
    }

    fn news(&mut self) -> Vec<News> {
        let to = self.frame + (AHEAD * RATE.as_f64()) as i64;
        let mut news = Vec::new();
        while self.start(self.told) < to {
            news.push(News::Planned(self.segment(self.told)));
            self.told += 1;
        }
        news
    }

    fn wish(&mut self, wish: Wish) {
        self.knobs.wishes.lock().unwrap().push(wish);
    }

    fn state(&self) -> SourceState {
        SourceState { known: self.songs.len(), ..SourceState::default() }
    }
}
