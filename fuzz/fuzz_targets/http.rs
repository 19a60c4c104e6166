//! Whatever is said to a station over HTTP: it has an answer of its own or none, and the connection
//! ends when the other end hangs up. A request may show the token, which is `t`.
#![no_main]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock, mpsc};

use bytes::Bytes;
use evermix::audio::encode::Mp3Quality;
use evermix::audio::encode::live::{Format, Packet};
use evermix::base::{Seconds, SystemClock};
use evermix::net::{NetLimits, bind, serve};
use evermix::stream::{
    Board, Mount, News, Segment, SegmentTrack, SongCard, Station, StationOptions, router,
};
use evermix_fuzz::{ask, begin};
use libfuzzer_sys::fuzz_target;

static ON_AIR: LazyLock<(SocketAddr, Arc<Station>)> = LazyLock::new(on_air);

fuzz_target!(init: begin("http"), |data: &[u8]| {
    let (address, station) = &*ON_AIR;
    let answer = ask(*address, data);
    if let Some(head) = head(&answer) {
        check(head);
    }
    // Nobody makes sound here who would take them.
    assert!(station.take_wishes().len() <= data.len());
    assert!(station.relays.all().len() <= 64, "relays that have gone are still there");
});

/// The first head of an answer; there is none where nothing was asked.
fn head(answer: &[u8]) -> Option<&str> {
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n")?;
    Some(std::str::from_utf8(&answer[..end]).expect("our heads are text"))
}

fn check(head: &str) {
    let (first, rest) = head.split_once("\r\n").unwrap_or((head, ""));
    let status = first.strip_prefix("HTTP/1.").and_then(|line| line.get(2..5));
    let status: u16 = status.and_then(|s| s.parse().ok()).unwrap_or_else(|| panic!("{head}"));
    for line in rest.split("\r\n").filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("{head}"));
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{head}");
        assert!(!value.contains(|c: char| c.is_control()), "{head}");
    }
    // 503: those who hung up are still being let go.
    assert!(status < 500 || [503, 505].contains(&status), "{head}");
}

/// A station with a song and a little sound, for as long as the process lives.
fn on_air() -> (SocketAddr, Arc<Station>) {
    let format = Format::Mp3(Mp3Quality::Cbr(128));
    let mount = Mount::new("/all.mp3".to_string(), format, 44_100.0, Bytes::new(), 1 << 16);
    for _ in 0..4 {
        mount.ring().push(Packet { bytes: Bytes::from_static(&[0; 417]), frames: 1_152 });
    }
    let options = StationOptions { token: Some("t".to_string()), ..StationOptions::default() };
    let (board, clock) = (Board::new(44_100.0, Vec::new()), Arc::new(SystemClock::default()));
    let (notes, _) = mpsc::channel();
    let station = Station::new(options, vec![Arc::new(mount)], board, clock, notes);
    let station = Arc::new(station);
    station.take(vec![News::Planned(segment())]);
    station.tick();
    let (told, address) = mpsc::channel();
    let routes = router(station.clone());
    std::thread::spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let limits = NetLimits::default();
            let listener = bind((Ipv4Addr::LOCALHOST, 0).into(), &limits).expect("a free port");
            told.send(listener.local_addr().expect("a bound socket")).expect("it is waited for");
            let (_go_on, stop) = tokio::sync::watch::channel(false);
            serve(listener, routes, limits, stop).await;
        });
    });
    (address.recv().expect("a server"), station)
}

fn segment() -> Segment {
    let song = SongCard { id: "0".repeat(32), title: "Song".to_string(), ..SongCard::default() };
    let (start, end, peaks) = (Seconds(0.0), Seconds(60.0), vec![50; 20]);
    let tracks = vec![SegmentTrack { start, end, peaks, song: Arc::new(song) }];
    let (beats, downbeats) = (vec![0.5, 1.0], vec![0.5]);
    Segment {
        id: 0,
        action: "Playback",
        start: 0,
        frames: 44_100,
        beats,
        downbeats,
        why: None,
        tracks,
    }
}
