//! Asked to stop, the program stops soon, leaves nothing half done and says how to go on.

use crate::common::{Desk, Ran, Song};
use crate::program::{
    AUTO, Running, assert_same, clear, made, run, send, small_desk, temporary_files,
};
use crate::stages::tiny;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The figure is two seconds; test machines are slow and shared.
const SOON: Duration = Duration::from_secs(6);

/// A remix long enough that it is not over before the signal comes.
const LONG: [&str; 8] = ["auto", "music", "-o", "out.wav", "--beats", "400", "--progress", "json"];

/// Lines of progress to wait for: five before the remix is rendered, five while it is.
fn points(whole: &Ran) -> Vec<usize> {
    let said = whole.err();
    let rendering = said.lines().position(|l| l.contains("generate-remix")).unwrap();
    let before = (0..5).map(|i| 1 + i * rendering / 5);
    before.chain((0..5).map(|i| rendering + 3 + 10 * i)).collect()
}

fn stop_at_many_points(signal: &str, code: i32) {
    let desk = small_desk();
    let whole = desk.ok(&LONG);
    let wanted = made(&desk);
    for lines in points(&whole) {
        clear(&desk);
        let mut running = Running::start(desk.command(&LONG));
        running.wait_for_lines(lines);
        running.signal(signal);
        let (ran, took) = running.end();
        assert_eq!(ran.code(), code, "after {lines} lines: {}", ran.err());
        assert!(took < SOON, "{took:?}");
        assert_eq!(ran.out(), "", "nothing was made");
        assert!(ran.err().contains("run the same command again"), "{}", ran.err());
        assert_eq!(temporary_files(&desk), Vec::<PathBuf>::new());
        assert!(!desk.path("out.wav").exists());
        let ran = run(&desk, &LONG);
        assert_eq!(ran.code(), 0, "{}", ran.err());
        assert_same(&made(&desk), &wanted, signal);
    }
}

#[test]
fn control_c_at_any_moment_stops_cleanly() {
    stop_at_many_points("INT", 130);
}

#[test]
fn a_polite_kill_at_any_moment_stops_cleanly() {
    stop_at_many_points("TERM", 143);
}

#[test]
fn finished_songs_are_kept_when_the_program_is_stopped() {
    let desk = Desk::in_memory();
    for (i, bpm) in [100.0, 120.0].into_iter().enumerate() {
        let song = Song { seconds: 90.0, ..tiny(bpm, i) };
        song.write(&desk.path(&format!("music/s{i}.wav")));
    }
    let words = ["separate", "music", "stems", "--progress", "json", "--threads", "1"];
    let mut running = Running::start(desk.command(&words));
    let finished = |i: usize| desk.path(&format!("stems/s{i}.wav/s{i}.wav.json")).exists();
    while !finished(0) && !finished(1) && !running.has_ended() {
        running.wait_for_lines(1);
    }
    running.signal("INT");
    let ran = running.end().0;
    assert_eq!(ran.code(), 130, "{}", ran.err());
    let ran = desk.ok(&["separate", "music", "stems", "--json"]);
    assert_eq!((ran.json()["made"].as_u64(), ran.json()["reused"].as_u64()), (Some(1), Some(1)));
}

/// Whether the process catches SIGINT by now.
fn is_listening(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|l| l.strip_prefix("SigCgt:"));
    caught.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).is_some_and(|s| s & 2 != 0)
}

#[test]
fn a_second_control_c_ends_even_a_program_that_hears_nothing() {
    if !Path::new("/proc/self/status").exists() {
        eprintln!("SKIPPED: no /proc here");
        return;
    }
    let desk = small_desk();
    // Whoever writes to a full pipe that nobody reads waits forever.
    let (_reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b' '; 1 << 16]).unwrap();
    let mut command = desk.command(&AUTO);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(writer);
    let mut child = command.spawn().unwrap();
    let mut waited = 0;
    while !is_listening(child.id()) && waited < 2_000 {
        std::thread::sleep(Duration::from_millis(5));
        waited += 1;
    }
    send("INT", child.id());
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "it was meant to hang");
    send("INT", child.id());
    let since = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(since.elapsed() < SOON, "still there");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(child.wait().unwrap().signal(), Some(2));
}
