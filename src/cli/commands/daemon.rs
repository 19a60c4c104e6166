//! `forever start`, `stop`, `restart` and `status`: the stream in the background.

use std::ffi::OsString;
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser as _;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::base::{Error, ErrorKind, Result};
use crate::cli::exit::Exit;
use crate::cli::forever_args::{ForeverCli, ForeverCommand};
use crate::cli::world::World;
use crate::net::{Url, request};
use crate::store::{DiskFs, Fs as _, Lock, write_atomic};

/// How long a stream may take to end, and a new one to know its songs.
const TO_END: Duration = Duration::from_secs(20);
const TO_BEGIN: Duration = Duration::from_secs(600);
const LOOK: Duration = Duration::from_millis(100);
/// A longer log is set aside when a stream begins.
const LONGEST_LOG: u64 = 16 << 20;
/// Lines of the log that are shown where a stream did not begin.
const LAST_LINES: usize = 5;
const MOST_BYTES: u64 = 1 << 20;

/// Where the stream of a project keeps what concerns its process.
pub struct Place {
    folder: PathBuf,
}

/// How a stream was started.
#[derive(Serialize, Deserialize)]
struct Started {
    folder: PathBuf,
    words: Vec<String>,
}

pub fn start(world: &World<'_>) -> Result<Exit> {
    let place = Place::of(world);
    if place.is_running()? {
        return Err(Error::new(ErrorKind::Busy, "the stream is running already")
            .hint("forever status, or forever restart"));
    }
    let words: Vec<OsString> = std::env::args_os().collect();
    let here =
        std::env::current_dir().map_err(|e| Error::io("cannot look at", Path::new("."), e))?;
    let started = Started { folder: here, words: as_stream(words)? };
    let text = serde_json::to_vec(&started).unwrap_or_default();
    let path = place.file("started.json");
    write_atomic(&DiskFs, &path, &text)?;
    // A token may be among the words.
    let own = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&path, own).map_err(|e| Error::io("cannot protect", &path, e))?;
    place.begin(world, &started)
}

/// The words of `forever start` without the program, as those of `forever stream`: all flags are
/// the same. Another word of them may be `start` too, a folder's name.
fn as_stream(words: Vec<OsString>) -> Result<Vec<String>> {
    let words = words.into_iter().map(|word| {
        word.into_string().map_err(|word| {
            Error::new(ErrorKind::Usage, "a word that is no text")
                .because(format!("{} cannot be kept for a restart", word.to_string_lossy()))
        })
    });
    let words: Vec<String> = words.collect::<Result<_>>()?;
    let candidates = (1..words.len()).filter(|&i| words[i] == "start").map(|i| {
        let mut said = words.clone();
        said[i] = "stream".to_string();
        said
    });
    let streams = |said: &Vec<String>| {
        let parsed = ForeverCli::try_parse_from(said);
        parsed.is_ok_and(|cli| matches!(cli.command, Some(ForeverCommand::Stream(_))))
    };
    let said = candidates.into_iter().find(streams);
    said.map(|said| said[1..].to_vec())
        .ok_or_else(|| Error::new(ErrorKind::Internal, "cannot tell how the stream was started"))
}

pub fn stop(world: &World<'_>) -> Result<Exit> {
    let place = Place::of(world);
    if !place.is_running()? {
        return Err(not_running());
    }
    place.end()?;
    world.talk.say("the stream has ended");
    Ok(Exit::OK)
}

pub fn restart(world: &World<'_>) -> Result<Exit> {
    let place = Place::of(world);
    let path = place.file("started.json");
    let bytes = DiskFs.read(&path, MOST_BYTES).map_err(|_| {
        Error::new(ErrorKind::Usage, "the stream was never started in this project")
            .hint("forever start MUSIC")
    })?;
    let started = serde_json::from_slice(&bytes).map_err(|e| {
        Error::new(ErrorKind::Corrupt, "cannot tell how the stream was started")
            .at(&path)
            .because(e.to_string())
            .hint("forever stop, and forever start MUSIC")
    })?;
    if place.is_running()? {
        place.end()?;
    }
    place.begin(world, &started)
}

pub fn status(world: &World<'_>) -> Result<Exit> {
    let place = Place::of(world);
    if !place.is_running()? {
        return Err(not_running());
    }
    let address = place.text("address");
    let health = address.trim().parse::<Url>().ok().and_then(|url| {
        let answer = request("GET", &url.at("/healthz"), "1.0", &[], &[]).ok()?;
        serde_json::from_slice::<serde_json::Value>(&answer.read().ok()?).ok()
    });
    if world.common.json {
        let pid = place.pid();
        let all = serde_json::json!({ "address": address.trim(), "pid": pid, "health": health });
        crate::cli::print(&format!("{all}\n"));
        return Ok(Exit::OK);
    }
    let told = match (&health, address.trim()) {
        (Some(health), address) => told(address, health),
        (None, "") => "the stream begins: it is not heard yet".to_string(),
        (None, address) => format!("{address} does not answer"),
    };
    let log = place.file("log.txt");
    // One that runs in a terminal tells all there.
    let log = if log.exists() { format!("\nlog: {}", log.display()) } else { String::new() };
    crate::cli::print(&format!("{told}{log}\n"));
    Ok(Exit::OK)
}

fn told(address: &str, health: &serde_json::Value) -> String {
    let number = |name: &str| health[name].as_f64().unwrap_or(0.0);
    format!(
        "{address} {}: {} listeners, {:.0} s ahead, {} songs{}",
        health["status"].as_str().unwrap_or("in an unknown state"),
        number("listeners"),
        number("lead"),
        health["songs"]["known"],
        lateness(health),
    )
}

/// What is played while the next song is not ready, if it is not.
fn lateness(health: &serde_json::Value) -> &'static str {
    if health["filler"]["now"] == true {
        return ", the mix is late: the last bars are played again";
    }
    let late = health["songs"]["late"] == true;
    if late { ", the next song is late: this one is played on" } else { "" }
}

fn not_running() -> Error {
    Error::new(ErrorKind::Missing, "the stream is not running").hint("forever start MUSIC")
}

impl Place {
    fn of(world: &World<'_>) -> Place {
        Place { folder: world.project().join("stream") }
    }

    /// Takes the place for this process, which has locked it: from now on `stop` ends no other
    /// one, and `status` does not ask where an earlier stream was heard.
    ///
    /// # Errors
    /// `Io` naming the file.
    pub fn begun(world: &World<'_>) -> Result<Place> {
        let place = Place::of(world);
        let pid = format!("{}\n", std::process::id());
        write_atomic(&DiskFs, &place.file("pid"), pid.as_bytes())?;
        let _ = std::fs::remove_file(place.file("address"));
        Ok(place)
    }

    /// Notes where the stream is heard, for `status`.
    ///
    /// # Errors
    /// `Io` naming the file.
    pub fn heard_at(&self, address: SocketAddr) -> Result<()> {
        write_atomic(&DiskFs, &self.file("address"), format!("http://{address}/\n").as_bytes())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn text(&self, name: &str) -> String {
        let bytes = DiskFs.read(&self.file(name), MOST_BYTES).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A stream holds the lock of its folder: a number in a file may be that of another process.
    fn is_running(&self) -> Result<bool> {
        match Lock::take(&self.folder) {
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::Busy => Ok(true),
            Err(error) => Err(error),
        }
    }

    fn pid(&self) -> Option<i32> {
        self.text("pid").trim().parse().ok()
    }

    fn end(&self) -> Result<()> {
        let failed = |why: &str| {
            Error::new(ErrorKind::Busy, "the stream does not end").because(why.to_string())
        };
        let pid = self.pid().and_then(Pid::from_raw);
        let pid =
            pid.ok_or_else(|| failed("its number is not known: end it where it was begun"))?;
        kill_process(pid, Signal::TERM).map_err(|e| failed(&e.to_string()))?;
        let (since, mut again) = (Instant::now(), false);
        while self.is_running()? {
            if since.elapsed() > TO_END / 2 && !again {
                // Something in it hangs: the second signal does not wait for that.
                again = true;
                let _ = kill_process(pid, Signal::TERM);
            }
            if since.elapsed() > TO_END {
                return Err(failed("it does not heed the signal").hint(format!("kill -9 {pid}")));
            }
            std::thread::sleep(LOOK);
        }
        // The next one writes it anew.
        let _ = std::fs::remove_file(self.file("pid"));
        Ok(())
    }

    /// Begins a stream and waits until it can be heard.
    fn begin(&self, world: &World<'_>, started: &Started) -> Result<Exit> {
        let log = self.file("log.txt");
        if std::fs::metadata(&log).is_ok_and(|meta| meta.len() > LONGEST_LOG) {
            let before = self.file("log.before.txt");
            std::fs::rename(&log, &before).map_err(|e| Error::io("cannot move", &log, e))?;
        }
        let open = |path: &Path, append: bool| {
            let mut options = File::options();
            options.create(true).write(true).append(append).truncate(!append);
            options.open(path).map_err(|e| Error::io("cannot write", path, e))
        };
        let address = open(&self.file("address"), false)?;
        let child = Command::new(this_program()?)
            .args(&started.words)
            .current_dir(&started.folder)
            .stdin(Stdio::null())
            .stdout(address)
            .stderr(open(&log, true)?)
            // Signals of this terminal are none of its business.
            .process_group(0)
            .spawn()
            .map_err(|e| Error::io("cannot begin", Path::new("forever"), e))?;
        self.wait(world, child)
    }

    fn wait(&self, world: &World<'_>, mut child: Child) -> Result<Exit> {
        let since = Instant::now();
        loop {
            let address = self.text("address");
            if address.ends_with('\n') {
                world.talk.say(&format!("streaming; log: {}", self.file("log.txt").display()));
                crate::cli::print(&address);
                return Ok(Exit::OK);
            }
            let ended = child.try_wait().is_ok_and(|ended| ended.is_some());
            if ended || since.elapsed() > TO_BEGIN {
                let log = self.text("log.txt");
                let lines: Vec<&str> = log.lines().collect();
                let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("; ");
                return Err(Error::new(ErrorKind::Internal, "the stream did not begin")
                    .at(self.file("log.txt"))
                    .because(last));
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn this_program() -> Result<PathBuf> {
    std::env::current_exe().map_err(|e| Error::io("cannot find", Path::new("forever"), e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_told_from_folders_of_its_name() {
        let as_stream = |line: &str| as_stream(line.split(' ').map(OsString::from).collect());
        let same = [
            ("forever start music --seed 5", "stream music --seed 5"),
            ("forever start start", "stream start"),
            ("forever --project start start start -q", "--project start stream start -q"),
        ];
        for (typed, meant) in same {
            assert_eq!(as_stream(typed).unwrap().join(" "), meant);
        }
    }
}
