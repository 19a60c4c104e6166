//! Disks that are full or closed to us, and outputs that cannot be.

use crate::common::{Desk, Ran, files};
use crate::program::{AUTO, assert_same, made, run, small_desk};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

#[test]
fn a_folder_as_output_is_refused_before_any_work() {
    let desk = small_desk();
    std::fs::create_dir(desk.path("out.wav")).unwrap();
    let ran = run(&desk, &AUTO);
    assert_eq!(ran.code(), 2, "{}", ran.err());
    assert!(ran.err().contains("out.wav") && ran.err().contains("folder"), "{}", ran.err());
    assert!(!desk.path("evermix-project").exists());
    std::fs::remove_dir(desk.path("out.wav")).unwrap();
    desk.ok(&AUTO);
    std::fs::create_dir(desk.path("dir.wav")).unwrap();
    assert_eq!(run(&desk, &["generate-remix", "0.5", "8", "dir.wav"]).code(), 2);
}

#[test]
fn a_file_where_a_folder_must_be_is_named() {
    let desk = small_desk();
    std::fs::write(desk.path("evermix-project"), "I am a file").unwrap();
    let ran = run(&desk, &AUTO);
    assert_eq!(ran.code(), 6, "{}", ran.err());
    assert!(ran.err().contains("evermix-project"), "{}", ran.err());
    assert_eq!(desk.read("evermix-project"), b"I am a file");
    let ran = run(&desk, &["auto", "music", "-o", "evermix-project/out.wav", "--project", "p"]);
    assert_eq!(ran.code(), 6, "{}", ran.err());
    assert!(ran.err().contains("evermix-project"), "{}", ran.err());
}

#[test]
fn a_link_as_output_is_replaced_and_what_it_pointed_to_left_alone() {
    let desk = small_desk();
    desk.ok(&AUTO);
    symlink("/dev/full", desk.path("link.wav")).unwrap();
    std::fs::write(desk.path("precious"), "do not touch").unwrap();
    symlink("precious", desk.path("other.wav")).unwrap();
    for name in ["link.wav", "other.wav"] {
        desk.ok(&["generate-remix", "0.5", "8", name, "--seed", "1"]);
        assert!(desk.path(name).symlink_metadata().unwrap().is_file());
    }
    assert_eq!(desk.read("precious"), b"do not touch");
}

#[test]
fn results_that_cannot_be_printed_are_no_success() {
    let desk = small_desk();
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(_) = full() else {
        eprintln!("SKIPPED: no /dev/full here");
        return;
    };
    desk.ok(&AUTO);
    for words in [
        &["analyze", "music", "--json"][..],
        &["generate-remix", "0.5", "8", "o.wav"],
        &["config", "show"],
        &["completions", "bash"],
        &["separate", "music", "s", "--dry-run"],
    ] {
        let mut command = desk.command(words);
        let ran = Ran(command.stdout(full().unwrap()).output().unwrap());
        assert_eq!(ran.code(), 6, "{words:?}: {}", ran.err());
        assert!(ran.err().contains("the disk is full"), "{}", ran.err());
    }
    // Talk that nobody hears changes nothing.
    let mut command = desk.command(&["segment", "music", "beats"]);
    assert_eq!(command.stderr(full().unwrap()).status().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_went_away_is_no_failure() {
    let desk = small_desk();
    let mut child = desk.command(&["config", "show"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn variables_that_are_no_text_do_no_harm() {
    let desk = small_desk();
    let odd = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let mut command = desk.command(&["config", "show"]);
    let ran = Ran(command.env("SOMETHING", odd).env(odd, "x").output().unwrap());
    assert_eq!(ran.code(), 0, "{}", ran.err());
    let mut command = desk.command(&["config", "show"]);
    let ran = Ran(command.env("EVERMIX_BEATS", odd).output().unwrap());
    assert_eq!(ran.code(), 2, "{}", ran.err());
    assert!(ran.err().contains("EVERMIX_BEATS"), "{}", ran.err());
}

#[test]
fn enormous_inputs_are_refused_by_a_named_limit_without_reading_them() {
    let desk = small_desk();
    let huge = |name: &str| {
        // Holes take no room on the disk.
        std::fs::File::create(desk.path(name)).unwrap().set_len(64 << 30).unwrap();
    };
    huge("music/huge.wav");
    huge("list.m3u");
    let ran = run(&desk, &["segment", "music", "list.m3u", "beats"]);
    assert_eq!(ran.code(), 3, "{}", ran.err());
    assert!(ran.err().contains("huge.wav: skipped: file too large"), "{}", ran.err());
    assert!(ran.err().contains("playlist too large"), "{}", ran.err());
    std::fs::create_dir(desk.path("evermix-project")).unwrap();
    huge("evermix-project/evermix.toml");
    let ran = run(&desk, &["config", "show"]);
    assert_eq!(ran.code(), 6, "{}", ran.err());
    assert!(ran.err().contains("evermix.toml"), "{}", ran.err());
}

/// Runs the program as somebody who may not do everything. `None` where that cannot be arranged.
fn unprivileged(desk: &Desk, words: &[&str]) -> Option<Ran> {
    let open = |name: &str, mode| {
        let path = desk.path(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open("", 0o755);
    let probe = desk.path("probe");
    std::fs::write(&probe, "").unwrap();
    open("probe", 0o000);
    let binds = std::fs::read(&probe).is_err();
    std::fs::remove_file(&probe).unwrap();
    let mut command = desk.command(words);
    if !binds {
        // We are root: let the child be nobody.
        command.uid(65_534).gid(65_534);
    }
    match command.output() {
        Ok(output) => Some(Ran(output)),
        Err(e) => {
            eprintln!("SKIPPED: cannot run as somebody else: {e}");
            None
        }
    }
}

#[test]
fn folders_closed_to_us_are_named_and_nothing_is_lost() {
    let desk = small_desk();
    desk.ok(&AUTO);
    let before = made(&desk);
    let mode = |name: &str, mode| {
        let path = desk.path(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    // The project may be read only: making another remix of it needs no more.
    std::fs::create_dir(desk.path("open")).unwrap();
    mode("open", 0o777);
    for folder in ["evermix-project", "evermix-project/beats", "evermix-project/dataset"] {
        mode(folder, 0o555);
    }
    let words = ["generate-remix", "0.5", "8", "open/out.wav"];
    let Some(ran) = unprivileged(&desk, &words) else { return };
    assert_eq!(ran.code(), 0, "{}", ran.err());
    assert_eq!(files(&desk.path("open")).len(), 4);
    std::fs::create_dir(desk.path("closed")).unwrap();
    mode("closed", 0o555);
    for (words, named) in [
        (&["generate-remix", "0.5", "8", "closed/out.wav"][..], "closed/out.wav"),
        (&["auto", "music", "-o", "open/a.wav"], "evermix-project"),
        (&["segment", "music", "closed/beats"], "closed"),
        (&["segment", "music", "closed"], "closed"),
        (&["fit-nearest-neighbours", "--weights", "harmony=2"], "index.evx"),
    ] {
        let ran = unprivileged(&desk, words).unwrap();
        assert_eq!(ran.code(), 6, "{words:?}: {}", ran.err());
        assert!(ran.err().contains(named), "{words:?}: {}", ran.err());
        assert!(ran.err().contains("denied"), "{words:?}: {}", ran.err());
    }
    let mut after = made(&desk);
    after.retain(|path, _| !path.starts_with("open"));
    assert_same(&after, &before, "closed folders");
    mode("music/s1.wav", 0o000);
    let ran = unprivileged(&desk, &["segment", "music", "open/beats"]).unwrap();
    assert_eq!(ran.code(), 3, "{}", ran.err());
    assert!(ran.err().contains("s1.wav") && ran.err().contains("denied"), "{}", ran.err());
}

/// Runs a script of the shell where it may mount file systems; says so aloud where nobody may.
fn with_mounts(desk: &Desk, script: &str) -> Option<Ran> {
    let shell = |flags: &str| {
        let mut command = Command::new("unshare");
        let command = command.args([flags, "sh", "-c", script]).current_dir(desk.path(""));
        command.output().ok().map(Ran).filter(|ran| ran.code() != 99 && ran.code() != 1)
    };
    let ran = shell("-m").or_else(|| shell("-rm"));
    if ran.is_none() {
        eprintln!("SKIPPED: no file system can be mounted here");
    }
    ran
}

#[test]
fn a_disk_that_runs_full_is_called_that_and_keeps_what_was_there() {
    let desk = small_desk();
    desk.ok(&AUTO);
    std::fs::create_dir(desk.path("small")).unwrap();
    let program = env!("CARGO_BIN_EXE_remix");
    // The disk exists for this shell only, and goes with it.
    let script = format!(
        "mount -t tmpfs -o size=256k none small || exit 99\n\
         echo old > small/out.wav\n\
         '{program}' generate-remix 0.5 400 small/out.wav; code=$?\n\
         ls -A small; cat small/out.wav; exit $code"
    );
    let Some(ran) = with_mounts(&desk, &script) else { return };
    assert_eq!(ran.code(), 6, "{}", ran.err());
    assert!(ran.err().contains("the disk is full"), "{}", ran.err());
    assert!(ran.err().contains("small/out.wav"), "{}", ran.err());
    assert_eq!(ran.out(), "out.wav\nold\n", "the old file stays, and nothing else");
}

#[test]
fn work_that_cannot_fit_on_the_disk_is_refused_before_it_begins() {
    let desk = small_desk();
    std::fs::create_dir(desk.path("small")).unwrap();
    let program = env!("CARGO_BIN_EXE_remix");
    let script = format!(
        "mount -t tmpfs -o size=256k none small || exit 99\n\
         '{program}' separate music small/stems; code=$?\n\
         find small -type f ! -name .lock; exit $code"
    );
    let Some(ran) = with_mounts(&desk, &script) else { return };
    assert_eq!(ran.code(), 6, "{}", ran.err());
    assert!(ran.err().contains("are needed"), "{}", ran.err());
    assert_eq!(ran.out(), "", "nothing was written");
}
