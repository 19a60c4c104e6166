//! Streams in the background, and stations that pass each other's streams on.
#![allow(clippy::unwrap_used, reason = "in tests a failed expectation is a failed test")]

mod common;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use common::{Desk, Ran, Song};

/// A stream that ends with the test, however that ends.
struct Running {
    child: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn desk() -> Desk {
    let desk = Desk::new();
    for i in 0..3 {
        let song = Song { seconds: 40.0, ..Song::at(120.0 + i as f64, 3 * i) };
        song.write(&desk.path(&format!("music/song_{i}.wav")));
    }
    desk
}

fn forever(desk: &Desk, words: &[&str]) -> Ran {
    Ran(desk.forever_command(words).output().unwrap())
}

/// Starts a stream and waits until it says where it is.
fn running(desk: &Desk, words: &[&str], token: &str) -> Running {
    let mut command = desk.forever_command(words);
    let mut child = command.env("EVERMIX_TOKEN", token).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_string();
    assert!(!address.is_empty(), "it did not begin");
    Running { child, address }
}

/// The head of the answer to a request for the sound, and some of the sound.
fn ask(address: &str, headers: &str, bytes: usize) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET /all.mp3 HTTP/1.0\r\n{headers}\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "the answer ends in its head: {head}");
    }
    let mut sound = vec![0; bytes];
    reader.read_exact(&mut sound).unwrap();
    (head, sound)
}

/// Waits until something holds, as long as a slow machine may take.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < Duration::from_secs(60), "never: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_stream_in_the_background_is_begun_once_looked_at_restarted_and_ended() {
    let desk = desk();
    let start = ["start", "music", "--bind", "127.0.0.1:0", "--format", "mp3"];
    let none = forever(&desk, &["status"]);
    assert_eq!(none.code(), 7, "{}", none.err());
    assert_eq!(forever(&desk, &["restart"]).code(), 2);
    let begun = forever(&desk, &start);
    assert_eq!(begun.code(), 0, "{}", begun.err());
    assert!(begun.out().starts_with("http://127.0.0.1:"), "{}", begun.out());
    assert_eq!(forever(&desk, &start).code(), 8, "a second one is refused");
    let words = std::fs::metadata(desk.path("evermix-project/stream/started.json")).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&words.permissions());
    assert_eq!(mode & 0o077, 0, "a token may be among the words");
    until("the status tells of songs", || {
        let status = forever(&desk, &["status", "--json"]);
        status.code() == 0 && status.json()["health"]["songs"]["known"] == 3
    });
    let pid = || forever(&desk, &["status", "--json"]).json()["pid"].as_i64().unwrap();
    let before = pid();
    let again = forever(&desk, &["restart"]);
    assert_eq!(again.code(), 0, "{}", again.err());
    assert_ne!(pid(), before);
    assert_eq!(forever(&desk, &["stop"]).code(), 0);
    assert_eq!(forever(&desk, &["status"]).code(), 7);
    assert_eq!(forever(&desk, &["stop"]).code(), 7);
}

#[test]
fn an_address_that_is_none_or_is_taken_is_told_before_any_song_is_heard() {
    let desk = desk();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (address, code) in [("nowhere", 2), (taken.as_str(), 8)] {
        let failed = forever(&desk, &["stream", "music", "--bind", address]);
        assert_eq!(failed.code(), code, "{}", failed.err());
        assert!(failed.err().contains(address) && failed.err().contains("--bind"));
        assert!(!failed.err().contains("BPM"), "{}", failed.err());
    }
}

#[test]
fn a_stream_that_cannot_begin_says_why() {
    let desk = Desk::new();
    let failed = forever(&desk, &["start", "music", "--bind", "127.0.0.1:0"]);
    assert_eq!(failed.code(), 1);
    assert!(failed.err().contains("no song"), "{}", failed.err());
}

#[test]
fn listeners_are_sent_to_a_relay_which_has_the_sound_and_the_titles() {
    let desk = desk();
    let words = ["stream", "music", "--bind", "127.0.0.1:0", "--format", "mp3"];
    let origin = running(&desk, &words, "secret");
    let far = "Host: radio.example\r\n";
    let (head, sound) = ask(&origin.address, far, 4_000);
    assert!(head.contains(" 200 "), "without a relay it serves itself: {head}");
    assert_eq!(sound[0], 0xff);

    let url = format!("http://{}/", origin.address);
    let relay_words = |project: &str| {
        ["stream", "--relay-of", &url, "--bind", "127.0.0.1:0", "--project", project]
            .map(str::to_string)
    };
    let with = |project: &str, token: &str| {
        let words = relay_words(project);
        running(&desk, &words.iter().map(String::as_str).collect::<Vec<_>>(), token)
    };
    let stranger = with("stranger", "wrong");
    std::thread::sleep(Duration::from_secs(2));
    let (head, _) = ask(&origin.address, far, 100);
    assert!(head.contains(" 200 "), "who has no token is no relay: {head}");
    drop(stranger);

    let relay = with("relay", "secret");
    until("listeners are sent away", || ask(&origin.address, far, 0).0.contains(" 302 "));
    let (head, _) = ask(&origin.address, far, 0);
    let port = relay.address.rsplit(':').next().unwrap();
    assert!(head.contains(&format!("location: http://127.0.0.1:{port}/all.mp3")), "{head}");
    let (head, _) = ask(&origin.address, "Host: localhost\r\n", 100);
    assert!(head.contains(" 200 "), "who is here stays: {head}");

    let (head, sound) = ask(&relay.address, "Icy-MetaData: 1\r\n", 9_000);
    assert!(head.contains("icy-metaint: 8192"), "{head}");
    let title = String::from_utf8_lossy(&sound[8_193..8_193 + 27]).into_owned();
    assert!(title.starts_with("StreamTitle='song "), "{title}");
    drop(relay);
    until("listeners stay again", || ask(&origin.address, far, 0).0.contains(" 200 "));
}
