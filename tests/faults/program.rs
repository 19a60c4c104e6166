//! The program as a child that can be watched, killed and sent signals.

use crate::common::{Desk, Ran, files};
use crate::stages::{Files, is_temporary, tiny};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Long past anything the tests do: who takes longer hangs.
const HANGS: Duration = Duration::from_secs(60);

pub const AUTO: [&str; 8] =
    ["auto", "music", "-o", "out.wav", "--beats", "8", "--progress", "json"];

/// A desk with two tiny songs, in memory.
pub fn small_desk() -> Desk {
    let desk = Desk::in_memory();
    tiny(120.0, 0).write(&desk.path("music/s0.wav"));
    tiny(126.0, 5).write(&desk.path("music/s1.wav"));
    desk
}

/// Everything the program made: all but the songs, what it put aside as damaged, and the cache,
/// which remembers songs that are gone.
pub fn made(desk: &Desk) -> Files {
    let mut files = desk.snapshot("");
    let damaged = |path: &Path| path.extension().is_some_and(|e| e == "damaged");
    let outside = |path: &Path| path.starts_with("music") || path.starts_with("cache");
    files.retain(|path, _| !outside(path) && !damaged(path));
    files
}

/// Takes away everything the program made.
pub fn clear(desk: &Desk) {
    for entry in std::fs::read_dir(desk.path("")).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("music") {
            continue;
        }
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
    }
}

/// Puts back what `made` said.
pub fn restore(desk: &Desk, files: &Files) {
    clear(desk);
    for (path, bytes) in files {
        let path = desk.path("").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

/// Names with equal and unequal contents, for messages: never megabytes of samples.
pub fn assert_same(found: &Files, wanted: &Files, case: &str) {
    let missing: Vec<_> = wanted.keys().filter(|p| !found.contains_key(*p)).collect();
    let extra: Vec<_> = found.keys().filter(|p| !wanted.contains_key(*p)).collect();
    let other: Vec<_> = wanted
        .iter()
        .filter(|(p, b)| found.get(*p).is_some_and(|f| f != *b))
        .map(|w| w.0)
        .collect();
    let same = missing.is_empty() && extra.is_empty() && other.is_empty();
    assert!(same, "{case}: missing {missing:?}, too many {extra:?}, different {other:?}");
}

pub fn temporary_files(desk: &Desk) -> Vec<PathBuf> {
    files(&desk.path("")).into_iter().filter(|p| is_temporary(p)).collect()
}

pub fn send(signal: &str, id: u32) {
    let sent = Command::new("kill").args(["-s", signal, &id.to_string()]).output().unwrap();
    assert!(sent.status.success(), "{sent:?}");
}

/// A running program whose progress is read event by event.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
    since: Instant,
}

impl Running {
    pub fn start(mut command: Command) -> Running {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            // Bytes that are no text would be a defect; the test sees them as such.
            for line in stderr.split(b'\n').map_while(Result::ok) {
                let _ = send.send(String::from_utf8_lossy(&line).into_owned() + "\n");
            }
        });
        Running { child, lines, said: String::new(), since: Instant::now() }
    }

    /// Waits for so many lines on stderr, or for the end of it.
    pub fn wait_for_lines(&mut self, count: usize) {
        for _ in 0..count {
            match self.lines.recv_timeout(HANGS) {
                Ok(line) => self.said.push_str(&line),
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => self.give_up(),
            }
        }
    }

    fn give_up(&mut self) -> ! {
        let _ = self.child.kill();
        panic!("it hangs:\n{}", self.said);
    }

    /// Sends a signal by name, unless the program has ended.
    pub fn signal(&mut self, name: &str) {
        self.since = Instant::now();
        if !self.has_ended() {
            send(name, self.child.id());
        }
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end. Returns how long it took since the last signal.
    pub fn end(mut self) -> (Ran, Duration) {
        let mut out = self.child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).unwrap();
            bytes
        });
        self.wait_for_lines(usize::MAX);
        let started = Instant::now();
        while !self.has_ended() {
            if started.elapsed() > HANGS {
                self.give_up();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let took = self.since.elapsed();
        let status = self.child.wait().unwrap();
        let output = Output { status, stdout: reader.join().unwrap(), stderr: self.said.into() };
        (Ran(output), took)
    }
}

/// Runs to the end; a program that hangs fails the test instead of stopping it.
pub fn run(desk: &Desk, words: &[&str]) -> Ran {
    Running::start(desk.command(words)).end().0
}

/// How many lines of progress an undisturbed run has.
pub fn count_lines(ran: &Ran) -> usize {
    ran.err().lines().count()
}
