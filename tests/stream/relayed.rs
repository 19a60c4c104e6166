//! Stations that pass another one's stream on, in every format.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use evermix::base::SystemClock;
use evermix::net::NetLimits;
use evermix::stream::{Antenna, Board, Origin, Station, StationOptions};

use crate::air::{OnAir, Setting, wait};
use crate::client::{Listening, header, json, request, send};
use crate::heard::{assert_part, decoded, flac, opus, songs, unweave};

/// A relay on the air for the time of a test.
struct Relay {
    station: Arc<Station>,
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Relay {
    fn of(origin: &OnAir) -> Relay {
        let limits = NetLimits::default();
        let antenna = Antenna::raise("127.0.0.1:0".parse().unwrap(), limits, 2).unwrap();
        let (address, over) = (antenna.address, Arc::new(AtomicBool::new(false)));
        let (url, token) = (format!("http://{}/", origin.address), Some("secret".to_string()));
        let origin = Origin::new(&url, (None, address.port()), 1, token).unwrap();
        let options = StationOptions { origin: Some(url), ..StationOptions::default() };
        let board = Board::new(44_100.0, Vec::new());
        let (notes, _) = mpsc::channel();
        let mounts = origin.mounts().unwrap();
        let station = Station::new(options, mounts, board, Arc::new(SystemClock::default()), notes);
        let (station, stop) = (Arc::new(station), over.clone());
        let on_air = station.clone();
        let pass_on = move || antenna.pass_on(&on_air, origin, || !stop.load(Ordering::SeqCst));
        let thread = Some(std::thread::spawn(pass_on));
        let relay = Relay { station, address, over, thread };
        wait("the first sound", || relay.station.made().0 > 5.0);
        relay
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn origin(formats: &'static [&'static str]) -> OnAir {
    let mut setting = Setting { formats, length: 120.0, ..Setting::default() };
    setting.options.token = Some("secret".to_string());
    setting.fast()
}

#[test]
fn a_relay_passes_every_format_on_and_whoever_comes_late_can_decode_it() {
    let origin = origin(&["mp3", "opus", "flac"]);
    let relay = Relay::of(&origin);
    let told = json(relay.address, "/mounts.json");
    let paths: Vec<&str> =
        told.as_array().unwrap().iter().filter_map(|m| m["path"].as_str()).collect();
    assert_eq!(paths, ["/all.mp3", "/all.opus", "/all.flac"]);
    assert_eq!(told[1]["bitrate"], 128_000);
    std::thread::scope(|scope| {
        for (path, bytes) in [("/all.mp3", 160_000), ("/all.opus", 150_000), ("/all.flac", 500_000)]
        {
            let (from, to) = (relay.address, origin.address);
            scope.spawn(move || {
                let mut direct = Listening::tune(to, path, "");
                let direct = std::thread::spawn(move || direct.bytes(2 * bytes));
                let heard = Listening::tune(from, path, "").bytes(bytes);
                let (sound, rate) = match path {
                    "/all.opus" => (opus(&heard), 48_000.0),
                    "/all.flac" => (flac(&heard), 44_100.0),
                    _ => (decoded(&heard, "mp3"), 44_100.0),
                };
                let songs = songs(&sound, rate);
                assert!(songs.len() >= 60, "{path}: {} tenths of a second", songs.len());
                let wrong =
                    songs[3..].iter().position(|(n, level)| *n != 0 || (level - 0.25).abs() > 0.02);
                assert_eq!(wrong, None, "{path}: {songs:?}");
                let gap = sound[13_000..].windows(2).position(|w| (w[1] - w[0]).abs() > 0.05);
                assert_eq!(gap, None, "{path}: a click");
                // Both came at their own time: what both have is the same. A steady tone looks alike
                // in many places.
                let (middle, direct) = (&heard[bytes / 2..], direct.join().unwrap());
                let places = direct.windows(200).enumerate().filter(|(_, w)| *w == &middle[..200]);
                let goes_on = |at: usize| {
                    let both = (direct.len() - at).min(middle.len());
                    both > bytes / 10 && direct[at..at + both] == middle[..both]
                };
                let same = places.map(|(at, _)| at).any(goes_on);
                assert!(same, "{path}: not what the origin sent");
            });
        }
    });
    let again = Listening::tune(relay.address, "/all.mp3", "Icy-MetaData: 1\r\n").bytes(30_000);
    assert_eq!(unweave(&again, 8_192).1[0].1, "Artist 0 - Song 0");
}

/// Where the origin sends a listener from elsewhere.
fn sent(origin: &OnAir, path: &str) -> Option<String> {
    let ask = format!("HEAD {path} HTTP/1.0\r\nHost: radio.example\r\n\r\n").replace("HEAD", "GET");
    let mut listening = std::net::TcpStream::connect(origin.address).unwrap();
    std::io::Write::write_all(&mut listening, ask.as_bytes()).unwrap();
    let mut some = vec![0; 400];
    let count = std::io::Read::read(&mut listening, &mut some).unwrap();
    header(&String::from_utf8_lossy(&some[..count]), "location").map(str::to_string)
}

#[test]
fn listeners_are_sent_to_relays_that_have_what_they_ask_for() {
    let origin = origin(&["mp3", "opus"]);
    let before = ["/all.mp3", "/all.opus"].map(|path| sent(&origin, path));
    assert_eq!(before, [None, None]);
    // One that passes on MP3 alone.
    let more = "User-Agent: evermix-relay/0\r\nAuthorization: Bearer secret\r\n\
                X-Relay-Addr: far.example\r\nX-Relay-Port: 80\r\n";
    let old = Listening::tune(origin.address, "/all.mp3", more);
    let now = ["/all.mp3", "/all.opus"].map(|path| sent(&origin, path));
    assert_eq!(now, [Some("http://far.example:80/all.mp3".to_string()), None]);
    drop(old);
    wait("it is forgotten", || sent(&origin, "/all.mp3").is_none());
    let relay = Relay::of(&origin);
    for path in ["/all.mp3", "/all.opus"] {
        assert_eq!(sent(&origin, path), Some(format!("http://{}{path}", relay.address)));
    }
    let page = request(origin.address, "GET", "/", "", "");
    let policy = page.header("content-security-policy").unwrap();
    assert_eq!(policy.matches(&relay.address.to_string()).count(), 1, "{policy}");
    assert!(send(relay.address, b"GET /all.flac HTTP/1.0\r\n\r\n").is_some());
}

#[test]
fn titles_are_told_in_every_format_to_who_asks_for_them() {
    let origin = origin(&["opus", "flac"]);
    for path in ["/all.opus", "/all.flac"] {
        let mut plain = Listening::tune(origin.address, path, "");
        assert_eq!(header(&plain.head, "icy-metaint"), None, "{path}");
        let mut titled = Listening::tune(origin.address, path, "Icy-MetaData: 1\r\n");
        assert_eq!(header(&titled.head, "icy-metaint"), Some("8192"), "{path}");
        let (sound, titles) = unweave(&titled.bytes(120_000), 8_192);
        assert_eq!(titles[0].1, "Artist 0 - Song 0");
        assert_part(&sound, &plain.bytes(120_000), 40_000);
    }
}
