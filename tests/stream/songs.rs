//! Songs long enough to be mixed, heard once for all tests of this binary, and decks of them.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use evermix::audio::AudioBuffer;
use evermix::base::{Cancel, Limits, Lufs, Quiet, SampleRate, Seconds, Seed};
use evermix::forever::catalogue::Catalogue;
use evermix::forever::live::{
    Answer, Deck, Desired, Librarian, LiveMix, LiveOptions, Reader, Remembered,
};
use evermix::forever::{Ordering, PlanJob, Stems, Wishes};
use evermix::mix::dj::Options;
use evermix::order::Weights;
use evermix::pipeline::{BeatSource, Context};
use evermix::store::{Cache, DiskFs};
use evermix::stream::{Made, Need, News, Segment, Source as _};

use crate::common::Song;

/// Everything a stage is given, and three songs.
pub struct Studio {
    pub folder: PathBuf,
    limits: Limits,
    cancel: Cancel,
    cache: Cache,
    pub beats: BeatSource,
}

/// The one studio; whoever needs other files copies them.
pub fn studio() -> &'static Studio {
    static STUDIO: OnceLock<Studio> = OnceLock::new();
    STUDIO.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stream");
        // What an older version of the program heard must not count.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("music")).unwrap();
        for (i, bpm) in [118.0, 121.0, 124.0].into_iter().enumerate() {
            let song = Song { seconds: 64.0, ..Song::at(bpm, 5 * i % 12) };
            song.write(&folder.join(format!("music/song{i}.wav")));
        }
        let cache = Cache::new(folder.join("cache/evermix"));
        let (limits, cancel) = (Limits::default(), Cancel::new());
        let studio = Studio { folder, limits, cancel, cache, beats: BeatSource::Evermix };
        // All songs are heard here, and then known to all.
        studio.librarian(|_| {});
        studio
    })
}

impl Studio {
    pub fn context(&self) -> Context<'_> {
        Context {
            fs: &DiskFs,
            limits: &self.limits,
            progress: &Quiet,
            cancel: &self.cancel,
            threads: 2,
            cache: Some(&self.cache),
        }
    }

    pub fn options(&self) -> LiveOptions {
        LiveOptions {
            job: PlanJob {
                options: Options::default(),
                length: None,
                tracks: None,
                order: Ordering::default(),
                window: 3,
                weights: Weights::default(),
                wishes: Wishes::default(),
                never: [Vec::new(), Vec::new()],
                seed: Seed(5),
                loudness: Lufs(-14.0),
                rate: SampleRate::CD,
                overrides: Vec::new(),
                energy: None,
            },
            inputs: vec![self.folder.join("music")],
            stems: Stems::None,
            wishes: self.folder.join("inject.txt"),
            look: Duration::from_secs(30),
        }
    }

    /// Works with a librarian of the songs that knows of no plays.
    pub fn librarian<T>(&self, work: impl FnOnce(&mut Librarian<'_>) -> T) -> T {
        self.librarian_of(self.options(), work)
    }

    /// Works with a librarian of other songs.
    pub fn librarian_of<T>(
        &self,
        options: LiveOptions,
        work: impl FnOnce(&mut Librarian<'_>) -> T,
    ) -> T {
        let context = self.context();
        let catalogue = Catalogue::in_memory().unwrap();
        let before = Remembered::default();
        let mut librarian =
            Librarian::new(&context, &self.beats, options, catalogue, &before).unwrap();
        work(&mut librarian)
    }
}

/// The three songs, ready to be played, in the order of the tour.
pub fn decks() -> Vec<Deck> {
    static DECKS: OnceLock<Vec<Deck>> = OnceLock::new();
    let studio = studio();
    let make = || studio.librarian(|l| (0..3).map(|_| l.next_deck().unwrap().unwrap()).collect());
    DECKS.get_or_init(make).clone()
}

/// A deck whose file is a copy that may be damaged.
pub fn copied(deck: &Deck, folder: &Path) -> (Deck, PathBuf) {
    let copy = folder.join("copy.wav");
    std::fs::copy(&deck.track.path, &copy).unwrap();
    let mut deck = deck.clone();
    deck.track.path = copy.to_str().unwrap().to_string();
    (deck, copy)
}

/// A mix that is answered by hand.
pub struct Hand {
    pub mix: LiveMix,
    pub answers: Sender<Answer>,
    pub desired: Receiver<Desired>,
    /// All that is on the board.
    pub board: Vec<Segment>,
    /// Frames made.
    pub frames: i64,
    /// Blocks without any sound, as the seconds they begin at.
    pub silent: Vec<f64>,
    /// Where sound began that does not go on what was before, in seconds.
    pub afresh: Vec<f64>,
    /// Notes.
    pub said: Vec<String>,
}

impl Hand {
    /// A mix that begins with a song at a place in it.
    pub fn new(first: Deck, place: Option<f64>) -> Hand {
        let (answers, answered) = channel();
        let (desire, desired) = channel();
        let studio = studio();
        let first = Some((first, place.map(Seconds)));
        let mix = LiveMix::new(studio.options(), &studio.limits, first, answered, desire);
        Hand {
            mix,
            answers,
            desired,
            board: Vec::new(),
            frames: 0,
            silent: Vec::new(),
            afresh: Vec::new(),
            said: Vec::new(),
        }
    }

    /// The same with songs that are read otherwise.
    pub fn reading(self, reader: Reader) -> Hand {
        Hand { mix: self.mix.reading(reader), ..self }
    }

    /// Answers with a song.
    pub fn give(&self, deck: &Deck) {
        self.answers.send(Answer::Deck(Box::new(deck.clone()))).unwrap();
    }

    /// Makes some seconds of the mix, and gives the left channel.
    pub fn play(&mut self, seconds: f64) -> Vec<f32> {
        let until = self.frames + (seconds * 44_100.0) as i64;
        let mut sound = Vec::new();
        while self.frames < until {
            sound.extend(self.block().planes[0].iter());
        }
        sound
    }

    /// Makes one block.
    pub fn block(&mut self) -> AudioBuffer {
        let mut block = AudioBuffer::new(2);
        let need = Need { lead: Seconds(0.0), sent: self.frames };
        let made = self.mix.next_block(need, &mut block);
        assert_eq!(made == Made::Nothing, block.is_empty());
        if made == Made::Afresh {
            self.afresh.push(self.frames as f64 / 44_100.0);
        }
        for news in self.mix.news() {
            let from = match &news {
                News::Planned(segment) => segment.id,
                News::Gone(from) => *from,
                News::Note(text) => {
                    self.said.push(text.clone());
                    continue;
                }
            };
            self.board.retain(|segment| segment.id < from);
            if let News::Planned(segment) = news {
                self.board.push(segment);
            }
        }
        assert!(block.planes.iter().flatten().all(|x| x.is_finite()));
        if made != Made::Nothing && block.planes[0].iter().all(|x| x.abs() < 1e-4) {
            self.silent.push(self.frames as f64 / 44_100.0);
        }
        self.frames += block.frames() as i64;
        block
    }

    /// What is on the board as action and songs: `Playback 0`, `Crossmatch 0 1`.
    pub fn told(&self) -> Vec<String> {
        let mut end = None;
        let line = |segment: &Segment| {
            assert!(end.is_none_or(|end| end == segment.start), "a gap on the board");
            end = Some(segment.start + segment.frames);
            let songs = segment.tracks.iter().map(|t| format!(" {}", number(&t.song.title)));
            segment.action.to_string() + &songs.collect::<String>()
        };
        self.board.iter().map(line).collect()
    }

    /// The songs on the board in their order, each once where it comes.
    pub fn songs(&self) -> Vec<usize> {
        let all = self.board.iter().flat_map(|s| &s.tracks);
        let mut songs: Vec<usize> = all.map(|t| number(&t.song.title)).collect();
        songs.dedup();
        songs
    }

    /// When the first transition between two songs begins, in seconds.
    pub fn transition(&self) -> Option<f64> {
        let two = |s: &&Segment| s.tracks.len() == 2 && s.tracks[0].song.id != s.tracks[1].song.id;
        self.board.iter().find(two).map(|s| s.start as f64 / 44_100.0)
    }
}

/// The number in a song's name.
pub fn number(title: &str) -> usize {
    title.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}
