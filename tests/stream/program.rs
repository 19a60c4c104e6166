//! `forever stream` as a user runs it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::air::wait;
use crate::client::{Listening, connect, get, hang_up, json, metric, request};
use crate::common::Desk;
use crate::socket::Socket;
use crate::songs::studio;

const WORDS: [&str; 14] = [
    "stream",
    "music",
    "--bind",
    "127.0.0.1:0",
    "--lead",
    "10",
    "--format",
    "mp3:64",
    "--seed",
    "5",
    "--token",
    "open sesame",
    "--progress",
    "lines",
];

/// A desk with the songs of the studio.
fn desk() -> Desk {
    let desk = Desk::new();
    for i in 0..3 {
        let name = format!("music/song{i}.wav");
        let (from, to) = (studio().folder.join(&name), desk.path(&name));
        std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(drop)).unwrap();
    }
    desk
}

/// A stream that runs.
struct Running {
    child: Child,
    address: SocketAddr,
    said: Arc<Mutex<String>>,
}

impl Running {
    fn start(desk: &Desk, more: &[&str]) -> Running {
        let mut command = desk.forever_command(&[&WORDS[..], more].concat());
        command.env("XDG_CACHE_HOME", studio().folder.join("cache"));
        // How many heaps there are is for the program to say.
        command.env_remove("MALLOC_ARENA_MAX").env_remove("GLIBC_TUNABLES");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (mut stderr, keep) = (child.stderr.take().unwrap(), said.clone());
        std::thread::spawn(move || {
            let mut some = [0; 4_096];
            while let Ok(count @ 1..) = stderr.read(&mut some) {
                keep.lock().unwrap().push_str(&String::from_utf8_lossy(&some[..count]));
            }
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("http://").and_then(|l| l.strip_suffix('/'));
        let Some(address) = address else { panic!("{line:?}: {}", said.lock().unwrap()) };
        let running = Running { address: address.parse().unwrap(), child, said };
        let all = || json(running.address, "/all.json").as_array().unwrap().len();
        wait("the first song", || all() > 0 && !running.history().is_empty());
        running
    }

    fn history(&self) -> Vec<Value> {
        json(self.address, "/history.json").as_array().unwrap().clone()
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Ends it with a signal; how it ended and how long that took.
    fn end(mut self, signal: &str) -> (ExitStatus, Duration) {
        let since = Instant::now();
        self.signal(signal);
        let mut status = None;
        wait("the end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap(), since.elapsed())
    }
}

/// A test that fails leaves no stream behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn state(desk: &Desk) -> Value {
    serde_json::from_slice(&desk.read("evermix-project/stream/state.json")).unwrap()
}

/// Descriptors a process has open.
fn descriptors(id: u32) -> usize {
    std::fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count)
}

/// Heaps of glibc beside the first one: each lies at a multiple of 64 MiB and reserves as much.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn more_heaps(id: u32) -> usize {
    const HEAP: u64 = 64 << 20;
    let maps = std::fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
    let parts = maps.lines().filter_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (from, to) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        Some((number(from)?, number(to)?, rest.starts_with("---p")))
    });
    let parts: Vec<(u64, u64, bool)> = parts.collect();
    let heap = |pair: &&[(u64, u64, bool)]| {
        let (used, reserved) = (pair[0], pair[1]);
        used.0 % HEAP == 0 && used.1 == reserved.0 && reserved.2 && reserved.1 == used.0 + HEAP
    };
    parts.windows(2).filter(heap).count()
}

fn storm(running: &Running) {
    for n in 0..500 {
        match n % 5 {
            // Gone before a word, in the middle of one, in the middle of the sound.
            0 => drop(connect(running.address)),
            1 => hang_up(&connect(running.address)),
            2 => {
                let listening = Listening::tune(running.address, "/all.mp3", "");
                hang_up(&listening.stream);
            }
            3 => drop(Listening::tune(running.address, "/events", "")),
            _ => drop(Socket::open(running.address, "/info.websocket", None).unwrap()),
        }
    }
}

#[test]
fn a_storm_of_listeners_leaves_nothing_behind_and_a_polite_kill_ends_the_stream_well() {
    let desk = desk();
    let running = Running::start(&desk, &[]);
    let before = descriptors(running.child.id());
    storm(&running);
    wait("all to be gone", || metric(running.address, "evermix_listeners") == 0.0);
    assert!(metric(running.address, "evermix_listeners_total") >= 100.0);
    wait("what they opened to be closed", || descriptors(running.child.id()) <= before + 2);
    // Nobody controls it without the token.
    assert_eq!(request(running.address, "POST", "/control/skip", "", "").status, 401);
    let token = "Authorization: Bearer open sesame\r\n";
    assert_eq!(request(running.address, "POST", "/control/skip", token, "").status, 202);
    let playing = running.history()[0]["id"].clone();
    let mut listening = Listening::tune(running.address, "/all.mp3", "");
    listening.bytes(10_000);
    let said = running.said.clone();
    let (status, took) = running.end("TERM");
    assert_eq!(status.code(), Some(0), "{}", said.lock().unwrap());
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert!(listening.closes(Duration::from_secs(1)));
    let said = said.lock().unwrap().clone();
    assert!(said.contains("now song") && !said.contains("panicked"), "{said}");
    let state = state(&desk);
    assert_eq!(state["playing"][0], playing);
    assert_eq!(state["history"].as_array().unwrap().len(), 1, "{state}");
}

/// Threads come and go with the songs; what each of their heaps kept grew for days.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn all_threads_of_a_stream_share_one_heap() {
    let desk = desk();
    let running = Running::start(&desk, &[]);
    wait("threads", || {
        std::fs::read_dir(format!("/proc/{}/task", running.child.id())).unwrap().count() > 3
    });
    assert_eq!(more_heaps(running.child.id()), 0);
    assert_eq!(running.end("TERM").0.code(), Some(0));
}

#[test]
fn after_a_kill_the_stream_goes_on_with_the_song_that_played() {
    let desk = desk();
    let running = Running::start(&desk, &[]);
    let path = desk.path("evermix-project/stream/state.json");
    let place = || -> f64 {
        let read = std::fs::read(&path).ok().and_then(|b| serde_json::from_slice::<Value>(&b).ok());
        read.and_then(|state| state["playing"][1].as_f64()).unwrap_or(0.0)
    };
    wait("a place worth remembering", || place() > 5.0);
    let before = running.history();
    let (status, _) = running.end("KILL");
    assert_eq!(status.signal(), Some(9));
    let (state, place) = (state(&desk), place());
    assert_eq!(state["playing"][0], before[0]["id"]);
    let again = Running::start(&desk, &[]);
    let after = again.history();
    assert_eq!(after.len(), 1, "the same song is not told twice: {after:?}");
    let same = |name: &str| assert_eq!(after[0][name], before[0][name], "{name}");
    ["id", "title", "artist", "colour"].into_iter().for_each(same);
    let apart = after[0]["time"].as_f64().unwrap() - before[0]["time"].as_f64().unwrap();
    assert!(apart.abs() < 1e-3, "it began when it began");
    let first = json(again.address, "/all.json")[0].clone();
    assert_eq!(first["tracks"][0]["metadata"]["id"], before[0]["id"]);
    let begins = first["tracks"][0]["start"].as_f64().unwrap();
    assert!((begins - place).abs() < 0.01, "{begins} s, not {place} s");
    wait("it to be well", || get(again.address, "/healthz").status == 200);
    // Nobody started it in the background, yet it is found.
    let status = desk.forever_command(&["status"]).output().unwrap();
    let status = String::from_utf8(status.stdout).unwrap();
    let well = format!("http://{}/ ok: 0 listeners, ", again.address);
    assert!(status.starts_with(&well) && !status.contains("log:"), "{status}");
    // A second one would play the same: it is told where the first one is.
    let words = ["stream", "music", "--bind", "127.0.0.1:0"];
    let second = desk.forever_command(&words).output().unwrap();
    assert_ne!(second.status.code(), Some(0));
    assert_eq!(again.end("INT").0.code(), Some(0));
    // What is torn or from another world counts for nothing.
    std::fs::write(&path, b"{\"schema\":1,\"playing\":[\"..").unwrap();
    let fresh = Running::start(&desk, &[]);
    assert_eq!(fresh.history().len(), 1);
    assert!(!fresh.said().contains("panicked"));
    fresh.end("KILL");
}
