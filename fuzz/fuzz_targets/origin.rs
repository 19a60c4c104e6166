//! What a relay reads of the station it passes on: the answer with its mounts, and the stream.
#![no_main]

use std::str::FromStr as _;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, mpsc};

use bytes::Bytes;
use evermix::audio::encode::live::Format;
use evermix::base::SystemClock;
use evermix::net::Url;
use evermix::stream::{Board, Mount, Origin, Relay, Station, StationOptions};
use evermix_fuzz::{begin, one_line, serve_answers};
use libfuzzer_sys::fuzz_target;

/// What the other station answers now, and where it is.
static OTHER: LazyLock<(Arc<Mutex<Vec<u8>>>, Origin)> = LazyLock::new(|| {
    let answer = Arc::<Mutex<Vec<u8>>>::default();
    let url = format!("http://{}/", serve_answers(answer.clone()));
    let origin = Origin::new(&url, (None, 80), 1, Some("t".to_string()));
    (answer, origin.expect("an address"))
});

fuzz_target!(init: begin("origin"), |data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    addresses(&text);
    answered(data, |origin| {
        for mount in origin.mounts().into_iter().flatten() {
            assert!(mount.path.starts_with("/all") && mount.path.len() <= 11, "{}", mount.path);
            assert!(mount.ring().rate() >= 4_000.0);
        }
    });
    for format in ["mp3", "opus", "flac"] {
        answered(data, |origin| passed_on(origin, format));
    }
});

/// Lets the other station answer so.
fn answered(bytes: &[u8], ask: impl FnOnce(&Origin)) {
    let (answer, origin) = &*OTHER;
    *answer.lock().unwrap_or_else(PoisonError::into_inner) = bytes.to_vec();
    ask(origin);
}

fn passed_on(origin: &Origin, format: &str) {
    let path = format!("/all.{format}");
    let format = Format::from_str(format).expect("a format");
    let mounts = vec![Arc::new(Mount::new(path, format, 44_100.0, Bytes::new(), 1 << 16))];
    let (notes, said) = mpsc::channel();
    let board = Board::new(44_100.0, Vec::new());
    let clock = Arc::new(SystemClock::default());
    let station = Station::new(StationOptions::default(), mounts, board, clock, notes);
    let mut segments = 0;
    let _ = origin.listen(&station, &station.mounts[0], &AtomicBool::new(false), &mut segments);
    said.try_iter().for_each(|line| one_line(&line));
    let (packets, kept) = (station.mounts[0].state().packets, station.board().segments().count());
    assert_eq!(packets, 0, "all there is is passed on");
    // Titles that no sound follows were never heard.
    let made = station.made().0;
    assert!(made.is_finite() && kept as f64 <= 2.0 + 44_100.0 * made, "{kept} titles in {made} s");
}

fn addresses(text: &str) {
    if let Ok(url) = text.parse::<Url>() {
        one_line(&url.authority);
        one_line(&url.path);
        assert!(url.path.starts_with('/') && !url.authority.is_empty());
    }
    let mut words = text.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default();
    if let Some(relay) = Relay::new(word(), word(), word(), "/all.mp3", 0.0) {
        assert!(!relay.address.contains(|c: char| c.is_whitespace() || "/@;\"'".contains(c)));
        assert!((1..=1_000).contains(&relay.weight));
    }
}
