//! Encoders that fail, sound that is late, clocks that jump.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use evermix::audio::encode::live::{Format, LiveEncoder, Packet};
use evermix::base::{Error, ErrorKind, Result, SampleRate, Seconds, VirtualClock};
use evermix::stream::{Producer, Station, TICK, Workshop};

use crate::air::Setting;
use crate::client::{Listening, get, json, metric};

/// A station whose time is moved by hand.
struct Bench {
    clock: Arc<VirtualClock>,
    station: Arc<Station>,
    producer: Producer,
    noted: mpsc::Receiver<String>,
    /// The most that was sent at once since this was looked at.
    burst: f64,
}

impl Bench {
    fn new(setting: Setting) -> Bench {
        let clock = Arc::new(VirtualClock::default());
        clock.set_wall(1_000_000.0);
        let (station, producer, noted) = setting.build(clock.clone());
        let mut bench = Bench { clock, station, producer, noted, burst: 0.0 };
        bench.make();
        bench.station.tick();
        bench
    }

    /// Makes as much sound as is wanted.
    fn make(&mut self) {
        while self.station.lead() < self.station.options.lead {
            self.producer.step(&self.station).unwrap();
        }
    }

    /// Lets time pass, with or without sound being made.
    fn pass(&mut self, seconds: f64, making: bool) {
        for _ in 0..(seconds / TICK.as_secs_f64()).round() as usize {
            if making {
                self.make();
            }
            self.clock.advance(TICK);
            self.tick();
        }
    }

    fn tick(&mut self) {
        let before = self.station.now().0;
        self.station.tick();
        let sent = self.station.now().0 - before;
        assert!(sent >= 0.0, "sound went back");
        self.burst = self.burst.max(sent);
    }

    fn said(&self) -> Vec<String> {
        self.noted.try_iter().collect()
    }

    fn underruns(&self) -> u64 {
        self.station.counts.underruns.load(Ordering::Relaxed)
    }
}

#[test]
fn sound_that_is_half_a_minute_late_is_one_underrun_and_no_burst_follows() {
    let mut bench = Bench::new(Setting::default());
    bench.pass(20.0, true);
    assert!(bench.station.healthy() && bench.underruns() == 0);
    let lead = bench.station.options.lead.0;
    bench.pass(lead + 30.0, false);
    assert!(!bench.station.healthy());
    let stood = bench.station.now().0;
    assert!((stood - bench.station.made().0).abs() < 1e-6, "all there was has been sent");
    let said = bench.said();
    let late = said.iter().filter(|line| line.contains("no sound to send")).count();
    assert_eq!((late, bench.underruns()), (1, 1), "{said:?}");
    bench.burst = 0.0;
    bench.pass(5.0, true);
    assert!(bench.station.healthy(), "well again within five seconds");
    let sent = bench.station.now().0 - stood;
    assert!((4.9..=5.1).contains(&sent), "{sent} s in 5 s");
    assert!(bench.burst < 0.11, "{} s at once", bench.burst);
    assert_eq!(bench.underruns(), 1);
}

#[test]
fn people_setting_their_clocks_change_no_sound() {
    let mut bench = Bench::new(Setting::default());
    bench.pass(5.0, true);
    for wall in [1_003_605.0, 996_400.0, 0.0, 4e9] {
        let sent = bench.station.now().0;
        bench.clock.set_wall(wall);
        bench.burst = 0.0;
        bench.pass(2.0, true);
        assert!((bench.station.now().0 - sent - 2.0).abs() < 0.06);
        assert!(bench.burst < 0.06, "{}", bench.burst);
        // What is told follows the clock.
        let begun = bench.station.wall(bench.station.now());
        assert!((begun - wall - 2.0).abs() < 0.1, "{begun}");
    }
    assert_eq!(bench.underruns(), 0);
    assert!(!bench.said().iter().any(|line| line.contains("late")), "nothing was");
}

#[test]
fn after_ten_minutes_of_sleep_the_stream_goes_on_where_it_was() {
    let mut bench = Bench::new(Setting::default());
    bench.pass(5.0, true);
    let sent = bench.station.now().0;
    bench.burst = 0.0;
    bench.clock.advance(Duration::from_secs(600));
    bench.tick();
    assert!(bench.burst < 0.2, "{} s at once", bench.burst);
    bench.pass(5.0, true);
    let went_on = bench.station.now().0 - sent;
    assert!((4.9..5.3).contains(&went_on), "{went_on} s in 5 s");
    assert!(bench.burst < 0.2 && bench.station.healthy());
    assert_eq!(bench.said().iter().filter(|line| line.contains("late")).count(), 1);
}

#[test]
fn a_stream_of_a_day_keeps_its_pace_to_a_tick() {
    let mut bench = Bench::new(Setting::default());
    let begun = bench.station.now().0;
    // A machine whose timer is always a little late.
    let late = TICK + Duration::from_micros(1_700);
    let mut passed = 0.0;
    while passed < 60.0 {
        bench.make();
        bench.clock.advance(late);
        bench.tick();
        passed += late.as_secs_f64();
    }
    assert!((bench.station.now().0 - begun - passed).abs() < 1e-6);
}

/// An encoder that fails after some blocks: with an error, or with a panic.
struct Flaky {
    encoder: Box<dyn LiveEncoder>,
    left: usize,
    panics: bool,
}

impl LiveEncoder for Flaky {
    fn rate(&self) -> SampleRate {
        self.encoder.rate()
    }

    fn header(&self) -> bytes::Bytes {
        self.encoder.header()
    }

    fn encode(&mut self, planar: &[&[f32]], packets: &mut Vec<Packet>) -> Result<()> {
        self.encoder.encode(planar, packets)?;
        self.left -= 1;
        match (self.left, self.panics) {
            (0, true) => panic!("an encoder that fails, as the test wants it"),
            (0, false) => Err(Error::new(ErrorKind::Internal, "an encoder that fails")),
            _ => Ok(()),
        }
    }
}

/// The first encoder of each format fails with an error, the second with a panic.
fn flaky() -> Workshop {
    let made = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
    let encoders = move |format: Format, rate, name: &str| -> Result<Box<dyn LiveEncoder>> {
        let encoder = format.encoder(rate, name)?;
        let number = made[usize::from(format.extension() == "opus")].fetch_add(1, Ordering::SeqCst);
        Ok(match number {
            0 => Box::new(Flaky { encoder, left: 30, panics: false }),
            1 => Box::new(Flaky { encoder, left: 25, panics: true }),
            _ => encoder,
        })
    };
    Workshop { encoders: Box::new(encoders), ..Workshop::default() }
}

#[test]
fn encoders_that_fail_are_replaced_and_cost_no_time() {
    let formats = &["mp3", "opus"];
    let mut bench = Bench::new(Setting { formats, workshop: flaky(), ..Setting::default() });
    bench.pass(40.0, true);
    let said = bench.said();
    for mount in &bench.station.mounts {
        assert_eq!(mount.state().replaced, 2, "{}", mount.path);
        let told = said.iter().filter(|l| l.contains("failed") && l.contains(&mount.path));
        assert_eq!(told.count(), 2, "{said:?}");
    }
    let made: Vec<f64> = bench.station.mounts.iter().map(|m| m.ring().made().0).collect();
    // Packets hold a fifth of a second: nothing else tells the mounts apart, however often one
    // of them began anew.
    assert!((made[0] - made[1]).abs() < 0.3, "{made:?}");
    assert_eq!(bench.underruns(), 0);
}

/// Bit rates of MPEG 1, layer III.
const KBPS: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];

#[test]
fn listeners_hear_on_when_an_encoder_fails() {
    let formats = &["mp3", "opus"];
    let on_air = Setting { formats, workshop: flaky(), length: 60.0, ..Setting::default() }.fast();
    let mut listening = Listening::tune(on_air.address, "/all.mp3", "");
    let mut opus = Listening::tune(on_air.address, "/all.opus", "");
    let reader = std::thread::spawn(move || opus.bytes(350_000));
    let bytes = listening.bytes(400_000);
    assert_eq!(metric(on_air.address, "evermix_encoders_replaced_total"), 2.0);
    let (mut at, mut frames) = (0, 0);
    // Every frame begins where the one before ends.
    while let Some(head) = bytes.get(at..at + 4) {
        assert_eq!((head[0], head[1]), (0xff, 0xfb), "lost at byte {at}, frame {frames}");
        at += 144_000 * KBPS[usize::from(head[2] >> 4)] / 44_100 + usize::from(head[2] >> 1 & 1);
        frames += 1;
    }
    assert!(frames > 900, "{frames}");
    let streams = ogg_streams(&reader.join().unwrap());
    assert_eq!(streams.len(), 3, "{streams:?}");
    assert_eq!(get(on_air.address, "/healthz").status, 200);
}

/// Serial numbers of the streams of an Ogg file in the order of their pages.
fn ogg_streams(bytes: &[u8]) -> Vec<u32> {
    let (mut at, mut streams) = (0, Vec::new());
    while let Some(head) = bytes.get(at..at + 27) {
        assert_eq!(&head[..4], b"OggS", "lost at byte {at}");
        let serial = u32::from_le_bytes(head[14..18].try_into().unwrap());
        if streams.last() != Some(&serial) {
            assert_eq!(head[5] & 2, 2, "a stream that does not begin at its beginning");
            streams.push(serial);
        }
        let count = usize::from(head[26]);
        let Some(table) = bytes.get(at + 27..at + 27 + count) else { break };
        at += 27 + count + table.iter().map(|&x| usize::from(x)).sum::<usize>();
    }
    streams
}

#[test]
fn a_stream_without_any_encoder_ends_and_says_why() {
    let mut given = 0;
    let encoders = move |format: Format, rate, name: &str| -> Result<Box<dyn LiveEncoder>> {
        given += 1;
        match given {
            1 => Ok(Box::new(Flaky {
                encoder: format.encoder(rate, name)?,
                left: 40,
                panics: false,
            })),
            _ => Err(Error::new(ErrorKind::Internal, "no encoder can be had")),
        }
    };
    let workshop = Workshop { encoders: Box::new(encoders), ..Workshop::default() };
    let on_air = Setting { workshop, ..Setting::default() }.fast();
    let mut listening = Listening::tune(on_air.address, "/all.mp3", "");
    assert!(listening.closes(Duration::from_secs(30)), "it hangs");
    let error = on_air.end().0.unwrap_err();
    assert!(error.to_string().contains("no encoder can be had"), "{error}");
}

#[test]
fn a_source_that_fails_costs_a_moment_of_silence() {
    let on_air = Setting::default().fast();
    let mut listening = Listening::tune(on_air.address, "/all.mp3", "");
    on_air.knobs.panics.store(3, Ordering::SeqCst);
    on_air.wait("the failures", || on_air.knobs.panics.load(Ordering::SeqCst) == 0);
    on_air.wait("it to be well", || on_air.station.healthy());
    assert_eq!(listening.bytes(100_000).len(), 100_000);
    let said = on_air.said();
    assert_eq!(said.iter().filter(|line| line.contains("the mix failed")).count(), 1, "{said:?}");
    assert!(on_air.end().0.is_ok());
}

#[test]
fn listeners_hear_bars_again_while_sound_is_late_and_the_mix_goes_on_within_five_seconds() {
    let mut setting = Setting::default();
    setting.options.lead = Seconds(3.0);
    let on_air = setting.live();
    let (station, address) = (&on_air.station, on_air.address);
    let mut listening = Listening::tune(address, "/all.mp3", "");
    listening.bytes(10_000);
    on_air.knobs.stuck.store(true, Ordering::SeqCst);
    on_air.wait("a round", || station.rounds().now);
    let answer = get(address, "/healthz");
    assert_eq!((answer.status, answer.json()["status"].as_str().unwrap()), (503, "degraded"));
    assert_eq!(answer.json()["filler"]["now"], true);
    assert_eq!(metric(address, "evermix_filling"), 1.0);
    // Far more than was made before: ten seconds beyond the burst.
    let mut late = Listening::tune(address, "/all.mp3", "");
    listening.bytes(160_000);
    late.bytes(40_000);
    on_air.knobs.stuck.store(false, Ordering::SeqCst);
    let since = Instant::now();
    on_air.wait("it to be well", || station.healthy());
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    let heard = station.now().0;
    on_air.wait("sound", || station.now().0 > heard + 0.5);
    assert_eq!(json(address, "/healthz")["status"], "ok");
    let names = ["underruns_total", "fillers_total", "filling"];
    let told = names.map(|name| metric(address, &format!("evermix_{name}")));
    assert_eq!(told, [0.0, 1.0, 0.0]);
    let again = metric(address, "evermix_filler_seconds_total");
    assert!(again >= 8.0, "{again} s");
    let said = on_air.said();
    let count = |text: &str| said.iter().filter(|line| line.contains(text)).count();
    assert_eq!((count("the mix is late"), count("the mix goes on")), (1, 1), "{said:?}");
}
