//! Sources that are late, hang or break off: what is heard then, frame by frame.

use std::f64::consts::TAU;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Instant;

use evermix::audio::encode::live::{Format, LiveEncoder, Packet};
use evermix::base::{Result, SampleRate, Seconds, VirtualClock};
use evermix::stream::{Board, Producer, Segment, Source, Station, StationOptions, TICK, Workshop};

use crate::air::HANGS;
use crate::bars::{BLOCK, BPM, Bars, FRAMES, HZ, Knobs};

/// An encoder that lets the sound be looked at.
struct Listen {
    encoder: Box<dyn LiveEncoder>,
    heard: Arc<Mutex<Vec<f32>>>,
}

impl LiveEncoder for Listen {
    fn rate(&self) -> SampleRate {
        self.encoder.rate()
    }

    fn header(&self) -> bytes::Bytes {
        self.encoder.header()
    }

    fn encode(&mut self, planar: &[&[f32]], packets: &mut Vec<Packet>) -> Result<()> {
        self.heard.lock().unwrap().extend_from_slice(planar[0]);
        self.encoder.encode(planar, packets)
    }
}

/// A station whose time is moved by hand, and its sound.
pub struct Bench {
    clock: Arc<VirtualClock>,
    pub station: Station,
    producer: Producer,
    noted: mpsc::Receiver<String>,
    pub heard: Arc<Mutex<Vec<f32>>>,
    knobs: Arc<Knobs>,
}

impl Bench {
    fn new(beats: bool) -> Bench {
        let knobs = Arc::new(Knobs::default());
        let source = Bars { beats, knobs: knobs.clone(), frame: 0, told: 0 };
        Bench::with_lead(Box::new(source), knobs, 35.0)
    }

    /// A station that makes so much of a source ahead.
    pub fn with_lead(source: Box<dyn Source>, knobs: Arc<Knobs>, lead: f64) -> Bench {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listened = heard.clone();
        let encoders = move |format: Format, rate, name: &str| -> Result<Box<dyn LiveEncoder>> {
            let encoder = format.encoder(rate, name)?;
            Ok(Box::new(Listen { encoder, heard: listened.clone() }))
        };
        let workshop = Workshop { encoders: Box::new(encoders), ..Workshop::default() };
        let formats = ["mp3".parse().unwrap()];
        let made = Producer::in_workshop(source, &formats, "Late", workshop);
        let (producer, mounts) = made.unwrap();
        let (clock, (notes, noted)) = (Arc::new(VirtualClock::default()), mpsc::channel());
        let board = Board::new(HZ, Vec::new());
        let options = StationOptions { lead: Seconds(lead), ..StationOptions::default() };
        let station = Station::new(options, mounts, board, clock.clone(), notes);
        let mut bench = Bench { clock, station, producer, noted, heard, knobs };
        bench.make();
        bench.station.tick();
        bench
    }

    /// Makes as much sound as is wanted, or as there is.
    fn make(&mut self) {
        let since = Instant::now();
        while self.station.lead() < self.station.options.lead {
            assert!(since.elapsed() < 3 * HANGS, "no sound comes");
            let made = self.station.made();
            self.producer.step(&self.station).unwrap();
            let stuck = self.knobs.stuck.load(Ordering::SeqCst);
            if stuck && (self.station.made() == made) {
                return;
            }
        }
    }

    pub fn pass(&mut self, seconds: f64) {
        for _ in 0..(seconds / TICK.as_secs_f64()).round() as usize {
            self.make();
            self.clock.advance(TICK);
            self.station.tick();
        }
    }

    /// The source hangs for so long.
    pub fn hang(&mut self, seconds: f64) {
        self.knobs.stuck.store(true, Ordering::SeqCst);
        self.pass(seconds);
        self.knobs.stuck.store(false, Ordering::SeqCst);
    }

    pub fn underruns(&self) -> u64 {
        self.station.counts.underruns.load(Ordering::Relaxed)
    }

    fn said(&self, text: &str) -> usize {
        self.noted.try_iter().filter(|line| line.contains(text)).count()
    }

    /// The board, which has no gaps: action, song, first frame, length.
    pub fn board(&self) -> Vec<(&'static str, String, i64, i64)> {
        let board = self.station.board();
        let line = |s: &Segment| (s.action, s.tracks[0].song.title.clone(), s.start, s.frames);
        let all: Vec<_> = board.segments().map(line).collect();
        for pair in all.windows(2) {
            assert_eq!(pair[0].2 + pair[0].3, pair[1].2, "a gap or an overlap: {pair:?}");
        }
        all
    }
}

pub fn level(sound: &[f32]) -> f64 {
    let power: f64 = sound.iter().map(|x| f64::from(x * x)).sum();
    10.0 * (power / sound.len() as f64).log10()
}

/// The largest step from a frame to the next.
fn step(sound: &[f32]) -> f32 {
    sound.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}

/// Where kicks begin, in seconds, and whether each is the first of a bar: found in the bass.
fn kicks(sound: &[f32]) -> Vec<(f64, bool)> {
    let frame = 64;
    let power = |w: &[f32]| w.iter().map(|x| x.abs()).fold(0.0f32, f32::max);
    let loud: Vec<f32> = sound.chunks(frame).map(power).collect();
    let (mut found, mut at) = (Vec::new(), 1);
    while at + 8 < loud.len() {
        if loud[at] > 0.14 && loud[at - 1] <= 0.14 {
            let peak = loud[at..at + 8].iter().copied().fold(0.0, f32::max);
            found.push(((at * frame) as f64 / HZ, peak > 0.38));
            at += 250;
        }
        at += 1;
    }
    found
}

#[test]
fn a_source_that_comes_back_in_time_is_heard_bit_for_bit() {
    let mut bench = Bench::new(true);
    for pause in [5.0, 20.0, 1.0, 25.0] {
        bench.pass(20.0);
        bench.hang(pause);
    }
    bench.pass(1.0);
    assert_eq!((bench.underruns(), bench.station.rounds().times), (0, 0));
    let heard = bench.heard.lock().unwrap();
    let source = Bars { beats: true, knobs: Arc::default(), frame: 0, told: 0 };
    assert!(heard.len() > 90 * 44_100);
    let differs = heard.iter().enumerate().position(|(i, &x)| x != source.sample(i as i64));
    assert_eq!(differs, None);
}

#[test]
fn a_source_that_hangs_is_filled_with_its_last_bars_on_the_beat() {
    let mut bench = Bench::new(true);
    bench.pass(40.0);
    bench.hang(90.0);
    let rounds = bench.station.rounds();
    assert!(rounds.now && !bench.station.healthy());
    bench.pass(30.0);
    assert_eq!(bench.underruns(), 0);
    let rounds = bench.station.rounds();
    assert!((rounds.times, rounds.now) == (1, false) && bench.station.healthy(), "{rounds:?}");
    // What was at hand, 40 s, is not filled.
    assert!((45.0..70.0).contains(&rounds.seconds.0), "{rounds:?}");
    let said: Vec<String> = bench.noted.try_iter().collect();
    let notes: Vec<&String> = said.iter().filter(|line| line.contains("the mix")).collect();
    assert_eq!(notes.len(), 2, "{said:?}");
    assert!(notes[0].contains("last bars of Artist 0 - A"), "{notes:?}");
    assert!(notes[1].contains(&format!("{:.1} s", rounds.seconds.0)), "{notes:?}");
    let heard = bench.heard.lock().unwrap().clone();
    let source = Bars { beats: true, knobs: Arc::default(), frame: 0, told: 0 };
    let first = heard.iter().enumerate().position(|(i, &x)| x != source.sample(i as i64)).unwrap();
    let again = &heard[first - 44_100..first + (rounds.seconds.0 * HZ) as usize + 44_100];
    // The beat and the bar go on through all rounds and into what comes after.
    let kicks = kicks(again);
    assert!(kicks.len() > 80, "{}", kicks.len());
    for pair in kicks.windows(2) {
        let apart = pair[1].0 - pair[0].0;
        assert!((apart - 60.0 / BPM).abs() < 0.004, "{apart} s at {:?}", pair[0]);
    }
    let downbeat = kicks.iter().position(|kick| kick.1).unwrap();
    for (i, kick) in kicks.iter().enumerate() {
        assert_eq!(kick.1, i % 4 == downbeat % 4, "beat {i} at {} s", kick.0);
    }
    // Bar for bar as loud, and no click: nothing is steeper than the music.
    let bar = (4.0 * 60.0 / BPM * HZ) as usize;
    let levels: Vec<f64> = again.chunks_exact(bar).map(level).collect();
    let (least, most) = levels.iter().fold((0.0f64, -99.0f64), |(a, b), &x| (a.min(x), b.max(x)));
    assert!(most - least < 0.7, "{least} to {most} dB");
    assert!(step(again) <= 1.1 * step(&heard[..first]), "a click");
    // Afterwards it is the source, later by what was played again.
    let by = (rounds.seconds.0 * HZ).round() as usize;
    let late = |i: &usize| heard[*i] != source.sample((i - by) as i64);
    let differs = (first + by + 44_100..heard.len()).find(late);
    assert_eq!(differs, None, "from {first}, by {by}");
}

#[test]
fn what_is_played_again_is_told_where_it_is_heard() {
    let mut bench = Bench::new(true);
    bench.pass(40.0);
    bench.hang(70.0);
    let filling = bench.board();
    assert!(filling.iter().any(|s| s.0 == "Loop"), "{filling:?}");
    let at_hand = bench.station.made().0 * HZ;
    let end = filling.last().map(|s| (s.2 + s.3) as f64).unwrap();
    assert!(end > at_hand, "what is heard is on the board");
    bench.pass(40.0);
    let board = bench.board();
    let again: i64 = board.iter().filter(|s| s.0 == "Loop").map(|s| s.3).sum();
    let by = (bench.station.rounds().seconds.0 * HZ).round() as i64;
    assert!((again - by).abs() <= 1, "{again} frames instead of {by}");
    // Without what was played again, it is the source's own board.
    let plays: i64 = board.iter().filter(|s| s.0 == "Playback").map(|s| s.3).sum();
    assert_eq!(plays % FRAMES, 0, "{board:?}");
    let numbers: Vec<u64> = bench.station.board().segments().map(|s| s.id).collect();
    assert!(numbers.windows(2).all(|w| w[0] < w[1]), "{numbers:?}");
    // Places in the song go on where they were left, and the source knows what was sent.
    let segments: Vec<Segment> = bench.station.board().segments().cloned().collect();
    let plays: Vec<&Segment> = segments.iter().filter(|s| s.action == "Playback").collect();
    for pair in plays.windows(2) {
        let apart = pair[1].tracks[0].start.0 - pair[0].tracks[0].end.0;
        assert!(apart.abs() < 2e-3, "{apart} s between {:?}", pair);
    }
    for round in segments.iter().filter(|s| s.action == "Loop") {
        let track = &round.tracks[0];
        let seconds = round.frames as f64 / HZ;
        assert!((track.end.0 - track.start.0 - seconds).abs() < 0.02, "{round:?}");
        assert_eq!(round.beats.len(), (seconds * BPM / 60.0).round() as usize);
        assert_eq!(round.downbeats.len(), round.beats.len() / 4);
    }
    let due = (bench.station.now().0 * HZ) as i64 - by;
    let sent = bench.knobs.sent.load(Ordering::SeqCst);
    assert!((due - sent).abs() < 2 * BLOCK, "{sent} instead of {due}");
}

#[test]
fn sound_without_a_beat_goes_round_with_a_long_crossing() {
    let mut bench = Bench::new(false);
    bench.pass(40.0);
    bench.hang(80.0);
    bench.pass(30.0);
    let rounds = bench.station.rounds();
    assert_eq!((bench.underruns(), rounds.times), (0, 1), "{rounds:?}");
    let heard = bench.heard.lock().unwrap().clone();
    let levels: Vec<f64> = heard.chunks_exact(4_410).map(level).collect();
    let (least, most) = levels.iter().fold((0.0f64, -99.0f64), |(a, b), &x| (a.min(x), b.max(x)));
    // Two tones of one pitch may meet in any phase: none is lost, none is doubled.
    assert!(least > -27.0 && most < -20.5, "{least} to {most} dB");
    assert!(step(&heard) < 1.5 * 0.08 * (TAU * 311.3 / HZ) as f32, "a click");
}

#[test]
fn a_source_that_hangs_for_long_costs_no_memory_and_no_sound() {
    let mut bench = Bench::new(true);
    bench.pass(30.0);
    bench.hang(300.0);
    assert_eq!((bench.underruns(), bench.station.rounds().times), (0, 1));
    let board = bench.board();
    // Five minutes of rounds, each of eight bars or less.
    assert!((15..100).contains(&board.len()), "{}", board.len());
    assert!(bench.said("late") == 1);
    bench.pass(20.0);
    assert!(bench.station.healthy());
}

#[test]
fn a_song_that_breaks_off_is_left_on_a_bar_line() {
    let mut bench = Bench::new(true);
    let breaks = 3 * FRAMES;
    bench.knobs.breaks.store(breaks, Ordering::SeqCst);
    // Made before it was known is made again: a bench of its own.
    let knobs = bench.knobs.clone();
    let source = Bars { beats: true, knobs: knobs.clone(), frame: 0, told: 0 };
    bench = Bench::with_lead(Box::new(source), knobs, 35.0);
    bench.pass(60.0);
    assert_eq!((bench.underruns(), bench.station.rounds().times), (0, 0));
    let board = bench.board();
    let begins = board.iter().find(|s| s.1 == "B").unwrap().2;
    let early = (breaks - begins) as f64 / HZ;
    let bars = begins as f64 / HZ * BPM / 240.0;
    assert!((bars - bars.round()).abs() < 0.001, "it begins at bar {bars}");
    assert!((0.0..2.2).contains(&early), "{early} s early");
    let heard = bench.heard.lock().unwrap().clone();
    let source = Bars { beats: true, knobs: bench.knobs.clone(), frame: 0, told: 0 };
    let (begins, ends) = (begins as usize, heard.len());
    let differs = |from: usize, to: usize, by: i64| {
        (from..to).find(|&i| heard[i] != source.sample(i as i64 + by))
    };
    assert_eq!(differs(0, begins - 4_500, 0), None);
    assert_eq!(differs(begins, ends, breaks - begins as i64), None, "the whole of the song");
    assert!(step(&heard[begins - 9_000..begins]) <= step(&heard[..9_000]), "a click");
}
