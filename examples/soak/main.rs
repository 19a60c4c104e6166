//! A stream of many hours on a clock that is turned by hand: everything is real but the time.
//! Songs are broken, damaged while they play, vanish and appear; listeners check every packet.
//!
//! ```sh
//! cargo run --release --example soak -- FOLDER_OF_SONGS --hours 24 --formats mp3:128,opus
//! ```
//!
//! The songs are copied to a temporary folder first. Prints a line an hour, and one line of JSON
//! at the end; the exit status tells whether all was as it must be.

#[path = "../listeners/frame.rs"]
mod frame;
mod listener;
mod mischief;
mod usage;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use evermix::audio::encode::live::Format;
use evermix::base::{
    Cancel, Clock as _, Event, Limits, Lufs, Progress, SampleRate, Seconds, Seed, VirtualClock,
    with_one_heap,
};
use evermix::forever::catalogue::Catalogue;
use evermix::forever::live::{
    Answer, Desired, Librarian, LiveMix, LiveOptions, Remembered, StateFile, remembered,
};
use evermix::forever::{Ordering, PlanJob, Stems, Wishes};
use evermix::order::Weights;
use evermix::pipeline::{BeatSource, Context};
use evermix::store::{Cache, DiskFs};
use evermix::stream::{Board, Producer, Station, StationOptions, TICK, Wish};

use listener::Listeners;
use mischief::Mischief;
use usage::Usage;

/// What came of it.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const HOUR: f64 = 3_600.0;

struct Args {
    songs: PathBuf,
    hours: f64,
    formats: Vec<Format>,
    cache: Option<PathBuf>,
}

fn args() -> Outcome<Args> {
    let mut words = std::env::args().skip(1);
    let usage = "usage: soak FOLDER [--hours N] [--formats mp3:128,opus] [--cache DIR]";
    let songs = words.next().ok_or(usage)?.into();
    let formats = vec!["mp3:128".parse()?, "opus".parse()?];
    let mut args = Args { songs, hours: 24.0, formats, cache: None };
    while let Some(flag) = words.next() {
        let value = words.next().ok_or(usage)?;
        match flag.as_str() {
            "--hours" => args.hours = value.parse()?,
            "--cache" => args.cache = Some(value.into()),
            "--formats" => {
                args.formats = value.split(',').map(str::parse).collect::<Result<_, _>>()?;
            }
            _ => return Err(usage.into()),
        }
    }
    Ok(args)
}

/// Says what the librarian says.
struct Aloud;

impl Progress for Aloud {
    fn report(&self, event: Event<'_>) {
        if let Event::Note { text } = event {
            eprintln!("    {text}");
        }
    }
}

fn main() -> Outcome<()> {
    // As the stream does.
    with_one_heap();
    let args = args()?;
    let work = tempfile::tempdir()?;
    let cache = Cache::new(args.cache.clone().unwrap_or_else(|| work.path().join("cache")));
    let (limits, cancel) = (Limits::default(), Cancel::new());
    let context = Context {
        fs: &DiskFs,
        limits: &limits,
        progress: &Aloud,
        cancel: &cancel,
        threads: 1,
        cache: Some(&cache),
    };
    let folder = work.path().join("songs");
    let mischief = Mischief::new(&args.songs, &folder)?;
    let options = LiveOptions {
        job: job(),
        inputs: vec![folder],
        stems: Stems::None,
        wishes: work.path().join("inject.txt"),
        look: Duration::from_secs(30),
    };
    run(&args, &context, options, mischief, work.path())
}

fn job() -> PlanJob {
    PlanJob {
        options: evermix::mix::dj::Options::default(),
        length: None,
        tracks: None,
        order: Ordering::Tour,
        window: 3,
        weights: Weights::default(),
        energy: None,
        wishes: Wishes::default(),
        never: [Vec::new(), Vec::new()],
        seed: Seed(1),
        loudness: Lufs(-14.0),
        rate: SampleRate::CD,
        overrides: Vec::new(),
    }
}

fn run(
    args: &Args,
    context: &Context<'_>,
    options: LiveOptions,
    mischief: Mischief,
    work: &Path,
) -> Outcome<()> {
    let (beats, before) = (BeatSource::Evermix, Remembered::default());
    let catalogue = Catalogue::open(&work.join("catalogue.sqlite"))?;
    let rate = options.job.rate.as_f64();
    let mut librarian = Librarian::new(context, &beats, options.clone(), catalogue, &before)?;
    let first = librarian.next_deck()?.map(|deck| (deck, None::<Seconds>));
    let (desired, desires) = channel::<Desired>();
    let (answer, answers) = channel::<Answer>();
    let source = LiveMix::new(options, context.limits, first, answers, desired.clone());
    let (producer, mounts) = Producer::new(Box::new(source), &args.formats, "Soak")?;
    let (notes, noted) = channel();
    let clock = Arc::new(VirtualClock::default());
    clock.set_wall(1.8e9);
    let board = Board::new(rate, Vec::new());
    let station = Station::new(StationOptions::default(), mounts, board, clock.clone(), notes);
    let soak = Soak {
        hours: args.hours,
        listeners: Listeners::new(&station, work.to_path_buf()),
        station,
        clock,
        producer,
        mischief,
        noted,
        usage: Usage::new(args.hours),
        state: StateFile(work.join("state.json")),
        songs: 0,
        drift: 0.0,
    };
    std::thread::scope(|scope| {
        scope.spawn(move || librarian.serve(&desires, &answer));
        let done = soak.run(context);
        let _ = desired.send(Desired::Stop);
        done
    })
}

struct Soak {
    hours: f64,
    station: Station,
    clock: Arc<VirtualClock>,
    producer: Producer,
    listeners: Listeners,
    mischief: Mischief,
    noted: Receiver<String>,
    usage: Usage,
    state: StateFile,
    songs: u64,
    /// The most that what was sent differed from what the clock said.
    drift: f64,
}

impl Soak {
    fn run(mut self, context: &Context<'_>) -> Outcome<()> {
        let (begun, mut next) = (Instant::now(), 0.0);
        let mut ticks = 0u64;
        while self.clock.now().as_secs_f64() < HOUR * self.hours {
            while self.station.lead() < self.station.options.lead {
                self.producer.step(&self.station)?;
            }
            self.station.tick();
            self.listeners.tick(&self.station)?;
            let now = self.clock.now().as_secs_f64();
            self.drift = self.drift.max((now - self.station.now().0).abs());
            ticks += 1;
            if ticks.is_multiple_of(20) {
                self.second(now);
            }
            if now >= next {
                self.hour(context, now, begun.elapsed())?;
                next += HOUR;
            }
            self.clock.advance(TICK);
        }
        self.end(begun.elapsed())
    }

    fn second(&mut self, now: f64) {
        for note in self.noted.try_iter() {
            match note.starts_with("now ") {
                true => self.songs += 1,
                false => eprintln!("    {note}"),
            }
        }
        self.usage.look(now / HOUR, self.songs);
        if self.mischief.at(now, &self.station) {
            self.station.wish(Wish::Reload);
        }
    }

    fn hour(&mut self, context: &Context<'_>, now: f64, real: Duration) -> Outcome<()> {
        self.state.write(context, &remembered(&self.station, Vec::new()))?;
        eprintln!(
            "hour {:.0}: {} songs, {:.1} MiB ({:.1} without files), {:.0} s, {:?}",
            now / HOUR,
            self.songs,
            usage::memory(true),
            usage::memory(false),
            real.as_secs_f64(),
            self.station.source(),
        );
        Ok(())
    }

    fn end(mut self, real: Duration) -> Outcome<()> {
        self.second(self.clock.now().as_secs_f64());
        let counts = &self.station.counts;
        let underruns = counts.underruns.load(std::sync::atomic::Ordering::Relaxed);
        let mut told = self.usage.told();
        told["hours"] = self.hours.into();
        told["songs"] = self.songs.into();
        told["underruns"] = underruns.into();
        told["drift_s"] = self.drift.into();
        told["extended"] = self.station.source().extended.into();
        let rounds = self.station.rounds();
        told["fillers"] = rounds.times.into();
        told["filler_s"] = rounds.seconds.0.into();
        told["mischief"] = self.mischief.told();
        told["listeners"] = self.listeners.told();
        told["took_s"] = real.as_secs_f64().round().into();
        println!("{told}");
        let steady = self.drift < 0.2 && self.usage.growth() < 16.0;
        match underruns == 0 && steady && self.listeners.faults == 0 {
            true => Ok(()),
            false => Err("not as it must be".into()),
        }
    }
}
