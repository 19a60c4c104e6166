//! Stations on the air for the time of a test.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use evermix::base::{Clock, Result, Seconds, SystemClock, VirtualClock};
use evermix::net::NetLimits;
use evermix::stream::{
    Antenna, Board, Mount, Producer, SongCard, Station, StationOptions, Workshop,
};

use crate::tones::{Knobs, RATE, Tones, card};

/// Long past anything the tests wait for.
pub const HANGS: Duration = Duration::from_secs(40);

/// What a station of a test is like.
pub struct Setting {
    pub songs: Vec<SongCard>,
    /// Seconds from song to song, and of the crossing in that.
    pub length: f64,
    pub crossing: f64,
    pub formats: &'static [&'static str],
    pub options: StationOptions,
    pub limits: NetLimits,
    pub workshop: Workshop,
    pub knobs: Arc<Knobs>,
}

impl Default for Setting {
    fn default() -> Self {
        let all = 2_000;
        Setting {
            songs: (0..4).map(|n| card(n, &format!("Song {n}"))).collect(),
            length: 30.0,
            crossing: 4.0,
            formats: &["mp3"],
            options: StationOptions {
                lead: Seconds(6.0),
                listeners: all,
                per_address: all,
                ..StationOptions::default()
            },
            limits: NetLimits { connections: all, per_address: all, ..NetLimits::default() },
            workshop: Workshop::default(),
            knobs: Arc::default(),
        }
    }
}

impl Setting {
    /// A station and what makes its sound, with a clock.
    pub fn build(self, clock: Arc<dyn Clock>) -> (Arc<Station>, Producer, Receiver<String>) {
        let source = Tones::new(self.songs, self.length, self.crossing, self.knobs);
        let formats: Vec<_> = self.formats.iter().map(|f| f.parse().unwrap()).collect();
        let name = self.options.name.clone();
        let made = Producer::in_workshop(Box::new(source), &formats, &name, self.workshop);
        let (producer, mounts): (Producer, Vec<Arc<Mount>>) = made.unwrap();
        let (notes, noted) = channel();
        let board = Board::new(RATE.as_f64(), Vec::new());
        let station = Station::new(self.options, mounts, board, clock, notes);
        (Arc::new(station), producer, noted)
    }

    /// On the air, in the time of this machine.
    pub fn live(self) -> OnAir {
        OnAir::new(self, None)
    }

    /// On the air as fast as sound can be made, at most twenty times as fast as it is heard.
    pub fn fast(self) -> OnAir {
        OnAir::new(self, Some(Arc::default()))
    }
}

/// A station on the air.
pub struct OnAir {
    pub station: Arc<Station>,
    pub address: SocketAddr,
    pub knobs: Arc<Knobs>,
    noted: Mutex<Receiver<String>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<()>>>,
}

impl OnAir {
    fn new(setting: Setting, fast: Option<Arc<VirtualClock>>) -> OnAir {
        let (limits, knobs) = (setting.limits.clone(), setting.knobs.clone());
        let clock: Arc<dyn Clock> = match &fast {
            Some(clock) => clock.clone(),
            None => Arc::new(SystemClock::default()),
        };
        let (station, producer, noted) = setting.build(clock);
        let antenna = Antenna::raise("127.0.0.1:0".parse().unwrap(), limits, 2).unwrap();
        let (address, over) = (antenna.address, Arc::new(AtomicBool::new(false)));
        let mut threads = Vec::new();
        let (stop, on_air) = (over.clone(), station.clone());
        threads.push(std::thread::spawn(move || {
            antenna.send(&on_air, producer, Vec::new(), || !stop.load(Ordering::SeqCst))
        }));
        if let Some(clock) = fast {
            let (stop, on_air) = (over.clone(), station.clone());
            threads.push(std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    // Sound that was not made yet is not asked for.
                    if on_air.lead().0 > 2.5 {
                        clock.advance(Duration::from_millis(500));
                    }
                    std::thread::sleep(Duration::from_millis(25));
                }
                Ok(())
            }));
        }
        let on_air = OnAir { station, address, knobs, noted: Mutex::new(noted), over, threads };
        on_air.wait("the first sound", || on_air.station.now().0 > 0.0);
        on_air
    }

    /// Waits until something is so.
    pub fn wait(&self, what: &str, so: impl Fn() -> bool) {
        wait(what, so);
    }

    /// Everything said so far and not asked for before.
    pub fn said(&self) -> Vec<String> {
        self.noted.lock().unwrap().try_iter().collect()
    }

    /// Ends it and says how it ended and how long that took.
    pub fn end(mut self) -> (Result<()>, Duration) {
        let since = Instant::now();
        self.over.store(true, Ordering::SeqCst);
        let ended = self.threads.remove(0).join().unwrap();
        (ended, since.elapsed())
    }
}

impl Drop for OnAir {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// Waits until something is so.
pub fn wait(what: &str, mut so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !so() {
        assert!(since.elapsed() < HANGS, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
